//! `decision`: the time of one decision, Countersign's beside its peers', on the real contract.

use std::hint::black_box;
use std::ops::Range;

use crate::agreement::{Extent, compare, expected};
use crate::answer::Answer;
use crate::catalog::{self, Rules};
use crate::clock::{Percentiles, median, per_decision, serialized, thread_time};
use crate::countersign::Countersign;
use crate::floor::Floor;
use crate::memory::{counted, peak_resident_bytes, uncounted};
use crate::naive::Naive;
use crate::peers::casbin::Casbin;
use crate::peers::cedar::Cedar;
use crate::peers::front::Front;
use crate::peers::ordinary::Ordinary;
use crate::peers::rego::Rego;
use crate::requests::Requests;
use crate::table::{Table, nanos, times, verdict};
use crate::world::{Size, World};
use crate::{DecisionArguments, WorldSize, report};

const WORLD_SEED: u64 = 20_261_123;
const REQUEST_SEED: u64 = 7;

const SMALL: Size = Size { organizations: 200, users: 500, roles: 40, authorizations: 15, clients: 120 };
const LARGE: Size = Size { organizations: 2_000, users: 1_000, roles: 40, authorizations: 60, clients: 400 };
const SMOKE: Size = Size { organizations: 4, users: 40, roles: 12, authorizations: 6, clients: 12 };

/// How many requests each kind of engine decides.
struct Plan {
    size: Size,
    requests: usize,
    /// Peers that take microseconds: this bounds the memory for what is prepared for them.
    policy_engines: usize,
    /// Peers that take a millisecond; none in the large world.
    slow: usize,
    rounds: usize,
}

impl Plan {
    fn of(arguments: &DecisionArguments) -> Self {
        let plan = match (arguments.common.smoke, arguments.world) {
            (true, _) => Self { size: SMOKE, requests: 200, policy_engines: 200, slow: 40, rounds: 1 },
            (false, WorldSize::Small) => {
                Self { size: SMALL, requests: 1_000_000, policy_engines: 200_000, slow: 10_000, rounds: 7 }
            }
            (false, WorldSize::Large) => {
                Self { size: LARGE, requests: 1_000_000, policy_engines: 200_000, slow: 0, rounds: 7 }
            }
        };
        let requests = arguments.requests.unwrap_or(plan.requests).max(1);
        Self {
            requests,
            policy_engines: plan.policy_engines.min(requests),
            slow: plan.slow.min(requests),
            rounds: arguments.rounds.unwrap_or(plan.rounds).max(1),
            ..plan
        }
    }
}

/// One row of the table: what it measures, on which requests, and what was measured.
struct Row<'r> {
    name: &'static str,
    requests: usize,
    /// Slow engines decide another part of their requests in each round, the others all of them.
    is_divided: bool,
    measure: Box<dyn FnMut(Range<usize>) -> f64 + 'r>,
    measured: Vec<f64>,
}

impl<'r> Row<'r> {
    fn new(name: &'static str, requests: usize, measure: impl FnMut(Range<usize>) -> f64 + 'r) -> Self {
        Self { name, requests, is_divided: false, measure: Box::new(measure), measured: Vec::new() }
    }

    fn divided(self) -> Self {
        Self { is_divided: true, ..self }
    }

    fn run(&mut self, round: usize, rounds: usize) {
        let range = if self.is_divided {
            self.requests * round / rounds..self.requests * (round + 1) / rounds
        } else {
            0..self.requests
        };
        if !range.is_empty() {
            let nanos = uncounted(|| (self.measure)(range));
            self.measured.push(nanos);
        }
    }

    fn nanos(&self) -> f64 {
        median(&self.measured)
    }
}

