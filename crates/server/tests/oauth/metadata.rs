//! What clients can find out by themselves (RFC 8414, RFC 9728), compared with what works.

use crate::support::{Browser, Server};
use crate::world::{WEB, WEB_URI, WORLD};

#[tokio::test]
async fn a24_c06_e02_e03_the_metadata_states_what_works_and_nothing_else() {
    let server = Server::start(WORLD).await;
    let issuer = server.app.origin.as_str();
    let body = server.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(body["issuer"], issuer);
    assert_eq!(body["authorization_response_iss_parameter_supported"], true);
    assert_eq!(body["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(body["response_types_supported"], serde_json::json!(["code"]));
    let grants = serde_json::json!([
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    ]);
    assert_eq!(body["grant_types_supported"], grants);
    assert!(body["scopes_supported"].as_array().unwrap().contains(&"users".into()));
    assert_eq!(body.get("registration_endpoint"), None, "e04");
    let path = |name: &str| body[name].as_str().unwrap().strip_prefix(issuer).unwrap().to_owned();
    for endpoint in ["token_endpoint", "device_authorization_endpoint", "introspection_endpoint", "revocation_endpoint"]
    {
        assert_eq!(server.send("POST", &path(endpoint), &[], "").await.status, 415, "{endpoint}");
    }
    assert_eq!(server.get(&path("jwks_uri")).await.status, 200);
    let authorize = format!("{}?client_id={WEB}&redirect_uri={WEB_URI}", path("authorization_endpoint"));
    assert_eq!(Browser::new(&server).get(&authorize).await.error(), "invalid_request");
}

#[tokio::test]
async fn d16_the_resource_metadata_names_resource_and_authorization_server() {
    let server = Server::start(WORLD).await;
    let issuer = server.app.origin.as_str();
    let body = server.get("/.well-known/oauth-protected-resource").await.ok();
    assert_eq!((&body["resource"], &body["authorization_servers"]), (&issuer.into(), &serde_json::json!([issuer])));
    assert_eq!(body["bearer_methods_supported"], serde_json::json!(["header"]));
}

#[tokio::test]
async fn e06_the_issuer_never_comes_from_the_request() {
    let server = Server::start(WORLD).await;
    for header in ["host", "x-forwarded-host", "forwarded"] {
        let headers = [(header, "evil.example")];
        let answer = server.send("GET", "/.well-known/oauth-authorization-server", &headers, "").await;
        assert!(!answer.text.contains("evil.example"), "{header}");
    }
    let mut browser = Browser::new(&server);
    browser.headers = vec![("host", "evil.example".to_owned())];
    let page = browser.authorize(WEB, WEB_URI, &[("scope", "userz")]).await;
    assert!(!page.location().contains("evil.example"));
}

/// RFC 8414 §3.1 inserts the well-known part before an issuer's path, and MCP looks in three places then. An issuer here is an
/// origin: it has no path, both documents stand where it is looked for without one, and they are the same.
#[tokio::test]
async fn e01_an_issuer_has_no_path_and_is_found_at_both_locations() {
    let server = Server::start(WORLD).await;
    let issuer = server.app.origin.as_str();
    assert_eq!(issuer.matches('/').count(), 2, "{issuer} has no path");
    let oauth = server.get("/.well-known/oauth-authorization-server").await.ok();
    let openid = server.get("/.well-known/openid-configuration").await.ok();
    assert_eq!((&oauth["issuer"], &oauth), (&issuer.into(), &openid));
    for with_path in
        ["https://as.example/acme", "https://as.example/a/b", "https://as.example/?x", "https://as.example/#x"]
    {
        let listen = "127.0.0.1:8080".parse().unwrap();
        let refused = countersign_server::config::PublicOrigin::new(Some(with_path), listen);
        assert!(refused.is_err(), "{with_path} is refused at start");
    }
    for elsewhere in ["/.well-known/oauth-authorization-server/acme", "/acme/.well-known/openid-configuration"] {
        assert_eq!(server.get(elsewhere).await.status, 404, "{elsewhere}: nobody's issuer");
    }
}
