//! Token exchange (RFC 8693): a service that was handed a token calls on with one of its own, and every app on the way must be allowed.

use countersign_domain::id::ClientId;
use serde_json::{Value, json};

use crate::support::browser::redemption;
use crate::support::{Answer, Browser, Server};
use crate::world::{ADA, CODE_ONLY_SECRET, SERVICE_SECRET, WEB, WEB_SECRET, WEB_URI, WORLD};

const EXCHANGE: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The world whose service and code-only app may exchange tokens.
async fn server() -> Server {
    let world = WORLD
        .replacen("grant_types: [client_credentials]", "grant_types: [client_credentials, token_exchange]", 1)
        .replacen("grant_types: [authorization_code]\n", "grant_types: [authorization_code, token_exchange]\n", 1);
    Server::start(&world).await
}

/// The answer to ada's sign-in at the web app.
async fn signed_in(server: &Server) -> Value {
    let code = Browser::new(server).code(WEB, WEB_URI, &[("scope", "openid users user-basic-info")], ADA).await;
    server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok()
}

async fn exchange(server: &Server, credentials: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![EXCHANGE, ("subject_token", token), ("subject_token_type", ACCESS)];
    form.extend(more);
    server.token(credentials, &form).await
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap()
}

async fn status(server: &Server, token: &str) -> u16 {
    server.api("GET", "/api/v2/users", token).await.status
}

#[tokio::test]
async fn c51_a_service_acts_for_the_same_person_with_no_more_than_it_was_handed() {
    let server = server().await;
    let handed = signed_in(&server).await;
    server.advance(60);
    let answer = exchange(&server, SERVICE_SECRET, text(&handed, "access_token"), &[]).await.ok();
    assert_eq!((text(&answer, "issued_token_type"), text(&answer, "token_type")), (ACCESS, "bearer"));
    assert_eq!((text(&answer, "scope"), &answer["expires_in"]), ("users", &json!(3_600)), "what the service has of it");
    assert_eq!((answer.get("refresh_token"), answer.get("id_token")), (None, None));
    assert_eq!(status(&server, text(&answer, "access_token")).await, 200);
    assert_eq!(server.api("GET", "/oauth/userinfo", text(&answer, "access_token")).await.status, 403);
    let more = exchange(&server, SERVICE_SECRET, text(&handed, "access_token"), &[("scope", "oauth")]).await;
    assert_eq!(more.refusal(), (400, "invalid_scope"));
}

