//! Divisions: the parts of an organization's objects. Exactly one is home.

use countersign_domain::id::{DivisionId, OrganizationId};
use countersign_domain::organization::Division;
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor};

use crate::change::{Event, OrgWriter};
use crate::column::Columns;
use crate::error::conflict;
use crate::{OrgStore, StoreError};

impl OrgStore<'_> {
    /// Makes a division. `Conflict` when another one has the name.
    pub async fn create_division(&self, name: &str) -> Result<Division, StoreError> {
        self.change(|mut writer| async move {
            let division = writer.create_division(name, false).await?;
            writer.commit(division).await
        })
        .await
    }

    /// All divisions, the home division first, then by name.
    pub async fn divisions(&self) -> Result<Vec<Division>, StoreError> {
        find_divisions(self.database.readers(), &self.organization).await
    }

    /// The division of objects that name none.
    pub async fn home_division(&self) -> Result<Division, StoreError> {
        let home = self.divisions().await?.into_iter().find(|division| division.is_home);
        home.ok_or(StoreError::NotFound { what: "organization" })
    }

    /// One division.
    pub async fn division(&self, id: &DivisionId) -> Result<Option<Division>, StoreError> {
        Ok(self.divisions().await?.into_iter().find(|division| division.id == *id))
    }
}

impl OrgWriter<'_> {
    pub(crate) async fn divisions(&mut self) -> Result<Vec<Division>, StoreError> {
        find_divisions(&mut *self.transaction, self.organization).await
    }

    pub(crate) async fn rename_division(&mut self, division: &Division, name: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE divisions SET name = $3 WHERE org_id = $1 AND division_id = $2")
            .bind(self.organization.as_str())
            .bind(division.id.as_str())
            .bind(name)
            .execute(&mut *self.transaction)
            .await?;
        let after = Division { name: name.to_owned(), ..division.clone() };
        self.record(division_event("division.rename", &division.id, Some(division), Some(&after)));
        Ok(())
    }

    /// Makes another division the one of objects that name none.
    pub(crate) async fn move_home(&mut self, home: &Division) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE divisions
                SET is_home = CASE WHEN division_id = $2 THEN 1 ELSE 0 END
              WHERE org_id = $1",
        )
        .bind(self.organization.as_str())
        .bind(home.id.as_str())
        .execute(&mut *self.transaction)
        .await?;
        let after = Division { is_home: true, ..home.clone() };
        self.record(division_event("division.make_home", &home.id, Some(home), Some(&after)));
        Ok(())
    }

    /// Deletes a division that is not home; users in it go home, role assignments in it end.
    pub(crate) async fn delete_division(&mut self, division: &Division) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE users
                SET division_id = (SELECT division_id FROM divisions WHERE org_id = $1 AND is_home = 1)
              WHERE org_id = $1
                AND division_id = $2",
        )
        .bind(self.organization.as_str())
        .bind(division.id.as_str())
        .execute(&mut *self.transaction)
        .await?;
        self.delete_assignments_in(&division.id).await?;
        sqlx::query("DELETE FROM divisions WHERE org_id = $1 AND division_id = $2")
            .bind(self.organization.as_str())
            .bind(division.id.as_str())
            .execute(&mut *self.transaction)
            .await?;
        self.record(division_event("division.delete", &division.id, Some(division), None));
        Ok(())
    }

    pub(crate) async fn create_division(&mut self, name: &str, is_home: bool) -> Result<Division, StoreError> {
        let id = DivisionId::generate(self.now, self.entropy);
        sqlx::query(
            "INSERT INTO divisions (org_id, division_id, name, description, is_home, created_at)
             VALUES ($1, $2, $3, '', $4, $5)",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(name)
        .bind(i64::from(is_home))
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await
        .map_err(conflict("another division has this name"))?;
        let division = Division { id, name: name.to_owned(), description: String::new(), is_home };
        self.record(division_event("division.create", &division.id, None, Some(&division)));
        Ok(division)
    }
}

async fn find_divisions(
    executor: impl Executor<'_, Database = Any>,
    id: &OrganizationId,
) -> Result<Vec<Division>, StoreError> {
    let rows = sqlx::query(
        "SELECT division_id, name, description, is_home
           FROM divisions
          WHERE org_id = $1
          ORDER BY is_home DESC, name, division_id",
    )
    .bind(id.as_str())
    .fetch_all(executor)
    .await?;
    rows.iter().map(division).collect()
}

fn division(row: &AnyRow) -> Result<Division, StoreError> {
    Ok(Division {
        id: row.id("division_id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        is_home: row.flag("is_home")?,
    })
}

fn division_event(action: &'static str, id: &DivisionId, before: Option<&Division>, after: Option<&Division>) -> Event {
    let picture = |division: &Division| json!({ "name": division.name, "isHome": division.is_home });
    Event {
        action: action.into(),
        entity: "division".into(),
        entity_id: id.to_string(),
        before: before.map_or(Value::Null, picture),
        after: after.map_or(Value::Null, picture),
    }
}
