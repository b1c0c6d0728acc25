//! Organizations and divisions.

use countersign_decision::{AuthorizationState, Enforcement};
use countersign_store::{StoreError, SystemTask};

use crate::fixture::{client_id, organization_id, scopes};

both! {
    async fn an_organization_is_born_with_home_division_and_console(fixture) {
        let acme = fixture.organization("acme").await;
        let organization = acme.organization().await.unwrap();
        assert_eq!((organization.name.as_str(), organization.enforcement), ("ACME", Enforcement::Enforce));
        assert!(organization.is_active && organization.bounds_client_credentials);
        assert_eq!(acme.home_division().await.unwrap().name, "Home");
        assert_eq!(acme.divisions().await.unwrap().len(), 1);
        let (grant, console) = acme.authorization(&client_id("countersign-console")).await.unwrap().unwrap();
        assert_eq!((grant.state, grant.scopes), (AuthorizationState::Authorized, scopes(&["users"])));
        assert_eq!(console.organization, organization_id("countersign"));
    }

    async fn an_organization_id_is_taken_once(fixture) {
        fixture.organization("acme").await;
        let revision = fixture.revision("acme").await;
        let new = countersign_store::organization::NewOrganization {
            id: organization_id("acme"),
            name: "Another".to_owned(),
            enforcement: Enforcement::Off,
            home_division: "Home".to_owned(),
        };
        let error = fixture.system(SystemTask::Demo).create_organization(&new, &[]).await.err().unwrap();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
        assert_eq!(fixture.revision("acme").await, revision);
        assert_eq!(fixture.org("acme").organization().await.unwrap().name, "ACME");
    }

    async fn enforcement_is_set_and_only_a_change_counts(fixture) {
        let acme = fixture.organization("acme").await;
        let revision = fixture.revision("acme").await;
        let set = acme.set_enforcement(Enforcement::Report, Some(false)).await.unwrap();
        assert_eq!((set.enforcement, set.bounds_client_credentials), (Enforcement::Report, false));
        let set = acme.set_enforcement(Enforcement::Report, None).await.unwrap();
        assert!(!set.bounds_client_credentials, "none leaves it as it is");
        assert_eq!(fixture.revision("acme").await, revision + 1);
    }

    async fn a_division_name_is_unique_in_the_organization(fixture) {
        let acme = fixture.organization("acme").await;
        let globex = fixture.organization("globex").await;
        let sales = acme.create_division("Sales").await.unwrap();
        assert!(!sales.is_home);
        assert_eq!(acme.division(&sales.id).await.unwrap(), Some(sales));
        assert!(matches!(acme.create_division("Sales").await, Err(StoreError::Conflict { .. })));
        globex.create_division("Sales").await.unwrap();
    }

    async fn what_is_not_there_is_not_found(fixture) {
        assert!(matches!(fixture.org("nowhere").organization().await, Err(StoreError::NotFound { what: "organization" })));
        let error = fixture.org("nowhere").set_enforcement(Enforcement::Off, None).await;
        assert!(matches!(error, Err(StoreError::NotFound { what: "organization" })));
        let acme = fixture.organization("acme").await;
        let globex = fixture.organization("globex").await;
        let home_of_globex = globex.home_division().await.unwrap().id;
        assert_eq!(acme.division(&home_of_globex).await.unwrap(), None);
        assert!(globex.division(&home_of_globex).await.unwrap().is_some());
    }
}
