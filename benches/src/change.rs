//! `change`: how long one change of an organization takes to be decided on, and what surface and impact cost.
//!
//! Two organizations: one of the large world (1,000 users) and one of 100,000 users. Each row is the processor time of the whole question.

use std::hint::black_box;

use countersign_decision::impact::Comparison;
use countersign_decision::surface::Audience;
use countersign_decision::{
    AuthorizationState, Change, ClientRef, Contract, OrganizationFacts, PermissionPolicy, Snapshot,
};

use crate::catalog::{self, Rules};
use crate::clock::{median, thread_time};
use crate::memory::uncounted;
use crate::table::{Table, nanos, verdict};
use crate::world::{Size, World};
use crate::{CommonArguments, report};

const ROUNDS: usize = 11;
const SEED: u64 = 777;
/// Microseconds, gate and moonshot of `performance.md`.
const CHANGE: (f64, f64) = (5_000.0, 200.0);
const SURFACE: (f64, f64) = (100_000.0, 10_000.0);

pub(crate) fn run(arguments: &CommonArguments) -> Result<(), String> {
    let contracts = catalog::real_contracts(&catalog::shared_folder(arguments.shared.as_deref()))?;
    let contract = catalog::measured(&contracts);
    let rules = Rules::of(&contracts, contract)?;
    let sizes = if arguments.smoke { [20, 50] } else { [1_000, 100_000] };
    let rounds = if arguments.smoke { 1 } else { ROUNDS };
    let mut table = Table::new(&["users", "question", "CPU us", "gate", "moonshot"]);
    for users in sizes {
        let size = Size { organizations: 1, users, roles: 40, authorizations: 60, clients: 60 };
        let facts = World::new(size, &rules, SEED).facts(0);
        let before = Snapshot::compile(contracts.catalogue(), &facts);
        let questions = Questions::new(contract, &facts, &before)?;
        for (name, question, (gate, moonshot)) in questions.all() {
            let micros: Vec<f64> = (0..rounds).map(|_| uncounted(|| micros(&*question))).collect();
            let micros = median(&micros);
            let cells = [verdict(micros <= gate), verdict(micros <= moonshot)];
            let [gate, moonshot] = if arguments.smoke { ["-".into(), "-".into()] } else { cells };
            table.row([nanos(users as f64), name.into(), nanos(micros), gate, moonshot]);
        }
        report(&format!("{} users have {} combinations of roles", nanos(users as f64), before.combinations()));
    }
    report(&format!("\n{table}"));
    Ok(())
}

/// What is asked of one organization.
struct Questions<'a> {
    contract: &'a Contract,
    before: &'a Snapshot,
    client: ClientRef,
    authorization: Change,
    role: Change,
    user: Change,
}

type Question<'q> = (&'static str, Box<dyn Fn() + 'q>, (f64, f64));

impl<'a> Questions<'a> {
    fn new(contract: &'a Contract, facts: &OrganizationFacts, before: &'a Snapshot) -> Result<Self, String> {
        let is_usable = |one: &&countersign_decision::AuthorizationFacts| {
            one.state == AuthorizationState::Authorized && one.roles.is_empty()
        };
        let authorization = facts.authorizations.iter().find(is_usable).ok_or("no app is authorized for everybody")?;
        let client =
            ClientRef { id: authorization.client.clone(), home_organization: "elsewhere".into(), active: true };
        let scopes = contract.catalogue().scopes().iter().map(|entry| entry.scope.to_string()).collect();
        let authorization = countersign_decision::AuthorizationFacts { scopes, ..authorization.clone() };
        let mut role = facts.roles.first().ok_or("no role")?.clone();
        let permissions = contract.catalogue().permissions().iter().step_by(3);
        role.policies = permissions.map(|entry| PermissionPolicy::from(&entry.permission)).collect();
        let mut user = facts.users.first().ok_or("no user")?.clone();
        user.roles = facts.roles.iter().take(7).map(|role| role.id.clone()).collect();
        Ok(Self {
            contract,
            before,
            client,
            authorization: Change::Authorization(authorization),
            role: Change::Role(role),
            user: Change::User(user),
        })
    }

    fn all(&self) -> Vec<Question<'_>> {
        let changes = [
            ("a changed authorization, until it is decided on", &self.authorization),
            ("a changed role", &self.role),
            ("a changed user", &self.user),
        ];
        let mut all: Vec<Question<'_>> = changes.map(|(name, change)| self.effect(name, change)).into();
        all.push(("surface of an app for everybody", Box::new(|| self.surface()), SURFACE));
        let impacts = [
            ("impact of a changed authorization", &self.authorization),
            ("impact of a changed role on one app", &self.role),
            ("impact of a changed user on one app", &self.user),
        ];
        all.extend(impacts.map(|(name, change)| self.impact(name, change)));
        all
    }

    fn effect<'q>(&'q self, name: &'static str, change: &'q Change) -> Question<'q> {
        let change = std::slice::from_ref(change);
        (name, Box::new(move || drop(black_box(self.before.with(change)))), CHANGE)
    }

    fn surface(&self) {
        black_box(Audience::new(self.before).surface(self.contract, &self.client));
    }

    fn impact<'q>(&'q self, name: &'static str, change: &'q Change) -> Question<'q> {
        let after = self.before.with(std::slice::from_ref(change));
        let compare = move || {
            let mut comparison = Comparison::new(self.contract, self.before, &after);
            black_box(comparison.impact(&self.client, &self.client).operations.len());
        };
        (name, Box::new(compare), SURFACE)
    }
}

fn micros(question: &dyn Fn()) -> f64 {
    let start = thread_time();
    question();
    (thread_time() - start).as_nanos() as f64 / 1_000.0
}
