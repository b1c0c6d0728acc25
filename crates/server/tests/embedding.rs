//! The example service that embeds the library (`crates/decision/examples/tower_layer`), beside a real server: it
//! decides as the server would, follows what the server changes, and denies when it hears nothing any more.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "a test binary exports nothing")]

#[path = "support/issued.rs"]
mod issued;
#[expect(dead_code, unused_imports, reason = "what other tests need")]
mod support;
#[expect(dead_code, reason = "its `main`")]
#[path = "../../decision/examples/tower_layer/main.rs"]
mod tower_layer;

use std::time::Duration;

use countersign_decision::{ImportOptions, SourceFile, import};
use countersign_domain::id::{ClientId, UserId};
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::role::Assignee;
use countersign_store::user::UserFilter;
use countersign_store::{Page, SystemTask};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use support::Server;
use tower_layer::{Organization, Settings, bookshop};

const BOOKSHOP: &str = include_str!("../../../examples/bookshop.openapi.yaml");

const WORLD: &str = r#"
organizations:
  - id: acme
    roles:
      - { name: Bookseller, permissions: ["orders:order:view", "orders:order:add"] }
      - name: Guard
        permissions: ["authorization:grant:view", "authorization:role:view", "oauth:authorization:view"]
    users:
      - { email: mary@acme.test, name: Mary, roles: [Bookseller] }
      - { email: alan@acme.test, name: Alan }
    clients:
      - { id: desk, name: Desk, grant_types: [authorization_code], redirect_uris: ["https://desk.test/"] }
      - { id: reader, name: Reader, grant_types: [authorization_code], redirect_uris: ["https://reader.test/"] }
      - { id: robot, name: Robot, grant_types: [client_credentials], secret: robot-secret, roles: [Bookseller] }
      - { id: shop, name: Shop, grant_types: [client_credentials], secret: shop-secret, roles: [Guard] }
    authorizations:
      - { client: desk, scopes: [user-basic-info, orders] }
      - { client: reader, scopes: [user-basic-info, "orders:readonly"] }
      - { client: robot, scopes: [user-basic-info, orders] }
      - { client: shop, scopes: ["snapshot:readonly"] }
  - id: globex
    users: [{ email: eve@globex.test, name: Eve }]
    authorizations: [{ client: desk, scopes: [user-basic-info, orders] }]
"#;

/// How old the service of these tests lets things become.
const POLL: Duration = Duration::from_millis(50);
const MAX_SILENCE: Duration = Duration::from_secs(2);
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and a service that embeds the library, each in a runtime of its own: the server can go.
struct Town {
    server_runtime: Option<Runtime>,
    runtime: Runtime,
    server: Server,
    service: String,
    http: reqwest::Client,
}

impl Town {
    fn new() -> Self {
        Self::that_remembers_tokens_for(POLL)
    }

    fn that_remembers_tokens_for(remember_tokens: Duration) -> Self {
        let (server_runtime, runtime) = (Runtime::new().unwrap(), Runtime::new().unwrap());
        let server = server_runtime.block_on(async {
            let server = Server::start(WORLD).await;
            let file = SourceFile { name: "bookshop.openapi.yaml", text: BOOKSHOP };
            let options = ImportOptions { name: "bookshop".to_owned(), ..ImportOptions::default() };
            let source = serde_json::to_value(import(&[file], &options).unwrap()).unwrap();
            server.store(SystemTask::Contracts).save_contract("bookshop", &source).await.unwrap();
            server.app.reload_contracts().await.unwrap();
            server
        });
        let service = runtime.block_on(async {
            let mut settings = Settings::new(server.address(), "shop".to_owned(), "shop-secret".to_owned());
            (settings.poll, settings.max_silence, settings.remember_tokens) = (POLL, MAX_SILENCE, remember_tokens);
            let organization = Organization::new(settings, "bookshop.openapi.yaml", BOOKSHOP).unwrap();
            tokio::spawn(organization.clone().follow());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move { axum::serve(listener, bookshop(organization)).await });
            address
        });
        Self { server_runtime: Some(server_runtime), runtime, server, service, http: reqwest::Client::new() }
    }

    /// What the service answers.
    fn call(&self, method: &str, target: &str, token: &str) -> (u16, Value) {
        let request = self.http.request(method.parse().unwrap(), format!("{}{target}", self.service));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
        })
    }

    /// Calls until the status is that.
    fn until(&self, status: u16, method: &str, target: &str, token: &str) -> Value {
        let began = Instant::now();
        loop {
            let (came, body) = self.call(method, target, token);
            if came == status {
                return body;
            }
            assert!(began.elapsed() < PATIENCE, "{method} {target} stays {came}: {body}");
            std::thread::sleep(POLL);
        }
    }

    fn on_server<T>(&self, work: impl Future<Output = T>) -> T {
        self.server_runtime.as_ref().unwrap().block_on(work)
    }

    /// What the first allowed call is answered, once the service has heard from the server.
    fn until_ready(&self, token: &str) -> Value {
        self.until(200, "GET", "/orders", token)
    }

    /// An access token of an app for somebody; of an app for itself where nobody is named.
    fn token(&self, organization: &str, client: &str, name: Option<&str>) -> String {
        self.on_server(async {
            let subject = match name {
                Some(name) => TokenSubject::User(self.user(organization, name).await),
                None => TokenSubject::Client,
            };
            issued::token(&self.server.app, (organization, client), subject, None).await
        })
    }

    async fn user(&self, organization: &str, name: &str) -> UserId {
        let users = self.server.org(organization).users(&UserFilter::default(), Page::new(1, 100)).await.unwrap().items;
        users.into_iter().find(|user| user.name == name).unwrap().id
    }
}

