//! One allowed call of our own API: what its handler may reach, and how it reads its parameters and body.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_decision::{Authority, Caller, Contracts, Operation, OwnedPermit, Snapshot};
use countersign_store::OrgStore;
use countersign_store::token::Bearer;
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::contracts;
use crate::enforce::check::LiveToken;
use crate::enforce::visit::Visit;
use crate::http::error::ApiError;
use crate::http::form::Form;
use crate::http::now::RequestContext;
use crate::platform::MAX_BODY_BYTES;

/// An allowed call. The permit inside is the only way to the organization's data.
pub struct Call {
    /// The running server.
    pub app: App,
    /// When, and under which correlation id.
    pub context: RequestContext,
    /// The token, joined with its client and organization.
    pub bearer: Bearer,
    /// The contracts that the call was decided with.
    pub contracts: Arc<Contracts>,
    caller: Caller,
    snapshot: Arc<Snapshot>,
    permit: OwnedPermit,
    parameters: Parameters,
    body: JsonBody,
}

/// A body that is still to be read. It is read once, and only for a call that is allowed.
pub(super) struct Incoming {
    if_none_match: Option<String>,
    body: Option<Body>,
    read: JsonBody,
}

/// A body that was read: what it holds and whether it is said to be JSON.
#[derive(Clone)]
pub(super) struct JsonBody {
    bytes: Bytes,
    is_json: bool,
}

/// `pageNumber` and `pageSize` of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// From 1 to 500.
    pub size: u32,
}

impl From<Page> for countersign_store::Page {
    fn from(page: Page) -> Self {
        Self::new(page.number, page.size)
    }
}

/// The parameters of a call: those in its target, and the one header that an operation of ours takes.
pub struct Parameters {
    target_path: String,
    path: Vec<(String, String)>,
    query: Form,
    if_none_match: Option<String>,
}

impl Parameters {
    /// Reads `target`, which `template` matches.
    pub fn read(template: &str, target: &[u8]) -> Result<Self, ApiError> {
        let target = String::from_utf8_lossy(target);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = Form::parse(query.as_bytes()).map_err(|error| ApiError::bad_request(error.to_string()))?;
        let path_parameters = path_parameters(template, path);
        Ok(Self { target_path: path.to_owned(), path: path_parameters, query, if_none_match: None })
    }
}

impl Incoming {
    pub(super) fn new(headers: &HeaderMap, body: Body) -> Self {
        let read = JsonBody { bytes: Bytes::new(), is_json: has_json_type(headers) };
        let if_none_match = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        Self { if_none_match: if_none_match.map(str::to_owned), body: Some(body), read }
    }

    /// The parameters of the call, which `template` matches.
    pub(super) fn parameters(&self, template: &str, target: &[u8]) -> Result<Parameters, ApiError> {
        let in_target = Parameters::read(template, target)?;
        Ok(Parameters { if_none_match: self.if_none_match.clone(), ..in_target })
    }

    pub(super) async fn read(&mut self) -> Result<JsonBody, ApiError> {
        if let Some(body) = self.body.take() {
            let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
            self.read.bytes = body.map_err(|_| ApiError::too_large(MAX_BODY_BYTES))?.to_bytes();
        }
        Ok(self.read.clone())
    }
}

impl Call {
    pub(super) fn new(
        visit: &Visit<'_>,
        live: &LiveToken,
        permit: OwnedPermit,
        parameters: Parameters,
        body: JsonBody,
    ) -> Self {
        Self {
            app: visit.app.clone(),
            context: visit.context.clone(),
            bearer: live.bearer.clone(),
            contracts: Arc::clone(&visit.contracts),
            caller: live.caller.clone(),
            snapshot: Arc::clone(&live.snapshot),
            permit,
            parameters,
            body,
        }
    }

