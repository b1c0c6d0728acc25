//! Reads the absurd contract files of `tests/import_limits` one by one, each in a process of its own, and shows time,
//! memory and what was said:
//! `cargo run --release -p countersign-decision --example absurd`. With a name it reads only that file, in this
//! process.

use std::process::Command;

use countersign_decision::{Contracts, ImportOptions, SourceFile, import};

#[path = "../tests/import_limits/absurd.rs"]
mod absurd;

#[expect(clippy::print_stdout, reason = "this program prints what it measures")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(name) = std::env::args().nth(1) else {
        for file in absurd::ALL.iter() {
            Command::new(std::env::current_exe()?).arg(file.name).status()?;
        }
        return Ok(());
    };
    let file = absurd::ALL.iter().find(|file| file.name == name).ok_or("no file has this name")?;
    let text = (file.text)();
    let before = (status("VmRSS:")?, processor_time()?);
    let options = ImportOptions { name: "absurd".into(), ..ImportOptions::default() };
    let answer = match import(&[SourceFile { name: "f", text: &text }], &options) {
        Ok(source) => match Contracts::new(vec![source]) {
            Ok(contracts) => {
                format!("{} operations", contracts.iter().map(|one| one.operations().len()).sum::<usize>())
            }
            Err(error) => error.to_string(),
        },
        Err(errors) => format!("{} ({} errors)", errors[0], errors.len()),
    };
    let expected = file.says.map_or(String::new(), |says| format!(" (expected: {says})"));
    let answer: String = answer.chars().take(110).collect::<String>()
        + if answer.contains(file.says.unwrap_or("")) { "" } else { &expected };
    let (memory, seconds) = (status("VmHWM:")?.saturating_sub(before.0) / 1024, processor_time()? - before.1);
    println!("{name}: {} KiB of text, {seconds:.2} s, {memory} MiB: {answer}", text.len() / 1024);
    Ok(())
}

/// KiB of memory, now or at most.
fn status(key: &str) -> Result<usize, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)).ok_or("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn processor_time() -> Result<f64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = status.split(' ').next().ok_or("no processor time")?.parse()?;
    Ok(nanoseconds / 1e9)
}
