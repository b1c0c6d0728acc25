//! Law 11: the same call gets the same answer at every door, and offline.
//!
//! Random calls over the real contract, by people and apps of several organizations: `countersign evaluate` says what is
//! right, and the gateway, forward-auth, ext_authz and AuthZEN evaluations must say the same, with the same halves missing.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use envoy_types::ext_authz::v3::pb::HttpResponse;
use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::corpus::shared_file;
use super::ext_authz::{check, connect, status};
use super::fixture::{Doors, start, token};
use super::support::Server;
use super::upstream::Upstream;

/// How many calls are made at each door.
const CALLS: usize = 10_000;
const HOST: &str = "api.test";
/// Which client of each organization asks about the others.
const PEP: usize = 9;
const ORGANIZATIONS: [&str; 3] = ["acme", "globex", "initech"];

/// Who calls: one token.
#[derive(Clone)]
struct Caller {
    organization: &'static str,
    client: String,
    user: Option<String>,
    ceiling: Option<Vec<String>>,
    token: String,
}

#[derive(Clone)]
struct Call {
    caller: usize,
    method: String,
    target: String,
    expected: Expected,
}

#[derive(Debug, Clone, PartialEq)]
struct Expected {
    status: u16,
    missing: Value,
}

#[tokio::test(flavor = "multi_thread")]
async fn law_11_ten_thousand_calls_get_the_same_answer_at_every_door_and_offline() {
    let Some(contract) = shared_file("contract/genesys-catalog.json") else { return };
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let operations = operations(&contract);
    let world = world(&mut random, &operations);

    let upstream = Upstream::start().await;
    let toml = format!(
        "[limits]\ncalls_per_token_per_minute = 1000000\n\
         [[upstream]]\nname = \"genesys\"\ncontract = {contract:?}\nurl = \"http://{}\"\nidentity_headers = \"none\"\n",
        upstream.address
    );
    let (server, doors) = start(&world, &toml).await;
    let callers = callers(&server, &mut random).await;
    let mut calls = calls(&mut random, &operations, &callers);
    offline(&contract, &world, &callers, &mut calls);
    let reasons: std::collections::BTreeSet<u16> = calls.iter().map(|call| call.expected.status).collect();
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), [200, 401, 403, 404, 405], "every kind of answer occurs");
    let allowed = calls.iter().filter(|call| call.expected.status == 200).count();
    assert!((CALLS / 10..CALLS * 9 / 10).contains(&allowed), "{allowed} are allowed");

    let shared = Arc::new((server, doors, callers));
    let mut workers = JoinSet::new();
    let share = calls.len().div_ceil(8);
    for calls in calls.chunks(share) {
        workers.spawn(at_every_door(Arc::clone(&shared), calls.to_vec()));
    }
    let mut wrong: Vec<String> = workers.join_all().await.into_iter().flatten().collect();
    let (server, _, callers) = &*shared;
    wrong.extend(by_evaluations(server, callers, &calls).await);
    assert!(wrong.is_empty(), "{} of {CALLS}:\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
    assert_eq!(upstream.take().len(), allowed, "what was allowed arrived, and nothing else");
}

async fn at_every_door(shared: Arc<(Server, Doors, Vec<Caller>)>, calls: Vec<Call>) -> Vec<String> {
    let (server, doors, callers) = &*shared;
    let http = reqwest::Client::new();
    let mut envoy = connect(doors.ext_authz).await;
    let mut wrong = Vec::new();
    for call in calls {
        let bearer = format!("Bearer {}", callers[call.caller].token);
        let method = reqwest::Method::from_bytes(call.method.as_bytes()).unwrap();
        let url = format!("http://{}{}", doors.gateway, call.target);
        let answer = http.request(method, url).header("authorization", &bearer).send().await.unwrap();
        let at_gateway = Expected { status: answer.status().as_u16(), missing: missing(&answer.text().await.unwrap()) };

        let said = [
            ("x-forwarded-method", call.method.as_str()),
            ("x-forwarded-uri", &call.target),
            ("x-forwarded-host", HOST),
            ("x-forwarded-proto", "https"),
            ("authorization", &bearer),
        ];
        let answer = server.send("GET", "/enforce/forward-auth", &said, "").await;
        let at_forward_auth = Expected { status: answer.status, missing: missing(&answer.text) };

        let asked = check(&call.method, &call.target, HOST, &[("authorization", &bearer)]);
        let answer = envoy.check(asked).await.unwrap().into_inner();
        let body = match &answer.http_response {
            Some(HttpResponse::DeniedResponse(denied)) => denied.body.as_str(),
            _ => "",
        };
        let at_ext_authz = Expected { status: status(&answer), missing: missing(body) };

        // the answer to HEAD has no body
        let at_gateway = if call.method == "HEAD" {
            Expected { missing: call.expected.missing.clone(), ..at_gateway }
        } else {
            at_gateway
        };
        for (door, answer) in [("gateway", at_gateway), ("forward-auth", at_forward_auth), ("ext_authz", at_ext_authz)]
        {
            if answer != call.expected {
                wrong.push(format!(
                    "{door}: {} {}: {answer:?} instead of {:?}",
                    call.method, call.target, call.expected
                ));
            }
        }
    }
    wrong
}

