//! The decision engine: a call goes through only if the user's permissions and the scopes that the user's organization granted to the app both allow it.
//!
//! Pure: values in, a value out; no clock, network, database or log. [`import()`] reads a platform's API description, [`Contracts`] makes it
//! matchable, a [`Snapshot`] holds what one organization has decided, and [`decide()`] is the only place that says yes.
//!
//! ```
//! use countersign_decision::{
//!     AuthorizationFacts, AuthorizationState, Caller, ClientRef, Contracts, Decision, Enforcement, ImportOptions, OrganizationFacts,
//!     RoleFacts, Snapshot, SourceFile, Subject, SubjectFacts, decide, import,
//! };
//!
//! // What the platform says: creating a user takes a scope of the app and a permission of its user.
//! let text = r#"
//! openapi: 3.0.3
//! paths:
//!   /users:
//!     post:
//!       operationId: postUsers
//!       security: [{OAuth: [users]}]
//!       x-inin-requires-permissions: {type: ANY, permissions: ["directory:user:add"]}
//! components: {securitySchemes: {OAuth: {type: oauth2, flows: {}}}}
//! "#;
//! let file = SourceFile { name: "api.yaml", text };
//! let source = import(&[file], &ImportOptions { name: "api".into(), ..ImportOptions::default() }).expect("a right file");
//! let contracts = Contracts::new(vec![source]).expect("a valid contract");
//!
//! // What the organization decided: Ada administers the directory; the app got `users:readonly` only.
//! let facts = OrganizationFacts {
//!     id: "acme".into(),
//!     active: true,
//!     enforcement: Enforcement::Enforce,
//!     bounds_client_credentials: true,
//!     roles: vec![RoleFacts { id: "1".into(), name: "Directory admin".into(), policies: vec!["directory:user:*".parse()?] }],
//!     users: vec![SubjectFacts { id: "ada".into(), active: true, roles: vec!["1".into()] }],
//!     clients: vec![],
//!     authorizations: vec![AuthorizationFacts {
//!         client: "roster-sync".into(),
//!         state: AuthorizationState::Authorized,
//!         scopes: vec!["users:readonly".into()],
//!         roles: vec![],
//!     }],
//! };
//! let snapshot = Snapshot::compile(contracts.catalogue(), &facts);
//!
//! // Who asks: the app, for Ada.
//! let caller = Caller {
//!     client: ClientRef { id: "roster-sync".into(), home_organization: "globex".into(), active: true },
//!     subject: Subject::User("ada".into()),
//!     ceiling: None,
//!     actors: vec![],
//! };
//!
//! let contract = contracts.named("api").expect("it was just made");
//! match decide(contract, &snapshot.authority(&caller), "POST", b"/users") {
//!     Decision::Allow(_) => unreachable!("Ada may, the app may not"),
//!     Decision::Deny(denial) => {
//!         assert_eq!(denial.reason().as_str(), "missing_scope");
//!         assert_eq!(denial.missing().scopes_any_of, Some(vec![vec!["users"]]));
//!     }
//! }
//! # Ok::<(), countersign_decision::permission::PermissionError>(())
//! ```

mod authority;
mod bitset;
pub mod caller;
mod catalogue;
pub mod contract;
pub mod cover;
pub mod decide;
pub mod explain;
pub mod facts;
mod id_map;
pub mod impact;
pub mod import;
pub mod lint;
pub mod meaning;
mod needs;
pub mod operation;
mod people;
pub mod permission;
pub mod private_path;
pub mod reason;
pub mod requirement;
pub mod routes;
pub mod scope;
pub mod snapshot;
pub mod step_up;
pub mod surface;
pub mod usage;

pub use authority::Authority;
pub use caller::{Caller, ClientRef, Subject};
pub use contract::{Catalogue, Contract, ContractError, Contracts};
pub use decide::{Decision, OwnedPermit, Permit, decide, decide_operation};
pub use facts::{
    AuthorizationFacts, AuthorizationState, Change, Enforcement, OrganizationFacts, RoleFacts, Settings, SubjectFacts,
};
pub use import::{ContractSource, ImportError, ImportOptions, SourceFile, import};
pub use lint::{Finding, lint};
pub use operation::{Location, Method, Operation};
pub use permission::{Permission, PermissionPolicy, PermissionSet};
pub use reason::{Denial, Missing, MissingPermissions, Reason, Report, RoleRef};
pub use requirement::{PermissionList, PermissionMode, Requirement, Unstated};
pub use routes::{BadTarget, Canonical, canonicalise};
pub use scope::{Scope, ScopeSet};
pub use snapshot::Snapshot;
pub use step_up::StepUp;
