//! `/`: what this server is.

use askama::Template;

use super::{FormKeys, Frame, Person};

/// `/`: what this server is, and who is signed in.
#[derive(Debug, Clone, Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// Around the content.
    pub frame: Frame,
    /// The issuer, as apps must configure it.
    pub issuer: String,
    /// Who is signed in with this browser.
    pub session: Option<HomeSession>,
}

/// The session as the home page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeSession {
    /// Who.
    pub person: Person,
    /// Name of the organization signed in to.
    pub organization: String,
    /// Hidden fields of its forms.
    pub form: FormKeys,
    /// The other browsers that the person is signed in with.
    pub others: Vec<OtherSession>,
}

/// Another browser of the same person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherSession {
    /// What its form names.
    pub id: String,
    /// When the person signed in there: `3 hours ago`.
    pub signed_in: String,
    /// When it was last used.
    pub last_used: String,
}
