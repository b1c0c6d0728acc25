//! `[decision_log]`: where decisions are recorded, and what the record says of people.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[decision_log]`: what was decided, one line of [JSON](#the-decision-log) each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionLog {
    /// The file that is appended to; absent: nothing is recorded. It may be moved away at any time, and is made again.
    pub file: Option<PathBuf>,
    /// Whether the receiver of `telemetry.endpoint` gets every record too, as an event `countersign.decision` of OTLP's logs at `/v1/logs`.
    pub otlp: bool,
    /// Of plain allows, one in so many is recorded; 0: none. Denials, and what enforcement would deny, are always recorded.
    pub allowed_one_in: u64,
    /// How a line names the person that an app acted for: `digest`, `id` or `none`.
    pub user: Naming,
    /// How a line names the app: `id`, `digest` or `none`.
    pub client: Naming,
    /// What a line says of the path: `template` or `whole`.
    pub path: PathShown,
}

/// How a line of the log names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// By its id.
    Id,
    /// By a digest of its id, keyed with a secret of the database: the same in every line, and nobody's name without it.
    Digest,
    /// Not at all: only that there was somebody.
    None,
}

/// What a line of the log says of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathShown {
    /// The path that was asked for, without its query.
    Whole,
    /// The same with the names of parameters for their values: values can be names and addresses of people.
    Template,
}

impl Default for DecisionLog {
    fn default() -> Self {
        Self {
            file: None,
            otlp: false,
            allowed_one_in: 1,
            user: Naming::Digest,
            client: Naming::Id,
            path: PathShown::Template,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Naming, PathShown};
    use crate::config::Config;

    #[test]
    fn without_a_word_people_are_digests_and_paths_templates() {
        let config = Config::default();
        let log = &config.decision_log;
        assert_eq!((log.user, log.client, log.path), (Naming::Digest, Naming::Id, PathShown::Template));
        let shown = config.to_toml();
        for line in ["user = \"digest\"", "client = \"id\"", "path = \"template\"", "allowed_one_in = 1"] {
            assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
        }
    }

    #[test]
    fn other_words_are_refused_with_their_line_and_the_right_ones() {
        for (line, expected) in [
            ("user = \"hash\"", "expected one of `id`, `digest`, `none`"),
            ("client = \"Id\"", "expected one of `id`, `digest`, `none`"),
            ("path = \"none\"", "expected `whole` or `template`"),
            ("address = \"id\"", "unknown field `address`"),
        ] {
            let error = Config::from_toml(&format!("[decision_log]\n{line}\n")).unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains(expected), "{line}: {error}");
        }
    }
}
