//! What has to be true of every request target, whatever bytes it is made of.

use countersign_decision::canonicalise;

use crate::naive_target;

/// Panics where the engine reads a target otherwise than the naive model, or where its canonical form is none.
pub fn check(raw: &[u8]) {
    let twin = naive_target::canonical(raw);
    let engine = match canonicalise(raw) {
        Ok(engine) => engine,
        Err(bad) => {
            assert!(twin.is_none(), "refused: {bad}, but the model reads {twin:?}");
            assert!(bad.at <= raw.len() && !bad.to_string().is_empty());
            return;
        }
    };
    let twin = twin.expect("the model refuses what the engine reads");
    assert_eq!((engine.authority(), engine.path(), engine.query()), (twin.authority, twin.path.as_str(), twin.query));

    let origin_form = engine.origin_form();
    assert!(origin_form.is_ascii() && origin_form.starts_with(engine.path()));
    let rest = origin_form.strip_prefix(engine.path()).expect("it begins so");
    assert_eq!(rest.strip_prefix('?'), engine.query());
    let again = canonicalise(origin_form.as_bytes()).expect("a canonical form is canonical");
    assert_eq!((again.origin_form(), again.is_rewritten(), again.authority()), (origin_form, false, None));
    let start = engine.authority().map_or(0, |authority| {
        let scheme = raw.iter().position(|byte| *byte == b':').expect("the absolute form has a scheme");
        scheme + "://".len() + authority.len()
    });
    assert_eq!(engine.is_rewritten(), raw[start..] != *origin_form.as_bytes());
    check_path(engine.path());

    let segments: Vec<_> = engine.segments().collect();
    assert_eq!(format!("/{}", segments.join("/")), engine.path());
    assert_eq!(engine.ends_with_slash(), engine.path().len() > 1 && engine.path().ends_with('/'));
    assert_eq!(segments.is_empty(), engine.path() == "/");
}

fn check_path(path: &str) {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,=:@%".contains(&byte);
    assert!(path.starts_with('/') && path.bytes().all(allowed), "{path}");
    let (before, last) = path[1..].rsplit_once('/').unwrap_or(("", &path[1..]));
    assert!(!path[1..].contains('/') || before.split('/').all(|segment| !segment.is_empty()), "{path}");
    assert!(path.split('/').all(|segment| segment != "." && segment != ".."), "{path} {last}");
    for triplet in path.split('%').skip(1).map(|rest| &rest[..2]) {
        let byte = u8::from_str_radix(triplet, 16).expect("a triplet");
        assert_eq!(format!("{byte:02X}"), triplet);
        let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert!(!is_unreserved && !byte.is_ascii_control() && !b"/\\%;?".contains(&byte), "{path}");
    }
}
