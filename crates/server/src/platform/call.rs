//! One allowed call of our own API: what its handler may reach, and how it reads its parameters and body.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_decision::OwnedPermit;
use countersign_domain::audit::Actor;
use countersign_domain::oauth::token::TokenSubject;
use countersign_store::OrgStore;
use countersign_store::token::Bearer;
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::enforce::check::LiveToken;
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
    permit: OwnedPermit,
    parameters: Parameters,
    body: Vec<u8>,
    has_json_type: bool,
}

/// `pageNumber` and `pageSize` of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// From 1 to 500.
    pub size: u32,
}

/// The parameters in the target of a call.
pub struct Parameters {
    path: Vec<(String, String)>,
    query: Form,
}

impl Parameters {
    /// Reads `target`, which `template` matches.
    pub fn read(template: &str, target: &[u8]) -> Result<Self, ApiError> {
        let target = String::from_utf8_lossy(target);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = Form::parse(query.as_bytes()).map_err(|error| ApiError::bad_request(error.to_string()))?;
        Ok(Self { path: path_parameters(template, path), query })
    }
}

impl Call {
    pub(super) async fn read(
        (app, context, live): (&App, &RequestContext, &LiveToken),
        permit: OwnedPermit,
        parameters: Parameters,
        (headers, body): (&HeaderMap, Body),
    ) -> Result<Self, ApiError> {
        let body =
            Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|_| ApiError::too_large(MAX_BODY_BYTES))?;
        Ok(Self {
            app: app.clone(),
            context: context.clone(),
            bearer: live.bearer.clone(),
            parameters,
            body: body.to_bytes().to_vec(),
            has_json_type: has_json_type(headers),
            permit,
        })
    }

    /// The caller's organization's data, reached with the proof that this call is allowed.
    pub fn org(&self) -> OrgStore<'_> {
        self.app.store.org(&self.permit, self.context.now, self.app.entropy.as_ref())
    }

    /// Who acts, for audit records.
    pub fn actor(&self) -> Actor {
        match &self.bearer.subject {
            TokenSubject::User(user) => Actor::User { user: user.to_string(), client: self.bearer.client.to_string() },
            TokenSubject::Client => Actor::Client(self.bearer.client.to_string()),
        }
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

    /// `pageNumber` (default 1) and `pageSize` (default 25, at most 500).
    pub fn page(&self) -> Result<Page, ApiError> {
        Ok(Page { number: self.count("pageNumber", 1, 1_000_000)?, size: self.count("pageSize", 25, 500)? })
    }

    /// The JSON body. Unknown members are ignored, as the SDKs of later versions need.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.has_json_type {
            return Err(ApiError::unsupported_media_type());
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::bad_request(format!("the body does not fit: {error}")))
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

/// `application/json`, with or without parameters; absent counts, since nothing else is ever read.
fn has_json_type(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        })
    })
}
