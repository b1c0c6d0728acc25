//! What people see: server-rendered pages, their stylesheet, and the headers that every page carries.
//!
//! | file | holds |
//! |---|---|
//! | `pages.rs` | one plain struct for each page; the texts are in `templates/` |
//! | `html.rs` | a page becomes a response, with the Content-Security-Policy that all pages share |
//! | `gallery.rs` | tests: every page in every state |
//! | `assets.rs` | stylesheet, icons and typefaces from `static/`, inside the binary |
//! | `visit.rs` | one request of a browser: cookies, forms, who is signed in |
//! | `trouble.rs` | what people see when something does not work |
//! | `cards.rs` | what several pages show: the app, its scopes |
//! | `impact.rs` | what an approval would change, for the page that signs it |
//! | `sign_in.rs` `consent.rs` `approval.rs` `request.rs` `refused.rs` | the steps of an authorization request |
//! | `device.rs` | a device without a browser: its code, and whether it is the person's |
//! | `form_post.rs` | the answer to an app, by redirect or as a form |
//! | `sign_out.rs` `sessions.rs` `home.rs` | signing out, here and elsewhere; the front page |

pub mod approval;
pub mod assets;
pub mod cards;
pub mod consent;
pub mod device;
pub mod form_post;
#[cfg(test)]
mod gallery;
pub mod home;
pub mod html;
pub mod impact;
pub mod pages;
pub mod refused;
pub mod request;
pub mod sessions;
pub mod sign_in;
pub mod sign_out;
pub mod trouble;
pub mod used;
pub mod visit;
