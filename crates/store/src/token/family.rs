//! Token families, and the ways their tokens end.

use countersign_decision::Scope;
use countersign_domain::id::{ClientId, OrganizationId, SessionId, TokenFamilyId, UserId};
use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::thumbprint::Thumbprint;
use countersign_domain::oauth::token::{TokenFamily, TokenSubject};
use countersign_domain::time::Timestamp;
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use crate::change::{Author, Event, OrgWriter, write_audit};
use crate::column::{Columns, damaged, json_text};
use crate::db::Transaction;
use crate::{OrgStore, StoreError};

impl OrgStore<'_> {
    /// Ends every token that acts for a user, and every session; says how many families ended.
    ///
    /// # Errors
    /// `NotFound` for unknown and deleted users.
    pub async fn revoke_tokens_of_user(&self, user: &UserId) -> Result<i64, StoreError> {
        self.change(|mut writer| async move {
            writer.living_user(user).await?;
            let ended = writer.end_tokens_of_user(user).await?;
            writer.end_sessions_of(user).await?;
            writer.note(Event {
                action: "user.revoke_tokens".into(),
                entity: "user".into(),
                entity_id: user.to_string(),
                before: Value::Null,
                after: json!({ "families": ended }),
            });
            writer.commit(ended).await
        })
        .await
    }

    /// Ends every token of a family.
    ///
    /// # Errors
    /// `NotFound` for a family of another organization.
    pub async fn revoke_family(&self, family: &TokenFamilyId) -> Result<(), StoreError> {
        self.change(|mut writer| async move {
            let known = sqlx::query("SELECT family_id FROM token_families WHERE org_id = $1 AND family_id = $2")
                .bind(self.organization.as_str())
                .bind(family.as_str())
                .fetch_optional(&mut *writer.transaction)
                .await?;
            if known.is_none() {
                return Err(StoreError::NotFound { what: "token family" });
            }
            let author = writer.author();
            end_family(&mut writer.transaction, &author, family, "revoked on request").await?;
            writer.commit(()).await
        })
        .await
    }
}

impl OrgWriter<'_> {
    /// Codes first: that waits for a redemption under way, whose family is then seen and ended too.
    pub(crate) async fn end_tokens_of_user(&mut self, user: &UserId) -> Result<i64, StoreError> {
        sqlx::query("DELETE FROM authorization_codes WHERE org_id = $1 AND user_id = $2 AND claims = 0")
            .bind(self.organization.as_str())
            .bind(user.as_str())
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query("DELETE FROM device_codes WHERE org_id = $1 AND user_id = $2 AND claims = 0")
            .bind(self.organization.as_str())
            .bind(user.as_str())
            .execute(&mut *self.transaction)
            .await?;
        let ended = sqlx::query(
            "UPDATE token_families
                SET revoked_at = $3
              WHERE org_id = $1
                AND user_id = $2
                AND revoked_at IS NULL",
        )
        .bind(self.organization.as_str())
        .bind(user.as_str())
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        Ok(i64::try_from(ended.rows_affected()).unwrap_or(i64::MAX))
    }

    /// In every organization: a client that is switched off or gone has no tokens anywhere.
    pub(crate) async fn end_tokens_of_client(&mut self, client: &ClientId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM authorization_codes WHERE client_id = $1 AND claims = 0")
            .bind(client.as_str())
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query("DELETE FROM device_codes WHERE client_id = $1 AND claims = 0")
            .bind(client.as_str())
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query("UPDATE token_families SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL")
            .bind(client.as_str())
            .bind(self.now.as_micros())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

/// Codes first: that waits for a redemption under way, whose family is then seen and ended too.
pub(crate) async fn end_tokens_of_session(
    transaction: &mut Transaction,
    organization: &OrganizationId,
    session: &SessionId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::query("DELETE FROM authorization_codes WHERE org_id = $1 AND session_id = $2 AND claims = 0")
        .bind(organization.as_str())
        .bind(session.as_str())
        .execute(&mut **transaction)
        .await?;
    let ended = sqlx::query(
        "UPDATE token_families
            SET revoked_at = $3
          WHERE org_id = $1
            AND session_id = $2
            AND revoked_at IS NULL",
    )
    .bind(organization.as_str())
    .bind(session.as_str())
    .bind(now.as_micros())
    .execute(&mut **transaction)
    .await?;
    transaction.authority_changes().await?;
    Ok(ended.rows_affected())
}

/// Ends a family; the audit record says why. Nothing happens if it ended before.
pub(crate) async fn end_family(
    transaction: &mut Transaction,
    author: &Author<'_>,
    family: &TokenFamilyId,
    why: &str,
) -> Result<(), StoreError> {
    let ended = sqlx::query(
        "UPDATE token_families
            SET revoked_at = $3
          WHERE org_id = $1
            AND family_id = $2
            AND revoked_at IS NULL",
    )
    .bind(author.organization.as_str())
    .bind(family.as_str())
    .bind(author.now.as_micros())
    .execute(&mut **transaction)
    .await?;
    if ended.rows_affected() == 0 {
        return Ok(());
    }
    let event = Event {
        action: "token_family.revoke".into(),
        entity: "token_family".into(),
        entity_id: family.to_string(),
        before: Value::Null,
        after: json!({ "reason": why }),
    };
    write_audit(transaction, author, &event).await?;
    transaction.authority_changes().await
}

pub(crate) fn family(row: &AnyRow) -> Result<TokenFamily, StoreError> {
    Ok(TokenFamily {
        id: row.id("family_id")?,
        organization: row.id::<OrganizationId>("org_id")?,
        client: row.id("client_id")?,
        subject: subject(row)?,
        ceiling: row.optional_json("ceiling")?,
        resources: row.json("resources")?,
        dpop_key: thumbprint(row, "dpop_key")?,
        session: optional_session(row)?,
        identity: row.optional_json("identity")?,
        authentication: authentication(row)?,
        created_at: row.instant("created_at")?,
    })
}

/// The user that a token acts for.
pub(crate) fn user_of(subject: &TokenSubject) -> Option<&str> {
    match subject {
        TokenSubject::User(user) => Some(user.as_str()),
        TokenSubject::Client => None,
    }
}

pub(crate) fn subject(row: &AnyRow) -> Result<TokenSubject, StoreError> {
    match row.optional_text("user_id")? {
        Some(_) => Ok(TokenSubject::User(row.id("user_id")?)),
        None => Ok(TokenSubject::Client),
    }
}

/// How and when somebody signed in, where anybody did.
pub(crate) fn authentication(row: &AnyRow) -> Result<Option<Authentication>, StoreError> {
    let parts = row.optional_instant("authenticated_at")?.zip(row.optional_text("acr")?);
    Ok(parts.map(|(at, acr)| Authentication { at, acr }))
}

/// A thumbprint that may be there.
pub(crate) fn thumbprint(row: &AnyRow, column: &str) -> Result<Option<Thumbprint>, StoreError> {
    row.optional_text(column)?.map(|text| Thumbprint::parse(&text).map_err(|_| damaged(column))).transpose()
}

pub(crate) fn optional_session(row: &AnyRow) -> Result<Option<SessionId>, StoreError> {
    row.optional_text("session_id")?.map(|_| row.id("session_id")).transpose()
}

pub(crate) fn ceiling_text(ceiling: Option<&[Scope]>) -> Option<String> {
    ceiling.map(json_text)
}
