//! What an organization allows clients, its own or others'.

use countersign_decision::{AuthorizationState, Scope};
use countersign_domain::authorization::{ConsentMode, ScopeGrant, parse_state, state_name};
use countersign_domain::client::Client;
use countersign_domain::id::{ClientId, OrganizationId, RoleId};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use crate::change::{Event, OrgWriter};
use crate::client::{CONSOLE_CLIENT, client};
use crate::column::{Columns, json_text};
use crate::db::Transaction;
use crate::role::DeletedRole;
use crate::{Listing, OrgStore, Page, StoreError};

/// An administrator's decision to allow a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantChange {
    /// What the client may do.
    pub scopes: Vec<Scope>,
    /// Only holders of one of these may use the client; empty: everybody.
    pub roles: Vec<RoleId>,
    /// Who consents.
    pub consent: ConsentMode,
    /// The version that the administrator was shown (0: no authorization yet); `None`: whatever it is now.
    pub expected_version: Option<i64>,
    /// Why, in the administrator's words; may be empty.
    pub reason: String,
}

impl OrgStore<'_> {
    /// All authorizations with their clients, by client name.
    pub async fn authorizations(&self, page: Page) -> Result<Listing<(ScopeGrant, Client)>, StoreError> {
        let total = sqlx::query("SELECT COUNT(*) FROM authorizations WHERE org_id = $1")
            .bind(self.organization.as_str())
            .fetch_one(self.database.readers())
            .await?
            .try_get(0)?;
        let rows = sqlx::query(
            "SELECT a.org_id AS decided_by, a.state AS decision, a.scopes AS granted, a.roles, a.consent, a.reason, a.version,
                    a.created_at AS decided_at, a.created_by AS decided_first_by,
                    a.modified_at AS changed_at, a.modified_by AS changed_by,
                    c.org_id, c.client_id, c.name, c.description, c.grant_types, c.redirect_uris, c.scopes,
                    c.is_confidential, c.pkce_required, c.token_ttl_seconds, c.metadata, c.state, c.created_at, c.created_by,
                    c.modified_at, c.modified_by
               FROM authorizations a
               JOIN clients c ON c.client_id = a.client_id
              WHERE a.org_id = $1
              ORDER BY c.name, c.client_id
              LIMIT $2 OFFSET $3",
        )
        .bind(self.organization.as_str())
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(self.database.readers())
        .await?;
        let items = rows.iter().map(|row| Ok((grant(row)?, client(row)?))).collect::<Result<_, StoreError>>()?;
        Ok(Listing { items, total })
    }

    /// The authorization of one client.
    pub async fn authorization(&self, client: &ClientId) -> Result<Option<(ScopeGrant, Client)>, StoreError> {
        find_authorization(self.database.readers(), &self.organization, client).await
    }

    /// Whether a role limits who may use an app.
    pub async fn limits_an_app(&self, role: &RoleId) -> Result<bool, StoreError> {
        let rows = sqlx::query("SELECT roles FROM authorizations WHERE org_id = $1 AND roles <> '[]'")
            .bind(self.organization.as_str())
            .fetch_all(self.database.readers())
            .await?;
        for row in &rows {
            if row.json::<Vec<RoleId>>("roles")?.contains(role) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Authorizes a client of any organization. Open requests for it are thereby answered.
    ///
    /// # Errors
    /// `NotFound` for an unknown client or role, `Conflict` when the version moved.
    pub async fn grant(&self, client: &ClientId, change: &GrantChange) -> Result<ScopeGrant, StoreError> {
        self.change(|mut writer| async move {
            let grant = writer.grant(client, change).await?;
            writer.commit(grant).await
        })
        .await
    }

    /// Refuses a client, also one that nobody asked for yet. Open requests for it are thereby answered.
    ///
    /// # Errors
    /// `NotFound` for an unknown client.
    pub async fn deny(&self, client: &ClientId, reason: &str) -> Result<ScopeGrant, StoreError> {
        self.change(|mut writer| async move {
            let grant = writer.refuse(client, AuthorizationState::Denied, reason).await?;
            writer.commit(grant).await
        })
        .await
    }

    /// Takes an authorization back; its scopes and roles stay in the record for people to see.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub async fn revoke(&self, client: &ClientId) -> Result<ScopeGrant, StoreError> {
        self.change(|mut writer| async move {
            if writer.authorization(client).await?.is_none() {
                return Err(StoreError::NotFound { what: "authorization" });
            }
            let grant = writer.refuse(client, AuthorizationState::Revoked, "").await?;
            writer.commit(grant).await
        })
        .await
    }
}

