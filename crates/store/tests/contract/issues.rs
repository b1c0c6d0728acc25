//! Tokens that are issued at the same time: each request gets its own answer, whoever else was written with it.

use countersign_domain::client::Client;
use countersign_domain::entropy::SeededEntropy;
use countersign_domain::id::TokenFamilyId;
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::token::{RefreshToken, TokenFamily, TokenSubject};
use countersign_domain::secret::Digest;
use countersign_store::token::PresentedRefreshToken;
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{Fixture, NOW, access_token, organization_id};
use crate::{codes, refreshes};

/// As many requests as are written together.
const MANY: u64 = 64;

fn family_of(client: &Client, organization: &str, number: u64) -> TokenFamily {
    TokenFamily {
        id: TokenFamilyId::generate(NOW, &SeededEntropy::new(number)),
        organization: organization_id(organization),
        client: client.id.clone(),
        subject: TokenSubject::Client,
        ceiling: None,
        resources: Vec::new(),
        dpop_key: None,
        session: None,
        identity: None,
        authentication: None,
        created_at: NOW,
    }
}

/// What each of many requests at once is answered.
async fn at_once<T, F>(fixture: &Fixture, request: impl Fn(countersign_store::Store, u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let requests: Vec<_> = (0..MANY).map(|number| tokio::spawn(request(fixture.store.clone(), number))).collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    answers
}

async fn is_known(fixture: &Fixture, token: &str) -> bool {
    fixture.system(SystemTask::Enforcement).bearer(&Digest::of(token.as_bytes())).await.unwrap().is_some()
}

async fn presented(fixture: &Fixture, token: &str, client: &Client) -> PresentedRefreshToken {
    let system = fixture.system(SystemTask::TokenEndpoint);
    system.presented_refresh_token(&Digest::of(token.as_bytes()), &client.id).await.unwrap().unwrap()
}

fn successor(of: &PresentedRefreshToken, token: &str) -> RefreshToken {
    RefreshToken { digest: Digest::of(token.as_bytes()), generation: of.record.generation + 1, ..of.record.clone() }
}

both! {
    async fn of_many_requests_at_once_one_that_fails_fails_alone(fixture) {
        fixture.organization("acme").await;
        let client = fixture.client("acme", "App").await;
        let failing = 17;
        let answers = at_once(fixture, |store, number| {
            let organization = if number == failing { "nowhere" } else { "acme" };
            let family = family_of(&client, organization, number);
            async move {
                let entropy = SeededEntropy::new(number);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                system.save_tokens(&family, &access_token(&format!("t{number}"), &family)).await
            }
        })
        .await;
        for (number, answer) in (0..).zip(answers) {
            let is_kept = is_known(fixture, &format!("t{number}")).await;
            match answer {
                Ok(()) => assert!(number != failing && is_kept, "{number}"),
                Err(StoreError::Invalid { .. }) => assert!(number == failing && !is_kept, "{number}"),
                Err(error) => panic!("{number}: {error}"),
            }
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM token_families WHERE org_id = 'acme'").await, 63);
    }

    async fn c14_of_many_requests_at_once_with_one_code_one_gets_it(fixture) {
        let codes::Issued { client, code, family, .. } = codes::issued(fixture).await;
        let number = fixture.store.authority_number();
        let answers = at_once(fixture, |store, request| {
            let (code, family) = (code.clone(), family.clone());
            async move {
                let entropy = SeededEntropy::new(request);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                let access = access_token(&format!("a{request}"), &family);
                system.redeem_code((&code, number), family, access, None).await.unwrap()
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|is_first| **is_first).count(), 1);
        for (request, is_first) in answers.into_iter().enumerate() {
            assert_eq!(is_known(fixture, &format!("a{request}")).await, is_first);
        }
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert_eq!(system.unclaimed_code(&code.digest, &client.id).await.unwrap(), None);
        assert!(system.claim_code(&code.digest, &client.id).await.unwrap().unwrap().is_replay());
    }

    async fn a_code_of_nobody_fails_alone_among_tokens_and_codes(fixture) {
        let codes::Issued { code, client, .. } = codes::issued(fixture).await;
        let nobody = countersign_domain::id::UserId::parse("nobody").unwrap();
        let answers = at_once(fixture, |store, number| {
            let digest = Digest::of(format!("code {number}").as_bytes());
            let user = if number == 40 { nobody.clone() } else { code.user.clone() };
            let code = AuthorizationCode { digest, user, ..code.clone() };
            let family = family_of(&client, "acme", number);
            async move {
                let entropy = SeededEntropy::new(number);
                let system = store.system(SystemTask::Authorize, NOW, &entropy);
                match number % 2 {
                    0 => system.save_code(&code).await.is_ok(),
                    _ => system.save_tokens(&family, &access_token(&format!("t{number}"), &family)).await.is_ok(),
                }
            }
        })
        .await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        for (number, is_kept) in answers.into_iter().enumerate() {
            let digest = Digest::of(format!("code {number}").as_bytes());
            let is_there = match number % 2 {
                0 => system.unclaimed_code(&digest, &client.id).await.unwrap().is_some(),
                _ => is_known(fixture, &format!("t{number}")).await,
            };
            assert_eq!((is_kept, is_there), (number != 40, number != 40), "{number}");
        }
    }

    async fn c09_a_code_is_another_clients_to_neither_read_nor_redeem(fixture) {
        let codes::Issued { client, code, family, .. } = codes::issued(fixture).await;
        let thief = fixture.client("acme", "Thief").await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert_eq!(system.unclaimed_code(&code.digest, &thief.id).await.unwrap(), None);
        let number = fixture.store.authority_number();
        let stolen = AuthorizationCode {
            client: thief.id.clone(),
            ..code.clone()
        };
        let theirs = TokenFamily { client: thief.id, ..family.clone() };
        let access = access_token("stolen", &theirs);
        assert!(!system.redeem_code((&stolen, number), theirs, access, None).await.unwrap());
        assert_eq!(system.unclaimed_code(&code.digest, &client.id).await.unwrap(), Some(code.clone()));
        let other = TokenFamily { id: TokenFamilyId::generate(NOW, &fixture.entropy), ..family.clone() };
        let outcome = system.redeem_code((&code, number), other.clone(), access_token("a", &other), None).await;
        assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    }

    async fn a_code_is_not_redeemed_on_what_has_changed_since(fixture) {
        let codes::Issued { code, family, client, .. } = codes::issued(fixture).await;
        let number = fixture.store.authority_number();
        fixture.user("acme", "bob").await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let access = access_token("a", &family);
        assert!(!system.redeem_code((&code, number), family.clone(), access.clone(), None).await.unwrap());
        assert!(!is_known(fixture, "a").await);
        assert!(system.unclaimed_code(&code.digest, &client.id).await.unwrap().is_some(), "nothing happened");
        let number = fixture.store.authority_number();
        assert!(system.redeem_code((&code, number), family, access, None).await.unwrap());
    }

    async fn many_requests_at_once_with_a_token_that_stays_are_all_answered(fixture) {
        let refreshes::Issued { client, .. } = refreshes::issued(fixture).await;
        let (before, number) = (presented(fixture, "r0", &client).await, fixture.store.authority_number());
        let until = NOW.plus_seconds(1_000_000);
        let answers = at_once(fixture, |store, request| {
            let before = before.clone();
            async move {
                let entropy = SeededEntropy::new(request);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                let access = access_token(&format!("a of {request}"), &before.family);
                system.keep_refresh_token((&before, number), access, until).await.unwrap()
            }
        })
        .await;
        assert!(answers.iter().all(|is_kept| *is_kept));
        for request in 0..MANY {
            assert!(is_known(fixture, &format!("a of {request}")).await, "{request}");
        }
        let after = presented(fixture, "r0", &client).await;
        assert_eq!((after.record.expires_at, after.record.rotated_at), (until, None));
    }

    async fn c36_of_many_requests_at_once_one_replaces_a_token(fixture) {
        let refreshes::Issued { client, .. } = refreshes::issued(fixture).await;
        let (before, number) = (presented(fixture, "r0", &client).await, fixture.store.authority_number());
        let answers = at_once(fixture, |store, request| {
            let before = before.clone();
            async move {
                let entropy = SeededEntropy::new(request);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                let access = access_token(&format!("a of {request}"), &before.family);
                let next = successor(&before, &format!("r of {request}"));
                system.rotate_refresh_token((&before, number), access, next).await.unwrap()
            }
        })
        .await;
        let first = answers.iter().position(|is_first| *is_first).unwrap();
        assert_eq!(answers.iter().filter(|is_first| **is_first).count(), 1);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM refresh_tokens WHERE org_id = 'acme'").await, 2);
        assert_eq!(presented(fixture, "r0", &client).await.record.rotated_at, Some(NOW));
        assert_eq!(presented(fixture, &format!("r of {first}"), &client).await.newest_generation, 1);
    }

    async fn c37_of_two_siblings_at_once_one_is_replaced(fixture) {
        let refreshes::Issued { client, .. } = refreshes::issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        for sibling in ["one", "two"] {
            let claim = system.claim_refresh(&Digest::of(b"r0"), &client.id).await.unwrap().unwrap();
            let next = RefreshToken { digest: Digest::of(sibling.as_bytes()), generation: 1, ..claim.record().clone() };
            let access = access_token(&format!("a of {sibling}"), claim.family());
            claim.rotate(&access, &next).await.unwrap();
        }
        let (one, two) = (presented(fixture, "one", &client).await, presented(fixture, "two", &client).await);
        let number = fixture.store.authority_number();
        let answers = at_once(fixture, |store, request| {
            let before = if request % 2 == 0 { one.clone() } else { two.clone() };
            async move {
                let entropy = SeededEntropy::new(request);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                let access = access_token(&format!("again {request}"), &before.family);
                let next = successor(&before, &format!("after {request}"));
                system.rotate_refresh_token((&before, number), access, next).await.unwrap()
            }
        })
        .await;
        assert_eq!(answers.into_iter().filter(|is_first| *is_first).count(), 1, "whoever comes second is seen");
        let replaced = [presented(fixture, "one", &client).await, presented(fixture, "two", &client).await];
        assert_eq!(replaced.iter().filter(|token| token.record.rotated_at.is_some()).count(), 1);
    }

    async fn a_refresh_token_of_a_family_that_ended_meanwhile_gives_nothing_and_holds_nobody_up(fixture) {
        let refreshes::Issued { client, family, .. } = refreshes::issued(fixture).await;
        let before = presented(fixture, "r0", &client).await;
        assert_eq!((&before.family, before.is_family_live), (&family, true));
        fixture.org("acme").revoke_family(&family.id).await.unwrap();
        assert!(!presented(fixture, "r0", &client).await.is_family_live);
        // as if it had been decided a moment later: only the family tells
        let number = fixture.store.authority_number();
        let answers = at_once(fixture, |store, request| {
            let (before, other) = (before.clone(), family_of(&client, "acme", request));
            async move {
                let entropy = SeededEntropy::new(request);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                if request == 5 {
                    let access = access_token("too late", &before.family);
                    return system.keep_refresh_token((&before, number), access, NOW.plus_seconds(1)).await.unwrap();
                }
                system.save_tokens(&other, &access_token(&format!("t{request}"), &other)).await.unwrap();
                true
            }
        })
        .await;
        assert_eq!(answers.iter().position(|is_kept| !is_kept), Some(5));
        assert!(answers.iter().filter(|is_kept| !**is_kept).count() == 1 && !is_known(fixture, "too late").await);
        let after = presented(fixture, "r0", &client).await;
        assert_eq!(after.record.expires_at, before.record.expires_at, "nothing happened to it");
    }

    async fn a_store_that_closes_keeps_what_was_asked_for_before(fixture) {
        fixture.organization("acme").await;
        let client = fixture.client("acme", "App").await;
        let asked = at_once(fixture, |store, number| {
            let family = family_of(&client, "acme", number);
            async move {
                if number == MANY / 2 {
                    store.close().await;
                    return None;
                }
                let entropy = SeededEntropy::new(number);
                let system = store.system(SystemTask::TokenEndpoint, NOW, &entropy);
                Some(system.save_tokens(&family, &access_token(&format!("t{number}"), &family)).await)
            }
        })
        .await;
        let kept = asked.iter().filter(|answer| matches!(answer, Some(Ok(())))).count();
        let others = asked.iter().flatten().filter_map(|answer| answer.as_ref().err());
        assert!(others.into_iter().all(|error| matches!(error, StoreError::Unavailable(_))));
        let expected = i64::try_from(kept).unwrap();
        assert_eq!(fixture.count("SELECT COUNT(*) FROM token_families WHERE org_id = 'acme'").await, expected);
    }
}
