//! OAuth clients. Their secrets are in `client_secret`, their end in `client_deletion`.

use countersign_decision::Scope;
use countersign_domain::client::{Client, ClientMetadata, ClientState, GrantType};
use countersign_domain::id::{ClientId, OrganizationId, RoleId};
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::SecretHash;
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, damaged, json_text};
use crate::error::conflict;
use crate::{Listing, OrgStore, Page, StoreError, SystemStore};

pub use countersign_domain::client::CONSOLE_CLIENT;

/// A client to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClient {
    /// Absent: made by us.
    pub id: Option<ClientId>,
    /// Name for people.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it may send as `grant_type`.
    pub grant_types: Vec<GrantType>,
    /// Validated before.
    pub redirect_uris: Vec<String>,
    /// What the app asks for.
    pub scopes: Vec<Scope>,
    /// Whether codes need PKCE.
    pub pkce_required: bool,
    /// Life of its access tokens.
    pub token_ttl_seconds: i64,
    /// Checked before.
    pub metadata: ClientMetadata,
}

/// What to change; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientChange {
    /// Name for people.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// What it may send as `grant_type`.
    pub grant_types: Option<Vec<GrantType>>,
    /// Validated before.
    pub redirect_uris: Option<Vec<String>>,
    /// What the app asks for.
    pub scopes: Option<Vec<Scope>>,
    /// Whether codes need PKCE.
    pub pkce_required: Option<bool>,
    /// Life of its access tokens.
    pub token_ttl_seconds: Option<i64>,
    /// Checked before.
    pub metadata: Option<ClientMetadata>,
    /// Anything but active ends its tokens for good.
    pub state: Option<ClientState>,
    /// The client's own roles, all of them.
    pub roles: Option<Vec<(RoleId, DivisionScope)>>,
}

/// A client with the name of the organization that registered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredClient {
    /// The client.
    pub client: Client,
    /// For people who decide about another organization's client.
    pub organization_name: String,
}

impl OrgStore<'_> {
    /// The organization's own clients, by name.
    pub async fn clients(&self, page: Page) -> Result<Listing<Client>, StoreError> {
        let total = sqlx::query("SELECT COUNT(*) FROM clients WHERE org_id = $1")
            .bind(self.organization.as_str())
            .fetch_one(self.database.readers())
            .await?
            .try_get(0)?;
        let rows = sqlx::query(
            "SELECT org_id, client_id, name, description, grant_types, redirect_uris, scopes, is_confidential,
                    pkce_required, token_ttl_seconds, metadata, state, created_at, created_by, modified_at, modified_by
               FROM clients
              WHERE org_id = $1
              ORDER BY name, client_id
              LIMIT $2 OFFSET $3",
        )
        .bind(self.organization.as_str())
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(self.database.readers())
        .await?;
        Ok(Listing { items: rows.iter().map(client).collect::<Result<_, _>>()?, total })
    }

    /// One of the organization's own clients.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        find_own_client(self.database.readers(), &self.organization, id).await
    }

    /// A client of any organization: what whoever knows its id may know in order to decide about it.
    pub async fn registered_client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError> {
        let row = sqlx::query(
            "SELECT c.org_id, c.client_id, c.name, c.description, c.grant_types, c.redirect_uris, c.scopes,
                    c.is_confidential, c.pkce_required, c.token_ttl_seconds, c.metadata, c.state, c.created_at, c.created_by,
                    c.modified_at, c.modified_by, o.name AS organization_name
               FROM clients c
               JOIN organizations o ON o.org_id = c.org_id
              WHERE c.client_id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.database.readers())
        .await?;
        let registered = |row: &AnyRow| {
            Ok(RegisteredClient { client: client(row)?, organization_name: row.text("organization_name")? })
        };
        row.as_ref().map(registered).transpose()
    }

    /// Registers a client, confidential when it has a secret or proves itself by key or certificate.
    ///
    /// # Errors
    /// `Conflict` when the id is in use, or was ever used by another organization; `NotFound` for an unknown role or
    /// division.
    pub async fn create_client(
        &self,
        new: &NewClient,
        secret: Option<&SecretHash>,
        roles: &[(RoleId, DivisionScope)],
    ) -> Result<Client, StoreError> {
        self.change(|mut writer| async move {
            let client = writer.create_client(new, secret, roles).await?;
            writer.commit(client).await
        })
        .await
    }

    /// Edits one of the organization's own clients.
    ///
    /// # Errors
    /// `NotFound` for an unknown client, role or division.
    pub async fn update_client(&self, id: &ClientId, change: &ClientChange) -> Result<Client, StoreError> {
        self.change(|mut writer| async move {
            let client = writer.update_client(id, change).await?;
            writer.commit(client).await
        })
        .await
    }
}

