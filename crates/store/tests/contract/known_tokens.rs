//! Tokens that somebody asks about or gives back.

use countersign_domain::client::ClientState;
use countersign_domain::id::SessionId;
use countersign_domain::oauth::authentication::PASSWORD_ACR;
use countersign_domain::oauth::introspection::{KnownToken, TokenKind};
use countersign_domain::oauth::openid::claims::ClaimName;
use countersign_domain::oauth::openid::identity::Identity;
use countersign_domain::oauth::openid::protocol_scope::ProtocolScope;
use countersign_domain::oauth::thumbprint::{Confirmation, Thumbprint};
use countersign_domain::oauth::token::{AccessToken, RefreshToken, TokenFamily};
use countersign_domain::secret::Digest;
use countersign_store::SystemTask;

use crate::fixture::{NOW, access_token, client_id, scopes};
use crate::refreshes::issued;

both! {
    async fn d24_an_access_token_is_known_with_its_family_and_its_own_ceiling(fixture) {
        fixture.organization("acme").await;
        let ada = fixture.user("acme", "ada").await;
        let client = fixture.client("acme", "App").await;
        let identity = Identity {
            scopes: vec![ProtocolScope::OpenId, ProtocolScope::Email],
            nonce: Some("n".to_owned()),
            auth_time: NOW.as_seconds(),
            acr: PASSWORD_ACR.to_owned(),
            id_token_claims: Vec::new(),
            userinfo_claims: vec![ClaimName::Name],
        };
        let family = TokenFamily {
            ceiling: Some(scopes(&["users", "oauth"])),
            session: Some(SessionId::parse("sid").unwrap()),
            identity: Some(identity),
            ..fixture.family("acme", &client, &ada)
        };
        let key = Thumbprint::parse(&"A".repeat(43)).unwrap();
        let access = access_token("access", &family);
        let narrowed = AccessToken {
            ceiling: Some(scopes(&["users"])),
            confirmation: Some(Confirmation::Key(key)),
            audience: vec!["https://api.example".to_owned()],
            protocol_scopes: vec![ProtocolScope::OpenId],
            ..access
        };
        let system = fixture.system(SystemTask::TokenEndpoint);
        system.save_tokens(&family, &narrowed).await.unwrap();
        let expected = KnownToken {
            kind: TokenKind::Access,
            family: family.clone(),
            is_revoked: false,
            ceiling: Some(scopes(&["users"])),
            confirmation: Some(Confirmation::Key(key)),
            audience: vec!["https://api.example".to_owned()],
            protocol_scopes: vec![ProtocolScope::OpenId],
            links: Vec::new(),
            issued_at: NOW,
            expires_at: NOW.plus_seconds(3_600),
            client_state: ClientState::Active,
            is_client_home_active: true,
        };
        assert_eq!(system.known_token(&Digest::of(b"access")).await.unwrap(), Some(expected));
        assert_eq!(system.known_token(&Digest::of(b"unknown")).await.unwrap(), None);
        let standing = system.standing_of(&family.organization, &family.client, &family.subject).await.unwrap();
        assert_eq!((standing.organization.id, standing.grant), (family.organization, None));
    }

    async fn a_refresh_token_is_known_with_whether_it_was_replaced(fixture) {
        let issued = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        let kind = async || system.known_token(&Digest::of(b"r0")).await.unwrap().unwrap().kind;
        assert_eq!(kind().await, TokenKind::Refresh { is_replaced: false });
        let claim = system.claim_refresh(&Digest::of(b"r0"), &issued.client.id).await.unwrap().unwrap();
        let next = RefreshToken { digest: Digest::of(b"r1"), generation: 1, ..claim.record().clone() };
        claim.rotate(&access_token("a1", &issued.family), &next).await.unwrap();
        assert_eq!(kind().await, TokenKind::Refresh { is_replaced: true });
    }

    async fn d31_revoking_a_refresh_token_ends_its_access_tokens(fixture) {
        let issued = issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert!(system.revoke_token(&Digest::of(b"r0"), &issued.client.id).await.unwrap());
        assert!(system.bearer(&Digest::of(b"a0")).await.unwrap().unwrap().is_revoked);
        assert!(system.known_token(&Digest::of(b"a0")).await.unwrap().unwrap().is_revoked);
        assert!(system.revoke_token(&Digest::of(b"r0"), &issued.client.id).await.unwrap(), "twice is the same as once");
        assert!(!system.revoke_token(&Digest::of(b"unknown"), &issued.client.id).await.unwrap());
    }

    async fn d28_a_token_of_another_client_stays(fixture) {
        issued(fixture).await;
        let system = fixture.system(SystemTask::TokenEndpoint);
        assert!(!system.revoke_token(&Digest::of(b"r0"), &client_id("other")).await.unwrap());
        assert!(!system.bearer(&Digest::of(b"a0")).await.unwrap().unwrap().is_revoked);
    }
}
