//! Whether a form comes from a page that we gave to this browser (RFC 9700 §4.7, A31, A32).
//!
//! Every form carries a proof, made from the browser's cookie for one interaction: another site can neither read the
//! cookie nor the page. What browsers say about the origin of a request is checked besides.

use axum::http::{HeaderMap, header};
use countersign_domain::secret::Secret;

use crate::config::PublicOrigin;
use crate::http::form::Form;

/// A form that no page of ours sent, or not to this browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the form was not sent by a page that this browser opened here")]
pub struct ForgedForm;

/// The hidden field `csrf` of a form in `interaction` (empty outside of one).
pub fn token(cookie: &Secret, interaction: &str) -> String {
    cookie.proof(&purpose(interaction))
}

/// Checks a posted form against the cookie that its page was given to.
pub fn check(headers: &HeaderMap, origin: &PublicOrigin, cookie: &Secret, form: &Form) -> Result<(), ForgedForm> {
    let interaction = form.one("interaction").map_err(|_| ForgedForm)?.unwrap_or_default();
    let given = form.one("csrf").map_err(|_| ForgedForm)?.unwrap_or_default();
    let is_ours = cookie.proves(&purpose(interaction), given) && is_same_origin(headers, origin);
    if is_ours { Ok(()) } else { Err(ForgedForm) }
}

fn purpose(interaction: &str) -> String {
    format!("csrf:{interaction}")
}

/// Fetch Metadata: `Sec-Fetch-Site` is the browser's word where it has one. `Origin` is `null` on our own forms, because our
/// pages send no referrer (A30).
fn is_same_origin(headers: &HeaderMap, origin: &PublicOrigin) -> bool {
    let is_one_of = |name: &str, good: &[&str]| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(|value| good.contains(&value)))
    };
    is_one_of("sec-fetch-site", &["same-origin"]) && is_one_of(header::ORIGIN.as_str(), &["null", origin.as_str()])
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use countersign_domain::entropy::SeededEntropy;
    use countersign_domain::secret::SecretKind;

    use super::*;

    fn origin() -> PublicOrigin {
        PublicOrigin::new(Some("https://as.example"), "127.0.0.1:1".parse().unwrap()).unwrap()
    }

    fn cookie(seed: u64) -> Secret {
        Secret::generate(SecretKind::Session, &SeededEntropy::new(seed))
    }

    fn form(interaction: &str, csrf: &str) -> Form {
        Form::parse(format!("interaction={interaction}&csrf={csrf}").as_bytes()).unwrap()
    }

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        [(HeaderName::from_static(name), HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn a31_a_form_without_the_proof_of_its_cookie_and_interaction_is_refused() {
        let good = token(&cookie(1), "i");
        let check = |seed, form: &Form| check(&HeaderMap::new(), &origin(), &cookie(seed), form);
        assert_eq!(check(1, &form("i", &good)), Ok(()));
        assert_eq!(check(2, &form("i", &good)), Err(ForgedForm));
        assert_eq!(check(1, &form("j", &good)), Err(ForgedForm));
        assert_eq!(check(1, &form("i", "")), Err(ForgedForm));
        let doubled = Form::parse(format!("interaction=i&csrf={good}&csrf={good}").as_bytes()).unwrap();
        assert_eq!(check(1, &doubled), Err(ForgedForm));
    }

    #[test]
    fn a31_another_site_is_refused_even_with_the_proof() {
        let good = form("i", &token(&cookie(1), "i"));
        let check = |headers: HeaderMap| check(&headers, &origin(), &cookie(1), &good).is_ok();
        assert!(check(with("sec-fetch-site", "same-origin")));
        assert!(check(with("origin", "null")) && check(with("origin", "https://as.example")));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!check(with("sec-fetch-site", site)), "{site}");
        }
        assert!(!check(with("origin", "https://evil.example")));
    }
}
