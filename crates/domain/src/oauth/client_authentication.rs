//! Client authentication (RFC 6749 §2.3) at the token endpoint and every other that clients call: who the client says it is,
//! and whether that is so. Each client has one registered method, and no other counts (C22).
//!
//! How long a refusal of a secret takes depends on what was sent, never on what is registered: a secret of generated form is
//! only compared with SHA-256 digests, any other costs one argon2id computation, also for a client that does not exist (C28).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::client::{AuthMethod, Client, ClientState};
use crate::oauth::client_assertion::{self, AssertionError, JWT_BEARER};
use crate::oauth::client_certificate::ClientCertificate;
use crate::oauth::error::TokenError;
use crate::oauth::parameters::Parameters;
use crate::oauth::used_proof::UsedProof;
use crate::secret::{Secret, SecretHash, SecretKind};
use crate::time::Timestamp;

/// What a request says about its client.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedClient {
    /// The client id, not yet believed.
    pub id: String,
    credential: Credential,
}

#[derive(Clone, PartialEq, Eq)]
enum Credential {
    /// None in the request; there may be a certificate beneath it.
    Nothing { used_header: bool },
    /// A secret in every reading that counts, the standard one first.
    Secret { readings: Vec<Zeroizing<String>>, used_header: bool },
    /// RFC 7523 §2.2
    Assertion(Zeroizing<String>),
}

/// Where a client proves itself: beside what it presents.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The issuer, for which assertions must be made.
    pub issuer: &'a str,
    /// The certificate of the TLS connection, if there was one.
    pub certificate: Option<&'a ClientCertificate>,
    /// The instant of the request.
    pub now: Timestamp,
}

/// Why a client is not believed. For our log: the client only hears that authentication failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// Nobody, or nobody active, has this id.
    #[error("no active client has this id")]
    Unknown,
    /// C22: each client has one registered method.
    #[error("the client used {}, which is not its registered method", .0.as_str())]
    Method(AuthMethod),
    /// No live secret fits.
    #[error("the secret is wrong")]
    Secret,
    /// RFC 7523 §3
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// RFC 8705 §2
    #[error("the certificate is not a registered one")]
    Certificate,
}

impl PresentedClient {
    /// Reads the Authorization header, if any, and the form.
    ///
    /// # Errors
    /// When no client is named, what is sent is malformed, or two methods are used.
    pub fn read(authorization: Option<&[u8]>, form: &Parameters) -> Result<Self, TokenError> {
        let in_body = form.value("client_secret").map(|secret| Zeroizing::new(secret.to_owned()));
        let assertion = form.value("client_assertion");
        if let Some(authorization) = authorization {
            let presented = Self::of_basic(authorization).ok_or(TokenError::MalformedBasic)?;
            // RFC 6749 §2.3: the client MUST NOT use more than one authentication method in each request.
            let is_other = form.value("client_id").is_some_and(|id| id != presented.id);
            if in_body.is_some() || assertion.is_some() || is_other {
                return Err(TokenError::TwoCredentials);
            }
            return Ok(presented);
        }
        if let Some(assertion) = assertion {
            if in_body.is_some() {
                return Err(TokenError::TwoCredentials);
            }
            return Self::of_assertion(assertion, form);
        }
        let id = form.value("client_id").ok_or(TokenError::MissingParameter("client_id"))?.to_owned();
        let credential = match in_body {
            Some(secret) => Credential::Secret { readings: vec![secret], used_header: false },
            None => Credential::Nothing { used_header: false },
        };
        Ok(Self { id, credential })
    }

    /// Whether the Authorization header was used: a refusal then needs a challenge (RFC 6749 §5.2).
    pub fn used_header(&self) -> bool {
        matches!(
            self.credential,
            Credential::Secret { used_header: true, .. } | Credential::Nothing { used_header: true }
        )
    }

    /// Whether a secret was sent that a person chose. It can be guessed, which one of 256 bits cannot; and
    /// [`PresentedClient::authenticate`] will compute argon2id: such work belongs on a thread of its own.
    pub fn has_chosen_secret(&self) -> bool {
        self.readings().iter().any(|secret| !is_generated(secret))
    }

    /// Whether this is `client`, by its kept secrets (several are live while one is replaced), its keys or its certificate.
    /// Pass `None` for a client that does not exist. An assertion's one use must still be claimed.
    ///
    /// # Errors
    /// Why not; for the caller all are one.
    pub fn authenticate(
        &self,
        client: Option<&Client>,
        kept: &[SecretHash],
        surroundings: Surroundings<'_>,
    ) -> Result<Option<UsedProof>, Disbelief> {
        let is_proven = self.is_one_of(if client.is_some() { kept } else { &[] });
        let client = client.filter(|client| client.state == ClientState::Active).ok_or(Disbelief::Unknown)?;
        let method = self.method(client, surroundings.certificate);
        if !is_registered(method, client) {
            return Err(Disbelief::Method(method));
        }
        let Surroundings { issuer, certificate, now } = surroundings;
        match (&self.credential, method) {
            (Credential::Nothing { .. }, AuthMethod::None) => Ok(None),
            (Credential::Nothing { .. }, method) => {
                let is_proven = certificate.is_some_and(|shown| shown.proves(&client.metadata, method));
                if is_proven { Ok(None) } else { Err(Disbelief::Certificate) }
            }
            (Credential::Secret { .. }, _) => {
                if is_proven {
                    Ok(None)
                } else {
                    Err(Disbelief::Secret)
                }
            }
            (Credential::Assertion(assertion), _) => {
                Ok(Some(client_assertion::verify(assertion, client, issuer, now)?))
            }
        }
    }

