//! The device authorization grant (RFC 8628): a device without a browser, and the person who lets it in.

use countersign_domain::authorization::ConsentMode;
use countersign_domain::id::ClientId;
use countersign_domain::user::Email;
use countersign_store::SystemTask;
use countersign_store::authorization::GrantChange;
use serde_json::Value;

use crate::support::{Answer, Browser, Page, Server};
use crate::world::{ADA, GRACE, WEB_SECRET, WORLD};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TV: &str = "tv";
const HEDY: (&str, &str) = ("hedy@globex.test", "silver comet");

/// The world with a public app on devices, of acme and authorized there.
fn world() -> String {
    WORLD
        .replacen(
            "    authorizations:\n",
            "      - id: tv\n        name: Kitchen Display\n        grant_types: [device_code, refresh_token]\n        \
             scopes: [users]\n        metadata: { client_uri: \"https://kitchen.example/about\" }\n    authorizations:\n      \
             - { client: Kitchen Display, scopes: [users, user-basic-info], state: authorized }\n",
            1,
        )
        .replacen("grant_types: [authorization_code]\n", "grant_types: [authorization_code, device_code]\n", 1)
}

async fn start() -> Server {
    Server::start(&world()).await
}

async fn begin(server: &Server, more: &[(&str, &str)]) -> Value {
    let mut form = vec![("client_id", TV)];
    form.extend(more);
    server.call_as_client("/oauth/device", "", &form).await.ok()
}

async fn poll(server: &Server, device: &Value) -> Answer {
    let device_code = device["device_code"].as_str().unwrap();
    server.token("", &[("grant_type", GRANT), ("device_code", device_code), ("client_id", TV)]).await
}

/// Somebody signs in at the address that the device shows.
async fn signed_in<'s>(server: &'s Server, who: (&str, &str)) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let page = browser.get("/device").await;
    let page = browser.sign_in(&page, who.0, who.1).await;
    assert!(page.has_form("/device"), "{}", page.html);
    (browser, page)
}

async fn enter(browser: &mut Browser<'_>, page: &Page, code: &str) -> Page {
    browser.submit(page, "/device", &[("user_code", code)]).await
}

/// The same up to the page that asks whether the device is theirs.
async fn entered<'s>(server: &'s Server, device: &Value, who: (&str, &str)) -> (Browser<'s>, Page) {
    let (mut browser, page) = signed_in(server, who).await;
    let page = enter(&mut browser, &page, device["user_code"].as_str().unwrap()).await;
    assert!(page.has_form("/device/confirm"), "{}", page.html);
    (browser, page)
}

async fn say(browser: &mut Browser<'_>, page: &Page, decision: &str) -> Page {
    browser.submit(page, "/device/confirm", &[("decision", decision)]).await
}

async fn let_in(server: &Server, device: &Value, who: (&str, &str)) {
    let (mut browser, page) = entered(server, device, who).await;
    let page = say(&mut browser, &page, "continue").await;
    assert!(page.html.contains("Your device is connected"), "{}", page.html);
}

#[tokio::test]
async fn a_person_lets_a_device_in_and_it_acts_for_them() {
    let server = start().await;
    let device = begin(&server, &[("scope", "users")]).await;
    let origin = server.app.origin.as_str();
    assert_eq!(device["verification_uri"], format!("{origin}/device"));
    assert_eq!((&device["interval"], &device["expires_in"]), (&5.into(), &600.into()));
    assert_eq!(poll(&server, &device).await.refusal(), (400, "authorization_pending"));
    let_in(&server, &device, ADA).await;
    server.advance(5);
    let tokens = poll(&server, &device).await.ok();
    assert_eq!((&tokens["token_type"], &tokens["scope"]), (&"bearer".into(), &"users".into()));
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.api("GET", "/api/v2/users", token).await.status, 200);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", TV)];
    assert_eq!(server.token("", &form).await.ok()["scope"], "users");
}

#[tokio::test]
async fn c46_pending_slow_down_denied_and_expired_have_their_codes() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    assert_eq!(poll(&server, &device).await.refusal(), (400, "authorization_pending"));
    server.advance(4);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "slow_down"));
    server.advance(9);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "slow_down"), "the interval is ten seconds now");
    server.advance(15);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "authorization_pending"), "and fifteen after that");

    let (mut browser, page) = entered(&server, &device, ADA).await;
    assert!(say(&mut browser, &page, "deny").await.html.contains("was turned away"));
    assert_eq!(poll(&server, &device).await.refusal(), (400, "access_denied"));

    let device = begin(&server, &[]).await;
    server.advance(600);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "expired_token"));
    server.app.keep_house().await.unwrap();
    assert_eq!(poll(&server, &device).await.refusal(), (400, "expired_token"), "still remembered");
    server.advance(600);
    server.app.keep_house().await.unwrap();
    assert_eq!(poll(&server, &device).await.refusal(), (400, "invalid_grant"), "and then forgotten");
}

