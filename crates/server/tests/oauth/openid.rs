//! OpenID Connect Core: the authorization request, the sign-in it asks for, and the ID token.

use serde_json::{Value, json};

use crate::jwt::{self, Jwt};
use crate::support::browser::redemption;
use crate::support::{Browser, Page, Server, query_of};
use crate::world::{
    ADA, CODE_ONLY_SECRET, FOREIGN, FOREIGN_URI, GRACE, LAX, LAX_SECRET, LAX_URI, WEB, WEB_SECRET, WEB_URI, WORLD,
};

const OPENID: (&str, &str) = ("scope", "openid");

/// The token answer for a new sign-in of ada to the web app.
async fn tokens(server: &Server, more: &[(&str, &str)]) -> Value {
    let code = Browser::new(server).code(WEB, WEB_URI, more, ADA).await;
    server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok()
}

async fn id_token(server: &Server, answer: &Value) -> Jwt {
    jwt::verified(server, answer["id_token"].as_str().unwrap()).await
}

/// Redeems what the browser was sent back with.
async fn redeemed(server: &Server, page: &Page) -> Jwt {
    let answer = server.token(WEB_SECRET, &redemption(&page.code(), WEB_URI)).await.ok();
    id_token(server, &answer).await
}

async fn signed_in<'s>(server: &'s Server, who: (&str, &str)) -> (Browser<'s>, Jwt) {
    let mut browser = Browser::new(server);
    let code = browser.code(WEB, WEB_URI, &[OPENID], who).await;
    let answer = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let id_token = id_token(server, &answer).await;
    (browser, id_token)
}

#[tokio::test]
async fn e26_the_id_token_is_for_the_client_about_the_person_and_the_sign_in() {
    let server = Server::start(WORLD).await;
    let answer = tokens(&server, &[("scope", "openid users"), ("nonce", "n-0S6_WzA2Mj")]).await;
    assert_eq!(answer["scope"], "openid users");
    let jwt = id_token(&server, &answer).await;
    assert_eq!((&jwt.header["typ"], &jwt.header["alg"]), (&json!("JWT"), &json!("ES256")));
    let now = server.app.clock.now().as_seconds();
    let claims = &jwt.claims;
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(server.app.origin.as_str()), &json!(WEB)));
    assert_eq!((&claims["azp"], &claims["nonce"]), (&json!(WEB), &json!("n-0S6_WzA2Mj")));
    assert_eq!((&claims["iat"], &claims["auth_time"], &claims["exp"]), (&json!(now), &json!(now), &json!(now + 3_600)));
    assert_eq!((&claims["acr"], &claims["org"]), (&json!("urn:countersign:acr:password"), &json!("acme")));
    assert!(claims["sid"].as_str().is_some_and(|sid| !sid.is_empty()));
    assert_eq!(claims["at_hash"].as_str().unwrap().len(), 22);
    assert_eq!((claims.get("name"), claims.get("email")), (None, None), "those are for userinfo");
}

#[tokio::test]
async fn e26_an_id_token_is_signed_as_the_app_registered() {
    let server = Server::start(WORLD).await;
    let uri = "https://code.example/a";
    let code = Browser::new(&server).code("code-only", uri, &[OPENID], ADA).await;
    let answer = server.token(CODE_ONLY_SECRET, &redemption(&code, uri)).await.ok();
    assert_eq!(id_token(&server, &answer).await.header["alg"], "RS256");
}

#[tokio::test]
async fn without_openid_there_is_no_id_token_and_without_nonce_none_is_made_up() {
    let server = Server::start(WORLD).await;
    assert_eq!(tokens(&server, &[("scope", "users")]).await.get("id_token"), None);
    assert_eq!(tokens(&server, &[]).await.get("id_token"), None);
    let answer = tokens(&server, &[OPENID]).await;
    assert_eq!(id_token(&server, &answer).await.claims.get("nonce"), None);
}

