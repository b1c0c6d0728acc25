//! The shape of a statements file: which keys there are and what stands behind them. What they mean is said in
//! `docs/reference/statements-file.md`.

use serde::Deserialize;
use serde_saphyr::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementsFile {
    pub(super) statements: Vec<Spanned<StatementShape>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementShape {
    pub(super) never: Option<Spanned<String>>,
    pub(super) always: Option<Spanned<String>>,
    pub(super) organizations: Option<Texts>,
    pub(super) apps: Option<AppsShape>,
    pub(super) users: Option<UsersShape>,
    pub(super) operations: Option<OperationsShape>,
    pub(super) may_be_empty: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppsShape {
    pub(super) names: Option<Texts>,
    pub(super) ids: Option<Texts>,
    pub(super) with_scopes: Option<Texts>,
    pub(super) without_scopes: Option<Texts>,
    pub(super) states: Option<Texts>,
    pub(super) own: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersShape {
    pub(super) emails: Option<Texts>,
    pub(super) in_roles: Option<Texts>,
    pub(super) outside_roles: Option<Texts>,
    pub(super) itself: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationsShape {
    pub(super) ids: Option<Texts>,
    pub(super) tags: Option<Texts>,
    pub(super) methods: Option<Texts>,
    pub(super) paths: Option<Texts>,
    pub(super) access: Option<Spanned<String>>,
}

pub(super) type Texts = Vec<Spanned<String>>;
