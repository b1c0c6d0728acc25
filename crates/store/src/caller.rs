//! Who is meant by the names that a question about a decision gives.

use std::collections::{BTreeMap, BTreeSet};

use countersign_decision::ClientRef;
use countersign_domain::client::ClientState;
use countersign_domain::user::{Email, UserState};
use sqlx::AssertSqlSafe;

use crate::column::Columns;
use crate::{OrgStore, StoreError};

/// Most names of one query.
const MAX_NAMES: usize = 500;

impl OrgStore<'_> {
    /// The ids of the organization's users with these e-mail addresses, by [`Email::key_of`] of the address.
    pub async fn users_with_emails(&self, emails: &BTreeSet<String>) -> Result<BTreeMap<String, String>, StoreError> {
        let keys: BTreeSet<String> = emails.iter().map(|email| Email::key_of(email)).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        let mut found = BTreeMap::new();
        for keys in keys.chunks(MAX_NAMES) {
            let query = format!(
                "SELECT user_id, email_key FROM users WHERE org_id = $1 AND state <> $2 AND email_key IN ({})",
                places(3, keys.len())
            );
            let query = sqlx::query(AssertSqlSafe(query)).bind(self.organization.as_str().to_owned());
            let query = query.bind(UserState::Deleted.as_str());
            let query = keys.iter().fold(query, |query, key| query.bind(key.clone()));
            for row in &query.fetch_all(self.database.readers()).await? {
                found.insert(row.text("email_key")?, row.text("user_id")?);
            }
        }
        Ok(found)
    }

    /// The clients with these ids, of whichever organization, as calls of theirs would be decided on.
    pub async fn callers(&self, ids: &BTreeSet<String>) -> Result<BTreeMap<String, ClientRef>, StoreError> {
        let ids: Vec<&String> = ids.iter().collect();
        let mut found = BTreeMap::new();
        for ids in ids.chunks(MAX_NAMES) {
            let query = format!(
                "SELECT c.client_id, c.org_id AS client_home, c.state AS client_state, h.is_active AS client_home_active
                   FROM clients c
                   JOIN organizations h ON h.org_id = c.org_id
                  WHERE c.client_id IN ({})",
                places(1, ids.len())
            );
            let query = sqlx::query(AssertSqlSafe(query));
            let query = ids.iter().fold(query, |query, id| query.bind((*id).clone()));
            for row in &query.fetch_all(self.database.readers()).await? {
                let is_active = row.named("client_state", ClientState::parse)? == ClientState::Active;
                let client = ClientRef {
                    id: row.text("client_id")?,
                    home_organization: row.text("client_home")?,
                    active: is_active && row.flag("client_home_active")?,
                };
                found.insert(client.id.clone(), client);
            }
        }
        Ok(found)
    }
}

/// `$first, …`: the places of so many values.
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
