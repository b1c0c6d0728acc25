//! Apps that nobody registered, known by the document at their `client_id` (draft-ietf-oauth-client-id-metadata-document).

use countersign_domain::id::ClientId;
use countersign_server::config::{ClientDocuments, Config};
use countersign_store::SystemTask;
use serde_json::{Value, json};

use crate::support::browser::redemption;
use crate::support::document_host::DocumentHost;
use crate::support::keys::Key;
use crate::support::{Answer, Browser, Page, Server, encode, query_of};
use crate::world::{ADA, GRACE, WEB, WEB_SECRET, WEB_URI, WORLD};

const CALLBACK: &str = "http://127.0.0.1/callback";

struct Stage {
    server: Server,
    host: DocumentHost,
    id: String,
}

impl Stage {
    /// A server that takes documents, and an app that is known by one.
    async fn new() -> Self {
        let host = DocumentHost::start().await;
        let server = Server::start_with(WORLD, host.config()).await;
        let id = format!("{}/client.json", host.origin);
        let stage = Self { server, host, id };
        stage.publish("", &json!({}));
        stage
    }

    fn document(&self) -> Value {
        json!({
            "client_id": self.id, "client_name": "Agent", "redirect_uris": [CALLBACK], "scope": "users",
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        })
    }

    /// Publishes the document with other members.
    fn publish(&self, headers: &str, members: &Value) {
        let mut document = self.document();
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        self.host.serve("/client.json", headers, &document);
    }

    async fn opened(&self) -> Page {
        Browser::new(&self.server).authorize(&self.id, CALLBACK, &[("scope", "users")]).await
    }

    /// Grace, who may, approves the app; ada signs in to it.
    async fn tokens(&self) -> Value {
        let mut grace = Browser::new(&self.server);
        let page = grace.authorize(&self.id, CALLBACK, &[("scope", "users")]).await;
        let page = grace.sign_in(&page, GRACE.0, GRACE.1).await;
        let approved = grace.submit(&page, "/oauth/approval", &[("decision", "approve"), ("scope", "users")]).await;
        assert_eq!(approved.status, 303, "{}", approved.html);
        self.redeem(&self.code().await).await.ok()
    }

    /// A code for ada.
    async fn code(&self) -> String {
        Browser::new(&self.server).code(&self.id, CALLBACK, &[("scope", "users")], ADA).await
    }

    async fn redeem(&self, code: &str) -> Answer {
        self.token([redemption(code, CALLBACK), vec![("client_id", &self.id)]].concat()).await
    }

    async fn refresh(&self, tokens: &Value) -> Answer {
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", &self.id)];
        self.token(form.to_vec()).await
    }

    async fn token(&self, form: Vec<(&str, &str)>) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.server.send("POST", "/oauth/token", &headers, encode(&form)).await
    }

    async fn status(&self, tokens: &Value) -> u16 {
        self.server.api("GET", "/api/v2/users", tokens["access_token"].as_str().unwrap()).await.status
    }
}

#[tokio::test]
async fn an_app_that_nobody_registered_is_approved_as_any_other_and_named_by_its_address() {
    let stage = Stage::new().await;
    let tokens = stage.tokens().await;
    assert_eq!((stage.status(&tokens).await, &tokens["scope"]), (200, &json!("users")));
    assert_eq!(tokens["expires_in"], 3_600);
    let next = stage.refresh(&tokens).await.ok();
    assert_eq!(stage.status(&next).await, 200);
    let acme = stage.server.org("acme");
    let client = ClientId::parse(&stage.id).unwrap();
    let (grant, _) = acme.authorization(&client).await.unwrap().unwrap();
    assert_eq!(grant.client.as_str(), stage.id);
    acme.revoke(&client).await.unwrap();
    assert_eq!(stage.status(&next).await, 403, "an organization takes it away as from any app");
}

