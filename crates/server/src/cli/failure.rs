//! Why a command ends without having done its work, and with which exit status.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use countersign_store::StoreError;

use crate::config::ConfigError;

/// Ends a command.
#[derive(Debug)]
pub(super) enum Failure {
    /// The input is wrong: each line says what, where, and what would be right. Exit status 2.
    BadInput(Vec<String>),
    /// The question was answered, and the answer is no: it stands on standard output. Exit status 1.
    AnsweredNo,
    /// Whoever read our output has enough of it. Nothing to say, exit status 0.
    ClosedPipe,
    /// Anything else. Exit status 1.
    Other(anyhow::Error),
}

/// Bold red, as compilers do.
const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Bold yellow.
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// The most warnings that are printed one by one.
const MAX_WARNINGS: usize = 50;

impl Failure {
    /// One thing that is wrong with the input.
    pub(super) fn bad_input(message: impl Display) -> Self {
        Self::BadInput(vec![message.to_string()])
    }

    /// For whoever goes on without.
    pub(super) fn into_error(self) -> anyhow::Error {
        match self {
            Self::BadInput(messages) => anyhow::anyhow!(messages.join("\n")),
            Self::AnsweredNo => anyhow::anyhow!("the answer is no"),
            Self::ClosedPipe => io::Error::from(io::ErrorKind::BrokenPipe).into(),
            Self::Other(error) => error,
        }
    }

    /// Prints why to standard error, and answers with the exit status.
    pub(super) fn report(&self) -> ExitCode {
        match self {
            Self::BadInput(messages) => {
                messages.iter().for_each(|message| print_line(&format!("{ERROR}error:{ERROR:#} {message}")));
                ExitCode::from(2)
            }
            Self::AnsweredNo => ExitCode::FAILURE,
            Self::ClosedPipe => ExitCode::SUCCESS,
            Self::Other(error) => {
                print_line(&format!("{ERROR}error:{ERROR:#} {}", chain(error)));
                ExitCode::FAILURE
            }
        }
    }
}

/// Prints what is allowed and yet worth a look to standard error.
pub(super) fn warn(warnings: &[impl Display]) {
    for warning in warnings.iter().take(MAX_WARNINGS) {
        print_line(&format!("{WARNING}warning:{WARNING:#} {warning}"));
    }
    if let Some(more) = warnings.len().checked_sub(MAX_WARNINGS).filter(|more| *more > 0) {
        print_line(&format!("{WARNING}warning:{WARNING:#} {more} more of these"));
    }
}

/// An error and its causes, without those that say nothing new.
fn chain(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .map(ToString::to_string)
        .fold(error.to_string(), |text, cause| if text.contains(&cause) { text } else { format!("{text}: {cause}") })
}

/// Standard error may be closed; there is nobody left to tell.
fn print_line(line: &str) {
    let _ = io::Write::write_fmt(&mut anstream::stderr().lock(), format_args!("{line}\n"));
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::ClosedPipe } else { Self::Other(error.into()) }
    }
}

impl From<anyhow::Error> for Failure {
    /// Deep down it may be the operator's input that is wrong.
    fn from(error: anyhow::Error) -> Self {
        match (error.downcast_ref::<ConfigError>(), error.downcast_ref::<StoreError>()) {
            (Some(invalid), _) => Self::bad_input(invalid),
            (_, Some(StoreError::Invalid { what })) => Self::bad_input(what),
            _ => Self::Other(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::bad_input(error)
    }
}

impl<P: Display> From<Vec<P>> for Failure {
    fn from(problems: Vec<P>) -> Self {
        Self::BadInput(problems.iter().map(ToString::to_string).collect())
    }
}