#[tokio::test]
async fn c52_introspection_names_everybody_on_the_way_and_a_fifth_app_is_refused() {
    let server = server().await;
    let mut token = text(&signed_in(&server).await, "access_token").to_owned();
    for credentials in [SERVICE_SECRET, CODE_ONLY_SECRET, SERVICE_SECRET] {
        token = text(&exchange(&server, credentials, &token, &[]).await.ok(), "access_token").to_owned();
    }
    let told = server.call_as_client("/oauth/introspect", SERVICE_SECRET, &[("token", &token)]).await.ok();
    let chain =
        json!({ "sub": "service", "act": { "sub": "code-only", "act": { "sub": "service", "act": { "sub": WEB } } } });
    assert_eq!((&told["act"], &told["active"]), (&chain, &json!(true)));
    assert_eq!(status(&server, &token).await, 200);
    assert_eq!(exchange(&server, CODE_ONLY_SECRET, &token, &[]).await.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn every_app_on_the_way_must_be_allowed_at_each_call() {
    let server = server().await;
    let handed = signed_in(&server).await;
    let answer = exchange(&server, SERVICE_SECRET, text(&handed, "access_token"), &[]).await.ok();
    let token = text(&answer, "access_token");
    assert_eq!(status(&server, token).await, 200);
    server.org("acme").revoke(&ClientId::parse(WEB).unwrap()).await.unwrap();
    assert_eq!(status(&server, token).await, 403, "the service is still authorized, the web app is not");
}

#[tokio::test]
async fn d23_an_exchanged_token_is_inactive_as_soon_as_any_app_on_the_way_is_refused() {
    let server = server().await;
    let handed = signed_in(&server).await;
    let first = exchange(&server, SERVICE_SECRET, text(&handed, "access_token"), &[]).await.ok();
    let second = exchange(&server, CODE_ONLY_SECRET, text(&first, "access_token"), &[]).await.ok();
    let token = text(&second, "access_token");
    let told = async || server.call_as_client("/oauth/introspect", CODE_ONLY_SECRET, &[("token", token)]).await.ok();
    assert_eq!(told().await["scope"], "users");
    let (acme, service) = (server.org("acme"), ClientId::parse("service").unwrap());
    acme.revoke(&service).await.unwrap();
    assert_eq!(told().await, json!({ "active": false }), "the middle one of three");
    let again = exchange(&server, CODE_ONLY_SECRET, text(&first, "access_token"), &[]).await;
    assert_eq!(again.refusal(), (400, "invalid_request"), "nor does it go on");
}

#[tokio::test]
async fn d33_an_exchanged_token_ends_on_the_next_call_with_the_one_it_came_from() {
    let server = server().await;
    let handed = signed_in(&server).await;
    let first = exchange(&server, SERVICE_SECRET, text(&handed, "access_token"), &[]).await.ok();
    let second = exchange(&server, CODE_ONLY_SECRET, text(&first, "access_token"), &[]).await.ok();
    assert_eq!(status(&server, text(&second, "access_token")).await, 200);
    let told = async |token: &Value| {
        let form = [("token", text(token, "access_token"))];
        server.call_as_client("/oauth/introspect", CODE_ONLY_SECRET, &form).await.ok()
    };
    assert_eq!(told(&second).await["active"], true);
    let form = [("token", text(&handed, "refresh_token"))];
    assert_eq!(server.call_as_client("/oauth/revoke", WEB_SECRET, &form).await.status, 200);
    for token in [&first, &second] {
        assert_eq!(status(&server, text(token, "access_token")).await, 401);
        assert_eq!(told(token).await, json!({ "active": false }), "d22: a resource server learns it at once, too");
    }
    let again = exchange(&server, CODE_ONLY_SECRET, text(&first, "access_token"), &[]).await;
    assert_eq!(again.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn d33_an_exchanged_token_ends_with_the_one_in_the_middle_of_its_chain() {
    let server = server().await;
    let handed = signed_in(&server).await;
    let first = exchange(&server, SERVICE_SECRET, text(&handed, "access_token"), &[]).await.ok();
    let second = exchange(&server, CODE_ONLY_SECRET, text(&first, "access_token"), &[]).await.ok();
    let form = [("token", text(&first, "access_token"))];
    assert_eq!(server.call_as_client("/oauth/revoke", SERVICE_SECRET, &form).await.status, 200);
    let form = [("token", text(&second, "access_token"))];
    let told = server.call_as_client("/oauth/introspect", CODE_ONLY_SECRET, &form).await.ok();
    assert_eq!((told, status(&server, text(&second, "access_token")).await), (json!({ "active": false }), 401));
    assert_eq!(status(&server, text(&handed, "access_token")).await, 200, "what was handed on lives");
}

#[tokio::test]
async fn c51_an_audience_is_never_passed_over_and_never_wider() {
    let world = WORLD
        .replacen("grant_types: [client_credentials]", "grant_types: [client_credentials, token_exchange]", 1)
        .replacen(
            "secret: service-secret",
            "secret: service-secret\n        metadata: { resources: [\"https://mail.example\", \"https://files.example\"] }",
            1,
        );
    let server = Server::start(&world).await;
    let mail = ("resource", "https://mail.example");
    let code = Browser::new(&server).code(WEB, WEB_URI, &[mail], ADA).await;
    let for_mail = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let for_mail = text(&for_mail, "access_token");
    let audience_of = async |more: &[(&str, &str)]| {
        let made = exchange(&server, SERVICE_SECRET, for_mail, more).await.ok();
        let form = [("token", text(&made, "access_token"))];
        server.call_as_client("/oauth/introspect", SERVICE_SECRET, &form).await.ok()["aud"].clone()
    };
    // who was handed a token for itself gets one for itself and nobody else
    assert_eq!(audience_of(&[]).await, json!(["https://mail.example"]));
    assert_eq!(audience_of(&[("audience", "https://mail.example"), mail]).await, json!(["https://mail.example"]));
    for wider in [
        &[("audience", "https://files.example")] as &[_],
        &[("resource", "https://files.example")],
        &[mail, ("audience", "https://files.example")],
        &[("audience", "https://unknown.example")],
        &[("audience", "service")],
    ] {
        let refused = exchange(&server, SERVICE_SECRET, for_mail, wider).await;
        assert_eq!(refused.refusal(), (400, "invalid_target"), "{wider:?}");
    }
}

#[tokio::test]
async fn c50_what_is_no_live_access_token_is_refused_and_so_are_apps_that_may_not_exchange() {
    let server = server().await;
    let handed = signed_in(&server).await;
    let access = text(&handed, "access_token");
    for bad in ["cs_at_unknown", text(&handed, "refresh_token"), text(&handed, "id_token"), &access[..access.len() - 1]]
    {
        assert_eq!(exchange(&server, SERVICE_SECRET, bad, &[]).await.refusal(), (400, "invalid_request"), "{bad}");
    }
    let form = [EXCHANGE, ("subject_token", access), ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")];
    assert_eq!(server.token(SERVICE_SECRET, &form).await.refusal(), (400, "invalid_request"));
    let form = [EXCHANGE, ("subject_token", access)];
    assert_eq!(server.token(SERVICE_SECRET, &form).await.refusal(), (400, "invalid_request"));
    for more in [("actor_token", "x"), ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")] {
        let refused = exchange(&server, SERVICE_SECRET, access, &[more]).await;
        assert_eq!(refused.refusal(), (400, "invalid_request"), "{more:?}");
    }
    assert_eq!(exchange(&server, WEB_SECRET, access, &[]).await.refusal(), (400, "unauthorized_client"));
    assert_eq!(exchange(&server, "service:wrong", access, &[]).await.refusal(), (401, "invalid_client"));
    server.advance(86_401);
    assert_eq!(exchange(&server, SERVICE_SECRET, access, &[]).await.refusal(), (400, "invalid_request"));
}
