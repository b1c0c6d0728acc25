//! Reading the access token of a request (RFC 6750 §2.1, RFC 9449 §7.1).

use axum::http::{HeaderMap, header};
use countersign_domain::oauth::presented_token::PresentedToken;
use countersign_domain::secret::Digest;

/// What a request presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials<'h> {
    /// No `Authorization` header, or `Bearer` with nothing behind it (the Python SDK without a token).
    Missing,
    /// Something that cannot be one of our access tokens.
    Malformed,
    /// The digest of a well-formed access token; whether it is live is for the store to say.
    Bearer(Digest),
    /// The same with the DPoP scheme (RFC 9449 §7.1): a proof must come with it.
    Dpop {
        /// The token as it was sent; the proof holds its hash.
        token: &'h str,
        /// Its digest.
        digest: Digest,
    },
}

/// Reads the `Authorization` header. Two headers, another scheme or a malformed token are [`Credentials::Malformed`].
pub fn credentials(headers: &HeaderMap) -> Credentials<'_> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(header::AUTHORIZATION) { Credentials::Malformed } else { Credentials::Missing };
    };
    let Ok(text) = value.to_str() else { return Credentials::Malformed };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    // RFC 9110 §11.1: the scheme is compared without letter case
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    if !is_bearer && !scheme.eq_ignore_ascii_case("dpop") {
        return Credentials::Malformed;
    }
    if token.is_empty() {
        return Credentials::Missing;
    }
    match PresentedToken::read(token) {
        PresentedToken::Access(digest) if is_bearer => Credentials::Bearer(digest),
        PresentedToken::Access(digest) => Credentials::Dpop { token, digest },
        _ => Credentials::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use countersign_domain::entropy::SeededEntropy;
    use countersign_domain::secret::{Secret, SecretKind};

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn d20_the_scheme_is_read_in_any_letter_case() {
        let token = Secret::generate(SecretKind::AccessToken, &SeededEntropy::new(1));
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let headers = headers(&[&format!("{scheme} {}", token.expose())]);
            assert_eq!(credentials(&headers), Credentials::Bearer(token.digest()));
        }
        for scheme in ["DPoP", "dpop", "DPOP"] {
            let headers = headers(&[&format!("{scheme} {}", token.expose())]);
            let expected = Credentials::Dpop { token: token.expose(), digest: token.digest() };
            assert_eq!(credentials(&headers), expected);
        }
    }

    #[test]
    fn an_empty_bearer_is_a_missing_credential() {
        assert_eq!(credentials(&headers(&[])), Credentials::Missing);
        assert_eq!(credentials(&headers(&["Bearer"])), Credentials::Missing);
        assert_eq!(credentials(&headers(&["Bearer "])), Credentials::Missing);
    }

    #[test]
    fn two_headers_another_scheme_or_a_strange_token_are_malformed() {
        for values in
            [&["Basic YTpi"] as &[_], &["Bearer abc"], &["Bearer  x"], &["Bearer\tx"], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(credentials(&headers(values)), Credentials::Malformed, "{values:?}");
        }
    }
}
