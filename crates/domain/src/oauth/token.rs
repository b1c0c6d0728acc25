//! What is kept of access and refresh tokens (RFC 6749 §1.4, §1.5). The token itself is kept nowhere.

use countersign_decision::Scope;

use crate::id::{ClientId, OrganizationId, TokenFamilyId, UserId};
use crate::secret::Digest;
use crate::time::Timestamp;

/// Whom a token acts for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TokenSubject {
    /// A person, through the client.
    User(UserId),
    /// The client itself (RFC 6749 §4.4).
    Client,
}

/// All tokens that descend from one code redemption or one client-credentials call; they die together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFamily {
    /// Made by us.
    pub id: TokenFamilyId,
    /// The organization that the tokens act in.
    pub organization: OrganizationId,
    /// The client that the tokens were issued to.
    pub client: ClientId,
    /// Whom they act for.
    pub subject: TokenSubject,
    /// The most that the tokens may ask for; `None`: they follow the authorization as it changes.
    pub ceiling: Option<Vec<Scope>>,
    /// When the first token was issued.
    pub created_at: Timestamp,
}

/// What is kept of an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Digest of the token.
    pub digest: Digest,
    /// The family it dies with.
    pub family: TokenFamilyId,
    /// This token's own ceiling: the family's or less.
    pub ceiling: Option<Vec<Scope>>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What is kept of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Digest of the token.
    pub digest: Digest,
    /// The family it dies with.
    pub family: TokenFamilyId,
    /// 0 for the first of the family, one more with each rotation.
    pub generation: i64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it was first used and replaced by a successor; `None` while it is the newest.
    pub rotated_at: Option<Timestamp>,
    /// When it ends if it is not used.
    pub expires_at: Timestamp,
}
