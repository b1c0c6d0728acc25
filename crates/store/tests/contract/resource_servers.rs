//! APIs and their resource servers.

use countersign_domain::client::ClientMetadata;
use countersign_store::StoreError;
use countersign_store::SystemTask;
use countersign_store::client::ClientChange;

both! {
    async fn a53_an_api_has_one_resource_server_until_that_gives_it_up(fixture) {
        fixture.organization("acme").await;
        fixture.organization("globex").await;
        let resources = vec!["https://mcp.example/".to_owned().try_into().unwrap()];
        let serving = ClientMetadata { resources, ..ClientMetadata::default() };
        let change = |metadata: &ClientMetadata| ClientChange { metadata: Some(metadata.clone()), ..ClientChange::default() };
        let (one, two) = (fixture.client("acme", "One").await, fixture.client("globex", "Two").await);
        let is_known = async || fixture.system(SystemTask::TokenEndpoint).is_resource("https://mcp.example/").await.unwrap();
        assert!(!is_known().await);
        fixture.org("acme").update_client(&one.id, &change(&serving)).await.unwrap();
        assert!(is_known().await);
        fixture.org("acme").update_client(&one.id, &change(&serving)).await.unwrap();
        let taken = fixture.org("globex").update_client(&two.id, &change(&serving)).await;
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
        fixture.org("acme").update_client(&one.id, &change(&ClientMetadata::default())).await.unwrap();
        assert!(!is_known().await);
        fixture.org("globex").update_client(&two.id, &change(&serving)).await.unwrap();
        assert!(is_known().await);
    }
}
