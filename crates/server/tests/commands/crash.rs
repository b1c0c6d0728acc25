//! A server that is killed while it issues tokens: whatever was answered is there after it starts again.

use serde_json::Value;

use crate::binary::{Folder, run};
use crate::serve::{Server, in_runtime};

/// In the form of a generated secret: those are compared at once.
const SECRET: &str = "cs_cs_wVwCiewtCpFn7I5loY3rvl5VMvvuopP4C8lC7pCGwXEmAXhIg";
/// Requests at a time.
const AT_A_TIME: usize = 64;
/// Answers of each before the server is killed.
const ANSWERS: usize = 4;

async fn ask(http: &reqwest::Client, address: &str, form: &[(&str, &str)]) -> Option<Value> {
    let answer = http.post(address).basic_auth("sync", Some(SECRET)).form(form).send().await.ok()?;
    answer.json().await.ok()
}

/// Asks for one token after the other, `goes_on` until nobody answers; the tokens that were answered.
async fn ask_until_it_ends(http: reqwest::Client, address: String, goes_on: bool) -> Vec<String> {
    let mut tokens = Vec::new();
    while tokens.len() < ANSWERS || goes_on {
        let Some(answer) = ask(&http, &address, &[("grant_type", "client_credentials")]).await else { break };
        tokens.extend(answer["access_token"].as_str().map(str::to_owned));
    }
    tokens
}

#[test]
fn whatever_was_answered_before_a_kill_is_there_after_the_next_start() {
    let folder = Folder::new();
    let data = folder.path("data");
    let world = format!(
        "organizations:\n  - id: acme\n    clients:\n      - {{id: sync, name: Sync, grant_types: [client_credentials], secret: {SECRET}}}\n    authorizations: [{{client: Sync, scopes: [\"users\"]}}]\n"
    );
    let run = run(&["apply", &folder.file("world.yaml", world), "--data", &data], "");
    assert_eq!(run.status, 0, "{run:?}");

    let server = Server::start(&data);
    let answered = in_runtime(async {
        let http = reqwest::Client::new();
        let address = format!("{}/oauth/token", server.origin());
        let mut asking = tokio::task::JoinSet::new();
        // half of them go on asking, so that many are under way when the server is killed
        for number in 0..AT_A_TIME {
            asking.spawn(ask_until_it_ends(http.clone(), address.clone(), number % 2 == 0));
        }
        let mut answered = Vec::new();
        for _ in 0..AT_A_TIME / 2 {
            answered.extend(asking.join_next().await.unwrap().unwrap());
        }
        server.kill();
        answered.extend(asking.join_all().await.into_iter().flatten());
        answered
    });
    assert!(answered.len() >= AT_A_TIME * ANSWERS, "{}", answered.len());

    let server = Server::start(&data);
    let address = format!("{}/oauth/introspect", server.origin());
    in_runtime(async {
        let http = reqwest::Client::new();
        for token in &answered {
            let told = ask(&http, &address, &[("token", token)]).await.unwrap();
            assert_eq!(told["active"], true, "{told}");
        }
    });
    assert_eq!(server.stop(), Some(0));
}
