//! What applying a world changed, or would change: for people to read, one sentence each.

use std::fmt;

use countersign_domain::id::{ClientId, OrganizationId};

/// Everything that applying a world changed, in the order in which it was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// One for each thing.
    pub entries: Vec<Entry>,
    /// Clients that the file gives no id for, with the ids that they have now. Empty in a dry run.
    pub made_clients: Vec<MadeClient>,
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose thing.
    pub organization: OrganizationId,
    /// What happened to it.
    pub verb: Verb,
    /// What: role `Directory admin`.
    pub what: String,
    /// In which way; empty where there is no more to say. Never holds a secret.
    pub how: String,
}

/// What happened to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is new.
    Created,
    /// It is different.
    Changed,
    /// It is gone.
    Removed,
}

/// A client that got its id from us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeClient {
    /// Who registered it.
    pub organization: OrganizationId,
    /// Its name in the file.
    pub name: String,
    /// The id to put into the app's configuration.
    pub id: ClientId,
}

impl Difference {
    /// Whether the store is already as the file describes it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn created(&mut self, organization: &OrganizationId, what: String, how: String) {
        self.add(organization, Verb::Created, what, how);
    }

    pub(super) fn removed(&mut self, organization: &OrganizationId, what: String) {
        self.add(organization, Verb::Removed, what, String::new());
    }

    /// Nothing where nothing changed.
    pub(super) fn changed(&mut self, organization: &OrganizationId, what: String, how: &[String]) {
        if !how.is_empty() {
            self.add(organization, Verb::Changed, what, how.join(", "));
        }
    }

    fn add(&mut self, organization: &OrganizationId, verb: Verb, what: String, how: String) {
        self.entries.push(Entry { organization: organization.clone(), verb, what, how });
    }
}

/// `acme: + role `Directory admin` (directory:user:*)`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.verb {
            Verb::Created => '+',
            Verb::Changed => '~',
            Verb::Removed => '-',
        };
        write!(f, "{}: {sign} {}", self.organization, self.what)?;
        if self.how.is_empty() { Ok(()) } else { write!(f, ": {}", self.how) }
    }
}

/// `name `Old` → `New``, nothing where they are equal.
pub(super) fn edit<T: PartialEq + fmt::Display>(field: &str, before: &T, after: &T) -> Option<String> {
    (before != after).then(|| format!("{field} `{before}` → `{after}`"))
}

/// `scopes + `users` - `oauth``, nothing where both hold the same, in whichever order.
pub(super) fn edit_list<T: PartialEq + fmt::Display>(field: &str, before: &[T], after: &[T]) -> Option<String> {
    let gained = after.iter().filter(|one| !before.contains(one)).map(|one| format!("+ `{one}`"));
    let lost = before.iter().filter(|one| !after.contains(one)).map(|one| format!("- `{one}`"));
    let edits: Vec<_> = gained.chain(lost).collect();
    (!edits.is_empty()).then(|| format!("{field} {}", edits.join(" ")))
}

/// ``users`, `oauth`` or `none`.
pub(super) fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_as_a_line() {
        let organization = OrganizationId::parse("acme").unwrap();
        let mut difference = Difference::default();
        difference.created(&organization, "role `Admin`".to_owned(), list(&["a:b:c"]));
        difference.removed(&organization, "role `Old`".to_owned());
        let how = [edit("name", &"A", &"B"), edit_list("scopes", &["x", "y"], &["y", "z"]), edit("n", &1, &1)];
        let how: Vec<_> = how.into_iter().flatten().collect();
        difference.changed(&organization, "app `Sync`".to_owned(), &how);
        difference.changed(&organization, "app `Same`".to_owned(), &[]);
        let lines: Vec<_> = difference.entries.iter().map(ToString::to_string).collect();
        let expected = [
            "acme: + role `Admin`: `a:b:c`",
            "acme: - role `Old`",
            "acme: ~ app `Sync`: name `A` → `B`, scopes + `z` - `x`",
        ];
        assert_eq!(lines, expected);
    }
}