#[test]
fn a_service_decides_as_the_server_would_and_names_the_missing_halves() {
    let town = Town::new();
    let mary = town.token("acme", "desk", Some("Mary"));
    let allowed = town.until_ready(&mary);
    let id = town.on_server(town.user("acme", "Mary"));
    assert_eq!(allowed, json!({ "operation": "listOrders", "organization": "acme", "caller": id }));
    assert_eq!(town.call("POST", "/orders", &mary).0, 200);

    let scopes = json!({ "scopes_any_of": [["orders"]] });
    let permissions = json!({ "mode": "ANY", "of": ["orders:order:add"] });
    let (status, denied) = town.call("POST", "/orders", &town.token("acme", "reader", Some("Mary")));
    assert_eq!((status, &denied["reason"], &denied["missing"]), (403, &json!("missing_scope"), &scopes));
    let (status, denied) = town.call("POST", "/orders", &town.token("acme", "desk", Some("Alan")));
    let missing = json!({ "permissions": permissions });
    assert_eq!((status, &denied["reason"], &denied["missing"]), (403, &json!("missing_permission"), &missing));
    let (status, denied) = town.call("POST", "/orders", &town.token("acme", "reader", Some("Alan")));
    let missing = json!({ "scopes_any_of": [["orders"]], "permissions": permissions });
    assert_eq!((status, &denied["reason"], &denied["missing"]), (403, &json!("missing_scope"), &missing));

    let (status, by_itself) = town.call("GET", "/orders", &town.token("acme", "robot", None));
    assert_eq!((status, &by_itself["caller"]), (200, &json!("robot")));
    assert_eq!(town.call("GET", "/orders", &town.token("globex", "desk", Some("Eve"))).0, 403);
    for (token, reason) in [("", "missing_credentials"), ("cs_at_forged", "invalid_credentials")] {
        let (status, denied) = town.call("GET", "/orders", token);
        assert_eq!((status, &denied["reason"]), (401, &json!(reason)));
    }
    assert_eq!(town.call("GET", "/opening-hours", "").0, 200, "public");
    for (status, method, target) in [
        (404, "GET", "/stock"),
        (405, "PATCH", "/orders"),
        (400, "GET", "/orders/..%2Fbooks"),
        (404, "GET", "/orders/"),
    ] {
        assert_eq!(town.call(method, target, &mary).0, status, "{method} {target}");
    }
}

#[test]
fn what_the_server_takes_away_is_gone_from_the_service_too() {
    let town = Town::new();
    let (mary, robot) = (town.token("acme", "desk", Some("Mary")), town.token("acme", "robot", None));
    town.until_ready(&mary);
    assert_eq!(town.call("GET", "/orders", &robot).0, 200);

    let (acme, desk) = (town.server.org("acme"), ClientId::parse("desk").unwrap());
    let assignee = town.on_server(async { Assignee::User(town.user("acme", "Mary").await) });
    let held = town.on_server(acme.assignments_of(&assignee)).unwrap().remove(0);
    town.on_server(acme.unassign_role(&assignee, &held.role, &held.division)).unwrap();
    let denied = town.until(403, "GET", "/orders", &mary);
    assert_eq!(denied["reason"], "missing_permission");
    town.on_server(acme.assign_role(&assignee, &held.role, &held.division)).unwrap();
    town.until(200, "GET", "/orders", &mary);

    town.on_server(acme.revoke(&desk)).unwrap();
    town.until(403, "GET", "/orders", &mary);
    assert_eq!(town.call("GET", "/orders", &robot).0, 200, "another app");
    town.on_server(acme.delete_client(&ClientId::parse("robot").unwrap())).unwrap();
    town.until(401, "GET", "/orders", &robot);
}

#[test]
fn out_of_contact_the_service_denies_also_whom_it_remembers() {
    let mut town = Town::that_remembers_tokens_for(PATIENCE * 10);
    let mary = town.token("acme", "desk", Some("Mary"));
    town.until_ready(&mary);
    town.server_runtime.take().unwrap().shutdown_background();
    let denied = town.until(503, "GET", "/orders", &mary);
    assert_eq!(denied["reason"], "unknown_organization");
    assert_eq!(town.call("GET", "/opening-hours", "").0, 200, "what is public needs nobody");
}
