//! Many requests at the same time: what is written together is answered one by one, and slow hashes hold no decision up.

use std::sync::mpsc::channel;

use countersign_server::hashing;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::browser::redemption;
use crate::support::{Answer, Browser, Server, at_once};
use crate::world::{ADA, WEB, WEB_SECRET, WEB_URI, WORLD};

/// As many as the server hashes secrets for at a time.
const SLOTS: usize = 4;
const MANY: usize = 64;

async fn is_active(server: &Server, token: &Value) -> bool {
    let form = [("token", token.as_str().unwrap())];
    server.call_as_client("/oauth/introspect", WEB_SECRET, &form).await.ok()["active"] == true
}

async fn of_64_requests_each_gets_its_own_answer(server: &Server) {
    let code = async || Browser::new(server).code(WEB, WEB_URI, &[("scope", "openid users")], ADA).await;
    let first = server.token(WEB_SECRET, &redemption(&code().await, WEB_URI)).await.ok();
    let (refresh, code) = (&first["refresh_token"], &code().await);
    let ask = |number: usize| async move {
        let refresh =
            [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str().unwrap()), ("scope", "users")];
        match number {
            7 => server.token(WEB_SECRET, &[&refresh[..2], &[("scope", "oauth")]].concat()).await,
            31 => server.token(WEB_SECRET, &redemption(code, WEB_URI)).await,
            _ => server.token(WEB_SECRET, &refresh).await,
        }
    };
    let answers: Vec<Answer> = at_once((0..MANY).map(ask)).await;
    for (number, answer) in answers.into_iter().enumerate() {
        if number == 7 {
            assert_eq!(answer.refusal(), (400, "invalid_scope"), "it was not granted");
            continue;
        }
        let tokens = answer.ok();
        assert_eq!(tokens["id_token"].is_string(), number == 31, "{number}");
        assert!(is_active(server, &tokens["access_token"]).await, "{number}");
    }
    assert_eq!(server.token(WEB_SECRET, &redemption(code, WEB_URI)).await.refusal(), (400, "invalid_grant"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_requests_at_once_each_gets_its_own_answer() {
    of_64_requests_each_gets_its_own_answer(&Server::start(WORLD).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_requests_at_once_each_gets_its_own_answer_on_postgresql() {
    let Some(server) = Server::start_on_postgres(WORLD).await else { return };
    of_64_requests_each_gets_its_own_answer(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_flood_of_slow_hashes_holds_no_decision_up() {
    let server = Server::start(WORLD).await;
    // every turn is taken, and not given back before the end of the test
    let (begun, begins) = channel();
    let (mut ends, mut held) = (Vec::new(), Vec::new());
    for _ in 0..SLOTS {
        let (end, ended) = channel::<()>();
        let begun = begun.clone();
        ends.push(end);
        held.push(tokio::spawn(hashing::run(move || {
            begun.send(()).unwrap();
            let _ = ended.recv();
        })));
    }
    tokio::task::spawn_blocking(move || (0..SLOTS).for_each(|_| begins.recv().unwrap())).await.unwrap();

    let mut flood = Vec::new();
    for number in 0..MANY {
        let mut sign_in = TcpStream::connect(server.address().trim_start_matches("http://")).await.unwrap();
        let form = format!("grant_type=client_credentials&client_id=app-{number}&client_secret=chosen");
        let head =
            "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        let request = format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{form}", form.len());
        sign_in.write_all(request.as_bytes()).await.unwrap();
        flood.push(sign_in);
    }
    assert_eq!(server.api("GET", "/api/v2/users", "cs_at_unknown").await.status, 401);
    let told = server.call_as_client("/oauth/introspect", WEB_SECRET, &[("token", "unknown")]).await.ok();
    assert_eq!(told["active"], false);
    let answered = flood.iter().filter(|sign_in| sign_in.try_read(&mut [0]).is_ok()).count();
    assert_eq!(answered, 0, "nobody of them had a turn");

    drop(ends);
    for turn in held {
        turn.await.unwrap().unwrap();
    }
    for mut sign_in in flood {
        let mut answer = String::new();
        sign_in.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
}
