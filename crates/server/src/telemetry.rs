//! What a server tells of itself: logs, one line per event on standard error, as text on a terminal and as JSON elsewhere;
//! metrics; and traces.
//!
//! | file | holds |
//! |---|---|
//! | `families.rs` | every metric by name, with what it means |
//! | `counting.rs` | counters, gauges, histograms: what a call writes to |
//! | `doors.rs`, `listeners.rs`, `connections.rs`, `process.rs` | what is counted where |
//! | `metrics.rs`, `exposition.rs` | all of it, and how a scrape shows it |
//! | `traces.rs`, `decided.rs`, `exchange.rs` | spans of calls, and of what the gateway sends on |
//! | `outbox.rs`, `otlp.rs`, `messages.rs` | what waits to be sent, and how it is sent |

pub mod connections;
pub mod counting;
mod decided;
pub mod doors;
pub mod exchange;
pub mod exposition;
pub mod families;
pub mod listeners;
pub mod messages;
pub mod metrics;
pub mod otlp;
pub mod outbox;
mod process;
pub mod traces;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

/// Starts logging what passes `filter`: `info`, `countersign_server=debug` and so on.
///
/// # Errors
/// A filter that is not one.
pub fn start(filter: &str) -> Result<(), ConfigError> {
    let rule = "a level (`error`, `warn`, `info`, `debug`, `trace`), or `target=level` pairs with commas between them";
    let invalid = |_| ConfigError::Invalid { key: "server.log", value: filter.to_owned(), rule };
    let filter = EnvFilter::try_new(filter).map_err(invalid)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // a second start (tests) keeps the first
    let _ = if std::io::stderr().is_terminal() { builder.compact().try_init() } else { builder.json().try_init() };
    Ok(())
}
