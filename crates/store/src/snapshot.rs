//! What decisions about one organization depend on, read in one transaction.

use std::collections::BTreeMap;

use countersign_decision::{AuthorizationFacts, OrganizationFacts, RoleFacts, SubjectFacts};
use countersign_domain::authorization::parse_state;
use countersign_domain::client::ClientState;
use countersign_domain::id::OrganizationId;
use countersign_domain::user::UserState;

use crate::column::{Columns, parse_enforcement};
use crate::db::{Database, Transaction};
use crate::{OrgStore, StoreError, SystemStore};

impl SystemStore<'_> {
    /// The organization's revision and the facts that belong to exactly that revision.
    pub async fn organization_facts(
        &self,
        id: &OrganizationId,
    ) -> Result<Option<(i64, OrganizationFacts)>, StoreError> {
        read_facts(self.database, id).await
    }
}

impl OrgStore<'_> {
    /// The organization's revision and the facts that belong to exactly that revision: what a write is judged on.
    pub async fn facts(&self) -> Result<(i64, OrganizationFacts), StoreError> {
        let facts = read_facts(self.database, &self.organization).await?;
        facts.ok_or(StoreError::NotFound { what: "organization" })
    }
}

async fn read_facts(database: &Database, id: &OrganizationId) -> Result<Option<(i64, OrganizationFacts)>, StoreError> {
    let mut transaction = database.begin_read().await?;
    let row = sqlx::query(
        "SELECT enforcement, bounds_client_credentials, is_active, revision
           FROM organizations
          WHERE org_id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut roles_held = roles_held(&mut transaction, id).await?;
    let facts = OrganizationFacts {
        id: id.to_string(),
        active: row.flag("is_active")?,
        enforcement: row.named("enforcement", parse_enforcement)?,
        bounds_client_credentials: row.flag("bounds_client_credentials")?,
        roles: roles(&mut transaction, id).await?,
        users: users(&mut transaction, id, &mut roles_held).await?,
        clients: clients(&mut transaction, id, &mut roles_held).await?,
        authorizations: authorizations(&mut transaction, id).await?,
    };
    transaction.commit().await?;
    Ok(Some((row.number("revision")?, facts)))
}

/// Role ids by kind and id of who holds them, in whichever division.
type RolesHeld = BTreeMap<(String, String), Vec<String>>;

async fn roles_held(transaction: &mut Transaction, id: &OrganizationId) -> Result<RolesHeld, StoreError> {
    let rows = sqlx::query(
        "SELECT DISTINCT assignee_kind, assignee_id, role_id
           FROM role_assignments
          WHERE org_id = $1
          ORDER BY assignee_kind, assignee_id, role_id",
    )
    .bind(id.as_str())
    .fetch_all(&mut **transaction)
    .await?;
    let mut held = RolesHeld::new();
    for row in &rows {
        let holder = (row.text("assignee_kind")?, row.text("assignee_id")?);
        held.entry(holder).or_default().push(row.text("role_id")?);
    }
    Ok(held)
}

async fn roles(transaction: &mut Transaction, id: &OrganizationId) -> Result<Vec<RoleFacts>, StoreError> {
    let rows = sqlx::query("SELECT role_id, name, policies FROM roles WHERE org_id = $1 ORDER BY role_id")
        .bind(id.as_str())
        .fetch_all(&mut **transaction)
        .await?;
    let mut roles = Vec::with_capacity(rows.len());
    for row in &rows {
        roles.push(RoleFacts { id: row.text("role_id")?, name: row.text("name")?, policies: row.json("policies")? });
    }
    Ok(roles)
}

async fn users(
    transaction: &mut Transaction,
    id: &OrganizationId,
    roles_held: &mut RolesHeld,
) -> Result<Vec<SubjectFacts>, StoreError> {
    let rows =
        sqlx::query("SELECT user_id, state FROM users WHERE org_id = $1 AND state <> 'deleted' ORDER BY user_id")
            .bind(id.as_str())
            .fetch_all(&mut **transaction)
            .await?;
    let mut users = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = row.text("user_id")?;
        let active = row.named("state", UserState::parse)? == UserState::Active;
        let roles = roles_held.remove(&("user".to_owned(), id.clone())).unwrap_or_default();
        users.push(SubjectFacts { id, active, roles });
    }
    Ok(users)
}

async fn clients(
    transaction: &mut Transaction,
    id: &OrganizationId,
    roles_held: &mut RolesHeld,
) -> Result<Vec<SubjectFacts>, StoreError> {
    let rows = sqlx::query("SELECT client_id, state FROM clients WHERE org_id = $1 ORDER BY client_id")
        .bind(id.as_str())
        .fetch_all(&mut **transaction)
        .await?;
    let mut clients = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = row.text("client_id")?;
        let active = row.named("state", ClientState::parse)? == ClientState::Active;
        let roles = roles_held.remove(&("client".to_owned(), id.clone())).unwrap_or_default();
        clients.push(SubjectFacts { id, active, roles });
    }
    Ok(clients)
}

async fn authorizations(
    transaction: &mut Transaction,
    id: &OrganizationId,
) -> Result<Vec<AuthorizationFacts>, StoreError> {
    let rows =
        sqlx::query("SELECT client_id, state, scopes, roles FROM authorizations WHERE org_id = $1 ORDER BY client_id")
            .bind(id.as_str())
            .fetch_all(&mut **transaction)
            .await?;
    let mut authorizations = Vec::with_capacity(rows.len());
    for row in &rows {
        authorizations.push(AuthorizationFacts {
            client: row.text("client_id")?,
            state: row.named("state", parse_state)?,
            scopes: row.json("scopes")?,
            roles: row.json("roles")?,
        });
    }
    Ok(authorizations)
}
