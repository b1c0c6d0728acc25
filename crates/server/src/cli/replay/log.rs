//! Logs as streams of lines: read as they come, never whole, and no line without bound.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::Path;

use crate::cli::failure::Failure;

/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: u64 = 1_024 * 1_024;
/// How much of a log is looked at to tell its format, in bytes.
const HEAD_BYTES: u64 = MAX_LINE_BYTES;

/// An opened log.
pub(super) struct Log {
    pub(super) name: LogName,
    /// Its first lines; the rest follows.
    pub(super) head: Vec<u8>,
    pub(super) rest: Box<dyn BufRead>,
}

/// How messages call a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LogName {
    StandardInput,
    File(String),
}

/// The lines of a log, numbered from 1.
pub(super) struct Lines {
    name: LogName,
    reader: std::io::Chain<std::io::Cursor<Vec<u8>>, Box<dyn BufRead>>,
    number: u64,
    line: Vec<u8>,
}

impl Log {
    /// Opens a file, or standard input where there is none or it is `-`.
    ///
    /// # Errors
    /// A file that cannot be read, or that is compressed.
    pub(super) fn open(file: Option<&Path>) -> Result<Self, Failure> {
        let (name, rest): (_, Box<dyn BufRead>) = match file.filter(|file| *file != Path::new("-")) {
            None => (LogName::StandardInput, Box::new(BufReader::new(stdin()))),
            Some(file) => {
                let name = file.display().to_string();
                let unreadable = |error| Failure::bad_input(format!("{name}: cannot be read: {error}"));
                let opened = File::open(file).map_err(unreadable)?;
                (LogName::File(name), Box::new(BufReader::with_capacity(128 * 1_024, opened)))
            }
        };
        Self::new(name, rest)
    }

    fn new(name: LogName, mut rest: Box<dyn BufRead>) -> Result<Self, Failure> {
        let mut head = Vec::new();
        // Until there is a first line that says something: a brace alone does not.
        while matches!(head.trim_ascii(), b"" | b"{") && (head.len() as u64) < HEAD_BYTES {
            let left = HEAD_BYTES - head.len() as u64;
            let read =
                rest.by_ref().take(left).read_until(b'\n', &mut head).map_err(|error| name.unreadable(&error))?;
            if head.starts_with(b"\xEF\xBB\xBF") {
                head.drain(..3);
            }
            if read == 0 {
                break;
            }
        }
        if head.starts_with(b"\x1F\x8B") {
            let message = "the log is compressed: `zcat LOG | countersign replay …` reads it";
            return Err(Failure::bad_input(format!("{}: {message}", name.line(1))));
        }
        Ok(Self { name, head, rest })
    }
}

impl LogName {
    /// A line of the log, for messages.
    pub(super) fn line(&self, number: u64) -> String {
        match self {
            Self::StandardInput => format!("standard input, line {number}"),
            Self::File(name) => format!("{name}:{number}"),
        }
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        match self {
            Self::StandardInput => Failure::bad_input(format!("standard input cannot be read: {error}")),
            Self::File(name) => Failure::bad_input(format!("{name}: cannot be read: {error}")),
        }
    }
}

impl Lines {
    pub(super) fn new(log: Log) -> Self {
        let reader = std::io::Cursor::new(log.head).chain(log.rest);
        Self { name: log.name, reader, number: 0, line: Vec::new() }
    }

    /// The next line without its end.
    ///
    /// # Errors
    /// A line that is too long.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &[u8])>, Failure> {
        self.line.clear();
        self.number += 1;
        let mut bounded = self.reader.by_ref().take(MAX_LINE_BYTES + 1);
        let read = bounded.read_until(b'\n', &mut self.line).map_err(|error| self.name.unreadable(&error))?;
        if read == 0 {
            return Ok(None);
        }
        if !self.line.ends_with(b"\n") && self.line.len() as u64 > MAX_LINE_BYTES {
            let message = format!("the line is longer than {MAX_LINE_BYTES} bytes");
            return Err(Failure::bad_input(format!("{}: {message}", self.name.line(self.number))));
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some((self.number, line.strip_suffix(b"\r").unwrap_or(line))))
    }
}
