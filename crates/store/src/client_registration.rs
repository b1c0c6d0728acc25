//! Apps that register and manage themselves (RFC 7591, RFC 7592), and the initial access tokens that let them.

use countersign_domain::client::Client;
use countersign_domain::client_registration::{InitialToken, NewInitialToken};
use countersign_domain::id::{ClientId, InitialTokenId, OrganizationId};
use countersign_domain::secret::{Digest, Secret, SecretHash};
use countersign_domain::time::Timestamp;
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use crate::change::{Event, OrgWriter};
use crate::client::{ClientChange, NewClient};
use crate::client_deletion::{delete_client, lock_for_deletion};
use crate::column::{Columns, json_text};
use crate::{OrgStore, StoreError, SystemStore};

/// A client that registered itself, and the token that let it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfRegistered {
    /// As it is registered now.
    pub client: Client,
    /// Whose policy it stays within, also after the token has ended.
    pub token: InitialToken,
}

/// What becomes of a client's secret when it replaces its registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretEdit {
    /// A new one; the newest other one lives on until then.
    Rotate {
        /// The new one.
        secret: SecretHash,
        /// When the others end.
        retire_others_at: Timestamp,
    },
    /// Its first.
    Give(SecretHash),
    /// It has none from now on.
    Take,
}

impl OrgStore<'_> {
    /// Makes an initial access token; it is shown once and kept as a digest.
    pub async fn create_initial_token(&self, new: &NewInitialToken) -> Result<(Secret, InitialToken), StoreError> {
        let (secret, token) = InitialToken::issue(&self.organization, new.clone(), self.now, self.entropy);
        let token = &token;
        self.change(|mut writer| async move {
            writer.insert_initial_token(token).await?;
            writer.commit(()).await
        })
        .await?;
        Ok((secret, token.clone()))
    }

    /// Every initial access token of the organization, the newest last.
    pub async fn initial_tokens(&self) -> Result<Vec<InitialToken>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id, token_id, digest, name, policy, max_clients, used, created_at, expires_at, revoked_at
               FROM initial_tokens
              WHERE org_id = $1
              ORDER BY created_at, token_id",
        )
        .bind(self.organization.as_str())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(initial_token).collect()
    }

    /// Takes an initial access token back. Apps that it registered stay, and stay within its policy.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_initial_token(&self, id: &InitialTokenId) -> Result<(), StoreError> {
        self.change(|mut writer| async move {
            let revoked = sqlx::query(
                "UPDATE initial_tokens SET revoked_at = $3 WHERE org_id = $1 AND token_id = $2 AND revoked_at IS NULL",
            )
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .bind(self.now.as_micros())
            .execute(&mut *writer.transaction)
            .await?;
            if revoked.rows_affected() == 0 {
                return Err(StoreError::NotFound { what: "registration token" });
            }
            writer.note(event("initial_token.revoke", id, Value::Null));
            writer.commit(()).await
        })
        .await
    }

    /// Registers a client that `token` lets in and that will manage itself with the token of this digest; `None` when the token
    /// has ended or is used up: of any number that come at once, no more than it allows are registered.
    pub async fn register_client(
        &self,
        token: &InitialTokenId,
        new: &NewClient,
        secret: Option<&SecretHash>,
        registration_token: &Digest,
    ) -> Result<Option<Client>, StoreError> {
        self.change(|mut writer| async move {
            let claimed = sqlx::query(
                "UPDATE initial_tokens
                    SET used = used + 1
                  WHERE org_id = $1
                    AND token_id = $2
                    AND used < max_clients
                    AND expires_at > $3
                    AND revoked_at IS NULL",
            )
            .bind(self.organization.as_str())
            .bind(token.as_str())
            .bind(self.now.as_micros())
            .execute(&mut *writer.transaction)
            .await?;
            if claimed.rows_affected() == 0 {
                return Ok(None);
            }
            let client = writer.create_client(new, secret, &[]).await?;
            sqlx::query(
                "INSERT INTO client_registrations (org_id, client_id, token_id, digest) VALUES ($1, $2, $3, $4)",
            )
            .bind(self.organization.as_str())
            .bind(client.id.as_str())
            .bind(token.as_str())
            .bind(&registration_token.as_bytes()[..])
            .execute(&mut *writer.transaction)
            .await?;
            writer.commit(Some(client)).await
        })
        .await
    }

    /// Replaces a registration, and the token that the client manages itself with: of any number of updates with one token one
    /// is first. `None` when the token is not the client's any more.
    pub async fn update_self_registered(
        &self,
        id: &ClientId,
        (token, new_token): (&Digest, &Digest),
        change: &ClientChange,
        secret: Option<&SecretEdit>,
    ) -> Result<Option<Client>, StoreError> {
        self.change(|mut writer| async move {
            let claimed = sqlx::query(
                "UPDATE client_registrations SET digest = $4 WHERE org_id = $1 AND client_id = $2 AND digest = $3",
            )
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .bind(&token.as_bytes()[..])
            .bind(&new_token.as_bytes()[..])
            .execute(&mut *writer.transaction)
            .await?;
            if claimed.rows_affected() == 0 {
                return Ok(None);
            }
            writer.update_client(id, change).await?;
            match secret {
                None => {}
                Some(SecretEdit::Rotate { secret, retire_others_at }) => {
                    writer.add_secret(id, secret, Some(*retire_others_at)).await?;
                }
                Some(SecretEdit::Give(secret)) => writer.replace_secrets(id, Some(secret)).await?,
                Some(SecretEdit::Take) => writer.replace_secrets(id, None).await?,
            }
            let client = writer.client(id).await?;
            writer.commit(Some(client)).await
        })
        .await
    }

    /// Deletes a client with the token that it manages itself with; `false` when that is not the client's.
    pub async fn delete_self_registered(&self, id: &ClientId, token: &Digest) -> Result<bool, StoreError> {
        self.database
            .write(|transaction| async move {
                let mut writer = lock_for_deletion(transaction, self.author(), id).await?;
                let claimed = sqlx::query(
                    "DELETE FROM client_registrations WHERE org_id = $1 AND client_id = $2 AND digest = $3",
                )
                .bind(self.organization.as_str())
                .bind(id.as_str())
                .bind(&token.as_bytes()[..])
                .execute(&mut *writer.transaction)
                .await?;
                if claimed.rows_affected() == 0 {
                    return Ok(false);
                }
                delete_client(writer, id).await?.commit(true).await
            })
            .await
    }
}

