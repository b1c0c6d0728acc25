//! `countersign contract`: import API contracts into the store, lint files, show what the operations need.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anstyle::Style;
use anyhow::Context;
use clap::{Args, Subcommand};
use countersign_decision::{
    Contract, ContractSource, Contracts, Finding, Operation, Permission, PermissionList, Requirement, Scope, lint,
};
use countersign_store::SystemTask;
use serde::Serialize;

use super::failure::{Failure, warn};
use super::files::{OfflineReading, Reading, checked};
use super::storage::{StorageArguments, is_there, with_store};
use crate::contracts::{PLATFORM_CONTRACT, platform_source};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read OpenAPI 3, Swagger 2 or rows files and keep them as one contract
    Import(Import),
    /// Name what is worth a look in contract files
    Lint(Lint),
    /// Print every operation with what it needs
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The files of one contract, YAML or JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The name by which doors refer to the contract; an earlier contract of this name is replaced [default: the first
    /// file's name]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    storage: StorageArguments,
}

#[derive(Debug, Args)]
pub(super) struct Lint {
    /// The files of one contract, YAML or JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: OfflineReading,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The files of one contract; without any: the contracts that were imported
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Show the imported contract of this name only; `platform` is our own API
    #[arg(long, conflicts_with = "files")]
    name: Option<String>,
    /// Print one JSON object for each operation
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    storage: StorageArguments,
}

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// One operation as `show --json` prints it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: &'a str,
    method: &'static str,
    path: &'a str,
    kind: &'static str,
    scopes_any_of: &'a [Vec<Scope>],
    permissions: Option<&'a PermissionList>,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Import(arguments) => import(arguments),
        Command::Lint(arguments) => lint_files(arguments),
        Command::Show(arguments) => show(arguments),
    }
}

fn import(arguments: &Import) -> Result<(), Failure> {
    let config = arguments.storage.config()?;
    let source = arguments.reading.read(&arguments.files, arguments.name.as_deref(), config.contract)?;
    let name = source.name.clone();
    if name == PLATFORM_CONTRACT {
        return Err(Failure::bad_input(format!("`{name}` is the name of our own API: give another `--name`")));
    }
    let json = serde_json::to_value(&source).map_err(anyhow::Error::from)?;
    let contracts = checked(vec![platform_source()?, source])?;
    let contract = contracts.named(&name).expect("INVARIANT: it was just read under this name");
    with_store(&arguments.storage, async |store, now, entropy| {
        store.system(SystemTask::Contracts, now, entropy).save_contract(&name, &json).await
    })?;
    let findings: Vec<_> = contract.warnings().iter().map(found_in_words).collect();
    warn(&findings);
    let line = format!("contract `{name}`: {}\n", summary(contract));
    Ok(anstream::stdout().lock().write_all(line.as_bytes())?)
}

fn lint_files(arguments: &Lint) -> Result<(), Failure> {
    let contracts = checked(vec![arguments.reading.read(&arguments.files)?])?;
    let mut text = String::new();
    for contract in contracts.iter() {
        let findings = lint(contract);
        for finding in &findings {
            text.push_str(&found_in_words(finding));
            text.push('\n');
        }
        text.push_str(&format!("{}; {} findings\n", summary(contract), findings.len()));
    }
    Ok(anstream::stdout().lock().write_all(text.as_bytes())?)
}

fn show(arguments: &Show) -> Result<(), Failure> {
    let contracts = if arguments.files.is_empty() {
        checked(stored(arguments)?)?
    } else {
        let config = arguments.storage.config()?;
        checked(vec![arguments.reading.read(&arguments.files, None, config.contract)?])?
    };
    let mut out = std::io::BufWriter::new(anstream::AutoStream::auto(std::io::stdout().lock()));
    if arguments.json {
        show_json(&contracts, &mut out)?;
    } else {
        show_table(&contracts, &mut out)?;
    }
    Ok(out.flush()?)
}

