//! OpenID Connect Core: who signed in, told to the client beside what it may do.
//!
//! | file | holds |
//! |---|---|
//! | `protocol_scope.rs` | `openid`, `profile`, `email`, `offline_access` (§5.4, §11): no operation ever asks for them |
//! | `claims.rs` | what can be told about a person (§5.1), and the `claims` parameter (§5.5) |
//! | `wish.rs` | what an authorization request says about the person (§3.1.2.1) |
//! | `sign_in.rs` | whether somebody must prove again who they are (§3.1.2.3) |
//! | `identity.rs` | what a code and its tokens remember of the sign-in |
//! | `id_token_hint.rs` | an ID token that comes back (§3.1.2.1) |
//! | `rp_logout.rs` | what a request to sign out leads to (RP-Initiated Logout) |
//! | `logout_token.rs` | what apps hear when somebody signed out (Back-Channel Logout) |
//! | `id_token.rs` | the ID token (§2, §3.1.3.6) and the UserInfo answer (§5.3) |

pub mod claims;
pub mod id_token;
pub mod id_token_hint;
pub mod identity;
pub mod logout_token;
pub mod protocol_scope;
pub mod rp_logout;
pub mod sign_in;
pub mod wish;
