//! A PostgreSQL schema for each test, where `COUNTERSIGN_TEST_POSTGRES_URL` names a database to make it in.

use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyPool, AssertSqlSafe, Executor};

/// The URL of a schema of its own; without a database a loud line, once.
pub(crate) async fn fresh_postgres() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    static SAID: Once = Once::new();
    let Some(admin) = postgres_url() else {
        SAID.call_once(|| say_skipped("the server on PostgreSQL: COUNTERSIGN_TEST_POSTGRES_URL is not set"));
        return None;
    };
    sqlx::any::install_default_drivers();
    let schema = format!("s{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let pool = AnyPool::connect(&admin).await.expect("COUNTERSIGN_TEST_POSTGRES_URL names a database that answers");
    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    pool.execute(AssertSqlSafe(sql)).await.unwrap();
    pool.close().await;
    let joint = if admin.contains('?') { '&' } else { '?' };
    Some(format!("{admin}{joint}options=-c%20search_path%3D{schema}"))
}

/// Past the test runner, which keeps the output of passing tests to itself, and into the list at the end of `./test`.
fn say_skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
    if let Some(log) = std::env::var_os("COUNTERSIGN_SKIPPED_LOG") {
        let mut log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        writeln!(log, "{what}").unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but their environment")]
fn postgres_url() -> Option<String> {
    std::env::var("COUNTERSIGN_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}
