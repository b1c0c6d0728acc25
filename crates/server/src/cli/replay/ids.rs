//! Whose calls the lines of a decision log are. They name people and apps by ids that no world file has; the database that
//! the server keeps does.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use clap::Args;
use countersign_decision::ClientRef;
use countersign_domain::id::OrganizationId;
use countersign_domain::name_digest::NameDigests;
use countersign_domain::user::User;
use countersign_domain::world::OrganizationEntry;
use countersign_store::user::UserFilter;
use countersign_store::{Location, Options, Page, Store, StoreError, SystemTask};

use super::entry::Entry;
use crate::app::SystemEntropy;
use crate::cli::failure::Failure;
use crate::cli::storage::runtime;
use crate::http::now::{Clock, SystemClock};

/// Where the database of the server is that wrote the log.
#[derive(Debug, Args)]
pub(super) struct Database {
    /// For a decision log: the folder of the server's embedded database, which says whose ids stand in the log
    #[arg(long, value_name = "FOLDER", conflicts_with = "database_url")]
    data: Option<PathBuf>,
    /// For a decision log: the server's PostgreSQL, which says whose ids stand in the log
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

/// Who stands behind the ids of one organization's log, as far as it matters for one app.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// All that the app is called by.
    client: HashSet<String>,
    /// E-mail addresses, by all that people are called by; nothing where no database was named.
    users: Option<HashMap<String, String>>,
}

const SAID_BY: &str = "`--data FOLDER` or `--database-url URL` of the server that wrote it says whose they are";

impl Database {
    /// Reads what the log may name.
    pub(super) fn ids(&self, organization: &OrganizationEntry, client: &ClientRef) -> Result<Ids, Failure> {
        // an id of the world file; without one, a name stands in that no id can be
        let (home, name) = client.id.split_once('/').map_or((None, None), |(home, name)| (Some(home), Some(name)));
        let mut ids = Ids::default();
        if name.is_none() {
            ids.client.insert(client.id.clone());
        }
        let Some(location) = self.location()? else { return Ok(ids) };
        let home = home.unwrap_or(&client.home_organization);
        runtime()?.block_on(async {
            let store = Store::open(&location, Options::default()).await?;
            let read = ids.read(&store, organization.id.as_str(), (home, name)).await;
            store.close().await;
            read
        })?;
        Ok(ids)
    }

    fn location(&self) -> Result<Option<Location>, Failure> {
        match (&self.database_url, &self.data) {
            (Some(url), _) => Ok(Some(Location::Postgres { url: url.clone() })),
            (None, Some(folder)) if folder.exists() => Ok(Some(Location::Sqlite { folder: folder.clone() })),
            (None, Some(folder)) => {
                Err(Failure::bad_input(format!("`--data`: there is no folder `{}`", folder.display())))
            }
            (None, None) => Ok(None),
        }
    }
}

impl Ids {
    async fn read(
        &mut self,
        store: &Store,
        organization: &str,
        (home, name): (&str, Option<&str>),
    ) -> Result<(), StoreError> {
        let store = store.system(SystemTask::Replay, SystemClock.now(), &SystemEntropy);
        let digests = NameDigests::new(store.server_secret(NameDigests::KEY).await?);
        let parsed = |id: &str| OrganizationId::parse(id).expect("INVARIANT: a world file's ids were parsed");
        if let Some(name) = name {
            let clients = store.org(&parsed(home)).clients(Page::new(1, u32::MAX)).await?.items.into_iter();
            self.client.extend(clients.filter(|client| client.name == name).map(|client| client.id.to_string()));
        }
        let digested: Vec<_> = self.client.iter().map(|id| digests.of(id)).collect();
        self.client.extend(digested);
        let users = store.org(&parsed(organization)).users(&UserFilter::default(), Page::new(1, u32::MAX)).await?;
        let named = |user: User| {
            let (id, email) = (user.id.to_string(), user.email.as_str().to_owned());
            [(digests.of(&id), email.clone()), (id, email)]
        };
        self.users = Some(users.items.into_iter().flat_map(named).collect());
        Ok(())
    }

    /// Puts the app and the address in the place of their ids, in a line of a decision log. Lines of other apps stay as
    /// they are.
    ///
    /// # Errors
    /// Ids that nobody said anything about.
    pub(super) fn resolve(&self, entry: &mut Entry, client_text: &str) -> Result<(), String> {
        if entry.decided_with.is_none() {
            return Ok(());
        }
        match &mut entry.caller.client {
            Some(_) if self.client.is_empty() && self.users.is_none() => {
                return Err(format!(
                    "the log names apps by their ids, and the world file has none for `{client_text}`: {SAID_BY}"
                ));
            }
            Some(id) if !self.client.contains(id) => return Ok(()),
            Some(id) => client_text.clone_into(id),
            None => {}
        }
        if let Some(Some(user)) = &mut entry.caller.user {
            let Some(users) = &self.users else {
                return Err(format!("the log names people by their ids, `{user}` here: {SAID_BY}"));
            };
            // somebody who is gone is somebody whom the world does not know
            if let Some(email) = users.get(user) {
                user.clone_from(email);
            }
        }
        Ok(())
    }
}
