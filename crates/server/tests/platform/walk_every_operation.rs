//! Every operation of our contract × {no token, bad token, no scope, no permission, neither, other organization, both}.
//!
//! The contract is the list: a new operation is walked as soon as it stands there.

use countersign_decision::{Enforcement, Method, Operation, Permission, Scope};
use countersign_domain::organization::DivisionScope;
use countersign_server::contracts::{PLATFORM_YAML, platform};
use countersign_server::platform::handlers::HANDLERS;
use serde_json::{Value, json};

use super::schema::assert_documented;
use super::server::{Answer, TestServer};
use super::world::{EVERYTHING, PLATFORM_SCOPES, World};

#[tokio::test]
async fn every_operation_has_a_handler_and_every_handler_an_operation() {
    let Some(server) = TestServer::start().await else { return };
    let contracts = server.app.contracts();
    let mut operations: Vec<_> =
        platform(&contracts).operations().iter().map(|operation| operation.id.as_str()).collect();
    let mut handlers: Vec<_> = HANDLERS.iter().map(|(id, _)| *id).collect();
    operations.sort_unstable();
    handlers.sort_unstable();
    assert_eq!(operations, handlers);
}

#[tokio::test]
async fn f06_f07_every_operation_holds_both_halves_of_its_requirement() {
    let Some(server) = TestServer::start().await else { return };
    let walk = Walk { server: &server, contract: serde_saphyr::from_str(PLATFORM_YAML).unwrap() };
    let contracts = server.app.contracts();
    for (number, operation) in platform(&contracts).operations().iter().enumerate() {
        walk.one(number, operation).await;
    }
}

#[tokio::test]
async fn d21_invariant_26_ids_of_another_organization_answer_as_unknown_ids() {
    let Some(server) = TestServer::start().await else { return };
    let walk = Walk { server: &server, contract: serde_saphyr::from_str(PLATFORM_YAML).unwrap() };
    let (home, other) = (walk.world("acme").await, walk.world("globex").await);
    let everything = home.token("Everything", "ada").await;
    let revision = other.store().organization().await.unwrap().revision;
    let contracts = server.app.contracts();
    for operation in platform(&contracts).operations() {
        // an app can be authorized by organizations that did not register it: its id is no secret between them
        let is_own_decision = operation.method == Method::Get && operation.path.ends_with("/{clientId}");
        let is_shared = operation.path.contains("/oauth/authorizations/") && !is_own_decision;
        if is_shared || !operation.path.contains('{') || operation.path.contains("{scopeId}") {
            continue;
        }
        let body = walk.body(operation);
        let foreign = walk.call(operation, &everything, &target(&operation.path, &other), body.clone()).await;
        let unknown = walk.call(operation, &everything, &unknown_target(&operation.path), body).await;
        assert_eq!(foreign.status, 404, "{}: {:#}", operation.id, foreign.body);
        assert_eq!(comparable(foreign), comparable(unknown), "{}", operation.id);
    }
    assert_eq!(other.store().organization().await.unwrap().revision, revision, "nothing there was changed");
}

#[tokio::test]
async fn invariant_26_nothing_that_can_be_read_names_another_organization() {
    let Some(server) = TestServer::start().await else { return };
    let walk = Walk { server: &server, contract: serde_saphyr::from_str(PLATFORM_YAML).unwrap() };
    let home = walk.world("acme").await;
    let mut other = World::new(&server, "canary", Enforcement::Enforce).await;
    other.role("Canary role", &EVERYTHING).await;
    other.user("canary", &["Canary role"]).await;
    other.app("Canary app", &PLATFORM_SCOPES).await;
    other.division("Canary division").await;
    let ids = [other.role_id("Canary role"), other.user_id("canary"), other.client_id("Canary app")];
    let everything = home.token("Everything", "ada").await;
    let contracts = server.app.contracts();
    for operation in platform(&contracts).operations().iter().filter(|operation| operation.method == Method::Get) {
        let all = "?pageSize=500&expand=authorization,organization,token&state=any&objectCount=true";
        let target = target(&operation.path, &home);
        let target = if operation.path == "/api/v2/users" { target + all } else { target };
        let read = server.get(&everything, &target).await.body.to_string();
        assert!(!read.to_lowercase().contains("canary"), "{}: {read}", operation.id);
        assert!(!ids.iter().any(|id| read.contains(id)), "{}: {read}", operation.id);
    }
}

struct Walk<'s> {
    server: &'s TestServer,
    contract: Value,
}

