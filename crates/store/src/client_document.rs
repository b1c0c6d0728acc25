//! Clients that are known by their document (client id metadata documents): kept as clients of the platform's own organization, so that
//! authorizations, consents and tokens name them as any other.

use countersign_domain::client::document::takes_something_away;
use countersign_domain::client::{Client, ClientState};

use crate::client::{ClientChange, NewClient, find_own_client};
use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// Keeps a client as its document describes it now. Where the document no longer names an address or a key, every token of the client ends (E19). Its
    /// state is the operator's and stays.
    pub async fn keep_document_client(&self, client: &Client) -> Result<(), StoreError> {
        let home = self.org(&client.organization);
        home.change(|mut writer| async move {
            match find_own_client(&mut *writer.transaction, writer.organization, &client.id).await? {
                None => {
                    writer.create_client(&new(client), None, &[]).await?;
                }
                Some(kept) if describes(client, &kept) => return Ok(()),
                Some(kept) => {
                    if takes_something_away(&kept, client) {
                        writer.end_tokens_of_client(&client.id).await?;
                    }
                    writer.update_client(&client.id, &change(client)).await?;
                }
            }
            writer.commit(()).await
        })
        .await
    }

    /// The client as it may be used: as its document describes it, unless the operator switched it off. `None` where it was never kept.
    pub async fn document_client_state(&self, client: &Client) -> Result<Option<ClientState>, StoreError> {
        let Some(kept) = self.client(&client.id).await? else { return Ok(None) };
        if !describes(client, &kept) {
            self.keep_document_client(client).await?;
        }
        Ok(Some(kept.state))
    }
}

/// Whether what is kept is what the document says.
fn describes(client: &Client, kept: &Client) -> bool {
    new(client) == new(kept)
}

fn new(client: &Client) -> NewClient {
    NewClient {
        id: Some(client.id.clone()),
        name: client.name.clone(),
        description: client.description.clone(),
        grant_types: client.grant_types.clone(),
        redirect_uris: client.redirect_uris.clone(),
        scopes: client.scopes.clone(),
        pkce_required: client.pkce_required,
        token_ttl_seconds: client.token_ttl_seconds,
        metadata: client.metadata.clone(),
    }
}

fn change(client: &Client) -> ClientChange {
    let NewClient {
        id: _,
        name,
        description,
        grant_types,
        redirect_uris,
        scopes,
        pkce_required,
        token_ttl_seconds,
        metadata,
    } = new(client);
    ClientChange {
        name: Some(name),
        description: Some(description),
        grant_types: Some(grant_types),
        redirect_uris: Some(redirect_uris),
        scopes: Some(scopes),
        pkce_required: Some(pkce_required),
        token_ttl_seconds: Some(token_ttl_seconds),
        metadata: Some(metadata),
        state: None,
        roles: None,
    }
}
