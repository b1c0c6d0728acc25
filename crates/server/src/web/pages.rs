//! The pages: one plain struct each, filled by the handlers, turned into HTML by `templates/`.
//!
//! No decisions here and none in the templates beyond showing one thing or another. Every string is untrusted and escaped
//! by askama. Forms post to `/oauth/<step>` and carry the hidden fields `interaction` and `csrf` (see [`FormKeys`]):
//!
//! | page | posts to | further fields |
//! |---|---|---|
//! | [`SignInPage`] | `/oauth/sign-in` | `email`, `password` |
//! | [`ChooseOrganizationPage`] | `/oauth/sign-in` | `org` |
//! | [`ConsentPage`] | `/oauth/consent` | `decision` = `accept` or `deny`; `shown` |
//! | [`ApprovalPage`] | `/oauth/approval` | `decision` = `approve` or `deny`; `shown`; `scope` and `role`, once for each ticked box; `consent` = `user` when ticked |
//! | [`RequestPage`] | `/oauth/request` | `reason` |
//! | [`DeviceCodePage`] | `/device` | `user_code` |
//! | [`DeviceConfirmPage`] | `/device/confirm` | `decision` = `continue` or `deny` |
//! | `not you?` on any of them, [`HomePage`] | `/logout` | (`interaction` empty on the home page) |

use crate::config::PublicOrigin;

mod approval;
mod consent;
mod device;
mod form_post;
mod home;
mod refused_call;
mod request;
mod sign_in;
mod trouble;
mod used;

pub use approval::{ApprovalImpact, ApprovalPage, Registration, RoleChoice, ScopeChoice, Standing, WaitingRequest};
pub use consent::ConsentPage;
pub use device::{DeviceAnswer, DeviceAnsweredPage, DeviceCodePage, DeviceConfirmPage, DeviceProblem};
pub use form_post::FormPostPage;
pub use home::{HomePage, HomeSession, OtherSession};
pub use refused_call::RefusedCallPage;
pub use request::{Refusal, RefusedPage, RequestPage, RequestState};
pub use sign_in::{
    ChooseOrganizationPage, ConfirmSignOutPage, OrganizationChoice, SignInPage, SignInProblem, SignedOutPage,
};
pub use trouble::{AuthorizeErrorPage, Trouble, TroublePage};
pub use used::{Used, UsedOperation};

/// What every page shows around its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Host (and port) of the public origin: what the address bar of the browser should say.
    pub server: String,
    /// What stands before the addresses of stylesheet and icon: nothing on our own pages.
    pub assets: String,
}

impl Frame {
    /// Around a page of our own origin.
    pub fn here(origin: &PublicOrigin) -> Self {
        let server = origin.as_str().split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned();
        Self { server, assets: String::new() }
    }

    /// Around a page that a browser may meet at another origin.
    pub fn elsewhere(origin: &PublicOrigin) -> Self {
        Self { assets: origin.to_string(), ..Self::here(origin) }
    }
}

/// The hidden fields of every form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormKeys {
    /// The secret that names the interaction; the interaction itself stays on the server. Empty outside of one.
    pub interaction: String,
    /// Bound to the browser's session or pre-session.
    pub csrf: String,
}

/// The client as people see it: an app that wants something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its registered name.
    pub name: String,
    /// Host (and port) of the document that it is known by (client id metadata documents §6.4): the name is only what that document says. Empty for a
    /// registered app.
    pub document_host: String,
    /// Host (and port) of the redirect URI, or its scheme where that is the app's own (`com.example.app`). Empty where
    /// nobody is taken anywhere.
    pub return_host: String,
    /// The redirect URI points to the person's own computer, where any program can listen (RFC 8252 §8.6).
    pub is_local: bool,
}

/// The person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name for people.
    pub name: String,
    /// E-mail that was signed in with.
    pub email: String,
}

/// A scope to read, not to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLine {
    /// `users:readonly`
    pub id: String,
    /// The contract's description, where it states one.
    pub description: Option<String>,
    /// Opens nothing that changes data.
    pub is_read_only: bool,
}

