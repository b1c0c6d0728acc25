//! What a check of a world file has found so far, and the small checks that all parts share.

use std::collections::HashMap;
use std::fmt::Display;

use countersign_decision::{PermissionPolicy, Scope};
use serde_saphyr::Spanned;

use super::{Mention, Mentioned, OrganizationEntry, Problem, World};
use crate::yaml::line;

/// The longest name of anything, in characters.
const MAX_NAME_CHARS: usize = 256;
/// How many names a message lists at most.
const MAX_LISTED: usize = 12;

/// Mistakes, doubtful places, and what only a catalogue can judge.
pub(super) struct Findings {
    file: String,
    problems: Vec<Problem>,
    notices: Vec<Problem>,
    mentions: Vec<Mention>,
}

impl Findings {
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), problems: Vec::new(), notices: Vec::new(), mentions: Vec::new() }
    }

    /// The world, or the mistakes in the order of the file.
    pub(super) fn into_world(mut self, organizations: Vec<OrganizationEntry>) -> Result<World, Vec<Problem>> {
        if self.problems.is_empty() {
            let Self { file, notices, mentions, .. } = self;
            return Ok(World { organizations, file, notices, mentions });
        }
        self.problems.sort();
        self.problems.dedup();
        Err(self.problems)
    }

    /// A mistake: there will be no world.
    pub(super) fn problem(&mut self, line: u32, message: impl Into<String>) {
        self.problems.push(Problem { file: self.file.clone(), line, message: message.into() });
    }

    /// Something allowed that is probably not meant.
    pub(super) fn notice(&mut self, line: u32, message: impl Into<String>) {
        self.notices.push(Problem { file: self.file.clone(), line, message: message.into() });
    }

    /// The value, or a problem at `line` where the key is missing.
    pub(super) fn required<'v>(
        &mut self,
        value: Option<&'v Spanned<String>>,
        line: u32,
        key: &str,
    ) -> Option<&'v Spanned<String>> {
        if value.is_none() {
            self.problem(line, format!("`{key}` is missing"));
        }
        value
    }

    /// The parsed value, or its parser's words at the line of `text`.
    pub(super) fn parsed<T, E: Display>(&mut self, text: &Spanned<String>, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.problem(line(text), error.to_string())).ok()
    }

    /// The meaning of `text` among `choices`.
    pub(super) fn one_of<T: Copy>(&mut self, text: &Spanned<String>, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(name, _)| *name == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.problem(
                line(text),
                format!("`{}` is not a value of `{key}`: it is one of {}", text.value, listed(&names)),
            );
        }
        found
    }

    /// A name that people can read on a page.
    pub(super) fn name(&mut self, text: Spanned<String>, key: &str) -> String {
        let name = &text.value;
        if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            let rule = format!("must be a name of 1 to {MAX_NAME_CHARS} characters, on one line");
            self.problem(line(&text), format!("`{key}` {rule}"));
        }
        text.value
    }

    /// A scope; whether a contract knows it is asked later.
    pub(super) fn scope(&mut self, text: &Spanned<String>) -> Option<Scope> {
        let scope: Scope = self.parsed(text, text.value.parse())?;
        self.mentions.push(Mention { line: line(text), what: Mentioned::Scope(scope.clone()) });
        Some(scope)
    }

    /// Scopes without doubles.
    pub(super) fn scopes(&mut self, texts: &[Spanned<String>]) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = Vec::with_capacity(texts.len());
        for scope in texts.iter().filter_map(|text| self.scope(text)) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// A permission policy; whether it covers anything is asked later.
    pub(super) fn policy(&mut self, text: &Spanned<String>) -> Option<PermissionPolicy> {
        let policy: PermissionPolicy = self.parsed(text, text.value.parse())?;
        self.mentions.push(Mention { line: line(text), what: Mentioned::Policy(policy.clone()) });
        Some(policy)
    }
}

/// Names that may occur once.
#[derive(Default)]
pub(super) struct Unique(HashMap<String, u32>);

impl Unique {
    /// A problem where `key` occurred before; `text` is how the file writes it, `noun` what it names.
    pub(super) fn check(&mut self, key: String, noun: &str, text: &Spanned<String>, findings: &mut Findings) {
        let at = line(text);
        if let Some(first) = self.0.get(&key) {
            findings.problem(at, format!("`{}` is given twice: line {first} has the same {noun}", text.value));
        } else {
            self.0.insert(key, at);
        }
    }
}

/// Names for a message: `a`, `b` and 3 more.
pub(super) fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<_> = names.iter().take(MAX_LISTED).map(|name| format!("`{name}`")).collect();
    let more = names.len() - shown.len();
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
