//! Users (`User`, `UserMe`, `CreateUser`, `UpdateUser`, `UserAuthorization`).

use countersign_domain::organization::Division;
use countersign_domain::time::Timestamp;
use countersign_domain::user;
use serde::{Deserialize, Serialize};

use super::division::DivisionRef;
use super::organization::Organization;
use super::role::ResourcePermissionPolicy;
use super::token::TokenInfo;
use super::{NamedEntity, self_uri};

/// A person in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    division: Option<DivisionRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<String>,
    email: String,
    primary_contact_info: [Contact; 1],
    addresses: [Contact; 0],
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    username: String,
    version: i64,
    /// Only with `expand=authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<UserAuthorization>,
    self_uri: String,
}

/// The user whom the token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserMe {
    /// The person.
    #[serde(flatten)]
    pub user: User,
    /// Only with `expand=organization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<Organization>,
    /// Only with `expand=token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenInfo>,
    /// Only with `expand=date`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<ServerDate>,
}

/// The clock of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerDate {
    /// The instant of the call.
    pub current_date: Timestamp,
}

/// A way to reach a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    address: String,
    media_type: &'static str,
    r#type: &'static str,
}

/// Roles that a user holds, and the permissions that come with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserAuthorization {
    /// By name.
    pub roles: Vec<NamedEntity>,
    /// Always empty.
    pub unused_roles: [NamedEntity; 0],
    /// What a loaded contract names and the user holds in some division, sorted.
    pub permissions: Vec<String>,
    /// What the roles hold.
    pub permission_policies: Vec<ResourcePermissionPolicy>,
}

/// A person to create.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateUser {
    /// Needed.
    pub name: Option<String>,
    /// Needed; unique in the organization.
    pub email: Option<String>,
    /// Absent: the home division.
    pub division_id: Option<String>,
    /// Free text.
    pub department: Option<String>,
    /// Free text.
    pub title: Option<String>,
    /// Absent: the user cannot sign in with a password.
    pub password: Option<String>,
    /// Absent: active.
    pub state: Option<String>,
}

/// What to change about a user; what is absent stays.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateUser {
    /// Needed: the version that was read.
    pub version: Option<i64>,
    /// Name for people.
    pub name: Option<String>,
    /// Unique in the organization.
    pub email: Option<String>,
    /// An empty text removes it.
    pub department: Option<String>,
    /// An empty text removes it.
    pub title: Option<String>,
    /// `active` or `inactive`.
    pub state: Option<String>,
}

impl User {
    /// The user as its organization sees it; `divisions` are all of the organization's.
    pub fn new(user: &user::User, divisions: &[Division]) -> Self {
        let division = divisions.iter().find(|division| division.id == user.division);
        let email = user.email.to_string();
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            division: division.map(DivisionRef::from),
            department: user.department.clone(),
            email: email.clone(),
            primary_contact_info: [Contact { address: email.clone(), media_type: "EMAIL", r#type: "PRIMARY" }],
            addresses: [],
            state: user.state.as_str(),
            title: user.title.clone(),
            username: email,
            version: user.version,
            authorization: None,
            self_uri: self_uri("users", user.id.as_str()),
        }
    }
}
