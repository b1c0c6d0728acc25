//! For people who cannot sign for their organization: asking somebody who can, or hearing that the app was refused.

use askama::Template;

use super::{App, Approvers, FormKeys, Frame, Person, ScopeLine};

/// For people who may not approve apps: who can, and a way to ask them.
#[derive(Debug, Clone, Template)]
#[template(path = "request.html")]
pub struct RequestPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Which app needs approval.
    pub app: App,
    /// Name of the organization that has to approve.
    pub organization: String,
    /// Who asks.
    pub person: Person,
    /// What the app asks for beyond what the organization allows it.
    pub scopes: Vec<ScopeLine>,
    /// Who can approve.
    pub approvers: Approvers,
    /// Asking, or asked.
    pub state: RequestState,
    /// Where `back to the app` leads: the redirect URI with `access_denied`.
    pub return_to: Option<String>,
}

/// How far asking has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// The form.
    Ask {
        /// What was typed before, when there is a problem with it.
        reason: String,
        /// What was wrong with the last try, in a sentence.
        problem: Option<String>,
    },
    /// The request was just sent.
    Sent {
        /// The reason as it was sent.
        reason: String,
    },
    /// The person asked before and nobody has decided; the form offers to replace the reason.
    Waiting {
        /// When, for people.
        date: String,
        /// The reason that was given.
        reason: String,
    },
}

/// The organization has refused the app; nobody gets further here.
#[derive(Debug, Clone, Template)]
#[template(path = "refused.html")]
pub struct RefusedPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields of `not you?`.
    pub form: FormKeys,
    /// Which app.
    pub app: App,
    /// Name of the organization that refused it.
    pub organization: String,
    /// Who is signed in.
    pub person: Person,
    /// Denied, revoked, or for other people.
    pub refusal: Refusal,
    /// Who can change it.
    pub approvers: Approvers,
    /// Where `back to the app` leads: the redirect URI with `access_denied`.
    pub return_to: Option<String>,
}

/// How an organization refused an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Never allowed.
    Denied,
    /// Allowed once, taken away.
    Revoked,
    /// Allowed for holders of roles, and the person holds none of them.
    RoleMissing,
}
