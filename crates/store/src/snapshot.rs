//! What decisions about one organization depend on, read in one transaction: all of it, or what changed since a
//! revision.

use std::collections::{BTreeMap, BTreeSet};

use countersign_decision::{AuthorizationFacts, Change, OrganizationFacts, RoleFacts, Settings, SubjectFacts};
use countersign_domain::authorization::parse_state;
use countersign_domain::client::ClientState;
use countersign_domain::id::OrganizationId;
use countersign_domain::user::UserState;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::column::{Columns, parse_enforcement};
use crate::db::{Database, Transaction};
use crate::touched::{MAX_THINGS, Things, Touched};
use crate::{OrgStore, StoreError, SystemStore};

/// What is to know of an organization for somebody who knows it at an earlier revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// What is different, in the order to apply it. Things that were only touched are among it.
    Changes(Vec<Change>),
    /// Everything: more changed than is worth telling one by one, or it is not known what did.
    Everything(OrganizationFacts),
}

impl SystemStore<'_> {
    /// The organization's revision and the facts that belong to exactly that revision.
    pub async fn organization_facts(
        &self,
        id: &OrganizationId,
    ) -> Result<Option<(i64, OrganizationFacts)>, StoreError> {
        read_facts(self.database, id).await
    }

    /// The organization's revision, and what makes the facts of revision `since` those of exactly that revision.
    pub async fn organization_news(&self, id: &OrganizationId, since: i64) -> Result<Option<(i64, News)>, StoreError> {
        let mut reader = Reader::begin(self.database, id).await?;
        let Some((revision, settings)) = reader.settings().await? else { return Ok(None) };
        let news = match reader.touched(since, revision).await? {
            Touched::Things(things) => News::Changes(reader.changes(settings, things).await?),
            Touched::Everything => News::Everything(reader.facts(settings).await?),
        };
        reader.transaction.commit().await?;
        Ok(Some((revision, news)))
    }
}

impl OrgStore<'_> {
    /// The organization's revision and the facts that belong to exactly that revision.
    pub async fn facts(&self) -> Result<(i64, OrganizationFacts), StoreError> {
        let facts = read_facts(self.database, &self.organization).await?;
        facts.ok_or(StoreError::NotFound { what: "organization" })
    }
}

async fn read_facts(database: &Database, id: &OrganizationId) -> Result<Option<(i64, OrganizationFacts)>, StoreError> {
    let mut reader = Reader::begin(database, id).await?;
    let Some((revision, settings)) = reader.settings().await? else { return Ok(None) };
    let facts = reader.facts(settings).await?;
    reader.transaction.commit().await?;
    Ok(Some((revision, facts)))
}

/// One organization at one instant.
struct Reader<'r> {
    transaction: Transaction,
    id: &'r OrganizationId,
}

/// Which things of a kind to read: these, or all.
type Among<'a> = Option<&'a BTreeSet<String>>;

impl<'r> Reader<'r> {
    async fn begin(database: &Database, id: &'r OrganizationId) -> Result<Self, StoreError> {
        Ok(Self { transaction: database.begin_read().await?, id })
    }

    async fn settings(&mut self) -> Result<Option<(i64, Settings)>, StoreError> {
        let row = sqlx::query(
            "SELECT enforcement, bounds_client_credentials, is_active, revision
               FROM organizations
              WHERE org_id = $1",
        )
        .bind(self.id.as_str())
        .fetch_optional(&mut *self.transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let settings = Settings {
            active: row.flag("is_active")?,
            enforcement: row.named("enforcement", parse_enforcement)?,
            bounds_client_credentials: row.flag("bounds_client_credentials")?,
        };
        Ok(Some((row.number("revision")?, settings)))
    }

    async fn facts(&mut self, settings: Settings) -> Result<OrganizationFacts, StoreError> {
        let Settings { active, enforcement, bounds_client_credentials } = settings;
        Ok(OrganizationFacts {
            id: self.id.to_string(),
            active,
            enforcement,
            bounds_client_credentials,
            roles: self.roles(None).await?,
            users: self.users(None).await?,
            clients: self.clients(None).await?,
            authorizations: self.authorizations(None).await?,
        })
    }

    /// What the changes after `since`, up to the current `revision`, touched. A gap in the rows is everything.
    async fn touched(&mut self, since: i64, revision: i64) -> Result<Touched, StoreError> {
        let expected = usize::try_from(revision - since).ok().filter(|expected| *expected <= MAX_THINGS);
        let Some(expected) = expected else { return Ok(Touched::Everything) };
        let rows = sqlx::query(
            "SELECT touched
               FROM changes
              WHERE org_id = $1
                AND revision > $2
                AND revision <= $3",
        )
        .bind(self.id.as_str())
        .bind(since)
        .bind(revision)
        .fetch_all(&mut *self.transaction)
        .await?;
        if rows.len() != expected {
            return Ok(Touched::Everything);
        }
        let mut touched = Touched::nothing();
        for row in &rows {
            touched.add_all(Touched::read(row.optional_text("touched")?.as_deref()));
        }
        Ok(touched)
    }

    /// What touched things are now. Roles come before those who hold them.
    async fn changes(&mut self, settings: Settings, things: Things) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        if things.settings {
            changes.push(Change::Settings(settings));
        }
        let now = self.roles(Some(&things.roles)).await?;
        push(&mut changes, things.roles, now, |role| &role.id, Change::Role, Change::RoleGone);
        let now = self.users(Some(&things.users)).await?;
        push(&mut changes, things.users, now, |user| &user.id, Change::User, Change::UserGone);
        let now = self.clients(Some(&things.clients)).await?;
        push(&mut changes, things.clients, now, |client| &client.id, Change::Client, Change::ClientGone);
        let now = self.authorizations(Some(&things.authorizations)).await?;
        push(
            &mut changes,
            things.authorizations,
            now,
            |one| &one.client,
            Change::Authorization,
            Change::AuthorizationGone,
        );
        Ok(changes)
    }

