//! The organizations, users, roles, apps and authorizations that decisions are measured on: made from a seed, kept
//! small, and told to each engine as facts, so that no engine sees another's.

use std::collections::HashMap;

use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Enforcement, OrganizationFacts, PermissionPolicy, RoleFacts, SubjectFacts,
};
use fixedbitset::FixedBitSet;

use crate::catalog::Rules;
use crate::random::Random;

/// How large a world is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) organizations: usize,
    /// In each organization.
    pub(crate) users: usize,
    /// In each organization.
    pub(crate) roles: usize,
    /// In each organization.
    pub(crate) authorizations: usize,
    /// Apps that organizations can authorize, in all.
    pub(crate) clients: usize,
}

/// What a role of this template holds, in every organization that has it: platforms ship default roles.
#[derive(Debug)]
pub(crate) struct RoleTemplate {
    policies: Vec<PermissionPolicy>,
    /// The policies as they are written.
    pub(crate) texts: Vec<String>,
    /// The permissions that the policies cover, by place in [`Rules::permissions`]; found by comparing texts, not by
    /// the engine.
    pub(crate) permissions: FixedBitSet,
}

/// One organization.
#[derive(Debug)]
pub(crate) struct Organization {
    /// The template of each role.
    pub(crate) roles: Vec<u16>,
    pub(crate) users: Vec<User>,
    /// The different sets of roles that users have: places in `roles`, rising.
    pub(crate) combinations: Vec<Vec<u8>>,
    pub(crate) authorizations: Vec<Authorization>,
}

/// A user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    pub(crate) active: bool,
    pub(crate) combination: u16,
}

/// What an organization allows an app.
#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) client: u32,
    pub(crate) state: AuthorizationState,
    /// Places in [`Rules::scopes`], rising.
    pub(crate) scopes: Vec<u16>,
    /// Places in the organization's roles; empty: everybody may use the app.
    pub(crate) roles: Vec<u8>,
}

/// All organizations.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) size: Size,
    pub(crate) templates: Vec<RoleTemplate>,
    pub(crate) organizations: Vec<Organization>,
    scopes: Vec<String>,
}

/// Role templates of the platform; each organization has some of them.
const TEMPLATES: usize = 300;
/// Combinations of roles that most users of an organization have: jobs.
const JOBS: usize = 20;
/// So many of a hundred users have a combination of their own.
const OWN_COMBINATION_PERCENT: usize = 4;

impl World {
    pub(crate) fn new(size: Size, rules: &Rules, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let templates: Vec<_> = (0..TEMPLATES).map(|_| RoleTemplate::new(rules, &mut random)).collect();
        let organizations =
            (0..size.organizations).map(|_| Organization::new(&size, rules.scopes.len(), &mut random)).collect();
        Self { size, templates, organizations, scopes: rules.scopes.clone() }
    }

    /// The organization that registered an app.
    pub(crate) fn home_of(&self, client: usize) -> usize {
        client * 7_919 % self.size.organizations
    }

    /// What one organization decided, as the engine takes it.
    pub(crate) fn facts(&self, organization: usize) -> OrganizationFacts {
        let one = &self.organizations[organization];
        let role = |(role, template): (usize, &u16)| RoleFacts {
            id: role_id(organization, role),
            name: format!("Role {role}"),
            policies: self.templates[usize::from(*template)].policies.clone(),
        };
        let user = |(index, user): (usize, &User)| SubjectFacts {
            id: user_id(organization, index),
            active: user.active,
            roles: role_ids(organization, &one.combinations[usize::from(user.combination)]),
        };
        let authorization = |authorization: &Authorization| AuthorizationFacts {
            client: client_id(authorization.client as usize),
            state: authorization.state,
            scopes: authorization.scopes.iter().map(|scope| self.scopes[usize::from(*scope)].clone()).collect(),
            roles: role_ids(organization, &authorization.roles),
        };
        let own_clients = (0..self.size.clients).filter(|client| self.home_of(*client) == organization);
        OrganizationFacts {
            id: organization_id(organization),
            active: true,
            enforcement: Enforcement::Enforce,
            bounds_client_credentials: true,
            roles: one.roles.iter().enumerate().map(role).collect(),
            users: one.users.iter().enumerate().map(user).collect(),
            clients: own_clients
                .map(|client| SubjectFacts { id: client_id(client), active: true, roles: Vec::new() })
                .collect(),
            authorizations: one.authorizations.iter().map(authorization).collect(),
        }
    }

    /// What the holders of a combination of roles may do, by place in [`Rules::permissions`].
    pub(crate) fn permissions_of(&self, organization: &Organization, combination: usize) -> FixedBitSet {
        let mut held = FixedBitSet::with_capacity(self.templates[0].permissions.len());
        for role in &organization.combinations[combination] {
            let template = organization.roles[usize::from(*role)];
            held.union_with(&self.templates[usize::from(template)].permissions);
        }
        held
    }
}

