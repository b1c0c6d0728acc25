//! Clients that are known by their document.

use countersign_domain::client::document;
use countersign_domain::client::{Client, ClientState};
use countersign_domain::id::{ClientId, OrganizationId};
use countersign_domain::time::Timestamp;
use countersign_store::SystemTask;
use countersign_store::client::ClientChange;

const ID: &str = "https://app.example/client.json";

/// The client whose document names these redirect URIs.
fn described(name: &str, redirect_uris: &str) -> Client {
    let text = format!(r#"{{"client_id":"{ID}","client_name":"{name}","redirect_uris":[{redirect_uris}]}}"#);
    document::read(&ClientId::parse(ID).unwrap(), text.as_bytes(), Timestamp::from_seconds(1)).unwrap()
}

both! {
    async fn e19_a_document_is_kept_as_it_is_now_and_the_state_is_the_operators(fixture) {
        let system = fixture.system(SystemTask::Authorize);
        let id = ClientId::parse(ID).unwrap();
        let first = described("Agent", r#""https://app.example/a","https://app.example/b""#);
        assert_eq!(system.document_client_state(&first).await.unwrap(), None, "asking keeps nothing");
        assert_eq!(system.client(&id).await.unwrap(), None);
        system.keep_document_client(&first).await.unwrap();
        system.keep_document_client(&first).await.unwrap();
        let kept = system.client(&id).await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.organization.as_str(), kept.is_confidential), ("Agent", "countersign", false));
        let renamed = described("Agent Two", r#""https://app.example/a""#);
        assert_eq!(system.document_client_state(&renamed).await.unwrap(), Some(ClientState::Active));
        let kept = system.client(&id).await.unwrap().unwrap();
        assert_eq!((kept.name, kept.redirect_uris), ("Agent Two".to_owned(), vec!["https://app.example/a".to_owned()]));
        let off = ClientChange { state: Some(ClientState::Disabled), ..ClientChange::default() };
        let home = OrganizationId::parse("countersign").unwrap();
        system.org(&home).update_client(&id, &off).await.unwrap();
        assert_eq!(system.document_client_state(&first).await.unwrap(), Some(ClientState::Disabled));
        assert_eq!(system.client(&id).await.unwrap().unwrap().state, ClientState::Disabled);
    }
}
