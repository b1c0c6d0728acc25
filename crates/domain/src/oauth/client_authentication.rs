//! Client authentication at the token endpoint (RFC 6749 §2.3): who the client says it is, and whether that is so.
//!
//! How long a refusal takes depends on what was sent, never on what is registered: a secret of generated form is only
//! compared with SHA-256 digests, any other costs one argon2id computation, also for a client that does not exist (C28).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::client::{Client, ClientState};
use crate::oauth::error::TokenError;
use crate::oauth::parameters::Parameters;
use crate::secret::{Secret, SecretHash, SecretKind};

/// What a token request says about its client.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedClient {
    /// The client id, not yet believed.
    pub id: String,
    /// The secret in every reading that counts, the standard one first; empty when none was sent.
    secrets: Vec<Zeroizing<String>>,
    /// Whether the Authorization header was used: a refusal then needs a challenge (RFC 6749 §5.2).
    pub used_header: bool,
}

impl PresentedClient {
    /// Reads the Authorization header, if any, and the form.
    ///
    /// # Errors
    /// When no client is named, the header is malformed, or two methods are used.
    pub fn read(authorization: Option<&[u8]>, form: &Parameters) -> Result<Self, TokenError> {
        let in_body = form.value("client_secret").map(|secret| Zeroizing::new(secret.to_owned()));
        let Some(authorization) = authorization else {
            let id = form.value("client_id").ok_or(TokenError::MissingParameter("client_id"))?.to_owned();
            return Ok(Self { id, secrets: in_body.into_iter().collect(), used_header: false });
        };
        let presented = Self::of_basic(authorization).ok_or(TokenError::MalformedBasic)?;
        // RFC 6749 §2.3: the client MUST NOT use more than one authentication method in each request.
        let is_other = form.value("client_id").is_some_and(|id| id != presented.id);
        if in_body.is_some() || form.value("client_assertion").is_some() || is_other {
            return Err(TokenError::TwoCredentials);
        }
        Ok(presented)
    }

