//! The decision engine: a call goes through only if the user's permissions and the scopes that the user's organization granted to the app both allow it.

mod authority;
mod bitset;
mod catalogue;
pub mod contract;
pub mod decide;
pub mod explain;
pub mod import;
pub mod lint;
pub mod operation;
pub mod permission;
pub mod reason;
pub mod requirement;
pub mod routes;
pub mod scope;
pub mod snapshot;

pub use authority::Authority;
pub use contract::{Catalogue, Contract, ContractError, Contracts};
pub use decide::{Decision, OwnedPermit, Permit, decide, decide_operation};
pub use import::{ContractSource, ImportError, ImportOptions, SourceFile, import};
pub use lint::{Finding, lint};
pub use operation::{Location, Method, Operation};
pub use permission::{Permission, PermissionPolicy, PermissionSet};
pub use reason::{Denial, Missing, MissingPermissions, Reason, Report, RoleRef};
pub use requirement::{PermissionList, PermissionMode, Requirement, Unstated};
pub use routes::{BadTarget, Canonical, canonicalise};
pub use scope::{Scope, ScopeSet};
pub use snapshot::{
    AuthorizationFacts, AuthorizationState, Caller, ClientRef, Enforcement, OrganizationFacts, RoleFacts, Snapshot,
    Subject, SubjectFacts,
};
