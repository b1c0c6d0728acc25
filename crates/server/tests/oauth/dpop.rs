//! DPoP (RFC 9449): proofs at the token endpoint and beside access tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::secret::Digest;
use serde_json::{Value, json};

use crate::support::browser::redemption;
use crate::support::keys::{Key, with};
use crate::support::{Answer, Browser, CHALLENGE, Server, encode};
use crate::world::{ADA, NATIVE, NATIVE_URI, WEB, WEB_SECRET, WEB_URI, WORLD};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const SERVICE: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", "service"), ("client_secret", "service-secret")];
const ME: &str = "/api/v2/users/me";

/// A client's DPoP key, and how many proofs it has made.
struct Prover<'s> {
    server: &'s Server,
    key: Key,
    made: std::cell::Cell<u32>,
}

impl<'s> Prover<'s> {
    fn new(server: &'s Server) -> Self {
        Self { server, key: Key::generate(), made: std::cell::Cell::new(0) }
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.public() })
    }

    fn claims(&self, method: &str, path: &str) -> Value {
        self.made.set(self.made.get() + 1);
        let now = self.server.app.clock.now();
        let nonce = self.server.app.dpop_nonces.current(now);
        let url = format!("{}{path}", self.server.app.origin);
        let jti = self.made.get().to_string();
        json!({ "jti": jti, "htm": method, "htu": url, "iat": now.as_seconds(), "nonce": nonce })
    }

    fn proof(&self, method: &str, path: &str) -> String {
        self.key.sign(&self.header(), &self.claims(method, path))
    }

    /// A token request with a proof of this key.
    async fn token(&self, form: &[(&str, &str)]) -> Answer {
        post(self.server, "/oauth/token", &[&self.proof("POST", "/oauth/token")], form).await
    }

    fn claims_for(&self, method: &str, token: &str) -> Value {
        let ath = URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes());
        with(&with(&self.claims(method, ME), "ath", json!(ath)), "nonce", Value::Null)
    }

    /// Who am I, with a token and a proof of this key.
    async fn me(&self, token: &str) -> Answer {
        let proof = self.key.sign(&self.header(), &self.claims_for("GET", token));
        call(self.server, &format!("DPoP {token}"), &proof).await
    }

    /// A token of Ada's through the native app.
    async fn native_token(&self) -> Value {
        let code = Browser::new(self.server).code(NATIVE, NATIVE_URI, &[], ADA).await;
        let mut form = redemption(&code, NATIVE_URI);
        form.push(("client_id", NATIVE));
        self.token(&form).await.ok()
    }
}

async fn post(server: &Server, path: &str, proofs: &[&str], form: &[(&str, &str)]) -> Answer {
    let headers: Vec<(&str, &str)> = std::iter::once(FORM).chain(proofs.iter().map(|proof| ("dpop", *proof))).collect();
    server.send("POST", path, &headers, encode(form)).await
}

async fn call(server: &Server, authorization: &str, proof: &str) -> Answer {
    server.send("GET", ME, &[("authorization", authorization), ("dpop", proof)], "").await
}

fn text<'v>(token: &'v Value, name: &str) -> &'v str {
    token[name].as_str().unwrap()
}

#[tokio::test]
async fn a_proof_makes_a_bound_token_that_its_key_can_use() {
    let server = Server::start(WORLD).await;
    let prover = Prover::new(&server);
    let token = prover.native_token().await;
    assert_eq!(token["token_type"], "DPoP");
    assert_eq!(prover.me(text(&token, "access_token")).await.ok()["email"], ADA.0);
}

