//! What a call presents: a token, and what its sender has proven to hold (RFC 9449 §7, RFC 8705 §3).

use std::net::IpAddr;

use countersign_domain::oauth::client_certificate::ClientCertificate;
use countersign_domain::oauth::thumbprint::Possession;
use countersign_domain::oauth::used_proof::UsedProof;
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use countersign_store::{StoreError, SystemTask};

use crate::app::App;
use crate::http::bearer::{Credentials, credentials};
use crate::http::client_certificate::Asked;
use crate::http::dpop::Called;

/// The credentials of one call, as far as the call itself tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// None.
    Missing,
    /// Something that cannot be one of our access tokens, or a proof that does not count.
    Malformed,
    /// A well-formed access token; whether it is live, and bound to what is held, is for the store to say.
    Token {
        /// Its digest.
        digest: Digest,
        /// What its sender holds.
        possession: Possession,
        /// The one use of the proof that came with it.
        used: Option<UsedProof>,
    },
}

impl Presented {
    /// Reads the headers of a call from `peer`.
    pub fn read(app: &App, called: Called<'_>, peer: IpAddr) -> Self {
        match credentials(called.headers) {
            Credentials::Missing => Self::Missing,
            Credentials::Malformed => Self::Malformed,
            Credentials::Bearer(digest) => {
                let asked = Asked { shown: called.shown, headers: called.headers, peer };
                let Ok(certificate) = app.certificate_sources.certificate(asked, called.now) else {
                    return Self::Malformed;
                };
                let certificate = certificate.as_ref().map(ClientCertificate::thumbprint);
                Self::Token { digest, possession: Possession { key: None, certificate }, used: None }
            }
            Credentials::Dpop { token, digest } => match called.proof_of_token(app, token) {
                Ok(proof) => {
                    let possession = Possession { key: Some(proof.key), certificate: None };
                    Self::Token { digest, possession, used: Some(proof.used) }
                }
                Err(error) => {
                    tracing::info!(reason = %error, "a call's DPoP proof does not count");
                    Self::Malformed
                }
            },
        }
    }

    /// Claims the one use of the proof, if there is one; `false` for a replay (RFC 9449 §11.1). Asked only for live tokens:
    /// strangers leave nothing behind.
    pub async fn is_first_use(self, app: &App, now: Timestamp) -> Result<bool, StoreError> {
        let Self::Token { used: Some(used), .. } = self else { return Ok(true) };
        let store = app.store.system(SystemTask::Enforcement, now, app.entropy.as_ref());
        Box::pin(store.claim_proof(&used)).await
    }
}
