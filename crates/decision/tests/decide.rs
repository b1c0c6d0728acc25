//! Decisions one by one: which reason is shown, what else is named as missing, and what a permit proves.

use countersign_decision::{
    Authority, AuthorizationFacts, AuthorizationState, Caller, ClientRef, Contracts, Decision, Enforcement,
    ImportOptions, Method, OrganizationFacts, Reason, Report, RoleFacts, Snapshot, SourceFile, Subject, SubjectFacts,
    decide, decide_operation, import,
};
use serde_json::{Value, json};

const CONTRACT: &str = "
openapi: 3.0.0
paths:
  /users:
    get: {operationId: getUsers, security: [{Ours: [users, 'users:readonly']}]}
    post:
      operationId: postUsers
      security: [{Ours: [users]}]
      x-inin-requires-permissions: {type: ANY, permissions: ['directory:user:add', admin]}
    put:
      operationId: putUsers
      security: [{Ours: [users]}]
      x-inin-requires-permissions: {type: ALL, permissions: ['directory:user:add', 'directory:user:edit', admin]}
  /me: {get: {operationId: getMe, security: [{Ours: []}]}}
  /open: {get: {operationId: getOpen, security: []}}
  /guest: {get: {operationId: getGuest, security: [{Guest: []}]}}
  /vague: {get: {operationId: getVague}}
components: {securitySchemes: {Ours: {type: oauth2, flows: {}}, Guest: {type: apiKey}}}
";

/// Ada holds a role with `directory:user:*`, the app is authorized for `users`; every field can be made to lack something.
struct Setting {
    facts: OrganizationFacts,
    caller: Caller,
}

fn setting() -> Setting {
    Setting {
        facts: OrganizationFacts {
            id: "acme".into(),
            active: true,
            enforcement: Enforcement::Enforce,
            bounds_client_credentials: true,
            roles: vec![role("r1", "Directory admin", &["directory:user:*", "admin"]), role("r2", "Agent", &[])],
            users: vec![subject("ada", &["r1"]), subject("bob", &["r2"])],
            clients: vec![subject("service", &["r1"])],
            authorizations: vec![authorization("app", &["users"]), authorization("service", &["users"])],
        },
        caller: Caller {
            client: ClientRef { id: "app".into(), home_organization: "globex".into(), active: true },
            subject: Subject::User("ada".into()),
            ceiling: None,
            actors: Vec::new(),
        },
    }
}

fn role(id: &str, name: &str, policies: &[&str]) -> RoleFacts {
    let policies = policies.iter().map(|policy| policy.parse().expect("a policy")).collect();
    RoleFacts { id: id.into(), name: name.into(), policies }
}

fn subject(id: &str, roles: &[&str]) -> SubjectFacts {
    SubjectFacts { id: id.into(), active: true, roles: roles.iter().map(|&role| role.to_owned()).collect() }
}

fn authorization(client: &str, scopes: &[&str]) -> AuthorizationFacts {
    AuthorizationFacts {
        client: client.into(),
        state: AuthorizationState::Authorized,
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        roles: Vec::new(),
    }
}

fn contracts() -> Contracts {
    let file = SourceFile { name: "api.yaml", text: CONTRACT };
    let source = import(&[file], &ImportOptions { name: "api".into(), ..ImportOptions::default() });
    Contracts::new(vec![source.expect("the contract imports")]).expect("the contract is valid")
}

impl Setting {
    fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn of_service(self) -> Self {
        self.but(|one| {
            one.caller.client = ClientRef { id: "service".into(), home_organization: "acme".into(), active: true };
            one.caller.subject = Subject::Client;
        })
    }

    /// The answer as `evaluate` writes it.
    fn call(&self, method: &str, path: &str) -> Value {
        let contracts = contracts();
        let snapshot = Snapshot::compile(contracts.catalogue(), &self.facts);
        let authority = snapshot.authority(&self.caller);
        let decision = decide(contracts.named("api").expect("it is there"), &authority, method, path.as_bytes());
        serde_json::to_value(decision).expect("a decision is JSON")
    }
}

fn denied(operation: &str, reason: &str, missing: impl Into<Value>) -> Value {
    let missing = missing.into();
    json!({"decision": "deny", "operation": operation, "reason": reason, "missing": missing})
}

fn allowed(operation: &str) -> Value {
    json!({"decision": "allow", "operation": operation})
}

