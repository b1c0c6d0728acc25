//! Reading the fields of a request: every one that is wrong is told, not only the first.

use crate::http::error::ApiError;

/// The fields that are wrong, with their reasons.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// `field` is wrong.
    pub(super) fn refuse(&mut self, field: impl Into<String>, why: impl Into<String>) {
        self.0.push((field.into(), why.into()));
    }

    /// Reads a field that must be there.
    pub(super) fn required<V, T>(
        &mut self,
        field: &str,
        value: Option<V>,
        read: impl FnOnce(V) -> Result<T, String>,
    ) -> Option<T> {
        if value.is_none() {
            self.refuse(field, "must be given");
        }
        self.optional(field, value, read)
    }

    /// Reads a field that may be absent.
    pub(super) fn optional<V, T>(
        &mut self,
        field: &str,
        value: Option<V>,
        read: impl FnOnce(V) -> Result<T, String>,
    ) -> Option<T> {
        match read(value?) {
            Ok(read) => Some(read),
            Err(why) => {
                self.refuse(field, why);
                None
            }
        }
    }

    /// Reads a text that must be there and must say something.
    pub(super) fn required_text(&mut self, field: &str, value: Option<&str>, max_characters: usize) -> Option<String> {
        let read = |text: &str| match text.trim() {
            "" => Err("must not be empty".to_owned()),
            trimmed if trimmed.chars().count() > max_characters => Err(too_long(max_characters)),
            trimmed if has_control(trimmed) => Err("must not have control characters".to_owned()),
            trimmed => Ok(trimmed.to_owned()),
        };
        self.required(field, value, read)
    }

    /// Judges a text that may be absent or empty.
    pub(super) fn text(&mut self, field: &str, value: Option<&str>, max_characters: usize) {
        let Some(text) = value else { return };
        if text.chars().count() > max_characters {
            self.refuse(field, too_long(max_characters));
        } else if has_control(text) {
            self.refuse(field, "must not have control characters");
        }
    }

    /// 400 with every wrong field, if there is one.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::invalid_fields(&self.0)) }
    }
}

fn too_long(max_characters: usize) -> String {
    format!("must have {max_characters} characters at most")
}

/// Line breaks are writing; NUL and the like break logs and databases.
fn has_control(text: &str) -> bool {
    text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}