#[tokio::test]
async fn e26_a_refresh_gives_a_new_id_token_of_the_same_sign_in_unless_openid_is_left_out() {
    let server = Server::start(WORLD).await;
    let answer = tokens(&server, &[("scope", "openid users"), ("nonce", "n")]).await;
    let first = id_token(&server, &answer).await.claims;
    server.advance(60);
    let form = [("grant_type", "refresh_token"), ("refresh_token", answer["refresh_token"].as_str().unwrap())];
    let renewed = server.token(WEB_SECRET, &form).await.ok();
    let second = id_token(&server, &renewed).await.claims;
    for name in ["iss", "sub", "aud", "azp", "auth_time", "acr", "sid"] {
        assert_eq!(first[name], second[name], "{name}");
    }
    assert_eq!((second["iat"].as_i64().unwrap() - first["iat"].as_i64().unwrap(), second.get("nonce")), (60, None));
    let narrowed = server.token(WEB_SECRET, &[&form[..], &[("scope", "users")]].concat()).await.ok();
    assert_eq!((narrowed.get("id_token"), &narrowed["scope"]), (None, &json!("users")));
    let wider = server.token(WEB_SECRET, &[&form[..], &[("scope", "openid email")]].concat()).await;
    assert_eq!(wider.refusal(), (400, "invalid_scope"));
}

#[tokio::test]
async fn a18_the_person_is_asked_about_protocol_scopes_and_no_administrator() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let page = browser.authorize(FOREIGN, FOREIGN_URI, &[("scope", "openid profile email")]).await;
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    assert!(page.has_form("/oauth/consent"), "acme never decided about this app, and need not");
    for words in ["See your name", "See your e-mail address"] {
        assert!(page.html.contains(words), "{words}");
    }
    assert!(!browser.submit(&page, "/oauth/consent", &[("decision", "accept")]).await.code().is_empty());
    let again = browser.authorize(FOREIGN, FOREIGN_URI, &[("scope", "openid profile")]).await;
    assert!(!again.code().is_empty(), "what was accepted is not asked again");
    let with_users = browser.authorize(FOREIGN, FOREIGN_URI, &[("scope", "openid users")]).await;
    assert!(with_users.has_form("/oauth/request"), "what operations ask for is still the administrator's");
}

#[tokio::test]
async fn a18_an_app_that_an_administrator_vouched_for_learns_who_it_is_without_asking() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let page = browser.authorize(WEB, WEB_URI, &[("scope", "openid profile email")]).await;
    assert!(!browser.sign_in(&page, ADA.0, ADA.1).await.code().is_empty());
}

#[tokio::test]
async fn a_token_with_protocol_scopes_only_passes_no_door() {
    let server = Server::start(WORLD).await;
    let answer = tokens(&server, &[("scope", "openid profile")]).await;
    assert_eq!(answer["scope"], "openid profile");
    let access = answer["access_token"].as_str().unwrap();
    assert_eq!(server.api("GET", "/api/v2/users/me", access).await.status, 403);
}

#[tokio::test]
async fn a07_with_openid_the_redirect_uri_must_be_sent() {
    let server = Server::start(WORLD).await;
    let page = Browser::new(&server).authorize(WEB, "", &[OPENID]).await;
    assert_eq!((page.status, page.location()), (400, ""));
    assert!(page.html.contains("must send it"));
}

#[tokio::test]
async fn a37_prompt_none_answers_or_says_what_is_missing() {
    let server = Server::start(WORLD).await;
    let none = [OPENID, ("prompt", "none")];
    assert_eq!(Browser::new(&server).authorize(WEB, WEB_URI, &none).await.error(), "login_required");
    let (mut browser, of_ada) = signed_in(&server, ADA).await;
    let silent = browser.authorize(WEB, WEB_URI, &none).await;
    assert_eq!(redeemed(&server, &silent).await.claims["sub"], of_ada.claims["sub"]);
    assert_eq!(browser.authorize(FOREIGN, FOREIGN_URI, &none).await.error(), "consent_required");

    let answer = {
        let code = Browser::new(&server).code(WEB, WEB_URI, &[OPENID], GRACE).await;
        server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok()
    };
    let hint = ("id_token_hint", answer["id_token"].as_str().unwrap());
    server.advance(1);
    let other = browser.authorize(WEB, WEB_URI, &[OPENID, ("prompt", "none"), hint]).await;
    assert_eq!(other.error(), "account_selection_required");
}

