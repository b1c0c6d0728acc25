//! Device codes: entered a few times, answered once, polled and redeemed by their client only.

use countersign_domain::client::Client;
use countersign_domain::id::TokenFamilyId;
use countersign_domain::oauth::authentication::{Authentication, PASSWORD_ACR};
use countersign_domain::oauth::device_authorization::{DeviceApproval, DeviceCode, DeviceRequest, Verdict};
use countersign_domain::oauth::openid::identity::Identity;
use countersign_domain::oauth::openid::protocol_scope::ProtocolScope;
use countersign_domain::oauth::thumbprint::Thumbprint;
use countersign_domain::oauth::token::TokenFamily;
use countersign_domain::secret::Digest;
use countersign_domain::user::User;
use countersign_store::token::{DeviceCodeSaved, MAX_OPENINGS, MAX_WAITING_DEVICES};
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{Fixture, NOW, access_token, client_id, organization_id, scopes};

struct Issued {
    client: Client,
    user: User,
    family: TokenFamily,
    code: DeviceCode,
}

fn device_code(name: &str, client: &str) -> DeviceCode {
    DeviceCode {
        digest: Digest::of(format!("device {name}").as_bytes()),
        user_code: Digest::of(name.as_bytes()),
        client: client_id(client),
        request: DeviceRequest {
            protocol_scopes: vec![ProtocolScope::OpenId],
            scopes: Some(scopes(&["users"])),
            resources: vec!["https://api.example".to_owned()],
            dpop_key: Some(Thumbprint::of(b"key")),
        },
        verdict: Verdict::Pending,
        interval_seconds: 5,
        issued_at: NOW,
        expires_at: NOW.plus_seconds(600),
    }
}

async fn issued(fixture: &Fixture) -> Issued {
    fixture.organization("acme").await;
    let user = fixture.user("acme", "ada").await;
    let client = fixture.client("acme", "App").await;
    let family = fixture.family("acme", &client, &user);
    let code = device_code("one", client.id.as_str());
    assert_eq!(fixture.system(SystemTask::TokenEndpoint).save_device_code(&code).await.unwrap(), DeviceCodeSaved::Kept);
    Issued { client, user, family, code }
}

fn approval(family: &TokenFamilyId, user: &User) -> DeviceApproval {
    DeviceApproval {
        organization: organization_id("acme"),
        user: user.id.clone(),
        family: family.clone(),
        ceiling: Some(scopes(&["users"])),
        identity: Some(Identity {
            scopes: vec![ProtocolScope::OpenId],
            nonce: None,
            auth_time: NOW.as_seconds(),
            acr: PASSWORD_ACR.to_owned(),
            id_token_claims: Vec::new(),
            userinfo_claims: Vec::new(),
        }),
        authentication: Some(Authentication::by_password(NOW)),
    }
}

