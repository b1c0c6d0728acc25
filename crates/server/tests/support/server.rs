//! The server under test, and plain calls to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_domain::entropy::SeededEntropy;
use countersign_domain::id::OrganizationId;
use countersign_domain::time::Timestamp;
use countersign_server::app::{App, Application};
use countersign_server::config::Config;
use countersign_server::http::now::Clock;
use countersign_store::{OrgStore, SystemStore, SystemTask};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::encode;
use super::postgres::fresh_postgres;
use super::world;

/// When every test begins.
const START: Timestamp = Timestamp::from_seconds(1_763_900_000);

/// A running server.
pub struct Server {
    pub app: App,
    pub http: reqwest::Client,
    address: SocketAddr,
    clock: Arc<TestClock>,
    running: JoinHandle<()>,
    data: TempDir,
}

/// What a call was answered with.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Null where it is not JSON.
    pub body: Value,
    pub text: String,
}

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl Server {
    /// Starts on SQLite with the world of `yaml`.
    pub async fn start(yaml: &str) -> Self {
        Self::start_with(yaml, Config::default()).await
    }

    /// The same behind `https://as.example`, as after a proxy that ends TLS.
    pub async fn start_on_https(yaml: &str) -> Self {
        let mut config = Config::default();
        config.server.public_origin = Some("https://as.example".to_owned());
        Self::start_with(yaml, config).await
    }

    /// On PostgreSQL, where there is one to test with.
    pub async fn start_on_postgres(yaml: &str) -> Option<Self> {
        let url = fresh_postgres().await?;
        let mut config = Config::default();
        config.server.database_url = Some(url);
        Some(Self::start_with(yaml, config).await)
    }

    pub async fn start_with(yaml: &str, config: Config) -> Self {
        Self::start_and_look(yaml, config, |_| ()).await.0
    }

    /// The same, with a look at what is started.
    pub async fn start_and_look<T>(yaml: &str, mut config: Config, look: impl FnOnce(&Application) -> T) -> (Self, T) {
        let data = tempfile::tempdir().unwrap();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        if config.server.data == Config::default().server.data {
            config.server.data = data.path().to_owned();
        }
        let clock = Arc::new(TestClock(AtomicI64::new(START.as_micros())));
        let entropy = Arc::new(SeededEntropy::new(std::process::id().into()));
        let (server, seen) = Self::run(&config, clock, entropy, data, look).await;
        world::install(&server, yaml).await;
        (server, seen)
    }

    /// Another server of the same database and clock.
    pub async fn beside(&self) -> Self {
        let mut config = Config::default();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.server.data = self.data.path().to_owned();
        let entropy = Arc::new(SeededEntropy::new(u64::from(std::process::id()) << 32));
        let (clock, nothing) = (Arc::clone(&self.clock), tempfile::tempdir().unwrap());
        Self::run(&config, clock, entropy, nothing, |_| ()).await.0
    }

    async fn run<T>(
        config: &Config,
        clock: Arc<TestClock>,
        entropy: Arc<SeededEntropy>,
        data: TempDir,
        look: impl FnOnce(&Application) -> T,
    ) -> (Self, T) {
        let application = Application::start_with(config, clock.clone(), entropy).await.unwrap();
        let (app, address) = (application.app.clone(), application.address());
        let seen = look(&application);
        let running = tokio::spawn(application.run(std::future::pending()));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        (Self { app, http, address, clock, running, data }, seen)
    }

    /// Where the server listens, as an origin; the issuer is `app.origin`.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: i64) {
        self.clock.0.store(self.app.clock.now().plus_seconds(seconds).as_micros(), Ordering::SeqCst);
    }

    /// What a system task sees.
    pub fn store(&self, task: SystemTask) -> SystemStore<'_> {
        self.app.store.system(task, self.app.clock.now(), self.app.entropy.as_ref())
    }

    /// One organization's data.
    pub fn org(&self, id: &str) -> OrgStore<'_> {
        self.store(SystemTask::Demo).org(&OrganizationId::parse(id).unwrap())
    }

    /// Any request, with headers as they are given.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{target}", self.address())).body(body);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], "").await
    }

    /// A platform API call with a token.
    pub async fn api(&self, method: &str, target: &str, token: &str) -> Answer {
        self.send(method, target, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    /// A token request with client credentials in the Authorization header, joined raw as Genesys' SDKs do; empty: none.
    pub async fn token(&self, credentials: &str, form: &[(&str, &str)]) -> Answer {
        self.call_as_client("/oauth/token", credentials, form).await
    }

    /// The same at any endpoint that clients call.
    pub async fn call_as_client(&self, target: &str, credentials: &str, form: &[(&str, &str)]) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(credentials));
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        if !credentials.is_empty() {
            headers.push(("authorization", &basic));
        }
        self.send("POST", target, &headers, encode(form)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Answer {
    async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a 200.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.body
    }

    /// Status and error code of a refused token request, after a look at what every such answer has.
    #[track_caller]
    pub fn refusal(&self) -> (u16, &str) {
        let text = |name: &str| self.body[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {}", self.text));
        assert_eq!(text("description"), text("error_description"));
        assert_eq!((self.header("cache-control"), self.header("pragma")), ("no-store", "no-cache"));
        (self.status, text("error"))
    }
}
