//! The real contract, 3,180 operations: what the importer makes of the rows file and of the YAML files, and whether they agree.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use countersign_decision::{
    Contract, ContractSource, Contracts, ImportOptions, Method, PermissionMode, Requirement, SourceFile, import, lint,
};

mod shared_input;

fn imported(files: &[(String, String)]) -> ContractSource {
    let files: Vec<_> = files.iter().map(|(name, text)| SourceFile { name, text }).collect();
    import(&files, &ImportOptions { name: "genesys".into(), ..ImportOptions::default() }).expect("the files import")
}

fn rows() -> Option<ContractSource> {
    let name = "contract/genesys-catalog.json";
    Some(imported(&[(name.into(), shared_input::text(name)?)]))
}

fn yaml_files() -> Option<Vec<(String, String)>> {
    let areas = ["audit", "authorization", "groups", "oauth", "organization", "tokens", "usage", "users"];
    let paths = areas.map(|area| format!("contract/swagger/genesys-{area}-api-openapi.yml"));
    paths.into_iter().map(|path| Some((path.clone(), shared_input::text(&path)?))).collect()
}

fn count(source: &ContractSource, is_counted: impl Fn(&Requirement) -> bool) -> usize {
    source.operations.iter().filter(|operation| is_counted(&operation.requirement)).count()
}

#[test]
fn the_rows_file_has_all_operations_scopes_and_permissions() {
    let Some(source) = rows() else { return };
    let with_mode =
        |mode| count(&source, |requirement| requirement.permissions().is_some_and(|list| list.mode == mode));
    assert_eq!(source.operations.len(), 3_180);
    // 2,006 ANY in the file, of which one is the sentence of prose: its operation is unstated.
    assert_eq!(with_mode(PermissionMode::Any), 2_005);
    assert_eq!(with_mode(PermissionMode::All), 803);
    assert_eq!(count(&source, |requirement| matches!(requirement, Requirement::Unstated { .. })), 33 + 1);
    assert_eq!(count(&source, |requirement| matches!(requirement, Requirement::OtherCredential { .. })), 12);
    assert_eq!(count(&source, |requirement| *requirement == Requirement::Authenticated), 6);
    assert_eq!(count(&source, |requirement| *requirement == Requirement::Public), 0);

    let contracts = Contracts::new(vec![source]).unwrap();
    let catalogue = contracts.catalogue();
    assert_eq!(catalogue.scopes().len(), 134);
    // 1,402 strings in the file, of which one is the sentence.
    assert_eq!(catalogue.permissions().len(), 1_401);
    let paths: HashSet<_> = contracts.named("genesys").unwrap().operations().iter().map(|one| &one.path).collect();
    assert_eq!(paths.len(), 2_139);
}

#[test]
fn the_sentence_that_is_no_permission_makes_its_operation_unstated_and_is_named() {
    let Some(source) = rows() else { return };
    let named: Vec<_> = source.warnings.iter().filter(|finding| finding.rule == "not-a-permission").collect();
    assert_eq!(named.len(), 1);
    assert!(named[0].message.contains("They are enforced by the backend"), "{}", named[0].message);
    assert!(named[0].message.contains("getUserrecordingTranscoding"), "{}", named[0].message);
    let text = shared_input::text("contract/genesys-catalog.json").unwrap();
    let line = text.lines().position(|line| line.contains("They are enforced by the backend")).unwrap() + 1;
    assert_eq!(named[0].line as usize, line);
    assert_eq!(source.warnings.len(), 34);
}

#[test]
fn the_yaml_files_agree_with_the_rows_wherever_they_overlap() {
    let (Some(rows), Some(files)) = (rows(), yaml_files()) else { return };
    let yaml = imported(&files);
    let rows: BTreeMap<_, _> = rows.operations.iter().map(|operation| (operation.id.as_str(), operation)).collect();
    assert!(yaml.operations.len() > 200, "{}", yaml.operations.len());
    for operation in &yaml.operations {
        let row = rows.get(operation.id.as_str()).unwrap_or_else(|| panic!("{} is no row", operation.id));
        assert_eq!((operation.method, &operation.path), (row.method, &row.path), "{}", operation.id);
        assert!(operation.requirement.means_the_same(&row.requirement), "{operation:?} {row:?}");
        assert_eq!(operation.deprecated, row.deprecated, "{}", operation.id);
        let tags: BTreeSet<_> = row.tags.iter().collect();
        assert!(operation.tags.iter().all(|tag| tags.contains(tag)), "{}: {:?}", operation.id, operation.tags);
    }
}

#[test]
fn one_operation_in_two_yaml_files_is_one_operation() {
    let Some(files) = yaml_files() else { return };
    let alone: usize = files.iter().map(|file| imported(std::slice::from_ref(file)).operations.len()).sum();
    let together = imported(&files).operations.len();
    assert!(together <= alone);
    let twice: Vec<_> = files.iter().chain(&files).cloned().collect();
    assert_eq!(imported(&twice).operations, imported(&files).operations);
}

#[test]
fn locations_are_the_lines_of_the_files() {
    let Some(files) = yaml_files() else { return };
    let text: BTreeMap<_, Vec<_>> = files.iter().map(|(name, text)| (name.as_str(), text.lines().collect())).collect();
    for operation in imported(&files).operations {
        let line = text[operation.source.file.as_str()][operation.source.line as usize - 1];
        assert_eq!(line.trim(), format!("{}:", operation.method.as_str().to_lowercase()), "{}", operation.source);
    }
}

