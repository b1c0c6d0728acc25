//! Requests of people who may not approve an app themselves.

use std::collections::BTreeSet;

use countersign_decision::Scope;
use countersign_domain::authorization::ApprovalRequest;
use countersign_domain::id::{ClientId, RequestId, UserId};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, json_text};
use crate::{OrgStore, StoreError};

impl OrgStore<'_> {
    /// Asks for a client. A user's open request for the same client is replaced. Where nothing is decided yet the
    /// authorization becomes `Requested`.
    ///
    /// # Errors
    /// `NotFound` for an unknown client or user.
    pub async fn request(
        &self,
        client: &ClientId,
        user: &UserId,
        scopes: &[Scope],
        reason: &str,
    ) -> Result<ApprovalRequest, StoreError> {
        self.change(|mut writer| async move {
            let request = writer.request(client, user, scopes, reason).await?;
            writer.commit(request).await
        })
        .await
    }

    /// The clients that somebody has an open request for.
    pub async fn clients_asked_for(&self) -> Result<BTreeSet<ClientId>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT client_id FROM approval_requests WHERE org_id = $1")
            .bind(self.organization.as_str())
            .fetch_all(self.database.readers())
            .await?;
        rows.iter().map(|row| row.id("client_id")).collect()
    }

    /// The open requests for a client, the oldest first.
    pub async fn requests(&self, client: &ClientId) -> Result<Vec<ApprovalRequest>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id, client_id, user_id, request_id, scopes, reason, created_at
               FROM approval_requests
              WHERE org_id = $1
                AND client_id = $2
              ORDER BY created_at, request_id",
        )
        .bind(self.organization.as_str())
        .bind(client.as_str())
        .fetch_all(self.database.readers())
        .await?;
        let request = |row: &AnyRow| {
            Ok(ApprovalRequest {
                id: row.id("request_id")?,
                organization: row.id("org_id")?,
                client: row.id("client_id")?,
                user: row.id("user_id")?,
                scopes: row.json("scopes")?,
                reason: row.text("reason")?,
                created_at: row.instant("created_at")?,
            })
        };
        rows.iter().map(request).collect()
    }
}

impl OrgWriter<'_> {
    async fn request(
        &mut self,
        client: &ClientId,
        user: &UserId,
        scopes: &[Scope],
        reason: &str,
    ) -> Result<ApprovalRequest, StoreError> {
        self.living_user(user).await?;
        self.mark_requested(client).await?;
        let request = ApprovalRequest {
            id: RequestId::generate(self.now, self.entropy),
            organization: self.organization.clone(),
            client: client.clone(),
            user: user.clone(),
            scopes: scopes.to_vec(),
            reason: reason.to_owned(),
            created_at: self.now,
        };
        sqlx::query(
            "INSERT INTO approval_requests (org_id, client_id, user_id, request_id, scopes, reason, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (org_id, client_id, user_id) DO UPDATE
                SET request_id = excluded.request_id, scopes = excluded.scopes, reason = excluded.reason,
                    created_at = excluded.created_at",
        )
        .bind(self.organization.as_str())
        .bind(client.as_str())
        .bind(user.as_str())
        .bind(request.id.as_str())
        .bind(json_text(scopes))
        .bind(reason)
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        self.note(Event {
            action: "approval_request.create".into(),
            entity: "authorization".into(),
            entity_id: client.to_string(),
            before: Value::Null,
            after: json!({ "user": user, "scopes": scopes, "reason": reason }),
        });
        Ok(request)
    }

    pub(crate) async fn delete_requests_for(&mut self, client: &ClientId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM approval_requests WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(client.as_str())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    pub(crate) async fn delete_requests_of_user(&mut self, user: &UserId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM approval_requests WHERE org_id = $1 AND user_id = $2")
            .bind(self.organization.as_str())
            .bind(user.as_str())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}
