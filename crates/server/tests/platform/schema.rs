//! Whether an answer is what the contract says it is: nothing undocumented, nothing required left out, no other type.

use std::collections::{BTreeMap, BTreeSet};

use countersign_decision::Operation;
use serde_json::Value;

use super::server::Answer;

/// Compares the body of an answer with the contract's schema for its status.
#[track_caller]
pub(crate) fn assert_documented(contract: &Value, operation: &Operation, answer: &Answer) {
    if answer.body.is_null() {
        return;
    }
    let method = operation.method.as_str().to_lowercase();
    let responses = &contract["paths"][&operation.path][method]["responses"];
    let response = resolved(contract, &responses[answer.status.to_string()]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(!schema.is_null(), "{}: no body is documented for {}: {:#}", operation.id, answer.status, answer.body);
    if let Err(difference) = compare(contract, schema, &answer.body, "body") {
        panic!("{} {}: {difference}\n{:#}", operation.id, answer.status, answer.body);
    }
}

fn compare(contract: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let schema = resolved(contract, schema);
    let (properties, required) = members(contract, schema);
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{at}: {value} is not one of {words:?}"));
    }
    match value {
        Value::Object(fields) => {
            if let Some(missing) = required.iter().find(|name| !fields.contains_key(name.as_str())) {
                return Err(format!("{at}: required `{missing}` is missing"));
            }
            for (name, value) in fields {
                let open = schema.get("additionalProperties").or_else(|| properties.is_empty().then_some(&Value::Null));
                let Some(schema) = properties.get(name).copied().or(open) else {
                    return Err(format!("{at}: `{name}` is not documented"));
                };
                compare(contract, schema, value, &format!("{at}.{name}"))?;
            }
            expect(schema, "object", !properties.is_empty(), at)
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                compare(contract, &schema["items"], item, &format!("{at}[{position}]"))?;
            }
            expect(schema, "array", false, at)
        }
        Value::String(_) => expect(schema, "string", false, at),
        Value::Bool(_) => expect(schema, "boolean", false, at),
        Value::Number(number) if number.is_i64() || number.is_u64() => expect(schema, "integer", false, at),
        Value::Number(_) => expect(schema, "number", false, at),
        Value::Null => Err(format!("{at}: null; what is not known is left out")),
    }
}

/// A schema without `type` takes anything, as does one that is put together of others.
fn expect(schema: &Value, found: &str, is_composed: bool, at: &str) -> Result<(), String> {
    match schema["type"].as_str() {
        Some(stated) if stated != found && !is_composed => Err(format!("{at}: documented as {stated}, is {found}")),
        _ => Ok(()),
    }
}

/// Properties and required names of a schema and of those it is put together of.
fn members<'c>(contract: &'c Value, schema: &'c Value) -> (BTreeMap<String, &'c Value>, BTreeSet<String>) {
    let own = schema["properties"].as_object().into_iter().flatten();
    let mut properties: BTreeMap<String, &Value> = own.map(|(name, schema)| (name.clone(), schema)).collect();
    let names = schema["required"].as_array().into_iter().flatten();
    let mut required: BTreeSet<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, needed) = members(contract, resolved(contract, part));
        properties.extend(more);
        required.extend(needed);
    }
    (properties, required)
}

fn resolved<'c>(contract: &'c Value, schema: &'c Value) -> &'c Value {
    let mut schema = schema;
    while let Some(reference) = schema["$ref"].as_str() {
        schema =
            contract.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} is nowhere"));
    }
    schema
}
