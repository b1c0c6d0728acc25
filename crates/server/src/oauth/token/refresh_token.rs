//! The refresh token grant at the token endpoint (RFC 6749 §6).

use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::grant::refresh_token::{self, ClaimedRefreshToken, Renewal};
use countersign_domain::oauth::openid::id_token::Occasion;
use countersign_domain::oauth::scopes::Standing;
use countersign_domain::oauth::token::{AccessToken, Extent, RefreshToken, TokenFamily, TokenResponse};
use countersign_domain::oauth::token_request::RefreshRequest;
use countersign_domain::secret::{Digest, Secret, SecretKind};
use countersign_store::token::{ClaimStanding, PresentedRefreshToken};

use super::{Sender, TokenEndpoint};
use crate::http::error::TokenRefusal;
use crate::oauth::standing::{read_standing, standing};

impl TokenEndpoint {
    /// RFC 6749 §6
    pub(super) async fn renew(
        &self,
        request: &RefreshRequest,
        sender: Sender<'_>,
    ) -> Result<TokenResponse, TokenRefusal> {
        let Sender { client, key: proven_key, .. } = sender;
        let presented = &request.refresh_token;
        let token = Secret::parse(SecretKind::RefreshToken, presented).ok_or(TokenError::UnusableGrant)?;
        if let Some(answer) = self.renew_unreplaced(&token.digest(), request, sender).await? {
            return Ok(answer);
        }
        let store = self.channel.store();
        let claim = store.claim_refresh(&token.digest(), &client.id).await?;
        let mut claim = claim.ok_or(TokenError::UnusableGrant)?;
        let read = claim.standing().await?;
        let standing = standing(&read, &claim.family().subject);
        let claimed = ClaimedRefreshToken {
            record: claim.record(),
            family: claim.family(),
            is_family_live: claim.is_family_live(),
            newest_generation: claim.newest_generation(),
            proven_key,
        };
        let renewal =
            refresh_token::redeem(claimed, request, client, &standing, &|scope| self.is_known(scope), self.now())?;
        let family = claim.family().clone();
        match renewal {
            Renewal::Keep { extent, refresh_expires_at } => {
                let (access, answer) = self.renewed(&family, extent, sender, (&read, &standing), presented)?;
                claim.keep(&access, refresh_expires_at).await?;
                Ok(answer)
            }
            Renewal::Rotate { extent, generation, refresh_expires_at } => {
                let (refresh, kept) =
                    RefreshToken::issue(&family.id, generation, refresh_expires_at, self.now(), self.entropy());
                let (access, answer) = self.renewed(&family, extent, sender, (&read, &standing), refresh.expose())?;
                claim.rotate(&access, &kept).await?;
                Ok(answer)
            }
            Renewal::Reuse => {
                claim.revoke_family("a replaced refresh token was used").await?;
                tracing::warn!(client.id = %client.id, "a replaced refresh token was used: its family has ended");
                Err(TokenError::UnusableGrant.into())
            }
        }
    }

    /// What is usual: nobody has replaced the token, and nothing speaks against it. `None` where that is not so, or is no
    /// longer when the token is claimed.
    async fn renew_unreplaced(
        &self,
        digest: &Digest,
        request: &RefreshRequest,
        sender: Sender<'_>,
    ) -> Result<Option<TokenResponse>, TokenRefusal> {
        let Sender { client, key: proven_key, .. } = sender;
        let store = self.channel.store();
        let presented = store.presented_refresh_token(digest, &client.id).await?;
        let Some(presented) = presented.filter(|presented| presented.record.rotated_at.is_none()) else {
            return Ok(None);
        };
        let PresentedRefreshToken { record, family, is_family_live, newest_generation } = &presented;
        let whom = (&family.organization, &family.client, &family.subject);
        let (read, number) = read_standing(&self.channel, whom).await?;
        let standing = standing(&read, &family.subject);
        let unclaimed = ClaimedRefreshToken {
            record,
            family,
            is_family_live: *is_family_live,
            newest_generation: *newest_generation,
            proven_key,
        };
        let known = |scope: &_| self.is_known(scope);
        let (is_kept, answer) = match refresh_token::redeem(unclaimed, request, client, &standing, &known, self.now()) {
            Ok(Renewal::Keep { extent, refresh_expires_at }) => {
                let kept = &request.refresh_token;
                let (access, answer) = self.renewed(family, extent, sender, (&read, &standing), kept)?;
                (store.keep_refresh_token((&presented, number), access, refresh_expires_at).await?, answer)
            }
            Ok(Renewal::Rotate { extent, generation, refresh_expires_at }) => {
                let (refresh, kept) =
                    RefreshToken::issue(&family.id, generation, refresh_expires_at, self.now(), self.entropy());
                let (access, answer) = self.renewed(family, extent, sender, (&read, &standing), refresh.expose())?;
                (store.rotate_refresh_token((&presented, number), access, kept).await?, answer)
            }
            Ok(Renewal::Reuse) | Err(_) => return Ok(None),
        };
        Ok(is_kept.then_some(answer))
    }

    /// What is kept of the new access token, and the answer that hands it out with `refresh`.
    fn renewed(
        &self,
        family: &TokenFamily,
        extent: Extent,
        sender: Sender<'_>,
        (read, standing): (&ClaimStanding, &Standing),
        refresh: &str,
    ) -> Result<(AccessToken, TokenResponse), TokenRefusal> {
        let client = sender.client;
        let terms = sender.terms(extent, &family.resources)?;
        let (access, record) = self.access_token((family, &[]), terms, client, standing)?;
        let id_token = self.id_token((client, family, read), (&access, &record), Occasion::Refresh)?;
        let answer = TokenResponse::new(&access, &record, Some(refresh), standing).with_id_token(id_token);
        Ok((record, answer))
    }
}
