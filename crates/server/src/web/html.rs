//! A page becomes a response: rendered once, with the headers that all pages share.
//!
//! Pages run no script and load nothing from elsewhere (RFC 9700 §4.2.4, §4.16).

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::config::PublicOrigin;

/// Where the forms of a page may lead besides this server: browsers apply `form-action` to the redirects after a form, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormTarget(Option<String>);

impl FormTarget {
    /// Nowhere else.
    pub const fn here() -> Self {
        Self(None)
    }

    /// In the end to the origin of a redirect URI that was compared with the registered ones.
    pub fn app(redirect_uri: &Url) -> Self {
        let scheme = redirect_uri.scheme();
        let host = redirect_uri.host_str().filter(|host| matches!(scheme, "http" | "https") && is_source(host));
        Self(Some(match (host, redirect_uri.port()) {
            (Some(host), Some(port)) => format!("{scheme}://{host}:{port}"),
            (Some(host), None) => format!("{scheme}://{host}"),
            (None, _) => format!("{scheme}:"),
        }))
    }
}

/// Whether a CSP can name the host: not IPv6, and never `;` or `,`, which URLs allow and which would end the directive.
fn is_source(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Renders `page`. Nothing of it may be stored: it can name people and carries form secrets.
pub fn page(status: StatusCode, page: &impl Template, target: &FormTarget) -> Response {
    match page.render() {
        // our headers replace the content type that axum gives to text
        Ok(html) => (status, headers(target), html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be rendered").into_response()
        }
    }
}

/// Renders a page that a browser may meet at another origin than ours, such as an API's: it takes what it looks like from
/// ours, and has no form.
pub fn page_elsewhere(status: StatusCode, page: &impl Template, origin: &PublicOrigin) -> Response {
    let mut response = self::page(status, page, &FormTarget::here());
    let policy = format!(
        "default-src 'none'; style-src {origin}; img-src {origin} data:; font-src {origin}; \
         form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    );
    // without a policy of its own the page has that of our own origin: it is then plain
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn headers(target: &FormTarget) -> [(HeaderName, HeaderValue); 9] {
    let fixed = HeaderValue::from_static;
    [
        (header::CONTENT_TYPE, fixed("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, fixed("no-store")),
        (header::CONTENT_SECURITY_POLICY, content_security_policy(target)),
        (header::X_FRAME_OPTIONS, fixed("DENY")),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::REFERRER_POLICY, fixed("no-referrer")),
        (HeaderName::from_static("permissions-policy"), fixed("camera=(), geolocation=(), microphone=(), payment=()")),
        (HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin")),
        (HeaderName::from_static("cross-origin-resource-policy"), fixed("same-origin")),
    ]
}

fn content_security_policy(target: &FormTarget) -> HeaderValue {
    let app = target.0.as_ref().map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         form-action 'self'{app}; frame-ancestors 'none'; base-uri 'none'"
    );
    // INVARIANT: a scheme and a host that passed `is_source` are visible ASCII
    HeaderValue::from_str(&policy).expect("an origin is visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Template)]
    #[template(source = "<p>{{ 1 }}</p>", ext = "html")]
    struct Page;

    fn form_action(redirect_uri: &str) -> String {
        let response = page(StatusCode::OK, &Page, &FormTarget::app(&Url::parse(redirect_uri).unwrap()));
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let directive = policy.split("; ").find(|directive| directive.starts_with("form-action")).unwrap();
        directive.to_owned()
    }

    #[test]
    fn a29_a30_every_page_forbids_frames_scripts_referrers_and_storing() {
        let response = page(StatusCode::FORBIDDEN, &Page, &FormTarget::here());
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let value = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(
            value("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(value("x-frame-options"), "DENY");
        assert_eq!(value("referrer-policy"), "no-referrer");
        assert_eq!(value("cache-control"), "no-store");
        assert_eq!(value("x-content-type-options"), "nosniff");
        assert_eq!(value("content-type"), "text/html; charset=utf-8");
    }

    #[test]
    fn forms_may_lead_to_the_origin_of_the_app() {
        for (redirect_uri, source) in [
            ("https://roster.example/callback?a=b", "https://roster.example"),
            ("https://roster.example:8443/callback", "https://roster.example:8443"),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5000"),
            ("https://bücher.example/", "https://xn--bcher-kva.example"),
            ("com.example.app:/callback", "com.example.app:"),
        ] {
            assert_eq!(form_action(redirect_uri), format!("form-action 'self' {source}"));
        }
    }

    #[test]
    fn a_host_that_a_policy_cannot_name_is_allowed_by_scheme_and_ends_no_directive() {
        for redirect_uri in ["https://a.example;sandbox/", "https://a.example,b/", "https://a_b.example/"] {
            assert_eq!(form_action(redirect_uri), "form-action 'self' https:");
        }
        assert_eq!(form_action("http://[::1]:5000/callback"), "form-action 'self' http:");
    }
}
