//! authzen-pdp-resource-search-test-plan: what somebody may do it to.

use serde_json::json;

use super::{
    accepts_charset, answers_the_same_again, echoes_the_request_id, finds, ignores, refuses, refuses_method,
    refuses_other_content_type, refuses_text, valid, without,
};

#[tokio::test]
async fn authzen_pdp_resource_search_valid_resource_search_request_with_non_empty_results() {
    let expected = json!({ "type": "route", "id": "/records" });
    finds("search/resource", valid("search/resource"), &[expected]).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_resource_search_with_resource_id_omitted() {
    let body = valid("search/resource");
    assert_eq!(body["resource"].get("id"), None);
    finds("search/resource", body, &[json!({ "type": "route", "id": "/records" })]).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_extra_resource_id_ignored() {
    ignores("search/resource", "/resource/id", json!("/records/record-1")).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_missing_subject() {
    refuses("search/resource", without(valid("search/resource"), "/subject")).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_missing_action() {
    refuses("search/resource", without(valid("search/resource"), "/action")).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_missing_resource() {
    refuses("search/resource", without(valid("search/resource"), "/resource")).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_subject_missing_id() {
    refuses("search/resource", without(valid("search/resource"), "/subject/id")).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_action_missing_name() {
    refuses("search/resource", without(valid("search/resource"), "/action/name")).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_resource_missing_type() {
    refuses("search/resource", without(valid("search/resource"), "/resource/type")).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_reject_get_method() {
    refuses_method("search/resource", "GET").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_reject_put_method() {
    refuses_method("search/resource", "PUT").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_reject_top_level_array() {
    refuses("search/resource", json!([valid("search/resource")])).await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_reject_non_json_content_type() {
    refuses_other_content_type("search/resource").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_accept_content_type_with_charset() {
    accepts_charset("search/resource").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_reject_malformed_json() {
    refuses_text("search/resource", "{\"subject\": {\"type\": \"user\",").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_reject_empty_body() {
    refuses_text("search/resource", "").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_x_request_id_echoed() {
    echoes_the_request_id("search/resource").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_idempotency() {
    answers_the_same_again("search/resource").await;
}

#[tokio::test]
async fn authzen_pdp_resource_search_unknown_top_level_fields_ignored() {
    ignores("search/resource", "/future", json!({ "nested": [true] })).await;
}
