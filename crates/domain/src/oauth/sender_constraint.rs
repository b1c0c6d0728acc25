//! What a new access token is bound to (RFC 9449 §5, RFC 8705 §3): the key or certificate that the client has just proven.

use crate::client::Client;
use crate::oauth::dpop::DpopError;
use crate::oauth::error::TokenError;
use crate::oauth::thumbprint::{Confirmation, Possession};

/// The confirmation of a new access token of `client`, whose request proved `possession`; `None`: a bearer token.
///
/// # Errors
/// When the client is registered for bound tokens and has proven nothing to bind them to.
pub fn bound_to(client: &Client, possession: Possession) -> Result<Option<Confirmation>, TokenError> {
    // RFC 9449 §5: whoever sends a proof gets a bound token, registered for it or not.
    if let Some(key) = possession.key {
        return Ok(Some(Confirmation::Key(key)));
    }
    // RFC 9449 §5.2: such a client always sends one.
    if client.metadata.dpop_bound_access_tokens {
        return Err(DpopError::Missing.into());
    }
    // RFC 8705 §3.4
    if client.metadata.tls_client_certificate_bound_access_tokens {
        let certificate = possession.certificate.ok_or(TokenError::CertificateMissing)?;
        return Ok(Some(Confirmation::Certificate(certificate)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientMetadata;
    use crate::oauth::samples::client;
    use crate::oauth::thumbprint::Thumbprint;

    #[test]
    fn c55_c57_a_token_is_bound_to_what_was_proven_where_the_client_or_the_proof_says_so() {
        let (key, certificate) = (Thumbprint::of(b"key"), Thumbprint::of(b"certificate"));
        let with_key = Possession { key: Some(key), certificate: None };
        let with_certificate = Possession { key: None, certificate: Some(certificate) };
        let bearer = client();
        let metadata = ClientMetadata { dpop_bound_access_tokens: true, ..ClientMetadata::default() };
        let by_key = Client { metadata, ..client() };
        let metadata = ClientMetadata { tls_client_certificate_bound_access_tokens: true, ..ClientMetadata::default() };
        let by_certificate = Client { metadata, ..client() };

        assert_eq!(bound_to(&bearer, Possession::default()), Ok(None));
        assert_eq!(bound_to(&bearer, with_certificate), Ok(None));
        assert_eq!(bound_to(&bearer, with_key), Ok(Some(Confirmation::Key(key))));
        assert_eq!(bound_to(&by_key, with_key), Ok(Some(Confirmation::Key(key))));
        assert_eq!(bound_to(&by_key, with_certificate), Err(DpopError::Missing.into()));
        assert_eq!(bound_to(&by_certificate, with_certificate), Ok(Some(Confirmation::Certificate(certificate))));
        assert_eq!(bound_to(&by_certificate, Possession::default()), Err(TokenError::CertificateMissing));
    }
}
