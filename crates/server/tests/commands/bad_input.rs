//! Every command refuses wrong input with exit status 2 and a message that says what, where, and what would be right.

use crate::binary::{Folder, repository, run};

/// The error lines of a run that must end with `status`.
fn refused(status: i32, arguments: &[&str]) -> String {
    let run = run(arguments, "");
    assert_eq!(run.status, status, "{arguments:?}: {run:?}");
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run.stderr
}

#[test]
fn an_unknown_command_or_option_is_refused_with_a_hint() {
    assert!(refused(2, &["evalute"]).contains("a similar subcommand exists: 'evaluate'"));
    assert!(refused(2, &["serve", "--lisen", "x"]).contains("a similar argument exists: '--listen'"));
    assert!(refused(2, &[]).contains("Usage: countersign <COMMAND>"));
}

#[test]
fn an_option_with_a_wrong_value_is_refused_with_what_would_be_right() {
    let bookshop = repository("examples/bookshop.openapi.yaml");
    for (arguments, message) in [
        (vec!["serve", "--listen", "localhost"], "invalid value 'localhost' for '--listen <ADDRESS>'"),
        (vec!["contract", "show", "--scope-lists", "some", &bookshop], "`any` and `all` are known"),
        (vec!["completions", "csh"], "[possible values: bash, elvish, fish, powershell, zsh]"),
        (vec!["migrate", "--database-url", "mysql://x"], "`--database-url`: it must begin with `postgres://`"),
        (vec!["migrate", "--database-url", "postgres://x", "--data", "y"], "cannot be used with"),
        (vec!["contract", "show", "--name", "x", &bookshop], "cannot be used with"),
        (vec!["serve", "--log", "no=such=level"], "`server.log` = `no=such=level`: a level ("),
        (vec!["contract", "lint"], "<FILE>..."),
        (vec!["evaluate", "--contract", &bookshop], "--world <FILE>"),
    ] {
        let stderr = refused(2, &arguments);
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    let (missing, bookshop) = (folder.path("missing.yaml"), repository("examples/bookshop.openapi.yaml"));
    let message = format!("error: {missing}: cannot be read: No such file or directory (os error 2)\n");
    assert_eq!(refused(2, &["contract", "lint", &missing]), message);
    assert_eq!(refused(2, &["contract", "show", &missing]), message);
    assert_eq!(refused(2, &["contract", "import", &missing, "--data", &folder.path("data")]), message);
    assert_eq!(refused(2, &["evaluate", "--contract", &bookshop, "--world", &missing]), message);
    let binary = folder.file("binary.yaml", b"openapi: 3.0.3\ninfo: \xff\n");
    assert_eq!(
        refused(2, &["contract", "lint", &binary]),
        format!("error: {binary}:2: not UTF-8: the file must be text\n")
    );
}

#[test]
fn nothing_is_made_for_input_that_is_refused() {
    let folder = Folder::new();
    let (broken, data) = (folder.file("broken.yaml", "openapi: 3.0.3\npaths: 7\n"), folder.path("data"));
    let stderr = refused(2, &["contract", "import", &broken, "--data", &data]);
    assert!(stderr.starts_with(&format!("error: {broken}:2: ")), "{stderr}");
    assert!(!std::path::Path::new(&data).exists());
}

#[test]
fn contracts_that_contradict_themselves_are_refused_with_both_places() {
    let folder = Folder::new();
    let document = |path: &str, id: &str, security: &str| {
        format!(
            "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths:\n  {path}:\n    get:\n      operationId: {id}\n      security: {security}\n      responses: {{}}\n"
        )
    };
    let one = folder.file("one.yaml", document("/a", "getA", "[]"));
    let same_id = folder.file("two.yaml", document("/b", "getA", "[]"));
    let stderr = refused(2, &["contract", "lint", &one, &same_id]);
    assert!(stderr.contains(&format!("{one}:5")) && stderr.contains(&format!("{same_id}:5")), "{stderr}");
    let same_route = folder.file("three.yaml", document("/a", "getOther", "[]"));
    let stderr = refused(2, &["contract", "lint", &one, &same_route]);
    assert!(stderr.contains(&format!("{one}:5")) && stderr.contains(&format!("{same_route}:5")), "{stderr}");
}

#[test]
fn a_configuration_with_an_unknown_key_is_refused_with_its_line() {
    let folder = Folder::new();
    let config = folder.file("countersign.toml", "[server]\nlisten = \"127.0.0.1:0\"\nlisen = 3\n");
    for command in [vec!["serve"], vec!["config", "show"], vec!["migrate"], vec!["contract", "show"]] {
        let stderr = refused(2, &[command, vec!["--config", &config]].concat());
        assert!(stderr.contains(&config) && stderr.contains("line 3") && stderr.contains("lisen"), "{stderr}");
    }
}

#[test]
fn e06_a_plain_http_issuer_that_is_not_loopback_is_refused_at_start() {
    let folder = Folder::new();
    let data = folder.path("data");
    for wrong in [
        ["--listen", "127.0.0.1:0", "--public-origin", "http://login.acme.test"].as_slice(),
        &["--listen", "0.0.0.0:0"],
    ] {
        let stderr = refused(2, &[&["serve", "--data", &data], wrong].concat());
        assert!(stderr.contains("public_origin"), "{stderr}");
    }
}

#[test]
fn options_override_the_environment_and_that_the_file() {
    let folder = Folder::new();
    let config = folder.file(
        "c.toml",
        "[server]\nlisten = \"127.0.0.1:1\"\ndata = \"from-file\"\npublic_origin = \"https://a.test\"\n",
    );
    let output = crate::binary::command(&["config", "show", "--config", &config, "--listen", "127.0.0.1:3"])
        .env("COUNTERSIGN_LISTEN", "127.0.0.1:2")
        .env("COUNTERSIGN_DATA", "from-environment")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    for line in ["listen = \"127.0.0.1:3\"", "data = \"from-environment\"", "public_origin = \"https://a.test\""] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn completions_are_printed_for_a_shell() {
    let run = run(&["completions", "bash"], "");
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("_countersign()"));
}
