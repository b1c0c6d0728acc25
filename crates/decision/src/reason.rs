//! Why a call is denied: what was missing, what matched, and who can fix it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::bitset::Bits;
use crate::contract::Contract;
use crate::operation::{Method, Operation};
use crate::requirement::{PermissionList, PermissionMode};
use crate::routes::{BadTarget, Route};
use crate::snapshot::{Authorization, Snapshot};

/// The one reason that is shown for a denial: the first that applies, in this order.
///
/// Exhaustive on purpose: whoever answers calls has to say what a new reason is answered with, so one comes with a new major version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The request target is ambiguous or malformed.
    BadRequestTarget,
    /// No path template of the contract matches.
    NoSuchOperation,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The contract does not say what the operation needs.
    UnstatedRequirement,
    /// The operation wants a credential that is not ours.
    OtherCredential,
    /// The request carries no token.
    MissingCredentials,
    /// The token is unknown, expired or revoked.
    InvalidCredentials,
    /// No such organization, or its state could not be loaded for this contract.
    UnknownOrganization,
    /// No such client.
    UnknownClient,
    /// No such user in the organization.
    UnknownUser,
    /// The organization, the client or the user is switched off.
    Inactive,
    /// The organization denied or revoked the app: blocks in every enforcement mode.
    AppRefused,
    /// The organization has not authorized the app.
    AppNotAuthorized,
    /// No scope alternative lies within what the organization granted and the token asks for.
    MissingScope,
    /// The organization allows the app to holders of certain roles only.
    RoleNotAllowed,
    /// The subject does not hold the permissions.
    MissingPermission,
}

/// Every half that is missing. Serializes as the `missing` of decisions and error bodies: keys are absent where nothing is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Missing<'a> {
    /// All scope alternatives of the operation, when none of them suffices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes_any_of: Option<Vec<Vec<&'a str>>>,
    /// The permissions that are not held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<MissingPermissions<'a>>,
    /// The roles of which the organization wants one from users of this app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles_any_of: Option<Vec<RoleRef<'a>>>,
}

/// Permissions that are not held: for `ANY` the whole list, since none is held; for `ALL` only those not held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingPermissions<'a> {
    /// Whether one of the list would suffice.
    pub mode: PermissionMode,
    /// The permissions, in the contract's order.
    pub of: Vec<&'a str>,
}

/// A role of the organization. Serializes as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleRef<'a> {
    /// The id.
    pub id: &'a str,
    /// The name; the id once more where the role no longer exists.
    pub name: &'a str,
}

/// What a call would have been denied for under `enforce`, in an organization that only reports.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    pub(crate) reason: Reason,
    pub(crate) lacking: Lacking<'a>,
}

/// Which halves are missing, and where it stands what they are: read when somebody asks, so that a denial costs no more than an allow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lacking<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) operation: u32,
    /// Whether no scope alternative suffices.
    pub(crate) scopes: bool,
    /// What the subject holds, where that does not suffice.
    pub(crate) permissions: Option<Bits<'a>>,
    /// Whose roles the subject would need one of.
    pub(crate) roles: Option<(&'a Snapshot, &'a Authorization)>,
}

/// A denied call, with everything that is missing, so that nobody has to ask twice.
///
/// Serializes as the answer of `evaluate`, without its `decision`: `operation`, `reason` and, where the reason carries it, `missing`.
#[derive(Debug, Clone, Copy)]
pub struct Denial<'a> {
    pub(crate) reason: Reason,
    pub(crate) contract: &'a Contract,
    pub(crate) operation: Option<&'a Operation>,
    pub(crate) decided_by: Option<&'a Operation>,
    pub(crate) lacking: Option<Lacking<'a>>,
    /// What the path has, where the method is what is wrong.
    pub(crate) route: Option<&'a Route>,
    pub(crate) bad_target: Option<BadTarget>,
    pub(crate) report: Option<Report<'a>>,
}

impl Reason {
    /// Every reason, in the order in which they apply.
    pub const ALL: [Self; 16] = [
        Self::BadRequestTarget,
        Self::NoSuchOperation,
        Self::MethodNotAllowed,
        Self::UnstatedRequirement,
        Self::OtherCredential,
        Self::MissingCredentials,
        Self::InvalidCredentials,
        Self::UnknownOrganization,
        Self::UnknownClient,
        Self::UnknownUser,
        Self::Inactive,
        Self::AppRefused,
        Self::AppNotAuthorized,
        Self::MissingScope,
        Self::RoleNotAllowed,
        Self::MissingPermission,
    ];

