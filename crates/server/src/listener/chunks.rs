//! The framing of a chunked body (RFC 9112 §7.1), followed byte by byte to know where the next request begins.

use super::head::{Malformed, field};

/// Most hexadecimal digits of a chunk's size: 2^48 bytes are enough.
const MAX_SIZE_DIGITS: u8 = 12;
/// Longest chunk extension, and longest trailer section, in bytes.
const MAX_EXTRA: usize = 4 * 1_024;

/// Where in a chunked body the next byte stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    /// Bytes of the present extension or of the trailer section.
    extra: usize,
    /// The present trailer line.
    line: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size { so_far: u64, digits: u8 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    Over,
}

impl Chunks {
    /// The start of a body.
    pub(super) fn new() -> Self {
        Self { at: At::Size { so_far: 0, digits: 0 }, extra: 0, line: Vec::new() }
    }

    /// Follows `bytes`, and says how many of them are of this body; fewer than there are once it is over.
    ///
    /// # Errors
    /// [`Malformed::Chunk`].
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut used = 0;
        while used < bytes.len() && self.at != At::Over {
            if let At::Data { left } = self.at {
                let taken = left.min((bytes.len() - used) as u64);
                used += usize::try_from(taken).map_err(|_| Malformed::Chunk)?;
                self.at = if taken == left { At::DataCr } else { At::Data { left: left - taken } };
            } else {
                self.at = self.step(bytes[used])?;
                used += 1;
            }
        }
        Ok(used)
    }

    /// Whether the last chunk and its trailers have come.
    pub(super) fn is_over(&self) -> bool {
        self.at == At::Over
    }

    fn step(&mut self, byte: u8) -> Result<At, Malformed> {
        match (self.at, byte) {
            (At::Size { so_far, digits }, byte) if byte.is_ascii_hexdigit() && digits < MAX_SIZE_DIGITS => {
                let digit = u64::from(char::from(byte).to_digit(16).ok_or(Malformed::Chunk)?);
                Ok(At::Size { so_far: so_far * 16 + digit, digits: digits + 1 })
            }
            (At::Size { so_far: size, digits: 1.. }, b';') => {
                self.extra = 0;
                Ok(At::Extension { size })
            }
            (At::Size { so_far: size, digits: 1.. } | At::Extension { size }, b'\r') => Ok(At::SizeEnd { size }),
            (At::Extension { .. }, b'\t' | b' '..=b'~' | 0x80..) => self.count().map(|()| self.at),
            (At::SizeEnd { size: 0 }, b'\n') => {
                self.extra = 0;
                Ok(At::Trailer)
            }
            (At::SizeEnd { size }, b'\n') => Ok(At::Data { left: size }),
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(At::Size { so_far: 0, digits: 0 }),
            (At::Trailer, b'\r') => Ok(At::TrailerLf),
            (At::Trailer, byte) if byte != b'\n' => {
                self.count()?;
                self.line.push(byte);
                Ok(At::Trailer)
            }
            (At::TrailerLf, b'\n') if self.line.is_empty() => Ok(At::Over),
            (At::TrailerLf, b'\n') => {
                field(&self.line)?;
                self.line.clear();
                Ok(At::Trailer)
            }
            _ => Err(Malformed::Chunk),
        }
    }

    fn count(&mut self) -> Result<(), Malformed> {
        self.extra += 1;
        if self.extra > MAX_EXTRA { Err(Malformed::Chunk) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_it_ends_wherever_the_reads_are_cut() {
        let body = b"5\r\nhello\r\n00a;name=value\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
        let bytes = [&body[..], b"GET / HTTP/1.1"].concat();
        for cut in 0..body.len() {
            let mut chunks = Chunks::new();
            assert_eq!(chunks.follow(&bytes[..cut]), Ok(cut));
            assert!(!chunks.is_over());
            assert_eq!(chunks.follow(&bytes[cut..]), Ok(body.len() - cut));
            assert!(chunks.is_over());
        }
    }

    #[test]
    fn sizes_and_line_ends_are_exact() {
        let long = format!("1;{}", "x".repeat(MAX_EXTRA + 1));
        for bad in [
            "0x5\r\nabcde\r\n",
            "-1\r\n",
            "+1\r\na\r\n",
            "\r\n",
            ";x\r\n",
            " 1\r\na",
            "1 \r\na",
            "1\na\r\n",
            "1\rX",
            "1\r\nab",
            "1\r\na\n",
            "1\r\na\rX",
            "ffffffffffffffff0\r\n",
            "1;a\nb\r\n",
            "1;\0\r\n",
            "0\r\nno colon\r\n",
            "0\r\n folded: x\r\n",
            "0\r\nX: y\n",
            "0\r\nX: \0\r\n",
            &long,
        ] {
            assert!(Chunks::new().follow(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
