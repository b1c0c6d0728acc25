//! What apps call is counted, whatever door it comes through, and nothing of people.

use countersign_domain::id::ClientId;
use countersign_domain::usage::{Day, Outcome, UsageCount};

use sqlx::{Connection, Executor};

use super::fixture::{Fixture, READER, SHOP};

/// What an app is counted for today.
async fn counted(fixture: &Fixture, client: &str) -> Vec<UsageCount> {
    fixture.server.app.usage.flush().await;
    let today = Day::of(fixture.server.app.clock.now());
    let client = ClientId::parse(client).unwrap();
    fixture.server.org("acme").usage(&client, today, today).await.unwrap()
}

fn told(counts: &[UsageCount]) -> Vec<(&str, &str, &str, bool, u64)> {
    let keys = counts.iter().map(|UsageCount { key, calls, .. }| {
        let operation = key.operation.as_deref().unwrap_or("none");
        (key.contract.as_str(), operation, key.outcome.as_str(), key.would_be_denied, *calls)
    });
    keys.collect()
}

#[tokio::test]
async fn every_call_of_a_known_app_is_counted_by_operation_and_answer() {
    let fixture = Fixture::start("").await;
    let (ada, bob) = (fixture.token(SHOP, "ada@acme.test").await, fixture.token(SHOP, "bob@acme.test").await);
    for token in [&ada, &bob] {
        fixture.call("GET", "/books/9780141439471", token).await;
        fixture.call("POST", "/books", token).await;
    }
    fixture.call("GET", "/ledger", &ada).await;
    fixture.call("GET", "/books", "").await;
    fixture.call("GET", "/books", "not-a-token").await;
    fixture.server.api("GET", "/api/v2/users/me", &ada).await;

    let counts = counted(&fixture, SHOP).await;
    let expected = [
        ("books", "none", "no_such_operation", false, 1),
        ("books", "addBook", "allow", false, 1),
        ("books", "addBook", "missing_permission", false, 1),
        ("books", "getBook", "allow", false, 2),
        ("platform", "getUsersMe", "missing_scope", false, 1),
    ];
    assert_eq!(told(&counts), expected);
    assert_eq!(counts[0].last, fixture.server.app.clock.now());
    assert_eq!((counted(&fixture, READER).await, fixture.server.app.usage.lost()), (vec![], 0));

    // nothing is counted twice
    assert_eq!(counted(&fixture, SHOP).await, counts);
}

#[tokio::test]
async fn what_enforcement_would_deny_is_counted_apart() {
    let fixture = Fixture::reporting("").await;
    let reader = fixture.token(READER, "ada@acme.test").await;
    fixture.call("GET", "/books", &reader).await;
    fixture.call("POST", "/books", &reader).await;
    let counts = counted(&fixture, READER).await;
    let expected = [("books", "addBook", "allow", true, 1), ("books", "listBooks", "allow", false, 1)];
    assert_eq!(told(&counts), expected);
}

#[tokio::test]
async fn one_call_too_many_in_a_minute_is_counted_as_that() {
    let fixture = Fixture::start("[limits]\ncalls_per_token_per_minute = 1").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    fixture.call("GET", "/books", &token).await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 429);
    let counts = counted(&fixture, SHOP).await;
    assert_eq!(counts[0].key.outcome, Outcome::TooMany);
    assert_eq!(told(&counts)[1], ("books", "listBooks", "allow", false, 1));
}

#[tokio::test]
async fn nothing_is_counted_where_the_configuration_says_so() {
    let fixture = Fixture::start("[usage]\nenabled = false").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    assert_eq!(counted(&fixture, SHOP).await, []);
}

#[tokio::test]
async fn counts_are_forgotten_when_they_are_too_old() {
    let fixture = Fixture::start("[usage]\nkeep_days = 2").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    fixture.call("GET", "/books", &token).await;
    let counts = counted(&fixture, SHOP).await;
    let day = counts[0].key.day;
    for (days, left) in [(2, 1), (1, 0)] {
        fixture.server.advance(days * 24 * 60 * 60);
        fixture.server.app.keep_house().await.unwrap();
        let client = ClientId::parse(SHOP).unwrap();
        let found = fixture.server.org("acme").usage(&client, day, day).await.unwrap();
        assert_eq!(found.len(), left, "after {days} more days");
    }
}

#[tokio::test]
async fn a_database_that_does_not_take_counts_stops_no_call_and_gets_them_later() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let file = fixture.data().join("countersign.db");
    sqlx::any::install_default_drivers();
    let mut database = sqlx::AnyConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    database.execute("ALTER TABLE usage_counts RENAME TO elsewhere").await.unwrap();
    for _ in 0..3 {
        assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    }
    fixture.server.app.usage.flush().await;
    database.execute("ALTER TABLE elsewhere RENAME TO usage_counts").await.unwrap();
    fixture.call("GET", "/books", &token).await;
    assert_eq!(told(&counted(&fixture, SHOP).await), [("books", "listBooks", "allow", false, 4)]);
    assert_eq!(fixture.server.app.usage.lost(), 0);
}
