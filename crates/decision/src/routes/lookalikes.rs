//! Characters that some upstream might read as a separator or not see at all: refused in paths (gateway rule 3).
//!
//! The tables are checked in the tests against the Unicode data of two independent crates.

/// Characters whose NFKC form holds one of `/ \ . % ; ?`, in ranges.
const FOLDING: &[(char, char)] = &[
    ('\u{37E}', '\u{37E}'),
    ('\u{2024}', '\u{2026}'),
    ('\u{2047}', '\u{2049}'),
    ('\u{2100}', '\u{2101}'),
    ('\u{2105}', '\u{2106}'),
    ('\u{2488}', '\u{249B}'),
    ('\u{33C2}', '\u{33C2}'),
    ('\u{33C7}', '\u{33C7}'),
    ('\u{33D8}', '\u{33D8}'),
    ('\u{FE14}', '\u{FE14}'),
    ('\u{FE16}', '\u{FE16}'),
    ('\u{FE19}', '\u{FE19}'),
    ('\u{FE30}', '\u{FE30}'),
    ('\u{FE52}', '\u{FE52}'),
    ('\u{FE54}', '\u{FE54}'),
    ('\u{FE56}', '\u{FE56}'),
    ('\u{FE68}', '\u{FE68}'),
    ('\u{FE6A}', '\u{FE6A}'),
    ('\u{FF05}', '\u{FF05}'),
    ('\u{FF0E}', '\u{FF0F}'),
    ('\u{FF1B}', '\u{FF1B}'),
    ('\u{FF1F}', '\u{FF1F}'),
    ('\u{FF3C}', '\u{FF3C}'),
    ('\u{1F100}', '\u{1F100}'),
];

/// Controls, line separators and invisible format characters (categories Cc, Zl, Zp and Cf), in ranges.
const INVISIBLE: &[(char, char)] = &[
    ('\u{0}', '\u{1F}'),
    ('\u{7F}', '\u{9F}'),
    ('\u{AD}', '\u{AD}'),
    ('\u{600}', '\u{605}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{6DD}', '\u{6DD}'),
    ('\u{70F}', '\u{70F}'),
    ('\u{890}', '\u{891}'),
    ('\u{8E2}', '\u{8E2}'),
    ('\u{180E}', '\u{180E}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{2028}', '\u{202E}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFF9}', '\u{FFFB}'),
    ('\u{110BD}', '\u{110BD}'),
    ('\u{110CD}', '\u{110CD}'),
    ('\u{13430}', '\u{1343F}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0001}', '\u{E0001}'),
    ('\u{E0020}', '\u{E007F}'),
];

/// Characters that no folding turns into a slash but that look like one: fraction slash, division slash, big solidus and their mirror images.
const SLASHES: &[char] = &['\u{2044}', '\u{2215}', '\u{2216}', '\u{29F5}', '\u{29F8}', '\u{29F9}'];

/// Whether a character folds into or looks like a separator.
pub(super) fn is_lookalike(character: char) -> bool {
    is_in(FOLDING, character) || SLASHES.contains(&character)
}

/// Whether a character is a control or cannot be seen.
pub(super) fn is_invisible(character: char) -> bool {
    is_in(INVISIBLE, character)
}

fn is_in(ranges: &[(char, char)], character: char) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= character);
    after > 0 && character <= ranges[after - 1].1
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

    use super::*;

    fn beyond_ascii() -> impl Iterator<Item = char> {
        '\u{80}'..=char::MAX
    }

    #[test]
    fn every_character_that_folds_into_a_separator_is_refused() {
        for character in beyond_ascii() {
            let folds = [character].into_iter().nfkc().any(|folded| "/\\.%;?".contains(folded));
            assert!(!folds || is_lookalike(character), "U+{:04X}", character as u32);
            assert_eq!(folds, is_in(FOLDING, character), "U+{:04X}", character as u32);
        }
    }

    #[test]
    fn every_control_and_format_character_is_refused() {
        for character in beyond_ascii() {
            let category = character.general_category();
            let is_unseen = matches!(
                category,
                GeneralCategory::Control
                    | GeneralCategory::Format
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
            );
            assert_eq!(is_unseen, is_invisible(character), "U+{:04X}", character as u32);
        }
    }
}
