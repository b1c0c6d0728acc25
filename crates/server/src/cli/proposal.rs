//! A change that nobody has made yet, as options of a command: what if the app had these scopes, the role these
//! permissions, the user that role. Applied to a world in memory; nothing is stored.

mod role;

use std::path::PathBuf;

use clap::Args;
use countersign_decision::{AuthorizationState, ClientRef, Enforcement, PermissionPolicy, Scope};
use countersign_domain::authorization::{parse_state, state_name};
use countersign_domain::world::{AssignmentEntry, OrganizationEntry, World};

use super::failure::{Failure, warn};
use super::files::{Loaded, read_world};

/// The change. Contradictions and unknown names are bad input.
#[derive(Debug, Args)]
#[command(next_help_heading = "Proposal: what if")]
pub(super) struct Proposal {
    /// The app were granted these scopes too, comma-separated
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    grant: Vec<Scope>,
    /// These scopes were withdrawn from the app, comma-separated
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    withdraw: Vec<Scope>,
    /// The app had exactly these scopes, comma-separated; an empty text is none
    #[arg(long, value_name = "SCOPES", value_parser = scope_list, conflicts_with_all = ["grant", "withdraw"])]
    scopes: Option<ScopeList>,
    /// The app's authorization were in this state: authorized, denied, revoked or requested
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<AuthorizationState>,
    /// The organization treated scopes so: off, report or enforce
    #[arg(long, value_name = "MODE", value_parser = enforcement)]
    enforcement: Option<Enforcement>,
    /// The role to change by `--add-permission` and `--remove-permission`
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// The role held these permissions too, comma-separated; `*` stands for an entity or an action
    #[arg(long, value_name = "PERMISSION", value_delimiter = ',', requires = "role")]
    add_permission: Vec<PermissionPolicy>,
    /// The role did not hold these permissions, comma-separated
    #[arg(long, value_name = "PERMISSION", value_delimiter = ',', requires = "role")]
    remove_permission: Vec<PermissionPolicy>,
    /// The user (without `--user`: the app itself) had this role too
    #[arg(long, value_name = "NAME")]
    give_role: Vec<String>,
    /// The user (without `--user`: the app itself) did not have this role
    #[arg(long, value_name = "NAME")]
    take_role: Vec<String>,
    /// The world were this one
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "grant", "withdraw", "scopes", "state", "enforcement", "role", "give_role", "take_role",
    ])]
    proposed: Option<PathBuf>,
}

/// Exactly these scopes, which may be none.
#[derive(Debug, Clone)]
struct ScopeList(Vec<Scope>);

/// Whom a proposal is about: names that [`Loaded`] knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    /// The organization's id.
    pub(super) organization: &'a str,
    /// The app; nothing: no one app.
    pub(super) client: Option<&'a ClientRef>,
    /// The user's e-mail address; nothing: the app calls on its own behalf.
    pub(super) user: Option<&'a str>,
}

impl Proposal {
    /// Whether anything is proposed.
    pub(super) fn is_given(&self) -> bool {
        let has_scopes = !self.grant.is_empty() || !self.withdraw.is_empty() || self.scopes.is_some();
        let has_roles = self.role.is_some() || !self.give_role.is_empty() || !self.take_role.is_empty();
        has_scopes || has_roles || self.state.is_some() || self.enforcement.is_some() || self.proposed.is_some()
    }

    /// The world as it would be. Says on standard error where it would be as it is.
    ///
    /// # Errors
    /// Options that contradict each other, and names that world and contract do not know, each with what would be
    /// right.
    pub(super) fn apply(&self, loaded: &Loaded, about: &About<'_>) -> Result<World, Failure> {
        if let Some(file) = &self.proposed {
            let world = read_world(file)?;
            warn(&world.warnings(loaded.contracts.catalogue()));
            return Ok(world);
        }
        let mut world = loaded.world.clone();
        let id = about.organization;
        let Some(organization) = world.organization_mut(id) else {
            return Err(Failure::bad_input(format!("`{id}` is not an organization of the world file")));
        };
        let changes = [
            self.change_enforcement(organization),
            self.change_authorization(organization, loaded, about)?,
            self.change_role(organization, loaded)?,
            self.change_assignments(organization, about)?,
        ];
        if !changes.contains(&true) {
            warn(&["the proposal changes nothing: the world is so already"]);
        }
        Ok(world)
    }

