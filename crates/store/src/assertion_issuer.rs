//! Whose word an organization takes about its people (RFC 7523 §2.1).

use countersign_domain::assertion_issuer::{AssertionIssuer, PersonBy};
use countersign_domain::user::{Email, User};
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use crate::change::{Event, OrgWriter};
use crate::column::{Columns, damaged, json_text};
use crate::user::user;
use crate::{OrgStore, StoreError};

impl OrgStore<'_> {
    /// The issuer of this name, if the organization trusts it.
    pub async fn assertion_issuer(&self, issuer: &str) -> Result<Option<AssertionIssuer>, StoreError> {
        let row = sqlx::query(
            "SELECT org_id, issuer, jwks, person_by, people FROM assertion_issuers WHERE org_id = $1 AND issuer = $2",
        )
        .bind(self.organization.as_str())
        .bind(issuer)
        .fetch_optional(self.database.readers())
        .await?;
        row.as_ref().map(assertion_issuer).transpose()
    }

    /// The user with this e-mail address who was not deleted.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(
            "SELECT org_id, user_id, email, name, division_id, department, title, state, version, created_at, modified_at
               FROM users
              WHERE org_id = $1
                AND email_key = $2
                AND state <> 'deleted'",
        )
        .bind(self.organization.as_str())
        .bind(email.key())
        .fetch_optional(self.database.readers())
        .await?;
        row.as_ref().map(user).transpose()
    }
}

impl OrgWriter<'_> {
    /// Every issuer that the organization trusts.
    pub(crate) async fn assertion_issuers(&mut self) -> Result<Vec<AssertionIssuer>, StoreError> {
        let rows = sqlx::query(
            "SELECT org_id, issuer, jwks, person_by, people FROM assertion_issuers WHERE org_id = $1 ORDER BY issuer",
        )
        .bind(self.organization.as_str())
        .fetch_all(&mut *self.transaction)
        .await?;
        rows.iter().map(assertion_issuer).collect()
    }

    /// Trusts an issuer, in place of an earlier entry for it.
    pub(crate) async fn set_assertion_issuer(
        &mut self,
        issuer: &AssertionIssuer,
        before: Option<&AssertionIssuer>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO assertion_issuers (org_id, issuer, jwks, person_by, people)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (org_id, issuer) DO UPDATE
                SET jwks = excluded.jwks, person_by = excluded.person_by, people = excluded.people",
        )
        .bind(self.organization.as_str())
        .bind(issuer.issuer.as_str())
        .bind(json_text(&issuer.jwks))
        .bind(issuer.person_by.as_str())
        .bind(json_text(&issuer.people))
        .execute(&mut *self.transaction)
        .await?;
        let before = before.map_or(Value::Null, picture);
        self.note(event("assertion_issuer.trust", issuer, before, picture(issuer)));
        Ok(())
    }

    /// Trusts an issuer no more. Tokens that came from its word end by themselves, within the hour.
    pub(crate) async fn delete_assertion_issuer(&mut self, issuer: &AssertionIssuer) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM assertion_issuers WHERE org_id = $1 AND issuer = $2")
            .bind(self.organization.as_str())
            .bind(issuer.issuer.as_str())
            .execute(&mut *self.transaction)
            .await?;
        self.note(event("assertion_issuer.distrust", issuer, picture(issuer), Value::Null));
        Ok(())
    }
}

fn event(action: &'static str, issuer: &AssertionIssuer, before: Value, after: Value) -> Event {
    Event {
        action: action.into(),
        entity: "assertion_issuer".into(),
        entity_id: issuer.issuer.to_string(),
        before,
        after,
    }
}

/// Public keys are no secret: who changed them is what an audit is for.
fn picture(issuer: &AssertionIssuer) -> Value {
    let AssertionIssuer { issuer, jwks, person_by, people, .. } = issuer;
    json!({ "issuer": issuer, "jwks": jwks, "person_by": person_by, "people": people })
}

fn assertion_issuer(row: &AnyRow) -> Result<AssertionIssuer, StoreError> {
    Ok(AssertionIssuer {
        organization: row.id("org_id")?,
        issuer: row.text("issuer")?.try_into().map_err(|_| damaged("issuer"))?,
        jwks: row.json("jwks")?,
        person_by: row.named("person_by", PersonBy::parse)?,
        people: row.json("people")?,
    })
}
