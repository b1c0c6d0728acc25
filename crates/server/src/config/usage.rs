//! `[usage]`: whether it is counted what apps call, and for how long.

use serde::{Deserialize, Deserializer, Serialize};

/// `[usage]`: what apps call, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Usage {
    /// Whether calls are [counted](../decisions/0029-usage-is-counted.md) by app, operation, day and answer, in the database.
    pub enabled: bool,
    /// For how many days counts are kept, 1 to 3660.
    #[serde(deserialize_with = "days")]
    pub keep_days: u16,
}

/// Longer than a year, so that what an app does once a year is not taken for unused.
const KEEP_DAYS: u16 = 400;
/// Ten years.
const MOST_DAYS: u16 = 3_660;

impl Default for Usage {
    fn default() -> Self {
        Self { enabled: true, keep_days: KEEP_DAYS }
    }
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let days = u16::deserialize(deserializer)?;
    if (1..=MOST_DAYS).contains(&days) {
        Ok(days)
    } else {
        Err(serde::de::Error::custom(format_args!("`keep_days` is a number of days from 1 to {MOST_DAYS}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_time_that_cannot_be_is_refused_with_its_line_and_the_rule() {
        for bad in ["keep_days = 0", "keep_days = 3661", "keep_days = \"a year\"", "keep_days = -1", "keep = 7"] {
            let error = Config::from_toml(&format!("[usage]\n{bad}\n")).unwrap_err().to_string();
            assert!(error.contains("line 2"), "{bad}: {error}");
        }
        let error = Config::from_toml("[usage]\nkeep_days = 0\n").unwrap_err().to_string();
        assert!(error.contains("from 1 to 3660"), "{error}");
        assert_eq!(Config::from_toml("[usage]\nkeep_days = 30\n").unwrap().usage.keep_days, 30);
    }
}
