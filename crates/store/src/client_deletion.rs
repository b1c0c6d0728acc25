//! The end of a client: at home, and in each organization that decided about it.

use countersign_domain::audit::Actor;
use countersign_domain::id::ClientId;
use serde_json::Value;

use crate::authorization::organizations_that_decided_on;
use crate::change::{Author, OrgWriter};
use crate::client::{event, picture};
use crate::db::Transaction;
use crate::{OrgStore, StoreError};

impl OrgStore<'_> {
    /// Deletes one of the organization's own clients. Its tokens end, and so does what any organization authorized it for:
    /// each of those gets a new revision and an audit record too.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_client(&self, id: &ClientId) -> Result<(), StoreError> {
        self.database
            .write(|transaction| async move {
                let mut writer = lock_for_deletion(transaction, self.author(), id).await?;
                writer.must_be_at(self.expected_revision).await?;
                let writer = delete_client(writer, id).await?;
                writer.commit(()).await
            })
            .await
    }
}

impl OrgWriter<'_> {
    async fn delete_own_client(&mut self, id: &ClientId) -> Result<(), StoreError> {
        let before = self.client(id).await?;
        self.end_tokens_of_client(id).await?;
        self.delete_assignments_of("client", id.as_str()).await?;
        self.delete_resources(id).await?;
        self.delete_registration(id).await?;
        sqlx::query("DELETE FROM client_secrets WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .execute(&mut *self.transaction)
            .await?;
        sqlx::query("DELETE FROM clients WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(id.as_str())
            .execute(&mut *self.transaction)
            .await
            .map_err(decided_on_meanwhile)?;
        self.record(event("client.delete", &before, picture(&before), Value::Null));
        Ok(())
    }
}

/// Locks the client's home and each organization that decided about it, in the order of their ids, so that two deletions
/// do not wait for each other for ever.
pub(crate) async fn lock_for_deletion<'w>(
    mut transaction: Transaction,
    author: Author<'w>,
    id: &ClientId,
) -> Result<OrgWriter<'w>, StoreError> {
    let mut organizations = organizations_that_decided_on(&mut transaction, id).await?;
    organizations.push(author.organization.clone());
    organizations.sort();
    for organization in &organizations {
        transaction = OrgWriter::lock(transaction, Author { organization, ..author }).await?.finish().await?;
    }
    OrgWriter::lock(transaction, author).await
}

/// Removes a client everywhere: in each organization that decided about it, and at home.
pub(crate) async fn delete_client<'w>(mut writer: OrgWriter<'w>, id: &ClientId) -> Result<OrgWriter<'w>, StoreError> {
    let Author { organization: home, actor, now, entropy } = writer.author();
    writer.client(id).await?;
    let organizations = organizations_that_decided_on(&mut writer.transaction, id).await?;
    let mut transaction = writer.finish().await?;
    for organization in &organizations {
        // Another organization learns that the app is gone, not who at the app's home did it.
        let actor = if organization == home { actor } else { &APP_DELETED };
        let mut writer = OrgWriter::lock(transaction, Author { organization, actor, now, entropy }).await?;
        writer.delete_authorization(id).await?;
        transaction = writer.finish().await?;
    }
    let mut writer = OrgWriter::lock(transaction, Author { organization: home, actor, now, entropy }).await?;
    writer.delete_own_client(id).await?;
    Ok(writer)
}

/// An organization decided about the client while it was being deleted: from the start.
fn decided_on_meanwhile(error: sqlx::Error) -> StoreError {
    match StoreError::from(error) {
        StoreError::Invalid { what } => StoreError::lost_race(what),
        error => error,
    }
}

static APP_DELETED: Actor = Actor::System("app deleted by its organization");
