//! A store of its own for each test, and short ways to fill it.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use countersign_decision::{Enforcement, PermissionPolicy, Scope};
use countersign_domain::client::{Client, ClientMetadata, GrantType};
use countersign_domain::entropy::SeededEntropy;
use countersign_domain::id::{ClientId, OrganizationId, TokenFamilyId};
use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::token::{AccessToken, TokenFamily, TokenSubject};
use countersign_domain::role::Role;
use countersign_domain::secret::{Digest, SecretHash};
use countersign_domain::time::Timestamp;
use countersign_domain::user::{Email, User, UserState};
use countersign_store::client::NewClient;
use countersign_store::organization::NewOrganization;
use countersign_store::role::NewRole;
use countersign_store::user::NewUser;
use countersign_store::{Location, Options, OrgStore, Page, Store, SystemStore, SystemTask};
use sqlx::{AnyPool, AssertSqlSafe, Executor, Row};

/// The instant of everything that names no other.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// More than any test makes.
pub(crate) const ALL: Page = Page::new(1, 1_000);

/// Writes a test once and runs it on both databases: `both! { async fn name(fixture) { … } }`.
macro_rules! both {
    ($($(#[$attribute:meta])* async fn $name:ident($fixture:ident) $body:block)*) => {
        $(
            $(#[$attribute])*
            async fn $name($fixture: &crate::fixture::Fixture) $body

            mod $name {
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    let fixture = crate::fixture::Fixture::sqlite().await;
                    super::$name(&fixture).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_postgres() {
                    if let Some(fixture) = crate::fixture::Fixture::postgres().await {
                        super::$name(&fixture).await;
                        fixture.drop_schema().await;
                    }
                }
            }
        )*
    };
}

/// An empty store.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) location: Location,
    pub(crate) entropy: SeededEntropy,
    /// Removed when dropped.
    _folder: Option<tempfile::TempDir>,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite { folder: folder.path().join("data") };
        Self { _folder: Some(folder), ..Self::open(location).await }
    }

    /// A schema of its own in the database for tests; `None` without one.
    pub(crate) async fn postgres() -> Option<Self> {
        Some(Self::open(postgres_schema().await?).await)
    }

    async fn open(location: Location) -> Self {
        let store = Store::open(&location, Options::default()).await.unwrap();
        Self { store, location, entropy: SeededEntropy::new(1), _folder: None }
    }

    pub(crate) async fn drop_schema(self) {
        self.store.close().await;
        let Location::Postgres { url } = &self.location else {
            return;
        };
        let (_, schema) = url.rsplit_once("search_path%3D").unwrap();
        let admin = AnyPool::connect(&postgres_url().unwrap()).await.unwrap();
        admin.execute(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).await.unwrap();
    }

    pub(crate) fn system(&self, task: SystemTask) -> SystemStore<'_> {
        self.at(task, NOW)
    }

    pub(crate) fn at(&self, task: SystemTask, now: Timestamp) -> SystemStore<'_> {
        self.store.system(task, now, &self.entropy)
    }

    pub(crate) fn org(&self, id: &str) -> OrgStore<'_> {
        self.system(SystemTask::Demo).org(&organization_id(id))
    }

    /// A connection of the test's own, to see what is really kept.
    pub(crate) async fn raw(&self) -> AnyPool {
        match &self.location {
            Location::Postgres { url } => AnyPool::connect(url).await.unwrap(),
            Location::Sqlite { folder } => {
                AnyPool::connect(&format!("sqlite://{}/countersign.db", folder.display())).await.unwrap()
            }
        }
    }

    /// The first column of the only row.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(&self.raw().await).await.unwrap().try_get(0).unwrap()
    }

    pub(crate) async fn revision(&self, id: &str) -> i64 {
        self.org(id).organization().await.unwrap().revision
    }

    /// An organization that enforces scopes.
    pub(crate) async fn organization(&self, id: &str) -> OrgStore<'_> {
        let new = NewOrganization {
            id: organization_id(id),
            name: id.to_uppercase(),
            enforcement: Enforcement::Enforce,
            home_division: "Home".to_owned(),
        };
        self.system(SystemTask::Demo).create_organization(&new, &scopes(&["users"])).await.unwrap();
        self.org(id)
    }

    /// An active user `name@id.test`.
    pub(crate) async fn user(&self, organization: &str, name: &str) -> User {
        self.org(organization).create_user(&new_user(&format!("{name}@{organization}.test"))).await.unwrap()
    }

    pub(crate) async fn role(&self, organization: &str, name: &str) -> Role {
        let policies = vec!["directory:user:*".parse::<PermissionPolicy>().unwrap()];
        let new = NewRole { name: name.to_owned(), description: String::new(), policies };
        self.org(organization).create_role(&new).await.unwrap()
    }

    /// A confidential client with every grant type.
    pub(crate) async fn client(&self, organization: &str, name: &str) -> Client {
        let secret = SecretHash::Sha256(Digest::of(name.as_bytes()));
        self.org(organization).create_client(&new_client(name), Some(&secret), &[]).await.unwrap()
    }

    pub(crate) fn family(&self, organization: &str, client: &Client, user: &User) -> TokenFamily {
        TokenFamily {
            id: TokenFamilyId::generate(NOW, &self.entropy),
            organization: organization_id(organization),
            client: client.id.clone(),
            subject: TokenSubject::User(user.id.clone()),
            ceiling: None,
            resources: Vec::new(),
            dpop_key: None,
            session: None,
            identity: None,
            authentication: Some(Authentication::by_password(NOW)),
            created_at: NOW,
        }
    }
}

