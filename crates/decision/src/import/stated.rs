//! What a contract states about an operation, before it is known whether that is enough; and what an operator adds.

use std::collections::HashSet;

use super::{Override, PermissionOverride, ScopeAlternative, limits, push_warning};
use crate::lint::Finding;
use crate::operation::{Location, Method, Operation};
use crate::permission::Permission;
use crate::requirement::{PermissionList, PermissionMode, Requirement, Unstated};
use crate::scope::Scope;
use crate::step_up::StepUp;

/// An operation as one place of a file states it.
#[derive(Debug, Clone)]
pub(super) struct StatedOperation {
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) tags: Vec<String>,
    pub(super) summary: Option<String>,
    pub(super) deprecated: bool,
    pub(super) source: Location,
    pub(super) requirement: Stated,
    pub(super) step_up: Option<StepUp>,
}

/// Credential and permissions, each with its line.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    pub(super) credential: Credential,
    pub(super) credential_line: u32,
    pub(super) permissions: Permissions,
    pub(super) permissions_line: u32,
}

/// What is stated about the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// Nothing at all.
    Nothing,
    /// That none is needed.
    Public,
    /// One that is not ours.
    Other { scheme: String },
    /// Ours, with scope alternatives.
    Oauth(Vec<Vec<Scope>>),
    /// A scheme that nothing defines.
    Undefined { scheme: String },
    /// A scope that is not one.
    NotAScope { text: String },
}

/// What is stated about permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Permissions {
    /// Nothing: none is needed.
    None,
    /// A list.
    List(PermissionList),
    /// Something that is not a permission.
    NotAPermission { text: String },
}

impl Stated {
    /// The requirement. Nothing is public by omission, and what cannot be held denies.
    pub(super) fn requirement(&self) -> Requirement {
        let unstated = |why| Requirement::Unstated { why };
        let permissions = match (&self.credential, &self.permissions) {
            (Credential::Nothing, _) => return unstated(Unstated::NoSecurity),
            (Credential::Undefined { scheme }, _) => {
                return unstated(Unstated::UndefinedScheme { scheme: scheme.clone() });
            }
            (Credential::NotAScope { text }, _) => return unstated(Unstated::NotAScope { text: text.clone() }),
            (Credential::Other { scheme }, _) => return Requirement::OtherCredential { scheme: scheme.clone() },
            (_, Permissions::NotAPermission { text }) => {
                return unstated(Unstated::NotAPermission { text: text.clone() });
            }
            (_, Permissions::None) => None,
            (_, Permissions::List(list)) => Some(list.clone()),
        };
        match &self.credential {
            Credential::Oauth(scopes_any_of) => Requirement::oauth(scopes_any_of.clone(), permissions),
            _ if permissions.is_some_and(|list| !list.of.is_empty()) => unstated(Unstated::PublicWithPermissions),
            _ => Requirement::Public,
        }
    }

    /// How many scopes and permissions it asks for.
    pub(super) fn items(&self) -> usize {
        let scopes = match &self.credential {
            Credential::Oauth(alternatives) => alternatives.iter().map(Vec::len).sum(),
            _ => 0,
        };
        let permissions = match &self.permissions {
            Permissions::List(list) => list.of.len(),
            _ => 0,
        };
        scopes + permissions
    }

    /// The line that the requirement is about, for a message.
    fn line(&self, requirement: &Requirement) -> u32 {
        match requirement {
            Requirement::Unstated { why: Unstated::NotAPermission { .. } | Unstated::PublicWithPermissions } => {
                self.permissions_line
            }
            _ => self.credential_line,
        }
    }

    /// Puts what the operator states in the place of what the contract does.
    fn amend(&mut self, stated: &Override) -> Result<(), String> {
        match (stated.public, &stated.scopes, &stated.permissions) {
            (Some(true), None, None) => {
                (self.credential, self.permissions) = (Credential::Public, Permissions::None);
                return Ok(());
            }
            (Some(true), ..) => return Err("`public = true` cannot stand beside scopes or permissions".into()),
            (None | Some(false), None, None) => {
                return Err("states nothing: `public = true`, `scopes` or `permissions` would".into());
            }
            _ => {}
        }
        if let Some(alternatives) = &stated.scopes {
            self.credential = Credential::Oauth(alternatives.iter().map(ScopeAlternative::scopes).collect());
            if alternatives.is_empty() {
                self.credential = Credential::Oauth(vec![Vec::new()]);
            }
        }
        if let Some(permissions) = &stated.permissions {
            self.permissions = Permissions::List(permissions.list());
        }
        if matches!(self.credential, Credential::Oauth(_)) {
            return Ok(());
        }
        Err("`scopes` is needed too: the contract states none (an empty list means any live token)".into())
    }
}

