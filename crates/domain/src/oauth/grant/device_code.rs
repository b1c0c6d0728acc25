//! The device authorization grant (RFC 8628 §3.4, §3.5): the device polls until a person has said yes or no.

use crate::client::{Client, GrantType};
use crate::oauth::device_authorization::{DeviceApproval, DeviceCode, Verdict};
use crate::oauth::error::TokenError;
use crate::oauth::scopes::Standing;
use crate::oauth::thumbprint::Thumbprint;
use crate::oauth::token::{TokenFamily, TokenSubject};
use crate::time::Timestamp;

/// RFC 8628 §3.4
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 8628 §3.5: by how much a device that asks too often has to wait longer, from then on.
pub const SLOW_DOWN_SECONDS: i64 = 5;

/// A device code as the store claimed it for this client: nobody else can claim it until the claim is kept or dropped.
#[derive(Debug, Clone, Copy)]
pub struct ClaimedDeviceCode<'a> {
    /// What was kept of it.
    pub record: &'a DeviceCode,
    /// When it was presented before this time.
    pub last_polled_at: Option<Timestamp>,
    /// Whether it had been redeemed before.
    pub is_replay: bool,
    /// The key that the token request proved (RFC 9449).
    pub proven_key: Option<Thumbprint>,
}

/// What comes of a device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has said anything; the answer is [`TokenError::AuthorizationPending`].
    Wait,
    /// The same, and asked too soon: the device must wait so many seconds each time from now on; the answer is
    /// [`TokenError::SlowDown`].
    SlowDown {
        /// The new interval.
        interval_seconds: i64,
    },
    /// Tokens of this new family, with a refresh token if asked for.
    Issue {
        /// The family to begin.
        family: Box<TokenFamily>,
        /// Whether a refresh token comes with it.
        with_refresh_token: bool,
    },
    /// It was redeemed before, so somebody else has seen it: every token of its family ends, and the answer is
    /// [`TokenError::UnusableGrant`].
    Replay,
}

/// Answers to a device code that the store has claimed for the authenticated `client`. `standing` is that of the person who
/// let the device in, once somebody has.
///
/// # Errors
/// The claim is then dropped, and the code is as if it had not been presented.
pub fn redeem(
    code: ClaimedDeviceCode<'_>,
    client: &Client,
    standing: Option<&Standing>,
    now: Timestamp,
) -> Result<Poll, TokenError> {
    let record = code.record;
    // RFC 6749 §5.2: unauthorized_client.
    if !client.has_grant(GrantType::DeviceCode) {
        return Err(TokenError::GrantTypeNotRegistered(GrantType::DeviceCode));
    }
    // RFC 8628 §3.4: the code was issued to the authenticated client (C48).
    if record.client != client.id {
        return Err(TokenError::UnusableGrant);
    }
    // RFC 9449 §10, likewise for the key that asked.
    if record.request.dpop_key.is_some() && record.request.dpop_key != code.proven_key {
        return Err(TokenError::KeyDiffers);
    }
    // As for authorization codes: a thief who was first loses what was stolen.
    if code.is_replay {
        return Ok(Poll::Replay);
    }
    // §3.5: expired_token, whatever a person has said.
    if now >= record.expires_at {
        return Err(TokenError::DeviceCodeExpired);
    }
    match &record.verdict {
        Verdict::Pending => Ok(pending(code, now)),
        // §3.5: access_denied
        Verdict::Denied => Err(TokenError::DeviceDenied),
        Verdict::Approved(approval) => {
            // Model page: user, organization and app are looked at now, not when the person said yes.
            if !standing.is_some_and(|standing| standing.leaves_something(approval.ceiling.as_deref())) {
                return Err(TokenError::NoLongerAuthorized);
            }
            Ok(Poll::Issue {
                family: Box::new(family_of(code, approval, client, now)),
                with_refresh_token: client.has_grant(GrantType::RefreshToken),
            })
        }
    }
}

/// §3.5: slow_down is a variant of authorization_pending.
fn pending(code: ClaimedDeviceCode<'_>, now: Timestamp) -> Poll {
    let interval = code.record.interval_seconds;
    let is_too_soon = code.last_polled_at.is_some_and(|last| now < last.plus_seconds(interval));
    if is_too_soon { Poll::SlowDown { interval_seconds: interval + SLOW_DOWN_SECONDS } } else { Poll::Wait }
}

