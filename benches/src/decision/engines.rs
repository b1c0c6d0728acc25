//! All engines of one run: made, compared with the naive model, and measured in turn.

use std::ops::Range;

use countersign_decision::Contracts;

use super::{Plan, part};
use crate::agreement::{Extent, compare};
use crate::answer::Answer;
use crate::catalog::Rules;
use crate::clock::per_decision;
use crate::countersign::Countersign;
use crate::floor::Floor;
use crate::memory::{Used, counted, uncounted};
use crate::peers::casbin::{Casbin, bytes_of_one};
use crate::peers::cedar::Cedar;
use crate::peers::front::Front;
use crate::peers::ordinary::Ordinary;
use crate::peers::rego::Rego;
use crate::report;
use crate::requests::Requests;
use crate::table::nanos;
use crate::world::World;

pub(super) const FLOOR: &str = "floor: 3 cache lines and the path, no logic";
pub(super) const COUNTERSIGN: &str = "Countersign";
pub(super) const COUNTERSIGN_AGAIN: &str = "Countersign again (the difference is noise)";
pub(super) const ORDINARY: &str = "ordinary crates: matchit, hash maps, bit sets";
pub(super) const CEDAR: &str = "cedar-policy, policies indexed by action";
pub(super) const GIBIBYTE: f64 = 1_073_741_824.0;
/// Rows that would need more are left out.
const MEMORY_LIMIT_GIBIBYTES: f64 = 8.0;

/// The engines, and what each keeps in memory.
pub(super) struct Engines<'w> {
    pub(super) countersign: Countersign<'w>,
    /// Nothing where Countersign is measured alone.
    peers: Option<Peers<'w>>,
    /// Counted bytes by name, Countersign's first.
    pub(super) memory: Vec<(&'static str, Option<Used>)>,
}

struct Peers<'w> {
    ordinary: Ordinary<'w>,
    cedar: Cedar<'w>,
    by_machine: Rego<'w>,
    by_interpreter: Rego<'w>,
    casbin: Casbin<'w>,
    casbin_bytes_each: Option<f64>,
}

impl<'w> Engines<'w> {
    pub(super) fn new(
        plan: &Plan,
        contracts: &'w Contracts,
        world: &'w World,
        rules: &'w Rules,
        front: &'w Front<'w>,
        requests: &Requests,
    ) -> Result<Self, String> {
        let (countersign, of_countersign) = counted(|| Countersign::new(contracts, world));
        let mut memory = vec![("Countersign", of_countersign)];
        let peers = if plan.alone { None } else { Some(Peers::new(plan, world, rules, front, requests, &mut memory)?) };
        Ok(Self { countersign, peers, memory })
    }

    pub(super) fn bytes_of_snapshots(&self) -> Option<f64> {
        self.memory.first().and_then(|(_, used)| Some(used.as_ref()?.bytes_kept as f64))
    }

    /// Compares every engine with the naive model.
    pub(super) fn agree(&mut self, plan: &Plan, requests: &Requests, answers: &[Answer]) -> Result<(), String> {
        let Self { countersign, peers, .. } = self;
        let check = |engine, extent, count: usize, answer: &mut dyn FnMut(usize) -> Answer| {
            compare(engine, extent, &answers[..count], requests, answer)
        };
        let (all, some, few) = (plan.requests, plan.policy_engines, plan.slow);
        check(COUNTERSIGN, Extent::Reason, all, &mut |index| countersign.answer(requests, index))?;
        let Some(Peers { ordinary, cedar, by_machine, by_interpreter, casbin, .. }) = peers else {
            report(&format!("Countersign agrees with the naive model on {all} requests\n"));
            return Ok(());
        };
        check("ordinary crates", Extent::Reason, all, &mut |index| ordinary.answer(requests, index))?;
        check(CEDAR, Extent::Decision, some, &mut |index| cedar.answer(requests, index))?;
        check("cedar with reasons", Extent::Reason, some, &mut |index| cedar.answer_with_reason(requests, index))?;
        check("regorus machine", Extent::Reason, some, &mut |index| by_machine.answer_by_machine(requests, index))?;
        let interpreted = by_interpreter;
        check("regorus", Extent::Reason, some, &mut |index| interpreted.answer_by_interpreter(requests, index))?;
        check("casbin", Extent::Reason, few, &mut |index| casbin.answer(requests, index))?;
        check("cedar, one set", Extent::Decision, few, &mut |index| cedar.answer_from_all(requests, index))?;
        report(&format!(
            "all agree with the naive model: Countersign and ordinary crates on {all} requests, \
             cedar and regorus on {some}, \
             casbin and cedar with one set on {few}\n"
        ));
        Ok(())
    }

