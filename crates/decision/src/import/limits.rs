//! How much is read of a contract: what is beyond is refused with its place, so that an absurd file costs no more than its size.

use super::node::{Fault, fault};
use crate::routes::MAX_TARGET_LENGTH;

/// The most items that a list of scopes, permissions, alternatives or tags may have.
pub const MAX_LIST_LENGTH: usize = 1_000;
/// The longest name that is read: of an operation, of a path with what stands before it, of a security scheme. No request could repeat a longer path.
pub(super) const MAX_NAME_LENGTH: usize = MAX_TARGET_LENGTH;
/// The most scopes and permissions that all operations may ask for together; the largest known contract has about 12,000.
pub(super) const MAX_ITEMS: usize = 1_000_000;
/// The most errors that are listed.
pub(super) const MAX_ERRORS: usize = 100;
/// The most warnings that are listed.
pub(super) const MAX_WARNINGS: usize = 10_000;
/// The longest message, and the longest text that is kept only to be shown.
const MAX_SHOWN_LENGTH: usize = 1_000;

/// A name, unless it is too long.
pub(super) fn name<'t>(text: &'t str, what: &str, line: u32) -> Result<&'t str, Fault> {
    if text.len() > MAX_NAME_LENGTH {
        let message = format!("{what} of {} bytes is too long: at most {MAX_NAME_LENGTH} are read", text.len());
        return Err(fault(line, message));
    }
    Ok(text)
}

/// A text to be shown, cut where it is too long to be read by anybody.
pub(super) fn shown(text: &str) -> String {
    if text.len() <= MAX_SHOWN_LENGTH {
        return text.to_owned();
    }
    let end = (0..=MAX_SHOWN_LENGTH).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}… ({} bytes)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shown("short"), "short");
        assert_eq!(shown(&"a".repeat(1_000)), "a".repeat(1_000));
        assert_eq!(shown(&format!("{}é", "a".repeat(999))), format!("{}… (1001 bytes)", "a".repeat(999)));
    }
}