#[tokio::test]
async fn c57_a_client_registered_for_proofs_must_send_exactly_one() {
    let metadata = "secret: service-secret\n        metadata: { dpop_bound_access_tokens: true }";
    let server = Server::start(&WORLD.replace("secret: service-secret", metadata)).await;
    let prover = Prover::new(&server);
    assert_eq!(post(&server, "/oauth/token", &[], &SERVICE).await.refusal(), (400, "invalid_dpop_proof"));
    let (one, two) = (prover.proof("POST", "/oauth/token"), prover.proof("POST", "/oauth/token"));
    let doubled = post(&server, "/oauth/token", &[&one, &two], &SERVICE).await;
    assert_eq!(doubled.refusal(), (400, "invalid_dpop_proof"));
    assert_eq!(prover.token(&SERVICE).await.ok()["token_type"], "DPoP");
}

#[tokio::test]
async fn c57_a_proof_that_is_wrong_in_any_way_is_refused() {
    let server = Server::start(WORLD).await;
    let prover = Prover::new(&server);
    let now = server.app.clock.now().as_seconds();
    let (header, claims) = (prover.header(), prover.claims("POST", "/oauth/token"));
    let bad_claims = [
        ("jti", Value::Null),
        ("htm", Value::Null),
        ("htm", json!("GET")),
        ("htu", Value::Null),
        ("htu", json!("https://other.example/oauth/token")),
        ("iat", Value::Null),
        ("iat", json!(now - 3_600)),
        ("iat", json!(now + 3_600)),
    ];
    let mut private = prover.key.public();
    private["d"] = json!("AAAA");
    let bad_headers = [
        ("typ", Value::Null),
        ("typ", json!("JWT")),
        ("alg", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("jwk", Value::Null),
        ("jwk", private),
        ("jwk", Key::generate().public()),
    ];
    let by_claims = bad_claims.into_iter().map(|(name, value)| prover.key.sign(&header, &with(&claims, name, value)));
    let by_header = bad_headers.into_iter().map(|(name, value)| prover.key.sign(&with(&header, name, value), &claims));
    for proof in by_claims.chain(by_header).chain(["not a proof".to_owned()]) {
        let answer = post(&server, "/oauth/token", &[&proof], &SERVICE).await;
        assert_eq!(answer.refusal(), (400, "invalid_dpop_proof"), "{proof}");
    }
    let right = prover.key.sign(&header, &claims);
    post(&server, "/oauth/token", &[&right], &SERVICE).await.ok();
}

#[tokio::test]
async fn c58_the_answer_to_a_proof_without_our_nonce_gives_one() {
    let server = Server::start(WORLD).await;
    let prover = Prover::new(&server);
    for nonce in [Value::Null, json!("of another server")] {
        let claims = with(&prover.claims("POST", "/oauth/token"), "nonce", nonce);
        let proof = prover.key.sign(&prover.header(), &claims);
        let answer = post(&server, "/oauth/token", &[&proof], &SERVICE).await;
        assert_eq!(answer.refusal(), (400, "use_dpop_nonce"));
        let claims = with(&claims, "nonce", json!(answer.header("dpop-nonce")));
        let again = prover.key.sign(&prover.header(), &claims);
        post(&server, "/oauth/token", &[&again], &SERVICE).await.ok();
    }
    let old = prover.proof("POST", "/oauth/token");
    server.advance(600);
    assert_eq!(post(&server, "/oauth/token", &[&old], &SERVICE).await.refusal(), (400, "use_dpop_nonce"));
}

#[tokio::test]
async fn c59_the_refresh_token_of_a_public_client_is_bound_and_does_not_rotate() {
    let server = Server::start(WORLD).await;
    let (prover, thief) = (Prover::new(&server), Prover::new(&server));
    let token = prover.native_token().await;
    let refresh = text(&token, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("client_id", NATIVE), ("refresh_token", refresh)];
    assert_eq!(thief.token(&form).await.refusal(), (400, "invalid_grant"));
    assert_eq!(post(&server, "/oauth/token", &[], &form).await.refusal(), (400, "invalid_grant"));
    let renewed = prover.token(&form).await.ok();
    assert_eq!(text(&renewed, "refresh_token"), refresh);
    prover.me(text(&renewed, "access_token")).await.ok();
}

#[tokio::test]
async fn c60_a_code_that_named_a_key_is_redeemed_by_it_only() {
    let server = Server::start(WORLD).await;
    let (prover, thief) = (Prover::new(&server), Prover::new(&server));
    let thumbprint = prover.key.thumbprint();
    let code = Browser::new(&server).code(WEB, WEB_URI, &[("dpop_jkt", &thumbprint)], ADA).await;
    let (id, secret) = WEB_SECRET.split_once(':').unwrap();
    let mut form = redemption(&code, WEB_URI);
    form.extend([("client_id", id), ("client_secret", secret)]);
    assert_eq!(thief.token(&form).await.refusal(), (400, "invalid_grant"));
    assert_eq!(post(&server, "/oauth/token", &[], &form).await.refusal(), (400, "invalid_grant"));
    prover.token(&form).await.ok();
}

#[tokio::test]
async fn b11_a_pushed_request_is_bound_to_the_key_of_its_proof() {
    let server = Server::start(WORLD).await;
    let (prover, thief) = (Prover::new(&server), Prover::new(&server));
    let request = [
        ("client_id", NATIVE),
        ("redirect_uri", NATIVE_URI),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let others = thief.key.thumbprint();
    let other_key = [&request[..], &[("dpop_jkt", &*others)]].concat();
    let refused = post(&server, "/oauth/par", &[&prover.proof("POST", "/oauth/par")], &other_key).await;
    assert_eq!(refused.refusal(), (400, "invalid_dpop_proof"));
    let pushed = post(&server, "/oauth/par", &[&prover.proof("POST", "/oauth/par")], &request).await;
    let link = encode(&[("client_id", NATIVE), ("request_uri", text(&pushed.body, "request_uri"))]);
    let mut browser = Browser::new(&server);
    let page = browser.get(&format!("/oauth/authorize?{link}")).await;
    let mut page = browser.sign_in(&page, ADA.0, ADA.1).await;
    if page.has_form("/oauth/consent") {
        page = browser.submit(&page, "/oauth/consent", &[("decision", "accept")]).await;
    }
    let code = page.code();
    let mut form = redemption(&code, NATIVE_URI);
    form.push(("client_id", NATIVE));
    assert_eq!(thief.token(&form).await.refusal(), (400, "invalid_grant"));
    prover.token(&form).await.ok();
}

#[tokio::test]
async fn c61_a_proof_counts_once_at_the_token_endpoint_and_beside_a_token() {
    let server = Server::start(WORLD).await;
    let prover = Prover::new(&server);
    let proof = prover.proof("POST", "/oauth/token");
    post(&server, "/oauth/token", &[&proof], &SERVICE).await.ok();
    assert_eq!(post(&server, "/oauth/token", &[&proof], &SERVICE).await.refusal(), (400, "invalid_dpop_proof"));
    let token = prover.native_token().await;
    let token = text(&token, "access_token");
    let proof = prover.key.sign(&prover.header(), &prover.claims_for("GET", token));
    assert_eq!(call(&server, &format!("DPoP {token}"), &proof).await.status, 200);
    assert_eq!(call(&server, &format!("DPoP {token}"), &proof).await.status, 401);
}

#[tokio::test]
async fn c62_the_address_in_a_proof_may_be_written_differently() {
    let server = Server::start(WORLD).await;
    let prover = Prover::new(&server);
    let origin = server.app.origin.as_str();
    for htu in [
        format!("{origin}/oauth/token?x=1"),
        format!("{origin}/oauth/token#x"),
        format!("{}/oauth/token", origin.replacen("http", "HTTP", 1)),
    ] {
        let claims = with(&prover.claims("POST", "/oauth/token"), "htu", json!(htu));
        let proof = prover.key.sign(&prover.header(), &claims);
        post(&server, "/oauth/token", &[&proof], &SERVICE).await.ok();
    }
}

#[tokio::test]
async fn d18_a_call_needs_a_proof_of_its_token_and_its_key() {
    let server = Server::start(WORLD).await;
    let (prover, thief) = (Prover::new(&server), Prover::new(&server));
    let token = prover.native_token().await;
    let token = text(&token, "access_token");
    let authorization = format!("DPoP {token}");
    let bad = [
        prover.key.sign(&prover.header(), &with(&prover.claims_for("GET", token), "ath", Value::Null)),
        prover.key.sign(&prover.header(), &prover.claims_for("GET", "cs_at_other")),
        prover.key.sign(&prover.header(), &prover.claims_for("POST", token)),
        thief.key.sign(&thief.header(), &thief.claims_for("GET", token)),
        "not a proof".to_owned(),
    ];
    for proof in bad {
        let answer = call(&server, &authorization, &proof).await;
        assert_eq!((answer.status, &answer.body["code"]), (401, &"bad.credentials".into()), "{proof}");
        let challenges: Vec<&str> =
            answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(challenges[1].starts_with("DPoP error=\"invalid_token\", algs=\"ES256"), "{challenges:?}");
    }
    let without = server.send("GET", ME, &[("authorization", &authorization)], "").await;
    assert_eq!(without.status, 401);
    assert_eq!(without.headers.get_all("www-authenticate").iter().count(), 2);
}

#[tokio::test]
async fn d19_a_bound_token_is_no_bearer_token_and_a_bearer_token_needs_no_proof() {
    let server = Server::start(WORLD).await;
    let prover = Prover::new(&server);
    let bound = prover.native_token().await;
    assert_eq!(server.api("GET", ME, text(&bound, "access_token")).await.status, 401);
    let code = Browser::new(&server).code(WEB, WEB_URI, &[], ADA).await;
    let bearer = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    assert_eq!(bearer["token_type"], "bearer");
    assert_eq!(prover.me(text(&bearer, "access_token")).await.status, 401);
    assert_eq!(server.api("GET", ME, text(&bearer, "access_token")).await.status, 200);
}

#[tokio::test]
async fn d20_the_scheme_is_read_in_any_letter_case() {
    let server = Server::start(WORLD).await;
    let prover = Prover::new(&server);
    let token = prover.native_token().await;
    let token = text(&token, "access_token");
    for scheme in ["dpop", "DPOP", "DPoP"] {
        let proof = prover.key.sign(&prover.header(), &prover.claims_for("GET", token));
        assert_eq!(call(&server, &format!("{scheme} {token}"), &proof).await.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn c60_a_device_that_asked_with_a_key_gets_its_tokens_with_that_key_only() {
    let before = "name: Native App\n        grant_types: [authorization_code,";
    let world = WORLD.replacen(before, &before.replace("[", "[device_code, "), 1);
    let server = Server::start(&world).await;
    let (device, thief) = (Prover::new(&server), Prover::new(&server));
    let proof = device.proof("POST", "/oauth/device");
    let asked = post(&server, "/oauth/device", &[&proof], &[("client_id", NATIVE)]).await.ok();
    let mut browser = Browser::new(&server);
    let page = browser.get("/device").await;
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    let page = browser.submit(&page, "/device", &[("user_code", asked["user_code"].as_str().unwrap())]).await;
    browser.submit(&page, "/device/confirm", &[("decision", "continue")]).await;
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    let form = [grant, ("device_code", asked["device_code"].as_str().unwrap()), ("client_id", NATIVE)];
    assert_eq!(server.token("", &form).await.refusal(), (400, "invalid_grant"));
    assert_eq!(thief.token(&form).await.refusal(), (400, "invalid_grant"));
    let tokens = device.token(&form).await.ok();
    assert_eq!(tokens["token_type"], "DPoP");
    assert_eq!(device.me(tokens["access_token"].as_str().unwrap()).await.status, 200);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", NATIVE)];
    assert_eq!(thief.token(&form).await.refusal(), (400, "invalid_grant"), "c59");
    assert_eq!(device.token(&form).await.status, 200);
}
