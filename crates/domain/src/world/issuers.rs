//! Whose word an organization takes about its people.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::file;
use super::findings::{Findings, Unique};
use super::{AssertionIssuerEntry, UserEntry};
use crate::assertion_issuer::PersonBy;
use crate::client::uri::PageUri;
use crate::user::Email;
use crate::yaml::line;

pub(super) fn issuers(
    shapes: Vec<Spanned<file::AssertionIssuer>>,
    users: &[UserEntry],
    organization: &str,
    findings: &mut Findings,
) -> Vec<AssertionIssuerEntry> {
    let mut names = Unique::default();
    let mut issuers = Vec::with_capacity(shapes.len());
    for spanned in shapes {
        let at = line(&spanned);
        let shape = spanned.value;
        let issuer = findings.required(shape.issuer.as_ref(), at, "issuer").and_then(|text| {
            names.check(text.value.clone(), "issuer", text, findings);
            findings.parsed(text, PageUri::try_from(text.value.clone()))
        });
        let person_by = findings.required(shape.person_by.as_ref(), at, "person_by");
        let choices = PersonBy::ALL.map(|way| (way.as_str(), way));
        let person_by = person_by.and_then(|text| findings.one_of(text, "person_by", &choices));
        if shape.jwks.is_none() {
            findings.problem(at, "`jwks` is missing: nobody is believed without keys");
        }
        let lists_people = shape.people.is_some();
        let people = people(shape.people.unwrap_or_default(), users, organization, findings);
        if lists_people != (person_by == Some(PersonBy::ExternalId)) && person_by.is_some() {
            findings.problem(at, "`people` belongs to `person_by: external_id`, and to nothing else");
        }
        if let (Some(issuer), Some(person_by), Some(jwks)) = (issuer, person_by, shape.jwks) {
            issuers.push(AssertionIssuerEntry { issuer, jwks: jwks.value, person_by, people });
        }
    }
    issuers
}

fn people(
    shape: BTreeMap<String, Spanned<String>>,
    users: &[UserEntry],
    organization: &str,
    findings: &mut Findings,
) -> BTreeMap<String, Email> {
    let mut people = BTreeMap::new();
    for (name, text) in shape {
        let Some(email) = findings.parsed(&text, Email::parse(&text.value)) else { continue };
        if users.iter().any(|user| user.email == email) {
            people.insert(name, email);
        } else {
            let message = format!("`{}` is not the e-mail address of a user of {organization}", text.value);
            findings.problem(line(&text), message);
        }
    }
    people
}
