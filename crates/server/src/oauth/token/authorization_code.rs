//! The authorization code grant at the token endpoint (RFC 6749 §4.1.3).

use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::grant::authorization_code::{self, ClaimedCode, Redemption};
use countersign_domain::oauth::token::{TokenResponse, TokenSubject};
use countersign_domain::oauth::token_request::CodeRequest;
use countersign_domain::secret::{Digest, Secret, SecretKind};

use super::{Sender, TokenEndpoint};
use crate::http::error::TokenRefusal;
use crate::oauth::standing::{read_standing, standing};

impl TokenEndpoint {
    /// RFC 6749 §4.1.3
    pub(super) async fn redeem_code(
        &self,
        request: &CodeRequest,
        sender: Sender<'_>,
    ) -> Result<TokenResponse, TokenRefusal> {
        let Sender { client, key: proven_key, .. } = sender;
        let code = Secret::parse(SecretKind::AuthorizationCode, &request.code).ok_or(TokenError::UnusableGrant)?;
        if let Some(answer) = self.redeem_unclaimed(&code.digest(), request, sender).await? {
            return Ok(answer);
        }
        let store = self.channel.store();
        let claim = store.claim_code(&code.digest(), &client.id).await?;
        let mut claim = claim.ok_or(TokenError::UnusableGrant)?;
        let read = claim.standing().await?;
        let standing = standing(&read, &TokenSubject::User(claim.record().user.clone()));
        let claimed = ClaimedCode { record: claim.record(), is_replay: claim.is_replay(), proven_key };
        match authorization_code::redeem(claimed, request, client, &standing, self.now())? {
            Redemption::Issue { family, with_refresh_token } => {
                let first = self.first_tokens(&family, with_refresh_token, sender, (&read, &standing))?;
                claim.save(&family, &first.access, first.refresh.as_ref()).await?;
                Ok(first.answer)
            }
            Redemption::Replay => {
                claim.revoke_family("an authorization code was used twice").await?;
                tracing::warn!(client.id = %client.id, "a code was used twice: every token of its family has ended");
                Err(TokenError::UnusableGrant.into())
            }
        }
    }

    /// What is usual: nobody has redeemed the code, and nothing speaks against it. `None` where that is not so, or is no
    /// longer when the code is claimed.
    async fn redeem_unclaimed(
        &self,
        digest: &Digest,
        request: &CodeRequest,
        sender: Sender<'_>,
    ) -> Result<Option<TokenResponse>, TokenRefusal> {
        let Sender { client, key: proven_key, .. } = sender;
        let store = self.channel.store();
        let Some(record) = store.unclaimed_code(digest, &client.id).await? else { return Ok(None) };
        let subject = TokenSubject::User(record.user.clone());
        let (read, number) = read_standing(&self.channel, (&record.organization, &record.client, &subject)).await?;
        let standing = standing(&read, &subject);
        let unclaimed = ClaimedCode { record: &record, is_replay: false, proven_key };
        let redeemed = authorization_code::redeem(unclaimed, request, client, &standing, self.now());
        let Ok(Redemption::Issue { family, with_refresh_token }) = redeemed else { return Ok(None) };
        let first = self.first_tokens(&family, with_refresh_token, sender, (&read, &standing))?;
        let is_kept = store.redeem_code((&record, number), *family, first.access, first.refresh).await?;
        Ok(is_kept.then_some(first.answer))
    }
}
