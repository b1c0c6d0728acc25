//! What is known of clients from elsewhere: their metadata documents, and the key sets that they point to.
//!
//! Both are fetched by the guarded [`Fetcher`] and believed for as long as the answer says, within bounds; a failure is never kept. A client
//! that is known by its document gets a row only when somebody who is signed in goes on with it: visitors cannot fill the database.

use countersign_domain::client::document::{self, DocumentError, MAX_DOCUMENT_BYTES};
use countersign_domain::client::freshness::{USUAL_SECONDS, fresh_seconds};
use countersign_domain::client::{Client, ClientState};
use countersign_domain::id::ClientId;
use countersign_domain::oauth::jwk::JwkSet;
use countersign_domain::time::Timestamp;
use countersign_store::{StoreError, SystemStore};
use http::{HeaderName, StatusCode, header};
use moka::sync::Cache;

use crate::fetch::{FetchError, Fetched, Fetcher};

/// Most documents, and most key sets, that are remembered.
const REMEMBERED: u64 = 10_000;
/// The longest key set that is read: sixteen keys with certificates.
const MAX_KEY_SET_BYTES: usize = 64 * 1_024;

/// Documents and key sets.
#[derive(Clone)]
pub struct ClientSources {
    fetcher: Fetcher,
    takes_documents: bool,
    documents: Cache<ClientId, Kept<Client>>,
    key_sets: Cache<String, Kept<JwkSet>>,
}

/// What was read, and until when it counts.
#[derive(Clone)]
struct Kept<T> {
    value: T,
    until: Timestamp,
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("it was answered with {0} instead of 200")]
    Status(StatusCode),
    #[error("it is not `application/json`, or another type of JSON")]
    Type,
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("it is not a set of public keys: {0}")]
    Keys(serde_json::Error),
}

impl ClientSources {
    /// Nothing is known yet.
    pub fn new(fetcher: Fetcher, takes_documents: bool) -> Self {
        let documents = Cache::new(REMEMBERED);
        Self { fetcher, takes_documents, documents, key_sets: Cache::new(REMEMBERED) }
    }

    /// Whether clients can be known by a document.
    pub fn takes_documents(&self) -> bool {
        self.takes_documents
    }

    /// The client with this id as it is now: registered here, or described by its document.
    pub async fn client(
        &self,
        store: &SystemStore<'_>,
        id: &ClientId,
        now: Timestamp,
    ) -> Result<Option<Client>, StoreError> {
        if id.document_address().is_none() {
            return store.client(id).await;
        }
        let Some(client) = self.described(id, now).await else { return Ok(None) };
        let state = store.document_client_state(&client).await?.unwrap_or(ClientState::Active);
        Ok(Some(Client { state, ..client }))
    }

    /// Keeps a client that is known by its document, for what will name it; others are kept already.
    pub async fn keep(&self, store: &SystemStore<'_>, id: &ClientId, now: Timestamp) -> Result<(), StoreError> {
        if id.document_address().is_none() {
            return Ok(());
        }
        match self.described(id, now).await {
            Some(client) => store.keep_document_client(&client).await,
            None => Ok(()),
        }
    }

    /// The client with the keys that it points to (RFC 7591 §2), where a signature of it is to be verified. Without them none is believed.
    pub async fn with_keys(&self, mut client: Client, now: Timestamp) -> Client {
        if let Some(uri) = &client.metadata.jwks_uri {
            client.metadata.jwks = self.key_set(uri.as_str(), now).await;
        }
        client
    }

    async fn described(&self, id: &ClientId, now: Timestamp) -> Option<Client> {
        let address = id.document_address().filter(|_| self.takes_documents)?;
        if let Some(kept) = self.documents.get(id).filter(|kept| now < kept.until) {
            return Some(kept.value);
        }
        match self.fetch_document(address, id, now).await {
            Ok((value, seconds)) => {
                self.documents.insert(id.clone(), Kept { value: value.clone(), until: now.plus_seconds(seconds) });
                Some(value)
            }
            Err(error) => {
                self.documents.invalidate(id);
                tracing::info!(client.id = %id, error = %error, "the document of a client cannot be used");
                None
            }
        }
    }

    async fn fetch_document(&self, address: &str, id: &ClientId, now: Timestamp) -> Result<(Client, i64), Unusable> {
        let fetched = self.fetch(address, MAX_DOCUMENT_BYTES).await?;
        Ok((document::read(id, &fetched.body, now)?, fresh(&fetched)))
    }

    async fn key_set(&self, uri: &str, now: Timestamp) -> Option<JwkSet> {
        if let Some(kept) = self.key_sets.get(uri).filter(|kept| now < kept.until) {
            return Some(kept.value);
        }
        match self.fetch_key_set(uri).await {
            Ok((value, seconds)) => {
                // A key that was taken away must not count for long, nor a new one be unknown.
                let until = now.plus_seconds(seconds.min(USUAL_SECONDS));
                self.key_sets.insert(uri.to_owned(), Kept { value: value.clone(), until });
                Some(value)
            }
            Err(error) => {
                tracing::info!(error = %error, "the `jwks_uri` of a client cannot be used");
                None
            }
        }
    }

    async fn fetch_key_set(&self, uri: &str) -> Result<(JwkSet, i64), Unusable> {
        let fetched = self.fetch(uri, MAX_KEY_SET_BYTES).await?;
        Ok((serde_json::from_slice(&fetched.body).map_err(Unusable::Keys)?, fresh(&fetched)))
    }

    /// §4: 200, and JSON; nothing else is an answer.
    async fn fetch(&self, address: &str, longest: usize) -> Result<Fetched, Unusable> {
        let fetched = self.fetcher.get(address, "application/json", longest).await?;
        if fetched.status != StatusCode::OK {
            return Err(Unusable::Status(fetched.status));
        }
        if !text(&fetched, &header::CONTENT_TYPE).is_some_and(is_json) {
            return Err(Unusable::Type);
        }
        Ok(fetched)
    }
}

fn fresh(fetched: &Fetched) -> i64 {
    fresh_seconds(text(fetched, &header::CACHE_CONTROL), text(fetched, &header::AGE))
}

fn text<'f>(fetched: &'f Fetched, name: &HeaderName) -> Option<&'f str> {
    fetched.headers.get(name).and_then(|value| value.to_str().ok())
}

/// `application/json` or `application/…+json`, with or without parameters.
fn is_json(content_type: &str) -> bool {
    let name = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e15_only_json_is_read() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/html", "text/json", "application/jsonp", "json", "image/svg+json"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
