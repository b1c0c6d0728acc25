//! Who may pass the organization wall without a permit: each place that names a `SystemTask` stands in this list, with the
//! reason why there is no permit there.

use std::fs;
use std::path::{Path, PathBuf};

const PLACES: [(&str, &str, &str); 18] = [
    ("cli/apply.rs", "Apply", "the operator's command, beside the server"),
    ("cli/contract.rs", "Contracts", "the operator's command; contracts belong to no organization"),
    ("cli/demo.rs", "Demo", "the operator's command fills a new store"),
    ("cli/replay/ids.rs", "Replay", "the operator's command reads whose ids stand in a log"),
    ("cli/registration_token.rs", "Registration", "the operator's command, for any organization"),
    ("contracts.rs", "Contracts", "contracts are loaded at start, for all organizations"),
    ("enforce/check.rs", "Enforcement", "a token becomes a caller, a snapshot is loaded: before any permit"),
    ("enforce/usage/writer.rs", "Usage", "what apps of all organizations call is counted behind the calls"),
    ("enforce/presented.rs", "Enforcement", "the proof that comes with a token is claimed: before any permit"),
    ("keys.rs", "SigningKeys", "the keys that sign belong to no organization"),
    ("oauth/approver.rs", "Enforcement", "whether somebody may approve is decided from a snapshot"),
    ("app.rs", "Housekeeping", "what has ended is deleted for all organizations; a key that all nodes share"),
    ("app.rs", "TokenEndpoint", "whether somebody serves an API is asked before any token"),
    ("oauth/logout_notices.rs", "Housekeeping", "apps of all organizations hear of logouts"),
    ("oauth/back_channel.rs", "TokenEndpoint", "clients prove themselves, artefacts are claimed: before any token"),
    ("oauth/userinfo.rs", "Enforcement", "a token becomes a person: no operation of a contract is asked for"),
    ("web/visit.rs", "Authorize", "an authorization request in progress belongs to no organization yet"),
    ("web/visit.rs", "SignIn", "somebody proves who they are"),
];

#[test]
fn only_the_listed_places_pass_the_organization_wall_without_a_permit() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in rust_files(&source) {
        let text = fs::read_to_string(&path).expect("the source can be read");
        let file = path.strip_prefix(&source).expect("it is below").to_string_lossy().into_owned();
        for after in text.split("SystemTask::").skip(1) {
            let task: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
            let is_listed = PLACES.iter().any(|(place, name, _)| *place == file && *name == task);
            assert!(is_listed, "{file} names SystemTask::{task}: take a permit, or say in this list why there is none");
            found.push((file.clone(), task));
        }
    }
    for (file, task, _) in PLACES.iter().filter(|(file, ..)| source.join(file).exists()) {
        let is_used = found.iter().any(|(place, name)| place == file && name == task);
        assert!(is_used, "{file} no longer names SystemTask::{task}: shorten the list");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the source can be read");
    let paths = entries.map(|entry| entry.expect("the source can be read").path());
    paths
        .flat_map(|path| {
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            if path.is_dir() { rust_files(&path) } else { Vec::from_iter(is_rust.then_some(path)) }
        })
        .collect()
}
