//! What options name in a world file: a name that it does not know is a slip, answered with those that come near.

use countersign_decision::ClientRef;
use countersign_domain::world::{OrganizationEntry, UserEntry};

use super::failure::Failure;
use super::files::Loaded;
use super::proposal::nearest;

/// The organization with this id.
pub(super) fn organization<'l>(loaded: &'l Loaded, id: &str) -> Result<&'l OrganizationEntry, Failure> {
    loaded.world.organization(id).ok_or_else(|| {
        let known = nearest(id, loaded.world.organizations.iter().map(|one| one.id.as_str()));
        let message = format!("`--organization`: `{id}` is not in the world file: its organizations are {known}");
        Failure::bad_input(message)
    })
}

/// The app that a name or id means in an organization.
pub(super) fn client<'l>(
    loaded: &'l Loaded,
    organization: &OrganizationEntry,
    text: &str,
) -> Result<&'l ClientRef, Failure> {
    let id = organization.id.as_str();
    let client = loaded.compiled.client(id, text);
    let client = client.map_err(|error| Failure::bad_input(format!("`--client`: {error}")))?;
    client.ok_or_else(|| {
        let own = nearest(text, organization.clients.iter().map(|client| client.name.as_str()));
        let message = format!("`--client`: `{text}` is not an app of the world file: `{id}` registered {own}");
        Failure::bad_input(message)
    })
}

/// The user with this e-mail address.
pub(super) fn user<'o>(organization: &'o OrganizationEntry, email: &str) -> Result<&'o UserEntry, Failure> {
    organization.user(email).ok_or_else(|| {
        let (id, users) = (&organization.id, organization.users.iter().map(|user| user.email.as_str()));
        let known = nearest(email, users);
        let message = format!("`--user`: `{email}` is not a user of `{id}`: its users are {known}");
        Failure::bad_input(message)
    })
}
