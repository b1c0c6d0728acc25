//! Which lines of the standards checklist are proven, by which tests: `docs/reference/conformance.md`, made from the tests' names.
//!
//! A test that proves a line begins with the line's id (`c11_…`, or several: `e22_c43_…`). Each line of the parts about OAuth is
//! proven by some test or stands in [`NOT_PROVEN`] with the reason, never both. After a change of names:
//! `COUNTERSIGN_WRITE_REFERENCE=1 cargo test --test conformance`, and look at the difference.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The parts of the checklist about OAuth, OpenID Connect and AuthZEN, and how many lines each has.
const PARTS: [(char, u8, &str); 6] = [
    ('A', 62, "Authorization endpoint"),
    ('B', 12, "Pushed authorization requests"),
    ('C', 65, "Token endpoint"),
    ('D', 33, "Access tokens and resource side"),
    ('E', 28, "Discovery, keys, registration, logout"),
    ('G', 9, "AuthZEN"),
];

/// Lines without a test, and why.
const NOT_PROVEN: [(&str, &str); 1] = [(
    "A52",
    "no type of authorization details is known (docs/decisions/0032), so none is ever granted and nothing is there to return",
)];

/// What the names of the OpenID Foundation's modules begin with.
const MODULES: [&str; 3] = ["oidcc_", "fapi2_", "authzen_pdp_"];

/// Modules of its AuthZEN plans that are not re-created: those of the variant in which properties decide.
const LEFT_OUT: [&str; 10] = [
    "authzen-pdp-action-search-action-search-with-properties",
    "authzen-pdp-evaluation-fixture-request-deny-based-on-action-properties",
    "authzen-pdp-evaluation-fixture-request-deny-based-on-properties",
    "authzen-pdp-evaluation-fixture-request-permit-based-on-action-properties",
    "authzen-pdp-evaluation-fixture-request-permit-based-on-subject-properties",
    "authzen-pdp-evaluations-batch-with-default-value-merging",
    "authzen-pdp-evaluations-batch-with-properties-validated",
    "authzen-pdp-evaluations-batch-with-subject-properties-validated",
    "authzen-pdp-resource-search-resource-search-with-subject-properties",
    "authzen-pdp-subject-search-subject-search-with-resource-properties",
];

/// Tests by the id that their names begin with: as a sentence, with the file.
type Proofs = BTreeMap<String, Vec<(String, String)>>;

#[test]
fn the_page_of_conformance_is_what_the_tests_are_called() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let (proofs, modules) = named_tests(root);
    let generated = page(&proofs, &modules);
    let page = root.join("docs/reference/conformance.md");
    if std::env::var_os("COUNTERSIGN_WRITE_REFERENCE").is_some() {
        std::fs::write(&page, &generated).expect("the page");
    }
    let written = std::fs::read_to_string(&page).expect("the page");
    assert!(written == generated, "docs/reference/conformance.md is not what the tests say: see the head of this file");
}

#[test]
fn every_line_is_proven_or_has_a_reason_why_not() {
    let (proofs, _) = named_tests(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")));
    let unproven: Vec<String> = ids().filter(|id| !proofs.contains_key(id) && reason(id).is_none()).collect();
    assert!(unproven.is_empty(), "neither a test nor a reason: {unproven:?}");
    let both: Vec<String> = ids().filter(|id| proofs.contains_key(id) && reason(id).is_some()).collect();
    assert!(both.is_empty(), "proven by now, so no reason is needed: {both:?}");
}

fn ids() -> impl Iterator<Item = String> {
    PARTS.into_iter().flat_map(|(part, lines, _)| (1..=lines).map(move |line| format!("{part}{line:02}")))
}

fn reason(id: &str) -> Option<&'static str> {
    NOT_PROVEN.iter().find(|(line, _)| *line == id).map(|(_, reason)| *reason)
}

/// The tests of the checklist's lines, and those of the OpenID Foundation's modules, from all sources below `crates`.
fn named_tests(root: &Path) -> (Proofs, Vec<(String, String)>) {
    let (mut proofs, mut modules) = (Proofs::new(), Vec::new());
    for file in sources(&root.join("crates")) {
        let text = std::fs::read_to_string(&file).expect("a source");
        let shown = file.strip_prefix(root).expect("below the root").display().to_string();
        for name in function_names(&text) {
            if MODULES.iter().any(|prefix| name.starts_with(prefix)) {
                modules.push((name.replace('_', "-"), shown.clone()));
            }
            let parts: Vec<&str> = name.split('_').collect();
            let count = parts.iter().take_while(|part| is_id(part)).count();
            let sentence = parts[count..].join(" ");
            for id in &parts[..count] {
                proofs.entry(id.to_uppercase()).or_default().push((sentence.clone(), shown.clone()));
            }
        }
    }
    modules.sort_unstable();
    proofs.values_mut().for_each(|tests| tests.sort_unstable());
    (proofs, modules)
}

fn function_names(source: &str) -> impl Iterator<Item = &str> {
    let lines = source.lines().map(str::trim_start);
    let after_fn = lines.filter_map(|line| line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")));
    after_fn.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
}

fn is_id(part: &str) -> bool {
    let mut bytes = part.bytes();
    part.len() == 3 && bytes.next().is_some_and(|byte| byte.is_ascii_lowercase()) && bytes.all(|b| b.is_ascii_digit())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort_unstable();
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() && !path.ends_with("target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

fn page(proofs: &Proofs, modules: &[(String, String)]) -> String {
    let proven = ids().filter(|id| proofs.contains_key(id)).count();
    let mut page = format!(
        "# Conformance\n\n\
         Which lines of the standards checklist are proven, and by which tests. Made from the names of the tests, all of which run in `./test`:\n\
         a line is listed as proven only while its tests pass. {proven} of {} lines are proven.\n",
        ids().count()
    );
    for (part, lines, title) in PARTS {
        write!(page, "\n## {part}. {title}\n\n| line | proven by |\n|---|---|\n").expect("memory");
        for id in (1..=lines).map(|line| format!("{part}{line:02}")) {
            let cell = match proofs.get(&id) {
                Some(tests) => tests.iter().map(link).collect::<Vec<_>>().join("<br>"),
                None => format!("**not proven:** {}", reason(&id).unwrap_or("no reason is given")),
            };
            writeln!(page, "| {id} | {cell} |").expect("memory");
        }
    }
    page.push_str(
        "\n## Modules of the OpenID Foundation's suite\n\nRe-created under their own names; the suite itself has not run. \
         In the modules of AuthZEN a record is a route, `read` is `GET`, `write` is `PUT`, and the caller presents an access token.\n\n",
    );
    for module in modules {
        writeln!(page, "- {}", link(module)).expect("memory");
    }
    page.push_str(
        "\nLeft out, because a `status` of a record, a `role` of a user or a flag of an action decides in them: permissions and scopes decide here \
         and no such property does ([0026](../decisions/0026-authzen-is-a-door.md)).\n\n",
    );
    for module in LEFT_OUT {
        writeln!(page, "- {module}").expect("memory");
    }
    page
}

fn link((sentence, file): &(String, String)) -> String {
    format!("[{sentence}](../../{file})")
}
