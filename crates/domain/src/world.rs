//! The world file: organizations, their roles, users and clients, and what each decided about apps, written by an
//! operator in YAML or JSON. `countersign apply` brings a store to it, `evaluate` and `explain` decide from it.
//!
//! [`World::parse`] reads a file into values that cannot contradict each other; it names everything that is wrong, each
//! with its line and with what would be right.
//!
//! | file | does |
//! |---|---|
//! | `world/file.rs` | the shape of the file: keys and types, unknown keys refused |
//! | `world/check.rs` | organizations, roles and users |
//! | `world/clients.rs` | clients and authorizations, which point across organizations |
//! | `world/issuers.rs` | whose word an organization takes about its people |
//! | `world/compiled.rs` | the world as the engine decides from it, without a store |
//! | `world/lookup.rs` | entries as decisions name them, to be found and to be changed |
//! | `world/findings.rs` | what a check has found so far, and the small checks that all share |

mod check;
mod clients;
mod compiled;
mod file;
mod findings;
mod issuers;
mod lookup;

use std::collections::BTreeMap;
use std::fmt;

use countersign_decision::{AuthorizationState, Catalogue, Enforcement, PermissionPolicy, Scope};
use zeroize::Zeroizing;

use crate::assertion_issuer::PersonBy;
use crate::client::uri::PageUri;
use crate::client::{ClientMetadata, GrantType};
use crate::id::{ClientId, OrganizationId};
use crate::oauth::jwk::JwkSet;
use crate::secret::SecretHash;
use crate::user::{Email, UserState};

pub use compiled::{AmbiguousClient, CompiledWorld};

/// Everything a world file states.
#[derive(Debug, Clone)]
pub struct World {
    /// In the order of the file; ids are unique.
    pub organizations: Vec<OrganizationEntry>,
    file: String,
    notices: Vec<Problem>,
    mentions: Vec<Mention>,
}

/// One organization of a world file.
#[derive(Debug, Clone)]
pub struct OrganizationEntry {
    /// Unique in the file.
    pub id: OrganizationId,
    /// For people; the id where the file has none.
    pub name: String,
    /// `enforce` where the file has none.
    pub enforcement: Enforcement,
    /// Whether the organization's authorizations bound client-credentials tokens; nothing: as it is, on when made.
    pub bounds_client_credentials: Option<bool>,
    /// Unique; never empty: the first is the home division.
    pub divisions: Vec<String>,
    /// Names are unique.
    pub roles: Vec<RoleEntry>,
    /// E-mail addresses are unique.
    pub users: Vec<UserEntry>,
    /// Names are unique in the organization, ids in the file.
    pub clients: Vec<ClientEntry>,
    /// One for each client at most.
    pub authorizations: Vec<AuthorizationEntry>,
    /// One for each issuer at most.
    pub assertion_issuers: Vec<AssertionIssuerEntry>,
}

/// A role.
#[derive(Debug, Clone)]
pub struct RoleEntry {
    /// Unique in the organization.
    pub name: String,
    /// For people; nothing: as it is.
    pub description: Option<String>,
    /// What its holders may do.
    pub policies: Vec<PermissionPolicy>,
}

/// A role held by a user or client, in a division or in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentEntry {
    /// The name of a role of the organization.
    pub role: String,
    /// The name of a division of the organization; nothing: all divisions.
    pub division: Option<String>,
}

/// A person.
#[derive(Debug, Clone)]
pub struct UserEntry {
    /// Unique in the organization.
    pub email: Email,
    /// For people; the e-mail address where the file has none.
    pub name: String,
    /// Nothing: as it is; a new user then cannot sign in with a password.
    pub password: Option<PasswordEntry>,
    /// Active or inactive; nothing: as it is, active when made.
    pub state: Option<UserState>,
    /// Without doubles.
    pub roles: Vec<AssignmentEntry>,
}

/// A password, as the file gives it.
#[derive(Debug, Clone)]
pub enum PasswordEntry {
    /// `password`: in the clear, to be hashed.
    Clear(Chosen),
    /// `password_hash`: argon2id.
    Hash(SecretHash),
}

/// A secret that a person chose, in the clear. Not shown by `Debug`.
#[derive(Clone)]
pub struct Chosen(Zeroizing<String>);

