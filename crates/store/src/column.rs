//! How values stand in columns: times as microseconds, flags as 0 or 1, lists as JSON arrays, hashes as text.

use countersign_decision::Enforcement;
use countersign_domain::secret::{Digest, SecretHash};
use countersign_domain::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::error::StoreError;

/// Reads columns by name into domain values. A value that cannot be one is `Corrupt`, never a default.
pub(crate) trait Columns {
    fn text(&self, column: &str) -> Result<String, StoreError>;
    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError>;
    fn number(&self, column: &str) -> Result<i64, StoreError>;
    fn optional_number(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn digest(&self, column: &str) -> Result<Digest, StoreError>;

    fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.number(column)? != 0)
    }

    fn instant(&self, column: &str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_micros(self.number(column)?))
    }

    fn optional_instant(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_number(column)?.map(Timestamp::from_micros))
    }

    fn id<T: TryFrom<String>>(&self, column: &str) -> Result<T, StoreError> {
        T::try_from(self.text(column)?).map_err(|_| damaged(column))
    }

    fn named<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(&self.text(column)?).ok_or_else(|| damaged(column))
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|_| damaged(column))
    }

    fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.optional_text(column)?.map(|text| serde_json::from_str(&text).map_err(|_| damaged(column))).transpose()
    }

    fn optional_hash(&self, column: &str) -> Result<Option<SecretHash>, StoreError> {
        self.optional_text(column)?.map(|text| parse_hash(&text).ok_or_else(|| damaged(column))).transpose()
    }
}

impl Columns for AnyRow {
    fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn number(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn optional_number(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn digest(&self, column: &str) -> Result<Digest, StoreError> {
        Digest::from_bytes(&self.try_get::<Vec<u8>, _>(column)?).ok_or_else(|| damaged(column))
    }
}

/// A list as JSON text.
pub(crate) fn json_text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("lists of names, and JSON values, are JSON")
}

/// What cannot be read back from a column.
pub(crate) fn damaged(column: &str) -> StoreError {
    StoreError::Corrupt { what: format!("a value in column `{column}` cannot be read") }
}

/// `off`, `report` or `enforce`.
pub(crate) const fn enforcement_name(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::Off => "off",
        Enforcement::Report => "report",
        Enforcement::Enforce => "enforce",
    }
}

/// The mode of that name.
pub(crate) fn parse_enforcement(text: &str) -> Option<Enforcement> {
    [Enforcement::Off, Enforcement::Report, Enforcement::Enforce]
        .into_iter()
        .find(|mode| enforcement_name(*mode) == text)
}

/// A PHC string, or `sha256:` and 64 hexadecimal digits.
pub(crate) fn hash_text(hash: &SecretHash) -> String {
    match hash {
        SecretHash::Argon2id(phc) => phc.clone(),
        SecretHash::Sha256(digest) => {
            let digits: Vec<String> = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{}", digits.concat())
        }
    }
}

/// The hash that [`hash_text`] wrote.
pub(crate) fn parse_hash(text: &str) -> Option<SecretHash> {
    let Some(digits) = text.strip_prefix("sha256:") else {
        return SecretHash::parse_argon2id(text).ok();
    };
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    Digest::from_bytes(&bytes?).map(SecretHash::Sha256)
}

#[cfg(test)]
mod tests {
    use countersign_domain::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn hashes_are_read_back_as_they_were_written() {
        let entropy = SeededEntropy::new(1);
        for hash in [SecretHash::Sha256(Digest::of(b"secret")), SecretHash::of_password("correct horse", &entropy)] {
            assert_eq!(parse_hash(&hash_text(&hash)), Some(hash));
        }
    }

    #[test]
    fn what_is_not_a_hash_is_not_read() {
        for bad in ["", "plain", "sha256:", "sha256:00", "sha256:zz", "sha256:é1"] {
            assert_eq!(parse_hash(bad), None, "{bad}");
        }
    }
}
