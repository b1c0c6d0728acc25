//! Client ids that are the address of a document (client id metadata documents §3).
//!
//! Such an id is compared as text, kept, logged and shown, so exactly one spelling of an address is taken: what a URL parser would change is refused.

use url::{Host, Url};

/// The longest address.
pub const MAX_DOCUMENT_ADDRESS_BYTES: usize = 400;

/// Whether an id is meant as an address. No other id has a `:`.
#[must_use]
pub fn looks_like_one(id: &str) -> bool {
    id.contains("://")
}

/// Whether the address can be a client id (E14).
///
/// # Errors
/// The rule that is broken.
pub fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_DOCUMENT_ADDRESS_BYTES {
        return Err("the address of a document has at most 400 characters");
    }
    // §3: MUST have an `https` scheme.
    if !text.starts_with("https://") {
        return Err("the address of a document begins with `https://`");
    }
    let url = Url::parse(text).map_err(|_| "it must be an address such as `https://app.example/client.json`")?;
    // §3: MUST NOT contain a fragment, a user name or a password.
    if text.contains('#') {
        return Err("the address of a document has no fragment (`#…`)");
    }
    if text.contains('@') {
        return Err("the address of a document has no user info (`name@`)");
    }
    // §3: SHOULD NOT include a query string.
    if text.contains('?') {
        return Err("the address of a document has no query (`?…`)");
    }
    // §3: MUST contain a path component.
    let path = &text["https://".len()..].split_once('/').map_or("", |(_, path)| path);
    if path.is_empty() {
        return Err("the address of a document has a path: `https://app.example/client.json`");
    }
    // §3: MUST NOT contain single-dot or double-dot path segments.
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("the address of a document has no `.` and `..` segments");
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if !path.bytes().all(is_plain) {
        return Err("the path of a document is made of letters, digits, `-`, `.`, `_`, `~` and `/`");
    }
    if !matches!(url.host(), Some(Host::Domain(_))) {
        return Err("the host of a document is a name, not an address");
    }
    // RFC 3986 §6.2.1: simple string comparison needs one spelling.
    if url.as_str() != text {
        return Err(
            "the address of a document is written as browsers write it: host in small letters, no default port",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e14_the_address_of_a_document_has_one_spelling_and_nothing_that_could_mislead() {
        for good in
            ["https://app.example/client.json", "https://app.example:8443/oauth/client", "https://localhost:1/~a/b"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, word) in [
            ("http://app.example/c", "https://"),
            ("HTTPS://app.example/c", "https://"),
            ("https://app.example", "path"),
            ("https://app.example/", "path"),
            ("https://app.example/./c", "segments"),
            ("https://app.example/a/../c", "segments"),
            ("https://app.example/%2e%2e/c", "letters"),
            ("https://app.example/c#f", "fragment"),
            ("https://user@app.example/c", "user info"),
            ("https://user:pass@app.example/c", "user info"),
            ("https://app.example/c?a=b", "query"),
            ("https://App.example/c", "spelling|written"),
            ("https://app.example:443/c", "written"),
            ("https://app.example/a b", "letters"),
            ("https://app.example/\"><script>", "letters"),
            ("https://app.example\\/c", "letters|written"),
            ("https://127.0.0.1/c", "name"),
            ("https://2130706433/c", "name"),
            ("https://0x7f.1/c", "name"),
            ("https://[::1]/c", "name"),
            ("https:///c", "address|written|path"),
        ] {
            let rule = check(bad).unwrap_err();
            assert!(word.split('|').any(|word| rule.contains(word)), "{bad}: {rule}");
        }
        assert!(check(&format!("https://app.example/{}", "a".repeat(400))).is_err());
    }
}
