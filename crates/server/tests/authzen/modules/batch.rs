//! authzen-pdp-evaluations-test-plan and the comprehensive one: several decisions in one message.

use serde_json::{Value, json};

use super::super::fixture::Fixture;
use super::{
    accepts_charset, answers_the_same_again, ask, bob, decides_each, echoes_the_request_id, ignores, read, record,
    refuses, refuses_method, refuses_other_content_type, refuses_text, valid, with, without, write,
};

fn bob_reads_and_writes() -> Value {
    json!({ "subject": bob(), "resource": record("record-1"), "evaluations": [{ "action": read() }, { "action": write() }] })
}

fn by(semantic: &str, body: Value) -> Value {
    with(body, "/options", json!({ "evaluations_semantic": semantic }))
}

/// A message without entries is answered as the one question that it is.
async fn decides_the_one(body: Value) {
    let answer = ask(&Fixture::start().await, "evaluations", &body).await;
    assert_eq!((&answer["decision"], answer.get("evaluations")), (&json!(true), None), "{body}: {answer}");
}

#[tokio::test]
async fn authzen_pdp_evaluations_batch_request_with_evaluations_array() {
    let entries = json!([{ "resource": record("record-1") }, { "resource": record("record-2") }]);
    decides_each(with(valid("evaluations"), "/evaluations", entries), &[true, true]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_batch_with_fixture_decisions_validated() {
    decides_each(bob_reads_and_writes(), &[true, false]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_batch_with_fully_specified_evaluations() {
    let bob_writes = json!({ "subject": bob(), "action": write(), "resource": record("record-1") });
    decides_each(json!({ "evaluations": [valid("evaluation"), bob_writes] }), &[true, false]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_batch_with_context_inheritance() {
    let own = json!({ "time": "2026-01-11T11:00:00Z", "source": "entry" });
    let entries = json!([{ "resource": record("record-1") }, { "resource": record("record-2"), "context": own }]);
    let body = with(valid("evaluations"), "/context", json!({ "time": "2026-01-11T10:00:00Z" }));
    decides_each(with(body, "/evaluations", entries), &[true, true]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_evaluation_level_errors() {
    let entries = json!([{ "resource": record("record-1") }, {}]);
    decides_each(with(valid("evaluations"), "/evaluations", entries), &[true, false]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_missing_subject_returns_decision_false() {
    decides_each(without(valid("evaluations"), "/subject"), &[false]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_default_semantic_is_execute_all() {
    let entries = json!([{ "action": write() }, { "action": read() }]);
    decides_each(with(bob_reads_and_writes(), "/evaluations", entries), &[false, true]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_execute_all_explicit() {
    decides_each(by("execute_all", bob_reads_and_writes()), &[true, false]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_deny_on_first_deny() {
    let entries = json!([{ "action": read() }, { "action": write() }, { "action": read() }]);
    let body = with(bob_reads_and_writes(), "/evaluations", entries);
    decides_each(by("deny_on_first_deny", body), &[true, false]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_permit_on_first_permit() {
    let entries = json!([{ "action": write() }, { "action": read() }, { "action": write() }]);
    let body = with(bob_reads_and_writes(), "/evaluations", entries);
    decides_each(by("permit_on_first_permit", body), &[false, true]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_unknown_semantic_value() {
    refuses("evaluations", by("bogus_value", valid("evaluations"))).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_per_eval_overrides_default() {
    let body = with(bob_reads_and_writes(), "/action", write());
    decides_each(with(body, "/evaluations", json!([{ "action": read() }, {}])), &[true, false]).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_missing_evaluations_array_backward_compat() {
    decides_the_one(valid("evaluation")).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_empty_evaluations_array_backward_compat() {
    decides_the_one(with(valid("evaluation"), "/evaluations", json!([]))).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_reject_get_method() {
    refuses_method("evaluations", "GET").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_reject_put_method() {
    refuses_method("evaluations", "PUT").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_reject_top_level_array() {
    refuses("evaluations", json!([valid("evaluations")])).await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_reject_non_json_content_type() {
    refuses_other_content_type("evaluations").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_accept_content_type_with_charset() {
    accepts_charset("evaluations").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_reject_malformed_json() {
    refuses_text("evaluations", "{\"subject\": {\"type\": \"user\",").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_reject_empty_body() {
    refuses_text("evaluations", "").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_x_request_id_echoed() {
    echoes_the_request_id("evaluations").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_idempotency() {
    answers_the_same_again("evaluations").await;
}

#[tokio::test]
async fn authzen_pdp_evaluations_unknown_top_level_fields_ignored() {
    ignores("evaluations", "/future", json!({ "nested": [true] })).await;
}
