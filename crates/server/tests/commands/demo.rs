//! `countersign demo`: the README's first command tells the rule in real calls.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

use crate::binary::{Folder, command, run};

/// What each scene must end with.
const OUTCOMES: [&str; 11] = [
    "ALLOWED 200: New Hire",
    "DENIED 403: missing scope users",
    "DENIED 403: missing permission directory:user:add",
    "DENIED 403: missing scope users, and missing permission directory:user:add",
    "ALLOWED 200: New Hire",
    "DENIED 403: missing scope users",
    "ALLOWED 200: Onboarding Agent is authorized for users",
    "ALLOWED 200: New Hire",
    "ALLOWED 204: Onboarding Agent is revoked",
    "DENIED 403: App not authorized to use scope [users]",
    "DENIED 403: missing permission oauth:client:authorize",
];

fn outcomes(story: &str) -> Vec<&str> {
    story.lines().map(str::trim).filter(|line| line.starts_with("ALLOWED") || line.starts_with("DENIED")).collect()
}

fn assert_told(story: &str) {
    let told = outcomes(story);
    assert_eq!(told.len(), OUTCOMES.len(), "{story}");
    for (told, must_be) in told.iter().zip(OUTCOMES) {
        let is_whole = *told == must_be || (must_be.ends_with("New Hire") && told.starts_with(must_be));
        assert!(is_whole, "`{told}` must be `{must_be}`");
    }
}

#[test]
fn the_story_is_told_once_plain_in_a_pipe_and_leaves_nothing_behind() {
    let run = run(&["demo", "--once"], "");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_told(&run.stdout);
    assert!(!run.stdout.contains('\u{1b}'), "no colour codes in a pipe");
    assert!(
        run.stdout
            .contains("\n    Ada Lovelace through Team Directory (signed in, code + PKCE)\n    POST /api/v2/users\n")
    );
    assert!(run.stdout.contains("\n    Onboarding Agent on its own behalf (the same token)\n"));
}

#[test]
fn a_second_run_in_the_same_folder_succeeds_and_a_folder_with_other_data_is_refused() {
    let folder = Folder::new();
    let data = folder.path("demo");
    for _ in 0..2 {
        let run = run(&["demo", "--once", "--data", &data], "");
        assert_eq!(run.status, 0, "{run:?}");
        assert_told(&run.stdout);
    }
    let other = folder.path("");
    let refused = run(&["demo", "--once", "--data", &other], "");
    assert_eq!(refused.status, 2);
    assert_eq!(
        refused.stderr,
        format!(
            "error: {other}: there is something else in this folder: the demo begins with a folder that is empty, or of an \
             earlier demo\n"
        )
    );
}

#[test]
fn then_it_keeps_serving_and_says_what_to_open_and_who_to_sign_in_as() {
    let temporary = Folder::new();
    let mut demo = command(&["demo", "--listen", "127.0.0.1:0"]).env("TMPDIR", temporary.path("")).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map_while(Result::ok);
    let running =
        lines.by_ref().find(|line| line.starts_with("The server keeps running at http://127.0.0.1:")).unwrap();
    let origin = running.rsplit(' ').next().unwrap().to_owned();
    let invitation: Vec<String> = lines.by_ref().take_while(|line| !line.contains("Ctrl-C stops the server")).collect();
    assert!(invitation.contains(&format!("  {origin}/")), "{invitation:?}");
    assert!(invitation.iter().any(|line| line.contains("hedy@globex.test") && line.contains("silver comet")));
    assert!(!invitation.iter().any(|line| line.contains("margaret@acme.test")), "she cannot sign in");

    let health = std::net::TcpStream::connect(origin.trim_start_matches("http://"));
    assert!(health.is_ok(), "it serves");
    drop(health);
    assert_eq!(stop(&mut demo), Some(0));
    assert_eq!(std::fs::read_dir(temporary.path("")).unwrap().count(), 0, "the data went with it");
}

/// Ends the server as an operator would.
fn stop(child: &mut Child) -> Option<i32> {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    child.wait().unwrap().code()
}
