//! authzen-pdp-action-search-test-plan: what somebody may do with it.

use serde_json::json;

use super::{
    accepts_charset, answers_the_same_again, echoes_the_request_id, finds, finds_nothing, ignores, read, refuses,
    refuses_method, refuses_other_content_type, refuses_text, valid, with, without, write,
};

#[tokio::test]
async fn authzen_pdp_action_search_valid_action_search_request_with_non_empty_results() {
    finds("search/action", valid("search/action"), &[read(), write()]).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_action_search_with_context() {
    let body = with(valid("search/action"), "/context", json!({ "time": "2026-01-11T10:00:00Z" }));
    finds("search/action", body, &[read(), write()]).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_unknown_entity_identifier() {
    finds_nothing("search/action", with(valid("search/action"), "/subject/id", json!("nonexistent-user"))).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_extra_action_ignored() {
    ignores("search/action", "/action", read()).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_missing_subject() {
    refuses("search/action", without(valid("search/action"), "/subject")).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_missing_resource() {
    refuses("search/action", without(valid("search/action"), "/resource")).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_subject_missing_type() {
    refuses("search/action", without(valid("search/action"), "/subject/type")).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_subject_missing_id() {
    refuses("search/action", without(valid("search/action"), "/subject/id")).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_resource_missing_type() {
    refuses("search/action", without(valid("search/action"), "/resource/type")).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_resource_missing_id() {
    refuses("search/action", without(valid("search/action"), "/resource/id")).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_subject_is_string() {
    refuses("search/action", with(valid("search/action"), "/subject", json!("alice"))).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_reject_get_method() {
    refuses_method("search/action", "GET").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_reject_put_method() {
    refuses_method("search/action", "PUT").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_reject_top_level_array() {
    refuses("search/action", json!([valid("search/action")])).await;
}

#[tokio::test]
async fn authzen_pdp_action_search_reject_non_json_content_type() {
    refuses_other_content_type("search/action").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_accept_content_type_with_charset() {
    accepts_charset("search/action").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_reject_malformed_json() {
    refuses_text("search/action", "{\"subject\": {\"type\": \"user\",").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_reject_empty_body() {
    refuses_text("search/action", "").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_x_request_id_echoed() {
    echoes_the_request_id("search/action").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_idempotency() {
    answers_the_same_again("search/action").await;
}

#[tokio::test]
async fn authzen_pdp_action_search_unknown_top_level_fields_ignored() {
    ignores("search/action", "/future", json!({ "nested": [true] })).await;
}
