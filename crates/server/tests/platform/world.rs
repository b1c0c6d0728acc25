//! Organizations, people, apps and tokens, put into the database directly: what the platform API is called in.

use std::collections::BTreeMap;

use countersign_decision::{AuthorizationState, Enforcement, Scope};
use countersign_domain::authorization::ConsentMode;
use countersign_domain::client::{DEFAULT_TOKEN_TTL_SECONDS, GrantType};
use countersign_domain::client_registration::{NewInitialToken, RegistrationPolicy};
use countersign_domain::id::{ClientId, DivisionId, InitialTokenId, OrganizationId, RoleId, UserId};
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::{Secret, SecretHash, SecretKind};
use countersign_domain::user::{Email, UserState};
use countersign_store::authorization::GrantChange;
use countersign_store::client::NewClient;
use countersign_store::organization::NewOrganization;
use countersign_store::role::NewRole;
use countersign_store::user::NewUser;
use countersign_store::{OrgStore, SystemStore, SystemTask};

use super::issued;
use super::server::TestServer;

/// The scopes of our own API.
pub(crate) const PLATFORM_SCOPES: [&str; 10] = [
    "user-basic-info",
    "users",
    "users:readonly",
    "authorization",
    "authorization:readonly",
    "oauth",
    "oauth:readonly",
    "organization",
    "organization:readonly",
    "snapshot:readonly",
];

/// One organization of a test, by the names of what is in it.
pub(crate) struct World<'s> {
    server: &'s TestServer,
    pub(crate) id: OrganizationId,
    roles: BTreeMap<String, RoleId>,
    users: BTreeMap<String, UserId>,
    clients: BTreeMap<String, ClientId>,
    registration_token: Option<InitialTokenId>,
}

/// Acme: Ada may do everything, Bob nothing; the app `Admin` has every scope.
pub(crate) async fn acme(server: &TestServer) -> World<'_> {
    let mut acme = World::new(server, "acme", Enforcement::Enforce).await;
    acme.role("Everything", &EVERYTHING).await;
    acme.user("ada", &["Everything"]).await;
    acme.user("bob", &[]).await;
    acme.app("Admin", &PLATFORM_SCOPES).await;
    acme
}

/// Every domain of our own contract.
pub(crate) const EVERYTHING: [&str; 4] = ["admin", "authorization:*:*", "directory:*:*", "oauth:*:*"];

impl<'s> World<'s> {
    pub(crate) async fn new(server: &'s TestServer, id: &str, enforcement: Enforcement) -> Self {
        let id = OrganizationId::parse(id).unwrap();
        let name = format!("{} Corp", id.as_str().to_uppercase());
        let new = NewOrganization { id: id.clone(), name, enforcement, home_division: "Home".to_owned() };
        system(server, SystemTask::Demo).create_organization(&new, &scopes(&PLATFORM_SCOPES)).await.unwrap();
        Self {
            server,
            id,
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
            clients: BTreeMap::new(),
            registration_token: None,
        }
    }

    /// An organization that is there already.
    pub(crate) fn of(server: &'s TestServer, id: &str) -> Self {
        let id = OrganizationId::parse(id).unwrap();
        Self {
            server,
            id,
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
            clients: BTreeMap::new(),
            registration_token: None,
        }
    }

