//! The decision log of a server of ours (`[decision_log]`). It names apps and people by the ids that the server's database
//! has for them, or by digests of these; `replay/ids.rs` says whose they are.

use std::borrow::Cow;

use countersign_decision::Scope;
use serde::Deserialize;
use serde_json::Value;

use super::{Line, without_place};
use crate::cli::replay::entry::{Entry, LoggedCaller};
use crate::enforce::log::LEFT_OUT;

const EXPECTED: &str = r#"a decision is one JSON object such as {"contract":"books","organization":"acme","client":"2222…","user":"0197…","method":"GET","path":"/books","decision":"allow"}"#;

#[derive(Deserialize)]
struct Decision<'l> {
    #[serde(borrow)]
    contract: Cow<'l, str>,
    /// Absent where nobody was known: no live token came.
    #[serde(default)]
    organization: Option<String>,
    #[serde(default)]
    client: Option<String>,
    /// Absent where the app acted for itself.
    #[serde(default)]
    user: Option<String>,
    /// Absent where the token asked for all that is authorized.
    #[serde(default)]
    scopes: Option<Vec<Scope>>,
    #[serde(borrow)]
    method: Cow<'l, str>,
    /// Absent where the request had no path that could be told.
    #[serde(default)]
    path: String,
    /// Of a denial.
    #[serde(default)]
    status: Option<u16>,
}

/// Whether an object is a line of a decision log.
pub(super) fn is_one(line: &Value) -> bool {
    ["context", "door", "contract", "decision"].iter().all(|key| line.get(key).is_some_and(Value::is_string))
}

pub(super) fn parse(line: &[u8]) -> Result<Line, String> {
    let read: Decision<'_> =
        serde_json::from_slice(line).map_err(|error| format!("{}: {EXPECTED}", without_place(&error)))?;
    let (Some(organization), Some(client)) = (read.organization, read.client) else { return Ok(Line::OfNoApp) };
    let user = match read.user.as_deref() {
        Some(LEFT_OUT) => None,
        _ => Some(read.user),
    };
    Ok(Line::Call(Entry {
        method: read.method.into_owned(),
        target: read.path.into_bytes(),
        origin: None,
        status: read.status,
        decided_with: Some(read.contract.into_owned()),
        caller: LoggedCaller {
            organization: Some(organization),
            client: Some(client).filter(|client| client != LEFT_OUT),
            user,
            scopes: read.scopes.map(|scopes| scopes.into_iter().map(String::from).collect()),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"at":"2026-11-25T09:00:00.000Z","context":"5f","door":"gateway","contract":"books","organization":"acme","revision":7,"client":"2","user":"7","method":"POST","path":"/books","operation":"addBook","decision":"deny","reason":"missing_scope","status":403}"#;

    fn call(line: &str) -> Entry {
        let Ok(Line::Call(entry)) = parse(line.as_bytes()) else { panic!("{line}") };
        entry
    }

    #[test]
    fn a_decision_is_a_call_with_its_contract_its_caller_and_its_status() {
        let entry = call(LINE);
        assert_eq!((entry.method.as_str(), entry.target.as_slice()), ("POST", b"/books".as_slice()));
        assert_eq!((entry.decided_with.as_deref(), entry.status), (Some("books"), Some(403)));
        assert_eq!(entry.caller.user, Some(Some("7".to_owned())));
        assert_eq!(call(&LINE.replace(r#""user":"7","#, "")).caller.user, Some(None), "the app's own call");
        let left_out = call(&LINE.replace(r#""user":"7""#, r#""user":"left out""#));
        assert_eq!(left_out.caller.user, None, "somebody's, which the options may say");
    }

    #[test]
    fn a_call_without_a_live_token_is_of_no_app_and_other_lines_are_refused() {
        let nobody = r#"{"contract":"books","method":"GET","path":"/","decision":"deny","status":401}"#;
        assert_eq!(parse(nobody.as_bytes()), Ok(Line::OfNoApp));
        for (line, what) in [(r#"{"contract":"books"}"#, "missing field `method`"), ("{", "EOF"), ("7", "expected")] {
            let message = parse(line.as_bytes()).expect_err(line);
            assert!(message.contains(what) && message.contains("one JSON object"), "{message}");
        }
        assert!(is_one(&serde_json::from_str(LINE).expect("JSON")));
        assert!(!is_one(&serde_json::json!({"method": "GET", "path": "/", "decision": "allow"})));
    }
}
