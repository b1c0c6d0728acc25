//! Rich authorization requests (RFC 9396), as far as they are understood: no type is, so each is refused and never passed over.
//!
//! An app that asks for less than a scope would otherwise get all of it. What is understood, and why nothing yet:
//! docs/decisions/0032-no-authorization-details-yet.md.

use serde_json::Value;

use crate::oauth::error::{ErrorCode, quotable};
use crate::oauth::parameters::Parameters;
use crate::oauth::strict_json;

const PARAMETER: &str = "authorization_details";

/// Why `authorization_details` is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationDetailsError {
    /// RFC 9396 §2
    #[error("`authorization_details` must be a JSON array of objects, each with a text `type`")]
    Shape,
    /// RFC 9396 §5: the AS MUST refuse to process any unknown authorization details type.
    #[error("the `authorization_details` type `{0}` is not known here: ask for scopes")]
    UnknownType(String),
}

impl AuthorizationDetailsError {
    /// RFC 9396 §5, §6
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidAuthorizationDetails
    }
}

/// Refuses whatever stands in `authorization_details`; an empty parameter is none (RFC 6749 §3.1).
///
/// # Errors
/// The first thing that is wrong with it.
pub fn refuse_any(parameters: &Parameters) -> Result<(), AuthorizationDetailsError> {
    let Some(text) = parameters.value(PARAMETER) else { return Ok(()) };
    let details = strict_json::array(text.as_bytes()).ok_or(AuthorizationDetailsError::Shape)?;
    let types = details.iter().map(|detail| detail.get("type").and_then(Value::as_str));
    let types: Vec<&str> = types.collect::<Option<_>>().ok_or(AuthorizationDetailsError::Shape)?;
    match types.first() {
        Some(name) => Err(AuthorizationDetailsError::UnknownType(quotable(name))),
        // RFC 9396 §2: an array of nothing asks for nothing
        None => Err(AuthorizationDetailsError::Shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a51_unknown_types_and_wrong_shapes_are_told_apart_and_refused() {
        let read = |text: &str| refuse_any(&Parameters::from([("authorization_details", text)]));
        assert_eq!(read(""), Ok(()));
        let unknown = read(r#"[{"type":"payment_initiation","actions":["initiate"]}]"#).unwrap_err();
        assert_eq!(unknown, AuthorizationDetailsError::UnknownType("payment_initiation".to_owned()));
        assert_eq!(unknown.code().as_str(), "invalid_authorization_details");
        for bad in
            ["{}", "5", "[5]", "[{}]", r#"[{"type":5}]"#, "[", r#"[{"type":"a","type":"b"}]"#, "[]", r#"{"type":"a"}"#]
        {
            assert_eq!(read(bad), Err(AuthorizationDetailsError::Shape), "{bad}");
        }
    }
}