    /// What loads a snapshot.
    pub(crate) fn system(&self) -> SystemStore<'s> {
        system(self.server, SystemTask::Enforcement)
    }

    pub(crate) fn store(&self) -> OrgStore<'s> {
        system(self.server, SystemTask::Demo).org(&self.id)
    }

    pub(crate) async fn role(&mut self, name: &str, policies: &[&str]) -> RoleId {
        let policies = policies.iter().map(|policy| policy.parse().unwrap()).collect();
        let new = NewRole { name: name.to_owned(), description: String::new(), policies };
        let role = self.store().create_role(&new).await.unwrap().id;
        self.roles.insert(name.to_owned(), role.clone());
        role
    }

    /// `name@ORGANIZATION.test`, with roles in all divisions.
    pub(crate) async fn user(&mut self, name: &str, roles: &[&str]) -> UserId {
        let new = NewUser {
            name: name.to_uppercase(),
            email: Email::parse(&format!("{name}@{}.test", self.id)).unwrap(),
            division: None,
            department: None,
            title: None,
            state: UserState::Active,
            password: None,
        };
        let user = self.store().create_user(&new).await.unwrap().id;
        self.users.insert(name.to_owned(), user.clone());
        for role in roles {
            self.assign(name, role, DivisionScope::All).await;
        }
        user
    }

    pub(crate) async fn assign(&self, user: &str, role: &str, division: DivisionScope) {
        let assignee = Assignee::User(self.users[user].clone());
        self.store().assign_role(&assignee, &self.roles[role], &division).await.unwrap();
    }

    /// A token with which apps can register themselves.
    pub(crate) async fn registration_token(&mut self) {
        let grant_types = vec![GrantType::DeviceCode];
        let new = NewInitialToken {
            name: "Object".to_owned(),
            policy: RegistrationPolicy { grant_types, scopes: Vec::new(), hosts: Vec::new() },
            max_clients: 1,
            expires_at: self.server.now().plus_seconds(3_600),
        };
        let (_, token) = self.store().create_initial_token(&new).await.unwrap();
        self.registration_token = Some(token.id);
    }

    pub(crate) fn registration_token_id(&self) -> &str {
        self.registration_token.as_ref().unwrap().as_str()
    }

    /// A second division of the organization.
    pub(crate) async fn division(&self, name: &str) -> DivisionId {
        self.store().create_division(name).await.unwrap().id
    }

    pub(crate) async fn home(&self) -> DivisionId {
        self.store().home_division().await.unwrap().id
    }

    /// A public app that people use, authorized here for these scopes.
    pub(crate) async fn app(&mut self, name: &str, allowed: &[&str]) -> ClientId {
        let client = self.register(name, &[GrantType::AuthorizationCode, GrantType::RefreshToken], &[]).await;
        self.authorize(&client, allowed).await;
        client
    }

    /// An app that calls on its own behalf, with roles in all divisions, authorized here for these scopes.
    pub(crate) async fn service(&mut self, name: &str, roles: &[&str], allowed: &[&str]) -> ClientId {
        let client = self.register(name, &[GrantType::ClientCredentials], roles).await;
        self.authorize(&client, allowed).await;
        client
    }

    pub(crate) async fn register(&mut self, name: &str, grant_types: &[GrantType], roles: &[&str]) -> ClientId {
        let new = NewClient {
            id: None,
            name: name.to_owned(),
            description: String::new(),
            grant_types: grant_types.to_vec(),
            redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
            scopes: scopes(&["users"]),
            pkce_required: true,
            metadata: Default::default(),
            token_ttl_seconds: DEFAULT_TOKEN_TTL_SECONDS,
        };
        let roles: Vec<_> = roles.iter().map(|role| (self.roles[*role].clone(), DivisionScope::All)).collect();
        let is_service = grant_types.contains(&GrantType::ClientCredentials);
        let secret = Secret::generate(SecretKind::ClientSecret, self.server.app.entropy.as_ref());
        let secret = is_service.then(|| SecretHash::Sha256(secret.digest()));
        let client = self.store().create_client(&new, secret.as_ref(), &roles).await.unwrap().id;
        self.clients.insert(name.to_owned(), client.clone());
        client
    }

    pub(crate) async fn authorize(&self, client: &ClientId, allowed: &[&str]) {
        self.authorize_for(client, allowed, &[]).await;
    }

    /// Authorizes an app for holders of these roles.
    pub(crate) async fn authorize_for(&self, client: &ClientId, allowed: &[&str], roles: &[&str]) {
        let change = GrantChange {
            scopes: scopes(allowed),
            roles: roles.iter().map(|role| self.roles[*role].clone()).collect(),
            consent: ConsentMode::Administrator,
            expected_version: None,
            reason: String::new(),
        };
        let granted = self.store().grant(client, &change).await.unwrap();
        assert_eq!(granted.state, AuthorizationState::Authorized);
    }

    /// An access token of an app of this organization for one of its users.
    pub(crate) async fn token(&self, client: &str, user: &str) -> String {
        self.token_of(&self.clients[client], TokenSubject::User(self.users[user].clone()), None).await
    }

    /// An access token of an app on its own behalf.
    pub(crate) async fn own_token(&self, client: &str) -> String {
        self.token_of(&self.clients[client], TokenSubject::Client, None).await
    }

    pub(crate) async fn token_of(&self, client: &ClientId, subject: TokenSubject, ceiling: Option<&[&str]>) -> String {
        issued::token(&self.server.app, (self.id.as_str(), client.as_str()), subject, ceiling).await
    }

    pub(crate) fn role_id(&self, name: &str) -> &str {
        self.roles[name].as_str()
    }

    pub(crate) fn user_id(&self, name: &str) -> &str {
        self.users[name].as_str()
    }

    pub(crate) fn client_id(&self, name: &str) -> &str {
        self.clients[name].as_str()
    }

    /// Actions of the audit records, the newest first.
    pub(crate) async fn audit_actions(&self) -> Vec<String> {
        let records = self.store().audit(countersign_store::Page::new(1, 500)).await.unwrap();
        records.items.into_iter().map(|record| record.action).collect()
    }
}

pub(crate) fn scopes(names: &[&str]) -> Vec<Scope> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn system(server: &TestServer, task: SystemTask) -> SystemStore<'_> {
    server.app.store.system(task, server.now(), server.app.entropy.as_ref())
}
