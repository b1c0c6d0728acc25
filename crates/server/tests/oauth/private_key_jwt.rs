//! Client assertions (RFC 7523, OpenID Connect Core §9) at the token endpoint.

use serde_json::{Value, json};

use crate::support::keys::{Key, with};
use crate::support::{Answer, Server};
use crate::world::{SERVICE_SECRET, WORLD};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The world whose `service` has a key in place of its secret, and is what `more` says beside it.
fn world(key: &Key, more: &str) -> String {
    let metadata = format!("metadata: {{ token_endpoint_auth_method: private_key_jwt, jwks: {}{more} }}", key.jwks());
    WORLD.replace("secret: service-secret", &metadata)
}

fn claims(server: &Server) -> Value {
    let now = server.app.clock.now().as_seconds();
    let issuer = server.app.origin.as_str();
    json!({ "iss": "service", "sub": "service", "aud": issuer, "jti": "1", "iat": now, "exp": now + 60 })
}

async fn present(server: &Server, assertion: &str) -> Answer {
    let form =
        [("grant_type", "client_credentials"), ("client_assertion", assertion), ("client_assertion_type", JWT_BEARER)];
    server.token("", &form).await
}

#[tokio::test]
async fn a_client_proves_itself_by_its_key() {
    let key = Key::generate();
    let server = Server::start(&world(&key, "")).await;
    let answer = present(&server, &key.sign(&json!({ "alg": "ES256" }), &claims(&server))).await;
    assert_eq!(answer.ok()["scope"], "users");
}

#[tokio::test]
async fn c22_neither_secret_nor_nothing_is_taken_from_a_client_with_a_key() {
    let key = Key::generate();
    let server = Server::start(&world(&key, "")).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "service")];
    assert_eq!(server.token("", &form).await.refusal(), (401, "invalid_client"));
    assert_eq!(server.token(SERVICE_SECRET, &form[..1]).await.refusal(), (401, "invalid_client"));
    let plain = Server::start(WORLD).await;
    let signed = key.sign(&json!({ "alg": "ES256" }), &claims(&plain));
    assert_eq!(present(&plain, &signed).await.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn c23_the_registered_method_counts_for_every_grant() {
    let key = Key::generate();
    let server = Server::start(&world(&key, "")).await;
    for (grant_type, parameter) in
        [("client_credentials", "x"), ("authorization_code", "code"), ("refresh_token", "refresh_token")]
    {
        for (name, value) in [("client_secret", "service-secret"), ("x", "x")] {
            let form = [("grant_type", grant_type), ("client_id", "service"), (parameter, "y"), (name, value)];
            let form = if parameter == name { &form[..3] } else { &form[..] };
            assert_eq!(server.token("", form).await.refusal(), (401, "invalid_client"), "{grant_type} {name}");
        }
    }
}

#[tokio::test]
async fn c24_an_assertion_that_is_wrong_in_any_way_is_one_refusal() {
    let key = Key::generate();
    let server = Server::start(&world(&key, "")).await;
    let (header, claims) = (json!({ "alg": "ES256" }), claims(&server));
    let now = server.app.clock.now().as_seconds();
    let bad_claims = [
        ("iss", json!("web-app")),
        ("sub", json!(null)),
        ("aud", json!("https://other.example")),
        ("exp", json!(now - 61)),
        ("exp", json!(now + 400)),
        ("nbf", json!(now + 100)),
        ("iat", json!(now - 400)),
        ("jti", json!(null)),
    ];
    let bad_headers = [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "ES256", "kid": "unknown" }),
        json!({ "alg": "ES256", "kid": "../../etc/passwd' OR 1=1 --" }),
        json!({ "alg": "ES256", "jku": "https://evil.example/jwks" }),
        json!({ "alg": "ES256", "x5u": "https://evil.example/cert" }),
        json!({ "alg": "ES256", "jwk": key.public() }),
    ];
    let bad_claims = bad_claims.into_iter().map(|(name, value)| key.sign(&header, &with(&claims, name, value)));
    let bad_headers = bad_headers.iter().map(|header| key.sign(header, &claims));
    let others = [Key::generate().sign(&header, &claims), "x.y.z".to_owned()];
    for assertion in bad_claims.chain(bad_headers).chain(others) {
        let answer = present(&server, &assertion).await;
        assert_eq!(answer.refusal(), (401, "invalid_client"), "{assertion}");
        assert_eq!(answer.body["error_description"], "authentication failed");
    }
    present(&server, &key.sign(&header, &claims)).await.ok();
}

#[tokio::test]
async fn c25_an_assertion_is_good_once() {
    let key = Key::generate();
    let server = Server::start(&world(&key, "")).await;
    let assertion = key.sign(&json!({ "alg": "ES256" }), &claims(&server));
    present(&server, &assertion).await.ok();
    assert_eq!(present(&server, &assertion).await.refusal(), (401, "invalid_client"));
    let next = key.sign(&json!({ "alg": "ES256" }), &with(&claims(&server), "jti", json!("2")));
    present(&server, &next).await.ok();
}

#[tokio::test]
async fn b10_a_client_of_fapi_names_the_issuer_alone() {
    let key = Key::generate();
    let server = Server::start(&world(&key, ", security_profile: fapi2, dpop_bound_access_tokens: true")).await;
    let issuer = server.app.origin.as_str();
    for (jti, aud) in [json!(format!("{issuer}/oauth/token")), json!(format!("{issuer}/oauth/par")), json!([issuer])]
        .into_iter()
        .enumerate()
    {
        let claims = with(&with(&claims(&server), "aud", aud.clone()), "jti", json!(jti.to_string()));
        let answer = present(&server, &key.sign(&json!({ "alg": "ES256" }), &claims)).await;
        assert_eq!(answer.refusal(), (401, "invalid_client"), "{aud}");
    }
}
