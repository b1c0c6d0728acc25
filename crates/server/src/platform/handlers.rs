//! The table from operationIds to functions: each operation of `api/platform.openapi.yaml` once.

use std::future::Future;
use std::pin::Pin;

use axum::response::Response;

use crate::http::error::ApiError;
use crate::platform::{
    Call, access, approval_requests, authorizations, clients, divisions, organization, permissions,
    registration_tokens, roles, scopes, snapshot, subjects, tokens, usage, user_roles, user_search, users,
};

/// What a handler gives.
pub type Reply = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;
/// A handler of one operation.
pub type Handler = fn(Call) -> Reply;

macro_rules! handlers {
    ($($operation:literal => $function:path,)*) => {
        /// Every operation of our own API with its handler, by operationId.
        pub const HANDLERS: &[(&str, Handler)] = &[$(($operation, |call| Box::pin($function(call)))),*];
    };
}

handlers! {
    "getUsers" => users::list,
    "postUsers" => users::create,
    "getUsersMe" => users::me,
    "getUser" => users::read,
    "patchUser" => users::edit,
    "deleteUser" => users::delete,
    "getUsersSearch" => user_search::turn_page,
    "postUsersSearch" => user_search::search,
    "getUserRoles" => user_roles::read,
    "putUserRoles" => user_roles::replace,

    "getAuthorizationRoles" => roles::list,
    "postAuthorizationRoles" => roles::create,
    "getAuthorizationRole" => roles::read,
    "putAuthorizationRole" => roles::replace,
    "patchAuthorizationRole" => roles::edit,
    "deleteAuthorizationRole" => roles::delete,
    "getAuthorizationPermissions" => permissions::list,
    "getAuthorizationDivisions" => divisions::list,
    "getAuthorizationDivisionsHome" => divisions::home,
    "getAuthorizationSubject" => subjects::read,
    "postAuthorizationSubjectDivisionRole" => subjects::assign,
    "deleteAuthorizationSubjectDivisionRole" => subjects::unassign,

    "getOauthScopes" => scopes::list,
    "getOauthScope" => scopes::read,
    "getOauthClients" => clients::list,
    "postOauthClients" => clients::create,
    "getOauthClient" => clients::read,
    "putOauthClient" => clients::replace,
    "deleteOauthClient" => clients::delete,
    "postOauthClientSecret" => clients::new_secret,
    "postOauthClientUsageQuery" => usage::query,
    "getOauthClientUsageQueryResult" => usage::results,
    "getOauthClientUsageSummary" => usage::summary,
    "getOauthRegistrationtokens" => registration_tokens::list,
    "postOauthRegistrationtokens" => registration_tokens::create,
    "deleteOauthRegistrationtoken" => registration_tokens::revoke,
    "getOauthAuthorizations" => authorizations::list,
    "getOauthAuthorization" => authorizations::read,
    "putOauthAuthorization" => authorizations::grant,
    "deleteOauthAuthorization" => authorizations::revoke,
    "getOauthAuthorizationUsage" => usage::of_authorization,
    "postOauthAuthorizationDeny" => authorizations::deny,
    "getOauthAuthorizationRequests" => approval_requests::list,
    "postOauthAuthorizationRequests" => approval_requests::create,

    "getTokensMe" => tokens::read,
    "headTokensMe" => tokens::check,
    "deleteTokensMe" => tokens::end,
    "deleteToken" => tokens::end_all_of_user,

    "getOrganizationsMe" => organization::read,
    "getOrganizationsMeSnapshot" => snapshot::read,
    "getOrganizationsScopeenforcement" => organization::enforcement,
    "putOrganizationsScopeenforcement" => organization::set_enforcement,

    "postAccessEvaluation" => access::evaluation,
    "postAccessEvaluations" => access::evaluations,
    "postAccessSearchSubject" => access::subject,
    "postAccessSearchResource" => access::resource,
    "postAccessSearchAction" => access::action,
}

/// The handler of an operation.
pub fn find(operation_id: &str) -> Option<Handler> {
    HANDLERS.iter().find(|(id, _)| *id == operation_id).map(|(_, handler)| *handler)
}