    fn change_enforcement(&self, organization: &mut OrganizationEntry) -> bool {
        let proposed = self.enforcement.unwrap_or(organization.enforcement);
        std::mem::replace(&mut organization.enforcement, proposed) != proposed
    }

    fn change_authorization(
        &self,
        organization: &mut OrganizationEntry,
        loaded: &Loaded,
        about: &About<'_>,
    ) -> Result<bool, Failure> {
        let has_scopes = !self.grant.is_empty() || !self.withdraw.is_empty() || self.scopes.is_some();
        if !has_scopes && self.state.is_none() {
            return Ok(false);
        }
        self.check_scopes(loaded)?;
        let Some(client) = about.client else {
            return Err(Failure::bad_input(
                "`--client` says which app `--grant`, `--withdraw`, `--scopes` and `--state` are about: name it",
            ));
        };
        let is_new = organization.authorization(&client.id).is_none();
        let is_enforced = organization.enforcement == Enforcement::Enforce;
        let name = client.id.clone();
        let Some(authorization) = organization.authorization_mut(client) else {
            return Err(Failure::bad_input(format!("the app `{name}` has no id: give it one in the world file")));
        };
        let before = (authorization.scopes.clone(), authorization.state);
        if let Some(scope) = self.withdraw.iter().find(|scope| !authorization.scopes.contains(scope)) {
            let granted = listed(authorization.scopes.iter().map(Scope::as_str));
            return Err(Failure::bad_input(format!(
                "`--withdraw`: `{scope}` is not granted to the app: granted are {granted}"
            )));
        }
        if let Some(ScopeList(exactly)) = &self.scopes {
            authorization.scopes = Vec::new();
            authorization.scopes.extend(exactly.iter().cloned());
        }
        authorization.scopes.retain(|scope| !self.withdraw.contains(scope));
        for scope in &self.grant {
            if !authorization.scopes.contains(scope) {
                authorization.scopes.push(scope.clone());
            }
        }
        // Granting to an app about which nobody has decided is to decide.
        let by_default = if is_new { AuthorizationState::Authorized } else { authorization.state };
        authorization.state = self.state.unwrap_or(by_default);

        if has_scopes && authorization.state != AuthorizationState::Authorized {
            let state = state_name(authorization.state);
            warn(&[format!("the app stays `{state}`, whatever its scopes: `--state authorized` would allow it")]);
        }
        if has_scopes && !is_enforced {
            warn(&["the organization does not enforce scopes: `--enforcement enforce` shows what they change"]);
        }
        let is_same_set = |one: &[Scope], other: &[Scope]| {
            one.iter().all(|scope| other.contains(scope)) && other.iter().all(|scope| one.contains(scope))
        };
        Ok(is_new || before.1 != authorization.state || !is_same_set(&before.0, &authorization.scopes))
    }

    fn check_scopes(&self, loaded: &Loaded) -> Result<(), Failure> {
        if let Some(scope) = self.grant.iter().find(|scope| self.withdraw.contains(scope)) {
            return Err(Failure::bad_input(format!("`{scope}` is granted and withdrawn: give one of both")));
        }
        let catalogue = loaded.contracts.catalogue();
        let exactly = self.scopes.iter().flat_map(|ScopeList(scopes)| scopes).map(|scope| ("--scopes", scope));
        let granted = self.grant.iter().map(|scope| ("--grant", scope));
        for (option, scope) in exactly.chain(granted) {
            if catalogue.scope_index(scope.as_str()).is_none() {
                let known = nearest(scope.as_str(), catalogue.scopes().iter().map(|entry| entry.scope.as_str()));
                return Err(Failure::bad_input(format!(
                    "`{option}`: the contract has no scope `{scope}`: it has {known}"
                )));
            }
        }
        Ok(())
    }

