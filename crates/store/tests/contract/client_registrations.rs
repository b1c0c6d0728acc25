//! Apps that register and manage themselves: as many as a token allows, each with a token of its own.

use countersign_domain::client::{AuthMethod, ClientMetadata, GrantType};
use countersign_domain::client_registration::{InitialToken, NewInitialToken, RegistrationPolicy};
use countersign_domain::secret::{Digest, SecretHash};
use countersign_store::client::ClientChange;
use countersign_store::client_registration::SecretEdit;
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{ALL, Fixture, NOW, client_id, new_client, scopes};

fn new_token(max_clients: i64) -> NewInitialToken {
    NewInitialToken {
        name: "Partners".to_owned(),
        policy: RegistrationPolicy {
            grant_types: vec![GrantType::AuthorizationCode, GrantType::JwtBearer],
            scopes: scopes(&["users"]),
            hosts: vec!["app.test".to_owned()],
        },
        max_clients,
        expires_at: NOW.plus_seconds(86_400),
    }
}

async fn token(fixture: &Fixture, max_clients: i64) -> InitialToken {
    fixture.organization("acme").await;
    let (secret, token) = fixture.org("acme").create_initial_token(&new_token(max_clients)).await.unwrap();
    assert_eq!(secret.digest(), token.digest);
    token
}

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

both! {
    async fn a_token_is_kept_with_its_policy_and_found_by_its_digest_until_it_ends(fixture) {
        let token = token(fixture, 2).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert_eq!(system.initial_token(&token.digest).await.unwrap().as_ref(), Some(&token));
        assert_eq!(system.initial_token(&digest("unknown")).await.unwrap(), None);
        let late = fixture.at(SystemTask::TokenEndpoint, token.expires_at);
        assert_eq!(late.initial_token(&token.digest).await.unwrap(), None);
        let org = late.org(&token.organization);
        let registered = org.register_client(&token.id, &new_client("Late"), None, &digest("r")).await.unwrap();
        assert_eq!(registered, None);

        fixture.org("acme").revoke_initial_token(&token.id).await.unwrap();
        assert_eq!(system.initial_token(&token.digest).await.unwrap(), None);
        let again = fixture.org("acme").revoke_initial_token(&token.id).await;
        assert!(matches!(again, Err(StoreError::NotFound { .. })));
        assert_eq!(fixture.org("acme").initial_tokens().await.unwrap()[0].revoked_at, Some(NOW));
        fixture.organization("globex").await;
        assert_eq!(fixture.org("globex").initial_tokens().await.unwrap(), []);
        assert!(fixture.org("globex").revoke_initial_token(&token.id).await.is_err());
    }

    async fn e13_of_many_registrations_at_once_no_more_succeed_than_the_token_allows(fixture) {
        let token = token(fixture, 3).await;
        let org = fixture.org("acme");
        let register = async |number: u8| {
            let (new, registration) = (new_client(&format!("App {number}")), digest(&number.to_string()));
            org.register_client(&token.id, &new, None, &registration).await.unwrap().is_some()
        };
        let outcomes = crate::wall::join_all((0..12).map(register)).await;
        assert_eq!(outcomes.into_iter().filter(|registered| *registered).count(), 3);
        assert_eq!(org.clients(ALL).await.unwrap().total, 3);
        assert_eq!(org.initial_tokens().await.unwrap()[0].used, 3);
    }

    async fn e12_a_client_is_found_by_its_own_registration_token_and_each_update_replaces_it(fixture) {
        let token = token(fixture, 2).await;
        let (org, system) = (fixture.org("acme"), fixture.system(SystemTask::TokenEndpoint));
        let secret = SecretHash::Sha256(digest("secret"));
        let app = org.register_client(&token.id, &new_client("App"), Some(&secret), &digest("one")).await.unwrap().unwrap();
        let other = org.register_client(&token.id, &new_client("Other"), None, &digest("other")).await.unwrap().unwrap();
        let found = system.self_registered(&digest("one"), &app.id).await.unwrap().unwrap();
        assert_eq!((&found.client, found.token.policy), (&app, token.policy));
        assert_eq!(system.self_registered(&digest("other"), &app.id).await.unwrap(), None);
        assert_eq!(system.self_registered(&digest("one"), &other.id).await.unwrap(), None);

        let change = ClientChange { name: Some("Renamed".to_owned()), ..ClientChange::default() };
        let tokens = [digest("one"), digest("two")];
        let rotate = SecretEdit::Rotate { secret: SecretHash::Sha256(digest("next")), retire_others_at: NOW.plus_seconds(60) };
        let updated = org.update_self_registered(&app.id, (&tokens[0], &tokens[1]), &change, Some(&rotate)).await.unwrap();
        assert_eq!(updated.unwrap().name, "Renamed");
        assert_eq!(system.client_secrets(&app.id).await.unwrap().len(), 2);
        assert_eq!(system.self_registered(&tokens[0], &app.id).await.unwrap(), None);
        let again = org.update_self_registered(&app.id, (&tokens[0], &digest("three")), &change, None).await.unwrap();
        assert_eq!(again, None, "a token is good for one update");

        let metadata =
            ClientMetadata { token_endpoint_auth_method: Some(AuthMethod::None), ..ClientMetadata::default() };
        let change = ClientChange { metadata: Some(metadata), ..ClientChange::default() };
        let public = org.update_self_registered(&app.id, (&tokens[1], &digest("three")), &change, Some(&SecretEdit::Take)).await;
        assert!(!public.unwrap().unwrap().is_confidential);
        assert_eq!(system.client_secrets(&app.id).await.unwrap(), []);
    }

    async fn a_client_deletes_itself_with_its_own_token_and_its_organization_can_too(fixture) {
        let token = token(fixture, 2).await;
        let org = fixture.org("acme");
        let app = org.register_client(&token.id, &new_client("App"), None, &digest("one")).await.unwrap().unwrap();
        let other = org.register_client(&token.id, &new_client("Other"), None, &digest("other")).await.unwrap().unwrap();
        assert!(!org.delete_self_registered(&app.id, &digest("other")).await.unwrap());
        assert!(org.delete_self_registered(&app.id, &digest("one")).await.unwrap());
        assert!(!org.delete_self_registered(&app.id, &digest("one")).await.unwrap());
        org.delete_client(&other.id).await.unwrap();
        assert_eq!(org.clients(ALL).await.unwrap().total, 0);
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert_eq!(system.self_registered(&digest("other"), &client_id(other.id.as_str())).await.unwrap(), None);
    }
}