pub(crate) fn organization_id(id: &str) -> OrganizationId {
    OrganizationId::parse(id).unwrap()
}

pub(crate) fn client_id(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

pub(crate) fn scopes(names: &[&str]) -> Vec<Scope> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub(crate) fn new_user(email: &str) -> NewUser {
    NewUser {
        name: email.split('@').next().unwrap().to_owned(),
        email: Email::parse(email).unwrap(),
        division: None,
        department: None,
        title: None,
        state: UserState::Active,
        password: None,
    }
}

pub(crate) fn new_client(name: &str) -> NewClient {
    NewClient {
        id: None,
        name: name.to_owned(),
        description: String::new(),
        grant_types: GrantType::ALL.to_vec(),
        redirect_uris: vec!["https://app.test/callback".to_owned()],
        scopes: scopes(&["users"]),
        pkce_required: true,
        token_ttl_seconds: 3_600,
        metadata: ClientMetadata::default(),
    }
}

pub(crate) fn access_token(secret: &str, family: &TokenFamily) -> AccessToken {
    AccessToken {
        digest: Digest::of(secret.as_bytes()),
        family: family.id.clone(),
        ceiling: family.ceiling.clone(),
        confirmation: None,
        audience: Vec::new(),
        protocol_scopes: family.extent().protocol,
        issued_at: NOW,
        expires_at: NOW.plus_seconds(3_600),
    }
}

/// A new schema to open, or a loud line.
pub(crate) async fn postgres_schema() -> Option<Location> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(admin) = postgres_url() else {
        static SAID: Once = Once::new();
        SAID.call_once(|| say_skipped("the store on PostgreSQL: COUNTERSIGN_TEST_POSTGRES_URL is not set"));
        return None;
    };
    sqlx::any::install_default_drivers();
    let schema = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let pool = AnyPool::connect(&admin).await.expect("COUNTERSIGN_TEST_POSTGRES_URL names a database that answers");
    pool.execute(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")))
        .await
        .unwrap();
    let joint = if admin.contains('?') { '&' } else { '?' };
    Some(Location::Postgres { url: format!("{admin}{joint}options=-c%20search_path%3D{schema}") })
}

/// On the real stderr, which the test runner does not keep to itself, and in the list that `./test` shows at its end.
fn say_skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
    let log = std::env::var_os("COUNTERSIGN_SKIPPED_LOG");
    if let Some(Ok(mut log)) = log.map(|log| OpenOptions::new().create(true).append(true).open(log)) {
        let _ = writeln!(log, "{what}");
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but their environment")]
fn postgres_url() -> Option<String> {
    std::env::var("COUNTERSIGN_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}
