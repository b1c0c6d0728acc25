//! Apps that the organization has not authorized: the request of users, the decision of administrators, and what follows.

use countersign_decision::{AuthorizationState, Enforcement, Scope};
use countersign_domain::authorization::{ConsentMode, ScopeGrant};
use countersign_domain::id::ClientId;
use countersign_store::Page as ListPage;
use countersign_store::authorization::GrantChange;
use countersign_store::client::{CONSOLE_CLIENT, ClientChange};

use crate::support::browser::redemption;
use crate::support::{Browser, Page, Server};
use crate::world::{ADA, FOREIGN, FOREIGN_SECRET, FOREIGN_URI, GRACE, WEB, WEB_URI, WORLD};

const APPROVAL: &str = "/oauth/approval";
const REQUEST: &str = "/oauth/request";
const APPROVE: [(&str, &str); 3] = [("decision", "approve"), ("scope", "users"), ("scope", "users:readonly")];
const DENY: [(&str, &str); 1] = [("decision", "deny")];

/// What somebody sees who comes with the foreign app.
async fn arrive<'s>(server: &'s Server, who: (&str, &str)) -> (Browser<'s>, Page) {
    let mut browser = Browser::new(server);
    let page = browser.authorize(FOREIGN, FOREIGN_URI, &[]).await;
    let page = browser.sign_in(&page, who.0, who.1).await;
    (browser, page)
}

async fn grant_of(server: &Server, client: &str) -> Option<ScopeGrant> {
    server.org("acme").authorization(&ClientId::parse(client).unwrap()).await.unwrap().map(|(grant, _)| grant)
}

async fn audit_actions(server: &Server) -> Vec<(String, String, String)> {
    let audit = server.org("acme").audit(ListPage::new(1, 100)).await.unwrap();
    audit.items.into_iter().map(|record| (record.actor, record.action, record.after.to_string())).collect()
}

fn change(scopes: &[&str]) -> GrantChange {
    GrantChange {
        scopes: scopes.iter().map(|scope| scope.parse::<Scope>().unwrap()).collect(),
        roles: Vec::new(),
        consent: ConsentMode::Administrator,
        expected_version: None,
        reason: String::new(),
    }
}

fn names(scopes: &[Scope]) -> Vec<&str> {
    scopes.iter().map(Scope::as_str).collect()
}

#[tokio::test]
async fn a18_a_user_asks_an_administrator_approves_and_the_users_next_try_goes_through() {
    let server = Server::start(WORLD).await;
    let (mut ada, page) = arrive(&server, ADA).await;
    assert!(page.has_form(REQUEST) && !page.has_form(APPROVAL) && !page.has_form("/oauth/consent"));
    assert!(page.html.contains("Grace Hopper"), "who can approve");
    let sent = ada.submit(&page, REQUEST, &[("reason", "I plan the roster with it.")]).await;
    assert!(sent.html.contains("Your request is sent"));
    assert_eq!(grant_of(&server, FOREIGN).await.unwrap().state, AuthorizationState::Requested);
    let again = ada.authorize(FOREIGN, FOREIGN_URI, &[]).await;
    assert!(again.html.contains("Still waiting for approval") && again.html.contains("I plan the roster with it."));

    let (mut grace, page) = arrive(&server, GRACE).await;
    for shown in ["Foreign App", "Globex", "Ada Lovelace", "I plan the roster with it.", "foreign.example"] {
        assert!(page.html.contains(shown), "{shown}");
    }
    assert!(page.html.contains("could newly call") && page.html.contains("of 3 users"), "what approving would change");
    let back = grace.submit(&page, APPROVAL, &APPROVE).await;
    assert_eq!(back.status, 303);
    grace.follow_within(back).await.code();
    let granted = grant_of(&server, FOREIGN).await.unwrap();
    assert_eq!(
        (granted.state, names(&granted.scopes)),
        (AuthorizationState::Authorized, vec!["users", "users:readonly"])
    );

    let code = ada.authorize(FOREIGN, FOREIGN_URI, &[]).await.code();
    let token = server.token(FOREIGN_SECRET, &redemption(&code, FOREIGN_URI)).await.ok();
    let users = server.api("GET", "/api/v2/users", token["access_token"].as_str().unwrap()).await;
    assert_eq!(users.status, 200, "{}", users.text);
}

