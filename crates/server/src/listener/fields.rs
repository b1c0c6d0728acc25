//! The header fields of HTTP/2 (RFC 7541), followed byte by byte to find the target of each request before anybody reads it.
//!
//! The library that reads them drops a fragment from `:path` without a word: of `/orders#a` it would make `/orders`, which is
//! not what was sent. A `#` there is made a `>` on its way, in the same number of bits, plain and compressed: that is no
//! character of a target, and the library refuses the request as malformed (RFC 9113 §8.1.1), that one alone.

use std::collections::VecDeque;

use super::head::Malformed;

/// Most bytes of the dynamic table: what a client may use that was told nothing else (RFC 9113 §6.5.2).
const MOST_TABLE: usize = 4_096;
/// RFC 7541 §4.1
const ENTRY: usize = 32;
const PATH: &[u8] = b":path";

/// RFC 7541 appendix A: how long the names are. Those of 4 and 5 are `:path`.
const STATIC_NAMES: [u8; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12, 6, 4,
    4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
];

/// RFC 7541 appendix B: how many bits each symbol has; the last is the end of a text. The code is canonical: nothing else is
/// needed to know it.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];

/// For each number of bits: the first code, how many codes there are, and where their symbols begin in [`SYMBOLS`].
const CODES: [(u32, u32, usize); 31] = codes();
/// All symbols in the order of their codes.
const SYMBOLS: [u16; 257] = symbols();

const fn codes() -> [(u32, u32, usize); 31] {
    let mut codes = [(0, 0, 0); 31];
    let (mut code, mut bits, mut base) = (0, 1, 0);
    while bits < codes.len() {
        let (mut count, mut symbol) = (0, 0);
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == bits {
                count += 1;
            }
            symbol += 1;
        }
        codes[bits] = (code, count, base);
        base += count as usize;
        code = (code + count) << 1;
        bits += 1;
    }
    codes
}

const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let (mut bits, mut at) = (1, 0);
    while bits < 31 {
        let mut symbol: u16 = 0;
        while symbol < 257 {
            if LENGTHS[symbol as usize] == bits {
                symbols[at] = symbol;
                at += 1;
            }
            symbol += 1;
        }
        bits += 1;
    }
    symbols
}

/// Where in the header blocks of a connection the next byte stands.
#[derive(Debug, Default)]
pub(super) struct Fields {
    at: At,
    /// Whether the field goes into the table.
    is_kept: bool,
    name: Name,
    table: Table,
}

#[derive(Debug, Default, Clone, Copy)]
enum At {
    /// Before a field.
    #[default]
    Start,
    /// In a number that its first byte had no room for (RFC 7541 §5.1).
    Number { so_far: usize, shift: u32, of: Of },
    /// Before the length of a text.
    Length { of: Text },
    /// In a text, of which so many bytes are to come.
    Text { left: usize, of: Text, code: Option<Code> },
}

/// What a number is.
#[derive(Debug, Clone, Copy)]
enum Of {
    WholeField,
    TableSize,
    Name,
    Length { of: Text, is_compressed: bool },
}

#[derive(Debug, Clone, Copy)]
enum Text {
    Name { so_far: usize, is_path: bool },
    Value { so_far: usize },
}

/// What is known of the name of a field.
#[derive(Debug, Default, Clone, Copy)]
struct Name {
    length: usize,
    is_path: bool,
}

/// The code of a symbol, as far as it came.
#[derive(Debug, Default, Clone, Copy)]
struct Code {
    code: u32,
    bits: usize,
}

/// The dynamic table (RFC 7541 §2.3.2): of each entry its name and its size.
#[derive(Debug)]
struct Table {
    entries: VecDeque<(Name, usize)>,
    size: usize,
    most: usize,
}

impl Fields {
    /// Follows one byte of a header block.
    ///
    /// # Errors
    /// [`Malformed::Fields`] for what is no header block: nobody can know then where the next field begins.
    pub(super) fn step(&mut self, byte: &mut u8) -> Result<(), Malformed> {
        self.at = match self.at {
            At::Start => self.begin(*byte)?,
            At::Number { so_far, shift, of } => {
                let so_far = so_far + (usize::from(*byte & 0x7F) << shift);
                match *byte & 0x80 {
                    0 => self.number(of, so_far)?,
                    _ if shift >= 21 => return Err(Malformed::Fields),
                    _ => At::Number { so_far, shift: shift + 7, of },
                }
            }
            At::Length { of } => self.prefixed(*byte, 7, Of::Length { of, is_compressed: *byte & 0x80 != 0 })?,
            At::Text { left, mut of, mut code } => {
                match &mut code {
                    None => {
                        if self.symbol(&mut of, *byte) {
                            *byte = b'>';
                        }
                    }
                    Some(code) => self.compressed(&mut of, code, byte)?,
                }
                match left - 1 {
                    0 => self.end_of(of),
                    left => At::Text { left, of, code },
                }
            }
        };
        Ok(())
    }

