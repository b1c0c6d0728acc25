//! Signing in: cookies, forged forms, guesses, and which organization.

use countersign_server::telemetry::metrics::SignIn;

use crate::support::browser::authorize_address;
use crate::support::{Browser, Page, Server, query_of};
use crate::world::{ADA, GRACE, WEB, WEB_URI, WORLD};

const BOTH: (&str, &str) = ("both@example.test", "the same word");

/// The lines of `Set-Cookie`, with secrets left out.
fn cookies_of(page: &Page) -> Vec<String> {
    let lines = page.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let without_value = |line: &str| {
        let (pair, attributes) = line.split_once(';').unwrap();
        format!("{}=…;{attributes}", pair.split_once('=').unwrap().0)
    };
    lines.map(without_value).collect()
}

async fn sign_in_page<'s>(server: &'s Server) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let page = browser.authorize(WEB, WEB_URI, &[]).await;
    (browser, page)
}

async fn home(browser: &mut Browser<'_>) -> String {
    browser.get("/").await.html
}

#[tokio::test]
async fn a34_cookies_on_a_loopback_issuer_are_http_only_lax_and_host_wide() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    assert_eq!(cookies_of(&page), ["countersign-presession=…; Path=/; HttpOnly; SameSite=Lax"]);
    let page = browser.submit(&page, "/oauth/sign-in", &[("email", ADA.0), ("password", ADA.1)]).await;
    assert_eq!(cookies_of(&page), ["countersign-session=…; Path=/; HttpOnly; SameSite=Lax"]);
}

#[tokio::test]
async fn a34_cookies_on_an_https_issuer_are_secure_and_host_bound() {
    let server = Server::start_on_https(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    assert_eq!(cookies_of(&page), ["__Host-countersign-presession=…; Path=/; HttpOnly; SameSite=Lax; Secure"]);
    let page = browser.submit(&page, "/oauth/sign-in", &[("email", ADA.0), ("password", ADA.1)]).await;
    assert_eq!(cookies_of(&page), ["__Host-countersign-session=…; Path=/; HttpOnly; SameSite=Lax; Secure"]);
    let page = browser.follow_within(page).await;
    assert_eq!(query_of(page.location(), "iss").as_deref(), Some("https://as.example"));
}

#[tokio::test]
async fn sign_ins_are_counted_by_what_came_of_them() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    for (email, password) in [(ADA.0, "wrong"), (ADA.0, ""), BOTH] {
        browser.submit(&page, "/oauth/sign-in", &[("email", email), ("password", password)]).await;
    }
    browser.code(WEB, WEB_URI, &[], ADA).await;
    let (signed_in, choice) = ((SignIn::SignedIn, 1), (SignIn::Choice, 1));
    let expected = [signed_in, choice, (SignIn::WrongCredentials, 1), (SignIn::Incomplete, 1)];
    assert_eq!(server.app.metrics.sign_ins.counts(), expected);
}

#[tokio::test]
async fn a28_a_posted_form_is_answered_with_303() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    let page = browser.submit(&page, "/oauth/sign-in", &[("email", ADA.0), ("password", ADA.1)]).await;
    assert_eq!(page.status, 303);
    assert_eq!(browser.follow_within(page).await.status, 303);
}

#[tokio::test]
async fn a31_a32_a_form_of_another_browser_is_refused() {
    let server = Server::start(WORLD).await;
    let who = [("email", ADA.0), ("password", ADA.1)];
    let (_, attackers_page) = sign_in_page(&server).await;
    let (mut victim, own_page) = sign_in_page(&server).await;
    let refused = victim.submit(&attackers_page, "/oauth/sign-in", &who).await;
    assert_eq!((refused.status, cookies_of(&refused).len()), (403, 0));

    let hidden = own_page.hidden("/oauth/sign-in");
    let interaction = hidden.iter().find(|(name, _)| name == "interaction").unwrap().1.clone();
    for csrf in ["", "wrong"] {
        let form = [("interaction", interaction.as_str()), ("csrf", csrf), who[0], who[1]];
        assert_eq!(victim.post("/oauth/sign-in", &form).await.status, 403);
    }
    let mut without_cookies = Browser::new(&server);
    assert_eq!(without_cookies.submit(&own_page, "/oauth/sign-in", &who).await.status, 403);
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        victim.headers = vec![(name, value.to_owned())];
        assert_eq!(victim.submit(&own_page, "/oauth/sign-in", &who).await.status, 403, "{name}");
    }
    victim.headers = vec![("sec-fetch-site", "same-origin".to_owned()), ("origin", "null".to_owned())];
    assert_eq!(victim.submit(&own_page, "/oauth/sign-in", &who).await.status, 303);
}

