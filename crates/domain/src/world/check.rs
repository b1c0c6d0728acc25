//! From the shape of a world file to a world: organizations, roles and users. Nothing stops at the first mistake.

use countersign_decision::Enforcement;
use serde_saphyr::Spanned;
use zeroize::Zeroizing;

use super::clients::{self, KnownClients};
use super::file::{self, WorldFile};
use super::findings::{Findings, Unique, listed};
use super::issuers;
use super::{AssignmentEntry, Chosen, OrganizationEntry, PasswordEntry, Problem, RoleEntry, UserEntry, World};
use crate::id::OrganizationId;
use crate::organization::PLATFORM_ORGANIZATION;
use crate::secret::{MAX_PASSWORD_BYTES, SecretHash};
use crate::user::{Email, UserState};
use crate::yaml::line;

/// Checks everything, then answers with the world or with all that is wrong.
pub(super) fn check(file: &str, shape: WorldFile) -> Result<World, Vec<Problem>> {
    let mut findings = Findings::new(file);
    let clients = KnownClients::collect(&shape, &mut findings);
    let mut ids = Unique::default();
    let mut organizations = Vec::with_capacity(shape.organizations.len());
    for spanned in shape.organizations {
        if let Some(id) = findings.required(spanned.value.id.as_ref(), line(&spanned), "id") {
            ids.check(id.value.clone(), "organization", id, &mut findings);
            if id.value == PLATFORM_ORGANIZATION {
                findings
                    .problem(line(id), "`countersign` is the organization of the built-in console: take another id");
            }
        }
        organizations.extend(organization(spanned.value, &clients, &mut findings));
    }
    findings.into_world(organizations)
}

fn organization(
    shape: file::Organization,
    clients: &KnownClients,
    findings: &mut Findings,
) -> Option<OrganizationEntry> {
    let id = shape.id.as_ref().and_then(|id| findings.parsed(id, OrganizationId::parse(&id.value)));
    let label = shape.id.as_ref().map_or_else(|| "this organization".to_owned(), |id| format!("`{}`", id.value));
    let name = shape.name.map(|name| findings.name(name, "name"));
    let enforcement = shape.scope_enforcement.map_or(Some(Enforcement::Enforce), |text| {
        findings.one_of(
            &text,
            "scope_enforcement",
            &[("enforce", Enforcement::Enforce), ("report", Enforcement::Report), ("off", Enforcement::Off)],
        )
    });
    let divisions = divisions(shape.divisions, findings);
    let roles = roles(shape.roles.unwrap_or_default(), findings);
    let defined = Defined {
        organization: label.clone(),
        roles: roles.iter().map(|role| role.name.clone()).collect(),
        divisions: divisions.clone(),
    };
    let users = users(shape.users.unwrap_or_default(), &defined, findings);
    let own = clients::clients(shape.clients.unwrap_or_default(), &defined, findings);
    let authorizations =
        clients::authorizations(shape.authorizations.unwrap_or_default(), &own, clients, &defined, findings);
    let assertion_issuers = issuers::issuers(shape.assertion_issuers.unwrap_or_default(), &users, &label, findings);
    // Nothing only where a problem was found, so that no world comes of it.
    let id = id?;
    Some(OrganizationEntry {
        name: name.unwrap_or_else(|| id.to_string()),
        id,
        enforcement: enforcement?,
        bounds_client_credentials: shape.bounds_client_credentials,
        divisions,
        roles,
        users,
        clients: own,
        authorizations,
        assertion_issuers,
    })
}

fn divisions(shape: Option<Spanned<Vec<Spanned<String>>>>, findings: &mut Findings) -> Vec<String> {
    let Some(list) = shape else { return vec!["Home".to_owned()] };
    if list.value.is_empty() {
        findings.problem(line(&list), "`divisions` is empty: it needs one at least, the first is the home division");
    }
    let mut names = Unique::default();
    list.value
        .into_iter()
        .map(|name| {
            names.check(name.value.clone(), "division", &name, findings);
            findings.name(name, "a division")
        })
        .collect()
}

