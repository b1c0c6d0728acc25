//! What carried an allowed call, down to the assignments of a world file: which scope, which role, given where.

use countersign_decision::explain::{self, HeldBy};
use countersign_decision::{Authority, Contract, Permit, RoleRef, Subject};
use countersign_domain::world::{AssignmentEntry, World};
use serde::Serialize;

/// What carried an allowed call. Serializes as `explain --json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct CarriedBy<'a> {
    /// The narrowest scope alternative that app and token hold; nothing where no scope was looked at.
    pub(super) scopes: Option<Vec<&'a str>>,
    /// The permissions that were asked for and held.
    pub(super) permissions: Vec<Held<'a>>,
    /// Where the app is for holders of certain roles only: the assignments of such roles that the subject has.
    pub(super) admitted_by: Option<Vec<Assigned<'a>>>,
}

/// A permission, and how the subject came to it.
#[derive(Debug, Serialize)]
pub(super) struct Held<'a> {
    pub(super) permission: &'a str,
    /// The subject's roles that hold it.
    pub(super) roles: Vec<RoleRef<'a>>,
    /// Every assignment of these roles.
    pub(super) assignments: Vec<Assigned<'a>>,
}

/// A role in a division.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Assigned<'a> {
    pub(super) role: &'a str,
    /// Nothing: in all divisions.
    pub(super) division: Option<&'a str>,
}

impl<'a> CarriedBy<'a> {
    /// What carried the call of this permit.
    pub(super) fn new(
        contract: &'a Contract,
        world: &'a World,
        authority: &Authority<'a>,
        permit: &Permit<'a>,
    ) -> Self {
        let held = assignments(world, permit);
        let of_roles = |roles: &[RoleRef<'_>]| -> Vec<Assigned<'a>> {
            let is_of = |one: &&AssignmentEntry| roles.iter().any(|role| role.name == one.role);
            held.iter().filter(is_of).map(Assigned::from).collect()
        };
        let explain::Carried { scopes, permissions, admitted_by } = explain::carried(contract, authority, permit);
        let held = |HeldBy { permission, roles }| Held { permission, assignments: of_roles(&roles), roles };
        Self {
            scopes,
            permissions: permissions.into_iter().map(held).collect(),
            admitted_by: admitted_by.map(|roles| of_roles(&roles)),
        }
    }
}

/// What the subject of a call was given. In a world file roles have no other id than their name.
fn assignments<'a>(world: &'a World, permit: &Permit<'_>) -> &'a [AssignmentEntry] {
    let organization = permit.organization().and_then(|id| world.organization(id));
    let (Some(organization), Some(client), Some(subject)) = (organization, permit.client(), permit.subject()) else {
        return &[];
    };
    match subject {
        Subject::User(email) => organization.user(email).map_or(&[], |user| &user.roles),
        Subject::Client => organization.own_client(client).map_or(&[], |client| &client.roles),
    }
}

impl<'a> From<&'a AssignmentEntry> for Assigned<'a> {
    fn from(entry: &'a AssignmentEntry) -> Self {
        Self { role: &entry.role, division: entry.division.as_deref() }
    }
}

/// Assignments for people: `` `Refund desk` in division `Sales` or `Bookseller` in all divisions ``
pub(super) fn in_words(assignments: &[Assigned<'_>]) -> String {
    let word = |Assigned { role, division }: &Assigned<'_>| match division {
        Some(division) => format!("`{role}` in division `{division}`"),
        None => format!("`{role}` in all divisions"),
    };
    assignments.iter().map(word).collect::<Vec<_>>().join(" or ")
}