/// The imported contracts, or the one that was asked for.
fn stored(arguments: &Show) -> Result<Vec<ContractSource>, Failure> {
    let is_asked_for = |name: &str| arguments.name.as_deref().is_none_or(|asked_for| asked_for == name);
    if arguments.name.as_deref() == Some(PLATFORM_CONTRACT) {
        return Ok(vec![platform_source()?]);
    }
    let kept = if is_there(&arguments.storage.config()?) {
        with_store(&arguments.storage, async |store, now, entropy| {
            store.system(SystemTask::Contracts, now, entropy).contracts().await
        })?
    } else {
        Vec::new()
    };
    let sources = kept.into_iter().filter(|(name, _)| is_asked_for(name)).map(|(name, source)| {
        serde_json::from_value(source).with_context(|| format!("the stored contract `{name}` cannot be read"))
    });
    let sources = sources.collect::<Result<Vec<ContractSource>, _>>()?;
    match &arguments.name {
        Some(name) if sources.is_empty() => {
            Err(Failure::bad_input(format!("no contract `{name}` was imported: `countersign contract show` names all")))
        }
        _ => Ok(sources),
    }
}

fn show_json(contracts: &Contracts, out: &mut impl Write) -> std::io::Result<()> {
    for operation in contracts.iter().flat_map(Contract::operations) {
        let shown = Shown {
            id: &operation.id,
            method: operation.method.as_str(),
            path: &operation.path,
            kind: operation.requirement.kind(),
            scopes_any_of: operation.requirement.scopes_any_of(),
            permissions: operation.requirement.permissions(),
        };
        serde_json::to_writer(&mut *out, &shown)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn show_table(contracts: &Contracts, out: &mut impl Write) -> std::io::Result<()> {
    if contracts.iter().next().is_none() {
        writeln!(out, "no contract is imported; `countersign contract import FILE` does that")?;
    }
    for contract in contracts.iter() {
        writeln!(out, "{BOLD}{}{BOLD:#}: {}", contract.name(), summary(contract))?;
        for operation in contract.operations() {
            writeln!(out, "{:<7} {}  {FAINT}{}{FAINT:#}", operation.method.as_str(), operation.path, operation.id)?;
            writeln!(out, "        {}", needs_in_words(operation))?;
        }
    }
    Ok(())
}

fn needs_in_words(operation: &Operation) -> String {
    let Requirement::Oauth { scopes_any_of, permissions } = &operation.requirement else {
        return match &operation.requirement {
            Requirement::Public => "public: needs nothing".to_owned(),
            Requirement::OtherCredential { scheme } => format!("another credential: {scheme}"),
            Requirement::Unstated { why } => format!("unstated, so it denies: {why}"),
            Requirement::Authenticated | Requirement::Oauth { .. } => "any live token".to_owned(),
        };
    };
    let alternatives: Vec<_> = scopes_any_of
        .iter()
        .map(|alternative| alternative.iter().map(Scope::as_str).collect::<Vec<_>>().join(" and "))
        .collect();
    let scopes = (!alternatives.is_empty()).then(|| format!("scope {}", alternatives.join(" or ")));
    let permissions = permissions.as_ref().map(|list| {
        let names: Vec<_> = list.of.iter().map(Permission::as_str).collect();
        let mode = if list.of.len() > 1 { format!(" {}", list.mode) } else { String::new() };
        format!("permission{mode} {}", names.join(", "))
    });
    scopes.into_iter().chain(permissions).collect::<Vec<_>>().join("; ")
}

fn summary(contract: &Contract) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in contract.operations() {
        *kinds.entry(operation.requirement.kind()).or_default() += 1;
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} operations ({})", contract.operations().len(), kinds.join(", "))
}

fn found_in_words(finding: &Finding) -> String {
    format!("{}:{}: {} [{}]", finding.file, finding.line, finding.message, finding.rule)
}
