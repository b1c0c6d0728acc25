//! Resource indicators (RFC 8707): which APIs a token is for. A token that names none is for all of them.

use url::Url;

use crate::oauth::error::ErrorCode;
use crate::oauth::parameters::Parameters;

/// Most resources of one request.
pub const MAX_RESOURCES: usize = 10;

/// Why resources cannot be asked for (RFC 8707 §2: `invalid_target`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// RFC 8707 §2
    #[error("`resource` must be an absolute URI without fragment, {MAX_RESOURCES} at most")]
    Malformed,
    /// RFC 8707 §2
    #[error("`resource` or `audience` is none of the APIs here: their metadata (RFC 9728) say how they are called")]
    Unknown,
    /// RFC 8707 §2.2
    #[error("`resource` or `audience` is not one of those that what is presented is for")]
    NotGranted,
}

impl ResourceError {
    /// The code on the wire.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::InvalidTarget
    }
}

/// The resources that a request names, each once. Whether they are known is for the store to say.
///
/// # Errors
/// When one is malformed.
pub fn requested(parameters: &Parameters) -> Result<Vec<String>, ResourceError> {
    let mut resources: Vec<String> = Vec::new();
    for resource in parameters.values("resource") {
        // RFC 8707 §2: MUST be an absolute URI, MUST NOT include a fragment.
        if resource.contains('#') || Url::parse(resource).is_err() || resources.len() == MAX_RESOURCES {
            return Err(ResourceError::Malformed);
        }
        if !resources.iter().any(|known| known == resource) {
            resources.push(resource.to_owned());
        }
    }
    Ok(resources)
}

/// The same of a token exchange, where `audience` names an API too (RFC 8693 §2.1). APIs are called by their addresses here, so
/// both name the same things.
///
/// # Errors
/// When one is malformed.
pub fn requested_of_exchange(parameters: &Parameters) -> Result<Vec<String>, ResourceError> {
    let mut resources = requested(parameters)?;
    for audience in parameters.values("audience") {
        if resources.len() == MAX_RESOURCES {
            return Err(ResourceError::Malformed);
        }
        if !resources.iter().any(|known| known == audience) {
            resources.push(audience.to_owned());
        }
    }
    Ok(resources)
}

/// What an access token is for: what the token request names, as far as the authorization request named it (RFC 8707 §2.2);
/// whatever that named, where the token request names nothing. Empty: every API.
///
/// # Errors
/// When more is asked for than was granted.
pub fn audience(requested: &[String], granted: &[String]) -> Result<Vec<String>, ResourceError> {
    if requested.is_empty() {
        return Ok(granted.to_vec());
    }
    let is_granted = |resource: &String| granted.is_empty() || granted.contains(resource);
    if requested.iter().all(is_granted) { Ok(requested.to_vec()) } else { Err(ResourceError::NotGranted) }
}

/// Whether a token for `audience` may be used at `resource`.
pub fn is_for(audience: &[String], resource: &str) -> bool {
    audience.is_empty() || audience.iter().any(|named| named == resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "https://api.example";
    const FILES: &str = "https://files.example/v1";

    fn read(pairs: &[&str]) -> Result<Vec<String>, ResourceError> {
        let pairs = pairs.iter().map(|resource| ("resource".to_owned(), (*resource).to_owned())).collect();
        requested(&Parameters::new(pairs))
    }

    fn named(resources: &[&str]) -> Vec<String> {
        resources.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a53_a_relative_or_fragment_resource_is_refused() {
        assert_eq!(read(&["/api"]), Err(ResourceError::Malformed));
        assert_eq!(read(&["https://api.example#x"]), Err(ResourceError::Malformed));
        assert_eq!(read(&["https://api.example/"]), Ok(named(&["https://api.example/"])), "a name of its own");
        assert_eq!(read(&[API, FILES, API]), Ok(named(&[API, FILES])));
        assert_eq!(read(&["", ""]), Ok(Vec::new()), "a13: without value is absent");
        assert_eq!(ResourceError::Unknown.code().as_str(), "invalid_target");
    }

    #[test]
    fn c51_an_audience_of_an_exchange_is_another_name_of_a_resource() {
        let form = Parameters::from([("resource", API), ("audience", FILES), ("audience", API)]);
        assert_eq!(requested_of_exchange(&form), Ok(named(&[API, FILES])));
        assert_eq!(requested(&form), Ok(named(&[API])), "elsewhere it means nothing");
        let many = (0..=MAX_RESOURCES).map(|number| ("audience".to_owned(), format!("api {number}"))).collect();
        assert_eq!(requested_of_exchange(&Parameters::new(many)), Err(ResourceError::Malformed));
    }

    #[test]
    fn a54_of_several_resources_the_token_is_for_the_one_that_is_asked() {
        let granted = named(&[API, FILES]);
        assert_eq!(audience(&named(&[FILES]), &granted), Ok(named(&[FILES])));
        assert_eq!(audience(&[], &granted), Ok(granted));
        assert_eq!(audience(&named(&[API]), &[]), Ok(named(&[API])));
    }

    #[test]
    fn c53_a_resource_that_was_not_granted_is_refused() {
        assert_eq!(audience(&named(&[API, FILES]), &named(&[API])), Err(ResourceError::NotGranted));
    }

    #[test]
    fn a_token_is_used_where_it_is_for() {
        assert!(is_for(&[], API) && is_for(&named(&[FILES, API]), API) && !is_for(&named(&[FILES]), API));
    }
}
