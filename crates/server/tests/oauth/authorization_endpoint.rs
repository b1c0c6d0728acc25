//! The authorization endpoint (RFC 6749 §3.1, §4.1.1; RFC 9207): what is answered with a page, what by redirect.

use countersign_domain::id::ClientId;

use crate::support::browser::authorize_address;
use crate::support::{Browser, CHALLENGE, Server, query_of};
use crate::world::{ADA, LAX, LAX_URI, WEB, WEB_URI, WORLD};

/// What must never be redirected: a page with status 400, and no `Location`.
async fn assert_page(server: &Server, address: &str, names: &str) {
    let page = Browser::new(server).get(address).await;
    assert_eq!((page.status, page.location()), (400, ""), "{address}");
    assert!(page.html.contains("This app sent you here the wrong way"), "{address}");
    assert!(page.html.contains(names), "{address}: {names}");
    assert!(!page.html.contains("evil.example"), "{address}");
}

async fn error_of(server: &Server, more: &[(&str, &str)]) -> String {
    let page = Browser::new(server).authorize(WEB, WEB_URI, more).await;
    assert!(page.location().starts_with(WEB_URI), "{more:?}");
    assert_eq!(query_of(page.location(), "iss").as_deref(), Some(server.app.origin.as_str()));
    page.error()
}

#[tokio::test]
async fn a01_a02_a03_a35_an_unregistered_redirect_uri_gets_a_page_and_no_redirect() {
    let server = Server::start(WORLD).await;
    for near in [
        "https://web.example/callback?x=1",
        "https://web.example/callback/x",
        "https://web.example//callback",
        "https://web.example/..;/callback",
        "https://web.example/%2e/callback",
        "https://web.example/%63allback",
        "https://Web.example/callback",
        "https://web.example/CALLBACK",
        "https://web.example@evil.example/callback",
        "https://web.example:443/callback",
        "https://a.web.example/callback",
        "https://web.example/callback#x",
        "https://web.example/callbac",
        "https://evil.example/callback",
        "javascript:alert(1)",
    ] {
        assert_page(&server, &authorize_address(WEB, near, &[]), "redirect_uri").await;
    }
}

#[tokio::test]
async fn a07_an_absent_redirect_uri_gets_a_page_while_several_are_registered_and_works_for_the_only_one() {
    let server = Server::start(WORLD).await;
    assert_page(&server, &authorize_address("code-only", "", &[]), "redirect_uri").await;
    let mut browser = Browser::new(&server);
    let code = browser.code(WEB, "", &[], ADA).await;
    assert!(code.starts_with("cs_ac_"));
}

#[tokio::test]
async fn a08_unknown_missing_and_disabled_clients_get_one_page() {
    let server = Server::start(WORLD).await;
    let change = countersign_store::client::ClientChange {
        state: Some(countersign_domain::client::ClientState::Disabled),
        ..Default::default()
    };
    let disabled = ClientId::parse("lax-app").unwrap();
    server.org("acme").update_client(&disabled, &change).await.unwrap();
    let mut texts = Vec::new();
    for client in ["nobody", "", "lax-app", "a/b"] {
        let address = authorize_address(client, LAX_URI, &[]);
        assert_page(&server, &address, "client_id").await;
        let html = Browser::new(&server).get(&address).await.html;
        texts.push(html.split("Reference").next().unwrap().to_owned());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "one text for all");
}

