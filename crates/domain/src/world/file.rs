//! The shape of a world file: which keys there are and what stands behind them. What the values mean, and whether they
//! fit together, is checked afterwards, so that one run names every mistake.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use crate::client::ClientMetadata;
use crate::oauth::jwk::JwkSet;
use crate::yaml;

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
    pub(super) assertion_issuers: Option<Vec<Spanned<AssertionIssuer>>>,
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
    pub(super) metadata: Option<Spanned<ClientMetadata>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorization {
    pub(super) client: Option<Spanned<String>>,
    pub(super) scopes: Option<Vec<Spanned<String>>>,
    pub(super) roles: Option<Vec<Spanned<String>>>,
    pub(super) state: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssertionIssuer {
    pub(super) issuer: Option<Spanned<String>>,
    pub(super) jwks: Option<Spanned<JwkSet>>,
    pub(super) person_by: Option<Spanned<String>>,
    pub(super) people: Option<BTreeMap<String, Spanned<String>>>,
}

/// `name`, or `{role: name, division: Sales}`.
pub(super) struct Assignment {
    pub(super) role: Option<String>,
    pub(super) division: Option<Spanned<String>>,
}

/// Reads the shape of a world file; the error is the first line that does not fit, and why.
pub(super) fn read(text: &str) -> Result<WorldFile, (u32, String)> {
    yaml::read(text, "world", "organizations")
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
