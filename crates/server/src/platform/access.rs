//! The AuthZEN Authorization API 1.0 (`/access/v1`): somebody else's enforcement point asks what a call would be answered.
//!
//! One more door of the one path: whoever asks was decided by the contract like any caller of our own API; what is asked
//! about is decided by the same engine, in the asker's organization and no other.

mod asked;
mod parties;
mod search;

use axum::response::Response;
use countersign_domain::authzen::{Batch, Misfit, OneReading, Question};
use serde_json::{Value, json};

use super::call::ok;
use crate::http::error::ApiError;
use crate::platform::Call;
use asked::{Answer, Asked};
use parties::Parties;
pub(super) use search::{action, resource, subject};

/// The body of a question. What is no JSON at all, and what could be read in two ways, is refused with 400 alike (§10.1.2).
fn body(call: &Call) -> Result<Value, ApiError> {
    if !call.is_json() {
        return Err(ApiError::bad_request("a question is JSON: send it with `Content-Type: application/json`"));
    }
    call.json().map(|OneReading(body)| body)
}

/// `POST /access/v1/evaluation` (§6)
pub(super) async fn evaluation(call: Call) -> Result<Response, ApiError> {
    let question = Question::read(&body(&call)?).map_err(misfit)?;
    answer_one(&call, &question).await
}

/// `POST /access/v1/evaluations` (§7)
pub(super) async fn evaluations(call: Call) -> Result<Response, ApiError> {
    let (questions, semantic) = match Batch::read(&body(&call)?).map_err(misfit)? {
        Batch::One(question) => return answer_one(&call, &question).await,
        Batch::Many { questions, semantic } => (questions, semantic),
    };
    let parties = Parties::look_up(&call, questions.iter().flatten()).await?;
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let answer = question.and_then(|question| decide(&call, &parties, &question));
        let is_permitted = answer.as_ref().is_ok_and(|answer| answer.is_permitted);
        answers.push(answer.map_or_else(|wrong| refused(&wrong), Answer::into_json));
        if semantic.ends_with(is_permitted) {
            break;
        }
    }
    ok(json!({ "evaluations": answers }))
}

async fn answer_one(call: &Call, question: &Question) -> Result<Response, ApiError> {
    let parties = Parties::look_up(call, [question]).await?;
    ok(decide(call, &parties, question).map_err(misfit)?.into_json())
}

fn decide(call: &Call, parties: &Parties, question: &Question) -> Result<Answer, Misfit> {
    let asked = Asked::read(call, &question.resource)?;
    Ok(parties.with_authority(call, question, |authority| asked.decide(authority, &question.action)))
}

/// What is wrong with one question of several (§7.2.1): closed, and told in its place.
fn refused(wrong: &Misfit) -> Value {
    json!({ "decision": false, "context": { "error": { "status": 400, "message": wrong.to_string() } } })
}

fn misfit(misfit: Misfit) -> ApiError {
    ApiError::invalid_field(&misfit.field, misfit.why)
}
