//! A world compiled for deciding without a server or a store: the same facts, the same engine.
//!
//! Nothing in here has an id of ours, so names stand in: a user is its e-mail address in lower case, a role its name, and
//! a client without id is `organization/name`, which cannot be the id of another (`/` never stands in an id).

use std::collections::HashMap;

use countersign_decision::{
    AuthorizationFacts, Catalogue, ClientRef, OrganizationFacts, RoleFacts, Scope, Snapshot, Subject, SubjectFacts,
};

use super::{AssignmentEntry, AuthorizationEntry, OrganizationEntry, Problem, World};
use crate::client::CONSOLE_CLIENT;
use crate::organization::PLATFORM_ORGANIZATION;
use crate::user::{Email, UserState};

/// What every organization of a world decided, ready to be asked.
#[derive(Debug)]
pub struct CompiledWorld {
    organizations: HashMap<String, Compiled>,
    clients_by_id: HashMap<String, ClientRef>,
    clients_by_name: HashMap<String, Vec<ClientRef>>,
}

#[derive(Debug)]
struct Compiled {
    snapshot: Snapshot,
    own_clients: HashMap<String, ClientRef>,
}

/// A client's name that clients of several organizations have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is a client of {organizations}: name it by its id")]
pub struct AmbiguousClient {
    name: String,
    organizations: String,
}

impl CompiledWorld {
    /// Compiles a world against the catalogue of the loaded contracts.
    ///
    /// # Errors
    /// Authorizations of clients that are not in the file: there is no store that could know them.
    pub fn new(world: &World, catalogue: &Catalogue) -> Result<Self, Vec<Problem>> {
        let elsewhere = world.clients_elsewhere().filter(|(id, _)| id.as_str() != CONSOLE_CLIENT);
        let elsewhere: Vec<_> = elsewhere.map(|(_, problem)| problem).collect();
        if !elsewhere.is_empty() {
            return Err(elsewhere);
        }
        let console = Self::console();
        let mut compiled = Self {
            organizations: HashMap::new(),
            clients_by_id: HashMap::from([(console.id.clone(), console)]),
            clients_by_name: HashMap::new(),
        };
        for organization in &world.organizations {
            compiled.add(organization, catalogue);
        }
        Ok(compiled)
    }

    /// What the organization with this id decided.
    pub fn snapshot(&self, organization: &str) -> Option<&Snapshot> {
        self.organizations.get(organization).map(|compiled| &compiled.snapshot)
    }

    /// The client that `text` means in an organization: its own client of that name, the client with that id, or the only
    /// client of that name elsewhere.
    ///
    /// # Errors
    /// A name that several other organizations use.
    pub fn client(&self, organization: &str, text: &str) -> Result<Option<&ClientRef>, AmbiguousClient> {
        let own = self.organizations.get(organization).and_then(|compiled| compiled.own_clients.get(text));
        if let Some(client) = own.or_else(|| self.clients_by_id.get(text)) {
            return Ok(Some(client));
        }
        match self.clients_by_name.get(text).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([only]) => Ok(Some(only)),
            Some(several) => {
                let organizations: Vec<_> = several.iter().map(|one| format!("`{}`", one.home_organization)).collect();
                Err(AmbiguousClient { name: text.to_owned(), organizations: organizations.join(" and of ") })
            }
        }
    }

    /// The console, which every organization may authorize and none registered.
    pub fn console() -> ClientRef {
        let home_organization = PLATFORM_ORGANIZATION.to_owned();
        ClientRef { id: CONSOLE_CLIENT.to_owned(), home_organization, active: true }
    }

    /// The subject that an e-mail address means, in any letter case.
    pub fn user(email: &str) -> Subject {
        Subject::User(Email::key_of(email))
    }

    fn add(&mut self, organization: &OrganizationEntry, catalogue: &Catalogue) {
        let mut own_clients = HashMap::with_capacity(organization.clients.len());
        for client in &organization.clients {
            let reference = organization.client_ref(client);
            if client.id.is_some() {
                self.clients_by_id.insert(reference.id.clone(), reference.clone());
            }
            self.clients_by_name.entry(client.name.clone()).or_default().push(reference.clone());
            own_clients.insert(client.name.clone(), reference);
        }
        let snapshot = Snapshot::compile(catalogue, &facts(organization));
        self.organizations.insert(organization.id.to_string(), Compiled { snapshot, own_clients });
    }
}

fn facts(organization: &OrganizationEntry) -> OrganizationFacts {
    OrganizationFacts {
        id: organization.id.to_string(),
        active: true,
        enforcement: organization.enforcement,
        bounds_client_credentials: organization.bounds_client_credentials.unwrap_or(true),
        roles: organization
            .roles
            .iter()
            .map(|role| RoleFacts { id: role.name.clone(), name: role.name.clone(), policies: role.policies.clone() })
            .collect(),
        users: organization
            .users
            .iter()
            .map(|user| SubjectFacts {
                id: user.email.key(),
                active: user.state.unwrap_or(UserState::Active) == UserState::Active,
                roles: role_names(&user.roles),
            })
            .collect(),
        clients: organization
            .clients
            .iter()
            .map(|client| SubjectFacts {
                id: organization.id_of(client),
                active: true,
                roles: role_names(&client.roles),
            })
            .collect(),
        authorizations: organization.authorizations.iter().map(|one| authorization_facts(one, organization)).collect(),
    }
}

fn authorization_facts(authorization: &AuthorizationEntry, organization: &OrganizationEntry) -> AuthorizationFacts {
    AuthorizationFacts {
        client: organization.client_id(authorization),
        state: authorization.state,
        scopes: authorization.scopes.iter().map(Scope::to_string).collect(),
        roles: authorization.roles.clone(),
    }
}

fn role_names(assignments: &[AssignmentEntry]) -> Vec<String> {
    assignments.iter().map(|assignment| assignment.role.clone()).collect()
}
