//! Signed-in browsers.

use countersign_domain::id::{OrganizationId, SessionId, UserId};
use countersign_domain::secret::Digest;
use countersign_domain::session::Session;
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use crate::change::{Author, Event, OrgWriter, write_audit};
use crate::column::Columns;
use crate::logout_notice::note_logout;
use crate::token::family::end_tokens_of_session;
use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// Keeps a new session.
    pub async fn create_session(&self, session: &Session) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sessions (digest, org_id, session_id, user_id, authenticated_at, last_seen_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&session.digest.as_bytes()[..])
        .bind(session.organization.as_str())
        .bind(session.id.as_str())
        .bind(session.user.as_str())
        .bind(session.authenticated_at.as_micros())
        .bind(session.last_seen_at.as_micros())
        .execute(self.database.writer())
        .await?;
        Ok(())
    }

    /// The session of a cookie, unless it is over or its user or organization is not active any more.
    pub async fn session(&self, digest: &Digest) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(
            "SELECT s.digest, s.org_id, s.session_id, s.user_id, s.authenticated_at, s.last_seen_at
               FROM sessions s
               JOIN users u ON u.org_id = s.org_id AND u.user_id = s.user_id
               JOIN organizations o ON o.org_id = s.org_id
              WHERE s.digest = $1
                AND u.state = 'active'
                AND o.is_active = 1",
        )
        .bind(&digest.as_bytes()[..])
        .fetch_optional(self.database.readers())
        .await?;
        let session = row.as_ref().map(session).transpose()?;
        Ok(session.filter(|session| !session.is_expired(self.now)))
    }

    /// The sessions of a person that are not over, the newest first.
    pub async fn sessions_of(&self, organization: &OrganizationId, user: &UserId) -> Result<Vec<Session>, StoreError> {
        let rows = sqlx::query(
            "SELECT digest, org_id, session_id, user_id, authenticated_at, last_seen_at
               FROM sessions
              WHERE org_id = $1
                AND user_id = $2
              ORDER BY authenticated_at DESC, session_id",
        )
        .bind(organization.as_str())
        .bind(user.as_str())
        .fetch_all(self.database.readers())
        .await?;
        let mut sessions: Vec<Session> = rows.iter().map(session).collect::<Result<_, _>>()?;
        sessions.retain(|session| !session.is_expired(self.now));
        Ok(sessions)
    }

    /// Notes that the session was used now.
    pub async fn touch(&self, digest: &Digest) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET last_seen_at = $2 WHERE digest = $1 AND last_seen_at < $2")
            .bind(&digest.as_bytes()[..])
            .bind(self.now.as_micros())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Ends a session; nothing happens if there is none.
    pub async fn end_session(&self, digest: &Digest) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE digest = $1")
            .bind(&digest.as_bytes()[..])
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Signs somebody out: the session ends, and every code and token that came from it (C43). `false` if there is none.
    pub async fn sign_out(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.database
            .write(|mut transaction| async move {
                let row = sqlx::query("DELETE FROM sessions WHERE digest = $1 RETURNING org_id, session_id, user_id")
                    .bind(&digest.as_bytes()[..])
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some(row) = row else {
                    return Ok(false);
                };
                let (organization, session) = (row.id::<OrganizationId>("org_id")?, row.id::<SessionId>("session_id")?);
                let actor = self.task.actor();
                let author =
                    Author { organization: &organization, actor: &actor, now: self.now, entropy: self.entropy };
                let ended = end_tokens_of_session(&mut transaction, &organization, &session, self.now).await?;
                note_logout(&mut transaction, author, &row.id("user_id")?, &session).await?;
                let event = Event {
                    action: "session.end".into(),
                    entity: "user".into(),
                    entity_id: row.text("user_id")?,
                    before: Value::Null,
                    after: json!({ "session": session, "families": ended }),
                };
                write_audit(&mut transaction, &author, &event).await?;
                transaction.commit().await?;
                Ok(true)
            })
            .await
    }

    /// Gives a session a new secret; the old one is dead (A33).
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn rotate(&self, old: &Digest, new: &Digest) -> Result<(), StoreError> {
        let rotated = sqlx::query("UPDATE sessions SET digest = $2 WHERE digest = $1")
            .bind(&old.as_bytes()[..])
            .bind(&new.as_bytes()[..])
            .execute(self.database.writer())
            .await?;
        if rotated.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound { what: "session" }) }
    }
}

fn session(row: &AnyRow) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.id("session_id")?,
        digest: row.digest("digest")?,
        organization: row.id("org_id")?,
        user: row.id("user_id")?,
        authenticated_at: row.instant("authenticated_at")?,
        last_seen_at: row.instant("last_seen_at")?,
    })
}

impl OrgWriter<'_> {
    /// The sessions end, and the apps that people signed in to with them will hear of it.
    pub(crate) async fn end_sessions_of(&mut self, user: &UserId) -> Result<(), StoreError> {
        let ended = sqlx::query("DELETE FROM sessions WHERE org_id = $1 AND user_id = $2 RETURNING session_id")
            .bind(self.organization.as_str())
            .bind(user.as_str())
            .fetch_all(&mut *self.transaction)
            .await?;
        let author = self.author();
        for row in ended {
            note_logout(&mut self.transaction, author, user, &row.id("session_id")?).await?;
        }
        Ok(())
    }
}
