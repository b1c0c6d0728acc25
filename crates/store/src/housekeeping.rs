//! What has ended and is of no more use is deleted, so that nothing that strangers cause grows without bound (B12).

use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// Deletes uses of proofs, pushed requests, device codes and requests in progress that have ended; says how many.
    pub async fn delete_ended(&self) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for sql in [
            "DELETE FROM used_proofs     WHERE until      <= $1",
            "DELETE FROM pushed_requests WHERE forget_at  <= $1",
            "DELETE FROM device_codes    WHERE forget_at  <= $1",
            "DELETE FROM interactions    WHERE expires_at <= $1",
        ] {
            let ended = sqlx::query(sql).bind(self.now.as_micros()).execute(self.database.writer()).await?;
            deleted += ended.rows_affected();
        }
        Ok(deleted)
    }
}
