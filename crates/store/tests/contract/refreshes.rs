//! Refresh tokens: the facts of each use, and what is written of the decision.

use countersign_domain::client::Client;
use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::thumbprint::Thumbprint;
use countersign_domain::oauth::token::{RefreshToken, TokenFamily};
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use countersign_store::token::RefreshClaim;
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{ALL, Fixture, NOW, access_token, organization_id};

pub(crate) struct Issued {
    pub(crate) client: Client,
    pub(crate) family: TokenFamily,
}

/// A family with the refresh token `r0`.
pub(crate) async fn issued(fixture: &Fixture) -> Issued {
    fixture.organization("acme").await;
    let user = fixture.user("acme", "ada").await;
    let client = fixture.client("acme", "App").await;
    let family = TokenFamily {
        resources: vec!["https://api.example".to_owned()],
        dpop_key: Some(Thumbprint::of(b"key")),
        ..fixture.family("acme", &client, &user)
    };
    let code = countersign_domain::oauth::grant::authorization_code::AuthorizationCode {
        digest: Digest::of(b"code"),
        organization: organization_id("acme"),
        client: client.id.clone(),
        user: user.id.clone(),
        family: family.id.clone(),
        redirect_uri: None,
        code_challenge: None,
        resources: Vec::new(),
        dpop_key: None,
        ceiling: None,
        session: None,
        identity: None,
        authentication: Authentication::by_password(NOW),
        issued_at: NOW,
        expires_at: NOW.plus_seconds(60),
    };
    let system = fixture.system(SystemTask::TokenEndpoint);
    system.save_code(&code).await.unwrap();
    let claim = system.claim_code(&code.digest, &client.id).await.unwrap().unwrap();
    claim.save(&family, &access_token("a0", &family), Some(&refresh_token("r0", &family, 0))).await.unwrap();
    Issued { client, family }
}

fn refresh_token(secret: &str, family: &TokenFamily, generation: i64) -> RefreshToken {
    RefreshToken {
        digest: Digest::of(secret.as_bytes()),
        family: family.id.clone(),
        generation,
        issued_at: NOW,
        rotated_at: None,
        expires_at: NOW.plus_seconds(86_400),
    }
}

async fn claim<'f>(fixture: &'f Fixture, secret: &str, client: &Client, now: Timestamp) -> Option<RefreshClaim<'f>> {
    let system = fixture.at(SystemTask::TokenEndpoint, now);
    system.claim_refresh(&Digest::of(secret.as_bytes()), &client.id).await.unwrap()
}

async fn rotate(fixture: &Fixture, used: &str, successor: &str, issued: &Issued, now: Timestamp) {
    let claim = claim(fixture, used, &issued.client, now).await.unwrap();
    let next = refresh_token(successor, &issued.family, claim.record().generation + 1);
    claim.rotate(&access_token(&format!("a of {successor}"), &issued.family), &next).await.unwrap();
}