#[tokio::test]
async fn e21_the_pages_show_the_host_of_the_document_and_warn_of_an_app_on_ones_own_computer() {
    let stage = Stage::new().await;
    let page = stage.opened().await;
    let host = stage.host.origin.strip_prefix("https://").unwrap();
    let published = format!("It is published at <code class=\"host\"><bdi>{host}</bdi></code>");
    assert!(page.html.contains("Agent") && page.html.contains(&published), "{}", page.html);
    assert!(page.html.contains("This app answers on your own computer"));
    let page = Browser::new(&stage.server).sign_in(&page, ADA.0, ADA.1).await;
    assert_eq!(page.status, 403, "another browser's page");
    let mut grace = Browser::new(&stage.server);
    let page = grace.authorize(&stage.id, CALLBACK, &[("scope", "users")]).await;
    let page = grace.sign_in(&page, GRACE.0, GRACE.1).await;
    assert!(page.html.contains("nobody registered it here") && page.html.contains(host), "{}", page.html);
}

#[tokio::test]
async fn documents_are_taken_only_where_they_are_switched_on_and_visitors_leave_no_rows() {
    let stage = Stage::new().await;
    let metadata = stage.server.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    assert_eq!(stage.opened().await.status, 200);
    let client = ClientId::parse(&stage.id).unwrap();
    let kept = stage.server.store(SystemTask::Authorize).client(&client).await.unwrap();
    assert_eq!(kept, None, "nobody signed in");
    let config = Config { client_documents: ClientDocuments::default(), ..stage.host.config() };
    let off = Server::start_with(WORLD, config).await;
    let asked = stage.host.asked("/client.json");
    let page = Browser::new(&off).authorize(&stage.id, CALLBACK, &[]).await;
    assert_eq!((page.status, stage.host.asked("/client.json")), (400, asked), "nothing is fetched");
    let metadata = off.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(metadata["client_id_metadata_document_supported"], false);
}

#[tokio::test]
async fn e14_an_address_that_is_not_plain_is_refused_and_never_fetched() {
    let stage = Stage::new().await;
    let origin = &stage.host.origin;
    for id in [
        format!("{}/client.json", origin.replace("https", "http")),
        origin.clone(),
        format!("{origin}/"),
        format!("{origin}/a/../client.json"),
        format!("{origin}/./client.json"),
        format!("{origin}/client.json#x"),
        format!("{}/client.json", origin.replace("//", "//user@")),
        format!("{origin}/client.json?x"),
    ] {
        let page = Browser::new(&stage.server).authorize(&id, CALLBACK, &[]).await;
        assert_eq!((page.status, page.html.contains("invalid_client")), (400, true), "{id}");
        let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", id.as_str())];
        assert_eq!(stage.token(form.to_vec()).await.refusal(), (401, "invalid_client"), "{id}");
    }
    assert_eq!(stage.host.asked("/client.json"), 0);
}

#[tokio::test]
async fn e15_whatever_is_not_200_with_short_json_is_refused_and_not_kept() {
    let stage = Stage::new().await;
    let body = stage.document().to_string();
    let response = |status: &str, kind: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nCache-Control: max-age=600\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let long = json!({ "client_id": stage.id, "redirect_uris": [CALLBACK], "filler": "x".repeat(5_200) }).to_string();
    for bad in [
        format!("HTTP/1.1 302 Found\r\nLocation: {}/other.json\r\nContent-Length: 0\r\n\r\n", stage.host.origin),
        response("404 Not Found", "application/json", &body),
        response("201 Created", "application/json", &body),
        response("200 OK", "text/html", &body),
        response("200 OK", "application/json", &long),
        response("200 OK", "application/json", &body[..40]),
        response("200 OK", "application/json", "[]"),
        "nonsense\r\n\r\n".to_owned(),
    ] {
        stage.host.answer("/client.json", &bad);
        let page = stage.opened().await;
        assert_eq!((page.status, page.html.contains("invalid_client")), (400, true), "{bad}");
        assert!(!page.html.contains("Not Found") && !page.html.contains(">404"), "what was found there is not told");
    }
    assert_eq!(stage.host.asked("/other.json"), 0, "no redirect is followed");
    stage.publish("", &json!({}));
    assert_eq!(stage.opened().await.status, 200, "a failure is not kept");
}

