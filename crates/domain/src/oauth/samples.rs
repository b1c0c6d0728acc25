//! Values that the tests of this folder begin from; each test changes what it is about.

mod keys;

use countersign_decision::{AuthorizationState, Enforcement, Scope};

use crate::authorization::{ConsentMode, ScopeGrant};
use crate::client::{Client, ClientMetadata, ClientState, GrantType};
use crate::id::{ClientId, DivisionId, OrganizationId, SessionId, TokenFamilyId, UserId};
use crate::oauth::authentication::{Authentication, PASSWORD_ACR};
use crate::oauth::grant::authorization_code::AuthorizationCode;
use crate::oauth::introspection::{KnownToken, TokenKind};
use crate::oauth::openid::identity::Identity;
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::scopes::{AppStanding, Standing};
use crate::oauth::token::{RefreshToken, TokenFamily, TokenSubject};
use crate::organization::Organization;
use crate::secret::Digest;
use crate::session::Session;
use crate::time::Timestamp;
use crate::user::{Email, User, UserState};

pub(crate) use keys::Key;

/// The instant at which everything in the samples was issued.
pub(crate) const ISSUED: Timestamp = Timestamp::from_seconds(1_000_000);

/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// `roster` of `acme`: confidential, code and refresh and client credentials, one https redirect URI.
pub(crate) fn client() -> Client {
    Client {
        id: ClientId::parse("roster").unwrap(),
        organization: acme(),
        name: "Roster Sync".to_owned(),
        description: String::new(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials],
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        scopes: scopes(&["users"]),
        is_confidential: true,
        pkce_required: true,
        token_ttl_seconds: 86_400,
        metadata: ClientMetadata::default(),
        state: ClientState::Active,
        created_at: ISSUED,
        created_by: None,
        modified_at: ISSUED,
        modified_by: None,
    }
}

/// The same without a secret.
pub(crate) fn public_client() -> Client {
    Client { is_confidential: false, ..client() }
}

/// A code for [`client`], with the challenge of [`VERIFIER`].
pub(crate) fn code() -> AuthorizationCode {
    AuthorizationCode {
        digest: Digest::of(b"code"),
        organization: acme(),
        client: client().id,
        user: ada(),
        family: family_id(),
        redirect_uri: Some("https://app.example/cb".to_owned()),
        code_challenge: Some(CHALLENGE.to_owned()),
        resources: Vec::new(),
        dpop_key: None,
        ceiling: None,
        session: Some(session().id),
        identity: None,
        authentication: Authentication::by_password(ISSUED),
        issued_at: ISSUED,
        expires_at: ISSUED.plus_seconds(60),
    }
}

/// A live access token of [`family`], valid for an hour.
pub(crate) fn known_token() -> KnownToken {
    KnownToken {
        kind: TokenKind::Access,
        family: family(),
        is_revoked: false,
        ceiling: Some(scopes(&["users", "oauth"])),
        confirmation: None,
        audience: Vec::new(),
        protocol_scopes: Vec::new(),
        links: Vec::new(),
        issued_at: ISSUED,
        expires_at: ISSUED.plus_seconds(3_600),
        client_state: ClientState::Active,
        is_client_home_active: true,
    }
}

/// The family of ada's tokens for [`client`].
pub(crate) fn family() -> TokenFamily {
    TokenFamily {
        id: family_id(),
        organization: acme(),
        client: client().id,
        subject: TokenSubject::User(ada()),
        ceiling: None,
        resources: Vec::new(),
        dpop_key: None,
        session: Some(session().id),
        identity: None,
        authentication: Some(Authentication::by_password(ISSUED)),
        created_at: ISSUED,
    }
}

/// A browser in which ada signed in.
pub(crate) fn session() -> Session {
    Session {
        id: SessionId::parse("session").unwrap(),
        digest: Digest::of(b"session"),
        organization: acme(),
        user: ada(),
        authenticated_at: ISSUED,
        last_seen_at: ISSUED,
    }
}

/// Everything about the person of [`session`] was granted.
pub(crate) fn identity() -> Identity {
    Identity {
        scopes: ProtocolScope::ALL.to_vec(),
        nonce: Some("n".to_owned()),
        auth_time: ISSUED.as_seconds(),
        acr: PASSWORD_ACR.to_owned(),
        id_token_claims: Vec::new(),
        userinfo_claims: Vec::new(),
    }
}

/// ada's record.
pub(crate) fn user() -> User {
    User {
        organization: acme(),
        id: ada(),
        email: Email::parse("ada@acme.test").unwrap(),
        name: "Ada Lovelace".to_owned(),
        division: DivisionId::parse("home").unwrap(),
        department: None,
        title: None,
        state: UserState::Active,
        version: 1,
        created_at: ISSUED,
        modified_at: ISSUED,
    }
}

/// The first refresh token of [`family`].
pub(crate) fn refresh_token() -> RefreshToken {
    RefreshToken {
        digest: Digest::of(b"refresh"),
        family: family_id(),
        generation: 0,
        issued_at: ISSUED,
        rotated_at: None,
        expires_at: ISSUED.plus_seconds(3_600),
    }
}

/// `acme`, active.
pub(crate) fn organization(enforcement: Enforcement) -> Organization {
    Organization {
        id: acme(),
        name: "Acme Corp".to_owned(),
        enforcement,
        bounds_client_credentials: true,
        is_active: true,
        revision: 1,
        created_at: ISSUED,
    }
}

/// `acme` authorized [`client`] for these scopes, for everybody.
pub(crate) fn grant(names: &[&str]) -> ScopeGrant {
    ScopeGrant {
        organization: acme(),
        client: client().id,
        state: AuthorizationState::Authorized,
        scopes: scopes(names),
        roles: Vec::new(),
        consent: ConsentMode::Administrator,
        reason: String::new(),
        version: 1,
        created_at: ISSUED,
        created_by: None,
        modified_at: ISSUED,
        modified_by: None,
    }
}

/// Everybody active, and this decision about the app.
pub(crate) fn standing(app: AppStanding) -> Standing {
    Standing { is_organization_active: true, is_subject_active: true, app }
}

/// Scopes by name.
pub(crate) fn scopes(names: &[&str]) -> Vec<Scope> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The organization of the samples.
pub(crate) fn acme() -> OrganizationId {
    OrganizationId::parse("acme").unwrap()
}

/// The user of the samples.
pub(crate) fn ada() -> UserId {
    UserId::parse("ada").unwrap()
}

fn family_id() -> TokenFamilyId {
    TokenFamilyId::parse("family").unwrap()
}
