//! `countersign apply`: the difference, once; nothing the second time; everything or nothing.

use crate::binary::{Folder, Run, repository, run};

const WORLD: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    divisions: [Home, Sales]
    roles:
      - {name: Directory admin, permissions: ["directory:user:*", "oauth:client:authorize"]}
    users:
      - {email: ada@acme.test, name: Ada, password: correct horse, roles: [Directory admin]}
      - {email: alan@acme.test, name: Alan, roles: [{role: Directory admin, division: Sales}]}
    clients:
      - {name: Roster Sync, grant_types: [client_credentials], secret: roster-secret, scopes: [users], roles: [Directory admin]}
    authorizations:
      - {client: Roster Sync, scopes: [users]}
  - id: globex
    name: Globex
"#;

struct Installation(Folder);

impl Installation {
    fn new() -> Self {
        Self(Folder::new())
    }

    fn apply(&self, world: &str, options: &[&str]) -> Run {
        let (world, data) = (self.0.file("world.yaml", world), self.0.path("data"));
        run(&[&["apply", world.as_str(), "--data", data.as_str()], options].concat(), "")
    }

    fn last_line(&self, world: &str, options: &[&str]) -> String {
        let run = self.apply(world, options);
        assert_eq!(run.status, 0, "{run:?}");
        run.stdout.lines().last().unwrap().to_owned()
    }
}

#[test]
fn the_difference_is_printed_and_the_same_file_again_changes_nothing() {
    let installation = Installation::new();
    let first = installation.apply(WORLD, &[]);
    assert_eq!(first.status, 0, "{first:?}");
    for line in ["acme: + role `Directory admin`", "acme: + user `ada@acme.test`", "globex: + organization"] {
        assert!(first.stdout.contains(line), "{line}: {}", first.stdout);
    }
    assert!(first.stdout.contains("acme: the client id of `Roster Sync` is "), "{}", first.stdout);
    assert!(!first.stdout.contains("horse") && !first.stdout.contains("roster-secret"), "{}", first.stdout);
    assert_eq!(installation.last_line(WORLD, &[]), "nothing to change");
    let changed =
        WORLD.replace("\"directory:user:*\"", "\"directory:user:view\"").replace("name: Alan", "name: Alan T");
    assert_eq!(installation.last_line(&changed, &[]), "2 changes");
    assert_eq!(installation.last_line(&changed, &[]), "nothing to change");
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let installation = Installation::new();
    let dry = installation.apply(WORLD, &["--dry-run"]);
    assert!(!std::path::Path::new(&installation.0.path("data")).exists());
    assert!(dry.stdout.ends_with(" to change; this was a dry run, nothing is written\n"), "{dry:?}");
    let wet = installation.apply(WORLD, &[]);
    let changes =
        |run: &Run| run.stdout.lines().filter(|line| line.contains(": + ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(changes(&dry), changes(&wet));
}

#[test]
fn what_the_file_does_not_name_stays_unless_pruned() {
    let installation = Installation::new();
    installation.apply(WORLD, &[]);
    let smaller = WORLD.replace(
        "      - {email: alan@acme.test, name: Alan, roles: [{role: Directory admin, division: Sales}]}\n",
        "",
    );
    assert_eq!(installation.last_line(&smaller, &[]), "nothing to change");
    let pruned = installation.apply(&smaller, &["--prune"]);
    assert!(pruned.stdout.contains("acme: - user `alan@acme.test`"), "{pruned:?}");
    assert_eq!(installation.last_line(&smaller, &["--prune"]), "nothing to change");
}

#[test]
fn nothing_is_half_applied() {
    let installation = Installation::new();
    let wrong = format!("{WORLD}    authorizations: [{{client: nobody-registered-this, scopes: [users]}}]\n");
    let refused = installation.apply(&wrong, &[]);
    assert_eq!(refused.status, 2, "{refused:?}");
    let file = installation.0.path("world.yaml");
    let message = format!("error: {file}:16: `nobody-registered-this` is not a client: ");
    assert!(refused.stderr.contains(&message), "{}", refused.stderr);
    let dry = installation.apply(WORLD, &["--dry-run"]);
    assert!(dry.stdout.contains("acme: + organization"), "the refused file left nothing behind: {dry:?}");
}

#[test]
fn an_app_of_an_organization_that_is_not_in_the_file_can_be_authorized() {
    let installation = Installation::new();
    installation.apply(&WORLD.replace("{name: Roster Sync", "{id: roster-sync, name: Roster Sync"), &[]);
    let other = "organizations: [{id: initech, authorizations: [{client: roster-sync, scopes: [users]}]}]";
    let run = installation.apply(other, &[]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(installation.last_line(other, &[]), "nothing to change");
}

#[test]
fn a_world_with_mistakes_is_refused_before_anything_is_made() {
    let installation = Installation::new();
    let run = installation.apply(&WORLD.replace("email: ada@acme.test", "email: ada"), &[]);
    let file = installation.0.path("world.yaml");
    let message = format!(
        "error: {file}:8: `ada` is not an e-mail address: it must be `name@host` without blanks, 254 characters at most\n"
    );
    assert_eq!((run.status, run.stderr), (2, message));
    assert!(!std::path::Path::new(&installation.0.path("data")).exists());
}

#[test]
fn scopes_and_permissions_that_no_contract_knows_are_warnings() {
    let installation = Installation::new();
    let world = WORLD.replace("scopes: [users]}\n  - id: globex", "scopes: [users, books]}\n  - id: globex");
    let run = installation.apply(&world, &[]);
    let file = installation.0.path("world.yaml");
    assert_eq!(run.status, 0);
    assert_eq!(run.stderr, format!("warning: {file}:13: no loaded contract knows scope `books`: it opens nothing\n"));
}

#[test]
fn the_sample_world_is_applied() {
    let installation = Installation::new();
    let world = std::fs::read_to_string(repository("examples/world.yaml")).unwrap();
    assert_eq!(installation.apply(&world, &[]).status, 0);
    assert_eq!(installation.last_line(&world, &["--prune"]), "nothing to change");
}