#[tokio::test]
async fn a18_an_unauthorized_scope_of_an_authorized_app_is_decided_too() {
    let server = Server::start(WORLD).await;
    let mut ada = Browser::new(&server);
    let page = ada.authorize(WEB, WEB_URI, &[("scope", "users oauth")]).await;
    assert!(ada.sign_in(&page, ADA.0, ADA.1).await.has_form(REQUEST));

    let mut grace = Browser::new(&server);
    let page = grace.authorize(WEB, WEB_URI, &[("scope", "users oauth")]).await;
    let page = grace.sign_in(&page, GRACE.0, GRACE.1).await;
    assert!(page.html.contains("asks for more"));
    let refused = grace.submit(&page, APPROVAL, &DENY).await;
    assert_eq!(refused.error(), "access_denied");
    let kept = grant_of(&server, WEB).await.unwrap();
    assert_eq!(kept.state, AuthorizationState::Authorized, "what the app may do already stays");
    assert_eq!(names(&kept.scopes), ["users", "users:readonly", "user-basic-info"]);
}

#[tokio::test]
async fn a_decision_leaves_an_audit_record_with_person_and_app() {
    let server = Server::start(WORLD).await;
    let (mut grace, page) = arrive(&server, GRACE).await;
    grace.submit(&page, APPROVAL, &APPROVE).await;
    let audit = server.org("acme").audit(ListPage::new(1, 100)).await.unwrap();
    let record = audit.items.iter().find(|record| record.entity_id == FOREIGN).unwrap();
    assert_eq!(record.action, "authorization.grant");
    assert_eq!((record.actor_kind.as_str(), record.through_client.as_deref()), ("user", Some(CONSOLE_CLIENT)));
}

#[tokio::test]
async fn a_denied_app_is_refused_for_everybody_and_can_be_approved_later() {
    let server = Server::start(WORLD).await;
    let (mut grace, page) = arrive(&server, GRACE).await;
    assert_eq!(grace.submit(&page, APPROVAL, &DENY).await.error(), "access_denied");
    assert_eq!(grant_of(&server, FOREIGN).await.unwrap().state, AuthorizationState::Denied);

    let (_, page) = arrive(&server, ADA).await;
    assert_eq!(page.status, 403);
    assert!(page.html.contains("does not allow this app") && !page.has_form(REQUEST));

    let page = grace.authorize(FOREIGN, FOREIGN_URI, &[]).await;
    assert!(page.html.contains("denied this app before"));
    let back = grace.submit(&page, APPROVAL, &APPROVE).await;
    grace.follow_within(back).await.code();
}