impl SystemStore<'_> {
    /// An initial access token that can still register something.
    pub async fn initial_token(&self, digest: &Digest) -> Result<Option<InitialToken>, StoreError> {
        let row = sqlx::query(
            "SELECT org_id, token_id, digest, name, policy, max_clients, used, created_at, expires_at, revoked_at
               FROM initial_tokens
              WHERE digest = $1
                AND used < max_clients
                AND expires_at > $2
                AND revoked_at IS NULL",
        )
        .bind(&digest.as_bytes()[..])
        .bind(self.now.as_micros())
        .fetch_optional(self.database.readers())
        .await?;
        row.as_ref().map(initial_token).transpose()
    }

    /// The client that manages itself with the token of this digest, if it is `id`.
    pub async fn self_registered(&self, digest: &Digest, id: &ClientId) -> Result<Option<SelfRegistered>, StoreError> {
        let row = sqlx::query(
            "SELECT t.org_id, t.token_id, t.digest, t.name, t.policy, t.max_clients, t.used, t.created_at, t.expires_at,
                    t.revoked_at
               FROM client_registrations r
               JOIN initial_tokens t ON t.org_id = r.org_id AND t.token_id = r.token_id
              WHERE r.digest = $1
                AND r.client_id = $2",
        )
        .bind(&digest.as_bytes()[..])
        .bind(id.as_str())
        .fetch_optional(self.database.readers())
        .await?;
        let Some(token) = row.as_ref().map(initial_token).transpose()? else { return Ok(None) };
        let client = self.org(&token.organization).client(id).await?;
        Ok(client.map(|client| SelfRegistered { client, token }))
    }
}

impl OrgWriter<'_> {
    async fn insert_initial_token(&mut self, token: &InitialToken) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO initial_tokens (org_id, token_id, digest, name, policy, max_clients, used, created_at, expires_at,
                                         revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, NULL)",
        )
        .bind(self.organization.as_str())
        .bind(token.id.as_str())
        .bind(&token.digest.as_bytes()[..])
        .bind(&token.name)
        .bind(json_text(&token.policy))
        .bind(token.max_clients)
        .bind(token.created_at.as_micros())
        .bind(token.expires_at.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        let InitialToken { name, policy, max_clients, expires_at, .. } = token;
        let after = json!({ "name": name, "policy": policy, "max_clients": max_clients, "expires_at": expires_at });
        self.note(event("initial_token.create", &token.id, after));
        Ok(())
    }

    /// A client that is deleted manages nothing any more.
    pub(crate) async fn delete_registration(&mut self, client: &ClientId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM client_registrations WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(client.as_str())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

fn event(action: &'static str, id: &InitialTokenId, after: Value) -> Event {
    Event {
        action: action.into(),
        entity: "initial_token".into(),
        entity_id: id.to_string(),
        before: Value::Null,
        after,
    }
}

fn initial_token(row: &AnyRow) -> Result<InitialToken, StoreError> {
    Ok(InitialToken {
        id: row.id("token_id")?,
        organization: row.id::<OrganizationId>("org_id")?,
        digest: row.digest("digest")?,
        name: row.text("name")?,
        policy: row.json("policy")?,
        max_clients: row.number("max_clients")?,
        used: row.number("used")?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
        revoked_at: row.optional_instant("revoked_at")?,
    })
}