    /// The name by which decisions and logs show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequestTarget => "bad_request_target",
            Self::NoSuchOperation => "no_such_operation",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnstatedRequirement => "unstated_requirement",
            Self::OtherCredential => "other_credential",
            Self::MissingCredentials => "missing_credentials",
            Self::InvalidCredentials => "invalid_credentials",
            Self::UnknownOrganization => "unknown_organization",
            Self::UnknownClient => "unknown_client",
            Self::UnknownUser => "unknown_user",
            Self::Inactive => "inactive",
            Self::AppRefused => "app_refused",
            Self::AppNotAuthorized => "app_not_authorized",
            Self::MissingScope => "missing_scope",
            Self::RoleNotAllowed => "role_not_allowed",
            Self::MissingPermission => "missing_permission",
        }
    }

    /// Whether a denial for this reason names what is missing.
    pub fn carries_missing(self) -> bool {
        matches!(self, Self::AppNotAuthorized | Self::MissingScope | Self::RoleNotAllowed | Self::MissingPermission)
    }
}

impl<'a> Denial<'a> {
    /// The first reason that applies.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The operation that the request means; nothing where it means none.
    pub fn operation(&self) -> Option<&'a Operation> {
        self.operation
    }

    /// The operation that denied: [`Denial::operation`] itself or, where templates cross, another that the request also matches.
    pub fn decided_by(&self) -> Option<&'a Operation> {
        self.decided_by
    }

    /// All that is missing, made at each call. Empty unless [`Reason::carries_missing`].
    pub fn missing(&self) -> Missing<'a> {
        self.lacking.filter(|_| self.reason.carries_missing()).map(|lacking| lacking.missing()).unwrap_or_default()
    }

    /// The methods that the path has, for the `Allow` of a 405.
    pub fn allowed_methods(&self) -> impl Iterator<Item = Method> + use<'a> {
        self.route.into_iter().flat_map(Route::allowed_methods)
    }

    /// What is wrong with the request target, where that is the reason.
    pub fn bad_target(&self) -> Option<&BadTarget> {
        self.bad_target.as_ref()
    }

    /// What `enforce` would have said about this call, in an organization that only reports.
    pub fn report(&self) -> Option<&Report<'a>> {
        self.report.as_ref()
    }

    /// The one alternative to name in a challenge (RFC 6750 §3): of the missing ones the narrowest, which is the one whose scopes stand
    /// in the fewest operations, complete. The earlier one where two are equally narrow.
    pub fn narrowest_scopes(&self) -> Option<Vec<&'a str>> {
        let alternatives = self.missing().scopes_any_of?;
        alternatives.into_iter().min_by_key(|scopes| self.contract.catalogue().width(scopes))
    }
}

impl<'a> Report<'a> {
    /// The reason that `enforce` would give.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What `enforce` would name as missing, made at each call.
    pub fn missing(&self) -> Missing<'a> {
        self.lacking.missing()
    }
}

impl<'a> Lacking<'a> {
    fn missing(&self) -> Missing<'a> {
        let requirement = &self.contract.operation_at(self.operation).requirement;
        Missing {
            scopes_any_of: self.scopes.then(|| requirement.scope_names()),
            permissions: self.permissions.and_then(|held| self.permissions_beyond(held, requirement.permissions()?)),
            roles_any_of: self.roles.map(|(snapshot, authorization)| snapshot.limits_of(authorization).collect()),
        }
    }

    fn permissions_beyond(&self, held: Bits<'_>, list: &'a PermissionList) -> Option<MissingPermissions<'a>> {
        let indices = self.contract.needs_at(self.operation).permissions();
        let lacking = list.of.iter().zip(indices).filter(|(_, index)| !held.contains(**index));
        Some(MissingPermissions { mode: list.mode, of: lacking.map(|(name, _)| name.as_str()).collect() })
    }
}

impl Missing<'_> {
    /// Whether no half is missing.
    pub fn is_empty(&self) -> bool {
        self.scopes_any_of.is_none() && self.permissions.is_none() && self.roles_any_of.is_none()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for RoleRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl Serialize for Denial<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut fields = serializer.serialize_struct("Denial", 3)?;
        fields.serialize_field("operation", &self.operation.map(|operation| &operation.id))?;
        fields.serialize_field("reason", &self.reason)?;
        if self.reason.carries_missing() {
            fields.serialize_field("missing", &self.missing())?;
        }
        fields.end()
    }
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut fields = serializer.serialize_struct("Report", 2)?;
        fields.serialize_field("reason", &self.reason)?;
        fields.serialize_field("missing", &self.missing())?;
        fields.end()
    }
}