impl OrgWriter<'_> {
    pub(crate) async fn grant(&mut self, client: &ClientId, change: &GrantChange) -> Result<ScopeGrant, StoreError> {
        let before = self.authorization(client).await?;
        let version = before.as_ref().map_or(0, |grant| grant.version);
        if change.expected_version.is_some_and(|expected| expected != version) {
            return Err(StoreError::Conflict { what: "the authorization was changed since it was shown" });
        }
        self.set_authorization(client, AuthorizationState::Authorized, change).await
    }

    /// Puts an authorization into a state, whatever it was.
    pub(crate) async fn set_authorization(
        &mut self,
        client: &ClientId,
        state: AuthorizationState,
        change: &GrantChange,
    ) -> Result<ScopeGrant, StoreError> {
        let before = self.authorization(client).await?;
        for role in &change.roles {
            self.role(role).await?;
        }
        let GrantChange { scopes, roles, consent, reason, .. } = change;
        let after = self.decide(client, &Decision { state, scopes, roles, consent: *consent, reason }).await?;
        if state != AuthorizationState::Requested {
            self.delete_requests_for(client).await?;
        }
        self.record(event(action(state), client, before.as_ref(), Some(&after)));
        Ok(after)
    }

    /// Denies or revokes; what was granted stays in the record.
    pub(crate) async fn refuse(
        &mut self,
        client: &ClientId,
        state: AuthorizationState,
        reason: &str,
    ) -> Result<ScopeGrant, StoreError> {
        let before = self.authorization(client).await?;
        let (scopes, roles, consent) = match &before {
            Some(grant) => (grant.scopes.as_slice(), grant.roles.as_slice(), grant.consent),
            None => (&[][..], &[][..], ConsentMode::default()),
        };
        let after = self.decide(client, &Decision { state, scopes, roles, consent, reason }).await?;
        self.delete_requests_for(client).await?;
        self.record(event(action(state), client, before.as_ref(), Some(&after)));
        Ok(after)
    }

    /// Puts the client among those somebody asked for, unless something is decided already.
    pub(crate) async fn mark_requested(&mut self, client: &ClientId) -> Result<(), StoreError> {
        if self.authorization(client).await?.is_some() {
            return Ok(());
        }
        let (state, consent) = (AuthorizationState::Requested, ConsentMode::default());
        let decision = Decision { state, scopes: &[], roles: &[], consent, reason: "" };
        let after = self.decide(client, &decision).await?;
        self.record(event(action(AuthorizationState::Requested), client, None, Some(&after)));
        Ok(())
    }

    /// What every organization is born with: the console may act for its people.
    pub(crate) async fn authorize_console(&mut self, scopes: &[Scope]) -> Result<(), StoreError> {
        let console = ClientId::parse(CONSOLE_CLIENT).expect("it is a client id");
        let change = GrantChange {
            scopes: scopes.to_vec(),
            roles: Vec::new(),
            consent: ConsentMode::Administrator,
            expected_version: None,
            reason: String::new(),
        };
        self.grant(&console, &change).await.map(drop)
    }

    pub(crate) async fn authorization(&mut self, client: &ClientId) -> Result<Option<ScopeGrant>, StoreError> {
        let found = find_authorization(&mut *self.transaction, self.organization, client).await?;
        Ok(found.map(|(grant, _)| grant))
    }

    pub(crate) async fn all_authorizations(&mut self) -> Result<Vec<ScopeGrant>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id AS decided_by, client_id, state AS decision, scopes AS granted, roles, consent, reason, version,
                    created_at AS decided_at, created_by AS decided_first_by,
                    modified_at AS changed_at, modified_by AS changed_by
               FROM authorizations
              WHERE org_id = $1
              ORDER BY client_id",
        )
        .bind(self.organization.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(grant).collect()
    }

    /// Removes the decision about a client, with requests and consents.
    pub(crate) async fn delete_authorization(&mut self, client: &ClientId) -> Result<(), StoreError> {
        let before = self.authorization(client).await?;
        self.delete_requests_for(client).await?;
        self.delete_consents_for(client).await?;
        sqlx::query("DELETE FROM authorizations WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(client.as_str())
            .execute(&mut *self.transaction)
            .await?;
        if before.is_some() {
            self.record(event("authorization.delete", client, before.as_ref(), None));
        }
        Ok(())
    }

    /// Takes a role out of the limits of authorizations. Where it is the only one it stays: a limit that nobody meets is
    /// closed, no limit at all would be open to everybody.
    pub(crate) async fn remove_role_limit(&mut self, role: &RoleId) -> Result<DeletedRole, StoreError> {
        let mut deleted = DeletedRole::default();
        for before in self.all_authorizations().await? {
            if !before.roles.contains(role) {
                continue;
            }
            let roles: Vec<_> = before.roles.iter().filter(|one| *one != role).cloned().collect();
            if roles.is_empty() {
                deleted.authorizations_closed += 1;
                continue;
            }
            let ScopeGrant { state, scopes, consent, reason, .. } = &before;
            let decision = Decision { state: *state, scopes, roles: &roles, consent: *consent, reason };
            let after = self.decide(&before.client, &decision).await?;
            self.record(event("authorization.grant", &before.client, Some(&before), Some(&after)));
            deleted.authorizations_edited += 1;
        }
        Ok(deleted)
    }

    async fn decide(&mut self, client: &ClientId, decision: &Decision<'_>) -> Result<ScopeGrant, StoreError> {
        sqlx::query(
            "INSERT INTO authorizations (org_id, client_id, state, scopes, roles, consent, reason, version, created_at,
                                         created_by, modified_at, modified_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $8, $9)
             ON CONFLICT (org_id, client_id) DO UPDATE
                SET state = excluded.state, scopes = excluded.scopes, roles = excluded.roles,
                    consent = excluded.consent, reason = excluded.reason, version = authorizations.version + 1,
                    modified_at = excluded.modified_at, modified_by = excluded.modified_by",
        )
        .bind(self.organization.as_str())
        .bind(client.as_str())
        .bind(state_name(decision.state))
        .bind(json_text(decision.scopes))
        .bind(json_text(decision.roles))
        .bind(decision.consent.as_str())
        .bind(decision.reason)
        .bind(self.now.as_micros())
        .bind(self.actor.id())
        .execute(&mut *self.transaction)
        .await
        .map_err(unknown_client)?;
        self.authorization(client).await?.ok_or(StoreError::NotFound { what: "client" })
    }
}