    /// The method that is used. Without a credential in the request it is that of the certificate, for a client that has one
    /// of its methods registered: every connection may have a certificate, also one that was shown to somebody else.
    fn method(&self, client: &Client, certificate: Option<&ClientCertificate>) -> AuthMethod {
        match &self.credential {
            Credential::Secret { used_header: true, .. } => AuthMethod::ClientSecretBasic,
            Credential::Secret { used_header: false, .. } => AuthMethod::ClientSecretPost,
            Credential::Assertion(_) => AuthMethod::PrivateKeyJwt,
            Credential::Nothing { .. } => match client.metadata.token_endpoint_auth_method {
                Some(method) if method.is_by_certificate() && certificate.is_some() => method,
                _ => AuthMethod::None,
            },
        }
    }

    fn readings(&self) -> &[Zeroizing<String>] {
        match &self.credential {
            Credential::Secret { readings, .. } => readings,
            Credential::Nothing { .. } | Credential::Assertion(_) => &[],
        }
    }

    fn is_one_of(&self, kept: &[SecretHash]) -> bool {
        self.readings().iter().fold(false, |is_proven, secret| is_proven | is_kept(secret, kept))
    }

    /// RFC 7521 §4.2: `client_id` is optional, and must be the assertion's subject where it is sent.
    fn of_assertion(assertion: &str, form: &Parameters) -> Result<Self, TokenError> {
        match form.value("client_assertion_type") {
            Some(JWT_BEARER) => {}
            Some(_) => return Err(TokenError::AssertionType),
            None => return Err(TokenError::MissingParameter("client_assertion_type")),
        }
        let named = client_assertion::named_client(assertion);
        let id = form.value("client_id").map(str::to_owned).or(named).ok_or(TokenError::ClientAuthenticationFailed)?;
        Ok(Self { id, credential: Credential::Assertion(Zeroizing::new(assertion.to_owned())) })
    }

    /// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. Genesys' SDKs join them raw: a secret is
    /// therefore read both ways. An id has only characters that encoding leaves alone.
    fn of_basic(header: &[u8]) -> Option<Self> {
        let header = std::str::from_utf8(header).ok()?;
        let (scheme, encoded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = Zeroizing::new(String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?);
        let (id, raw) = decoded.split_once(':')?;
        let id = form_decode(id).filter(|id| !id.is_empty())?.to_string();
        if raw.is_empty() {
            return Some(Self { id, credential: Credential::Nothing { used_header: true } });
        }
        let mut readings = Vec::from_iter(form_decode(raw));
        if readings.first().is_none_or(|standard| standard.as_str() != raw) {
            readings.push(Zeroizing::new(raw.to_owned()));
        }
        Some(Self { id, credential: Credential::Secret { readings, used_header: true } })
    }
}

/// RFC 7591 §2: the registered method, whatever the request is for (C23). Where none is registered, a client that has a
/// secret must use it (RFC 6749 §2.3), and one that has none cannot send one.
fn is_registered(method: AuthMethod, client: &Client) -> bool {
    match client.metadata.token_endpoint_auth_method {
        Some(registered) => method == registered,
        None if client.is_confidential => {
            matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
        }
        None => method == AuthMethod::None,
    }
}

/// Whether `secret` is one of those kept. Computes argon2id exactly once for a chosen secret when one or none is kept.
fn is_kept(secret: &str, kept: &[SecretHash]) -> bool {
    let digests = kept.iter().filter(|hash| matches!(hash, SecretHash::Sha256(_)));
    if is_generated(secret) {
        return digests.fold(false, |is_kept, hash| is_kept | hash.verify(secret));
    }
    let mut chosen = kept.iter().filter(|hash| matches!(hash, SecretHash::Argon2id(_))).peekable();
    if chosen.peek().is_none() {
        SecretHash::dummy().verify(secret);
        return false;
    }
    chosen.fold(false, |is_kept, hash| is_kept | hash.verify(secret))
}

fn is_generated(secret: &str) -> bool {
    Secret::parse(SecretKind::ClientSecret, secret).is_some()
}

/// RFC 6749 appendix B; `None` when the bytes are not UTF-8.
fn form_decode(text: &str) -> Option<Zeroizing<String>> {
    let blanks = Zeroizing::new(text.replace('+', " "));
    let decoded = percent_encoding::percent_decode_str(&blanks).decode_utf8().ok()?;
    Some(Zeroizing::new(decoded.into_owned()))
}

#[cfg(test)]
mod tests;
