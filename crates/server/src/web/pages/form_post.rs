//! The answer to an app that takes it as a form (OAuth 2.0 Form Post Response Mode). Pages run no script, so a person posts
//! it.

use askama::Template;

use super::{App, Frame};

/// An authorization response, to be posted to the app.
#[derive(Debug, Clone, Template)]
#[template(path = "form_post.html")]
pub struct FormPostPage {
    /// Around the content.
    pub frame: Frame,
    /// Where it goes.
    pub app: App,
    /// The redirect URI.
    pub action: String,
    /// Names and values of the response.
    pub fields: Vec<(String, String)>,
}
