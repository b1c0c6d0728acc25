//! A client that is held to FAPI 2.0 (`security_profile: fapi2`): pushed, authenticated by key, bound to a key, end to end.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::secret::Digest;
use serde_json::{Value, json};

use crate::support::browser::{authorize_address, redemption};
use crate::support::keys::Key;
use crate::support::{Answer, Browser, CHALLENGE, Server, encode};
use crate::world::{ADA, WEB, WEB_URI, with_web_metadata};

/// The web app with a key in place of its secret.
struct Client<'s> {
    server: &'s Server,
    key: Key,
    /// Another for its proofs.
    dpop: Key,
    signed: std::cell::Cell<u32>,
}

fn world(key: &Key) -> String {
    let jwks = key.jwks();
    let world = with_web_metadata(&format!(
        "security_profile: fapi2, token_endpoint_auth_method: private_key_jwt, jwks: {jwks}, dpop_bound_access_tokens: true"
    ));
    world.replacen("secret: cs_cs_wVwCiewtCpFn7I5loY3rvl5VMvvuopP4C8lC7pCGwXEmAXhIg", "", 1)
}

impl Client<'_> {
    fn next_id(&self) -> String {
        self.signed.set(self.signed.get() + 1);
        self.signed.get().to_string()
    }

    fn assertion(&self) -> String {
        let (now, issuer) = (self.server.app.clock.now().as_seconds(), self.server.app.origin.as_str());
        let claims = json!({ "iss": WEB, "sub": WEB, "aud": issuer, "jti": self.next_id(), "exp": now + 60 });
        self.key.sign(&json!({ "alg": "ES256" }), &claims)
    }

    /// A proof for `path`; `beside`: what else it says.
    fn proof(&self, method: &str, path: &str, beside: &[(&str, String)]) -> String {
        let now = self.server.app.clock.now().as_seconds();
        let url = format!("{}{path}", self.server.app.origin);
        let mut claims = json!({ "jti": self.next_id(), "htm": method, "htu": url, "iat": now });
        for (name, value) in beside {
            claims[*name] = json!(value);
        }
        self.dpop.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.dpop.public() }), &claims)
    }

    /// Posts a form as this client; once more with the nonce that the first answer asks for.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut nonce = Vec::new();
        loop {
            let (assertion, proof) = (self.assertion(), self.proof("POST", path, &nonce));
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let form = [form, &[("client_assertion", &*assertion), ("client_assertion_type", kind)]].concat();
            let headers = [("content-type", "application/x-www-form-urlencoded"), ("dpop", &*proof)];
            let answer = self.server.send("POST", path, &headers, encode(&form)).await;
            if !nonce.is_empty() || answer.body["error"] != "use_dpop_nonce" {
                return answer;
            }
            nonce.push(("nonce", answer.header("dpop-nonce").to_owned()));
        }
    }
}

#[tokio::test]
async fn a_client_of_fapi_signs_people_in_and_calls_the_api() {
    let key = Key::generate();
    let server = Server::start(&world(&key)).await;
    let client = Client { server: &server, key, dpop: Key::generate(), signed: 0.into() };
    let request = [
        ("redirect_uri", WEB_URI),
        ("response_type", "code"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let pushed = client.post("/oauth/par", &request).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text);
    let link = encode(&[("client_id", WEB), ("request_uri", pushed.body["request_uri"].as_str().unwrap())]);
    let mut browser = Browser::new(&server);
    let page = browser.get(&format!("/oauth/authorize?{link}")).await;
    let code = browser.sign_in(&page, ADA.0, ADA.1).await.code();

    let token = client.post("/oauth/token", &redemption(&code, WEB_URI)).await.ok();
    assert_eq!(token["token_type"], "DPoP");
    let text = |token: &Value, name: &str| token[name].as_str().unwrap().to_owned();
    let refresh = text(&token, "refresh_token");
    let renewed =
        client.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await.ok();
    assert_eq!(text(&renewed, "refresh_token"), refresh, "FAPI 2.0 §5.3.2.1: no rotation");

    let access = text(&renewed, "access_token");
    let ath = URL_SAFE_NO_PAD.encode(Digest::of(access.as_bytes()).as_bytes());
    let proof = client.proof("GET", "/api/v2/users/me", &[("ath", ath)]);
    let headers = [("authorization", format!("DPoP {access}")), ("dpop", proof)];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(server.send("GET", "/api/v2/users/me", &headers, "").await.ok()["email"], ADA.0);
}

#[tokio::test]
async fn b08_a_client_of_fapi_pushes_its_requests() {
    let server = Server::start(&world(&Key::generate())).await;
    let page = Browser::new(&server).get(&authorize_address(WEB, WEB_URI, &[])).await;
    assert_eq!((page.status, page.location()), (400, ""));
}
