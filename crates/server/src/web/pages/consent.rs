//! The user's own signature.

use askama::Template;

use super::{App, FormKeys, Frame, Person, ScopeLine};

/// The user's own consent, inside the organization's authorization.
#[derive(Debug, Clone, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who asks.
    pub app: App,
    /// Name of the organization that the token will be for.
    pub organization: String,
    /// An administrator of the organization has authorized the app.
    pub is_authorized: bool,
    /// Who accepts or denies.
    pub person: Person,
    /// Exactly the scopes that accepting will give.
    pub scopes: Vec<ScopeLine>,
    /// The same as one text; comes back as `shown`, so that nobody accepts what they did not see.
    pub shown: String,
}
