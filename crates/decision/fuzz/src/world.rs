//! Small worlds in which everything meets everything: few names, many accidents. And worlds over pieces of a real
//! contract.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_decision::{
    AuthorizationFacts, AuthorizationState, ContractSource, Contracts, Enforcement, Location, Method, Operation,
    OrganizationFacts, Permission, PermissionList, PermissionMode, PermissionPolicy, Requirement, RoleFacts, Scope,
    SubjectFacts, Unstated,
};

use crate::call::Who;
use crate::choices::Choices;
use crate::requests::{self, Request};

const SCOPES: [&str; 5] = ["s0", "s1", "s1:readonly", "s2", "t"];
const PERMISSIONS: [&str; 6] = ["d:u:add", "d:u:view", "d:g:view", "e:u:add", "admin", "z"];
const POLICIES: [&str; 10] =
    ["d:u:add", "d:u:view", "d:u:*", "d:*:view", "d:*:*", "e:*:*", "e:u:add", "admin", "z", "x:y:z"];
/// Literals: short, of one length, one the beginning of another, alike in their first eight bytes.
const WORDS: [[&str; 3]; 5] = [
    ["a", "b", "c"],
    ["a", "aa", "aaa"],
    ["usergroups", "usergroupz", "usergroup"],
    ["outbound", "outbounds", "outboun"],
    ["conversations-of-a-queue", "conversations-of-a-queux", "A"],
];
/// What makes ids longer: 39 bytes, 40, and more, where tables may keep them otherwise.
const ID_ENDS: [&str; 5] = [
    "",
    "",
    "-6f1c1a52-0f5e-4a0e-9d1d-7f1f6f0a9b11",
    "-6f1c1a52-0f5e-4a0e-9d1d-7f1f6f0a9b11a",
    "-6f1c1a52-0f5e-4a0e-9d1d-7f1f6f0a9b11-and-a-half",
];
const CLIENTS: [&str; 3] = ["c0", "c1", "c2"];
const ROLES: [&str; 3] = ["r0", "r1", "r2"];

/// A contract with what organizations have decided, who calls, and what is called: every chain makes every request.
pub struct World {
    pub(crate) contracts: Arc<Contracts>,
    /// The operations of the first contract as they were given.
    pub(crate) operations: Arc<Vec<Operation>>,
    pub(crate) organizations: Vec<OrganizationFacts>,
    pub(crate) chains: Vec<(String, Vec<Who>)>,
    pub(crate) requests: Vec<Request>,
}

/// A real contract, read once.
pub struct Real {
    contracts: Arc<Contracts>,
    operations: Arc<Vec<Operation>>,
}

/// What a world's facts are made of.
struct Names {
    scopes: Vec<String>,
    policies: Vec<PermissionPolicy>,
}

impl Real {
    /// The contract of one file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(source: ContractSource) -> Result<Self, String> {
        let operations = Arc::new(source.operations.clone());
        let contracts = Contracts::new(vec![source]).map_err(|error| error.to_string())?;
        Ok(Self { contracts: Arc::new(contracts), operations })
    }
}

impl World {
    /// A world of made-up names.
    pub fn made(choices: &mut Choices<'_>, chains: usize, requests: usize) -> Self {
        let words = choices.of(&WORDS).map(str::to_owned);
        let operations = operations(choices, &words);
        let names = Names {
            scopes: SCOPES.map(Into::into).into(),
            policies: POLICIES.iter().map(|policy| policy.parse().expect("a policy")).collect(),
        };
        let contracts = contracts(operations.clone(), &fillers(choices));
        Self::over(choices, (Arc::new(contracts), Arc::new(operations)), &names, &words, (chains, requests))
    }

    /// A world over a real contract: all of it, or up to forty operations that begin alike.
    pub fn real(choices: &mut Choices<'_>, real: &Real, is_whole: bool, chains: usize, requests: usize) -> Self {
        let area = |path: &str| path.split('/').take(5).collect::<Vec<_>>().join("/");
        let chosen = area(&choices.of(&real.operations).path);
        let mut near: Vec<Operation> =
            real.operations.iter().filter(|one| area(&one.path) == chosen).cloned().collect();
        while near.len() > 40 {
            near.swap_remove(choices.below(near.len()));
        }
        let scopes: BTreeSet<_> = near.iter().flat_map(|one| one.requirement.scopes_any_of()).flatten().collect();
        let lists = near.iter().filter_map(|one| one.requirement.permissions());
        let policies: BTreeSet<String> = lists.flat_map(|list| &list.of).flat_map(policies_for).collect();
        let names = Names {
            scopes: scopes.into_iter().map(ToString::to_string).collect(),
            policies: policies.iter().map(|policy| policy.parse().expect("a policy")).collect(),
        };
        let words: BTreeSet<_> = near.iter().flat_map(|one| one.path.split('/')).collect();
        let is_word = |word: &&&str| !word.is_empty() && !word.starts_with('{');
        let words: Vec<String> = words.iter().filter(is_word).map(ToString::to_string).collect();
        let contract = if is_whole {
            (Arc::clone(&real.contracts), Arc::clone(&real.operations))
        } else {
            (Arc::new(contracts(near.clone(), &[])), Arc::new(near))
        };
        Self::over(choices, contract, &names, &words, (chains, requests))
    }

