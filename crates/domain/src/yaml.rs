//! Files that people write in YAML or JSON: read with the line of every value, and the reader's errors in the words of the
//! file's author.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Options, Spanned};

/// Reads a file of one document. `noun` is what people call it, `first_key` how it begins.
///
/// # Errors
/// The first line that does not fit, and why.
pub fn read<T: DeserializeOwned>(text: &str, noun: &str, first_key: &str) -> Result<T, (u32, String)> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let error = error.without_snippet();
        let line = error.location().map_or(1, |location| location.line());
        (u32::try_from(line.max(1)).unwrap_or(u32::MAX), describe(error, noun, first_key))
    })
}

/// The line of a value, counted from 1.
pub fn line<T>(spanned: &Spanned<T>) -> u32 {
    u32::try_from(spanned.referenced.line().max(1)).unwrap_or(u32::MAX)
}

/// The file is the operator's own and may be large; what an alias may blow up stays limited.
fn options() -> Options {
    let budget = serde_saphyr::budget! {
        max_events: usize::MAX,
        max_nodes: usize::MAX,
        max_total_scalar_bytes: usize::MAX,
        max_total_comment_bytes: usize::MAX,
    };
    serde_saphyr::options! { budget: budget, strict_booleans: true }
}

fn describe(error: &Error, noun: &str, first_key: &str) -> String {
    match error {
        Error::Eof { .. } => format!("the file is empty: a {noun} begins with `{first_key}:`"),
        Error::MultipleDocuments { .. } => format!("a second YAML document begins here: a {noun} is one document"),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("`{field}` is not a key here: the keys are {}", in_ticks(expected))
        }
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is given twice: keep one"),
        Error::NullIntoString { .. } => "there is no value here: a text is expected".to_owned(),
        Error::InvalidScalar { ty, .. } if ty.starts_with(['i', 'u']) => "a whole number is expected here".to_owned(),
        Error::InvalidBooleanStrict { .. } => "`true` or `false` is expected here".to_owned(),
        Error::Unexpected { expected, .. } => match *expected {
            "sequence start" => "a list is expected here".to_owned(),
            "mapping start" => "keys with values are expected here".to_owned(),
            "string scalar" => "a text is expected here".to_owned(),
            other => format!("{other} is expected here"),
        },
        Error::AliasError { error, .. } => describe(error, noun, first_key),
        other => {
            let text = other.to_string();
            text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
        }
    }
}

fn in_ticks(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