    fn change_assignments(&self, organization: &mut OrganizationEntry, about: &About<'_>) -> Result<bool, Failure> {
        if self.give_role.is_empty() && self.take_role.is_empty() {
            return Ok(false);
        }
        if let Some(role) = self.give_role.iter().find(|role| self.take_role.contains(role)) {
            return Err(Failure::bad_input(format!("`{role}` is given and taken: give one of both")));
        }
        if let Some(role) = self.give_role.iter().find(|role| organization.role(role).is_none()) {
            return Err(unknown_role("--give-role", role, organization));
        }
        let (who, held) = match (about.user, about.client) {
            (Some(email), _) => (email, organization.user_mut(email).map(|user| &mut user.roles)),
            (None, Some(client)) => {
                (client.id.as_str(), organization.own_client_mut(&client.id).map(|client| &mut client.roles))
            }
            (None, None) => {
                let rule = "`--user` or `--client` says who: name one";
                return Err(Failure::bad_input(format!("`--give-role` and `--take-role` change somebody: {rule}")));
            }
        };
        let Some(held) = held else {
            return Err(Failure::bad_input(format!(
                "`{who}` can have no role here: `--give-role` and `--take-role` are for a user of the organization, \
                 named by `--user`, or for an app that it registered"
            )));
        };
        for role in &self.take_role {
            if !held.iter().any(|assignment| assignment.role == *role) {
                let has = listed(held.iter().map(|assignment| assignment.role.as_str()));
                return Err(Failure::bad_input(format!(
                    "`--take-role`: `{who}` does not have role `{role}`: it has {has}"
                )));
            }
        }
        held.retain(|assignment| !self.take_role.contains(&assignment.role));
        let mut is_changed = !self.take_role.is_empty();
        for role in &self.give_role {
            if !held.iter().any(|assignment| assignment.role == *role) {
                held.push(AssignmentEntry { role: role.clone(), division: None });
                is_changed = true;
            }
        }
        Ok(is_changed)
    }
}

fn unknown_role(option: &str, role: &str, organization: &OrganizationEntry) -> Failure {
    let known = nearest(role, organization.roles.iter().map(|role| role.name.as_str()));
    let id = &organization.id;
    Failure::bad_input(format!("`{option}`: `{role}` is not a role of `{id}`: its roles are {known}"))
}

/// How many names a message lists at most.
const MAX_LISTED: usize = 8;

/// Names for a message, those first that begin as `text` does.
pub(super) fn nearest<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    let alike = |name: &str| name.chars().zip(text.chars()).take_while(|(one, other)| one == other).count();
    names.sort_by_key(|name| std::cmp::Reverse(alike(name)));
    listed(names.into_iter())
}

/// Names for a message: `a`, `b` and 3 more.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let shown = names.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_LISTED) {
        _ if names.is_empty() => "none".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn scope_list(text: &str) -> Result<ScopeList, String> {
    let mut scopes: Vec<Scope> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let scope = part.parse().map_err(|error| format!("{error}"))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(ScopeList(scopes))
}

fn state(text: &str) -> Result<AuthorizationState, String> {
    let known = parse_state(text).filter(|state| *state != AuthorizationState::Expired);
    known.ok_or_else(|| "`authorized`, `denied`, `revoked` and `requested` are known".to_owned())
}

fn enforcement(text: &str) -> Result<Enforcement, String> {
    match text {
        "off" => Ok(Enforcement::Off),
        "report" => Ok(Enforcement::Report),
        "enforce" => Ok(Enforcement::Enforce),
        _ => Err("`off`, `report` and `enforce` are known".to_owned()),
    }
}
