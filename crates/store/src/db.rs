//! The only file that knows there are two databases: how each is opened, how its transactions begin, what its failures mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor, Row};

use crate::error::{DatabaseFailure, StoreError};
use crate::schema;
use crate::token::issue::{self, Outcome, Part};
use crate::token::queue::Queue;
use crate::transaction::AuthorityNumber;
pub(crate) use crate::transaction::Transaction;

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file `countersign.db` in this folder.
    Sqlite {
        /// Made when absent, for the owner only.
        folder: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: String,
    },
}

/// How to use the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Connections that read (SQLite, which has one more to write), or read and write (PostgreSQL).
    pub connections: u32,
    /// How long a statement may run, how long a writer waits for another, and how long a connection may take, in seconds.
    pub timeout_seconds: u32,
}

/// The connections of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// `read` and `write` (SQLite), `all` (PostgreSQL).
    pub name: &'static str,
    /// Waiting for work.
    pub idle: usize,
    /// At work.
    pub used: usize,
    /// As many as there may be.
    pub most: u32,
}

impl PoolState {
    fn of(name: &'static str, pool: &AnyPool) -> Self {
        let idle = pool.num_idle();
        let open = usize::try_from(pool.size()).unwrap_or(usize::MAX);
        Self { name, idle, used: open.saturating_sub(idle), most: pool.options().get_max_connections() }
    }
}

#[derive(Clone)]
pub(crate) struct Database {
    engine: Engine,
    /// SQLite: one connection, so that writers queue here and not on the file's lock. PostgreSQL: the same pool as `readers`.
    writer: AnyPool,
    readers: AnyPool,
    authority: AuthorityNumber,
    /// SQLite: codes and tokens of several requests are committed together.
    queue: Option<Queue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// The name of the SQLite file in its folder.
const SQLITE_FILE: &str = "countersign.db";
/// `Csig`: the mark in the header of a SQLite file that it is Countersign's.
const SQLITE_APPLICATION_ID: i64 = 0x4373_6967;
/// How often a write transaction is tried that lost against another (PostgreSQL 40001, 40P01).
const WRITE_ATTEMPTS: u32 = 10;

impl Database {
    pub(crate) async fn open(location: &Location, options: Options) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match location {
            Location::Sqlite { folder } => open_sqlite(folder, options).await,
            Location::Postgres { url } => open_postgres(url, options).await,
        }
    }

    /// For single statements that read.
    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// For single statements that write nothing of authority (sessions, interactions, codes).
    pub(crate) fn writer(&self) -> &AnyPool {
        &self.writer
    }

    /// A transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        let inner = self.writer.begin_with(self.engine.begin_write()).await?;
        Ok(Transaction::new(inner, self.authority.clone()))
    }

    /// A transaction that reads one state of the data, whatever others write meanwhile.
    pub(crate) async fn begin_read(&self) -> Result<Transaction, StoreError> {
        let inner = self.readers.begin_with(self.engine.begin_read()).await?;
        Ok(Transaction::new(inner, self.authority.clone()))
    }

    /// Gives `work` a write transaction to commit; again from the start when it lost against another.
    pub(crate) async fn write<T, F>(&self, work: impl Fn(Transaction) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        for attempt in 1..WRITE_ATTEMPTS {
            match work(self.begin().await?).await {
                Err(error) if error.is_lost_race() => tokio::time::sleep(backoff(attempt)).await,
                outcome => return outcome,
            }
        }
        work(self.begin().await?).await
    }

    /// Keeps what a request leaves behind that issues a code or tokens. When this returns, it is durable.
    pub(crate) async fn keep(&self, part: Part) -> Result<Outcome, StoreError> {
        match &self.queue {
            Some(queue) => queue.put(part).await,
            None => issue::commit_one(self, &part).await,
        }
    }

    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT name FROM counters WHERE name = 'contracts'").fetch_one(&self.readers).await?;
        Ok(())
    }

    /// The last number of the changes of authority that this node knows of.
    pub(crate) fn authority_number(&self) -> i64 {
        self.authority.known()
    }

    /// Looks which number the changes of authority have reached.
    pub(crate) async fn read_authority_number(&self) -> Result<(), StoreError> {
        let row = sqlx::query("SELECT value FROM counters WHERE name = 'authority'").fetch_one(&self.readers).await?;
        self.authority.learn(row.try_get(0)?);
        Ok(())
    }

    /// Its pools as they stand.
    pub(crate) fn pools(&self) -> Vec<PoolState> {
        match self.engine {
            Engine::Sqlite => vec![PoolState::of("read", &self.readers), PoolState::of("write", &self.writer)],
            Engine::Postgres => vec![PoolState::of("all", &self.readers)],
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.close().await;
        }
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Engine {
    const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            // Enough, because every write of authority first locks its organization's row and every claim its artefact's row.
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    const fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 8, timeout_seconds: 5 }
    }
}

