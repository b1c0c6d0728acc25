//! HAR 1.2: what a browser's network tab exports. One document, so its entries are collected, of each only what is
//! needed.

use std::io::Read;

use serde::Deserialize;

use super::{Line, whole, without_place};
use crate::cli::failure::Failure;
use crate::cli::replay::entry::Entry;
use crate::cli::replay::log::Log;

/// The largest document that is read, in bytes.
const MAX_BYTES: u64 = 512 * 1_024 * 1_024;

const EXPECTED: &str = r#"a HAR file is {"log":{"entries":[{"request":{"method":"GET","url":"https://…"}}]}}"#;

#[derive(Deserialize)]
struct Document {
    log: Entries,
}

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    request: Request,
    #[serde(default)]
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    status: Option<i64>,
}

pub(super) fn read(log: Log, mut take: impl FnMut(u64, Line) -> Result<(), Failure>) -> Result<(), Failure> {
    let name = log.name.clone();
    let mut bounded = whole(log).take(MAX_BYTES + 1);
    let document: Document = serde_json::from_reader(&mut bounded).map_err(|error| {
        if error.is_io() {
            return Failure::from(std::io::Error::from(error));
        }
        let line = name.line(error.line() as u64);
        if bounded.limit() == 0 {
            return Failure::bad_input(format!("{line}: the file is too large: at most {MAX_BYTES} bytes are read"));
        }
        Failure::bad_input(format!("{line}: {}: {EXPECTED}", without_place(&error)))
    })?;
    for (number, Exchange { request, response }) in (1..).zip(document.log.entries) {
        let status = response.and_then(|response| response.status).and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| *status >= 100);
        let entry = Entry::new(&request.method, request.url.as_bytes(), status);
        take(number, entry.map_or(Line::NoRequest, Line::Call))?;
    }
    Ok(())
}
