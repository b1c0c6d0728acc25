//! The device authorization request and its answer (RFC 8628 §3.1, §3.2): a device without a browser asks for a code that a
//! person enters elsewhere.

use countersign_decision::Scope;
use serde::Serialize;

use crate::client::{Client, GrantType};
use crate::entropy::Entropy;
use crate::id::{ClientId, OrganizationId, TokenFamilyId, UserId};
use crate::oauth::authentication::Authentication;
use crate::oauth::authorization_details::refuse_any;
use crate::oauth::error::{TokenError, quotable};
use crate::oauth::next_step::Wanted;
use crate::oauth::openid::identity::Identity;
use crate::oauth::openid::protocol_scope::{ProtocolScope, RequestedScopes};
use crate::oauth::parameters::Parameters;
use crate::oauth::resource;
use crate::oauth::thumbprint::Thumbprint;
use crate::oauth::user_code::UserCode;
use crate::secret::{Digest, Secret, SecretKind};
use crate::session::Session;
use crate::time::Timestamp;

/// How long a device code can be used, in seconds: long enough to fetch a phone and sign in.
pub const DEVICE_CODE_SECONDS: i64 = 10 * 60;
/// How long an ended one is remembered, so that the device hears that it has expired or was used.
pub const DEVICE_CODE_MEMORY_SECONDS: i64 = 10 * 60;
/// How long a device waits between two polls, in seconds (RFC 8628 §3.2).
pub const POLL_INTERVAL_SECONDS: i64 = 5;

/// What a device asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// About the person.
    pub protocol_scopes: Vec<ProtocolScope>,
    /// Of operations; `None`: whatever the organization authorizes.
    pub scopes: Option<Vec<Scope>>,
    /// RFC 8707: the APIs that tokens are wanted for; empty: all.
    pub resources: Vec<String>,
    /// The key that the request proved (RFC 9449): whoever polls must prove it too.
    pub dpop_key: Option<Thumbprint>,
}

/// What is kept of a device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// Digest of the device code.
    pub digest: Digest,
    /// Digest of the user code.
    pub user_code: Digest,
    /// The client that it was issued to; nobody else can redeem it.
    pub client: ClientId,
    /// What was asked for.
    pub request: DeviceRequest,
    /// What a person has said.
    pub verdict: Verdict,
    /// How long the device must wait between two polls now, in seconds.
    pub interval_seconds: i64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a person has said to a device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    Pending,
    /// No.
    Denied,
    /// Yes.
    Approved(Box<DeviceApproval>),
}

/// Who let a device in, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceApproval {
    /// The person's organization.
    pub organization: OrganizationId,
    /// Who signed in.
    pub user: UserId,
    /// The family that the tokens will belong to, so that a replay can end them.
    pub family: TokenFamilyId,
    /// The ceiling of the tokens; `None`: they follow the authorization as it changes.
    pub ceiling: Option<Vec<Scope>>,
    /// What was granted about the person.
    pub identity: Option<Identity>,
    /// How and when they proved who they are.
    pub authentication: Option<Authentication>,
}

/// RFC 8628 §3.2: the answer.
#[derive(Serialize)]
pub struct DeviceResponse {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
}

impl DeviceRequest {
    /// Reads the request of the authenticated `client`, which proved `proven_key`. `is_known` says whether a loaded contract
    /// uses a scope; whether the resources are known is for the store to say.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(
        form: &Parameters,
        client: &Client,
        proven_key: Option<Thumbprint>,
        is_known: &dyn Fn(&Scope) -> bool,
    ) -> Result<Self, TokenError> {
        // RFC 8628 §3.1, RFC 6749 §3.1
        if let Some(name) = form.doubled() {
            return Err(TokenError::DoubledParameter(quotable(name)));
        }
        // RFC 6749 §5.2: unauthorized_client
        if !client.has_grant(GrantType::DeviceCode) {
            return Err(TokenError::GrantTypeNotRegistered(GrantType::DeviceCode));
        }
        // RFC 8628 §3.1: `scope` is OPTIONAL.
        let requested = form.value("scope").map(|text| RequestedScopes::parse(text, is_known)).transpose()?;
        let (protocol_scopes, scopes) = match requested {
            Some(RequestedScopes { protocol, contract }) => (protocol, Some(contract)),
            None => (Vec::new(), None),
        };
        // RFC 9396 §4: a parameter of this request, too
        refuse_any(form)?;
        Ok(Self { protocol_scopes, scopes, resources: resource::requested(form)?, dpop_key: proven_key })
    }

    /// What is asked of the person and the organization.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            scopes: self.scopes.as_deref(),
            personal: self.protocol_scopes.clone(),
            asks_again: false,
            // RFC 8628 §5.4: whoever poses as the device's app gets no further than the person who was asked, each time,
            // whether the code is on a device of theirs.
            is_unproven: false,
        }
    }
}