/// Shows where a PostgreSQL database is without its password.
impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { folder } => write!(f, "Sqlite({})", folder.display()),
            Self::Postgres { url } => {
                write!(f, "Postgres({})", url.rsplit_once('@').map_or("…", |(_, host)| host))
            }
        }
    }
}

async fn open_sqlite(folder: &Path, options: Options) -> Result<Database, StoreError> {
    let file = make_sqlite_file(folder)?;
    let any_options: AnyConnectOptions = sqlite_url(&file)?.parse()?;
    // FULL: a commit that was answered survives loss of power.
    let settings = format!(
        "PRAGMA busy_timeout = {}; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        u64::from(options.timeout_seconds) * 1_000
    );
    // WAL: readers never wait for the writer. The mode stays with the file.
    let first_settings = format!("{settings} PRAGMA journal_mode = WAL;");
    probe(&any_options, first_settings, options).await.map_err(|error| name_file(error, &file))?;

    let writer = pool(options, 1, settings.clone());
    let writer = writer.test_before_acquire(false).idle_timeout(None).max_lifetime(None);
    let writer = writer.connect_with(any_options.clone()).await?;
    claim_sqlite_file(&writer).await.map_err(|error| name_file(error, &file))?;
    schema::migrate(&writer).await.map_err(|error| name_file(error, &file))?;

    let readers = pool(options, options.connections.max(1), format!("{settings} PRAGMA query_only = ON;"));
    let readers = readers.test_before_acquire(false).idle_timeout(None).max_lifetime(None);
    let readers = readers.connect_with(any_options).await?;
    let authority = AuthorityNumber::default();
    let database = Database { engine: Engine::Sqlite, writer, readers, authority, queue: None };
    Ok(Database { queue: Some(Queue::start(database.clone())), ..database })
}

async fn open_postgres(url: &str, options: Options) -> Result<Database, StoreError> {
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let any_options = url.parse::<AnyConnectOptions>().ok().filter(|_| is_postgres);
    let any_options = any_options.ok_or_else(|| StoreError::Invalid {
        what: "the database URL must be `postgres://user:password@host:port/database`".to_owned(),
    })?;
    let milliseconds = u64::from(options.timeout_seconds) * 1_000;
    let settings = format!(
        "SET statement_timeout = {milliseconds}; SET lock_timeout = {milliseconds}; \
         SET idle_in_transaction_session_timeout = {milliseconds};"
    );
    probe(&any_options, settings.clone(), options).await?;
    let pool = pool(options, options.connections.max(1), settings).connect_with(any_options).await?;
    schema::migrate(&pool).await?;
    Ok(Database {
        engine: Engine::Postgres,
        writer: pool.clone(),
        readers: pool,
        authority: AuthorityNumber::default(),
        queue: None,
    })
}

