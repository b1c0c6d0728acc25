//! Generators of small worlds in which everything meets everything: few names, many accidents.

use countersign_decision::requirement::PermissionMode;
use countersign_decision::{
    Authority, AuthorizationFacts, AuthorizationState, Caller, ClientRef, Contract, ContractSource, Contracts,
    Decision, Enforcement, Location, Method, Operation, OrganizationFacts, PermissionList, Requirement, RoleFacts,
    Snapshot, Subject, SubjectFacts, Unstated, decide,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select, subsequence};
use serde_json::Value;

use crate::call::{Call, Who, authority, caller};

/// How many calls are tried in one world: a world costs more than a call.
pub(crate) const CALLS: u32 = 8;

/// A contract, a world and calls.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) operations: Vec<Operation>,
    pub(crate) world: Vec<OrganizationFacts>,
    pub(crate) calls: Vec<Call>,
}

pub(crate) const SCOPES: [&str; 4] = ["s0", "s1", "s1:readonly", "s2"];
pub(crate) const PERMISSIONS: [&str; 5] = ["d:u:add", "d:u:view", "d:g:view", "e:u:add", "admin"];
const POLICIES: [&str; 8] = ["d:u:add", "d:u:view", "d:u:*", "d:*:view", "d:*:*", "e:*:*", "admin", "x:y:z"];
const ROLES: [&str; 3] = ["r0", "r1", "r2"];
const USERS: [&str; 3] = ["u0", "u1", "u2"];

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let world = [organization("o0", &["c0", "c1"]).boxed(), organization("o1", &["c2"]).boxed()];
    // Most calls mean an operation that exists: its method, its path with words for the parameters.
    let meant = option::weighted(0.8, (any::<Index>(), vec(select(vec!["a", "b", "c"]), 3)));
    let asked = vec((calls(), meant), CALLS as usize);
    (operations(), world, asked).prop_map(|(operations, world, asked)| {
        let call = |(mut call, meant): (Call, Option<(Index, Vec<&str>)>)| {
            if let Some((operation, words)) = meant {
                let meant = operation.get(&operations);
                let filled = meant.path.split('/').skip(1).zip(words);
                call.path = filled.map(|(part, word)| format!("/{}", part.replace("{p}", word))).collect();
                call.method = meant.method.to_string();
            }
            call
        };
        let calls = asked.into_iter().map(call).collect();
        Case { operations, world: world.into(), calls }
    })
}

/// Valid contracts of up to fourteen operations over two letters and parameters.
pub(crate) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let method = prop_oneof![6 => Just(Method::Get), 2 => Just(Method::Post), 1 => Just(Method::Head)];
    let path = vec(select(vec!["a", "b", "{p}"]), 1..=3).prop_map(|parts| format!("/{}", parts.join("/")));
    vec((method, path, requirements(), any::<u16>()), 1..20).prop_map(|rows| {
        let mut operations: Vec<Operation> = Vec::new();
        for (method, path, requirement, salt) in rows {
            if operations.iter().any(|one| one.method == method && one.path == path) {
                continue;
            }
            let id = format!("op{salt}x{}", operations.len());
            operations.push(operation(&id, method, &path, requirement));
        }
        operations
    })
}

pub(crate) fn operation(id: &str, method: Method, path: &str, requirement: Requirement) -> Operation {
    let source = Location { file: "made".into(), line: 1 };
    let (id, path) = (id.to_owned(), path.to_owned());
    Operation {
        id,
        method,
        path,
        tags: Vec::new(),
        summary: None,
        deprecated: false,
        requirement,
        step_up: None,
        source,
    }
}

