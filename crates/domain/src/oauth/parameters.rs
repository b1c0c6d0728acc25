//! Request parameters as they came: pairs of a query or a form, before anything is believed (RFC 6749 §3.1, §3.2).

use std::collections::HashSet;

use crate::oauth::grant::token_exchange::TOKEN_EXCHANGE_GRANT;

/// The parameters of one request, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Parameters from decoded pairs.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The value of `name`. RFC 6749 §3.1: a parameter without a value is treated as if it were omitted.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Every value of `name`, for a parameter that can occur several times (RFC 8707 §2, RFC 8693 §2.1).
    pub fn values<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let named = self.0.iter().filter(move |(key, value)| key == name && !value.is_empty());
        named.map(|(_, value)| value.as_str())
    }

    /// The first name that occurs more than once (RFC 6749 §3.1). RFC 8707 §2 exempts `resource`, and RFC 8693 §2.1 the
    /// `audience` of an exchange.
    pub fn doubled(&self) -> Option<&str> {
        let is_exchange = self.value("grant_type") == Some(TOKEN_EXCHANGE_GRANT);
        let is_exempt = |name: &str| name == "resource" || (name == "audience" && is_exchange);
        let mut seen = HashSet::new();
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !is_exempt(name) && !seen.insert(*name))
    }

    /// Whether `name` occurs more than once.
    pub fn is_doubled(&self, name: &str) -> bool {
        self.0.iter().filter(|(key, _)| key == name).nth(1).is_some()
    }

    /// The pairs, to be kept while people sign in.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Parameters {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a13_a_parameter_without_value_counts_as_absent() {
        assert_eq!(Parameters::from([("scope", ""), ("state", "x")]).value("scope"), None);
    }

    #[test]
    fn a11_a_doubled_name_is_found_and_resource_is_exempt() {
        assert_eq!(Parameters::from([("a", "1"), ("b", "2"), ("b", "")]).doubled(), Some("b"));
        assert_eq!(Parameters::from([("resource", "1"), ("resource", "2")]).doubled(), None);
        assert!(Parameters::from([("a", "1"), ("a", "1")]).is_doubled("a"));
        let audiences = [("audience", "1"), ("audience", "2")];
        assert_eq!(Parameters::from(audiences).doubled(), Some("audience"));
        let [first, second] = audiences;
        assert_eq!(Parameters::from([("grant_type", TOKEN_EXCHANGE_GRANT), first, second]).doubled(), None);
    }
}
