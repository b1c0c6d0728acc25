//! The authorization code grant (RFC 6749 §4.1, RFC 7636).

use countersign_decision::Scope;

use crate::id::{ClientId, OrganizationId, TokenFamilyId, UserId};
use crate::secret::Digest;
use crate::time::Timestamp;

/// Life of a code, in seconds (RFC 6749 §4.1.2: ten minutes at most; FAPI 2.0: 60 seconds).
pub const CODE_TTL_SECONDS: i64 = 60;

/// What is kept of an authorization code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// Digest of the code.
    pub digest: Digest,
    /// The user's organization.
    pub organization: OrganizationId,
    /// The client it was issued to; nobody else can redeem it.
    pub client: ClientId,
    /// Who signed in.
    pub user: UserId,
    /// The family that its tokens will belong to, so that a replay can end them.
    pub family: TokenFamilyId,
    /// The redirect URI of the authorization request, as it was sent; `None` when it was left out.
    pub redirect_uri: Option<String>,
    /// The S256 challenge of the authorization request (RFC 7636 §4.2), 43 characters.
    pub code_challenge: Option<String>,
    /// The ceiling of the tokens; `None`: they follow the authorization as it changes.
    pub ceiling: Option<Vec<Scope>>,
    /// When the user proved who they are.
    pub authenticated_at: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}
