//! Users: the people of an organization. Their passwords are in `password`.

use std::collections::BTreeMap;

use countersign_domain::id::{DivisionId, OrganizationId, UserId};
use countersign_domain::secret::SecretHash;
use countersign_domain::user::{Email, User, UserState};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor};

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, damaged, hash_text};
use crate::error::conflict;
pub use crate::password::SignInCandidate;
use crate::user_search::UserQuery;
use crate::{Listing, OrgStore, Page, StoreError};

/// Which users to list; an empty list does not limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only users in one of these states; none named: all but the deleted.
    pub states: Vec<UserState>,
    /// Only these users.
    pub ids: Vec<UserId>,
}

/// A user to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Name for people.
    pub name: String,
    /// Unique in the organization.
    pub email: Email,
    /// Absent: the home division.
    pub division: Option<DivisionId>,
    /// Free text.
    pub department: Option<String>,
    /// Free text.
    pub title: Option<String>,
    /// Active or inactive.
    pub state: UserState,
    /// Absent: cannot sign in with a password.
    pub password: Option<SecretHash>,
}

/// What to change; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Name for people.
    pub name: Option<String>,
    /// Unique in the organization.
    pub email: Option<Email>,
    /// An empty text removes it.
    pub department: Option<String>,
    /// An empty text removes it.
    pub title: Option<String>,
    /// Active or inactive; deletion is `delete_user`. What was inactive begins without sessions and tokens.
    pub state: Option<UserState>,
    /// The division that the user object belongs to.
    pub division: Option<DivisionId>,
}

impl OrgStore<'_> {
    /// Users by name.
    pub async fn users(&self, filter: &UserFilter, page: Page) -> Result<Listing<User>, StoreError> {
        UserQuery::filtered(filter).fetch(self.database.readers(), &self.organization, page).await
    }

    /// How many users (not deleted) belong to each division; divisions without any are absent.
    pub async fn division_user_counts(&self) -> Result<BTreeMap<DivisionId, i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT division_id, COUNT(*) AS users
               FROM users
              WHERE org_id = $1
                AND state <> 'deleted'
              GROUP BY division_id",
        )
        .bind(self.organization.as_str())
        .fetch_all(self.database.readers())
        .await?;
        rows.iter().map(|row| Ok((row.id("division_id")?, row.number("users")?))).collect()
    }

    /// One user, deleted ones too.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        find_user(self.database.readers(), &self.organization, id).await
    }

    /// Makes a user.
    ///
    /// # Errors
    /// `Conflict` when another user has the e-mail address, `NotFound` for an unknown division.
    pub async fn create_user(&self, new: &NewUser) -> Result<User, StoreError> {
        self.change(|mut writer| async move {
            let user = writer.create_user(new).await?;
            writer.commit(user).await
        })
        .await
    }

    /// Edits a user.
    ///
    /// # Errors
    /// `Conflict` when the version moved or another user has the e-mail address; `NotFound` for unknown and deleted users
    /// and for an unknown division.
    pub async fn update_user(
        &self,
        id: &UserId,
        expected_version: i64,
        change: &UserChange,
    ) -> Result<User, StoreError> {
        self.change(|mut writer| async move {
            if writer.living_user(id).await?.version != expected_version {
                return Err(StoreError::Conflict { what: "the user was changed since this version was read" });
            }
            let user = writer.update_user(id, change).await?;
            writer.commit(user).await
        })
        .await
    }

    /// Deletes a user: roles, sessions, consents, requests and tokens go; the record stays as `deleted`, so that the id is
    /// never reused. Whether the last administrator may go is decided above the store.
    ///
    /// # Errors
    /// `NotFound` for unknown and deleted users.
    pub async fn delete_user(&self, id: &UserId) -> Result<(), StoreError> {
        self.change(|mut writer| async move {
            writer.delete_user(id).await?;
            writer.commit(()).await
        })
        .await
    }
}

