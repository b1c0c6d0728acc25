//! Whose word an organization takes about its people (RFC 7523 §2.1): a registered issuer, its keys, and how what it says
//! leads to a person. Nobody is trusted who is not registered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::uri::PageUri;
use crate::id::{OrganizationId, UserId};
use crate::oauth::jwk::JwkSet;

/// An issuer that one organization trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionIssuer {
    /// The organization: another one may trust the same issuer, or another that calls itself the same.
    pub organization: OrganizationId,
    /// Compared with `iss` as a whole string.
    pub issuer: PageUri,
    /// What it signs with.
    pub jwks: JwkSet,
    /// How it names people.
    pub person_by: PersonBy,
    /// Its own names (`sub`) for people of the organization, where it uses some.
    pub people: BTreeMap<String, UserId>,
}

/// How an issuer names people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonBy {
    /// By the claim `email`, which it must not call unverified.
    Email,
    /// By `sub`, which is an e-mail address.
    SubEmail,
    /// By `sub`, which is its own name for somebody who is listed.
    ExternalId,
}

impl PersonBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::SubEmail, Self::ExternalId];

    /// The name: in the world file and in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::SubEmail => "sub_email",
            Self::ExternalId => "external_id",
        }
    }

    /// The way of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == text)
    }
}
