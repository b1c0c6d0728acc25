//! Access and refresh tokens that somebody asks about (RFC 7662) or gives back (RFC 7009).

use countersign_domain::client::ClientState;
use countersign_domain::id::{ClientId, OrganizationId};
use countersign_domain::oauth::introspection::{KnownToken, TokenKind};
use countersign_domain::oauth::openid::protocol_scope::ProtocolScope;
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::secret::Digest;

use crate::change::Author;
use crate::column::Columns;
use crate::token::family::{end_family, family};
use crate::token::standing::{ClaimStanding, read_standing};
use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// What is kept of an access or refresh token; `None` for unknown ones. Ended ones answer, for the caller to judge.
    pub async fn known_token(&self, digest: &Digest) -> Result<Option<KnownToken>, StoreError> {
        let row = sqlx::query(
            "SELECT t.kind, t.ceiling AS token_ceiling, t.confirmation, t.audience, t.protocol_scopes, t.issued_at, t.expires_at,
                    t.is_replaced, f.org_id, f.family_id, f.client_id, f.user_id, f.ceiling, f.resources, f.dpop_key,
                    f.session_id, f.identity, f.authenticated_at, f.acr, f.created_at, f.revoked_at, f.is_delegated,
                    c.state AS client_state, h.is_active AS client_home_active
               FROM (SELECT org_id, family_id, 'access' AS kind, ceiling, confirmation, audience, protocol_scopes, issued_at,
                            expires_at, 0 AS is_replaced
                       FROM access_tokens
                      WHERE digest = $1
                      UNION ALL
                     SELECT r.org_id, r.family_id, 'refresh' AS kind, g.ceiling, NULL AS confirmation, g.resources AS audience,
                            NULL AS protocol_scopes, r.issued_at, r.expires_at,
                            CASE WHEN r.rotated_at IS NULL THEN 0 ELSE 1 END AS is_replaced
                       FROM refresh_tokens r
                       JOIN token_families g ON g.org_id = r.org_id AND g.family_id = r.family_id
                      WHERE r.digest = $1) t
               JOIN token_families f ON f.org_id = t.org_id AND f.family_id = t.family_id
               JOIN clients        c ON c.client_id = f.client_id
               JOIN organizations  h ON h.org_id = c.org_id",
        )
        .bind(&digest.as_bytes()[..])
        .fetch_optional(self.database.readers())
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let family = family(&row)?;
        let links = match row.flag("is_delegated")? {
            true => self.delegation(&family.organization, &family.id).await?,
            false => Some(Vec::new()),
        };
        let is_way_open = links.as_ref().is_some_and(|links| links.iter().all(|live| live.client.active));
        let own_scopes: Option<Vec<ProtocolScope>> = row.optional_json("protocol_scopes")?;
        Ok(Some(KnownToken {
            // A refresh token holds what its family does.
            protocol_scopes: own_scopes.unwrap_or_else(|| family.extent().protocol),
            kind: match row.text("kind")?.as_str() {
                "access" => TokenKind::Access,
                _ => TokenKind::Refresh { is_replaced: row.flag("is_replaced")? },
            },
            family,
            is_revoked: row.optional_instant("revoked_at")?.is_some() || !is_way_open,
            links: links.unwrap_or_default().into_iter().map(|live| live.link).collect(),
            ceiling: row.optional_json("token_ceiling")?,
            confirmation: row.optional_json("confirmation")?,
            audience: row.json("audience")?,
            issued_at: row.instant("issued_at")?,
            expires_at: row.instant("expires_at")?,
            client_state: row.named("client_state", ClientState::parse)?,
            is_client_home_active: row.flag("client_home_active")?,
        }))
    }

    /// An organization, what it decided about a client, and whom the client acts for there, at this moment.
    pub async fn standing_of(
        &self,
        organization: &OrganizationId,
        client: &ClientId,
        subject: &TokenSubject,
    ) -> Result<ClaimStanding, StoreError> {
        let mut transaction = self.database.begin_read().await?;
        let user = match subject {
            TokenSubject::User(user) => Some(user),
            TokenSubject::Client => None,
        };
        read_standing(&mut transaction, organization, client, user).await
    }

    /// Ends the family of an access or refresh token for the client that it was issued to (RFC 7009 §2.1); `false` for
    /// unknown tokens and those of others (D28).
    pub async fn revoke_token(&self, digest: &Digest, client: &ClientId) -> Result<bool, StoreError> {
        self.database
            .write(|mut transaction| async move {
                let row = sqlx::query(
                    "SELECT f.org_id, f.family_id
                       FROM (SELECT org_id, family_id FROM access_tokens  WHERE digest = $1
                              UNION ALL
                             SELECT org_id, family_id FROM refresh_tokens WHERE digest = $1) t
                       JOIN token_families f ON f.org_id = t.org_id AND f.family_id = t.family_id
                      WHERE f.client_id = $2",
                )
                .bind(&digest.as_bytes()[..])
                .bind(client.as_str())
                .fetch_optional(&mut *transaction)
                .await?;
                let Some(row) = row else {
                    return Ok(false);
                };
                let (organization, actor) = (row.id("org_id")?, self.task.actor());
                let author =
                    Author { organization: &organization, actor: &actor, now: self.now, entropy: self.entropy };
                end_family(&mut transaction, &author, &row.id("family_id")?, "revoked by its holder").await?;
                transaction.commit().await?;
                Ok(true)
            })
            .await
    }
}
