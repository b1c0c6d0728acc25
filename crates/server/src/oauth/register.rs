//! Apps that register themselves with an initial access token (RFC 7591), and manage what they registered with a token of
//! their own (RFC 7592). What may be registered is decided by the policy of the first token, at every update too (E11).
//!
//! Registering gives an app nothing: its organization still decides what it may do.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign_decision::Scope;
use countersign_domain::audit::Actor;
use countersign_domain::client::{Client, ClientMetadata, ClientState, DEFAULT_TOKEN_TTL_SECONDS};
use countersign_domain::client_registration::{InitialToken, RegistrationPolicy};
use countersign_domain::id::ClientId;
use countersign_domain::oauth::dynamic_registration::{
    MAX_BODY_BYTES, Registration, RegistrationError, RegistrationResponse, UpdateIdentity,
};
use countersign_domain::oauth::error::ErrorCode;
use countersign_domain::secret::{Secret, SecretHash, SecretKind};
use countersign_store::OrgStore;
use countersign_store::client::{ClientChange, NewClient};
use countersign_store::client_registration::{SecretEdit, SelfRegistered};
use http_body_util::{BodyExt, Limited};

use crate::hashing;
use crate::http::error::{RegistrationRefusal, no_store};
use crate::oauth::back_channel::BackChannel;

/// How long an app's old secret works beside its new one, in seconds (C26: two live at rotation).
const ROTATION_OVERLAP_SECONDS: i64 = 24 * 60 * 60;

/// The app that an address names; what cannot be read names none.
type Named = Result<Path<String>, PathRejection>;

/// `POST /oauth/register` (RFC 7591 §3)
pub async fn register(channel: BackChannel, request: Request) -> Response {
    let endpoint = RegistrationEndpoint { channel };
    let outcome = endpoint.create(request).await;
    endpoint.respond(outcome)
}

/// `GET /oauth/register/{client_id}` (RFC 7592 §2.1)
pub async fn read(channel: BackChannel, id: Named, headers: HeaderMap) -> Response {
    let endpoint = RegistrationEndpoint { channel };
    let outcome = endpoint.show(named(&id), &headers).await;
    endpoint.respond(outcome)
}

/// `PUT /oauth/register/{client_id}` (RFC 7592 §2.2)
pub async fn replace(channel: BackChannel, id: Named, request: Request) -> Response {
    let endpoint = RegistrationEndpoint { channel };
    let outcome = endpoint.update(named(&id), request).await;
    endpoint.respond(outcome)
}

/// `DELETE /oauth/register/{client_id}` (RFC 7592 §2.3)
pub async fn delete(channel: BackChannel, id: Named, headers: HeaderMap) -> Response {
    let endpoint = RegistrationEndpoint { channel };
    let outcome = endpoint.remove(named(&id), &headers).await;
    endpoint.respond(outcome)
}

struct RegistrationEndpoint {
    channel: BackChannel,
}

/// An app that has proven that it is the one it manages.
struct Manager {
    client: Client,
    policy: RegistrationPolicy,
    token: Secret,
}

impl RegistrationEndpoint {
    async fn create(&self, request: Request) -> Result<Response, RegistrationRefusal> {
        self.must_be_on()?;
        let token = self.initial_token(request.headers()).await?;
        let registration = self.registration(&body(request).await?, &token.policy, None)?;
        let (secret, manages) = (self.new_secret(&registration), self.new_token());
        let new = NewClient {
            id: None,
            name: registration.name,
            description: String::new(),
            grant_types: registration.grant_types,
            redirect_uris: registration.redirect_uris,
            scopes: registration.scopes,
            pkce_required: true,
            token_ttl_seconds: DEFAULT_TOKEN_TTL_SECONDS,
            metadata: registration.metadata,
        };
        let hash = secret.as_ref().map(|secret| SecretHash::Sha256(secret.digest()));
        let org = self.org(&token);
        let registered = org.register_client(&token.id, &new, hash.as_ref(), &manages.digest()).await?;
        let client = registered.ok_or(RegistrationRefusal::Token { was_sent: true })?;
        tracing::info!(organization.id = %client.organization, client.id = %client.id, "an app registered itself");
        Ok(self.answer(StatusCode::CREATED, &client, secret.as_ref(), &manages))
    }