#[test]
fn an_imported_contract_survives_being_stored() {
    let Some(source) = rows() else { return };
    let stored = serde_json::to_string(&source).unwrap();
    assert_eq!(serde_json::from_str::<ContractSource>(&stored).unwrap(), source);
}

/// All pairs of templates that one request can match, counted here by looking at every pair.
fn overlapping_pairs(contract: &Contract) -> (usize, usize, usize) {
    fn shape(path: &str) -> Vec<Option<&str>> {
        path[1..].split('/').map(|part| (!part.starts_with('{')).then_some(part)).collect()
    }
    let shapes: BTreeSet<Vec<Option<&str>>> = contract.operations().iter().map(|one| shape(&one.path)).collect();
    let shapes: Vec<_> = shapes.into_iter().collect();
    let (mut nested, mut crossed) = (0, 0);
    for (index, one) in shapes.iter().enumerate() {
        for two in &shapes[index + 1..] {
            if one.len() != two.len() || !one.iter().zip(two).all(|(a, b)| a.is_none() || b.is_none() || a == b) {
                continue;
            }
            let one_is_narrower = one.iter().zip(two).any(|(a, b)| a.is_some() && b.is_none());
            let two_is_narrower = one.iter().zip(two).any(|(a, b)| a.is_none() && b.is_some());
            if one_is_narrower && two_is_narrower { crossed += 1 } else { nested += 1 }
        }
    }
    (shapes.len(), nested, crossed)
}

#[test]
fn overlapping_templates_are_those_of_the_shared_list() {
    let (Some(contracts), Some(list)) =
        (shared_input::real_contract(), shared_input::text("contract/genesys-route-overlaps.json"))
    else {
        return;
    };
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let listed = |kind: &str| list["pairs"].as_array().unwrap().iter().filter(|pair| pair[0] == kind).count();
    let contract = contracts.named("genesys").unwrap();
    let (shapes, nested, crossed) = overlapping_pairs(contract);

    // The shared list counts written templates: 3 pairs differ in parameter names only. We merge those, so we have 3 shapes fewer than
    // the 2,139 paths, no same-shape pair, and count an overlap with such a pair once where the list counts it twice.
    assert_eq!(listed("same-shape"), 3);
    assert_eq!(shapes, 2_139 - 3);
    let list_by_shape: BTreeSet<_> = list["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| {
            let shape = |path: &serde_json::Value| {
                let parts = path.as_str().unwrap().split('/');
                parts.map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
            };
            let mut both = [shape(&pair[1]), shape(&pair[2])];
            both.sort();
            (pair[0].as_str().unwrap().to_owned(), both)
        })
        .collect();
    let of_kind = |kind: &str| list_by_shape.iter().filter(|(of, _)| of == kind).count();
    assert_eq!((nested, crossed), (of_kind("nested"), of_kind("crossed")));
    assert_eq!((listed("nested"), listed("crossed")), (283, 876));
}

#[test]
fn the_crossing_lists_hold_exactly_the_crossed_pairs_with_a_method_in_common() {
    let Some(contracts) = shared_input::real_contract() else { return };
    let contract = contracts.named("genesys").unwrap();
    let literal = |part: &&str| !part.starts_with('{');
    let parts: Vec<Vec<&str>> = contract.operations().iter().map(|one| one.path.split('/').collect()).collect();
    let mut pairs = 0;
    for (one, own) in contract.operations().iter().zip(&parts) {
        let crosses = |other: &Vec<&str>| {
            let both = || own.iter().zip(other);
            let is_chosen = both().find(|(a, b)| literal(a) != literal(b)).is_some_and(|(a, _)| literal(a));
            own.len() == other.len()
                && both().all(|(a, b)| a == b || !literal(a) || !literal(b))
                && both().any(|(a, b)| !literal(a) && literal(b))
                && is_chosen
        };
        let others = contract.operations().iter().zip(&parts).filter(|(two, _)| two.method == one.method);
        let mut expected: Vec<_> = others.filter(|(_, other)| crosses(other)).map(|(two, _)| two.id.as_str()).collect();
        expected.sort_unstable();
        let listed: Vec<_> = contract.crossing(&one.id).map(|other| other.id.as_str()).collect();
        assert_eq!(listed, expected, "{}", one.id);
        pairs += listed.len();
    }
    assert_eq!(pairs, 459);
}

#[test]
fn lint_names_read_only_scopes_that_write_and_crossing_templates() {
    let Some(contracts) = shared_input::real_contract() else { return };
    let findings = lint(contracts.named("genesys").unwrap());
    let of_rule = |rule: &str| findings.iter().filter(|finding| finding.rule == rule).count();
    // 236 POST, 4 DELETE, 2 PUT and 2 PATCH accept a read-only scope.
    assert_eq!(of_rule("read-only-scope-writes"), 236 + 4 + 2 + 2);
    assert_eq!(of_rule("unstated-requirement"), 33);
    assert_eq!(of_rule("not-a-permission"), 1);
    assert_eq!(of_rule("unknown-permission"), 0);
    assert!(of_rule("crossing-templates") > 100);
    assert!(findings.iter().all(|finding| finding.line > 0));
}

#[test]
fn head_is_its_own_operation_only_where_the_contract_says_so() {
    let Some(source) = rows() else { return };
    let heads: Vec<_> =
        source.operations.iter().filter(|one| one.method == Method::Head).map(|one| one.id.as_str()).collect();
    assert_eq!(heads, ["headNotificationsChannel", "headTokensMe"]);
}
