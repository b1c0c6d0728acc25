//! Compares the engine with the naive model, from a seed, for as long as it is told to: `differential --help`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign_decision::{ImportOptions, SourceFile, import};
use countersign_fuzz::compare::{OUTCOMES, Tally, compare};
use countersign_fuzz::{Choices, Real, World};

const HELP: &str = "usage: differential [--comparisons N] [--seed N] [--threads N] [--contract FILE] [--world N]

Decides random calls in random worlds by the engine and by the naive model, and compares the whole answers.
Status 0: no difference, and every outcome was seen; 1: a difference, printed with what makes it again; 2: bad options.

  --comparisons N   how many at least (default 2000000)
  --seed N          other worlds (default 1); the same seed makes the same worlds, whatever the number of threads
  --threads N       default: one for each core
  --contract FILE   also worlds over this contract: one in eight over a piece of it, some over all of it
  --world N         only this one, as a difference names it";

/// Chains and requests of a world: every chain makes every request.
const SIZE: (usize, usize) = (40, 50);
/// The same over a whole real contract, where the model reads thousands of templates for each call.
const SIZE_OF_WHOLE: (usize, usize) = (6, 12);
const PROGRESS: Duration = Duration::from_secs(5);

struct Options {
    comparisons: u64,
    seed: u64,
    threads: usize,
    contract: Option<String>,
    world: Option<u64>,
}

/// What the threads share.
#[derive(Default)]
struct Run {
    next: AtomicU64,
    compared: AtomicU64,
    is_over: AtomicBool,
    tally: Mutex<Tally>,
    difference: Mutex<Option<(u64, String)>>,
}

fn main() -> ExitCode {
    if std::env::args().any(|one| one == "--help" || one == "-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match options().and_then(|options| Ok((read(options.contract.as_deref())?, options))) {
        Ok((real, options)) => run(&options, real.as_ref()),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options { comparisons: 2_000_000, seed: 1, threads, contract: None, world: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("`{name}` needs a value\n{HELP}"))?;
        let number = || value.replace('_', "").parse::<u64>().map_err(|_| format!("`{name} {value}`: not a number"));
        match name.as_str() {
            "--comparisons" => options.comparisons = number()?,
            "--seed" => options.seed = number()?,
            "--threads" => options.threads = usize::try_from(number()?.max(1)).map_err(|error| error.to_string())?,
            "--world" => options.world = Some(number()?),
            "--contract" => options.contract = Some(value),
            _ => return Err(format!("`{name}` is not an option\n{HELP}")),
        }
    }
    Ok(options)
}

fn read(contract: Option<&str>) -> Result<Option<Real>, String> {
    let Some(name) = contract else { return Ok(None) };
    let text = std::fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?;
    let options = ImportOptions { name: "real".into(), ..ImportOptions::default() };
    let source = import(&[SourceFile { name, text: &text }], &options).map_err(|errors| errors[0].to_string())?;
    Real::of(source).map(Some)
}

fn run(options: &Options, real: Option<&Real>) -> ExitCode {
    let (run, start) = (Run::default(), Instant::now());
    if let Some(only) = options.world {
        compare_world(&run, options, real, only, &mut Tally::new());
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..options.threads).map(|_| scope.spawn(|| work(&run, options, real))).collect();
            let mut told = start;
            while workers.iter().any(|worker| !worker.is_finished()) {
                std::thread::sleep(Duration::from_millis(50));
                if told.elapsed() >= PROGRESS {
                    told = Instant::now();
                    println!("{}", progress(&run, start));
                }
            }
        });
    }
    println!("{}, {} threads, seed {}", progress(&run, start), options.threads, options.seed);
    if let Some((world, text)) = run.difference.into_inner().expect("no thread panicked") {
        println!("DIFFERENCE in world {world}: see it again with --seed {} --world {world}\n{text}", options.seed);
        return ExitCode::FAILURE;
    }
    let tally = run.tally.into_inner().expect("no thread panicked");
    if options.world.is_some() { ExitCode::SUCCESS } else { summary(&tally) }
}

fn work(run: &Run, options: &Options, real: Option<&Real>) {
    let mut tally = Tally::new();
    while !run.is_over.load(Ordering::Relaxed) && run.compared.load(Ordering::Relaxed) < options.comparisons {
        compare_world(run, options, real, run.next.fetch_add(1, Ordering::Relaxed), &mut tally);
    }
    let mut all = run.tally.lock().expect("no thread panicked");
    tally.into_iter().for_each(|(outcome, count)| *all.entry(outcome).or_default() += count);
}

fn compare_world(run: &Run, options: &Options, real: Option<&Real>, number: u64, tally: &mut Tally) {
    let mut choices = Choices::Seed(options.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ number.rotate_left(32));
    let (chains, requests) = SIZE;
    let world = match real {
        Some(real) if number % 64 == 1 => World::real(&mut choices, real, true, SIZE_OF_WHOLE.0, SIZE_OF_WHOLE.1),
        Some(real) if number % 8 == 0 => World::real(&mut choices, real, false, chains, requests),
        _ => World::made(&mut choices, chains, requests),
    };
    match compare(&world, tally) {
        Ok(compared) => _ = run.compared.fetch_add(compared, Ordering::Relaxed),
        Err(text) => {
            run.is_over.store(true, Ordering::Relaxed);
            run.difference.lock().expect("no thread panicked").get_or_insert((number, text));
        }
    }
}

fn progress(run: &Run, start: Instant) -> String {
    let (compared, seconds) = (run.compared.load(Ordering::Relaxed), start.elapsed().as_secs_f64());
    let worlds = run.next.load(Ordering::Relaxed);
    format!("{compared} comparisons in {worlds} worlds, {seconds:.1} s, {:.0} a second", compared as f64 / seconds)
}

fn summary(tally: &BTreeMap<&'static str, u64>) -> ExitCode {
    let mut unseen = Vec::new();
    for outcome in OUTCOMES {
        let count = tally.get(outcome).copied().unwrap_or_default();
        println!("{count:>12}  {outcome}");
        if count == 0 {
            unseen.push(outcome);
        }
    }
    if unseen.is_empty() {
        println!("no difference");
        return ExitCode::SUCCESS;
    }
    println!("FAILED: never seen, so nothing is proved: {}", unseen.join(", "));
    ExitCode::FAILURE
}