#[tokio::test]
async fn who_may_not_approve_cannot_by_posting_the_form() {
    let server = Server::start(WORLD).await;
    let (mut ada, page) = arrive(&server, ADA).await;
    let (_, approvers_page) = arrive(&server, GRACE).await;
    let mut form = page.hidden(REQUEST);
    form.extend(approvers_page.hidden(APPROVAL).into_iter().filter(|(name, _)| name == "shown"));
    let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.extend(APPROVE);
    let answer = ada.post(APPROVAL, &form).await;
    assert!(answer.has_form(REQUEST), "{}", answer.html);
    assert_eq!(grant_of(&server, FOREIGN).await, None);
    let refused = audit_actions(&server).await;
    assert!(
        refused.iter().any(
            |(_, action, after)| action.contains("authorization.grant") && after.contains("may not authorize apps")
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn invariant_13_the_permission_to_grant_is_what_counts_and_no_other() {
    for (permissions, may) in [
        ("[\"oauth:client:authorize\"]", true),
        ("[\"oauth:*:*\"]", true),
        ("[\"oauth:client:add\", \"oauth:client:edit\", \"oauth:client:view\", \"oauth:client:delete\"]", false),
        ("[\"directory:*:*\", \"authorization:*:*\", \"admin\"]", false),
    ] {
        let server = Server::start(&WORLD.replace("[\"oauth:client:*\"]", permissions)).await;
        let (_, page) = arrive(&server, GRACE).await;
        assert_eq!(page.has_form(APPROVAL), may, "{permissions}");
    }
}

#[tokio::test]
async fn invariant_20_what_was_shown_is_what_is_granted() {
    let server = Server::start(WORLD).await;
    let (foreign, scopes) = (ClientId::parse(FOREIGN).unwrap(), ["users:readonly"]);
    let (mut grace, page) = arrive(&server, GRACE).await;
    // another administrator decides meanwhile
    server.org("acme").grant(&foreign, &change(&scopes)).await.unwrap();
    server.org("acme").revoke(&foreign).await.unwrap();
    let moved = grace.submit(&page, APPROVAL, &APPROVE).await;
    assert_eq!(moved.status, 409);
    assert!(moved.html.contains("Something changed while this page was open"));
    assert_eq!(grant_of(&server, FOREIGN).await.unwrap().state, AuthorizationState::Revoked);
    // the app changes meanwhile
    let renamed = ClientChange { name: Some("Another Name".to_owned()), ..ClientChange::default() };
    server.org("globex").update_client(&foreign, &renamed).await.unwrap();
    let moved = grace.submit(&moved, APPROVAL, &APPROVE).await;
    assert_eq!(moved.status, 409);
    assert!(moved.html.contains("Another Name"));
    let back = grace.submit(&moved, APPROVAL, &APPROVE).await;
    grace.follow_within(back).await.code();
}

#[tokio::test]
async fn a_decision_that_somebody_else_made_meanwhile_is_not_made_again() {
    let server = Server::start(WORLD).await;
    let (mut grace, page) = arrive(&server, GRACE).await;
    server.org("acme").grant(&ClientId::parse(FOREIGN).unwrap(), &change(&["users:readonly"])).await.unwrap();
    grace.submit(&page, APPROVAL, &APPROVE).await.code();
    assert_eq!(names(&grant_of(&server, FOREIGN).await.unwrap().scopes), ["users:readonly"]);
}

#[tokio::test]
async fn only_what_the_page_offered_can_be_granted() {
    let server = Server::start(WORLD).await;
    let (mut grace, page) = arrive(&server, GRACE).await;
    for bad in [
        vec![("decision", "approve"), ("scope", "users"), ("scope", "no-such-scope")],
        vec![("decision", "approve"), ("scope", "users"), ("role", "no-such-role")],
        vec![("decision", "approve"), ("scope", "users"), ("role", "a/b")],
        vec![("decision", "approve")],
    ] {
        let again = grace.submit(&page, APPROVAL, &bad).await;
        assert_eq!(again.status, 409, "{bad:?}");
        assert!(again.has_form(APPROVAL), "{bad:?}");
    }
    assert_eq!(grace.submit(&page, APPROVAL, &[("scope", "users")]).await.status, 403, "no decision");
    assert_eq!(grant_of(&server, FOREIGN).await, None);
}

#[tokio::test]
async fn an_administrator_can_grant_more_than_was_asked_limit_to_roles_and_ask_users_too() {
    let server = Server::start(WORLD).await;
    let roles = server.org("acme").roles(None, ListPage::new(1, 10)).await.unwrap().items;
    let officers = roles.iter().find(|role| role.name == "Security officer").unwrap();
    let (mut grace, page) = arrive(&server, GRACE).await;
    let mut form = APPROVE.to_vec();
    form.extend([("scope", "oauth"), ("role", officers.id.as_str()), ("consent", "user")]);
    let back = grace.submit(&page, APPROVAL, &form).await;
    let consent = grace.follow_within(back).await;
    assert!(consent.has_form("/oauth/consent"), "she is a user too");
    let granted = grant_of(&server, FOREIGN).await.unwrap();
    assert_eq!(names(&granted.scopes), ["users", "users:readonly", "oauth"]);
    assert_eq!((granted.roles, granted.consent), (vec![officers.id.clone()], ConsentMode::User));

    let (_, page) = arrive(&server, ADA).await;
    assert_eq!(page.status, 403);
    assert!(page.html.contains("This app is not for everybody in"));
}

#[tokio::test]
async fn an_administrator_who_grants_less_than_was_asked_by_name_sends_the_app_back() {
    let server = Server::start(WORLD).await;
    let mut grace = Browser::new(&server);
    let page = grace.authorize(FOREIGN, FOREIGN_URI, &[("scope", "users users:readonly")]).await;
    let page = grace.sign_in(&page, GRACE.0, GRACE.1).await;
    let answer = grace.submit(&page, APPROVAL, &[("decision", "approve"), ("scope", "users:readonly")]).await;
    assert_eq!(answer.error(), "access_denied");
    assert_eq!(names(&grant_of(&server, FOREIGN).await.unwrap().scopes), ["users:readonly"]);
}

#[tokio::test]
async fn an_organization_that_takes_the_consoles_authorization_away_closes_the_page_too() {
    let server = Server::start(WORLD).await;
    server.org("acme").revoke(&ClientId::parse(CONSOLE_CLIENT).unwrap()).await.unwrap();
    let (_, page) = arrive(&server, GRACE).await;
    assert!(page.has_form(REQUEST) && !page.has_form(APPROVAL));
    assert!(page.html.contains("Nobody in <bdi>Acme Corp</bdi> can approve apps"));
}

#[tokio::test]
async fn off_and_report_show_no_approval_page() {
    let server = Server::start(WORLD).await;
    for enforcement in [Enforcement::Off, Enforcement::Report] {
        server.org("acme").set_enforcement(enforcement, None).await.unwrap();
        let (_, page) = arrive(&server, GRACE).await;
        assert!(page.has_form("/oauth/consent"), "{enforcement:?}: nobody vouched for it, so she is asked herself");
        let mut browser = Browser::new(&server);
        let page = browser.authorize(WEB, WEB_URI, &[("scope", "oauth")]).await;
        browser.sign_in(&page, ADA.0, ADA.1).await.code();
    }
}

#[tokio::test]
async fn a_request_needs_a_reason_of_a_sensible_length() {
    let server = Server::start(WORLD).await;
    let (mut ada, page) = arrive(&server, ADA).await;
    let long = "x".repeat(1_001);
    for reason in ["", "   ", &long] {
        let again = ada.submit(&page, REQUEST, &[("reason", reason)]).await;
        assert_eq!(again.status, 422);
        assert!(again.has_form(REQUEST));
    }
    assert_eq!(grant_of(&server, FOREIGN).await, None);
}

#[tokio::test]
async fn the_address_in_a_refused_call_leads_to_the_approval_page() {
    let server = Server::start(WORLD).await;
    let code = Browser::new(&server).code(WEB, WEB_URI, &[], ADA).await;
    let token = server.token(crate::world::WEB_SECRET, &redemption(&code, WEB_URI)).await.ok();
    let refused = server.api("GET", "/api/v2/oauth/clients", token["access_token"].as_str().unwrap()).await;
    assert_eq!(refused.status, 403);
    let address = refused.body["help"]["requestApproval"].as_str().unwrap().to_owned();

    let mut ada = Browser::new(&server);
    let page = ada.get(&address).await;
    assert!(ada.sign_in(&page, ADA.0, ADA.1).await.has_form(REQUEST));

    let mut grace = Browser::new(&server);
    let page = grace.get(&address).await;
    let page = grace.sign_in(&page, GRACE.0, GRACE.1).await;
    assert!(page.html.contains("asks for more") && page.html.contains("oauth:readonly"));
    let form = [("decision", "approve"), ("scope", "users"), ("scope", "user-basic-info"), ("scope", "oauth:readonly")];
    let done = grace.submit(&page, APPROVAL, &form).await;
    let done = grace.follow_within(done).await;
    assert_eq!(done.status, 200);
    assert!(names(&grant_of(&server, WEB).await.unwrap().scopes).contains(&"oauth:readonly"));
}

#[tokio::test]
async fn a_link_to_approve_names_a_registered_app_and_known_scopes() {
    let server = Server::start(WORLD).await;
    for bad in ["", "?client_id=nobody", "?client_id=web-app&scope=userz", "?client_id=web-app&client_id=spa"] {
        assert_eq!(Browser::new(&server).get(&format!("{APPROVAL}{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a31_a_decision_without_the_proof_is_refused() {
    let server = Server::start(WORLD).await;
    let (mut grace, page) = arrive(&server, GRACE).await;
    grace.headers = vec![("sec-fetch-site", "cross-site".to_owned())];
    assert_eq!(grace.submit(&page, APPROVAL, &APPROVE).await.status, 403);
    grace.headers.clear();
    let mut form = page.hidden(APPROVAL);
    form.iter_mut().find(|(name, _)| name == "csrf").unwrap().1 = "forged".to_owned();
    let mut form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.extend(APPROVE);
    assert_eq!(grace.post(APPROVAL, &form).await.status, 403);
    assert_eq!(grant_of(&server, FOREIGN).await, None);
}

#[tokio::test]
async fn approval_and_consent_work_on_postgresql() {
    let Some(server) = Server::start_on_postgres(WORLD).await else { return };
    let (mut ada, page) = arrive(&server, ADA).await;
    ada.submit(&page, REQUEST, &[("reason", "roster")]).await;
    let (mut grace, page) = arrive(&server, GRACE).await;
    let back = grace.submit(&page, APPROVAL, &[&APPROVE[..], &[("consent", "user")]].concat()).await;
    let consent = grace.follow_within(back).await;
    grace.submit(&consent, "/oauth/consent", &[("decision", "accept")]).await.code();
    let page = ada.authorize(FOREIGN, FOREIGN_URI, &[]).await;
    let code = ada.submit(&page, "/oauth/consent", &[("decision", "accept")]).await.code();
    server.token(FOREIGN_SECRET, &redemption(&code, FOREIGN_URI)).await.ok();
}

#[tokio::test]
async fn the_page_says_what_the_app_called_and_which_scopes_it_never_used() {
    let server = Server::start(WORLD).await;
    let foreign = ClientId::parse(FOREIGN).unwrap();
    let (mut grace, page) = arrive(&server, GRACE).await;
    assert!(page.html.contains("Nothing: it has made no call for anybody in"), "{}", page.html);

    server.org("acme").grant(&foreign, &change(&["users:readonly", "authorization"])).await.unwrap();
    let mut ada = Browser::new(&server);
    let page = ada.authorize(FOREIGN, FOREIGN_URI, &[("scope", "users:readonly")]).await;
    let signed_in = ada.sign_in(&page, ADA.0, ADA.1).await;
    let code = signed_in.code();
    let token = server.token(FOREIGN_SECRET, &redemption(&code, FOREIGN_URI)).await.ok();
    for (target, status) in [("/api/v2/users", 200), ("/api/v2/users?pageSize=1", 200), ("/api/v2/oauth/clients", 403)]
    {
        let answer = server.api("GET", target, token["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }

    let page = grace.authorize(FOREIGN, FOREIGN_URI, &[("scope", "users:readonly oauth")]).await;
    for shown in [
        "<strong>2</strong> calls went through and <strong>1</strong> was denied",
        "It never used <code><bdi>authorization</bdi></code>.",
        "<code><bdi>GET /api/v2/users</bdi></code>",
        "2 went through, 0 denied; last on 23 November 2025",
    ] {
        assert!(page.html.contains(shown), "{shown}\n{}", page.html);
    }
    assert!(!page.html.contains("would have denied") && !page.html.contains("would go through without"));
}
