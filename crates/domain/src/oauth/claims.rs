//! The claims of a verified token (RFC 7519 §4), read by type: what is there in another type is an error, never absent.

use serde_json::{Map, Value};

use crate::time::Timestamp;

/// How far clocks may differ, in seconds (RFC 7519 §4.1.4: a small leeway).
pub const CLOCK_SKEW_SECONDS: i64 = 60;

/// The claims of a token whose signature has been verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

/// Why claims do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Absent, or there in another type.
    #[error("its `{0}` is missing, or not of the claim's type")]
    Missing(&'static str),
    /// RFC 7519 §4.1.4
    #[error("it has expired")]
    Expired,
    /// RFC 7519 §4.1.5, §4.1.6
    #[error("its `{0}` lies in the future")]
    Future(&'static str),
    /// It is good for longer than such a token may be.
    #[error("its `{0}` is too far away: such a token lives for minutes")]
    TooFar(&'static str),
    /// Another value than the one that must stand there.
    #[error("its `{0}` is not the one that belongs there")]
    Wrong(&'static str),
}

impl Claims {
    /// Claims whose signature was verified.
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A text that must be there and must not be empty.
    pub fn text(&self, name: &'static str) -> Result<&str, ClaimError> {
        let text = self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or(ClaimError::Missing(name))
    }

    /// A text that may be there.
    pub fn optional_text(&self, name: &'static str) -> Result<Option<&str>, ClaimError> {
        if self.0.contains_key(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    /// An instant that must be there: whole seconds since 1970, as a number (D04).
    pub fn instant(&self, name: &'static str) -> Result<Timestamp, ClaimError> {
        let seconds = self.0.get(name).and_then(Value::as_i64).filter(|seconds| (0..MAX_SECONDS).contains(seconds));
        seconds.map(Timestamp::from_seconds).ok_or(ClaimError::Missing(name))
    }

    /// An instant that may be there.
    pub fn optional_instant(&self, name: &'static str) -> Result<Option<Timestamp>, ClaimError> {
        if self.0.contains_key(name) { self.instant(name).map(Some) } else { Ok(None) }
    }

    /// RFC 7519 §4.1.3: `aud` as one text; `None` where it is a list.
    pub fn single_audience(&self) -> Option<&str> {
        self.0.get("aud").and_then(Value::as_str)
    }

    /// RFC 7519 §4.1.3: the only audience, as one text or as a list of one.
    pub fn only_audience(&self) -> Option<&str> {
        match self.0.get("aud") {
            Some(Value::Array(several)) if several.len() == 1 => several.first().and_then(Value::as_str),
            _ => self.single_audience(),
        }
    }

    /// One text or a list of texts that may be there.
    pub fn optional_texts(&self, name: &'static str) -> Result<Vec<String>, ClaimError> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let texts = match self.0.get(name) {
            None => Some(Vec::new()),
            Some(Value::Array(several)) => several.iter().map(text).collect(),
            Some(one) => text(one).map(|one| vec![one]),
        };
        texts.ok_or(ClaimError::Missing(name))
    }

    /// Whether anything but `true` stands there.
    pub fn is_false(&self, name: &'static str) -> bool {
        self.0.get(name).is_some_and(|value| *value != Value::Bool(true))
    }

    /// RFC 7519 §4.1.3: whether `aud`, one text or a list, names `audience`.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.0.get("aud") {
            Some(Value::String(only)) => only == audience,
            Some(Value::Array(several)) => {
                several.iter().all(Value::is_string) && several.iter().any(|one| one == audience)
            }
            _ => false,
        }
    }

    /// RFC 7519 §4.1.4 to §4.1.6: `exp` must be there, ahead, and at most `longest_seconds` away; `nbf` and `iat`, where they
    /// stand, must not lie ahead, nor `iat` further back than such a token lives.
    ///
    /// # Errors
    /// The first that is wrong. Gives `exp` otherwise.
    pub fn check_times(&self, longest_seconds: i64, now: Timestamp) -> Result<Timestamp, ClaimError> {
        let expires_at = self.instant("exp")?;
        if now >= expires_at.plus_seconds(CLOCK_SKEW_SECONDS) {
            return Err(ClaimError::Expired);
        }
        if expires_at > now.plus_seconds(longest_seconds + CLOCK_SKEW_SECONDS) {
            return Err(ClaimError::TooFar("exp"));
        }
        for name in ["nbf", "iat"] {
            if self.optional_instant(name)?.is_some_and(|at| at > now.plus_seconds(CLOCK_SKEW_SECONDS)) {
                return Err(ClaimError::Future(name));
            }
        }
        let oldest = now.plus_seconds(-(longest_seconds + CLOCK_SKEW_SECONDS));
        if self.optional_instant("iat")?.is_some_and(|issued_at| issued_at < oldest) {
            return Err(ClaimError::TooFar("iat"));
        }
        Ok(expires_at)
    }

    /// Every claim, for whoever reads them all.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// The year 9999: later instants are mistakes, or attempts at an overflow.
const MAX_SECONDS: i64 = 253_402_300_800;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn claims(value: Value) -> Claims {
        let Value::Object(members) = value else { panic!("an object") };
        Claims::new(members)
    }

    fn times(value: Value) -> Result<Timestamp, ClaimError> {
        claims(value).check_times(300, NOW)
    }

    #[test]
    fn d04_an_instant_is_a_whole_number_that_can_be_one() {
        for exp in [json!("1000060"), json!(1_000_060.5), json!(-1), json!(1e300), json!(null), json!(i64::MAX)] {
            assert_eq!(times(json!({ "exp": exp })), Err(ClaimError::Missing("exp")), "{exp}");
        }
        assert_eq!(times(json!({ "exp": 1_000_060 })), Ok(Timestamp::from_seconds(1_000_060)));
    }

    #[test]
    fn d04_times_are_held_to_with_a_minute_for_clocks() {
        assert!(times(json!({ "exp": 999_941 })).is_ok());
        assert_eq!(times(json!({ "exp": 999_940 })), Err(ClaimError::Expired));
        assert_eq!(times(json!({ "exp": 1_000_361 })), Err(ClaimError::TooFar("exp")));
        assert!(times(json!({ "exp": 1_000_100, "nbf": 1_000_060, "iat": 999_640 })).is_ok());
        assert_eq!(times(json!({ "exp": 1_000_100, "nbf": 1_000_061 })), Err(ClaimError::Future("nbf")));
        assert_eq!(times(json!({ "exp": 1_000_100, "iat": 1_000_061 })), Err(ClaimError::Future("iat")));
        assert_eq!(times(json!({ "exp": 1_000_100, "iat": 999_639 })), Err(ClaimError::TooFar("iat")));
        assert_eq!(times(json!({ "exp": 1_000_100, "iat": "now" })), Err(ClaimError::Missing("iat")));
    }

    #[test]
    fn an_audience_is_one_text_or_a_list_of_texts() {
        assert!(claims(json!({ "aud": "a" })).is_for("a") && claims(json!({ "aud": ["b", "a"] })).is_for("a"));
        for aud in [json!("b"), json!([]), json!(["a", 1]), json!({ "a": 1 }), json!(null)] {
            assert!(!claims(json!({ "aud": aud })).is_for("a"), "{aud}");
        }
        assert_eq!(claims(json!({ "aud": ["a"] })).single_audience(), None);
    }

    #[test]
    fn a_text_of_another_type_is_not_absent() {
        let claims = claims(json!({ "sub": 1, "jti": "" }));
        assert_eq!(claims.optional_text("sub"), Err(ClaimError::Missing("sub")));
        assert_eq!(claims.optional_text("jti"), Err(ClaimError::Missing("jti")));
        assert_eq!(claims.optional_text("nonce"), Ok(None));
    }
}
