//! What an approval would change, for the page on which somebody is about to sign it.

use std::collections::HashSet;

use countersign_decision::impact::Comparison;
use countersign_decision::surface::Audience;
use countersign_decision::{
    AuthorizationFacts, AuthorizationState, Change, ClientRef, Contracts, Enforcement, Snapshot,
};

use super::pages::ApprovalImpact;

/// The difference that granting these scopes to an app would make, over all loaded contracts. `roles` are the ids of the roles that its users are
/// limited to, none where they are not.
pub fn of_approval(
    contracts: &Contracts,
    before: &Snapshot,
    client: &ClientRef,
    scopes: Vec<String>,
    roles: Vec<String>,
) -> ApprovalImpact {
    let state = AuthorizationState::Authorized;
    let granted = AuthorizationFacts { client: client.id.clone(), state, scopes, roles };
    let after = before.with(&[Change::Authorization(granted)]);
    let (mut reads, mut writes, mut people) = (0, 0, HashSet::new());
    for contract in contracts.iter() {
        let mut comparison = Comparison::new(contract, before, &after);
        let impact = comparison.impact(client, client);
        for gained in impact.operations.iter().filter(|one| one.gained > 0) {
            *(if gained.operation.method.is_mutating() { &mut writes } else { &mut reads }) += 1;
        }
        people.extend(comparison.people_gaining(&impact));
    }
    ApprovalImpact {
        reads,
        writes,
        people: people.len(),
        of_people: Audience::new(before).people(),
        is_enforced: before.enforcement() == Enforcement::Enforce,
    }
}

#[cfg(test)]
mod tests {
    use countersign_decision::{OrganizationFacts, RoleFacts, SubjectFacts};

    use super::*;

    const API: &str = "
openapi: 3.0.3
paths:
  /things:
    get: {operationId: list, security: [{Ours: [things]}], x-inin-requires-permissions: {type: ANY, permissions: ['thing:item:view']}}
    post: {operationId: add, security: [{Ours: [things]}], x-inin-requires-permissions: {type: ANY, permissions: ['thing:item:add']}}
  /others:
    get: {operationId: others, security: [{Ours: [others]}]}
components: {securitySchemes: {Ours: {type: oauth2, flows: {}}}}
";

    fn impact(enforcement: Enforcement, scopes: &[&str], roles: &[&str]) -> ApprovalImpact {
        let file = countersign_decision::SourceFile { name: "api.yaml", text: API };
        let source = countersign_decision::import(&[file], &countersign_decision::ImportOptions::default()).unwrap();
        let contracts = Contracts::new(vec![source]).unwrap();
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let role = |id: &str, policy: &str| RoleFacts {
            id: id.to_owned(),
            name: id.to_owned(),
            policies: vec![policy.parse().unwrap()],
        };
        let user = |id: &str, active, role: &str| SubjectFacts { id: id.to_owned(), active, roles: texts(&[role]) };
        let facts = OrganizationFacts {
            id: "acme".to_owned(),
            active: true,
            enforcement,
            bounds_client_credentials: true,
            roles: vec![role("viewer", "thing:item:view"), role("editor", "thing:item:*")],
            users: vec![user("a", true, "viewer"), user("b", true, "editor"), user("c", false, "editor")],
            clients: Vec::new(),
            authorizations: Vec::new(),
        };
        let client = ClientRef { id: "app".to_owned(), home_organization: "globex".to_owned(), active: true };
        of_approval(&contracts, &Snapshot::compile(contracts.catalogue(), &facts), &client, texts(scopes), texts(roles))
    }

    #[test]
    fn operations_and_people_are_those_that_the_approval_opens() {
        let of = |reads, writes, people| ApprovalImpact { reads, writes, people, of_people: 2, is_enforced: true };
        assert_eq!(impact(Enforcement::Enforce, &["things"], &[]), of(1, 1, 2));
        assert_eq!(impact(Enforcement::Enforce, &["things"], &["viewer"]), of(1, 0, 1));
        assert_eq!(impact(Enforcement::Enforce, &["things", "others"], &[]), of(2, 1, 2));
        assert_eq!(impact(Enforcement::Enforce, &["unknown"], &[]), of(0, 0, 0));
    }

    #[test]
    fn where_scopes_are_not_enforced_an_approval_opens_nothing() {
        let nothing = ApprovalImpact { reads: 0, writes: 0, people: 0, of_people: 2, is_enforced: false };
        assert_eq!(impact(Enforcement::Report, &["things"], &[]), nothing);
        assert_eq!(impact(Enforcement::Off, &["things"], &[]), nothing);
    }
}
