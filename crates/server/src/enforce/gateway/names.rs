//! Names of request headers that do not go on to an upstream as a client sent them.

/// RFC 9110 §7.6.1, and what older software treats so: of one connection only.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Said by proxies about a client: addresses, hosts, schemes, paths, certificates.
const FORWARDING: [&str; 17] = [
    "cf-connecting-ip",
    "client-cert",
    "client-cert-chain",
    "fastly-client-ip",
    "forwarded",
    "front-end-https",
    "ssl-client-cert",
    "true-client-ip",
    "x-arr-clientcert",
    "x-client-cert",
    "x-cluster-client-ip",
    "x-host",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
];

/// Said by proxies about a caller: who it is and what it may do.
const IDENTITY: [&str; 29] = [
    "remote-addr",
    "remote-user",
    "x-access-token",
    "x-account-id",
    "x-client-id",
    "x-consumer-id",
    "x-email",
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-groups",
    "x-org",
    "x-org-id",
    "x-organization-id",
    "x-permissions",
    "x-principal",
    "x-remote-user",
    "x-role",
    "x-roles",
    "x-scope",
    "x-scopes",
    "x-subject",
    "x-tenant",
    "x-tenant-id",
    "x-user",
    "x-user-id",
    "x-username",
];

/// Families of names that say something about a client.
const FORWARDING_FAMILIES: [&str; 6] = ["x-envoy-", "x-forwarded-", "x-goog-", "x-ms-client-", "x-original-", "x-ssl-"];

/// Families of names that say something about a caller.
const IDENTITY_FAMILIES: [&str; 13] = [
    "remote-",
    "x-amzn-oidc-",
    "x-auth-",
    "x-authentik-",
    "x-authenticated-",
    "x-consumer-",
    "x-countersign-",
    "x-credential-",
    "x-pomerium-",
    "x-token-",
    "x-user-",
    "x-userinfo",
    "x-webauth-",
];

/// Headers that ask a framework to serve another method than that of the request line.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];
/// Headers that ask a framework to serve another path.
const URL_OVERRIDES: [&str; 2] = ["x-original-url", "x-rewrite-url"];

/// Whether a header, in small letters, stays here: it is of the connection, or only we may say it. So does every name with an
/// underscore, which CGI and WSGI cannot tell from its twin with a hyphen.
pub(super) fn stays_here(name: &str) -> bool {
    // most headers of most requests begin with another letter
    match name.as_bytes().first() {
        Some(b'c' | b'f' | b'k' | b'p' | b'r' | b's' | b't' | b'u' | b'x') => {}
        _ => return name.contains('_'),
    }
    HOP_BY_HOP.contains(&name)
        || FORWARDING.contains(&name)
        || FORWARDING_FAMILIES.iter().any(|family| name.starts_with(family))
        || is_of_identity(name)
        || name.contains('_')
}

/// Whether a header, in small letters and under any spelling, says who calls.
pub(in crate::enforce) fn is_of_identity(name: &str) -> bool {
    let is_named =
        |name: &str| IDENTITY.contains(&name) || IDENTITY_FAMILIES.iter().any(|family| name.starts_with(family));
    if name.contains('_') { is_named(&name.replace('_', "-")) } else { is_named(name) }
}

/// Whether a header, in small letters and under any spelling, asks for another method than that of the request line.
pub(super) fn overrides_method(name: &str) -> bool {
    METHOD_OVERRIDES.iter().any(|known| is_spelling_of(name, known))
}

/// Whether a header, in small letters and under any spelling, asks for another path than that of the request line.
pub(super) fn overrides_url(name: &str) -> bool {
    URL_OVERRIDES.iter().any(|known| is_spelling_of(name, known))
}

fn is_spelling_of(name: &str, known: &str) -> bool {
    name.len() == known.len() && name.bytes().zip(known.bytes()).all(|(a, b)| a == b || (a, b) == (b'_', b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_we_may_say_stays_here_under_every_spelling() {
        let known = HOP_BY_HOP.iter().chain(&FORWARDING).chain(&IDENTITY).copied();
        for name in known.chain(["x-forwarded-for", "x-original-uri", "remote-groups", "x-user_id", "x_user_id", "a_b"])
        {
            assert!(stays_here(name), "{name}");
            assert!(stays_here(&name.replace('-', "_")), "{name} with underscores");
        }
        for name in [
            "accept",
            "content-type",
            "cookie",
            "user-agent",
            "x-request-id",
            "x-trace",
            "traceparent",
            "range",
            "if-match",
        ] {
            assert!(!stays_here(name), "{name}");
        }
    }

    #[test]
    fn overrides_are_known_with_hyphens_and_underscores() {
        for name in ["x-http-method-override", "x_http_method_override", "x-http_method"] {
            assert!(overrides_method(name) && !overrides_url(name), "{name}");
        }
        for name in ["x-original-url", "x-rewrite_url"] {
            assert!(overrides_url(name) && !overrides_method(name), "{name}");
        }
        for name in ["x-http-methods", "x-original-uri", "http-method-override"] {
            assert!(!overrides_url(name) && !overrides_method(name), "{name}");
        }
    }
}
