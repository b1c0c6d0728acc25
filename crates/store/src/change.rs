//! The one way to write authority: in one transaction, the change itself, the organization's next revision, a change row
//! that says what it touched, for those who follow, and an audit record with the state before and after (invariant 41).
//!
//! The first statement locks the organization's row, so writers of one organization take turns and each sees what the
//! one before it committed, on both databases.

use std::borrow::Cow;

use countersign_domain::audit::Actor;
use countersign_domain::entropy::Entropy;
use countersign_domain::id::{AuditId, OrganizationId};
use countersign_domain::time::Timestamp;
use serde_json::Value;

use crate::column::json_text;
use crate::db::Transaction;
use crate::error::StoreError;
use crate::store::OrgStore;
use crate::touched::Touched;

/// One organization inside a write transaction, locked. Dropped, nothing happened.
pub(crate) struct OrgWriter<'w> {
    pub(crate) transaction: Transaction,
    pub(crate) organization: &'w OrganizationId,
    pub(crate) actor: &'w Actor,
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'w dyn Entropy,
    /// `None`: decisions do not depend on anything that changed.
    touched: Option<Touched>,
    events: Vec<Event>,
}

/// What an audit record says of one change. `before` and `after` never hold a secret, nor its hash (invariant 44).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// `noun.verb`: `authorization.grant`.
    pub(crate) action: Cow<'static, str>,
    pub(crate) entity: Cow<'static, str>,
    pub(crate) entity_id: String,
    /// Null when the thing was made.
    pub(crate) before: Value,
    /// Null when the thing is gone.
    pub(crate) after: Value,
}

/// Who writes an audit record, where and when.
#[derive(Clone, Copy)]
pub(crate) struct Author<'a> {
    pub(crate) organization: &'a OrganizationId,
    pub(crate) actor: &'a Actor,
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'a dyn Entropy,
}

impl OrgStore<'_> {
    /// Gives `work` this organization's writer to commit; again from the start when it lost against another.
    pub(crate) async fn change<'w, T, F>(&'w self, work: impl Fn(OrgWriter<'w>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let work = &work;
        self.database
            .write(|transaction| async move {
                let mut writer = OrgWriter::lock(transaction, self.author()).await?;
                writer.must_be_at(self.expected_revision).await?;
                work(writer).await
            })
            .await
    }

    pub(crate) fn author(&self) -> Author<'_> {
        Author { organization: &self.organization, actor: &self.actor, now: self.now, entropy: self.entropy }
    }
}

impl<'w> OrgWriter<'w> {
    /// Locks the organization's row until the transaction ends.
    pub(crate) async fn lock(mut transaction: Transaction, author: Author<'w>) -> Result<Self, StoreError> {
        let locked = sqlx::query("UPDATE organizations SET revision = revision WHERE org_id = $1")
            .bind(author.organization.as_str())
            .execute(&mut *transaction)
            .await?;
        if locked.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "organization" });
        }
        let Author { organization, actor, now, entropy } = author;
        Ok(Self { transaction, organization, actor, now, entropy, touched: None, events: Vec::new() })
    }

    pub(crate) fn author(&self) -> Author<'w> {
        Author { organization: self.organization, actor: self.actor, now: self.now, entropy: self.entropy }
    }

    /// Refuses a write that was judged on another revision.
    pub(crate) async fn must_be_at(&mut self, expected_revision: Option<i64>) -> Result<(), StoreError> {
        let Some(expected) = expected_revision else { return Ok(()) };
        let revision = self.organization().await?.revision;
        if revision == expected { Ok(()) } else { Err(StoreError::Moved) }
    }

    /// Something that decisions depend on changed.
    pub(crate) fn record(&mut self, event: Event) {
        self.touch(&event.entity, &event.entity_id);
        self.events.push(event);
    }

    /// Something changed along with what an event is about.
    pub(crate) fn touch(&mut self, kind: &str, id: &str) {
        self.touched.get_or_insert_with(Touched::nothing).add(kind, id);
    }

    /// Something worth remembering happened that decisions do not depend on.
    pub(crate) fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Writes revision, change row and audit records (nothing where nothing changed), commits, and hands `value` on.
    pub(crate) async fn commit<T>(self, value: T) -> Result<T, StoreError> {
        self.finish().await?.commit().await?;
        Ok(value)
    }

    /// As [`commit`](Self::commit), but leaves the transaction open, for a change of several organizations.
    pub(crate) async fn finish(self) -> Result<Transaction, StoreError> {
        let Self { mut transaction, organization, actor, now, entropy, touched, events } = self;
        if let Some(touched) = &touched {
            bump(&mut transaction, organization, touched, now).await?;
        }
        let author = Author { organization, actor, now, entropy };
        for event in &events {
            write_audit(&mut transaction, &author, event).await?;
        }
        transaction.authority_changes().await?;
        Ok(transaction)
    }
}

/// Writes one audit record.
pub(crate) async fn write_audit(
    transaction: &mut Transaction,
    author: &Author<'_>,
    event: &Event,
) -> Result<(), StoreError> {
    let through_client = match author.actor {
        Actor::User { client, .. } => Some(client.as_str()),
        Actor::Client(_) | Actor::Operator(_) | Actor::System(_) => None,
    };
    sqlx::query(
        "INSERT INTO audit (org_id, audit_id, at, actor_kind, actor, through_client, action, entity, entity_id,
                            state_before, state_after)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(author.organization.as_str())
    .bind(AuditId::generate(author.now, author.entropy).as_str())
    .bind(author.now.as_micros())
    .bind(author.actor.kind())
    .bind(author.actor.id())
    .bind(through_client)
    .bind(&*event.action)
    .bind(&*event.entity)
    .bind(&event.entity_id)
    .bind(json_text(&event.before))
    .bind(json_text(&event.after))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn bump(
    transaction: &mut Transaction,
    organization: &OrganizationId,
    touched: &Touched,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE organizations SET revision = revision + 1 WHERE org_id = $1")
        .bind(organization.as_str())
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "INSERT INTO changes (org_id, revision, changed_at, touched)
         SELECT org_id, revision, $2, $3 FROM organizations WHERE org_id = $1",
    )
    .bind(organization.as_str())
    .bind(now.as_micros())
    .bind(touched.text())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
