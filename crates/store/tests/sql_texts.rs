//! Invariant 25: every SQL statement on organization tables binds `org_id`. The statements are read from the source, the
//! tables from the migrations; whatever spans organizations on purpose is named here with its reason.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Functions whose statements may reach an organization table without its `org_id`: file, function, reason.
const EXCEPTIONS: [(&str, &str, &str); 46] = [
    ("organization.rs", "organizations", "system: the list of organizations itself"),
    ("password.rs", "sign_in_candidates", "system: who signs in is known by e-mail address only"),
    ("client.rs", "client", "system: the token endpoint knows a client by its id only"),
    ("client_secret.rs", "client_secrets", "system: likewise"),
    ("client_secret.rs", "next_end_of_a_secret", "system: likewise"),
    ("caller.rs", "callers", "a client that calls can be another organization's"),
    ("client.rs", "registered_client", "whoever knows the id may decide about another organization's client"),
    ("family.rs", "end_tokens_of_client", "a client that is switched off or gone has no tokens anywhere"),
    ("authorization.rs", "organizations_that_decided_on", "a deleted client is removed from each, one by one"),
    ("authorization.rs", "authorizations", "the client of an authorization can be another organization's"),
    ("authorization.rs", "find_authorization", "likewise"),
    ("decisions.rs", "check_clients_elsewhere", "a world file can name another organization's client by its id"),
    ("session.rs", "session", "by digest: the cookie says no organization"),
    ("session.rs", "touch", "by digest"),
    ("session.rs", "end_session", "by digest"),
    ("session.rs", "sign_out", "by digest"),
    ("session.rs", "rotate", "by digest"),
    ("code.rs", "claim_code", "by digest and client"),
    ("code.rs", "unclaimed_code", "by digest and client"),
    ("refresh.rs", "claim_refresh", "by digest and client"),
    ("refresh.rs", "presented_refresh_token", "by digest and client"),
    ("issue.rs", "claim_codes", "by digest and client"),
    ("issue.rs", "use_again", "by digest and client"),
    ("issue.rs", "replace", "by digest and client"),
    ("issue.rs", "lock_families", "each row names its own"),
    (
        "device_code.rs",
        "save_device_code",
        "how many wait; the codes of a client that nobody let in are no organization's",
    ),
    ("device_code.rs", "open_device_code", "by digest: nobody has let the device in, so it is no organization's yet"),
    ("device_code.rs", "opened_device_code", "likewise"),
    ("device_code.rs", "approve_device_code", "by digest: the organization is written here"),
    ("device_code.rs", "deny_device_code", "by digest: it is no organization's and never will be"),
    ("device_code.rs", "claim_device_code", "by digest and client"),
    ("device_code.rs", "wait", "by digest: still no organization's"),
    ("client_registration.rs", "initial_token", "by digest: the token says the organization"),
    ("client_registration.rs", "self_registered", "by digest and client"),
    ("housekeeping.rs", "delete_ended", "what has ended is deleted for all organizations"),
    ("families.rs", "delete_ended_tokens", "likewise"),
    ("families.rs", "delete_access_tokens", "likewise"),
    ("families.rs", "delete_sessions", "likewise"),
    ("usage.rs", "delete_usage_before", "system: what is too old is deleted for all organizations"),
    ("known.rs", "known_token", "by digest"),
    ("resource_server.rs", "is_resource", "an API can be another organization's"),
    ("logout_notice.rs", "claim_logout_notices", "system: whatever is due, of all organizations"),
    ("logout_notice.rs", "listening_clients", "the client of a sign-in can be another organization's"),
    ("delegation.rs", "delegation", "a client on the way can be another organization's"),
    ("known.rs", "revoke_token", "by digest and client"),
    ("bearer.rs", "bearer", "by digest: the token says the organization, and its client can be another's"),
];

/// Tables that the facts of a decision are read from.
const FACT_TABLES: [&str; 6] = ["organizations", "roles", "role_assignments", "users", "clients", "authorizations"];

