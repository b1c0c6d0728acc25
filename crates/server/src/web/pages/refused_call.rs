//! An API call that was refused, for people who meet it in a browser.

use askama::Template;

use super::Frame;

/// What the JSON of a refusal says, for people.
#[derive(Debug, Clone, Template)]
#[template(path = "refused_call.html")]
pub struct RefusedCallPage {
    /// Around the content.
    pub frame: Frame,
    /// What happened, in a few words.
    pub heading: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The code of the JSON.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
    /// The app needs the scopes of one of these.
    pub scopes: Vec<Vec<String>>,
    /// The user lacks these permissions.
    pub permissions: Vec<String>,
    /// All of the permissions are needed, not any one.
    pub needs_all_permissions: bool,
    /// The organization wants one of these roles from users of the app.
    pub roles: Vec<String>,
    /// Who can help.
    pub help: Option<String>,
    /// Where to ask for approval of the app.
    pub ask: Option<String>,
    /// Roles that give a missing permission, where the caller may know them.
    pub helping_roles: Vec<String>,
    /// Finds the request in the server's log.
    pub correlation_id: String,
}