    /// A header block ends here.
    ///
    /// # Errors
    /// [`Malformed::Fields`] in the middle of a field.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if matches!(self.at, At::Start) { Ok(()) } else { Err(Malformed::Fields) }
    }

    /// RFC 7541 §6: what the first byte of a field says.
    fn begin(&mut self, byte: u8) -> Result<At, Malformed> {
        self.is_kept = byte & 0xC0 == 0x40;
        match byte {
            0x80.. => self.prefixed(byte, 7, Of::WholeField),
            0x40.. => self.prefixed(byte, 6, Of::Name),
            0x20.. => self.prefixed(byte, 5, Of::TableSize),
            _ => self.prefixed(byte, 4, Of::Name),
        }
    }

    fn prefixed(&mut self, byte: u8, bits: u32, of: Of) -> Result<At, Malformed> {
        let most = (1 << bits) - 1;
        let value = usize::from(byte) & most;
        if value < most { self.number(of, value) } else { Ok(At::Number { so_far: value, shift: 0, of }) }
    }

    fn number(&mut self, of: Of, value: usize) -> Result<At, Malformed> {
        match of {
            Of::WholeField => Ok(At::Start),
            Of::TableSize if value > MOST_TABLE => Err(Malformed::Fields),
            Of::TableSize => {
                self.table.most = value;
                self.table.shrink(0);
                Ok(At::Start)
            }
            Of::Name if value == 0 => Ok(At::Length { of: Text::Name { so_far: 0, is_path: true } }),
            Of::Name => {
                self.name = self.table.name(value).ok_or(Malformed::Fields)?;
                Ok(At::Length { of: Text::Value { so_far: 0 } })
            }
            Of::Length { of, .. } if value == 0 => Ok(self.end_of(of)),
            Of::Length { of, is_compressed } => {
                Ok(At::Text { left: value, of, code: is_compressed.then(Code::default) })
            }
        }
    }

    /// What follows a text.
    fn end_of(&mut self, text: Text) -> At {
        match text {
            Text::Name { so_far, is_path } => {
                self.name = Name { length: so_far, is_path: is_path && so_far == PATH.len() };
                At::Length { of: Text::Value { so_far: 0 } }
            }
            Text::Value { so_far } => {
                if self.is_kept {
                    self.table.add(self.name, self.name.length + so_far + ENTRY);
                }
                At::Start
            }
        }
    }

    /// One character of a text; whether it is the one that must not stand there.
    fn symbol(&self, of: &mut Text, symbol: u8) -> bool {
        match of {
            Text::Name { so_far, is_path } => {
                *is_path &= PATH.get(*so_far) == Some(&symbol);
                *so_far += 1;
                false
            }
            Text::Value { so_far } => {
                *so_far += 1;
                self.name.is_path && symbol == b'#'
            }
        }
    }

    /// RFC 7541 §5.2: eight bits of a compressed text. The codes of `#` and `>` differ in their last bit.
    fn compressed(&self, of: &mut Text, code: &mut Code, byte: &mut u8) -> Result<(), Malformed> {
        for place in (0..8).rev() {
            code.code = code.code << 1 | u32::from(*byte >> place & 1);
            code.bits += 1;
            let &(first, count, base) = CODES.get(code.bits).ok_or(Malformed::Fields)?;
            let Some(index) = code.code.checked_sub(first).filter(|index| *index < count) else { continue };
            let symbol = SYMBOLS.get(base + index as usize).and_then(|symbol| u8::try_from(*symbol).ok());
            if self.symbol(of, symbol.ok_or(Malformed::Fields)?) {
                *byte ^= 1 << place;
            }
            *code = Code::default();
        }
        Ok(())
    }
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, most: MOST_TABLE }
    }
}

