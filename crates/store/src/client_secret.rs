//! Secrets of confidential clients: hashes only, two live at most (C26).

use countersign_domain::id::ClientId;
use countersign_domain::secret::SecretHash;
use countersign_domain::time::Timestamp;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, damaged, hash_text, parse_hash};
use crate::{OrgStore, StoreError, SystemStore};

impl OrgStore<'_> {
    /// Gives a confidential client a new secret. The newest other one lives on until `retire_others_at` (`None`: without
    /// end), older ones go.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for a client that is public or proves itself by key or certificate.
    pub async fn add_client_secret(
        &self,
        id: &ClientId,
        secret: &SecretHash,
        retire_others_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.change(move |mut writer| async move {
            if !writer.client(id).await?.authenticates_by_secret() {
                let what = "only a client that authenticates by secret can have one".to_owned();
                return Err(StoreError::Invalid { what });
            }
            writer.add_secret(id, secret, retire_others_at).await?;
            writer.commit(()).await
        })
        .await
    }
}

impl SystemStore<'_> {
    /// The hashes of a client's secrets that are live now, the newest first; empty for public and unknown clients.
    pub async fn client_secrets(&self, id: &ClientId) -> Result<Vec<SecretHash>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.hash
               FROM clients c
               JOIN client_secrets s ON s.org_id = c.org_id AND s.client_id = c.client_id
              WHERE c.client_id = $1
                AND (s.expires_at IS NULL OR s.expires_at > $2)
              ORDER BY s.created_at DESC, s.hash",
        )
        .bind(id.as_str())
        .bind(self.now.as_micros())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(hash).collect()
    }

    /// When the first of a client's live secrets ends; `None` where none does.
    pub async fn next_end_of_a_secret(&self, id: &ClientId) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(
            "SELECT MIN(s.expires_at) AS expires_at
               FROM clients c
               JOIN client_secrets s ON s.org_id = c.org_id AND s.client_id = c.client_id
              WHERE c.client_id = $1
                AND s.expires_at > $2",
        )
        .bind(id.as_str())
        .bind(self.now.as_micros())
        .fetch_one(self.database.readers())
        .await?;
        row.optional_instant("expires_at")
    }
}

impl OrgWriter<'_> {
    pub(crate) async fn add_secret(
        &mut self,
        id: &ClientId,
        secret: &SecretHash,
        retire_others_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM client_secrets
              WHERE org_id = $1
                AND client_id = $2
                AND created_at < (SELECT MAX(created_at) FROM client_secrets WHERE org_id = $1 AND client_id = $2)",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query(
            "UPDATE client_secrets
                SET expires_at = $3
              WHERE org_id = $1
                AND client_id = $2
                AND (expires_at IS NULL OR expires_at > $3)",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(retire_others_at.map(Timestamp::as_micros))
        .execute(&mut *self.transaction)
        .await?;
        self.insert_secret(id, secret).await?;
        self.note(Event {
            action: "client.add_secret".into(),
            entity: "client".into(),
            entity_id: id.to_string(),
            before: Value::Null,
            after: json!({ "othersEndAt": retire_others_at }),
        });
        Ok(())
    }

    /// Makes `secret` the only one (`None`: the client becomes public, or proves itself by key or certificate alone).
    pub(crate) async fn replace_secrets(
        &mut self,
        id: &ClientId,
        secret: Option<&SecretHash>,
    ) -> Result<(), StoreError> {
        let is_confidential = self.client(id).await?.metadata.is_confidential(secret.is_some());
        sqlx::query("DELETE FROM client_secrets WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query("UPDATE clients SET is_confidential = $3 WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .bind(i64::from(is_confidential))
            .execute(&mut *self.transaction)
            .await?;
        if let Some(secret) = secret {
            self.insert_secret(id, secret).await?;
        }
        self.note(Event {
            action: "client.replace_secrets".into(),
            entity: "client".into(),
            entity_id: id.to_string(),
            before: Value::Null,
            after: json!({ "isConfidential": is_confidential }),
        });
        Ok(())
    }

    /// Whether there is any secret, a live one or one that ended: a client whose secrets have ended is not public.
    pub(crate) async fn has_secrets(&mut self, id: &ClientId) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM client_secrets WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .fetch_one(&mut *self.transaction)
            .await?;
        Ok(row.try_get::<i64, _>(0)? > 0)
    }

    /// The live secrets, the newest first.
    pub(crate) async fn secrets(&mut self, id: &ClientId) -> Result<Vec<SecretHash>, StoreError> {
        let rows = sqlx::query(
            "SELECT hash
               FROM client_secrets
              WHERE org_id = $1
                AND client_id = $2
                AND (expires_at IS NULL OR expires_at > $3)
              ORDER BY created_at DESC, hash",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(self.now.as_micros())
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(hash).collect()
    }

    pub(crate) async fn insert_secret(&mut self, id: &ClientId, secret: &SecretHash) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO client_secrets (org_id, client_id, hash, created_at, expires_at)
             VALUES ($1, $2, $3, $4, NULL)",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(hash_text(secret))
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

fn hash(row: &AnyRow) -> Result<SecretHash, StoreError> {
    parse_hash(&row.text("hash")?).ok_or_else(|| damaged("hash"))
}