    async fn roles(&mut self, among: Among<'_>) -> Result<Vec<RoleFacts>, StoreError> {
        let which = condition("role_id", among);
        let select = format!(
            "SELECT role_id, name, policies
               FROM roles
              WHERE org_id = $1{which}
              ORDER BY role_id"
        );
        let role = |row: &AnyRow| {
            Ok(RoleFacts { id: row.text("role_id")?, name: row.text("name")?, policies: row.json("policies")? })
        };
        self.rows(select, among).await?.iter().map(role).collect()
    }

    async fn users(&mut self, among: Among<'_>) -> Result<Vec<SubjectFacts>, StoreError> {
        let which = condition("user_id", among);
        let select = format!(
            "SELECT user_id, state
               FROM users
              WHERE org_id = $1
                AND state <> 'deleted'{which}
              ORDER BY user_id"
        );
        let mut held = self.roles_held("user", among).await?;
        let user = |row: &AnyRow| {
            let id = row.text("user_id")?;
            let active = row.named("state", UserState::parse)? == UserState::Active;
            Ok(SubjectFacts { roles: held.remove(&id).unwrap_or_default(), id, active })
        };
        self.rows(select, among).await?.iter().map(user).collect()
    }

    async fn clients(&mut self, among: Among<'_>) -> Result<Vec<SubjectFacts>, StoreError> {
        let which = condition("client_id", among);
        let select = format!(
            "SELECT client_id, state
               FROM clients
              WHERE org_id = $1{which}
              ORDER BY client_id"
        );
        let mut held = self.roles_held("client", among).await?;
        let client = |row: &AnyRow| {
            let id = row.text("client_id")?;
            let active = row.named("state", ClientState::parse)? == ClientState::Active;
            Ok(SubjectFacts { roles: held.remove(&id).unwrap_or_default(), id, active })
        };
        self.rows(select, among).await?.iter().map(client).collect()
    }

    async fn authorizations(&mut self, among: Among<'_>) -> Result<Vec<AuthorizationFacts>, StoreError> {
        let which = condition("client_id", among);
        let select = format!(
            "SELECT client_id, state, scopes, roles
               FROM authorizations
              WHERE org_id = $1{which}
              ORDER BY client_id"
        );
        let authorization = |row: &AnyRow| {
            Ok(AuthorizationFacts {
                client: row.text("client_id")?,
                state: row.named("state", parse_state)?,
                scopes: row.json("scopes")?,
                roles: row.json("roles")?,
            })
        };
        self.rows(select, among).await?.iter().map(authorization).collect()
    }

    /// Role ids by the id of who holds them, in whichever division. `kind` is `user` or `client`.
    async fn roles_held(
        &mut self,
        kind: &'static str,
        among: Among<'_>,
    ) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        let which = condition("assignee_id", among);
        let select = format!(
            "SELECT DISTINCT assignee_id, role_id
               FROM role_assignments
              WHERE org_id = $1
                AND assignee_kind = '{kind}'{which}
              ORDER BY assignee_id, role_id"
        );
        let mut held = BTreeMap::<_, Vec<_>>::new();
        for row in &self.rows(select, among).await? {
            held.entry(row.text("assignee_id")?).or_default().push(row.text("role_id")?);
        }
        Ok(held)
    }

    /// The rows of a statement that binds the organization and then the ids of [`condition`].
    async fn rows(&mut self, select: String, among: Among<'_>) -> Result<Vec<AnyRow>, StoreError> {
        if among.is_some_and(BTreeSet::is_empty) {
            return Ok(Vec::new());
        }
        let mut query = sqlx::query(AssertSqlSafe(select)).bind(self.id.as_str());
        for id in among.into_iter().flatten() {
            query = query.bind(id);
        }
        Ok(query.fetch_all(&mut *self.transaction).await?)
    }
}

/// The part of a statement that says which things to read; they are bound from `$2` on.
fn condition(column: &str, among: Among<'_>) -> String {
    let Some(ids) = among else { return String::new() };
    let places: Vec<_> = (0..ids.len()).map(|index| format!("${}", index + 2)).collect();
    format!("\n                AND {column} IN ({})", places.join(", "))
}

/// Each touched thing as it is now, or that it is gone.
fn push<T>(
    changes: &mut Vec<Change>,
    mut touched: BTreeSet<String>,
    now: Vec<T>,
    id: impl Fn(&T) -> &String,
    is: impl Fn(T) -> Change,
    is_gone: impl Fn(String) -> Change,
) {
    for one in now {
        touched.remove(id(&one));
        changes.push(is(one));
    }
    changes.extend(touched.into_iter().map(is_gone));
}