    fn over(
        choices: &mut Choices<'_>,
        (contracts, operations): (Arc<Contracts>, Arc<Vec<Operation>>),
        names: &Names,
        words: &[String],
        (chains, requests): (usize, usize),
    ) -> Self {
        let organizations =
            vec![organization(choices, "o0", &CLIENTS[..2], names), organization(choices, "o1", &CLIENTS[2..], names)];
        let chains = (0..chains).map(|_| requests::chain(choices, &names.scopes)).collect();
        let requests = (0..requests).map(|_| requests::request(choices, &operations, words)).collect();
        let mut world = Self { contracts, operations, organizations, chains, requests };
        let end = *choices.of(&ID_ENDS);
        world.lengthen_ids(end);
        world
    }

    fn lengthen_ids(&mut self, end: &str) {
        for organization in &mut self.organizations {
            let subjects = organization.users.iter_mut().chain(&mut organization.clients).map(|one| &mut one.id);
            let authorized = organization.authorizations.iter_mut().map(|one| &mut one.client);
            subjects.chain(authorized).for_each(|id| id.push_str(end));
        }
        for who in self.chains.iter_mut().flat_map(|(_, chain)| chain) {
            who.client.push_str(end);
            who.user.iter_mut().for_each(|id| id.push_str(end));
        }
    }
}

/// A permission, and the policies with `*` that cover it.
fn policies_for(permission: &Permission) -> Vec<String> {
    let wide = permission.parts().map(|(domain, entity, action)| {
        [format!("{domain}:*:*"), format!("{domain}:{entity}:*"), format!("{domain}:*:{action}")]
    });
    std::iter::once(permission.to_string()).chain(wide.into_iter().flatten()).collect()
}

/// Scopes and permissions that nobody asks for, so that the others do not all stand in one machine word of a bit set.
fn fillers(choices: &mut Choices<'_>) -> Vec<(Scope, Permission)> {
    let count = *choices.of(&[0, 0, 0, 0, 3, 31, 70, 300]);
    let filler = |number: usize| {
        let (scope, permission) = (format!("{}-{number}", SCOPES[number % 5]), format!("d:u:b{number}"));
        (scope.parse().expect("a scope"), permission.parse().expect("a permission"))
    };
    (0..count).map(filler).collect()
}

fn contracts(operations: Vec<Operation>, fillers: &[(Scope, Permission)]) -> Contracts {
    let source = ContractSource { name: "made".into(), operations, ..ContractSource::default() };
    let other = ContractSource {
        name: "other".into(),
        scopes: fillers.iter().map(|(scope, _)| (scope.clone(), String::new())).collect(),
        permissions: fillers.iter().map(|(_, permission)| (permission.clone(), String::new())).collect(),
        ..ContractSource::default()
    };
    Contracts::new(vec![source, other]).expect("the generator makes valid contracts")
}

fn operations(choices: &mut Choices<'_>, words: &[String; 3]) -> Vec<Operation> {
    let prefix = *choices.of(&["", "", "/api/v2", "/a"]);
    let mut operations: Vec<Operation> = Vec::new();
    let shape = |path: &str| path.replace("{q}", "{p}");
    for _ in 0..2 + choices.below(18) {
        let (usual, seldom) = ([Method::Get, Method::Get, Method::Post], Method::ALL);
        let method = if choices.chance(80) { *choices.of(&usual) } else { *choices.of(&seldom) };
        let parts: Vec<_> = (0..*choices.of(&[2, 3, 3, 1, 4, 2, 3, 0]))
            .map(|_| *choices.of(&[words[0].as_str(), &words[1], "{p}", "{q}"]))
            .collect();
        let path = format!("{prefix}/{}", parts.join("/"));
        let path = if parts.is_empty() && !prefix.is_empty() { prefix.to_owned() } else { path };
        let requirement = requirement(choices);
        let is_new = |one: &Operation| one.method != method || shape(&one.path) != shape(&path);
        if operations.iter().all(is_new) {
            let id = format!("op{}x{}", choices.below(10), operations.len());
            let source = Location { file: "made".into(), line: 1 };
            let (tags, summary, deprecated) = (Vec::new(), None, false);
            operations.push(Operation {
                id,
                method,
                path,
                tags,
                summary,
                deprecated,
                requirement,
                step_up: None,
                source,
            });
        }
    }
    operations
}

