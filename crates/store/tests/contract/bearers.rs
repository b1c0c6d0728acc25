//! Access tokens that come back with a call.

use countersign_domain::client::ClientState;
use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::thumbprint::{Confirmation, Thumbprint};
use countersign_domain::oauth::token::{AccessToken, TokenFamily, TokenSubject};
use countersign_domain::secret::Digest;
use countersign_store::token::Bearer;
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{NOW, access_token, organization_id, scopes};

both! {
    async fn a_bearer_names_client_subject_and_both_organizations(fixture) {
        fixture.organization("acme").await;
        fixture.organization("globex").await;
        let ada = fixture.user("acme", "ada").await;
        let client = fixture.client("globex", "App").await;
        let family = TokenFamily { ceiling: Some(scopes(&["users"])), ..fixture.family("acme", &client, &ada) };
        let system = fixture.system(SystemTask::Enforcement);
        let bound = Confirmation::Certificate(Thumbprint::of(b"certificate"));
        let audience = vec!["https://api.example".to_owned()];
        let token = AccessToken { confirmation: Some(bound), audience, ..access_token("access", &family) };
        system.save_tokens(&family, &token).await.unwrap();
        let expected = Bearer {
            organization: organization_id("acme"),
            org_revision: fixture.revision("acme").await,
            org_active: true,
            client: client.id,
            client_home: organization_id("globex"),
            client_home_active: true,
            client_state: ClientState::Active,
            client_name: "App".to_owned(),
            subject: TokenSubject::User(ada.id),
            ceiling: Some(scopes(&["users"])),
            confirmation: Some(bound),
            audience: vec!["https://api.example".to_owned()],
            family: family.id,
            issued_at: NOW,
            expires_at: NOW.plus_seconds(3_600),
            is_revoked: false,
            is_delegated: false,
            authentication: Some(Authentication::by_password(NOW)),
        };
        assert_eq!(system.bearer(&Digest::of(b"access")).await.unwrap(), Some(expected));
        assert_eq!(system.bearer(&Digest::of(b"unknown")).await.unwrap(), None);
    }

    async fn a_client_acts_for_itself_with_or_without_a_ceiling(fixture) {
        fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let client = fixture.client("acme", "App").await;
        let system = fixture.system(SystemTask::Enforcement);
        for (secret, ceiling) in [("none", None), ("empty", Some(Vec::new()))] {
            let family = fixture.family("acme", &client, &ada);
            let family = TokenFamily { subject: TokenSubject::Client, ceiling: ceiling.clone(), ..family };
            system.save_tokens(&family, &access_token(secret, &family)).await.unwrap();
            let bearer = system.bearer(&Digest::of(secret.as_bytes())).await.unwrap().unwrap();
            assert_eq!((bearer.subject, bearer.ceiling), (TokenSubject::Client, ceiling), "{secret}");
        }
    }

    async fn an_administrator_ends_a_users_tokens_and_only_those(fixture) {
        let acme = fixture.organization("acme").await;
        let [ada, bob] = [fixture.user("acme", "ada").await, fixture.user("acme", "bob").await];
        let client = fixture.client("acme", "App").await;
        let system = fixture.system(SystemTask::Enforcement);
        for (secret, user) in [("ada 1", &ada), ("ada 2", &ada), ("bob", &bob)] {
            let family = fixture.family("acme", &client, user);
            system.save_tokens(&family, &access_token(secret, &family)).await.unwrap();
        }
        system.create_session(&crate::sessions::session("acme", &ada, "cookie")).await.unwrap();
        assert_eq!(acme.revoke_tokens_of_user(&ada.id).await.unwrap(), 2);
        assert_eq!(system.session(&Digest::of(b"cookie")).await.unwrap(), None);
        for (secret, is_revoked) in [("ada 1", true), ("ada 2", true), ("bob", false)] {
            let bearer = system.bearer(&Digest::of(secret.as_bytes())).await.unwrap().unwrap();
            assert_eq!(bearer.is_revoked, is_revoked, "{secret}");
        }
    }

    async fn a_family_of_another_organization_is_not_found(fixture) {
        fixture.organization("acme").await;
        fixture.organization("globex").await;
        let ada = fixture.user("acme", "ada").await;
        let client = fixture.client("acme", "App").await;
        let family = fixture.family("acme", &client, &ada);
        fixture.system(SystemTask::Enforcement).save_tokens(&family, &access_token("t", &family)).await.unwrap();
        let outcome = fixture.org("globex").revoke_family(&family.id).await;
        assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
        fixture.org("acme").revoke_family(&family.id).await.unwrap();
        let bearer = fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"t")).await.unwrap().unwrap();
        assert!(bearer.is_revoked);
    }
}