impl RoleTemplate {
    /// A third administer whole domains, the others hold some entities and some single permissions.
    fn new(rules: &Rules, random: &mut Random) -> Self {
        let mut texts = Vec::new();
        let mut near = |form: fn(&str) -> Option<String>, count: usize| {
            texts.extend((0..count).filter_map(|_| form(random.pick::<String>(&rules.permissions))));
        };
        near(|permission| Some(permission.to_owned()), 15);
        near(|permission| Some(format!("{}:*", permission.rsplit_once(':')?.0)), 15);
        if random.percent(33) {
            let domain = |permission: &str| Some(format!("{}:*:*", permission.split_once(':')?.0));
            texts.extend((0..6).filter_map(|_| domain(random.pick::<String>(&rules.permissions))));
        }
        texts.sort_unstable();
        texts.dedup();
        let held = rules.permissions.iter().enumerate().filter(|(_, one)| texts.iter().any(|text| covers(text, one)));
        let mut permissions = FixedBitSet::with_capacity(rules.permissions.len());
        permissions.extend(held.map(|(index, _)| index));
        let policies = texts.iter().map(|text| text.parse().expect("made from a permission")).collect();
        Self { policies, texts, permissions }
    }
}

/// Whether a policy covers a permission, segment by segment.
pub(crate) fn covers(policy: &str, permission: &str) -> bool {
    let (mut policy, mut permission) = (policy.split(':'), permission.split(':'));
    loop {
        match (policy.next(), permission.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || one == "*" => {}
            _ => return false,
        }
    }
}

impl Organization {
    fn new(size: &Size, scopes: usize, random: &mut Random) -> Self {
        let small = |index: usize| u8::try_from(index).expect("an organization has fewer than 256 roles");
        let roles = random.distinct(size.roles, TEMPLATES);
        let roles = roles.into_iter().map(|template| u16::try_from(template).expect("few templates")).collect();
        let mut combinations: Vec<Vec<u8>> = Vec::new();
        let mut seen: HashMap<Vec<u8>, u16> = HashMap::new();
        let mut combination = |random: &mut Random| {
            let count = 1 + random.below(4);
            let made: Vec<u8> = random.distinct(count, size.roles).into_iter().map(small).collect();
            *seen.entry(made.clone()).or_insert_with(|| {
                combinations.push(made);
                u16::try_from(combinations.len() - 1).expect("fewer combinations than users")
            })
        };
        let jobs: Vec<u16> = (0..JOBS).map(|_| combination(random)).collect();
        let mut user = || {
            let is_own = random.percent(OWN_COMBINATION_PERCENT);
            let combination = if is_own { combination(random) } else { *random.pick(&jobs) };
            User { active: !random.percent(2), combination }
        };
        let users = (0..size.users).map(|_| user()).collect();
        let clients = random.distinct(size.authorizations, size.clients);
        let authorizations = clients.into_iter().map(|client| Authorization::new(client, size, scopes, random));
        Self { roles, users, authorizations: authorizations.collect(), combinations }
    }
}

impl Authorization {
    fn new(client: usize, size: &Size, scopes: usize, random: &mut Random) -> Self {
        let share = 20 + random.below(60);
        let granted: Vec<usize> = (0..scopes).filter(|_| random.percent(share)).collect();
        let limit = if random.percent(20) { random.distinct(size.roles / 2, size.roles) } else { Vec::new() };
        let state = match random.below(100) {
            0..4 => AuthorizationState::Revoked,
            4..6 => AuthorizationState::Requested,
            _ => AuthorizationState::Authorized,
        };
        Self {
            client: u32::try_from(client).expect("few clients"),
            state,
            scopes: granted.into_iter().map(|scope| u16::try_from(scope).expect("few scopes")).collect(),
            roles: limit.into_iter().map(|role| u8::try_from(role).expect("few roles")).collect(),
        }
    }
}

pub(crate) fn organization_id(organization: usize) -> String {
    id(1, organization, 0)
}

pub(crate) fn user_id(organization: usize, user: usize) -> String {
    id(2, organization, user)
}

pub(crate) fn client_id(client: usize) -> String {
    id(3, client, 0)
}

pub(crate) fn role_id(organization: usize, role: usize) -> String {
    id(4, organization, role)
}

fn role_ids(organization: usize, roles: &[u8]) -> Vec<String> {
    roles.iter().map(|role| role_id(organization, usize::from(*role))).collect()
}

/// A UUID that depends on what it names only, so that nobody has to keep it.
fn id(kind: u64, one: usize, two: usize) -> String {
    let seed = crate::random::mix(kind << 56 | (one as u64) << 28 | two as u64);
    Random::new(seed).uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_whole_segment() {
        assert!(covers("directory:user:add", "directory:user:add"));
        assert!(covers("directory:*:*", "directory:user:add"));
        assert!(covers("directory:user:*", "directory:user:add"));
        for (policy, permission) in
            [("directory:user:*", "directory:group:add"), ("admin", "admin:a:b"), ("directory:*", "directory:user:add")]
        {
            assert!(!covers(policy, permission), "{policy} {permission}");
        }
    }

    #[test]
    fn ids_are_the_same_each_time_and_differ() {
        assert_eq!(user_id(1, 2), user_id(1, 2));
        let ids = [user_id(1, 2), user_id(2, 1), organization_id(1), client_id(1), role_id(1, 2)];
        assert!((1..ids.len()).all(|index| !ids[..index].contains(&ids[index])));
        assert_eq!(ids[0].len(), 36);
        assert_eq!(ids[0].as_bytes()[14], b'4');
    }
}
