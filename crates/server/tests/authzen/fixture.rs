//! An API with records, two people and an enforcement point that asks for them.

use countersign_domain::oauth::token::TokenSubject;
use countersign_server::config::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::issued;
use super::support::{Answer, Server};

const CONTRACT: &str = r#"
openapi: 3.0.3
info: {title: Records, version: "1"}
paths:
  /records:
    get: {operationId: listRecords, security: [{OAuth: ["records:readonly"]}, {OAuth: [records]}]}
    post:
      operationId: addRecord
      security: [{OAuth: [records]}]
      x-inin-requires-permissions: {type: ANY, permissions: ["records:record:add"]}
  /records/{recordId}:
    get: {operationId: readRecord, security: [{OAuth: ["records:readonly"]}, {OAuth: [records]}]}
    put:
      operationId: writeRecord
      security: [{OAuth: [records]}]
      x-inin-requires-permissions: {type: ALL, permissions: ["records:record:edit", "records:record:add"]}
  /hours:
    get: {operationId: getHours, security: []}
components: {securitySchemes: {OAuth: {type: oauth2, flows: {}}}}
"#;

/// Acme: Alice edits records, Bob does not, Carl is switched off. `desk` may use `records`, `reader` only read.
const WORLD: &str = r#"
organizations:
  - id: acme
    name: Acme
    roles:
      - {name: Editor, permissions: ["records:record:edit", "records:record:add"]}
      - {name: Asker, permissions: ["authorization:decision:view"]}
    users:
      - {email: alice@acme.test, name: Alice, roles: [Editor]}
      - {email: bob@acme.test, name: Bob}
      - {email: carl@acme.test, name: Carl, roles: [Editor], state: inactive}
    clients:
      - {id: 11111111-1111-4111-8111-111111111111, name: desk, grant_types: [authorization_code, client_credentials], redirect_uris: ["https://a.test/cb"], secret: a-secret-of-desk, roles: [Editor]}
      - {id: 22222222-2222-4222-8222-222222222222, name: reader, grant_types: [authorization_code], redirect_uris: ["https://a.test/cb"]}
      - {id: 33333333-3333-4333-8333-333333333333, name: pep, grant_types: [client_credentials], secret: a-secret-of-pep, roles: [Asker]}
      - {id: 44444444-4444-4444-8444-444444444444, name: unasked, grant_types: [client_credentials], secret: a-secret-of-none}
    authorizations:
      - {client: desk, scopes: [records]}
      - {client: reader, scopes: ["records:readonly"]}
      - {client: pep, scopes: ["authorization:readonly"]}
      - {client: unasked, scopes: ["authorization:readonly"]}
  - id: globex
    name: Globex
    users: [{email: mallory@globex.test, name: Mallory}]
    authorizations:
      - {client: 11111111-1111-4111-8111-111111111111, scopes: [records]}
"#;

pub const DESK: &str = "11111111-1111-4111-8111-111111111111";
pub const READER: &str = "22222222-2222-4222-8222-222222222222";
pub const PEP: &str = "33333333-3333-4333-8333-333333333333";
pub const UNASKED: &str = "44444444-4444-4444-8444-444444444444";

/// A server with an enforcement point's token.
pub struct Fixture {
    pub server: Server,
    pub token: String,
    _files: TempDir,
}

impl Fixture {
    pub async fn start() -> Self {
        Self::of(WORLD).await
    }

    /// With other people and apps of acme, but for the enforcement point's.
    pub async fn of(world: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let contract = files.path().join("records.openapi.yaml");
        std::fs::write(&contract, CONTRACT).unwrap();
        let toml = format!("[[upstream]]\nname = \"records\"\ncontract = {contract:?}\nprefix = \"/v1\"\n");
        let server = Server::start_with(world, Config::from_toml(&toml).unwrap()).await;
        let token = token(&server, PEP).await;
        Self { server, token, _files: files }
    }

    /// Asks with the enforcement point's token.
    pub async fn ask(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], &body.to_string()).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        self.server.send(method, &format!("/access/v1/{path}"), &all, body.to_owned()).await
    }

    /// The one decision about a question.
    pub async fn decision(&self, question: &Value) -> bool {
        self.ask("evaluation", question).await.ok()["decision"].as_bool().unwrap()
    }
}

/// A token of a client for itself, put into the database directly.
pub async fn token(server: &Server, client: &str) -> String {
    issued::token(&server.app, ("acme", client), TokenSubject::Client, None).await
}

/// A user with an app.
pub fn user(id: &str, client: &str) -> Value {
    json!({ "type": "user", "id": id, "properties": { "client_id": client } })
}

pub fn operation(id: &str) -> Value {
    json!({ "type": "operation", "id": id, "properties": { "upstream": "records" } })
}

/// Whether Alice or somebody else with `desk` may call an operation.
pub fn question(who: &str, id: &str) -> Value {
    json!({ "subject": user(who, DESK), "action": { "name": "call" }, "resource": operation(id) })
}
