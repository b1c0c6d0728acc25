//! Who has yet to hear that somebody signed out.

use countersign_domain::client::{Client, ClientMetadata};
use countersign_domain::id::SessionId;
use countersign_domain::oauth::authentication::PASSWORD_ACR;
use countersign_domain::oauth::openid::identity::Identity;
use countersign_domain::oauth::openid::logout_token::{LogoutNotice, Next};
use countersign_domain::oauth::openid::protocol_scope::ProtocolScope;
use countersign_domain::oauth::token::TokenFamily;
use countersign_domain::secret::{Digest, SecretHash};
use countersign_domain::user::User;
use countersign_store::SystemTask;
use countersign_store::client::ClientChange;

use crate::fixture::{Fixture, NOW, access_token};
use crate::sessions::session;

/// Ada of acme, signed in with the cookie `here` at an app that wants to hear, at the same app without asking who she is, and at one that does not want to.
async fn signed_in(fixture: &Fixture) -> (User, Client) {
    let acme = fixture.organization("acme").await;
    let ada = fixture.user("acme", "ada").await;
    let (loud, quiet) = (fixture.client("acme", "Loud").await, fixture.client("acme", "Quiet").await);
    let uri = "https://app.example/out".to_owned().try_into().unwrap();
    let metadata = Some(ClientMetadata { backchannel_logout_uri: Some(uri), ..ClientMetadata::default() });
    let loud = acme.update_client(&loud.id, &ClientChange { metadata, ..ClientChange::default() }).await.unwrap();
    let system = fixture.system(SystemTask::SignIn);
    system.create_session(&session("acme", &ada, "here")).await.unwrap();
    let scopes = vec![ProtocolScope::OpenId];
    let (auth_time, acr) = (NOW.as_seconds(), PASSWORD_ACR.to_owned());
    let (id_token_claims, userinfo_claims) = (Vec::new(), Vec::new());
    let identity = Identity { scopes, nonce: None, auth_time, acr, id_token_claims, userinfo_claims };
    let places = [(&loud, Some(&identity)), (&loud, Some(&identity)), (&loud, None), (&quiet, Some(&identity))];
    for (number, (client, identity)) in places.into_iter().enumerate() {
        let sid = Some(SessionId::parse("here").unwrap());
        let family = TokenFamily { session: sid, identity: identity.cloned(), ..fixture.family("acme", client, &ada) };
        system.save_tokens(&family, &access_token(&format!("a{number}"), &family)).await.unwrap();
    }
    (ada, loud)
}

async fn claimed(fixture: &Fixture, seconds: i64) -> Vec<LogoutNotice> {
    fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(seconds)).claim_logout_notices(10).await.unwrap()
}

both! {
    async fn e23_a_notice_is_claimed_by_one_and_comes_up_again_until_it_is_settled(fixture) {
        let (ada, loud) = signed_in(fixture).await;
        let system = fixture.system(SystemTask::SignIn);
        assert_eq!(claimed(fixture, 0).await, []);
        assert!(system.sign_out(&Digest::of(b"here")).await.unwrap());
        let first = claimed(fixture, 0).await;
        assert_eq!(first.len(), 1, "one for each app that wants to hear");
        assert_eq!((&first[0].client, &first[0].user, first[0].tries), (&loud.id, &ada.id, 0));
        assert_eq!((first[0].organization.as_str(), first[0].session.as_str()), ("acme", "here"));
        assert_eq!(claimed(fixture, 59).await, [], "somebody is trying");
        let again = claimed(fixture, 60).await;
        assert_eq!((again.len(), again[0].tries, &again[0].id), (1, 1, &first[0].id), "whoever tried is gone");
        system.settle_logout_notice(&again[0], Next::TryAt(NOW.plus_seconds(300))).await.unwrap();
        assert_eq!(claimed(fixture, 299).await, []);
        let third = claimed(fixture, 300).await;
        system.settle_logout_notice(&third[0], Next::Done).await.unwrap();
        assert_eq!(claimed(fixture, 100_000).await, []);
    }

    async fn e23_a_new_password_and_the_end_of_a_user_are_told_too(fixture) {
        let (ada, _) = signed_in(fixture).await;
        let hash = SecretHash::Sha256(Digest::of(b"new"));
        fixture.org("acme").set_password(&ada.id, &hash).await.unwrap();
        assert_eq!(claimed(fixture, 0).await.len(), 1);
        fixture.system(SystemTask::SignIn).create_session(&session("acme", &ada, "here")).await.unwrap();
        fixture.org("acme").delete_user(&ada.id).await.unwrap();
        assert_eq!(claimed(fixture, 0).await.len(), 1);
    }

    async fn e23_of_two_who_look_at_the_same_time_one_gets_the_notice(fixture) {
        signed_in(fixture).await;
        fixture.system(SystemTask::SignIn).sign_out(&Digest::of(b"here")).await.unwrap();
        let (one, two) = tokio::join!(claimed(fixture, 0), claimed(fixture, 0));
        assert_eq!(one.len() + two.len(), 1);
    }
}