fn roles(shapes: Vec<Spanned<file::Role>>, findings: &mut Findings) -> Vec<RoleEntry> {
    let mut names = Unique::default();
    let mut roles = Vec::with_capacity(shapes.len());
    for spanned in shapes {
        let at = line(&spanned);
        let file::Role { name, description, permissions } = spanned.value;
        let policies = permissions.unwrap_or_default().iter().filter_map(|text| findings.policy(text)).collect();
        let Some(name) = findings.required(name.as_ref(), at, "name").cloned() else { continue };
        names.check(name.value.clone(), "role", &name, findings);
        roles.push(RoleEntry { name: findings.name(name, "name"), description, policies });
    }
    roles
}

fn users(shapes: Vec<Spanned<file::User>>, defined: &Defined, findings: &mut Findings) -> Vec<UserEntry> {
    let mut emails = Unique::default();
    let mut users = Vec::with_capacity(shapes.len());
    for spanned in shapes {
        let at = line(&spanned);
        let shape = spanned.value;
        let password = password(shape.password, shape.password_hash, findings);
        let state = shape.state.and_then(|text| {
            findings.one_of(&text, "state", &[("active", UserState::Active), ("inactive", UserState::Inactive)])
        });
        let name = shape.name.map(|name| findings.name(name, "name"));
        let roles = assignments(shape.roles.unwrap_or_default(), defined, findings);
        let Some(text) = findings.required(shape.email.as_ref(), at, "email") else { continue };
        let Some(email) = findings.parsed(text, Email::parse(&text.value)) else { continue };
        emails.check(email.key(), "user with this e-mail address", text, findings);
        users.push(UserEntry { name: name.unwrap_or_else(|| email.to_string()), email, password, state, roles });
    }
    users
}

fn password(
    clear: Option<Spanned<String>>,
    hash: Option<Spanned<String>>,
    findings: &mut Findings,
) -> Option<PasswordEntry> {
    match (clear, hash) {
        (Some(clear), None) => Some(PasswordEntry::Clear(chosen(clear, "password", findings))),
        (None, Some(hash)) => findings.parsed(&hash, SecretHash::parse_argon2id(&hash.value)).map(PasswordEntry::Hash),
        (Some(_), Some(hash)) => {
            findings.problem(line(&hash), "`password` and `password_hash` are both given: keep one");
            None
        }
        (None, None) => None,
    }
}

/// A password or client secret in the clear. Its text never stands in a message.
pub(super) fn chosen(text: Spanned<String>, key: &str, findings: &mut Findings) -> Chosen {
    if text.value.is_empty() || text.value.len() > MAX_PASSWORD_BYTES {
        findings.problem(line(&text), format!("`{key}` must have 1 to {MAX_PASSWORD_BYTES} bytes"));
    }
    Chosen(Zeroizing::new(text.value))
}

/// Roles that a user or client holds; each must be defined, as must the division.
pub(super) fn assignments(
    shapes: Vec<Spanned<file::Assignment>>,
    defined: &Defined,
    findings: &mut Findings,
) -> Vec<AssignmentEntry> {
    let mut assignments: Vec<AssignmentEntry> = Vec::with_capacity(shapes.len());
    for spanned in shapes {
        let at = line(&spanned);
        let file::Assignment { role, division } = spanned.value;
        let Some(role) = role else {
            findings.problem(at, "`role` is missing");
            continue;
        };
        defined.check_role(&role, at, findings);
        if let Some(division) = &division
            && !defined.divisions.contains(&division.value)
        {
            let known = listed(&defined.divisions);
            let Defined { organization, .. } = defined;
            findings.problem(
                line(division),
                format!("`{}` is not a division of {organization}: its divisions are {known}", division.value),
            );
        }
        let assignment = AssignmentEntry { role, division: division.map(|division| division.value) };
        if !assignments.contains(&assignment) {
            assignments.push(assignment);
        }
    }
    assignments
}

/// What the rest of an organization can refer to.
pub(super) struct Defined {
    /// How messages call the organization.
    pub(super) organization: String,
    roles: Vec<String>,
    divisions: Vec<String>,
}

impl Defined {
    pub(super) fn check_role(&self, role: &str, line: u32, findings: &mut Findings) {
        if !self.roles.iter().any(|name| name == role) {
            let known = listed(&self.roles);
            findings.problem(line, format!("`{role}` is not a role of {}: its roles are {known}", self.organization));
        }
    }
}
