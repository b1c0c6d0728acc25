//! The schema: one folder of migrations for both databases, run at start, each in its own transaction.

use std::time::Duration;

use sqlx::AnyPool;
use sqlx::migrate::MigrateError;

use crate::error::StoreError;

/// Nodes that start together run into each other: every migration is one transaction, so one of them wins, and the others
/// find it done when they look again. (Advisory locks would be simpler, but distributed databases lack them.)
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Brings the schema to what this binary knows.
pub(crate) async fn migrate(pool: &AnyPool) -> Result<(), StoreError> {
    let mut migrations = sqlx::migrate!("./migrations");
    migrations.set_locking(false);
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
    let mut attempt = 1;
    loop {
        match migrations.run(pool).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) if attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE).await;
                attempt += 1;
            }
            Err(error) => return Err(cause(error, known)),
        }
    }
}

fn cause(error: MigrateError, known: i64) -> StoreError {
    match error {
        MigrateError::ExecuteMigration(error, _) if is_there_already(&error) => {
            StoreError::Corrupt { what: "it has tables of another program".to_owned() }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        MigrateError::VersionMissing(found) if found > known => StoreError::TooNew { found, known },
        MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => {
            StoreError::Corrupt { what: format!("its schema {version} was made by another program") }
        }
        error => StoreError::Corrupt { what: error.to_string() },
    }
}

/// PostgreSQL: duplicate_table. (A SQLite file of another program is known by its header.)
fn is_there_already(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "42P07")
}