#[test]
fn app_and_user_together_are_allowed_and_neither_alone_is() {
    assert_eq!(setting().call("POST", "/users"), allowed("postUsers"));
    let without_scope = setting().but(|one| one.facts.authorizations[0].scopes = vec!["users:readonly".into()]);
    assert_eq!(
        without_scope.call("POST", "/users"),
        denied("postUsers", "missing_scope", json!({"scopes_any_of": [["users"]]}))
    );
    let without_permission = setting().but(|one| one.caller.subject = Subject::User("bob".into()));
    assert_eq!(
        without_permission.call("POST", "/users"),
        denied(
            "postUsers",
            "missing_permission",
            json!({"permissions": {"mode": "ANY", "of": ["directory:user:add", "admin"]}})
        )
    );
}

#[test]
fn a_denial_names_every_half_and_all_scope_alternatives() {
    let all = setting().but(|one| {
        one.caller.subject = Subject::User("bob".into());
        one.facts.authorizations[0].scopes.clear();
        one.facts.authorizations[0].roles = vec!["r1".into(), "gone".into()];
    });
    assert_eq!(
        all.call("POST", "/users"),
        denied(
            "postUsers",
            "missing_scope",
            json!({
                "scopes_any_of": [["users"]],
                "permissions": {"mode": "ANY", "of": ["directory:user:add", "admin"]},
                "roles_any_of": ["Directory admin", "gone"],
            })
        )
    );
    assert_eq!(all.call("GET", "/users")["missing"]["scopes_any_of"], json!([["users"], ["users:readonly"]]));
}

#[test]
fn of_an_all_list_only_the_permissions_not_held_are_named() {
    let partly = setting().but(|one| one.facts.roles[0].policies = vec!["directory:user:edit".parse().unwrap()]);
    let missing = json!({"permissions": {"mode": "ALL", "of": ["directory:user:add", "admin"]}});
    assert_eq!(partly.call("PUT", "/users"), denied("putUsers", "missing_permission", missing));
}

#[test]
fn an_app_that_is_not_authorized_is_told_the_scopes_and_permissions_too() {
    for state in [AuthorizationState::Requested, AuthorizationState::Expired] {
        let unauthorized = setting().but(|one| {
            one.facts.authorizations[0].state = state;
            one.facts.authorizations[0].roles = vec!["r2".into()];
        });
        let missing = json!({"scopes_any_of": [["users"]]});
        assert_eq!(unauthorized.call("POST", "/users"), denied("postUsers", "app_not_authorized", missing));
        // Any live token suffices here, of an authorized app.
        assert_eq!(unauthorized.call("GET", "/me"), denied("getMe", "app_not_authorized", json!({})));
    }
    let unknown = setting().but(|one| one.facts.authorizations.clear());
    assert_eq!(unknown.call("POST", "/users")["reason"], "app_not_authorized");
}

#[test]
fn a_refused_app_is_blocked_in_every_mode_and_nothing_is_named() {
    for state in [AuthorizationState::Denied, AuthorizationState::Revoked] {
        for enforcement in [Enforcement::Off, Enforcement::Report, Enforcement::Enforce] {
            let refused = setting().but(|one| {
                one.facts.authorizations[0].state = state;
                one.facts.enforcement = enforcement;
            });
            let expected = json!({"decision": "deny", "operation": "postUsers", "reason": "app_refused"});
            assert_eq!(refused.call("POST", "/users"), expected);
        }
    }
}

#[test]
fn off_and_report_leave_scopes_and_role_limits_alone_but_not_the_tokens_own_ceiling() {
    for enforcement in [Enforcement::Off, Enforcement::Report] {
        let lax = || {
            setting().but(|one| {
                one.facts.enforcement = enforcement;
                one.facts.authorizations[0].scopes.clear();
                one.facts.authorizations[0].roles = vec!["r2".into()];
            })
        };
        assert_eq!(lax().call("POST", "/users"), allowed("postUsers"));
        let with_ceiling = lax().but(|one| one.caller.ceiling = Some(vec!["users:readonly".into()]));
        let missing = json!({"scopes_any_of": [["users"]]});
        assert_eq!(with_ceiling.call("POST", "/users"), denied("postUsers", "missing_scope", missing));
        assert_eq!(with_ceiling.call("GET", "/users"), allowed("getUsers"));
    }
}

#[test]
fn a_ceiling_never_grants() {
    let asks_for_more = setting().but(|one| {
        one.facts.authorizations[0].scopes = vec!["users:readonly".into()];
        one.caller.ceiling = Some(vec!["users".into(), "users:readonly".into()]);
    });
    assert_eq!(asks_for_more.call("POST", "/users")["reason"], "missing_scope");
    assert_eq!(asks_for_more.call("GET", "/users"), allowed("getUsers"));
}

