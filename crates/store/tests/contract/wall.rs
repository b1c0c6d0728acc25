//! The organization wall: what one organization's store is given of another's answers as unknown, and changes nothing.

use countersign_decision::{
    Caller, ClientRef, Contracts, Decision, Enforcement, ImportOptions, OrganizationFacts, OwnedPermit, RoleFacts,
    Snapshot, SourceFile, Subject, SubjectFacts, decide, import,
};
use countersign_domain::authorization::ConsentMode;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::{Digest, SecretHash};
use countersign_store::StoreError;
use countersign_store::authorization::GrantChange;
use countersign_store::client::ClientChange;
use countersign_store::role::RoleChange;
use countersign_store::user::{UserChange, UserFilter};

use crate::fixture::{ALL, NOW, access_token, new_user, organization_id, scopes};
use crate::secrets::dump;

/// Runs futures at the same time and collects what they answer.
pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    let mut outcomes: Vec<_> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, outcome) in futures.iter_mut().zip(&mut outcomes) {
            if let Some(running) = future
                && let std::task::Poll::Ready(value) = running.as_mut().poll(context)
            {
                (*outcome, *future) = (Some(value), None);
            }
        }
        if futures.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}

both! {
    async fn invariant_26_ids_of_another_organization_answer_as_unknown_and_nothing_there_changes(fixture) {
        let acme = fixture.organization("acme").await;
        let globex = fixture.organization("globex").await;
        let eve = fixture.user("globex", "eve").await;
        let role = fixture.role("globex", "Canary role").await;
        let app = fixture.client("globex", "Canary app").await;
        let home = globex.home_division().await.unwrap().id;
        globex.assign_role(&Assignee::User(eve.id.clone()), &role.id, &DivisionScope::All).await.unwrap();
        globex.request(&app.id, &eve.id, &scopes(&["users"]), "canary reason").await.unwrap();
        globex.save_consent(&eve.id, &app.id, &scopes(&["users"])).await.unwrap();
        let family = fixture.family("globex", &app, &eve);
        let tokens = fixture.system(countersign_store::SystemTask::TokenEndpoint);
        tokens.save_tokens(&family, &access_token("t", &family)).await.unwrap();
        let mine = fixture.user("acme", "ada").await;
        let before = rows_of_globex(fixture).await;

        macro_rules! not_found {
            ($($work:expr;)*) => {$(
                let outcome = $work.await;
                assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{}: {outcome:?}", stringify!($work));
            )*};
        }
        let hash = SecretHash::Sha256(Digest::of(b"x"));
        let grant = GrantChange {
            scopes: scopes(&["users"]),
            roles: vec![role.id.clone()],
            consent: ConsentMode::Administrator,
            expected_version: None,
            reason: String::new(),
        };
        not_found! {
            acme.update_user(&eve.id, 1, &UserChange::default());
            acme.delete_user(&eve.id);
            acme.set_password(&eve.id, &hash);
            acme.revoke_tokens_of_user(&eve.id);
            acme.revoke_family(&family.id);
            acme.update_role(&role.id, &RoleChange::default());
            acme.delete_role(&role.id);
            acme.assign_role(&Assignee::User(eve.id.clone()), &role.id, &DivisionScope::All);
            acme.assign_role(&Assignee::User(mine.id.clone()), &role.id, &DivisionScope::All);
            acme.unassign_role(&Assignee::User(eve.id.clone()), &role.id, &DivisionScope::All);
            acme.replace_user_roles(&eve.id, &[], &DivisionScope::All);
            acme.update_client(&app.id, &ClientChange::default());
            acme.delete_client(&app.id);
            acme.add_client_secret(&app.id, &hash, None);
            acme.grant(&app.id, &grant);
            acme.revoke(&app.id);
            acme.request(&app.id, &eve.id, &[], "");
            acme.save_consent(&eve.id, &app.id, &[]);
        }
        assert_eq!(acme.user(&eve.id).await.unwrap(), None);
        assert_eq!(acme.role(&role.id).await.unwrap(), None);
        assert_eq!(acme.client(&app.id).await.unwrap(), None);
        assert_eq!(acme.division(&home).await.unwrap(), None);
        assert_eq!(acme.authorization(&app.id).await.unwrap(), None);
        assert_eq!(acme.consent(&eve.id, &app.id).await.unwrap(), None);
        assert!(acme.requests(&app.id).await.unwrap().is_empty());
        assert!(acme.assignments_of(&Assignee::User(eve.id.clone())).await.unwrap().is_empty());
        let everything = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            acme.users(&UserFilter { ids: vec![eve.id.clone()], ..UserFilter::default() }, ALL).await.unwrap(),
            acme.roles(None, ALL).await.unwrap(),
            acme.clients(ALL).await.unwrap(),
            acme.authorizations(ALL).await.unwrap(),
            acme.audit(ALL).await.unwrap(),
            acme.role_user_counts().await.unwrap(),
        );
        for canary in ["globex", "anary", eve.id.as_str(), role.id.as_str(), app.id.as_str()] {
            assert!(!everything.contains(canary), "{canary} is in {everything}");
        }
        assert_eq!(rows_of_globex(fixture).await, before);
    }

    async fn a_permit_opens_its_own_organization_and_names_the_actor(fixture) {
        fixture.organization("acme").await;
        fixture.organization("globex").await;
        let ada = fixture.user("acme", "ada").await;
        let permit = permit("acme", ada.id.as_str());
        let store = fixture.store.org(&permit, NOW, &fixture.entropy);
        assert_eq!(store.organization_id(), &organization_id("acme"));
        let bob = store.create_user(&new_user("bob@acme.test")).await.unwrap();
        assert_eq!(bob.organization, organization_id("acme"));
        let audit = store.audit(ALL).await.unwrap().items;
        let record = audit.iter().find(|record| record.entity_id == bob.id.as_str()).unwrap();
        let actor = (record.actor_kind.as_str(), record.actor.as_str(), record.through_client.as_deref());
        assert_eq!(actor, ("user", ada.id.as_str(), Some("app")));
    }
}

