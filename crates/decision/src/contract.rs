//! The validated set of operations of one API, and all such sets of a node over one [`Catalogue`].

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::import::ContractSource;
use crate::lint::Finding;
use crate::needs::{Credential, Needs};
use crate::operation::{Location, Operation};
use crate::permission::Permission;
use crate::requirement::Requirement;
use crate::routes::{Routes, TemplateError};
use crate::step_up::StepUp;

pub use crate::catalogue::{Catalogue, PermissionEntry, ScopeEntry};

/// The most operations that one contract may have.
pub const MAX_OPERATIONS: usize = 50_000;

/// All contracts of a node: the platform API and one for each upstream. They are named and matched separately;
/// their scopes and permissions are united.
#[derive(Debug)]
pub struct Contracts {
    catalogue: Catalogue,
    contracts: Vec<Contract>,
}

/// One contract: the operations of one API, ready to be matched and decided.
#[derive(Debug)]
pub struct Contract {
    name: String,
    catalogue: Catalogue,
    operations: Vec<Operation>,
    needs: Vec<Needs>,
    by_id: HashMap<String, u32>,
    routes: Routes,
    /// Whether any operation asks for a step-up: most contracts do not, and then no call looks for one.
    has_step_ups: bool,
    warnings: Vec<Finding>,
    described_permissions: BTreeSet<Permission>,
}

/// Why operations do not make a contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// Two contracts have one name.
    #[error("contract `{name}` is given twice: each name stands for one contract")]
    SameName {
        /// The name.
        name: String,
    },
    /// More operations than [`MAX_OPERATIONS`].
    #[error("contract `{name}` has {operations} operations, at most {MAX_OPERATIONS} are read")]
    TooManyOperations {
        /// The contract.
        name: String,
        /// How many it has.
        operations: usize,
    },
    /// Two different operations have one id.
    #[error("operation id `{id}` stands at {first} and, for another operation, at {second}")]
    SameId {
        /// The id.
        id: String,
        /// One place.
        first: Location,
        /// The other place.
        second: Location,
    },
    /// Two operations have the same method and the same path (but for the names of parameters).
    #[error("{route} stands at {first} and at {second}: one request cannot mean both")]
    SameRoute {
        /// Method and path.
        route: String,
        /// One place.
        first: Box<Place>,
        /// The other place.
        second: Box<Place>,
    },
    /// A path template that cannot be matched safely.
    #[error("path `{path}` at {at}: {cause}")]
    Template {
        /// The template.
        path: String,
        /// Where it stands.
        at: Box<Place>,
        /// What is wrong with it.
        cause: TemplateError,
    },
    /// Templates that overlap in so many ways that the table of matches would not fit in memory.
    #[error(
        "the path templates overlap in more than {limit} ways: literal segments where others have parameters, many times over"
    )]
    TooManyOverlaps {
        /// The limit.
        limit: usize,
    },
}

/// An operation and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The operation's id.
    pub id: String,
    /// Where it stands.
    pub at: Location,
}

impl ContractError {
    /// The place to look at first, where there is one.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::SameId { second, .. } => Some(second),
            Self::SameRoute { second: place, .. } | Self::Template { at: place, .. } => Some(&place.at),
            Self::SameName { .. } | Self::TooManyOperations { .. } | Self::TooManyOverlaps { .. } => None,
        }
    }
}

impl Contracts {
    /// Validates and interns contracts.
    ///
    /// # Errors
    /// The first operation that cannot be matched or told apart from another.
    pub fn new(sources: Vec<ContractSource>) -> Result<Self, ContractError> {
        let sources: Vec<_> = sources.into_iter().map(with_requirements_read_once).collect();
        let catalogue = Catalogue::new(&sources);
        let mut contracts: Vec<Contract> = Vec::with_capacity(sources.len());
        for source in sources {
            if contracts.iter().any(|contract| contract.name == source.name) {
                return Err(ContractError::SameName { name: source.name });
            }
            contracts.push(Contract::new(source, catalogue.clone())?);
        }
        Ok(Self { catalogue, contracts })
    }

    /// The scopes and permissions of all contracts.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The contract with this name.
    pub fn named(&self, name: &str) -> Option<&Contract> {
        self.contracts.iter().find(|contract| contract.name == name)
    }

    /// All contracts in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Contract> {
        self.contracts.iter()
    }
}

impl Contract {
    fn new(source: ContractSource, catalogue: Catalogue) -> Result<Self, ContractError> {
        let ContractSource { name, operations, warnings, permissions, .. } = source;
        let described_permissions = permissions.into_keys().collect();
        if operations.len() > MAX_OPERATIONS {
            return Err(ContractError::TooManyOperations { name, operations: operations.len() });
        }
        let mut by_id: HashMap<String, u32> = HashMap::with_capacity(operations.len());
        for (index, operation) in (0u32..).zip(&operations) {
            if let Some(first) = by_id.insert(operation.id.clone(), index) {
                return Err(ContractError::SameId {
                    id: operation.id.clone(),
                    first: operations[first as usize].source.clone(),
                    second: operation.source.clone(),
                });
            }
        }
        let routes = Routes::new(&operations)?;
        let needs = operations.iter().map(|operation| Needs::new(&operation.requirement, &catalogue)).collect();
        let has_step_ups = operations.iter().any(|operation| operation.step_up.is_some());
        Ok(Self { name, catalogue, operations, needs, by_id, routes, has_step_ups, warnings, described_permissions })
    }

    /// The name by which doors and commands refer to it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The catalogue that its requirements are interned in.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// All operations in the contract's order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation with this id.
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operation_index(id).map(|index| self.operation_at(index))
    }

    /// The operations that a request for this one might match too, although neither is the more specific: this one has the literal segment where
    /// they first differ, and a parameter where the other has a later one. Of the same method, by id. A call is allowed only if each of them that
    /// it matches would be allowed too.
    pub fn crossing(&self, id: &str) -> impl Iterator<Item = &Operation> {
        let crossing = self.operation_index(id).map(|index| self.routes.crossing_of(index, &self.operations));
        crossing.unwrap_or_default().into_iter().map(|index| self.operation_at(index))
    }

    /// What the importer noticed.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The permissions that the contract itself lists; empty where it lists none.
    pub(crate) fn described_permissions(&self) -> &BTreeSet<Permission> {
        &self.described_permissions
    }

    /// The routes of this contract.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    pub(crate) fn operation_index(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    #[inline]
    pub(crate) fn operation_at(&self, index: u32) -> &Operation {
        &self.operations[index as usize]
    }

    /// What this operation asks of a sign-in. Who needs no token at all needs no sign-in.
    pub(crate) fn step_up_at(&self, index: u32) -> Option<&StepUp> {
        if !self.has_step_ups || self.needs_at(index).credential == Credential::Public {
            return None;
        }
        self.operation_at(index).step_up.as_ref()
    }

    #[inline]
    pub(crate) fn needs_at(&self, index: u32) -> &Needs {
        &self.needs[index as usize]
    }
}

impl Place {
    pub(crate) fn of(operation: &Operation) -> Box<Self> {
        Box::new(Self { id: operation.id.clone(), at: operation.source.clone() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (`{}`)", self.at, self.id)
    }
}

/// A stored contract may hold lists that the importer would have read otherwise: [`Requirement::oauth`] alone reads empty lists.
fn with_requirements_read_once(mut source: ContractSource) -> ContractSource {
    for operation in &mut source.operations {
        if let Requirement::Oauth { scopes_any_of, permissions } = &mut operation.requirement {
            operation.requirement = Requirement::oauth(std::mem::take(scopes_any_of), permissions.take());
        }
    }
    source
}
