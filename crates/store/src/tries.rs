//! What may be tried only so often, counted here and not in memory: whoever guesses at several nodes has no more guesses (C47).

use countersign_domain::secret::Digest;

use crate::column::Columns;
use crate::{StoreError, SystemStore};

/// One thing that may be tried only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// What is tried, by whom.
    pub digest: Digest,
    /// So often in a row.
    pub most: i64,
    /// Then, or since the last try, so long nothing counts any more.
    pub wait_seconds: i64,
}

impl SystemStore<'_> {
    /// Counts a try of all of these, or of none: then in how many seconds the next can count, at least 1. Each is one conditional
    /// write, so that of any number of tries at once no more are made than may be.
    pub async fn count_try(&self, limited: &[Limited]) -> Result<Result<(), i64>, StoreError> {
        let now = self.now.as_micros();
        let mut transaction = self.database.begin().await?;
        for Limited { digest, most, wait_seconds } in in_one_order(limited) {
            let counted = sqlx::query(
                "INSERT INTO tries (digest, counted, ends_at) VALUES ($1, 1, $2)
                 ON CONFLICT (digest) DO UPDATE
                     SET counted = CASE WHEN tries.ends_at <= $3 THEN 1 ELSE tries.counted + 1 END,
                         ends_at = excluded.ends_at
                   WHERE tries.ends_at <= $4 OR tries.counted < $5
                 RETURNING counted",
            )
            .bind(&digest.as_bytes()[..])
            .bind(self.now.plus_seconds(wait_seconds).as_micros())
            .bind(now)
            .bind(now)
            .bind(most)
            .fetch_optional(&mut *transaction)
            .await?;
            if counted.is_none() {
                let ends = sqlx::query("SELECT ends_at FROM tries WHERE digest = $1")
                    .bind(&digest.as_bytes()[..])
                    .fetch_one(&mut *transaction)
                    .await?;
                let ends_at = ends.instant("ends_at")?;
                return Ok(Err(ends_at.seconds_since(self.now).clamp(1, wait_seconds)));
            }
        }
        transaction.commit().await?;
        Ok(Ok(()))
    }

    /// The try was right: it counts no more. Nothing is said about those before it.
    pub async fn take_try_back(&self, limited: &[Limited]) -> Result<(), StoreError> {
        let mut transaction = self.database.begin().await?;
        for Limited { digest, .. } in in_one_order(limited) {
            sqlx::query("UPDATE tries SET counted = counted - 1 WHERE digest = $1 AND counted > 0")
                .bind(&digest.as_bytes()[..])
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }
}

/// Whoever counts the same things waits for the other, and never each for the other.
fn in_one_order(limited: &[Limited]) -> Vec<Limited> {
    let mut ordered = limited.to_vec();
    ordered.sort_unstable_by_key(|limited| *limited.digest.as_bytes());
    ordered
}
