//! What `evaluate` allows, call by call: what commands that look at everything at once are compared with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::binary::run;

/// By operation of [`operations`], whom an app can call it for; nothing stands for the app itself. Operations for nobody are left out.
pub(crate) fn allowed<'u>(
    (contract, operations): (&str, &[Value]),
    world: &str,
    (organization, client): (&str, &str),
    users: &[&'u str],
) -> BTreeMap<String, BTreeSet<Option<&'u str>>> {
    let subjects: Vec<Option<&str>> = users.iter().copied().map(Some).chain([None]).collect();
    let mut lines = String::new();
    for operation in operations {
        // No template has such a literal: nothing is crossed.
        let path = operation["path"].as_str().unwrap().replace(['{', '}'], "~");
        for user in &subjects {
            let method = &operation["method"];
            let line =
                json!({"organization": organization, "client": client, "user": user, "method": method, "path": path});
            lines.push_str(&format!("{line}\n"));
        }
    }
    let decided = run(&["evaluate", "--contract", contract, "--world", world], &lines);
    assert_eq!(decided.status, 0, "{}", decided.stderr);
    let decisions: Vec<bool> = decided.stdout.lines().map(|line| line.starts_with(r#"{"decision":"allow""#)).collect();
    assert_eq!(decisions.len(), operations.len() * subjects.len());
    let mut allowed = BTreeMap::new();
    for (operation, decisions) in operations.iter().zip(decisions.chunks(subjects.len())) {
        let whom: BTreeSet<_> =
            subjects.iter().zip(decisions).filter(|(_, allowed)| **allowed).map(|(subject, _)| *subject).collect();
        if !whom.is_empty() {
            allowed.insert(operation["id"].as_str().unwrap().to_owned(), whom);
        }
    }
    allowed
}

/// The lines of `contract show --json`.
pub(crate) fn operations(contract: &str) -> Vec<Value> {
    let shown = run(&["contract", "show", "--json", contract], "").stdout;
    shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
