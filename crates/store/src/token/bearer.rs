//! What an access token says when it comes back with a call: the hot path, one query.

use countersign_decision::Scope;
use countersign_domain::client::ClientState;
use countersign_domain::id::{ClientId, OrganizationId, TokenFamilyId};
use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::thumbprint::Confirmation;
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;

use crate::column::Columns;
use crate::token::family::{authentication, subject};
use crate::{StoreError, SystemStore};

/// What an access token says at this instant: everything but the organization's snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The organization that the token acts in.
    pub organization: OrganizationId,
    /// The organization's revision: names the snapshot to decide with.
    pub org_revision: i64,
    /// Whether the organization is active.
    pub org_active: bool,
    /// The client.
    pub client: ClientId,
    /// The organization that registered the client.
    pub client_home: OrganizationId,
    /// Whether the client's home organization is active.
    pub client_home_active: bool,
    /// Only an active client's tokens are live.
    pub client_state: ClientState,
    /// Name for people.
    pub client_name: String,
    /// Whom the token acts for.
    pub subject: TokenSubject,
    /// The most that the token may ask for.
    pub ceiling: Option<Vec<Scope>>,
    /// What whoever presents it must hold; `None`: nothing.
    pub confirmation: Option<Confirmation>,
    /// The APIs that it is for; empty: all.
    pub audience: Vec<String>,
    /// The family it dies with.
    pub family: TokenFamilyId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it or its family was revoked.
    pub is_revoked: bool,
    /// How and when its person signed in; `None` where nobody did.
    pub authentication: Option<Authentication>,
    /// Whether it acts through others, who must be allowed too: see [`SystemStore::delegation`].
    pub is_delegated: bool,
}

impl SystemStore<'_> {
    /// What an access token says; `None` for unknown ones. Expired and revoked ones answer, for the caller to judge.
    pub async fn bearer(&self, digest: &Digest) -> Result<Option<Bearer>, StoreError> {
        let row = sqlx::query(
            "SELECT t.org_id, t.family_id, t.ceiling, t.confirmation, t.audience, t.issued_at, t.expires_at,
                    f.client_id, f.user_id, f.revoked_at, f.is_delegated, f.authenticated_at, f.acr,
                    o.revision, o.is_active,
                    c.org_id AS client_home, c.state AS client_state, c.name AS client_name,
                    h.is_active AS client_home_active
               FROM access_tokens t
               JOIN token_families f ON f.org_id = t.org_id AND f.family_id = t.family_id
               JOIN organizations  o ON o.org_id = t.org_id
               JOIN clients        c ON c.client_id = f.client_id
               JOIN organizations  h ON h.org_id = c.org_id
              WHERE t.digest = $1",
        )
        .bind(&digest.as_bytes()[..])
        .fetch_optional(self.database.readers())
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(Bearer {
            organization: row.id("org_id")?,
            org_revision: row.number("revision")?,
            org_active: row.flag("is_active")?,
            client: row.id("client_id")?,
            client_home: row.id("client_home")?,
            client_home_active: row.flag("client_home_active")?,
            client_state: row.named("client_state", ClientState::parse)?,
            client_name: row.text("client_name")?,
            subject: subject(&row)?,
            ceiling: row.optional_json("ceiling")?,
            confirmation: row.optional_json("confirmation")?,
            audience: row.json("audience")?,
            family: row.id("family_id")?,
            issued_at: row.instant("issued_at")?,
            expires_at: row.instant("expires_at")?,
            is_revoked: row.optional_instant("revoked_at")?.is_some(),
            is_delegated: row.flag("is_delegated")?,
            authentication: authentication(&row)?,
        }))
    }
}
