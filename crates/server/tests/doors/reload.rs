//! Another configuration while calls go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_server::config::Config;

use super::fixture::{Fixture, SHOP};
use super::raw;
use super::upstream::Upstream;

async fn reload(fixture: &Fixture, toml: &str) -> Result<Vec<String>, String> {
    let config = Config::from_toml(toml).map_err(|error| error.to_string())?;
    let waiting = fixture.server.app.reload(&config).await.map_err(|error| error.to_string())?;
    Ok(waiting.into_iter().collect())
}

#[tokio::test]
async fn upstreams_come_change_and_go() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let second = Upstream::start().await;
    let contract = fixture.toml.split("contract = ").nth(1).unwrap().lines().next().unwrap();
    let added = format!(
        "{}\n[[upstream]]\nname = \"more\"\ncontract = {contract}\nprefix = \"/more\"\nurl = \"http://{}\"\n",
        fixture.toml, second.address
    );
    assert_eq!(fixture.call("GET", "/more/books", &token).await.status(), 404);
    reload(&fixture, &added).await.unwrap();
    assert_eq!(fixture.call("GET", "/more/books", &token).await.status(), 200);
    assert_eq!(second.take_one().target(), "/books");

    let moved = added
        .replace("prefix = \"/more\"", "prefix = \"/again\"")
        .replace(&fixture.upstream.address.to_string(), &second.address.to_string());
    reload(&fixture, &moved).await.unwrap();
    assert_eq!(fixture.call("GET", "/more/books", &token).await.status(), 404);
    assert_eq!(fixture.call("GET", "/again/books", &token).await.status(), 200);
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    assert_eq!((fixture.upstream.take().len(), second.take().len()), (0, 2), "another address counts at once");

    reload(&fixture, "").await.unwrap();
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 404);
}

#[tokio::test]
async fn contracts_and_limits_count_with_the_next_call() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    assert_eq!(fixture.call("GET", "/magazines", &token).await.status(), 404);
    let file = fixture.toml.split("contract = \"").nth(1).unwrap().split('"').next().unwrap();
    let contract = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, contract.replace("/books:", "/magazines:")).unwrap();
    let limited = format!("[limits]\ncalls_per_token_per_minute = 3\n{}", fixture.toml);
    reload(&fixture, &limited).await.unwrap();
    let reply = fixture.call("GET", "/magazines", &token).await;
    assert!(reply.status() == 200 && reply.text.contains("inin-ratelimit-allowed: 3"), "{}", reply.text);
    assert_eq!(fixture.call("GET", "/magazines", &token).await.status(), 200);
    assert_eq!(fixture.call("GET", "/magazines", &token).await.status(), 429, "what was counted before counts, too");
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let file = fixture.toml.split("contract = \"").nth(1).unwrap().split('"').next().unwrap();
    for (bad, said) in [
        (fixture.toml.replace("url = \"http://", "url = \"ftp://"), "line 8, column 7"),
        (fixture.toml.replace("[[upstream]]", "[[upstream]]\nprefx = \"/a\""), "unknown field `prefx`"),
        (fixture.toml.replace("books.openapi.yaml", "nothing.yaml"), "nothing.yaml"),
        (format!("{}\nca = \"nothing.pem\"\n", fixture.toml), "nothing.pem"),
    ] {
        let error = reload(&fixture, &bad).await.unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200, "{said}");
    }
    let contract = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, contract.replace("operationId: addBook", "operationId: listBooks")).unwrap();
    let error = reload(&fixture, &fixture.toml).await.unwrap_err();
    assert!(error.contains("books.openapi.yaml:") && error.contains("listBooks"), "{error}");
    assert_eq!(fixture.call("POST", "/books", &token).await.status(), 200);
}

#[tokio::test]
async fn what_waits_for_a_restart_is_named() {
    let fixture = Fixture::start("").await;
    let config = format!("[gateway]\nlisten = \"127.0.0.1:1\"\n{}", fixture.toml);
    let waiting = reload(&fixture, &config).await.unwrap();
    assert!(waiting.contains(&"gateway.listen".to_owned()), "{waiting:?}");
    assert!(!waiting.iter().any(|key| key.starts_with("upstream")), "{waiting:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_twenty_configurations_follow_each_other() {
    let fixture = Arc::new(Fixture::start("").await);
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (fixture, token, is_over) = (Arc::clone(&fixture), token.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let (mut count, mut failed) = (0, Vec::new());
                while !is_over.load(Ordering::Relaxed) || count < 5 {
                    let request = format!(
                        "POST /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\
                         Content-Length: 2\r\nConnection: close\r\n\r\nhi"
                    );
                    let reply = raw::send(fixture.doors.gateway, request.as_bytes()).await;
                    count += 1;
                    if reply.status() != 200 {
                        failed.push(reply.text);
                    }
                }
                failed
            })
        })
        .collect();
    for round in 0..20 {
        // another address text, another connection pool; and an upstream that comes and goes
        let host = if round % 2 == 0 { "localhost" } else { "127.0.0.1" };
        let mut toml = fixture.toml.replace("http://127.0.0.1", &format!("http://{host}"));
        if round % 3 == 0 {
            toml += "[[upstream]]\nname = \"other\"\nprefix = \"/other\"\n";
        }
        reload(&fixture, &toml).await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Vec::<String>::new());
    }
}
