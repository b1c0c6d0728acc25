//! One segment of a path as the automaton reads it: its first eight bytes as a number, found together with its end.
//!
//! Segments are short. Eight bytes at a time, in place, they are found and compared about twice as fast as with calls of `memchr` and `memcmp`.

/// A segment without its slashes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'p> {
    pub(super) bytes: &'p [u8],
    /// The first [`Self::HEAD`] bytes, filled up with zeros.
    pub(super) head: u64,
}

impl<'p> Segment<'p> {
    /// How many bytes the head has.
    pub(super) const HEAD: usize = size_of::<u64>();

    /// What stands before the first slash, or all there is.
    #[inline(always)]
    pub(super) fn first_of(path: &'p [u8]) -> Self {
        let (blocks, last) = path.as_chunks();
        let Some(first) = blocks.first() else {
            let length = last.iter().position(|byte| *byte == b'/').unwrap_or(last.len());
            let head = last[..length].iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte));
            return Self { bytes: &last[..length], head };
        };
        let first = u64::from_le_bytes(*first);
        if let Some(length) = first_slash(first) {
            return Self { bytes: &path[..length], head: first & !(u64::MAX << (8 * length)) };
        }
        let mut length = Self::HEAD;
        for block in &blocks[1..] {
            if let Some(more) = first_slash(u64::from_le_bytes(*block)) {
                return Self { bytes: &path[..length + more], head: first };
            }
            length += Self::HEAD;
        }
        length += last.iter().position(|byte| *byte == b'/').unwrap_or(last.len());
        Self { bytes: &path[..length], head: first }
    }

    /// The last [`Self::HEAD`] bytes; 0 where there are fewer.
    #[inline(always)]
    pub(super) fn tail(self) -> u64 {
        self.bytes.last_chunk().map_or(0, |last| u64::from_le_bytes(*last))
    }

    /// A state and the first and the last eight bytes, mixed by one multiplication. Segments that fall together cost a comparison each, and only the
    /// contract's own words can be many: a request adds none.
    pub(super) fn hash(self, state: u32) -> u64 {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        let seed = u64::from(state).wrapping_mul(ODD) ^ self.bytes.len() as u64;
        let product = u128::from(self.head ^ seed) * u128::from(self.tail().rotate_left(32) ^ ODD);
        (product >> 64) as u64 ^ product as u64
    }
}

/// The place of the first slash among eight bytes, the lowest first.
fn first_slash(word: u64) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    const SLASHES: u64 = u64::from_ne_bytes([b'/'; 8]);
    // Slashes become zeros, and of each zero the high bit is set. A borrow may set higher ones too, so the lowest counts.
    let without = word ^ SLASHES;
    let found = without.wrapping_sub(ONES) & !without & HIGHS;
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_ends_at_the_first_slash_or_with_the_path() {
        for length in 0..40 {
            let segment = "ab0-_~.".repeat(6)[..length].to_owned();
            for rest in ["", "/", "/0", "//", "/bc/defghijk/l", "/0000000000000000"] {
                let path = format!("{segment}{rest}");
                let found = Segment::first_of(path.as_bytes());
                assert_eq!(found.bytes, segment.as_bytes(), "{path}");
                let mut head = [0; Segment::HEAD];
                let bytes = segment.as_bytes().iter().take(Segment::HEAD);
                head.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
                assert_eq!(found.head.to_le_bytes(), head, "{path}");
            }
        }
    }

    #[test]
    fn no_byte_beside_a_slash_is_taken_for_one() {
        for byte in 0..=255_u8 {
            for at in 0..8 {
                let mut word = [b'a'; 8];
                word[at] = byte;
                assert_eq!(first_slash(u64::from_le_bytes(word)), (byte == b'/').then_some(at), "{byte} at {at}");
                word[7] = b'/';
                let expected = if byte == b'/' { at } else { 7 };
                assert_eq!(first_slash(u64::from_le_bytes(word)), Some(expected), "{byte} at {at}");
            }
        }
    }
}
