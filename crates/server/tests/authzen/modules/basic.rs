//! authzen-pdp-evaluation-test-plan: one decision.

use serde_json::json;

use super::super::fixture::Fixture;
use super::{
    JSON, accepts_charset, answers_the_same_again, bob, decides, echoes_the_request_id, ignores, record, refuses,
    refuses_method, refuses_other_content_type, refuses_text, valid, with, without, write,
};

/// Whoever brings no token, or one that is none.
async fn refuses_bearer(token: Option<&str>) {
    let fixture = Fixture::start().await;
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = [JSON].into_iter().chain(bearer.as_deref().map(|text| ("authorization", text))).collect();
    let body = valid("evaluation").to_string();
    let answer = fixture.server.send("POST", "/access/v1/evaluation", &headers, body).await;
    assert_eq!(answer.status, 401, "{token:?}");
    assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{token:?}");
}

#[tokio::test]
async fn authzen_pdp_evaluation_fixture_request_permit_decision() {
    decides(valid("evaluation"), true).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_fixture_request_deny_decision() {
    decides(json!({ "subject": bob(), "action": write(), "resource": record("record-1") }), false).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_request_with_optional_context() {
    decides(with(valid("evaluation"), "/context", json!({ "time": "2026-01-11T10:00:00Z" })), true).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_request_with_additional_properties() {
    let body = with(valid("evaluation"), "/subject/properties/department", json!("Sales"));
    let body = with(body, "/action/properties", json!({ "method": "GET" }));
    decides(with(body, "/resource/properties/owner", json!("bob")), true).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_request_with_unknown_fields() {
    let body = with(valid("evaluation"), "/unknown", json!("value"));
    decides(with(body, "/subject/unknown", json!({ "nested": 1 })), true).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_missing_subject() {
    refuses("evaluation", without(valid("evaluation"), "/subject")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_missing_action() {
    refuses("evaluation", without(valid("evaluation"), "/action")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_missing_resource() {
    refuses("evaluation", without(valid("evaluation"), "/resource")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_subject_missing_type() {
    refuses("evaluation", without(valid("evaluation"), "/subject/type")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_subject_missing_id() {
    refuses("evaluation", without(valid("evaluation"), "/subject/id")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_action_missing_name() {
    refuses("evaluation", without(valid("evaluation"), "/action/name")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_resource_missing_type() {
    refuses("evaluation", without(valid("evaluation"), "/resource/type")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_resource_missing_id() {
    refuses("evaluation", without(valid("evaluation"), "/resource/id")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_subject_is_string() {
    refuses("evaluation", with(valid("evaluation"), "/subject", json!("alice"))).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_action_name_is_number() {
    refuses("evaluation", with(valid("evaluation"), "/action/name", json!(123))).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_unknown_subject_fields_ignored() {
    ignores("evaluation", "/subject/future", json!("ignored")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_unknown_resource_fields_ignored() {
    ignores("evaluation", "/resource/future", json!("ignored")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_unknown_action_fields_ignored() {
    ignores("evaluation", "/action/future", json!("ignored")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_reject_get_method() {
    refuses_method("evaluation", "GET").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_reject_put_method() {
    refuses_method("evaluation", "PUT").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_reject_top_level_array() {
    refuses("evaluation", json!([valid("evaluation")])).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_reject_non_json_content_type() {
    refuses_other_content_type("evaluation").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_accept_content_type_with_charset() {
    accepts_charset("evaluation").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_reject_malformed_json() {
    refuses_text("evaluation", "{\"subject\": {\"type\": \"user\",").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_reject_empty_body() {
    refuses_text("evaluation", "").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_x_request_id_echoed() {
    echoes_the_request_id("evaluation").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_idempotency() {
    answers_the_same_again("evaluation").await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_unknown_top_level_fields_ignored() {
    ignores("evaluation", "/future", json!({ "nested": [true] })).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_missing_credentials_returns_401() {
    refuses_bearer(None).await;
}

#[tokio::test]
async fn authzen_pdp_evaluation_invalid_credentials_returns_401() {
    refuses_bearer(Some("cs_at_AAAA")).await;
}
