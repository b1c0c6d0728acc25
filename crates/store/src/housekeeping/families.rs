//! Tokens, their families, and sessions.
//!
//! A family is deleted as a whole, when nothing of it can matter any more: no access token is left, no refresh token could still be used, no
//! exchanged token came through it, and the sign-in that it came from is over. Until then its code and all its refresh tokens stay, the replaced ones
//! too: their second use betrays a theft (RFC 6749 §4.1.2, RFC 9700 §4.14.2), and the apps of a sign-in must be known to tell them of a logout.

use std::collections::BTreeSet;

use countersign_domain::id::{OrganizationId, TokenFamilyId};
use countersign_domain::oauth::grant::refresh_token::FAMILY_ABSOLUTE_SECONDS;
use countersign_domain::session::{SESSION_ABSOLUTE_SECONDS, SESSION_IDLE_SECONDS};
use countersign_domain::time::Timestamp;
use sqlx::any::AnyRow;

use super::{BATCH, MAX_BATCHES, REMEMBERED_SECONDS};
use crate::column::Columns;
use crate::db::Transaction;
use crate::{StoreError, SystemStore};

/// Families that may have lost their last token.
type Families = BTreeSet<(OrganizationId, TokenFamilyId)>;

impl SystemStore<'_> {
    /// Deletes access tokens that ended before `ended`, what of their families is of no more use, and sessions.
    pub(super) async fn delete_ended_tokens(&self, ended: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for _ in 0..MAX_BATCHES {
            let batch = self.delete_access_tokens(ended).await?;
            deleted += batch;
            if batch < BATCH.unsigned_abs() {
                break;
            }
        }
        // whose last token ended long ago, but not their last refresh token; and, last of all, whatever no other way has found
        let very_old = self.now.plus_seconds(-FAMILY_ABSOLUTE_SECONDS - 2 * REMEMBERED_SECONDS);
        for (sql, ended) in [
            (
                "SELECT r.org_id, r.family_id
                   FROM refresh_tokens r
                  WHERE r.expires_at <= $1
                    AND NOT EXISTS (SELECT 1
                                      FROM refresh_tokens n
                                     WHERE n.org_id = r.org_id
                                       AND n.family_id = r.family_id
                                       AND n.expires_at > $1)
                    AND NOT EXISTS (SELECT 1 FROM access_tokens a WHERE a.org_id = r.org_id AND a.family_id = r.family_id)
                  LIMIT $2",
                ended,
            ),
            ("SELECT f.org_id, f.family_id FROM token_families f WHERE f.created_at <= $1 LIMIT $2", very_old),
        ] {
            let rows =
                sqlx::query(sql).bind(ended.as_micros()).bind(BATCH).fetch_all(self.database.readers()).await?;
            let families = rows.iter().map(family_of).collect::<Result<Families, _>>()?;
            deleted += self.forget(families, ended).await?;
        }
        Ok(deleted + self.delete_sessions(ended).await?)
    }

    /// One batch; says how many tokens.
    async fn delete_access_tokens(&self, ended: Timestamp) -> Result<u64, StoreError> {
        self.database
            .write(|mut transaction| async move {
                let rows = sqlx::query(
                    "DELETE FROM access_tokens
                      WHERE digest IN (SELECT digest FROM access_tokens WHERE expires_at <= $1 LIMIT $2)
                     RETURNING org_id, family_id",
                )
                .bind(ended.as_micros())
                .bind(BATCH)
                .fetch_all(&mut *transaction)
                .await?;
                let families = rows.iter().map(family_of).collect::<Result<Families, _>>()?;
                forget_unused(&mut transaction, families, ended, self.now).await?;
                transaction.commit().await?;
                Ok(rows.len() as u64)
            })
            .await
    }

    /// One batch of sessions that are over, and that no token came from that is still there.
    async fn delete_sessions(&self, ended: Timestamp) -> Result<u64, StoreError> {
        self.database
            .write(|mut transaction| async move {
                let rows = sqlx::query(
                    "SELECT s.org_id, s.session_id
                       FROM sessions s
                      WHERE (s.last_seen_at <= $1 OR s.authenticated_at <= $2)
                        AND NOT EXISTS (SELECT 1
                                          FROM token_families f
                                          JOIN access_tokens  a ON a.org_id = f.org_id AND a.family_id = f.family_id
                                         WHERE f.org_id = s.org_id
                                           AND f.session_id = s.session_id)
                        AND NOT EXISTS (SELECT 1
                                          FROM token_families f
                                          JOIN refresh_tokens r ON r.org_id = f.org_id AND r.family_id = f.family_id
                                         WHERE f.org_id = s.org_id
                                           AND f.session_id = s.session_id
                                           AND r.expires_at > $3)
                      LIMIT $4",
                )
                .bind(self.now.plus_seconds(-SESSION_IDLE_SECONDS).as_micros())
                .bind(self.now.plus_seconds(-SESSION_ABSOLUTE_SECONDS).as_micros())
                .bind(ended.as_micros())
                .bind(BATCH)
                .fetch_all(&mut *transaction)
                .await?;
                for row in &rows {
                    let (organization, session) = (row.text("org_id")?, row.text("session_id")?);
                    let families = sqlx::query(
                        "SELECT org_id, family_id FROM token_families WHERE org_id = $1 AND session_id = $2",
                    )
                    .bind(&organization)
                    .bind(&session)
                    .fetch_all(&mut *transaction)
                    .await?;
                    sqlx::query("DELETE FROM sessions WHERE org_id = $1 AND session_id = $2")
                        .bind(&organization)
                        .bind(&session)
                        .execute(&mut *transaction)
                        .await?;
                    let families = families.iter().map(family_of).collect::<Result<Families, _>>()?;
                    forget_unused(&mut transaction, families, ended, self.now).await?;
                }
                transaction.commit().await?;
                Ok(rows.len() as u64)
            })
            .await
    }

    async fn forget(&self, families: Families, ended: Timestamp) -> Result<u64, StoreError> {
        let families = &families;
        self.database
            .write(|mut transaction| async move {
                let forgotten = forget_unused(&mut transaction, families.clone(), ended, self.now).await?;
                transaction.commit().await?;
                Ok(forgotten)
            })
            .await
    }
}