impl<'s> Walk<'s> {
    /// An organization with one object of each kind, and the apps and people that calls are made with.
    async fn world(&self, id: &str) -> World<'s> {
        let mut world = World::new(self.server, id, Enforcement::Enforce).await;
        world.role("Everything", &EVERYTHING).await;
        world.role("Object", &["directory:user:view"]).await;
        world.user("ada", &["Everything"]).await;
        world.user("nobody", &[]).await;
        world.user("object", &["Object"]).await;
        world.app("Everything", &PLATFORM_SCOPES).await;
        world.app("Nothing", &[]).await;
        world.app("Object", &["users"]).await;
        world.registration_token().await;
        world
    }

    async fn one(&self, number: usize, operation: &Operation) {
        let mut world = self.world(&format!("walk-{number}")).await;
        let revision = world.store().organization().await.unwrap().revision;
        let requirement = &operation.requirement;
        let alternatives: Vec<Vec<&str>> = requirement
            .scopes_any_of()
            .iter()
            .map(|alternative| alternative.iter().map(Scope::as_str).collect())
            .collect();
        assert!(!alternatives.is_empty(), "{}: our own operations all need a scope", operation.id);
        let permissions: Vec<&str> =
            requirement.permissions().iter().flat_map(|list| &list.of).map(Permission::as_str).collect();

        // no token, bad token
        let anonymous = self.ask(operation, "", &world).await;
        assert_refused(operation, &anonymous, 401, "authentication.required");
        assert!(anonymous.headers["www-authenticate"].starts_with("Bearer realm="), "{}", operation.id);
        let forged = self.ask(operation, "cs_at_AAAA", &world).await;
        assert_refused(operation, &forged, 401, "bad.credentials");

        // no scope, though the person may do everything
        let answer = self.ask(operation, &world.token("Nothing", "ada").await, &world).await;
        assert_refused(operation, &answer, 403, "app.not.authorized.for.scope");
        assert_missing(operation, &answer, &json!({ "scopes_any_of": alternatives }));

        // every other scope, though the person may do everything
        let others: Vec<&str> = PLATFORM_SCOPES
            .iter()
            .filter(|scope| !alternatives.iter().flatten().any(|one| one == *scope))
            .copied()
            .collect();
        world.app("Others", &others).await;
        let answer = self.ask(operation, &world.token("Others", "ada").await, &world).await;
        assert_refused(operation, &answer, 403, "app.not.authorized.for.scope");

        if let Some(list) = requirement.permissions() {
            let code = if list.mode.to_string() == "ANY" { "missing.any.permissions" } else { "missing.permissions" };
            let missing = json!({ "mode": list.mode, "of": permissions });

            // no permission, though the app has every scope
            let answer = self.ask(operation, &world.token("Everything", "nobody").await, &world).await;
            assert_refused(operation, &answer, 403, code);
            assert_missing(operation, &answer, &json!({ "permissions": missing }));

            // every other permission that any contract names, though the app has every scope
            let known = self.server.app.contracts();
            let known = known.catalogue().permissions().iter().map(|entry| entry.permission.as_str());
            let others: Vec<&str> = known.filter(|name| !permissions.contains(name)).collect();
            world.role("Others", &others).await;
            world.user("others", &["Others"]).await;
            let answer = self.ask(operation, &world.token("Everything", "others").await, &world).await;
            assert_refused(operation, &answer, 403, code);

            // neither
            let answer = self.ask(operation, &world.token("Nothing", "nobody").await, &world).await;
            assert_refused(operation, &answer, 403, "app.not.authorized.for.scope");
            assert_missing(operation, &answer, &json!({ "scopes_any_of": alternatives, "permissions": missing }));
        }

        // invariant 43: what was refused to a live token is remembered, and nothing else was written
        let attempts = world.audit_actions().await.iter().filter(|action| action.ends_with(".refused")).count();
        let expected = if requirement.permissions().is_some() { 5 } else { 2 };
        assert_eq!(attempts, if operation.method.is_mutating() { expected } else { 0 }, "{}", operation.id);
        let setup = u8::from(requirement.permissions().is_some());
        let expected = revision + 2 + i64::from(setup) * 3;
        assert_eq!(world.store().organization().await.unwrap().revision, expected, "{}", operation.id);

        // both halves, each alternative of the app with each permission of the person
        for (position, alternative) in alternatives.iter().enumerate() {
            world.app(&format!("Alternative {position}"), alternative).await;
            let holders = self.holders(&mut world, operation, position).await;
            for holder in holders {
                let token = world.token(&format!("Alternative {position}"), &holder).await;
                let answer = self.ask(operation, &token, &world).await;
                assert_let_in(operation, &answer);
            }
        }
    }

    /// People of whom each holds just what the permission list asks for: one of `ANY`, or all of `ALL`.
    async fn holders(&self, world: &mut World<'s>, operation: &Operation, round: usize) -> Vec<String> {
        let Some(list) = operation.requirement.permissions() else { return vec!["nobody".to_owned()] };
        let names: Vec<&str> = list.of.iter().map(Permission::as_str).collect();
        let sets: Vec<Vec<&str>> =
            if list.mode.to_string() == "ANY" { names.iter().map(|name| vec![*name]).collect() } else { vec![names] };
        let mut holders = Vec::new();
        for (position, set) in sets.iter().enumerate() {
            let name = format!("holder-{round}-{position}");
            world.role(&name, set).await;
            world.user(&name, &[]).await;
            world.assign(&name, &name, DivisionScope::All).await;
            holders.push(name);
        }
        holders
    }

    async fn ask(&self, operation: &Operation, token: &str, world: &World<'_>) -> Answer {
        self.call(operation, token, &target(&operation.path, world), self.body(operation)).await
    }

    async fn call(&self, operation: &Operation, token: &str, target: &str, body: Option<Value>) -> Answer {
        let answer = self.server.call(operation.method.as_str(), token, target, body).await;
        assert_documented(&self.contract, operation, &answer);
        answer
    }

    /// The example of the contract, where the operation takes a body.
    fn body(&self, operation: &Operation) -> Option<Value> {
        let method = operation.method.as_str().to_lowercase();
        let stated = self.contract["paths"][&operation.path][method].get("requestBody")?;
        Some(stated["content"]["application/json"].get("example").cloned().unwrap_or_else(|| json!({})))
    }
}

