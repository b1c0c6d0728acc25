//! Reading the access token of a request (RFC 6750 §2.1).

use axum::http::{HeaderMap, header};
use countersign_domain::secret::{Digest, Secret, SecretKind};

/// What a request presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// No `Authorization` header, or `Bearer` with nothing behind it (the Python SDK without a token).
    Missing,
    /// Something that cannot be one of our access tokens.
    Malformed,
    /// The digest of a well-formed access token; whether it is live is for the store to say.
    Bearer(Digest),
}

/// Reads the `Authorization` header. Two headers, another scheme or a malformed token are [`Credentials::Malformed`].
pub fn credentials(headers: &HeaderMap) -> Credentials {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(header::AUTHORIZATION) { Credentials::Malformed } else { Credentials::Missing };
    };
    let Ok(text) = value.to_str() else { return Credentials::Malformed };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    // RFC 9110 §11.1: the scheme is compared without letter case
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Credentials::Malformed;
    }
    match token {
        "" => Credentials::Missing,
        token => match Secret::parse(SecretKind::AccessToken, token) {
            Some(secret) => Credentials::Bearer(secret.digest()),
            None => Credentials::Malformed,
        },
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use countersign_domain::entropy::SeededEntropy;

    use super::*;

    fn read(values: &[&str]) -> Credentials {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        credentials(&headers)
    }

    #[test]
    fn d20_the_scheme_is_read_in_any_letter_case() {
        let token = Secret::generate(SecretKind::AccessToken, &SeededEntropy::new(1));
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(read(&[&format!("{scheme} {}", token.expose())]), Credentials::Bearer(token.digest()));
        }
    }

    #[test]
    fn an_empty_bearer_is_a_missing_credential() {
        assert_eq!(read(&[]), Credentials::Missing);
        assert_eq!(read(&["Bearer"]), Credentials::Missing);
        assert_eq!(read(&["Bearer "]), Credentials::Missing);
    }

    #[test]
    fn two_headers_another_scheme_or_a_strange_token_are_malformed() {
        for values in
            [&["Basic YTpi"] as &[_], &["Bearer abc"], &["Bearer  x"], &["Bearer\tx"], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(read(values), Credentials::Malformed, "{values:?}");
        }
    }
}
