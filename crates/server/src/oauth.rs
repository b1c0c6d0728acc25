//! The authorization server's endpoints. The rules stand in `domain::oauth`; here they meet requests and the store.
//!
//! | file | holds |
//! |---|---|
//! | `authorize.rs` | the authorization endpoint and the way back from a page (RFC 6749 §3.1) |
//! | `asked.rs` | what is asked, and who waits for the answer |
//! | `front_channel.rs` | one step after another until there is a code, or a device is let in |
//! | `interaction.rs` | a request in progress, kept on our side |
//! | `approver.rs` | who may decide about apps, asked of the decision point |
//! | `back_channel.rs` | the form of a client, and the proof of who it is (RFC 6749 §2.3) |
//! | `client_sources.rs` | metadata documents and key sets of clients, fetched |
//! | `token.rs` | the token endpoint (RFC 6749 §3.2) |
//! | `par.rs` | pushed authorization requests (RFC 9126) |
//! | `register.rs` | apps that register and manage themselves (RFC 7591, RFC 7592) |
//! | `device.rs` | the device authorization endpoint (RFC 8628 §3.1) |
//! | `introspect.rs` | RFC 7662, RFC 9701 |
//! | `revoke.rs` | RFC 7009 |
//! | `standing.rs` | what the store says about an app, for the pure rules |
//! | `userinfo.rs` | OpenID Connect Core §5.3 |
//! | `logout_notices.rs` | OpenID Connect Back-Channel Logout |
//! | `jwks.rs` | the public keys (RFC 7517 §5) |
//! | `metadata.rs` | RFC 8414, RFC 9728, OpenID Connect Discovery |
//! | `attempts.rs`, `user_code_attempts.rs` | how often somebody may guess |

pub mod approver;
pub mod asked;
pub mod attempts;
pub mod authorize;
pub mod back_channel;
pub mod challenges;
pub mod client_sources;
pub mod device;
pub mod front_channel;
pub mod interaction;
pub mod introspect;
pub mod jwks;
pub mod logout_notices;
pub mod metadata;
pub mod par;
pub mod register;
pub mod revoke;
pub mod standing;
pub mod token;
pub mod user_code_attempts;
pub mod userinfo;
