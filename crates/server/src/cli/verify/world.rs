//! A world laid out for looking at every app in every organization.

use std::collections::HashMap;

use countersign_decision::{ClientRef, Snapshot};
use countersign_domain::id::ClientId;
use countersign_domain::world::{AuthorizationEntry, ClientEntry, CompiledWorld, OrganizationEntry};

use crate::cli::files::Loaded;

/// Every organization and every app.
pub(super) struct Everything<'w> {
    pub(super) organizations: Vec<Place<'w>>,
    apps: Vec<App<'w>>,
    console: App<'w>,
}

/// One organization with what it decided.
pub(super) struct Place<'w> {
    pub(super) entry: &'w OrganizationEntry,
    pub(super) snapshot: &'w Snapshot,
    /// By the ids that decisions know clients by.
    authorizations: HashMap<String, &'w AuthorizationEntry>,
}

/// An app.
pub(super) struct App<'w> {
    pub(super) reference: ClientRef,
    /// Nothing: the console, which no organization registered.
    entry: Option<(&'w OrganizationEntry, &'w ClientEntry)>,
}

impl<'w> Everything<'w> {
    pub(super) fn new(loaded: &'w Loaded) -> Self {
        let place = |entry: &'w OrganizationEntry| {
            let snapshot = loaded.compiled.snapshot(entry.id.as_str())?;
            Some(Place { entry, snapshot, authorizations: entry.authorizations_by_client() })
        };
        let app = |(home, client): (&'w OrganizationEntry, &'w ClientEntry)| App {
            reference: home.client_ref(client),
            entry: Some((home, client)),
        };
        Self {
            organizations: loaded.world.organizations.iter().filter_map(place).collect(),
            apps: loaded.world.clients().map(app).collect(),
            console: App { reference: CompiledWorld::console(), entry: None },
        }
    }

    /// Every app of the world, and the console where the organization has decided about it.
    pub(super) fn apps_in<'e>(&'e self, place: &Place<'_>) -> impl Iterator<Item = &'e App<'w>> {
        let console = place.authorization(&self.console).is_some().then_some(&self.console);
        self.apps.iter().chain(console)
    }
}

impl<'w> Place<'w> {
    /// What the organization decided about an app.
    pub(super) fn authorization(&self, app: &App<'_>) -> Option<&'w AuthorizationEntry> {
        self.authorizations.get(&app.reference.id).copied()
    }
}

impl App<'_> {
    pub(super) fn name(&self) -> Option<&str> {
        self.entry.map(|(_, client)| client.name.as_str())
    }

    /// Nothing where the world file gives none.
    pub(super) fn id(&self) -> Option<&str> {
        match self.entry {
            Some((_, client)) => client.id.as_ref().map(ClientId::as_str),
            None => Some(&self.reference.id),
        }
    }

    pub(super) fn registered_by(&self) -> Option<&str> {
        self.entry.map(|(home, _)| home.id.as_str())
    }
}
