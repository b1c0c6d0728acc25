//! Lines in, lines out, in the same order, on every core: blocks of whole lines go to the workers in turn, and what they
//! made of them is taken back in the same turn. A block is whatever has arrived, so that whoever waits for an answer before
//! the next question gets it.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::cli::failure::Failure;

/// The longest line that is read, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 1_024 * 1_024;
/// How much is read at once, in bytes.
const READ_BYTES: usize = 128 * 1_024;
/// How many blocks may wait for one worker.
const MAX_WAITING: usize = 2;
/// More workers than this have nothing to do: reading is not that fast.
const MAX_WORKERS: usize = 16;

/// Some whole lines of the input.
pub(super) struct Block {
    /// Counted from 1.
    pub(super) first_line: u64,
    /// With their line ends; the last line of the input may lack its own.
    pub(super) text: Vec<u8>,
}

/// What became of a block.
pub(super) struct Decided {
    /// To be written, whatever the outcome.
    pub(super) text: Vec<u8>,
    /// A failure ends everything.
    pub(super) outcome: Result<(), Failure>,
}

/// Decides every block and writes the answers in the order of the input.
pub(super) fn in_order(
    input: impl Read + Send + 'static,
    output: &mut impl Write,
    decide: impl Fn(&Block) -> Decided + Send + Sync + 'static,
) -> Result<(), Failure> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let decide = Arc::new(decide);
    let (blocks, answers): (Vec<_>, Vec<_>) = (0..workers).map(|_| worker(Arc::clone(&decide))).unzip();
    // Not joined: it may wait for input that never comes when a bad line has ended everything.
    thread::spawn(move || hand_out(input, &blocks));
    for worker in answers.iter().cycle() {
        // Blocks were handed out in this turn, so the first that is not there is behind the last.
        let Ok(Decided { text, outcome }) = worker.recv() else { break };
        output.write_all(&text)?;
        output.flush()?;
        outcome?;
    }
    Ok(())
}

type Blocks = SyncSender<io::Result<Block>>;

/// A thread that decides blocks until there are no more.
fn worker(decide: Arc<impl Fn(&Block) -> Decided + Send + Sync + 'static>) -> (Blocks, Receiver<Decided>) {
    let (to_worker, blocks) = sync_channel::<io::Result<Block>>(MAX_WAITING);
    let (to_writer, answers) = sync_channel(MAX_WAITING);
    thread::spawn(move || {
        for block in blocks {
            let answer = match block {
                Ok(block) => decide(&block),
                Err(error) => Decided { text: Vec::new(), outcome: Err(error.into()) },
            };
            if to_writer.send(answer).is_err() {
                break;
            }
        }
    });
    (to_worker, answers)
}

/// Reads blocks and gives them to the workers in turn, until the input ends or nobody wants more.
fn hand_out(mut input: impl Read, workers: &[Blocks]) {
    let (mut rest, mut first_line) = (Vec::new(), 1);
    for worker in workers.iter().cycle() {
        let block = read_lines(&mut input, &mut rest).map(|text| Block { first_line, text });
        let lines = match &block {
            Ok(block) if block.text.is_empty() => break,
            Ok(block) => block.text.iter().filter(|byte| **byte == b'\n').count() as u64,
            Err(_) => 0,
        };
        if worker.send(block).is_err() || lines == 0 {
            break;
        }
        first_line += lines;
    }
}

/// The whole lines that are there, waiting for one at least; nothing at the end of the input. `rest` is the beginning of
/// the next line. A line that grows too long, and the last one, may lack their ends.
fn read_lines(input: &mut impl Read, rest: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut text = std::mem::take(rest);
    loop {
        let start = text.len();
        text.resize(start + READ_BYTES, 0);
        let read = read_once(input, &mut text[start..])?;
        text.truncate(start + read);
        if let Some(end) = text[start..].iter().rposition(|byte| *byte == b'\n') {
            *rest = text.split_off(start + end + 1);
            return Ok(text);
        }
        if read == 0 || text.len() >= MAX_LINE_BYTES {
            return Ok(text);
        }
    }
}

fn read_once(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out so many bytes with each read.
    struct Trickle<'t>(&'t [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(buffer.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }

    #[test]
    fn however_the_input_arrives_the_answers_have_its_order_and_line_numbers() {
        let input: String = (1..=500).map(|number| format!("{number}\n")).collect();
        let input: &'static str = input.leak();
        for bytes in [1, 2, 7, 64, 100_000] {
            let mut output = Vec::new();
            let outcome = in_order(Trickle(input.as_bytes(), bytes), &mut output, |block| {
                let lines = block.text.split_inclusive(|byte| *byte == b'\n');
                for (line, number) in lines.zip(block.first_line..) {
                    assert_eq!(line, format!("{number}\n").as_bytes());
                }
                Decided { text: block.text.clone(), outcome: Ok(()) }
            });
            assert!(outcome.is_ok() && output == input.as_bytes(), "{bytes}");
        }
    }

    #[test]
    fn nothing_is_written_after_a_failure() {
        let mut output = Vec::new();
        let outcome = in_order(Trickle(b"1\n2\n3\n4\n5\n6\n", 2), &mut output, |block| {
            let outcome = if block.text == b"3\n" { Err(Failure::bad_input("three")) } else { Ok(()) };
            Decided { text: block.text.clone(), outcome }
        });
        assert!(matches!(outcome, Err(Failure::BadInput(_))));
        assert_eq!(output, b"1\n2\n3\n");
    }
}
