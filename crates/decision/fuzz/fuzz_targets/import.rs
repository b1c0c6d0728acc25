//! Bytes as a contract file: an error with its place, or a contract that survives being stored and makes a decision
//! point or says why not.
#![no_main]

use countersign_decision::import::ScopeLists;
use countersign_decision::{ContractSource, Contracts, ImportOptions, SourceFile, import, lint};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let scope_lists = [None, Some(ScopeLists::Any), Some(ScopeLists::All)][text.len() % 3];
    let options = ImportOptions { name: "fuzzed".into(), scope_lists, ..ImportOptions::default() };
    match import(&[SourceFile { name: "f", text }], &options) {
        Ok(source) => check(source),
        Err(errors) => {
            // YAML 1.2 §5.4: a carriage return alone breaks a line too.
            let lines = u32::try_from(text.matches(['\n', '\r']).count()).expect("a small file") + 1;
            assert!(!errors.is_empty() && errors.len() <= 101);
            assert!(
                errors.iter().all(|error| (1..=lines).contains(&error.line) && !error.message.is_empty()),
                "{errors:?}"
            );
        }
    }
});

fn check(source: ContractSource) {
    assert!(!source.operations.is_empty());
    let stored = serde_json::to_string(&source).expect("a contract is JSON");
    assert_eq!(serde_json::from_str::<ContractSource>(&stored).expect("what was stored can be read"), source);
    // The importer has merged what is the same and refused what cannot be matched.
    let operations = source.operations.clone();
    let contracts = Contracts::new(vec![source]).unwrap_or_else(|error| panic!("imported, but no contract: {error}"));
    let contract = contracts.iter().next().expect("one contract");
    assert_eq!(contract.operations(), operations, "requirements are read once");
    assert!(lint(contract).iter().all(|finding| finding.line > 0 && !finding.message.is_empty()));
}
