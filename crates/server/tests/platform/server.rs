//! A real server on a port of its own, with a database, a clock and a randomness of its own, and the calls to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use countersign_domain::entropy::SeededEntropy;
use countersign_domain::time::Timestamp;
use countersign_server::app::{App, Application};
use countersign_server::config::Config;
use countersign_server::http::now::Clock;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::postgres::fresh_postgres;

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_763_900_000);
/// How that is shown on the wire.
pub(crate) const START_TEXT: &str = "2025-11-23T12:13:20.000Z";

pub(crate) struct TestServer {
    pub(crate) app: App,
    clock: Arc<TestClock>,
    origin: String,
    http: reqwest::Client,
    running: JoinHandle<()>,
    _data: TempDir,
}

/// What a call was answered with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// Null where there is none.
    pub(crate) body: Value,
}

pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl TestServer {
    /// On SQLite; as `platform_on_postgres` on PostgreSQL, and nothing where there is none to test with.
    pub(crate) async fn start() -> Option<Self> {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        if module_path!().starts_with("platform_on_postgres") {
            config.server.database_url = Some(fresh_postgres().await?);
        }
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.server.data = data.path().to_owned();
        config.limits.calls_per_token_per_minute = 1_000_000;
        let clock = Arc::new(TestClock(AtomicI64::new(START.as_micros())));
        let entropy = Arc::new(SeededEntropy::new(7));
        let application = Application::start_with(&config, clock.clone(), entropy).await.unwrap();
        let (app, origin) = (application.app.clone(), format!("http://{}", application.address()));
        let running = tokio::spawn(application.run(std::future::pending()));
        Some(Self { app, clock, origin, http: reqwest::Client::new(), running, _data: data })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.0.store(self.now().plus_seconds(seconds).as_micros(), Ordering::SeqCst);
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", token, path, None).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call("POST", token, path, Some(body)).await
    }

    pub(crate) async fn put(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call("PUT", token, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call("PATCH", token, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, token: &str, path: &str) -> Answer {
        self.call("DELETE", token, path, None).await
    }

    /// Without a token where `token` is empty.
    pub(crate) async fn call(&self, method: &str, token: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, token, path);
        answered(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// With a body that need not be JSON.
    pub(crate) async fn raw(&self, method: &str, token: &str, path: &str, content_type: &str, body: String) -> Answer {
        answered(self.request(method, token, path).header("content-type", content_type).body(body)).await
    }

    /// A GET with one more header.
    pub(crate) async fn get_with(&self, token: &str, path: &str, header: (&str, &str)) -> Answer {
        answered(self.request("GET", token, path).header(header.0, header.1)).await
    }

    fn request(&self, method: &str, token: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.origin));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    let headers = response.headers().iter().map(header).collect();
    let text = response.text().await.unwrap();
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
    Answer { status, headers, body }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Answer {
    /// The body of a 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{:#}", self.body);
        self.body
    }

    /// A 204 without a body.
    #[track_caller]
    pub(crate) fn done(self) {
        assert_eq!((self.status, &self.body), (204, &Value::Null), "{:#}", self.body);
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// The message of a refusal.
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The fields that a refusal names as wrong.
    pub(crate) fn fields(&self) -> Vec<&str> {
        self.body["details"].as_array().unwrap().iter().map(|detail| detail["fieldName"].as_str().unwrap()).collect()
    }
}
