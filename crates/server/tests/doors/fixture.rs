//! One upstream behind every door, and people with tokens.

use std::net::SocketAddr;
use std::path::PathBuf;

use countersign_domain::id::{ClientId, UserId};
use countersign_domain::oauth::thumbprint::{Confirmation, Thumbprint};
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::secret::Digest;
use countersign_server::app::Application;
use countersign_server::config::Config;
use countersign_store::user::UserFilter;
use countersign_store::{Page, SystemTask};
use tempfile::TempDir;

use super::issued;
use super::support::Server;
use super::upstream::Upstream;

/// Where the doors of a server are.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    pub gateway: SocketAddr,
    pub ext_authz: SocketAddr,
    pub operations: SocketAddr,
}

/// Every listener that there is, and one upstream behind every door.
pub async fn start(world: &str, toml: &str) -> (Server, Doors) {
    let mut config = Config::from_toml(toml).unwrap();
    config.gateway.listen = Some("127.0.0.1:0".parse().unwrap());
    config.ext_authz.listen = Some("127.0.0.1:0".parse().unwrap());
    config.operations.listen = Some("127.0.0.1:0".parse().unwrap());
    let doors = |application: &Application| Doors {
        gateway: application.gateway_address().unwrap(),
        ext_authz: application.ext_authz_address().unwrap(),
        operations: application.operations_address().unwrap(),
    };
    Server::start_and_look(world, config, doors).await
}

/// A server with one upstream behind its doors.
pub struct Fixture {
    pub server: Server,
    pub doors: Doors,
    pub upstream: Upstream,
    /// What the server was configured with.
    pub toml: String,
    files: TempDir,
}

/// Operations of the upstream. `GET /hours` is public.
pub const CONTRACT: &str = r#"
openapi: 3.0.3
info: {title: Bookshop, version: "1"}
paths:
  /books:
    get: {operationId: listBooks, security: [{OAuth: ["books:readonly"]}, {OAuth: [books]}]}
    post:
      operationId: addBook
      security: [{OAuth: [books]}]
      x-inin-requires-permissions: {type: ANY, permissions: ["books:book:add"]}
  /books/{bookId}:
    get: {operationId: getBook, security: [{OAuth: ["books:readonly"]}, {OAuth: [books]}]}
    delete: {operationId: removeBook, security: [{OAuth: [books]}], x-countersign-step-up: {max_age: 300}}
    put: {operationId: burnBook, security: [{OAuth: [books]}], x-countersign-step-up: {acr_values: [gold, silver]}}
  /{shelf}/rare:
    delete: {operationId: clearShelf, security: [{OAuth: [books]}]}
  /news:
    get: {operationId: listenToNews, security: [{OAuth: ["books:readonly"]}, {OAuth: [books]}]}
  /hours:
    get: {operationId: getHours, security: []}
components: {securitySchemes: {OAuth: {type: oauth2, flows: {}}}}
"#;

/// Acme: Ada adds books, Bob does not. The app `shop` may use `books`, `reader` only `books:readonly`. Globex lets acme's
/// `shop` in, too.
pub const WORLD: &str = r#"
organizations:
  - id: acme
    name: Acme
    roles: [{name: Bookseller, permissions: ["books:book:add"]}]
    users:
      - {email: ada@acme.test, name: Ada, password: correct horse, roles: [Bookseller]}
      - {email: bob@acme.test, name: Bob}
    clients:
      - {id: 11111111-1111-4111-8111-111111111111, name: shop, grant_types: [authorization_code], redirect_uris: ["https://shop.test/cb"], scopes: [books]}
      - {id: 22222222-2222-4222-8222-222222222222, name: reader, grant_types: [authorization_code], redirect_uris: ["https://reader.test/cb"], scopes: [books]}
    authorizations:
      - {client: shop, scopes: [books]}
      - {client: reader, scopes: ["books:readonly"]}
  - id: globex
    name: Globex
    users: [{email: gus@globex.test, name: Gus}]
    authorizations: [{client: 11111111-1111-4111-8111-111111111111, scopes: [books]}]