#[tokio::test]
async fn a38_prompt_none_stands_alone() {
    let server = Server::start(WORLD).await;
    let page = Browser::new(&server).authorize(WEB, WEB_URI, &[OPENID, ("prompt", "none login")]).await;
    assert_eq!(page.error(), "invalid_request");
}

#[tokio::test]
async fn a39_prompt_login_and_max_age_move_auth_time() {
    let server = Server::start(WORLD).await;
    for force in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "1"), ("max_age", "0")] {
        let (mut browser, first) = signed_in(&server, ADA).await;
        server.advance(2);
        let page = browser.authorize(WEB, WEB_URI, &[OPENID, force]).await;
        assert!(page.has_form("/oauth/sign-in"), "{force:?}");
        let page = browser.sign_in(&page, ADA.0, ADA.1).await;
        let second = redeemed(&server, &page).await;
        assert!(second.claims["auth_time"].as_i64() > first.claims["auth_time"].as_i64(), "{force:?}");
        assert_eq!(second.claims["sub"], first.claims["sub"]);
        assert_eq!(second.claims["sid"], first.claims["sid"], "the same person in the same browser");
    }
}

#[tokio::test]
async fn a40_max_age_is_measured_and_nonsense_refused() {
    let server = Server::start(WORLD).await;
    let (mut browser, first) = signed_in(&server, ADA).await;
    server.advance(60);
    let page = browser.authorize(WEB, WEB_URI, &[OPENID, ("max_age", "10000")]).await;
    assert_eq!(redeemed(&server, &page).await.claims["auth_time"], first.claims["auth_time"]);
    for bad in ["-1", "soon", "99999999999999999999"] {
        assert_eq!(browser.authorize(WEB, WEB_URI, &[OPENID, ("max_age", bad)]).await.error(), "invalid_request");
    }
    let none = browser.authorize(WEB, WEB_URI, &[OPENID, ("max_age", "59"), ("prompt", "none")]).await;
    assert_eq!(none.error(), "login_required");
}

#[tokio::test]
async fn prompt_consent_asks_again() {
    let server = Server::start(WORLD).await;
    let (mut browser, _) = signed_in(&server, ADA).await;
    let page = browser.authorize(WEB, WEB_URI, &[OPENID, ("prompt", "consent")]).await;
    assert!(page.has_form("/oauth/consent"));
}

#[tokio::test]
async fn a55_an_acr_that_cannot_be_reached_is_never_answered_with_a_weaker_one() {
    let server = Server::start(WORLD).await;
    let (mut browser, _) = signed_in(&server, ADA).await;
    let refused = browser.authorize(WEB, WEB_URI, &[OPENID, ("acr_values", "urn:example:gold")]).await;
    assert_eq!(refused.error(), "unmet_authentication_requirements");
    let essential = r#"{"id_token":{"acr":{"essential":true,"values":["urn:example:gold"]}}}"#;
    let refused = browser.authorize(WEB, WEB_URI, &[OPENID, ("claims", essential)]).await;
    assert_eq!(refused.error(), "unmet_authentication_requirements");
    let reachable = [OPENID, ("acr_values", "urn:example:gold urn:countersign:acr:password")];
    let page = browser.authorize(WEB, WEB_URI, &reachable).await;
    assert_eq!(redeemed(&server, &page).await.claims["acr"], "urn:countersign:acr:password");
}