#[tokio::test]
async fn c47_wrong_codes_are_counted_for_all_servers_of_a_database() {
    let server = start().await;
    let other = server.beside().await;
    let device = begin(&server, &[]).await;
    let right = device["user_code"].as_str().unwrap();
    let (mut here, mut page) = signed_in(&server, ADA).await;
    let (mut there, mut elsewhere) = signed_in(&other, ADA).await;
    for wrong in 0..5 {
        if wrong % 2 == 0 {
            page = enter(&mut here, &page, "BBBB-BBBB").await;
            assert_eq!(page.status, 422);
        } else {
            elsewhere = enter(&mut there, &elsewhere, "BBBB-BBBB").await;
            assert_eq!(elsewhere.status, 422);
        }
    }
    assert_eq!(enter(&mut here, &page, right).await.status, 429);
    assert_eq!(enter(&mut there, &elsewhere, right).await.status, 429, "five are five, wherever they are tried");
}

#[tokio::test]
async fn c47_five_wrong_codes_a_minute_and_ten_in_total() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    let right = device["user_code"].as_str().unwrap();
    let (mut browser, mut page) = signed_in(&server, ADA).await;
    for malformed in ["", "WDJB", "AEIO-UAEI"] {
        page = enter(&mut browser, &page, malformed).await;
        assert_eq!(page.status, 422, "what cannot be a code is no try");
        assert!(page.html.contains("That is not a code"));
    }
    for _ in 0..5 {
        page = enter(&mut browser, &page, "BBBB-BBBB").await;
        assert_eq!(page.status, 422);
        assert!(page.html.contains("No device waits with this code"));
    }
    page = enter(&mut browser, &page, right).await;
    assert_eq!((page.status, page.header("retry-after")), (429, "60"));
    server.advance(60);
    for _ in 0..5 {
        page = enter(&mut browser, &page, "BBBB-BBBB").await;
        assert_eq!(page.status, 422);
    }
    server.advance(120);
    page = enter(&mut browser, &page, right).await;
    assert_eq!(page.status, 429, "ten in total");
    let (mut other, elsewhere) = signed_in(&server, GRACE).await;
    assert_eq!(enter(&mut other, &elsewhere, right).await.status, 429, "the address is the same");
}

#[tokio::test]
async fn c48_a_foreign_device_code_and_a_second_redemption_are_invalid_grants() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    let_in(&server, &device, ADA).await;
    let device_code = device["device_code"].as_str().unwrap();
    let form = [("grant_type", GRANT), ("device_code", device_code)];
    let foreign = server.token(crate::world::CODE_ONLY_SECRET, &form).await;
    assert_eq!(foreign.refusal(), (400, "invalid_grant"), "another app that has the grant");
    assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "unauthorized_client"), "c05: one that has not");
    let tokens = poll(&server, &device).await.ok();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.api("GET", "/api/v2/users", token).await.status, 200);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "invalid_grant"));
    assert_eq!(server.api("GET", "/api/v2/users", token).await.status, 401, "somebody else has the code too");
    for bad in ["cs_dc_unknown", token, tokens["refresh_token"].as_str().unwrap(), &device_code[1..]] {
        let form = [("grant_type", GRANT), ("device_code", bad), ("client_id", TV)];
        assert_eq!(server.token("", &form).await.refusal(), (400, "invalid_grant"), "c44 {bad}");
    }
}

