//! Reading `application/x-www-form-urlencoded` pairs, so that a doubled parameter is seen (RFC 6749 §3.1, §3.2).

use axum::http::{HeaderMap, header};

/// Longest form body or query that is read, in bytes (A56, C64).
pub const MAX_FORM_BYTES: usize = 64 * 1_024;
/// Most parameters of one form (A56, C64).
pub const MAX_PARAMETERS: usize = 100;

/// Why a body is not a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Another media type.
    #[error("the body must be `application/x-www-form-urlencoded`")]
    MediaType,
    /// In a content coding.
    #[error("the body must stand as it is, without a `Content-Encoding`")]
    Coded,
    /// A query that is longer than is read.
    #[error("the address is longer than is read here")]
    AddressTooLong,
    /// Longer than [`MAX_FORM_BYTES`].
    #[error("the form is longer than {MAX_FORM_BYTES} bytes")]
    TooLong,
    /// More than [`MAX_PARAMETERS`].
    #[error("the form has more than {MAX_PARAMETERS} parameters")]
    TooMany,
    /// Not UTF-8 after decoding.
    #[error("the form is not UTF-8 text")]
    Encoding,
    /// RFC 6749 §3.1, §3.2: parameters must not be included more than once.
    #[error("parameter `{0}` is given more than once")]
    Doubled(String),
}

/// Name and value pairs of a form or query, in order, without those whose value is empty (RFC 6749 §3.1: they are
/// treated as absent).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a form post; the media type must be the form's, in UTF-8.
    pub fn from_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, FormError> {
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(media_type), None) = (types.next(), types.next()) else { return Err(FormError::MediaType) };
        if !media_type.to_str().is_ok_and(is_form) {
            return Err(FormError::MediaType);
        }
        // RFC 9110 §8.4: nothing is decoded, so what is encoded would be read as something else
        if headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(FormError::Coded);
        }
        Self::parse(body)
    }

    /// Reads a query string or a form body.
    pub fn parse(text: &[u8]) -> Result<Self, FormError> {
        if text.len() > MAX_FORM_BYTES {
            return Err(FormError::TooLong);
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text).into_owned().collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(FormError::TooMany);
        }
        // the decoder writes U+FFFD for what is not UTF-8; a client that really sends it gains nothing
        if pairs.iter().any(|(name, value)| name.contains('\u{FFFD}') || value.contains('\u{FFFD}')) {
            return Err(FormError::Encoding);
        }
        Ok(Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// The value of `name`, or `None` when it is absent or empty; an error when it is given twice.
    pub fn one(&self, name: &str) -> Result<Option<&str>, FormError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(FormError::Doubled(name.to_owned())),
            (value, None) => Ok(value),
        }
    }

    /// Every value of `name`: check boxes of our own pages.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// All pairs in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn is_form(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        && parts.all(|parameter| {
            // RFC 9110 §8.3.1: with quotes and without is the same
            let is_utf_8 =
                ["charset=utf-8", "charset=\"utf-8\""].iter().any(|utf_8| parameter.eq_ignore_ascii_case(utf_8));
            parameter.is_empty() || is_utf_8
        })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn c03_a_doubled_parameter_is_named() {
        let form = Form::parse(b"code=a&code=b").unwrap();
        assert_eq!(form.one("code").unwrap_err().to_string(), "parameter `code` is given more than once");
    }

    #[test]
    fn a13_a_parameter_without_value_is_absent() {
        let form = Form::parse(b"scope=&state=x").unwrap();
        assert_eq!((form.one("scope"), form.one("state")), (Ok(None), Ok(Some("x"))));
    }

    #[test]
    fn c02_only_forms_in_utf_8_are_read() {
        let read = |media_type: &str| {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_str(media_type).unwrap())].into_iter().collect();
            Form::from_body(&headers, b"a=b").is_ok()
        };
        assert!(read("application/x-www-form-urlencoded") && read("application/x-www-form-urlencoded; charset=UTF-8"));
        assert!(read("application/x-www-form-urlencoded;charset=\"utf-8\""));
        assert!(!read("application/json") && !read("multipart/form-data; boundary=x") && !read("text/plain"));
        assert!(
            !read("application/x-www-form-urlencoded; charset=utf-16")
                && Form::from_body(&HeaderMap::new(), b"").is_err()
        );
    }

    #[test]
    fn c02_a_form_in_a_content_coding_is_not_read() {
        let read = |coding: &'static str| {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            let coding = HeaderValue::from_static(coding);
            let headers = [(header::CONTENT_TYPE, form), (header::CONTENT_ENCODING, coding)].into_iter().collect();
            Form::from_body(&headers, b"a=b").map(|_| ())
        };
        assert_eq!((read("gzip"), read("identity")), (Err(FormError::Coded), Ok(())));
    }

    #[test]
    fn c64_absurd_forms_are_refused() {
        assert_eq!(Form::parse(&vec![b'a'; MAX_FORM_BYTES + 1]), Err(FormError::TooLong));
        assert_eq!(Form::parse("a=b&".repeat(101).as_bytes()), Err(FormError::TooMany));
        assert_eq!(Form::parse(b"a=%FF"), Err(FormError::Encoding));
    }
}