#[tokio::test]
async fn a33_the_session_has_a_new_secret_after_each_sign_in_and_the_old_one_is_dead() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    let first = browser.cookies["countersign-session"].clone();
    server.advance(1);
    let page = browser.authorize(WEB, WEB_URI, &[("prompt", "login")]).await;
    browser.sign_in(&page, GRACE.0, GRACE.1).await.code();
    let second = browser.cookies["countersign-session"].clone();
    assert_ne!(first, second);
    assert!(home(&mut browser).await.contains("Signed in as <strong><bdi>Grace Hopper"));
    browser.cookies.insert("countersign-session".to_owned(), first);
    assert!(home(&mut browser).await.contains("Nobody is signed in"));
}

#[tokio::test]
async fn a33_a_session_secret_that_somebody_planted_is_not_taken_over() {
    let server = Server::start(WORLD).await;
    let planted = "cs_se_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let mut browser = Browser::new(&server);
    browser.cookies.insert("countersign-session".to_owned(), planted.to_owned());
    browser.code(WEB, WEB_URI, &[], ADA).await;
    assert_ne!(browser.cookies["countersign-session"], planted);
}

#[tokio::test]
async fn f01_every_failed_sign_in_says_the_same() {
    let server = Server::start(WORLD).await;
    let mut texts = Vec::new();
    for (email, password) in [
        (ADA.0, "wrong"),
        ("nobody@acme.test", "wrong"),
        ("not an address", "wrong"),
        ("gone@acme.test", "lunar module"),
        (ADA.0, &"long ".repeat(400)),
    ] {
        let (mut browser, page) = sign_in_page(&server).await;
        let page = browser.submit(&page, "/oauth/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!((page.status, cookies_of(&page).len()), (422, 0), "{email}");
        assert!(!page.html.contains(password), "a password never comes back");
        texts.push(page.html.split("role=\"alert\"").nth(1).unwrap().split("</div>").next().unwrap().to_owned());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn f03_f04_ten_failures_in_a_row_make_the_next_try_wait_however_the_email_is_written() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    for email in ["ada@acme.test", "ADA@acme.test", "Ada@Acme.Test"].iter().cycle().take(10) {
        let page = browser.submit(&page, "/oauth/sign-in", &[("email", email), ("password", "wrong")]).await;
        assert_eq!(page.status, 422);
    }
    let right = [("email", ADA.0), ("password", ADA.1)];
    let limited = browser.submit(&page, "/oauth/sign-in", &right).await;
    assert_eq!(limited.status, 429);
    assert!(limited.html.contains("15 minutes"), "{}", limited.html);
    assert_ne!(limited.header("retry-after"), "");
    let grace = [("email", GRACE.0), ("password", GRACE.1)];
    let (mut other, other_page) = sign_in_page(&server).await;
    assert_eq!(other.submit(&other_page, "/oauth/sign-in", &grace).await.status, 303);
    server.advance(15 * 60);
    assert_eq!(browser.submit(&page, "/oauth/sign-in", &right).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f04_parallel_guesses_count_too() {
    let server = Server::start(WORLD).await;
    let mut pages = Vec::new();
    for _ in 0..20 {
        pages.push(sign_in_page(&server).await);
    }
    let guesses = pages.into_iter().map(|(mut browser, page)| async move {
        browser.submit(&page, "/oauth/sign-in", &[("email", ADA.0), ("password", "wrong")]).await.status
    });
    let statuses = crate::support::at_once(guesses).await;
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 10, "{statuses:?}");
}

#[tokio::test]
async fn an_empty_field_is_asked_for() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    let page = browser.submit(&page, "/oauth/sign-in", &[("email", ADA.0)]).await;
    assert_eq!(page.status, 422);
    assert!(page.html.contains("Both are needed") && page.html.contains("value=\"ada@acme.test\""));
}

#[tokio::test]
async fn an_email_of_several_organizations_is_asked_which_after_the_password() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    let choice = browser.sign_in(&page, BOTH.0, BOTH.1).await;
    assert!(choice.html.contains("Which organization?"));
    assert!(choice.html.contains("value=\"acme\"") && choice.html.contains("value=\"globex\""));
    assert!(!browser.cookies.contains_key("countersign-session"), "nobody is signed in yet");

    let refused = browser.submit(&choice, "/oauth/sign-in", &[("org", "countersign")]).await;
    assert_eq!(refused.status, 403);
    let page = browser.submit(&choice, "/oauth/sign-in", &[("org", "acme")]).await;
    browser.follow_within(page).await.code();
    assert!(home(&mut browser).await.contains("Both Acme"));
}

#[tokio::test]
async fn the_organization_that_the_app_names_decides() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let page = browser.authorize(WEB, WEB_URI, &[("org", "acme"), ("provider", "okta")]).await;
    assert!(page.html.contains("<bdi>Acme Corp</bdi>"));
    browser.sign_in(&page, BOTH.0, BOTH.1).await.code();
    assert!(home(&mut browser).await.contains("Both Acme"));

    let page = browser.authorize(WEB, WEB_URI, &[("org", "globex")]).await;
    assert!(page.has_form("/oauth/sign-in"), "a session elsewhere does not count");
    browser.sign_in(&page, BOTH.0, BOTH.1).await;
    assert!(home(&mut browser).await.contains("Both Globex"));
}

