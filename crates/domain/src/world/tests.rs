//! A world file is read whole, and everything wrong in it is named with its line.

use countersign_decision::Enforcement;

use super::*;

mod compiled;

const ACME: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    scope_enforcement: enforce
    divisions: [Home, Sales]
    roles:
      - name: Directory admin
        permissions: ["directory:user:*", "oauth:client:authorize"]
      - name: Seller
        permissions: [sell]
    users:
      - email: ada@acme.test
        name: Ada Lovelace
        password: correct horse
        state: active
        roles: [Directory admin, {role: Seller, division: Sales}]
    clients:
      - id: 5f0c
        name: Roster Sync
        grant_types: [client_credentials]
        redirect_uris: []
        secret: roster-secret
        scopes: [users]
        roles: [Directory admin]
        token_ttl_seconds: 86400
    authorizations:
      - client: Roster Sync
        scopes: [users]
        roles: []
        state: authorized
  - id: globex
    authorizations:
      - client: 5f0c
        scopes: [users, users]
        state: denied
"#;

fn problems(text: &str) -> Vec<String> {
    let problems = World::parse("w.yaml", text).expect_err("the world has a mistake");
    problems.iter().map(ToString::to_string).collect()
}

/// What is said of `ACME` after `from` became `to`.
fn acme_with(from: &str, to: &str) -> Vec<String> {
    assert!(ACME.contains(from), "{from}");
    problems(&ACME.replacen(from, to, 1))
}

const ISSUERS: &str = r#"organizations:
  - id: acme
    users:
      - email: ada@acme.test
    assertion_issuers:
      - issuer: https://idp.example
        jwks: { keys: [{ kty: EC, crv: P-256, x: 3z-0p0AU3xWhTGBCi9tNS-Lw47wGg6o5cfRQ2kIOGfg, y: qxm4OYIRYJjpsonC6rmTQ8DWxdCvKNoE2UfE-p9iI6Y }] }
        person_by: external_id
        people: { 00u1: ada@acme.test }
"#;

#[test]
fn trusted_issuers_are_read_with_their_keys_and_their_names_for_people() {
    let world = World::parse("w.yaml", ISSUERS).unwrap();
    let [issuer] = &world.organization("acme").unwrap().assertion_issuers[..] else { panic!("one issuer") };
    assert_eq!((issuer.issuer.as_str(), issuer.person_by), ("https://idp.example", PersonBy::ExternalId));
    assert_eq!((issuer.jwks.keys().len(), issuer.people["00u1"].to_string()), (1, "ada@acme.test".to_owned()));
}

#[test]
fn an_issuer_that_nobody_can_believe_is_a_mistake() {
    for (from, to, message) in [
        ("issuer: https://idp.example", "issuer: http://idp.example", "`http://idp.example`"),
        ("person_by: external_id", "person_by: name", "`name` is not a value of `person_by`"),
        ("        person_by: external_id\n", "", "`person_by` is missing"),
        ("{ 00u1: ada@acme.test }", "{ 00u1: bob@acme.test }", "is not the e-mail address of a user of `acme`"),
        ("external_id", "email", "`people` belongs to `person_by: external_id`"),
        ("        people: { 00u1: ada@acme.test }\n", "", "`people` belongs to `person_by: external_id`"),
        ("x: 3z-0p0AU3xWhTGBCi9tNS-Lw47wGg6o5cfRQ2kIOGfg, ", "d: private, ", "w.yaml:7: "),
    ] {
        assert!(ISSUERS.contains(from), "{from}");
        let problems = problems(&ISSUERS.replacen(from, to, 1));
        assert!(problems.iter().any(|problem| problem.contains(message)), "{to}: {problems:?}");
    }
    let (head, entry) = ISSUERS.split_once("      - issuer").unwrap();
    let twice = format!("{head}      - issuer{entry}      - issuer{entry}");
    assert!(problems(&twice).iter().any(|problem| problem.contains("has the same issuer")));
    let keyless: String =
        ISSUERS.lines().filter(|line| !line.contains("jwks")).map(|line| format!("{line}\n")).collect();
    assert!(problems(&keyless).iter().any(|problem| problem.contains("`jwks` is missing")));
}

