//! Refresh tokens (RFC 6749 §6). The store tells the facts of a use; `domain::oauth` decides between rotation, grace and the
//! end of the family; what it decides is written in the transaction that claimed the token.

use countersign_domain::entropy::Entropy;
use countersign_domain::id::ClientId;
use countersign_domain::oauth::token::{AccessToken, RefreshToken, TokenFamily, TokenSubject};
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::change::Author;
use crate::column::Columns;
use crate::db::Transaction;
use crate::token::family::{end_family, family};
use crate::token::insert::{insert_access_tokens, insert_refresh_tokens};
use crate::token::issue::{Claim, Issue, Outcome, Part, Then};
use crate::token::standing::{ClaimStanding, read_standing};
use crate::{StoreError, SystemStore, SystemTask};

/// A refresh token in the claimer's hands, its whole family locked. It holds a write transaction: decide at once, then
/// rotate, keep or revoke. Dropped, nothing happened.
pub struct RefreshClaim<'s> {
    transaction: Transaction,
    record: RefreshToken,
    family: TokenFamily,
    is_family_live: bool,
    newest_generation: i64,
    task: SystemTask,
    now: Timestamp,
    entropy: &'s dyn Entropy,
}

impl RefreshClaim<'_> {
    /// What was kept of the token, before this use.
    pub fn record(&self) -> &RefreshToken {
        &self.record
    }

    /// The family it belongs to.
    pub fn family(&self) -> &TokenFamily {
        &self.family
    }

    /// Whether the family was not revoked.
    pub fn is_family_live(&self) -> bool {
        self.is_family_live
    }

    /// The newest generation of refresh tokens in the family.
    ///
    /// - Equal to the record's: the token is the newest, or one of several siblings none of which was used.
    /// - One more, and the record was rotated: a retry with the previous token (C35), if still in the grace time.
    /// - One more, but the record was never rotated: a sibling of it was used, so the grace time was forked (C37).
    /// - More: a successor was used, so this is reuse (C34).
    pub fn newest_generation(&self) -> i64 {
        self.newest_generation
    }

    /// The family's organization, user and authorization, in the claim's transaction.
    pub async fn standing(&mut self) -> Result<ClaimStanding, StoreError> {
        let TokenFamily { organization, client, subject, .. } = &self.family;
        let user = match subject {
            TokenSubject::User(user) => Some(user),
            TokenSubject::Client => None,
        };
        read_standing(&mut self.transaction, organization, client, user).await
    }

    /// Answers with a new pair. The record counts as rotated since its first rotation.
    ///
    /// # Errors
    /// `Invalid` when `refresh` is not of the next generation of this family.
    pub async fn rotate(mut self, access: &AccessToken, refresh: &RefreshToken) -> Result<(), StoreError> {
        check_successor(&self.record, refresh)?;
        sqlx::query(
            "UPDATE refresh_tokens
                SET rotated_at = COALESCE(rotated_at, $3)
              WHERE org_id = $1
                AND digest = $2",
        )
        .bind(self.family.organization.as_str())
        .bind(&self.record.digest.as_bytes()[..])
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        insert_access_tokens(&mut self.transaction, &[(&self.family, access)]).await?;
        insert_refresh_tokens(&mut self.transaction, &[(&self.family, refresh)]).await?;
        self.transaction.commit().await
    }

    /// Answers with a new access token; the refresh token stays, and now ends at `expires_at` if it is not used.
    pub async fn keep(mut self, access: &AccessToken, expires_at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE refresh_tokens
                SET expires_at = $3
              WHERE org_id = $1
                AND digest = $2",
        )
        .bind(self.family.organization.as_str())
        .bind(&self.record.digest.as_bytes()[..])
        .bind(expires_at.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        insert_access_tokens(&mut self.transaction, &[(&self.family, access)]).await?;
        self.transaction.commit().await
    }

    /// Ends every token of the family; `why` goes to the audit record.
    pub async fn revoke_family(mut self, why: &str) -> Result<(), StoreError> {
        let (organization, actor) = (&self.family.organization, &self.task.actor());
        let author = Author { organization, actor, now: self.now, entropy: self.entropy };
        end_family(&mut self.transaction, &author, &self.family.id, why).await?;
        self.transaction.commit().await
    }
}

/// A refresh token as it stands, not claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedRefreshToken {
    /// What was kept of the token.
    pub record: RefreshToken,
    /// The family it belongs to.
    pub family: TokenFamily,
    /// Whether the family was not revoked.
    pub is_family_live: bool,
    /// The newest generation of refresh tokens in the family.
    pub newest_generation: i64,
}

impl<'s> SystemStore<'s> {
    /// A refresh token as it stands, without claiming it; `None` for anybody but the client it was issued to.
    pub async fn presented_refresh_token(
        &self,
        digest: &Digest,
        client: &ClientId,
    ) -> Result<Option<PresentedRefreshToken>, StoreError> {
        let row = sqlx::query(
            "SELECT r.digest, r.org_id, r.family_id, r.generation, r.issued_at, r.rotated_at, r.expires_at,
                    f.client_id, f.user_id, f.ceiling, f.resources, f.dpop_key, f.session_id, f.identity,
                    f.authenticated_at, f.acr, f.created_at, f.revoked_at,
                    (SELECT MAX(n.generation)
                       FROM refresh_tokens n
                      WHERE n.org_id = r.org_id
                        AND n.family_id = r.family_id) AS newest_generation
               FROM refresh_tokens r
               JOIN token_families f ON f.org_id = r.org_id AND f.family_id = r.family_id
              WHERE r.digest = $1
                AND r.client_id = $2",
        )
        .bind(&digest.as_bytes()[..])
        .bind(client.as_str())
        .fetch_optional(self.database.readers())
        .await?;
        let presented = |row: &AnyRow| {
            Ok(PresentedRefreshToken {
                record: refresh_token(row)?,
                family: family(row)?,
                is_family_live: row.optional_instant("revoked_at")?.is_none(),
                newest_generation: row.number("newest_generation")?,
            })
        };
        row.as_ref().map(presented).transpose()
    }

