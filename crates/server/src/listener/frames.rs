//! The frames of an HTTP/2 connection (RFC 9113 §4.1), followed to find its header blocks.

use super::fields::Fields;
use super::head::Malformed;

const FRAME_HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// Where in a connection the next byte stands.
#[derive(Debug)]
pub(super) struct Frames {
    at: At,
    fields: Fields,
}

#[derive(Debug, Clone, Copy)]
enum At {
    /// In the header of a frame.
    Header { bytes: [u8; FRAME_HEADER], count: usize },
    /// Before the length of the padding.
    Padding { left: usize, skipped: usize, is_last: bool },
    /// In bytes that are not looked at, behind which a block of so many may follow.
    Skipped { left: usize, then: Option<Block> },
    /// In a part of a header block.
    Block(Block),
}

#[derive(Debug, Clone, Copy)]
struct Block {
    left: usize,
    /// Bytes of padding behind it.
    padding: usize,
    /// Whether the block ends with this part.
    is_last: bool,
}

impl Frames {
    /// Behind `skipped` bytes the first frame begins.
    pub(super) fn new(skipped: usize) -> Self {
        Self { at: At::Skipped { left: skipped, then: None }, fields: Fields::default() }
    }

    /// Follows `bytes`, and marks what the library that reads them would drop.
    ///
    /// # Errors
    /// For a header block that is none.
    pub(super) fn follow(&mut self, mut bytes: &mut [u8]) -> Result<(), Malformed> {
        while let Some(first) = bytes.first_mut() {
            let used = match self.at {
                At::Skipped { left, then } => {
                    let used = left.min(bytes.len());
                    self.at = if left > used { At::Skipped { left: left - used, then } } else { self.after(then)? };
                    used
                }
                At::Header { bytes: mut header, count } => {
                    header[count] = *first;
                    self.at = match count + 1 {
                        FRAME_HEADER => self.frame(header)?,
                        count => At::Header { bytes: header, count },
                    };
                    1
                }
                At::Padding { left, skipped, is_last } => {
                    let padding = usize::from(*first);
                    let length = left.checked_sub(1 + skipped + padding).ok_or(Malformed::Fields)?;
                    let block = Block { left: length, padding, is_last };
                    self.at = self.skip(skipped, Some(block))?;
                    1
                }
                At::Block(block) => {
                    let used = block.left.min(bytes.len());
                    for byte in &mut bytes[..used] {
                        self.fields.step(byte)?;
                    }
                    self.at = self.after(Some(Block { left: block.left - used, ..block }))?;
                    used
                }
            };
            bytes = &mut bytes[used..];
        }
        Ok(())
    }

    fn frame(&mut self, header: [u8; FRAME_HEADER]) -> Result<At, Malformed> {
        let [a, b, c, kind, flags, ..] = header;
        let left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let is_last = flags & END_HEADERS != 0;
        let skipped = if flags & PRIORITY == 0 { 0 } else { 5 };
        match kind {
            HEADERS if flags & PADDED != 0 => Ok(At::Padding { left, skipped, is_last }),
            HEADERS => {
                let left = left.checked_sub(skipped).ok_or(Malformed::Fields)?;
                self.skip(skipped, Some(Block { left, padding: 0, is_last }))
            }
            CONTINUATION => self.after(Some(Block { left, padding: 0, is_last })),
            _ => self.skip(left, None),
        }
    }

    fn skip(&mut self, left: usize, then: Option<Block>) -> Result<At, Malformed> {
        if left > 0 { Ok(At::Skipped { left, then }) } else { self.after(then) }
    }

    /// What stands behind what was skipped, or behind a part of a block of which nothing is left.
    fn after(&mut self, block: Option<Block>) -> Result<At, Malformed> {
        match block {
            Some(block) if block.left > 0 => Ok(At::Block(block)),
            Some(block) => {
                if block.is_last {
                    self.fields.end()?;
                }
                self.skip(block.padding, None)
            }
            None => Ok(At::Header { bytes: [0; FRAME_HEADER], count: 0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn blocks_are_found_wherever_the_reads_are_cut() {
        let path = |end: &[u8]| [&[0x04, 4][..], b"/a", end].concat();
        let blocks = |end: &[u8]| {
            [
                b"preface".to_vec(),
                frame(4, 0, &[0, 3, 0, 0, 0, 35]),
                frame(0, 0, b"\x04\x04/a#b"),
                frame(HEADERS, END_HEADERS, &path(end)),
                frame(HEADERS, END_HEADERS | PADDED | PRIORITY, &[&[2, 0, 0, 0, 0, 9][..], &path(end), b"##"].concat()),
                frame(HEADERS, PRIORITY, &[&[0, 0, 0, 0, 9][..], &path(end)[..3]].concat()),
                frame(CONTINUATION, 0, &[]),
                frame(CONTINUATION, END_HEADERS, &path(end)[3..]),
                frame(6, 0, b"########"),
            ]
            .concat()
        };
        let (sent, goes_on) = (blocks(b"#b"), blocks(b">b"));
        for cut in 0..sent.len() {
            let (mut frames, mut bytes) = (Frames::new(b"preface".len()), sent.clone());
            let (first, second) = bytes.split_at_mut(cut);
            frames.follow(first).unwrap();
            frames.follow(second).unwrap();
            assert_eq!(bytes, goes_on, "{cut}");
        }
        let mut bytes = frame(HEADERS, END_HEADERS | PADDED, &[9, 0x82]);
        assert_eq!(Frames::new(0).follow(&mut bytes), Err(Malformed::Fields));
        let mut bytes = frame(HEADERS, END_HEADERS, &[0x04, 4, b'/']);
        assert_eq!(Frames::new(0).follow(&mut bytes), Err(Malformed::Fields));
    }
}
