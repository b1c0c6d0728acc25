//! Text that attackers choose, on every page of the flow (A61): shown as text, never as markup.

use crate::support::{Browser, Page, Server};
use crate::world::{ADA, FOREIGN, FOREIGN_URI, GRACE, WORLD};

const CORPUS: [&str; 4] = [
    "<script>alert(1)</script>",
    "\\\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus=alert(1) x='",
    "</title></textarea><svg onload=alert(1)>",
];

#[track_caller]
fn assert_harmless(page: &Page, attack: &str) {
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for markup in ["<script", "<img", "<svg onload", "onerror=alert(1)>", "' autofocus onfocus"] {
        assert!(!page.html.contains(markup), "{attack}: {markup} in\n{}", page.html);
    }
}

#[tokio::test]
async fn a61_names_that_attackers_choose_are_text_on_every_page() {
    for attack in CORPUS {
        let world = WORLD
            .replace("name: Foreign App\n", &format!("name: \"{attack}\"\n        description: \"{attack}\"\n"))
            .replace("name: Acme Corp\n", &format!("name: \"{attack}\"\n"))
            .replace("name: Ada Lovelace\n", &format!("name: \"{attack}\"\n"));
        let server = Server::start(&world).await;
        let shown = attack.replace('\\', "");
        let mut ada = Browser::new(&server);
        let hints = [("login_hint", shown.as_str()), ("ui_locales", &shown), ("state", &shown), ("org", "acme")];
        let page = ada.authorize(FOREIGN, FOREIGN_URI, &hints).await;
        assert_harmless(&page, attack);
        let page = ada.submit(&page, "/oauth/sign-in", &[("email", &shown), ("password", "x")]).await;
        assert_harmless(&page, attack);
        let page = ada.sign_in(&page, ADA.0, ADA.1).await;
        assert!(page.has_form("/oauth/request"));
        assert_harmless(&page, attack);
        let page = ada.submit(&page, "/oauth/request", &[("reason", &shown)]).await;
        assert_harmless(&page, attack);
        let page = ada.get("/").await;
        assert_harmless(&page, attack);

        let mut grace = Browser::new(&server);
        let page = grace.authorize(FOREIGN, FOREIGN_URI, &[]).await;
        let page = grace.sign_in(&page, GRACE.0, GRACE.1).await;
        assert!(page.has_form("/oauth/approval"));
        assert_harmless(&page, attack);
        let form = [("decision", "approve"), ("scope", "users"), ("consent", "user")];
        let page = grace.submit(&page, "/oauth/approval", &form).await;
        let page = grace.follow_within(page).await;
        assert!(page.has_form("/oauth/consent"));
        assert_harmless(&page, attack);
    }
}

#[tokio::test]
async fn a61_what_a_device_is_called_and_what_a_link_brings_is_text_too() {
    for attack in CORPUS {
        let world = WORLD
            .replace(
                "name: Native App\n        grant_types: [",
                &format!("name: \"{attack}\"\n        grant_types: [device_code, "),
            )
            .replace("client: Native App", &format!("client: \"{attack}\""));
        let server = Server::start(&world).await;
        let shown = attack.replace('\\', "");
        let asked = server.call_as_client("/oauth/device", "", &[("client_id", "native-app")]).await.ok();
        let mut ada = Browser::new(&server);
        let page = ada.get(&format!("/device?{}", crate::support::encode(&[("user_code", &shown)]))).await;
        let page = ada.sign_in(&page, ADA.0, ADA.1).await;
        assert!(page.has_form("/device"));
        assert_harmless(&page, attack);
        let page = ada.submit(&page, "/device", &[("user_code", &shown)]).await;
        assert_harmless(&page, attack);
        let page = ada.submit(&page, "/device", &[("user_code", asked["user_code"].as_str().unwrap())]).await;
        assert!(page.has_form("/device/confirm"));
        assert_harmless(&page, attack);
        let page = ada.submit(&page, "/device/confirm", &[("decision", "continue")]).await;
        assert!(page.html.contains("Your device is connected"));
        assert_harmless(&page, attack);
    }
}

#[tokio::test]
async fn a61_what_a_request_says_is_text_on_the_error_page() {
    let server = Server::start(WORLD).await;
    for attack in CORPUS {
        let shown = attack.replace('\\', "");
        for (name, value) in [("client_id", shown.as_str()), ("redirect_uri", &shown), ("error", &shown)] {
            let page = Browser::new(&server).authorize("nobody", FOREIGN_URI, &[(name, value)]).await;
            assert_eq!(page.status, 400);
            assert_harmless(&page, attack);
        }
    }
}
