//! The device authorization grant at the token endpoint (RFC 8628 §3.4): one claim, whatever comes of it.

use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::grant::device_code::{self, ClaimedDeviceCode, Poll};
use countersign_domain::oauth::token::{TokenResponse, TokenSubject};
use countersign_domain::oauth::token_request::DeviceCodeRequest;
use countersign_domain::secret::{Secret, SecretKind};

use super::{Sender, TokenEndpoint};
use crate::http::error::TokenRefusal;
use crate::oauth::standing::standing;

impl TokenEndpoint {
    /// RFC 8628 §3.4
    pub(super) async fn poll(
        &self,
        request: &DeviceCodeRequest,
        sender: Sender<'_>,
    ) -> Result<TokenResponse, TokenRefusal> {
        let Sender { client, key: proven_key, .. } = sender;
        let code = Secret::parse(SecretKind::DeviceCode, &request.device_code).ok_or(TokenError::UnusableGrant)?;
        let claim = self.channel.store().claim_device_code(&code.digest(), &client.id).await?;
        let mut claim = claim.ok_or(TokenError::UnusableGrant)?;
        let read = claim.standing().await?;
        let stands = read.as_ref().zip(claim.record().verdict.approval());
        let standing = stands.map(|(read, approval)| standing(read, &TokenSubject::User(approval.user.clone())));
        let claimed = ClaimedDeviceCode {
            record: claim.record(),
            last_polled_at: claim.last_polled_at(),
            is_replay: claim.is_replay(),
            proven_key,
        };
        match device_code::redeem(claimed, client, standing.as_ref(), self.now())? {
            Poll::Wait => {
                let interval = claim.record().interval_seconds;
                claim.wait(interval).await?;
                Err(TokenError::AuthorizationPending.into())
            }
            Poll::SlowDown { interval_seconds } => {
                claim.wait(interval_seconds).await?;
                Err(TokenError::SlowDown.into())
            }
            Poll::Issue { family, with_refresh_token } => {
                let stands = read.as_ref().zip(standing.as_ref()).ok_or(TokenError::NoLongerAuthorized)?;
                let first = self.first_tokens(&family, with_refresh_token, sender, stands)?;
                claim.save(&family, &first.access, first.refresh.as_ref()).await?;
                Ok(first.answer)
            }
            Poll::Replay => {
                claim.revoke_family("a device code was used twice").await?;
                tracing::warn!(client.id = %client.id, "a device code was used twice: every token of its family has ended");
                Err(TokenError::UnusableGrant.into())
            }
        }
    }
}
