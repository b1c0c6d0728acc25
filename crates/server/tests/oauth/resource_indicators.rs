//! Resource indicators (RFC 8707): which API a token is for.

use countersign_domain::oauth::token::AccessToken;
use countersign_domain::secret::{Secret, SecretKind};
use countersign_store::SystemTask;
use serde_json::json;

use crate::support::browser::redemption;
use crate::support::{Browser, CHALLENGE, Server};
use crate::world::{ADA, CODE_ONLY_SECRET, SERVICE_SECRET, WEB, WEB_SECRET, WEB_URI, WORLD};

const ME: &str = "/api/v2/users/me";

#[tokio::test]
async fn a53_a_resource_that_is_malformed_or_none_of_ours_is_refused() {
    let server = Server::start(WORLD).await;
    let origin = server.app.origin.as_str();
    for resource in ["/api/v2", "https://other.example", &format!("{origin}#x"), &format!("{origin}/other")] {
        let page = Browser::new(&server).authorize(WEB, WEB_URI, &[("resource", resource)]).await;
        assert_eq!(page.error(), "invalid_target", "{resource}");
        let push = [
            ("response_type", "code"),
            ("redirect_uri", WEB_URI),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", resource),
        ];
        let pushed = server.call_as_client("/oauth/par", WEB_SECRET, &push).await;
        assert_eq!(pushed.refusal(), (400, "invalid_target"), "{resource}");
    }
}

#[tokio::test]
async fn a54_a_token_is_for_the_resource_that_was_asked_for() {
    let server = Server::start(WORLD).await;
    let origin = server.app.origin.as_str();
    let twice = [("resource", origin), ("resource", origin)];
    let code = Browser::new(&server).code(WEB, WEB_URI, &twice, ADA).await;
    let mut form = redemption(&code, WEB_URI);
    form.push(("resource", origin));
    let token = server.token(WEB_SECRET, &form).await.ok();
    assert_eq!(server.api("GET", ME, token["access_token"].as_str().unwrap()).await.status, 200);
    let refresh = token["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("resource", origin)];
    server.token(WEB_SECRET, &form).await.ok();
}

#[tokio::test]
async fn c53_a_token_request_for_an_unknown_resource_is_refused_and_the_code_stays_good() {
    let server = Server::start(WORLD).await;
    let other = ("resource", "https://other.example");
    let form = [("grant_type", "client_credentials"), other];
    assert_eq!(server.token(SERVICE_SECRET, &form).await.refusal(), (400, "invalid_target"));
    let code = Browser::new(&server).code(WEB, WEB_URI, &[], ADA).await;
    let mut form = redemption(&code, WEB_URI);
    form.push(other);
    assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "invalid_target"));
    server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
}

#[tokio::test]
async fn a_token_for_another_api_is_not_taken_here() {
    let server = Server::start(WORLD).await;
    let code = Browser::new(&server).code(WEB, WEB_URI, &[], ADA).await;
    let token = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let text = token["access_token"].as_str().unwrap();
    let store = server.store(SystemTask::Enforcement);
    let digest = Secret::parse(SecretKind::AccessToken, text).unwrap().digest();
    let bearer = store.bearer(&digest).await.unwrap().unwrap();
    let elsewhere = Secret::generate(SecretKind::AccessToken, server.app.entropy.as_ref());
    let record = AccessToken {
        digest: elsewhere.digest(),
        family: bearer.family.clone(),
        ceiling: None,
        confirmation: None,
        audience: vec!["https://other.example".to_owned()],
        protocol_scopes: Vec::new(),
        issued_at: bearer.issued_at,
        expires_at: bearer.expires_at,
    };
    let refresh = token["refresh_token"].as_str().unwrap();
    let refresh = Secret::parse(SecretKind::RefreshToken, refresh).unwrap().digest();
    let claim = server.store(SystemTask::TokenEndpoint).claim_refresh(&refresh, &bearer.client).await.unwrap();
    claim.unwrap().keep(&record, bearer.expires_at).await.unwrap();
    assert_eq!(server.api("GET", ME, elsewhere.expose()).await.status, 401);
    assert_eq!(server.api("GET", ME, text).await.status, 200);
}

#[tokio::test]
async fn d23_d24_an_api_of_somebody_else_is_asked_for_by_name_and_its_server_may_introspect() {
    const MCP: &str = "https://mcp.example/";
    let own = "secret: service-secret\n        metadata: { resources: [\"https://mcp.example/\"] }";
    let server = Server::start(&WORLD.replacen("secret: service-secret", own, 1)).await;
    let code = Browser::new(&server).code(WEB, WEB_URI, &[("scope", "users"), ("resource", MCP)], ADA).await;
    let token = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let access = token["access_token"].as_str().unwrap();
    assert_eq!(server.api("GET", "/api/v2/users", access).await.status, 401, "it is not for us");
    let told = async |credentials: &str| {
        server.call_as_client("/oauth/introspect", credentials, &[("token", access)]).await.ok()
    };
    let by_its_server = told(SERVICE_SECRET).await;
    assert_eq!((&by_its_server["active"], &by_its_server["client_id"]), (&json!(true), &json!(WEB)));
    assert_eq!((&by_its_server["aud"], &by_its_server["scope"]), (&json!([MCP]), &json!("users")));
    assert_eq!(told(CODE_ONLY_SECRET).await, json!({ "active": false }), "another app is told nothing");
    let other = Browser::new(&server).code(WEB, WEB_URI, &[("scope", "users")], ADA).await;
    let other = server.token(WEB_SECRET, &redemption(&other, WEB_URI)).await.ok();
    let form = [("token", other["access_token"].as_str().unwrap())];
    let told = server.call_as_client("/oauth/introspect", SERVICE_SECRET, &form).await.ok();
    assert_eq!(told, json!({ "active": false }), "a token that names no API is its own app's business");
}
