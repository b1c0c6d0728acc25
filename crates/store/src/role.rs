//! Roles of an organization. Who holds them is in `assignment`.

use countersign_decision::PermissionPolicy;
use countersign_domain::id::{OrganizationId, RoleId};
use countersign_domain::role::Role;
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, json_text};
use crate::error::conflict;
use crate::user_search::like_literal;
use crate::{Listing, OrgStore, Page, StoreError};

/// A role to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// Unique in the organization.
    pub name: String,
    /// For people.
    pub description: String,
    /// What its holders may do.
    pub policies: Vec<PermissionPolicy>,
}

/// What to change; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleChange {
    /// Unique in the organization.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// What its holders may do.
    pub policies: Option<Vec<PermissionPolicy>>,
}

/// What went with a deleted role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeletedRole {
    /// Assignments of the role that are gone.
    pub assignments: i64,
    /// Authorizations that named the role among others as a limit and no longer do.
    pub authorizations_edited: i64,
    /// Authorizations whose only limit was the role. They keep naming it, so nobody can use the app until an administrator
    /// edits them: without the limit everybody could.
    pub authorizations_closed: i64,
}

impl OrgStore<'_> {
    /// Roles by name; `name` limits to those whose name contains it, without letter case.
    pub async fn roles(&self, name: Option<&str>, page: Page) -> Result<Listing<Role>, StoreError> {
        let pattern = format!("%{}%", like_literal(&name.unwrap_or_default().to_lowercase()));
        let total = sqlx::query(
            "SELECT COUNT(*)
               FROM roles
              WHERE org_id = $1
                AND name_key LIKE $2 ESCAPE '!'",
        )
        .bind(self.organization.as_str())
        .bind(&pattern)
        .fetch_one(self.database.readers())
        .await?
        .try_get(0)?;
        let rows = sqlx::query(
            "SELECT org_id, role_id, name, description, policies, created_at, modified_at
               FROM roles
              WHERE org_id = $1
                AND name_key LIKE $2 ESCAPE '!'
              ORDER BY name_key, role_id
              LIMIT $3 OFFSET $4",
        )
        .bind(self.organization.as_str())
        .bind(&pattern)
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(self.database.readers())
        .await?;
        Ok(Listing { items: rows.iter().map(role).collect::<Result<_, _>>()?, total })
    }

    /// One role.
    pub async fn role(&self, id: &RoleId) -> Result<Option<Role>, StoreError> {
        find_role(self.database.readers(), &self.organization, id).await
    }

    /// Makes a role.
    ///
    /// # Errors
    /// `Conflict` when another role has the name.
    pub async fn create_role(&self, new: &NewRole) -> Result<Role, StoreError> {
        self.change(|mut writer| async move {
            let role = writer.create_role(new).await?;
            writer.commit(role).await
        })
        .await
    }

    /// Edits a role.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when another role has the name.
    pub async fn update_role(&self, id: &RoleId, change: &RoleChange) -> Result<Role, StoreError> {
        self.change(|mut writer| async move {
            let role = writer.update_role(id, change).await?;
            writer.commit(role).await
        })
        .await
    }

    /// Deletes a role with its assignments.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_role(&self, id: &RoleId) -> Result<DeletedRole, StoreError> {
        self.change(|mut writer| async move {
            let deleted = writer.delete_role(id).await?;
            writer.commit(deleted).await
        })
        .await
    }
}

impl OrgWriter<'_> {
    pub(crate) async fn create_role(&mut self, new: &NewRole) -> Result<Role, StoreError> {
        let id = RoleId::generate(self.now, self.entropy);
        sqlx::query(
            "INSERT INTO roles (org_id, role_id, name, name_key, description, policies, created_at, modified_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(&new.name)
        .bind(new.name.to_lowercase())
        .bind(&new.description)
        .bind(json_text(&new.policies))
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await
        .map_err(conflict(NAME_TAKEN))?;
        let role = self.role(&id).await?;
        self.record(event("role.create", &role, Value::Null, picture(&role)));
        Ok(role)
    }

    pub(crate) async fn update_role(&mut self, id: &RoleId, change: &RoleChange) -> Result<Role, StoreError> {
        let before = self.role(id).await?;
        let name = change.name.as_ref().unwrap_or(&before.name);
        sqlx::query(
            "UPDATE roles
                SET name = $3, name_key = $4, description = $5, policies = $6, modified_at = $7
              WHERE org_id = $1
                AND role_id = $2",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(name)
        .bind(name.to_lowercase())
        .bind(change.description.as_ref().unwrap_or(&before.description))
        .bind(json_text(change.policies.as_ref().unwrap_or(&before.policies)))
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await
        .map_err(conflict(NAME_TAKEN))?;
        let after = self.role(id).await?;
        self.record(event("role.update", &after, picture(&before), picture(&after)));
        Ok(after)
    }

    pub(crate) async fn delete_role(&mut self, id: &RoleId) -> Result<DeletedRole, StoreError> {
        let before = self.role(id).await?;
        let mut deleted = self.remove_role_limit(id).await?;
        deleted.assignments = self.delete_assignments_of_role(id).await?;
        sqlx::query("DELETE FROM roles WHERE org_id = $1 AND role_id = $2")
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .execute(&mut *self.transaction)
            .await?;
        self.record(event("role.delete", &before, picture(&before), Value::Null));
        Ok(deleted)
    }

    pub(crate) async fn role(&mut self, id: &RoleId) -> Result<Role, StoreError> {
        let role = find_role(&mut *self.transaction, self.organization, id).await?;
        role.ok_or(StoreError::NotFound { what: "role" })
    }

    pub(crate) async fn all_roles(&mut self) -> Result<Vec<Role>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id, role_id, name, description, policies, created_at, modified_at
               FROM roles
              WHERE org_id = $1
              ORDER BY name_key, role_id",
        )
        .bind(self.organization.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(role).collect()
    }
}

const NAME_TAKEN: &str = "another role has this name";

async fn find_role(
    executor: impl Executor<'_, Database = Any>,
    organization: &OrganizationId,
    id: &RoleId,
) -> Result<Option<Role>, StoreError> {
    let row = sqlx::query(
        "SELECT org_id, role_id, name, description, policies, created_at, modified_at
           FROM roles
          WHERE org_id = $1
            AND role_id = $2",
    )
    .bind(organization.as_str())
    .bind(id.as_str())
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(role).transpose()
}

pub(crate) fn role(row: &AnyRow) -> Result<Role, StoreError> {
    Ok(Role {
        organization: row.id("org_id")?,
        id: row.id("role_id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        policies: row.json("policies")?,
        created_at: row.instant("created_at")?,
        modified_at: row.instant("modified_at")?,
    })
}

fn event(action: &'static str, role: &Role, before: Value, after: Value) -> Event {
    Event { action: action.into(), entity: "role".into(), entity_id: role.id.to_string(), before, after }
}

fn picture(role: &Role) -> Value {
    json!({ "name": role.name, "description": role.description, "policies": role.policies })
}
