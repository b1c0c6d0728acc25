//! Whom the tokens of an exchanged family act through (RFC 8693).

use countersign_decision::ClientRef;
use countersign_domain::client::ClientState;
use countersign_domain::id::{OrganizationId, TokenFamilyId};
use countersign_domain::oauth::delegation::Link;
use countersign_domain::oauth::token::{AccessToken, TokenFamily};
use sqlx::any::AnyRow;

use crate::column::Columns;
use crate::token::family::{ceiling_text, subject, user_of};
use crate::token::insert::{insert_access_tokens, insert_families};
use crate::{StoreError, SystemStore};

/// One link of a chain at this instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLink {
    /// As it was when the token was exchanged.
    pub link: Link,
    /// Its client as it is now.
    pub client: ClientRef,
}

impl SystemStore<'_> {
    /// Saves an exchanged token with its chain.
    pub async fn save_exchanged(
        &self,
        family: &TokenFamily,
        links: &[Link],
        access: &AccessToken,
    ) -> Result<(), StoreError> {
        self.database
            .write(|mut transaction| async move {
                insert_families(&mut transaction, &[(family, self.now)]).await?;
                sqlx::query("UPDATE token_families SET is_delegated = 1 WHERE org_id = $1 AND family_id = $2")
                    .bind(family.organization.as_str())
                    .bind(family.id.as_str())
                    .execute(&mut *transaction)
                    .await?;
                for (position, link) in (0_i64..).zip(links) {
                    sqlx::query(
                        "INSERT INTO delegations (org_id, family_id, position, through, client_id, user_id, ceiling)
                         VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    )
                    .bind(family.organization.as_str())
                    .bind(family.id.as_str())
                    .bind(position)
                    .bind(link.family.as_str())
                    .bind(link.client.as_str())
                    .bind(user_of(&link.subject))
                    .bind(ceiling_text(link.ceiling.as_deref()))
                    .execute(&mut *transaction)
                    .await?;
                }
                insert_access_tokens(&mut transaction, &[(family, access)]).await?;
                transaction.commit().await
            })
            .await
    }

    /// The chain of a family, the nearest link first; `None` where one of the families that it came from has ended, or a client on the way is gone:
    /// then its tokens have ended too.
    pub async fn delegation(
        &self,
        organization: &OrganizationId,
        family: &TokenFamilyId,
    ) -> Result<Option<Vec<LiveLink>>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.through AS family_id, d.client_id, d.user_id, d.ceiling, f.revoked_at,
                    c.org_id AS client_home, c.state AS client_state, h.is_active AS client_home_active
               FROM delegations d
               JOIN token_families     f ON f.org_id = d.org_id AND f.family_id = d.through
               LEFT JOIN clients       c ON c.client_id = d.client_id
               LEFT JOIN organizations h ON h.org_id = c.org_id
              WHERE d.org_id = $1
                AND d.family_id = $2
              ORDER BY d.position",
        )
        .bind(organization.as_str())
        .bind(family.as_str())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(live_link).collect()
    }
}

fn live_link(row: &AnyRow) -> Result<Option<LiveLink>, StoreError> {
    let has_ended = row.optional_instant("revoked_at")?.is_some();
    let Some(home_organization) = row.optional_text("client_home")?.filter(|_| !has_ended) else { return Ok(None) };
    let link = Link {
        family: row.id("family_id")?,
        client: row.id("client_id")?,
        subject: subject(row)?,
        ceiling: row.optional_json("ceiling")?,
    };
    let is_active = row.named("client_state", ClientState::parse)? == ClientState::Active;
    let client = ClientRef {
        id: link.client.to_string(),
        home_organization,
        active: is_active && row.flag("client_home_active")?,
    };
    Ok(Some(LiveLink { link, client }))
}