#[tokio::test]
async fn a_login_hint_fills_the_form_and_proves_nothing() {
    let server = Server::start(WORLD).await;
    let page = Browser::new(&server).authorize(WEB, WEB_URI, &[("login_hint", "ada@acme.test:acme")]).await;
    assert!(page.html.contains("value=\"ada@acme.test\"") && page.html.contains("<bdi>Acme Corp</bdi>"));
    assert!(page.has_form("/oauth/sign-in"));
}

#[tokio::test]
async fn a39_prompt_login_asks_again() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    server.advance(1);
    browser.authorize(WEB, WEB_URI, &[]).await.code();
    let page = browser.authorize(WEB, WEB_URI, &[("prompt", "login")]).await;
    assert!(page.has_form("/oauth/sign-in"));
    browser.sign_in(&page, ADA.0, ADA.1).await.code();
}

#[tokio::test]
async fn a37_prompt_none_answers_where_somebody_is_signed_in_and_fails_otherwise() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.authorize(WEB, WEB_URI, &[("prompt", "none")]).await.error(), "login_required");
    browser.code(WEB, WEB_URI, &[], ADA).await;
    browser.authorize(WEB, WEB_URI, &[("prompt", "none")]).await.code();
    let unauthorized = [("prompt", "none"), ("scope", "oauth")];
    assert_eq!(browser.authorize(WEB, WEB_URI, &unauthorized).await.error(), "interaction_required");
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_use() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    for _ in 0..3 {
        server.advance(29 * 60);
        browser.authorize(WEB, WEB_URI, &[]).await.code();
    }
    server.advance(30 * 60);
    assert!(browser.authorize(WEB, WEB_URI, &[]).await.has_form("/oauth/sign-in"));
}

#[tokio::test]
async fn a60_what_a_form_sends_besides_its_own_fields_changes_nothing() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    let more = [
        ("email", ADA.0),
        ("password", ADA.1),
        ("redirect_uri", "https://evil.example/"),
        ("response_type", "token"),
        ("scope", "oauth"),
        ("client_id", "spa"),
        ("state", "another"),
    ];
    let page = browser.submit(&page, "/oauth/sign-in", &more).await;
    let page = browser.follow_within(page).await;
    page.code();
    assert!(page.location().starts_with(WEB_URI));
    assert_eq!(query_of(page.location(), "state").as_deref(), Some("the-state"));
}

#[tokio::test]
async fn a_page_that_waited_too_long_says_so() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    server.advance(30 * 60);
    let page = browser.submit(&page, "/oauth/sign-in", &[("email", ADA.0), ("password", ADA.1)]).await;
    assert_eq!(page.status, 400);
    assert!(page.html.contains("Please start again"));
}

#[tokio::test]
async fn the_way_back_belongs_to_the_browser_that_signed_in() {
    let server = Server::start(WORLD).await;
    let (mut browser, page) = sign_in_page(&server).await;
    let page = browser.submit(&page, "/oauth/sign-in", &[("email", ADA.0), ("password", ADA.1)]).await;
    let way_back = page.location().to_owned();
    let stranger = Browser::new(&server).get(&way_back).await;
    assert_eq!((stranger.status, stranger.location()), (400, ""));
    browser.get(&way_back).await.code();
    let again = browser.get(&way_back).await;
    assert_eq!((again.status, again.location()), (400, ""), "one request, one code");
}

#[tokio::test]
async fn the_sign_in_page_may_lead_to_the_app_and_nowhere_else() {
    let server = Server::start(WORLD).await;
    let page = Browser::new(&server).get(&authorize_address(WEB, WEB_URI, &[])).await;
    assert!(page.header("content-security-policy").contains("form-action 'self' https://web.example;"));
}
