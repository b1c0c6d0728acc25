//! A refusal for people: the same status, the same missing halves and the same help as the JSON, on a page. A browser may meet
//! it at another origin than ours, so nothing of it is asked for there.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::ApiError;
use crate::config::PublicOrigin;
use crate::http::accept::prefers_html;
use crate::http::now::RequestContext;
use crate::web::html;
use crate::web::pages::{Frame, RefusedCallPage};

/// Who reads the answer to a refused call.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// What was sent; nothing where only JSON can be read.
    headers: Option<&'a HeaderMap>,
    origin: &'a PublicOrigin,
}

impl<'a> Reader<'a> {
    /// Whoever sent these headers.
    pub const fn of(headers: &'a HeaderMap, origin: &'a PublicOrigin) -> Self {
        Self { headers: Some(headers), origin }
    }

    /// Somebody who reads JSON only.
    pub const fn program(origin: &'a PublicOrigin) -> Self {
        Self { headers: None, origin }
    }
}

impl ApiError {
    /// The reply, with the request's correlation id: a page where the reader would rather have one, else JSON.
    pub fn respond(&self, context: &RequestContext, reader: Reader<'_>) -> Response {
        let mut response = if reader.headers.is_some_and(prefers_html) {
            html::page_elsewhere(self.0.status, &self.page(context, reader.origin), reader.origin)
        } else {
            self.json(context)
        };
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name, value.clone());
        }
        // RFC 9110 §12.5.5
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
        response
    }

    fn page(&self, context: &RequestContext, origin: &PublicOrigin) -> RefusedCallPage {
        let (missing, help) = (self.0.missing.as_ref(), self.0.help.as_ref());
        let of = |name: &str| missing.and_then(|missing| missing.get(name));
        let alternatives = of("scopes_any_of").and_then(Value::as_array).into_iter().flatten();
        let permissions = of("permissions");
        RefusedCallPage {
            frame: Frame::elsewhere(origin),
            heading: heading(self.0.status),
            status: self.0.status.as_u16(),
            code: self.0.code,
            message: sentence(&self.message()),
            scopes: alternatives.map(texts).collect(),
            permissions: permissions.and_then(|list| list.get("of")).map(texts).unwrap_or_default(),
            needs_all_permissions: permissions.is_some_and(|list| list["mode"] == "ALL"),
            roles: of("roles_any_of").map(texts).unwrap_or_default(),
            help: help.and_then(|help| help["message"].as_str()).map(sentence),
            ask: help.and_then(|help| help["requestApproval"].as_str()).map(str::to_owned),
            helping_roles: help.and_then(|help| help["roles"].as_array()).map(|roles| names(roles)).unwrap_or_default(),
            correlation_id: context.context_id.to_string(),
        }
    }
}

/// Messages begin in lower case; sentences on a page do not.
fn sentence(message: &str) -> String {
    let mut rest = message.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest.as_str().chars()).collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn names(list: &[Value]) -> Vec<String> {
    list.iter().filter_map(|one| one["name"].as_str()).map(str::to_owned).collect()
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "This call needs an access token",
        StatusCode::FORBIDDEN => "This call is not allowed",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::METHOD_NOT_ALLOWED => "That is not possible here",
        StatusCode::TOO_MANY_REQUESTS => "Too many calls",
        status if status.is_server_error() => "Not available for a moment",
        _ => "This call cannot be understood",
    }
}
