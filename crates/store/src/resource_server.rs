//! APIs by name, and the clients that are their resource servers (RFC 8707).

use countersign_domain::client::ClientMetadata;
use countersign_domain::id::ClientId;

use crate::change::OrgWriter;
use crate::error::conflict;
use crate::{StoreError, SystemStore};

const RESOURCE_TAKEN: &str = "an app is the resource server of this API already: each API has one";

impl SystemStore<'_> {
    /// Whether a client of any organization is the resource server of this API.
    pub async fn is_resource(&self, resource: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT client_id FROM resource_servers WHERE resource = $1")
            .bind(resource)
            .fetch_optional(self.database.readers())
            .await?;
        Ok(row.is_some())
    }
}

impl OrgWriter<'_> {
    /// Makes a client the resource server of what its metadata name, and of nothing else.
    pub(crate) async fn set_resources(
        &mut self,
        client: &ClientId,
        metadata: &ClientMetadata,
    ) -> Result<(), StoreError> {
        self.delete_resources(client).await?;
        for resource in &metadata.resources {
            sqlx::query("INSERT INTO resource_servers (resource, org_id, client_id) VALUES ($1, $2, $3)")
                .bind(resource.as_str())
                .bind(self.organization.as_str())
                .bind(client.as_str())
                .execute(&mut *self.transaction)
                .await
                .map_err(conflict(RESOURCE_TAKEN))?;
        }
        Ok(())
    }

    /// Makes a client no resource server.
    pub(crate) async fn delete_resources(&mut self, client: &ClientId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM resource_servers WHERE org_id = $1 AND client_id = $2")
            .bind(self.organization.as_str())
            .bind(client.as_str())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}
