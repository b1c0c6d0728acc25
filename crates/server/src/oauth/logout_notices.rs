//! Apps hear that somebody signed out (OpenID Connect Back-Channel Logout §2.5): what is due is signed and posted, and tried again where nobody answered.

use countersign_domain::client::Client;
use countersign_domain::oauth::openid::logout_token::{
    LOGOUT_TOKEN_TYP, LogoutNotice, LogoutToken, Next, after, listener,
};
use countersign_domain::oauth::signing_key::of_id_tokens;
use countersign_store::{StoreError, SystemStore, SystemTask};
use tokio::task::JoinSet;

use crate::app::App;

/// Most that are sent at a time.
const AT_A_TIME: u32 = 8;

/// Tells whoever is due; says how many that were.
///
/// # Errors
/// When the store cannot be asked. What was claimed comes up again.
pub async fn deliver_due(app: &App) -> Result<usize, StoreError> {
    let due = store(app).claim_logout_notices(AT_A_TIME).await?;
    let count = due.len();
    let mut sending = JoinSet::new();
    for notice in due {
        let app = app.clone();
        sending.spawn(async move { deliver(&app, &notice).await });
    }
    while let Some(sent) = sending.join_next().await {
        match sent {
            Ok(settled) => settled?,
            Err(error) => tracing::error!(error = %error, "a logout notice could not be sent"),
        }
    }
    Ok(count)
}

async fn deliver(app: &App, notice: &LogoutNotice) -> Result<(), StoreError> {
    let client = store(app).client(&notice.client).await?;
    let next = match client.as_ref().and_then(|client| Some((client, listener(client)?))) {
        Some((client, uri)) => after(notice.tries, send(app, notice, client, uri).await, app.clock.now()),
        // It no longer wants to hear, or is gone.
        None => Next::GivenUp,
    };
    if next == Next::GivenUp {
        tracing::warn!(client.id = %notice.client, tries = notice.tries + 1, "an app did not hear that somebody signed out");
    }
    store(app).settle_logout_notice(notice, next).await
}

/// §2.5: the answer's status; `None` where there was none.
async fn send(app: &App, notice: &LogoutNotice, client: &Client, uri: &str) -> Option<u16> {
    let now = app.clock.now();
    let claims = LogoutToken::new(notice, app.origin.as_str(), now);
    // §2.6: verified as an ID token is.
    let token = match app.signing_keys.sign(of_id_tokens(client), LOGOUT_TOKEN_TYP, &claims, now) {
        Ok(token) => token,
        Err(error) => {
            tracing::error!(error = %error, "a logout token cannot be signed");
            return None;
        }
    };
    match app.fetcher.post_form(uri, &[("logout_token", &token)]).await {
        Ok(status) => Some(status.as_u16()),
        Err(error) => {
            tracing::info!(client.id = %notice.client, error = %error, "an app could not be told that somebody signed out");
            None
        }
    }
}

fn store(app: &App) -> SystemStore<'_> {
    app.store.system(SystemTask::Housekeeping, app.clock.now(), app.entropy.as_ref())
}
