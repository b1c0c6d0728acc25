//! Users.

use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::{Digest, SecretHash};
use countersign_domain::user::{Email, User, UserState};
use countersign_store::user::{UserChange, UserFilter};
use countersign_store::{Page, StoreError, SystemTask};

use crate::fixture::{ALL, NOW, access_token, new_user, scopes};

both! {
    async fn a_user_is_made_in_the_home_division_and_read_back(fixture) {
        let acme = fixture.organization("acme").await;
        let user = fixture.user("acme", "ada").await;
        assert_eq!(user.division, acme.home_division().await.unwrap().id);
        assert_eq!((user.version, user.created_at, user.state), (1, NOW, UserState::Active));
        assert_eq!(acme.user(&user.id).await.unwrap(), Some(user));
    }

    async fn an_email_address_is_unique_in_the_organization_without_letter_case(fixture) {
        fixture.organization("acme").await;
        fixture.organization("globex").await;
        fixture.user("acme", "ada").await;
        let error = fixture.org("acme").create_user(&new_user("ADA@acme.test")).await.err().unwrap();
        assert!(matches!(error, StoreError::Conflict { what: "another user has this e-mail address" }), "{error:?}");
        fixture.org("globex").create_user(&new_user("ada@acme.test")).await.unwrap();
    }

    async fn an_unknown_division_is_not_found(fixture) {
        fixture.organization("acme").await;
        let elsewhere = fixture.organization("globex").await.home_division().await.unwrap().id;
        let new = countersign_store::user::NewUser { division: Some(elsewhere), ..new_user("ada@acme.test") };
        let error = fixture.org("acme").create_user(&new).await.err().unwrap();
        assert!(matches!(error, StoreError::NotFound { what: "division" }), "{error:?}");
    }

    async fn an_edit_names_the_version_it_read(fixture) {
        let acme = fixture.organization("acme").await;
        let user = fixture.user("acme", "ada").await;
        let change = UserChange { title: Some("Countess".to_owned()), ..UserChange::default() };
        let edited = acme.update_user(&user.id, 1, &change).await.unwrap();
        assert_eq!((edited.version, edited.title.as_deref()), (2, Some("Countess")));
        let error = acme.update_user(&user.id, 1, &change).await.err().unwrap();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
        let change = UserChange { title: Some(String::new()), ..UserChange::default() };
        assert_eq!(acme.update_user(&user.id, 2, &change).await.unwrap().title, None);
    }

    async fn of_many_edits_of_one_version_one_succeeds(fixture) {
        let acme = fixture.organization("acme").await;
        let user = fixture.user("acme", "ada").await;
        let mut successes = 0;
        let changes: Vec<_> = (0..20)
            .map(|number| UserChange { name: Some(format!("Ada {number}")), ..UserChange::default() })
            .collect();
        let edits = changes.iter().map(|change| acme.update_user(&user.id, 1, change));
        for outcome in crate::wall::join_all(edits).await {
            match outcome {
                Ok(_) => successes += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}"),
            }
        }
        assert_eq!(successes, 1);
        assert_eq!(acme.user(&user.id).await.unwrap().unwrap().version, 2);
    }

    async fn an_edit_cannot_take_another_users_email_address(fixture) {
        let acme = fixture.organization("acme").await;
        fixture.user("acme", "ada").await;
        let bob = fixture.user("acme", "bob").await;
        let change = UserChange { email: Some(Email::parse("Ada@acme.test").unwrap()), ..UserChange::default() };
        let error = acme.update_user(&bob.id, 1, &change).await.err().unwrap();
        assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
        assert_eq!(acme.user(&bob.id).await.unwrap().unwrap(), bob);
    }

    async fn a_deleted_user_leaves_a_record_and_nothing_else(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let role = fixture.role("acme", "Admin").await;
        acme.assign_role(&Assignee::User(ada.id.clone()), &role.id, &DivisionScope::All).await.unwrap();
        let client = fixture.client("acme", "App").await;
        acme.request(&client.id, &ada.id, &scopes(&["users"]), "please").await.unwrap();
        acme.save_consent(&ada.id, &client.id, &scopes(&["users"])).await.unwrap();
        let family = fixture.family("acme", &client, &ada);
        fixture.system(SystemTask::TokenEndpoint).save_tokens(&family, &access_token("t", &family)).await.unwrap();

        acme.delete_user(&ada.id).await.unwrap();

        assert_eq!(acme.user(&ada.id).await.unwrap().unwrap().state, UserState::Deleted);
        assert!(acme.assignments_of(&Assignee::User(ada.id.clone())).await.unwrap().is_empty());
        assert!(acme.requests(&client.id).await.unwrap().is_empty());
        assert_eq!(acme.consent(&ada.id, &client.id).await.unwrap(), None);
        let bearer = fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"t")).await.unwrap().unwrap();
        assert!(bearer.is_revoked);
        assert!(matches!(acme.delete_user(&ada.id).await, Err(StoreError::NotFound { what: "user" })));
        let error = acme.update_user(&ada.id, 2, &UserChange::default()).await;
        assert!(matches!(error, Err(StoreError::NotFound { what: "user" })));

        let again = fixture.user("acme", "ada").await;
        assert_ne!(again.id, ada.id, "the address is free, the id is not used again");
    }

    async fn a_user_who_is_switched_off_and_on_again_begins_without_tokens(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let client = fixture.client("acme", "App").await;
        let family = fixture.family("acme", &client, &ada);
        fixture.system(SystemTask::TokenEndpoint).save_tokens(&family, &access_token("t", &family)).await.unwrap();
        for (version, state) in [(1, UserState::Inactive), (2, UserState::Active)] {
            let change = UserChange { state: Some(state), ..UserChange::default() };
            acme.update_user(&ada.id, version, &change).await.unwrap();
        }
        let bearer = fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"t")).await.unwrap().unwrap();
        assert!(bearer.is_revoked);
    }

    async fn deletion_is_no_edit(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let change = UserChange { state: Some(UserState::Deleted), ..UserChange::default() };
        assert!(matches!(acme.update_user(&ada.id, 1, &change).await, Err(StoreError::Invalid { .. })));
        let new = countersign_store::user::NewUser { state: UserState::Deleted, ..new_user("bob@acme.test") };
        assert!(matches!(acme.create_user(&new).await, Err(StoreError::Invalid { .. })));
    }

    async fn users_are_listed_by_name_page_by_page(fixture) {
        let acme = fixture.organization("acme").await;
        for name in ["dan", "ada", "eve", "bob", "cyd"] {
            fixture.user("acme", name).await;
        }
        let eve = user_named(&acme.users(&UserFilter::default(), ALL).await.unwrap().items, "eve");
        acme.delete_user(&eve.id).await.unwrap();

        let first = acme.users(&UserFilter::default(), Page::new(1, 3)).await.unwrap();
        assert_eq!((names(&first.items), first.total), (vec!["ada", "bob", "cyd"], 4));
        let second = acme.users(&UserFilter::default(), Page::new(2, 3)).await.unwrap();
        assert_eq!((names(&second.items), second.total), (vec!["dan"], 4));
        let beyond = acme.users(&UserFilter::default(), Page::new(9, 3)).await.unwrap();
        assert_eq!((names(&beyond.items), beyond.total), (vec![], 4));

        let deleted = UserFilter { states: vec![UserState::Deleted], ids: Vec::new() };
        assert_eq!(names(&acme.users(&deleted, ALL).await.unwrap().items), ["eve"]);
        let chosen = UserFilter { states: Vec::new(), ids: vec![second.items[0].id.clone(), eve.id] };
        assert_eq!(names(&acme.users(&chosen, ALL).await.unwrap().items), ["dan"]);
    }

    async fn users_are_counted_by_division(fixture) {
        let acme = fixture.organization("acme").await;
        fixture.user("acme", "ada").await;
        let bob = fixture.user("acme", "bob").await;
        acme.delete_user(&bob.id).await.unwrap();
        let home = acme.home_division().await.unwrap().id;
        assert_eq!(acme.division_user_counts().await.unwrap().into_iter().collect::<Vec<_>>(), [(home, 1)]);
    }

    async fn sign_in_finds_a_person_in_every_organization_but_not_the_deleted(fixture) {
        for organization in ["acme", "globex", "initech"] {
            fixture.organization(organization).await;
        }
        let hash = SecretHash::Sha256(Digest::of(b"password"));
        let with_password =
            countersign_store::user::NewUser { password: Some(hash.clone()), ..new_user("ada@mail.test") };
        fixture.org("globex").create_user(&with_password).await.unwrap();
        fixture.org("acme").create_user(&new_user("Ada@Mail.test")).await.unwrap();
        let gone = fixture.org("initech").create_user(&new_user("ada@mail.test")).await.unwrap();
        fixture.org("initech").delete_user(&gone.id).await.unwrap();

        let email = Email::parse("ADA@mail.test").unwrap();
        let found = fixture.system(SystemTask::SignIn).sign_in_candidates(&email).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.organization.as_str(), one.password.clone())).collect();
        assert_eq!(found, [("acme", None), ("globex", Some(hash))]);
    }

    async fn c43_a_new_password_ends_sessions_and_tokens(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let client = fixture.client("acme", "App").await;
        let family = fixture.family("acme", &client, &ada);
        fixture.system(SystemTask::TokenEndpoint).save_tokens(&family, &access_token("t", &family)).await.unwrap();
        let sign_in = fixture.system(SystemTask::SignIn);
        sign_in.create_session(&crate::sessions::session("acme", &ada, "cookie")).await.unwrap();

        acme.set_password(&ada.id, &SecretHash::Sha256(Digest::of(b"new"))).await.unwrap();

        assert_eq!(sign_in.session(&Digest::of(b"cookie")).await.unwrap(), None);
        let bearer = fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"t")).await.unwrap().unwrap();
        assert!(bearer.is_revoked);
        let candidates = sign_in.sign_in_candidates(&ada.email).await.unwrap();
        assert!(candidates[0].password.as_ref().unwrap().verify("new"));
    }

    async fn a_text_that_cannot_be_kept_everywhere_is_invalid_or_kept_whole(fixture) {
        let acme = fixture.organization("acme").await;
        let new = countersign_store::user::NewUser { name: "nul\0nul".to_owned(), ..new_user("ada@acme.test") };
        match acme.create_user(&new).await {
            Ok(user) => assert_eq!(user.name, "nul\0nul"),
            Err(error) => assert!(matches!(error, StoreError::Invalid { .. }), "{error:?}"),
        }
    }
}

pub(crate) fn names(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.name.as_str()).collect()
}

fn user_named(users: &[User], name: &str) -> User {
    users.iter().find(|user| user.name == name).unwrap().clone()
}
