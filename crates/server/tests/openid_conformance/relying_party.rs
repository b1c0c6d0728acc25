//! What the suite does in the place of a relying party: a client with a secret that sends no PKCE.

use serde_json::Value;

use crate::jwt::{self, Jwt};
use crate::support::{Browser, Page, Server, encode};
use crate::world::{ADA, LAX, LAX_SECRET, LAX_URI, WORLD};

pub const STATE: &str = "suite-state";

/// The server under test.
pub async fn server() -> Server {
    Server::start(WORLD).await
}

/// An authorization request of the plan, with `more` in the place of or beside the usual parameters.
pub fn request(more: &[(&str, &str)]) -> String {
    format!("/oauth/authorize?{}", encode(&parameters(more)))
}

/// Its parameters; an empty value leaves one out.
pub fn parameters<'p>(more: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    let usual = [
        ("client_id", LAX),
        ("redirect_uri", LAX_URI),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", STATE),
        ("nonce", "suite-nonce"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more.iter().copied()).collect()
}

/// Opens the request and signs in where a page asks for it.
pub async fn authorize(browser: &mut Browser<'_>, more: &[(&str, &str)]) -> Page {
    let mut page = browser.get(&request(more)).await;
    if page.has_form("/oauth/sign-in") {
        page = browser.sign_in(&page, ADA.0, ADA.1).await;
    }
    if page.has_form("/oauth/consent") {
        page = browser.submit(&page, "/oauth/consent", &[("decision", "accept")]).await;
    }
    page
}

/// Redeems the code of an answer with client_secret_basic.
pub async fn redeem(server: &Server, page: &Page) -> Value {
    let code = page.code();
    let form = [("grant_type", "authorization_code"), ("code", &code as &str), ("redirect_uri", LAX_URI)];
    server.token(LAX_SECRET, &form).await.ok()
}

/// A whole happy flow of a new browser: the token answer and its ID token, checked as the suite always does.
pub async fn happy_flow(server: &Server, more: &[(&str, &str)]) -> (Value, Jwt) {
    let page = authorize(&mut Browser::new(server), more).await;
    let answer = redeem(server, &page).await;
    let id_token = checked_id_token(server, &answer).await;
    (answer, id_token)
}

/// The ID token of an answer: signature, issuer, audience, times.
pub async fn checked_id_token(server: &Server, answer: &Value) -> Jwt {
    assert!(answer["token_type"].as_str().unwrap().eq_ignore_ascii_case("bearer"));
    let jwt = jwt::verified(server, answer["id_token"].as_str().unwrap()).await;
    let now = server.app.clock.now().as_seconds();
    assert_eq!(jwt.claims["iss"], server.app.origin.as_str());
    assert_eq!(jwt.claims["aud"], LAX);
    assert!(jwt.claims["exp"].as_i64().unwrap() > now && jwt.claims["iat"].as_i64().unwrap() <= now);
    assert!(jwt.claims["sub"].as_str().unwrap().len() <= 255);
    jwt
}

/// UserInfo by GET, for the same person as the ID token.
pub async fn userinfo(server: &Server, answer: &Value, id_token: &Jwt) -> Value {
    let told = server.api("GET", "/oauth/userinfo", answer["access_token"].as_str().unwrap()).await.ok();
    assert_eq!(told["sub"], id_token.claims["sub"]);
    told
}