/// An app.
#[derive(Debug, Clone)]
pub struct ClientEntry {
    /// Nothing: the id that the client of this name has, made when there is none.
    pub id: Option<ClientId>,
    /// Unique in the organization.
    pub name: String,
    /// For people; nothing: as it is.
    pub description: Option<String>,
    /// Without doubles.
    pub grant_types: Vec<GrantType>,
    /// Without doubles, each fit to be registered.
    pub redirect_uris: Vec<String>,
    /// Nothing: a public client.
    pub secret: Option<Chosen>,
    /// What the app asks for; never part of a decision.
    pub scopes: Vec<Scope>,
    /// What the client may do itself with a client-credentials token; without doubles.
    pub roles: Vec<AssignmentEntry>,
    /// [`MIN_TOKEN_TTL_SECONDS`](crate::client::MIN_TOKEN_TTL_SECONDS) to
    /// [`MAX_TOKEN_TTL_SECONDS`](crate::client::MAX_TOKEN_TTL_SECONDS).
    pub token_ttl_seconds: i64,
    /// `false` only for confidential clients.
    pub pkce_required: bool,
    /// What else it registered; fits the client.
    pub metadata: ClientMetadata,
}

/// One organization's decision about one app.
#[derive(Debug, Clone)]
pub struct AuthorizationEntry {
    /// Which app.
    pub client: ClientReference,
    /// What it may do here.
    pub scopes: Vec<Scope>,
    /// Names of the organization's roles: only their holders may use the app; empty: everybody.
    pub roles: Vec<String>,
    /// Requested, Authorized, Denied or Revoked.
    pub state: AuthorizationState,
    /// Where the file says so, counted from 1.
    pub line: u32,
}

/// An issuer whose word the organization takes about its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionIssuerEntry {
    /// Unique in the organization.
    pub issuer: PageUri,
    /// What it signs with.
    pub jwks: JwkSet,
    /// How it names people.
    pub person_by: PersonBy,
    /// Its own names for users of the organization; empty unless it uses them.
    pub people: BTreeMap<String, Email>,
}

/// Which client an authorization is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientReference {
    /// A client of the same organization in the same file, by its name.
    Own(String),
    /// A client in the same file, by its id; of any organization.
    Id(ClientId),
    /// An id that no client of the file has. A store may know it.
    Elsewhere(ClientId),
}

/// Something wrong, or worth a warning, in a file that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// What is wrong and what would be right.
    pub message: String,
}

impl World {
    /// Reads a world file. `file` is its name in messages.
    ///
    /// # Errors
    /// All that is wrong, in the order of the file. An error of form (not YAML, an unknown key, a list where a text
    /// belongs) hides what comes after it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let shape =
            file::read(text).map_err(|(line, message)| vec![Problem { file: file.to_owned(), line, message }])?;
        check::check(file, shape)
    }

    /// What the file says that is allowed and yet is probably not meant: scopes and permissions that no loaded contract
    /// knows, apps that cannot be used.
    pub fn warnings(&self, catalogue: &Catalogue) -> Vec<Problem> {
        let unknown = self.mentions.iter().filter_map(|mention| {
            let message = mention.what.unknown_to(catalogue)?;
            Some(Problem { file: self.file.clone(), line: mention.line, message })
        });
        let mut warnings: Vec<_> = self.notices.iter().cloned().chain(unknown).collect();
        warnings.sort();
        warnings.dedup();
        warnings
    }

    /// The authorizations of apps that are not in the file, as problems: without a store nobody can say which these are.
    pub fn clients_elsewhere(&self) -> impl Iterator<Item = (&ClientId, Problem)> {
        self.organizations.iter().flat_map(|organization| &organization.authorizations).filter_map(|authorization| {
            let ClientReference::Elsewhere(id) = &authorization.client else { return None };
            let message = format!(
                "`{id}` is not a client: `client` must be the name of a client of this organization or the id of any"
            );
            Some((id, Problem { file: self.file.clone(), line: authorization.line, message }))
        })
    }
}

impl Chosen {
    /// The secret itself: to hash it or to compare it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chosen(redacted)")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A scope or policy in the file, kept with its line until a catalogue is at hand.
#[derive(Debug, Clone)]
struct Mention {
    line: u32,
    what: Mentioned,
}

#[derive(Debug, Clone)]
enum Mentioned {
    Scope(Scope),
    Policy(PermissionPolicy),
}

impl Mentioned {
    fn unknown_to(&self, catalogue: &Catalogue) -> Option<String> {
        match self {
            Self::Scope(scope) => catalogue
                .scope_index(scope.as_str())
                .is_none()
                .then(|| format!("no loaded contract knows scope `{scope}`: it opens nothing")),
            Self::Policy(policy) => catalogue
                .permissions_matching(policy)
                .next()
                .is_none()
                .then(|| format!("no loaded contract knows a permission that `{policy}` covers: it opens nothing")),
        }
    }
}

#[cfg(test)]
mod tests;