fn family_of(row: &AnyRow) -> Result<(OrganizationId, TokenFamilyId), StoreError> {
    Ok((row.id("org_id")?, row.id("family_id")?))
}

/// Deletes those of the families that nothing depends on, and then those that only they depended on.
async fn forget_unused(
    transaction: &mut Transaction,
    mut families: Families,
    ended: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    while let Some((organization, family)) = families.pop_first() {
        if !is_unused(transaction, (&organization, &family), ended, now).await? {
            continue;
        }
        let of_family =
            "DELETE FROM delegations WHERE org_id = $1 AND family_id = $2 RETURNING org_id, through AS family_id";
        let (organization, family) = (organization.as_str(), family.as_str());
        let through = sqlx::query(of_family).bind(organization).bind(family).fetch_all(&mut **transaction).await?;
        for sql in [
            "DELETE FROM refresh_tokens WHERE org_id = $1 AND family_id = $2",
            "DELETE FROM authorization_codes WHERE org_id = $1 AND family_id = $2",
            "DELETE FROM token_families WHERE org_id = $1 AND family_id = $2",
        ] {
            sqlx::query(sql).bind(organization).bind(family).execute(&mut **transaction).await?;
        }
        forgotten += 1;
        for row in &through {
            families.insert(family_of(row)?);
        }
    }
    Ok(forgotten)
}

async fn is_unused(
    transaction: &mut Transaction,
    (organization, family): (&OrganizationId, &TokenFamilyId),
    ended: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found = sqlx::query(
        "SELECT f.family_id
           FROM token_families f
          WHERE f.org_id = $1
            AND f.family_id = $2
            AND NOT EXISTS (SELECT 1 FROM access_tokens a WHERE a.org_id = f.org_id AND a.family_id = f.family_id)
            AND NOT EXISTS (SELECT 1
                              FROM refresh_tokens r
                             WHERE r.org_id = f.org_id
                               AND r.family_id = f.family_id
                               AND r.expires_at > $3)
            AND NOT EXISTS (SELECT 1 FROM delegations d WHERE d.org_id = f.org_id AND d.through = f.family_id)
            AND NOT EXISTS (SELECT 1
                              FROM sessions s
                             WHERE s.org_id = f.org_id
                               AND s.session_id = f.session_id
                               AND s.last_seen_at > $4
                               AND s.authenticated_at > $5)",
    )
    .bind(organization.as_str())
    .bind(family.as_str())
    .bind(ended.as_micros())
    .bind(now.plus_seconds(-SESSION_IDLE_SECONDS).as_micros())
    .bind(now.plus_seconds(-SESSION_ABSOLUTE_SECONDS).as_micros())
    .fetch_optional(&mut **transaction)
    .await?;
    Ok(found.is_some())
}
