//! `countersign registration-token`: made once, listed, taken back.

use crate::binary::{Folder, repository, run};

fn applied() -> (Folder, String) {
    let folder = Folder::new();
    let data = folder.path("data");
    assert_eq!(run(&["apply", &repository("examples/world.yaml"), "--data", &data], "").status, 0);
    (folder, data)
}

const CREATE: [&str; 12] = [
    "registration-token",
    "create",
    "--organization",
    "acme",
    "--name",
    "Partners",
    "--grant-type",
    "authorization_code",
    "--scope",
    "users",
    "--host",
    "App.Example",
];

#[test]
fn a_token_is_shown_once_and_listed_until_it_is_revoked() {
    let (_folder, data) = applied();
    let made = run(&[&CREATE[..], &["--max-clients", "3", "--data", &data]].concat(), "");
    assert_eq!((made.status, made.stderr.as_str()), (0, ""));
    assert!(made.stdout.starts_with("cs_ia_"), "{}", made.stdout);
    let (token, rest) = made.stdout.split_once('\n').unwrap();
    let id = rest.trim_end().trim_end_matches('.').rsplit(' ').next().unwrap();

    let list = || run(&["registration-token", "list", "--organization", "acme", "--data", &data], "").stdout;
    let listed = list();
    let shown = "0 of 3 apps registered; authorization_code; scopes users; hosts app.example\n";
    assert!(listed.starts_with(&format!("{id}  Partners: until ")) && listed.ends_with(shown), "{listed}");
    assert!(!listed.contains(token));

    let revoke = || run(&["registration-token", "revoke", id, "--organization", "acme", "--data", &data], "");
    assert_eq!(revoke().status, 0);
    assert!(list().contains("Partners: revoked; "));
    let again = revoke();
    assert_eq!(again.status, 2);
    assert!(again.stderr.contains("there is no live token"), "{}", again.stderr);
}

#[test]
fn what_no_token_can_allow_is_bad_input_with_what_would_be_right() {
    let (_folder, data) = applied();
    for (from, to, message) in [
        ("acme", "nobody", "there is no organization `nobody`"),
        ("acme", "No Slug", "`--organization`: "),
        ("authorization_code", "password", "`--grant-type password`: it is one of `authorization_code`"),
        ("users", "a\"b", "`--scope a\"b`: "),
        ("App.Example", "*.example", "`--host`: `*.example` is no host of an address"),
        ("Partners", "", "`--name` must be a text on one line"),
    ] {
        let arguments: Vec<&str> = CREATE.iter().map(|word| if *word == from { to } else { word }).collect();
        let refused = run(&[&arguments[..], &["--data", &data]].concat(), "");
        assert!(refused.status == 2 && refused.stderr.contains(message), "{to}: {}", refused.stderr);
    }
    for (option, number) in [("--days", "0"), ("--days", "367"), ("--max-clients", "0"), ("--max-clients", "10001")] {
        let refused = run(&[&CREATE[..], &[option, number, "--data", &data]].concat(), "");
        assert!(refused.status == 2 && refused.stderr.contains("it must be 1 to "), "{}", refused.stderr);
    }
    let refused = run(&[&CREATE[..10], &["--data", &data]].concat(), "");
    assert!(refused.status == 2 && refused.stderr.contains("needs a `--host`"), "{}", refused.stderr);
    let refused = run(&["registration-token", "list", "--organization", "nobody", "--data", &data], "");
    assert!(refused.status == 2 && refused.stderr.contains("there is no organization `nobody`"), "{}", refused.stderr);
}

#[test]
fn listing_makes_no_folder() {
    let folder = Folder::new();
    let data = folder.path("data");
    let refused = run(&["registration-token", "list", "--organization", "acme", "--data", &data], "");
    assert_eq!(refused.status, 2);
    assert!(!std::path::Path::new(&data).exists());
}
