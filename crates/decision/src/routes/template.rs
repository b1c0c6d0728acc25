//! Path templates: every segment is wholly literal or wholly a parameter.

use std::fmt;
use std::str::FromStr;

use super::bad_target::BadTarget;
use super::canonical::{MAX_SEGMENTS, canonicalise};

/// A path template such as `/api/v2/users/{userId}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Segment>);

/// One segment of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A text in canonical form that a request has to repeat.
    Literal(String),
    /// Any one segment; the name says nothing about the match.
    Parameter(String),
}

/// Why a text is not a path template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It does not begin with a slash.
    #[error("a path begins with `/`")]
    NotAbsolute,
    /// A segment is empty: no request may hold an empty segment, and one that ends in a slash matches nothing.
    #[error("an empty segment or a final slash matches no request")]
    EmptySegment,
    /// A segment mixes text and parameters.
    #[error("segment `{0}` mixes text and parameter: each segment is either, as in `/a/{{b}}`")]
    MixedSegment(String),
    /// A parameter without a name.
    #[error("a parameter has no name")]
    UnnamedParameter,
    /// More segments than a request may have.
    #[error("{0} segments, a request has at most {MAX_SEGMENTS}")]
    TooManySegments(usize),
    /// A literal that no request could repeat.
    #[error("segment `{segment}` can stand in no request: {cause}")]
    Literal {
        /// The segment.
        segment: String,
        /// What is wrong with it.
        cause: BadTarget,
    },
}

impl Template {
    /// The segments from left to right; none for `/`.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The template without the names of its parameters: two with the same shape match the same requests.
    pub fn shape(&self) -> String {
        let unnamed = |segment: &Segment| match segment {
            Segment::Literal(text) => format!("/{text}"),
            Segment::Parameter(_) => "/{}".to_owned(),
        };
        self.0.iter().map(unnamed).collect()
    }

    /// Whether a request with these canonical segments matches.
    pub fn matches<'t>(&self, target: impl Iterator<Item = &'t str>) -> bool {
        let mut target = target;
        let fits = self.0.iter().all(|segment| match (segment, target.next()) {
            (Segment::Literal(text), Some(asked)) => text == asked,
            (Segment::Parameter(_), Some(_)) => true,
            (_, None) => false,
        });
        fits && target.next().is_none()
    }

    /// Whether it has a literal segment somewhere where the other has a parameter.
    pub(super) fn has_literal_for_parameter(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        pairs.any(|pair| matches!(pair, (Segment::Literal(_), Segment::Parameter(_))))
    }
}

impl Segment {
    /// The text that a request has to repeat; nothing for a parameter.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Parameter(_) => None,
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let path = text.strip_prefix('/').ok_or(TemplateError::NotAbsolute)?;
        if path.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let count = path.split('/').count();
        if count > MAX_SEGMENTS {
            return Err(TemplateError::TooManySegments(count));
        }
        path.split('/').map(segment).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("/");
        }
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Literal(text) => write!(formatter, "/{text}"),
            Segment::Parameter(name) => write!(formatter, "/{{{name}}}"),
        })
    }
}

fn segment(text: &str) -> Result<Segment, TemplateError> {
    if text.is_empty() {
        return Err(TemplateError::EmptySegment);
    }
    if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return match name {
            "" => Err(TemplateError::UnnamedParameter),
            _ if name.contains(['{', '}']) => Err(TemplateError::MixedSegment(text.to_owned())),
            _ => Ok(Segment::Parameter(name.to_owned())),
        };
    }
    if text.contains(['{', '}']) {
        return Err(TemplateError::MixedSegment(text.to_owned()));
    }
    let refused = |cause| TemplateError::Literal { segment: text.to_owned(), cause };
    let target = format!("/{text}");
    let canonical = canonicalise(target.as_bytes()).map_err(refused)?;
    if canonical.query().is_some() {
        return Err(refused(BadTarget::query_in_template()));
    }
    Ok(Segment::Literal(canonical.segments().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_literals_or_parameters() {
        let template: Template = "/api/v2/users/{userId}".parse().unwrap();
        assert_eq!(template.to_string(), "/api/v2/users/{userId}");
        assert_eq!(template.segments().len(), 4);
        assert_eq!(template.segments()[3], Segment::Parameter("userId".into()));
    }

    #[test]
    fn literals_are_kept_in_canonical_form() {
        let template: Template = "/a%2dz/caf%c3%a9".parse().unwrap();
        assert_eq!(template.to_string(), "/a-z/caf%C3%A9");
    }

    #[test]
    fn templates_that_no_request_can_match_are_refused() {
        for bad in ["", "users", "/users/", "//", "/a//b", "/a/../b", "/a/%2F", "/a;b", "/a?b", "/a#b", "/é", "/a b"] {
            assert!(bad.parse::<Template>().is_err(), "{bad:?}");
        }
        for mixed in ["/a/{b}.json", "/a/x{b}", "/a/{b}{c}", "/a/{b", "/a/b}", "/a/{}"] {
            assert!(mixed.parse::<Template>().is_err(), "{mixed:?}");
        }
    }

    #[test]
    fn a_request_matches_segment_by_segment() {
        let template: Template = "/users/{id}/roles".parse().unwrap();
        let matches = |target: &str| template.matches(target.split('/'));
        assert!(matches("users/1/roles") && matches("users/roles/roles"));
        for other in ["users/1", "users/1/roles/2", "groups/1/roles", "users/1/role", "Users/1/roles"] {
            assert!(!matches(other), "{other}");
        }
    }

    #[test]
    fn as_many_segments_are_read_as_a_request_may_have() {
        let parsed = |segments: usize| "/a".repeat(segments).parse::<Template>();
        assert_eq!(parsed(MAX_SEGMENTS).unwrap().segments().len(), MAX_SEGMENTS);
        assert_eq!(parsed(MAX_SEGMENTS + 1), Err(TemplateError::TooManySegments(MAX_SEGMENTS + 1)));
    }

    #[test]
    fn the_root_has_no_segments() {
        let template: Template = "/".parse().unwrap();
        assert!(template.segments().is_empty());
        assert!(template.matches(std::iter::empty()));
        assert!(!template.matches(["a"].into_iter()));
    }
}
