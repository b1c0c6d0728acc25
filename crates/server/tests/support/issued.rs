//! Tokens that nobody asked for: put into the database as the token endpoint would have.

use countersign_decision::Scope;
use countersign_domain::client::DEFAULT_TOKEN_TTL_SECONDS;
use countersign_domain::id::{ClientId, OrganizationId, TokenFamilyId};
use countersign_domain::oauth::thumbprint::Confirmation;
use countersign_domain::oauth::token::{AccessToken, TokenFamily, TokenSubject};
use countersign_domain::secret::{Secret, SecretKind};
use countersign_server::app::App;
use countersign_store::SystemTask;

/// An access token of a client in an organization, for somebody or for itself, with all that is authorized or with less.
pub(crate) async fn token(app: &App, parties: (&str, &str), subject: TokenSubject, ceiling: Option<&[&str]>) -> String {
    bound(app, parties, subject, ceiling, None).await
}

/// The same, for whoever holds what it is bound to.
pub(crate) async fn bound(
    app: &App,
    (organization, client): (&str, &str),
    subject: TokenSubject,
    ceiling: Option<&[&str]>,
    confirmation: Option<Confirmation>,
) -> String {
    let (now, entropy) = (app.clock.now(), app.entropy.as_ref());
    let secret = Secret::generate(SecretKind::AccessToken, entropy);
    let family = TokenFamily {
        id: TokenFamilyId::generate(now, entropy),
        organization: OrganizationId::parse(organization).unwrap(),
        client: ClientId::parse(client).unwrap(),
        subject,
        ceiling: ceiling.map(|scopes| scopes.iter().map(|scope| scope.parse::<Scope>().unwrap()).collect()),
        resources: Vec::new(),
        dpop_key: None,
        session: None,
        identity: None,
        authentication: None,
        created_at: now,
    };
    let access = AccessToken {
        digest: secret.digest(),
        family: family.id.clone(),
        ceiling: family.ceiling.clone(),
        confirmation,
        audience: Vec::new(),
        protocol_scopes: Vec::new(),
        issued_at: now,
        expires_at: now.plus_seconds(DEFAULT_TOKEN_TTL_SECONDS),
    };
    let store = app.store.system(SystemTask::TokenEndpoint, now, entropy);
    store.save_tokens(&family, &access).await.unwrap();
    secret.expose().to_owned()
}
