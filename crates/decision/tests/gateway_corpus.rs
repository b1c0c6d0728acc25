//! The attack corpus: every case that depends on method and target only, decided over the real contract as a door would.

use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Caller, ClientRef, Contract, Decision, Enforcement, Method,
    OrganizationFacts, Reason, Snapshot, Subject, SubjectFacts, canonicalise, decide, decide_operation,
};
use serde_json::Value;

mod shared_input;

/// The host of the corpus' fixture.
const HOST: &str = "api.example.test";

#[test]
fn every_case_of_method_and_target_alone_is_answered_as_the_corpus_demands() {
    let (Some(contracts), Some(corpus)) =
        (shared_input::real_contract(), shared_input::text("security/gateway-attacks.json"))
    else {
        return;
    };
    let contract = contracts.named("genesys").unwrap();
    let corpus: Vec<Value> = serde_json::from_str(&corpus).unwrap();
    let cases: Vec<_> = corpus.iter().filter(|case| depends_on_method_and_target_only(case)).collect();
    assert!(cases.len() >= 130, "{} cases", cases.len());

    let mut wrong = Vec::new();
    for case in &cases {
        let scopes: &[&str] = match case["token"].as_str() {
            None | Some("LOW") => &["users:readonly", "user-basic-info"],
            Some("CONV") => &["conversations:readonly"],
            other => panic!("token {other:?} is not in the fixture"),
        };
        let answer = answer(contract, scopes, case["method"].as_str().unwrap(), &raw_target(case));
        let also_ok = case["also_ok"].as_array().into_iter().flatten();
        let accepted: Vec<_> = also_ok.chain([&case["expected"]]).map(|word| word.as_str().unwrap()).collect();
        if !accepted.iter().any(|expected| satisfies(contract, scopes, &answer, expected)) {
            wrong.push(format!("{}: {answer:?} instead of {accepted:?}: {}", case["id"], case["why"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn no_byte_in_a_target_makes_the_canonical_form_unstable() {
    let Some(corpus) = shared_input::text("security/gateway-attacks.json") else { return };
    let corpus: Vec<Value> = serde_json::from_str(&corpus).unwrap();
    for case in corpus.iter().filter(|case| case["raw_request_target"].is_string()) {
        let raw = raw_target(case);
        if let Ok(canonical) = canonicalise(&raw) {
            let once = canonical.origin_form().as_bytes();
            let twice = canonicalise(once).unwrap();
            assert_eq!(twice.origin_form().as_bytes(), once);
            assert!(!twice.is_rewritten());
        }
    }
}

/// What a door answers: nothing reached the decision, a denial, or an allow, with the path of the operation that was meant.
#[derive(Debug)]
enum Answer {
    Refused,
    Denied(Option<String>),
    Allowed(String),
}

fn satisfies(contract: &Contract, scopes: &[&str], answer: &Answer, expected: &str) -> bool {
    let Some(template) = expected.strip_prefix("same-decision-as:") else {
        return matches!((answer, expected), (Answer::Refused, "reject-400") | (Answer::Denied(_), "deny"));
    };
    // All such cases are of GET operations or of HEAD decided as GET.
    let meant = contract.operations().iter().find(|one| one.path == template && one.method == Method::Get);
    let facts = organization(scopes);
    let snapshot = Snapshot::compile(contract.catalogue(), &facts);
    let caller = caller();
    let is_allowed =
        decide_operation(contract, &snapshot.authority(&caller), &meant.expect("the corpus names real paths").id)
            .is_allowed();
    match answer {
        Answer::Allowed(path) => is_allowed && path == template,
        Answer::Denied(path) => !is_allowed && path.as_deref() == Some(template),
        Answer::Refused => false,
    }
}

fn caller() -> Caller {
    Caller {
        client: ClientRef { id: "app".into(), home_organization: "other".into(), active: true },
        subject: Subject::User("user".into()),
        ceiling: None,
        actors: Vec::new(),
    }
}

fn answer(contract: &Contract, scopes: &[&str], method: &str, target: &[u8]) -> Answer {
    let facts = organization(scopes);
    let snapshot = Snapshot::compile(contract.catalogue(), &facts);
    let caller = caller();
    let authority = snapshot.authority(&caller);
    // RFC 9112 §3.2.2: a door that is given the absolute form compares its authority with Host and goes on with the origin form.
    let origin_form = match canonicalise(target) {
        Ok(canonical) if canonical.authority().is_some_and(|authority| authority != HOST) => return Answer::Refused,
        Ok(canonical) => canonical.origin_form().as_bytes().to_vec(),
        Err(_) => target.to_vec(),
    };
    match decide(contract, &authority, method, &origin_form) {
        Decision::Allow(permit) => Answer::Allowed(permit.operation().path.clone()),
        Decision::Deny(denial) if denial.reason() == Reason::BadRequestTarget => Answer::Refused,
        Decision::Deny(denial) => Answer::Denied(denial.operation().map(|operation| operation.path.clone())),
    }
}

fn organization(scopes: &[&str]) -> OrganizationFacts {
    OrganizationFacts {
        id: "acme".into(),
        active: true,
        enforcement: Enforcement::Enforce,
        bounds_client_credentials: true,
        roles: Vec::new(),
        users: vec![SubjectFacts { id: "user".into(), active: true, roles: Vec::new() }],
        clients: Vec::new(),
        authorizations: vec![AuthorizationFacts {
            client: "app".into(),
            state: AuthorizationState::Authorized,
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            roles: Vec::new(),
        }],
    }
}

fn depends_on_method_and_target_only(case: &Value) -> bool {
    let has_headers = case["headers"].as_array().is_some_and(|headers| !headers.is_empty());
    let by_something_else = ["headers_repeat", "body_bytes", "raw"].iter().any(|key| !case[key].is_null());
    case["raw_request_target"].is_string() && case["method"].is_string() && !has_headers && !by_something_else
}

/// The corpus writes raw bytes as Latin-1 text.
fn raw_target(case: &Value) -> Vec<u8> {
    let text = case["raw_request_target"].as_str().expect("the case has a target");
    text.chars().map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect()
}