/// Connects once without a pool: a pool tries again until its time is over and then cannot say what was wrong.
async fn probe(any_options: &AnyConnectOptions, settings: String, options: Options) -> Result<(), StoreError> {
    let connect = async {
        for attempt in 1.. {
            let attempted = async {
                let mut connection = any_options.connect().await?;
                connection.execute(AssertSqlSafe(settings.clone())).await?;
                connection.close().await
            };
            match attempted.await.map_err(StoreError::from) {
                // Another process changes the journal mode of a new SQLite file.
                Err(error) if error.is_lost_race() => tokio::time::sleep(backoff(attempt)).await,
                outcome => return outcome,
            }
        }
        Ok(())
    };
    let timeout = Duration::from_secs(options.timeout_seconds.into());
    tokio::time::timeout(timeout, connect).await.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
}

fn pool(options: Options, connections: u32, settings: String) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(options.timeout_seconds.into()))
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(drop) })
        })
}

/// The folder for its owner only, the file likewise; SQLite gives its journal files the file's mode.
fn make_sqlite_file(folder: &Path) -> Result<PathBuf, StoreError> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    let refuse = |error: std::io::Error| StoreError::Invalid {
        what: format!("the data folder `{}` cannot be used: {error}", folder.display()),
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refuse)?;
    let file = folder.canonicalize().map_err(refuse)?.join(SQLITE_FILE);
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(refuse(error)),
        _ => Ok(file),
    }
}

/// The file as a URL. (The driver's own conversion leaves `%` as it is.)
fn sqlite_url(file: &Path) -> Result<String, StoreError> {
    let path = file.to_str().ok_or_else(|| StoreError::Invalid {
        what: format!("the data folder `{}` must have a name in UTF-8", file.display()),
    })?;
    let mut url = "sqlite://".to_owned();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' => url.push(byte.into()),
            byte => url += &format!("%{byte:02X}"),
        }
    }
    Ok(url)
}

/// Marks an empty file as Countersign's and refuses one that another program made.
async fn claim_sqlite_file(writer: &AnyPool) -> Result<(), StoreError> {
    let mut transaction = writer.begin_with(Engine::Sqlite.begin_write()).await?;
    let number = |row: AnyRow| row.try_get::<i64, _>(0);
    let id = sqlx::query("PRAGMA application_id").try_map(number).fetch_one(&mut *transaction).await?;
    let objects =
        sqlx::query("SELECT COUNT(*) FROM sqlite_master").try_map(number).fetch_one(&mut *transaction).await?;
    match (id, objects) {
        (SQLITE_APPLICATION_ID, _) => {}
        (0, 0) => {
            let mark = format!("PRAGMA application_id = {SQLITE_APPLICATION_ID}");
            transaction.execute(AssertSqlSafe(mark)).await?;
        }
        _ => return Err(StoreError::Corrupt { what: "another program made it".to_owned() }),
    }
    Ok(transaction.commit().await?)
}

fn name_file(error: StoreError, file: &Path) -> StoreError {
    match error {
        StoreError::Corrupt { what } => StoreError::Corrupt { what: format!("`{}`: {what}", file.display()) },
        error => error,
    }
}

/// 2, 4, 8 … 256 ms: losers of a race come back one after another.
fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(1 << attempt.min(8))
}

impl StoreError {
    /// Another transaction was faster: [`Database::write`] begins again.
    pub(crate) fn lost_race(message: String) -> Self {
        Self::Unavailable(DatabaseFailure { message, is_lost_race: true })
    }

