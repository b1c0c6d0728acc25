//! Who holds which role in which division.

use std::collections::BTreeMap;

use countersign_domain::id::{DivisionId, OrganizationId, RoleId, UserId};
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::{Assignee, Role, RoleAssignment};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor};

use crate::change::{Event, OrgWriter};
use crate::column::Columns;
use crate::role::role;
use crate::{OrgStore, StoreError};

/// Roles and divisions by the id of the user or client that holds them.
pub(crate) type RolesById = BTreeMap<String, Vec<(RoleId, DivisionScope)>>;

impl OrgStore<'_> {
    /// How many users hold each role, in whichever division; roles that nobody holds are absent.
    pub async fn role_user_counts(&self) -> Result<BTreeMap<RoleId, i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT role_id, COUNT(DISTINCT assignee_id) AS users
               FROM role_assignments
              WHERE org_id = $1
                AND assignee_kind = 'user'
              GROUP BY role_id",
        )
        .bind(self.organization.as_str())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(|row| Ok((row.id("role_id")?, row.number("users")?))).collect()
    }

    /// The roles of a user or client, by role id. Empty for unknown ones.
    pub async fn assignments_of(&self, assignee: &Assignee) -> Result<Vec<RoleAssignment>, StoreError> {
        find_assignments(self.database.readers(), &self.organization, assignee).await
    }

    /// The same with the roles themselves.
    pub async fn roles_of(&self, assignee: &Assignee) -> Result<Vec<(RoleAssignment, Role)>, StoreError> {
        let rows = sqlx::query(
            "SELECT a.division_id, a.created_at AS assigned_at,
                    r.org_id, r.role_id, r.name, r.description, r.policies, r.created_at, r.modified_at
               FROM role_assignments a
               JOIN roles r ON r.org_id = a.org_id AND r.role_id = a.role_id
              WHERE a.org_id = $1
                AND a.assignee_kind = $2
                AND a.assignee_id = $3
              ORDER BY a.role_id, a.division_id",
        )
        .bind(self.organization.as_str())
        .bind(assignee.kind())
        .bind(assignee.id())
        .fetch_all(self.database.readers())
        .await?;
        let held = |row: &AnyRow| Ok((assignment(row, assignee, "assigned_at")?, role(row)?));
        rows.iter().map(held).collect()
    }

    /// The divisions in which somebody holds a role, each once.
    pub async fn divisions_of_role(&self, id: &RoleId) -> Result<Vec<DivisionScope>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT division_id
               FROM role_assignments
              WHERE org_id = $1
                AND role_id = $2
              ORDER BY division_id",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(division_scope).collect()
    }

    /// Makes `roles` the user's only roles. Those held before keep their divisions, new ones hold in `division`.
    ///
    /// # Errors
    /// `NotFound` for an unknown user, role or division.
    pub async fn replace_user_roles(
        &self,
        user: &UserId,
        roles: &[RoleId],
        division: &DivisionScope,
    ) -> Result<Vec<RoleAssignment>, StoreError> {
        self.change(|mut writer| async move {
            let assignee = Assignee::User(user.clone());
            let held = writer.assignments_of(&assignee).await?;
            let kept = held.iter().filter(|one| roles.contains(&one.role));
            let mut wanted: Vec<_> = kept.map(|one| (one.role.clone(), one.division.clone())).collect();
            for role in roles {
                if !wanted.iter().any(|(kept, _)| kept == role) {
                    wanted.push((role.clone(), division.clone()));
                }
            }
            writer.set_assignments(&assignee, &wanted).await?;
            let assignments = writer.assignments_of(&assignee).await?;
            writer.commit(assignments).await
        })
        .await
    }

    /// Gives a role; nothing changes if it is held there already.
    ///
    /// # Errors
    /// `NotFound` for an unknown assignee, role or division.
    pub async fn assign_role(
        &self,
        assignee: &Assignee,
        role: &RoleId,
        division: &DivisionScope,
    ) -> Result<(), StoreError> {
        self.change(|mut writer| async move {
            let mut wanted = pairs(&writer.assignments_of(assignee).await?);
            wanted.push((role.clone(), division.clone()));
            writer.set_assignments(assignee, &wanted).await?;
            writer.commit(()).await
        })
        .await
    }

    /// Takes a role; nothing changes if it is not held there.
    ///
    /// # Errors
    /// `NotFound` for an unknown assignee.
    pub async fn unassign_role(
        &self,
        assignee: &Assignee,
        role: &RoleId,
        division: &DivisionScope,
    ) -> Result<(), StoreError> {
        self.change(|mut writer| async move {
            let mut wanted = pairs(&writer.assignments_of(assignee).await?);
            wanted.retain(|(held, place)| (held, place) != (role, division));
            writer.set_assignments(assignee, &wanted).await?;
            writer.commit(()).await
        })
        .await
    }
}

