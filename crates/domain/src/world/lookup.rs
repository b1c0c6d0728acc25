//! Finding entries of a world as decisions name them, and changing them: for whoever asks what would be if.

use std::collections::HashMap;

use countersign_decision::{AuthorizationState, ClientRef};

use super::{AuthorizationEntry, ClientEntry, ClientReference, OrganizationEntry, RoleEntry, UserEntry, World};
use crate::id::ClientId;
use crate::user::Email;

impl World {
    /// The organization with this id.
    pub fn organization(&self, id: &str) -> Option<&OrganizationEntry> {
        self.organizations.iter().find(|organization| organization.id.as_str() == id)
    }

    /// The organization with this id, to be changed.
    pub fn organization_mut(&mut self, id: &str) -> Option<&mut OrganizationEntry> {
        self.organizations.iter_mut().find(|organization| organization.id.as_str() == id)
    }

    /// Every client, with the organization that registered it.
    pub fn clients(&self) -> impl Iterator<Item = (&OrganizationEntry, &ClientEntry)> {
        self.organizations.iter().flat_map(|home| home.clients.iter().map(move |client| (home, client)))
    }

    /// The client that decisions know by this id, with the organization that registered it.
    pub fn client(&self, id: &str) -> Option<(&OrganizationEntry, &ClientEntry)> {
        self.clients().find(|(home, client)| home.id_of(client) == id)
    }
}

impl OrganizationEntry {
    /// The user with this e-mail address, in any letter case.
    pub fn user(&self, email: &str) -> Option<&UserEntry> {
        let key = Email::key_of(email);
        self.users.iter().find(|user| user.email.key() == key)
    }

    /// The user with this e-mail address, to be changed.
    pub fn user_mut(&mut self, email: &str) -> Option<&mut UserEntry> {
        let key = Email::key_of(email);
        self.users.iter_mut().find(|user| user.email.key() == key)
    }

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&RoleEntry> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The role of this name, to be changed.
    pub fn role_mut(&mut self, name: &str) -> Option<&mut RoleEntry> {
        self.roles.iter_mut().find(|role| role.name == name)
    }

    /// A client of this organization, as decisions know it.
    pub fn client_ref(&self, client: &ClientEntry) -> ClientRef {
        ClientRef { id: self.id_of(client), home_organization: self.id.to_string(), active: true }
    }

    /// The client of this organization that decisions know by this id.
    pub fn own_client(&self, id: &str) -> Option<&ClientEntry> {
        self.clients.iter().find(|client| self.id_of(client) == id)
    }

    /// The client of this organization that decisions know by this id, to be changed.
    pub fn own_client_mut(&mut self, id: &str) -> Option<&mut ClientEntry> {
        let position = self.clients.iter().position(|client| self.id_of(client) == id)?;
        self.clients.get_mut(position)
    }

    /// What this organization decided about the client that decisions know by this id.
    pub fn authorization(&self, client_id: &str) -> Option<&AuthorizationEntry> {
        self.authorizations.iter().find(|authorization| self.client_id(authorization) == client_id)
    }

    /// Everything that this organization decided about clients, by the ids that decisions know them by.
    pub fn authorizations_by_client(&self) -> HashMap<String, &AuthorizationEntry> {
        self.authorizations.iter().map(|authorization| (self.client_id(authorization), authorization)).collect()
    }

    /// What it decided about a client, to be changed; where nothing was decided, an authorization without scopes that is
    /// only requested is made. Nothing for a client of another organization without an id: it cannot be referred to.
    pub fn authorization_mut(&mut self, client: &ClientRef) -> Option<&mut AuthorizationEntry> {
        let decided = self.authorizations.iter().position(|one| self.client_id(one) == client.id);
        if decided.is_none() {
            let client = match self.own_client(&client.id) {
                Some(own) => ClientReference::Own(own.name.clone()),
                None => ClientReference::Id(ClientId::parse(&client.id).ok()?),
            };
            let (scopes, roles, state) = (Vec::new(), Vec::new(), AuthorizationState::Requested);
            self.authorizations.push(AuthorizationEntry { client, scopes, roles, state, line: 0 });
        }
        match decided {
            Some(position) => self.authorizations.get_mut(position),
            None => self.authorizations.last_mut(),
        }
    }

    /// The id by which decisions know the client of an authorization.
    pub(super) fn client_id(&self, authorization: &AuthorizationEntry) -> String {
        match &authorization.client {
            ClientReference::Id(id) | ClientReference::Elsewhere(id) => id.to_string(),
            ClientReference::Own(name) => self
                .clients
                .iter()
                .find(|client| client.name == *name)
                .map(|client| self.id_of(client))
                .expect("INVARIANT: `World::parse` makes such a reference of a client that it found"),
        }
    }

    /// The id by which decisions know a client of this organization.
    pub(super) fn id_of(&self, client: &ClientEntry) -> String {
        client.id.as_ref().map_or_else(|| format!("{}/{}", self.id, client.name), ToString::to_string)
    }
}
