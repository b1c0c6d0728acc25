//! What a server does beside answering: it measures how long work waits, looks what others changed, deletes what has ended, and tells apps of logouts.

use std::time::Duration;

use tokio::task::JoinSet;

use super::App;
use crate::enforce::remembered;
use crate::oauth::logout_notices;

/// How often a running server looks whether another process imported a contract or rotated the signing keys.
const POLL: Duration = Duration::from_secs(1);
/// How often what has ended is deleted.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// Ended rows in one round that say that there are more.
const MANY_ROWS: u64 = 10_000;

/// Starts all of it; it ends with the set.
pub(super) fn start(app: &App) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(app.load.clone().watch());
    tasks.spawn(watch(app.clone()));
    tasks.spawn(look(app.clone()));
    tasks.spawn(keep_house(app.clone()));
    tasks.spawn(tell_of_logouts(app.clone()));
    tasks
}

async fn watch(app: App) {
    loop {
        tokio::time::sleep(POLL).await;
        if let Err(error) = app.reload_contracts().await {
            tracing::warn!(error = %error, "cannot look for imported contracts");
        }
        if let Err(error) = app.signing_keys.reload(&app.store, app.clock.now(), app.entropy.as_ref()).await {
            tracing::warn!(error = %error, "cannot look for rotated signing keys");
        }
    }
}

async fn look(app: App) {
    loop {
        if let Err(error) = app.remembered.look(&app.store).await {
            tracing::warn!(error = %error, "cannot look whether authority changed");
        }
        tokio::time::sleep(remembered::LOOK).await;
    }
}

async fn tell_of_logouts(app: App) {
    loop {
        match logout_notices::deliver_due(&app).await {
            // There may be more.
            Ok(1..) => {}
            Ok(0) => tokio::time::sleep(POLL).await,
            Err(error) => {
                tracing::warn!(error = %error, "cannot look who has to hear of a logout");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

async fn keep_house(app: App) {
    let mut pause = HOUSEKEEPING;
    loop {
        tokio::time::sleep(pause).await;
        pause = match app.keep_house().await {
            // no more than so many go in one call, and there seem to be more
            Ok(MANY_ROWS..) => POLL,
            Ok(_) => HOUSEKEEPING,
            Err(error) => {
                tracing::warn!(error = %error, "cannot delete what has ended");
                HOUSEKEEPING
            }
        };
    }
}
