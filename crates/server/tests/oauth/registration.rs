//! Apps that register and manage themselves (RFC 7591, RFC 7592), within the policy of the token that lets them in.

use countersign_decision::Scope;
use countersign_domain::client::GrantType;
use countersign_domain::client_registration::{InitialToken, NewInitialToken, RegistrationPolicy};
use countersign_domain::id::ClientId;
use countersign_domain::secret::Secret;
use countersign_server::config::Config;
use countersign_store::client::ClientChange;
use serde_json::{Value, json};

use crate::support::browser::redemption;
use crate::support::{Answer, Browser, Server};
use crate::world::{ADA, GRACE, WORLD};

const CALLBACK: &str = "https://partner.example/callback";

async fn start() -> Server {
    let mut config = Config::default();
    config.server.client_registration = true;
    Server::start_with(WORLD, config).await
}

async fn token(server: &Server, max_clients: i64) -> (Secret, InitialToken) {
    let new = NewInitialToken {
        name: "Partners".to_owned(),
        policy: RegistrationPolicy {
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scopes: vec!["users:readonly".parse::<Scope>().unwrap(), "user-basic-info".parse().unwrap()],
            hosts: vec!["partner.example".to_owned()],
        },
        max_clients,
        expires_at: server.app.clock.now().plus_seconds(3_600),
    };
    server.org("acme").create_initial_token(&new).await.unwrap()
}

fn app() -> Value {
    json!({ "client_name": "Partner App", "redirect_uris": [CALLBACK], "client_uri": "https://partner.example/" })
}

fn with(name: &str, value: Value) -> Value {
    let mut body = app();
    body[name] = value;
    body
}

async fn send(server: &Server, method: &str, target: &str, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("content-type", "application/json")];
    if !token.is_empty() {
        headers.push(("authorization", &bearer));
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    server.send(method, target, &headers, body).await
}

/// A look with this `Authorization`.
async fn send_as(server: &Server, authorization: &str, target: &str) -> Answer {
    let method = if target == "/oauth/register" { "POST" } else { "GET" };
    server.send(method, target, &[("authorization", authorization)], "").await
}

async fn register(server: &Server, token: &str, body: &Value) -> Answer {
    send(server, "POST", "/oauth/register", token, body).await
}

async fn registered(server: &Server) -> Value {
    let (secret, _) = token(server, 10).await;
    let answer = register(server, secret.expose(), &app()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {body}"))
}

/// The path of an app's own registration.
fn own(server: &Server, body: &Value) -> String {
    text(body, "registration_client_uri").strip_prefix(server.app.origin.as_str()).unwrap().to_owned()
}

/// What an update sends: the registration as it was, and who it is about.
fn update(registered: &Value, name: &str, value: Value) -> Value {
    let mut body = with(name, value);
    body["client_id"] = registered["client_id"].clone();
    body
}

#[track_caller]
fn refusal(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.body["error_description"].is_string(), "{}", answer.text);
    (answer.status, answer.body["error"].as_str().unwrap())
}

#[tokio::test]
async fn e09_registration_is_off_unless_it_is_switched_on_and_open_only_with_a_token() {
    let closed = Server::start(WORLD).await;
    let (good, _) = token(&closed, 1).await;
    assert_eq!(refusal(&register(&closed, good.expose(), &app()).await), (401, "invalid_token"));
    assert_eq!(closed.get("/.well-known/oauth-authorization-server").await.ok().get("registration_endpoint"), None);

    let server = start().await;
    let metadata = server.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(text(&metadata, "registration_endpoint"), format!("{}/oauth/register", server.app.origin));
    let none = register(&server, "", &app()).await;
    assert_eq!(refusal(&none), (401, "invalid_token"));
    assert_eq!(none.header("www-authenticate"), format!("Bearer realm=\"{}\"", server.app.origin));
    let bare = send_as(&server, "Bearer", "/oauth/register").await;
    assert_eq!(bare.header("www-authenticate"), format!("Bearer realm=\"{}\"", server.app.origin), "no token is none");
    let (good, kept) = token(&server, 1).await;
    for bad in ["cs_ia_unknown", "x", &good.expose()[..good.expose().len() - 1]] {
        assert_eq!(register(&server, bad, &app()).await.status, 401, "{bad}");
    }
    let wrong = register(&server, "cs_ia_unknown", &app()).await;
    assert!(wrong.header("www-authenticate").contains("error=\"invalid_token\""));
    assert_eq!(register(&server, good.expose(), &app()).await.status, 201);
    assert_eq!(register(&server, good.expose(), &app()).await.status, 401, "used up");
    let (late, _) = token(&server, 1).await;
    let (taken_back, other) = token(&server, 1).await;
    server.org("acme").revoke_initial_token(&other.id).await.unwrap();
    assert_eq!(register(&server, taken_back.expose(), &app()).await.status, 401, "revoked");
    server.advance(3_600);
    assert_eq!(register(&server, late.expose(), &app()).await.status, 401, "expired");
    assert_eq!(kept.max_clients, 1);
}

