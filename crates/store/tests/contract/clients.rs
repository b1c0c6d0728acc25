//! Clients and their secrets.

use countersign_decision::AuthorizationState;
use countersign_domain::authorization::ConsentMode;
use countersign_domain::client::{ClientMetadata, ClientState};
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::{Digest, SecretHash};
use countersign_store::authorization::GrantChange;
use countersign_store::client::{ClientChange, NewClient};
use countersign_store::{StoreError, SystemTask};
use serde_json::json;

use crate::fixture::{ALL, NOW, access_token, client_id, new_client, scopes};

fn hash(secret: &str) -> SecretHash {
    SecretHash::Sha256(Digest::of(secret.as_bytes()))
}

both! {
    async fn a_client_is_confidential_when_it_has_a_secret(fixture) {
        let acme = fixture.organization("acme").await;
        let confidential = fixture.client("acme", "With").await;
        let public = acme.create_client(&new_client("Without"), None, &[]).await.unwrap();
        assert!(confidential.is_confidential && !public.is_confidential);
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert_eq!(system.client(&public.id).await.unwrap(), Some(public.clone()));
        assert!(system.client_secrets(&confidential.id).await.unwrap()[0].verify("With"));
        assert!(system.client_secrets(&public.id).await.unwrap().is_empty());
        assert_eq!(acme.clients(ALL).await.unwrap().items, [confidential, public]);
    }

    async fn a_client_is_edited_as_a_whole_or_in_part(fixture) {
        let acme = fixture.organization("acme").await;
        let client = fixture.client("acme", "App").await;
        let role = fixture.role("acme", "Admin").await.id;
        let change = ClientChange {
            name: Some("Renamed".to_owned()),
            token_ttl_seconds: Some(300),
            roles: Some(vec![(role.clone(), DivisionScope::All)]),
            ..ClientChange::default()
        };
        let edited = acme.update_client(&client.id, &change).await.unwrap();
        assert_eq!((edited.name.as_str(), edited.token_ttl_seconds, &edited.scopes), ("Renamed", 300, &client.scopes));
        let roles = acme.assignments_of(&Assignee::Client(client.id.clone())).await.unwrap();
        assert_eq!(roles[0].role, role);
        let revision = fixture.revision("acme").await;
        acme.update_client(&client.id, &change).await.unwrap();
        assert_eq!(fixture.revision("acme").await, revision, "the same again is no change");
    }

    async fn metadata_is_kept_whole_and_decides_with_the_secret_who_is_confidential(fixture) {
        let acme = fixture.organization("acme").await;
        let by_key: ClientMetadata = serde_json::from_value(json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] },
            "dpop_bound_access_tokens": true,
        }))
        .unwrap();
        let new = NewClient { metadata: by_key.clone(), ..new_client("By key") };
        let made = acme.create_client(&new, None, &[]).await.unwrap();
        assert!(made.is_confidential && made.metadata == by_key);
        assert!(acme.add_client_secret(&made.id, &hash("a"), None).await.is_err(), "it authenticates in one way");
        let bare = ClientChange { metadata: Some(ClientMetadata::default()), ..ClientChange::default() };
        assert!(!acme.update_client(&made.id, &bare).await.unwrap().is_confidential);
        let renamed = ClientChange { name: Some("Renamed".to_owned()), ..ClientChange::default() };
        assert_eq!(acme.update_client(&made.id, &renamed).await.unwrap().metadata, ClientMetadata::default());
    }

    async fn a_client_whose_secret_has_ended_does_not_turn_public(fixture) {
        let acme = fixture.organization("acme").await;
        let client = fixture.client("acme", "one").await;
        acme.add_client_secret(&client.id, &hash("two"), Some(NOW)).await.unwrap();
        acme.add_client_secret(&client.id, &hash("three"), Some(NOW)).await.unwrap();
        let raw = fixture.raw().await;
        sqlx::query("UPDATE client_secrets SET expires_at = 1").execute(&raw).await.unwrap();
        let renamed = ClientChange { name: Some("Renamed".to_owned()), ..ClientChange::default() };
        assert!(acme.update_client(&client.id, &renamed).await.unwrap().is_confidential);
    }

    async fn c26_two_secrets_live_at_rotation_and_not_more(fixture) {
        let acme = fixture.organization("acme").await;
        let client = fixture.client("acme", "one").await;
        let live = async |seconds| {
            let system = fixture.at(SystemTask::TokenEndpoint, NOW.plus_seconds(seconds));
            let secrets = system.client_secrets(&client.id).await.unwrap();
            ["one", "two", "three"].map(|secret| secrets.iter().any(|hash| hash.verify(secret)))
        };
        let add = async |seconds, secret: &str, until: i64| {
            let store = fixture.at(SystemTask::Demo, NOW.plus_seconds(seconds));
            let acme = store.org(&crate::fixture::organization_id("acme"));
            acme.add_client_secret(&client.id, &hash(secret), Some(NOW.plus_seconds(until))).await.unwrap();
        };
        let next_end = async |seconds| {
            let system = fixture.at(SystemTask::TokenEndpoint, NOW.plus_seconds(seconds));
            system.next_end_of_a_secret(&client.id).await.unwrap()
        };
        assert_eq!(next_end(9).await, None);
        add(10, "two", 70).await;
        assert_eq!((next_end(69).await, next_end(70).await), (Some(NOW.plus_seconds(70)), None));
        assert_eq!(live(69).await, [true, true, false]);
        assert_eq!(live(70).await, [false, true, false]);
        add(20, "three", 80).await;
        assert_eq!(live(21).await, [false, true, true], "the oldest goes at once");
        add(30, "one", 30).await;
        assert_eq!(live(31).await, [true, false, false], "at once means at once");

        let public = acme.create_client(&new_client("Public"), None, &[]).await.unwrap();
        let error = acme.add_client_secret(&public.id, &hash("x"), None).await;
        assert!(matches!(error, Err(StoreError::Invalid { .. })));
    }

    async fn a_client_that_is_switched_off_has_no_tokens_left(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let client = fixture.client("acme", "App").await;
        let family = fixture.family("acme", &client, &ada);
        fixture.system(SystemTask::TokenEndpoint).save_tokens(&family, &access_token("t", &family)).await.unwrap();
        for state in [ClientState::Disabled, ClientState::Active] {
            let change = ClientChange { state: Some(state), ..ClientChange::default() };
            acme.update_client(&client.id, &change).await.unwrap();
        }
        let bearer = fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"t")).await.unwrap().unwrap();
        assert!(bearer.is_revoked && bearer.client_state == ClientState::Active);
    }

    async fn a_deleted_client_is_gone_everywhere_and_each_organization_knows(fixture) {
        let acme = fixture.organization("acme").await;
        let globex = fixture.organization("globex").await;
        let eve = fixture.user("globex", "eve").await;
        let client = fixture.client("acme", "App").await;
        let change = GrantChange {
            scopes: scopes(&["users"]),
            roles: Vec::new(),
            consent: ConsentMode::User,
            expected_version: None,
            reason: String::new(),
        };
        globex.grant(&client.id, &change).await.unwrap();
        globex.save_consent(&eve.id, &client.id, &scopes(&["users"])).await.unwrap();
        let family = fixture.family("globex", &client, &eve);
        fixture.system(SystemTask::TokenEndpoint).save_tokens(&family, &access_token("t", &family)).await.unwrap();
        let revision = fixture.revision("globex").await;

        acme.delete_client(&client.id).await.unwrap();

        assert_eq!(acme.client(&client.id).await.unwrap(), None);
        assert_eq!(globex.authorization(&client.id).await.unwrap(), None);
        assert_eq!(globex.consent(&eve.id, &client.id).await.unwrap(), None);
        assert_eq!(fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"t")).await.unwrap(), None);
        assert_eq!(fixture.revision("globex").await, revision + 1);
        let newest = globex.audit(ALL).await.unwrap().items;
        let entry = newest.iter().find(|entry| entry.action == "authorization.delete").unwrap();
        assert_eq!((entry.actor_kind.as_str(), entry.actor.as_str()), ("system", "app deleted by its organization"));
    }

    async fn organizations_that_delete_their_clients_at_once_wait_for_each_other(fixture) {
        let names = ["acme", "globex", "initech"];
        for name in names {
            fixture.organization(name).await;
        }
        let mut clients = Vec::new();
        for home in names {
            for number in 0..3 {
                let client = fixture.client(home, &format!("App {number}")).await;
                for other in names {
                    fixture.org(other).deny(&client.id, "").await.unwrap();
                }
                clients.push((home, client.id));
            }
        }
        let deletions = clients.iter().map(|(home, id)| async move { fixture.org(home).delete_client(id).await });
        for outcome in crate::wall::join_all(deletions).await {
            outcome.unwrap();
        }
        assert_eq!(fixture.count("SELECT COUNT(*) FROM authorizations WHERE state = 'denied'").await, 0);
    }

    async fn invariant_29_a_client_id_never_comes_back_in_another_organization(fixture) {
        let acme = fixture.organization("acme").await;
        let globex = fixture.organization("globex").await;
        let named = NewClient { id: Some(client_id("5f0c")), ..new_client("App") };
        acme.create_client(&named, None, &[]).await.unwrap();
        assert!(matches!(acme.create_client(&named, None, &[]).await, Err(StoreError::Conflict { .. })));
        assert!(matches!(globex.create_client(&named, None, &[]).await, Err(StoreError::Conflict { .. })));
        acme.delete_client(&client_id("5f0c")).await.unwrap();
        assert!(matches!(globex.create_client(&named, None, &[]).await, Err(StoreError::Conflict { .. })));
        acme.create_client(&named, None, &[]).await.unwrap();
    }

    async fn the_console_is_an_app_that_can_be_revoked(fixture) {
        let acme = fixture.organization("acme").await;
        let revoked = acme.revoke(&client_id("countersign-console")).await.unwrap();
        assert_eq!(revoked.state, AuthorizationState::Revoked);
    }
}