#[tokio::test]
async fn c49_the_page_names_the_app_and_asks_and_a_code_in_a_link_is_only_filled_in() {
    let server = start().await;
    let device = begin(&server, &[("scope", "openid users")]).await;
    let code = device["user_code"].as_str().unwrap();
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.get(complete).await;
    assert!(page.html.contains("connect a device"), "the app is not known before the code is entered");
    let page = browser.sign_in(&page, ADA.0, ADA.1).await;
    assert!(page.has_form("/device") && page.html.contains(&format!("value=\"{code}\"")), "{}", page.html);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "authorization_pending"));

    let page = browser.submit(&page, "/device", &[("user_code", &code.to_lowercase().replace('-', " "))]).await;
    let shown = [code, "Kitchen Display", "kitchen.example", "Acme Corp", "ada@acme.test", "openid", "users"];
    for shown in shown {
        assert!(page.html.contains(shown), "{shown}\n{}", page.html);
    }
    assert!(page.has_form("/device/confirm"));
    let hidden = page.hidden("/device/confirm");
    let form: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let undecided = browser.post("/device/confirm", &form).await;
    assert_eq!(undecided.status, 403, "neither yes nor no");
    server.advance(5);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "authorization_pending"));
    say(&mut browser, &page, "continue").await;
    server.advance(5);
    let tokens = poll(&server, &device).await.ok();
    assert!(tokens["id_token"].is_string(), "who it was, as in the code flow");
    assert_eq!(tokens["scope"], "openid users");
}

#[tokio::test]
async fn c49_another_persons_word_is_not_taken_for_a_later_one() {
    let server = start().await;
    let change = GrantChange {
        scopes: vec!["users".parse().unwrap(), "user-basic-info".parse().unwrap()],
        roles: Vec::new(),
        consent: ConsentMode::User,
        expected_version: None,
        reason: String::new(),
    };
    server.org("acme").grant(&ClientId::parse(TV).unwrap(), &change).await.unwrap();
    let device = begin(&server, &[]).await;
    let (mut browser, page) = entered(&server, &device, ADA).await;
    let page = say(&mut browser, &page, "continue").await;
    assert!(page.has_form("/oauth/consent"), "users are asked here: {}", page.html);
    let page = browser.submit(&page, "/logout", &[]).await;
    let page = browser.follow_within(page).await;
    let page = browser.sign_in(&page, GRACE.0, GRACE.1).await;
    assert!(page.has_form("/device/confirm"), "{}", page.html);
    let page = say(&mut browser, &page, "continue").await;
    let page = browser.submit(&page, "/oauth/consent", &[("decision", "accept")]).await;
    assert!(page.html.contains("Your device is connected"));
    let token = poll(&server, &device).await.ok()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.api("GET", "/api/v2/users/me", &token).await.ok()["name"], "Grace Hopper");
}

#[tokio::test]
async fn a31_device_forms_without_the_proof_and_for_other_interactions_are_refused() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    let (mut browser, page) = entered(&server, &device, ADA).await;
    assert_eq!(browser.post("/device/confirm", &[("decision", "continue")]).await.status, 403);
    assert_eq!(browser.post("/device", &[("user_code", device["user_code"].as_str().unwrap())]).await.status, 403);
    let elsewhere = page.hidden("/device/confirm");
    let mut form: Vec<(&str, &str)> = elsewhere.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.push(("user_code", "WDJB-MJHT"));
    assert_eq!(browser.post("/device", &form).await.status, 403, "that interaction has its code");
    let (mut early, page) = signed_in(&server, ADA).await;
    let entering = page.hidden("/device");
    let mut form: Vec<(&str, &str)> = entering.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.push(("decision", "continue"));
    for address in ["/device/confirm", "/oauth/consent", "/oauth/approval", "/oauth/request"] {
        assert_eq!(early.post(address, &form).await.status, 403, "{address}: no code was entered");
    }
}

#[tokio::test]
async fn an_app_that_nobody_authorized_needs_approval_and_a_denial_reaches_the_device() {
    let world =
        world().replacen("- { client: Kitchen Display, scopes: [users, user-basic-info], state: authorized }", "", 1);
    let server = Server::start(&world).await;
    let device = begin(&server, &[("scope", "users")]).await;
    let (mut ada, page) = entered(&server, &device, ADA).await;
    assert!(say(&mut ada, &page, "continue").await.has_form("/oauth/request"));
    assert_eq!(poll(&server, &device).await.refusal(), (400, "authorization_pending"));

    let (mut grace, page) = entered(&server, &device, GRACE).await;
    let page = say(&mut grace, &page, "continue").await;
    let page = grace.submit(&page, "/oauth/approval", &[("decision", "approve"), ("scope", "users")]).await;
    let page = grace.follow_within(page).await;
    assert!(page.html.contains("Your device is connected"), "{}", page.html);
    assert_eq!(poll(&server, &device).await.ok()["scope"], "users");

    let device = begin(&server, &[("scope", "users user-basic-info")]).await;
    let (mut grace, page) = entered(&server, &device, GRACE).await;
    let page = say(&mut grace, &page, "continue").await;
    let page = grace.submit(&page, "/oauth/approval", &[("decision", "deny")]).await;
    assert!(page.html.contains("was turned away"), "{}", page.html);
    assert_eq!(poll(&server, &device).await.refusal(), (400, "access_denied"));
}

