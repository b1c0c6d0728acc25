//! Authorization codes: claimed by their client only, redeemed once.

use countersign_decision::AuthorizationState;
use countersign_domain::client::Client;
use countersign_domain::id::SessionId;
use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::thumbprint::Thumbprint;
use countersign_domain::oauth::token::{RefreshToken, TokenFamily};
use countersign_domain::secret::Digest;
use countersign_domain::user::{User, UserState};
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{ALL, Fixture, NOW, access_token, organization_id, scopes};

pub(crate) struct Issued {
    pub(crate) client: Client,
    user: User,
    pub(crate) family: TokenFamily,
    pub(crate) code: AuthorizationCode,
}

pub(crate) async fn issued(fixture: &Fixture) -> Issued {
    fixture.organization("acme").await;
    let user = fixture.user("acme", "ada").await;
    let client = fixture.client("acme", "App").await;
    let family = fixture.family("acme", &client, &user);
    let code = AuthorizationCode {
        digest: Digest::of(b"code"),
        organization: organization_id("acme"),
        client: client.id.clone(),
        user: user.id.clone(),
        family: family.id.clone(),
        redirect_uri: Some("https://app.test/callback".to_owned()),
        code_challenge: Some("x".repeat(43)),
        resources: vec!["https://api.example".to_owned()],
        dpop_key: Some(Thumbprint::of(b"key")),
        ceiling: Some(scopes(&["users"])),
        session: Some(SessionId::parse("sid").unwrap()),
        identity: None,
        authentication: Authentication::by_password(NOW),
        issued_at: NOW,
        expires_at: NOW.plus_seconds(60),
    };
    fixture.system(SystemTask::Authorize).save_code(&code).await.unwrap();
    Issued { client, user, family, code }
}

fn refresh_token(family: &TokenFamily) -> RefreshToken {
    RefreshToken {
        digest: Digest::of(b"refresh"),
        family: family.id.clone(),
        generation: 0,
        issued_at: NOW,
        rotated_at: None,
        expires_at: NOW.plus_seconds(86_400),
    }
}

both! {
    async fn a_code_is_redeemed_for_the_tokens_of_its_family(fixture) {
        let Issued { client, family, code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        assert_eq!((claim.record(), claim.is_replay()), (&code, false));
        claim.save(&family, &access_token("access", &family), Some(&refresh_token(&family))).await.unwrap();
        let bearer = system.bearer(&Digest::of(b"access")).await.unwrap().unwrap();
        assert_eq!((bearer.family, bearer.is_revoked), (family.id, false));
    }

    async fn c09_a_code_presented_by_another_client_stays_usable_for_its_own(fixture) {
        let Issued { client, family, code, .. } = issued(fixture).await;
        let thief = fixture.client("acme", "Thief").await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        for _ in 0..3 {
            assert!(system.claim_code(&code.digest, &thief.id).await.unwrap().is_none());
        }
        let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        assert!(!claim.is_replay());
        claim.save(&family, &access_token("access", &family), None).await.unwrap();
        assert!(system.claim_code(&code.digest, &thief.id).await.unwrap().is_none(), "nor does a thief cause a replay");
        assert!(!system.bearer(&Digest::of(b"access")).await.unwrap().unwrap().is_revoked);
    }

    async fn a_claim_that_is_dropped_did_not_happen(fixture) {
        let Issued { client, family, code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        for _ in 0..3 {
            let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
            assert!(!claim.is_replay());
            drop(claim);
        }
        let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        claim.save(&family, &access_token("access", &family), None).await.unwrap();
    }

    async fn c11_a_replayed_code_can_end_every_token_of_its_family_and_leaves_a_record(fixture) {
        let Issued { client, family, code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        claim.save(&family, &access_token("access", &family), Some(&refresh_token(&family))).await.unwrap();

        let replay = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        assert!(replay.is_replay());
        replay.revoke_family("code replayed").await.unwrap();

        assert!(system.bearer(&Digest::of(b"access")).await.unwrap().unwrap().is_revoked);
        let refresh = system.claim_refresh(&Digest::of(b"refresh"), &client.id).await.unwrap().unwrap();
        assert!(!refresh.is_family_live());
        drop(refresh);
        let audit = fixture.org("acme").audit(ALL).await.unwrap().items;
        let entry = audit.iter().find(|entry| entry.action == "token_family.revoke").unwrap();
        assert_eq!((entry.actor.as_str(), entry.after["reason"].as_str()), ("token-endpoint", Some("code replayed")));
    }

    async fn c12_a_replay_that_is_dropped_ends_nothing(fixture) {
        let Issued { client, family, code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        claim.save(&family, &access_token("access", &family), None).await.unwrap();
        drop(system.claim_code(&code.digest, &client.id).await.unwrap().unwrap());
        assert!(!system.bearer(&Digest::of(b"access")).await.unwrap().unwrap().is_revoked);
    }

    async fn a_replay_saves_no_tokens(fixture) {
        let Issued { client, user, family, code } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        claim.save(&family, &access_token("first", &family), None).await.unwrap();
        let replay = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        let outcome = replay.save(&family, &access_token("second", &family), None).await;
        assert!(matches!(outcome, Err(StoreError::Conflict { .. })), "{outcome:?}");
        assert_eq!(system.bearer(&Digest::of(b"second")).await.unwrap(), None);
        let _ = user;
    }

    async fn a_code_gives_no_tokens_of_another_family(fixture) {
        let Issued { client, user, code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let other = fixture.family("acme", &client, &user);
        let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        let outcome = claim.save(&other, &access_token("access", &other), None).await;
        assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    }

    async fn c14_of_a_hundred_parallel_redemptions_one_succeeds(fixture) {
        let Issued { client, family, code, .. } = issued(fixture).await;
        let redemptions = (0..100).map(|number| {
            let (store, code, client, family) = (fixture.store.clone(), code.digest, client.id.clone(), family.clone());
            tokio::spawn(async move {
                let entropy = countersign_domain::entropy::SeededEntropy::new(number);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                let claim = system.claim_code(&code, &client).await.unwrap().unwrap();
                if claim.is_replay() {
                    return false;
                }
                tokio::task::yield_now().await;
                claim.save(&family, &access_token(&format!("access {number}"), &family), None).await.unwrap();
                true
            })
        });
        let mut successes = 0;
        for redemption in redemptions.collect::<Vec<_>>() {
            successes += i32::from(redemption.await.unwrap());
        }
        assert_eq!(successes, 1);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM access_tokens WHERE org_id = 'acme'").await, 1);
    }

    async fn a_claim_sees_where_user_and_app_stand_now(fixture) {
        let Issued { client, code, .. } = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let mut claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        let standing = claim.standing().await.unwrap();
        assert_eq!((standing.user.map(|user| user.state), standing.grant), (Some(UserState::Active), None));
        assert_eq!(standing.organization.id, organization_id("acme"));
        drop(claim);
        fixture.org("acme").deny(&client.id, "").await.unwrap();
        let mut claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
        let grant = claim.standing().await.unwrap().grant.unwrap();
        assert_eq!(grant.state, AuthorizationState::Denied);
    }

    async fn c41_a_code_dies_with_its_user(fixture) {
        let Issued { client, user, code, .. } = issued(fixture).await;
        fixture.org("acme").delete_user(&user.id).await.unwrap();
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert!(system.claim_code(&code.digest, &client.id).await.unwrap().is_none());
    }
}
