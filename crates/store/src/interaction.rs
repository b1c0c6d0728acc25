//! Authorization requests in progress, kept on our side between the pages of one sign-in (A60).

use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::column::{Columns, json_text};
use crate::{StoreError, SystemStore};

/// One authorization request in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// Digest of the secret in the page's address.
    pub digest: Digest,
    /// Digest of the cookie that may go on with it: the pre-session's, then the session's.
    pub binding: Digest,
    /// The validated request.
    pub request: Value,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl SystemStore<'_> {
    /// Keeps a new interaction.
    pub async fn save_interaction(&self, interaction: &Interaction) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO interactions (digest, binding, request, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&interaction.digest.as_bytes()[..])
        .bind(&interaction.binding.as_bytes()[..])
        .bind(json_text(&interaction.request))
        .bind(interaction.created_at.as_micros())
        .bind(interaction.expires_at.as_micros())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// An interaction that is not over.
    pub async fn interaction(&self, digest: &Digest) -> Result<Option<Interaction>, StoreError> {
        let row = sqlx::query(
            "SELECT digest, binding, request, created_at, expires_at
               FROM interactions
              WHERE digest = $1
                AND expires_at > $2",
        )
        .bind(&digest.as_bytes()[..])
        .bind(self.now.as_micros())
        .fetch_optional(self.database.readers())
        .await?;
        row.as_ref().map(interaction).transpose()
    }

    /// Hands an interaction from one cookie to another, as at sign-in; `false` if it was not bound to `from`.
    pub async fn rebind_interaction(&self, digest: &Digest, from: &Digest, to: &Digest) -> Result<bool, StoreError> {
        let rebound = sqlx::query("UPDATE interactions SET binding = $3 WHERE digest = $1 AND binding = $2")
            .bind(&digest.as_bytes()[..])
            .bind(&from.as_bytes()[..])
            .bind(&to.as_bytes()[..])
            .execute(self.database.writer())
            .await?;
        Ok(rebound.rows_affected() == 1)
    }

    /// Takes an interaction that is not over, so that one decision gives one code (A57): of any number of takers one gets
    /// it.
    pub async fn take_interaction(&self, digest: &Digest) -> Result<Option<Interaction>, StoreError> {
        let row = sqlx::query(
            "DELETE FROM interactions
              WHERE digest = $1
                AND expires_at > $2
             RETURNING digest, binding, request, created_at, expires_at",
        )
        .bind(&digest.as_bytes()[..])
        .bind(self.now.as_micros())
        .fetch_optional(self.database.writer())
        .await?;
        row.as_ref().map(interaction).transpose()
    }
}

fn interaction(row: &AnyRow) -> Result<Interaction, StoreError> {
    Ok(Interaction {
        digest: row.digest("digest")?,
        binding: row.digest("binding")?,
        request: row.json("request")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