"#;

pub const SHOP: &str = "11111111-1111-4111-8111-111111111111";
pub const READER: &str = "22222222-2222-4222-8222-222222222222";

impl Fixture {
    /// With more of an `[[upstream]]` entry; a `url` there replaces the own one.
    pub async fn start(entry: &str) -> Self {
        Self::before(Upstream::start().await, entry).await
    }

    /// Whose Envoy has this address.
    pub async fn trusting(envoy: &str) -> Self {
        let ext_authz = format!("trusted_proxies = [\"{envoy}\"]");
        Self::configured(Upstream::start().await, WORLD, &ext_authz, "").await
    }

    /// Whose organization only reports.
    pub async fn reporting(entry: &str) -> Self {
        let world = WORLD.replace("name: Acme\n", "name: Acme\n    scope_enforcement: report\n");
        Self::configured(Upstream::start().await, &world, "", entry).await
    }

    pub async fn before(upstream: Upstream, entry: &str) -> Self {
        Self::configured(upstream, WORLD, "", entry).await
    }

    async fn configured(upstream: Upstream, world: &str, ext_authz: &str, entry: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let contract = files.path().join("books.openapi.yaml");
        std::fs::write(&contract, CONTRACT).unwrap();
        let url =
            if entry.contains("url = ") { String::new() } else { format!("url = \"http://{}\"\n", upstream.address) };
        let toml = format!(
            "[server]\ndata = {:?}\n[ext_authz]\n{ext_authz}\n[[upstream]]\nname = \"books\"\ncontract = {contract:?}\n{url}{entry}",
            files.path().join("data")
        );
        let (server, doors) = start(world, &toml).await;
        Self { server, doors, upstream, toml, files }
    }

    /// The folder of the server's database.
    pub fn data(&self) -> PathBuf {
        self.files.path().join("data")
    }

    /// A token of an app for a person of acme.
    pub async fn token(&self, client: &str, email: &str) -> String {
        token(&self.server, "acme", client, Some(email), None).await
    }

    /// As its app would at the revocation endpoint.
    pub async fn revoke(&self, token: &str, client: &str) {
        let (digest, client) = (Digest::of(token.as_bytes()), ClientId::parse(client).unwrap());
        assert!(self.server.store(SystemTask::TokenEndpoint).revoke_token(&digest, &client).await.unwrap());
    }

    /// One request with a token.
    pub async fn call(&self, method: &str, target: &str, token: &str) -> super::raw::Reply {
        self.call_with(method, target, token, &[]).await
    }

    pub async fn call_with(&self, method: &str, target: &str, token: &str, headers: &[&str]) -> super::raw::Reply {
        let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let request = format!("{method} {target} HTTP/1.1\r\nHost: api.test\r\n{authorization}{headers}\r\n");
        super::raw::send(self.doors.gateway, request.as_bytes()).await
    }
}

/// A token, put into the database directly; of the app itself where nobody is named.
pub async fn token(
    server: &Server,
    organization: &str,
    client: &str,
    email: Option<&str>,
    ceiling: Option<&[&str]>,
) -> String {
    let subject = match email {
        Some(email) => TokenSubject::User(user(server, organization, email).await),
        None => TokenSubject::Client,
    };
    issued::token(&server.app, (organization, client), subject, ceiling).await
}

/// A token of a person in acme that is bound to a certificate.
pub async fn bound_token(server: &Server, client: &str, email: &str, certificate: &[u8]) -> String {
    let subject = TokenSubject::User(user(server, "acme", email).await);
    let confirmation = Some(Confirmation::Certificate(Thumbprint::of(certificate)));
    issued::bound(&server.app, ("acme", client), subject, None, confirmation).await
}

async fn user(server: &Server, organization: &str, email: &str) -> UserId {
    let users = server.org(organization).users(&UserFilter::default(), Page::new(1, 100)).await.unwrap();
    users.items.into_iter().find(|user| user.email.as_str() == email).unwrap().id
}