pub(crate) fn run(arguments: &DecisionArguments) -> Result<(), String> {
    let plan = Plan::of(arguments);
    let contracts = catalog::real_contracts(&catalog::shared_folder(arguments.common.shared.as_deref()))?;
    let rules = Rules::of(&contracts, catalog::measured(&contracts))?;
    let world = World::new(plan.size, &rules, WORLD_SEED);
    let requests = Requests::new(plan.requests, &world, &rules, REQUEST_SEED);
    report(&describe(&plan, &rules));

    let answers = expected(&Naive::new(&world, &rules), &requests);
    report(&mix(&answers));
    let (countersign, kept) = counted(|| Countersign::new(&contracts, &world));
    let users = world.organizations.len() * plan.size.users;
    let front = Front::new(&world, &rules)?;
    let ordinary = Ordinary::new(&world, &rules, &front);
    let cedar = Cedar::new(&world, &rules, &front, &requests, plan.policy_engines, plan.slow > 0);
    let mut by_machine = Rego::new(&world, &rules, &front, &requests, plan.policy_engines)?;
    let mut by_interpreter = Rego::new(&world, &rules, &front, &requests, plan.policy_engines)?;
    let casbin = Casbin::new(&world, &rules, &front, &requests, plan.slow)?;

    let agree = |engine, extent, count: usize, answer: &mut dyn FnMut(usize) -> Answer| {
        compare(engine, extent, &answers[..count], &requests, answer)
    };
    let (all, some, few) = (plan.requests, plan.policy_engines, plan.slow);
    agree("Countersign", Extent::Reason, all, &mut |index| countersign.answer(&requests, index))?;
    agree("ordinary crates", Extent::Reason, all, &mut |index| ordinary.answer(&requests, index))?;
    agree("cedar", Extent::Decision, some, &mut |index| cedar.answer(&requests, index))?;
    agree("cedar with reasons", Extent::Reason, some, &mut |index| cedar.answer_with_reason(&requests, index))?;
    agree("regorus VM", Extent::Reason, some, &mut |index| by_machine.answer_by_machine(&requests, index))?;
    let interpreted = &mut by_interpreter;
    agree("regorus", Extent::Reason, some, &mut |index| interpreted.answer_by_interpreter(&requests, index))?;
    agree("casbin", Extent::Reason, few, &mut |index| casbin.answer(&requests, index))?;
    agree("cedar, one set", Extent::Decision, few, &mut |index| cedar.answer_from_all(&requests, index))?;
    report(&format!(
        "all engines agree with the naive model: Countersign and the baseline on {all} requests, cedar and regorus on {some}, \
         casbin and cedar with one set on {few}\n"
    ));

    let floor = Floor::new(&world, &requests, rules.permissions.len());
    let countersign_loop = |range| per_decision(&requests, range, |index| countersign.answer(&requests, index).code());
    let mut rows = vec![
        Row::new("floor: 3 cache lines and the path, no logic", all, |range| {
            per_decision(&requests, range, |index| floor.read(&requests, index))
        }),
        Row::new("Countersign", all, countersign_loop),
        Row::new("Countersign, denials in full", all, |range| {
            per_decision(&requests, range, |index| countersign.answer_in_full(&requests, index).code())
        }),
        Row::new("ordinary crates: matchit, hash maps, bit sets", all, |range| {
            per_decision(&requests, range, |index| ordinary.answer(&requests, index).code())
        }),
        Row::new("cedar-policy, policies indexed by action", some, |range| {
            per_decision(&requests, range, |index| cedar.answer(&requests, index).code())
        }),
        Row::new("the same, able to give the reason", some, |range| {
            per_decision(&requests, range, |index| cedar.answer_with_reason(&requests, index).code())
        }),
        Row::new("regorus virtual machine", some, |range| {
            per_decision(&requests, range, |index| by_machine.answer_by_machine(&requests, index).code())
        }),
        Row::new("regorus interpreter", some, |range| {
            per_decision(&requests, range, |index| by_interpreter.answer_by_interpreter(&requests, index).code())
        })
        .divided(),
        Row::new("casbin, one enforcer per organization", few, |range| {
            per_decision(&requests, range, |index| casbin.answer(&requests, index).code())
        })
        .divided(),
        Row::new("cedar-policy, all policies in one set", few, |range| {
            per_decision(&requests, range, |index| cedar.answer_from_all(&requests, index).code())
        })
        .divided(),
        Row::new("Countersign again (the difference is noise)", all, countersign_loop),
    ];
    let (mut floor_chain, mut countersign_chain, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..plan.rounds {
        for row in &mut rows {
            row.run(round, plan.rounds);
        }
        floor_chain.push(serialized(&requests, 0..all, |index| floor.read(&requests, index)));
        countersign_chain.push(serialized(&requests, 0..all, |index| countersign.answer(&requests, index).code()));
        threads.push(two_threads_against_one(&countersign, &requests));
    }

    let figures = Figures {
        floor: rows[0].nanos(),
        countersign: median(&[rows[1].nanos(), rows[10].nanos()]),
        ordinary: rows[3].nanos(),
        cedar: rows[4].nanos(),
        floor_chain: middle(&floor_chain),
        countersign_chain: middle(&countersign_chain),
        threads: median(&threads),
        bytes_per_user: kept.map(|used| used.bytes_kept as f64 / users as f64),
        allocations: allocations(&countersign, &requests, &answers),
    };
    report(&figures.rows(&rows));
    if few == 0 {
        report(
            "casbin and cedar with all policies in one set are left out: they would need more than 8 GiB or hours.\n",
        );
    }
    report(&figures.chains());
    report(&figures.targets(arguments.world, arguments.common.smoke));
    report(&format!("peak memory {:.1} GiB", peak_resident_bytes().unwrap_or(0) as f64 / 1_073_741_824.0));
    Ok(())
}

struct Figures {
    floor: f64,
    countersign: f64,
    ordinary: f64,
    cedar: f64,
    floor_chain: [f64; 2],
    countersign_chain: [f64; 2],
    threads: f64,
    bytes_per_user: Option<f64>,
    allocations: Option<Allocations>,
}

/// Allocations per decision.
struct Allocations {
    allow: f64,
    deny: f64,
    deny_in_full: f64,
}

impl Figures {
    fn rows(&self, rows: &[Row<'_>]) -> String {
        let mut table = Table::new(&["per decision, in a loop", "CPU ns", "x floor", "x Countersign"]);
        for row in rows.iter().filter(|row| !row.measured.is_empty()) {
            let value = row.nanos();
            table.row([row.name.into(), nanos(value), times(value / self.floor), times(value / self.countersign)]);
        }
        format!("{table}")
    }

    fn chains(&self) -> String {
        let mut table =
            Table::new(&["one after another, each waiting for the one before", "p50 ns", "p99 ns", "p50 x floor"]);
        for (name, [p50, p99]) in [("floor", self.floor_chain), ("Countersign", self.countersign_chain)] {
            table.row([name.into(), nanos(p50), nanos(p99), times(p50 / self.floor_chain[0])]);
        }
        format!("{table}")
    }

    fn targets(&self, world: WorldSize, is_smoke: bool) -> String {
        if is_smoke {
            return "the smoke run shows that everything runs and agrees; its figures mean nothing\n".into();
        }
        let (cedar_gate, cedar_moonshot) = match world {
            WorldSize::Small => (30.0, 50.0),
            WorldSize::Large => (25.0, 35.0),
        };
        let mut table = Table::new(&["target", "measured", "gate", "", "moonshot", ""]);
        let mut at_most = |name: &str, value: f64, gate: f64, moonshot: f64| {
            table.row([
                name.into(),
                times(value),
                format!("<= {gate}"),
                verdict(value <= gate),
                format!("<= {moonshot}"),
                verdict(value <= moonshot),
            ]);
        };
        at_most("x floor, loop", self.countersign / self.floor, 3.0, 2.0);
        at_most("x floor, serialized p50", self.countersign_chain[0] / self.floor_chain[0], 1.5, 1.2);
        at_most("CPU per decision, two threads vs one", self.threads, 1.1, 1.0);
        if let Some(bytes) = self.bytes_per_user {
            at_most("bytes per user, all that snapshots hold", bytes, 200.0, 120.0);
        }
        if let Some(allocations) = &self.allocations {
            at_most("allocations on allow", allocations.allow, 0.0, 0.0);
            at_most("allocations on deny", allocations.deny, 4.0, 0.0);
            table.row([
                "allocations on deny, with all that is missing".into(),
                times(allocations.deny_in_full),
                "<= 4".into(),
                verdict(allocations.deny_in_full <= 4.0),
                "none".into(),
                String::new(),
            ]);
        }
        let faster = self.cedar / self.countersign;
        table.row([
            "x faster than cedar indexed".into(),
            times(faster),
            format!(">= {cedar_gate}"),
            verdict(faster >= cedar_gate),
            format!(">= {cedar_moonshot}"),
            verdict(faster >= cedar_moonshot),
        ]);
        table.row([
            "disagreements".into(),
            "0".into(),
            "0".into(),
            verdict(true),
            "0 of 100 M".into(),
            "not tried here".into(),
        ]);
        let counted =
            if self.allocations.is_none() { "allocations are counted with the feature `count`\n" } else { "" };
        format!("{table}{counted}x faster than ordinary crates: {}\n", times(self.ordinary / self.countersign))
    }
}

fn describe(plan: &Plan, rules: &Rules) -> String {
    let Size { organizations, users, roles, authorizations, .. } = plan.size;
    format!(
        "{} operations, {} scopes, {} permissions; {organizations} organizations x {users} users, {roles} roles each, {} authorizations; \
         {} requests, {} rounds",
        rules.operations.len(),
        rules.scopes.len(),
        rules.permissions.len(),
        organizations * authorizations,
        plan.requests,
        plan.rounds
    )
}

/// What the requests turned out to be.
fn mix(answers: &[Answer]) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for answer in answers {
        let text = answer.to_string();
        match counts.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => counts.push((text, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shares =
        counts.iter().map(|(text, count)| format!("{text} {:.1} %", *count as f64 * 100.0 / answers.len() as f64));
    format!("requests: {}", shares.collect::<Vec<_>>().join(", "))
}

fn middle(rounds: &[Percentiles]) -> [f64; 2] {
    let of =
        |part: fn(&Percentiles) -> u32| median(&rounds.iter().map(|round| f64::from(part(round))).collect::<Vec<_>>());
    [of(|round| round.p50), of(|round| round.p99)]
}

/// Processor time of two threads with half of the requests each, over that of one thread with all of them.
fn two_threads_against_one(countersign: &Countersign<'_>, requests: &Requests) -> f64 {
    let decide = |range: Range<usize>| {
        uncounted(|| {
            let start = thread_time();
            for index in range {
                black_box(countersign.answer(requests, index).code());
            }
            (thread_time() - start).as_secs_f64()
        })
    };
    let half = requests.len() / 2;
    let one = decide(0..half) + decide(half..requests.len());
    let two: f64 = std::thread::scope(|scope| {
        let halves = [0..half, half..requests.len()].map(|range| scope.spawn(|| decide(range)));
        halves.into_iter().map(|half| half.join().expect("deciding does not panic")).sum()
    });
    two / one
}

fn allocations(countersign: &Countersign<'_>, requests: &Requests, answers: &[Answer]) -> Option<Allocations> {
    let chosen = |allowed: bool| -> Vec<usize> {
        (0..answers.len()).filter(|index| answers[*index].is_allow() == allowed).take(50_000).collect()
    };
    let per_decision = |indices: &[usize], decide: &dyn Fn(usize) -> Answer| -> Option<f64> {
        let ((), used) = counted(|| {
            for index in indices {
                black_box(decide(*index).code());
            }
        });
        Some(used?.allocations as f64 / indices.len().max(1) as f64)
    };
    let (allowed, denied) = (chosen(true), chosen(false));
    Some(Allocations {
        allow: per_decision(&allowed, &|index| countersign.answer(requests, index))?,
        deny: per_decision(&denied, &|index| countersign.answer(requests, index))?,
        deny_in_full: per_decision(&denied, &|index| countersign.answer_in_full(requests, index))?,
    })
}
