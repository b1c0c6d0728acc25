//! regorus (Rego), as its own benchmarks run it hot: one policy compiled once, one virtual machine or interpreter
//! kept, the input set for each call.
//!
//! What a call needs is put into the input as values that were made beforehand (a clone is a reference count): the
//! operation's needs, the holdings of the user's combination of roles, the app's authorization. Holdings are sets,
//! so that each test is one look-up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use countersign_decision::{PermissionMode, Reason};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};

use super::front::{Call, Front};
use crate::answer::Answer;
use crate::catalog::{Ask, Rules};
use crate::requests::Requests;
use crate::world::{Authorization, World};

const POLICY: &str = r#"package countersign

import rego.v1

answer := "missing_scope" if {
    not scope_suffices
} else := "role_not_allowed" if {
    not role_suffices
} else := "missing_permission" if {
    not permission_suffices
} else := "allow"

scope_suffices if count(input.needs.scopes) == 0

scope_suffices if {
    some scope in input.needs.scopes
    scope in input.app.scopes
}

role_suffices if input.app.everybody

role_suffices if {
    some role in input.app.roles
    role in input.user.roles
}

permission_suffices if {
    input.needs.mode == "ANY"
    some permission in input.needs.permissions
    permission in input.user.permissions
}

permission_suffices if {
    input.needs.mode == "ALL"
    every permission in input.needs.permissions {
        permission in input.user.permissions
    }
}
"#;
const RULE: &str = "data.countersign.answer";
const MISSING: &str = "values are prepared for every combination that is asked for";

/// Prepared values and both ways to run the policy.
pub(crate) struct Rego<'w> {
    front: &'w Front<'w>,
    machine: RegoVM,
    interpreter: Engine,
    keys: [Value; 3],
    needs: Vec<Value>,
    organizations: Vec<Holdings>,
}

#[derive(Default)]
struct Holdings {
    users: HashMap<usize, Value>,
    apps: Vec<Value>,
}

impl<'w> Rego<'w> {
    /// Prepares what the first `sample` requests need.
    pub(crate) fn new(
        world: &World,
        rules: &Rules,
        front: &'w Front<'w>,
        requests: &Requests,
        sample: usize,
    ) -> Result<Self, String> {
        let mut interpreter = Engine::new();
        interpreter.add_policy("countersign.rego".into(), POLICY.into()).map_err(|error| error.to_string())?;
        let policy = interpreter.compile_with_entrypoint(&RULE.into()).map_err(|error| error.to_string())?;
        let program = Compiler::compile_from_policy(&policy, &[RULE]).map_err(|error| error.to_string())?;
        let mut machine = RegoVM::new();
        machine.load_program(Arc::clone(&program));
        // The texts are shared by all sets, as a host that interns its names would do.
        let permissions: Vec<Value> = rules.permissions.iter().map(|one| Value::from(one.as_str())).collect();
        let scopes: Vec<Value> = rules.scopes.iter().map(|one| Value::from(one.as_str())).collect();
        let mut rego = Self {
            front,
            machine,
            interpreter,
            keys: ["needs", "user", "app"].map(Value::from),
            needs: rules.operations.iter().map(|rule| needs(&rule.ask, &scopes, &permissions)).collect(),
            organizations: world.organizations.iter().map(|_| Holdings::default()).collect(),
        };
        for index in 0..sample.min(requests.len()) {
            rego.prepare(world, &scopes, &permissions, requests, index);
        }
        Ok(rego)
    }

    fn prepare(&mut self, world: &World, scopes: &[Value], permissions: &[Value], requests: &Requests, index: usize) {
        let Ok(call) = self.front.ask(requests, index) else {
            return;
        };
        let organization = &world.organizations[call.organization];
        let holdings = &mut self.organizations[call.organization];
        if holdings.apps.is_empty() {
            holdings.apps = organization.authorizations.iter().map(|one| app(one, scopes)).collect();
        }
        holdings.users.entry(call.combination).or_insert_with(|| {
            let held = world.permissions_of(organization, call.combination);
            let roles = organization.combinations[call.combination].iter().map(|role| Value::from(u32::from(*role)));
            object([("permissions", set(held.ones().map(|index| permissions[index].clone()))), ("roles", set(roles))])
        });
    }

