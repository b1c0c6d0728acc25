//! The real contract and the attack corpus: read from `../shared`, never copied into the repository.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use countersign_decision::{Contracts, ImportOptions, SourceFile, import};

/// The text of a shared file; says loudly that the test is skipped where there is none.
pub(crate) fn text(path: &str) -> Option<String> {
    let file = folder().join(path);
    let text = std::fs::read_to_string(&file);
    text.map_err(|error| say_skipped(&format!("{} cannot be read ({error}): set COUNTERSIGN_SHARED", file.display())))
        .ok()
}

/// The shared folder: `COUNTERSIGN_SHARED`, or `shared` beside the workspace.
fn folder() -> PathBuf {
    setting("COUNTERSIGN_SHARED")
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")))
}

/// On the real stderr, which the test runner does not keep to itself, and in the list that `./test` shows at its end.
fn say_skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
    let log = setting("COUNTERSIGN_SKIPPED_LOG").map(|log| OpenOptions::new().create(true).append(true).open(log));
    if let Some(Ok(mut log)) = log {
        let _ = writeln!(log, "{what}");
    }
}

fn setting(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

/// The real contract: 3,180 operations.
pub(crate) fn real_contract() -> Option<Contracts> {
    let text = text("contract/genesys-catalog.json")?;
    let file = SourceFile { name: "genesys-catalog.json", text: &text };
    let options = ImportOptions { name: "genesys".into(), ..ImportOptions::default() };
    let source = import(&[file], &options).expect("the real contract imports");
    Some(Contracts::new(vec![source]).expect("the real contract is valid"))
}
