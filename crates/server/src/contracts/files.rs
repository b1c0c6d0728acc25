//! Contract files that people name: read, bounded, and imported with errors that say where.

use std::path::{Path, PathBuf};

use countersign_decision::{ContractSource, ImportOptions, SourceFile, import};

/// The largest file that is read, in bytes: the largest contract known has 30 MB.
const MAX_FILE_BYTES: u64 = 512 * 1_024 * 1_024;

/// Imports the files of one contract.
///
/// # Errors
/// Everything that is wrong, each with its file, and its line where there is one.
pub fn import_files(files: &[PathBuf], options: &ImportOptions) -> Result<ContractSource, Vec<String>> {
    let texts = files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>().map_err(|error| vec![error])?;
    let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let sources: Vec<_> = names.iter().zip(&texts).map(|(name, text)| SourceFile { name, text }).collect();
    import(&sources, options).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// The text of a file that a person named.
///
/// # Errors
/// When it cannot be read, is too long or not UTF-8.
pub fn read(file: &Path) -> Result<String, String> {
    let name = file.display();
    let unreadable = |error: std::io::Error| format!("{name}: cannot be read: {error}");
    let length = std::fs::metadata(file).map_err(unreadable)?.len();
    if length > MAX_FILE_BYTES {
        return Err(format!("{name}: the file has {length} bytes: at most {MAX_FILE_BYTES} are read"));
    }
    let bytes = std::fs::read(file).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{name}:{line}: not UTF-8: the file must be text")
    })
}
