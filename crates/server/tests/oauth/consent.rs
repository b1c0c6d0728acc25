//! The user's own consent: when it is asked for, what it gives, and that one decision gives one code.

use countersign_decision::Scope;
use countersign_domain::authorization::ConsentMode;
use countersign_domain::id::ClientId;
use countersign_domain::secret::{Secret, SecretKind};
use countersign_store::Page as ListPage;
use countersign_store::authorization::GrantChange;

use crate::support::browser::redemption;
use crate::support::{Browser, Page, Server, query_of};
use crate::world::{ADA, GRACE, NATIVE, NATIVE_URI, SPA, SPA_URI, WEB, WEB_SECRET, WEB_URI, WORLD};

const CONSENT: &str = "/oauth/consent";
const ACCEPT: [(&str, &str); 1] = [("decision", "accept")];

/// Acme authorizes the web app for these scopes and asks each user too.
async fn ask_users(server: &Server, scopes: &[&str]) {
    let change = GrantChange {
        scopes: scopes.iter().map(|scope| scope.parse::<Scope>().unwrap()).collect(),
        roles: Vec::new(),
        consent: ConsentMode::User,
        expected_version: None,
        reason: String::new(),
    };
    server.org("acme").grant(&ClientId::parse(WEB).unwrap(), &change).await.unwrap();
}

async fn consent_page<'s>(server: &'s Server, who: (&str, &str)) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let page = browser.authorize(WEB, WEB_URI, &[]).await;
    let page = browser.sign_in(&page, who.0, who.1).await;
    assert!(page.has_form(CONSENT), "{}", page.html);
    (browser, page)
}

async fn scope_of(server: &Server, code: &str) -> String {
    server.token(WEB_SECRET, &redemption(code, WEB_URI)).await.ok()["scope"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn where_users_consent_too_they_are_asked_once_and_what_they_saw_is_the_ceiling() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users:readonly", "user-basic-info"]).await;
    let (mut browser, page) = consent_page(&server, ADA).await;
    for shown in ["Web App", "Acme Corp", "Ada Lovelace", "users:readonly", "user-basic-info", "web.example"] {
        assert!(page.html.contains(shown), "a46 {shown}");
    }
    let code = browser.submit(&page, CONSENT, &ACCEPT).await.code();
    let token = server.token(WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    assert_eq!(token["scope"], "users:readonly user-basic-info");
    browser.authorize(WEB, WEB_URI, &[]).await.code();

    ask_users(&server, &["users:readonly", "user-basic-info", "users"]).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", token["refresh_token"].as_str().unwrap())];
    let renewed = server.token(WEB_SECRET, &form).await.ok();
    assert_eq!(renewed["scope"], "users:readonly user-basic-info", "what the user did not see stays out");
    let page = browser.authorize(WEB, WEB_URI, &[]).await;
    assert!(page.has_form(CONSENT), "more than was accepted is asked for");
    let code = browser.submit(&page, CONSENT, &ACCEPT).await.code();
    assert_eq!(scope_of(&server, &code).await, "users:readonly user-basic-info users");
}

#[tokio::test]
async fn a45_a_user_who_denies_sends_access_denied_back() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users"]).await;
    let (mut browser, page) = consent_page(&server, ADA).await;
    let answer = browser.submit(&page, CONSENT, &[("decision", "deny")]).await;
    assert_eq!(answer.error(), "access_denied");
    assert_eq!(query_of(answer.location(), "state").as_deref(), Some("the-state"));
    assert_eq!(query_of(answer.location(), "iss").as_deref(), Some(server.app.origin.as_str()));
    assert!(browser.authorize(WEB, WEB_URI, &[]).await.has_form(CONSENT), "nothing was accepted");
}

#[tokio::test]
async fn a47_an_app_that_cannot_prove_itself_is_never_answered_silently() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    browser.code(NATIVE, NATIVE_URI, &[], ADA).await;
    server.advance(1);
    for uri in [NATIVE_URI, "http://127.0.0.1:51004/callback", "http://[::1]:51004/callback"] {
        for _ in 0..2 {
            let page = browser.authorize(NATIVE, uri, &[]).await;
            assert!(page.has_form(CONSENT), "{uri}");
            assert!(page.html.contains("This app answers on your own computer"), "a46 {uri}");
            browser.submit(&page, CONSENT, &ACCEPT).await.code();
        }
    }
    browser.authorize(SPA, SPA_URI, &[]).await.code();
}