impl OrgWriter<'_> {
    pub(crate) async fn create_user(&mut self, new: &NewUser) -> Result<User, StoreError> {
        if new.state == UserState::Deleted {
            return Err(StoreError::Invalid { what: "a user cannot be made in state `deleted`".to_owned() });
        }
        let division = self.division_or_home(new.division.as_ref()).await?;
        let id = UserId::generate(self.now, self.entropy);
        sqlx::query(
            "INSERT INTO users (org_id, user_id, email, email_key, name, name_key, division_id, department,
                                department_key, title, title_key, state, password_hash, version, created_at,
                                modified_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14, $14)",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(new.email.as_str())
        .bind(new.email.key())
        .bind(&new.name)
        .bind(new.name.to_lowercase())
        .bind(division.as_str())
        .bind(&new.department)
        .bind(new.department.as_deref().map(str::to_lowercase))
        .bind(&new.title)
        .bind(new.title.as_deref().map(str::to_lowercase))
        .bind(new.state.as_str())
        .bind(new.password.as_ref().map(hash_text))
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await
        .map_err(conflict(EMAIL_TAKEN))?;
        let user = self.living_user(&id).await?;
        self.record(event("user.create", &user, Value::Null));
        Ok(user)
    }

    pub(crate) async fn update_user(&mut self, id: &UserId, change: &UserChange) -> Result<User, StoreError> {
        let before = self.living_user(id).await?;
        if change.state == Some(UserState::Deleted) {
            return Err(StoreError::Invalid { what: "a user is deleted by its own operation".to_owned() });
        }
        let mut after = before.clone();
        after.name = change.name.clone().unwrap_or(after.name);
        after.email = change.email.clone().unwrap_or(after.email);
        after.department = edited(change.department.as_ref(), after.department);
        after.title = edited(change.title.as_ref(), after.title);
        after.state = change.state.unwrap_or(after.state);
        if let Some(division) = &change.division {
            after.division = self.division_or_home(Some(division)).await?;
        }
        sqlx::query(
            "UPDATE users
                SET email = $3, email_key = $4, name = $5, name_key = $6, division_id = $7, department = $8,
                    department_key = $9, title = $10, title_key = $11, state = $12, version = version + 1,
                    modified_at = $13
              WHERE org_id = $1
                AND user_id = $2",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(after.email.as_str())
        .bind(after.email.key())
        .bind(&after.name)
        .bind(after.name.to_lowercase())
        .bind(after.division.as_str())
        .bind(&after.department)
        .bind(after.department.as_deref().map(str::to_lowercase))
        .bind(&after.title)
        .bind(after.title.as_deref().map(str::to_lowercase))
        .bind(after.state.as_str())
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await
        .map_err(conflict(EMAIL_TAKEN))?;
        if after.state != UserState::Active {
            self.end_sessions_of(id).await?;
            self.end_tokens_of_user(id).await?;
        }
        let after = self.living_user(id).await?;
        self.record(event("user.update", &after, picture(&before)));
        Ok(after)
    }

    pub(crate) async fn delete_user(&mut self, id: &UserId) -> Result<(), StoreError> {
        let before = self.living_user(id).await?;
        self.end_sessions_of(id).await?;
        self.end_tokens_of_user(id).await?;
        self.delete_requests_of_user(id).await?;
        self.delete_consents_of_user(id).await?;
        self.delete_assignments_of("user", id.as_str()).await?;
        sqlx::query(
            "UPDATE users
                SET state = 'deleted', password_hash = NULL, version = version + 1, modified_at = $3
              WHERE org_id = $1
                AND user_id = $2",
        )
        .bind(self.organization.as_str())
        .bind(id.as_str())
        .bind(self.now.as_micros())
        .execute(&mut *self.transaction)
        .await?;
        let after = User { state: UserState::Deleted, ..before.clone() };
        self.record(event("user.delete", &after, picture(&before)));
        Ok(())
    }

    /// Everybody but the deleted, with their passwords.
    pub(crate) async fn people(&mut self) -> Result<Vec<(User, Option<SecretHash>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id, user_id, email, name, division_id, department, title, state, version, created_at,
                    modified_at, password_hash
               FROM users
              WHERE org_id = $1
                AND state <> 'deleted'
              ORDER BY email_key",
        )
        .bind(self.organization.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(|row| Ok((user(row)?, row.optional_hash("password_hash")?))).collect()
    }

    /// The user, unless unknown or deleted.
    pub(crate) async fn living_user(&mut self, id: &UserId) -> Result<User, StoreError> {
        let user = find_user(&mut *self.transaction, self.organization, id).await?;
        user.filter(|user| user.state != UserState::Deleted).ok_or(StoreError::NotFound { what: "user" })
    }

    async fn division_or_home(&mut self, id: Option<&DivisionId>) -> Result<DivisionId, StoreError> {
        let mut divisions = self.divisions().await?.into_iter();
        let is_wanted = |division: &countersign_domain::organization::Division| match id {
            Some(id) => division.id == *id,
            None => division.is_home,
        };
        divisions.find(is_wanted).map(|division| division.id).ok_or(StoreError::NotFound { what: "division" })
    }
}

const EMAIL_TAKEN: &str = "another user has this e-mail address";

pub(crate) fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        organization: row.id("org_id")?,
        id: row.id("user_id")?,
        email: Email::parse(&row.text("email")?).map_err(|_| damaged("email"))?,
        name: row.text("name")?,
        division: row.id("division_id")?,
        department: row.optional_text("department")?,
        title: row.optional_text("title")?,
        state: row.named("state", UserState::parse)?,
        version: row.number("version")?,
        created_at: row.instant("created_at")?,
        modified_at: row.instant("modified_at")?,
    })
}

pub(crate) async fn find_user(
    executor: impl Executor<'_, Database = Any>,
    organization: &OrganizationId,
    id: &UserId,
) -> Result<Option<User>, StoreError> {
    let row = sqlx::query(
        "SELECT org_id, user_id, email, name, division_id, department, title, state, version, created_at, modified_at
           FROM users
          WHERE org_id = $1
            AND user_id = $2",
    )
    .bind(organization.as_str())
    .bind(id.as_str())
    .fetch_optional(executor)
    .await?;
    row.as_ref().map(user).transpose()
}

/// A text that was given replaces; an empty one removes.
fn edited(given: Option<&String>, kept: Option<String>) -> Option<String> {
    match given {
        None => kept,
        Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
    }
}

pub(crate) fn event(action: &'static str, after: &User, before: Value) -> Event {
    Event {
        action: action.into(),
        entity: "user".into(),
        entity_id: after.id.to_string(),
        before,
        after: picture(after),
    }
}

fn picture(user: &User) -> Value {
    json!({
        "email": user.email.as_str(),
        "name": user.name,
        "division": user.division,
        "department": user.department,
        "title": user.title,
        "state": user.state.as_str(),
    })
}
