//! Every change of authority bumps the revision and leaves a change row and an audit record, in its own transaction.

use countersign_decision::Enforcement;
use countersign_domain::audit::Actor;
use countersign_domain::authorization::ConsentMode;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_store::authorization::GrantChange;
use countersign_store::client::ClientChange;
use countersign_store::role::RoleChange;
use countersign_store::user::UserChange;
use countersign_store::{Page, StoreError, SystemTask};

use crate::fixture::{ALL, Fixture, NOW, new_client, new_user, scopes};

/// How often the organization's audit holds an action.
async fn recorded(fixture: &Fixture, action: &str) -> usize {
    fixture.org("acme").audit(ALL).await.unwrap().items.iter().filter(|record| record.action == action).count()
}

async fn state(fixture: &Fixture) -> (i64, i64) {
    (fixture.revision("acme").await, fixture.org("acme").audit(Page::new(1, 1)).await.unwrap().total)
}

both! {
    async fn invariant_41_each_change_of_authority_is_one_revision_one_change_row_and_one_record(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let holder = Assignee::User(ada.id.clone());
        let role = fixture.role("acme", "Admin").await;
        let client = fixture.client("acme", "App").await;
        let change = GrantChange {
            scopes: scopes(&["users"]),
            roles: Vec::new(),
            consent: ConsentMode::Administrator,
            expected_version: None,
            reason: String::new(),
        };
        macro_rules! is_one_change {
            ($($action:literal: $work:expr;)*) => {$(
                let (before, recorded_before) = (state(fixture).await, recorded(fixture, $action).await);
                $work.await.unwrap();
                let after = state(fixture).await;
                assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1), $action);
                assert_eq!(recorded(fixture, $action).await, recorded_before + 1, $action);
            )*};
        }
        is_one_change! {
            "organization.set_enforcement": acme.set_enforcement(Enforcement::Off, None);
            "user.create": acme.create_user(&new_user("bob@acme.test"));
            "user.update": acme.update_user(&ada.id, 1, &UserChange { name: Some("Ada L".into()), ..UserChange::default() });
            "role.create": acme.create_role(&countersign_store::role::NewRole { name: "Second".into(), description: String::new(), policies: Vec::new() });
            "role.update": acme.update_role(&role.id, &RoleChange { policies: Some(Vec::new()), ..RoleChange::default() });
            "role_assignment.set": acme.assign_role(&holder, &role.id, &DivisionScope::All);
            "role_assignment.set": acme.unassign_role(&holder, &role.id, &DivisionScope::All);
            "role_assignment.set": acme.replace_user_roles(&ada.id, std::slice::from_ref(&role.id), &DivisionScope::All);
            "role.delete": acme.delete_role(&role.id);
            "client.create": acme.create_client(&new_client("New"), None, &[]);
            "client.update": acme.update_client(&client.id, &ClientChange { name: Some("Renamed".into()), ..ClientChange::default() });
            "authorization.grant": acme.grant(&client.id, &change);
            "authorization.revoke": acme.revoke(&client.id);
            "authorization.deny": acme.deny(&client.id, "");
            "user.delete": acme.delete_user(&ada.id);
        }
        let revision = fixture.revision("acme").await;
        assert_eq!(fixture.count("SELECT COUNT(*) FROM changes WHERE org_id = 'acme'").await, revision);
        assert_eq!(fixture.count("SELECT MAX(revision) FROM changes WHERE org_id = 'acme'").await, revision);
    }

    async fn what_fails_leaves_nothing(fixture) {
        let acme = fixture.organization("acme").await;
        fixture.user("acme", "ada").await;
        let before = state(fixture).await;
        assert!(acme.create_user(&new_user("ada@acme.test")).await.is_err());
        let unknown = [(countersign_domain::id::RoleId::parse("unknown").unwrap(), DivisionScope::All)];
        let outcome = acme.create_client(&new_client("App"), None, &unknown).await;
        assert!(matches!(outcome, Err(StoreError::NotFound { what: "role" })), "{outcome:?}");
        assert_eq!(state(fixture).await, before);
        assert_eq!(acme.clients(ALL).await.unwrap().total, 0, "the client is not half made");
    }

    async fn a_record_says_who_what_before_and_after(fixture) {
        let acme = fixture.organization("acme").await;
        let role = fixture.role("acme", "Admin").await;
        let later = fixture.at(SystemTask::Demo, NOW.plus_seconds(1));
        let change = RoleChange { name: Some("Boss".to_owned()), ..RoleChange::default() };
        later.org(acme.organization_id()).update_role(&role.id, &change).await.unwrap();
        let record = acme.audit(Page::new(1, 1)).await.unwrap().items.remove(0);
        assert_eq!((record.actor_kind.as_str(), record.actor.as_str()), ("operator", "demo"));
        assert_eq!((record.action.as_str(), record.entity.as_str()), ("role.update", "role"));
        assert_eq!((record.entity_id.as_str(), record.at), (role.id.as_str(), NOW.plus_seconds(1)));
        assert_eq!((&record.before["name"], &record.after["name"]), (&"Admin".into(), &"Boss".into()));
    }

    async fn invariant_43_refused_attempts_are_recorded_without_a_new_revision(fixture) {
        let acme = fixture.organization("acme").await;
        let before = state(fixture).await;
        acme.record_refused("authorization.grant", "authorization", "app", "missing_permission").await.unwrap();
        let after = state(fixture).await;
        assert_eq!((after.0, after.1), (before.0, before.1 + 1));
        let audit = acme.audit(ALL).await.unwrap().items;
        let record = audit.iter().find(|record| record.action == "authorization.grant.refused").unwrap();
        assert_eq!(record.after["reason"], "missing_permission");
    }

    async fn writers_of_one_organization_take_turns(fixture) {
        fixture.organization("acme").await;
        let before = fixture.revision("acme").await;
        let writes = (0..60).map(|number| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let entropy = countersign_domain::entropy::SeededEntropy::new(1_000 + number);
                let acme = store.system(SystemTask::Demo, NOW, &entropy).org(&crate::fixture::organization_id("acme"));
                acme.create_user(&new_user(&format!("u{number}@acme.test"))).await.map(drop)
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap().unwrap();
        }
        assert_eq!(fixture.revision("acme").await, before + 60);
    }

    async fn a_write_judged_on_another_revision_is_refused(fixture) {
        let acme = fixture.organization("acme").await;
        let client = fixture.client("acme", "App").await;
        let ada = fixture.user("acme", "ada").await;
        let family = fixture.family("acme", &client, &ada);
        let tokens = fixture.system(SystemTask::TokenEndpoint);
        tokens.save_tokens(&family, &crate::fixture::access_token("t", &family)).await.unwrap();
        let (judged_on, _) = acme.facts().await.unwrap();
        fixture.user("acme", "bob").await;
        let before = state(fixture).await;

        let stale = || fixture.org("acme").at_revision(judged_on);
        let new = new_user("cyd@acme.test");
        assert!(matches!(stale().create_user(&new).await, Err(StoreError::Moved)));
        assert!(matches!(stale().delete_client(&client.id).await, Err(StoreError::Moved)));
        assert!(matches!(stale().revoke_family(&family.id).await, Err(StoreError::Moved)));
        assert_eq!(state(fixture).await, before);

        let (judged_on, facts) = acme.facts().await.unwrap();
        assert_eq!(facts.users.len(), 2);
        fixture.org("acme").at_revision(judged_on).create_user(&new).await.unwrap();
    }

    async fn of_many_writes_judged_on_one_revision_one_succeeds(fixture) {
        let acme = fixture.organization("acme").await;
        let (judged_on, _) = acme.facts().await.unwrap();
        let writers: Vec<_> = (0..20)
            .map(|number| (fixture.org("acme").at_revision(judged_on), new_user(&format!("u{number}@acme.test"))))
            .collect();
        let outcomes = crate::wall::join_all(writers.iter().map(|(acme, new)| acme.create_user(new))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(StoreError::Moved))));
    }

    async fn a_system_task_can_act_for_somebody(fixture) {
        let acme = fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let actor = Actor::User { user: ada.id.to_string(), client: "countersign-console".to_owned() };
        let store = fixture.system(SystemTask::Authorize).org_as(acme.organization_id(), actor);
        let role = countersign_store::role::NewRole { name: "R".into(), description: String::new(), policies: Vec::new() };
        store.create_role(&role).await.unwrap();
        let audit = acme.audit(ALL).await.unwrap().items;
        let record = audit.iter().find(|record| record.action == "role.create").unwrap();
        assert_eq!((record.actor.as_str(), record.through_client.as_deref()), (ada.id.as_str(), Some("countersign-console")));
    }
}
