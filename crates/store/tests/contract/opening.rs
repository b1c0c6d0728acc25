//! Opening: what is made, what is refused, and who may have it open at the same time.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use countersign_store::{Location, Options, Store, StoreError, SystemTask};
use sqlx::{AnyPool, AssertSqlSafe, Executor, Row};

use crate::fixture::{Fixture, NOW, new_user, postgres_schema};

both! {
    async fn a_store_is_ready_and_holds_the_platform_and_its_console(fixture) {
        fixture.store.ready().await.unwrap();
        let organizations = fixture.system(SystemTask::Demo).organizations().await.unwrap();
        assert_eq!(organizations.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["countersign"]);
        let console = fixture.org("countersign").client(&crate::fixture::client_id("countersign-console")).await.unwrap();
        assert!(!console.unwrap().is_confidential);
    }

    async fn its_pools_say_how_many_connections_they_have(fixture) {
        fixture.store.ready().await.unwrap();
        let pools = fixture.store.pools();
        let names: Vec<&str> = pools.iter().map(|pool| pool.name).collect();
        assert!(names == ["read", "write"] || names == ["all"], "{names:?}");
        for pool in &pools {
            assert!((1..=u64::from(pool.most)).contains(&((pool.idle + pool.used) as u64)), "{pool:?}");
        }
    }

    async fn what_was_written_is_there_when_the_store_is_opened_again(fixture) {
        fixture.organization("acme").await;
        let again = Store::open(&fixture.location, Options::default()).await.unwrap();
        let system = again.system(SystemTask::Demo, NOW, &fixture.entropy);
        assert!(system.organization(&crate::fixture::organization_id("acme")).await.unwrap().is_some());
    }

    async fn a_second_process_writes_beside_the_first(fixture) {
        let other = Store::open(&fixture.location, Options::default()).await.unwrap();
        fixture.organization("acme").await;
        let writes = (0..20).map(|number| {
            let store = if number % 2 == 0 { fixture.store.clone() } else { other.clone() };
            let entropy = countersign_domain::entropy::SeededEntropy::new(100 + number);
            tokio::spawn(async move {
                let new = new_user(&format!("u{number}@acme.test"));
                let system = store.system(SystemTask::Apply, NOW, &entropy);
                system.org(&crate::fixture::organization_id("acme")).create_user(&new).await.map(drop)
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap().unwrap();
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM users WHERE org_id = 'acme'").await, 20);
    }

    async fn a_database_of_a_newer_countersign_is_refused(fixture) {
        let raw = fixture.raw().await;
        raw.execute("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await.unwrap();
        let error = Store::open(&fixture.location, Options::default()).await.err().unwrap();
        assert!(matches!(error, StoreError::TooNew { found: 9999, .. }), "{error:?}");
        assert!(error.to_string().contains("use the newer binary"), "{error}");
    }

    async fn a_schema_that_another_program_made_is_refused(fixture) {
        let raw = fixture.raw().await;
        raw.execute("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1").await.unwrap();
        let error = Store::open(&fixture.location, Options::default()).await.err().unwrap();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_start_at_once_on_an_empty_sqlite_folder() {
    let folder = tempfile::tempdir().unwrap();
    start_eight(&Location::Sqlite { folder: folder.path().join("data") }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_start_at_once_on_an_empty_postgres_schema() {
    if let Some(location) = postgres_schema().await {
        start_eight(&location).await;
    }
}

async fn start_eight(location: &Location) {
    let starts = (0..8).map(|_| {
        let location = location.clone();
        tokio::spawn(async move { Store::open(&location, Options { connections: 2, ..Options::default() }).await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap().ready().await.unwrap();
    }
}

#[tokio::test]
async fn a_postgres_database_with_tables_of_another_program_is_refused() {
    let Some(location) = postgres_schema().await else { return };
    let Location::Postgres { url } = &location else { unreachable!("it is PostgreSQL") };
    AnyPool::connect(url).await.unwrap().execute("CREATE TABLE users (name TEXT)").await.unwrap();
    let error = Store::open(&location, Options::default()).await.err().unwrap();
    assert!(error.to_string().ends_with("it has tables of another program"), "{error}");
}

#[tokio::test]
async fn a_postgres_write_that_cannot_be_serialized_or_deadlocks_begins_again() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let acme = fixture.organization("acme").await;
    let raw = fixture.raw().await;
    for (number, code) in ["40001", "40P01"].into_iter().enumerate() {
        // Fails the first three inserts; a sequence does not roll back.
        let trap = format!(
            "CREATE SEQUENCE s{number};
             CREATE FUNCTION trap{number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF nextval('s{number}') <= 3 THEN RAISE EXCEPTION 'slower' USING ERRCODE = '{code}'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER trap{number} BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION trap{number}();"
        );
        raw.execute(AssertSqlSafe(trap)).await.unwrap();
        let revision = fixture.revision("acme").await;
        acme.create_user(&new_user(&format!("u{number}@acme.test"))).await.unwrap();
        assert_eq!(fixture.revision("acme").await, revision + 1, "{code}");
    }
    fixture.drop_schema().await;
}

#[tokio::test]
async fn the_sqlite_file_is_for_its_owner_only_and_survives_loss_of_power() {
    let fixture = Fixture::sqlite().await;
    fixture.organization("acme").await;
    let folder = sqlite_folder(&fixture);
    assert_eq!(mode(folder), 0o700);
    for file in ["countersign.db", "countersign.db-wal", "countersign.db-shm"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    let raw = fixture.raw().await;
    let journal: String = sqlx::query("PRAGMA journal_mode").fetch_one(&raw).await.unwrap().get(0);
    assert_eq!(journal, "wal");
}

#[tokio::test]
async fn files_that_are_not_countersigns_are_refused_by_name_and_left_alone() {
    let damaged = [
        ("text", b"this is not a database, this is a letter to somebody".repeat(30)),
        ("zeros after a good beginning", [b"SQLite format 3\0".to_vec(), vec![0; 8_000]].concat()),
    ];
    for (what, bytes) in damaged {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("countersign.db");
        std::fs::write(&file, &bytes).unwrap();
        let error = open_sqlite(folder.path()).await.err().unwrap();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{what}: {error:?}");
        assert!(error.to_string().contains("countersign.db"), "{what}: {error}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "{what}");
    }
}

#[tokio::test]
async fn a_sqlite_file_of_another_program_is_refused() {
    sqlx::any::install_default_drivers();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/countersign.db?mode=rwc", folder.path().display());
    let other = AnyPool::connect(&url).await.unwrap();
    other.execute("CREATE TABLE recipes (name TEXT)").await.unwrap();
    let error = open_sqlite(folder.path()).await.err().unwrap();
    assert!(error.to_string().ends_with("another program made it"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open_sqlite(&file.join("data")).await.err().unwrap();
    assert!(matches!(&error, StoreError::Invalid { what } if what.contains("file/data")), "{error:?}");
}

#[tokio::test]
async fn folders_with_unusual_names_work() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["with blank", "per%41cent", "question?mark", "hash#", "ünï"] {
        open_sqlite(&folder.path().join(name)).await.unwrap();
        assert!(folder.path().join(name).join("countersign.db").exists(), "{name}");
    }
}

#[tokio::test]
async fn a_postgres_that_does_not_answer_is_unavailable_and_its_password_stays_secret() {
    let url = "postgres://countersign:pass-word-1@127.0.0.1:9/countersign".to_owned();
    let location = Location::Postgres { url };
    let options = Options { timeout_seconds: 1, ..Options::default() };
    let error = Store::open(&location, options).await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error} {error:?} {location:?}").contains("pass-word-1"));
}

#[tokio::test]
async fn a_url_that_is_none_is_refused() {
    for url in ["", "postgres", "mysql://host/database", "postgres://host:port/x"] {
        let location = Location::Postgres { url: url.to_owned() };
        let error = Store::open(&location, Options::default()).await.err().unwrap();
        assert!(matches!(error, StoreError::Invalid { .. }), "{url}: {error:?}");
    }
}

async fn open_sqlite(folder: &Path) -> Result<Store, StoreError> {
    Store::open(&Location::Sqlite { folder: folder.to_owned() }, Options::default()).await
}

fn sqlite_folder(fixture: &Fixture) -> &Path {
    match &fixture.location {
        Location::Sqlite { folder } => folder,
        Location::Postgres { .. } => unreachable!("it was opened as SQLite"),
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
