//! Which operation a target means, and which it crosses, over templates that a fuzzer arranges.

use countersign_decision::{Authority, ContractSource, Contracts, Location, Method, Operation, Requirement, decide};

use crate::call::{Call, answer};
use crate::choices::Choices;
use crate::{naive_model, naive_target};

/// Literals that are one in canonical form, some that are none, and parameters.
const PARTS: [&str; 14] =
    ["a", "b", "outbound", "outbounds", "{p}", "{q}", "%61", "A", "caf%c3%a9", "caf%C3%A9", "a-b", "a%2db", "~", "b@"];

/// Panics where the engine matches otherwise than the naive model.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::Bytes(bytes);
    let operations: Vec<_> = (0..1 + choices.below(24)).map(|number| operation(&mut choices, number)).collect();
    let source = ContractSource { name: "made".into(), operations: operations.clone(), ..ContractSource::default() };
    let canonical: Vec<_> = operations.into_iter().map(canonical).collect();
    let contracts = match Contracts::new(vec![source]) {
        Ok(contracts) => contracts,
        Err(error) => {
            let is_twice = |one: &Operation| canonical.iter().filter(|two| same_route(one, two)).count() > 1;
            assert!(canonical.iter().any(is_twice), "{error}");
            return;
        }
    };
    let contract = contracts.iter().next().expect("one contract");
    for one in &canonical {
        // A HEAD is decided as the GET of a path that has no HEAD of its own.
        let has_head =
            |two: &Operation| canonical.iter().any(|other| other.method == Method::Head && other.path == two.path);
        let is_asked = |two: &Operation| {
            two.method == one.method || (one.method == Method::Head && two.method == Method::Get && !has_head(two))
        };
        let others = canonical.iter().filter(|two| is_asked(two) && crosses(one, two));
        let mut expected: Vec<_> = others.map(|two| two.id.as_str()).collect();
        expected.sort_unstable();
        assert_eq!(contract.crossing(&one.id).map(|two| two.id.as_str()).collect::<Vec<_>>(), expected, "{}", one.path);
    }
    for _ in 0..8 {
        let parts: Vec<_> = (0..choices.below(6)).map(|_| choices.of(&PARTS).replace(['{', '}'], "")).collect();
        let (method, path) = (choices.of(&Method::ALL).to_string(), format!("/{}", parts.join("/")));
        let decision = decide(contract, &Authority::missing_credentials(), &method, path.as_bytes());
        let call = Call { organization: String::new(), chain: Vec::new(), method, path };
        assert_eq!(answer(&decision), naive_model::decide(&canonical, &[], &call), "{call:?}");
    }
}

fn operation(choices: &mut Choices<'_>, number: usize) -> Operation {
    let method = if choices.chance(70) { Method::Get } else { *choices.of(&Method::ALL) };
    let parts: Vec<_> = (0..choices.below(6)).map(|_| *choices.of(&PARTS)).collect();
    // What needs a credential is denied here: so crossing operations show themselves as those that decided.
    let requirement = if choices.chance(60) { Requirement::Public } else { Requirement::Authenticated };
    let (path, source) = (format!("/{}", parts.join("/")), Location { file: "made".into(), line: 1 });
    let (id, tags, summary) = (format!("op{}", (number * 7) % 25), Vec::new(), None);
    Operation { id, method, path, tags, summary, deprecated: false, requirement, step_up: None, source }
}

/// The same operation with its literals in canonical form.
fn canonical(mut operation: Operation) -> Operation {
    let part = |part: &str| match part.starts_with('{') {
        true => "{p}".to_owned(),
        false => {
            naive_target::canonical(format!("/{part}").as_bytes()).expect("a literal is a segment").path[1..].to_owned()
        }
    };
    operation.path = operation.path.split('/').map(part).collect::<Vec<_>>().join("/");
    operation
}

fn same_route(one: &Operation, two: &Operation) -> bool {
    one.method == two.method && one.path == two.path
}

/// Whether one is chosen before two where both match, and has a parameter where two has a literal.
fn crosses(one: &Operation, two: &Operation) -> bool {
    let is_literal = |part: &str| !part.starts_with('{');
    let parts: Vec<_> = one.path.split('/').zip(two.path.split('/')).collect();
    let is_chosen = parts.iter().find(|(a, b)| is_literal(a) != is_literal(b)).is_some_and(|(a, _)| is_literal(a));
    one.path.split('/').count() == two.path.split('/').count()
        && parts.iter().all(|(a, b)| a == b || !is_literal(a) || !is_literal(b))
        && parts.iter().any(|(a, b)| !is_literal(a) && is_literal(b))
        && is_chosen
}
