//! OAuth 2.0: one file per concern, each named after what the RFCs call it.
//!
//! | file | standard |
//! |---|---|
//! | `token.rs` | the records behind access and refresh tokens (RFC 6749 §1.4, §1.5) |
//! | `grant/authorization_code.rs` | RFC 6749 §4.1, RFC 7636 |

pub mod grant;
pub mod token;
