//! Discovery: metadata (checklist G09).

use serde_json::json;

use super::fixture::Fixture;
use super::support::Server;

#[tokio::test]
async fn g09_the_metadata_document_names_every_endpoint_under_the_configured_origin() {
    let server = Server::start_on_https("organizations: [{id: acme, name: Acme}]").await;
    let answer = server.get("/.well-known/authzen-configuration").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let expected = json!({
        "policy_decision_point": "https://as.example",
        "access_evaluation_endpoint": "https://as.example/access/v1/evaluation",
        "access_evaluations_endpoint": "https://as.example/access/v1/evaluations",
        "search_subject_endpoint": "https://as.example/access/v1/search/subject",
        "search_resource_endpoint": "https://as.example/access/v1/search/resource",
        "search_action_endpoint": "https://as.example/access/v1/search/action",
    });
    assert_eq!(answer.ok(), expected);
}

#[tokio::test]
async fn g09_what_the_metadata_names_is_there() {
    let fixture = Fixture::start().await;
    let metadata = fixture.server.get("/.well-known/authzen-configuration").await.ok();
    for (name, address) in metadata.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint")) {
        let origin = metadata["policy_decision_point"].as_str().unwrap();
        let path = address.as_str().unwrap().strip_prefix(origin).unwrap().strip_prefix("/access/v1/").unwrap();
        assert_eq!(fixture.ask(path, &json!({})).await.status, 400, "{name}");
    }
}
