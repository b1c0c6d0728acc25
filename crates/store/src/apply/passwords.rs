//! Which hash to keep of each password and secret in the file: the one that is kept already if it fits, else a new one.
//!
//! Hashing takes 20 ms each, so it is done before the transaction, beside the reactor, a few at a time (19 MiB each).

use std::collections::HashMap;

use countersign_domain::entropy::{Entropy, random_bytes};
use countersign_domain::id::OrganizationId;
use countersign_domain::secret::SecretHash;
use countersign_domain::world::{Chosen, PasswordEntry, World};
use tokio::task::JoinSet;

use crate::column::Columns;
use crate::{StoreError, SystemStore};

/// What to keep, by organization and by the user's e-mail key or the client's name.
#[derive(Default)]
pub(super) struct Passwords {
    users: HashMap<Owner, SecretHash>,
    clients: HashMap<Owner, SecretHash>,
}

type Owner = (OrganizationId, String);

/// A secret in the clear, and the hashes that it may have already.
struct Work {
    owner: Owner,
    noun: Noun,
    clear: Chosen,
    kept: Vec<SecretHash>,
    salt: Salt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Noun {
    User,
    Client,
}

/// How many are hashed at the same time.
const AT_ONCE: usize = 4;

impl Passwords {
    pub(super) async fn of(system: &SystemStore<'_>, world: &World) -> Result<Self, StoreError> {
        let mut passwords = Self::default();
        let mut running = JoinSet::new();
        for work in gather(system, world, &mut passwords).await? {
            if running.len() >= AT_ONCE {
                passwords.keep(running.join_next().await);
            }
            running.spawn_blocking(move || (work.noun, work.owner.clone(), work.hash()));
        }
        while let Some(finished) = running.join_next().await {
            passwords.keep(Some(finished));
        }
        Ok(passwords)
    }

    /// The hash to keep of a user's password; `None` where the file gives none.
    pub(super) fn of_user(&self, organization: &OrganizationId, email_key: &str) -> Option<&SecretHash> {
        self.users.get(&(organization.clone(), email_key.to_owned()))
    }

    /// The hash to keep of a client's secret; `None` for public clients.
    pub(super) fn of_client(&self, organization: &OrganizationId, name: &str) -> Option<&SecretHash> {
        self.clients.get(&(organization.clone(), name.to_owned()))
    }

    fn keep(&mut self, finished: Option<Result<(Noun, Owner, SecretHash), tokio::task::JoinError>>) {
        let Some(finished) = finished else { return };
        let (noun, owner, hash) = finished.expect("hashing does not panic and is not cancelled");
        match noun {
            Noun::User => self.users.insert(owner, hash),
            Noun::Client => self.clients.insert(owner, hash),
        };
    }
}

impl Work {
    fn hash(self) -> SecretHash {
        let clear = self.clear.expose();
        let new = || match self.noun {
            Noun::User => SecretHash::of_password(clear, &self.salt),
            Noun::Client => SecretHash::of_client_secret(clear, &self.salt),
        };
        self.kept.iter().find(|hash| hash.verify(clear)).cloned().unwrap_or_else(new)
    }
}

async fn gather(system: &SystemStore<'_>, world: &World, passwords: &mut Passwords) -> Result<Vec<Work>, StoreError> {
    let mut gathered = Vec::new();
    let salt = || Salt(random_bytes(system.entropy));
    for organization in &world.organizations {
        let mut kept_of_users = kept_of_users(system, &organization.id).await?;
        let kept_of_clients = kept_of_clients(system, &organization.id).await?;
        for user in &organization.users {
            let owner = (organization.id.clone(), user.email.key());
            match &user.password {
                Some(PasswordEntry::Clear(clear)) => {
                    let kept = kept_of_users.remove(&owner.1).into_iter().collect();
                    gathered.push(Work { owner, noun: Noun::User, clear: clear.clone(), kept, salt: salt() });
                }
                Some(PasswordEntry::Hash(hash)) => {
                    passwords.users.insert(owner, hash.clone());
                }
                None => {}
            }
        }
        for client in &organization.clients {
            let Some(clear) = &client.secret else { continue };
            let is_this = |kept: &&KeptSecret| match &client.id {
                Some(id) => kept.client == id.as_str(),
                None => kept.name == client.name,
            };
            let kept = kept_of_clients.iter().filter(is_this).map(|kept| kept.hash.clone()).collect();
            let owner = (organization.id.clone(), client.name.clone());
            gathered.push(Work { owner, noun: Noun::Client, clear: clear.clone(), kept, salt: salt() });
        }
    }
    Ok(gathered)
}

async fn kept_of_users(
    system: &SystemStore<'_>,
    organization: &OrganizationId,
) -> Result<HashMap<String, SecretHash>, StoreError> {
    let rows = sqlx::query(
        "SELECT email_key, password_hash
           FROM users
          WHERE org_id = $1
            AND state <> 'deleted'
            AND password_hash IS NOT NULL",
    )
    .bind(organization.as_str())
    .fetch_all(system.database.readers())
    .await?;
    let mut kept = HashMap::with_capacity(rows.len());
    for row in &rows {
        if let Some(hash) = row.optional_hash("password_hash")? {
            kept.insert(row.text("email_key")?, hash);
        }
    }
    Ok(kept)
}

struct KeptSecret {
    client: String,
    name: String,
    hash: SecretHash,
}

async fn kept_of_clients(
    system: &SystemStore<'_>,
    organization: &OrganizationId,
) -> Result<Vec<KeptSecret>, StoreError> {
    let rows = sqlx::query(
        "SELECT c.client_id, c.name, s.hash
           FROM clients c
           JOIN client_secrets s ON s.org_id = c.org_id AND s.client_id = c.client_id
          WHERE c.org_id = $1
            AND (s.expires_at IS NULL OR s.expires_at > $2)",
    )
    .bind(organization.as_str())
    .bind(system.now.as_micros())
    .fetch_all(system.database.readers())
    .await?;
    let mut kept = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(hash) = row.optional_hash("hash")? {
            kept.push(KeptSecret { client: row.text("client_id")?, name: row.text("name")?, hash });
        }
    }
    Ok(kept)
}

/// Randomness drawn beforehand, for another thread.
struct Salt([u8; 16]);

impl Entropy for Salt {
    fn fill(&self, bytes: &mut [u8]) {
        assert_eq!(bytes.len(), self.0.len(), "a salt has 16 bytes");
        bytes.copy_from_slice(&self.0);
    }
}