impl DeviceCode {
    /// A new device code for `client`, with the user code that lets it in, to be entered at `verification_uri`.
    pub fn issue(
        request: DeviceRequest,
        client: &Client,
        verification_uri: &str,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (DeviceResponse, Self) {
        let secret = Secret::generate(SecretKind::DeviceCode, entropy);
        let user_code = UserCode::generate(entropy);
        let shown = user_code.shown();
        let response = DeviceResponse {
            device_code: secret.expose().to_owned(),
            verification_uri: verification_uri.to_owned(),
            verification_uri_complete: format!("{verification_uri}?user_code={shown}"),
            user_code: shown,
            expires_in: DEVICE_CODE_SECONDS,
            interval: POLL_INTERVAL_SECONDS,
        };
        let record = Self {
            digest: secret.digest(),
            user_code: user_code.digest(),
            client: client.id.clone(),
            request,
            verdict: Verdict::Pending,
            interval_seconds: POLL_INTERVAL_SECONDS,
            issued_at: now,
            expires_at: now.plus_seconds(DEVICE_CODE_SECONDS),
        };
        (response, record)
    }
}

impl Verdict {
    /// Who let the device in, if somebody has.
    pub fn approval(&self) -> Option<&DeviceApproval> {
        match self {
            Self::Approved(approval) => Some(approval),
            Self::Pending | Self::Denied => None,
        }
    }
}

impl DeviceApproval {
    /// The approval of `request` by the person of `session`, whose tokens will have this ceiling. They do not end with the
    /// session: it is another machine's (docs/decisions/0021-devices.md).
    pub fn of(
        request: &DeviceRequest,
        client: &Client,
        session: &Session,
        ceiling: Option<Vec<Scope>>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self {
            organization: session.organization.clone(),
            user: session.user.clone(),
            family: TokenFamilyId::generate(now, entropy),
            ceiling,
            identity: Identity::of_scopes(&request.protocol_scopes, client, session),
            authentication: Some(session.authentication()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::oauth::samples::{ISSUED, client, scopes};
    use crate::oauth::user_code::UserCode;

    fn device_client() -> Client {
        Client { grant_types: vec![GrantType::DeviceCode], ..client() }
    }

    fn read<const N: usize>(form: [(&str, &str); N], client: &Client) -> Result<DeviceRequest, TokenError> {
        DeviceRequest::read(&Parameters::from(form), client, None, &|scope| scope.as_str() == "users")
    }

    #[test]
    fn scopes_about_the_person_and_of_operations_are_told_apart() {
        let request = read([("scope", "openid users")], &device_client()).unwrap();
        assert_eq!((request.protocol_scopes, request.scopes), (vec![ProtocolScope::OpenId], Some(scopes(&["users"]))));
        assert_eq!(read([], &device_client()).unwrap().scopes, None);
    }

    #[test]
    fn what_is_wrong_has_its_registered_code() {
        let code = |result: Result<DeviceRequest, TokenError>| result.unwrap_err().code().as_str();
        assert_eq!(code(read([("scope", "x")], &device_client())), "invalid_scope");
        assert_eq!(code(read([("scope", "users"), ("scope", "users")], &device_client())), "invalid_request");
        assert_eq!(code(read([("resource", "no uri")], &device_client())), "invalid_target");
        assert_eq!(code(read([], &client())), "unauthorized_client");
    }

    #[test]
    fn the_answer_says_where_to_enter_which_code_and_how_often_to_ask() {
        let request = read([], &device_client()).unwrap();
        let (response, record) =
            DeviceCode::issue(request, &device_client(), "https://as.example/device", ISSUED, &SeededEntropy::new(1));
        let body = serde_json::to_value(response).unwrap();
        assert_eq!((&body["expires_in"], &body["interval"]), (&600.into(), &5.into()));
        assert_eq!(body["verification_uri"], "https://as.example/device");
        let code = UserCode::parse(body["user_code"].as_str().unwrap()).unwrap();
        assert_eq!(record.user_code, code.digest());
        let complete = format!("https://as.example/device?user_code={}", code.shown());
        assert_eq!(body["verification_uri_complete"], complete);
        let device_code = Secret::parse(SecretKind::DeviceCode, body["device_code"].as_str().unwrap()).unwrap();
        assert_eq!((record.digest, record.expires_at), (device_code.digest(), ISSUED.plus_seconds(600)));
    }
}
