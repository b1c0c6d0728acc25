//! Contract files that are absurd: each is refused with its place and what would be right, or read within the stated
//! limits; none is a panic. `examples/absurd.rs` measures time and memory of each.

use countersign_decision::{Contracts, ImportOptions, SourceFile, import};

mod absurd;

use absurd::{ALL, Absurd};

fn answer(file: &Absurd) -> Result<usize, String> {
    let text = (file.text)();
    let options = ImportOptions { name: "absurd".into(), ..ImportOptions::default() };
    let source = import(&[SourceFile { name: "f", text: &text }], &options);
    let source = source.map_err(|errors| errors[0].to_string())?;
    let contracts = Contracts::new(vec![source]).map_err(|error| error.to_string())?;
    Ok(contracts.iter().map(|contract| contract.operations().len()).sum())
}

#[test]
fn absurd_files_are_refused_with_their_place_or_read_within_the_limits() {
    for file in ALL {
        match (answer(file), file.says) {
            (Ok(operations), None) => assert!(operations > 0, "{}", file.name),
            (Err(error), Some(says)) => {
                assert!(error.contains(says), "{}: {error:.200}", file.name);
                // That templates overlap too much is the fault of no line.
                let has_line =
                    error.strip_prefix("f:").is_some_and(|rest| rest.starts_with(|one: char| one.is_ascii_digit()));
                assert!(has_line || error.starts_with("the path templates overlap"), "{}: {error:.200}", file.name);
            }
            (Err(error), None) => panic!("{}: {error:.200}", file.name),
            (Ok(_), Some(says)) => panic!("{} is read, instead of: {says}", file.name),
        }
    }
}

#[test]
fn every_absurd_file_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|file| file.name).collect();
    assert_eq!(names.len(), ALL.len());
}

/// What is in no file but in what the store or an operator gives.
#[test]
fn a_stored_contract_of_a_million_operations_is_refused() {
    let text = "openapi: 3.0.0\npaths: {/a: {get: {security: []}}}\n";
    let options = ImportOptions { name: "many".into(), ..ImportOptions::default() };
    let mut source = import(&[SourceFile { name: "f", text }], &options).unwrap();
    source.operations = vec![source.operations[0].clone(); 1_000_000];
    let error = Contracts::new(vec![source]).unwrap_err().to_string();
    assert_eq!(error, "contract `many` has 1000000 operations, at most 50000 are read");
}
