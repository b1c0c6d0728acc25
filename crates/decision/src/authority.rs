//! What a caller holds at one instant in one organization: the user's permissions and the app's scopes.

use crate::bitset::Bits;
use crate::caller::{Caller, Subject};
use crate::catalogue::Catalogue;
use crate::facts::Enforcement;
use crate::permission::Permission;
use crate::reason::Reason;
use crate::scope::Scope;
use crate::snapshot::{Authorization, Snapshot, SoughtCaller};

/// A caller's authority. It says nothing about any operation: only [`decide`](crate::decide()) does.
///
/// What it holds is looked up when it is asked for: a decision reads the target while the memory of caller and app is still on its way.
#[derive(Debug)]
pub struct Authority<'s>(Standing<'s>);

#[derive(Debug)]
enum Standing<'s> {
    /// Nobody that we know: refused for this reason wherever a credential is needed.
    Nobody(Reason),
    Known {
        snapshot: &'s Snapshot,
        caller: &'s Caller,
        sought: SoughtCaller<'s>,
    },
}

/// The links of a delegation chain, each of which must be allowed.
#[derive(Debug)]
pub(crate) struct Links<'s> {
    /// Who asks.
    pub(crate) caller: Link<'s>,
    /// The further links.
    pub(crate) actors: Vec<Link<'s>>,
}

/// One link of a delegation chain: one client acting for one subject.
#[derive(Debug, Clone, Copy)]
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

    pub(crate) fn of(snapshot: &'s Snapshot, caller: &'s Caller, sought: SoughtCaller<'s>) -> Self {
        Self(Standing::Known { snapshot, caller, sought })
    }

    /// The organization, where the caller is known.
    pub fn organization(&self) -> Option<&'s str> {
        self.known().map(|(snapshot, _)| snapshot.organization())
    }

    /// The client's id, where the caller is known.
    pub fn client(&self) -> Option<&'s str> {
        self.known().map(|(_, caller)| caller.client.id.as_str())
    }

    /// For whom the client acts, where the caller is known.
    pub fn subject(&self) -> Option<&'s Subject> {
        self.known().map(|(_, caller)| &caller.subject)
    }

    /// Why this caller is refused whatever it calls, public operations apart.
    pub fn refusal(&self) -> Option<Reason> {
        match &self.0 {
            Standing::Nobody(reason) => Some(*reason),
            Standing::Known { .. } => self.caller().and_then(|link| link.refusal),
        }
    }

    /// The permissions that the subject holds, for lists that people read.
    pub fn permissions(&self) -> impl Iterator<Item = &'s Permission> {
        self.caller().into_iter().flat_map(|link| {
            let catalogue = link.snapshot.catalogue();
            link.permissions.iter().filter_map(|index| catalogue.permission(index))
        })
    }

    /// The scopes that the organization granted the app and the token does not renounce, for lists that people read.
    pub fn scopes(&self) -> impl Iterator<Item = &'s Scope> {
        self.caller().into_iter().flat_map(|link| {
            let catalogue = link.snapshot.catalogue();
            let granted = link.authorization.into_iter().flat_map(|authorization| authorization.scopes.iter());
            granted.filter(move |index| link.is_below_ceiling(*index)).filter_map(|index| catalogue.scope(index))
        })
    }

    fn known(&self) -> Option<(&'s Snapshot, &'s Caller)> {
        match self.0 {
            Standing::Nobody(_) => None,
            Standing::Known { snapshot, caller, .. } => Some((snapshot, caller)),
        }
    }

    /// Who asks, without the further links.
    pub(crate) fn caller(&self) -> Option<Link<'s>> {
        match self.0 {
            Standing::Nobody(_) => None,
            Standing::Known { snapshot, caller, sought } => Some(snapshot.link(caller, sought)),
        }
    }

    /// The links that must each be allowed, or why there are none. All of them over the given catalogue: indices mean nothing in another one.
    #[inline(always)]
    pub(crate) fn links(&self, catalogue: &Catalogue) -> Result<Links<'s>, Reason> {
        match self.0 {
            Standing::Nobody(reason) => Err(reason),
            Standing::Known { snapshot, .. } if !snapshot.catalogue().is(catalogue) => Err(Reason::UnknownOrganization),
            Standing::Known { snapshot, caller, sought } => {
                Ok(Links { caller: snapshot.link(caller, sought), actors: snapshot.links_of_actors(caller) })
            }
        }
    }
}

impl<'s> Link<'s> {
    /// Whether the token's explicit scopes, where there are any, hold this one.
    #[inline]
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
