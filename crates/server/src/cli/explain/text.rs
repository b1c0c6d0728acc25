//! An explanation as a person reads it, coloured on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use countersign_decision::explain::{Alternative, HeldBy};
use countersign_decision::{Decision, Enforcement, Permission, PermissionMode, Reason, RoleRef};
use countersign_domain::world::OrganizationEntry;

use super::Explanation;
use super::help::Helpers;
use crate::cli::carried::{Held, in_words};

const ALLOWED: Style = AnsiColor::Green.on_default().bold();
const DENIED: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// The most people that are listed.
const MAX_PEOPLE: usize = 10;

/// Prints an explanation to standard output.
pub(super) fn print(explanation: &Explanation<'_>, organization: Option<&OrganizationEntry>) -> io::Result<()> {
    let mut text = String::new();
    write(&mut text, explanation, organization).expect("writing to a string cannot fail");
    anstream::stdout().lock().write_all(text.as_bytes())
}

fn write(
    text: &mut String,
    explanation: &Explanation<'_>,
    organization: Option<&OrganizationEntry>,
) -> std::fmt::Result {
    let (style, word) = match explanation.decision {
        Decision::Allow(_) => (ALLOWED, "ALLOWED"),
        Decision::Deny(_) => (DENIED, "DENIED"),
    };
    let Explanation { method, path, .. } = explanation;
    writeln!(text, "{style}{word}{style:#}  {method} {path}")?;
    if let Some(operation) = explanation.decision.operation() {
        line(text, "operation", &format!("{} {FAINT}({}){FAINT:#}", operation.id, operation.source))?;
    }
    line(text, "organization", &organization_in_words(explanation.organization, organization))?;
    line(text, "app", explanation.client)?;
    line(text, "user", explanation.user.unwrap_or("none: the app calls on its own behalf"))?;
    match explanation.decision {
        Decision::Allow(_) => write_carried(text, explanation)?,
        Decision::Deny(denial) => {
            let why = match (denial.reason(), explanation.user) {
                (Reason::MissingPermission, None) => "the app itself lacks a permission",
                (reason, _) => sentence(reason),
            };
            line(text, "reason", &format!("{}: {why}", denial.reason()))?;
            if let Some(id) = explanation.decided_by {
                line(text, "denied by", &format!("{id}: the request matches it too, and it is not allowed"))?;
            }
            if let Some(bad_target) = denial.bad_target() {
                line(text, "target", &bad_target.to_string())?;
            }
            if denial.reason() == Reason::MethodNotAllowed {
                let methods: Vec<_> = denial.allowed_methods().map(countersign_decision::Method::as_str).collect();
                line(text, "methods here", &methods.join(", "))?;
            }
            write_remedy(text, explanation)?;
        }
    }
    if let Some(report) = &explanation.report {
        line(text, "enforce", &format!("would have denied: {}", report.reason()))?;
    }
    Ok(())
}

fn write_carried(text: &mut String, explanation: &Explanation<'_>) -> std::fmt::Result {
    let Some(carried) = &explanation.carried_by else { return Ok(()) };
    if let Some(scopes) = &carried.scopes {
        line(text, "scope", &scopes.join(" and "))?;
    }
    for Held { permission, assignments, .. } in &carried.permissions {
        line(text, "permission", &format!("{} through {}", permission_in_words(permission), in_words(assignments)))?;
    }
    if let Some(assignments) = &carried.admitted_by {
        line(text, "role", &format!("the app is for certain roles only, such as {}", in_words(assignments)))?;
    }
    Ok(())
}

