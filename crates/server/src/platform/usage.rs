//! What apps called (`/api/v2/oauth/clients/{clientId}/usage`, `/api/v2/oauth/authorizations/{clientId}/usage`).
//!
//! Genesys Cloud runs a question for a while and keeps the answer. Here counts are read when they are asked for, so the id of
//! an execution only says what was asked (`usage/execution.rs`).

mod execution;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use countersign_decision::{Contracts, Scope};
use countersign_domain::client::Client;
use countersign_domain::id::ClientId;
use countersign_domain::usage::{Day, Interval, Outcome, UsageCount, UsageReport};

use super::call::ok;
use super::clients::find;
use super::wire::self_uri;
use super::wire::usage::{
    ApiUsageClientQuery, ApiUsageQueryResult, ApiUsageRow, Dimension, Metric, OAuthAuthorizationUsage,
    UsageExecutionResult,
};
use crate::http::error::ApiError;
use crate::platform::Call;
use execution::Execution;

/// How far a summary looks back where nobody says it.
const SUMMARY_DAYS: u16 = 7;
/// The same of what is shown of an authorization.
const AUTHORIZATION_DAYS: u16 = 90;

/// `POST /api/v2/oauth/clients/{clientId}/usage/query`
pub(super) async fn query(call: Call) -> Result<Response, ApiError> {
    let client = find(&call).await?;
    let query: ApiUsageClientQuery = call.json()?;
    let interval =
        Interval::parse(&query.interval).map_err(|error| ApiError::invalid_field("interval", error.to_string()))?;
    answer(&client, &Execution::of(&query, interval))
}

/// `GET /api/v2/oauth/clients/{clientId}/usage/summary`
pub(super) async fn summary(call: Call) -> Result<Response, ApiError> {
    let client = find(&call).await?;
    let days = days(&call, SUMMARY_DAYS)?;
    answer(&client, &Execution::summary(Interval::last(days, call.context.now)))
}

/// `GET /api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}`
pub(super) async fn results(call: Call) -> Result<Response, ApiError> {
    let client = find(&call).await?;
    let execution = Execution::parse(call.path("executionId")).ok_or_else(|| ApiError::not_found("execution"))?;
    call.app.usage.flush().await;
    let Interval { from, to } = execution.interval;
    let counts = call.org().usage(&client.id, from, to).await?;
    ok(ApiUsageQueryResult { results: rows(&call.contracts, &client, &execution, &counts), query_status: "Complete" })
}

/// `GET /api/v2/oauth/authorizations/{clientId}/usage`
pub(super) async fn of_authorization(call: Call) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("authorization");
    let client = ClientId::of_segment(call.path("clientId")).map_err(|_| unknown())?;
    let (grant, _) = call.org().authorization(&client).await?.ok_or_else(unknown)?;
    let days = days(&call, AUTHORIZATION_DAYS)?;
    call.app.usage.flush().await;
    let Interval { from, to } = Interval::last(days, call.context.now);
    let counts = call.org().usage(&client, from, to).await?;
    let report = report(&call.contracts, counts, grant.scopes).await;
    ok(OAuthAuthorizationUsage {
        days,
        last_call: report.last.map(|last| last.to_string()),
        too_many: report.too_many,
        operations: report.operations.into_iter().map(Into::into).collect(),
        scopes: report.scopes.into(),
        self_uri: format!("{}/usage", self_uri("oauth/authorizations", client.as_str())),
    })
}

/// What an app did with its scopes. The smallest set is a search, so it does not hold up others.
pub async fn report(contracts: &Arc<Contracts>, counts: Vec<UsageCount>, granted: Vec<Scope>) -> UsageReport {
    let contracts = Arc::clone(contracts);
    let search = tokio::task::spawn_blocking(move || UsageReport::new(&contracts, &counts, &granted));
    search.await.unwrap_or_default()
}

fn answer(client: &Client, execution: &Execution) -> Result<Response, ApiError> {
    let execution_id = execution.to_string();
    let usage = format!("{}/usage", self_uri("oauth/clients", client.id.as_str()));
    let results_uri = format!("{usage}/query/results/{execution_id}");
    ok(UsageExecutionResult { execution_id, results_uri })
}

fn days(call: &Call, default: u16) -> Result<u16, ApiError> {
    let Some(text) = call.query("days")? else { return Ok(default) };
    let days = text.parse().ok().filter(|days| (1..=Interval::MOST_DAYS).contains(&i64::from(*days)));
    let rule = || format!("`{text}` is not a number of days from 1 to {}", Interval::MOST_DAYS);
    days.ok_or_else(|| ApiError::invalid_field("days", rule()))
}

/// Period, path template and method of calls that are counted together.
type Place<'c> = (Option<i64>, Option<String>, Option<&'c str>);

/// Counts, summed up as the execution says; periods and groups without a call have no row.
fn rows(contracts: &Contracts, client: &Client, execution: &Execution, counts: &[UsageCount]) -> Vec<ApiUsageRow> {
    let mut sums: BTreeMap<Place<'_>, [u64; 3]> = BTreeMap::new();
    for UsageCount { key, calls, .. } in counts {
        let contract = contracts.named(&key.contract).zip(key.operation.as_deref());
        let operation = contract.and_then(|(contract, id)| contract.operation(id));
        let template = operation.filter(|_| execution.groups_by(Dimension::TemplateUri));
        let method = operation.filter(|_| execution.groups_by(Dimension::HttpMethod));
        let place = (
            execution.granularity.map(|granularity| granularity.start_of(key.day).0),
            template.map(|operation| operation.path.clone()),
            method.map(|operation| operation.method.as_str()),
        );
        let [allowed, refused, too_many] = sums.entry(place).or_default();
        match key.outcome {
            Outcome::Allowed => *allowed += calls,
            Outcome::TooMany => {
                *refused += calls;
                *too_many += calls;
            }
            Outcome::Denied(_) => *refused += calls,
        }
    }
    let row = |((day, template_uri, http_method), [allowed, refused, too_many]): (Place<'_>, [u64; 3])| {
        let shown = |metric: Metric, value: u64| execution.shows(metric).then_some(value);
        let is_grouped = |dimension| execution.groups_by(dimension).then_some(());
        ApiUsageRow {
            client_id: is_grouped(Dimension::OAuthClientId).map(|()| client.id.to_string()),
            client_name: is_grouped(Dimension::OAuthClientId).map(|()| client.name.clone()),
            organization_id: is_grouped(Dimension::OrganizationId).map(|()| counts[0].key.organization.to_string()),
            template_uri,
            http_method: http_method.map(str::to_owned),
            status200: shown(Metric::Status200, allowed),
            status300: shown(Metric::Status300, 0),
            status400: shown(Metric::Status400, refused),
            status500: shown(Metric::Status500, 0),
            status429: shown(Metric::Status429, too_many),
            requests: shown(Metric::Requests, allowed + refused),
            date: day.map(|day| Day(day).start().to_string()),
        }
    };
    sums.into_iter().map(row).collect()
}