    async fn show(&self, id: &str, headers: &HeaderMap) -> Result<Response, RegistrationRefusal> {
        self.must_be_on()?;
        let Manager { client, token, .. } = self.manager(id, headers).await?.1;
        Ok(self.answer(StatusCode::OK, &client, None, &token))
    }

    async fn update(&self, id: &str, request: Request) -> Result<Response, RegistrationRefusal> {
        self.must_be_on()?;
        let (initial, Manager { client, policy, token }) = self.manager(id, request.headers()).await?;
        let body = body(request).await?;
        self.check_identity(&UpdateIdentity::read(&body)?, &client).await?;
        // E11: as strictly as the first time
        let registration = self.registration(&body, &policy, Some(&client.metadata))?;
        let (secret, manages) = (self.new_secret(&registration), self.new_token());
        let edit = self.secret_edit(&client, secret.as_ref());
        let change = ClientChange {
            name: Some(registration.name),
            grant_types: Some(registration.grant_types),
            redirect_uris: Some(registration.redirect_uris),
            scopes: Some(registration.scopes),
            metadata: Some(registration.metadata),
            ..ClientChange::default()
        };
        let (org, tokens) = (self.org(&initial), (&token.digest(), &manages.digest()));
        let updated = org.update_self_registered(&client.id, tokens, &change, edit.as_ref()).await?;
        let client = updated.ok_or(RegistrationRefusal::Token { was_sent: true })?;
        Ok(self.answer(StatusCode::OK, &client, secret.as_ref(), &manages))
    }

    async fn remove(&self, id: &str, headers: &HeaderMap) -> Result<Response, RegistrationRefusal> {
        self.must_be_on()?;
        let (initial, Manager { client, token, .. }) = self.manager(id, headers).await?;
        if !self.org(&initial).delete_self_registered(&client.id, &token.digest()).await? {
            return Err(RegistrationRefusal::Token { was_sent: true });
        }
        tracing::info!(organization.id = %client.organization, client.id = %client.id, "an app deleted itself");
        let mut response = StatusCode::NO_CONTENT.into_response();
        no_store(&mut response);
        Ok(response)
    }

    fn must_be_on(&self) -> Result<(), RegistrationRefusal> {
        if self.channel.app.registers_clients { Ok(()) } else { Err(RegistrationRefusal::Off) }
    }

    /// RFC 7591 §3: the token that lets an app in.
    async fn initial_token(&self, headers: &HeaderMap) -> Result<InitialToken, RegistrationRefusal> {
        let token = bearer(headers, SecretKind::InitialAccessToken)?;
        let token = self.channel.store().initial_token(&token.digest()).await?;
        token.ok_or(RegistrationRefusal::Token { was_sent: true })
    }

    /// RFC 7592 §2: the token of this app and no other (E12). An app that was switched off manages nothing.
    async fn manager(&self, id: &str, headers: &HeaderMap) -> Result<(InitialToken, Manager), RegistrationRefusal> {
        let refused = RegistrationRefusal::Token { was_sent: true };
        let token = bearer(headers, SecretKind::RegistrationAccessToken)?;
        let Ok(id) = ClientId::parse(id) else { return Err(refused) };
        let found = self.channel.store().self_registered(&token.digest(), &id).await?;
        let found = found.filter(|found| found.client.state == ClientState::Active);
        let SelfRegistered { client, token: initial } = found.ok_or(refused)?;
        let policy = initial.policy.clone();
        Ok((initial, Manager { client, policy, token }))
    }

    fn registration(
        &self,
        body: &[u8],
        policy: &RegistrationPolicy,
        kept: Option<&ClientMetadata>,
    ) -> Result<Registration, RegistrationRefusal> {
        let contracts = self.channel.app.contracts();
        let is_known = |scope: &Scope| contracts.catalogue().scope_index(scope.as_str()).is_some();
        Ok(Registration::read(body, policy, kept, &is_known)?)
    }

