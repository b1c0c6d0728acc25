//! Our contract beside the real one: what both have needs the same.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use countersign_decision::Operation;
use countersign_server::contracts::platform;
use serde_json::Value;

use super::server::TestServer;

#[tokio::test]
async fn operations_that_genesys_cloud_has_too_need_the_same_scopes_and_permissions() {
    let Some(real) = real_rows() else { return };
    let Some(server) = TestServer::start().await else { return };
    let contracts = server.app.contracts();
    let mut shared = 0;
    for operation in platform(&contracts).operations() {
        let Some(row) = real.iter().find(|row| row[0] == *operation.id) else {
            let same_route = real.iter().find(|row| row[1] == operation.method.as_str() && row[2] == *operation.path);
            assert_eq!(same_route, None, "{}: the real system has this route under another name", operation.id);
            continue;
        };
        assert_eq!((&row[1], &row[2]), (&operation.method.as_str().into(), &operation.path.as_str().into()));
        assert_eq!(scopes(operation), names(&row[4]), "{}", operation.id);
        assert_eq!(permissions(operation), (mode(&row[5]), names(&row[5][1])), "{}", operation.id);
        shared += 1;
    }
    assert!(shared >= 37, "{shared} operations are in both");
}

/// `[id, method, path, tag, scopes, [mode, permissions]]` of each operation.
fn real_rows() -> Option<Vec<Value>> {
    let Ok(text) = std::fs::read_to_string(shared_folder().join("contract/genesys-catalog.json")) else {
        skip(
            "the contract beside the real one: set COUNTERSIGN_SHARED to the folder with contract/genesys-catalog.json",
        );
        return None;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    Some(file["operations"].as_array().unwrap().clone())
}

fn shared_folder() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    std::env::var_os("COUNTERSIGN_SHARED").map_or_else(|| default.into(), PathBuf::from)
}

fn skip(what: &str) {
    // past the test runner, which keeps the output of passing tests to itself
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
    if let Some(log) = std::env::var_os("COUNTERSIGN_SKIPPED_LOG") {
        let mut log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        writeln!(log, "{what}").unwrap();
    }
}

/// Every alternative of ours is one scope: the real lists are any-of.
fn scopes(operation: &Operation) -> BTreeSet<String> {
    let alternatives = operation.requirement.scopes_any_of();
    assert!(alternatives.iter().all(|alternative| alternative.len() == 1), "{}", operation.id);
    alternatives.iter().flatten().map(ToString::to_string).collect()
}

fn permissions(operation: &Operation) -> (Option<String>, BTreeSet<String>) {
    match operation.requirement.permissions() {
        Some(list) => (Some(list.mode.to_string()), list.of.iter().map(ToString::to_string).collect()),
        None => (None, BTreeSet::new()),
    }
}

fn mode(permissions: &Value) -> Option<String> {
    permissions[0].as_str().map(str::to_owned)
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
}