both! {
    async fn c32_a_refresh_token_of_another_client_is_unknown(fixture) {
        let issued = issued(fixture).await;
        let thief = fixture.client("acme", "Thief").await;
        assert!(claim(fixture, "r0", &thief, NOW).await.is_none());
        assert!(claim(fixture, "r0", &issued.client, NOW).await.unwrap().is_family_live());
    }

    async fn c33_a_rotation_keeps_both_generations_apart(fixture) {
        let issued = issued(fixture).await;
        rotate(fixture, "r0", "r1", &issued, NOW.plus_seconds(5)).await;
        let newest = claim(fixture, "r1", &issued.client, NOW).await.unwrap();
        assert_eq!((newest.record().generation, newest.record().rotated_at, newest.newest_generation()), (1, None, 1));
        assert_eq!(newest.family(), &issued.family);
        drop(newest);
        let old = claim(fixture, "r0", &issued.client, NOW).await.unwrap();
        let rotated_at = Some(NOW.plus_seconds(5));
        assert_eq!((old.record().generation, old.record().rotated_at, old.newest_generation()), (0, rotated_at, 1));
    }

    async fn c34_reuse_after_the_successor_was_used_shows_and_ends_the_family(fixture) {
        let issued = issued(fixture).await;
        rotate(fixture, "r0", "r1", &issued, NOW).await;
        rotate(fixture, "r1", "r2", &issued, NOW).await;
        let reuse = claim(fixture, "r0", &issued.client, NOW).await.unwrap();
        assert_eq!((reuse.record().generation, reuse.newest_generation()), (0, 2));
        reuse.revoke_family("refresh token reused").await.unwrap();
        let newest = claim(fixture, "r2", &issued.client, NOW).await.unwrap();
        assert!(!newest.is_family_live());
        drop(newest);
        for access in ["a0", "a of r1", "a of r2"] {
            let system = fixture.system(SystemTask::Enforcement);
            assert!(system.bearer(&Digest::of(access.as_bytes())).await.unwrap().unwrap().is_revoked, "{access}");
        }
        let audit = fixture.org("acme").audit(ALL).await.unwrap().items;
        assert!(audit.iter().any(|entry| entry.after["reason"] == "refresh token reused"));
    }

    async fn c35_a_retry_within_the_grace_gives_a_sibling_and_the_first_rotation_counts(fixture) {
        let issued = issued(fixture).await;
        rotate(fixture, "r0", "r1", &issued, NOW).await;
        rotate(fixture, "r0", "r1 again", &issued, NOW.plus_seconds(9)).await;
        let retry = claim(fixture, "r0", &issued.client, NOW.plus_seconds(9)).await.unwrap();
        assert_eq!((retry.record().rotated_at, retry.newest_generation()), (Some(NOW), 1));
        drop(retry);
        for sibling in ["r1", "r1 again"] {
            let sibling = claim(fixture, sibling, &issued.client, NOW).await.unwrap();
            assert_eq!((sibling.record().generation, sibling.newest_generation()), (1, 1));
        }
    }

    async fn c37_the_sibling_that_comes_second_shows_the_fork(fixture) {
        let issued = issued(fixture).await;
        rotate(fixture, "r0", "attacker", &issued, NOW).await;
        rotate(fixture, "r0", "client", &issued, NOW.plus_seconds(1)).await;
        rotate(fixture, "attacker", "attacker 2", &issued, NOW.plus_seconds(2)).await;
        let second = claim(fixture, "client", &issued.client, NOW.plus_seconds(3)).await.unwrap();
        assert_eq!((second.record().generation, second.record().rotated_at, second.newest_generation()), (1, None, 2));
    }

    async fn c36_fifty_parallel_uses_leave_one_live_family_and_no_dead_end(fixture) {
        let issued = issued(fixture).await;
        let uses = (0..50).map(|number| {
            let (store, client, family) = (fixture.store.clone(), issued.client.id.clone(), issued.family.clone());
            tokio::spawn(async move {
                let entropy = countersign_domain::entropy::SeededEntropy::new(number);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                let claim = system.claim_refresh(&Digest::of(b"r0"), &client).await.unwrap().unwrap();
                assert!(claim.newest_generation() <= 1);
                let is_first = claim.record().rotated_at.is_none();
                let next = refresh_token(&format!("r1 of {number}"), &family, 1);
                claim.rotate(&access_token(&format!("a1 of {number}"), &family), &next).await.unwrap();
                is_first
            })
        });
        let mut first = 0;
        for one in uses.collect::<Vec<_>>() {
            first += i32::from(one.await.unwrap());
        }
        assert_eq!(first, 1, "each sees what the one before it wrote");
        assert_eq!(fixture.count("SELECT COUNT(*) FROM token_families WHERE org_id = 'acme'").await, 1);
        let any = claim(fixture, "r1 of 7", &issued.client, NOW).await.unwrap();
        assert!(any.is_family_live() && any.newest_generation() == 1);
    }

    async fn parallel_uses_of_two_siblings_take_turns(fixture) {
        let issued = issued(fixture).await;
        rotate(fixture, "r0", "one", &issued, NOW).await;
        rotate(fixture, "r0", "two", &issued, NOW).await;
        let uses = ["one", "two"].map(|secret| {
            let (store, client, family) = (fixture.store.clone(), issued.client.id.clone(), issued.family.clone());
            tokio::spawn(async move {
                let entropy = countersign_domain::entropy::SeededEntropy::new(1);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                let claim = system.claim_refresh(&Digest::of(secret.as_bytes()), &client).await.unwrap().unwrap();
                let newest = claim.newest_generation();
                let next = refresh_token(&format!("after {secret}"), &family, 2);
                claim.rotate(&access_token(&format!("a after {secret}"), &family), &next).await.unwrap();
                newest
            })
        });
        let mut seen = Vec::new();
        for one in uses {
            seen.push(one.await.unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2], "the second sees the first");
    }

    async fn a_token_that_is_kept_lives_on_and_answers_with_new_access_tokens(fixture) {
        let issued = issued(fixture).await;
        let until = NOW.plus_seconds(1_000_000);
        let claimed = claim(fixture, "r0", &issued.client, NOW).await.unwrap();
        claimed.keep(&access_token("a1", &issued.family), until).await.unwrap();
        let again = claim(fixture, "r0", &issued.client, NOW).await.unwrap();
        assert_eq!((again.record().rotated_at, again.record().expires_at), (None, until));
        drop(again);
        assert!(fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"a1")).await.unwrap().is_some());
    }

    async fn a_successor_is_of_the_next_generation_of_the_same_family(fixture) {
        let issued = issued(fixture).await;
        let other = TokenFamily {
            id: countersign_domain::id::TokenFamilyId::generate(NOW, &fixture.entropy),
            ..issued.family.clone()
        };
        for next in [refresh_token("x", &issued.family, 2), refresh_token("x", &other, 1)] {
            let claimed = claim(fixture, "r0", &issued.client, NOW).await.unwrap();
            let outcome = claimed.rotate(&access_token("a1", &issued.family), &next).await;
            assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
        }
        assert_eq!(claim(fixture, "r0", &issued.client, NOW).await.unwrap().record().rotated_at, None);
    }
}
