//! Shapes on the wire: what requests hold and answers show, in the words of Genesys Cloud (`api/platform.openapi.yaml`).
//!
//! One file for each noun. Nothing here decides anything; a field that is `None` is left out.

pub mod authorization;
pub mod client;
pub mod division;
pub mod organization;
pub mod paging;
pub mod permission;
pub mod registration_token;
pub mod role;
pub mod scope;
pub mod subject;
pub mod token;
pub mod usage;
pub mod user;
pub mod user_search;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// A pointer to an object (`DomainEntityRef`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityRef {
    /// Which one.
    pub id: String,
    /// Its name, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where to read it, where it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_uri: Option<String>,
}

/// Id and name of an object (`NamedEntity`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedEntity {
    /// Which one.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The address of the object `id` below `collection`, as `selfUri` shows it.
pub fn self_uri(collection: &str, id: &str) -> String {
    format!("/api/v2/{collection}/{}", utf8_percent_encode(id, PATH_SEGMENT))
}

/// RFC 3986 §3.3: what stands in a path segment as it is, the colon of `users:readonly` included.
const PATH_SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'*');
