//! `/api/v2/organizations`

use serde_json::json;

use super::server::TestServer;
use super::world::acme;

const ENFORCEMENT: &str = "/api/v2/organizations/scopeenforcement";

#[tokio::test]
async fn an_organization_shows_itself() {
    let Some(server) = TestServer::start().await else { return };
    let acme = acme(&server).await;
    let bob = acme.token("Admin", "bob").await;
    let revision = acme.store().organization().await.unwrap().revision;
    let expected = json!({
        "id": "acme", "name": "ACME Corp", "domain": "acme", "thirdPartyOrgName": "acme", "state": "active",
        "version": revision, "features": {}, "selfUri": "/api/v2/organizations/me",
    });
    assert_eq!(server.get(&bob, "/api/v2/organizations/me").await.ok(), expected);
}

#[tokio::test]
async fn the_enforcement_mode_holds_from_the_next_call_on() {
    let Some(server) = TestServer::start().await else { return };
    let mut acme = acme(&server).await;
    acme.app("Unapproved", &[]).await;
    acme.service("Robot", &["Everything"], &[]).await;
    let ada = acme.token("Admin", "ada").await;
    let (through_app, robot) = (acme.token("Unapproved", "ada").await, acme.own_token("Robot").await);
    let shown =
        |mode: &str, bounds: bool| json!({ "mode": mode, "boundsClientCredentials": bounds, "selfUri": ENFORCEMENT });
    assert_eq!(server.get(&ada, ENFORCEMENT).await.ok(), shown("enforce", true));
    assert_eq!(server.get(&through_app, "/api/v2/users").await.status, 403);

    assert_eq!(server.put(&ada, ENFORCEMENT, json!({ "mode": "report" })).await.ok(), shown("report", true));
    assert_eq!(server.get(&through_app, "/api/v2/users").await.status, 200);
    server.put(&ada, ENFORCEMENT, json!({ "mode": "enforce", "boundsClientCredentials": false })).await.ok();
    assert_eq!(server.get(&through_app, "/api/v2/users").await.status, 403);
    assert_eq!(server.get(&robot, "/api/v2/users").await.status, 200);
    assert_eq!(
        server.put(&ada, ENFORCEMENT, json!({ "mode": "enforce", "boundsClientCredentials": true })).await.ok(),
        shown("enforce", true)
    );
    assert_eq!(server.get(&robot, "/api/v2/users").await.status, 403);

    for bad in [json!({}), json!({ "mode": "strict" }), json!({ "mode": "off", "boundsClientCredentials": "no" })] {
        assert_eq!(server.put(&ada, ENFORCEMENT, bad.clone()).await.status, 400, "{bad}");
    }
}