#[test]
fn a_role_limit_admits_holders_of_one_of_its_roles() {
    let limited = |roles: &[&str]| {
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        setting().but(|one| one.facts.authorizations[0].roles = roles)
    };
    assert_eq!(limited(&["r2", "r1"]).call("POST", "/users"), allowed("postUsers"));
    let refused = denied("postUsers", "role_not_allowed", json!({"roles_any_of": ["Agent"]}));
    assert_eq!(limited(&["r2"]).call("POST", "/users"), refused);
    // A limit to a role that was deleted is not a limit to nobody's role: nobody meets it.
    assert_eq!(limited(&["gone"]).call("POST", "/users")["reason"], "role_not_allowed");
}

#[test]
fn a_clients_own_roles_hold_in_its_own_organization_only() {
    assert_eq!(setting().of_service().call("POST", "/users"), allowed("postUsers"));
    let abroad = setting().of_service().but(|one| one.caller.client.home_organization = "globex".into());
    let missing = json!({"permissions": {"mode": "ANY", "of": ["directory:user:add", "admin"]}});
    assert_eq!(abroad.call("POST", "/users"), denied("postUsers", "missing_permission", missing));
    assert_eq!(abroad.call("GET", "/users"), allowed("getUsers"));
}

#[test]
fn authorizations_bound_client_credentials_unless_the_organization_says_otherwise() {
    let unauthorized = || setting().of_service().but(|one| one.facts.authorizations.clear());
    assert_eq!(unauthorized().call("POST", "/users")["reason"], "app_not_authorized");
    let unbounded = || unauthorized().but(|one| one.facts.bounds_client_credentials = false);
    assert_eq!(unbounded().call("POST", "/users"), allowed("postUsers"));
    let with_ceiling = unbounded().but(|one| one.caller.ceiling = Some(vec![]));
    assert_eq!(with_ceiling.call("POST", "/users")["reason"], "missing_scope");
    let users_stay_bounded = setting().but(|one| {
        one.facts.bounds_client_credentials = false;
        one.facts.authorizations.clear();
    });
    assert_eq!(users_stay_bounded.call("POST", "/users")["reason"], "app_not_authorized");
}

#[test]
fn what_is_unknown_or_switched_off_is_denied_in_the_order_of_the_contract() {
    let reason = |change: fn(&mut Setting)| setting().but(change).call("POST", "/users")["reason"].clone();
    let own_client = |one: &mut Setting| one.caller.client.home_organization = "acme".into();
    assert_eq!(reason(own_client), "unknown_client");
    assert_eq!(reason(|one| one.caller.subject = Subject::User("eve".into())), "unknown_user");
    assert_eq!(reason(|one| one.facts.active = false), "inactive");
    assert_eq!(reason(|one| one.caller.client.active = false), "inactive");
    assert_eq!(reason(|one| one.facts.users[0].active = false), "inactive");
    let everything = |one: &mut Setting| {
        one.facts.active = false;
        one.facts.authorizations[0].state = AuthorizationState::Denied;
        one.caller.subject = Subject::User("eve".into());
    };
    assert_eq!(reason(everything), "unknown_user");
    let service = setting().of_service().but(|one| one.facts.clients[0].active = false);
    assert_eq!(service.call("POST", "/users")["reason"], "inactive");
}

#[test]
fn operations_that_need_no_credential_or_another_are_answered_before_the_caller_is_looked_at() {
    let contracts = contracts();
    let contract = contracts.named("api").unwrap();
    let nobody = Authority::unknown_organization();
    let answer =
        |method: &str, path: &str| serde_json::to_value(decide(contract, &nobody, method, path.as_bytes())).unwrap();
    assert_eq!(answer("GET", "/open"), allowed("getOpen"));
    for (method, path, operation, reason) in [
        ("GET", "/users/..", Value::Null, "bad_request_target"),
        ("GET", "http://acme.test/users", Value::Null, "bad_request_target"),
        ("GET", "/nothing", Value::Null, "no_such_operation"),
        ("DELETE", "/users", Value::Null, "method_not_allowed"),
        ("get", "/users", Value::Null, "method_not_allowed"),
        ("GET", "/vague", json!("getVague"), "unstated_requirement"),
        ("GET", "/guest", json!("getGuest"), "other_credential"),
        ("GET", "/users", json!("getUsers"), "unknown_organization"),
    ] {
        assert_eq!(answer(method, path), json!({"decision": "deny", "operation": operation, "reason": reason}));
    }
}

#[test]
fn a_405_knows_the_methods_of_its_path() {
    let contracts = contracts();
    let contract = contracts.named("api").unwrap();
    let Decision::Deny(denial) = decide(contract, &Authority::missing_credentials(), "DELETE", b"/users") else {
        panic!("allowed")
    };
    assert_eq!(denial.allowed_methods().collect::<Vec<_>>(), [Method::Get, Method::Head, Method::Post, Method::Put]);
}

