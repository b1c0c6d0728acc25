//! What the suite does in the place of a client of FAPI 2.0: private_key_jwt, DPoP, pushed requests.

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::secret::Digest;
use serde_json::{Value, json};

use crate::jwt::{self, Jwt};
use crate::support::browser::redemption;
use crate::support::keys::{Key, with};
use crate::support::{Answer, Browser, CHALLENGE, Page, Server, encode};
use crate::world::{ADA, WEB, WEB_URI, with_web_metadata};

pub const PAR: &str = "/oauth/par";
pub const TOKEN: &str = "/oauth/token";
pub const ME: &str = "/api/v2/users/me";
pub const STATE: &str = "suite-state";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The server under test, and a client of it that is held to FAPI 2.0.
pub struct Fapi {
    pub server: Server,
    pub key: Key,
    /// Another, for its proofs.
    pub dpop: Key,
    made: Cell<u32>,
}

impl Fapi {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Whose metadata say more.
    pub async fn start_with(more: &str) -> Self {
        let key = Key::generate();
        let world = with_web_metadata(&format!(
            "security_profile: fapi2, token_endpoint_auth_method: private_key_jwt, jwks: {}, dpop_bound_access_tokens: true{more}",
            key.jwks()
        ));
        let world = world.replacen("secret: cs_cs_wVwCiewtCpFn7I5loY3rvl5VMvvuopP4C8lC7pCGwXEmAXhIg", "", 1);
        Self { server: Server::start(&world).await, key, dpop: Key::generate(), made: Cell::new(0) }
    }

    pub fn now(&self) -> i64 {
        self.server.app.clock.now().as_seconds()
    }

    pub fn issuer(&self) -> &str {
        self.server.app.origin.as_str()
    }

    fn next_id(&self) -> String {
        self.made.set(self.made.get() + 1);
        self.made.get().to_string()
    }

    /// The claims of a client assertion.
    pub fn assertion(&self) -> Value {
        let now = self.now();
        json!({ "iss": WEB, "sub": WEB, "aud": self.issuer(), "jti": self.next_id(), "iat": now, "exp": now + 60 })
    }

    pub fn proof_header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.dpop.public() })
    }

    /// The claims of a proof, with a good nonce.
    pub fn proof(&self, method: &str, path: &str) -> Value {
        let now = self.server.app.clock.now();
        let nonce = self.server.app.dpop_nonces.current(now);
        let url = format!("{}{path}", self.issuer());
        json!({ "jti": self.next_id(), "htm": method, "htu": url, "iat": now.as_seconds(), "nonce": nonce })
    }

    /// The claims of a proof beside an access token.
    pub fn proof_for(&self, method: &str, token: &str) -> Value {
        let ath = URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes());
        with(&with(&self.proof(method, ME), "ath", json!(ath)), "nonce", Value::Null)
    }

    pub fn signed_proof(&self, claims: &Value) -> String {
        self.dpop.sign(&self.proof_header(), claims)
    }

    /// Posts a form with this assertion and these proofs.
    pub async fn send(&self, path: &str, form: &[(&str, &str)], assertion: &str, proofs: &[&str]) -> Answer {
        let form = [form, &[("client_assertion", assertion), ("client_assertion_type", ASSERTION)]].concat();
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
        self.server.send("POST", path, &headers, encode(&form)).await
    }

    /// The same with claims of an assertion that are good but for `change`.
    pub async fn post_asserting(&self, path: &str, form: &[(&str, &str)], change: (&str, Value)) -> Answer {
        let assertion = self.key.sign(&json!({ "alg": "ES256" }), &with(&self.assertion(), change.0, change.1));
        let proof = self.signed_proof(&self.proof("POST", path));
        self.send(path, form, &assertion, &[&proof]).await
    }

    /// The same with everything right.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_asserting(path, form, ("client_id", Value::Null)).await
    }

    /// Pushes the usual request with `more` in the place of or beside its parameters; an empty value leaves one out.
    pub async fn push(&self, more: &[(&str, &str)]) -> Answer {
        self.post(PAR, &request(more)).await
    }

    /// The link that opens what was pushed.
    pub fn link(pushed: &Answer) -> String {
        assert_eq!(pushed.status, 201, "{}", pushed.text);
        let request_uri = pushed.body["request_uri"].as_str().unwrap();
        format!("/oauth/authorize?{}", encode(&[("client_id", WEB), ("request_uri", request_uri)]))
    }

    /// Opens a link in a new browser, signs in and accepts.
    pub async fn follow(&self, link: &str) -> Page {
        let mut browser = Browser::new(&self.server);
        let mut page = browser.get(link).await;
        if page.has_form("/oauth/sign-in") {
            page = browser.sign_in(&page, ADA.0, ADA.1).await;
        }
        if page.has_form("/oauth/consent") {
            page = browser.submit(&page, "/oauth/consent", &[("decision", "accept")]).await;
        }
        page
    }

    /// The answer to a pushed request.
    pub async fn authorize(&self, more: &[(&str, &str)]) -> Page {
        self.follow(&Self::link(&self.push(more).await)).await
    }

    pub async fn redeem(&self, code: &str) -> Answer {
        self.post(TOKEN, &redemption(code, WEB_URI)).await
    }

    /// A whole happy flow.
    pub async fn tokens(&self, more: &[(&str, &str)]) -> Value {
        self.redeem(&self.authorize(more).await.code()).await.ok()
    }

    pub async fn id_token(&self, tokens: &Value) -> Jwt {
        jwt::verified(&self.server, tokens["id_token"].as_str().unwrap()).await
    }

    /// A call of the API with a token and a proof.
    pub async fn call(&self, scheme: &str, token: &str, proof: &str) -> Answer {
        let authorization = format!("{scheme} {token}");
        self.server.send("GET", ME, &[("authorization", &authorization), ("dpop", proof)], "").await
    }

    /// Whether a token opens the API for this client.
    pub async fn is_usable(&self, tokens: &Value) -> bool {
        let token = tokens["access_token"].as_str().unwrap();
        self.call("DPoP", token, &self.signed_proof(&self.proof_for("GET", token))).await.status == 200
    }
}

/// The parameters of an authorization request.
pub fn request<'p>(more: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let usual = [
        ("redirect_uri", WEB_URI),
        ("response_type", "code"),
        ("scope", "openid user-basic-info"),
        ("state", STATE),
        ("nonce", "suite-nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty()).collect()
}
