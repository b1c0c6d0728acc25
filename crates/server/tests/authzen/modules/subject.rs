//! authzen-pdp-subject-search-test-plan: who may do it.

use serde_json::json;

use super::super::fixture::Fixture;
use super::{
    accepts_charset, alice_and_bob, answers_the_same_again, ask, echoes_the_request_id, finds_nothing, ignores,
    refuses, refuses_method, refuses_other_content_type, refuses_text, search, valid, with, without,
};

#[tokio::test]
async fn authzen_pdp_subject_search_valid_subject_search_request_with_non_empty_results() {
    let fixture = Fixture::start().await;
    let found = search(&fixture, "search/subject", valid("search/subject")).await;
    assert!(alice_and_bob(&fixture).await.iter().all(|one| found.contains(one)), "{found:?}");
}

#[tokio::test]
async fn authzen_pdp_subject_search_subject_search_with_context() {
    let fixture = Fixture::start().await;
    let found = search(
        &fixture,
        "search/subject",
        with(valid("search/subject"), "/context", json!({ "time": "2026-01-11T10:00:00Z" })),
    )
    .await;
    assert!(alice_and_bob(&fixture).await.iter().all(|one| found.contains(one)), "{found:?}");
}

#[tokio::test]
async fn authzen_pdp_subject_search_subject_search_with_subject_id_omitted() {
    let body = valid("search/subject");
    assert_eq!(body["subject"].get("id"), None);
    let fixture = Fixture::start().await;
    let found = search(&fixture, "search/subject", body).await;
    assert!(alice_and_bob(&fixture).await.iter().all(|one| found.contains(one)), "{found:?}");
}

#[tokio::test]
async fn authzen_pdp_subject_search_request_with_page_limit() {
    let fixture = Fixture::start().await;
    let answer = ask(&fixture, "search/subject", &with(valid("search/subject"), "/page", json!({ "limit": 1 }))).await;
    assert_eq!(answer["results"].as_array().unwrap().len(), 1, "{answer}");
    assert_ne!(answer["page"]["next_token"], "", "{answer}");
}

#[tokio::test]
async fn authzen_pdp_subject_search_request_with_page_token() {
    let fixture = Fixture::start().await;
    let found = search(&fixture, "search/subject", with(valid("search/subject"), "/page", json!({ "limit": 1 }))).await;
    assert!(alice_and_bob(&fixture).await.iter().all(|one| found.contains(one)), "{found:?}");
}

#[tokio::test]
async fn authzen_pdp_subject_search_unknown_entity_type() {
    finds_nothing("search/subject", with(valid("search/subject"), "/subject/type", json!("spaceship"))).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_unknown_page_fields_ignored() {
    let fixture = Fixture::start().await;
    let found = search(
        &fixture,
        "search/subject",
        with(valid("search/subject"), "/page", json!({ "limit": 10, "future": "ignored" })),
    )
    .await;
    assert!(alice_and_bob(&fixture).await.iter().all(|one| found.contains(one)), "{found:?}");
}

#[tokio::test]
async fn authzen_pdp_subject_search_extra_subject_id_ignored() {
    ignores("search/subject", "/subject/id", json!("alice@acme.test")).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_missing_action() {
    refuses("search/subject", without(valid("search/subject"), "/action")).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_missing_resource() {
    refuses("search/subject", without(valid("search/subject"), "/resource")).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_subject_missing_type() {
    refuses("search/subject", without(valid("search/subject"), "/subject/type")).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_action_missing_name() {
    refuses("search/subject", without(valid("search/subject"), "/action/name")).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_resource_missing_type() {
    refuses("search/subject", without(valid("search/subject"), "/resource/type")).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_resource_missing_id() {
    refuses("search/subject", without(valid("search/subject"), "/resource/id")).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_action_is_string() {
    refuses("search/subject", with(valid("search/subject"), "/action", json!("read"))).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_reject_get_method() {
    refuses_method("search/subject", "GET").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_reject_put_method() {
    refuses_method("search/subject", "PUT").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_reject_top_level_array() {
    refuses("search/subject", json!([valid("search/subject")])).await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_reject_non_json_content_type() {
    refuses_other_content_type("search/subject").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_accept_content_type_with_charset() {
    accepts_charset("search/subject").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_reject_malformed_json() {
    refuses_text("search/subject", "{\"subject\": {\"type\": \"user\",").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_reject_empty_body() {
    refuses_text("search/subject", "").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_x_request_id_echoed() {
    echoes_the_request_id("search/subject").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_idempotency() {
    answers_the_same_again("search/subject").await;
}

#[tokio::test]
async fn authzen_pdp_subject_search_unknown_top_level_fields_ignored() {
    ignores("search/subject", "/future", json!({ "nested": [true] })).await;
}
