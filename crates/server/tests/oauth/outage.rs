//! What people and apps are told while the database does not answer (RFC 6749 §4.1.2.1).

use crate::support::browser::redemption;
use crate::support::{Browser, Server};
use crate::world::{ADA, WEB, WEB_SECRET, WEB_URI, WORLD};

/// Nothing that only we should know.
fn assert_says_nothing(text: &str) {
    for word in ["sqlx", "SQL", "pool", "panicked", "stack", "crates/", ".rs:", "SELECT", "StoreError"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

#[tokio::test]
async fn a62_an_outage_in_the_middle_of_a_sign_in_is_a_503_and_tells_nothing() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let code = browser.code(WEB, WEB_URI, &[], ADA).await;
    let mut other = Browser::new(&server);
    let sign_in = other.authorize(WEB, WEB_URI, &[]).await;
    server.app.store.close().await;

    let submitted = other.submit(&sign_in, "/oauth/sign-in", &[("email", ADA.0), ("password", ADA.1)]).await;
    let begun = browser.authorize(WEB, WEB_URI, &[]).await;
    for page in [submitted, begun] {
        assert_eq!((page.status, page.header("retry-after"), page.location()), (503, "1", ""), "{}", page.html);
        assert!(page.html.contains("<html"), "a page for people");
        assert_says_nothing(&page.html);
    }
    let refused = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await;
    assert_eq!(refused.refusal(), (503, "temporarily_unavailable"));
    assert_says_nothing(&refused.text);
}
