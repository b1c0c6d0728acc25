//! Pushed authorization requests (RFC 9126): opened as often as the browser likes while they are fresh (B06), finished once
//! (B05).

use countersign_domain::id::ClientId;
use countersign_domain::oauth::pushed_request::PushedRequest;
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;

use crate::column::{Columns, json_text};
use crate::{StoreError, SystemStore};

/// Most requests of one client that wait to be opened (B12).
pub const MAX_WAITING_REQUESTS: i64 = 1_000;

impl SystemStore<'_> {
    /// Keeps a pushed request; `false` when too many of its client wait to be opened.
    pub async fn save_pushed_request(&self, request: &PushedRequest) -> Result<bool, StoreError> {
        let saved = sqlx::query(
            "INSERT INTO pushed_requests (digest, client_id, parameters, expires_at, forget_at)
             SELECT $1, $2, $3, $4, $4
              WHERE (SELECT COUNT(*) FROM pushed_requests WHERE client_id = $2 AND expires_at > $5) < $6",
        )
        .bind(&request.digest.as_bytes()[..])
        .bind(request.client.as_str())
        .bind(json_text(&request.parameters))
        .bind(request.expires_at.as_micros())
        .bind(self.now.as_micros())
        .bind(MAX_WAITING_REQUESTS)
        .execute(self.database.writer())
        .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// What the client pushed, while it is fresh; it can then be finished until `forget_at`. `None` for another client's.
    pub async fn open_pushed_request(
        &self,
        digest: &Digest,
        client: &ClientId,
        forget_at: Timestamp,
    ) -> Result<Option<Vec<(String, String)>>, StoreError> {
        let row = sqlx::query(
            "UPDATE pushed_requests
                SET forget_at = $4
              WHERE digest = $1
                AND client_id = $2
                AND expires_at > $3
             RETURNING parameters",
        )
        .bind(&digest.as_bytes()[..])
        .bind(client.as_str())
        .bind(self.now.as_micros())
        .bind(forget_at.as_micros())
        .fetch_optional(self.database.writer())
        .await?;
        row.map(|row| row.json("parameters")).transpose()
    }

    /// Ends a pushed request, once: of any number of finishers one is first.
    pub async fn finish_pushed_request(&self, digest: &Digest) -> Result<bool, StoreError> {
        let finished = sqlx::query("DELETE FROM pushed_requests WHERE digest = $1")
            .bind(&digest.as_bytes()[..])
            .execute(self.database.writer())
            .await?;
        Ok(finished.rows_affected() == 1)
    }
}