fn requirements() -> impl Strategy<Value = Requirement> {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let alternative = subsequence(texts(&SCOPES), 1..=2);
    let scopes = vec(alternative, 0..=2).prop_map(|sets| {
        sets.iter().map(|set| set.iter().map(|scope| scope.parse().expect("a scope")).collect()).collect()
    });
    let mode = select(vec![PermissionMode::Any, PermissionMode::All]);
    let permissions = (mode, subsequence(texts(&PERMISSIONS), 1..=3)).prop_map(|(mode, of)| PermissionList {
        mode,
        of: of.iter().map(|permission| permission.parse().expect("a permission")).collect(),
    });
    let oauth = (scopes, option::of(permissions)).prop_map(|(scopes, list)| Requirement::oauth(scopes, list));
    prop_oneof![
        12 => oauth,
        1 => Just(Requirement::Public),
        1 => Just(Requirement::Authenticated),
        1 => Just(Requirement::OtherCredential { scheme: "Guest JWT".into() }),
        1 => Just(Requirement::Unstated { why: Unstated::NoSecurity }),
    ]
}

fn organization(id: &'static str, clients: &'static [&'static str]) -> impl Strategy<Value = OrganizationFacts> {
    let mode =
        prop_oneof![1 => Just(Enforcement::Off), 1 => Just(Enforcement::Report), 3 => Just(Enforcement::Enforce)];
    let roles = ROLES.map(|role| {
        let policies = subsequence(POLICIES.to_vec(), 0..=4);
        policies.prop_map(move |policies| RoleFacts {
            id: role.into(),
            name: format!("Role {role}"),
            policies: policies.iter().map(|policy| policy.parse().expect("a policy")).collect(),
        })
    });
    let users: Vec<_> = USERS[..2].iter().map(|user| subject(user)).collect();
    let clients: Vec<_> = clients.iter().map(|client| subject(client)).collect();
    let authorizations = ["c0", "c1", "c2"].map(|client| option::weighted(0.8, authorization(client)));
    (mostly(), mode, mostly(), roles, users, clients, authorizations).prop_map(
        move |(active, enforcement, bounds_client_credentials, roles, users, clients, authorizations)| {
            OrganizationFacts {
                id: id.into(),
                active,
                enforcement,
                bounds_client_credentials,
                roles: roles.into(),
                users,
                clients,
                authorizations: authorizations.into_iter().flatten().collect(),
            }
        },
    )
}

fn subject(id: &'static str) -> impl Strategy<Value = SubjectFacts> {
    (mostly(), role_ids()).prop_map(|(active, roles)| SubjectFacts { id: id.into(), active, roles })
}

fn authorization(client: &'static str) -> impl Strategy<Value = AuthorizationFacts> {
    use AuthorizationState::{Authorized, Denied, Expired, Requested, Revoked};

    let state = prop_oneof![8 => Just(Authorized), 1 => select(vec![Requested, Denied, Revoked, Expired])];
    let roles = prop_oneof![2 => Just(Vec::new()), 1 => role_ids()];
    (state, scope_names(), roles).prop_map(|(state, scopes, roles)| AuthorizationFacts {
        client: client.into(),
        state,
        scopes,
        roles,
    })
}

pub(crate) fn calls() -> impl Strategy<Value = Call> {
    let method = prop_oneof![
        6 => Just("GET"),
        2 => Just("POST"),
        2 => Just("HEAD"),
        1 => select(vec!["DELETE", "get", "TRACE"])
    ];
    let path = vec(select(vec!["a", "b", "c"]), 1..=3).prop_map(|parts| format!("/{}", parts.join("/")));
    let end = prop_oneof![12 => Just(""), 1 => select(vec!["/", "//", "/..", "/%2e", "?a=b", ";a", "%41"])];
    let path = (path, end).prop_map(|(path, end)| path + end);
    let organization = prop_oneof![12 => Just("o0"), 3 => Just("o1"), 1 => Just("o9")];
    // Only a first link can name an unknown client: a chain comes from a token, which was issued to known ones.
    let chain = prop_oneof![20 => vec(who("c9"), 1..=1), 3 => vec(who("c1"), 2..=3), 1 => Just(Vec::new())];
    (organization, chain, method, path).prop_map(|(organization, chain, method, path)| Call {
        organization: organization.into(),
        chain,
        method: method.into(),
        path,
    })
}

fn who(seldom: &'static str) -> impl Strategy<Value = Who> {
    let client = prop_oneof![12 => select(vec!["c0", "c1", "c2"]), 1 => Just(seldom)];
    let user = option::weighted(0.75, prop_oneof![12 => select(USERS[..2].to_vec()), 1 => Just(USERS[2])]);
    (client, user, option::weighted(0.3, scope_names())).prop_map(|(client, user, scopes)| Who {
        client: client.into(),
        user: user.map(Into::into),
        scopes,
    })
}

fn scope_names() -> impl Strategy<Value = Vec<String>> {
    let names = [&SCOPES[..], &["unknown"]].concat();
    subsequence(names, 1..=5).prop_map(|names| names.into_iter().map(Into::into).collect())
}

fn role_ids() -> impl Strategy<Value = Vec<String>> {
    let names = [&ROLES[..], &["gone"]].concat();
    subsequence(names, 0..=3).prop_map(|names| names.into_iter().map(Into::into).collect())
}

fn mostly() -> impl Strategy<Value = bool> {
    proptest::bool::weighted(0.93)
}

/// The contract of these operations.
pub(crate) fn contracts(operations: &[Operation]) -> Contracts {
    let source = ContractSource { name: "made".into(), operations: operations.to_vec(), ..ContractSource::default() };
    Contracts::new(vec![source]).expect("the generator makes valid contracts")
}

/// The engine's answers to a case, as `evaluate` would write them.
pub(crate) fn engine(case: &Case) -> Vec<Value> {
    evaluate(&contracts(&case.operations), &case.world, &case.calls)
}

pub(crate) fn evaluate(contracts: &Contracts, world: &[OrganizationFacts], calls: &[Call]) -> Vec<Value> {
    let line = |_: &Contract, _: &Authority<'_>, decision: &Decision<'_>| serde_json::to_value(decision);
    with_decisions(contracts, world, calls, line).into_iter().map(|line| line.expect("a decision is JSON")).collect()
}

/// What `evaluate` does: look up organization and client, then decide.
pub(crate) fn with_decisions<T>(
    contracts: &Contracts,
    world: &[OrganizationFacts],
    calls: &[Call],
    mut use_decision: impl FnMut(&Contract, &Authority<'_>, &Decision<'_>) -> T,
) -> Vec<T> {
    let contract = contracts.iter().next().expect("one contract");
    let snapshots: Vec<_> = world.iter().map(|facts| Snapshot::compile(contracts.catalogue(), facts)).collect();
    let answer = |call: &Call| {
        let snapshot = snapshots.iter().find(|snapshot| snapshot.organization() == call.organization);
        let caller = caller(world, &call.chain);
        let authority = authority(snapshot, &call.chain, caller.as_ref());
        use_decision(contract, &authority, &decide(contract, &authority, &call.method, call.path.as_bytes()))
    };
    calls.iter().map(answer).collect()
}

pub(crate) fn named(id: &str, roles: &[&str]) -> SubjectFacts {
    SubjectFacts { id: id.into(), active: true, roles: roles.iter().map(|&role| role.to_owned()).collect() }
}

pub(crate) fn role(id: &str, policies: &[&str]) -> RoleFacts {
    let policies = policies.iter().map(|policy| policy.parse().expect("a policy")).collect();
    RoleFacts { id: id.into(), name: id.into(), policies }
}

pub(crate) fn authorized(client: &str, scopes: &[&str]) -> AuthorizationFacts {
    AuthorizationFacts {
        client: client.into(),
        state: AuthorizationState::Authorized,
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        roles: Vec::new(),
    }
}

/// An organization with one user who may do everything through one app that may do everything.
pub(crate) fn all_powerful() -> OrganizationFacts {
    OrganizationFacts {
        id: "acme".into(),
        active: true,
        enforcement: Enforcement::Enforce,
        bounds_client_credentials: true,
        roles: vec![role("everything", &["d:*:*", "e:*:*", "admin"])],
        users: vec![named("user", &["everything"])],
        clients: Vec::new(),
        authorizations: vec![authorized("app", &SCOPES)],
    }
}

pub(crate) fn power() -> Caller {
    Caller {
        client: ClientRef { id: "app".into(), home_organization: "elsewhere".into(), active: true },
        subject: Subject::User("user".into()),
        ceiling: None,
        actors: Vec::new(),
    }
}