fn family_of(code: ClaimedDeviceCode<'_>, approval: &DeviceApproval, client: &Client, now: Timestamp) -> TokenFamily {
    TokenFamily {
        id: approval.family.clone(),
        organization: approval.organization.clone(),
        client: client.id.clone(),
        subject: TokenSubject::User(approval.user.clone()),
        ceiling: approval.ceiling.clone(),
        resources: code.record.request.resources.clone(),
        // RFC 9449 §5: refresh tokens of public clients are bound; a confidential client's are bound by how it authenticates.
        dpop_key: code.proven_key.filter(|_| !client.is_confidential),
        session: None,
        identity: approval.identity.clone(),
        authentication: approval.authentication.clone(),
        created_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ClientId;
    use crate::oauth::device_authorization::DeviceRequest;
    use crate::oauth::samples::{ISSUED, acme, ada, client, family, scopes, standing};
    use crate::oauth::scopes::AppStanding;
    use crate::secret::Digest;

    fn device_client() -> Client {
        Client { grant_types: vec![GrantType::DeviceCode, GrantType::RefreshToken], is_confidential: false, ..client() }
    }

    fn approved() -> Verdict {
        let identity = None;
        Verdict::Approved(Box::new(DeviceApproval {
            organization: acme(),
            user: ada(),
            family: family().id,
            ceiling: Some(scopes(&["users"])),
            identity,
            authentication: None,
        }))
    }

    fn code(verdict: Verdict) -> DeviceCode {
        let request = DeviceRequest { protocol_scopes: vec![], scopes: None, resources: vec![], dpop_key: None };
        DeviceCode {
            digest: Digest::of(b"device"),
            user_code: Digest::of(b"user"),
            client: client().id,
            request,
            verdict,
            interval_seconds: 5,
            issued_at: ISSUED,
            expires_at: ISSUED.plus_seconds(600),
        }
    }

    fn claimed(record: &DeviceCode) -> ClaimedDeviceCode<'_> {
        ClaimedDeviceCode { record, last_polled_at: None, is_replay: false, proven_key: None }
    }

    fn at(code: ClaimedDeviceCode<'_>, seconds: i64) -> Result<Poll, TokenError> {
        let standing = standing(AppStanding::Authorized(scopes(&["users"])));
        redeem(code, &device_client(), Some(&standing), ISSUED.plus_seconds(seconds))
    }

    #[test]
    fn c46_a_device_waits_and_whoever_asks_too_soon_waits_five_seconds_longer() {
        let code = code(Verdict::Pending);
        assert_eq!(at(claimed(&code), 0), Ok(Poll::Wait));
        let again = ClaimedDeviceCode { last_polled_at: Some(ISSUED), ..claimed(&code) };
        assert_eq!(at(again, 4), Ok(Poll::SlowDown { interval_seconds: 10 }));
        assert_eq!(at(again, 5), Ok(Poll::Wait));
        let slowed = DeviceCode { interval_seconds: 10, ..code.clone() };
        let again = ClaimedDeviceCode { record: &slowed, ..again };
        assert_eq!(at(again, 9), Ok(Poll::SlowDown { interval_seconds: 15 }));
    }

    #[test]
    fn c46_a_denied_and_an_expired_code_have_codes_of_their_own() {
        let error = |verdict, seconds| at(claimed(&code(verdict)), seconds).unwrap_err().code().as_str();
        assert_eq!(error(Verdict::Denied, 1), "access_denied");
        for verdict in [Verdict::Pending, Verdict::Denied, approved()] {
            assert_eq!(error(verdict, 600), "expired_token");
        }
    }

    #[test]
    fn an_approved_code_gives_tokens_of_the_person_who_approved_even_to_an_impatient_device() {
        let code = code(approved());
        let impatient = ClaimedDeviceCode { last_polled_at: Some(ISSUED), ..claimed(&code) };
        let Ok(Poll::Issue { family, with_refresh_token: true }) = at(impatient, 1) else { panic!("no tokens") };
        assert_eq!((family.subject, family.session), (TokenSubject::User(ada()), None));
        assert_eq!((family.organization, family.ceiling), (acme(), Some(scopes(&["users"]))));
    }

    #[test]
    fn c48_another_clients_code_is_refused_and_a_second_redemption_is_a_replay() {
        let foreign = DeviceCode { client: ClientId::parse("other").unwrap(), ..code(approved()) };
        assert_eq!(at(claimed(&foreign), 1), Err(TokenError::UnusableGrant));
        let code = code(approved());
        let replay = ClaimedDeviceCode { is_replay: true, ..claimed(&code) };
        for seconds in [1, 601] {
            assert_eq!(at(replay, seconds), Ok(Poll::Replay));
        }
    }

    #[test]
    fn c60_a_code_that_was_asked_for_with_a_key_needs_its_proof() {
        let key = Some(Thumbprint::of(b"key"));
        let mut record = code(approved());
        record.request.dpop_key = key;
        for (proven_key, is_good) in [(None, false), (Some(Thumbprint::of(b"other")), false), (key, true)] {
            let outcome = at(ClaimedDeviceCode { proven_key, ..claimed(&record) }, 1);
            assert_eq!(outcome.is_ok(), is_good, "{outcome:?}");
        }
    }

    #[test]
    fn c41_what_was_approved_gives_nothing_once_the_app_or_the_person_is_refused() {
        let code = code(approved());
        let now = ISSUED.plus_seconds(1);
        let inactive = Standing { is_subject_active: false, ..standing(AppStanding::Unbounded) };
        for standing in [standing(AppStanding::Refused), standing(AppStanding::Authorized(vec![])), inactive] {
            let outcome = redeem(claimed(&code), &device_client(), Some(&standing), now);
            assert_eq!(outcome, Err(TokenError::NoLongerAuthorized));
        }
        assert_eq!(redeem(claimed(&code), &device_client(), None, now), Err(TokenError::NoLongerAuthorized));
    }

    #[test]
    fn c05_a_client_that_is_not_registered_for_the_grant_is_refused() {
        let refused = redeem(claimed(&code(approved())), &client(), None, ISSUED).unwrap_err();
        assert_eq!(refused.code().as_str(), "unauthorized_client");
    }
}
