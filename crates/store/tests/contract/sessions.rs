//! Signed-in browsers.

use countersign_domain::id::SessionId;
use countersign_domain::oauth::token::TokenFamily;
use countersign_domain::secret::Digest;
use countersign_domain::session::{SESSION_IDLE_SECONDS, Session};
use countersign_domain::user::{User, UserState};
use countersign_store::user::UserChange;
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{NOW, access_token, organization_id};
use crate::refreshes::issued;

pub(crate) fn session(organization: &str, user: &User, cookie: &str) -> Session {
    Session {
        id: SessionId::parse(cookie).unwrap(),
        digest: Digest::of(cookie.as_bytes()),
        organization: organization_id(organization),
        user: user.id.clone(),
        authenticated_at: NOW,
        last_seen_at: NOW,
    }
}

both! {
    async fn a_session_lives_while_it_is_used(fixture) {
        fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let kept = session("acme", &ada, "cookie");
        let at = |seconds| fixture.at(SystemTask::SignIn, NOW.plus_seconds(seconds));
        at(0).create_session(&kept).await.unwrap();
        assert_eq!(at(SESSION_IDLE_SECONDS - 1).session(&kept.digest).await.unwrap().as_ref(), Some(&kept));
        assert_eq!(at(SESSION_IDLE_SECONDS).session(&kept.digest).await.unwrap(), None);
        at(600).touch(&kept.digest).await.unwrap();
        at(300).touch(&kept.digest).await.unwrap();
        let seen = at(SESSION_IDLE_SECONDS).session(&kept.digest).await.unwrap().unwrap();
        assert_eq!(seen.last_seen_at, NOW.plus_seconds(600), "time does not go back");
        at(0).end_session(&kept.digest).await.unwrap();
        assert_eq!(at(1).session(&kept.digest).await.unwrap(), None);
    }

    async fn a_person_has_the_sessions_that_are_not_over_the_newest_first(fixture) {
        fixture.organization("acme").await;
        let (ada, bob) = (fixture.user("acme", "ada").await, fixture.user("acme", "bob").await);
        let system = fixture.system(SystemTask::SignIn);
        let used_at = |cookie: &str, user: &User, seconds: i64| Session {
            authenticated_at: NOW.plus_seconds(seconds),
            last_seen_at: NOW.plus_seconds(seconds),
            ..session("acme", user, cookie)
        };
        for one in [used_at("old", &ada, -SESSION_IDLE_SECONDS), used_at("first", &ada, -60), used_at("bob", &bob, 0)] {
            system.create_session(&one).await.unwrap();
        }
        let newest = used_at("newest", &ada, 0);
        system.create_session(&newest).await.unwrap();
        let sessions = system.sessions_of(&organization_id("acme"), &ada.id).await.unwrap();
        assert_eq!(sessions, [newest, used_at("first", &ada, -60)]);
        assert_eq!(system.sessions_of(&organization_id("globex"), &ada.id).await.unwrap(), []);
    }

    async fn a33_a_rotated_session_has_one_secret(fixture) {
        fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let system = fixture.system(SystemTask::SignIn);
        system.create_session(&session("acme", &ada, "old")).await.unwrap();
        let [old, new] = [Digest::of(b"old"), Digest::of(b"new")];
        system.rotate(&old, &new).await.unwrap();
        assert_eq!(system.session(&old).await.unwrap(), None);
        assert_eq!(system.session(&new).await.unwrap().unwrap().user, ada.id);
        assert!(matches!(system.rotate(&old, &new).await, Err(StoreError::NotFound { .. })));
    }

    async fn c43_signing_out_ends_the_codes_and_tokens_of_the_session_and_no_others(fixture) {
        let issued = issued(fixture).await;
        let system = fixture.system(SystemTask::SignIn);
        let ada = fixture.user("acme", "grace").await;
        for cookie in ["here", "elsewhere"] {
            system.create_session(&session("acme", &ada, cookie)).await.unwrap();
            let sid = Some(SessionId::parse(cookie).unwrap());
            let family = TokenFamily { session: sid, ..fixture.family("acme", &issued.client, &ada) };
            system.save_tokens(&family, &access_token(cookie, &family)).await.unwrap();
        }
        assert!(system.sign_out(&Digest::of(b"here")).await.unwrap());
        assert!(!system.sign_out(&Digest::of(b"here")).await.unwrap(), "once");
        let is_revoked = async |token: &str| {
            system.bearer(&Digest::of(token.as_bytes())).await.unwrap().unwrap().is_revoked
        };
        assert!(is_revoked("here").await && !is_revoked("elsewhere").await && !is_revoked("a0").await);
        assert_eq!(system.session(&Digest::of(b"here")).await.unwrap(), None);
        assert!(system.session(&Digest::of(b"elsewhere")).await.unwrap().is_some());
    }

    async fn a_session_ends_with_its_user(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let system = fixture.system(SystemTask::SignIn);
        system.create_session(&session("acme", &ada, "cookie")).await.unwrap();
        for (version, state) in [(1, UserState::Inactive), (2, UserState::Active)] {
            let change = UserChange { state: Some(state), ..UserChange::default() };
            acme.update_user(&ada.id, version, &change).await.unwrap();
            assert_eq!(system.session(&Digest::of(b"cookie")).await.unwrap(), None, "{state:?}");
        }
    }
}