    /// Decides by the virtual machine.
    pub(crate) fn answer_by_machine(&mut self, requests: &Requests, index: usize) -> Answer {
        let Self { front, machine, keys, needs, organizations, .. } = self;
        answer(front, requests, index, |call, operation| {
            machine.set_input(input(keys, needs, organizations, call, operation));
            machine.execute().expect("the policy is right")
        })
    }

    /// Decides by the interpreter.
    pub(crate) fn answer_by_interpreter(&mut self, requests: &Requests, index: usize) -> Answer {
        let Self { front, interpreter, keys, needs, organizations, .. } = self;
        answer(front, requests, index, |call, operation| {
            interpreter.set_input(input(keys, needs, organizations, call, operation));
            interpreter.eval_rule(RULE.into()).expect("the policy is right")
        })
    }
}

fn answer(
    front: &Front<'_>,
    requests: &Requests,
    index: usize,
    mut evaluate: impl FnMut(&Call<'_>, u32) -> Value,
) -> Answer {
    let call = match front.ask(requests, index) {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    front.decide(&call, |operation| {
        let value = evaluate(&call, operation);
        match value.as_string().map(|text| &**text) {
            Ok("allow") => Answer::Allow,
            Ok("missing_scope") => Answer::Deny(Reason::MissingScope),
            Ok("role_not_allowed") => Answer::Deny(Reason::RoleNotAllowed),
            // Whatever else the policy says is a denial, and the comparison shows it where it should be none.
            _ => Answer::Deny(Reason::MissingPermission),
        }
    })
}

fn input(keys: &[Value; 3], needs: &[Value], organizations: &[Holdings], call: &Call<'_>, operation: u32) -> Value {
    let holdings = &organizations[call.organization];
    let user = holdings.users.get(&call.combination).expect(MISSING);
    let values = [&needs[operation as usize], user, &holdings.apps[call.authorization]];
    let pairs = keys.iter().zip(values).map(|(key, value)| (key.clone(), value.clone()));
    Value::from(pairs.collect::<BTreeMap<_, _>>())
}

fn needs(ask: &Ask, scopes: &[Value], permissions: &[Value]) -> Value {
    let chosen = |places: &[u16], all: &[Value]| -> Value {
        Value::from(places.iter().map(|place| all[usize::from(*place)].clone()).collect::<Vec<_>>())
    };
    let (of_scopes, of_permissions) = match ask {
        Ask::Oauth { scopes, permissions } => (scopes.as_slice(), permissions.as_ref()),
        Ask::Public | Ask::Unstated | Ask::OtherCredential => (&[][..], None),
    };
    // No list is satisfied by everybody, as `every` of nothing is.
    let (mode, list) = of_permissions.map_or(("ALL", &[][..]), |(mode, of)| {
        (if *mode == PermissionMode::Any { "ANY" } else { "ALL" }, of.as_slice())
    });
    object([
        ("scopes", chosen(of_scopes, scopes)),
        ("mode", Value::from(mode)),
        ("permissions", chosen(list, permissions)),
    ])
}

fn app(app: &Authorization, scopes: &[Value]) -> Value {
    object([
        ("scopes", set(app.scopes.iter().map(|scope| scopes[usize::from(*scope)].clone()))),
        ("everybody", Value::from(app.roles.is_empty())),
        ("roles", Value::from(app.roles.iter().map(|role| Value::from(u32::from(*role))).collect::<Vec<_>>())),
    ])
}

fn set(values: impl Iterator<Item = Value>) -> Value {
    Value::from(values.collect::<BTreeSet<_>>())
}

fn object<const LENGTH: usize>(pairs: [(&str, Value); LENGTH]) -> Value {
    Value::from(pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<BTreeMap<_, _>>())
}
