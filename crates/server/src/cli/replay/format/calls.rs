//! Lines of `countersign evaluate`. Organization, client and user may be left out: the command's options name them. A
//! line may say what was answered (`status`).

use std::borrow::Cow;

use countersign_decision::Scope;
use serde::{Deserialize, Deserializer};

use super::{Line, without_place};
use crate::cli::replay::entry::{Entry, LoggedCaller};

const EXPECTED: &str = r#"a call is one JSON object such as {"organization":"acme","client":"Roster Sync","user":"ada@acme.test","method":"GET","path":"/api/v2/users"}, of which `method` and `path` are needed"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call<'l> {
    #[serde(default)]
    organization: Option<String>,
    #[serde(default)]
    client: Option<String>,
    /// Absent is not null: null is a call on the app's own behalf.
    #[serde(default, deserialize_with = "present")]
    user: Option<Option<String>>,
    #[serde(default)]
    scopes: Option<Vec<Scope>>,
    #[serde(borrow)]
    method: Cow<'l, str>,
    #[serde(borrow)]
    path: Cow<'l, str>,
    #[serde(default)]
    status: Option<u16>,
}

pub(super) fn parse(line: &[u8]) -> Result<Line, String> {
    let call: Call<'_> =
        serde_json::from_slice(line).map_err(|error| format!("{}: {EXPECTED}", without_place(&error)))?;
    Ok(Line::Call(Entry {
        method: call.method.into_owned(),
        target: call.path.into_owned().into_bytes(),
        origin: None,
        status: call.status.filter(|status| *status >= 100),
        decided_with: None,
        caller: LoggedCaller {
            organization: call.organization,
            client: call.client,
            user: call.user,
            scopes: call.scopes.map(|scopes| scopes.into_iter().map(String::from).collect()),
        },
    }))
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Entry {
        let Ok(Line::Call(entry)) = parse(line.as_bytes()) else { panic!("{line}") };
        entry
    }

    #[test]
    fn what_a_line_leaves_out_is_left_to_the_options() {
        let bare = call(r#"{"method":"GET","path":"/a"}"#);
        assert_eq!((bare.method.as_str(), bare.target.as_slice()), ("GET", b"/a".as_slice()));
        assert_eq!(bare.caller, LoggedCaller::default());
        let own_behalf = call(r#"{"user":null,"scopes":["a"],"method":"GET","path":"/a","status":404}"#);
        assert_eq!((own_behalf.caller.user, own_behalf.status), (Some(None), Some(404)));
        assert_eq!(own_behalf.caller.scopes, Some(vec!["a".to_owned()]));
    }

    #[test]
    fn a_line_that_is_no_call_is_refused_with_what_would_be_right() {
        for (line, what) in [
            ("{", "EOF"),
            ("[]", "expected"),
            (r#"{"method":"GET"}"#, "missing field `path`"),
            (r#"{"method":"GET","path":"/","usr":"x"}"#, "unknown field `usr`"),
            (r#"{"method":"GET","path":"/","scopes":["a b"]}"#, "is not a scope"),
        ] {
            let message = parse(line.as_bytes()).expect_err(line);
            assert!(message.contains(what) && message.contains("one JSON object"), "{message}");
        }
    }
}
