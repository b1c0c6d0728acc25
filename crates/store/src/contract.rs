//! The contracts of this installation, as the importer made them.

use serde_json::Value;
use sqlx::Row;

use crate::column::{Columns, json_text};
use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// Keeps a contract in place of an earlier one of that name; answers the new revision of the whole set.
    pub async fn save_contract(&self, name: &str, source: &Value) -> Result<i64, StoreError> {
        let text = &json_text(source);
        self.database
            .write(|mut transaction| async move {
                sqlx::query(
                    "INSERT INTO contracts (name, source, saved_at)
                     VALUES ($1, $2, $3)
                     ON CONFLICT (name) DO UPDATE
                        SET source = excluded.source, saved_at = excluded.saved_at",
                )
                .bind(name)
                .bind(text)
                .bind(self.now.as_micros())
                .execute(&mut *transaction)
                .await?;
                let revision = sqlx::query(
                    "UPDATE counters
                        SET value = value + 1
                      WHERE name = 'contracts'
                     RETURNING value",
                )
                .fetch_one(&mut *transaction)
                .await?
                .number("value")?;
                transaction.commit().await?;
                Ok(revision)
            })
            .await
    }

    /// All contracts, by name.
    pub async fn contracts(&self) -> Result<Vec<(String, Value)>, StoreError> {
        let rows =
            sqlx::query("SELECT name, source FROM contracts ORDER BY name").fetch_all(self.database.readers()).await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.json("source")?))).collect()
    }

    /// Goes up with every saved contract.
    pub async fn contracts_revision(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT value FROM counters WHERE name = 'contracts'")
            .fetch_one(self.database.readers())
            .await?;
        Ok(row.try_get(0)?)
    }
}
