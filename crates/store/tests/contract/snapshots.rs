//! The facts that decisions depend on.

use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Enforcement, OrganizationFacts, RoleFacts, SubjectFacts,
};
use countersign_domain::authorization::ConsentMode;
use countersign_domain::client::ClientState;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::user::UserState;
use countersign_store::SystemTask;
use countersign_store::authorization::GrantChange;
use countersign_store::client::ClientChange;
use countersign_store::user::UserChange;

use crate::fixture::{organization_id, scopes};

both! {
    async fn facts_hold_everything_of_one_organization_and_nothing_of_another(fixture) {
        let acme = fixture.organization("acme").await;
        fixture.organization("globex").await;
        fixture.user("globex", "eve").await;
        fixture.role("globex", "Foreign").await;
        let foreign = fixture.client("globex", "Foreign").await;

        let role = fixture.role("acme", "Admin").await;
        let [ada, bob, cyd] =
            [fixture.user("acme", "ada").await, fixture.user("acme", "bob").await, fixture.user("acme", "cyd").await];
        let app = fixture.client("acme", "App").await;
        let home = DivisionScope::Division(acme.home_division().await.unwrap().id);
        for division in [&DivisionScope::All, &home] {
            acme.assign_role(&Assignee::User(ada.id.clone()), &role.id, division).await.unwrap();
        }
        acme.assign_role(&Assignee::Client(app.id.clone()), &role.id, &home).await.unwrap();
        let off = UserChange { state: Some(UserState::Inactive), ..UserChange::default() };
        acme.update_user(&bob.id, 1, &off).await.unwrap();
        acme.delete_user(&cyd.id).await.unwrap();
        let disabled = ClientChange { state: Some(ClientState::Disabled), ..ClientChange::default() };
        acme.update_client(&app.id, &disabled).await.unwrap();
        acme.set_enforcement(Enforcement::Report, Some(false)).await.unwrap();
        let change = GrantChange {
            scopes: scopes(&["users", "oauth"]),
            roles: vec![role.id.clone()],
            consent: ConsentMode::Administrator,
            expected_version: None,
            reason: String::new(),
        };
        acme.grant(&foreign.id, &change).await.unwrap();
        acme.deny(&app.id, "").await.unwrap();

        let system = fixture.system(SystemTask::Enforcement);
        let (revision, mut facts) = system.organization_facts(&organization_id("acme")).await.unwrap().unwrap();

        let roles = vec![role.id.to_string()];
        let authorization = |client: &str, state, scopes: &[&str], roles: &[String]| AuthorizationFacts {
            client: client.to_owned(),
            state,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            roles: roles.to_vec(),
        };
        let mut expected = OrganizationFacts {
            id: "acme".to_owned(),
            active: true,
            enforcement: Enforcement::Report,
            bounds_client_credentials: false,
            roles: vec![RoleFacts { id: role.id.to_string(), name: role.name, policies: role.policies }],
            users: vec![
                SubjectFacts { id: ada.id.to_string(), active: true, roles: roles.clone() },
                SubjectFacts { id: bob.id.to_string(), active: false, roles: Vec::new() },
            ],
            clients: vec![SubjectFacts { id: app.id.to_string(), active: false, roles: roles.clone() }],
            authorizations: vec![
                authorization(app.id.as_str(), AuthorizationState::Denied, &[], &[]),
                authorization(foreign.id.as_str(), AuthorizationState::Authorized, &["users", "oauth"], &roles),
                authorization("countersign-console", AuthorizationState::Authorized, &["users"], &[]),
            ],
        };
        for facts in [&mut facts, &mut expected] {
            facts.users.sort_by(|one, other| one.id.cmp(&other.id));
            facts.authorizations.sort_by(|one, other| one.client.cmp(&other.client));
        }
        assert_eq!(facts, expected);
        assert_eq!(revision, fixture.revision("acme").await);
        assert!(system.organization_facts(&organization_id("nowhere")).await.unwrap().is_none());
    }

    async fn facts_belong_to_exactly_their_revision_while_others_write(fixture) {
        let acme = fixture.organization("acme").await;
        let start = fixture.revision("acme").await;
        let writer = {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let entropy = countersign_domain::entropy::SeededEntropy::new(9);
                for number in 0..40 {
                    let system = store.system(SystemTask::Demo, crate::fixture::NOW, &entropy);
                    let new = crate::fixture::new_user(&format!("u{number}@acme.test"));
                    system.org(&organization_id("acme")).create_user(&new).await.unwrap();
                }
            })
        };
        let system = fixture.system(SystemTask::Enforcement);
        loop {
            let (revision, facts) = system.organization_facts(acme.organization_id()).await.unwrap().unwrap();
            let users = i64::try_from(facts.users.len()).unwrap();
            assert_eq!(revision, start + users, "each new user is one revision");
            if users == 40 {
                break;
            }
        }
        writer.await.unwrap();
    }
}
