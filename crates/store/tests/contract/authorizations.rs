//! Authorizations, requests and consents.

use countersign_decision::AuthorizationState;
use countersign_domain::authorization::ConsentMode;
use countersign_domain::id::RoleId;
use countersign_store::authorization::GrantChange;
use countersign_store::{Page, StoreError};

use crate::fixture::{ALL, client_id, scopes};

fn allow(names: &[&str], expected_version: Option<i64>) -> GrantChange {
    GrantChange {
        scopes: scopes(names),
        roles: Vec::new(),
        consent: ConsentMode::Administrator,
        expected_version,
        reason: "why".to_owned(),
    }
}

both! {
    async fn an_app_is_authorized_edited_revoked_and_authorized_again(fixture) {
        let acme = fixture.organization("acme").await;
        let client = fixture.client("acme", "App").await.id;
        let first = acme.grant(&client, &allow(&["users"], Some(0))).await.unwrap();
        assert_eq!((first.state, first.version), (AuthorizationState::Authorized, 1));
        assert_eq!(first.created_by.as_deref(), Some("demo"));
        let edited = acme.grant(&client, &allow(&["users:readonly"], Some(1))).await.unwrap();
        assert_eq!((edited.version, edited.scopes), (2, scopes(&["users:readonly"])));
        let revoked = acme.revoke(&client).await.unwrap();
        assert_eq!((revoked.state, revoked.scopes), (AuthorizationState::Revoked, scopes(&["users:readonly"])));
        let again = acme.grant(&client, &allow(&["users"], Some(3))).await.unwrap();
        assert_eq!((again.state, again.version), (AuthorizationState::Authorized, 4));
    }

    async fn invariant_20_an_approval_of_what_was_not_shown_is_refused(fixture) {
        let acme = fixture.organization("acme").await;
        let client = fixture.client("acme", "App").await.id;
        acme.grant(&client, &allow(&["users"], Some(0))).await.unwrap();
        let revision = fixture.revision("acme").await;
        for stale in [0, 2] {
            let error = acme.grant(&client, &allow(&["oauth"], Some(stale))).await.err().unwrap();
            assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
        }
        assert_eq!(acme.authorization(&client).await.unwrap().unwrap().0.scopes, scopes(&["users"]));
        assert_eq!(fixture.revision("acme").await, revision, "nothing is half done");
    }

    async fn of_many_approvals_of_one_version_one_succeeds(fixture) {
        let acme = fixture.organization("acme").await;
        let client = fixture.client("acme", "App").await.id;
        let change = allow(&["users"], Some(0));
        let outcomes = crate::wall::join_all((0..20).map(|_| acme.grant(&client, &change))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    }

    async fn invariant_22_what_one_organization_decides_says_nothing_about_another(fixture) {
        let acme = fixture.organization("acme").await;
        let globex = fixture.organization("globex").await;
        let client = fixture.client("acme", "App").await.id;
        globex.grant(&client, &allow(&["users"], None)).await.unwrap();
        assert_eq!(acme.authorization(&client).await.unwrap(), None);
        let (grant, app) = globex.authorization(&client).await.unwrap().unwrap();
        assert_eq!((grant.organization.as_str(), app.organization.as_str()), ("globex", "acme"));
    }

    async fn unknown_clients_and_roles_are_not_found(fixture) {
        let acme = fixture.organization("acme").await;
        fixture.organization("globex").await;
        let client = fixture.client("acme", "App").await.id;
        let unknown = client_id("unknown");
        for outcome in [
            acme.grant(&unknown, &allow(&["users"], None)).await,
            acme.deny(&unknown, "").await,
        ] {
            assert!(matches!(outcome, Err(StoreError::NotFound { what: "client" })), "{outcome:?}");
        }
        let outcome = acme.revoke(&client).await;
        assert!(matches!(outcome, Err(StoreError::NotFound { what: "authorization" })), "{outcome:?}");
        let foreign = fixture.role("globex", "Admin").await.id;
        for role in [foreign, RoleId::parse("unknown").unwrap()] {
            let outcome = acme.grant(&client, &GrantChange { roles: vec![role], ..allow(&["users"], None) }).await;
            assert!(matches!(outcome, Err(StoreError::NotFound { what: "role" })), "{outcome:?}");
        }
    }

    async fn a_request_waits_until_somebody_decides(fixture) {
        let acme = fixture.organization("acme").await;
        let [ada, bob] = [fixture.user("acme", "ada").await.id, fixture.user("acme", "bob").await.id];
        let client = fixture.client("acme", "App").await.id;
        acme.request(&client, &ada, &scopes(&["users"]), "first").await.unwrap();
        acme.request(&client, &bob, &scopes(&["users"]), "me too").await.unwrap();
        let second = acme.request(&client, &ada, &scopes(&["users", "oauth"]), "second").await.unwrap();
        let mut reasons: Vec<_> =
            acme.requests(&client).await.unwrap().into_iter().map(|request| request.reason).collect();
        reasons.sort();
        assert_eq!(reasons, ["me too", "second"], "one open request for each user");
        assert!(acme.requests(&client).await.unwrap().contains(&second));
        let (grant, _) = acme.authorization(&client).await.unwrap().unwrap();
        assert_eq!((grant.state, grant.scopes), (AuthorizationState::Requested, Vec::new()));
        acme.grant(&client, &allow(&["users"], Some(grant.version))).await.unwrap();
        assert!(acme.requests(&client).await.unwrap().is_empty());
    }

    async fn apps_of_other_organizations_are_named_with_their_registrar(fixture) {
        let acme = fixture.organization("acme").await;
        fixture.organization("globex").await;
        let ada = fixture.user("acme", "ada").await.id;
        let app = fixture.client("globex", "App").await;
        let known = acme.registered_client(&app.id).await.unwrap().unwrap();
        assert_eq!((known.organization_name.as_str(), &known.client), ("GLOBEX", &app));
        assert_eq!(acme.registered_client(&client_id("unknown")).await.unwrap(), None);
        acme.request(&app.id, &ada, &[], "").await.unwrap();
        assert!(acme.clients_asked_for().await.unwrap().contains(&app.id));
        assert!(fixture.org("globex").clients_asked_for().await.unwrap().is_empty());
    }

    async fn a_request_undoes_no_decision(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await.id;
        let client = fixture.client("acme", "App").await.id;
        acme.deny(&client, "not for us").await.unwrap();
        acme.request(&client, &ada, &scopes(&["users"]), "please").await.unwrap();
        let (grant, _) = acme.authorization(&client).await.unwrap().unwrap();
        assert_eq!((grant.state, grant.reason.as_str()), (AuthorizationState::Denied, "not for us"));
        assert_eq!(acme.requests(&client).await.unwrap().len(), 1);
    }

    async fn authorizations_are_listed_by_the_name_of_the_app(fixture) {
        let acme = fixture.organization("acme").await;
        for name in ["Beta", "Alpha"] {
            let client = fixture.client("acme", name).await.id;
            acme.grant(&client, &allow(&["users"], None)).await.unwrap();
        }
        let listing = acme.authorizations(ALL).await.unwrap();
        let names: Vec<_> = listing.items.iter().map(|(_, client)| client.name.as_str()).collect();
        assert_eq!((names, listing.total), (vec!["Alpha", "Beta", "Countersign Console"], 3));
        let second = acme.authorizations(Page::new(2, 2)).await.unwrap();
        assert_eq!((second.items.len(), second.total), (1, 3));
    }

    async fn a_consent_replaces_the_one_before(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await.id;
        let client = fixture.client("acme", "App").await.id;
        assert_eq!(acme.consent(&ada, &client).await.unwrap(), None);
        acme.save_consent(&ada, &client, &scopes(&["users", "oauth"])).await.unwrap();
        let narrower = acme.save_consent(&ada, &client, &scopes(&["users"])).await.unwrap();
        assert_eq!(acme.consent(&ada, &client).await.unwrap(), Some(narrower));
        let outcome = acme.save_consent(&ada, &client_id("unknown"), &[]).await;
        assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    }
}
