//! `/oauth/introspect` (RFC 7662, RFC 9701).

use countersign_domain::id::{ClientId, UserId};
use countersign_domain::role::Assignee;
use countersign_domain::secret::SecretHash;
use countersign_domain::user::UserState;
use countersign_store::user::UserChange;
use serde_json::{Value, json};

use crate::support::browser::redemption;
use crate::support::{Answer, Browser, Server, encode};
use crate::world::{ADA, CODE_ONLY_SECRET, NATIVE, SERVICE_SECRET, WEB, WEB_SECRET, WEB_URI, WORLD};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn basic(credentials: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}

async fn ask(server: &Server, credentials: &str, form: &[(&str, &str)]) -> Answer {
    server.send("POST", "/oauth/introspect", &[FORM, ("authorization", &basic(credentials))], encode(form)).await
}

async fn told(server: &Server, token: &str) -> Value {
    ask(server, WEB_SECRET, &[("token", token)]).await.ok()
}

/// An access and a refresh token of ada for the web app.
async fn tokens(server: &Server) -> (String, String) {
    let code = Browser::new(server).code(WEB, WEB_URI, &[("scope", "users")], ADA).await;
    let answer = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn d22_who_does_not_authenticate_learns_nothing() {
    let server = Server::start(WORLD).await;
    let (access, _) = tokens(&server).await;
    let answer = server.send("POST", "/oauth/introspect", &[FORM], encode(&[("token", &access)])).await;
    assert_eq!(answer.refusal(), (401, "invalid_client"));
    assert!(answer.header("www-authenticate").starts_with("Basic realm="));
    let public = [("token", access.as_str()), ("client_id", NATIVE)];
    let answer = server.send("POST", "/oauth/introspect", &[FORM], encode(&public)).await;
    assert_eq!(answer.refusal(), (401, "invalid_client"), "an app without credentials could be anybody");
    assert_eq!(ask(&server, "web-app:wrong", &[("token", &access)]).await.refusal(), (401, "invalid_client"));
    let bearer = [FORM, ("authorization", &format!("Bearer {access}") as &str)];
    let answer = server.send("POST", "/oauth/introspect", &bearer, encode(&[("token", &access)])).await;
    assert_eq!(answer.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn d24_an_active_token_is_told_as_it_stands() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    let now = server.app.clock.now().as_seconds();
    let answer = ask(&server, WEB_SECRET, &[("token", &access)]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let (told, issuer) = (answer.ok(), server.app.origin.as_str());
    let expected = json!({
        "active": true, "scope": "users", "client_id": WEB, "token_type": "bearer", "iat": now, "exp": now + 86_400,
        "sub": told["sub"], "aud": [issuer], "iss": issuer, "org": "acme", "auth_time": now,
        "acr": "urn:countersign:acr:password",
    });
    assert_eq!(told, expected);
    let of_refresh = ask(&server, WEB_SECRET, &[("token", &refresh)]).await.ok();
    assert_eq!((&of_refresh["active"], &of_refresh["token_type"]), (&json!(true), &Value::Null));
    assert_eq!((&of_refresh["sub"], &of_refresh["scope"]), (&told["sub"], &json!("users")));
}

#[tokio::test]
async fn d23_unknown_foreign_expired_and_revoked_tokens_have_one_answer() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    let inactive = json!({ "active": false });
    for (asks, token) in [
        (WEB_SECRET, "hello"),
        (WEB_SECRET, &access[..access.len() - 1]),
        (WEB_SECRET, "cs_at_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        (CODE_ONLY_SECRET, &access),
        (SERVICE_SECRET, &refresh),
    ] {
        let answer = ask(&server, asks, &[("token", token)]).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"active":false}"#), "{asks}");
    }
    server.advance(86_400);
    assert_eq!(told(&server, &access).await, inactive);
    assert_eq!(told(&server, &refresh).await["active"], true);
    let form = [("token", refresh.as_str())];
    server.send("POST", "/oauth/revoke", &[FORM, ("authorization", &basic(WEB_SECRET))], encode(&form)).await;
    assert_eq!(told(&server, &refresh).await, inactive);
}

#[tokio::test]
async fn d23_what_the_organization_took_away_is_gone_from_the_next_answer() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    let acme = server.org("acme");
    let ada = UserId::parse(told(&server, &access).await["sub"].as_str().unwrap()).unwrap();
    let ada = acme.user(&ada).await.unwrap().unwrap();
    let change = UserChange { state: Some(UserState::Inactive), ..UserChange::default() };
    acme.update_user(&ada.id, ada.version, &change).await.unwrap();
    for token in [access, refresh] {
        assert_eq!(told(&server, &token).await, json!({ "active": false }));
    }
}

#[tokio::test]
async fn d25_only_a_posted_form_is_read() {
    let server = Server::start(WORLD).await;
    let (access, _) = tokens(&server).await;
    let own = basic(WEB_SECRET);
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.send(method, "/oauth/introspect", &[("authorization", &own)], "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
    let target = format!("/oauth/introspect?token={access}");
    let answer = server.send("POST", &target, &[FORM, ("authorization", &own)], "").await;
    assert_eq!(answer.refusal(), (400, "invalid_request"));
    assert_eq!(ask(&server, WEB_SECRET, &[]).await.refusal(), (400, "invalid_request"));
    let twice = ask(&server, WEB_SECRET, &[("token", &access), ("token", &access)]).await;
    assert_eq!(twice.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn d26_the_hint_is_only_a_hint() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    for token in [access, refresh] {
        for hint in ["access_token", "refresh_token", "pizza"] {
            let answer = ask(&server, WEB_SECRET, &[("token", &token), ("token_type_hint", hint)]).await;
            assert_eq!(answer.ok()["active"], true, "{hint}");
        }
    }
}

#[tokio::test]
async fn d27_a_signed_answer_comes_when_asked_for_and_is_for_its_caller() {
    let server = Server::start(WORLD).await;
    let (access, _) = tokens(&server).await;
    let own = basic(WEB_SECRET);
    let headers = [FORM, ("authorization", &own as &str), ("accept", "application/token-introspection+jwt")];
    let answer = server.send("POST", "/oauth/introspect", &headers, encode(&[("token", &access)])).await;
    assert_eq!(answer.header("content-type"), "application/token-introspection+jwt");
    let jwt = crate::jwt::verified(&server, &answer.text).await;
    assert_eq!((&jwt.header["typ"], &jwt.header["alg"]), (&json!("token-introspection+jwt"), &json!("ES256")));
    let issuer = server.app.origin.as_str();
    assert_eq!((&jwt.claims["iss"], &jwt.claims["aud"]), (&json!(issuer), &json!(WEB)));
    assert_eq!(jwt.claims["token_introspection"], told(&server, &access).await);
    assert_eq!(jwt.claims.get("sub"), None, "it must not pass for a token");
}

#[tokio::test]
async fn e27_pages_of_other_sites_cannot_ask() {
    let server = Server::start(WORLD).await;
    let (access, _) = tokens(&server).await;
    let own = basic(WEB_SECRET);
    let headers = [FORM, ("authorization", &own as &str), ("origin", "https://evil.example")];
    let answer = server.send("POST", "/oauth/introspect", &headers, encode(&[("token", &access)])).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_service_sees_its_own_token() {
    let server = Server::start(WORLD).await;
    let token = server.token(SERVICE_SECRET, &[("grant_type", "client_credentials")]).await.ok();
    let answer = ask(&server, SERVICE_SECRET, &[("token", token["access_token"].as_str().unwrap())]).await.ok();
    assert_eq!(
        (&answer["active"], &answer["sub"], &answer["scope"]),
        (&json!(true), &json!("service"), &json!("users"))
    );
}

#[tokio::test]
async fn d23_a_token_of_somebody_who_lost_the_role_that_its_app_is_limited_to_is_not_active() {
    let before = "user-basic-info], state: authorized }\n      - { client: Lax App";
    let after = before.replacen("state", "roles: [Directory admin], state", 1);
    let server = Server::start(&WORLD.replacen(before, &after, 1)).await;
    let (access, refresh) = tokens(&server).await;
    let user = told(&server, &access).await;
    assert_eq!(user["active"], true);
    let acme = server.org("acme");
    let ada = Assignee::User(UserId::parse(user["sub"].as_str().unwrap()).unwrap());
    for held in acme.assignments_of(&ada).await.unwrap() {
        acme.unassign_role(&ada, &held.role, &held.division).await.unwrap();
    }
    for token in [&access, &refresh] {
        assert_eq!(told(&server, token).await, json!({ "active": false }));
    }
    let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh as &str)];
    assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn c26_a_secret_that_was_used_ends_at_its_time_all_the_same() {
    let server = Server::start(WORLD).await;
    let (access, _) = tokens(&server).await;
    let end = server.app.clock.now().plus_seconds(60);
    let second = SecretHash::of_client_secret("another-secret", server.app.entropy.as_ref());
    let web = ClientId::parse(WEB).unwrap();
    server.org("acme").add_client_secret(&web, &second, Some(end)).await.unwrap();
    assert_eq!(told(&server, &access).await["active"], true);
    server.advance(59);
    assert_eq!(told(&server, &access).await["active"], true);
    server.advance(1);
    assert_eq!(ask(&server, WEB_SECRET, &[("token", &access)]).await.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn what_was_told_before_is_told_anew_after_any_change() {
    let server = Server::start(WORLD).await;
    let (access, refresh) = tokens(&server).await;
    for token in [&access, &refresh] {
        assert_eq!(told(&server, token).await["active"], true);
    }
    server.call_as_client("/oauth/revoke", WEB_SECRET, &[("token", &access)]).await;
    for token in [&access, &refresh] {
        assert_eq!(told(&server, token).await["active"], false, "one sign-in, one end");
    }
    let (access, _) = tokens(&server).await;
    assert_eq!(told(&server, &access).await["active"], true);
    server.org("acme").revoke(&ClientId::parse(WEB).unwrap()).await.unwrap();
    assert_eq!(told(&server, &access).await["active"], false);
}
