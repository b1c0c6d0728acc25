//! Paths of requests without what is private in them: for logs. The values of parameters give way to their names, and what
//! is left means the same operations.

use crate::contract::Contract;
use crate::meaning::Meaning;
use crate::routes::{Segment, Template, canonicalise};

/// What stands where a path that means no operation has a text that the contract does not have.
const UNNAMED: &str = "{}";

/// The path of a target with the names of parameters for their values: `/orders/{orderId}` for `/orders/1042?x=y`. A value
/// that makes the request cross another operation is one of the contract's own words, and stays. Of a path that means no
/// operation only the contract's words stay. Nothing for a target that is not in canonical form.
pub fn hide_values(contract: &Contract, method: &str, target: &[u8]) -> Option<String> {
    let canonical = canonicalise(target).ok()?;
    let meaning = Meaning::of(contract, method, target);
    let templates: Vec<Template> =
        meaning.operations.iter().filter_map(|operation| operation.path.parse().ok()).collect();
    let shown = |(position, text): (usize, &str)| {
        let mut here = templates.iter().filter_map(|template| template.segments().get(position));
        if templates.is_empty() {
            return if contract.routes().has_literal(text) { text.to_owned() } else { UNNAMED.to_owned() };
        }
        if here.clone().any(|segment| matches!(segment, Segment::Literal(_))) {
            return text.to_owned();
        }
        match here.next() {
            Some(Segment::Parameter(name)) => format!("{{{name}}}"),
            _ => UNNAMED.to_owned(),
        }
    };
    let segments: Vec<String> = canonical.segments().enumerate().map(shown).collect();
    // a final slash is a segment without text
    let is_end = |position: usize| canonical.ends_with_slash() && position + 1 == segments.len();
    let text = |(position, segment): (usize, &String)| {
        let text = if is_end(position) { "" } else { segment.as_str() };
        format!("/{text}")
    };
    Some(if segments.is_empty() { "/".to_owned() } else { segments.iter().enumerate().map(text).collect() })
}

/// A target that means what the target of a path meant whose values were hidden: some text that the contract does not have
/// stands for each. Any other path is left as it is.
pub fn fill_in(contract: &Contract, path: &str) -> String {
    let mut value = "-".to_owned();
    while contract.routes().has_literal(&value) {
        value.push('-');
    }
    let is_hidden = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
    let filled = path.split('/').map(|segment| if is_hidden(segment) { value.as_str() } else { segment });
    filled.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Contracts;

    fn contracts() -> Contracts {
        let operation = |(method, path): (&str, &str)| {
            serde_json::json!({
                "id": format!("{method} {path}"), "method": method, "path": path,
                "requirement": {"kind": "authenticated"}, "source": {"file": "t.yaml", "line": 1},
            })
        };
        let operations = [
            ("GET", "/"),
            ("GET", "/calls/mail/{id}"),
            ("GET", "/calls/{id}/tapes"),
            ("POST", "/calls/{id}/-"),
            ("GET", "/{anything}"),
        ];
        let source = serde_json::json!({"name": "t", "operations": operations.map(operation)});
        Contracts::new(vec![serde_json::from_value(source).unwrap()]).unwrap()
    }

    #[test]
    fn values_are_hidden_and_words_of_the_contract_stay() {
        let contracts = contracts();
        let contract = contracts.named("t").unwrap();
        for (method, target, shown) in [
            ("GET", "/?a=b", "/"),
            ("GET", "/calls/mail/ada%40acme.test?x=1", "/calls/mail/{id}"),
            ("GET", "/calls/mail/tapes", "/calls/mail/tapes"),
            ("HEAD", "/calls/7/tapes", "/calls/{id}/tapes"),
            ("GET", "/ada", "/{anything}"),
            ("DELETE", "/calls/7/tapes", "/calls/{}/tapes"),
            ("GET", "/people/ada/calls", "/{}/{}/calls"),
            ("GET", "/calls/7/tapes/", "/calls/{}/tapes/"),
        ] {
            let hidden = hide_values(contract, method, target.as_bytes()).unwrap();
            assert_eq!(hidden, shown, "{method} {target}");
            let filled = fill_in(contract, &hidden);
            let meaning = |target: &str| Meaning::of(contract, method, target.as_bytes());
            assert_eq!(meaning(&filled), meaning(target), "{filled} for {target}");
        }
        assert_eq!(hide_values(contract, "GET", b"/a/../b"), None);
        assert_eq!(fill_in(contract, "/calls/{id}"), "/calls/--", "`-` is a word of the contract");
    }
}
