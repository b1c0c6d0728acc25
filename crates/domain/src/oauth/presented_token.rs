//! A token that somebody asks about or gives back (RFC 7662 §2.1, RFC 7009 §2.1), told by its text.

use crate::oauth::jws::MAX_JWS_BYTES;
use crate::secret::{Digest, Secret, SecretKind};

/// What a text can be. Whether there is such a token is for the store to say; the hint of a caller is never needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresentedToken {
    /// An access token (RFC 6749 §1.4): opaque, or of the form of a JWT (RFC 9068), whose text alone says nothing.
    Access(Digest),
    /// A refresh token (RFC 6749 §1.5).
    Refresh(Digest),
    /// A secret of ours that is no token: a code, a client secret, a cookie.
    OtherSecret,
    /// Nothing that we gave out.
    Unknown,
}

impl PresentedToken {
    /// Reads the text.
    pub fn read(text: &str) -> Self {
        let digest = |kind| Secret::parse(kind, text).map(|secret| secret.digest());
        if let Some(digest) = digest(SecretKind::AccessToken) {
            return Self::Access(digest);
        }
        if let Some(digest) = digest(SecretKind::RefreshToken) {
            return Self::Refresh(digest);
        }
        match SecretKind::ALL.into_iter().any(|kind| digest(kind).is_some()) {
            true => Self::OtherSecret,
            false if has_form_of_jws(text) => Self::Access(Digest::of(text.as_bytes())),
            false => Self::Unknown,
        }
    }

    /// The digest of a token.
    pub const fn digest(self) -> Option<Digest> {
        match self {
            Self::Access(digest) | Self::Refresh(digest) => Some(digest),
            Self::OtherSecret | Self::Unknown => None,
        }
    }
}

/// RFC 7515 §7.1: three parts of base64url.
fn has_form_of_jws(text: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_base64url);
    text.len() <= MAX_JWS_BYTES && text.split('.').count() == 3 && text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn c44_every_secret_of_ours_is_told_by_its_text() {
        for kind in SecretKind::ALL {
            let secret = Secret::generate(kind, &SeededEntropy::new(1));
            let expected = match kind {
                SecretKind::AccessToken => PresentedToken::Access(secret.digest()),
                SecretKind::RefreshToken => PresentedToken::Refresh(secret.digest()),
                _ => PresentedToken::OtherSecret,
            };
            assert_eq!(PresentedToken::read(secret.expose()), expected, "{kind:?}");
            let cut = &secret.expose()[..secret.expose().len() - 1];
            assert_eq!(PresentedToken::read(cut), PresentedToken::Unknown, "{kind:?}");
        }
    }

    #[test]
    fn d06_a_text_of_the_form_of_a_jwt_can_be_an_access_token_and_nothing_else_can() {
        assert_eq!(PresentedToken::read("e30.e30.YQ"), PresentedToken::Access(Digest::of(b"e30.e30.YQ")));
        let long = format!("e30.{}.YQ", "a".repeat(MAX_JWS_BYTES));
        for text in ["e30.e30", "e30.e30.YQ.", "e30.e30.", "e30..YQ", "e30.e30.YQ=", "e30.e3+.YQ", "e30.e30.Y Q", &long]
        {
            assert_eq!(PresentedToken::read(text), PresentedToken::Unknown, "{text}");
        }
    }
}