#[test]
fn a_world_is_read_as_it_is_written() {
    let world = World::parse("w.yaml", ACME).unwrap();
    let acme = world.organization("acme").unwrap();
    assert_eq!((acme.name.as_str(), acme.enforcement), ("Acme Corp", Enforcement::Enforce));
    assert_eq!(acme.divisions, ["Home", "Sales"]);
    let ada = &acme.users[0];
    assert!(matches!(&ada.password, Some(PasswordEntry::Clear(chosen)) if chosen.expose() == "correct horse"));
    let seller = AssignmentEntry { role: "Seller".to_owned(), division: Some("Sales".to_owned()) };
    assert_eq!(ada.roles, [AssignmentEntry { role: "Directory admin".to_owned(), division: None }, seller]);
    let roster = &acme.clients[0];
    assert_eq!(roster.metadata, ClientMetadata::default());
    assert_eq!(roster.id.as_ref().unwrap().as_str(), "5f0c");
    assert!(roster.pkce_required && roster.token_ttl_seconds == 86_400);
    assert_eq!(acme.authorizations[0].client, ClientReference::Own("Roster Sync".to_owned()));
}

#[test]
fn what_is_left_out_has_its_default() {
    let world = World::parse("w.yaml", ACME).unwrap();
    let globex = world.organization("globex").unwrap();
    assert_eq!((globex.name.as_str(), globex.enforcement), ("globex", Enforcement::Enforce));
    assert_eq!(globex.divisions, ["Home"]);
    let denied = &globex.authorizations[0];
    assert_eq!(denied.client, ClientReference::Id(ClientId::parse("5f0c").unwrap()));
    assert_eq!(denied.scopes.len(), 1, "doubles are one");
}

#[test]
fn metadata_of_a_client_is_read_under_the_names_of_the_standards() {
    let key = "{ kty: OKP, crv: Ed25519, kid: a, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }";
    let metadata = format!(
        "metadata:\n          token_endpoint_auth_method: private_key_jwt\n          jwks: {{ keys: [{key}] }}"
    );
    let world = World::parse("w.yaml", &ACME.replacen("secret: roster-secret", &metadata, 1)).unwrap();
    let roster = &world.organization("acme").unwrap().clients[0];
    assert_eq!(roster.metadata.jwks.as_ref().unwrap().keys()[0].kid(), Some("a"));
    assert!(roster.secret.is_none() && roster.metadata.is_confidential(false));
}

#[test]
fn metadata_that_is_malformed_or_does_not_fit_is_refused_with_its_line() {
    let with =
        |metadata: &str| acme_with("secret: roster-secret", &format!("secret: x\n        metadata:\n{metadata}"));
    let unknown = &with("          dpop_bound: true")[0];
    assert!(unknown.starts_with("w.yaml:24: `dpop_bound` is not a key here: the keys are "), "{unknown}");
    assert_eq!(
        with("          dpop_bound_access_tokens: true\n          client_uri: \"javascript:alert(1)\""),
        [
            "w.yaml:25: `javascript:alert(1)` cannot be the address of a page: a scheme that browsers run or read files with is never allowed"
        ]
    );
    assert_eq!(
        with("          jwks: { keys: [{ kty: oct, k: AAAA }] }"),
        ["w.yaml:24: a key with a private or symmetric part is never sent: register the public key"]
    );
    assert_eq!(
        with("          require_signed_request_object: true"),
        [
            "w.yaml:24: `jwks` is missing: `require_signed_request_object` needs the client's public keys, or their `jwks_uri`"
        ]
    );
}

