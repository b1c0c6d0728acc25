//! What has ended and is of no more use is deleted, so that nothing grows without bound (B12).
//!
//! In small batches, each a transaction of its own: nobody waits long for a lock, and a node that stops in the middle has done
//! what it has done. What tells a thief from an owner stays while that can matter: see `families.rs`.

mod families;

use countersign_domain::time::Timestamp;

use crate::{StoreError, SystemStore};

/// Rows of one batch.
const BATCH: i64 = 500;
/// Batches of one kind in one call; the next call goes on.
const MAX_BATCHES: u32 = 20;
/// How long what has ended is still known, in seconds: an app may give back the last token that it has.
const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;
/// How long it is told one by one what a change touched. Who is further behind reads everything again.
const CHANGES_TOLD_SECONDS: i64 = 7 * 24 * 60 * 60;

impl SystemStore<'_> {
    /// Deletes what has ended: uses of proofs, pushed requests, device codes, requests in progress, codes that nobody redeemed, tokens with their
    /// families, sessions; and what was told of changes long ago. Says how many rows.
    ///
    /// # Errors
    /// When the database cannot be written; what was deleted before stays deleted.
    pub async fn delete_ended(&self) -> Result<u64, StoreError> {
        let (now, remembered) = (self.now, self.now.plus_seconds(-REMEMBERED_SECONDS));
        let told = self.now.plus_seconds(-CHANGES_TOLD_SECONDS);
        let mut deleted = 0;
        for (sql, ended) in [
            (
                "DELETE FROM used_proofs WHERE digest IN (SELECT digest FROM used_proofs WHERE until <= $1 LIMIT $2)",
                now,
            ),
            ("DELETE FROM tries WHERE digest IN (SELECT digest FROM tries WHERE ends_at <= $1 LIMIT $2)", now),
            (
                "DELETE FROM pushed_requests
                  WHERE digest IN (SELECT digest FROM pushed_requests WHERE forget_at <= $1 LIMIT $2)",
                now,
            ),
            (
                "DELETE FROM device_codes
                  WHERE digest IN (SELECT digest FROM device_codes WHERE forget_at <= $1 LIMIT $2)",
                now,
            ),
            (
                "DELETE FROM interactions
                  WHERE digest IN (SELECT digest FROM interactions WHERE expires_at <= $1 LIMIT $2)",
                now,
            ),
            (
                "DELETE FROM authorization_codes
                  WHERE digest IN (SELECT digest
                                     FROM authorization_codes
                                    WHERE claims = 0
                                      AND expires_at <= $1
                                    LIMIT $2)",
                remembered,
            ),
            (
                "DELETE FROM changes
                  WHERE (org_id, revision) IN (SELECT org_id, revision FROM changes WHERE changed_at <= $1 LIMIT $2)",
                told,
            ),
        ] {
            deleted += self.delete_batches(sql, ended).await?;
        }
        Ok(deleted + self.delete_ended_tokens(remembered).await?)
    }

    async fn delete_batches(&self, sql: &'static str, ended: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for _ in 0..MAX_BATCHES {
            let batch = sqlx::query(sql).bind(ended.as_micros()).bind(BATCH).execute(self.database.writer()).await?;
            deleted += batch.rows_affected();
            if batch.rows_affected() < BATCH.unsigned_abs() {
                break;
            }
        }
        Ok(deleted)
    }
}