impl Table {
    fn name(&self, index: usize) -> Option<Name> {
        match STATIC_NAMES.get(index - 1) {
            Some(length) => Some(Name { length: usize::from(*length), is_path: matches!(index, 4 | 5) }),
            None => self.entries.get(index - 1 - STATIC_NAMES.len()).map(|(name, _)| *name),
        }
    }

    /// RFC 7541 §4.4: the oldest entries make room; one that is too large for all of it empties it.
    fn add(&mut self, name: Name, size: usize) {
        self.shrink(size);
        if size <= self.most {
            self.size += size;
            self.entries.push_front((name, size));
        }
    }

    fn shrink(&mut self, room: usize) {
        while self.size + room > self.most {
            let Some((_, size)) = self.entries.pop_back() else { return };
            self.size -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block as it goes on.
    fn follow(fields: &mut Fields, block: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut block = block.to_vec();
        block.iter_mut().try_for_each(|byte| fields.step(byte))?;
        fields.end().map(|()| block)
    }

    #[test]
    fn a_fragment_in_a_path_is_marked_however_it_is_written() {
        let plain = |start: &[u8], value: &[u8]| [start, &[u8::try_from(value.len()).unwrap()], value].concat();
        let by_name = [&[0, 5][..], b":path"].concat();
        let by_compressed_name = [0x00, 0x84, 0xB9, 0x58, 0xD3, 0x3F];
        let starts: [&[u8]; 5] = [&[0x04], &[0x05], &[0x44], &by_name, &by_compressed_name];
        for start in starts {
            let (sent, goes_on) = (plain(start, b"/a#b"), plain(start, b"/a>b"));
            assert_eq!(follow(&mut Fields::default(), &sent), Ok(goes_on), "{start:?}");
            // `/orders?x#top`, compressed
            let compressed =
                [start, &[0x8B, 0x60, 0xF6, 0x48, 0x5B, 0x11, 0xFE, 0x79, 0xFF, 0xA4, 0x9E, 0xBF]].concat();
            let mut marked = compressed.clone();
            let place = marked.len() - 3;
            marked[place] ^= 0x10;
            assert_eq!(follow(&mut Fields::default(), &compressed), Ok(marked), "{start:?}");
        }
        for other in
            [plain(&[0x06], b"/a#b"), plain(&[0x0F, 0x2B], b"a#b"), [&[0, 6][..], b":paths", &[2], b"#a"].concat()]
        {
            assert_eq!(follow(&mut Fields::default(), &other), Ok(other), "another field");
        }
    }

    #[test]
    fn a_name_that_the_table_keeps_is_known_again_until_it_is_gone() {
        let keep_path = [&[0x40, 5][..], b":path", &[1], b"/"].concat();
        let again = [&[0x0F, 47, 2][..], b"/#"].concat();
        let mut fields = Fields::default();
        follow(&mut fields, &keep_path).unwrap();
        assert_eq!(follow(&mut fields, &again), Ok([&[0x0F, 47, 2][..], b"/>"].concat()));
        // one more entry, and it is the second
        follow(&mut fields, &[&[0x40, 1][..], b"x", &[2], b"##"].concat()).unwrap();
        assert_eq!(follow(&mut fields, &again), Ok(again.clone()), "now of `x`");
        let second = [&[0x0F, 48, 2][..], b"/#"].concat();
        assert_eq!(follow(&mut fields, &second), Ok([&[0x0F, 48, 2][..], b"/>"].concat()));
        // a table of no size, and back
        follow(&mut fields, &[0x20, 0x3F, 0xE1, 0x1F]).unwrap();
        assert_eq!(follow(&mut fields, &again), Err(Malformed::Fields), "nothing is there");
    }

    #[test]
    fn what_is_no_header_block_is_refused() {
        for bad in [
            &[0x04][..],
            &[0x04, 3, b'/'],
            &[0x0F, 47, 0],
            &[0x3F, 0xE2, 0x1F],
            &[0x0F, 0x80, 0x80, 0x80, 0x80],
            &[0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            assert!(follow(&mut Fields::default(), bad).is_err(), "{bad:?}");
        }
        for good in [&[0x82, 0x84, 0x86][..], &[0xFF, 0x00], &[0x04, 0], &[0x20], &[0x00, 0, 0]] {
            assert_eq!(follow(&mut Fields::default(), good), Ok(good.to_vec()));
        }
    }
}