impl OrgWriter<'_> {
    /// Makes `wanted` the assignee's only roles; what it holds already stays untouched.
    pub(crate) async fn set_assignments(
        &mut self,
        assignee: &Assignee,
        wanted: &[(RoleId, DivisionScope)],
    ) -> Result<(), StoreError> {
        self.check_assignee(assignee).await?;
        let held = self.assignments_of(assignee).await?;
        let before = pairs(&held);
        let missing: Vec<_> = wanted.iter().filter(|pair| !before.contains(pair)).collect();
        let surplus: Vec<_> = before.iter().filter(|pair| !wanted.contains(pair)).collect();
        if missing.is_empty() && surplus.is_empty() {
            return Ok(());
        }
        for (role, division) in missing {
            self.insert_assignment(assignee, role, division).await?;
        }
        for (role, division) in surplus {
            self.delete_assignment(assignee, role, division).await?;
        }
        let after = self.assignments_of(assignee).await?;
        self.record(Event {
            action: "role_assignment.set".into(),
            entity: assignee.kind().into(),
            entity_id: assignee.id().to_owned(),
            before: picture(&held),
            after: picture(&after),
        });
        Ok(())
    }

    pub(crate) async fn assignments_of(&mut self, assignee: &Assignee) -> Result<Vec<RoleAssignment>, StoreError> {
        find_assignments(&mut *self.transaction, self.organization, assignee).await
    }

    /// The roles of everybody, by the id of who holds them.
    pub(crate) async fn all_assignments(&mut self) -> Result<RolesById, StoreError> {
        let rows = sqlx::query(
            "SELECT assignee_id, role_id, division_id
               FROM role_assignments
              WHERE org_id = $1
              ORDER BY assignee_id, role_id, division_id",
        )
        .bind(self.organization.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        let mut assignments = RolesById::new();
        for row in &rows {
            let roles = assignments.entry(row.text("assignee_id")?).or_default();
            roles.push((row.id("role_id")?, division_scope(row)?));
        }
        Ok(assignments)
    }

    pub(crate) async fn delete_assignments_of(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM role_assignments
              WHERE org_id = $1
                AND assignee_kind = $2
                AND assignee_id = $3",
        )
        .bind(self.organization.as_str())
        .bind(kind)
        .bind(id)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Takes a role from everybody.
    pub(crate) async fn delete_assignments_of_role(&mut self, role: &RoleId) -> Result<i64, StoreError> {
        let deleted = sqlx::query(
            "DELETE FROM role_assignments
              WHERE org_id = $1
                AND role_id = $2
             RETURNING assignee_kind, assignee_id",
        )
        .bind(self.organization.as_str())
        .bind(role.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        self.touch_assignees(&deleted)?;
        Ok(i64::try_from(deleted.len()).unwrap_or(i64::MAX))
    }

    /// Takes every role that is held in one division.
    pub(crate) async fn delete_assignments_in(&mut self, division: &DivisionId) -> Result<(), StoreError> {
        let deleted = sqlx::query(
            "DELETE FROM role_assignments
              WHERE org_id = $1
                AND division_id = $2
             RETURNING assignee_kind, assignee_id",
        )
        .bind(self.organization.as_str())
        .bind(division.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        self.touch_assignees(&deleted)
    }

    fn touch_assignees(&mut self, deleted: &[AnyRow]) -> Result<(), StoreError> {
        for row in deleted {
            self.touch(&row.text("assignee_kind")?, &row.text("assignee_id")?);
        }
        Ok(())
    }

    async fn check_assignee(&mut self, assignee: &Assignee) -> Result<(), StoreError> {
        match assignee {
            Assignee::User(id) => self.living_user(id).await.map(drop),
            Assignee::Client(id) => self.client(id).await.map(drop),
        }
    }

    async fn insert_assignment(
        &mut self,
        assignee: &Assignee,
        role: &RoleId,
        division: &DivisionScope,
    ) -> Result<(), StoreError> {
        self.role(role).await?;
        if let DivisionScope::Division(id) = division
            && !self.divisions().await?.iter().any(|division| division.id == *id)
        {
            return Err(StoreError::NotFound { what: "division" });
        }
        sqlx::query(
            "INSERT INTO role_assignments (org_id, assignee_kind, assignee_id, role_id, division_id, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (org_id, assignee_kind, assignee_id, role_id, division_id) DO NOTHING",
        )
        .bind(self.organization.as_str())
        .bind(assignee.kind())
        .bind(assignee.id())
        .bind(role.as_str())
        .bind(division.as_str())
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    async fn delete_assignment(
        &mut self,
        assignee: &Assignee,
        role: &RoleId,
        division: &DivisionScope,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM role_assignments
              WHERE org_id = $1
                AND assignee_kind = $2
                AND assignee_id = $3
                AND role_id = $4
                AND division_id = $5",
        )
        .bind(self.organization.as_str())
        .bind(assignee.kind())
        .bind(assignee.id())
        .bind(role.as_str())
        .bind(division.as_str())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

pub(crate) async fn find_assignments(
    executor: impl Executor<'_, Database = Any>,
    organization: &OrganizationId,
    assignee: &Assignee,
) -> Result<Vec<RoleAssignment>, StoreError> {
    let rows = sqlx::query(
        "SELECT role_id, division_id, created_at
           FROM role_assignments
          WHERE org_id = $1
            AND assignee_kind = $2
            AND assignee_id = $3
          ORDER BY role_id, division_id",
    )
    .bind(organization.as_str())
    .bind(assignee.kind())
    .bind(assignee.id())
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| assignment(row, assignee, "created_at")).collect()
}

fn assignment(row: &AnyRow, assignee: &Assignee, since: &str) -> Result<RoleAssignment, StoreError> {
    Ok(RoleAssignment {
        assignee: assignee.clone(),
        role: row.id("role_id")?,
        division: division_scope(row)?,
        created_at: row.instant(since)?,
    })
}

/// `*` or the id of a division.
fn division_scope(row: &AnyRow) -> Result<DivisionScope, StoreError> {
    match row.text("division_id")?.as_str() {
        "*" => Ok(DivisionScope::All),
        _ => Ok(DivisionScope::Division(row.id("division_id")?)),
    }
}

pub(crate) fn pairs(assignments: &[RoleAssignment]) -> Vec<(RoleId, DivisionScope)> {
    assignments.iter().map(|one| (one.role.clone(), one.division.clone())).collect()
}

fn picture(assignments: &[RoleAssignment]) -> Value {
    assignments.iter().map(|one| json!({ "role": one.role, "division": one.division.as_str() })).collect()
}