#[tokio::test]
async fn a57_a_second_submit_gets_a_page_and_no_second_code() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users"]).await;
    let (mut browser, page) = consent_page(&server, ADA).await;
    browser.submit(&page, CONSENT, &ACCEPT).await.code();
    for decision in ["accept", "deny"] {
        let second = browser.submit(&page, CONSENT, &[("decision", decision)]).await;
        assert_eq!((second.status, second.location()), (400, ""));
        assert!(second.html.contains("Please start again"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a57_of_twenty_submits_at_once_one_gets_a_code() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users"]).await;
    let (browser, page) = consent_page(&server, ADA).await;
    let (server, page, cookies) = (&server, &page, &browser.cookies);
    let submits = (0..20).map(|_| async move {
        let mut tab = Browser::new(server);
        tab.cookies = cookies.clone();
        tab.submit(page, CONSENT, &ACCEPT).await
    });
    let answers = crate::support::at_once(submits).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
}

#[tokio::test]
async fn a57_two_tabs_are_two_decisions() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users"]).await;
    let (mut browser, first) = consent_page(&server, ADA).await;
    let second = browser.authorize(WEB, WEB_URI, &[("state", "second")]).await;
    browser.submit(&second, CONSENT, &[("decision", "deny")]).await.error();
    browser.submit(&first, CONSENT, &ACCEPT).await.code();
}

#[tokio::test]
async fn a58_a_form_for_another_users_interaction_is_refused_and_recorded() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users"]).await;
    let (_, victims_page) = consent_page(&server, ADA).await;
    let (mut attacker, _) = consent_page(&server, GRACE).await;
    let hidden = victims_page.hidden(CONSENT);
    let interaction = hidden.iter().find(|(name, _)| name == "interaction").unwrap().1.clone();
    // The attacker knows the interaction and, holding the cookie, can prove anything about it.
    let cookie = Secret::parse(SecretKind::Session, &attacker.cookies["countersign-session"]).unwrap();
    let csrf = cookie.proof(&format!("csrf:{interaction}"));
    let form =
        [("interaction", interaction.as_str()), ("csrf", csrf.as_str()), ("decision", "accept"), ("shown", "users")];
    let refused = attacker.post(CONSENT, &form).await;
    assert_eq!((refused.status, refused.location()), (403, ""));
    let audit = server.org("acme").audit(ListPage::new(1, 100)).await.unwrap();
    let record = audit.items.iter().find(|record| record.action.contains("consent.accept")).unwrap();
    assert!(record.after.to_string().contains("another session"), "{record:?}");
}

#[tokio::test]
async fn a59_a_page_of_an_earlier_session_is_refused() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users"]).await;
    let (mut browser, page) = consent_page(&server, ADA).await;
    let other = browser.authorize(WEB, WEB_URI, &[("org", "globex")]).await;
    let other =
        browser.submit(&other, "/oauth/sign-in", &[("email", "hedy@globex.test"), ("password", "silver comet")]).await;
    assert_eq!(other.status, 303);
    let refused = browser.submit(&page, CONSENT, &ACCEPT).await;
    assert_eq!((refused.status, refused.location()), (403, ""));
}

#[tokio::test]
async fn a60_scopes_that_were_not_shown_are_not_accepted() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users:readonly"]).await;
    let (mut browser, page) = consent_page(&server, ADA).await;
    let mut form = page.hidden(CONSENT);
    form.retain(|(name, _)| name != "shown");
    let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.extend([("decision", "accept"), ("shown", "users:readonly users oauth")]);
    let again = browser.post(CONSENT, &form).await;
    assert!(again.has_form(CONSENT), "the page is shown again: {}", again.html);
    let code = browser.submit(&again, CONSENT, &ACCEPT).await.code();
    assert_eq!(scope_of(&server, &code).await, "users:readonly");
}

#[tokio::test]
async fn what_changed_while_the_page_was_open_is_shown_before_it_is_accepted() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users:readonly"]).await;
    let (mut browser, page) = consent_page(&server, ADA).await;
    ask_users(&server, &["users:readonly", "oauth"]).await;
    let again = browser.submit(&page, CONSENT, &ACCEPT).await;
    assert!(again.has_form(CONSENT) && again.html.contains("oauth"));
    let code = browser.submit(&again, CONSENT, &ACCEPT).await.code();
    assert_eq!(scope_of(&server, &code).await, "users:readonly oauth");
}

#[tokio::test]
async fn a31_consent_without_the_proof_is_refused() {
    let server = Server::start(WORLD).await;
    ask_users(&server, &["users"]).await;
    let (mut browser, page) = consent_page(&server, ADA).await;
    let hidden = page.hidden(CONSENT);
    let interaction = hidden.iter().find(|(name, _)| name == "interaction").unwrap().1.clone();
    let form = [("interaction", interaction.as_str()), ("decision", "accept"), ("shown", "users")];
    assert_eq!(browser.post(CONSENT, &form).await.status, 403);
    browser.headers = vec![("sec-fetch-site", "cross-site".to_owned())];
    assert_eq!(browser.submit(&page, CONSENT, &ACCEPT).await.status, 403);
}

#[tokio::test]
async fn without_enforcement_an_app_of_another_organization_asks_each_user_once() {
    let server = Server::start(WORLD).await;
    let hedy = ("hedy@globex.test", "silver comet");
    let (mut browser, page) = consent_page(&server, hedy).await;
    assert!(!page.html.contains("Authorized by an administrator"));
    browser.submit(&page, CONSENT, &ACCEPT).await.code();
    browser.authorize(WEB, WEB_URI, &[]).await.code();
}
