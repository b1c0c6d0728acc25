//! The refresh token grant (RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! Confidential clients keep their refresh token: their secret binds it. So do public clients with a DPoP key. Others get a new one with each use, and
//! the old one is good for ten more seconds, once removed: a lost answer must not lock a person out. Whoever uses an
//! older one has stolen it, or was stolen from, and the whole family ends.

use countersign_decision::Scope;

use crate::client::{Client, GrantType};
use crate::oauth::error::{TokenError, quotable};
use crate::oauth::openid::protocol_scope::RequestedScopes;
use crate::oauth::scopes::Standing;
use crate::oauth::thumbprint::Thumbprint;
use crate::oauth::token::{Extent, RefreshToken, TokenFamily};
use crate::oauth::token_request::RefreshRequest;
use crate::time::Timestamp;

/// How long a replaced refresh token can be used again, in seconds: the time of a lost answer and its repetition.
pub const ROTATION_GRACE_SECONDS: i64 = 10;
/// How long a refresh token lives when it is not used, in seconds.
pub const REFRESH_IDLE_SECONDS: i64 = 30 * 24 * 60 * 60;
/// How long a family can be refreshed, in seconds; then people sign in again.
pub const FAMILY_ABSOLUTE_SECONDS: i64 = 365 * 24 * 60 * 60;

/// A refresh token as the store claimed it for this client.
#[derive(Debug, Clone, Copy)]
pub struct ClaimedRefreshToken<'a> {
    /// What was kept of it.
    pub record: &'a RefreshToken,
    /// What it belongs to.
    pub family: &'a TokenFamily,
    /// Whether the family has not been ended.
    pub is_family_live: bool,
    /// The highest generation among the family's refresh tokens.
    pub newest_generation: i64,
    /// The key that the token request proved (RFC 9449).
    pub proven_key: Option<Thumbprint>,
}

/// What comes of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// A new access token; the refresh token stays.
    Keep {
        /// What the new access token may be used for.
        extent: Extent,
        /// When the refresh token now ends if it is not used.
        refresh_expires_at: Timestamp,
    },
    /// A new access token and a new refresh token of the next generation; this one begins its grace time, if it has not.
    Rotate {
        /// What the new access token may be used for; the refresh token keeps the family's (C39).
        extent: Extent,
        /// The generation of the new refresh token.
        generation: i64,
        /// When the new refresh token ends if it is not used.
        refresh_expires_at: Timestamp,
    },
    /// RFC 9700 §4.14.2: a replaced token was used: every token of the family ends, and the answer is
    /// [`TokenError::UnusableGrant`].
    Reuse,
}

/// Renews by a refresh token that the store has claimed for the authenticated `client`.
///
/// # Errors
/// The claim is then dropped, and the token is as if it had not been presented.
pub fn redeem(
    token: ClaimedRefreshToken<'_>,
    request: &RefreshRequest,
    client: &Client,
    standing: &Standing,
    is_known: &dyn Fn(&Scope) -> bool,
    now: Timestamp,
) -> Result<Renewal, TokenError> {
    // RFC 6749 §5.2: unauthorized_client.
    if !client.has_grant(GrantType::RefreshToken) {
        return Err(TokenError::GrantTypeNotRegistered(GrantType::RefreshToken));
    }
    // RFC 6749 §6: validate the refresh token and that it was issued to this client.
    if token.family.client != client.id || !token.is_family_live {
        return Err(TokenError::UnusableGrant);
    }
    // RFC 9449 §5: a bound refresh token is of no use without its key; who lacks it cannot end the family either (C59).
    if token.family.dpop_key.is_some() && token.family.dpop_key != token.proven_key {
        return Err(TokenError::UnusableGrant);
    }
    // RFC 9700 §4.14.2: before its expiry is looked at, so that an old stolen token still betrays the theft.
    if is_reuse(token, now) {
        return Ok(Renewal::Reuse);
    }
    // RFC 9700 §4.14.2: refresh tokens SHOULD expire if they are not used for some time.
    let absolute_end = token.family.created_at.plus_seconds(FAMILY_ABSOLUTE_SECONDS);
    if now >= token.record.expires_at || now >= absolute_end {
        return Err(TokenError::UnusableGrant);
    }
    // Model page: a refresh never gives what the organization has taken away (C40, C41).
    if !standing.leaves_something(token.family.ceiling.as_deref()) {
        return Err(TokenError::NoLongerAuthorized);
    }
    let extent = narrowed(token.family.extent(), request.scope.as_deref(), standing, is_known)?;
    let refresh_expires_at = absolute_end.min(now.plus_seconds(REFRESH_IDLE_SECONDS));
    // RFC 9700 §4.14.2: rotation, or a binding to the sender: its secret, or its key.
    if client.is_confidential || token.family.dpop_key.is_some() {
        return Ok(Renewal::Keep { extent, refresh_expires_at });
    }
    Ok(Renewal::Rotate { extent, generation: token.record.generation + 1, refresh_expires_at })
}