fn write_remedy(text: &mut String, explanation: &Explanation<'_>) -> std::fmt::Result {
    if let Some(remedy) = &explanation.remedy {
        let mut label = "scope";
        for alternative in &remedy.scopes_any_of {
            line(text, label, &alternative_in_words(alternative))?;
            label = "or";
        }
        let mut label = "permission";
        for HeldBy { permission, roles } in &remedy.permissions {
            let roles = if roles.is_empty() { "no role".to_owned() } else { roles_in_words(roles) };
            line(text, label, &format!("{}, which {roles} would give", permission_in_words(permission)))?;
            label = if remedy.permission_mode == Some(PermissionMode::All) { "and" } else { "or" };
        }
        if !remedy.roles_any_of.is_empty() {
            line(text, "role", &format!("the app is only for holders of {}", roles_in_words(&remedy.roles_any_of)))?;
        }
    }
    if let Some(helpers) = &explanation.help.app {
        line(text, "who can help", &helpers_in_words(helpers, "authorize the app"))?;
    }
    if let Some(helpers) = &explanation.help.user {
        line(text, "who can help", &helpers_in_words(helpers, "give roles"))?;
    }
    if let Some(helpers) = &explanation.help.role {
        line(text, "who can help", &helpers_in_words(helpers, "change what a role holds"))?;
    }
    Ok(())
}

fn line(text: &mut String, label: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "  {FAINT}{label:<13}{FAINT:#} {value}")
}

fn organization_in_words(id: &str, organization: Option<&OrganizationEntry>) -> String {
    let Some(organization) = organization else { return id.to_owned() };
    let enforcement = match organization.enforcement {
        Enforcement::Off => "scopes are not enforced",
        Enforcement::Report => "scopes are not enforced, only reported",
        Enforcement::Enforce => "scopes are enforced",
    };
    format!("{} ({id}), {enforcement}", organization.name)
}

fn permission_in_words(permission: &str) -> String {
    let label = permission.parse::<Permission>().map(|permission| permission.label()).unwrap_or_default();
    format!("{permission} {FAINT}({label}){FAINT:#}")
}

fn alternative_in_words(alternative: &Alternative<'_>) -> String {
    let Alternative { scopes, not_granted, not_asked_for } = alternative;
    let lacks = |lacking: &Vec<&str>, what: &str| match lacking.len() {
        0 => String::new(),
        n if n == scopes.len() => format!(", {what}"),
        _ => format!(", {} {what}", lacking.join(" and ")),
    };
    let (app, token) =
        (lacks(not_granted, "not granted to the app"), lacks(not_asked_for, "not asked for by the token"));
    format!("{}{app}{token}", scopes.join(" and "))
}

fn roles_in_words(roles: &[RoleRef<'_>]) -> String {
    roles.iter().map(|role| format!("`{}`", role.name)).collect::<Vec<_>>().join(" or ")
}

fn helpers_in_words(helpers: &Helpers<'_>, deed: &str) -> String {
    let permissions = helpers.permissions.join(" or ");
    let shown: Vec<_> = helpers.people.iter().take(MAX_PEOPLE).copied().collect();
    let people = match helpers.people.len().saturating_sub(shown.len()) {
        _ if shown.is_empty() => "nobody in the organization".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    };
    format!("{people} can {deed} {FAINT}({permissions}){FAINT:#}")
}

pub(in crate::cli) fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::BadRequestTarget => "the path is malformed or ambiguous",
        Reason::NoSuchOperation => "no path of the contract matches",
        Reason::MethodNotAllowed => "the contract has this path, but not with this method",
        Reason::UnstatedRequirement => "the contract does not say what this operation needs",
        Reason::OtherCredential => "the operation wants a credential that is not ours",
        Reason::MissingCredentials => "the request carries no token",
        Reason::InvalidCredentials => "the token is not live",
        Reason::UnknownOrganization => "there is no such organization",
        Reason::UnknownClient => "there is no such app",
        Reason::UnknownUser => "there is no such user in the organization",
        Reason::Inactive => "organization, app or user is switched off",
        Reason::AppRefused => "the organization denied or revoked the app",
        Reason::AppNotAuthorized => "the organization has not authorized the app",
        Reason::MissingScope => "the app lacks a scope",
        Reason::RoleNotAllowed => "the organization allows the app to holders of certain roles only",
        Reason::MissingPermission => "the user lacks a permission",
    }
}
