//! Runs every file of `tests/vectors`: decisions as a table that a person without Rust can read and extend.
//! `vectors/README.md` says how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign_decision::{
    Authority, AuthorizationFacts, AuthorizationState, Caller, ClientRef, ContractSource, Contracts, Decision,
    Enforcement, Location, Method, Operation, OrganizationFacts, PermissionList, PermissionMode, Report, Requirement,
    RoleFacts, Snapshot, Subject, SubjectFacts, Unstated, canonicalise, decide,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    operation: Vec<Row>,
    #[serde(default)]
    organization: Vec<Organization>,
    #[serde(default)]
    call: Vec<Call>,
    #[serde(default)]
    target: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    method: Method,
    path: String,
    /// Absent: `oauth`.
    kind: Option<String>,
    #[serde(default)]
    scopes_any_of: Vec<Vec<String>>,
    permissions_any: Option<Vec<String>>,
    permissions_all: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Organization {
    id: String,
    #[serde(default = "yes")]
    active: bool,
    enforcement: Enforcement,
    #[serde(default = "yes")]
    bounds_client_credentials: bool,
    #[serde(default)]
    roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    users: BTreeMap<String, Holder>,
    #[serde(default)]
    clients: BTreeMap<String, Holder>,
    #[serde(default)]
    authorizations: BTreeMap<String, Authorization>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holder {
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    roles: Vec<Assignment>,
}

/// A role, in all divisions or in one.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "the name of a role, or `{ role = \"..\", division = \"..\" }`")]
enum Assignment {
    Everywhere(String),
    #[serde(rename_all = "lowercase")]
    In {
        role: String,
        #[expect(dead_code, reason = "a door asks whether a permission is held in any division")]
        division: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorization {
    #[serde(default = "authorized")]
    state: AuthorizationState,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    title: String,
    /// Absent: the first organization.
    organization: Option<String>,
    /// `missing` or `invalid`; absent: a live one, of `client`.
    token: Option<String>,
    client: Option<String>,
    user: Option<String>,
    token_scopes: Option<Vec<String>>,
    #[serde(default)]
    actors: Vec<Actor>,
    method: String,
    path: String,
    /// The modes of the organization in which the answer is the same; absent: the one it has.
    modes: Option<Vec<Enforcement>>,
    /// `allow`, or the reason of the denial.
    answer: String,
    operation: Option<String>,
    missing: Option<Missing>,
    decided_by: Option<String>,
    allowed_methods: Option<Vec<Method>>,
    /// The reason that `enforce` would have given; absent: nothing is reported.
    report: Option<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Actor {
    client: String,
    user: Option<String>,
    token_scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Missing {
    scopes_any_of: Option<Vec<Vec<String>>>,
    permissions_any: Option<Vec<String>>,
    permissions_all: Option<Vec<String>>,
    roles_any_of: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    title: String,
    raw: String,
    /// Path and query in canonical form.
    canonical: Option<String>,
    authority: Option<String>,
    /// The fault, and at which byte.
    refused: Option<String>,
}

#[test]
fn every_vector_is_answered_as_it_says() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for path in files() {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a vector file can be read");
        let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!file.call.is_empty() || !file.target.is_empty(), "{name} has neither `[[call]]` nor `[[target]]`");
        let contracts = contracts(&name, &file.operation);
        for call in &file.call {
            let own = &organization(&file, call).map_or(Enforcement::Enforce, |one| one.enforcement);
            for mode in call.modes.as_deref().unwrap_or(std::slice::from_ref(own)) {
                tried += 1;
                let (expected, answer) = (expected(call), answer(&contracts, &file, call, *mode));
                if answer != expected {
                    wrong.push(format!(
                        "{name}: {} ({mode:?})\n  answer:   {answer}\n  expected: {expected}",
                        call.title
                    ));
                }
            }
        }
        for target in &file.target {
            tried += 1;
            let (expected, answer) = (target_expected(&name, target), target_answer(&target.raw));
            if answer != expected {
                wrong.push(format!("{name}: {}\n  answer:   {answer}\n  expected: {expected}", target.title));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried} vectors:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 150, "only {tried} vectors were found");
}

#[test]
fn unknown_keys_are_refused_with_their_line() {
    let error = toml::from_str::<File>("[[target]]\ntitle = 'a'\nraw = '/'\nexpected = '/'\n").err().expect("unknown");
    assert!(error.to_string().contains("line 4") && error.to_string().contains("expected"), "{error}");
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let entries = std::fs::read_dir(folder).expect("the folder of vectors is there");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    files.sort();
    files
}

fn contracts(file: &str, rows: &[Row]) -> Contracts {
    let operation = |row: &Row| Operation {
        id: row.id.clone(),
        method: row.method,
        path: row.path.clone(),
        tags: Vec::new(),
        summary: None,
        deprecated: false,
        requirement: requirement(file, row),
        step_up: None,
        source: Location { file: file.to_owned(), line: 1 },
    };
    let operations = rows.iter().map(operation).collect();
    let source = ContractSource { name: "vectors".into(), operations, ..ContractSource::default() };
    Contracts::new(vec![source]).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn requirement(file: &str, row: &Row) -> Requirement {
    let list = |mode, of: &Vec<String>| PermissionList { mode, of: of.iter().map(|one| parsed(file, one)).collect() };
    let any = row.permissions_any.as_ref().map(|of| list(PermissionMode::Any, of));
    let all = row.permissions_all.as_ref().map(|of| list(PermissionMode::All, of));
    let alternative = |all: &Vec<String>| all.iter().map(|scope| parsed(file, scope)).collect();
    match row.kind.as_deref() {
        None | Some("oauth") => Requirement::oauth(row.scopes_any_of.iter().map(alternative).collect(), any.or(all)),
        Some("public") => Requirement::Public,
        Some("authenticated") => Requirement::Authenticated,
        Some("other_credential") => Requirement::OtherCredential { scheme: "Guest JWT".into() },
        Some("unstated") => Requirement::Unstated { why: Unstated::NoSecurity },
        Some(kind) => panic!("{file}: `{}`: `{kind}` is no kind of requirement", row.id),
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(file: &str, text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn organization<'f>(file: &'f File, call: &Call) -> Option<&'f Organization> {
    match &call.organization {
        Some(id) => file.organization.iter().find(|one| one.id == *id),
        None => file.organization.first(),
    }
}

fn facts(organization: &Organization, enforcement: Enforcement) -> OrganizationFacts {
    let role = |(name, policies): (&String, &Vec<String>)| RoleFacts {
        id: name.clone(),
        name: name.clone(),
        policies: policies.iter().map(|policy| parsed(&organization.id, policy)).collect(),
    };
    let subjects = |holders: &BTreeMap<String, Holder>| {
        let subject = |(id, holder): (&String, &Holder)| {
            let name = |assignment: &Assignment| match assignment {
                Assignment::Everywhere(role) | Assignment::In { role, .. } => role.clone(),
            };
            SubjectFacts { id: id.clone(), active: holder.active, roles: holder.roles.iter().map(name).collect() }
        };
        holders.iter().map(subject).collect()
    };
    let authorization = |(client, one): (&String, &Authorization)| AuthorizationFacts {
        client: client.clone(),
        state: one.state,
        scopes: one.scopes.clone(),
        roles: one.roles.clone(),
    };
    OrganizationFacts {
        id: organization.id.clone(),
        active: organization.active,
        enforcement,
        bounds_client_credentials: organization.bounds_client_credentials,
        roles: organization.roles.iter().map(role).collect(),
        users: subjects(&organization.users),
        clients: subjects(&organization.clients),
        authorizations: organization.authorizations.iter().map(authorization).collect(),
    }
}

/// The links of the chain, the caller first; nothing where a client of it is registered nowhere.
fn caller(file: &File, call: &Call) -> Option<Caller> {
    let link = |actor: &Actor| {
        let home = file.organization.iter().find(|home| home.clients.contains_key(&actor.client))?;
        let active = home.clients[&actor.client].active;
        Some(Caller {
            client: ClientRef { id: actor.client.clone(), home_organization: home.id.clone(), active },
            subject: actor.user.clone().map_or(Subject::Client, Subject::User),
            ceiling: actor.token_scopes.clone(),
            actors: Vec::new(),
        })
    };
    let (client, user) = (call.client.clone()?, call.user.clone());
    let first = link(&Actor { client, user, token_scopes: call.token_scopes.clone() })?;
    Some(Caller { actors: call.actors.iter().map(link).collect::<Option<_>>()?, ..first })
}

fn answer(contracts: &Contracts, file: &File, call: &Call, mode: Enforcement) -> Value {
    let facts = organization(file, call).map(|organization| facts(organization, mode));
    let snapshot = facts.as_ref().map(|facts| Snapshot::compile(contracts.catalogue(), facts));
    let caller = caller(file, call);
    let authority = match (call.token.as_deref(), &snapshot, &caller) {
        (Some("missing"), ..) => Authority::missing_credentials(),
        (Some("invalid"), ..) => Authority::invalid_credentials(),
        (Some(other), ..) => panic!("{}: `{other}` is no token", call.title),
        (None, None, _) => Authority::unknown_organization(),
        (None, _, None) => Authority::unknown_client(),
        (None, Some(snapshot), Some(caller)) => snapshot.authority(caller),
    };
    let contract = contracts.named("vectors").expect("it was made with this name");
    let decision = decide(contract, &authority, &call.method, call.path.as_bytes());
    let mut answer = serde_json::to_value(&decision).expect("a decision is JSON");
    let report = match &decision {
        Decision::Allow(permit) => permit.report().map(Report::reason),
        Decision::Deny(denial) => denial.report().map(Report::reason),
    };
    answer["report"] = json!(report);
    if let Some(denial) = decision.denial() {
        let decided_by = denial.decided_by().map(|one| &one.id).filter(|_| call.decided_by.is_some());
        answer["decided_by"] = json!(decided_by);
        answer["allowed_methods"] =
            json!(call.allowed_methods.as_ref().map(|_| denial.allowed_methods().collect::<Vec<_>>()));
    }
    answer
}

fn expected(call: &Call) -> Value {
    if call.answer == "allow" {
        return json!({"decision": "allow", "operation": call.operation, "report": call.report});
    }
    let mut expected = json!({
        "decision": "deny", "operation": call.operation, "reason": call.answer, "report": call.report,
        "decided_by": call.decided_by, "allowed_methods": call.allowed_methods,
    });
    if let Some(missing) = &call.missing {
        let any = missing.permissions_any.as_ref().map(|of| json!({"mode": "ANY", "of": of}));
        let permissions = any.or(missing.permissions_all.as_ref().map(|of| json!({"mode": "ALL", "of": of})));
        let halves = [
            ("scopes_any_of", missing.scopes_any_of.as_ref().map(|scopes| json!(scopes))),
            ("permissions", permissions),
            ("roles_any_of", missing.roles_any_of.as_ref().map(|roles| json!(roles))),
        ];
        let halves = halves.into_iter().filter_map(|(key, half)| Some((key.to_owned(), half?)));
        expected["missing"] = halves.collect::<serde_json::Map<_, _>>().into();
    }
    expected
}

fn target_answer(raw: &str) -> Value {
    match canonicalise(raw.as_bytes()) {
        Ok(target) => json!({"canonical": target.origin_form(), "authority": target.authority()}),
        Err(bad) => json!({"refused": bad.to_string()}),
    }
}

fn target_expected(file: &str, target: &Target) -> Value {
    match (&target.canonical, &target.refused) {
        (Some(canonical), None) => json!({"canonical": canonical, "authority": target.authority}),
        (None, Some(refused)) => json!({"refused": refused}),
        _ => panic!("{file}: {}: one of `canonical` and `refused`", target.title),
    }
}

fn yes() -> bool {
    true
}

fn authorized() -> AuthorizationState {
    AuthorizationState::Authorized
}