    /// Whether a secret was sent.
    pub fn has_secret(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Whether [`PresentedClient::authenticate`] will compute argon2id: such work belongs on a thread of its own.
    pub fn is_slow_to_verify(&self) -> bool {
        self.secrets.iter().any(|secret| !is_generated(secret))
    }

    /// Whether this is `client`, by its kept secrets (several are live while one is replaced). Pass `None` for a client
    /// that does not exist.
    ///
    /// # Errors
    /// One and the same, whatever is wrong.
    pub fn authenticate(&self, client: Option<&Client>, kept: &[SecretHash]) -> Result<(), TokenError> {
        let is_proven = self.is_one_of(if client.is_some() { kept } else { &[] });
        let failed = Err(TokenError::ClientAuthenticationFailed);
        match client {
            None => failed,
            Some(client) if client.state != ClientState::Active => failed,
            // RFC 6749 §2.3: a client that has a secret must use it; one that has none cannot send one.
            Some(client) if client.is_confidential && is_proven => Ok(()),
            Some(client) if !client.is_confidential && !self.has_secret() => Ok(()),
            Some(_) => failed,
        }
    }

    fn is_one_of(&self, kept: &[SecretHash]) -> bool {
        self.secrets.iter().fold(false, |is_proven, secret| is_proven | is_kept(secret, kept))
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
        let mut secrets = Vec::new();
        if !raw.is_empty() {
            secrets.extend(form_decode(raw));
            if secrets.first().is_none_or(|standard| standard.as_str() != raw) {
                secrets.push(Zeroizing::new(raw.to_owned()));
            }
        }
        let id = form_decode(id).filter(|id| !id.is_empty())?;
        Some(Self { id: id.to_string(), secrets, used_header: true })
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
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::oauth::samples::{client, public_client};

    fn basic(id_and_secret: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(id_and_secret)).into_bytes()
    }

    fn of_header(header: &[u8]) -> Result<PresentedClient, TokenError> {
        PresentedClient::read(Some(header), &Parameters::default())
    }

    fn keep(secret: &str) -> Vec<SecretHash> {
        vec![SecretHash::of_client_secret(secret, &SeededEntropy::new(1))]
    }

    #[test]
    fn c18_basic_is_read_percent_decoded_and_raw() {
        let awkward = "a:b%c+d é";
        let encoded = "a%3Ab%25c%2Bd+%C3%A9";
        for sent in [awkward, encoded] {
            let presented = of_header(&basic(&format!("roster:{sent}"))).unwrap();
            assert_eq!(presented.id, "roster");
            assert_eq!(presented.authenticate(Some(&client()), &keep(awkward)), Ok(()), "{sent}");
        }
        let percent_encoded_id = of_header(&basic("roster%2Dsync:x")).unwrap();
        assert_eq!(percent_encoded_id.id, "roster-sync");
    }

    #[test]
    fn c19_two_methods_in_one_request_are_refused() {
        for body in [("client_secret", "x"), ("client_assertion", "x"), ("client_id", "somebody-else")] {
            let both = PresentedClient::read(Some(&basic("roster:secret")), &Parameters::from([body]));
            assert_eq!(both.err(), Some(TokenError::TwoCredentials), "{body:?}");
        }
        let same_id =
            PresentedClient::read(Some(&basic("roster:secret")), &Parameters::from([("client_id", "roster")]));
        assert!(same_id.is_ok());
    }

    #[test]
    fn c20_a_header_that_is_not_basic_is_refused() {
        for header in ["Bearer x", "Basic", "Basic !!!", "Basic cm9zdGVy", "Basic OnNlY3JldA==", "basic"] {
            assert_eq!(of_header(header.as_bytes()).err(), Some(TokenError::MalformedBasic), "{header}");
        }
        assert!(of_header(b"bAsIc cm9zdGVyOnNlY3JldA==").is_ok());
    }

    #[test]
    fn c21_a_confidential_client_needs_its_secret_and_a_public_one_has_none() {
        let without = PresentedClient::read(None, &Parameters::from([("client_id", "roster")])).unwrap();
        let with =
            PresentedClient::read(None, &Parameters::from([("client_id", "roster"), ("client_secret", "s")])).unwrap();
        let failed = Err(TokenError::ClientAuthenticationFailed);
        assert_eq!(without.authenticate(Some(&client()), &keep("s")), failed);
        assert_eq!(with.authenticate(Some(&client()), &keep("s")), Ok(()));
        assert_eq!(with.authenticate(Some(&client()), &keep("t")), failed);
        assert_eq!(with.authenticate(Some(&public_client()), &[]), failed);
        assert_eq!(without.authenticate(Some(&public_client()), &[]), Ok(()));
        let empty_password = of_header(&basic("roster:")).unwrap();
        assert_eq!(empty_password.authenticate(Some(&client()), &keep("s")), failed);
        assert_eq!(empty_password.authenticate(Some(&public_client()), &[]), Ok(()));
    }

    #[test]
    fn c26_two_secrets_are_live_while_one_is_replaced() {
        let entropy = SeededEntropy::new(2);
        let fresh = Secret::generate(SecretKind::ClientSecret, &entropy);
        let kept = [keep("old-secret"), vec![SecretHash::Sha256(fresh.digest())]].concat();
        for secret in ["old-secret", fresh.expose()] {
            let presented = of_header(&basic(&format!("roster:{secret}"))).unwrap();
            assert_eq!(presented.authenticate(Some(&client()), &kept), Ok(()));
            assert_eq!(presented.is_slow_to_verify(), secret == "old-secret");
        }
    }

    #[test]
    fn c28_unknown_disabled_and_wrong_are_one_refusal() {
        let presented = of_header(&basic("roster:s")).unwrap();
        let disabled = Client { state: ClientState::Disabled, ..client() };
        let refusals = [
            presented.authenticate(None, &keep("s")),
            presented.authenticate(Some(&disabled), &keep("s")),
            presented.authenticate(Some(&client()), &keep("other")),
        ];
        assert!(refusals.iter().all(|refusal| *refusal == Err(TokenError::ClientAuthenticationFailed)));
    }

    #[test]
    fn a_request_that_names_no_client_says_so() {
        let nobody = PresentedClient::read(None, &Parameters::default());
        assert_eq!(nobody.err(), Some(TokenError::MissingParameter("client_id")));
    }
}