#[test]
fn json_is_a_world_file_too() {
    let world = World::parse(
        "w.json",
        "{\n\t\"organizations\": [{\"id\": \"acme\", \"name\": \"\\u0041cme \\ud83d\\ude00\"}]}",
    );
    assert_eq!(world.unwrap().organizations[0].name, "Acme 😀");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_keys_there_are() {
    assert_eq!(
        acme_with("permissions: [sell]", "permission: [sell]"),
        ["w.yaml:10: `permission` is not a key here: the keys are `name`, `description`, `permissions`"]
    );
    assert_eq!(problems("orgs: []\n"), ["w.yaml:1: `orgs` is not a key here: the keys are `organizations`"]);
    assert_eq!(
        acme_with("division: Sales}", "divison: Sales}"),
        ["w.yaml:16: `divison` is not a key here: the keys are `role`, `division`"]
    );
}

#[test]
fn what_is_not_of_the_right_form_is_refused_with_its_line() {
    for (text, message) in [
        ("", "w.yaml:1: the file is empty: a world begins with `organizations:`"),
        ("organizations: 5\n", "w.yaml:1: a list is expected here"),
        ("{}\n", "w.yaml:1: `organizations` is missing"),
        ("organizations:\n  - acme\n", "w.yaml:2: keys with values are expected here"),
        ("organizations:\n  - id: [acme]\n", "w.yaml:2: a text is expected here"),
        ("organizations: []\n---\nx: 1\n", "w.yaml:3: a second YAML document begins here: a world is one document"),
        ("organizations:\n  - id: a\n    id: b\n", "w.yaml:3: `id` is given twice: keep one"),
        ("organizations:\n  - id: \"a\n", "w.yaml:2: unclosed quote"),
    ] {
        assert_eq!(problems(text), [message], "{text}");
    }
    assert_eq!(acme_with("86400", "a day"), ["w.yaml:25: a whole number is expected here"]);
}

#[test]
fn every_mistake_is_named_and_not_only_the_first() {
    let text = ACME
        .replace("id: globex", "id: Globex!")
        .replace("[sell]", "[\"*:*:*\"]")
        .replace("scopes: [users]", "scopes: [\"two words\"]");
    let lines: Vec<_> = problems(&text).iter().map(|p| p.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["w.yaml:10", "w.yaml:23", "w.yaml:28", "w.yaml:31"]);
}

#[test]
fn doubles_are_refused() {
    assert_eq!(
        acme_with("id: globex", "id: acme"),
        ["w.yaml:31: `acme` is given twice: line 2 has the same organization"]
    );
    assert_eq!(
        acme_with("name: Seller", "name: Directory admin"),
        [
            "w.yaml:9: `Directory admin` is given twice: line 7 has the same role",
            "w.yaml:16: `Seller` is not a role of `acme`: its roles are `Directory admin`, `Directory admin`"
        ]
    );
    assert_eq!(
        acme_with("    clients:\n", "      - email: ADA@acme.test\n    clients:\n"),
        ["w.yaml:17: `ADA@acme.test` is given twice: line 12 has the same user with this e-mail address"]
    );
    let second = "      - name: Roster Sync\n    authorizations:\n";
    assert_eq!(
        acme_with("    authorizations:\n", second),
        ["w.yaml:26: `Roster Sync` is given twice: line 19 has the same client"]
    );
    let second = "    clients:\n      - {id: 5f0c, name: Other}\n    authorizations:\n      - client: 5f0c\n        scopes: [users, users]";
    assert_eq!(
        acme_with("    authorizations:\n      - client: 5f0c\n        scopes: [users, users]", second),
        ["w.yaml:33: `5f0c` is given twice: line 18 has the same client id"]
    );
    assert_eq!(
        acme_with("        state: authorized\n", "        state: authorized\n      - client: 5f0c\n"),
        ["w.yaml:31: `5f0c` is given twice: line 27 has the same client"]
    );
}

#[test]
fn names_that_nothing_defines_are_refused_with_those_that_are() {
    assert_eq!(
        acme_with("roles: [Directory admin, ", "roles: [Directory admn, "),
        ["w.yaml:16: `Directory admn` is not a role of `acme`: its roles are `Directory admin`, `Seller`"]
    );
    assert_eq!(
        acme_with("division: Sales}", "division: Sale}"),
        ["w.yaml:16: `Sale` is not a division of `acme`: its divisions are `Home`, `Sales`"]
    );
    assert_eq!(
        acme_with("roles: []", "roles: [Sellers]"),
        ["w.yaml:29: `Sellers` is not a role of `acme`: its roles are `Directory admin`, `Seller`"]
    );
    assert_eq!(
        acme_with("- client: Roster Sync", "- client: Roster Synk"),
        [
            "w.yaml:27: `Roster Synk` is not a client of `acme`: `client` is the name of one of its clients (`Roster Sync`) \
             or the id of any client"
        ]
    );
}

#[test]
fn a_client_that_is_not_in_the_file_is_left_to_the_store() {
    let world = World::parse("w.yaml", &ACME.replace("client: 5f0c", "client: 5f0d")).unwrap();
    let elsewhere: Vec<_> = world.clients_elsewhere().map(|(id, problem)| format!("{id} {problem}")).collect();
    assert_eq!(
        elsewhere,
        [
            "5f0d w.yaml:33: `5f0d` is not a client: `client` must be the name of a client of this organization or the id of any"
        ]
    );
}

#[test]
fn values_outside_of_their_choices_are_refused_with_the_choices() {
    assert_eq!(
        acme_with("scope_enforcement: enforce", "scope_enforcement: on"),
        ["w.yaml:4: `on` is not a value of `scope_enforcement`: it is one of `enforce`, `report`, `off`"]
    );
    assert_eq!(
        acme_with("state: active", "state: deleted"),
        ["w.yaml:15: `deleted` is not a value of `state`: it is one of `active`, `inactive`"]
    );
    assert_eq!(
        acme_with("state: denied", "state: expired"),
        ["w.yaml:35: `expired` is not a value of `state`: it is one of `requested`, `authorized`, `denied`, `revoked`"]
    );
    assert_eq!(
        acme_with("[client_credentials]", "[client_credential]"),
        ["w.yaml:20: `client_credential` is not a value of `grant_types`: it is one of `authorization_code`, \
             `refresh_token`, `client_credentials`, `device_code`, `token_exchange`, `saml2_bearer`, `jwt_bearer`"]
    );
    for seconds in ["299", "172801", "-1"] {
        assert_eq!(
            acme_with("86400", seconds),
            [format!("w.yaml:25: `token_ttl_seconds` of {seconds} is out of range: it must be 300 to 172800")]
        );
    }
}

#[test]
fn a_public_client_has_no_client_credentials_and_no_way_around_pkce() {
    assert_eq!(
        acme_with("        secret: roster-secret\n", ""),
        ["w.yaml:18: a client with `client_credentials` needs a `secret`: without one it is a public client"]
    );
    let public = "[authorization_code]\n        pkce_required: false";
    let text = ACME.replace("[client_credentials]", public).replace("        secret: roster-secret\n", "");
    assert_eq!(problems(&text), ["w.yaml:21: `pkce_required: false` needs a `secret`: a public client must use PKCE"]);
}

#[test]
fn passwords_are_given_once_and_never_repeated_in_messages() {
    assert_eq!(
        acme_with("password: correct horse", "password: correct horse\n        password_hash: x"),
        ["w.yaml:15: `password` and `password_hash` are both given: keep one"]
    );
    assert_eq!(
        acme_with("password: correct horse", "password_hash: $2b$12$abcdefghijklmnopqrstuv"),
        ["w.yaml:14: a password hash must be argon2id in PHC form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`"]
    );
    assert_eq!(
        acme_with("password: correct horse", "password: ''"),
        ["w.yaml:14: `password` must have 1 to 1024 bytes"]
    );
    let shown = format!("{:?}", World::parse("w.yaml", ACME).unwrap());
    assert!(!shown.contains("horse") && !shown.contains("roster-secret"));
}

#[test]
fn a_client_name_that_is_another_clients_id_is_refused() {
    let text = ACME.replace("  - id: globex\n", "  - id: globex\n    clients: [{name: 5f0c}]\n");
    assert_eq!(problems(&text), ["w.yaml:32: `5f0c` is also the id of another client, in line 18: rename one"]);
}

#[test]
fn the_organization_of_the_console_is_not_in_a_world_but_the_console_can_be_authorized() {
    assert_eq!(
        acme_with("id: globex", "id: countersign"),
        ["w.yaml:31: `countersign` is the organization of the built-in console: take another id"]
    );
    let world = World::parse("w.yaml", &ACME.replace("client: 5f0c", "client: countersign-console")).unwrap();
    let contracts = countersign_decision::Contracts::new(Vec::new()).unwrap();
    let compiled = CompiledWorld::new(&world, contracts.catalogue()).unwrap();
    assert!(compiled.client("acme", "countersign-console").unwrap().is_some());
}

#[test]
fn c01_redirect_uris_in_a_world_follow_the_rules_of_registration() {
    for bad in ["/callback", "https://app.test/cb#x", "http://app.test/cb"] {
        let problems = acme_with("redirect_uris: []", &format!("redirect_uris: ['{bad}']"));
        assert!(problems[0].starts_with(&format!("w.yaml:21: `{bad}` cannot be a redirect URI: ")), "{problems:?}");
    }
}