/// Not as the importer would make them, but as a stored contract may hold them: with empty lists and repetitions.
fn requirement(choices: &mut Choices<'_>) -> Requirement {
    match choices.below(20) {
        0 => return Requirement::Public,
        1 => return Requirement::Authenticated,
        2 => return Requirement::OtherCredential { scheme: "Guest JWT".into() },
        3 => return Requirement::Unstated { why: Unstated::NoSecurity },
        _ => {}
    }
    let scopes: Vec<Scope> = SCOPES.iter().map(|scope| scope.parse().expect("a scope")).collect();
    let alternatives = choices.below(4);
    let mut alternative = || match choices.below(30) {
        0 => Vec::new(),
        1..=9 => (0..2 + choices.below(2)).map(|_| choices.of(&scopes).clone()).collect(),
        _ => vec![choices.of(&scopes).clone()],
    };
    let scopes_any_of = (0..alternatives).map(|_| alternative()).collect();
    let mode = *choices.of(&[PermissionMode::Any, PermissionMode::All]);
    let of = (0..choices.below(4)).map(|_| choices.of(&PERMISSIONS).parse().expect("a permission")).collect();
    let permissions = choices.chance(80).then_some(PermissionList { mode, of });
    Requirement::Oauth { scopes_any_of, permissions }
}

fn organization(choices: &mut Choices<'_>, id: &str, clients: &[&str], names: &Names) -> OrganizationFacts {
    use Enforcement::{Enforce, Off, Report};

    let role = |id: String, policies| RoleFacts { name: format!("Role {id}"), id, policies };
    // Roles of which nobody speaks, so that the others do not stand first.
    let mut roles: Vec<_> =
        (0..*choices.of(&[0, 0, 0, 1, 70])).map(|number| role(format!("f{number}"), names.policies.clone())).collect();
    let percent = *choices.of(&[10, 30, 60]);
    roles.extend(ROLES.map(|id| role(id.into(), choices.some_of(&names.policies, percent))));
    let mut subject = |id: &str| {
        let (active, mut roles) = (choices.chance(95), role_ids(choices));
        if choices.chance(10) {
            roles.extend(roles.clone());
        }
        SubjectFacts { id: id.to_owned(), active, roles }
    };
    let (users, clients) = (["u0", "u1"].map(&mut subject).into(), clients.iter().map(|id| subject(id)).collect());
    let authorizations = CLIENTS.iter().filter_map(|client| authorization(choices, client, &names.scopes)).collect();
    OrganizationFacts {
        id: id.to_owned(),
        active: choices.chance(95),
        enforcement: *choices.of(&[Enforce, Report, Enforce, Off, Enforce]),
        bounds_client_credentials: choices.chance(80),
        roles,
        users,
        clients,
        authorizations,
    }
}

fn authorization(choices: &mut Choices<'_>, client: &str, scopes: &[String]) -> Option<AuthorizationFacts> {
    use AuthorizationState::{Authorized, Denied, Expired, Requested, Revoked};

    let state =
        *choices.of(&[Authorized, Authorized, Authorized, Authorized, Authorized, Authorized, Requested, Denied]);
    let state = if choices.chance(4) { *choices.of(&[Revoked, Expired]) } else { state };
    let roles = if choices.chance(30) { role_ids(choices) } else { Vec::new() };
    let scopes = granted(choices, scopes);
    choices.chance(90).then_some(AuthorizationFacts { client: client.to_owned(), state, scopes, roles })
}

/// Scopes that are granted or asked for, among them one that no contract knows.
pub(crate) fn granted(choices: &mut Choices<'_>, scopes: &[String]) -> Vec<String> {
    let percent = *choices.of(&[80, 50, 20]);
    let mut granted = choices.some_of(scopes, percent);
    if choices.chance(10) {
        granted.insert(0, "unknown".to_owned());
        granted.extend(granted.clone());
    }
    granted
}

fn role_ids(choices: &mut Choices<'_>) -> Vec<String> {
    let ids = [&ROLES[..], &["gone"]].concat();
    choices.some_of(&ids, 40).into_iter().map(str::to_owned).collect()
}