/// The path with ids of objects of this organization. A new kind of parameter has to be told here.
fn target(template: &str, world: &World<'_>) -> String {
    filled(template, |parameter| match parameter {
        "userId" | "subjectId" => world.user_id("object").to_owned(),
        "roleId" => world.role_id("Object").to_owned(),
        "clientId" => world.client_id("Object").to_owned(),
        "registrationTokenId" => world.registration_token_id().to_owned(),
        "divisionId" => "*".to_owned(),
        "scopeId" => "users".to_owned(),
        "executionId" => "20400-20415-a-63-15".to_owned(),
        other => panic!("what is `{{{other}}}` of {template}?"),
    })
}

fn unknown_target(template: &str) -> String {
    filled(template, |parameter| match parameter {
        "divisionId" => "*".to_owned(),
        _ => "0193f2a4-6d1e-7c55-9b0a-000000000000".to_owned(),
    })
}

fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some(name) => value(name),
        None => segment.to_owned(),
    };
    template.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[track_caller]
fn assert_refused(operation: &Operation, answer: &Answer, status: u16, code: &str) {
    // RFC 9110 §9.3.2: a HEAD is answered without a body
    let code = if operation.method == Method::Head { "" } else { code };
    assert_eq!(answer.refusal(), (status, code), "{}: {:#}", operation.id, answer.body);
    if !code.is_empty() {
        assert_eq!(answer.body["contextId"], *answer.headers["inin-correlation-id"], "{}", operation.id);
        assert_eq!(answer.body["status"], status, "{}", operation.id);
    }
}

#[track_caller]
fn assert_missing(operation: &Operation, answer: &Answer, missing: &Value) {
    if operation.method != Method::Head {
        assert_eq!(answer.body["missing"], *missing, "{}", operation.id);
    }
}

/// Whatever the handler says of the example, the door let it in.
#[track_caller]
fn assert_let_in(operation: &Operation, answer: &Answer) {
    let (status, code) = answer.refusal();
    let is_of_the_door =
        ["app.not.authorized.for.scope", "missing.any.permissions", "missing.permissions"].contains(&code);
    let is_let_in = !is_of_the_door && !matches!(status, 401 | 405 | 415 | 500..);
    assert!(is_let_in, "{}: {status} {code}: {:#}", operation.id, answer.body);
}

/// Without what differs between any two requests.
fn comparable(mut answer: Answer) -> Answer {
    answer.body["contextId"] = Value::Null;
    for header in ["inin-correlation-id", "inin-ratelimit-count", "date"] {
        answer.headers.remove(header);
    }
    answer
}