#[tokio::test]
async fn e16_another_id_and_anything_with_a_secret_are_refused() {
    let stage = Stage::new().await;
    for members in [
        json!({ "client_id": format!("{}/other.json", stage.host.origin) }),
        json!({ "client_secret": "x" }),
        json!({ "token_endpoint_auth_method": "client_secret_basic" }),
    ] {
        stage.publish("", &members);
        assert_eq!(stage.opened().await.status, 400, "{members}");
    }
}

#[tokio::test]
async fn e17_a_host_that_is_this_machine_or_its_network_is_refused_unless_it_is_named() {
    let host = DocumentHost::start().await;
    let mut config = host.config();
    config.outgoing.loopback_hosts.clear();
    let server = Server::start_with(WORLD, config).await;
    let id = format!("{}/client.json", host.origin);
    let page = Browser::new(&server).authorize(&id, CALLBACK, &[]).await;
    assert_eq!((page.status, host.asked("/client.json")), (400, 0));
}

#[tokio::test]
async fn e18_a_document_is_fetched_again_when_its_headers_say_so() {
    let stage = Stage::new().await;
    stage.publish("Cache-Control: max-age=600\r\n", &json!({}));
    for (wait, fetched) in [(0, 1), (599, 1), (1, 2)] {
        stage.server.advance(wait);
        assert_eq!(stage.opened().await.status, 200);
        assert_eq!(stage.host.asked("/client.json"), fetched, "after {wait} more seconds");
    }
}

