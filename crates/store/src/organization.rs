//! Organizations. Their divisions are in `division`.

use countersign_decision::{Enforcement, Scope};
use countersign_domain::id::OrganizationId;
use countersign_domain::organization::Organization;
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor};

use crate::change::{Author, Event, OrgWriter};
use crate::column::{Columns, enforcement_name, parse_enforcement};
use crate::db::Transaction;
use crate::{OrgStore, StoreError, SystemStore};

pub use countersign_domain::organization::PLATFORM_ORGANIZATION;

/// An organization to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrganization {
    /// Stable slug.
    pub id: OrganizationId,
    /// Name for people.
    pub name: String,
    /// Whether the scopes that administrators granted to apps are enforced.
    pub enforcement: Enforcement,
    /// The division of objects that name none.
    pub home_division: String,
}

impl OrgStore<'_> {
    /// The organization itself.
    pub async fn organization(&self) -> Result<Organization, StoreError> {
        let organization = find_organization(self.database.readers(), &self.organization).await?;
        organization.ok_or(StoreError::NotFound { what: "organization" })
    }

    /// Sets how scopes are enforced; `bounds_client_credentials` stays as it is when it is `None`.
    pub async fn set_enforcement(
        &self,
        enforcement: Enforcement,
        bounds_client_credentials: Option<bool>,
    ) -> Result<Organization, StoreError> {
        self.change(move |mut writer| async move {
            let organization = writer.set_enforcement(enforcement, bounds_client_credentials).await?;
            writer.commit(organization).await
        })
        .await
    }
}

impl SystemStore<'_> {
    /// Every organization, by id; the platform's own, `countersign`, is one of them.
    pub async fn organizations(&self) -> Result<Vec<Organization>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id, name, enforcement, bounds_client_credentials, is_active, revision, created_at
               FROM organizations
              ORDER BY org_id",
        )
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(organization).collect()
    }

    /// One organization.
    pub async fn organization(&self, id: &OrganizationId) -> Result<Option<Organization>, StoreError> {
        find_organization(self.database.readers(), id).await
    }

    /// Makes an organization with its home division and an authorization of the console for `console_scopes`.
    ///
    /// # Errors
    /// `Conflict` when there is one with this id.
    pub async fn create_organization(
        &self,
        new: &NewOrganization,
        console_scopes: &[Scope],
    ) -> Result<Organization, StoreError> {
        let actor = &self.task.actor();
        self.database
            .write(|transaction| async move {
                let author = Author { organization: &new.id, actor, now: self.now, entropy: self.entropy };
                let mut writer = OrgWriter::create(transaction, author, new).await?;
                writer.create_division(&new.home_division, true).await?;
                writer.authorize_console(console_scopes).await?;
                let mut transaction = writer.finish().await?;
                let made = find_organization(&mut *transaction, &new.id).await?;
                transaction.commit().await?;
                made.ok_or(StoreError::NotFound { what: "organization" })
            })
            .await
    }
}

impl<'w> OrgWriter<'w> {
    /// Makes the organization's row and locks it.
    pub(crate) async fn create(
        mut transaction: Transaction,
        author: Author<'w>,
        new: &NewOrganization,
    ) -> Result<Self, StoreError> {
        let made = sqlx::query(
            "INSERT INTO organizations (org_id, name, enforcement, bounds_client_credentials, is_active, revision,
                                        created_at)
             VALUES ($1, $2, $3, 1, 1, 0, $4)
             ON CONFLICT (org_id) DO NOTHING",
        )
        .bind(new.id.as_str())
        .bind(&new.name)
        .bind(enforcement_name(new.enforcement))
        .bind(author.now.as_micros())
        .execute(&mut *transaction)
        .await?;
        if made.rows_affected() == 0 {
            return Err(StoreError::Conflict { what: "another organization has this id" });
        }
        let mut writer = Self::lock(transaction, author).await?;
        let after = writer.organization().await?;
        writer.record(event("organization.create", &after, Value::Null));
        Ok(writer)
    }

    pub(crate) async fn organization(&mut self) -> Result<Organization, StoreError> {
        let organization = find_organization(&mut *self.transaction, self.organization).await?;
        organization.ok_or(StoreError::NotFound { what: "organization" })
    }

    pub(crate) async fn set_enforcement(
        &mut self,
        enforcement: Enforcement,
        bounds_client_credentials: Option<bool>,
    ) -> Result<Organization, StoreError> {
        let before = self.organization().await?;
        let bounds = bounds_client_credentials.unwrap_or(before.bounds_client_credentials);
        if (enforcement, bounds) == (before.enforcement, before.bounds_client_credentials) {
            return Ok(before);
        }
        sqlx::query(
            "UPDATE organizations
                SET enforcement = $2, bounds_client_credentials = $3
              WHERE org_id = $1",
        )
        .bind(self.organization.as_str())
        .bind(enforcement_name(enforcement))
        .bind(i64::from(bounds))
        .execute(&mut *self.transaction)
        .await?;
        let after = self.organization().await?;
        self.record(event("organization.set_enforcement", &after, picture(&before)));
        Ok(after)
    }

    pub(crate) async fn rename_organization(&mut self, name: &str) -> Result<(), StoreError> {
        let before = self.organization().await?;
        sqlx::query("UPDATE organizations SET name = $2 WHERE org_id = $1")
            .bind(self.organization.as_str())
            .bind(name)
            .execute(&mut *self.transaction)
            .await?;
        let after = self.organization().await?;
        self.record(event("organization.rename", &after, picture(&before)));
        Ok(())
    }
}

pub(crate) async fn find_organization(
    executor: impl Executor<'_, Database = Any>,
    id: &OrganizationId,
) -> Result<Option<Organization>, StoreError> {
    let row = sqlx::query(
        "SELECT org_id, name, enforcement, bounds_client_credentials, is_active, revision, created_at
           FROM organizations
          WHERE org_id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(organization).transpose()
}

fn organization(row: &AnyRow) -> Result<Organization, StoreError> {
    Ok(Organization {
        id: row.id("org_id")?,
        name: row.text("name")?,
        enforcement: row.named("enforcement", parse_enforcement)?,
        bounds_client_credentials: row.flag("bounds_client_credentials")?,
        is_active: row.flag("is_active")?,
        revision: row.number("revision")?,
        created_at: row.instant("created_at")?,
    })
}

fn event(action: &'static str, after: &Organization, before: Value) -> Event {
    Event {
        action: action.into(),
        entity: "organization".into(),
        entity_id: after.id.to_string(),
        before,
        after: picture(after),
    }
}

fn picture(organization: &Organization) -> Value {
    json!({
        "name": organization.name,
        "enforcement": enforcement_name(organization.enforcement),
        "boundsClientCredentials": organization.bounds_client_credentials,
        "isActive": organization.is_active,
    })
}