impl StatedOperation {
    /// The operation, and what to say about it. An override is the operator's word about it.
    pub(super) fn finish(
        mut self,
        stated: Option<&Override>,
        warnings: &mut Vec<Finding>,
    ) -> Result<Operation, String> {
        let call = limits::shown(&format!("`{}` ({} {})", self.id, self.method, self.path));
        let mut warn = |line, rule: &str, message| {
            push_warning(warnings, Finding { file: self.source.file.clone(), line, rule: rule.into(), message });
        };
        let by_contract = self.requirement.requirement();
        if let Some(stated) = stated {
            self.requirement.amend(stated)?;
            if !matches!(by_contract, Requirement::Unstated { .. }) {
                let message = format!("{call}: the operator's requirement replaces what the contract states");
                warn(self.source.line, "override-replaces", message);
            }
        }
        let requirement = self.requirement.requirement();
        if let Requirement::Unstated { why } = &requirement {
            let rule = match why {
                Unstated::NotAPermission { .. } => "not-a-permission",
                Unstated::NotAScope { .. } => "not-a-scope",
                Unstated::UndefinedScheme { .. } => "undefined-scheme",
                Unstated::NoSecurity | Unstated::PublicWithPermissions => "unstated-requirement",
            };
            warn(self.requirement.line(&requirement), rule, format!("{call} is denied to everybody: {why}"));
        }
        if self.step_up.is_some() && requirement == Requirement::Public {
            let message = format!("{call} is public: nobody has to sign in, so its step-up asks for nothing");
            warn(self.source.line, "step-up-of-nobody", message);
        }
        Ok(Operation {
            id: self.id,
            method: self.method,
            path: self.path,
            tags: self.tags,
            summary: self.summary,
            deprecated: self.deprecated,
            requirement,
            step_up: self.step_up,
            source: self.source,
        })
    }
}

impl ScopeAlternative {
    fn scopes(&self) -> Vec<Scope> {
        match self {
            Self::One(scope) => vec![scope.clone()],
            Self::AllOf(scopes) => scopes.clone(),
        }
    }
}

impl PermissionOverride {
    fn list(&self) -> PermissionList {
        let (mode, of) = match self {
            Self::AnyOf(of) => (PermissionMode::Any, of),
            Self::List { mode, of } => (*mode, of),
        };
        PermissionList { mode, of: of.clone() }
    }
}

/// The permissions of a list of texts.
pub(super) fn permissions(mode: PermissionMode, texts: &[&str]) -> Permissions {
    let mut of: Vec<Permission> = Vec::with_capacity(texts.len());
    let mut seen = HashSet::with_capacity(texts.len());
    for text in texts {
        match text.parse() {
            Ok(permission) if seen.insert(*text) => of.push(permission),
            Ok(_) => {}
            Err(_) => return Permissions::NotAPermission { text: limits::shown(text) },
        }
    }
    Permissions::List(PermissionList { mode, of })
}

/// The alternatives that one list of scopes stands for; an empty list needs no scope.
pub(super) fn alternatives(texts: &[&str], lists: super::ScopeLists) -> Result<Vec<Vec<Scope>>, Credential> {
    let mut scopes: Vec<Scope> = Vec::with_capacity(texts.len());
    let mut seen = HashSet::with_capacity(texts.len());
    for text in texts {
        match text.parse() {
            Ok(scope) if seen.insert(*text) => scopes.push(scope),
            Ok(_) => {}
            Err(_) => return Err(Credential::NotAScope { text: limits::shown(text) }),
        }
    }
    Ok(match lists {
        super::ScopeLists::Any if !scopes.is_empty() => scopes.into_iter().map(|scope| vec![scope]).collect(),
        _ => vec![scopes],
    })
}