#[tokio::test]
async fn an_id_token_hint_names_the_only_person_that_is_answered_about() {
    let server = Server::start(WORLD).await;
    let answer = tokens(&server, &[OPENID]).await;
    let hint = ("id_token_hint", answer["id_token"].as_str().unwrap());
    let mut browser = Browser::new(&server);
    let page = browser.authorize(WEB, WEB_URI, &[OPENID, hint]).await;
    let page = browser.sign_in(&page, GRACE.0, GRACE.1).await;
    assert_eq!(page.error(), "login_required", "grace is not ada");
    server.advance(1);
    let page = browser.authorize(WEB, WEB_URI, &[OPENID, hint]).await;
    assert!(page.has_form("/oauth/sign-in"));
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    assert_eq!(redeemed(&server, &page).await.claims["sub"], id_token(&server, &answer).await.claims["sub"]);
    server.advance(7_200);
    let page = browser.authorize(WEB, WEB_URI, &[OPENID, hint]).await;
    assert!(page.has_form("/oauth/sign-in"), "an old hint is a hint, and the session is over");
}

#[tokio::test]
async fn a_hint_that_is_not_ours_or_another_apps_is_refused() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let code = browser.code(LAX, LAX_URI, &[OPENID], ADA).await;
    let of_another_app = server.token(LAX_SECRET, &redemption(&code, LAX_URI)).await.ok();
    let of_another_app = of_another_app["id_token"].as_str().unwrap();
    let (head, signature) = of_another_app.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let other_kind = server.app.signing_keys.sign(
        countersign_domain::oauth::signing_key::SigningAlgorithm::Es256,
        "at+jwt",
        &json!({ "iss": server.app.origin.as_str(), "aud": WEB, "sub": "x" }),
        server.app.clock.now(),
    );
    for hint in ["x", of_another_app, &forged, &other_kind.unwrap(), "eyJhbGciOiJub25lIn0.e30."] {
        let page = browser.authorize(WEB, WEB_URI, &[OPENID, ("id_token_hint", hint)]).await;
        assert_eq!(page.error(), "invalid_request", "{hint}");
    }
}

#[tokio::test]
async fn c44_an_id_token_is_no_access_token() {
    let server = Server::start(WORLD).await;
    let answer = tokens(&server, &[OPENID]).await;
    let id_token = answer["id_token"].as_str().unwrap();
    assert_eq!(server.api("GET", "/api/v2/users/me", id_token).await.status, 401);
    let form = [("grant_type", "refresh_token"), ("refresh_token", id_token)];
    assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn e25_a_deleted_persons_sub_never_comes_back() {
    let server = Server::start(WORLD).await;
    let (_, first) = signed_in(&server, GRACE).await;
    let acme = server.org("acme");
    let id = countersign_domain::id::UserId::parse(first.claims["sub"].as_str().unwrap()).unwrap();
    let grace = acme.user(&id).await.unwrap().unwrap();
    acme.delete_user(&id).await.unwrap();
    let kept = acme.user(&id).await.unwrap().unwrap();
    assert_eq!(kept.id, grace.id, "the record stays, so nobody gets its id");
    crate::support::world::install(&server, WORLD).await;
    let (_, second) = signed_in(&server, GRACE).await;
    assert_ne!(first.claims["sub"], second.claims["sub"]);
}

#[tokio::test]
async fn a23_form_post_carries_the_same_answer_in_a_form() {
    let server = Server::start(WORLD).await;
    let (mut browser, _) = signed_in(&server, ADA).await;
    let page = browser.authorize(WEB, WEB_URI, &[OPENID, ("response_mode", "form_post")]).await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://web.example;"), "{policy}");
    let fields = page.hidden(WEB_URI);
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    assert_eq!((field("state"), field("iss")), (Some("the-state"), Some(server.app.origin.as_str())));
    let answer = server.token(WEB_SECRET, &redemption(field("code").unwrap(), WEB_URI)).await.ok();
    assert!(answer["id_token"].is_string());
    let refused = browser.authorize(WEB, WEB_URI, &[("scope", "userz"), ("response_mode", "form_post")]).await;
    let fields = refused.hidden(WEB_URI);
    assert!(fields.contains(&("error".to_owned(), "invalid_scope".to_owned())));
    for mode in ["fragment", "web_message", "query.jwt"] {
        let refused = browser.authorize(WEB, WEB_URI, &[OPENID, ("response_mode", mode)]).await;
        assert_eq!(refused.error(), "invalid_request", "{mode}");
        assert_eq!(query_of(refused.location(), "state").as_deref(), Some("the-state"));
    }
}
