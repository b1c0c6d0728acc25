//! Roles and who holds them.

use countersign_domain::authorization::ConsentMode;
use countersign_domain::id::RoleId;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_store::authorization::GrantChange;
use countersign_store::role::{DeletedRole, NewRole, RoleChange};
use countersign_store::{Page, StoreError};

use crate::fixture::{ALL, scopes};

both! {
    async fn a_role_is_made_edited_and_read_back(fixture) {
        let acme = fixture.organization("acme").await;
        let role = fixture.role("acme", "Admin").await;
        assert_eq!(acme.role(&role.id).await.unwrap().as_ref(), Some(&role));
        let change = RoleChange { policies: Some(vec!["oauth:*:*".parse().unwrap()]), ..RoleChange::default() };
        let edited = acme.update_role(&role.id, &change).await.unwrap();
        assert_eq!((edited.name.as_str(), edited.policies[0].to_string().as_str()), ("Admin", "oauth:*:*"));
        assert!(matches!(acme.update_role(&unknown_role(), &change).await, Err(StoreError::NotFound { what: "role" })));
    }

    async fn a_role_name_is_unique_in_the_organization(fixture) {
        let acme = fixture.organization("acme").await;
        fixture.organization("globex").await;
        fixture.role("acme", "Admin").await;
        let other = fixture.role("acme", "Other").await;
        fixture.role("globex", "Admin").await;
        let new = NewRole { name: "Admin".to_owned(), description: String::new(), policies: Vec::new() };
        assert!(matches!(acme.create_role(&new).await, Err(StoreError::Conflict { .. })));
        let change = RoleChange { name: Some("Admin".to_owned()), ..RoleChange::default() };
        assert!(matches!(acme.update_role(&other.id, &change).await, Err(StoreError::Conflict { .. })));
    }

    async fn roles_are_listed_by_name_and_found_by_a_part_of_it(fixture) {
        let acme = fixture.organization("acme").await;
        for name in ["Seller", "admin", "Read_only", "Readonly"] {
            fixture.role("acme", name).await;
        }
        let listing = acme.roles(None, Page::new(1, 1)).await.unwrap();
        let names = |roles: &[countersign_domain::role::Role]| roles.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
        assert_eq!((names(&listing.items), listing.total), (vec!["admin".to_owned()], 4));
        assert_eq!(names(&acme.roles(Some("D_ON"), ALL).await.unwrap().items), ["Read_only"]);
    }

    async fn roles_are_given_and_taken_and_giving_twice_changes_nothing(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = Assignee::User(fixture.user("acme", "ada").await.id);
        let role = fixture.role("acme", "Admin").await;
        let home = DivisionScope::Division(acme.home_division().await.unwrap().id);
        acme.assign_role(&ada, &role.id, &DivisionScope::All).await.unwrap();
        acme.assign_role(&ada, &role.id, &home).await.unwrap();
        let revision = fixture.revision("acme").await;
        acme.assign_role(&ada, &role.id, &home).await.unwrap();
        assert_eq!(fixture.revision("acme").await, revision);
        assert_eq!(acme.assignments_of(&ada).await.unwrap().len(), 2);
        assert_eq!(acme.role_user_counts().await.unwrap()[&role.id], 1, "one user, in two divisions");
        acme.unassign_role(&ada, &role.id, &DivisionScope::All).await.unwrap();
        let left = acme.assignments_of(&ada).await.unwrap();
        assert_eq!(left.iter().map(|one| one.division.clone()).collect::<Vec<_>>(), [home]);
    }

    async fn roles_are_read_with_their_assignments(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = Assignee::User(fixture.user("acme", "ada").await.id);
        let role = fixture.role("acme", "Admin").await;
        let home = DivisionScope::Division(acme.home_division().await.unwrap().id);
        acme.assign_role(&ada, &role.id, &home).await.unwrap();
        let (assignment, held) = acme.roles_of(&ada).await.unwrap().remove(0);
        assert_eq!((assignment.role, assignment.division, held), (role.id.clone(), home.clone(), role.clone()));
        assert_eq!(acme.divisions_of_role(&role.id).await.unwrap(), [home]);
        assert_eq!(fixture.organization("globex").await.divisions_of_role(&role.id).await.unwrap(), []);
    }

    async fn only_what_exists_in_the_organization_can_be_given(fixture) {
        let acme = fixture.organization("acme").await;
        let globex = fixture.organization("globex").await;
        let ada = Assignee::User(fixture.user("acme", "ada").await.id);
        let eve = Assignee::User(fixture.user("globex", "eve").await.id);
        let role = fixture.role("acme", "Admin").await.id;
        let foreign_role = fixture.role("globex", "Admin").await.id;
        let foreign_division = DivisionScope::Division(globex.home_division().await.unwrap().id);
        let app = Assignee::Client(fixture.client("globex", "App").await.id);
        for (assignee, role, division, missing) in [
            (&eve, &role, &DivisionScope::All, "user"),
            (&app, &role, &DivisionScope::All, "client"),
            (&ada, &foreign_role, &DivisionScope::All, "role"),
            (&ada, &role, &foreign_division, "division"),
        ] {
            let error = acme.assign_role(assignee, role, division).await.err().unwrap();
            assert!(matches!(error, StoreError::NotFound { what } if what == missing), "{missing}: {error:?}");
        }
    }

    async fn replacing_keeps_the_divisions_of_roles_that_stay(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await.id;
        let [stays, goes, comes] =
            [fixture.role("acme", "A").await.id, fixture.role("acme", "B").await.id, fixture.role("acme", "C").await.id];
        let home = DivisionScope::Division(acme.home_division().await.unwrap().id);
        let assignee = Assignee::User(ada.clone());
        acme.assign_role(&assignee, &stays, &home).await.unwrap();
        acme.assign_role(&assignee, &goes, &DivisionScope::All).await.unwrap();
        let roles = [stays.clone(), comes.clone()];
        let held = acme.replace_user_roles(&ada, &roles, &DivisionScope::All).await.unwrap();
        let mut held: Vec<_> = held.into_iter().map(|one| (one.role, one.division)).collect();
        held.sort();
        let mut expected = vec![(stays, home), (comes, DivisionScope::All)];
        expected.sort();
        assert_eq!(held, expected);
    }

    async fn a_deleted_role_takes_its_assignments_along_and_never_opens_an_app(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = Assignee::User(fixture.user("acme", "ada").await.id);
        let [admin, seller] = [fixture.role("acme", "Admin").await.id, fixture.role("acme", "Seller").await.id];
        acme.assign_role(&ada, &admin, &DivisionScope::All).await.unwrap();
        let [narrow, wide, open] =
            [fixture.client("acme", "N").await, fixture.client("acme", "W").await, fixture.client("acme", "O").await];
        for (client, roles) in
            [(&narrow, vec![admin.clone()]), (&wide, vec![admin.clone(), seller.clone()]), (&open, vec![])]
        {
            let scopes = scopes(&["users"]);
            let change = GrantChange { scopes, roles, consent: ConsentMode::Administrator, expected_version: None, reason: String::new() };
            acme.grant(&client.id, &change).await.unwrap();
        }

        let globex = fixture.organization("globex").await;
        assert!(acme.limits_an_app(&admin).await.unwrap() && !globex.limits_an_app(&admin).await.unwrap());
        assert!(!acme.limits_an_app(&RoleId::parse("another").unwrap()).await.unwrap());

        let deleted = acme.delete_role(&admin).await.unwrap();

        let expected = DeletedRole { assignments: 1, authorizations_edited: 1, authorizations_closed: 1 };
        assert_eq!(deleted, expected);
        assert!(acme.assignments_of(&ada).await.unwrap().is_empty());
        let limit = async |client: &countersign_domain::client::Client| {
            acme.authorization(&client.id).await.unwrap().unwrap().0.roles
        };
        assert_eq!(limit(&wide).await, [seller]);
        assert_eq!(limit(&narrow).await, std::slice::from_ref(&admin), "a limit that nobody meets stays one");
        assert!(limit(&open).await.is_empty());
        assert!(matches!(acme.delete_role(&admin).await, Err(StoreError::NotFound { what: "role" })));
    }
}

fn unknown_role() -> RoleId {
    RoleId::parse("unknown").unwrap()
}
