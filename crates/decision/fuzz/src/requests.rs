//! Who calls, and what is called: mostly operations that exist, some with a target that is written oddly or wrongly.

use countersign_decision::Operation;

use crate::call::Who;
use crate::choices::Choices;
use crate::world::granted;

/// Method and target.
pub(crate) type Request = (String, String);

/// What can stand at the end of a path or in it, harmless and not.
const ODDITIES: [&str; 24] = [
    "/",
    "?q=%2F",
    "?",
    "//",
    "/.",
    "/..",
    "/%2e%2E",
    "%2F",
    "%5c",
    "%25",
    "%00",
    "%",
    "%zz",
    ";x",
    "\\",
    "#f",
    " ",
    "é",
    "%C3%A9",
    "%ff",
    "%e2%80%8b",
    "%EF%BC%8F",
    "?access_token=x",
    "?%61ccess_token",
];

/// The chain of a token in an organization. An unknown client has no token: only a first link can name one.
pub(crate) fn chain(choices: &mut Choices<'_>, scopes: &[String]) -> (String, Vec<Who>) {
    let organization = if choices.chance(96) { *choices.of(&["o0", "o0", "o0", "o1"]) } else { "o9" };
    let mut who = |unknown| {
        let client = if choices.chance(95) { *choices.of(&["c0", "c1", "c2"]) } else { unknown };
        let user = choices.chance(70).then(|| if choices.chance(93) { *choices.of(&["u0", "u1"]) } else { "u2" });
        let scopes = choices.chance(30).then(|| granted(choices, scopes));
        Who { client: client.to_owned(), user: user.map(str::to_owned), scopes }
    };
    let (alone, first, others) = (who("c9"), who("c1"), [who("c1"), who("c1")]);
    let chain = match choices.below(12) {
        0 => Vec::new(),
        1 => vec![first, others[0].clone()],
        2 => [vec![first], others.to_vec()].concat(),
        _ => vec![alone],
    };
    (organization.to_owned(), chain)
}

/// An operation's path with words for its parameters, or words alone.
pub(crate) fn request(choices: &mut Choices<'_>, operations: &[Operation], words: &[String]) -> Request {
    let meant = choices.of(operations);
    let fill = |part: &str, choices: &mut Choices<'_>| match part {
        _ if !part.starts_with('{') => part.to_owned(),
        _ if words.is_empty() || choices.chance(15) => {
            let id = "6f1c1a52-0f5e-4a0e-9d1d-7f1f6f0a9b11";
            (*choices.of(&["x-1", "x-1", id, "a.b", &id.repeat(8)])).to_owned()
        }
        _ => choices.of(words).clone(),
    };
    let mut parts: Vec<String> = meant.path.split('/').map(|part| fill(part, choices)).collect();
    if choices.chance(15) && !words.is_empty() {
        let at = 1 + choices.below(parts.len() - 1);
        parts[at] = choices.of(words).clone();
    }
    let path = written_oddly(choices, parts.join("/"));
    let method = match choices.below(100) {
        0..10 => "HEAD",
        10..18 => choices.of(&["GET", "POST", "PUT", "DELETE"]),
        18..21 => choices.of(&["get", "TRACE", "OPTIONS", "PATCH", "", "GETX"]),
        _ => meant.method.as_str(),
    };
    (method.to_owned(), path)
}

fn written_oddly(choices: &mut Choices<'_>, path: String) -> String {
    let place = |choices: &mut Choices<'_>| 1 + choices.below(path.len());
    match choices.below(100) {
        0..8 => path + *choices.of(&ODDITIES),
        8..11 => {
            let at = place(choices);
            format!("{}{}{}", &path[..at], choices.of(&ODDITIES), &path[at..])
        }
        11..20 => {
            let at = place(choices).min(path.len() - 1);
            let byte = path.as_bytes()[at];
            let encoded = if choices.chance(50) { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
            format!("{}{encoded}{}", &path[..at], &path[at + 1..])
        }
        20 => format!("http://h{path}"),
        21 => path[1..].to_owned(),
        _ => path,
    }
}
