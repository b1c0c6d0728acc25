//! Operations: one method and one path template of a contract, with what a call needs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::requirement::Requirement;
use crate::step_up::StepUp;

/// One operation of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The contract's operationId, or `METHOD path` where it states none. Unique in its contract.
    pub id: String,
    /// The method.
    pub method: Method,
    /// The path template, such as `/api/v2/users/{userId}`.
    pub path: String,
    /// The contract's tags, without doubles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Whether the contract advises against calling it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// What a call needs.
    pub requirement: Requirement,
    /// What it asks of the person's sign-in. It is about the token and not about what is allowed: whoever reads tokens looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_up: Option<StepUp>,
    /// Where the contract says so.
    pub source: Location,
}

/// A place in a contract file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file as it was named to the importer.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// The methods that a contract can describe. `CONNECT` and `TRACE` are never forwarded and have no place here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`; decides `HEAD` too where the contract has no operation for it.
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
}

/// The text is not a method that a contract can describe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a method: GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS are, in capitals")]
pub struct UnknownMethod(pub String);

impl Method {
    /// All methods, in the order in which lists show them.
    pub const ALL: [Self; 7] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// The method as it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// The method with this name. RFC 9110 §9.1: methods are case-sensitive, so `get` names none.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            _ => return None,
        })
    }

    /// Whether a call with this method is meant to change something (RFC 9110 §9.2.1 calls the others safe).
    pub fn is_mutating(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch | Self::Delete)
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        Self::named(text).ok_or_else(|| UnknownMethod(text.to_owned()))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_in_capitals_only() {
        for method in Method::ALL {
            assert_eq!(method.as_str().parse::<Method>(), Ok(method));
        }
        for bad in ["get", "Get", "FOO", "TRACE", "CONNECT", "PATCHX", "", " GET"] {
            assert!(bad.parse::<Method>().is_err(), "{bad:?}");
        }
    }
}
