//! `scaling`: that a decision costs the same in a large world as in a small one, and what an organization, a
//! combination of roles and a user take in memory.
//!
//! The floor stands beside each row: what the caches of the machine cost grows with the world for everybody.

use std::fmt::Write as _;

use countersign_decision::{Contracts, Method, OrganizationFacts, Snapshot, SubjectFacts};

use crate::agreement::{Extent, compare};
use crate::catalog::{self, Rules};
use crate::clock::{median, per_decision};
use crate::countersign::Countersign;
use crate::floor::Floor;
use crate::memory::{Used, counted, peak_resident_bytes, uncounted};
use crate::naive::Naive;
use crate::random::Random;
use crate::requests::Requests;
use crate::table::{Table, nanos, times};
use crate::world::{Size, World, role_id, user_id};
use crate::{CommonArguments, report};

const ROUNDS: usize = 3;
const REQUESTS: usize = 100_000;
/// So many requests of each row are compared with the naive model.
const COMPARED: usize = 2_000;
const SEED: u64 = 4_242;

pub(crate) fn run(arguments: &CommonArguments) -> Result<(), String> {
    let contracts = catalog::real_contracts(&catalog::shared_folder(arguments.shared.as_deref()))?;
    let limit = if arguments.smoke { 1_000 } else { usize::MAX };
    let requests = if arguments.smoke { 200 } else { REQUESTS };
    let organizations =
        |count: usize| Size { organizations: count, users: 10, roles: 8, authorizations: 10, clients: 100 };
    let users =
        |organizations: usize, users: usize| Size { organizations, users, roles: 20, authorizations: 15, clients: 100 };

    let mut table = Table::new(&["world", "floor ns", "Countersign ns", "x floor", "snapshot bytes", "bytes per user"]);
    let mut measure = |name: String, contracts: &Contracts, size: Size| -> Result<(), String> {
        if size.organizations * size.users > limit {
            return Ok(());
        }
        let row = Measured::new(contracts, size, requests)?;
        report(&format!("{name}: {} ns, floor {} ns", nanos(row.countersign), nanos(row.floor)));
        let count = (size.organizations * size.users) as f64;
        let bytes = row.used.map(|used| used.bytes_kept as f64);
        let shown = |bytes: Option<f64>| bytes.map_or_else(|| "-".into(), nanos);
        table.row([
            name,
            nanos(row.floor),
            nanos(row.countersign),
            times(row.countersign / row.floor),
            shown(bytes),
            shown(bytes.map(|bytes| bytes / count)),
        ]);
        Ok(())
    };
    for count in [1, 10, 100, 1_000, 10_000, 100_000, 1] {
        measure(format!("{} organizations of 10 users", nanos(count as f64)), &contracts, organizations(count))?;
    }
    for (of, each) in [(1, 10), (1, 1_000), (100, 1_000), (1_000, 1_000), (10_000, 1_000), (1, 100_000)] {
        let name = format!("{} users in {} organizations", nanos((of * each) as f64), nanos(of as f64));
        measure(name, &contracts, users(of, each))?;
    }
    for count in [100, 1_000, 10_000] {
        let made = made_contract(count, &Rules::of(&contracts, catalog::measured(&contracts))?)?;
        measure(
            format!("{} operations, 10,000 users in 100 organizations", nanos(count as f64)),
            &made,
            users(100, 100),
        )?;
    }
    report(&format!("\n{table}"));
    report(&memory_table(&contracts)?);
    report(&format!("peak memory {:.1} GiB", peak_resident_bytes().unwrap_or(0) as f64 / 1_073_741_824.0));
    Ok(())
}

/// One row: the world is made, compared, measured and dropped.
struct Measured {
    floor: f64,
    countersign: f64,
    used: Option<Used>,
}

impl Measured {
    fn new(contracts: &Contracts, size: Size, count: usize) -> Result<Self, String> {
        let rules = Rules::of(contracts, catalog::measured(contracts))?;
        let world = World::new(size, &rules, SEED);
        let requests = Requests::new(count, &world, &rules, SEED);
        let (countersign, used) = counted(|| Countersign::new(contracts, &world));
        let naive = Naive::new(&world, &rules);
        let expected: Vec<_> = (0..count.min(COMPARED)).map(|index| naive.decide(&requests, index)).collect();
        compare("Countersign", Extent::Reason, &expected, &requests, |index| countersign.answer(&requests, index))?;
        let floor = Floor::new(&world, &requests, rules.permissions.len());
        let (mut floors, mut decisions) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let all = 0..requests.len();
            floors.push(uncounted(|| per_decision(&requests, all.clone(), |index| floor.read(&requests, index))));
            decisions
                .push(uncounted(|| per_decision(&requests, all, |index| countersign.answer(&requests, index).code())));
        }
        Ok(Self { floor: median(&floors), countersign: median(&decisions), used })
    }
}