#[test]
fn every_link_of_a_delegation_chain_has_to_be_allowed() {
    let with_actor = |user: &str| {
        setting().but(|one| {
            let actor = Caller { subject: Subject::User(user.into()), ..one.caller.clone() };
            one.caller.actors = vec![actor];
        })
    };
    assert_eq!(with_actor("ada").call("POST", "/users"), allowed("postUsers"));
    assert_eq!(with_actor("bob").call("POST", "/users")["reason"], "missing_permission");
    assert_eq!(with_actor("eve").call("POST", "/users")["reason"], "unknown_user");
    let deep = with_actor("ada").but(|one| one.caller.actors[0].actors = with_actor("bob").caller.actors);
    assert_eq!(deep.call("POST", "/users")["reason"], "missing_permission");
}

#[test]
fn a_permit_names_who_was_allowed_and_one_for_a_public_operation_names_nobody() {
    let contracts = contracts();
    let contract = contracts.named("api").unwrap();
    let Setting { facts, caller } = setting();
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    let permit = |id: &str| match decide_operation(contract, &snapshot.authority(&caller), id) {
        Decision::Allow(permit) => permit,
        Decision::Deny(denial) => panic!("{}", denial.reason()),
    };
    let owned = permit("postUsers").detach().unwrap();
    assert_eq!((owned.organization(), owned.client(), owned.operation_id()), ("acme", "app", "postUsers"));
    assert_eq!(owned.subject(), &Subject::User("ada".into()));
    let public = permit("getOpen");
    assert_eq!((public.organization(), public.client(), public.subject()), (None, None, None));
    assert_eq!(public.detach(), None);
}

#[test]
fn the_challenge_names_the_narrowest_alternative_completely() {
    let contracts = contracts();
    let contract = contracts.named("api").unwrap();
    let Setting { mut facts, caller } = setting();
    facts.authorizations[0].scopes.clear();
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    let authority = snapshot.authority(&caller);
    let decision = decide(contract, &authority, "GET", b"/users");
    let denial = decision.denial().unwrap();
    // `users` stands in three operations, `users:readonly` in one.
    assert_eq!(denial.narrowest_scopes(), Some(vec!["users:readonly"]));
    assert_eq!(denial.reason(), Reason::MissingScope);
}

#[test]
fn a_reporting_organization_learns_what_enforce_would_have_said() {
    let contracts = contracts();
    let contract = contracts.named("api").unwrap();
    let Setting { mut facts, caller } = setting();
    facts.enforcement = Enforcement::Report;
    facts.authorizations[0].scopes.clear();
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    let authority = snapshot.authority(&caller);
    let Decision::Allow(permit) = decide(contract, &authority, "POST", b"/users") else { panic!("denied") };
    assert_eq!(permit.report().map(Report::reason), Some(Reason::MissingScope));
    assert_eq!(permit.report().unwrap().missing().scopes_any_of, Some(vec![vec!["users"]]));
}

#[test]
fn a_permit_names_whom_it_proves_and_for_what() {
    let contracts = contracts();
    let contract = contracts.named("api").unwrap();
    let Setting { facts, caller } = setting();
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    let authority = snapshot.authority(&caller);
    let decision = decide(contract, &authority, "POST", b"/users");
    assert_eq!(decision.operation().map(|operation| operation.id.as_str()), Some("postUsers"));
    let Decision::Allow(permit) = decision else { panic!("denied") };
    assert_eq!(
        (permit.organization(), permit.client(), permit.subject()),
        (Some("acme"), Some("app"), Some(&Subject::User("ada".into())))
    );
    assert_eq!(permit.operation().id, "postUsers");

    // A public operation proves nobody, whoever calls it.
    let Decision::Allow(permit) = decide(contract, &authority, "GET", b"/open") else { panic!("denied") };
    assert_eq!((permit.organization(), permit.client(), permit.subject()), (None, None, None));
    assert!(permit.detach().is_none());
}

#[test]
fn a_denial_for_its_target_says_what_is_wrong_and_where() {
    let contracts = contracts();
    let nobody = Authority::missing_credentials();
    let at_byte = |target: &[u8]| {
        let decision = decide(contracts.named("api").unwrap(), &nobody, "GET", target);
        decision.denial().and_then(|denial| denial.bad_target().map(|bad| bad.at))
    };
    assert_eq!(at_byte(b"/users/../me"), Some(7));
    assert_eq!(at_byte(b"http://api.example/users"), Some(0));
    assert_eq!(at_byte(b"/users"), None);
}
