//! What can be told about a person (OpenID Connect Core §5.1), and the `claims` parameter that names it (§5.5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::error::ErrorCode;
use crate::oauth::openid::protocol_scope::ProtocolScope;
use crate::oauth::strict_json;
use crate::user::User;

/// A standard claim that we can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimName {
    /// The name for people.
    Name,
    /// When the person's record was last edited.
    UpdatedAt,
    /// The address.
    Email,
    /// Whether we saw that the person reads mail sent there.
    EmailVerified,
}

impl ClaimName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Name, Self::UpdatedAt, Self::Email, Self::EmailVerified];

    /// The name of the member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::UpdatedAt => "updated_at",
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
        }
    }

    /// The scope that would allow it: what the person is asked for where only the claim is named.
    pub fn scope(self) -> ProtocolScope {
        let covers = |scope: &ProtocolScope| scope.claims().contains(&self);
        ProtocolScope::ALL.into_iter().find(covers).unwrap_or(ProtocolScope::OpenId)
    }
}

/// Claims of one person, as far as they may be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PersonClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

impl PersonClaims {
    /// Those of `user` that are `wanted`.
    pub fn of(user: &User, wanted: &[ClaimName]) -> Self {
        let is_wanted = |name| wanted.contains(&name);
        Self {
            name: is_wanted(ClaimName::Name).then(|| user.name.clone()),
            updated_at: is_wanted(ClaimName::UpdatedAt).then(|| user.modified_at.as_seconds()),
            email: is_wanted(ClaimName::Email).then(|| user.email.to_string()),
            // Administrators write addresses; nobody has proven to read there.
            email_verified: is_wanted(ClaimName::EmailVerified).then_some(false),
        }
    }
}

/// The `claims` parameter (OpenID Connect Core §5.5), as far as we can follow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    /// What UserInfo is to tell besides what the scopes allow.
    pub userinfo: Vec<ClaimName>,
    /// What the ID token is to tell.
    pub id_token: Vec<ClaimName>,
    /// §5.5.1: the only person that the answer may be about.
    pub subject: Option<String>,
    /// §5.5.1.1: the only ways of signing in that will do; empty: any.
    pub essential_acr: Vec<String>,
}

impl ClaimsRequest {
    /// Reads the parameter. Claims that we do not know are ignored (§5.5.1).
    ///
    /// # Errors
    /// When it is not a JSON object of objects, each name once, or the person or the ways of signing in are not named by text:
    /// what binds the answer is never passed over.
    pub fn parse(text: &str) -> Result<Self, (ErrorCode, String)> {
        let malformed = || {
            let rule = "`claims` must be a JSON object with `userinfo` or `id_token`, each an object of claims, \
                        each name once; the values of `sub` and `acr` are texts";
            (ErrorCode::InvalidRequest, rule.to_owned())
        };
        let members = strict_json::object(text.as_bytes()).ok_or_else(malformed)?;
        let section = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(claims)) => Ok(Some(claims)),
            Some(_) => Err(malformed()),
        };
        let (userinfo, id_token) = (section("userinfo")?, section("id_token")?);
        let named = |claims: Option<&serde_json::Map<String, Value>>| {
            let is_named = |name: &ClaimName| claims.is_some_and(|claims| claims.contains_key(name.as_str()));
            ClaimName::ALL.into_iter().filter(is_named).collect()
        };
        let subject = [userinfo, id_token].into_iter().flatten().find_map(|claims| claims.get("sub")?.get("value"));
        let acr = id_token.and_then(|claims| claims.get("acr")).filter(|acr| acr["essential"] == true);
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(malformed);
        let several = acr.and_then(|acr| acr.get("values")).map(|values| values.as_array().ok_or_else(malformed));
        let several = several.transpose()?.map(Vec::as_slice).unwrap_or_default();
        let essential_acr = several.iter().chain(acr.and_then(|acr| acr.get("value"))).map(text);
        Ok(Self {
            userinfo: named(userinfo),
            id_token: named(id_token),
            subject: subject.map(text).transpose()?,
            essential_acr: essential_acr.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_by_section_and_unknown_ones_ignored() {
        let text = r#"{"userinfo":{"name":{"essential":true},"picture":null},
                       "id_token":{"email":null,"sub":{"value":"ada"},"acr":{"essential":true,"values":["a","b"]}},
                       "other":1}"#;
        let read = ClaimsRequest::parse(text).unwrap();
        assert_eq!((read.userinfo, read.id_token), (vec![ClaimName::Name], vec![ClaimName::Email]));
        assert_eq!((read.subject.as_deref(), read.essential_acr), (Some("ada"), vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_voluntary_acr_binds_nothing() {
        let read = ClaimsRequest::parse(r#"{"id_token":{"acr":{"values":["a"]}}}"#).unwrap();
        assert_eq!(read, ClaimsRequest::default());
    }

    #[test]
    fn what_is_no_object_of_objects_is_refused() {
        for text in [
            "",
            "x",
            "[]",
            "1",
            r#"{"userinfo":[]}"#,
            r#"{"id_token":"name"}"#,
            r#"{"id_token":{"sub":{"value":"ada"}},"id_token":{}}"#,
            r#"{"id_token":{"sub":{"value":1}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":"a"}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":["a",1]}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"value":["a"]}}}"#,
        ] {
            assert_eq!(ClaimsRequest::parse(text).unwrap_err().0, ErrorCode::InvalidRequest, "{text}");
        }
    }

    #[test]
    fn every_claim_has_a_scope_that_a_person_can_be_asked_for() {
        for name in ClaimName::ALL {
            assert!(name.scope().claims().contains(&name), "{name:?}");
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
    }
}