/// Functions that write to them, and how a change row gets to tell what they touched.
const WRITERS: [(&str, &str, &str); 24] = [
    ("assignment.rs", "insert_assignment", "`set_assignments` records its user or client"),
    ("assignment.rs", "delete_assignment", "likewise"),
    ("assignment.rs", "delete_assignments_of", "of a user or client whose deletion is recorded"),
    ("assignment.rs", "delete_assignments_of_role", "touches whom it returns"),
    ("assignment.rs", "delete_assignments_in", "touches whom it returns"),
    ("authorization.rs", "decide", "each caller records the authorization"),
    ("authorization.rs", "delete_authorization", "records it"),
    ("change.rs", "lock", "changes nothing"),
    ("change.rs", "bump", "writes the change row"),
    ("client.rs", "create_client", "records it"),
    ("client.rs", "update_client", "records it"),
    ("client_deletion.rs", "delete_own_client", "records it"),
    ("client_secret.rs", "replace_secrets", "no decision depends on whether a client has a secret"),
    ("division.rs", "delete_division", "no decision depends on the division that a user object belongs to"),
    ("organization.rs", "create", "records it"),
    ("organization.rs", "set_enforcement", "records it"),
    ("organization.rs", "rename_organization", "records it"),
    ("password.rs", "set_password", "no decision depends on a password"),
    ("role.rs", "create_role", "records it"),
    ("role.rs", "update_role", "records it"),
    ("role.rs", "delete_role", "records it"),
    ("user.rs", "create_user", "records it"),
    ("user.rs", "update_user", "records it"),
    ("user.rs", "delete_user", "records it"),
];

/// Tables without an organization: nothing of a customer's stands in them.
const COMMON_TABLES: [&str; 8] = [
    "interactions",
    "contracts",
    "counters",
    "used_proofs",
    "pushed_requests",
    "server_secrets",
    "signing_keys",
    "tries",
];

struct Statement {
    file: String,
    function: String,
    text: String,
}

#[test]
fn invariant_25_every_statement_on_an_organization_table_binds_org_id() {
    let tables = organization_tables();
    let statements = statements();
    assert!(statements.len() > 80, "{} statements found: the test no longer reads the source", statements.len());
    let mut excused = BTreeSet::new();
    for statement in &statements {
        let unbound = unbound_tables(&statement.text, &tables);
        if unbound.is_empty() {
            continue;
        }
        let Statement { file, function, text } = statement;
        let exception = EXCEPTIONS.iter().find(|(in_file, name, _)| (*in_file, *name) == (file, function));
        assert!(exception.is_some(), "{file}, fn {function}: {unbound:?} without org_id in\n{text}");
        excused.insert((file.as_str(), function.as_str()));
    }
    let unused: Vec<_> = EXCEPTIONS.iter().filter(|(file, name, _)| !excused.contains(&(*file, *name))).collect();
    assert!(unused.is_empty(), "these exceptions excuse nothing: {unused:?}");
}

#[test]
fn every_write_to_what_decisions_depend_on_is_told_in_a_change_row() {
    let is_write = |text: &str| {
        let mut words =
            text.split_whitespace().skip_while(|word| ["INSERT", "INTO", "UPDATE", "DELETE", "FROM"].contains(word));
        !text.starts_with("SELECT") && words.next().is_some_and(|table| FACT_TABLES.contains(&table))
    };
    let statements = statements();
    let writers = statements.iter().filter(|one| is_write(&one.text));
    let writers: BTreeSet<_> = writers.map(|one| (one.file.as_str(), one.function.as_str())).collect();
    let known: BTreeSet<_> = WRITERS.iter().map(|(file, function, _)| (*file, *function)).collect();
    let unknown: Vec<_> = writers.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "say in WRITERS how followers learn of what these write, and draw them in `news`: {unknown:?}"
    );
    let idle: Vec<_> = known.difference(&writers).collect();
    assert!(idle.is_empty(), "these write nothing that decisions depend on: {idle:?}");
}

#[test]
fn every_statement_is_in_the_portable_subset() {
    for Statement { file, function, text } in &statements() {
        for word in ["BOOLEAN", "TIMESTAMP", "UUID", "FOR UPDATE", "ILIKE", "ARRAY", "NOW()", "::", "AUTOINCREMENT"] {
            assert!(!text.to_uppercase().contains(word), "{file}, fn {function}: `{word}` in\n{text}");
        }
        assert!(!text.contains('?'), "{file}, fn {function}: places are `$1`, in\n{text}");
        assert!(!text.contains("SELECT *"), "{file}, fn {function}: columns are named, in\n{text}");
    }
}

#[test]
fn every_table_begins_its_keys_with_the_organization() {
    let by_digest_or_id = [
        "sessions",
        "authorization_codes",
        "device_codes",
        "access_tokens",
        "refresh_tokens",
        "client_ids",
        "organizations",
        "resource_servers",
    ];
    for (table, definition) in tables() {
        if COMMON_TABLES.contains(&table.as_str()) || by_digest_or_id.contains(&table.as_str()) {
            continue;
        }
        assert!(definition.contains("PRIMARY KEY (org_id, "), "{table}");
    }
}

