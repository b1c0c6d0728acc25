//! What apps called, counted. A count is added to what is there; nothing that anybody may do depends on it.

use countersign_domain::id::ClientId;
use countersign_domain::usage::{Day, Outcome, UsageCount, UsageKey};
use sqlx::any::AnyRow;

use crate::column::{Columns, damaged, json_text};
use crate::{OrgStore, StoreError, SystemStore};

/// Most counts of one transaction: other writers wait no longer than these take.
const BATCH: usize = 200;

impl SystemStore<'_> {
    /// Adds counts, many in one transaction.
    ///
    /// # Errors
    /// Why not all, with how many of them, from the first, were added nevertheless.
    pub async fn add_usage(&self, counts: &[UsageCount]) -> Result<(), (usize, StoreError)> {
        for (number, batch) in counts.chunks(BATCH).enumerate() {
            self.add_usage_batch(batch).await.map_err(|error| (number * BATCH, error))?;
        }
        Ok(())
    }

    async fn add_usage_batch(&self, counts: &[UsageCount]) -> Result<(), StoreError> {
        // in one order, so that nodes that add at once wait for each other and do not lock each other out
        let mut counts: Vec<&UsageCount> = counts.iter().collect();
        counts.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let counts = &counts;
        self.database
            .write(|mut transaction| async move {
                for UsageCount { key, calls, last } in counts {
                    sqlx::query(
                        "INSERT INTO usage_counts
                             (org_id, client_id, day, contract, operation, crosses, outcome, would_be_denied, calls, last_call_at)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                         ON CONFLICT (org_id, client_id, day, contract, operation, crosses, outcome, would_be_denied)
                         DO UPDATE
                            SET calls = usage_counts.calls + excluded.calls,
                                last_call_at = CASE WHEN usage_counts.last_call_at > excluded.last_call_at
                                                    THEN usage_counts.last_call_at
                                                    ELSE excluded.last_call_at END",
                    )
                    .bind(key.organization.as_str())
                    .bind(key.client.as_str())
                    .bind(key.day.0)
                    .bind(&key.contract)
                    .bind(key.operation.as_deref().unwrap_or_default())
                    .bind(json_text(&key.crosses))
                    .bind(key.outcome.as_str())
                    .bind(i64::from(key.would_be_denied))
                    .bind(i64::try_from(*calls).unwrap_or(i64::MAX))
                    .bind(last.as_micros())
                    .execute(&mut *transaction)
                    .await?;
                }
                transaction.commit().await
            })
            .await
    }

    /// Deletes at most `most` counts of days before this one, the oldest first; says how many.
    pub async fn delete_usage_before(&self, day: Day, most: u32) -> Result<u64, StoreError> {
        let deleted = sqlx::query(
            "DELETE FROM usage_counts
              WHERE (org_id, client_id, day, contract, operation, crosses, outcome, would_be_denied) IN
                    (SELECT org_id, client_id, day, contract, operation, crosses, outcome, would_be_denied
                       FROM usage_counts
                      WHERE day < $1
                      ORDER BY day
                      LIMIT $2)",
        )
        .bind(day.0)
        .bind(i64::from(most))
        .execute(self.database.writer())
        .await?;
        Ok(deleted.rows_affected())
    }
}

impl OrgStore<'_> {
    /// What one app called here, from one day to another, both included.
    pub async fn usage(&self, client: &ClientId, from: Day, to: Day) -> Result<Vec<UsageCount>, StoreError> {
        let rows = sqlx::query(
            "SELECT day, contract, operation, crosses, outcome, would_be_denied, calls, last_call_at
               FROM usage_counts
              WHERE org_id = $1
                AND client_id = $2
                AND day >= $3
                AND day <= $4
              ORDER BY day, contract, operation, crosses, outcome, would_be_denied",
        )
        .bind(self.organization.as_str())
        .bind(client.as_str())
        .bind(from.0)
        .bind(to.0)
        .fetch_all(self.database.readers())
        .await?;
        let count = |row: &AnyRow| {
            Ok(UsageCount {
                key: UsageKey {
                    organization: self.organization.clone(),
                    client: client.clone(),
                    day: Day(row.number("day")?),
                    contract: row.text("contract")?,
                    operation: Some(row.text("operation")?).filter(|operation| !operation.is_empty()),
                    crosses: row.json("crosses")?,
                    outcome: Outcome::named(&row.text("outcome")?),
                    would_be_denied: row.flag("would_be_denied")?,
                },
                calls: u64::try_from(row.number("calls")?).map_err(|_| damaged("calls"))?,
                last: row.instant("last_call_at")?,
            })
        };
        rows.iter().map(count).collect()
    }
}
