//! Tokens: only digests are kept.
//!
//! | file | what |
//! |---|---|
//! | `token/code.rs` | authorization codes, claimed once (RFC 6749 §4.1) |
//! | `token/device_code.rs` | device codes, polled, answered and claimed (RFC 8628) |
//! | `token/refresh.rs` | refresh tokens, rotated or kept (RFC 6749 §6) |
//! | `token/bearer.rs` | access tokens that come back with a call (RFC 6750) |
//! | `token/known.rs` | tokens that somebody asks about or gives back (RFC 7662, RFC 7009) |
//! | `token/delegation.rs` | whom an exchanged token acts through (RFC 8693) |
//! | `token/standing.rs` | who and what a claim acts for and under |
//! | `token/family.rs` | what tokens descend from and die with |
//! | `token/insert.rs` | new rows of all of them |
//! | `token/issue.rs` | what requests leave behind, several in one transaction |
//! | `token/queue.rs` | the one writer that they wait for, on SQLite |

mod bearer;
mod code;
mod delegation;
mod device_code;
pub(crate) mod family;
mod insert;
pub(crate) mod issue;
mod known;
pub(crate) mod queue;
mod refresh;
mod standing;

pub use bearer::Bearer;
pub use code::CodeClaim;
pub use delegation::LiveLink;
pub use device_code::{DeviceCodeClaim, DeviceCodeSaved, MAX_OPENINGS, MAX_WAITING_DEVICES};
pub use refresh::{PresentedRefreshToken, RefreshClaim};
pub use standing::ClaimStanding;