#[tokio::test]
async fn a_device_of_a_person_elsewhere_acts_in_their_organization() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    let (mut hedy, page) = entered(&server, &device, HEDY).await;
    assert!(page.html.contains("Globex") && page.html.contains("Acme Corp"), "where it works, and who registered it");
    let page = say(&mut hedy, &page, "continue").await;
    assert!(page.has_form("/oauth/consent"), "nobody of globex vouched for the app");
    let page = hedy.submit(&page, "/oauth/consent", &[("decision", "deny")]).await;
    assert!(page.html.contains("was turned away"));
    assert_eq!(poll(&server, &device).await.refusal(), (400, "access_denied"));
}

#[tokio::test]
async fn a57_a_device_is_answered_once() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    let (mut ada, asked) = entered(&server, &device, ADA).await;
    let (mut grace, page) = entered(&server, &device, GRACE).await;
    say(&mut ada, &asked, "continue").await;
    for decision in ["continue", "deny"] {
        let late = say(&mut grace, &page, decision).await;
        assert_eq!(late.status, 400, "{}", late.html);
        assert_eq!(say(&mut ada, &asked, decision).await.status, 400);
    }
    let token = poll(&server, &device).await.ok()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.api("GET", "/api/v2/users/me", &token).await.ok()["name"], "Ada Lovelace");
}

#[tokio::test]
async fn c41_what_changes_between_yes_and_the_next_poll_counts() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    let_in(&server, &device, ADA).await;
    server.org("acme").revoke(&ClientId::parse(TV).unwrap()).await.unwrap();
    assert_eq!(poll(&server, &device).await.refusal(), (400, "invalid_grant"), "the app is revoked");

    let server = start().await;
    let device = begin(&server, &[]).await;
    let_in(&server, &device, ADA).await;
    let email = Email::parse(ADA.0).unwrap();
    let found = server.store(SystemTask::SignIn).sign_in_candidates(&email).await.unwrap();
    server.org("acme").revoke_tokens_of_user(&found[0].user).await.unwrap();
    assert_eq!(poll(&server, &device).await.refusal(), (400, "invalid_grant"), "all tokens of the person are revoked");
}

#[tokio::test]
async fn a_device_stays_connected_when_the_browser_signs_out() {
    let server = start().await;
    let device = begin(&server, &[]).await;
    let (mut browser, page) = entered(&server, &device, ADA).await;
    say(&mut browser, &page, "continue").await;
    let token = poll(&server, &device).await.ok()["access_token"].as_str().unwrap().to_owned();
    let home = browser.get("/").await;
    browser.submit(&home, "/logout", &[]).await;
    assert_eq!(server.api("GET", "/api/v2/users", &token).await.status, 200);
}

#[tokio::test]
async fn c05_what_a_device_cannot_ask_for_has_its_registered_code() {
    let server = start().await;
    let ask = async |credentials: &str, form: &[(&str, &str)]| {
        server.call_as_client("/oauth/device", credentials, form).await
    };
    assert_eq!(ask("", &[("client_id", "nobody")]).await.refusal(), (401, "invalid_client"));
    assert_eq!(ask("", &[]).await.refusal(), (400, "invalid_request"));
    assert_eq!(ask(WEB_SECRET, &[]).await.refusal(), (400, "unauthorized_client"));
    assert_eq!(ask("", &[("client_id", TV), ("scope", "userz")]).await.refusal(), (400, "invalid_scope"));
    let foreign = [("client_id", TV), ("resource", "https://api.example")];
    assert_eq!(ask("", &foreign).await.refusal(), (400, "invalid_target"));
    assert_eq!(server.get("/oauth/device").await.status, 405);
    let form = [("grant_type", GRANT), ("client_id", TV)];
    assert_eq!(server.token("", &form).await.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn a54_a_device_gets_tokens_for_the_resource_that_it_named() {
    let server = start().await;
    let origin = server.app.origin.to_string();
    let device = begin(&server, &[("resource", &origin)]).await;
    let_in(&server, &device, ADA).await;
    let token = poll(&server, &device).await.ok()["access_token"].as_str().unwrap().to_owned();
    let told = server.call_as_client("/oauth/introspect", WEB_SECRET, &[("token", &token)]).await.ok();
    assert_eq!(told["active"], false, "another app's");
    assert_eq!(server.api("GET", "/api/v2/users", &token).await.status, 200);
}
