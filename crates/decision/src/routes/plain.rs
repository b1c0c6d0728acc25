//! The short way for targets whose path is canonical as each byte and the next tell by themselves. Nine of ten are, and take a fifth of the time.
//!
//! The loops look at blocks of one length without a way out of them: the compiler makes vector instructions of that.

use std::borrow::Cow;

use super::canonical::{Canonical, MAX_SEGMENTS, check_query};

/// How many bytes are looked at together.
const BLOCK: usize = 16;

/// A target whose path is letters, digits, `-`, `.`, `_` and `/`, and whose query is a good one. Nothing where there is more to look at: such a target may
/// be as canonical, or not.
#[inline]
pub(super) fn plain(raw: &[u8]) -> Option<Canonical<'_>> {
    let canonical = |path_length| Canonical { origin_form: Cow::Borrowed(raw), path_length, authority: None };
    // Most have no query: looking for one costs more than reading the path of the others twice.
    if is_plain_path(raw) {
        return Some(canonical(raw.len()));
    }
    let (path, query) = raw.split_at(memchr::memchr(b'?', raw)?);
    (is_plain_path(path) && (is_plain_query(query) || is_good_query(query))).then(|| canonical(path.len()))
}

fn is_plain_path(path: &[u8]) -> bool {
    // Segments that are not empty take two bytes each, so these cannot be too many.
    let [b'/', .., last] = path else { return path == b"/" };
    let next = &path[1..];
    path.len() <= 2 * MAX_SEGMENTS && is_plain_byte(*last) && all_pairs(&path[..next.len()], next)
}

/// Whether every byte is plain, and no slash stands before another or before a dot: such a segment may be a dot segment.
fn all_pairs(path: &[u8], next: &[u8]) -> bool {
    let (blocks, next_blocks) = (path.as_chunks().0, next.as_chunks().0);
    let bad = blocks.iter().zip(next_blocks).fold(0, |bad, (block, next)| bad | bad_of_block(block, next));
    // What is left over is looked at with a block that ends where the path does.
    let bad_rest = match (path.last_chunk(), next.last_chunk()) {
        (Some(block), Some(next)) => bad_of_block(block, next),
        _ => path.iter().zip(next).fold(0, |bad, (byte, next)| bad | bad_of_pair(*byte, *next)),
    };
    bad | bad_rest == 0
}

fn bad_of_block(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> u8 {
    block.iter().zip(next).fold(0, |bad, (byte, next)| bad | bad_of_pair(*byte, *next))
}

/// Not 0 where a byte is not plain, or is a slash with `.` or `/` behind it, which differ in their last bit only.
fn bad_of_pair(byte: u8, next: u8) -> u8 {
    u8::from(!is_plain_byte(byte)) | u8::from((byte == b'/') & (next | 1 == b'/'))
}

/// Without `%` and `_` it holds no triplet and cannot name an access token.
fn is_plain_query(query: &[u8]) -> bool {
    query.iter().fold(true, |all, byte| all & matches!(byte, 0x21..=0x7E) & !matches!(byte, b'#' | b'%' | b'_'))
}

/// With triplets or `_`, as few have, it is read.
fn is_good_query(query: &[u8]) -> bool {
    query.iter().fold(true, |all, byte| all & matches!(byte, 0x21..=0x7E) & (*byte != b'#'))
        && check_query(query).is_ok()
}

fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b'-'..=b'9') | (byte | 0x20).is_ascii_lowercase() | (byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{Fault, canonicalise};

    #[test]
    fn every_byte_is_plain_or_left_to_the_long_way_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for (before, after) in
                [("/", ""), ("/a", "b"), ("/", "b"), ("/api/v2/users/1234567", "8/"), ("/api/v2/users/", "")]
            {
                let target = [before.as_bytes(), &[byte], after.as_bytes()].concat();
                let expected = byte.is_ascii_alphanumeric()
                    || matches!(byte, b'-' | b'_')
                    || (byte == b'.' && before.ends_with(|last| last != '/'))
                    || (byte == b'/' && before.ends_with(|last| last != '/'))
                    || byte == b'?';
                assert_eq!(plain(&target).is_some(), expected, "{}", target.escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_plain_is_what_the_long_way_makes_of_it() {
        for target in [
            "/",
            "/a",
            "/a/",
            "/a.b/c..d",
            "/a?b%20",
            "/a?b_c=%5f&access_tokens=1",
            "/api/v2/users/6f1c1a52-0f5e-4a0e-9d1d-7f1f6f0a9b11/roles?a=b&c;d=/?:@",
        ] {
            let Some(plain) = plain(target.as_bytes()) else { panic!("{target}") };
            assert_eq!((plain.origin_form(), plain.authority()), (target, None));
            assert_eq!(plain.path(), target.split('?').next().unwrap());
        }
    }

    #[test]
    fn what_has_to_be_read_is_left_to_the_long_way() {
        for target in [
            "",
            "a",
            "?",
            "//",
            "/.",
            "/a/.b",
            "/a//b",
            "/a%20",
            "/a b",
            "/a?b%2",
            "/a?b_c=%",
            "/a?access_token=1",
            "/a?b=1&access%5ftoken=1",
            "/a?b#c",
            "/a?b_#c",
            "/a?b_\u{e9}",
            "/a:b",
        ] {
            assert!(plain(target.as_bytes()).is_none(), "{target}");
        }
        assert!(plain("/a".repeat(MAX_SEGMENTS).as_bytes()).is_some());
        assert!(plain("/ab".repeat(MAX_SEGMENTS).as_bytes()).is_none());
        let too_many = "/a".repeat(MAX_SEGMENTS + 1);
        assert_eq!(canonicalise(too_many.as_bytes()).unwrap_err().what, Fault::TooManySegments);
    }
}
