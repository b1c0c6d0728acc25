//! Signing in and out.

use askama::Template;

use super::{App, FormKeys, Frame, Person};

/// Sign in with e-mail and password.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who sent the person here; `None` where they came to connect a device.
    pub app: Option<App>,
    /// Name of the organization to sign in to, where the app named one; else it follows from the e-mail.
    pub organization: Option<String>,
    /// What the person typed before, or the app's `login_hint`.
    pub email: String,
    /// Why the last try failed.
    pub problem: Option<SignInProblem>,
}

/// Why signing in did not work. One text for unknown e-mail, wrong password and inactive user (checklist F01).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInProblem {
    /// E-mail and password do not belong together.
    WrongCredentials,
    /// E-mail or password was left empty.
    Incomplete,
    /// Too many failed tries.
    RateLimited {
        /// For people, e.g. `4 minutes`.
        wait: String,
    },
}

/// E-mail and password matched in several organizations: which one?
#[derive(Debug, Clone, Template)]
#[template(path = "choose_organization.html")]
pub struct ChooseOrganizationPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who sent the person here; `None` where they came to connect a device.
    pub app: Option<App>,
    /// The e-mail that matched.
    pub email: String,
    /// Only organizations where it matched.
    pub organizations: Vec<OrganizationChoice>,
}

/// An organization to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationChoice {
    /// Value of the field `org`.
    pub id: String,
    /// Name for people.
    pub name: String,
}

/// The session in this browser is over.
#[derive(Debug, Clone, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage {
    /// Around the content.
    pub frame: Frame,
    /// There was a session to end.
    pub was_signed_in: bool,
}

/// Somebody sent the browser here to sign out, and the person is asked.
#[derive(Debug, Clone, Template)]
#[template(path = "confirm_sign_out.html")]
pub struct ConfirmSignOutPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who is signed in.
    pub person: Person,
    /// The app that asks, where one is known, and where it gets the person back.
    pub app: Option<App>,
    /// What comes back with the form, to be checked again.
    pub fields: Vec<(&'static str, String)>,
}
