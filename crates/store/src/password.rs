//! Passwords: set by administrators and by the people themselves, asked for at sign-in. Hashes only.

use countersign_domain::id::{OrganizationId, UserId};
use countersign_domain::secret::SecretHash;
use countersign_domain::user::{Email, UserState};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, hash_text};
use crate::user::event;
use crate::{OrgStore, StoreError, SystemStore};

/// Somebody who may be the person that signs in with an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInCandidate {
    /// Where.
    pub organization: OrganizationId,
    /// Who.
    pub user: UserId,
    /// Whether the person may sign in.
    pub state: UserState,
    /// Absent: cannot sign in with a password.
    pub password: Option<SecretHash>,
}

impl OrgStore<'_> {
    /// Sets a password; the user's sessions and tokens end (C43).
    ///
    /// # Errors
    /// `NotFound` for unknown and deleted users.
    pub async fn set_password(&self, id: &UserId, password: &SecretHash) -> Result<(), StoreError> {
        self.change(|mut writer| async move {
            writer.set_password(id, Some(password)).await?;
            writer.commit(()).await
        })
        .await
    }
}

impl SystemStore<'_> {
    /// Everybody not deleted with this e-mail address, in any active organization.
    pub async fn sign_in_candidates(&self, email: &Email) -> Result<Vec<SignInCandidate>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.org_id, u.user_id, u.state, u.password_hash
               FROM users u
               JOIN organizations o ON o.org_id = u.org_id
              WHERE u.email_key = $1
                AND u.state <> 'deleted'
                AND o.is_active = 1
              ORDER BY u.org_id",
        )
        .bind(email.key())
        .fetch_all(self.database.readers())
        .await?;
        let candidate = |row: &AnyRow| {
            Ok(SignInCandidate {
                organization: row.id("org_id")?,
                user: row.id("user_id")?,
                state: row.named("state", UserState::parse)?,
                password: row.optional_hash("password_hash")?,
            })
        };
        rows.iter().map(candidate).collect()
    }
}

impl OrgWriter<'_> {
    /// `None`: the user cannot sign in with a password any more.
    pub(crate) async fn set_password(&mut self, id: &UserId, password: Option<&SecretHash>) -> Result<(), StoreError> {
        let user = self.living_user(id).await?;
        sqlx::query(
            "UPDATE users
                SET password_hash = $3
              WHERE org_id = $1
                AND user_id = $2",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(password.map(hash_text))
        .execute(&mut *self.transaction)
        .await?;
        self.end_sessions_of(id).await?;
        self.end_tokens_of_user(id).await?;
        let has_password = json!({ "hasPassword": password.is_some() });
        self.note(Event { after: has_password, ..event("user.set_password", &user, Value::Null) });
        Ok(())
    }
}