/// What an authorization says; who and when is the writer's.
struct Decision<'d> {
    state: AuthorizationState,
    scopes: &'d [Scope],
    roles: &'d [RoleId],
    consent: ConsentMode,
    reason: &'d str,
}

/// The organizations with an authorization of, or a consent to, a client.
pub(crate) async fn organizations_that_decided_on(
    transaction: &mut Transaction,
    client: &ClientId,
) -> Result<Vec<OrganizationId>, StoreError> {
    let rows = sqlx::query(
        "SELECT org_id FROM authorizations WHERE client_id = $1
          UNION
         SELECT org_id FROM consents WHERE client_id = $1
          ORDER BY org_id",
    )
    .bind(client.as_str())
    .fetch_all(&mut **transaction)
    .await?;
    rows.iter().map(|row| row.id("org_id")).collect()
}

pub(crate) async fn find_authorization(
    executor: impl Executor<'_, Database = Any>,
    organization: &OrganizationId,
    id: &ClientId,
) -> Result<Option<(ScopeGrant, Client)>, StoreError> {
    let row = sqlx::query(
        "SELECT a.org_id AS decided_by, a.state AS decision, a.scopes AS granted, a.roles, a.consent, a.reason, a.version,
                a.created_at AS decided_at, a.created_by AS decided_first_by,
                a.modified_at AS changed_at, a.modified_by AS changed_by,
                c.org_id, c.client_id, c.name, c.description, c.grant_types, c.redirect_uris, c.scopes,
                c.is_confidential, c.pkce_required, c.token_ttl_seconds, c.metadata, c.state, c.created_at, c.created_by,
                c.modified_at, c.modified_by
           FROM authorizations a
           JOIN clients c ON c.client_id = a.client_id
          WHERE a.org_id = $1
            AND a.client_id = $2",
    )
    .bind(organization.as_str())
    .bind(id.as_str())
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(|row| Ok((grant(row)?, client(row)?))).transpose()
}

fn grant(row: &AnyRow) -> Result<ScopeGrant, StoreError> {
    Ok(ScopeGrant {
        organization: row.id("decided_by")?,
        client: row.id("client_id")?,
        state: row.named("decision", parse_state)?,
        scopes: row.json("granted")?,
        roles: row.json("roles")?,
        consent: row.named("consent", ConsentMode::parse)?,
        reason: row.text("reason")?,
        version: row.number("version")?,
        created_at: row.instant("decided_at")?,
        created_by: row.optional_text("decided_first_by")?,
        modified_at: row.instant("changed_at")?,
        modified_by: row.optional_text("changed_by")?,
    })
}

/// The only thing that an authorization refers to and that can be missing is its client.
fn unknown_client(error: sqlx::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Invalid { .. } => StoreError::NotFound { what: "client" },
        error => error,
    }
}

/// What an audit record calls the way into a state.
const fn action(state: AuthorizationState) -> &'static str {
    match state {
        AuthorizationState::Requested => "authorization.request",
        AuthorizationState::Authorized => "authorization.grant",
        AuthorizationState::Denied => "authorization.deny",
        AuthorizationState::Revoked => "authorization.revoke",
        AuthorizationState::Expired => "authorization.expire",
    }
}

fn event(action: &'static str, client: &ClientId, before: Option<&ScopeGrant>, after: Option<&ScopeGrant>) -> Event {
    let (before, after) = (before.map_or(Value::Null, picture), after.map_or(Value::Null, picture));
    Event { action: action.into(), entity: "authorization".into(), entity_id: client.to_string(), before, after }
}

fn picture(grant: &ScopeGrant) -> Value {
    json!({
        "state": state_name(grant.state),
        "scopes": grant.scopes,
        "roles": grant.roles,
        "consent": grant.consent.as_str(),
        "reason": grant.reason,
        "version": grant.version,
    })
}
