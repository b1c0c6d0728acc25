//! The canonical form of a request target once more, as plainly as the gateway's rules say it: no early end, no table
//! of ours, every rule on its own.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What a target means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target<'t> {
    pub(crate) authority: Option<&'t str>,
    pub(crate) path: String,
    pub(crate) query: Option<&'t str>,
}

/// Nothing: two readers could read it differently.
pub(crate) fn canonical(raw: &[u8]) -> Option<Target<'_>> {
    let text = str::from_utf8(raw).ok()?;
    let is_visible = text.chars().all(|one| one.is_ascii_graphic() && one != '#');
    let (authority, rest) = split_authority(text)?;
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let decoded = decoded(path)?;
    let is_read_alike = decoded.iter().all(|(character, is_encoded)| match (character, is_encoded) {
        (_, false) => character.is_ascii_alphanumeric() || "-._~/!$&'()*+,=:@".contains(*character),
        (_, true) => !"/\\%;?".contains(*character) && !is_unseen(*character) && !looks_like_a_separator(*character),
    });
    let path: String = decoded.iter().map(|(character, is_encoded)| written(*character, *is_encoded)).collect();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (_, before) = segments.split_last()?;
    let has_dots = segments.contains(&".") || segments.contains(&"..");
    let has_gap = before.contains(&"");
    let is_small = raw.len() <= 8 * 1024 && segments.len() <= 128;
    let is_right = is_visible && is_read_alike && !has_dots && !has_gap && is_small && query.is_none_or(is_right_query);
    is_right.then_some(Target { authority, path, query })
}

fn split_authority(text: &str) -> Option<(Option<&str>, &str)> {
    if text.starts_with('/') {
        return Some((None, text));
    }
    let (scheme, rest) = text.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/')?);
    let is_host = |one: char| one.is_ascii_alphanumeric() || ".-_:[]".contains(one);
    let is_http = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str());
    (is_http && !authority.is_empty() && authority.chars().all(is_host)).then_some((Some(authority), path))
}

/// The characters of a path, and whether each was written in triplets. Nothing where a triplet or the UTF-8 is broken.
fn decoded(path: &str) -> Option<Vec<(char, bool)>> {
    let bytes = path.as_bytes();
    let (mut decoded, mut is_encoded, mut at) = (Vec::new(), Vec::new(), 0);
    while at < bytes.len() {
        let byte = if bytes[at] == b'%' { triplet(bytes.get(at..at + 3)?)? } else { bytes[at] };
        decoded.push(byte);
        is_encoded.push(bytes[at] == b'%');
        at += if bytes[at] == b'%' { 3 } else { 1 };
    }
    Some(str::from_utf8(&decoded).ok()?.char_indices().map(|(at, character)| (character, is_encoded[at])).collect())
}

fn triplet(raw: &[u8]) -> Option<u8> {
    let digits = str::from_utf8(&raw[1..]).ok()?;
    digits.bytes().all(|one| one.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// Encoded is unreserved or stays encoded, in capitals.
fn written(character: char, is_encoded: bool) -> String {
    if !is_encoded || character.is_ascii_alphanumeric() || "-._~".contains(character) {
        return character.to_string();
    }
    character.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn is_unseen(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};

    matches!(character.general_category(), Control | Format | LineSeparator | ParagraphSeparator)
}

fn looks_like_a_separator(character: char) -> bool {
    let folds = !character.is_ascii() && [character].into_iter().nfkc().any(|folded| "/\\.%;?".contains(folded));
    folds || "\u{2044}\u{2215}\u{2216}\u{29F5}\u{29F8}\u{29F9}".contains(character)
}

/// Every `%` begins a triplet, and no name is `access_token` (RFC 9700 §4.3.2).
fn is_right_query(query: &str) -> bool {
    let read = |text: &str| -> Option<Vec<u8>> {
        let mut pieces = text.split('%');
        let first = pieces.next().unwrap_or_default().as_bytes().to_vec();
        pieces.try_fold(first, |mut all, piece| {
            all.push(triplet(format!("%{}", piece.get(..2)?).as_bytes())?);
            all.extend(piece.get(2..)?.bytes());
            Some(all)
        })
    };
    let names = query.split(['&', ';']).map(|pair| pair.split('=').next().unwrap_or_default());
    read(query).is_some() && names.map(read).all(|name| name.as_deref() != Some(b"access_token"))
}
