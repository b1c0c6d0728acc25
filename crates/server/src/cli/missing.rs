//! What a denial lacks, in few words, for lists of many denials.

use serde_json::Value;

/// The `missing` of a decision: `scope orders or orders:readonly, and permission orders:order:add, and role Bookseller`
pub(super) fn missing_in_words(missing: &Value) -> String {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let mut parts = Vec::new();
    if let Some(alternatives) = missing["scopes_any_of"].as_array() {
        let alternatives: Vec<_> = alternatives.iter().map(|one| texts(one).join(" and ")).collect();
        parts.push(format!("scope {}", alternatives.join(" or ")));
    }
    let permissions = texts(&missing["permissions"]["of"]);
    if !permissions.is_empty() {
        let word = if missing["permissions"]["mode"] == "ALL" { " and " } else { " or " };
        parts.push(format!("permission {}", permissions.join(word)));
    }
    let roles = texts(&missing["roles_any_of"]);
    if !roles.is_empty() {
        parts.push(format!("role {}", roles.join(" or ")));
    }
    parts.join(", and ")
}
