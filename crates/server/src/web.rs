//! What people see: server-rendered pages, their stylesheet, and the headers that every page carries.
//!
//! | file | holds |
//! |---|---|
//! | `pages.rs` | one plain struct for each page; the texts are in `templates/` |
//! | `html.rs` | a page becomes a response, with the Content-Security-Policy that all pages share |
//! | `gallery.rs` | tests: every page in every state |
//! | `assets.rs` | stylesheet, icons and typefaces from `static/`, inside the binary |

pub mod assets;
#[cfg(test)]
mod gallery;
pub mod html;
pub mod pages;