#[tokio::test]
async fn a09_a10_a19_a20_a21_what_is_wrong_otherwise_goes_back_to_the_app() {
    let server = Server::start(WORLD).await;
    for (more, error) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "id_token"), "unsupported_response_type"),
        (("response_type", "token id_token"), "unsupported_response_type"),
        (("response_type", "code token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "S512"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "too-short"), "invalid_request"),
        (("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), "invalid_request"),
        (("scope", "userz"), "invalid_scope"),
        (("request", "x"), "request_not_supported"),
        (("response_mode", "fragment"), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        assert_eq!(error_of(&server, &[more]).await, error, "{more:?}");
    }
}

#[tokio::test]
async fn a19_a_challenge_may_be_missing_only_where_the_registration_says_so() {
    let server = Server::start(WORLD).await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(error_of(&server, &without).await, "invalid_request");
    let page = Browser::new(&server).authorize(LAX, LAX_URI, &without).await;
    assert!(page.has_form("/oauth/sign-in"));
}

#[tokio::test]
async fn a11_a_doubled_parameter_is_refused_and_gets_a_page_for_client_id_and_redirect_uri() {
    let server = Server::start(WORLD).await;
    let usual = authorize_address(WEB, WEB_URI, &[]);
    assert_page(&server, &format!("{usual}&client_id=web-app"), "client_id").await;
    assert_page(&server, &format!("{usual}&redirect_uri=https://evil.example/"), "redirect_uri").await;
    for doubled in ["state=x", "scope=users&scope=users", "code_challenge=x", "something=1&something=2"] {
        let page = Browser::new(&server).get(&format!("{usual}&{doubled}")).await;
        assert_eq!(page.error(), "invalid_request", "{doubled}");
    }
    let resources = format!("{usual}&resource={0}&resource={0}", server.app.origin);
    assert!(Browser::new(&server).get(&resources).await.has_form("/oauth/sign-in"));
}

#[tokio::test]
async fn a12_a13_unknown_and_empty_parameters_are_ignored() {
    let server = Server::start(WORLD).await;
    let address = format!("{}&magic=1&scope=&nonce=n&target=t&provider=p", authorize_address(WEB, WEB_URI, &[]));
    assert!(Browser::new(&server).get(&address).await.has_form("/oauth/sign-in"));
}

#[tokio::test]
async fn a14_a15_a_posted_form_goes_on_as_a_query_and_other_bodies_are_refused() {
    let server = Server::start(WORLD).await;
    let address = authorize_address(WEB, WEB_URI, &[]);
    let (_, query) = address.split_once('?').unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let posted = server.send("POST", "/oauth/authorize", &form, query.to_owned()).await;
    assert_eq!((posted.status, posted.header("location")), (303, address.as_str()));
    for media_type in ["application/json", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", media_type)];
        assert_eq!(server.send("POST", "/oauth/authorize", &headers, "{}").await.status, 415, "{media_type}");
    }
}

#[tokio::test]
async fn a25_the_state_comes_back_byte_for_byte() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    let long = "s".repeat(4_096);
    for state in
        ["x", &long, "grüße 👋", "<script>alert(1)</script>", "a\r\nSet-Cookie: x=1", "a+b%20c&d=e#f", "'\";--"]
    {
        let page = browser.authorize(WEB, WEB_URI, &[("state", state)]).await;
        page.code();
        assert_eq!(query_of(page.location(), "state").as_deref(), Some(state));
        let page = browser.authorize(WEB, WEB_URI, &[("state", state), ("scope", "userz")]).await;
        assert_eq!(page.error(), "invalid_scope");
        assert_eq!(query_of(page.location(), "state").as_deref(), Some(state));
    }
}

#[tokio::test]
async fn a26_a56_a_state_or_query_over_the_limit_is_refused_and_not_cut() {
    let server = Server::start(WORLD).await;
    assert_eq!(error_of(&server, &[("state", &"s".repeat(8_193))]).await, "invalid_request");
    let page = Browser::new(&server).authorize(WEB, WEB_URI, &[("state", &"s".repeat(20_000))]).await;
    assert_eq!(page.status, 414);
    let many = format!("{}{}", authorize_address(WEB, WEB_URI, &[]), "&a=b".repeat(100));
    assert_eq!(Browser::new(&server).get(&many).await.status, 400);
}

#[tokio::test]
async fn a23_a27_a_success_carries_code_state_and_issuer_and_nothing_else() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    browser.code(WEB, WEB_URI, &[], ADA).await;
    let page = browser.authorize(WEB, WEB_URI, &[]).await;
    let code = page.code();
    // 256 random bits and a checksum, in base64url
    assert_eq!(code.len(), "cs_ac_".len() + 43 + 6);
    let issuer = server.app.origin.as_str().replace(':', "%3A").replace('/', "%2F");
    assert_eq!(page.location(), format!("{WEB_URI}?code={code}&state=the-state&iss={issuer}"));
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
}

#[tokio::test]
async fn the_aliases_are_the_same_endpoint() {
    let server = Server::start(WORLD).await;
    let address = authorize_address(WEB, WEB_URI, &[]).replace("/oauth/authorize", "/authorize");
    assert!(Browser::new(&server).get(&address).await.has_form("/oauth/sign-in"));
}

#[tokio::test]
async fn a29_a30_every_page_and_refusal_forbids_frames_scripts_and_referrers() {
    let server = Server::start(WORLD).await;
    let mut browser = Browser::new(&server);
    let sign_in = browser.authorize(WEB, WEB_URI, &[]).await;
    let lost = ["/", "/logout", "/no/such/page", "/oauth/sign-in", "/oauth/consent"].map(str::to_owned);
    let addresses = lost.into_iter().chain([authorize_address("nobody", WEB_URI, &[])]);
    let mut pages = vec![sign_in];
    for address in addresses {
        pages.push(Browser::new(&server).get(&address).await);
    }
    for page in pages {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{}", page.html);
        assert_eq!((page.header("x-frame-options"), page.header("referrer-policy")), ("DENY", "no-referrer"));
        assert_eq!((page.header("x-content-type-options"), page.header("cache-control")), ("nosniff", "no-store"));
    }
}

/// A page without what is random in it.
fn without_secrets(html: &str) -> String {
    let parts = html.split('"').map(|part| if part.len() >= 40 && !part.contains(' ') { "secret" } else { part });
    parts.collect::<Vec<_>>().join("\"")
}

#[tokio::test]
async fn a50_nothing_depends_on_the_view_that_a_page_is_shown_in() {
    let server = Server::start(WORLD).await;
    let sign_in = authorize_address(WEB, WEB_URI, &[]);
    for address in [&sign_in, "/device", "/logout"] {
        let mut shown = Vec::new();
        for view in [
            &[("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")] as &[_],
            &[(
                "user-agent",
                "Mozilla/5.0 (Linux; Android 16; wv) AppleWebKit/537.36 Version/4.0 Chrome/143.0 Mobile Safari/537.36",
            )],
            &[
                (
                    "user-agent",
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/22A",
                ),
                ("x-requested-with", "com.example.app"),
            ],
            &[],
        ] {
            let accept = ("accept", "text/html");
            let page = server.send("GET", address, &[view, &[accept]].concat(), String::new()).await;
            assert_eq!(page.status, 200, "{address} {view:?}");
            // RFC 8252 §8.12: there is no script that an app around the page could answer or be answered by
            assert!(!page.text.contains("<script") && !page.header("content-security-policy").contains("script-src"));
            shown.push(without_secrets(&page.text));
        }
        assert!(shown.windows(2).all(|two| two[0] == two[1]), "{address}");
    }
}

#[tokio::test]
async fn a_program_at_a_wrong_address_gets_a_line_and_the_methods_that_there_are() {
    let server = Server::start(WORLD).await;
    let nowhere = server.send("GET", "/no/such/page", &[], String::new()).await;
    assert_eq!((nowhere.status, nowhere.text.as_str()), (404, "nothing here\n"));
    let form = server.send("GET", "/oauth/sign-in", &[], String::new()).await;
    assert_eq!((form.status, form.text.as_str()), (405, "this address takes other methods\n"));
    assert_eq!(form.headers["allow"], "POST");
}

#[tokio::test]
async fn a22_a_challenge_that_is_used_again_is_accepted_and_noticed() {
    let server = Server::start(WORLD).await;
    let (client, mut browser) = (ClientId::parse(WEB).unwrap(), Browser::new(&server));
    browser.code(WEB, WEB_URI, &[], ADA).await;
    assert!(!server.app.challenges.is_first(&client, CHALLENGE), "the code was noted");
    assert!(browser.code(WEB, WEB_URI, &[], ADA).await.starts_with("cs_ac_"));
}
