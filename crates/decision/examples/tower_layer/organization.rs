//! One organization as a Countersign server knows it: its snapshot, kept fresh, and the callers behind its tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{StatusCode, header};
use countersign_decision::{
    Caller, ClientRef, Contract, Contracts, ImportOptions, OrganizationFacts, Snapshot, SourceFile, Subject, import,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// Where the snapshot comes from, and how old things may be.
pub(crate) struct Settings {
    server: String,
    client_id: String,
    client_secret: String,
    /// How often the server is asked whether anything changed: what is taken away is gone after this time and a round
    /// trip.
    pub(crate) poll: Duration,
    /// Without an answer for this long, everything is denied.
    pub(crate) max_silence: Duration,
    /// How long the caller behind a token is remembered: a revoked token is refused after this time.
    pub(crate) remember_tokens: Duration,
}

/// What the service decides with.
pub(crate) struct Organization {
    settings: Settings,
    http: reqwest::Client,
    contracts: Contracts,
    known: RwLock<Option<Known>>,
    tokens: Mutex<HashMap<String, Arc<Live>>>,
}

#[derive(Clone)]
struct Known {
    snapshot: Arc<Snapshot>,
    etag: String,
    /// When the question was asked, not when the answer came: what it says may have been true only then.
    asked_at: Instant,
}

/// What a request's token turned out to be.
pub(crate) enum Token {
    Missing,
    Live(Arc<Live>),
    /// Unknown, or it has ended.
    Dead,
    /// Live, but its app may not even say whose it is (`user-basic-info`).
    Mute,
    /// The server did not answer.
    Unknowable,
}

pub(crate) struct Live {
    pub(crate) organization: String,
    pub(crate) caller: Caller,
    asked_at: Instant,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Settings {
    pub(crate) fn new(server: String, client_id: String, client_secret: String) -> Self {
        let (poll, five) = (Duration::from_secs(1), Duration::from_secs(5));
        Self { server, client_id, client_secret, poll, max_silence: five, remember_tokens: five }
    }
}

impl Organization {
    /// `text` is the service's own API description: it alone says what each operation asks of callers.
    pub(crate) fn new(settings: Settings, name: &str, text: &str) -> Result<Arc<Self>, Failure> {
        let options = ImportOptions { name: "service".to_owned(), ..ImportOptions::default() };
        let source = import(&[SourceFile { name, text }], &options)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let contracts = Contracts::new(vec![source])?;
        let http = reqwest::Client::builder().timeout(settings.max_silence).build()?;
        Ok(Arc::new(Self { settings, http, contracts, known: RwLock::default(), tokens: Mutex::default() }))
    }

    pub(crate) fn contract(&self) -> &Contract {
        self.contracts.named("service").expect("`new` gave it this name")
    }

    /// The snapshot to decide with; nothing where the server was silent for too long.
    pub(crate) fn current(&self) -> Option<Arc<Snapshot>> {
        let known = self.known()?;
        (known.asked_at.elapsed() <= self.settings.max_silence).then_some(known.snapshot)
    }

    /// Asks again and again, for as long as the service runs.
    #[expect(clippy::print_stderr, reason = "an example has no log")]
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut own_token = None;
        loop {
            if let Err(error) = self.ask(&mut own_token).await {
                own_token = None;
                eprintln!("the snapshot is not fresh: {error}");
            }
            sleep(self.settings.poll).await;
        }
    }

    async fn ask(&self, own_token: &mut Option<String>) -> Result<(), Failure> {
        let (asked_at, known) = (Instant::now(), self.known());
        let token = match own_token {
            Some(token) => token,
            None => own_token.insert(self.own_token().await?),
        };
        let etag = known.as_ref().map_or("", |known| &known.etag);
        let question = self.get("/api/v2/organizations/me/snapshot", token).header(header::IF_NONE_MATCH, etag);
        let answer = question.send().await?.error_for_status()?;
        let known = match known {
            Some(known) if answer.status() == StatusCode::NOT_MODIFIED => Known { asked_at, ..known },
            _ => {
                let etag = answer.headers().get(header::ETAG).ok_or("no ETag")?.to_str()?.to_owned();
                let facts: OrganizationFacts = serde_json::from_value(answer.json::<Value>().await?["facts"].take())?;
                Known { snapshot: Arc::new(Snapshot::compile(self.contracts.catalogue(), &facts)), etag, asked_at }
            }
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(())
    }

    /// Who is behind a token: asked of the server with the token itself, and remembered for a short time.
    pub(crate) async fn token(&self, token: &str) -> Token {
        let is_fresh = |live: &Arc<Live>| live.asked_at.elapsed() <= self.settings.remember_tokens;
        let tokens = || self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = tokens().get(token).cloned();
        if let Some(live) = remembered.filter(is_fresh) {
            return Token::Live(live);
        }
        let resolved = self.resolve(token).await.unwrap_or(Token::Unknowable);
        if let Token::Live(live) = &resolved {
            let mut tokens = tokens();
            tokens.retain(|_, live| is_fresh(live));
            tokens.insert(token.to_owned(), Arc::clone(live));
        }
        resolved
    }

    async fn resolve(&self, token: &str) -> Result<Token, Failure> {
        let asked_at = Instant::now();
        let answer = self.get("/api/v2/users/me?expand=token", token).send().await?;
        let (subject, about) = match answer.status() {
            StatusCode::OK => {
                let mut user: Value = answer.json().await?;
                (Subject::User(text(&user, "/id")?), user["token"].take())
            }
            // `not.a.user`: the token of an app that acts for itself.
            StatusCode::BAD_REQUEST => {
                let answer = self.get("/api/v2/tokens/me", token).send().await?.error_for_status()?;
                (Subject::Client, answer.json().await?)
            }
            StatusCode::UNAUTHORIZED => return Ok(Token::Dead),
            StatusCode::FORBIDDEN => return Ok(Token::Mute),
            status => return Err(format!("the server answered {status}").into()),
        };
        let client = ClientRef {
            id: text(&about, "/OAuthClient/id")?,
            home_organization: text(&about, "/OAuthClient/organization/id")?,
            active: text(&about, "/OAuthClient/state")? == "active",
        };
        // What the token can use at this moment is never more than what it was asked for: a safe ceiling.
        let ceiling = Some(serde_json::from_value(about["authorizedScope"].clone())?);
        let caller = Caller { client, subject, ceiling, actors: vec![] };
        Ok(Token::Live(Arc::new(Live { organization: text(&about, "/organization/id")?, caller, asked_at })))
    }

    /// RFC 6749 §4.4: the service acts for itself.
    async fn own_token(&self) -> Result<String, Failure> {
        let Settings { server, client_id, client_secret, .. } = &self.settings;
        let question = self.http.post(format!("{server}/oauth/token")).basic_auth(client_id, Some(client_secret));
        let answer = question.form(&[("grant_type", "client_credentials")]).send().await?.error_for_status()?;
        text(&answer.json().await?, "/access_token")
    }

    fn get(&self, target: &str, token: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{target}", self.settings.server)).bearer_auth(token)
    }

    fn known(&self) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    Ok(value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| format!("no {pointer}"))?.to_owned())
}