/// Whether the token was replaced longer ago than its grace time, or a successor of its generation's has been used: then
/// two parties hold tokens of this family. Ten seconds forgive one lost answer, not a fork (C35, C37).
fn is_reuse(token: ClaimedRefreshToken<'_>, now: Timestamp) -> bool {
    match token.record.rotated_at {
        None => token.newest_generation > token.record.generation,
        Some(rotated_at) => {
            now >= rotated_at.plus_seconds(ROTATION_GRACE_SECONDS)
                || token.newest_generation > token.record.generation + 1
        }
    }
}

/// RFC 6749 §6: the requested scope MUST NOT include any scope not originally granted.
fn narrowed(
    granted: Extent,
    requested: Option<&str>,
    standing: &Standing,
    is_known: &dyn Fn(&Scope) -> bool,
) -> Result<Extent, TokenError> {
    let Some(requested) = requested else { return Ok(granted) };
    let RequestedScopes { protocol, contract } = RequestedScopes::parse(requested, is_known)?;
    let is_wider = |scope: &&Scope| granted.ceiling.as_ref().is_some_and(|ceiling| !ceiling.contains(scope));
    let wider = protocol.iter().find(|scope| !granted.protocol.contains(scope)).map(|scope| scope.as_str());
    if let Some(wider) = wider.or_else(|| contract.iter().find(is_wider).map(Scope::as_str)) {
        return Err(TokenError::ScopeWidened(quotable(wider)));
    }
    match standing.unauthorized(&contract) {
        Some(scope) => Err(TokenError::UnauthorizedScope(quotable(scope.as_str()))),
        None => Ok(Extent { ceiling: Some(contract), protocol }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ClientId;
    use crate::oauth::openid::identity::Identity;
    use crate::oauth::openid::protocol_scope::ProtocolScope;
    use crate::oauth::samples::{ISSUED, client, family, identity, public_client, refresh_token, scopes, standing};
    use crate::oauth::scopes::AppStanding;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn request(scope: Option<&str>) -> RefreshRequest {
        RefreshRequest { refresh_token: Zeroizing::new("refresh".to_owned()), scope: scope.map(str::to_owned) }
    }

    struct Case {
        record: RefreshToken,
        family: TokenFamily,
        is_family_live: bool,
        newest_generation: i64,
        proven_key: Option<Thumbprint>,
        client: Client,
        standing: Standing,
    }

    impl Case {
        fn of(client: Client) -> Self {
            let standing = standing(AppStanding::Unbounded);
            Self {
                record: refresh_token(),
                family: family(),
                is_family_live: true,
                newest_generation: 0,
                proven_key: None,
                client,
                standing,
            }
        }

        fn redeem(&self, scope: Option<&str>, now: Timestamp) -> Result<Renewal, TokenError> {
            let token = ClaimedRefreshToken {
                record: &self.record,
                family: &self.family,
                is_family_live: self.is_family_live,
                newest_generation: self.newest_generation,
                proven_key: self.proven_key,
            };
            redeem(
                token,
                &request(scope),
                &self.client,
                &self.standing,
                &|scope| ProtocolScope::parse(scope.as_str()).is_none(),
                now,
            )
        }
    }

    #[test]
    fn a_confidential_client_keeps_its_refresh_token() {
        let kept = Case::of(client()).redeem(None, ISSUED.plus_seconds(60)).unwrap();
        assert_eq!(
            kept,
            Renewal::Keep {
                extent: Extent::default(),
                refresh_expires_at: ISSUED.plus_seconds(60 + REFRESH_IDLE_SECONDS)
            }
        );
    }

    #[test]
    fn c32_a_token_of_another_client_is_refused_and_ends_nothing() {
        let mut case = Case::of(public_client());
        case.client.id = ClientId::parse("other").unwrap();
        case.record.rotated_at = Some(ISSUED);
        assert_eq!(case.redeem(None, ISSUED.plus_seconds(60)), Err(TokenError::UnusableGrant));
    }

    #[test]
    fn c59_a_bound_token_of_a_public_client_is_kept_and_needs_its_key() {
        let mut case = Case::of(public_client());
        case.family.dpop_key = Some(Thumbprint::of(b"mine"));
        case.record.rotated_at = Some(ISSUED);
        for wrong in [None, Some(Thumbprint::of(b"other"))] {
            case.proven_key = wrong;
            assert_eq!(case.redeem(None, ISSUED.plus_seconds(60)), Err(TokenError::UnusableGrant), "nothing ends");
        }
        case.record.rotated_at = None;
        case.proven_key = case.family.dpop_key;
        assert!(matches!(case.redeem(None, ISSUED), Ok(Renewal::Keep { .. })));
    }

    #[test]
    fn c33_a_public_client_gets_the_next_generation_on_each_use() {
        let rotated = Case::of(public_client()).redeem(None, ISSUED).unwrap();
        assert!(matches!(rotated, Renewal::Rotate { generation: 1, .. }));
    }

    #[test]
    fn c34_a_replaced_token_used_after_the_grace_time_ends_the_family() {
        let mut case = Case::of(public_client());
        case.record.rotated_at = Some(ISSUED);
        case.newest_generation = 1;
        assert_eq!(case.redeem(None, ISSUED.plus_seconds(10)), Ok(Renewal::Reuse));
        assert_eq!(case.redeem(None, ISSUED.plus_seconds(1_000_000)), Ok(Renewal::Reuse));
    }

    #[test]
    fn c35_a_replaced_token_is_good_again_inside_ten_seconds_one_level_back() {
        let mut case = Case::of(public_client());
        case.record.rotated_at = Some(ISSUED);
        case.newest_generation = 1;
        let again = case.redeem(None, ISSUED.plus_seconds(9));
        assert!(matches!(again, Ok(Renewal::Rotate { generation: 1, .. })));
        case.newest_generation = 2;
        assert_eq!(case.redeem(None, ISSUED.plus_seconds(9)), Ok(Renewal::Reuse));
    }

    #[test]
    fn c37_the_branch_that_was_left_behind_ends_the_family() {
        let mut unused_sibling = Case::of(public_client());
        unused_sibling.record.generation = 1;
        unused_sibling.newest_generation = 2;
        assert_eq!(unused_sibling.redeem(None, ISSUED), Ok(Renewal::Reuse));
    }

    #[test]
    fn a_token_of_an_ended_family_is_refused() {
        let mut case = Case::of(client());
        case.is_family_live = false;
        assert_eq!(case.redeem(None, ISSUED), Err(TokenError::UnusableGrant));
    }

    #[test]
    fn c38_widening_is_refused() {
        let mut case = Case::of(client());
        case.family.ceiling = Some(scopes(&["users:readonly"]));
        assert_eq!(case.redeem(Some("users"), ISSUED), Err(TokenError::ScopeWidened("users".into())));
        case.family.ceiling = None;
        case.standing = standing(AppStanding::Authorized(scopes(&["users:readonly"])));
        assert_eq!(case.redeem(Some("users"), ISSUED), Err(TokenError::UnauthorizedScope("users".into())));
    }

    #[test]
    fn c39_narrowing_concerns_the_access_token_only() {
        let mut case = Case::of(client());
        case.family.ceiling = Some(scopes(&["users", "oauth"]));
        let ceiling_of = |renewal| match renewal {
            Ok(Renewal::Keep { extent, .. }) => extent.ceiling,
            other => panic!("{other:?}"),
        };
        assert_eq!(ceiling_of(case.redeem(Some("users"), ISSUED)), Some(scopes(&["users"])));
        assert_eq!(ceiling_of(case.redeem(None, ISSUED)), Some(scopes(&["users", "oauth"])));
    }

    #[test]
    fn c38_c39_protocol_scopes_are_narrowed_and_not_widened_too() {
        let mut case = Case::of(client());
        case.family.identity = Some(Identity { scopes: vec![ProtocolScope::OpenId], ..identity() });
        case.family.ceiling = Some(scopes(&["users"]));
        let extent_of = |scope| match case.redeem(scope, ISSUED) {
            Ok(Renewal::Keep { extent, .. }) => Ok(extent),
            Err(error) => Err(error),
            other => panic!("{other:?}"),
        };
        assert_eq!(extent_of(None), Ok(case.family.extent()));
        assert_eq!(extent_of(Some("users")), Ok(Extent { ceiling: Some(scopes(&["users"])), protocol: Vec::new() }));
        assert_eq!(extent_of(Some("openid email")), Err(TokenError::ScopeWidened("email".into())));
    }

    #[test]
    fn c40_nothing_is_renewed_when_no_scope_is_left() {
        let mut case = Case::of(client());
        case.family.ceiling = Some(scopes(&["users"]));
        for app in [AppStanding::Refused, AppStanding::NotAuthorized, AppStanding::Authorized(scopes(&["oauth"]))] {
            case.standing = standing(app);
            assert_eq!(case.redeem(None, ISSUED), Err(TokenError::NoLongerAuthorized));
        }
    }

    #[test]
    fn c41_an_inactive_user_or_organization_renews_nothing() {
        let mut case = Case::of(client());
        case.standing.is_subject_active = false;
        assert_eq!(case.redeem(None, ISSUED), Err(TokenError::NoLongerAuthorized));
        case.standing = Standing { is_organization_active: false, ..standing(AppStanding::Unbounded) };
        assert_eq!(case.redeem(None, ISSUED), Err(TokenError::NoLongerAuthorized));
    }

    #[test]
    fn c42_idle_and_absolute_expiry_are_refused() {
        let mut case = Case::of(client());
        assert_eq!(case.redeem(None, case.record.expires_at), Err(TokenError::UnusableGrant));
        case.record.expires_at = Timestamp::from_seconds(i64::MAX);
        let end = ISSUED.plus_seconds(FAMILY_ABSOLUTE_SECONDS);
        assert_eq!(case.redeem(None, end), Err(TokenError::UnusableGrant));
        let Ok(Renewal::Keep { refresh_expires_at, .. }) = case.redeem(None, end.plus_seconds(-1)) else { panic!() };
        assert_eq!(refresh_expires_at, end);
    }

    proptest! {
        /// A thief and the owner take turns with the tokens they hold, never longer than the grace time apart: as soon
        /// as a generation has moved on by two, whoever is behind is found out.
        #[test]
        fn c37_two_parties_cannot_both_go_on(generation in 0_i64..5, newest in 0_i64..8, rotated in any::<bool>(), after in 0_i64..20) {
            let mut case = Case::of(public_client());
            case.record.generation = generation;
            case.record.rotated_at = rotated.then_some(ISSUED);
            case.newest_generation = newest.max(generation + i64::from(rotated));
            let behind = case.newest_generation - generation;
            let renewal = case.redeem(None, ISSUED.plus_seconds(after)).unwrap();
            let is_lost_answer = rotated && behind == 1 && after < ROTATION_GRACE_SECONDS;
            prop_assert_eq!(renewal == Renewal::Reuse, !(behind == 0 || is_lost_answer));
        }
    }
}