    /// Claims a token that nobody has replaced and answers with a new access token, as was decided when authority had that
    /// `number`; it now ends at `expires_at` if it is not used. `false` where anything has changed since: then nothing
    /// happened.
    pub async fn keep_refresh_token(
        &self,
        (presented, number): (&PresentedRefreshToken, i64),
        access: AccessToken,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.renew((presented, number), Then::Keeps(expires_at), access, None).await
    }

    /// The same with a new pair.
    ///
    /// # Errors
    /// `Invalid` when `refresh` is not of the next generation of this family.
    pub async fn rotate_refresh_token(
        &self,
        (presented, number): (&PresentedRefreshToken, i64),
        access: AccessToken,
        refresh: RefreshToken,
    ) -> Result<bool, StoreError> {
        check_successor(&presented.record, &refresh)?;
        self.renew((presented, number), Then::IsReplaced, access, Some(refresh)).await
    }

    async fn renew(
        &self,
        (presented, number): (&PresentedRefreshToken, i64),
        then: Then,
        access: AccessToken,
        refresh: Option<RefreshToken>,
    ) -> Result<bool, StoreError> {
        let RefreshToken { digest, generation, .. } = presented.record;
        let claim = Claim::Refresh { digest, generation, number, then };
        let issue = Issue { claim, family: presented.family.clone(), access, refresh, now: self.now };
        Ok(self.database.keep(Part::Tokens(Box::new(issue))).await? == Outcome::Kept)
    }

    /// Claims a refresh token for the client it was issued to; `None` for anybody else (C32).
    pub async fn claim_refresh(
        &self,
        digest: &Digest,
        client: &ClientId,
    ) -> Result<Option<RefreshClaim<'s>>, StoreError> {
        let claimed = self
            .database
            .write(|mut transaction| async move {
                let row = sqlx::query(
                    "UPDATE refresh_tokens
                        SET uses = uses + 1
                      WHERE digest = $1
                        AND client_id = $2
                     RETURNING digest, org_id, family_id, generation, issued_at, rotated_at, expires_at",
                )
                .bind(&digest.as_bytes()[..])
                .bind(client.as_str())
                .fetch_optional(&mut *transaction)
                .await?;
                let Some(row) = row else {
                    return Ok(None);
                };
                let family = lock_family(&mut transaction, &row, self.now).await?;
                let newest_generation = newest_generation(&mut transaction, &row).await?;
                Ok(Some((transaction, row, family, newest_generation)))
            })
            .await?;
        let Some((transaction, row, family_row, newest_generation)) = claimed else {
            return Ok(None);
        };
        Ok(Some(RefreshClaim {
            transaction,
            record: refresh_token(&row)?,
            family: family(&family_row)?,
            is_family_live: family_row.optional_instant("revoked_at")?.is_none(),
            newest_generation,
            task: self.task,
            now: self.now,
            entropy: self.entropy,
        }))
    }
}

fn check_successor(record: &RefreshToken, successor: &RefreshToken) -> Result<(), StoreError> {
    match successor.generation == record.generation + 1 {
        true => Ok(()),
        false => Err(StoreError::Invalid { what: "the successor is not of the next generation".to_owned() }),
    }
}

/// Uses of different tokens of one family take turns too; each then sees what the one before it wrote.
async fn lock_family(transaction: &mut Transaction, token: &AnyRow, now: Timestamp) -> Result<AnyRow, StoreError> {
    let row = sqlx::query(
        "UPDATE token_families
            SET used_at = $3
          WHERE org_id = $1
            AND family_id = $2
         RETURNING org_id, family_id, client_id, user_id, ceiling, resources, dpop_key, session_id, identity,
                   authenticated_at, acr, created_at,
                   revoked_at",
    )
    .bind(token.text("org_id")?)
    .bind(token.text("family_id")?)
    .bind(now.as_micros())
    .fetch_one(&mut **transaction)
    .await?;
    Ok(row)
}

async fn newest_generation(transaction: &mut Transaction, token: &AnyRow) -> Result<i64, StoreError> {
    let row = sqlx::query("SELECT MAX(generation) FROM refresh_tokens WHERE org_id = $1 AND family_id = $2")
        .bind(token.text("org_id")?)
        .bind(token.text("family_id")?)
        .fetch_one(&mut **transaction)
        .await?;
    Ok(row.try_get(0)?)
}

fn refresh_token(row: &AnyRow) -> Result<RefreshToken, StoreError> {
    Ok(RefreshToken {
        digest: row.digest("digest")?,
        family: row.id("family_id")?,
        generation: row.number("generation")?,
        issued_at: row.instant("issued_at")?,
        rotated_at: row.optional_instant("rotated_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