    /// Whether the transaction was rolled back only because another one was faster.
    pub(crate) fn is_lost_race(&self) -> bool {
        matches!(self, Self::Unavailable(failure) if failure.is_lost_race)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let unavailable = |message: String| Self::Unavailable(DatabaseFailure { message, is_lost_race: false });
        match error {
            sqlx::Error::Database(failure) => from_database(failure.as_ref()),
            sqlx::Error::PoolTimedOut => unavailable("no connection was free in time".to_owned()),
            sqlx::Error::PoolClosed => unavailable("it was closed".to_owned()),
            sqlx::Error::Io(error) => unavailable(error.to_string()),
            sqlx::Error::Configuration(error) => Self::Invalid { what: format!("the database URL is wrong: {error}") },
            sqlx::Error::RowNotFound => Self::Corrupt { what: "a record that must exist is missing".to_owned() },
            error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_)) => {
                Self::Corrupt { what: error.to_string() }
            }
            error => unavailable(error.to_string()),
        }
    }
}

fn from_database(failure: &dyn sqlx::error::DatabaseError) -> StoreError {
    let message = failure.message().to_owned();
    if failure.is_unique_violation() {
        return StoreError::Conflict { what: "it exists already" };
    }
    if failure.is_foreign_key_violation() {
        return StoreError::Invalid { what: "it refers to something that does not exist".to_owned() };
    }
    match failure.code().as_deref() {
        // PostgreSQL: serialization_failure, deadlock_detected. SQLite: SQLITE_BUSY.
        Some("40001" | "40P01" | "5") => StoreError::lost_race(message),
        // PostgreSQL: character_not_in_repertoire, untranslatable_character (a text with U+0000).
        Some("22021" | "22P05") => {
            StoreError::Invalid { what: "a text holds a character that cannot be kept".to_owned() }
        }
        // SQLite: SQLITE_CORRUPT, SQLITE_NOTADB.
        Some("11" | "26") => StoreError::Corrupt { what: message },
        _ => StoreError::Unavailable(DatabaseFailure { message, is_lost_race: false }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    async fn sqlite() -> (Database, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite { folder: folder.path().to_owned() };
        (Database::open(&location, Options::default()).await.unwrap(), folder)
    }

    async fn pragma(pool: &AnyPool, name: &str) -> i64 {
        let row = sqlx::query(AssertSqlSafe(format!("PRAGMA {name}"))).fetch_one(pool).await.unwrap();
        row.try_get(0).unwrap()
    }

    #[tokio::test]
    async fn sqlite_survives_loss_of_power_keeps_references_and_waits_for_other_processes() {
        let (database, _folder) = sqlite().await;
        for pool in [database.writer(), database.readers()] {
            assert_eq!(pragma(pool, "synchronous").await, 2, "FULL");
            assert_eq!(pragma(pool, "foreign_keys").await, 1);
            assert_eq!(pragma(pool, "busy_timeout").await, 5_000);
        }
        assert_eq!(pragma(database.readers(), "query_only").await, 1, "readers cannot write by mistake");
    }

    #[tokio::test]
    async fn a_write_that_lost_a_race_begins_again() {
        let (database, _folder) = sqlite().await;
        let attempts = &AtomicU32::new(0);
        let outcome = database.write(|transaction| async move {
            if attempts.fetch_add(1, Ordering::Relaxed) < 3 {
                return Err(StoreError::lost_race("slower".to_owned()));
            }
            transaction.commit().await
        });
        outcome.await.unwrap();
        assert_eq!(attempts.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn a_write_that_loses_every_race_gives_up() {
        let (database, _folder) = sqlite().await;
        let attempts = &AtomicU32::new(0);
        let outcome = database.write(|_transaction| async move {
            attempts.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(StoreError::lost_race("slower".to_owned()))
        });
        assert!(matches!(outcome.await, Err(StoreError::Unavailable(_))));
        assert_eq!(attempts.load(Ordering::Relaxed), WRITE_ATTEMPTS);
    }

    #[tokio::test]
    async fn a_write_that_is_wrong_is_not_tried_again() {
        let (database, _folder) = sqlite().await;
        let attempts = &AtomicU32::new(0);
        let outcome = database.write(|_transaction| async move {
            attempts.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(StoreError::NotFound { what: "user" })
        });
        assert!(outcome.await.is_err());
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
    }
}