both! {
    async fn a_code_is_opened_approved_and_redeemed_for_the_tokens_of_its_family(fixture) {
        let Issued { client, user, family, code } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert_eq!(system.opened_device_code(&code.user_code).await.unwrap(), None, "nobody has entered it");
        assert_eq!(system.open_device_code(&code.user_code).await.unwrap().as_ref(), Some(&code));
        assert_eq!(system.opened_device_code(&code.user_code).await.unwrap().as_ref(), Some(&code));

        let approval = approval(&family.id, &user);
        assert!(system.approve_device_code(&code.digest, &approval).await.unwrap());
        let mut claim = system.claim_device_code(&code.digest, &client.id).await.unwrap().unwrap();
        assert_eq!(claim.record().verdict, Verdict::Approved(Box::new(approval)));
        assert_eq!(claim.standing().await.unwrap().unwrap().user, Some(user));
        claim.save(&family, &access_token("access", &family), None).await.unwrap();
        assert!(system.bearer(&Digest::of(b"access")).await.unwrap().is_some());
    }

    async fn c46_polls_are_remembered_with_the_interval_only_where_they_are_kept(fixture) {
        let Issued { client, code, .. } = issued(fixture).await;
        let at = |seconds| fixture.at(SystemTask::TokenEndpoint, NOW.plus_seconds(seconds));
        let claim = async |seconds| at(seconds).claim_device_code(&code.digest, &client.id).await.unwrap().unwrap();
        assert_eq!(claim(1).await.last_polled_at(), None);
        let mut first = claim(2).await;
        assert_eq!((first.last_polled_at(), first.standing().await.unwrap()), (None, None), "a dropped claim did not happen");
        first.wait(10).await.unwrap();
        let second = claim(3).await;
        assert_eq!((second.last_polled_at(), second.record().interval_seconds), (Some(NOW.plus_seconds(2)), 10));
    }

    async fn c48_a_code_is_nobody_elses_and_is_redeemed_once(fixture) {
        let Issued { client, user, family, code } = issued(fixture).await;
        let thief = fixture.client("acme", "Thief").await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert!(system.approve_device_code(&code.digest, &approval(&family.id, &user)).await.unwrap());
        assert!(system.claim_device_code(&code.digest, &thief.id).await.unwrap().is_none());
        let claim = system.claim_device_code(&code.digest, &client.id).await.unwrap().unwrap();
        assert!(!claim.is_replay());
        claim.save(&family, &access_token("access", &family), None).await.unwrap();

        let replay = system.claim_device_code(&code.digest, &client.id).await.unwrap().unwrap();
        assert!(replay.is_replay());
        let outcome = replay.save(&family, &access_token("second", &family), None).await;
        assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
        let replay = system.claim_device_code(&code.digest, &client.id).await.unwrap().unwrap();
        replay.revoke_family("used twice").await.unwrap();
        assert!(system.bearer(&Digest::of(b"access")).await.unwrap().unwrap().is_revoked);
    }

    async fn c48_of_twenty_parallel_redemptions_one_succeeds(fixture) {
        let Issued { client, user, family, code } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        system.approve_device_code(&code.digest, &approval(&family.id, &user)).await.unwrap();
        let redeem = async |number: u8| {
            let claim = system.claim_device_code(&code.digest, &client.id).await.unwrap().unwrap();
            if claim.is_replay() {
                return false;
            }
            claim.save(&family, &access_token(&format!("access {number}"), &family), None).await.unwrap();
            true
        };
        let redeemed = crate::wall::join_all((0..20).map(redeem)).await;
        assert_eq!(redeemed.into_iter().filter(|done| *done).count(), 1);
    }

    async fn of_yes_and_no_the_first_counts_and_after_its_end_neither(fixture) {
        let Issued { user, family, code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::Authorize);
        let late = fixture.at(SystemTask::Authorize, NOW.plus_seconds(600));
        let yes = approval(&family.id, &user);
        assert!(!late.approve_device_code(&code.digest, &yes).await.unwrap());
        assert!(!late.deny_device_code(&code.digest).await.unwrap());
        assert_eq!(late.open_device_code(&code.user_code).await.unwrap(), None);
        assert!(system.deny_device_code(&code.digest).await.unwrap());
        assert!(!system.approve_device_code(&code.digest, &yes).await.unwrap());
        assert!(!system.deny_device_code(&code.digest).await.unwrap());
        assert_eq!(system.open_device_code(&code.user_code).await.unwrap(), None);
    }

    async fn c47_a_user_code_is_entered_ten_times_in_total(fixture) {
        let Issued { code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::Authorize);
        for _ in 0..MAX_OPENINGS {
            assert!(system.open_device_code(&code.user_code).await.unwrap().is_some());
        }
        assert_eq!(system.open_device_code(&code.user_code).await.unwrap(), None);
    }

    async fn a_client_has_so_many_codes_waiting_and_no_more_and_no_user_code_twice(fixture) {
        let system = fixture.system(SystemTask::TokenEndpoint);
        for number in 0..MAX_WAITING_DEVICES {
            let saved = system.save_device_code(&device_code(&number.to_string(), "app")).await.unwrap();
            assert_eq!(saved, DeviceCodeSaved::Kept);
        }
        let more = system.save_device_code(&device_code("more", "app")).await.unwrap();
        assert_eq!(more, DeviceCodeSaved::TooMany);
        let twice = DeviceCode { digest: Digest::of(b"another"), ..device_code("1", "other") };
        assert_eq!(system.save_device_code(&twice).await.unwrap(), DeviceCodeSaved::UserCodeTaken);
        let housekeeping = |seconds| fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(seconds));
        assert_eq!(housekeeping(1_199).delete_ended().await.unwrap(), 0, "the device is still told that it has expired");
        assert_eq!(housekeeping(1_200).delete_ended().await.unwrap(), 1_000);
    }

    async fn c41_a_code_that_was_let_in_dies_with_its_user_and_with_its_client(fixture) {
        let Issued { client, user, family, code } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        system.approve_device_code(&code.digest, &approval(&family.id, &user)).await.unwrap();
        fixture.org("acme").revoke_tokens_of_user(&user.id).await.unwrap();
        assert!(system.claim_device_code(&code.digest, &client.id).await.unwrap().is_none());
        let other = DeviceCode { digest: Digest::of(b"other"), ..code };
        system.save_device_code(&other).await.unwrap();
        fixture.org("acme").delete_client(&client.id).await.unwrap();
        assert!(system.claim_device_code(&other.digest, &client.id).await.unwrap().is_none());
    }
}
