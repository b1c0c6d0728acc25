//! Certificates of clients (RFC 8705), as a proxy hands them on (RFC 9440).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_server::config::Config;
use serde_json::json;

use crate::support::keys::{Key, certificate, client_cert};
use crate::support::{Answer, Server, encode};
use crate::world::WORLD;

const FORM: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("client_id", "service")];

fn world(metadata: &str) -> String {
    WORLD.replace("secret: service-secret", &format!("metadata: {{ {metadata} }}"))
}

const BY_NAME: &str = "token_endpoint_auth_method: tls_client_auth, tls_client_auth_subject_dn: CN=service";

/// A server behind a proxy on this machine.
async fn behind_proxy(world: &str) -> Server {
    let mut config = Config::default();
    config.server.client_certificate_proxies = vec!["127.0.0.1".parse().unwrap()];
    Server::start_with(world, config).await
}

async fn token(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let form = ("content-type", "application/x-www-form-urlencoded");
    server.send("POST", "/oauth/token", &[headers, &[form]].concat(), encode(&FORM)).await
}

#[tokio::test]
async fn c56_a_certificate_with_the_registered_name_proves_its_client() {
    let server = behind_proxy(&world(BY_NAME)).await;
    let (right, wrong) = (client_cert(&certificate("service")), client_cert(&certificate("other")));
    token(&server, &[("client-cert", &right)]).await.ok();
    assert_eq!(token(&server, &[("client-cert", &wrong)]).await.refusal(), (401, "invalid_client"));
    assert_eq!(token(&server, &[]).await.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn c56_only_a_registered_self_signed_certificate_proves_its_client() {
    let (right, wrong) = (certificate("service"), certificate("service"));
    let mut key = Key::generate().public();
    key["x5c"] = json!([STANDARD.encode(right.der())]);
    let jwks = json!({ "keys": [key] });
    let metadata = format!("token_endpoint_auth_method: self_signed_tls_client_auth, jwks: {jwks}");
    let server = behind_proxy(&world(&metadata)).await;
    token(&server, &[("client-cert", &client_cert(&right))]).await.ok();
    let refused = token(&server, &[("client-cert", &client_cert(&wrong))]).await;
    assert_eq!(refused.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn c56_nobody_but_a_configured_proxy_is_believed() {
    let header = client_cert(&certificate("service"));
    let server = Server::start(&world(BY_NAME)).await;
    assert_eq!(token(&server, &[("client-cert", &header)]).await.refusal(), (401, "invalid_client"));
    let mut config = Config::default();
    config.server.client_certificate_proxies = vec!["192.0.2.1".parse().unwrap()];
    let elsewhere = Server::start_with(&world(BY_NAME), config).await;
    assert_eq!(token(&elsewhere, &[("client-cert", &header)]).await.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn a_header_that_is_not_one_certificate_proves_nothing() {
    let server = behind_proxy(&world(BY_NAME)).await;
    let header = client_cert(&certificate("service"));
    for headers in [
        &[("client-cert", &*header), ("client-cert", &*header)] as &[_],
        &[("client-cert", &header[1..])],
        &[("client-cert", ":AAAA:")],
        &[("client-cert", "::")],
    ] {
        assert_eq!(token(&server, headers).await.refusal(), (401, "invalid_client"), "{headers:?}");
    }
}

#[tokio::test]
async fn e04_the_methods_of_certificates_are_listed_where_somebody_hands_them_on() {
    let listed = async |server: Server| {
        let body = server.get("/.well-known/oauth-authorization-server").await.ok();
        body["token_endpoint_auth_methods_supported"].to_string().contains("tls_client_auth")
    };
    assert!(listed(behind_proxy(WORLD).await).await && !listed(Server::start(WORLD).await).await);
}

#[tokio::test]
async fn c55_a_bound_token_is_used_with_its_certificate_only() {
    let bound = format!("{BY_NAME}, tls_client_certificate_bound_access_tokens: true");
    let server = behind_proxy(&world(&bound)).await;
    let (mine, other) = (client_cert(&certificate("service")), client_cert(&certificate("service")));
    let token = token(&server, &[("client-cert", &mine)]).await.ok();
    assert_eq!(token["token_type"], "bearer");
    let authorization = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let call = async |headers: &[(&str, &str)]| {
        let headers = [headers, &[("authorization", &*authorization)]].concat();
        server.send("GET", "/api/v2/users", &headers, "").await.status
    };
    assert_eq!(call(&[("client-cert", &mine)]).await, 200);
    assert_eq!(call(&[("client-cert", &other)]).await, 401);
    assert_eq!(call(&[]).await, 401);
}

#[tokio::test]
async fn c55_a_client_with_bound_tokens_gets_none_without_a_certificate() {
    let metadata = "secret: service-secret\n        metadata: { tls_client_certificate_bound_access_tokens: true }";
    let server = behind_proxy(&WORLD.replace("secret: service-secret", metadata)).await;
    let form = [("grant_type", "client_credentials")];
    assert_eq!(server.token("service:service-secret", &form).await.refusal(), (400, "invalid_request"));
}
