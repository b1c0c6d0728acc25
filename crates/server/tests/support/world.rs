//! Brings a server to a world file, and finds a PostgreSQL for one.

use std::sync::atomic::{AtomicU32, Ordering};

use countersign_domain::world::World;
use countersign_store::SystemTask;
use countersign_store::apply::ApplyOptions;
use sqlx::{AnyPool, AssertSqlSafe, Executor};

use super::Server;

/// Everything in `yaml`, as `countersign apply` would.
pub async fn install(server: &Server, yaml: &str) {
    let world = World::parse("world.yaml", yaml).unwrap();
    let contracts = server.app.contracts();
    let console_scopes = contracts.catalogue().scopes().iter().map(|entry| entry.scope.clone()).collect();
    let options = ApplyOptions { console_scopes, ..ApplyOptions::default() };
    server.store(SystemTask::Apply).apply(&world, &options).await.unwrap();
}

/// The URL of a schema of its own, where `COUNTERSIGN_TEST_POSTGRES_URL` lets us make one; else a loud line.
pub async fn fresh_postgres() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(admin) = postgres_url() else {
        say("SKIPPED: COUNTERSIGN_TEST_POSTGRES_URL is not set, this is not tested on PostgreSQL");
        return None;
    };
    sqlx::any::install_default_drivers();
    let schema = format!("s{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let pool = AnyPool::connect(&admin).await.expect("COUNTERSIGN_TEST_POSTGRES_URL names a database that answers");
    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    pool.execute(AssertSqlSafe(sql)).await.unwrap();
    let joint = if admin.contains('?') { '&' } else { '?' };
    Some(format!("{admin}{joint}options=-c%20search_path%3D{schema}"))
}

#[expect(clippy::print_stderr, reason = "a skipped half must be seen")]
fn say(line: &str) {
    eprintln!("{line}");
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but their environment")]
fn postgres_url() -> Option<String> {
    std::env::var("COUNTERSIGN_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}