    /// The caller's organization's data, reached with the proof that this call is allowed.
    pub fn org(&self) -> OrgStore<'_> {
        self.app.store.org(&self.permit, self.context.now, self.app.entropy.as_ref())
    }

    /// What the caller holds, as the call was decided.
    pub fn authority(&self) -> Authority<'_> {
        self.snapshot.authority(&self.caller)
    }

    /// The organization as it stood when the call was decided.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Who calls, for a decision on another snapshot than that of the visit.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The operation that was allowed.
    pub fn operation(&self) -> &Operation {
        let operation = contracts::platform(&self.contracts).operation(self.permit.operation_id());
        operation.expect("INVARIANT: permits name operations of the contract that they were decided with")
    }

    /// The path of the target as it was sent.
    pub fn target_path(&self) -> &str {
        &self.parameters.target_path
    }

    /// The entity tags that the caller knows (RFC 9110 §13.1.2).
    pub fn if_none_match(&self) -> Option<&str> {
        self.parameters.if_none_match.as_deref()
    }

    /// The query, pair by pair.
    pub fn query_pairs(&self) -> &[(String, String)] {
        self.parameters.query.pairs()
    }

    /// The parameter `{name}` of the path, percent-decoded.
    pub fn path(&self, name: &str) -> &str {
        self.parameters.path.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The parameter `name` of the query; an error when it is given twice.
    pub fn query(&self, name: &str) -> Result<Option<&str>, ApiError> {
        self.parameters.query.one(name).map_err(|error| ApiError::bad_request(error.to_string()))
    }

    /// A list in the query, both ways the SDKs send it: `id=a,b` and `id=a&id=b`.
    pub fn query_list(&self, name: &str) -> Vec<&str> {
        self.parameters
            .query
            .all(name)
            .into_iter()
            .flat_map(|value| value.split(','))
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// `true` or `false` in the query.
    pub fn query_flag(&self, name: &'static str, default: bool) -> Result<bool, ApiError> {
        match self.query(name)? {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(ApiError::invalid_query(name, other, &["true", "false"])),
        }
    }

    /// The words that `expand` asks for; those that we do not know add nothing.
    pub fn expands(&self, word: &str) -> bool {
        self.query_list("expand").contains(&word)
    }

    /// `pageNumber` (default 1) and `pageSize` (default 25, at most 500).
    pub fn page(&self) -> Result<Page, ApiError> {
        Ok(Page { number: self.count("pageNumber", 1, 1_000_000)?, size: self.count("pageSize", 25, 500)? })
    }

    /// Whether the body is said to be JSON.
    pub fn is_json(&self) -> bool {
        self.body.is_json
    }

    /// The JSON body. Unknown members are ignored, as the SDKs of later versions need.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.body.is_json {
            return Err(ApiError::unsupported_media_type());
        }
        let mut body = serde_json::Deserializer::from_slice(&self.body.bytes);
        let value = serde_path_to_error::deserialize(&mut body).map_err(|error| misfit(&error))?;
        body.end().map_err(|error| ApiError::bad_request(format!("the body is not one JSON value: {error}")))?;
        Ok(value)
    }

    /// The JSON body, or the default where there is none.
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, ApiError> {
        if self.body.bytes.is_empty() { Ok(T::default()) } else { self.json() }
    }

    fn count(&self, name: &'static str, default: u32, max: u32) -> Result<u32, ApiError> {
        let Some(text) = self.query(name)? else { return Ok(default) };
        let value = text.parse().ok().filter(|value| (1..=max).contains(value));
        value.ok_or_else(|| ApiError::invalid_field(name, format!("`{text}` is not a whole number from 1 to {max}")))
    }
}

/// 200 with a JSON body.
pub(super) fn ok(body: impl Serialize) -> Result<Response, ApiError> {
    Ok(Json(body).into_response())
}

/// 200 with an empty object, where the real system has one.
pub(super) fn no_content_object() -> Result<Response, ApiError> {
    ok(serde_json::json!({}))
}

/// 204.
pub(super) fn no_content() -> Result<Response, ApiError> {
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn path_parameters(template: &str, path: &str) -> Vec<(String, String)> {
    let segments = template.split('/').zip(path.split('/'));
    segments
        .filter_map(|(template, segment)| {
            let name = template.strip_prefix('{')?.strip_suffix('}')?;
            let value = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
            Some((name.to_owned(), value.into_owned()))
        })
        .collect()
}

/// Which field has a value of the wrong kind; the whole body where it is not JSON at all.
fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let field = error.path().to_string();
    if error.inner().is_data() && field != "." {
        ApiError::invalid_field(&field, error.inner().to_string())
    } else {
        ApiError::bad_request(format!("the body does not fit: {}", error.inner()))
    }
}

/// `application/json`, with or without parameters; absent counts, since nothing else is ever read.
fn has_json_type(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        })
    })
}
