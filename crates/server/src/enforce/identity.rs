//! Who calls, as an upstream is told: in plain headers, or in one that is signed.

use axum::http::{HeaderName, HeaderValue};
use countersign_decision::{OwnedPermit, Scope, Subject};
use countersign_domain::oauth::signing_key::SigningAlgorithm;
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use serde::Serialize;

use crate::app::App;
use crate::config::{IdentityHeaders, Upstream};
use crate::enforce::check::{Asker, LiveToken};
use crate::http::error::ApiError;

/// The organization that the call acts in.
pub const ORGANIZATION: HeaderName = HeaderName::from_static("x-org-id");
/// The app that calls.
pub const CLIENT: HeaderName = HeaderName::from_static("x-client-id");
/// The person that it acts for; absent where it acts for itself.
pub const USER: HeaderName = HeaderName::from_static("x-user-id");
/// The scopes that the token has at this instant, with spaces between them.
pub const SCOPES: HeaderName = HeaderName::from_static("x-scopes");
/// The same four, signed.
pub const SIGNED: HeaderName = HeaderName::from_static("x-countersign-identity");
/// The type of the signed form (RFC 8725 §3.11).
pub const SIGNED_TYP: &str = "countersign-identity+jwt";

/// How long a signed form counts.
const SIGNED_SECONDS: i64 = 300;
/// How long one is used again.
const REUSED_SECONDS: i64 = 60;
/// Most signed forms that are kept.
const MAX_KEPT: u64 = 50_000;

/// What an upstream is told of a caller.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    live: &'a LiveToken,
    permit: &'a OwnedPermit,
}

/// Signed forms that are used again: a signature costs more than everything else that a door does.
#[derive(Clone)]
pub struct SignedIdentities(moka::sync::Cache<(Digest, i64, String), (Timestamp, HeaderValue)>);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    org: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    iat: i64,
    exp: i64,
}

impl Default for SignedIdentities {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MAX_KEPT))
    }
}

impl<'a> Identity<'a> {
    /// The caller of an allowed call; `None` for a public operation that was called without a live token.
    pub fn of(asker: &'a Asker, permit: Option<&'a OwnedPermit>) -> Option<Self> {
        match (asker, permit) {
            (Asker::Live(live), Some(permit)) => Some(Self { live, permit }),
            _ => None,
        }
    }

    fn user(&self) -> Option<&'a str> {
        match self.permit.subject() {
            Subject::User(user) => Some(user),
            Subject::Client => None,
        }
    }

    fn scopes(&self) -> String {
        let authority = self.live.snapshot.authority(&self.live.caller);
        let scopes: Vec<&str> = authority.scopes().map(Scope::as_str).collect();
        scopes.join(" ")
    }

    /// What `upstream` wants to hear, to stand in place of whatever a client sends under these names.
    ///
    /// # Errors
    /// 503 where nothing can be signed: a call without a caller does not go on.
    pub fn headers(
        &self,
        app: &App,
        upstream: &Upstream,
        now: Timestamp,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, ApiError> {
        let headers = match upstream.identity_headers {
            IdentityHeaders::None => Ok(Vec::new()),
            IdentityHeaders::Plain => self.plain(),
            IdentityHeaders::Jwt => self.signed(app, upstream, now).map(|value| vec![(SIGNED, value)]),
        };
        headers.map_err(|error| {
            tracing::error!(%error, "an upstream cannot be told who calls");
            ApiError::unavailable()
        })
    }

    /// The same for every call with this token while its organization stands as it does: made once.
    fn plain(&self) -> anyhow::Result<Vec<(HeaderName, HeaderValue)>> {
        if let Some(told) = self.live.plain_identity.get() {
            return Ok(told.clone());
        }
        let mut told = vec![
            (ORGANIZATION, HeaderValue::from_str(self.permit.organization())?),
            (CLIENT, HeaderValue::from_str(self.permit.client())?),
            (SCOPES, HeaderValue::from_str(&self.scopes())?),
        ];
        if let Some(user) = self.user() {
            told.push((USER, HeaderValue::from_str(user)?));
        }
        Ok(self.live.plain_identity.get_or_init(|| told).clone())
    }

    fn signed(&self, app: &App, upstream: &Upstream, now: Timestamp) -> anyhow::Result<HeaderValue> {
        let key = (self.live.digest, self.live.bearer.org_revision, upstream.name.clone());
        if let Some((made_at, value)) = app.signed_identities.0.get(&key)
            && (0..REUSED_SECONDS).contains(&now.seconds_since(made_at))
        {
            return Ok(value);
        }
        let (permit, scopes) = (self.permit, self.scopes());
        let claims = Claims {
            iss: app.origin.as_str(),
            aud: upstream.resource.as_deref().unwrap_or(&upstream.name),
            sub: self.user().unwrap_or_else(|| permit.client()),
            client_id: permit.client(),
            org: permit.organization(),
            scope: &scopes,
            iat: now.as_seconds(),
            exp: now.plus_seconds(SIGNED_SECONDS).as_seconds(),
        };
        let jwt = app.signing_keys.sign(SigningAlgorithm::default(), SIGNED_TYP, &claims, now)?;
        let value = HeaderValue::from_str(&jwt)?;
        app.signed_identities.0.insert(key, (now, value.clone()));
        Ok(value)
    }
}
