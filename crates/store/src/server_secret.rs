//! Random keys that all nodes of an installation share.

use countersign_domain::entropy::random_bytes;
use sqlx::Row;

use crate::column::damaged;
use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// The key of this name; made when there is none. Nodes that make it at once all get the one that was first.
    pub async fn server_secret(&self, name: &str) -> Result<[u8; 32], StoreError> {
        let fresh: [u8; 32] = random_bytes(self.entropy);
        sqlx::query("INSERT INTO server_secrets (name, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(&fresh[..])
            .execute(self.database.writer())
            .await?;
        let row = sqlx::query("SELECT secret FROM server_secrets WHERE name = $1")
            .bind(name)
            .fetch_one(self.database.writer())
            .await?;
        row.try_get::<Vec<u8>, _>(0)?.try_into().map_err(|_| damaged("secret"))
    }
}
