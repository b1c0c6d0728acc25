//! Who changed what, and who tried to. Records are written by `change`.

use countersign_domain::audit::AuditRecord;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::change::{Event, write_audit};
use crate::column::Columns;
use crate::{Listing, OrgStore, Page, StoreError};

impl OrgStore<'_> {
    /// The audit records, the newest first.
    pub async fn audit(&self, page: Page) -> Result<Listing<AuditRecord>, StoreError> {
        let total = sqlx::query("SELECT COUNT(*) FROM audit WHERE org_id = $1")
            .bind(self.organization.as_str())
            .fetch_one(self.database.readers())
            .await?
            .try_get(0)?;
        let rows = sqlx::query(
            "SELECT org_id, audit_id, at, actor_kind, actor, through_client, action, entity, entity_id,
                    state_before, state_after
               FROM audit
              WHERE org_id = $1
              ORDER BY at DESC, audit_id DESC
              LIMIT $2 OFFSET $3",
        )
        .bind(self.organization.as_str())
        .bind(page.limit())
        .bind(page.offset())
        .fetch_all(self.database.readers())
        .await?;
        Ok(Listing { items: rows.iter().map(record).collect::<Result<_, _>>()?, total })
    }

    /// Records a refused attempt (invariant 43). `action` is that of the change that was refused, e.g.
    /// `authorization.grant`; the record's ends in `.refused`.
    pub async fn record_refused(
        &self,
        action: &str,
        entity: &str,
        entity_id: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let event = &Event {
            action: format!("{action}.refused").into(),
            entity: entity.to_owned().into(),
            entity_id: entity_id.to_owned(),
            before: Value::Null,
            after: json!({ "reason": reason }),
        };
        self.database
            .write(|mut transaction| async move {
                write_audit(&mut transaction, &self.author(), event).await?;
                transaction.commit().await
            })
            .await
    }
}

fn record(row: &AnyRow) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        id: row.id("audit_id")?,
        organization: row.id("org_id")?,
        at: row.instant("at")?,
        actor_kind: row.text("actor_kind")?,
        actor: row.text("actor")?,
        through_client: row.optional_text("through_client")?,
        action: row.text("action")?,
        entity: row.text("entity")?,
        entity_id: row.text("entity_id")?,
        before: row.json("state_before")?,
        after: row.json("state_after")?,
    })
}
