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

    /// Whether a secret was sent: then a guess was made.
    pub fn has_secret(&self) -> bool {
        matches!(self.credential, Credential::Secret { .. })
    }

    /// Whether the Authorization header was used: a refusal then needs a challenge (RFC 6749 §5.2).
    pub fn used_header(&self) -> bool {
        matches!(
            self.credential,
            Credential::Secret { used_header: true, .. } | Credential::Nothing { used_header: true }
        )
    }

    /// Whether [`PresentedClient::authenticate`] will compute argon2id: such work belongs on a thread of its own.
    pub fn is_slow_to_verify(&self) -> bool {
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
mod tests {
    use super::*;
    use crate::client::ClientMetadata;
    use crate::entropy::SeededEntropy;
    use crate::oauth::samples::{ISSUED, Key, client, public_client};
    use serde_json::json;

    fn basic(id_and_secret: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(id_and_secret)).into_bytes()
    }

    fn of_header(header: &[u8]) -> Result<PresentedClient, TokenError> {
        PresentedClient::read(Some(header), &Parameters::default())
    }

    const HERE: Surroundings<'_> = Surroundings { issuer: "https://as.example", certificate: None, now: ISSUED };

    fn registered(method: AuthMethod) -> Client {
        let metadata = ClientMetadata { token_endpoint_auth_method: Some(method), ..ClientMetadata::default() };
        Client { metadata, is_confidential: method != AuthMethod::None, ..client() }
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
            assert_eq!(presented.authenticate(Some(&client()), &keep(awkward), HERE), Ok(None), "{sent}");
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
        let method = |method| Err(Disbelief::Method(method));
        assert_eq!(without.authenticate(Some(&client()), &keep("s"), HERE), method(AuthMethod::None));
        assert_eq!(with.authenticate(Some(&client()), &keep("s"), HERE), Ok(None));
        assert_eq!(with.authenticate(Some(&client()), &keep("t"), HERE), Err(Disbelief::Secret));
        let refused = with.authenticate(Some(&public_client()), &[], HERE);
        assert_eq!(refused, method(AuthMethod::ClientSecretPost));
        assert_eq!(without.authenticate(Some(&public_client()), &[], HERE), Ok(None));
        let empty_password = of_header(&basic("roster:")).unwrap();
        assert_eq!(empty_password.authenticate(Some(&client()), &keep("s"), HERE), method(AuthMethod::None));
        assert_eq!(empty_password.authenticate(Some(&public_client()), &[], HERE), Ok(None));
    }

    #[test]
    fn c26_two_secrets_are_live_while_one_is_replaced() {
        let entropy = SeededEntropy::new(2);
        let fresh = Secret::generate(SecretKind::ClientSecret, &entropy);
        let kept = [keep("old-secret"), vec![SecretHash::Sha256(fresh.digest())]].concat();
        for secret in ["old-secret", fresh.expose()] {
            let presented = of_header(&basic(&format!("roster:{secret}"))).unwrap();
            assert_eq!(presented.authenticate(Some(&client()), &kept, HERE), Ok(None));
            assert_eq!(presented.is_slow_to_verify(), secret == "old-secret");
        }
    }

    #[test]
    fn c28_unknown_disabled_and_wrong_are_refused_after_the_same_work() {
        let presented = of_header(&basic("roster:s")).unwrap();
        let disabled = Client { state: ClientState::Disabled, ..client() };
        assert_eq!(presented.authenticate(None, &keep("s"), HERE), Err(Disbelief::Unknown));
        assert_eq!(presented.authenticate(Some(&disabled), &keep("s"), HERE), Err(Disbelief::Unknown));
        assert_eq!(presented.authenticate(Some(&client()), &keep("other"), HERE), Err(Disbelief::Secret));
    }

    #[test]
    fn c22_no_method_but_the_registered_one_counts() {
        let key = Key::es256();
        let now = ISSUED.as_seconds();
        let claims = json!({
            "iss": "roster", "sub": "roster", "aud": HERE.issuer, "jti": "a", "exp": now + 60,
        });
        let assertion = key.sign(claims);
        let by_assertion = [("client_assertion", &*assertion), ("client_assertion_type", JWT_BEARER)];
        let presented = [
            (AuthMethod::None, PresentedClient::read(None, &Parameters::from([("client_id", "roster")])).unwrap()),
            (AuthMethod::ClientSecretBasic, of_header(&basic("roster:s")).unwrap()),
            (
                AuthMethod::ClientSecretPost,
                PresentedClient::read(None, &Parameters::from([("client_id", "roster"), ("client_secret", "s")]))
                    .unwrap(),
            ),
            (AuthMethod::PrivateKeyJwt, PresentedClient::read(None, &Parameters::from(by_assertion)).unwrap()),
        ];
        for only in [
            AuthMethod::None,
            AuthMethod::ClientSecretBasic,
            AuthMethod::ClientSecretPost,
            AuthMethod::PrivateKeyJwt,
            AuthMethod::TlsClientAuth,
        ] {
            let mut client = registered(only);
            client.metadata.jwks = Some(key.jwks());
            for (used, presented) in &presented {
                let answer = presented.authenticate(Some(&client), &keep("s"), HERE);
                let expected = if *used == only { Ok(()) } else { Err(Disbelief::Method(*used)) };
                assert_eq!(answer.map(|_| ()), expected, "{only:?} {used:?}");
            }
        }
    }

    #[test]
    fn an_assertion_needs_its_type_and_names_its_client() {
        let assertion = Key::es256().sign(json!({ "sub": "roster" }));
        let of = |form: &[(&str, &str)]| {
            let form = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            PresentedClient::read(None, &Parameters::new(form))
        };
        let typed = ("client_assertion_type", JWT_BEARER);
        assert_eq!(of(&[("client_assertion", &assertion), typed]).unwrap().id, "roster");
        assert_eq!(
            of(&[("client_assertion", &assertion)]).err(),
            Some(TokenError::MissingParameter("client_assertion_type"))
        );
        let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
        assert_eq!(of(&[("client_assertion", &assertion), saml]).err(), Some(TokenError::AssertionType));
        assert_eq!(of(&[("client_assertion", "x"), typed]).err(), Some(TokenError::ClientAuthenticationFailed));
        let both = of(&[("client_assertion", &assertion), typed, ("client_secret", "s")]);
        assert_eq!(both.err(), Some(TokenError::TwoCredentials));
    }

    #[test]
    fn a_request_that_names_no_client_says_so() {
        let nobody = PresentedClient::read(None, &Parameters::default());
        assert_eq!(nobody.err(), Some(TokenError::MissingParameter("client_id")));
    }
}
