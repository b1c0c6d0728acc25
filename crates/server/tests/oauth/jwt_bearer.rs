//! The JWT bearer grant (RFC 7523 §2.1) as identity assertions (ID-JAG): an issuer that the organization trusts says who the
//! person is, and the organization still says what the app may do.

use countersign_domain::id::ClientId;
use countersign_domain::user::Email;
use serde_json::{Value, json};

use crate::support::keys::{Key, with};
use crate::support::{Answer, Server};
use crate::world::{FOREIGN_SECRET, SERVICE_SECRET, WEB, WEB_SECRET, WORLD};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const IDP: &str = "https://idp.example";

/// The world in which acme trusts an issuer with this key, and two apps may present what it says.
fn world(key: &Key) -> String {
    let trust = format!(
        "    assertion_issuers:\n      - issuer: {IDP}\n        jwks: {}\n        person_by: email\n      - issuer: \
         https://other.example\n        jwks: {}\n        person_by: external_id\n        people: {{ 00u1: ada@acme.test }}\n",
        key.jwks(),
        key.jwks(),
    );
    let (acme, globex) = WORLD.split_once("  - id: globex\n").unwrap();
    let acme = acme.replacen(
        "grant_types: [authorization_code, refresh_token]",
        "grant_types: [authorization_code, refresh_token, jwt_bearer]",
        1,
    );
    let globex = globex.replacen("grant_types: [authorization_code, refresh_token]", "grant_types: [jwt_bearer]", 1);
    format!("{acme}{trust}  - id: globex\n{globex}")
}

struct Idp {
    server: Server,
    key: Key,
    made: std::cell::Cell<u32>,
}

impl Idp {
    async fn start() -> Self {
        let key = Key::generate();
        Self { server: Server::start(&world(&key)).await, key, made: 0.into() }
    }

    fn claims(&self) -> Value {
        self.made.set(self.made.get() + 1);
        let now = self.server.app.clock.now().as_seconds();
        json!({ "iss": IDP, "sub": "00u1", "email": "ada@acme.test", "aud": self.server.app.origin.as_str(), "client_id": WEB,
                "jti": self.made.get().to_string(), "iat": now, "exp": now + 300 })
    }

    fn assertion(&self, claims: &Value) -> String {
        self.key.sign(&json!({ "alg": "ES256", "typ": "oauth-id-jag+jwt" }), claims)
    }

    async fn present(&self, credentials: &str, assertion: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![("grant_type", GRANT), ("assertion", assertion)];
        form.extend(more);
        self.server.token(credentials, &form).await
    }

    async fn present_claims(&self, claims: &Value) -> Answer {
        self.present(WEB_SECRET, &self.assertion(claims), &[]).await
    }
}