#[tokio::test]
async fn a_registered_app_signs_people_in_once_its_organization_allows_it() {
    let server = start().await;
    let body = registered(&server).await;
    assert_eq!((text(&body, "client_name"), &body["redirect_uris"]), ("Partner App", &json!([CALLBACK])));
    assert_eq!((&body["client_secret_expires_at"], &body["response_types"]), (&json!(0), &json!(["code"])));
    assert_eq!(text(&body, "token_endpoint_auth_method"), "client_secret_basic");
    let (id, secret) = (text(&body, "client_id"), text(&body, "client_secret"));

    let mut ada = Browser::new(&server);
    let page = ada.authorize(id, CALLBACK, &[("scope", "user-basic-info")]).await;
    let page = ada.sign_in(&page, ADA.0, ADA.1).await;
    assert!(page.has_form("/oauth/request"), "registering gives nothing: {}", page.html);
    let mut grace = Browser::new(&server);
    let page = grace.authorize(id, CALLBACK, &[("scope", "user-basic-info")]).await;
    let page = grace.sign_in(&page, GRACE.0, GRACE.1).await;
    let page = grace.submit(&page, "/oauth/approval", &[("decision", "approve"), ("scope", "user-basic-info")]).await;
    let code = grace.follow_within(page).await.code();
    let tokens = server.token(&format!("{id}:{secret}"), &redemption(&code, CALLBACK)).await.ok();
    assert_eq!(tokens["scope"], "user-basic-info");
    assert_eq!(tokens.get("refresh_token"), None, "it asked for no such grant");
}

#[tokio::test]
async fn e10_what_cannot_be_registered_has_its_registered_code() {
    let server = start().await;
    let (good, _) = token(&server, 1).await;
    for (body, code) in [
        (with("redirect_uris", json!(["http://partner.example/cb"])), "invalid_redirect_uri"),
        (with("redirect_uris", json!(["https://partner.example.evil.example/cb"])), "invalid_redirect_uri"),
        (with("redirect_uris", json!([])), "invalid_redirect_uri"),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), "invalid_client_metadata"),
        (with("client_uri", json!("https://bank.example/")), "invalid_client_metadata"),
        (with("jwks_uri", json!("https://partner.example/jwks")), "invalid_client_metadata"),
        (json!([]), "invalid_client_metadata"),
    ] {
        assert_eq!(refusal(&register(&server, good.expose(), &body).await), (400, code), "{body}");
    }
    let mut both = with("jwks_uri", json!("https://partner.example/jwks"));
    both["jwks"] = json!({ "keys": [] });
    assert_eq!(refusal(&register(&server, good.expose(), &both).await), (400, "invalid_client_metadata"));
    let bearer = format!("Bearer {}", good.expose());
    let form = [("content-type", "application/x-www-form-urlencoded"), ("authorization", bearer.as_str())];
    assert_eq!(server.send("POST", "/oauth/register", &form, "client_name=x").await.status, 415);
    let long = with("client_name", json!("x".repeat(70_000)));
    assert_eq!(register(&server, good.expose(), &long).await.status, 413);
    assert_eq!(register(&server, good.expose(), &app()).await.status, 201, "none of it used the token");
}

#[tokio::test]
async fn e13_nothing_beyond_the_policy_is_registered() {
    let server = start().await;
    let (good, _) = token(&server, 5).await;
    let mut body = with("scope", json!("users users:readonly openid oauth"));
    body["grant_types"] = json!(["authorization_code", "client_credentials", "refresh_token"]);
    let made = register(&server, good.expose(), &body).await;
    assert_eq!(made.body["scope"], "users:readonly");
    assert_eq!(made.body["grant_types"], json!(["authorization_code", "refresh_token"]));
    let credentials = format!("{}:{}", text(&made.body, "client_id"), text(&made.body, "client_secret"));
    let itself = server.token(&credentials, &[("grant_type", "client_credentials")]).await;
    assert_eq!(itself.refusal(), (400, "unauthorized_client"));
    let services = with("grant_types", json!(["client_credentials"]));
    assert_eq!(refusal(&register(&server, good.expose(), &services).await), (400, "invalid_client_metadata"));
    assert_eq!(register(&server, good.expose(), &app()).await.body["scope"], "users:readonly user-basic-info");
}

