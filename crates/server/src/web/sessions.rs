//! The other browsers that a person is signed in with: listed on the home page, and ended from there.

use axum::body::Bytes;
use axum::response::Response;
use countersign_domain::session::Session;
use countersign_domain::time::Timestamp;
use countersign_store::StoreError;

use crate::http::cookies::Cookie;
use crate::oauth::front_channel::see_other;
use crate::web::pages::OtherSession;
use crate::web::trouble::PageError;
use crate::web::visit::{SignedIn, Visit};

/// `POST /sessions/end`: ends one of the person's sessions, or all but this one.
pub async fn end(visit: Visit, body: Bytes) -> Response {
    end_some(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn end_some(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let form = visit.own_form(body, visit.cookie(Cookie::Session).as_ref())?;
    let signed_in = visit.signed_in().await?.ok_or(PageError::FormRefused)?;
    let named = form.one("session")?.filter(|id| !id.is_empty());
    for session in others(visit, &signed_in).await? {
        // Only the person's own: another id names nothing here.
        if named.is_none_or(|named| named == session.id.as_str()) {
            visit.sign_in_store().sign_out(&session.digest).await?;
        }
    }
    Ok(see_other("/"))
}

/// The person's other sessions, the newest first.
async fn others(visit: &Visit, signed_in: &SignedIn) -> Result<Vec<Session>, StoreError> {
    let Session { organization, user, id, .. } = &signed_in.session;
    let all = visit.sign_in_store().sessions_of(organization, user).await?;
    Ok(all.into_iter().filter(|session| session.id != *id).collect())
}

/// The same for people.
pub async fn listed(visit: &Visit, signed_in: &SignedIn) -> Result<Vec<OtherSession>, StoreError> {
    let now = visit.context.now;
    let shown = |session: Session| OtherSession {
        id: session.id.to_string(),
        signed_in: ago(session.authenticated_at, now),
        last_used: ago(session.last_seen_at, now),
    };
    Ok(others(visit, signed_in).await?.into_iter().map(shown).collect())
}

/// How long ago, in the words of a person; sessions live for hours.
fn ago(instant: Timestamp, now: Timestamp) -> String {
    match now.seconds_since(instant) / 60 {
        ..1 => "less than a minute ago".to_owned(),
        1 => "a minute ago".to_owned(),
        minutes @ 2..60 => format!("{minutes} minutes ago"),
        60..120 => "an hour ago".to_owned(),
        minutes => format!("{} hours ago", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now = Timestamp::from_seconds(1_000_000);
        for (seconds, text) in [
            (-5, "less than a minute ago"),
            (59, "less than a minute ago"),
            (60, "a minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "an hour ago"),
            (7_200, "2 hours ago"),
        ] {
            assert_eq!(ago(now.plus_seconds(-seconds), now), text);
        }
    }
}