#[test]
fn the_test_itself_sees_a_statement_that_reaches_over_the_wall() {
    let tables = organization_tables();
    for (text, expected) in [
        ("SELECT name FROM users WHERE user_id = $1", vec!["users"]),
        ("SELECT name FROM users WHERE org_id = $1", vec![]),
        ("UPDATE users SET name = $1 WHERE user_id = $2", vec!["users"]),
        ("DELETE FROM roles", vec!["roles"]),
        ("INSERT INTO roles (role_id) VALUES ($1)", vec!["roles"]),
        ("INSERT INTO roles (org_id, role_id) VALUES ($1, $2)", vec![]),
        ("SELECT u.name FROM users u JOIN roles r ON r.name = u.name WHERE u.org_id = $1", vec!["roles"]),
        ("SELECT u.name FROM users u JOIN roles r ON r.org_id = u.org_id WHERE u.org_id = $1", vec![]),
        ("SELECT org_id FROM users WHERE user_id = $1 ORDER BY org_id", vec!["users"]),
    ] {
        assert_eq!(unbound_tables(text, &tables), expected, "{text}");
    }
}

/// The organization tables that the statement names without binding their `org_id`, or joining it to one that is.
fn unbound_tables(text: &str, tables: &BTreeSet<String>) -> Vec<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || ",()".contains(c)).filter(|w| !w.is_empty()).collect();
    let mut unbound = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let is_named = index > 0 && ["FROM", "JOIN", "INTO", "UPDATE"].contains(&words[index - 1]);
        if !is_named || !tables.contains(*word) {
            continue;
        }
        let next = words.get(index + 1).copied().unwrap_or_default();
        let alias = if next.chars().all(|c| c.is_ascii_lowercase()) { next } else { "" };
        let is_insert = words[index - 1] == "INTO";
        let is_bound = if is_insert {
            let columns = text.split_once('(').and_then(|(_, after)| after.split_once(')'));
            columns.is_some_and(|(columns, _)| columns.split(',').any(|column| column.trim() == "org_id"))
        } else if alias.is_empty() {
            text.contains("WHERE org_id = $")
        } else {
            text.contains(&format!("{alias}.org_id = "))
        };
        if !is_bound {
            unbound.push((*word).to_owned());
        }
    }
    unbound
}

fn organization_tables() -> BTreeSet<String> {
    tables().into_iter().map(|(table, _)| table).filter(|table| !COMMON_TABLES.contains(&table.as_str())).collect()
}

/// Every table of the schema with its definition.
fn tables() -> Vec<(String, String)> {
    let mut tables = Vec::new();
    for file in files("migrations", "sql") {
        let text = fs::read_to_string(file).unwrap();
        for part in text.split("CREATE TABLE ").skip(1) {
            let (name, definition) = part.split_once(' ').unwrap();
            let definition = definition.split_once("\n);").unwrap().0;
            assert!(
                definition.contains("org_id ") || COMMON_TABLES.contains(&name),
                "`{name}` has no org_id: say in COMMON_TABLES that it holds nothing of a customer's"
            );
            tables.push((name.to_owned(), definition.to_owned()));
        }
    }
    tables
}

/// Every string literal of the source that begins as a statement, with the function around it.
fn statements() -> Vec<Statement> {
    let mut statements = Vec::new();
    for path in files("src", "rs") {
        let source = fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut function = String::new();
        let mut rest = source;
        while let Some(at) = rest.find(['"', '/', 'f']) {
            let (_, found) = rest.split_at(at);
            if let Some(name) = found.strip_prefix("fn ") {
                function = name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                rest = &found[3..];
            } else if found.starts_with("//") {
                rest = found.split_once('\n').map_or("", |(_, after)| after);
            } else if let Some(literal) = found.strip_prefix('"') {
                let end = end_of_literal(literal);
                let text = literal[..end].to_owned();
                if ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "].iter().any(|verb| text.starts_with(verb)) {
                    statements.push(Statement { file: file.clone(), function: function.clone(), text });
                }
                rest = &literal[end + 1..];
            } else {
                rest = &found[1..];
            }
        }
    }
    statements
}

fn end_of_literal(literal: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in literal.char_indices() {
        match character {
            '"' if !is_escaped => return at,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    panic!("a string literal does not end");
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
