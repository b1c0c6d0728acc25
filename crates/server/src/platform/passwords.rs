//! Passwords that come with a request: judged, then hashed on a thread of its own.

use countersign_domain::secret::{MAX_PASSWORD_BYTES, SecretHash};

use crate::app::App;
use crate::hashing::{Busy, hash_password};
use crate::http::error::ApiError;

/// NIST SP 800-63B §5.1.1.2: at least eight characters, and no rules about which.
const MIN_CHARACTERS: usize = 8;

/// The hash to keep of a password that satisfies the rules.
pub(super) async fn hash(app: &App, password: &str) -> Result<SecretHash, ApiError> {
    let is_long_enough = password.chars().count() >= MIN_CHARACTERS;
    if !is_long_enough || password.len() > MAX_PASSWORD_BYTES {
        let why = format!("a password has {MIN_CHARACTERS} characters at least and {MAX_PASSWORD_BYTES} bytes at most");
        return Err(ApiError::invalid("invalid.password", why));
    }
    hash_password(password, &app.entropy).await.map_err(|Busy| ApiError::unavailable())
}
