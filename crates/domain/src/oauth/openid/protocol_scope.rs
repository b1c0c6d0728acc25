//! Scopes that mean something to the protocol and nothing to a contract (OpenID Connect Core §3.1.2.1, §5.4, §11).
//!
//! They are about the person, so the person is asked; no administrator approves them, and no decision about a call ever
//! sees them (`docs/decisions/0018-protocol-scopes.md`).

use countersign_decision::Scope;
use serde::{Deserialize, Serialize};

use crate::oauth::error::TokenError;
use crate::oauth::openid::claims::ClaimName;
use crate::oauth::scopes::parse_requested;

/// One of the scopes of OpenID Connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProtocolScope {
    /// An ID token, and UserInfo.
    #[serde(rename = "openid")]
    OpenId,
    /// The person's name.
    #[serde(rename = "profile")]
    Profile,
    /// The person's address.
    #[serde(rename = "email")]
    Email,
    /// To go on while the person is away; whether there is a refresh token is decided by the client's registration.
    #[serde(rename = "offline_access")]
    OfflineAccess,
}

impl ProtocolScope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OpenId, Self::Profile, Self::Email, Self::OfflineAccess];

    /// The name in `scope` parameters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::OfflineAccess => "offline_access",
        }
    }

    /// The scope of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// What it allows to be told (OpenID Connect Core §5.4), as far as we know it.
    pub const fn claims(self) -> &'static [ClaimName] {
        match self {
            Self::OpenId | Self::OfflineAccess => &[],
            Self::Profile => &[ClaimName::Name, ClaimName::UpdatedAt],
            Self::Email => &[ClaimName::Email, ClaimName::EmailVerified],
        }
    }

    /// What people read on the consent page.
    pub const fn description(self) -> &'static str {
        match self {
            Self::OpenId => "Know that it is you, each time you sign in",
            Self::Profile => "See your name",
            Self::Email => "See your e-mail address",
            Self::OfflineAccess => "Go on while you are away, until you or an administrator ends it",
        }
    }

    /// The same as a scope, where all scopes of a request stand in one list.
    pub fn to_scope(self) -> Scope {
        self.as_str().parse().expect("INVARIANT: the four names are scope-tokens")
    }
}

/// The scopes of a `scope` parameter, those of the protocol apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestedScopes {
    /// What the person is asked for.
    pub protocol: Vec<ProtocolScope>,
    /// What operations ask for.
    pub contract: Vec<Scope>,
}

impl RequestedScopes {
    /// Reads a `scope` parameter. Where a contract uses one of the protocol's names, the name is the contract's unless the
    /// request is one of OpenID Connect.
    ///
    /// # Errors
    /// When a part is malformed, or neither the protocol nor a loaded contract knows it.
    pub fn parse(text: &str, is_known: &dyn Fn(&Scope) -> bool) -> Result<Self, TokenError> {
        let is_openid = text.split(' ').any(|part| part == ProtocolScope::OpenId.as_str());
        let (mut protocol, mut rest) = (Vec::new(), Vec::new());
        for part in text.split(' ').filter(|part| !part.is_empty()) {
            match ProtocolScope::parse(part) {
                Some(scope) if is_openid || !is_known(&scope.to_scope()) => {
                    if !protocol.contains(&scope) {
                        protocol.push(scope);
                    }
                }
                _ => rest.push(part),
            }
        }
        let is_protocol_only = !protocol.is_empty() && rest.is_empty();
        let contract = if is_protocol_only { Vec::new() } else { parse_requested(&rest.join(" "), is_known)? };
        Ok(Self { protocol, contract })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::scopes;

    fn parse(text: &str) -> Result<RequestedScopes, TokenError> {
        RequestedScopes::parse(text, &|scope| ["users", "email"].contains(&scope.as_str()))
    }

    #[test]
    fn protocol_scopes_are_told_apart_from_those_of_contracts() {
        let both = parse("users openid profile openid").unwrap();
        assert_eq!(both.protocol, [ProtocolScope::OpenId, ProtocolScope::Profile]);
        assert_eq!(both.contract, scopes(&["users"]));
        assert_eq!(parse("openid").unwrap().contract, []);
    }

    #[test]
    fn a_name_that_a_contract_uses_is_the_contracts_outside_of_openid_connect() {
        assert_eq!(parse("email").unwrap().contract, scopes(&["email"]));
        assert_eq!(parse("openid email").unwrap().protocol, [ProtocolScope::OpenId, ProtocolScope::Email]);
    }

    #[test]
    fn a16_what_neither_knows_is_refused() {
        assert_eq!(parse("openid address"), Err(TokenError::UnknownScope("address".into())));
        assert_eq!(parse("openid us\"ers"), Err(TokenError::MalformedScope));
        assert_eq!(parse(" "), Err(TokenError::MalformedScope));
    }

    #[test]
    fn names_are_read_back_and_stored_under_the_same_name() {
        for scope in ProtocolScope::ALL {
            assert_eq!(ProtocolScope::parse(scope.as_str()), Some(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }
}