/// A contract of so many operations with the scopes and permissions of the real one, in the rows form.
fn made_contract(count: usize, real: &Rules) -> Result<Contracts, String> {
    let mut random = Random::new(SEED);
    let mut rows =
        String::from("{\"columns\":[\"id\",\"method\",\"path\",\"scopes\",\"permissions\"],\"operations\":[\n");
    let methods = [Method::Get, Method::Post, Method::Put, Method::Delete];
    for index in 0..count {
        let (path, method) = (index / methods.len(), methods[index % methods.len()]);
        // Eight areas to a level, so that a path has up to six segments, half of them parameters.
        let mut text = String::from("/api/v2");
        let mut rest = path;
        while rest > 0 || text.len() < 8 {
            write!(text, "/area{}/{{id{}}}", rest % 40, text.len()).expect("a text takes everything");
            rest /= 40;
        }
        let scope = random.pick::<String>(&real.scopes);
        let permission = random.pick::<String>(&real.permissions);
        let separator = if index == 0 { "" } else { ",\n" };
        write!(rows, "{separator}[\"op{index}\",\"{method}\",\"{text}\",[\"{scope}\"],[\"ANY\",[\"{permission}\"]]]")
            .expect("a text takes everything");
    }
    rows.push_str("\n]}");
    let file = countersign_decision::SourceFile { name: "made.json", text: &rows };
    catalog::contracts_of(catalog::imported(&[file])?)
}

/// Bytes by counting: organizations that differ in one thing only.
fn memory_table(contracts: &Contracts) -> Result<String, String> {
    let rules = Rules::of(contracts, catalog::measured(contracts))?;
    let size = Size { organizations: 1, users: 1, roles: 40, authorizations: 15, clients: 15 };
    let facts = World::new(size, &rules, SEED).facts(0);
    let bytes = |facts: &OrganizationFacts| -> Option<f64> {
        let (snapshot, used) = counted(|| Snapshot::compile(contracts.catalogue(), facts));
        drop(snapshot);
        Some(used?.bytes_kept as f64)
    };
    let with_users = |count: usize, roles: &dyn Fn(usize) -> Vec<String>| {
        let user = |index: usize| SubjectFacts { id: user_id(0, index), active: true, roles: roles(index) };
        OrganizationFacts { users: (0..count).map(user).collect(), ..facts.clone() }
    };
    let one_job = |_: usize| vec![role_id(0, 0), role_id(0, 1)];
    let own_jobs = |user: usize| vec![role_id(0, user % 40), role_id(0, (user % 40 + 1 + user / 40) % 40)];
    let nothing = OrganizationFacts {
        roles: Vec::new(),
        users: Vec::new(),
        clients: Vec::new(),
        authorizations: Vec::new(),
        ..facts.clone()
    };
    let without_apps = OrganizationFacts { authorizations: Vec::new(), ..with_users(0, &one_job) };
    let rows = || -> Option<Vec<(&str, f64)>> {
        let (few, many) = (bytes(&with_users(1_000, &one_job))?, bytes(&with_users(101_000, &one_job))?);
        let own = bytes(&with_users(700, &own_jobs))? - bytes(&with_users(700, &one_job))?;
        Some(vec![
            ("an organization without anything", bytes(&nothing)?),
            ("a user (101,000 against 1,000 with the same two roles)", (many - few) / 100_000.0),
            ("a combination of roles (about 700 different ones against one)", own / 699.0),
            ("a role (40)", (bytes(&without_apps)? - bytes(&nothing)?) / 40.0),
            ("an authorization (15)", (bytes(&with_users(0, &one_job))? - bytes(&without_apps)?) / 15.0),
        ])
    };
    let Some(rows) = rows() else {
        return Ok("bytes are counted with the feature `count`\n".into());
    };
    let mut table = Table::new(&["counted bytes, as asked of the allocator, of", "bytes"]);
    for (name, bytes) in rows {
        table.row([name.into(), nanos(bytes)]);
    }
    Ok(format!("{table}"))
}
