//! What a call is answered that was denied (operator contract, "Answers to refused API calls").

use axum::http::{StatusCode, header};
use countersign_decision::{Reason, StepUp};

use super::ApiError;
use crate::config::PublicOrigin;
use crate::enforce::check::Refusal;

impl ApiError {
    /// RFC 9470 §3: the token's person has to sign in again, more freshly or in another way.
    fn insufficient_authentication(step_up: &StepUp, realm: &str, metadata: &str) -> Self {
        let acr_values = step_up.acr_values.join(" ");
        let mut challenge = format!("{realm}, error=\"insufficient_user_authentication\"");
        if !acr_values.is_empty() {
            challenge += &format!(", acr_values=\"{acr_values}\"");
        }
        if let Some(max_age) = step_up.max_age {
            challenge += &format!(", max_age=\"{max_age}\"");
        }
        Self::new(
            StatusCode::UNAUTHORIZED,
            "insufficient.user.authentication",
            "This operation asks for a sign-in of its own: send the user to sign in again with the `acr_values` and the `max_age` of the challenge.",
        )
        .with_header(header::WWW_AUTHENTICATE, &format!("{challenge}, {metadata}"))
    }

    /// The answer to a call that was denied (operator contract, "Answers to refused API calls").
    pub fn from_refusal(refusal: &Refusal, origin: &PublicOrigin) -> Self {
        let realm = format!("Bearer realm=\"{origin}\"");
        let metadata = format!("resource_metadata=\"{origin}/.well-known/oauth-protected-resource\"");
        if let Some(step_up) = &refusal.step_up {
            return Self::insufficient_authentication(step_up, &realm, &metadata);
        }
        let status = refusal_status(refusal.reason);
        let mut error = match refusal.reason {
            Reason::BadRequestTarget => {
                Self::bad_request("the request target is not in canonical form; send it without encoded or doubled separators")
            }
            Reason::NoSuchOperation => Self::new(status, "not.found", "The requested resource was not found."),
            Reason::MethodNotAllowed => {
                Self::new(status, "method.not.allowed", "the resource has no such method")
                    .with_header(header::ALLOW, &refusal.allowed_methods.join(", "))
            }
            Reason::MissingCredentials => Self::new(
                status,
                "authentication.required",
                "No authentication bearer token specified in authorization header.",
            )
            .with_header(header::WWW_AUTHENTICATE, &format!("{realm}, {metadata}")),
            // one answer for every credential that is not live: which half is bad is nobody's business
            Reason::InvalidCredentials
            | Reason::UnknownOrganization
            | Reason::UnknownClient
            | Reason::UnknownUser
            | Reason::Inactive => Self::new(status, "bad.credentials", "Invalid login credentials.")
                .with_header(header::WWW_AUTHENTICATE, &format!("{realm}, error=\"invalid_token\", {metadata}")),
            Reason::AppRefused | Reason::AppNotAuthorized | Reason::MissingScope => {
                let error = Self::new(
                    status,
                    "app.not.authorized.for.scope",
                    "App not authorized to use scope [{scopes}]",
                )
                .with("scopes", refusal.scopes.join(", "));
                let scope = refusal.narrowest_scopes.join(" ");
                let scope = if scope.is_empty() { String::new() } else { format!(", scope=\"{scope}\"") };
                error.with_header(
                    header::WWW_AUTHENTICATE,
                    &format!("{realm}, error=\"insufficient_scope\"{scope}, {metadata}"),
                )
            }
            Reason::MissingPermission if refusal.needs_all_permissions() => {
                Self::new(status, "missing.permissions", "Unable to perform the requested action. You are missing the following permission(s): [{permissions}]")
                    .with("permissions", refusal.missing_permissions().join(", "))
            }
            Reason::MissingPermission => Self::new(
                status,
                "missing.any.permissions",
                "Unable to perform the requested action. You must have at least one of the following permissions assigned: [{permissions}]",
            )
            .with("permissions", refusal.missing_permissions().join(", ")),
            Reason::RoleNotAllowed => {
                Self::not_authorized("the organization limits this app to holders of other roles")
            }
            Reason::UnstatedRequirement | Reason::OtherCredential => {
                Self::not_authorized("the contract does not state what this operation needs from an app")
            }
        };
        error.0.missing = refusal.missing_json();
        error.0.help = refusal.help(origin);
        error
    }
}

/// The status of a denied call.
pub const fn refusal_status(reason: Reason) -> StatusCode {
    match reason {
        Reason::BadRequestTarget => StatusCode::BAD_REQUEST,
        Reason::NoSuchOperation => StatusCode::NOT_FOUND,
        Reason::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Reason::MissingCredentials
        | Reason::InvalidCredentials
        | Reason::UnknownOrganization
        | Reason::UnknownClient
        | Reason::UnknownUser
        | Reason::Inactive => StatusCode::UNAUTHORIZED,
        Reason::UnstatedRequirement
        | Reason::OtherCredential
        | Reason::AppRefused
        | Reason::AppNotAuthorized
        | Reason::MissingScope
        | Reason::RoleNotAllowed
        | Reason::MissingPermission => StatusCode::FORBIDDEN,
    }
}
