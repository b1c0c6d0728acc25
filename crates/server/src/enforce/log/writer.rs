//! Writing the log: whole lines, many at once, to a file that may be rotated from outside.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::Receiver;

use super::otlp::event;
use super::{Counts, Decided, Redaction};
use crate::telemetry::messages::LogRecord;
use crate::telemetry::outbox::Outbox;

/// Most records that are written at once.
const BATCH: usize = 1_024;

/// The log cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("the decision log `{file}` cannot be written: {cause}")]
pub struct LogError {
    file: String,
    cause: std::io::Error,
}

/// Where records go.
pub(super) struct Destinations {
    pub(super) file: Option<File>,
    pub(super) receiver: Option<Outbox<LogRecord>>,
}

/// The file that is appended to.
pub(super) struct File {
    path: PathBuf,
    open: Option<std::fs::File>,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let open = append(path).map_err(|cause| LogError { file: path.display().to_string(), cause })?;
        Ok(Self { path: path.to_owned(), open: Some(open) })
    }

    /// Appends whole lines. The file is opened again where it was moved away, or could not be written before.
    fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        if self.open.as_ref().is_none_or(|open| !is_at(open, &self.path)) {
            self.open = Some(append(&self.path)?);
        }
        let written = self.open.as_mut().map_or(Ok(()), |open| open.write_all(lines));
        if written.is_err() {
            self.open = None;
        }
        written
    }
}

/// For its owner only: it says who did what.
fn append(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn is_at(open: &std::fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::io::Result<std::fs::Metadata>| metadata.ok().map(|it| (it.dev(), it.ino()));
    identity(open.metadata()).is_some_and(|open| identity(std::fs::metadata(path)) == Some(open))
}

/// Writes what comes until nobody sends any more. What cannot be written is lost, counted and said; decisions go on.
pub(super) fn write(mut queue: Receiver<Decided>, mut to: Destinations, redaction: &Redaction, counts: &Counts) {
    let (mut batch, mut lines, mut said) = (Vec::with_capacity(BATCH), Vec::new(), 0);
    while queue.blocking_recv_many(&mut batch, BATCH) > 0 {
        let count = batch.len() as u64;
        for Decided { mut record, contracts } in batch.drain(..) {
            redaction.redact(&mut record, &contracts);
            if let Some(receiver) = &to.receiver {
                receiver.put(event(&record));
            }
            if to.file.is_some() && serde_json::to_writer(&mut lines, &record).is_ok() {
                lines.push(b'\n');
            }
        }
        if let Some(file) = &mut to.file
            && let Err(error) = file.append(&lines)
        {
            counts.lost.fetch_add(count, Ordering::Relaxed);
            tracing::error!(%error, file = %file.path.display(), "decisions could not be recorded");
        }
        lines.clear();
        counts.done.fetch_add(count, Ordering::Release);
        let now = counts.lost.load(Ordering::Relaxed);
        if now > said {
            tracing::warn!(
                lost = now - said,
                "decisions were not recorded: there was no room for them, or no way to write them"
            );
            said = now;
        }
    }
}
