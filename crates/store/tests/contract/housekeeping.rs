//! What is deleted when it is of no more use, and what stays because it still is.

use countersign_domain::id::{SessionId, TokenFamilyId};
use countersign_domain::oauth::delegation::Link;
use countersign_domain::oauth::token::TokenFamily;
use countersign_domain::oauth::used_proof::UsedProof;
use countersign_domain::secret::Digest;
use countersign_domain::session::Session;
use countersign_store::{News, SystemTask};

use crate::fixture::{Fixture, NOW, access_token, organization_id};
use crate::refreshes::issued;
use crate::sessions::session;

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

async fn keep_house(fixture: &Fixture, seconds: i64) -> u64 {
    fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(seconds)).delete_ended().await.unwrap()
}

async fn families(fixture: &Fixture) -> i64 {
    fixture.count("SELECT COUNT(*) FROM token_families").await
}

both! {
    async fn c11_c34_what_betrays_a_theft_stays_while_a_token_of_the_family_could_be_used(fixture) {
        let issued = issued(fixture).await;
        assert_eq!(keep_house(fixture, DAY + HOUR - 1).await, 0, "an app may give back a token that has just ended");
        assert_eq!(keep_house(fixture, DAY + HOUR).await, 1, "the access token");
        let later = fixture.at(SystemTask::TokenEndpoint, NOW.plus_seconds(DAY + HOUR));
        assert!(later.known_token(&Digest::of(b"a0")).await.unwrap().is_none());
        let code = later.claim_code(&Digest::of(b"code"), &issued.client.id).await.unwrap().unwrap();
        assert!(code.is_replay());
        drop(code);
        assert!(later.claim_refresh(&Digest::of(b"r0"), &issued.client.id).await.unwrap().is_some());

        assert_eq!(keep_house(fixture, 2 * DAY - 1).await, 0);
        assert_eq!(keep_house(fixture, 2 * DAY).await, 1, "the family");
        for table in ["token_families", "refresh_tokens", "authorization_codes", "access_tokens"] {
            let count = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT 1 FROM {table}")));
            assert_eq!(count.fetch_all(&fixture.raw().await).await.unwrap().len(), 0, "{table}");
        }
    }

    async fn a_code_that_nobody_redeemed_goes_a_day_after_its_end(fixture) {
        let issued = crate::codes::issued(fixture).await;
        assert_eq!((keep_house(fixture, DAY + 59).await, keep_house(fixture, DAY + 60).await), (0, 1));
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert!(system.claim_code(&issued.code.digest, &issued.client.id).await.unwrap().is_none());
    }

    async fn e23_the_apps_of_a_sign_in_are_known_while_it_lasts(fixture) {
        let issued = issued(fixture).await;
        let ada = fixture.user("acme", "grace").await;
        let sid = Some(SessionId::parse("here").unwrap());
        let family = TokenFamily { session: sid, ..fixture.family("acme", &issued.client, &ada) };
        let system = fixture.system(SystemTask::SignIn);
        system.save_tokens(&family, &access_token("of the sign-in", &family)).await.unwrap();
        let signed_in = NOW.plus_seconds(2 * DAY);
        let kept = Session { authenticated_at: signed_in, last_seen_at: signed_in, ..session("acme", &ada, "here") };
        system.create_session(&kept).await.unwrap();
        keep_house(fixture, 2 * DAY).await;
        assert_eq!(families(fixture).await, 1, "its token is gone, and its sign-in is not over");
        assert_eq!(keep_house(fixture, 2 * DAY + HOUR / 2 - 1).await, 0);
        assert_eq!(keep_house(fixture, 2 * DAY + HOUR / 2).await, 1, "nobody used it for half an hour");
        assert_eq!((families(fixture).await, fixture.count("SELECT COUNT(*) FROM sessions").await), (0, 0));
    }

    async fn a_sign_in_that_is_over_is_known_while_its_tokens_live(fixture) {
        let issued = issued(fixture).await;
        let ada = fixture.user("acme", "grace").await;
        let sid = Some(SessionId::parse("here").unwrap());
        let family = TokenFamily { session: sid, ..fixture.family("acme", &issued.client, &ada) };
        let system = fixture.system(SystemTask::SignIn);
        system.save_tokens(&family, &access_token("of the sign-in", &family)).await.unwrap();
        system.create_session(&session("acme", &ada, "here")).await.unwrap();
        keep_house(fixture, DAY).await;
        assert_eq!(fixture.count("SELECT COUNT(*) FROM sessions").await, 1);
        keep_house(fixture, DAY + HOUR).await;
        assert_eq!(fixture.count("SELECT COUNT(*) FROM sessions").await, 0);
    }

    async fn a_family_stays_while_a_token_that_came_through_it_lives(fixture) {
        let issued = issued(fixture).await;
        let exchanged = TokenFamily { id: TokenFamilyId::parse("exchanged").unwrap(), ..issued.family.clone() };
        let link = Link {
            family: issued.family.id.clone(),
            client: issued.client.id.clone(),
            subject: issued.family.subject.clone(),
            ceiling: None,
        };
        let mut access = access_token("exchanged", &exchanged);
        access.expires_at = NOW.plus_seconds(3 * DAY);
        let system = fixture.system(SystemTask::TokenEndpoint);
        system.save_exchanged(&exchanged, &[link], &access).await.unwrap();
        keep_house(fixture, 3 * DAY).await;
        assert_eq!(families(fixture).await, 2);
        keep_house(fixture, 4 * DAY).await;
        assert_eq!((families(fixture).await, fixture.count("SELECT COUNT(*) FROM delegations").await), (0, 0));
    }

    async fn who_is_far_behind_is_told_to_read_everything(fixture) {
        fixture.organization("acme").await;
        let system = fixture.system(SystemTask::Enforcement);
        let (acme, revision) = (organization_id("acme"), fixture.revision("acme").await);
        fixture.role("acme", "Auditor").await;
        let (_, news) = system.organization_news(&acme, revision).await.unwrap().unwrap();
        assert!(matches!(news, News::Changes(_)));
        assert_eq!(keep_house(fixture, 7 * DAY - 1).await, 0);
        assert!(keep_house(fixture, 7 * DAY).await > 0);
        let (at, news) = system.organization_news(&acme, revision).await.unwrap().unwrap();
        assert!(at > revision && matches!(news, News::Everything(_)));
        fixture.role("acme", "Clerk").await;
        let (_, news) = system.organization_news(&acme, at).await.unwrap().unwrap();
        assert!(matches!(news, News::Changes(_)), "who is up to date goes on as before");
    }

    async fn b12_more_than_a_batch_goes_in_one_call(fixture) {
        let system = fixture.system(SystemTask::TokenEndpoint);
        for number in 0..1_001 {
            let proof = UsedProof::of_dpop("key", &number.to_string(), NOW.plus_seconds(60));
            assert!(system.claim_proof(&proof).await.unwrap());
        }
        assert_eq!(keep_house(fixture, 60).await, 1_001);
    }
}
