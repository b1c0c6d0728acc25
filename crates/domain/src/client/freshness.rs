//! How long what was fetched about a client is believed (RFC 9111; client id metadata documents §4.4).

/// The shortest time, in seconds: whoever asks for less would make us fetch at every request.
pub const SHORTEST_SECONDS: i64 = 60;
/// The longest: a key that was taken away must not count for longer.
pub const LONGEST_SECONDS: i64 = 24 * 3_600;
/// Where the answer does not say.
pub const USUAL_SECONDS: i64 = 5 * 60;

/// How many seconds an answer with these headers is believed.
#[must_use]
pub fn fresh_seconds(cache_control: Option<&str>, age: Option<&str>) -> i64 {
    let directives = || cache_control.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    let is_named = |name: &str| directives().any(|directive| directive.eq_ignore_ascii_case(name));
    // RFC 9111 §5.2.2.4, §5.2.2.5: as short as we ever go.
    if is_named("no-store") || is_named("no-cache") {
        return SHORTEST_SECONDS;
    }
    let max_age = directives().find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| value.trim().trim_matches('"').parse::<u32>().ok())
    });
    match max_age {
        None => USUAL_SECONDS,
        // RFC 9111 §4.2.1: what is invalid is stale.
        Some(None) => SHORTEST_SECONDS,
        // RFC 9111 §5.1: how long it has waited on its way.
        Some(Some(seconds)) => {
            let age = age.and_then(|age| age.trim().parse::<u32>().ok()).unwrap_or(0);
            (i64::from(seconds) - i64::from(age)).clamp(SHORTEST_SECONDS, LONGEST_SECONDS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e18_cache_headers_are_obeyed_between_a_floor_and_a_cap() {
        for (cache_control, age, seconds) in [
            (None, None, USUAL_SECONDS),
            (Some("public"), None, USUAL_SECONDS),
            (Some("max-age=600"), None, 600),
            (Some("public, Max-Age = 600"), Some("100"), 500),
            (Some("max-age=\"600\""), Some("nonsense"), 600),
            (Some("max-age=0"), None, SHORTEST_SECONDS),
            (Some("max-age=600"), Some("4000000000"), SHORTEST_SECONDS),
            (Some("no-store"), None, SHORTEST_SECONDS),
            (Some("max-age=600, no-cache"), None, SHORTEST_SECONDS),
            (Some("max-age=31536000, immutable"), None, LONGEST_SECONDS),
            (Some("max-age=-1"), None, SHORTEST_SECONDS),
            (Some("max-age=99999999999999999999"), None, SHORTEST_SECONDS),
        ] {
            assert_eq!(fresh_seconds(cache_control, age), seconds, "{cache_control:?} {age:?}");
        }
    }
}
