//! Usage (`ApiUsageClientQuery`, `UsageExecutionResult`, `ApiUsageQueryResult`), and what Genesys Cloud lacks of it.

use std::collections::BTreeMap;

use countersign_domain::usage::{OperationUse, ScopeUse};
use serde::{Deserialize, Serialize};

/// What is asked about the usage of one app (`ApiUsageClientQuery`).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiUsageClientQuery {
    /// `start/end`
    pub interval: String,
    /// Into which periods it is cut.
    #[serde(default)]
    pub granularity: Option<Period>,
    /// Which numbers are wanted; all of them where nothing is named.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// What is counted apart.
    #[serde(default)]
    pub group_by: Vec<Dimension>,
}

/// A period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Period {
    /// Each day.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Metric {
    /// Calls that went through.
    Status200,
    /// None: what the API answered after it was let in is not ours to know.
    Status300,
    /// Calls that were refused.
    Status400,
    /// None, likewise.
    Status500,
    /// Of the refused, those that were one too many in their minute.
    Status429,
    /// All.
    Requests,
}

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Dimension {
    /// The app, which is always one.
    OAuthClientId,
    /// The organization, which is always one.
    OrganizationId,
    /// The path template of the operation.
    TemplateUri,
    /// The method of the operation.
    HttpMethod,
}

/// Where the answer is (`UsageExecutionResult`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageExecutionResult {
    /// Says what was asked.
    pub execution_id: String,
    /// Where to read it.
    pub results_uri: String,
}

/// The answer (`ApiUsageQueryResult`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiUsageQueryResult {
    /// By period, path and method.
    pub results: Vec<ApiUsageRow>,
    /// Counts are read when they are asked for.
    pub query_status: &'static str,
}

/// What is counted together (`ApiUsageRow`). What was not asked for is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiUsageRow {
    /// Which app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Of the operation; absent where a call meant none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_uri: Option<String>,
    /// Of the operation; absent where a call meant none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_method: Option<String>,
    /// Calls that went through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status200: Option<u64>,
    /// None.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status300: Option<u64>,
    /// Calls that were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status400: Option<u64>,
    /// None.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status500: Option<u64>,
    /// Of the refused, those that were one too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status429: Option<u64>,
    /// All.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// When the period begins; absent where there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// What an app did with what it was authorized for (`OAuthAuthorizationUsage`): ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthAuthorizationUsage {
    /// For how many days, today included.
    pub days: u16,
    /// When the last call came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_call: Option<String>,
    /// Calls that were one too many in their minute.
    pub too_many: u64,
    /// Each operation that was called.
    pub operations: Vec<OAuthOperationUsage>,
    /// The granted scopes beside it.
    pub scopes: OAuthScopeUsage,
    /// Here.
    pub self_uri: String,
}

/// One operation, as it was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthOperationUsage {
    contract: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_uri: Option<String>,
    allowed: u64,
    would_be_denied: u64,
    denied: BTreeMap<String, u64>,
    last_call: String,
}

/// The granted scopes, and what of them was of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthScopeUsage {
    granted: Vec<String>,
    needed: Vec<String>,
    unneeded: Vec<String>,
    unused: Vec<String>,
    missing: Vec<Vec<Vec<String>>>,
    is_minimal: bool,
}

impl From<OperationUse> for OAuthOperationUsage {
    fn from(used: OperationUse) -> Self {
        let (http_method, template_uri) = used.route.unzip();
        Self {
            contract: used.contract,
            operation: used.id,
            http_method,
            template_uri,
            allowed: used.allowed,
            would_be_denied: used.would_be_denied,
            denied: used.denied,
            last_call: used.last.to_string(),
        }
    }
}

impl From<ScopeUse> for OAuthScopeUsage {
    fn from(used: ScopeUse) -> Self {
        let ScopeUse { granted, needed, unneeded, unused, missing, is_minimal } = used;
        Self { granted, needed, unneeded, unused, missing, is_minimal }
    }
}
