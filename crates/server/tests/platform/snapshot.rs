//! `/api/v2/organizations/me/snapshot`

use std::sync::Arc;

use countersign_decision::{
    Caller, ClientRef, Enforcement, OrganizationFacts, Snapshot, Subject, SubjectFacts, decide_operation,
};
use countersign_domain::id::ClientId;
use countersign_server::contracts::platform;
use serde_json::{Value, json};

use super::server::TestServer;
use super::world::{World, acme};

const SNAPSHOT: &str = "/api/v2/organizations/me/snapshot";

fn facts(answer: &Value) -> OrganizationFacts {
    serde_json::from_value(answer["facts"].clone()).unwrap()
}

#[tokio::test]
async fn an_organization_reads_all_that_its_calls_are_decided_on_and_nothing_of_another() {
    let Some(server) = TestServer::start().await else { return };
    let mut globex = World::new(&server, "globex", Enforcement::Enforce).await;
    globex.role("Canary role", &["canary:thing:view"]).await;
    globex.user("canary", &["Canary role"]).await;
    let foreign = globex.app("Canary app", &["users"]).await;
    let mut acme = acme(&server).await;
    acme.service("Robot", &["Everything"], &["snapshot:readonly"]).await;

    let answer = server.get(&acme.own_token("Robot").await, SNAPSHOT).await.ok();
    let (revision, expected) = acme.store().facts().await.unwrap();
    assert_eq!((&answer["revision"], &answer["selfUri"]), (&json!(revision), &json!(SNAPSHOT)));
    assert_eq!(facts(&answer), expected);
    let text = answer.to_string().to_lowercase();
    let others = ["canary", "globex", foreign.as_str(), globex.user_id("canary"), globex.role_id("Canary role")];
    for other in others {
        assert!(!text.contains(&other.to_lowercase()), "{other} of another organization in {text}");
    }
    let secrets = ["secret", "password", "@acme.test", "hash"];
    assert!(!secrets.iter().any(|word| text.contains(word)), "{text}");
}

#[tokio::test]
async fn a_service_decides_with_it_as_the_server_does() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.app("Reader", &["users:readonly"]).await;
    let answer = server.get(&acme.token("Admin", "ada").await, SNAPSHOT).await.ok();
    let contracts = server.app.contracts();
    let snapshot = Snapshot::compile(contracts.catalogue(), &facts(&answer));
    for (app, user) in [("Admin", "ada"), ("Admin", "bob"), ("Reader", "ada"), ("Reader", "bob")] {
        let caller = Caller {
            client: ClientRef { id: acme.client_id(app).into(), home_organization: "acme".into(), active: true },
            subject: Subject::User(acme.user_id(user).into()),
            ceiling: None,
            actors: vec![],
        };
        let is_allowed =
            decide_operation(platform(&contracts), &snapshot.authority(&caller), "getAuthorizationRoles").is_allowed();
        let answer = server.get(&acme.token(app, user).await, "/api/v2/authorization/roles").await;
        assert_eq!(is_allowed, answer.status == 200, "{app} for {user}: {:#}", answer.body);
    }
}

#[tokio::test]
async fn whoever_knows_the_revision_is_not_sent_it_again() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    let (ada, admin) = (acme.token("Admin", "ada").await, ClientId::parse(acme.client_id("Admin")).unwrap());
    let first = server.get(&ada, SNAPSHOT).await;
    let tag = first.headers["etag"].clone();
    assert_eq!(tag, format!("\"{}\"", first.body["revision"]));
    assert_eq!(first.headers["cache-control"], "private, no-cache");

    let known = async |tag: &str| server.get_with(&ada, SNAPSHOT, ("if-none-match", tag)).await;
    let again = known(&tag).await;
    assert_eq!((again.status, &again.body, &again.headers["etag"]), (304, &Value::Null, &tag));
    assert_eq!(known("\"0\"").await.status, 200);

    let user = acme.user("cyd", &[]).await;
    let changed = known(&tag).await;
    assert_eq!(changed.status, 200);
    assert!(facts(&changed.body).users.iter().any(|one| one.id == user.as_str()));
    assert_ne!(changed.headers["etag"], tag);

    acme.store().revoke(&admin).await.unwrap();
    assert_eq!(known(&tag).await.status, 403, "who may no longer read it learns nothing, not even that it is the same");
}

#[tokio::test]
async fn of_many_calls_after_a_change_one_loads_and_all_see_it() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    server.get(&acme.token("Admin", "ada").await, SNAPSHOT).await.ok();
    let user = acme.user("cyd", &[]).await;
    let revision = acme.store().organization().await.unwrap().revision;
    let contracts = server.app.contracts();
    let load = || async {
        let store = acme.system();
        server.app.snapshots.at_least(revision, &acme.id, &contracts, &store).await.unwrap().unwrap()
    };
    let (one, two, three, four) = tokio::join!(load(), load(), load(), load());
    for other in [&two, &three, &four] {
        assert!(Arc::ptr_eq(&one, other), "loaded once");
    }
    assert!(one.active_users().any(|id| id == user.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_snapshot_is_older_than_its_call_however_many_write() {
    let Some(server) = TestServer::start().await else { return };
    let server = Arc::new(server);
    acme(&server).await;
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let mut acme = World::of(&server, "acme");
                for number in 0..10 {
                    let user = acme.user(&format!("w{writer}u{number}"), &[]).await;
                    let revision = acme.store().organization().await.unwrap().revision;
                    let contracts = server.app.contracts();
                    let store = acme.system();
                    let snapshot = server.app.snapshots.at_least(revision, &acme.id, &contracts, &store).await;
                    let snapshot = snapshot.unwrap().unwrap();
                    assert!(snapshot.active_users().any(|id| id == user.as_str()), "what was answered is in force");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let acme = World::of(&server, "acme");
    let (revision, facts) = acme.store().facts().await.unwrap();
    let contracts = server.app.contracts();
    let snapshot = server.app.snapshots.at_least(revision, &acme.id, &contracts, &acme.system()).await;
    let mut compiled: Vec<_> = snapshot.as_ref().unwrap().as_ref().unwrap().active_users().collect();
    let mut stored: Vec<_> = facts.users.iter().map(|SubjectFacts { id, .. }| id.as_str()).collect();
    compiled.sort_unstable();
    stored.sort_unstable();
    assert_eq!(compiled, stored);
}
