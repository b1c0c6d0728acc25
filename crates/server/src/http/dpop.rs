//! The proof that comes with a request (RFC 9449 §4.1), read from its headers and verified for the address that was called.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use countersign_domain::oauth::dpop::{DpopError, ProvenRequest, VerifiedProof, verify};
use countersign_domain::oauth::jws::JwsAlgorithm;
use countersign_domain::time::Timestamp;

use crate::app::App;
use crate::listener::Shown;

/// RFC 9449 §4.1
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// RFC 9449 §8.1
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The request that a proof must be about.
#[derive(Clone, Copy)]
pub struct Called<'a> {
    /// The method as it was sent.
    pub method: &'a str,
    /// The origin that the client addressed.
    pub origin: &'a str,
    /// The path that the client addressed.
    pub path: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// What was shown on its connection, where certificates are asked for.
    pub shown: Option<&'a Shown>,
    /// When.
    pub now: Timestamp,
}

impl<'a> Called<'a> {
    /// A request to the main listener, or to the one where apps show certificates.
    pub fn here(app: &'a App, parts: &'a Parts, now: Timestamp) -> Self {
        let Parts { method, uri, headers, extensions, .. } = parts;
        let shown: Option<&Shown> = extensions.get();
        let alias = app.mutual_tls_origin.as_ref().filter(|_| shown.is_some());
        let origin = alias.unwrap_or(&app.origin).as_str();
        Self { method: method.as_str(), origin, path: uri.path(), headers, shown, now }
    }

    /// The proof at an endpoint of the authorization server, if there is one: it must hold a nonce of ours (§8).
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn proof(self, app: &App) -> Result<Option<VerifiedProof>, DpopError> {
        if self.headers.contains_key(DPOP) { self.verify(app, None).map(Some) } else { Ok(None) }
    }

    /// The proof beside an access token (§7): it must be of that token.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn proof_of_token(self, app: &App, access_token: &str) -> Result<VerifiedProof, DpopError> {
        self.verify(app, Some(access_token))
    }

    fn verify(self, app: &App, access_token: Option<&str>) -> Result<VerifiedProof, DpopError> {
        // §4.3 rule 1
        let mut proofs = self.headers.get_all(DPOP).iter();
        let proof = match (proofs.next(), proofs.next()) {
            (Some(proof), None) => proof.to_str().unwrap_or_default(),
            (None, _) => return Err(DpopError::Missing),
            (Some(_), Some(_)) => return Err(DpopError::Doubled),
        };
        let url = format!("{}{}", self.origin, self.path);
        let nonces = access_token.is_none().then_some(&app.dpop_nonces);
        verify(proof, ProvenRequest { method: self.method, url: &url, access_token, nonces }, self.now)
    }
}

/// RFC 9449 §8, §8.2: gives out the nonce for the next proof.
pub fn give_nonce(response: &mut Response, app: &App, now: Timestamp) {
    let nonce = HeaderValue::from_str(&app.dpop_nonces.current(now));
    response.headers_mut().extend(nonce.ok().map(|nonce| (DPOP_NONCE, nonce)));
}

/// RFC 9449 §7.1: what a refused call with the DPoP scheme is told beside the challenge for bearers.
pub fn challenge(response: &mut Response) {
    let algorithms = JwsAlgorithm::ALL.map(JwsAlgorithm::as_str).join(" ");
    let challenge = HeaderValue::from_str(&format!("DPoP error=\"invalid_token\", algs=\"{algorithms}\""));
    if let Ok(challenge) = challenge {
        response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
    }
}