impl SystemStore<'_> {
    /// A client of any organization.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let row = sqlx::query(
            "SELECT org_id, client_id, name, description, grant_types, redirect_uris, scopes, is_confidential,
                    pkce_required, token_ttl_seconds, metadata, state, created_at, created_by, modified_at, modified_by
               FROM clients
              WHERE client_id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.database.readers())
        .await?;
        row.as_ref().map(client).transpose()
    }
}

impl OrgWriter<'_> {
    pub(crate) async fn create_client(
        &mut self,
        new: &NewClient,
        secret: Option<&SecretHash>,
        roles: &[(RoleId, DivisionScope)],
    ) -> Result<Client, StoreError> {
        let id = new.id.clone().unwrap_or_else(|| ClientId::generate(self.now, self.entropy));
        self.reserve_client_id(&id).await?;
        sqlx::query(
            "INSERT INTO clients (org_id, client_id, name, description, grant_types, redirect_uris, scopes,
                                  is_confidential, pkce_required, token_ttl_seconds, metadata, state, created_at, created_by,
                                  modified_at, modified_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'active', $12, $13, $12, $13)",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(&new.name)
        .bind(&new.description)
        .bind(grant_types_text(&new.grant_types))
        .bind(json_text(&new.redirect_uris))
        .bind(json_text(&new.scopes))
        .bind(i64::from(new.metadata.is_confidential(secret.is_some())))
        .bind(i64::from(new.pkce_required))
        .bind(new.token_ttl_seconds)
        .bind(json_text(&new.metadata))
        .bind(self.now.as_micros())
        .bind(self.actor.id())
        .execute(&mut *self.transaction)
        .await
        .map_err(conflict(ID_TAKEN))?;
        self.set_resources(&id, &new.metadata).await?;
        if let Some(secret) = secret {
            self.insert_secret(&id, secret).await?;
        }
        let client = self.client(&id).await?;
        self.record(event("client.create", &client, Value::Null, picture(&client)));
        self.set_assignments(&Assignee::Client(id), roles).await?;
        Ok(client)
    }

    pub(crate) async fn update_client(&mut self, id: &ClientId, change: &ClientChange) -> Result<Client, StoreError> {
        let before = self.client(id).await?;
        let state = change.state.unwrap_or(before.state);
        let metadata = change.metadata.as_ref().unwrap_or(&before.metadata);
        let is_confidential = metadata.is_confidential(self.has_secrets(id).await?);
        sqlx::query(
            "UPDATE clients
                SET name = $3, description = $4, grant_types = $5, redirect_uris = $6, scopes = $7, pkce_required = $8,
                    token_ttl_seconds = $9, metadata = $10, is_confidential = $11, state = $12, modified_at = $13,
                    modified_by = $14
              WHERE org_id = $1
                AND client_id = $2",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(change.name.as_ref().unwrap_or(&before.name))
        .bind(change.description.as_ref().unwrap_or(&before.description))
        .bind(grant_types_text(change.grant_types.as_ref().unwrap_or(&before.grant_types)))
        .bind(json_text(change.redirect_uris.as_ref().unwrap_or(&before.redirect_uris)))
        .bind(json_text(change.scopes.as_ref().unwrap_or(&before.scopes)))
        .bind(i64::from(change.pkce_required.unwrap_or(before.pkce_required)))
        .bind(change.token_ttl_seconds.unwrap_or(before.token_ttl_seconds))
        .bind(json_text(metadata))
        .bind(i64::from(is_confidential))
        .bind(state.as_str())
        .bind(self.now.as_micros())
        .bind(self.actor.id())
        .execute(&mut *self.transaction)
        .await?;
        self.set_resources(id, metadata).await?;
        if state != ClientState::Active {
            self.end_tokens_of_client(id).await?;
        }
        let after = self.client(id).await?;
        if picture(&before) != picture(&after) {
            self.record(event("client.update", &after, picture(&before), picture(&after)));
        }
        if let Some(roles) = &change.roles {
            self.set_assignments(&Assignee::Client(id.clone()), roles).await?;
        }
        Ok(after)
    }

    /// One of the organization's own clients.
    pub(crate) async fn client(&mut self, id: &ClientId) -> Result<Client, StoreError> {
        let client = find_own_client(&mut *self.transaction, self.organization, id).await?;
        client.ok_or(StoreError::NotFound { what: "client" })
    }

    /// The organization's own clients.
    pub(crate) async fn all_clients(&mut self) -> Result<Vec<Client>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id, client_id, name, description, grant_types, redirect_uris, scopes, is_confidential,
                    pkce_required, token_ttl_seconds, metadata, state, created_at, created_by, modified_at, modified_by
               FROM clients
              WHERE org_id = $1
              ORDER BY name, client_id",
        )
        .bind(self.organization.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(client).collect()
    }

    /// An id stays with the organization that used it first, even after deletion: another's app cannot take its place.
    async fn reserve_client_id(&mut self, id: &ClientId) -> Result<(), StoreError> {
        let owner: OrganizationId = sqlx::query(
            "INSERT INTO client_ids (client_id, org_id)
             VALUES ($1, $2)
             ON CONFLICT (client_id) DO UPDATE SET org_id = client_ids.org_id
             RETURNING org_id",
        )
        .bind(id.as_str())
        .bind(self.organization.as_str())
        .fetch_one(&mut *self.transaction)
        .await?
        .id("org_id")?;
        if owner == *self.organization { Ok(()) } else { Err(StoreError::Conflict { what: ID_TAKEN }) }
    }
}

