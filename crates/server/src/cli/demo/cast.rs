//! The people and apps of the sample world, as the story calls them.

use countersign_domain::user::UserState;
use countersign_domain::world::{Chosen, ClientEntry, OrganizationEntry, PasswordEntry, UserEntry, World};

/// Everybody who can appear.
pub(super) struct Cast<'w>(&'w World);

/// An app, ready to ask for tokens.
#[derive(Clone, Copy)]
pub(super) struct App<'w> {
    /// As people call it.
    pub(super) name: &'w str,
    /// `client_id`
    pub(super) id: &'w str,
    /// Nothing: a public client.
    pub(super) secret: Option<&'w str>,
    /// Where codes go.
    pub(super) redirect_uri: Option<&'w str>,
    /// The organization that registered it.
    pub(super) organization: &'w str,
}

/// Somebody who can sign in.
#[derive(Clone, Copy)]
pub(super) struct Person<'w> {
    /// As people call them.
    pub(super) name: &'w str,
    /// To sign in with.
    pub(super) email: &'w str,
    /// To sign in with.
    pub(super) password: &'w str,
    /// Where they work.
    pub(super) organization: &'w str,
}

const KNOWN: &str = "INVARIANT: the story names only people and apps of the embedded sample world, and a test tells it";

impl<'w> Cast<'w> {
    pub(super) fn of(world: &'w World) -> Self {
        Self(world)
    }

    /// The app with this name.
    pub(super) fn app(&self, name: &str) -> App<'w> {
        let (organization, client) = self.clients().find(|(_, client)| client.name == name).expect(KNOWN);
        App {
            name: &client.name,
            id: client.id.as_ref().expect(KNOWN).as_str(),
            secret: client.secret.as_ref().map(Chosen::expose),
            redirect_uri: client.redirect_uris.first().map(String::as_str),
            organization: organization.id.as_str(),
        }
    }

    /// Everybody who can sign in, with their roles.
    pub(super) fn people(&self) -> impl Iterator<Item = (Person<'w>, Vec<&'w str>)> {
        let can_sign_in = |user: &UserEntry| user.state != Some(UserState::Inactive) && password(user).is_some();
        let people = self.users().filter(move |(_, user)| can_sign_in(user));
        people.map(|(organization, user)| {
            let roles = user.roles.iter().map(|assignment| assignment.role.as_str()).collect();
            (person(organization, user), roles)
        })
    }

    /// The person with this e-mail address.
    pub(super) fn person(&self, email: &str) -> Person<'w> {
        let (organization, user) = self.users().find(|(_, user)| user.email.as_str() == email).expect(KNOWN);
        person(organization, user)
    }

    fn clients(&self) -> impl Iterator<Item = (&'w OrganizationEntry, &'w ClientEntry)> + use<'w> {
        let organizations = self.0.organizations.iter();
        organizations.flat_map(|organization| organization.clients.iter().map(move |client| (organization, client)))
    }

    fn users(&self) -> impl Iterator<Item = (&'w OrganizationEntry, &'w UserEntry)> + use<'w> {
        let organizations = self.0.organizations.iter();
        organizations.flat_map(|organization| organization.users.iter().map(move |user| (organization, user)))
    }
}

fn person<'w>(organization: &'w OrganizationEntry, user: &'w UserEntry) -> Person<'w> {
    Person {
        name: &user.name,
        email: user.email.as_str(),
        password: password(user).expect(KNOWN),
        organization: organization.id.as_str(),
    }
}

fn password(user: &UserEntry) -> Option<&str> {
    match &user.password {
        Some(PasswordEntry::Clear(chosen)) => Some(chosen.expose()),
        _ => None,
    }
}
