//! Step-up at the doors (RFC 9470).

use super::fixture::{Fixture, READER, SHOP};
use super::raw::Reply;
use super::support::Browser;
use super::support::browser::redemption;

const URI: &str = "https://shop.test/cb";
const ADA: (&str, &str) = ("ada@acme.test", "correct horse");

async fn signed_in(fixture: &Fixture, browser: &mut Browser<'_>, more: &[(&str, &str)]) -> String {
    let code = browser.code(SHOP, URI, more, ADA).await;
    let form = [&redemption(&code, URI)[..], &[("client_id", SHOP)]].concat();
    fixture.server.token("", &form).await.ok()["access_token"].as_str().unwrap().to_owned()
}

fn challenge(reply: &Reply) -> &str {
    let mut lines = reply.text.lines();
    lines.find_map(|line| line.strip_prefix("www-authenticate: ")).unwrap_or_default()
}

#[tokio::test]
async fn d17_an_old_sign_in_is_refused_with_what_to_ask_for_and_that_helps() {
    let fixture = Fixture::start("").await;
    let mut browser = Browser::new(&fixture.server);
    let token = signed_in(&fixture, &mut browser, &[]).await;
    assert_eq!(fixture.call("DELETE", "/books/1", &token).await.status(), 200);
    fixture.server.advance(300);
    assert_eq!(fixture.call("DELETE", "/books/1", &token).await.status(), 200);
    fixture.server.advance(1);
    let refused = fixture.call("DELETE", "/books/1", &token).await;
    assert_eq!(refused.status(), 401);
    let challenge = challenge(&refused);
    assert!(challenge.starts_with("Bearer realm="), "{challenge}");
    assert!(challenge.contains(r#"error="insufficient_user_authentication", max_age="300""#), "{challenge}");
    assert!(!challenge.contains("acr_values"), "{challenge}");
    let shown = fixture.server.app.metrics.show(&fixture.server.app);
    let counted = r#"countersign_decisions_total{door="gateway",result="deny",reason="insufficient_authentication"} 1"#;
    assert!(shown.lines().any(|line| line == counted), "{shown}");
    assert_eq!(fixture.call("GET", "/books/1", &token).await.status(), 200, "other operations do not ask");

    let again = browser.authorize(SHOP, URI, &[("max_age", "300")]).await;
    assert!(again.html.contains("action=\"/oauth/sign-in\""), "the session is too old for it");
    let token = signed_in(&fixture, &mut browser, &[("max_age", "300")]).await;
    assert_eq!(fixture.call("DELETE", "/books/1", &token).await.status(), 200);
}

#[tokio::test]
async fn d17_another_kind_of_sign_in_is_asked_for_by_name_and_never_replaced_by_a_weaker_one() {
    let fixture = Fixture::start("").await;
    let mut browser = Browser::new(&fixture.server);
    let token = signed_in(&fixture, &mut browser, &[]).await;
    let refused = fixture.call("PUT", "/books/1", &token).await;
    assert_eq!(refused.status(), 401);
    let challenge = challenge(&refused);
    assert!(challenge.contains(r#"error="insufficient_user_authentication", acr_values="gold silver""#), "{challenge}");
    let answer = browser.authorize(SHOP, URI, &[("acr_values", "gold silver")]).await;
    assert_eq!(answer.error(), "unmet_authentication_requirements");
}

#[tokio::test]
async fn d17_an_operation_that_is_crossed_asks_too_and_only_where_nothing_else_is_missing() {
    let fixture = Fixture::start("").await;
    let nobody_signed_in = fixture.token(SHOP, ADA.0).await;
    let refused = fixture.call("DELETE", "/books/rare", &nobody_signed_in).await;
    assert_eq!(refused.status(), 401);
    assert!(challenge(&refused).contains("insufficient_user_authentication"));
    assert_eq!(fixture.call("DELETE", "/films/rare", &nobody_signed_in).await.status(), 200);
    let without_scope = fixture.call("DELETE", "/books/1", &fixture.token(READER, ADA.0).await).await;
    assert_eq!(without_scope.status(), 403, "signing in again would not help");
    assert_eq!(fixture.call("DELETE", "/books/1", "").await.status(), 401);
}

#[tokio::test]
async fn d17_every_door_asks_alike() {
    let fixture = Fixture::start("").await;
    let bearer = format!("Bearer {}", fixture.token(SHOP, ADA.0).await);
    let headers = [
        ("x-forwarded-method", "DELETE"),
        ("x-forwarded-uri", "/books/1"),
        ("x-forwarded-host", "api.test"),
        ("x-forwarded-proto", "https"),
        ("authorization", &bearer),
    ];
    let asked = fixture.server.send("GET", "/enforce/forward-auth", &headers, "").await;
    assert_eq!((asked.status, asked.body["code"].as_str()), (401, Some("insufficient.user.authentication")));
    assert!(asked.header("www-authenticate").contains(r#"max_age="300""#));
    let mut envoy = super::ext_authz::connect(fixture.doors.ext_authz).await;
    let check = super::ext_authz::check("DELETE", "/books/1", "api.test", &[("authorization", &bearer)]);
    assert_eq!(super::ext_authz::status(&envoy.check(check).await.unwrap().into_inner()), 401);
}