    /// RFC 7592 §2.2: the update names the app that it is about, and no secret but a live one of its own.
    async fn check_identity(&self, identity: &UpdateIdentity, client: &Client) -> Result<(), RegistrationRefusal> {
        let wrong = |member: &str| {
            let description = format!("`{member}` is not the one of the app that this update is about");
            RegistrationError { code: ErrorCode::InvalidClientMetadata, description }
        };
        if identity.client_id != client.id.as_str() {
            return Err(wrong("client_id").into());
        }
        let Some(secret) = identity.client_secret.clone() else { return Ok(()) };
        let kept = self.channel.store().client_secrets(&client.id).await?;
        let is_live = hashing::run(move || kept.iter().any(|kept| kept.verify(&secret))).await?;
        if is_live { Ok(()) } else { Err(wrong("client_secret").into()) }
    }

    fn new_secret(&self, registration: &Registration) -> Option<Secret> {
        let entropy = self.channel.app.entropy.as_ref();
        registration.has_secret.then(|| Secret::generate(SecretKind::ClientSecret, entropy))
    }

    fn new_token(&self) -> Secret {
        Secret::generate(SecretKind::RegistrationAccessToken, self.channel.app.entropy.as_ref())
    }

    /// RFC 7592 §2.2: a secret is rotated with each update. An answer that gets lost must not lock the app out.
    fn secret_edit(&self, client: &Client, new: Option<&Secret>) -> Option<SecretEdit> {
        let hash = |secret: &Secret| SecretHash::Sha256(secret.digest());
        match (client.authenticates_by_secret(), new) {
            (true, Some(secret)) => Some(SecretEdit::Rotate {
                secret: hash(secret),
                retire_others_at: self.channel.context.now.plus_seconds(ROTATION_OVERLAP_SECONDS),
            }),
            (false, Some(secret)) => Some(SecretEdit::Give(hash(secret))),
            (true, None) => Some(SecretEdit::Take),
            (false, None) => None,
        }
    }

    /// The data of the organization that made the token.
    fn org(&self, token: &InitialToken) -> OrgStore<'_> {
        self.channel.store().org_as(&token.organization, Actor::System("registration"))
    }

    fn answer(&self, status: StatusCode, client: &Client, secret: Option<&Secret>, token: &Secret) -> Response {
        let uri = format!("{}/oauth/register/{}", self.channel.app.origin, client.id);
        let body = RegistrationResponse::new(client, secret.map(Secret::expose), token.expose(), uri);
        let mut response = (status, Json(body)).into_response();
        no_store(&mut response);
        response
    }

    fn respond(&self, outcome: Result<Response, RegistrationRefusal>) -> Response {
        outcome.unwrap_or_else(|refusal| refusal.respond(&self.channel.app.origin))
    }
}

fn named(id: &Named) -> &str {
    id.as_ref().map(|Path(id)| id.as_str()).unwrap_or_default()
}

/// RFC 6750 §2.1: one token, in the header. The scheme alone is no token (§3.1).
fn bearer(headers: &HeaderMap, kind: SecretKind) -> Result<Secret, RegistrationRefusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (values.next(), values.next());
    let text = first.filter(|_| second.is_none()).and_then(|value| value.to_str().ok());
    if text.is_some_and(|text| text.trim_end().eq_ignore_ascii_case("bearer")) {
        return Err(RegistrationRefusal::Token { was_sent: false });
    }
    let token = text.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.and_then(|(_, token)| Secret::parse(kind, token));
    token.ok_or(RegistrationRefusal::Token { was_sent: first.is_some() })
}

/// RFC 7591 §3.1: one JSON object.
async fn body(request: Request) -> Result<Vec<u8>, RegistrationRefusal> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|media_type| media_type.split(';').next()).unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("application/json") {
        return Err(RegistrationRefusal::MediaType);
    }
    let body = Limited::new(request.into_body(), MAX_BODY_BYTES).collect().await;
    Ok(body.map_err(|_| RegistrationRefusal::TooLong)?.to_bytes().to_vec())
}
