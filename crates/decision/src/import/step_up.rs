//! `x-countersign-step-up`: what an operation asks of the sign-in.

use super::node::{Fault, Node, fault};
use super::{limits, security};
use crate::step_up::StepUp;

const RIGHT: &str =
    "`x-countersign-step-up` is `{max_age: SECONDS}`, `{acr_values: [..]}` or both, with at least 1 second";

/// What the extension says.
pub(super) fn read(node: &Node) -> Result<StepUp, Fault> {
    let entries = node.entries().ok_or_else(|| fault(node.line, RIGHT))?;
    let mut step_up = StepUp { acr_values: Vec::new(), max_age: None };
    for entry in entries {
        match &*entry.key {
            "max_age" => {
                let seconds = entry.node.text().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
                step_up.max_age = Some(seconds.ok_or_else(|| fault(entry.line, RIGHT))?);
            }
            "acr_values" => {
                for value in security::texts(&entry.node, "`acr_values`")? {
                    limits::name(value, "an `acr` value", entry.line)?;
                    step_up.acr_values.push(acr(value).ok_or_else(|| fault(entry.line, NOT_AN_ACR))?);
                }
            }
            _ => return Err(fault(entry.line, RIGHT)),
        }
    }
    if step_up.max_age.is_none() && step_up.acr_values.is_empty() {
        return Err(fault(node.line, RIGHT));
    }
    Ok(step_up)
}

const NOT_AN_ACR: &str = "an `acr` value has visible ASCII characters, without blanks, quotes and backslashes";

/// It stands in a quoted string of a header, among others that blanks separate (RFC 9470 §3, RFC 9110 §5.6.4).
fn acr(text: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (!text.is_empty() && text.bytes().all(is_plain)).then(|| text.to_owned())
}
