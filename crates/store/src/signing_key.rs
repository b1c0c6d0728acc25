//! The installation's signing keys. Their private halves come sealed and stay so.

use countersign_domain::oauth::signing_key::{SigningAlgorithm, SigningKey};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::column::{Columns, json_text};
use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// All signing keys, the oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let rows = sqlx::query(
            "SELECT kid, algorithm, public_jwk, sealed_private_key, created_at, active_from
               FROM signing_keys
              ORDER BY active_from, kid",
        )
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(signing_key).collect()
    }

    /// Goes up with every change of the set; 0 before the first keys. Read it before the keys.
    pub async fn signing_keys_revision(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT value FROM counters WHERE name = 'signing_keys'")
            .fetch_one(self.database.readers())
            .await?;
        row.number("value")
    }

    /// Adds `made` and deletes `over`, if the set still has `revision`: of any number of writers one does.
    pub async fn change_signing_keys(
        &self,
        revision: i64,
        made: &[SigningKey],
        over: &[String],
    ) -> Result<bool, StoreError> {
        self.database
            .write(|mut transaction| async move {
                let claimed = sqlx::query(
                    "UPDATE counters
                        SET value = value + 1
                      WHERE name = 'signing_keys'
                        AND value = $1",
                )
                .bind(revision)
                .execute(&mut *transaction)
                .await?;
                if claimed.rows_affected() == 0 {
                    return Ok(false);
                }
                for key in made {
                    sqlx::query(
                        "INSERT INTO signing_keys (kid, algorithm, public_jwk, sealed_private_key, created_at, active_from)
                         VALUES ($1, $2, $3, $4, $5, $6)",
                    )
                    .bind(&key.kid)
                    .bind(key.algorithm.as_str())
                    .bind(json_text(&key.public_jwk))
                    .bind(&key.sealed_private_key[..])
                    .bind(key.created_at.as_micros())
                    .bind(key.active_from.as_micros())
                    .execute(&mut *transaction)
                    .await?;
                }
                for kid in over {
                    sqlx::query("DELETE FROM signing_keys WHERE kid = $1").bind(kid).execute(&mut *transaction).await?;
                }
                transaction.commit().await?;
                Ok(true)
            })
            .await
    }
}

fn signing_key(row: &AnyRow) -> Result<SigningKey, StoreError> {
    Ok(SigningKey {
        kid: row.text("kid")?,
        algorithm: row.named("algorithm", SigningAlgorithm::parse)?,
        public_jwk: row.json("public_jwk")?,
        sealed_private_key: row.try_get("sealed_private_key")?,
        created_at: row.instant("created_at")?,
        active_from: row.instant("active_from")?,
    })
}
