//! Names of request headers that do not go on to an upstream as a client sent them.

/// RFC 9110 §7.6.1, and what older software treats so: of one connection only. `Proxy` is none, but CGI makes `HTTP_PROXY` of it,
/// which programs take for their own configuration (CVE-2016-5385).
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Said by proxies about a client: addresses, hosts, schemes, paths, certificates.
const FORWARDING: [&str; 22] = [
    "cf-connecting-ip",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "front-end-https",
    "true-client-ip",
    "x-arr-clientcert",
    "x-client-cert",
    "x-client-dn",
    "x-client-ip",
    "x-client-verify",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-host",
    "x-originating-ip",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
];

/// Said by proxies about a caller: who it is and what it may do.
const IDENTITY: [&str; 25] = [
    "x-access-token",
    "x-account-id",
    "x-apigateway-api-userinfo",
    "x-client-id",
    "x-email",
    "x-endpoint-api-userinfo",
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-group",
    "x-groups",
    "x-org",
    "x-org-id",
    "x-organization",
    "x-organization-id",
    "x-permission",
    "x-permissions",
    "x-principal",
    "x-session-user",
    "x-spiffe-id",
    "x-subject",
    "x-user",
    "x-username",
];

/// Families of names that say something about a client.
const FORWARDING_FAMILIES: [&str; 8] =
    ["proxy-", "ssl-client-", "x-envoy-", "x-forwarded-", "x-goog-", "x-ms-client-", "x-original-", "x-ssl-"];

/// Families of names that say something about a caller.
const IDENTITY_FAMILIES: [&str; 27] = [
    "cf-access-",
    "impersonate-",
    "oidc-",
    "remote-",
    "x-amzn-oidc-",
    "x-appengine-",
    "x-auth-",
    "x-authelia-",
    "x-authentik-",
    "x-authenticated-",
    "x-consumer-",
    "x-countersign-",
    "x-credential-",
    "x-hasura-",
    "x-impersonate-",
    "x-jwt-",
    "x-oidc-",
    "x-pomerium-",
    "x-remote-",
    "x-role",
    "x-scope",
    "x-tenant",
    "x-token-",
    "x-user-",
    "x-userinfo",
    "x-vouch-",
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
        Some(b'c' | b'f' | b'h' | b'i' | b'k' | b'o' | b'p' | b'r' | b's' | b't' | b'u' | b'x') => {}
        _ => return name.contains('_'),
    }
    HOP_BY_HOP.contains(&name)
        || FORWARDING.contains(&name)
        || FORWARDING_FAMILIES.iter().any(|family| name.starts_with(family))
        || is_of_identity(name)
        || name.contains('_')
}

/// What a proxy that asks us does by itself with its client's request, under these names.
const OF_PROXIES: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// Whether a header, in small letters, is none that a client of a proxy that asks us may send through it.
pub(in crate::enforce) fn stays_with_proxy(name: &str) -> bool {
    stays_here(name) && !OF_PROXIES.contains(&name) && !name.starts_with("x-envoy-")
}

/// Whether a header, in small letters and under any spelling, says who calls.
fn is_of_identity(name: &str) -> bool {
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

    /// One of each family, and more spellings.
    const FAMILIES_SHOWN: [&str; 16] = [
        "x-forwarded-for",
        "x-original-uri",
        "remote-groups",
        "proxy-status",
        "ssl-client-verify",
        "x-scope-orgid",
        "x-remote-extra-scopes",
        "x-tenant-name",
        "cf-access-jwt-assertion",
        "impersonate-user",
        "oidc-claim-sub",
        "x-hasura-role",
        "x-jwt-assertion",
        "x-user_id",
        "x_user_id",
        "a_b",
    ];

    #[test]
    fn what_only_we_may_say_stays_here_under_every_spelling() {
        let known = HOP_BY_HOP.iter().chain(&FORWARDING).chain(&IDENTITY).copied();
        for name in known.chain(FAMILIES_SHOWN) {
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