#[tokio::test]
async fn c63_an_app_acts_for_the_person_whom_a_trusted_issuer_names() {
    let idp = Idp::start().await;
    let answer = idp.present_claims(&idp.claims()).await.ok();
    assert_eq!((&answer["expires_in"], answer.get("refresh_token")), (&json!(3_600), None));
    assert_eq!((answer.get("id_token"), &answer["scope"]), (None, &json!("users users:readonly user-basic-info")));
    let me = idp.server.api("GET", "/api/v2/users/me", answer["access_token"].as_str().unwrap()).await.ok();
    assert_eq!(me["name"], "Ada Lovelace");
    let by_name = with(&with(&idp.claims(), "iss", json!("https://other.example")), "email", Value::Null);
    assert_eq!(idp.present_claims(&by_name).await.status, 200, "by the issuer's own name for her");
    let unknown = with(&by_name, "sub", json!("00u2"));
    assert_eq!(idp.present_claims(&with(&unknown, "jti", json!("x"))).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn c63_type_audience_issuer_expiry_client_and_signature_must_be_right() {
    let idp = Idp::start().await;
    let now = idp.server.app.clock.now().as_seconds();
    for (name, value) in [
        ("aud", json!("https://as.elsewhere")),
        ("aud", json!([idp.server.app.origin.as_str(), "https://as.elsewhere"])),
        ("aud", json!(format!("{}/oauth/token", idp.server.app.origin))),
        ("iss", json!("https://nobody.example")),
        ("iss", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", json!(now + 3_600)),
        ("exp", Value::Null),
        ("client_id", json!("service")),
        ("client_id", Value::Null),
        ("jti", Value::Null),
        ("sub", Value::Null),
        ("email", json!("nobody@acme.test")),
        ("email", json!("gone@acme.test")),
        ("email", json!("hedy@globex.test")),
    ] {
        let refused = idp.present_claims(&with(&idp.claims(), name, value.clone())).await;
        assert_eq!(refused.refusal(), (400, "invalid_grant"), "{name} = {value}");
    }
    for header in [
        json!({ "alg": "ES256", "typ": "JWT" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "none", "typ": "oauth-id-jag+jwt" }),
    ] {
        let assertion = idp.key.sign(&header, &idp.claims());
        assert_eq!(idp.present(WEB_SECRET, &assertion, &[]).await.refusal(), (400, "invalid_grant"), "{header}");
    }
    let forged = Key::generate().sign(&json!({ "alg": "ES256", "typ": "oauth-id-jag+jwt" }), &idp.claims());
    for assertion in [forged.as_str(), "cs_ac_code", "a.b.c"] {
        assert_eq!(idp.present(WEB_SECRET, assertion, &[]).await.refusal(), (400, "invalid_grant"));
    }
    let assertion = idp.assertion(&idp.claims());
    assert_eq!(idp.present(WEB_SECRET, "", &[]).await.refusal(), (400, "invalid_request"));
    assert_eq!(idp.present(SERVICE_SECRET, &assertion, &[]).await.refusal(), (400, "unauthorized_client"));
    assert_eq!(idp.present("web-app:wrong", &assertion, &[]).await.refusal(), (401, "invalid_client"));
    assert_eq!(
        idp.present(WEB_SECRET, &assertion, &[]).await.status,
        200,
        "the assertion itself was good all the time"
    );
}

#[tokio::test]
async fn c63_an_assertion_counts_once() {
    let idp = Idp::start().await;
    let assertion = idp.assertion(&idp.claims());
    assert_eq!(idp.present(WEB_SECRET, &assertion, &[("scope", "userz")]).await.refusal(), (400, "invalid_scope"));
    let presented = (0..10).map(|_| idp.present(WEB_SECRET, &assertion, &[]));
    let answers = crate::support::at_once(presented.collect::<Vec<_>>().into_iter()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(idp.present(WEB_SECRET, &assertion, &[]).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn c30_the_organization_still_says_what_the_app_may_do() {
    let idp = Idp::start().await;
    let claims = || with(&idp.claims(), "scope", json!("users oauth openid"));
    let bounded = idp.present(WEB_SECRET, &idp.assertion(&claims()), &[]).await;
    assert_eq!(bounded.refusal(), (400, "invalid_scope"), "the issuer allows a scope that acme has not authorized");
    let less = [("scope", "users")];
    assert_eq!(idp.present(WEB_SECRET, &idp.assertion(&claims()), &less).await.ok()["scope"], "users");
    let readonly = with(&idp.claims(), "scope", json!("users:readonly"));
    assert_eq!(idp.present(WEB_SECRET, &idp.assertion(&readonly), &less).await.refusal(), (400, "invalid_scope"));
    idp.server.org("acme").revoke(&ClientId::parse(WEB).unwrap()).await.unwrap();
    assert_eq!(idp.present_claims(&idp.claims()).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test]
async fn an_organization_that_did_not_register_the_issuer_believes_nothing() {
    let idp = Idp::start().await;
    let foreign = with(&idp.claims(), "client_id", json!("foreign-app"));
    let refused = idp.present(FOREIGN_SECRET, &idp.assertion(&foreign), &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant"), "globex, which registered the app, trusts nobody");
    for organization in ["globex", "nobody", "No Slug"] {
        let refused = idp.present(WEB_SECRET, &idp.assertion(&idp.claims()), &[("org", organization)]).await;
        assert_eq!(refused.refusal(), (400, "invalid_grant"), "{organization}");
    }
    let refused = idp.present(FOREIGN_SECRET, &idp.assertion(&foreign), &[("org", "acme")]).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant"), "acme trusts the issuer and has not authorized the app");
}

#[tokio::test]
async fn a54_the_issuer_can_bound_a_token_to_an_api() {
    let idp = Idp::start().await;
    let origin = idp.server.app.origin.as_str();
    let bounded = with(&idp.claims(), "resource", json!(origin));
    assert_eq!(idp.present(WEB_SECRET, &idp.assertion(&bounded), &[("resource", origin)]).await.status, 200);
    let unknown = with(&idp.claims(), "resource", json!("https://api.elsewhere"));
    assert_eq!(idp.present_claims(&unknown).await.refusal(), (400, "invalid_target"));
}

#[tokio::test]
async fn c41_the_token_ends_with_the_person() {
    let idp = Idp::start().await;
    let answer = idp.present_claims(&idp.claims()).await.ok();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(idp.server.api("GET", "/api/v2/users", token).await.status, 200);
    let email = Email::parse("ada@acme.test").unwrap();
    let ada = idp.server.org("acme").user_by_email(&email).await.unwrap().unwrap();
    idp.server.org("acme").delete_user(&ada.id).await.unwrap();
    assert_eq!(idp.server.api("GET", "/api/v2/users", token).await.status, 401);
    assert_eq!(idp.present_claims(&idp.claims()).await.refusal(), (400, "invalid_grant"));
}
