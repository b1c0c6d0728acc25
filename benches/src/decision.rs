//! `decision`: the time of one decision, Countersign's beside its peers', on the real contract.

mod engines;
mod figures;

use std::hint::black_box;
use std::ops::Range;

use self::engines::{CEDAR, COUNTERSIGN, COUNTERSIGN_AGAIN, Engines, FLOOR, GIBIBYTE, ORDINARY};
use self::figures::{Allocations, Figures};
use crate::agreement::expected;
use crate::answer::Answer;
use crate::catalog::{self, Rules};
use crate::clock::{Percentiles, median, serialized, thread_time};
use crate::countersign::Countersign;
use crate::floor::Floor;
use crate::memory::{counted, peak_resident_bytes, uncounted};
use crate::naive::Naive;
use crate::peers::front::Front;
use crate::requests::Requests;
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
    /// Whether the peers are left out.
    alone: bool,
}

impl Plan {
    fn of(arguments: &DecisionArguments) -> Self {
        let alone = arguments.alone;
        let plan = match (arguments.common.smoke, arguments.world) {
            (true, _) => Self { size: SMOKE, requests: 200, policy_engines: 200, slow: 40, rounds: 1, alone },
            (false, WorldSize::Small) => {
                Self { size: SMALL, requests: 1_000_000, policy_engines: 200_000, slow: 10_000, rounds: 7, alone }
            }
            (false, WorldSize::Large) => {
                Self { size: LARGE, requests: 1_000_000, policy_engines: 200_000, slow: 0, rounds: 7, alone }
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

pub(crate) fn run(arguments: &DecisionArguments) -> Result<(), String> {
    let plan = Plan::of(arguments);
    let contracts = catalog::real_contracts(&catalog::shared_folder(arguments.common.shared.as_deref()))?;
    let rules = Rules::of(&contracts, catalog::measured(&contracts))?;
    let world = World::new(plan.size, &rules, WORLD_SEED);
    let requests = Requests::new(plan.requests, &world, &rules, REQUEST_SEED);
    report(&describe(&plan, &rules));
    let answers = expected(&Naive::new(&world, &rules), &requests);
    report(&mix(&answers));

    let (front, of_front) = counted(|| Front::new(&world, &rules));
    let front = front?;
    let mut engines = Engines::new(&plan, &contracts, &world, &rules, &front, &requests)?;
    engines.memory.push(("the maps of ids that all peers share", of_front));
    engines.agree(&plan, &requests, &answers)?;
    report(&engines.memory_text(&plan));

    let floor = Floor::new(&world, &requests, rules.permissions.len());
    let (mut floor_chain, mut countersign_chain, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    let mut measured: Vec<(&str, Vec<f64>)> = Vec::new();
    for round in 0..plan.rounds {
        engines.measure(&plan, round, &floor, &requests, &mut measured);
        let (range, countersign) = (part(plan.requests, round, plan.rounds), &engines.countersign);
        let chain = |decide: &dyn Fn(usize) -> u64| uncounted(|| serialized(&requests, range.clone(), decide));
        floor_chain.push(chain(&|index| floor.read(&requests, index)));
        countersign_chain.push(chain(&|index| countersign.answer(&requests, index).code()));
        threads.push(two_threads_against_one(countersign, &requests, range.clone()));
    }

    let rows: Vec<(&str, f64)> = measured.iter().map(|(name, rounds)| (*name, median(rounds))).collect();
    let of = |name: &str| rows.iter().find(|(row, _)| *row == name).map_or(f64::NAN, |(_, nanos)| *nanos);
    let users = (world.organizations.len() * plan.size.users) as f64;
    let figures = Figures {
        floor: of(FLOOR),
        countersign: median(&[of(COUNTERSIGN), of(COUNTERSIGN_AGAIN)]),
        ordinary: of(ORDINARY),
        cedar: of(CEDAR),
        floor_chain: middle(&floor_chain),
        countersign_chain: middle(&countersign_chain),
        threads: median(&threads),
        bytes_per_user: engines.bytes_of_snapshots().map(|bytes| bytes / users),
        allocations: allocations(&engines.countersign, &requests, &answers),
    };
    report(&figures.rows(&rows));
    report(&figures.chains());
    report(&figures.targets(arguments.world, arguments.common.smoke));
    report(&format!("peak memory {:.1} GiB", peak_resident_bytes().unwrap_or(0) as f64 / GIBIBYTE));
    Ok(())
}

fn describe(plan: &Plan, rules: &Rules) -> String {
    let Size { organizations, users, roles, authorizations, .. } = plan.size;
    format!(
        "{} operations, {} scopes, {} permissions; {organizations} organizations x {users} users, {roles} roles each, \
         {} authorizations; \
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

/// Each round decides another part of a row's requests, so that no round finds in the caches what the one before has
/// left there.
fn part(requests: usize, round: usize, rounds: usize) -> Range<usize> {
    requests * round / rounds..requests * (round + 1) / rounds
}

/// Processor time of two threads with half of the requests each, over that of one thread with all of them.
fn two_threads_against_one(countersign: &Countersign<'_>, requests: &Requests, range: Range<usize>) -> f64 {
    let decide = |range: Range<usize>| {
        uncounted(|| {
            let start = thread_time();
            for index in range {
                black_box(countersign.answer(requests, index).code());
            }
            (thread_time() - start).as_secs_f64()
        })
    };
    let half = range.start + range.len() / 2;
    let one = decide(range.start..half) + decide(half..range.end);
    let two: f64 = std::thread::scope(|scope| {
        let halves = [range.start..half, half..range.end].map(|range| scope.spawn(|| decide(range)));
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
