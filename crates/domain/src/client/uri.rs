//! Addresses that a client registers: checked when they are read, so that none that a browser would run can be kept (A06).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::oauth::redirect_uri::{InvalidUri, validate_page, validate_registered};

/// Declares a text that is an address only after its check.
macro_rules! address {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The address as it was registered.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidUri;
            fn try_from(text: String) -> Result<Self, InvalidUri> {
                $check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(uri: $name) -> Self {
                uri.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

address! {
    /// An `https` page or endpoint of the client; `http` only on a loopback host.
    PageUri, validate_page
}

address! {
    /// Where a browser is sent back to the client: the rules of redirect URIs.
    ReturnUri, validate_registered
}