/// Asks AuthZEN evaluations about the same calls, as each organization's own enforcement point, in batches of 100.
async fn by_evaluations(server: &Server, callers: &[Caller], calls: &[Call]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, organization) in ORGANIZATIONS.into_iter().enumerate() {
        let bearer = format!("Bearer {}", token(server, organization, &client_id(index, PEP), None, None).await);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let own: Vec<&Call> = calls.iter().filter(|call| callers[call.caller].organization == organization).collect();
        for calls in own.chunks(100) {
            let questions: Vec<Value> = calls.iter().map(|call| question(&callers[call.caller], call)).collect();
            let body = json!({ "evaluations": questions }).to_string();
            let answer = server.send("POST", "/access/v1/evaluations", &headers, body).await.ok();
            let answers = answer["evaluations"].as_array().unwrap();
            assert_eq!(answers.len(), calls.len());
            for (call, answer) in calls.iter().zip(answers) {
                let context = &answer["context"];
                let status = status_of(context["reason"].as_str());
                let said = Expected { status, missing: context["missing"].clone() };
                if said != call.expected || answer["decision"] != (status == 200) {
                    let Call { method, target, expected, .. } = call;
                    wrong.push(format!("AuthZEN: {method} {target}: {answer} instead of {expected:?}"));
                }
            }
        }
    }
    wrong
}

fn question(caller: &Caller, call: &Call) -> Value {
    let subject = match &caller.user {
        Some(email) => json!({ "type": "user", "id": email, "properties": { "client_id": caller.client } }),
        None => json!({ "type": "client", "id": caller.client }),
    };
    let context = caller.ceiling.as_ref().map_or_else(|| json!({}), |scopes| json!({ "scopes": scopes }));
    let resource = json!({ "type": "route", "id": call.target, "properties": { "host": HOST } });
    json!({ "subject": subject, "action": { "name": call.method }, "resource": resource, "context": context })
}

fn missing(body: &str) -> Value {
    serde_json::from_str::<Value>(body).map_or(Value::Null, |body| body["missing"].clone())
}

/// Method, path, scopes and permissions of every operation of the rows file.
struct Rows(Vec<(String, String, Vec<String>, Vec<String>)>);

fn operations(contract: &std::path::Path) -> Rows {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(contract).unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["contract", "show", "--json"])
        .arg(contract)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success() && !file.is_null());
    let lines = String::from_utf8(output.stdout).unwrap();
    let words = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let rows = lines.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let scopes =
            row["scopes_any_of"].as_array().into_iter().flatten().flat_map(|list| words(list).into_iter()).collect();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("method"), text("path"), scopes, words(&row["permissions"]["of"]))
    });
    Rows(rows.collect())
}

impl Rows {
    fn any<'r>(&'r self, random: &mut TestRng) -> &'r (String, String, Vec<String>, Vec<String>) {
        pick(random, &self.0)
    }
}

fn pick<'l, T>(random: &mut TestRng, list: &'l [T]) -> &'l T {
    &list[random.random_range(0..list.len())]
}

/// Three organizations with roles, people, apps and decisions about each other's apps.
fn world(random: &mut TestRng, rows: &Rows) -> String {
    let mut yaml = String::from("organizations:\n");
    for (index, organization) in ORGANIZATIONS.iter().enumerate() {
        let enforcement = if index == 2 { "report" } else { "enforce" };
        writeln!(
            yaml,
            "  - id: {organization}\n    name: {organization}\n    scope_enforcement: {enforcement}\n    roles:"
        )
        .unwrap();
        for role in 0..4 {
            let mut permissions: Vec<_> = (0..200).flat_map(|_| rows.any(random).3.clone()).collect();
            permissions.push("directory:user:view".to_owned());
            writeln!(yaml, "      - {{name: R{role}, permissions: {}}}", json!(permissions)).unwrap();
        }
        yaml.push_str("      - {name: Asker, permissions: [\"authorization:decision:view\"]}\n    users:\n");
        for user in 0..4 {
            let state = if user == 3 { "inactive" } else { "active" };
            writeln!(
                yaml,
                "      - {{email: u{user}@{organization}.test, name: U{user}, state: {state}, roles: [R{user}, R{}]}}",
                (user + 1) % 4
            )
            .unwrap();
        }
        yaml.push_str("    clients:\n");
        for client in 0..3 {
            writeln!(
                yaml,
                "      - {{id: {}, name: {organization}-{client}, grant_types: [authorization_code, client_credentials], \
                 redirect_uris: [\"https://app.test/cb\"], secret: a-secret-of-{client}, roles: [R{client}]}}",
                client_id(index, client)
            )
            .unwrap();
        }
        writeln!(
            yaml,
            "      - {{id: {}, name: pep, grant_types: [client_credentials], secret: a-secret-of-pep, roles: [Asker]}}",
            client_id(index, PEP)
        )
        .unwrap();
        yaml.push_str("    authorizations:\n");
        writeln!(yaml, "      - {{client: {}, scopes: [\"authorization:readonly\"]}}", client_id(index, PEP)).unwrap();
        for (home, _) in ORGANIZATIONS.iter().enumerate() {
            for client in 0..3 {
                let mut scopes: Vec<_> = (0..150).flat_map(|_| rows.any(random).2.clone()).collect();
                scopes.sort();
                scopes.dedup();
                let (state, roles) = match (home + client + index) % 6 {
                    0 => ("denied", json!([])),
                    1 => ("requested", json!([])),
                    2 => ("authorized", json!(["R1"])),
                    _ => ("authorized", json!([])),
                };
                writeln!(
                    yaml,
                    "      - {{client: {}, scopes: {}, roles: {roles}, state: {state}}}",
                    client_id(home, client),
                    json!(scopes)
                )
                .unwrap();
            }
        }
    }
    yaml
}

