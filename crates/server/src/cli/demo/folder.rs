//! Where a demo keeps its data. It begins each time from the sample world, so it writes to no folder that holds anything else.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;

use crate::cli::failure::Failure;

/// Says in a folder that it is a demo's.
const MARK: &str = "COUNTERSIGN_DEMO";
const MARK_TEXT: &str =
    "This folder belongs to `countersign demo`, which brings it back to the sample world with every start.\n";

/// A folder of a demo's own.
pub(super) enum Folder {
    /// Goes with the value.
    Temporary(TempDir),
    /// Stays.
    Given(PathBuf),
}

impl Folder {
    /// The folder that was asked for, made when absent, or a temporary one.
    ///
    /// # Errors
    /// A folder that holds anything and was not made by a demo.
    pub(super) fn open(given: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = given else {
            return Ok(Self::Temporary(TempDir::with_prefix("countersign-demo-").context("a temporary folder")?));
        };
        let context = || format!("{}", path.display());
        std::fs::create_dir_all(path).with_context(context)?;
        let is_empty = std::fs::read_dir(path).with_context(context)?.next().is_none();
        let mark = path.join(MARK);
        if !is_empty && !mark.exists() {
            let rule = "the demo begins with a folder that is empty, or of an earlier demo";
            return Err(Failure::bad_input(format!(
                "{}: there is something else in this folder: {rule}",
                path.display()
            )));
        }
        std::fs::write(&mark, MARK_TEXT).with_context(context)?;
        Ok(Self::Given(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Given(path) => path,
        }
    }
}

/// What becomes of the data.
impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Temporary(folder) => write!(f, "The data is in {} and goes when it stops.", folder.path().display()),
            Self::Given(path) => write!(f, "The data is in {}.", path.display()),
        }
    }
}
