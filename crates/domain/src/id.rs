//! Identifiers. All are made by us (UUID version 7 text) but the organization's, which is a slug that people choose.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::client::document_address;
use crate::entropy::{Entropy, random_bytes};
use crate::time::Timestamp;

/// Text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {kind}: {rule}")]
pub struct InvalidId {
    given: String,
    kind: &'static str,
    rule: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new identifier, ordered by `now`, never given out before.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// Reads an identifier: 1 to 128 unreserved characters (RFC 3986 §2.3).
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let is_valid = !text.is_empty() && text.len() <= 128 && text.bytes().all(is_unreserved);
                let rule = "it must be 1 to 128 letters, digits, `-`, `.`, `_` or `~`";
                if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidId { given: text.to_owned(), kind: $kind, rule }) }
            }
        }

        id_text!($name);
    };
}

macro_rules! id_text {
    ($name:ident) => {
        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(/** A person in an organization. */ UserId, "a user id");
id!(/** A role of one organization. */ RoleId, "a role id");
id!(/** A division of one organization. */ DivisionId, "a division id");
id!(/** All tokens that descend from one code redemption or one client-credentials call. */ TokenFamilyId, "a token family id");
id!(/** One sign-in of a browser, as clients know it (`sid`). */ SessionId, "a session id");
id!(/** One initial access token of client registration. */ InitialTokenId, "a registration token id");
id!(/** One sign-out that an app has yet to hear of. */ NoticeId, "a notice id");
id!(/** One audit record. */ AuditId, "an audit id");
id!(/** One request for approval. */ RequestId, "a request id");

/// An OAuth client, unique over all organizations. Of a client that is known by its document, the document's address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    /// A new identifier, ordered by `now`, never given out before. It never begins with `https://` (client id metadata
    /// documents §6.10).
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self(uuid_v7(now, entropy))
    }

    /// Reads an identifier: 1 to 128 unreserved characters, or the address of a document.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let rule = match document_address::looks_like_one(text) {
            true => document_address::check(text).err(),
            false if !text.is_empty() && text.len() <= 128 && text.bytes().all(is_unreserved) => None,
            false => Some("it must be 1 to 128 letters, digits, `-`, `.`, `_` or `~`"),
        };
        match rule {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(InvalidId { given: text.to_owned(), kind: "a client id", rule }),
        }
    }

    /// The address of the document that the client is known by; `None` for a registered client.
    pub fn document_address(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| document_address::looks_like_one(text))
    }

    /// Reads one segment of a path: an identifier, or `~` and the address of a document in base64url, because a segment holds no `/`.
    pub fn of_segment(segment: &str) -> Result<Self, InvalidId> {
        let address = segment.strip_prefix('~').and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
        match address
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|text| document_address::looks_like_one(text))
        {
            Some(address) => Self::parse(&address),
            None => Self::parse(segment),
        }
    }

    /// The identifier as one segment of a path.
    pub fn segment(&self) -> String {
        match self.document_address() {
            Some(address) => format!("~{}", URL_SAFE_NO_PAD.encode(address)),
            None => self.0.clone(),
        }
    }
}

id_text!(ClientId);

/// An organization's stable slug: `acme`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationId(String);

impl OrganizationId {
    /// Reads a slug: 1 to 63 lower-case letters, digits and inner hyphens, as in a host name label.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let is_valid = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        let rule = "it must be 1 to 63 lower-case letters, digits or inner hyphens";
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { given: text.to_owned(), kind: "an organization id", rule })
        }
    }
}

id_text!(OrganizationId);

/// RFC 9562 §5.7: 48 bit of milliseconds, then random bits.
fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> String {
    let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random_bytes(entropy)).into_uuid().to_string()
}

/// RFC 3986 §2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn ids_made_later_sort_later() {
        let entropy = SeededEntropy::new(1);
        let early = UserId::generate(Timestamp::from_seconds(1_000), &entropy);
        let late = UserId::generate(Timestamp::from_seconds(1_001), &entropy);
        assert!(early < late);
    }

    #[test]
    fn an_id_with_a_slash_is_refused_with_the_rule() {
        let error = ClientId::parse("a/b").unwrap_err().to_string();
        assert_eq!(error, "`a/b` is not a client id: it must be 1 to 128 letters, digits, `-`, `.`, `_` or `~`");
    }

    #[test]
    fn e20_made_ids_never_look_like_the_address_of_a_document() {
        for seed in 0..100 {
            let id = ClientId::generate(Timestamp::from_seconds(1_000), &SeededEntropy::new(seed));
            assert_eq!((id.document_address(), id.as_str().contains(':')), (None, false));
        }
    }

    #[test]
    fn a_document_address_is_one_segment_of_a_path() {
        let id = ClientId::parse("https://app.example/client.json").unwrap();
        assert!(id.segment().bytes().all(is_unreserved));
        assert_eq!(ClientId::of_segment(&id.segment()).unwrap(), id);
        assert_eq!(ClientId::of_segment("roster").unwrap().segment(), "roster");
        assert_eq!(ClientId::of_segment("~x").unwrap().as_str(), "~x");
    }

    #[test]
    fn an_organization_id_is_a_slug() {
        assert!(OrganizationId::parse("acme-2").is_ok());
        for bad in ["", "Acme", "-acme", "acme-", "ac_me", "acmé"] {
            assert!(OrganizationId::parse(bad).is_err(), "{bad}");
        }
    }
}
