//! Ids as sixteen bytes, where they have such a form: UUIDs, as they are usually written, and short words.
//!
//! A key is read from the text eight digits at a time, without a table and without a branch for each digit: this happens for each look-up.

use std::fmt;

/// The longest word that is a key. The byte behind it stays zero.
const LONGEST_WORD: usize = 15;
/// Set in the keys of UUIDs, whose variant digit stands here and is 8 or more (RFC 9562 §4.1), and in no ASCII word.
const IS_UUID: u64 = 0x80;

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const NIBBLES: u64 = u64::from_ne_bytes([0x0F; 8]);

/// An id of one of two forms. Different ids have different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Key {
    low: u64,
    high: u64,
}

impl Key {
    /// No id: an empty text has no key.
    pub(super) const NONE: Self = Self { low: 0, high: 0 };

    /// The key of an id; nothing where it is neither a lower-case UUID with hyphens nor a short word.
    #[inline]
    pub(super) fn of(id: &str) -> Option<Self> {
        match id.as_bytes().try_into() {
            Ok(uuid) => Self::of_uuid(uuid),
            Err(_) => Self::of_word(id.as_bytes()),
        }
    }

    fn of_uuid(id: &[u8; 36]) -> Option<Self> {
        let four = |at: usize| u64::from(u32::from_le_bytes([id[at], id[at + 1], id[at + 2], id[at + 3]]));
        let eight = |first: usize, second: usize| Digits::read(four(first) | four(second) << 32);
        let [first, second, third, fourth] = [eight(0, 4), eight(9, 14), eight(19, 24), eight(28, 32)];
        let key = Self { low: first.numbers | second.numbers << 4, high: fourth.numbers | third.numbers << 4 };
        // One question at the end instead of one for each part: almost every id is one.
        let wrong = first.wrong | second.wrong | third.wrong | fourth.wrong;
        let hyphens = [8, 13, 18, 23].into_iter().fold(0, |wrong, at| wrong | (id[at] ^ b'-'));
        ((wrong | u64::from(hyphens)) == 0 && key.is_uuid()).then_some(key)
    }

    fn of_word(id: &[u8]) -> Option<Self> {
        let is_word = !id.is_empty() && id.len() <= LONGEST_WORD && id.iter().all(|byte| matches!(byte, 0x01..=0x7F));
        if !is_word {
            return None;
        }
        let mut bytes = [0; 16];
        bytes[..id.len()].copy_from_slice(id);
        let both = u128::from_le_bytes(bytes);
        Some(Self { low: both as u64, high: (both >> 64) as u64 })
    }

    fn is_uuid(self) -> bool {
        self.high & IS_UUID != 0
    }

    /// The key as two numbers, to be hashed.
    pub(super) fn halves(self) -> [u64; 2] {
        [self.low, self.high]
    }
}

/// Eight hexadecimal digits.
#[derive(Clone, Copy)]
struct Digits {
    /// Eight numbers, each in a byte of its own.
    numbers: u64,
    /// Not 0 where something is not a digit or a capital.
    wrong: u64,
}

impl Digits {
    #[inline]
    fn read(text: u64) -> Self {
        // Letters have the bit 0x40, and `a` ends in 1.
        let numbers = (text & NIBBLES).wrapping_add(((text >> 6) & ONES).wrapping_mul(9));
        Self { numbers, wrong: (numbers & !NIBBLES) | (letters(numbers) ^ text) }
    }
}

/// Eight numbers below 16 as they are written.
fn letters(numbers: u64) -> u64 {
    const ZERO: u64 = u64::from_ne_bytes([b'0'; 8]);
    const FROM_NINE_TO_A: u64 = (b'a' - b'9' - 1) as u64;
    let above_nine = (numbers.wrapping_add(6 * ONES) >> 4) & ONES;
    numbers.wrapping_add(ZERO).wrapping_add(above_nine.wrapping_mul(FROM_NINE_TO_A))
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_uuid() {
            let bytes = [self.low.to_le_bytes(), self.high.to_le_bytes()].concat();
            let word = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            return formatter.write_str(str::from_utf8(word).expect("a word is ASCII"));
        }
        let eights = [self.low, self.low >> 4, self.high >> 4, self.high].map(|half| letters(half & NIBBLES));
        let bytes = eights.map(u64::to_le_bytes).concat();
        let digits = str::from_utf8(&bytes).expect("digits are ASCII");
        let (first, second, third, fourth, fifth) =
            (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
        write!(formatter, "{first}-{second}-{third}-{fourth}-{fifth}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01234567-89ab-cdef-8123-456789abcdef";

    #[test]
    fn a_key_is_read_back_as_the_id_it_was_made_of() {
        for id in [UUID, "00000000-0000-0000-8000-000000000000", "ffffffff-ffff-ffff-bfff-ffffffffffff"] {
            assert_eq!(Key::of(id).unwrap().to_string(), id);
        }
        for id in ["a", "acme", "ada@acme.test", "123456789012345", "\u{1}\u{7f}"] {
            assert_eq!(Key::of(id).unwrap().to_string(), id);
        }
    }

    #[test]
    fn other_texts_have_no_key() {
        for id in ["", "1234567890123456", "é", "a\0", "\0", "c59ba2b2-91c0-0d38-7123-456789abcdef"] {
            assert_eq!(Key::of(id), None, "{id:?}");
        }
    }

    #[test]
    fn every_byte_of_a_uuid_counts() {
        let key = Key::of(UUID);
        for at in 0..UUID.len() {
            for byte in 0x01..0x80_u8 {
                let mut bytes = UUID.as_bytes().to_vec();
                bytes[at] = byte;
                let id = String::from_utf8(bytes).unwrap();
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                let is_right = match at {
                    8 | 13 | 18 | 23 => byte == b'-',
                    19 => matches!(byte, b'8' | b'9' | b'a'..=b'f'),
                    _ => is_digit,
                };
                assert_eq!(Key::of(&id).is_some(), is_right, "{id}");
                assert_eq!(Key::of(&id) == key, id == UUID, "{id}");
            }
        }
    }
}
