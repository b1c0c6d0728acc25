//! The two cookies of a browser: before sign-in and after (RFC 6265bis §4.1.3, RFC 9700 §4.7).
//!
//! Both are `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, without `Domain`: only this host over TLS can set or read them,
//! and no other site's form carries them. On a plain-http loopback issuer alone, browsers would drop such cookies, so
//! `Secure` and `__Host-` are left out there.

use axum::http::{HeaderMap, HeaderValue, header};
use countersign_domain::secret::{Secret, SecretKind};

use crate::config::PublicOrigin;

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Binds sign-in forms to the browser that opened them, so that nobody can be signed in as somebody else (A32).
    PreSession,
    /// A signed-in browser.
    Session,
}

impl Cookie {
    /// The name under `origin`.
    pub const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::PreSession, true) => "__Host-countersign-presession",
            (Self::PreSession, false) => "countersign-presession",
            (Self::Session, true) => "__Host-countersign-session",
            (Self::Session, false) => "countersign-session",
        }
    }

    /// The secret that the browser sends; `None` when it is absent, malformed or sent twice (somebody tossed a second one in).
    pub fn read(self, headers: &HeaderMap, origin: &PublicOrigin) -> Option<Secret> {
        let name = self.name(origin.is_https());
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = pairs.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (Some(value), None) => Secret::parse(self.kind(), value),
            _ => None,
        }
    }

    /// `Set-Cookie`: lives as long as the browser does; how long it counts stands in our records.
    pub fn set(self, secret: &Secret, origin: &PublicOrigin) -> HeaderValue {
        self.header(secret.expose(), "", origin)
    }

    /// `Set-Cookie`: the browser forgets it.
    pub fn forget(self, origin: &PublicOrigin) -> HeaderValue {
        self.header("", "; Max-Age=0", origin)
    }

    fn header(self, value: &str, age: &str, origin: &PublicOrigin) -> HeaderValue {
        let secure = if origin.is_https() { "; Secure" } else { "" };
        let name = self.name(origin.is_https());
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        HeaderValue::from_str(&text).expect("INVARIANT: secrets are unreserved characters")
    }

    const fn kind(self) -> SecretKind {
        match self {
            Self::PreSession => SecretKind::PreSession,
            Self::Session => SecretKind::Session,
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::entropy::SeededEntropy;

    use super::*;

    fn origin(text: &str) -> PublicOrigin {
        PublicOrigin::new(Some(text), "127.0.0.1:1".parse().unwrap()).unwrap()
    }

    fn secret(kind: SecretKind) -> Secret {
        Secret::generate(kind, &SeededEntropy::new(1))
    }

    fn sent(line: &str) -> HeaderMap {
        [(header::COOKIE, HeaderValue::from_str(line).unwrap())].into_iter().collect()
    }

    #[test]
    fn a34_cookies_are_host_bound_secure_http_only_and_lax() {
        let session = secret(SecretKind::Session);
        let value = session.expose();
        assert_eq!(
            Cookie::Session.set(&session, &origin("https://as.example")),
            format!("__Host-countersign-session={value}; Path=/; HttpOnly; SameSite=Lax; Secure")
        );
        assert_eq!(
            Cookie::PreSession.forget(&origin("https://as.example")),
            "__Host-countersign-presession=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
        );
    }

    #[test]
    fn a34_on_plain_http_loopback_only_secure_and_the_host_prefix_are_dropped() {
        let session = secret(SecretKind::Session);
        assert_eq!(
            Cookie::Session.set(&session, &origin("http://127.0.0.1:8080")),
            format!("countersign-session={}; Path=/; HttpOnly; SameSite=Lax", session.expose())
        );
    }

    #[test]
    fn a_cookie_is_read_by_its_exact_name_and_kind() {
        let (origin, session) = (origin("https://as.example"), secret(SecretKind::Session));
        let read = |line: String| Cookie::Session.read(&sent(&line), &origin).map(|secret| secret.digest());
        let value = session.expose();
        assert_eq!(read(format!("a=b; __Host-countersign-session={value}; c=d")), Some(session.digest()));
        let pre = secret(SecretKind::PreSession);
        for line in [
            format!("countersign-session={value}"),
            format!("__Host-countersign-session={value}x"),
            format!("__Host-countersign-session={}", pre.expose()),
            format!("__Host-countersign-session={value}; __Host-countersign-session={value}"),
        ] {
            assert_eq!(read(line.clone()), None, "{line}");
        }
    }
}
