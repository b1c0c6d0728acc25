//! The contract as the benchmarks see it: the real one from the shared folder, or one that is made; and its rules in
//! plain numbers for the peers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use countersign_decision::{
    Contract, ContractSource, Contracts, ImportOptions, Method, Operation, PermissionMode, Requirement, SourceFile,
    import,
};

/// The name of the contract that is measured.
pub(crate) const NAME: &str = "measured";

/// What is asked of an app and its user, with scopes and permissions as places in the lists of [`Rules`].
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Public,
    Unstated,
    OtherCredential,
    /// Any one scope (none: no scope is needed), and the permissions.
    Oauth {
        scopes: Vec<u16>,
        permissions: Option<(PermissionMode, Vec<u16>)>,
    },
}

/// One operation in plain numbers.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) ask: Ask,
    /// The operations that a request for this one may match too.
    pub(crate) crossing: Vec<u32>,
}

/// All operations with the scopes and permissions that they name.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) operations: Vec<Rule>,
    pub(crate) scopes: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

impl Rules {
    /// Reads the rules off a contract.
    ///
    /// # Errors
    /// An alternative of several scopes: the real contract has none, and the peers' policies are written without.
    pub(crate) fn of(contracts: &Contracts, contract: &Contract) -> Result<Self, String> {
        let catalogue = contracts.catalogue();
        let place: HashMap<&str, u32> =
            contract.operations().iter().map(|operation| operation.id.as_str()).zip(0u32..).collect();
        let rule = |operation: &Operation| -> Result<Rule, String> {
            let small = |index: Option<u32>| {
                index.and_then(|index| u16::try_from(index).ok()).expect("the catalogue has what its operations name")
            };
            let scope = |alternative: &Vec<_>| match alternative.as_slice() {
                [one] => Ok(small(catalogue.scope_index(countersign_decision::Scope::as_str(one)))),
                _ => Err(format!(
                    "`{}` has an alternative of several scopes: the peers are written for one",
                    operation.id
                )),
            };
            let requirement = &operation.requirement;
            let ask = match requirement {
                Requirement::Public => Ask::Public,
                Requirement::Unstated { .. } => Ask::Unstated,
                Requirement::OtherCredential { .. } => Ask::OtherCredential,
                Requirement::Authenticated | Requirement::Oauth { .. } => Ask::Oauth {
                    scopes: requirement.scopes_any_of().iter().map(scope).collect::<Result<_, _>>()?,
                    permissions: requirement.permissions().map(|list| {
                        let of = list.of.iter().map(|one| small(catalogue.permission_index(one.as_str()))).collect();
                        (list.mode, of)
                    }),
                },
            };
            Ok(Rule {
                id: operation.id.clone(),
                method: operation.method,
                path: operation.path.clone(),
                ask,
                crossing: contract.crossing(&operation.id).map(|other| place[other.id.as_str()]).collect(),
            })
        };
        Ok(Self {
            operations: contract.operations().iter().map(rule).collect::<Result<_, _>>()?,
            scopes: catalogue.scopes().iter().map(|entry| entry.scope.to_string()).collect(),
            permissions: catalogue.permissions().iter().map(|entry| entry.permission.to_string()).collect(),
        })
    }
}

/// The folder with the real contract: an argument, `COUNTERSIGN_SHARED`, or `shared` beside the repository.
pub(crate) fn shared_folder(argument: Option<&Path>) -> PathBuf {
    let setting = || std::env::var_os("COUNTERSIGN_SHARED").map(PathBuf::from);
    argument
        .map(Path::to_path_buf)
        .or_else(setting)
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")))
}

/// The text of a shared file.
///
/// # Errors
/// Names the file and what to set: a benchmark on another contract would be another benchmark.
pub(crate) fn shared_text(folder: &Path, file: &str) -> Result<String, String> {
    let path = folder.join(file);
    std::fs::read_to_string(&path).map_err(|error| {
        format!(
            "THE REAL CONTRACT IS ABSENT: {} cannot be read ({error}): give --shared or set COUNTERSIGN_SHARED",
            path.display()
        )
    })
}

/// The real contract: 3,180 operations.
///
/// # Errors
/// It is absent, or does not import.
pub(crate) fn real_contracts(folder: &Path) -> Result<Contracts, String> {
    let text = shared_text(folder, "contract/genesys-catalog.json")?;
    let file = SourceFile { name: "genesys-catalog.json", text: &text };
    contracts_of(imported(&[file])?)
}

/// Files read as one contract.
///
/// # Errors
/// The first thing that is wrong with them.
pub(crate) fn imported(files: &[SourceFile<'_>]) -> Result<ContractSource, String> {
    let options = ImportOptions { name: NAME.into(), ..ImportOptions::default() };
    import(files, &options).map_err(|errors| {
        errors.first().map_or_else(String::new, |first| format!("{}:{}: {}", first.file, first.line, first.message))
    })
}

/// A source made matchable.
///
/// # Errors
/// Its operations do not make a contract.
pub(crate) fn contracts_of(source: ContractSource) -> Result<Contracts, String> {
    Contracts::new(vec![source]).map_err(|error| error.to_string())
}

/// The contract that is measured.
pub(crate) fn measured(contracts: &Contracts) -> &Contract {
    contracts.named(NAME).expect("every contract here is imported under this name")
}
