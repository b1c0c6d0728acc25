//! What can be a host: in `Host`, in `:authority`, and in what proxies say (RFC 9110 §7.2, RFC 3986 §3.2.2).

use std::net::Ipv6Addr;

/// Whether a text is `host` or `host:port`: no user information, no list, no path. Names are of ASCII letters, digits, `-`,
/// `_` and `.`, as they stand in DNS; one dot may end them.
pub fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, after)) if address.parse::<Ipv6Addr>().is_ok() => (None, after),
            _ => return false,
        },
        None => match text.find(':') {
            Some(colon) => (Some(&text[..colon]), &text[colon..]),
            None => (Some(text), ""),
        },
    };
    name.is_none_or(is_name) && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}

/// RFC 3986 §3.2.3: digits, of which there may be none.
fn is_port(port: &str) -> bool {
    port.is_empty() || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in ["api.test", "API.test.", "a_b-c:8080", "a:", "127.0.0.1:65535", "[::1]", "[::1]:80", "x"] {
            assert!(is_host(host), "{host}");
        }
        for text in [
            "", ".", "..", "a..b", ".a", ":80", "a:b", "a:65536", "a:+1", "a:1:2", "user@a", "a/b", "a?b", "a, b",
            "a b", "é", "[::1", "[x]", "[::1]x", "[::1]:x", "::1", "a\t", "\"a\"",
        ] {
            assert!(!is_host(text), "{text:?}");
        }
    }
}