#[tokio::test]
async fn e19_what_a_new_version_no_longer_names_ends_at_once() {
    let stage = Stage::new().await;
    let tokens = stage.tokens().await;
    let code = stage.code().await;
    stage.publish("", &json!({ "redirect_uris": ["https://agent.example/callback"] }));
    stage.server.advance(59);
    assert_eq!(stage.status(&tokens).await, 200);
    stage.server.advance(300);
    assert_eq!(stage.opened().await.status, 400, "the address is no longer registered");
    assert_eq!(stage.refresh(&tokens).await.refusal(), (400, "invalid_grant"));
    assert_eq!(stage.status(&tokens).await, 401);
    assert_eq!(stage.redeem(&code).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn e19_an_app_whose_document_is_gone_gets_no_more_tokens() {
    let stage = Stage::new().await;
    let tokens = stage.tokens().await;
    stage.host.answer("/client.json", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
    stage.server.advance(301);
    assert_eq!(stage.refresh(&tokens).await.refusal(), (401, "invalid_client"));
    stage.publish("", &json!({}));
    assert!(stage.refresh(&tokens).await.ok()["access_token"].is_string(), "it is back");
}

#[tokio::test]
async fn c24_keys_are_fetched_from_jwks_uri_and_one_that_is_gone_no_longer_counts() {
    let stage = Stage::new().await;
    let (key, other) = (Key::generate(), Key::generate());
    let jwks_uri = format!("{}/keys", stage.host.origin);
    stage.host.serve("/keys", "Cache-Control: max-age=86400\r\n", &key.jwks());
    stage.publish("", &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": jwks_uri }));
    let assertion = |key: &Key, jti: &str| {
        let now = stage.server.app.clock.now().as_seconds();
        let issuer = stage.server.app.origin.as_str();
        let claims =
            json!({ "iss": stage.id, "sub": stage.id, "aud": issuer, "jti": jti, "iat": now, "exp": now + 60 });
        key.sign(&json!({ "alg": "ES256", "typ": "JWT" }), &claims)
    };
    let push = async |assertion: String| {
        let form = [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("code_challenge", crate::support::CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        stage.server.send("POST", "/oauth/par", &headers, encode(&form)).await.status
    };
    assert_eq!(push(assertion(&key, "a")).await, 201);
    assert_eq!(push(assertion(&other, "b")).await, 401);
    stage.host.serve("/keys", "", &other.jwks());
    stage.server.advance(300);
    assert_eq!(
        push(assertion(&key, "c")).await,
        401,
        "no key counts for more than five minutes after it was taken away"
    );
    assert_eq!(push(assertion(&other, "d")).await, 201);
}

#[tokio::test]
async fn an_administrator_reaches_the_app_by_its_address_in_the_api_too() {
    let stage = Stage::new().await;
    stage.tokens().await;
    let client = ClientId::parse(&stage.id).unwrap();
    let code = Browser::new(&stage.server).code(WEB, WEB_URI, &[("scope", "users")], GRACE).await;
    let token = stage.server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let target = format!("/api/v2/oauth/authorizations/{}", client.segment());
    let answer = stage.server.api("GET", &target, token["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 403, "the operation is found, and this app lacks its scope: {}", answer.text);
}

#[tokio::test]
async fn e28_a_client_as_mcp_describes_it_finds_everything_and_gets_what_its_document_asks_for() {
    let stage = Stage::new().await;
    stage.publish("", &json!({ "grant_types": ["authorization_code"] }));
    let metadata = stage.server.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    let tokens = stage.tokens().await;
    assert_eq!(tokens.get("refresh_token"), None, "its document does not ask for one");

    let resource = stage.server.app.origin.as_str();
    let wanted = [("scope", "users"), ("resource", resource)];
    let mut ada = Browser::new(&stage.server);
    let page = ada.authorize(&stage.id, CALLBACK, &wanted).await;
    let page = ada.sign_in(&page, ADA.0, ADA.1).await;
    let page = match page.has_form("/oauth/consent") {
        true => ada.submit(&page, "/oauth/consent", &[("decision", "accept")]).await,
        false => page,
    };
    assert_eq!(query_of(page.location(), "iss").as_deref(), Some(resource));
    let code = page.code();
    let form = [redemption(&code, CALLBACK), vec![("client_id", &stage.id), ("resource", resource)]].concat();
    let bound = stage.token(form).await.ok();
    assert_eq!(stage.status(&bound).await, 200);
    let other = [("scope", "users"), ("resource", "https://elsewhere.example/mcp")];
    assert_eq!(ada.authorize(&stage.id, CALLBACK, &other).await.error(), "invalid_target");
    let without_pkce = [("scope", "users"), ("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(ada.authorize(&stage.id, CALLBACK, &without_pkce).await.error(), "invalid_request");
}

#[tokio::test]
async fn a36_nobody_is_sent_on_to_a_strangers_app_before_they_sign_in() {
    let stage = Stage::new().await;
    let mistakes = [("scope", "nonsense"), ("response_type", "token"), ("resource", "https://elsewhere.example/mcp")];
    let mut browser = Browser::new(&stage.server);
    for mistake in mistakes {
        let page = browser.authorize(&stage.id, CALLBACK, &[mistake]).await;
        assert_eq!((page.status, page.location()), (400, ""), "{mistake:?}");
        assert!(!page.html.contains(CALLBACK), "{mistake:?}");
    }
    let page = stage.opened().await;
    assert_eq!(page.status, 200, "a right request leads to the sign-in");
    browser.cookies.clear();
    let page = browser.authorize(&stage.id, CALLBACK, &[("scope", "users")]).await;
    browser.sign_in(&page, ADA.0, ADA.1).await;
    let page = browser.authorize(&stage.id, CALLBACK, &mistakes[..1]).await;
    assert_eq!(page.error(), "invalid_scope", "the app hears of its mistake once somebody is signed in");
    let vouched = Browser::new(&stage.server).authorize(WEB, WEB_URI, &mistakes[..1]).await;
    assert_eq!(vouched.error(), "invalid_scope", "an app that an organization registered hears of it at once");
}
