//! The shape of a world file: which keys there are and what stands behind them. What the values mean, and whether they
//! fit together, is checked afterwards, so that one run names every mistake.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Error, Options, Spanned};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldFile {
    pub(super) organizations: Vec<Spanned<Organization>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organization {
    pub(super) id: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) scope_enforcement: Option<Spanned<String>>,
    pub(super) bounds_client_credentials: Option<bool>,
    pub(super) divisions: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) roles: Option<Vec<Spanned<Role>>>,
    pub(super) users: Option<Vec<Spanned<User>>>,
    pub(super) clients: Option<Vec<Spanned<Client>>>,
    pub(super) authorizations: Option<Vec<Spanned<Authorization>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub(super) name: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) permissions: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) email: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) password: Option<Spanned<String>>,
    pub(super) password_hash: Option<Spanned<String>>,
    pub(super) state: Option<Spanned<String>>,
    pub(super) roles: Option<Vec<Spanned<Assignment>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) id: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) description: Option<String>,
    pub(super) grant_types: Option<Vec<Spanned<String>>>,
    pub(super) redirect_uris: Option<Vec<Spanned<String>>>,
    pub(super) secret: Option<Spanned<String>>,
    pub(super) scopes: Option<Vec<Spanned<String>>>,
    pub(super) roles: Option<Vec<Spanned<Assignment>>>,
    pub(super) token_ttl_seconds: Option<Spanned<i64>>,
    pub(super) pkce_required: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorization {
    pub(super) client: Option<Spanned<String>>,
    pub(super) scopes: Option<Vec<Spanned<String>>>,
    pub(super) roles: Option<Vec<Spanned<String>>>,
    pub(super) state: Option<Spanned<String>>,
}

/// `name`, or `{role: name, division: Sales}`.
pub(super) struct Assignment {
    pub(super) role: Option<String>,
    pub(super) division: Option<Spanned<String>>,
}

/// Reads the shape of a world file; the error is the first line that does not fit, and why.
pub(super) fn read(text: &str) -> Result<WorldFile, (u32, String)> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let error = error.without_snippet();
        let line = error.location().map_or(1, |location| location.line());
        (u32::try_from(line.max(1)).unwrap_or(u32::MAX), describe(error))
    })
}

/// A world is the operator's own file and may be large; what an alias may blow up stays limited.
fn options() -> Options {
    let budget = serde_saphyr::budget! {
        max_events: usize::MAX,
        max_nodes: usize::MAX,
        max_total_scalar_bytes: usize::MAX,
        max_total_comment_bytes: usize::MAX,
    };
    serde_saphyr::options! { budget: budget, strict_booleans: true }
}

/// The reader's errors in the words of the file's author.
fn describe(error: &Error) -> String {
    match error {
        Error::Eof { .. } => "the file is empty: a world begins with `organizations:`".to_owned(),
        Error::MultipleDocuments { .. } => "a second YAML document begins here: a world is one document".to_owned(),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("`{field}` is not a key here: the keys are {}", in_ticks(expected))
        }
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is given twice: keep one"),
        Error::NullIntoString { .. } => "there is no value here: a text is expected".to_owned(),
        Error::InvalidScalar { ty, .. } if ty.starts_with(['i', 'u']) => "a whole number is expected here".to_owned(),
        Error::InvalidBooleanStrict { .. } => "`true` or `false` is expected here".to_owned(),
        Error::Unexpected { expected, .. } => match *expected {
            "sequence start" => "a list is expected here".to_owned(),
            "mapping start" => "keys with values are expected here".to_owned(),
            "string scalar" => "a text is expected here".to_owned(),
            other => format!("{other} is expected here"),
        },
        Error::AliasError { error, .. } => describe(error),
        other => {
            let text = other.to_string();
            text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
        }
    }
}

fn in_ticks(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl<'de> Deserialize<'de> for Assignment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AssignmentVisitor)
    }
}

struct AssignmentVisitor;

impl<'de> Visitor<'de> for AssignmentVisitor {
    type Value = Assignment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a role as text, or {role: name, division: name}")
    }

    fn visit_str<E>(self, name: &str) -> Result<Assignment, E> {
        Ok(Assignment { role: Some(name.to_owned()), division: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Assignment, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct InDivision {
            role: Option<String>,
            division: Option<Spanned<String>>,
        }
        let InDivision { role, division } = InDivision::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Assignment { role, division })
    }
}
