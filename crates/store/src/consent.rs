//! What users allow clients, inside their organization's authorization.

use countersign_decision::Scope;
use countersign_domain::consent::Consent;
use countersign_domain::id::{ClientId, UserId};
use serde_json::{Value, json};

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, json_text};
use crate::{OrgStore, StoreError};

impl OrgStore<'_> {
    /// What a user agreed to.
    pub async fn consent(&self, user: &UserId, client: &ClientId) -> Result<Option<Consent>, StoreError> {
        let row = sqlx::query(
            "SELECT org_id, user_id, client_id, scopes, accepted_at
               FROM consents
              WHERE org_id = $1
                AND user_id = $2
                AND client_id = $3",
        )
        .bind(self.organization.as_str())
        .bind(user.as_str())
        .bind(client.as_str())
        .fetch_optional(self.database.readers())
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(Consent {
            organization: row.id("org_id")?,
            user: row.id("user_id")?,
            client: row.id("client_id")?,
            scopes: row.json("scopes")?,
            accepted_at: row.instant("accepted_at")?,
        }))
    }

    /// Keeps what a user agreed to, in place of an earlier consent to the same client.
    ///
    /// # Errors
    /// `NotFound` for an unknown user, `Invalid` for an unknown client.
    pub async fn save_consent(
        &self,
        user: &UserId,
        client: &ClientId,
        scopes: &[Scope],
    ) -> Result<Consent, StoreError> {
        self.change(|mut writer| async move {
            let consent = writer.save_consent(user, client, scopes).await?;
            writer.commit(consent).await
        })
        .await
    }
}

impl OrgWriter<'_> {
    async fn save_consent(
        &mut self,
        user: &UserId,
        client: &ClientId,
        scopes: &[Scope],
    ) -> Result<Consent, StoreError> {
        self.living_user(user).await?;
        sqlx::query(
            "INSERT INTO consents (org_id, user_id, client_id, scopes, accepted_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (org_id, user_id, client_id) DO UPDATE
                SET scopes = excluded.scopes, accepted_at = excluded.accepted_at",
        )
        .bind(self.organization.as_str())
        .bind(user.as_str())
        .bind(client.as_str())
        .bind(json_text(scopes))
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        self.note(Event {
            action: "consent.save".into(),
            entity: "user".into(),
            entity_id: user.to_string(),
            before: Value::Null,
            after: json!({ "client": client, "scopes": scopes }),
        });
        Ok(Consent {
            organization: self.organization.clone(),
            user: user.clone(),
            client: client.clone(),
            scopes: scopes.to_vec(),
            accepted_at: self.now,
        })
    }

    pub(crate) async fn delete_consents_for(&mut self, client: &ClientId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM consents WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(client.as_str())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    pub(crate) async fn delete_consents_of_user(&mut self, user: &UserId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM consents WHERE org_id = $1 AND user_id = $2")
            .bind(self.organization.as_str())
            .bind(user.as_str())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}
