//! Chains of exchanged tokens (RFC 8693).

use countersign_domain::id::TokenFamilyId;
use countersign_domain::oauth::delegation::Link;
use countersign_domain::oauth::token::{TokenFamily, TokenSubject};
use countersign_domain::secret::Digest;
use countersign_store::SystemTask;

use crate::fixture::{access_token, scopes};
use crate::refreshes::issued;

both! {
    async fn c52_a_chain_is_known_link_by_link_and_ends_with_each_family_that_it_came_from(fixture) {
        let issued = issued(fixture).await;
        let agent = fixture.client("acme", "Agent").await;
        let user = issued.family.subject.clone();
        let link = |family: &TokenFamily, ceiling: Option<&[&str]>| Link {
            family: family.id.clone(),
            client: family.client.clone(),
            subject: user.clone(),
            ceiling: ceiling.map(scopes),
        };
        let exchanged = TokenFamily { id: TokenFamilyId::parse("exchanged").unwrap(), client: agent.id.clone(), ..issued.family.clone() };
        let system = fixture.system(SystemTask::TokenEndpoint);
        let links = [link(&issued.family, Some(&["users"]))];
        system.save_exchanged(&exchanged, &links, &access_token("exchanged", &exchanged)).await.unwrap();
        let further = TokenFamily { id: TokenFamilyId::parse("further").unwrap(), ..exchanged.clone() };
        let chain = [link(&exchanged, None), links[0].clone()];
        system.save_exchanged(&further, &chain, &access_token("further", &further)).await.unwrap();

        let acme = &issued.family.organization;
        let live = system.delegation(acme, &further.id).await.unwrap().unwrap();
        assert_eq!(live.iter().map(|live| live.link.clone()).collect::<Vec<_>>(), chain);
        assert!(live.iter().all(|live| live.client.active && live.client.home_organization == "acme"));
        assert!(matches!(live[1].link.subject, TokenSubject::User(_)));
        assert_eq!(system.delegation(acme, &issued.family.id).await.unwrap(), Some(Vec::new()), "no chain");
        let is_delegated = async |secret: &str| {
            system.bearer(&Digest::of(secret.as_bytes())).await.unwrap().unwrap().is_delegated
        };
        assert_eq!((is_delegated("further").await, is_delegated("a0").await), (true, false));
        assert_eq!(system.known_token(&Digest::of(b"further")).await.unwrap().unwrap().links, chain);

        assert!(system.revoke_token(&Digest::of(b"r0"), &issued.client.id).await.unwrap());
        for family in [&exchanged, &further] {
            assert_eq!(system.delegation(acme, &family.id).await.unwrap(), None, "its origin has ended");
        }
        assert!(system.known_token(&Digest::of(b"further")).await.unwrap().unwrap().is_revoked);
    }
}
