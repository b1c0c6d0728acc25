//! The real contract and the attack corpus: read from `../shared`, never copied into the repository.

use std::path::PathBuf;

use countersign_decision::{Contracts, ImportOptions, SourceFile, import};

/// The text of a shared file; says loudly that the test is skipped where there is none.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(crate) fn text(path: &str) -> Option<String> {
    let file = folder().join(path);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) => {
            eprintln!("SKIPPED: {} cannot be read: {error}", file.display());
            None
        }
    }
}

/// The shared folder: `COUNTERSIGN_SHARED`, or `shared` beside the workspace.
pub(crate) fn folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the tests' one setting: where the shared input is")]
    let named = std::env::var("COUNTERSIGN_SHARED");
    named.map_or_else(|_| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from)
}

/// The real contract: 3,180 operations.
pub(crate) fn real_contract() -> Option<Contracts> {
    let text = text("contract/genesys-catalog.json")?;
    let file = SourceFile { name: "genesys-catalog.json", text: &text };
    let options = ImportOptions { name: "genesys".into(), ..ImportOptions::default() };
    let source = import(&[file], &options).expect("the real contract imports");
    Some(Contracts::new(vec![source]).expect("the real contract is valid"))
}
