//! Whose word an organization takes about its people: registered by a world file, and seen by that organization alone.

use countersign_domain::assertion_issuer::PersonBy;
use countersign_domain::user::Email;
use countersign_domain::world::World;
use countersign_store::SystemTask;
use countersign_store::apply::ApplyOptions;

use crate::fixture::{ALL, Fixture};

const WORLD: &str = r#"organizations:
  - id: acme
    users:
      - email: ada@acme.test
    assertion_issuers:
      - issuer: https://idp.example
        jwks: { keys: [{ kty: EC, crv: P-256, x: 3z-0p0AU3xWhTGBCi9tNS-Lw47wGg6o5cfRQ2kIOGfg, y: qxm4OYIRYJjpsonC6rmTQ8DWxdCvKNoE2UfE-p9iI6Y }] }
        person_by: external_id
        people: { 00u1: ada@acme.test }
  - id: globex
    users:
      - email: ada@acme.test
"#;

async fn apply(fixture: &Fixture, text: &str, options: ApplyOptions) -> Vec<String> {
    let world = World::parse("world.yaml", text).unwrap();
    let difference = fixture.system(SystemTask::Apply).apply(&world, &options).await.unwrap();
    difference.entries.iter().map(ToString::to_string).collect()
}

both! {
    async fn an_issuer_is_trusted_by_the_organization_that_registered_it_and_no_other(fixture) {
        apply(fixture, WORLD, ApplyOptions::default()).await;
        let issuer = fixture.org("acme").assertion_issuer("https://idp.example").await.unwrap().unwrap();
        let ada = fixture.org("acme").user_by_email(&Email::parse("Ada@Acme.test").unwrap()).await.unwrap().unwrap();
        assert_eq!((issuer.person_by, &issuer.people["00u1"]), (PersonBy::ExternalId, &ada.id));
        assert_eq!(issuer.jwks.keys().len(), 1);
        for other in ["https://idp.example/", "https://IDP.example", ""] {
            assert_eq!(fixture.org("acme").assertion_issuer(other).await.unwrap(), None, "{other}");
        }
        assert_eq!(fixture.org("globex").assertion_issuer("https://idp.example").await.unwrap(), None);
        let namesake = fixture.org("globex").user_by_email(&ada.email).await.unwrap().unwrap();
        assert_ne!(namesake.id, ada.id);
    }

    async fn the_same_file_again_changes_nothing_and_another_one_says_what_it_changes(fixture) {
        let created = apply(fixture, WORLD, ApplyOptions::default()).await;
        let line = "acme: + trusted issuer `https://idp.example`: names people by `external_id`";
        assert!(created.iter().any(|entry| entry == line), "{created:?}");
        assert_eq!(apply(fixture, WORLD, ApplyOptions::default()).await, Vec::<String>::new());
        let by_email = WORLD.replace("person_by: external_id\n        people: { 00u1: ada@acme.test }", "person_by: email");
        let changed = apply(fixture, &by_email, ApplyOptions::default()).await;
        let line = "acme: ~ trusted issuer `https://idp.example`: names people by `external_id` → `email`, people";
        assert_eq!(changed, [line]);
        let (without, _) = by_email.split_once("    assertion_issuers").unwrap();
        assert_eq!(apply(fixture, without, ApplyOptions::default()).await, Vec::<String>::new());
        let pruned = apply(fixture, without, ApplyOptions { prunes: true, ..ApplyOptions::default() }).await;
        assert_eq!(pruned, ["acme: - trusted issuer `https://idp.example`"]);
        assert_eq!(fixture.org("acme").assertion_issuer("https://idp.example").await.unwrap(), None);
        let audit = fixture.org("acme").audit(ALL).await.unwrap().items;
        for action in ["assertion_issuer.trust", "assertion_issuer.distrust"] {
            assert!(audit.iter().any(|entry| entry.action == action), "{action}");
        }
    }

    async fn a_deleted_user_is_found_by_no_e_mail(fixture) {
        apply(fixture, WORLD, ApplyOptions::default()).await;
        let email = Email::parse("ada@acme.test").unwrap();
        let ada = fixture.org("acme").user_by_email(&email).await.unwrap().unwrap();
        fixture.org("acme").delete_user(&ada.id).await.unwrap();
        assert_eq!(fixture.org("acme").user_by_email(&email).await.unwrap(), None);
    }
}
