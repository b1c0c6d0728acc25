//! Who has yet to hear that somebody signed out (OpenID Connect Back-Channel Logout): an outbox. A notice is written in the transaction that ends the
//! sign-in and stays until it is settled, so a server that stops loses none.

use countersign_domain::id::{ClientId, NoticeId, SessionId, UserId};
use countersign_domain::oauth::openid::logout_token::{LEASE_SECONDS, LogoutNotice, Next, listener};
use sqlx::any::AnyRow;

use crate::change::Author;
use crate::client::client;
use crate::column::Columns;
use crate::db::Transaction;
use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// Claims at most `most` notices whose time has come: nobody else tries them for a while.
    pub async fn claim_logout_notices(&self, most: u32) -> Result<Vec<LogoutNotice>, StoreError> {
        let due = sqlx::query(
            "SELECT org_id, notice_id, due_at
               FROM logout_notices
              WHERE due_at <= $1
              ORDER BY due_at
              LIMIT $2",
        )
        .bind(self.now.as_micros())
        .bind(i64::from(most))
        .fetch_all(self.database.readers())
        .await?;
        let mut claimed = Vec::new();
        for row in due {
            let notice = sqlx::query(
                "UPDATE logout_notices
                    SET due_at = $4, tries = tries + 1
                  WHERE org_id = $1
                    AND notice_id = $2
                    AND due_at = $3
                 RETURNING org_id, notice_id, client_id, user_id, session_id, tries",
            )
            .bind(row.text("org_id")?)
            .bind(row.text("notice_id")?)
            .bind(row.number("due_at")?)
            .bind(self.now.plus_seconds(LEASE_SECONDS).as_micros())
            .fetch_optional(self.database.writer())
            .await?;
            claimed.extend(notice.as_ref().map(logout_notice).transpose()?);
        }
        Ok(claimed)
    }

    /// What becomes of a notice after a try.
    pub async fn settle_logout_notice(&self, notice: &LogoutNotice, next: Next) -> Result<(), StoreError> {
        let statement = match next {
            Next::TryAt(due_at) => {
                sqlx::query("UPDATE logout_notices SET due_at = $3 WHERE org_id = $1 AND notice_id = $2")
                    .bind(notice.organization.as_str())
                    .bind(notice.id.as_str())
                    .bind(due_at.as_micros())
            }
            Next::Done | Next::GivenUp => {
                sqlx::query("DELETE FROM logout_notices WHERE org_id = $1 AND notice_id = $2")
                    .bind(notice.organization.as_str())
                    .bind(notice.id.as_str())
            }
        };
        statement.execute(self.database.writer()).await?;
        Ok(())
    }
}

/// Notes that `session` of `user` has ended, for each app that was told of it and wants to hear.
pub(crate) async fn note_logout(
    transaction: &mut Transaction,
    author: Author<'_>,
    user: &UserId,
    session: &SessionId,
) -> Result<(), StoreError> {
    for client in listening_clients(transaction, author, session).await? {
        sqlx::query(
            "INSERT INTO logout_notices (org_id, notice_id, client_id, user_id, session_id, tries, due_at)
             VALUES ($1, $2, $3, $4, $5, 0, $6)",
        )
        .bind(author.organization.as_str())
        .bind(NoticeId::generate(author.now, author.entropy).as_str())
        .bind(client.as_str())
        .bind(user.as_str())
        .bind(session.as_str())
        .bind(author.now.as_micros())
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// `identity` is kept where an app asked who the person is: it may have a session of its own.
async fn listening_clients(
    transaction: &mut Transaction,
    author: Author<'_>,
    session: &SessionId,
) -> Result<Vec<ClientId>, StoreError> {
    let rows = sqlx::query(
        "SELECT c.org_id, c.client_id, c.name, c.description, c.grant_types, c.redirect_uris, c.scopes, c.is_confidential,
                c.pkce_required, c.token_ttl_seconds, c.metadata, c.state, c.created_at, c.created_by, c.modified_at,
                c.modified_by
           FROM clients c
          WHERE c.client_id IN (SELECT f.client_id
                                  FROM token_families f
                                 WHERE f.org_id = $1
                                   AND f.session_id = $2
                                   AND f.identity IS NOT NULL)
          ORDER BY c.client_id",
    )
    .bind(author.organization.as_str())
    .bind(session.as_str())
    .fetch_all(&mut **transaction)
    .await?;
    let clients = rows.iter().map(client).collect::<Result<Vec<_>, _>>()?;
    Ok(clients.into_iter().filter(|client| listener(client).is_some()).map(|client| client.id).collect())
}

fn logout_notice(row: &AnyRow) -> Result<LogoutNotice, StoreError> {
    Ok(LogoutNotice {
        id: row.id("notice_id")?,
        organization: row.id("org_id")?,
        client: row.id("client_id")?,
        user: row.id("user_id")?,
        session: row.id("session_id")?,
        tries: row.number("tries")? - 1,
    })
}