    /// What the engines keep in memory, and which rows are left out for it.
    pub(super) fn memory_text(&self, plan: &Plan) -> String {
        let megabytes = |bytes: f64| format!("{} MB", nanos(bytes / 1e6));
        let kept = self
            .memory
            .iter()
            .filter_map(|(name, used)| Some(format!("{name} {}", megabytes(used.as_ref()?.bytes_kept as f64))));
        let mut text = format!(
            "counted bytes: {} (cedar and regorus: what {} requests need)\n",
            kept.collect::<Vec<_>>().join(", "),
            plan.policy_engines
        );
        let Some(peers) = &self.peers else { return text };
        if plan.slow == 0 {
            text.push_str(
                "left out: cedar-policy with all policies in one set (slow: 10,000 calls of the small world only)\n",
            );
            let needed = peers.casbin_bytes_each.map(|bytes| bytes * plan.size.organizations as f64 / GIBIBYTE);
            let why = match needed {
                Some(needed) if needed > MEMORY_LIMIT_GIBIBYTES => {
                    format!("its enforcers would need {needed:.1} GiB, more than {MEMORY_LIMIT_GIBIBYTES} GiB")
                }
                _ => "slow: 10,000 calls of the small world only".into(),
            };
            text.push_str(&format!("left out: casbin ({why})\n"));
        }
        text
    }

    /// One round: every engine decides its part of the requests, one after the other.
    pub(super) fn measure(
        &mut self,
        plan: &Plan,
        round: usize,
        floor: &Floor,
        requests: &Requests,
        measured: &mut Vec<(&'static str, Vec<f64>)>,
    ) {
        let Self { countersign, peers, .. } = self;
        let (all, some, few) = (plan.requests, plan.policy_engines, plan.slow);
        let mut row = |name: &'static str, count: usize, run: &mut dyn FnMut(Range<usize>) -> f64| {
            let range = part(count, round, plan.rounds);
            if range.is_empty() {
                return;
            }
            let nanos = uncounted(|| run(range));
            match measured.iter_mut().find(|(known, _)| *known == name) {
                Some((_, rounds)) => rounds.push(nanos),
                None => measured.push((name, vec![nanos])),
            }
        };
        row(FLOOR, all, &mut |range| per_decision(requests, range, |index| floor.read(requests, index)));
        row(COUNTERSIGN, all, &mut |range| {
            per_decision(requests, range, |index| countersign.answer(requests, index).code())
        });
        row("Countersign, denials with all that is missing", all, &mut |range| {
            per_decision(requests, range, |index| countersign.answer_in_full(requests, index).code())
        });
        if let Some(Peers { ordinary, cedar, by_machine, by_interpreter, casbin, .. }) = peers {
            row(ORDINARY, all, &mut |range| {
                per_decision(requests, range, |index| ordinary.answer(requests, index).code())
            });
            row(CEDAR, some, &mut |range| per_decision(requests, range, |index| cedar.answer(requests, index).code()));
            row("the same, able to give the reason", some, &mut |range| {
                per_decision(requests, range, |index| cedar.answer_with_reason(requests, index).code())
            });
            row("regorus virtual machine", some, &mut |range| {
                per_decision(requests, range, |index| by_machine.answer_by_machine(requests, index).code())
            });
            row("regorus interpreter", some, &mut |range| {
                per_decision(requests, range, |index| by_interpreter.answer_by_interpreter(requests, index).code())
            });
            row("casbin, one enforcer per organization", few, &mut |range| {
                per_decision(requests, range, |index| casbin.answer(requests, index).code())
            });
            row("cedar-policy, all policies in one set", few, &mut |range| {
                per_decision(requests, range, |index| cedar.answer_from_all(requests, index).code())
            });
        }
        row(COUNTERSIGN_AGAIN, all, &mut |range| {
            per_decision(requests, range, |index| countersign.answer(requests, index).code())
        });
    }
}

impl<'w> Peers<'w> {
    fn new(
        plan: &Plan,
        world: &'w World,
        rules: &'w Rules,
        front: &'w Front<'w>,
        requests: &Requests,
        memory: &mut Vec<(&'static str, Option<Used>)>,
    ) -> Result<Self, String> {
        let (some, few) = (plan.policy_engines, plan.slow);
        let (ordinary, of_ordinary) = counted(|| Ordinary::new(world, rules, front));
        let (cedar, of_cedar) = counted(|| Cedar::new(world, rules, front, requests, some, few > 0));
        let (by_machine, of_rego) = counted(|| Rego::new(world, rules, front, requests, some));
        let by_interpreter = Rego::new(world, rules, front, requests, some)?;
        let casbin = Casbin::new(world, rules, front, requests, few)?;
        memory.extend([("ordinary crates", of_ordinary), ("cedar-policy", of_cedar), ("regorus", of_rego)]);
        let casbin_bytes_each = bytes_of_one(world, rules)?;
        let by_machine = by_machine?;
        Ok(Self { ordinary, cedar, by_machine, by_interpreter, casbin, casbin_bytes_each })
    }
}