const ID_TAKEN: &str = "another client has, or had, this id";

pub(crate) async fn find_own_client(
    executor: impl Executor<'_, Database = Any>,
    organization: &OrganizationId,
    id: &ClientId,
) -> Result<Option<Client>, StoreError> {
    let row = sqlx::query(
        "SELECT org_id, client_id, name, description, grant_types, redirect_uris, scopes, is_confidential,
                pkce_required, token_ttl_seconds, metadata, state, created_at, created_by, modified_at, modified_by
           FROM clients
          WHERE org_id = $1
            AND client_id = $2",
    )
    .bind(organization.as_str())
    .bind(id.as_str())
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(client).transpose()
}

pub(crate) fn client(row: &AnyRow) -> Result<Client, StoreError> {
    let grant_types: Vec<String> = row.json("grant_types")?;
    let grant_type = |text: &String| GrantType::parse(text).ok_or_else(|| damaged("grant_types"));
    Ok(Client {
        id: row.id("client_id")?,
        organization: row.id("org_id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        grant_types: grant_types.iter().map(grant_type).collect::<Result<_, _>>()?,
        redirect_uris: row.json("redirect_uris")?,
        scopes: row.json("scopes")?,
        is_confidential: row.flag("is_confidential")?,
        pkce_required: row.flag("pkce_required")?,
        token_ttl_seconds: row.number("token_ttl_seconds")?,
        metadata: row.json("metadata")?,
        state: row.named("state", ClientState::parse)?,
        created_at: row.instant("created_at")?,
        created_by: row.optional_text("created_by")?,
        modified_at: row.instant("modified_at")?,
        modified_by: row.optional_text("modified_by")?,
    })
}

fn grant_types_text(grant_types: &[GrantType]) -> String {
    json_text(&grant_types.iter().map(|grant_type| grant_type.as_str()).collect::<Vec<_>>())
}

pub(crate) fn event(action: &'static str, client: &Client, before: Value, after: Value) -> Event {
    Event { action: action.into(), entity: "client".into(), entity_id: client.id.to_string(), before, after }
}

pub(crate) fn picture(client: &Client) -> Value {
    json!({
        "name": client.name,
        "description": client.description,
        "grantTypes": client.grant_types.iter().map(|grant_type| grant_type.as_str()).collect::<Vec<_>>(),
        "redirectUris": client.redirect_uris,
        "scopes": client.scopes,
        "isConfidential": client.is_confidential,
        "pkceRequired": client.pkce_required,
        "tokenTtlSeconds": client.token_ttl_seconds,
        "metadata": client.metadata,
        "state": client.state.as_str(),
    })
}