/// The people who can approve apps in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers {
    /// Names of the first few.
    pub names: Vec<String>,
    /// How many more there are.
    pub others: usize,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use axum::http::StatusCode;
    use axum::http::header::CONTENT_SECURITY_POLICY;

    use super::super::gallery::{State, states};
    use super::super::html::{FormTarget, page};
    use super::{Frame, SignedOutPage};

    fn plain() -> Vec<State> {
        states(&str::to_owned)
    }

    fn named(name: &str) -> String {
        plain().into_iter().find(|state| state.name == name).unwrap().html
    }

    /// The addresses of assets change with every touch of the stylesheet.
    fn without_digests(html: &str) -> String {
        html.lines().filter(|line| !line.starts_with("<link")).collect::<Vec<_>>().join("\n")
    }

    /// The pages for `clients/browser/gallery` to look at.
    #[test]
    fn every_page_is_written_to_the_gallery() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gallery");
        fs::create_dir_all(&folder).unwrap();
        for state in plain() {
            fs::write(folder.join(state.name).with_extension("html"), state.html).unwrap();
        }
        let response = page(
            StatusCode::OK,
            &SignedOutPage { frame: Frame { server: String::new(), assets: String::new() }, was_signed_in: true },
            &FormTarget::here(),
        );
        let policy = response.headers()[CONTENT_SECURITY_POLICY].as_bytes();
        fs::write(folder.join("content-security-policy.txt"), policy).unwrap();
    }

    #[test]
    fn a61_hostile_text_adds_no_markup_to_any_page() {
        let corpus = [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "' autofocus onfocus='alert(1)",
            "</title><svg onload=alert(1)>",
            "</textarea><script>alert(1)</script>",
            "--><iframe srcdoc=x>",
            "{{ 7 * 7 }}{% raw %}",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "\u{202e}<b>\u{0000}",
        ];
        let markup = |html: &str| ['<', '>', '"', '\''].map(|mark| html.matches(mark).count());
        for attack in corpus {
            for (hostile, plain) in states(&|_| attack.to_owned()).iter().zip(plain()) {
                assert_eq!(markup(&hostile.html), markup(&plain.html), "{}: {attack}", plain.name);
            }
        }
    }

    /// The one page whose form leads to an app, as its request asked for.
    const FOR_AN_APP: &str = "form-post";

    #[test]
    fn a30_no_page_has_script_inline_style_or_foreign_address() {
        for State { name, html } in plain() {
            for forbidden in ["<script", "<style", " style=", " onclick=", "javascript:", "<base", "<iframe"] {
                assert!(!html.contains(forbidden), "{name} has {forbidden}");
            }
            for attribute in ["src=\"", "action=\"", "<link rel=\"stylesheet\" href=\""] {
                if name == FOR_AN_APP && attribute == "action=\"" {
                    continue;
                }
                assert!(html.split(attribute).skip(1).all(|rest| rest.starts_with('/')), "{name} {attribute}");
            }
        }
    }

    #[test]
    fn a31_every_form_posts_and_carries_interaction_and_csrf() {
        for State { name, html } in plain() {
            for form in html.split("<form").skip(1) {
                let form = form.split("</form>").next().unwrap();
                assert!(form.contains("method=\"post\""), "{name}");
                // What goes to an app must not carry our secrets there.
                let keys = usize::from(name != FOR_AN_APP);
                assert_eq!(form.matches("name=\"interaction\"").count(), keys, "{name}");
                assert_eq!(form.matches("name=\"csrf\"").count(), keys, "{name}");
            }
        }
    }

    #[test]
    fn every_page_has_one_heading_of_the_first_level_and_a_title() {
        for State { name, html } in plain() {
            assert_eq!(html.matches("<h1>").count(), 1, "{name}");
            assert!(!html.contains("<title> ·"), "{name}");
        }
    }

    #[test]
    fn f01_every_failed_sign_in_says_the_same() {
        let html = named("sign-in-wrong");
        assert!(html.contains("That did not match."));
        assert!(!html.contains("unknown"));
    }

    #[test]
    fn a46_consent_names_app_host_organization_scopes_and_user() {
        let html = named("consent");
        for text in ["Roster Sync", "roster.globex.example", "Acme Corp", "Ada Lovelace", "ada@acme.example"] {
            assert!(html.contains(text), "{text}");
        }
        for text in ["Read users, their profiles and their state", "users:readonly", "read-only"] {
            assert!(html.contains(text), "{text}");
        }
        assert!(!html.contains("your own computer"));
        assert!(named("consent-local").contains("your own computer"));
    }

    #[test]
    fn approval_offers_scopes_and_roles_as_they_were_given() {
        insta::assert_snapshot!(without_digests(&named("approval")));
    }

    #[test]
    fn request_says_that_an_administrator_must_approve() {
        insta::assert_snapshot!(without_digests(&named("request")));
    }
}
