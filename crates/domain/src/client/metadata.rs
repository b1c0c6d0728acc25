//! What a client registered beyond the basics, under the names of the standards: RFC 7591 §2, RFC 8705 §2 and §3.4,
//! RFC 9101 §10.5, RFC 9126 §6, RFC 9449 §5.2, OpenID Connect Registration §2, RP-Initiated and Back-Channel Logout.
//!
//! One struct, kept as one JSON object, written the same way in a world file. Every member is optional; unknown ones are
//! refused. Each value is checked by its type, and [`ClientMetadata::check`] says what does not fit together.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::client::uri::{PageUri, ReturnUri};
use crate::oauth::distinguished_name::DistinguishedName;
use crate::oauth::jwk::JwkSet;
use crate::oauth::jws::JwsAlgorithm;
use crate::oauth::signing_key::SigningAlgorithm;

/// The members that an app says of itself, by whatever way it comes. Those of ours that say what it is here (`resources`,
/// `access_token_format`, `security_profile`) are its organization's to say.
pub(crate) const MEMBERS_OF_THE_APP: [&str; 14] = [
    "token_endpoint_auth_method",
    "jwks",
    "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "default_max_age",
    "id_token_signed_response_alg",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
];

/// How a client proves who it is (RFC 7591 §2, RFC 8705 §2, OpenID Connect Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// RFC 6749 §2.3.1, in the Authorization header.
    ClientSecretBasic,
    /// RFC 6749 §2.3.1, in the body.
    ClientSecretPost,
    /// RFC 7523 §2.2: an assertion signed with one of its `jwks`.
    PrivateKeyJwt,
    /// RFC 8705 §2.1: a certificate of a trusted authority with a registered subject.
    TlsClientAuth,
    /// RFC 8705 §2.2: one of the certificates in its `jwks`.
    SelfSignedTlsClientAuth,
}

/// What an access token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessTokenFormat {
    /// Random text that only we can read.
    #[default]
    Opaque,
    /// RFC 9068.
    Jwt,
}

/// A bundle of rules that a client is held to in every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SecurityProfile {
    /// FAPI 2.0 Security Profile.
    #[serde(rename = "fapi2")]
    Fapi2,
}

/// The members that a client registered. Absent ones mean what their standard says; an absent
/// `token_endpoint_auth_method` means: by secret, in header or body, where the client has one, and not at all otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientMetadata {
    /// RFC 7591 §2: the one way in which this client authenticates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// RFC 7591 §2: the client's public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// RFC 7591 §2: where its public keys are to be fetched, instead of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<PageUri>,
    /// RFC 8705 §2.1.2: the subject of its certificates, as in RFC 4514.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// RFC 8705 §2.1.2: a DNS name in its certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// RFC 8705 §2.1.2: a URI in its certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// RFC 8705 §2.1.2: an e-mail address in its certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// RFC 8705 §2.1.2: the IP address in its certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<IpAddr>,
    /// RFC 8705 §3.4: its access tokens are bound to its certificate.
    #[serde(skip_serializing_if = "is_false")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// RFC 9449 §5.2: its token requests always carry a DPoP proof.
    #[serde(skip_serializing_if = "is_false")]
    pub dpop_bound_access_tokens: bool,
    /// RFC 9126 §6: it begins every authorization with a pushed request.
    #[serde(skip_serializing_if = "is_false")]
    pub require_pushed_authorization_requests: bool,
    /// RFC 9101 §10.5: it signs every authorization request.
    #[serde(skip_serializing_if = "is_false")]
    pub require_signed_request_object: bool,
    /// Ours: what its access tokens look like.
    #[serde(skip_serializing_if = "is_default")]
    pub access_token_format: AccessTokenFormat,
    /// Ours: the APIs that it is the resource server of (RFC 8707): tokens can be asked for them, and it may introspect those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<PageUri>,
    /// Ours: rules that it is held to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<SecurityProfile>,
    /// OpenID Connect Registration §2: when people must sign in again, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u32>,
    /// OpenID Connect Registration §2: how its ID tokens are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<JwsAlgorithm>,
    /// RP-Initiated Logout §3.1: where people may be sent after they signed out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<ReturnUri>,
    /// Back-Channel Logout §2.2: where it hears that somebody signed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<PageUri>,
    /// Back-Channel Logout §2.2: it needs the session's id to sign somebody out.
    #[serde(skip_serializing_if = "is_false")]
    pub backchannel_logout_session_required: bool,
    /// RFC 7591 §2: about the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<PageUri>,
    /// RFC 7591 §2: its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<PageUri>,
    /// RFC 7591 §2: what it does with data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<PageUri>,
    /// RFC 7591 §2: its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<PageUri>,
}

/// Members that do not fit together, with each other or with the client: what is wrong and what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{member}` {rule}")]
pub struct UnfitMetadata {
    member: &'static str,
    rule: &'static str,
}

impl AuthMethod {
    /// The methods that are offered, strongest first; the order of the server metadata.
    pub const ALL: [Self; 6] = [
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::None,
    ];

    /// The name in metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
        }
    }

    /// Whether it is one of RFC 8705.
    pub const fn is_by_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// Whether it proves a key or certificate that we know only the public part of.
    pub const fn is_by_key(self) -> bool {
        matches!(self, Self::PrivateKeyJwt) || self.is_by_certificate()
    }
}

impl ClientMetadata {
    /// Whether a client with this metadata and, where `has_secret`, a secret is confidential (RFC 6749 §2.1).
    pub fn is_confidential(&self, has_secret: bool) -> bool {
        has_secret || self.token_endpoint_auth_method.is_some_and(AuthMethod::is_by_key)
    }