fn client_id(organization: usize, client: usize) -> String {
    format!("{organization}{client}000000-0000-4000-8000-000000000000")
}

async fn callers(server: &Server, random: &mut TestRng) -> Vec<Caller> {
    let mut callers = Vec::new();
    for (index, organization) in ORGANIZATIONS.into_iter().enumerate() {
        for home in 0..ORGANIZATIONS.len() {
            for client in 0..3 {
                let id = client_id(home, client);
                for user in [0, 1, 3] {
                    let email = format!("u{user}@{organization}.test");
                    let ceiling = random
                        .random_bool(0.3)
                        .then(|| vec!["users".to_owned(), "routing".to_owned(), "conversations".to_owned()]);
                    let narrow: Option<Vec<&str>> =
                        ceiling.as_ref().map(|scopes| scopes.iter().map(String::as_str).collect());
                    let token = token(server, organization, &id, Some(&email), narrow.as_deref()).await;
                    callers.push(Caller { organization, client: id.clone(), user: Some(email), ceiling, token });
                }
                if home == index {
                    let token = token(server, organization, &id, None, None).await;
                    callers.push(Caller { organization, client: id.clone(), user: None, ceiling: None, token });
                }
            }
        }
    }
    callers
}

fn calls(random: &mut TestRng, rows: &Rows, callers: &[Caller]) -> Vec<Call> {
    let call = |_| {
        let (method, path, ..) = rows.any(random);
        let target: Vec<String> =
            path.split('/')
                .map(|segment| {
                    if segment.starts_with('{') { format!("id-{}", random.random::<u32>()) } else { segment.to_owned() }
                })
                .collect();
        let (mut method, mut target) = (method.clone(), target.join("/"));
        match random.random_range(0..20) {
            0 => target.push_str("/nothing/here"),
            1 => "DELETE".clone_into(&mut method),
            2 if method == "GET" => "HEAD".clone_into(&mut method),
            3 => target.push_str("?pageSize=1"),
            4 => target.push('/'),
            _ => {}
        }
        let expected = Expected { status: 0, missing: Value::Null };
        Call { caller: random.random_range(0..callers.len()), method, target, expected }
    };
    (0..CALLS).map(call).collect()
}

/// Asks `countersign evaluate`, which knows neither server nor database.
fn offline(contract: &std::path::Path, world: &str, callers: &[Caller], calls: &mut [Call]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.yaml");
    std::fs::write(&file, world).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["evaluate", "--contract"])
        .arg(contract)
        .arg("--world")
        .arg(&file)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: String = calls
        .iter()
        .map(|call| {
            let Caller { organization, client, user, ceiling, .. } = &callers[call.caller];
            let line = json!({"organization": organization, "client": client, "user": user, "scopes": ceiling, "method": call.method, "path": call.target});
            format!("{line}\n")
        })
        .collect();
    let mut input = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    let decisions = String::from_utf8(output.stdout).unwrap();
    assert_eq!(decisions.lines().count(), calls.len());
    for (call, line) in calls.iter_mut().zip(decisions.lines()) {
        let decision: Value = serde_json::from_str(line).unwrap();
        let status = status_of(decision["reason"].as_str());
        call.expected = Expected { status, missing: decision["missing"].clone() };
    }
}

/// What a call that is refused for this reason is answered with.
fn status_of(reason: Option<&str>) -> u16 {
    match reason {
        None => 200,
        Some("bad_request_target") => 400,
        Some("no_such_operation") => 404,
        Some("method_not_allowed") => 405,
        Some("unknown_organization" | "unknown_client" | "unknown_user" | "inactive") => 401,
        Some(_) => 403,
    }
}