/// Every row that has to do with `globex`.
async fn rows_of_globex(fixture: &crate::fixture::Fixture) -> Vec<String> {
    let dump = dump(fixture).await;
    let mut rows: Vec<_> = dump.lines().filter(|line| line.contains("org_id=globex")).map(str::to_owned).collect();
    rows.sort();
    rows
}

/// A permit as the engine gives it: there is no other way to have one.
fn permit(organization: &str, user: &str) -> OwnedPermit {
    let text = r#"{
        "openapi": "3.1.0", "info": { "title": "t", "version": "1" },
        "paths": { "/users": { "post": {
            "operationId": "postUsers", "security": [{ "oauth": ["users"] }], "responses": {},
            "x-inin-requires-permissions": { "type": "ANY", "permissions": ["directory:user:add"] } } } },
        "components": { "securitySchemes": { "oauth": { "type": "oauth2", "flows": { "clientCredentials": {
            "tokenUrl": "/oauth/token", "scopes": { "users": "" } } } } } }
    }"#;
    let options = ImportOptions { name: "t".into(), ..ImportOptions::default() };
    let source = import(&[SourceFile { name: "t.json", text }], &options).unwrap();
    let contracts = Contracts::new(vec![source]).unwrap();
    let facts = OrganizationFacts {
        id: organization.to_owned(),
        active: true,
        enforcement: Enforcement::Off,
        bounds_client_credentials: true,
        roles: vec![RoleFacts {
            id: "r".to_owned(),
            name: "r".to_owned(),
            policies: vec!["directory:user:add".parse().unwrap()],
        }],
        users: vec![SubjectFacts { id: user.to_owned(), active: true, roles: vec!["r".to_owned()] }],
        clients: Vec::new(),
        authorizations: Vec::new(),
    };
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
    let client = ClientRef { id: "app".to_owned(), home_organization: "elsewhere".to_owned(), active: true };
    let caller = Caller { client, subject: Subject::User(user.to_owned()), ceiling: None, actors: Vec::new() };
    match decide(contracts.named("t").unwrap(), &snapshot.authority(&caller), "POST", b"/users") {
        Decision::Allow(permit) => permit.detach().unwrap(),
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}
