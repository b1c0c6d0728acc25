//! An OAuth client: what people call an app. Registered by one organization, usable in others that authorize it.

pub mod document;
pub mod document_address;
pub mod freshness;
pub mod metadata;
pub mod uri;

use countersign_decision::Scope;
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, OrganizationId};
use crate::oauth::grant::device_code::DEVICE_CODE_GRANT;
use crate::oauth::grant::jwt_bearer::JWT_BEARER_GRANT;
use crate::time::Timestamp;

pub use metadata::{AccessTokenFormat, AuthMethod, ClientMetadata};

/// A registered OAuth client (RFC 6749 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Unique over all organizations.
    pub id: ClientId,
    /// The organization that registered it.
    pub organization: OrganizationId,
    /// Name for people, shown on consent and approval pages.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it may send as `grant_type`; `refresh_token` decides whether codes come with a refresh token.
    pub grant_types: Vec<GrantType>,
    /// Compared as whole strings (RFC 9700 §2.1), validated when registered.
    pub redirect_uris: Vec<String>,
    /// What the app asks for; never part of a decision.
    pub scopes: Vec<Scope>,
    /// Whether it can prove who it is (RFC 6749 §2.1): by a secret, or by a key or certificate of its metadata.
    pub is_confidential: bool,
    /// Whether codes need PKCE; only confidential clients can have `false`.
    pub pkce_required: bool,
    /// Life of its access tokens, 300 to 172,800 seconds.
    pub token_ttl_seconds: i64,
    /// What else it registered.
    pub metadata: ClientMetadata,
    /// Only active clients get tokens and only their tokens are live.
    pub state: ClientState,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Who registered it: a user or client id.
    pub created_by: Option<String>,
    /// When it was last edited.
    pub modified_at: Timestamp,
    /// Who last edited it: a user or client id.
    pub modified_by: Option<String>,
}

impl Client {
    /// Whether the client was registered for `grant_type`.
    pub fn has_grant(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether it proves who it is by a secret: then it can get a new one.
    pub fn authenticates_by_secret(&self) -> bool {
        self.is_confidential && !self.metadata.token_endpoint_auth_method.is_some_and(AuthMethod::is_by_key)
    }
}

/// The id of the built-in console: an ordinary public client of the
/// [`PLATFORM_ORGANIZATION`](crate::organization::PLATFORM_ORGANIZATION).
pub const CONSOLE_CLIENT: &str = "countersign-console";

/// Shortest life of an access token that a client can have, in seconds (contract: `accessTokenValiditySeconds`).
pub const MIN_TOKEN_TTL_SECONDS: i64 = 300;
/// Longest life of an access token that a client can have, in seconds.
pub const MAX_TOKEN_TTL_SECONDS: i64 = 172_800;
/// Life of an access token where the registration names none, in seconds.
pub const DEFAULT_TOKEN_TTL_SECONDS: i64 = 86_400;

/// The life cycle of a client, in Genesys' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientState {
    /// Gets tokens; its tokens are live.
    Active,
    /// Its tokens are dead and it gets none.
    Disabled,
    /// Gets no tokens and may be deleted.
    Inactive,
}

impl ClientState {
    /// `active`, `disabled` or `inactive`: on the wire and in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Inactive => "inactive",
        }
    }

    /// The state of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled, Self::Inactive].into_iter().find(|state| state.as_str() == text)
    }
}

/// The grant types that a client can be registered for (names as in the world file).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum GrantType {
    /// RFC 6749 §4.1
    AuthorizationCode,
    /// RFC 6749 §6
    RefreshToken,
    /// RFC 6749 §4.4
    ClientCredentials,
    /// RFC 8628
    DeviceCode,
    /// RFC 8693
    TokenExchange,
    /// RFC 7522
    Saml2Bearer,
    /// RFC 7523 §2.1
    JwtBearer,
}

/// A text that is no grant type's short name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a grant type")]
pub struct UnknownGrantType(String);

impl TryFrom<String> for GrantType {
    type Error = UnknownGrantType;
    fn try_from(text: String) -> Result<Self, UnknownGrantType> {
        Self::parse(&text).ok_or(UnknownGrantType(text))
    }
}

impl From<GrantType> for &'static str {
    fn from(grant_type: GrantType) -> Self {
        grant_type.as_str()
    }
}

impl GrantType {
    /// Every grant type that can be registered.
    pub const ALL: [Self; 7] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::Saml2Bearer,
        Self::JwtBearer,
    ];

    /// The short name: in the world file and in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "device_code",
            Self::TokenExchange => "token_exchange",
            Self::Saml2Bearer => "saml2_bearer",
            Self::JwtBearer => "jwt_bearer",
        }
    }

    /// What stands in `grant_type` and in metadata (RFC 7591 §2).
    pub const fn uri(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => DEVICE_CODE_GRANT,
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Saml2Bearer => "urn:ietf:params:oauth:grant-type:saml2-bearer",
            Self::JwtBearer => JWT_BEARER_GRANT,
        }
    }

    /// The grant type of that short name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant_type| grant_type.as_str() == text)
    }
}
