//! The organization's signature: what one app may do for everybody there.

use askama::Template;

use super::{App, FormKeys, Frame, Person, Used};

/// For people who may approve apps: the organization's decision about one app.
#[derive(Debug, Clone, Template)]
#[template(path = "approval.html")]
pub struct ApprovalPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who asks.
    pub app: App,
    /// Who registered the app.
    pub registration: Registration,
    /// Name of the organization decided for.
    pub organization: String,
    /// Who decides.
    pub person: Person,
    /// What the organization has decided so far.
    pub standing: Standing,
    /// Every scope that can be granted: those asked for first, the others as the catalogue lists them.
    pub scopes: Vec<ScopeChoice>,
    /// Every role of the organization.
    pub roles: Vec<RoleChoice>,
    /// What approving the page as it opens would change.
    pub impact: ApprovalImpact,
    /// What it called so far; nothing where nothing is counted.
    pub used: Option<Used>,
    /// Each person must accept too (`consent` = `user`).
    pub asks_each_person: bool,
    /// People who asked for the app, newest first.
    pub requests: Vec<WaitingRequest>,
    /// Version or hash of what is shown; comes back as `shown`, so that nobody approves what they did not see.
    pub shown: String,
    /// Where `decide later` leads: the redirect URI with `access_denied`.
    pub return_to: Option<String>,
    /// What was wrong with the last try, in a sentence.
    pub problem: Option<String>,
}

/// What an approval would change at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalImpact {
    /// How many reading operations the app could newly call for somebody.
    pub reads: usize,
    /// How many changing operations the app could newly call for somebody.
    pub writes: usize,
    /// For how many people it could newly call any of them.
    pub people: usize,
    /// How many people the organization has.
    pub of_people: usize,
    /// Scopes are enforced: without that, an approval opens nothing that is not open already.
    pub is_enforced: bool,
}

/// Who registered an app, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Name of the organization that registered it.
    pub organization: String,
    /// It is the organization that decides now.
    pub is_own: bool,
    /// Day, for people: `23 November 2026`.
    pub date: String,
    /// What the registrar wrote about the app; may be empty.
    pub description: String,
}

/// What the organization has decided about the app so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing; perhaps somebody asked.
    Undecided,
    /// Authorized, and the app now asks for more scopes.
    AsksForMore,
    /// Denied before.
    Denied,
    /// Authorized before, then revoked.
    Revoked,
    /// Authorized before, until a date that has passed.
    Expired,
}

/// A scope to grant or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeChoice {
    /// `users:readonly`
    pub id: String,
    /// The contract's description, where it states one.
    pub description: Option<String>,
    /// The app asks for it now.
    pub is_requested: bool,
    /// The organization has granted it already.
    pub is_granted: bool,
    /// The box is ticked when the page opens.
    pub is_ticked: bool,
    /// Some loaded contract knows it; an unknown scope opens nothing.
    pub is_known: bool,
    /// Opens nothing that changes data.
    pub is_read_only: bool,
    /// How many reading operations it can open.
    pub reads: usize,
    /// How many changing operations it can open.
    pub writes: usize,
}

/// A role whose holders may use the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChoice {
    /// Value of the field `role`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// How many people hold it.
    pub holders: usize,
    /// The box is ticked when the page opens.
    pub is_ticked: bool,
}

/// Somebody asked for the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRequest {
    /// Their name.
    pub name: String,
    /// When, for people.
    pub date: String,
    /// Why, in their words.
    pub reason: String,
}
