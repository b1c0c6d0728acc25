//! What an operation needs, as decisions read it.

use crate::catalogue::Catalogue;
use crate::permission::Permission;
use crate::requirement::{PermissionMode, Requirement};
use crate::scope::Scope;

/// A requirement by catalogue indices, short lists in place: an allowed call reads this half of a line of memory and not the operation's texts.
#[derive(Debug)]
#[repr(align(32))]
pub(crate) struct Needs {
    pub(crate) credential: Credential,
    /// Whether one of the permissions suffices or all of them are needed.
    pub(crate) mode: PermissionMode,
    /// How many of `few` are scopes, and how many behind them are permissions.
    scopes: u8,
    permissions: u8,
    few: [u32; FEW],
    /// All lists, where they are longer: few operations have such.
    more: Option<Box<More>>,
}

const _: () = assert!(size_of::<Needs>() == 32, "two of them stand in a line of memory");

/// How many scopes and permissions stand in place. More than nine of ten operations of the real contract have no more.
const FEW: usize = 4;

#[derive(Debug)]
struct More {
    scopes: Box<[u32]>,
    scope_sets: Box<[Box<[u32]>]>,
    permissions: Box<[u32]>,
}

/// Whose credential an operation wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    /// None at all.
    Public,
    /// A token of ours.
    Ours,
    /// Somebody else's.
    Other,
    /// The contract does not say.
    Unstated,
}

impl Needs {
    pub(crate) fn new(requirement: &Requirement, catalogue: &Catalogue) -> Self {
        let known = "the catalogue was made from the same operations";
        let scope = |scope: &Scope| catalogue.scope_index(scope.as_str()).expect(known);
        let permission = |one: &Permission| catalogue.permission_index(one.as_str()).expect(known);
        let (single, several): (Vec<_>, Vec<_>) =
            requirement.scopes_any_of().iter().partition(|alternative| alternative.len() == 1);
        let scopes: Vec<u32> = single.into_iter().flatten().map(scope).collect();
        let permissions: Vec<u32> =
            requirement.permissions().into_iter().flat_map(|list| &list.of).map(permission).collect();

        let mut made = Self {
            credential: match requirement {
                Requirement::Public => Credential::Public,
                Requirement::Authenticated | Requirement::Oauth { .. } => Credential::Ours,
                Requirement::OtherCredential { .. } => Credential::Other,
                Requirement::Unstated { .. } => Credential::Unstated,
            },
            mode: requirement.permissions().map_or(PermissionMode::Any, |list| list.mode),
            scopes: 0,
            permissions: 0,
            few: [0; FEW],
            more: None,
        };
        if scopes.len() + permissions.len() <= FEW && several.is_empty() {
            (made.scopes, made.permissions) = (scopes.len() as u8, permissions.len() as u8);
            made.few.iter_mut().zip(scopes.into_iter().chain(permissions)).for_each(|(place, index)| *place = index);
        } else {
            let scope_sets = several.into_iter().map(|alternative| alternative.iter().map(scope).collect()).collect();
            let (scopes, permissions) = (scopes.into(), permissions.into());
            made.more = Some(Box::new(More { scopes, scope_sets, permissions }));
        }
        made
    }

    /// The alternatives of one scope. With [`Self::scope_sets`] empty too, no scope is needed.
    #[inline(always)]
    pub(crate) fn scopes(&self) -> &[u32] {
        self.more.as_ref().map_or(&self.few[..usize::from(self.scopes)], |more| &more.scopes)
    }

    /// The alternatives of several scopes.
    #[inline(always)]
    pub(crate) fn scope_sets(&self) -> &[Box<[u32]>] {
        self.more.as_ref().map_or(&[], |more| &more.scope_sets)
    }

    /// Empty: no permission is needed.
    #[inline(always)]
    pub(crate) fn permissions(&self) -> &[u32] {
        let few = &self.few[usize::from(self.scopes)..][..usize::from(self.permissions)];
        self.more.as_ref().map_or(few, |more| &more.permissions)
    }
}