#[tokio::test]
async fn an_app_reads_updates_and_deletes_its_registration() {
    let server = start().await;
    let made = registered(&server).await;
    let (path, manages) = (own(&server, &made), text(&made, "registration_access_token"));
    let read = send(&server, "GET", &path, manages, &Value::Null).await.ok();
    assert_eq!((&read["client_id"], read.get("client_secret")), (&made["client_id"], None), "a secret is shown once");
    assert_eq!(read["registration_access_token"], made["registration_access_token"]);

    let mut renamed = update(&made, "client_name", json!("Renamed"));
    renamed["client_secret"] = made["client_secret"].clone();
    let updated = send(&server, "PUT", &path, manages, &renamed).await.ok();
    assert_eq!(text(&updated, "client_name"), "Renamed");
    assert_eq!(updated.get("logo_uri"), None);
    assert_ne!(updated["client_secret"], made["client_secret"]);
    for secret in [text(&made, "client_secret"), text(&updated, "client_secret")] {
        let credentials = format!("{}:{secret}", text(&made, "client_id"));
        let known = server.token(&credentials, &[("grant_type", "authorization_code"), ("code", "x")]).await;
        assert_eq!(known.refusal(), (400, "invalid_grant"), "two secrets live at rotation");
    }

    let manages = text(&updated, "registration_access_token");
    let public = update(&made, "token_endpoint_auth_method", json!("none"));
    let public = send(&server, "PUT", &path, manages, &public).await.ok();
    assert_eq!(public.get("client_secret"), None);
    let manages = text(&public, "registration_access_token");
    assert_eq!(send(&server, "DELETE", &path, manages, &Value::Null).await.status, 204);
    assert_eq!(send(&server, "DELETE", &path, manages, &Value::Null).await.status, 401);
    let id = ClientId::parse(text(&made, "client_id")).unwrap();
    assert_eq!(server.org("acme").client(&id).await.unwrap(), None);
}

#[tokio::test]
async fn e11_an_update_is_refused_for_whatever_a_registration_is_refused_for() {
    let server = start().await;
    let made = registered(&server).await;
    let (path, manages) = (own(&server, &made), text(&made, "registration_access_token"));
    for (name, value, code) in [
        ("redirect_uris", json!(["https://evil.example/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["http://partner.example/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", Value::Null, "invalid_redirect_uri"),
        ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
        ("logo_uri", json!("https://bank.example/logo.png"), "invalid_client_metadata"),
        ("jwks_uri", json!("https://partner.example/jwks"), "invalid_client_metadata"),
        ("client_id", json!("another"), "invalid_client_metadata"),
        ("client_secret", json!("chosen by the app"), "invalid_client_metadata"),
        ("registration_access_token", json!("x"), "invalid_client_metadata"),
    ] {
        let mut body = update(&made, name, value.clone());
        if name == "client_id" {
            body[name] = value.clone();
        }
        let answer = send(&server, "PUT", &path, manages, &body).await;
        assert_eq!(refusal(&answer), (400, code), "{name} = {value}");
    }
    let widened = update(&made, "scope", json!("users users:readonly"));
    let updated = send(&server, "PUT", &path, manages, &widened).await.ok();
    assert_eq!(updated["scope"], "users:readonly", "e13");
}

#[tokio::test]
async fn e12_a_registration_token_is_good_for_its_own_app_and_until_the_next_update() {
    let server = start().await;
    let (made, other) = (registered(&server).await, registered(&server).await);
    let (path, manages) = (own(&server, &made), text(&made, "registration_access_token"));
    let body = update(&made, "client_name", json!("Renamed"));
    for bad in [text(&other, "registration_access_token"), "cs_ra_unknown", "", text(&made, "client_secret")] {
        for method in ["GET", "PUT", "DELETE"] {
            assert_eq!(
                refusal(&send(&server, method, &path, bad, &body).await),
                (401, "invalid_token"),
                "{method} {bad}"
            );
        }
    }
    let updated = send(&server, "PUT", &path, manages, &body).await.ok();
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(refusal(&send(&server, method, &path, manages, &body).await), (401, "invalid_token"), "{method}");
    }
    let manages = text(&updated, "registration_access_token");
    assert_eq!(send(&server, "GET", &path, manages, &Value::Null).await.status, 200);
    for no_id in ["no%20id", "%00", "%ff"] {
        let answer = send(&server, "GET", &format!("/oauth/register/{no_id}"), manages, &Value::Null).await;
        assert_eq!(refusal(&answer), (401, "invalid_token"), "{no_id}");
    }
    assert_eq!(register(&server, manages, &app()).await.status, 401, "it lets no other app in");

    let change =
        ClientChange { state: Some(countersign_domain::client::ClientState::Disabled), ..ClientChange::default() };
    let id = ClientId::parse(text(&made, "client_id")).unwrap();
    server.org("acme").update_client(&id, &change).await.unwrap();
    assert_eq!(send(&server, "GET", &path, manages, &Value::Null).await.status, 401, "it was switched off");
}