    /// Whether the client is held to FAPI 2.0.
    pub fn is_fapi(&self) -> bool {
        self.security_profile == Some(SecurityProfile::Fapi2)
    }

    /// RFC 9126 §6, FAPI 2.0 §5.3.2.2: whether a request that was not pushed is refused.
    pub fn needs_pushed_requests(&self) -> bool {
        self.require_pushed_authorization_requests || self.is_fapi()
    }

    /// Whether the members fit together and to a client that has, or does not have, a secret.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self, has_secret: bool) -> Result<(), UnfitMetadata> {
        let unfit = |member, rule| Err(UnfitMetadata { member, rule });
        // RFC 7591 §2: MUST NOT both be present.
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return unfit("jwks_uri", "must not stand beside `jwks`: register the keys, or where they are fetched");
        }
        // Back-Channel Logout §2.2: who signed out is for the app alone.
        if self.backchannel_logout_uri.as_ref().is_some_and(|uri| !uri.as_str().starts_with("https://")) {
            return unfit("backchannel_logout_uri", "must begin with `https://`");
        }
        if self.backchannel_logout_session_required && self.backchannel_logout_uri.is_none() {
            return unfit("backchannel_logout_session_required", "needs a `backchannel_logout_uri`");
        }
        if self.jwks_uri.as_ref().is_some_and(|uri| !uri.as_str().starts_with("https://")) {
            return unfit("jwks_uri", "must begin with `https://`");
        }
        let method = self.token_endpoint_auth_method;
        match method {
            Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost) if !has_secret => {
                return unfit("token_endpoint_auth_method", "by secret needs a secret");
            }
            Some(AuthMethod::None) if has_secret => {
                return unfit("token_endpoint_auth_method", "of `none` is for clients without a secret");
            }
            Some(AuthMethod::PrivateKeyJwt) if !self.has_keys() => {
                return unfit(
                    "jwks",
                    "is missing: `private_key_jwt` needs the client's public keys, or their `jwks_uri`",
                );
            }
            Some(AuthMethod::SelfSignedTlsClientAuth) if !self.has_certificates() => {
                return unfit(
                    "jwks",
                    "needs the certificates in `x5c`: `self_signed_tls_client_auth` compares with them",
                );
            }
            Some(AuthMethod::TlsClientAuth) if self.certificate_names() != 1 => {
                // RFC 8705 §2.1.2: exactly one of the subject parameters.
                return unfit(
                    "tls_client_auth",
                    "needs exactly one of its `_subject_dn`, `_san_dns`, `_san_uri`, `_san_email`, `_san_ip`",
                );
            }
            Some(AuthMethod::TlsClientAuth) if self.has_malformed_subject() => {
                return unfit("tls_client_auth_subject_dn", "must be a name as in RFC 4514: `CN=app,O=Acme,C=CH`");
            }
            // One registered way: a secret beside it would be a second.
            Some(method) if method.is_by_key() && has_secret => {
                return unfit("token_endpoint_auth_method", "by key or certificate is for clients without a secret");
            }
            _ => {}
        }
        if self.require_signed_request_object && !self.has_keys() {
            let rule =
                "is missing: `require_signed_request_object` needs the client's public keys, or their `jwks_uri`";
            return unfit("jwks", rule);
        }
        // RFC 7662 §2.1: who asks about tokens proves who it is.
        if !self.resources.is_empty() && !self.is_confidential(has_secret) {
            return unfit(
                "resources",
                "are for clients that can prove who they are: with a secret, a key or a certificate",
            );
        }
        // RFC 7515: we sign with what our keys are for.
        let cannot_sign = |algorithm: JwsAlgorithm| SigningAlgorithm::parse(algorithm.as_str()).is_none();
        if self.id_token_signed_response_alg.is_some_and(cannot_sign) {
            return unfit("id_token_signed_response_alg", "must be ES256, EdDSA or RS256");
        }
        self.check_profile()
    }

    /// FAPI 2.0 Security Profile §5.3.2: no secrets, and every token bound to a key.
    fn check_profile(&self) -> Result<(), UnfitMetadata> {
        let unfit = |member, rule| Err(UnfitMetadata { member, rule });
        if !self.is_fapi() {
            return Ok(());
        }
        if !self.token_endpoint_auth_method.is_some_and(AuthMethod::is_by_key) {
            let rule = "of `fapi2` needs `private_key_jwt`, `tls_client_auth` or `self_signed_tls_client_auth`";
            return unfit("security_profile", rule);
        }
        if !self.dpop_bound_access_tokens && !self.tls_client_certificate_bound_access_tokens {
            let rule = "of `fapi2` needs `dpop_bound_access_tokens` or `tls_client_certificate_bound_access_tokens`";
            return unfit("security_profile", rule);
        }
        Ok(())
    }

    fn has_keys(&self) -> bool {
        self.jwks.is_some() || self.jwks_uri.is_some()
    }

    fn has_certificates(&self) -> bool {
        self.jwks.as_ref().is_some_and(|jwks| jwks.keys().iter().any(|key| key.certificate().is_some()))
    }

    fn has_malformed_subject(&self) -> bool {
        let subject = self.tls_client_auth_subject_dn.as_deref();
        subject.is_some_and(|subject| DistinguishedName::parse(subject).is_none())
    }

    fn certificate_names(&self) -> usize {
        let names = [
            &self.tls_client_auth_subject_dn,
            &self.tls_client_auth_san_dns,
            &self.tls_client_auth_san_uri,
            &self.tls_client_auth_san_email,
        ];
        names.into_iter().flatten().count() + usize::from(self.tls_client_auth_san_ip.is_some())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
