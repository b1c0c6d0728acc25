//! What a caller holds at one instant in one organization: the user's permissions and the app's scopes.

use crate::bitset::Bits;
use crate::caller::Subject;
use crate::catalogue::Catalogue;
use crate::facts::Enforcement;
use crate::permission::Permission;
use crate::reason::Reason;
use crate::scope::Scope;
use crate::snapshot::{Authorization, Snapshot};

/// A caller's authority. It says nothing about any operation: only [`decide`](crate::decide()) does.
#[derive(Debug)]
pub struct Authority<'s>(Standing<'s>);

#[derive(Debug)]
enum Standing<'s> {
    /// Nobody that we know: refused for this reason wherever a credential is needed.
    Nobody(Reason),
    /// The caller, then the further links of its delegation chain.
    Known { caller: Link<'s>, actors: Vec<Link<'s>> },
}

/// One link of a delegation chain: one client acting for one subject.
#[derive(Debug)]
pub(crate) struct Link<'s> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) client: &'s str,
    pub(crate) subject: &'s Subject,
    /// What refuses this link before any operation is looked at.
    pub(crate) refusal: Option<Reason>,
    pub(crate) combination: u32,
    pub(crate) permissions: Bits<'s>,
    /// Only where its state is authorized.
    pub(crate) authorization: Option<&'s Authorization>,
    /// The scopes that the token explicitly asked for, by name: interning them for each call would cost more than comparing a few names.
    pub(crate) ceiling: Option<&'s [String]>,
    pub(crate) enforcement: Enforcement,
}

impl<'s> Authority<'s> {
    /// The request carries no token.
    pub fn missing_credentials() -> Self {
        Self(Standing::Nobody(Reason::MissingCredentials))
    }

    /// The token is unknown, expired or revoked.
    pub fn invalid_credentials() -> Self {
        Self(Standing::Nobody(Reason::InvalidCredentials))
    }

    /// There is no such organization, or its state cannot be loaded.
    pub fn unknown_organization() -> Self {
        Self(Standing::Nobody(Reason::UnknownOrganization))
    }

    /// There is no such client.
    pub fn unknown_client() -> Self {
        Self(Standing::Nobody(Reason::UnknownClient))
    }

    /// There is no such user in the organization.
    pub fn unknown_user() -> Self {
        Self(Standing::Nobody(Reason::UnknownUser))
    }

    /// Something that the snapshot does not hold is switched off, such as the client's home organization.
    pub fn inactive() -> Self {
        Self(Standing::Nobody(Reason::Inactive))
    }

    pub(crate) fn of(caller: Link<'s>, actors: Vec<Link<'s>>) -> Self {
        Self(Standing::Known { caller, actors })
    }

    /// The organization, where the caller is known.
    pub fn organization(&self) -> Option<&'s str> {
        self.caller().map(|link| link.snapshot.organization())
    }

    /// The client's id, where the caller is known.
    pub fn client(&self) -> Option<&'s str> {
        self.caller().map(|link| link.client)
    }

    /// For whom the client acts, where the caller is known.
    pub fn subject(&self) -> Option<&'s Subject> {
        self.caller().map(|link| link.subject)
    }

    /// Why this caller is refused whatever it calls, public operations apart.
    pub fn refusal(&self) -> Option<Reason> {
        match &self.0 {
            Standing::Nobody(reason) => Some(*reason),
            Standing::Known { caller, .. } => caller.refusal,
        }
    }

    /// The permissions that the subject holds, for lists that people read.
    pub fn permissions(&self) -> impl Iterator<Item = &'s Permission> {
        self.caller()
            .into_iter()
            .flat_map(|link| link.permissions.iter().filter_map(|index| link.snapshot.catalogue().permission(index)))
    }

    /// The scopes that the organization granted the app and the token does not renounce, for lists that people read.
    pub fn scopes(&self) -> impl Iterator<Item = &'s Scope> {
        self.caller().into_iter().flat_map(|link| {
            let catalogue = link.snapshot.catalogue();
            let granted = link.authorization.into_iter().flat_map(|authorization| authorization.scopes.iter());
            granted.filter(|index| link.is_below_ceiling(*index)).filter_map(|index| catalogue.scope(index))
        })
    }

    pub(crate) fn caller(&self) -> Option<&Link<'s>> {
        match &self.0 {
            Standing::Nobody(_) => None,
            Standing::Known { caller, .. } => Some(caller),
        }
    }

    /// The links that must each be allowed, or why there are none. All of them over the given catalogue: indices mean nothing in another one.
    pub(crate) fn links(&self, catalogue: &Catalogue) -> Result<(&Link<'s>, &[Link<'s>]), Reason> {
        match &self.0 {
            Standing::Nobody(reason) => Err(*reason),
            Standing::Known { caller, .. } if !caller.snapshot.catalogue().is(catalogue) => {
                Err(Reason::UnknownOrganization)
            }
            Standing::Known { caller, actors } => Ok((caller, actors)),
        }
    }
}

impl<'s> Link<'s> {
    /// Whether the token's explicit scopes, where there are any, hold this one.
    pub(crate) fn is_below_ceiling(&self, scope: u32) -> bool {
        self.ceiling.is_none_or(|ceiling| {
            let name = self.snapshot.catalogue().scope(scope);
            name.is_some_and(|name| ceiling.iter().any(|asked_for| asked_for == name.as_str()))
        })
    }

    /// The indices of the subject's roles.
    pub(crate) fn roles(&self) -> &'s [u32] {
        self.snapshot.roles_of(self.combination)
    }
}
