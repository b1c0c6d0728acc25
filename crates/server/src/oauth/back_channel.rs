//! What every endpoint that clients call themselves begins with: one form, and a client that has proven who it is.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::{HeaderValue, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use countersign_domain::client::Client;
use countersign_domain::id::ClientId;
use countersign_domain::oauth::client_authentication::{Disbelief, PresentedClient, Surroundings};
use countersign_domain::oauth::client_certificate::ClientCertificate;
use countersign_domain::oauth::dpop::DpopError;
use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::parameters::Parameters;
use countersign_domain::oauth::thumbprint::{Possession, Thumbprint};
use countersign_domain::secret::SecretHash;
use countersign_store::{StoreError, SystemStore, SystemTask};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;

use crate::app::App;
use crate::enforce::remembered::Registered;
use crate::hashing;
use crate::http::client_certificate::Asked;
use crate::http::dpop::{Called, give_nonce};
use crate::http::error::{TokenRefusal, no_store};
use crate::http::form::{Form, FormError, MAX_FORM_BYTES};
use crate::http::now::RequestContext;

/// One request of a client.
pub struct BackChannel {
    /// The server.
    pub app: App,
    /// The request's instant and name.
    pub context: RequestContext,
    /// Who is at the other end of the connection: the client, or a proxy.
    pub peer: SocketAddr,
}

/// A client that has proven who it is.
pub struct ProvenClient {
    /// As it is registered.
    pub client: Client,
    /// The certificate of its connection, whether or not it was the proof: tokens can be bound to it.
    pub certificate: Option<ClientCertificate>,
}

/// A request of a client that has proven who it is.
pub struct ProvenRequest {
    /// What it sent.
    pub form: Parameters,
    /// The client.
    pub client: Client,
    /// The key that it proved (RFC 9449).
    pub key: Option<Thumbprint>,
}

impl FromRequestParts<App> for BackChannel {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, app: &App) -> Result<Self, Infallible> {
        let context = parts.extensions.get::<RequestContext>().cloned();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
        Ok(Self {
            app: app.clone(),
            context: context.expect("INVARIANT: the router's outermost layer gives every request its context"),
            peer: peer.expect("INVARIANT: the server is made with the addresses of its connections"),
        })
    }
}

impl BackChannel {
    /// RFC 6749 §3.2, §2.3.1: parameters stand in the body; in a query they would be logged on their way.
    pub async fn form(&self, parts: &request::Parts, body: Body) -> Result<Parameters, TokenRefusal> {
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(TokenRefusal::Query);
        }
        let body = Limited::new(body, MAX_FORM_BYTES).collect().await.map_err(|_| FormError::TooLong)?;
        Ok(Parameters::new(Form::from_body(&parts.headers, &body.to_bytes())?.pairs().to_vec()))
    }

    /// What the endpoints before any token begin with: the form, the client, and what else it proves.
    pub async fn proven(&self, request: Request) -> Result<ProvenRequest, TokenRefusal> {
        let (parts, body) = request.into_parts();
        let form = self.form(&parts, body).await?;
        let ProvenClient { client, certificate } = self.authenticate(&parts, &form).await?;
        let key = self.possession(&parts, certificate.as_ref()).await?.key;
        Ok(ProvenRequest { form, client, key })
    }

    /// RFC 6749 §2.3, with a bound on guesses (C27) and on slow computations.
    pub async fn authenticate(&self, parts: &request::Parts, form: &Parameters) -> Result<ProvenClient, TokenRefusal> {
        let headers = &parts.headers;
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let (authorization, second) = (authorizations.next(), authorizations.next());
        if second.is_some() {
            return Err(TokenError::TwoCredentials.into());
        }
        let presented = PresentedClient::read(authorization.map(HeaderValue::as_bytes), form)
            .map_err(|error| TokenRefusal::Client { error, used_header: authorization.is_some() })?;
        let used_header = presented.used_header();
        let named = ClientId::parse(&presented.id).ok();
        let refused = |reason: &dyn std::fmt::Display| {
            // F10: what is not an id may be a secret in the wrong place
            let id = named.as_ref().map_or("malformed", ClientId::as_str);
            tracing::info!(client.id = id, reason = %reason, "a client could not prove who it is");
            TokenRefusal::Client { error: TokenError::ClientAuthenticationFailed, used_header }
        };
        let asked = Asked { shown: parts.extensions.get(), headers, peer: self.peer.ip() };
        let certificate = self.app.certificate_sources.certificate(asked, self.context.now);
        let certificate = certificate.map_err(|error| refused(&error))?;
        // A generated secret is beyond guessing, and a service may well send dozens of requests at a time.
        let attempt = match presented.has_chosen_secret() {
            true => Some(self.app.client_attempts.begin(&presented.id, self.peer.ip(), self.context.now)?),
            false => None,
        };
        let (client, kept) = match &named {
            Some(id) => self.client(id, form).await?,
            None => (None, Vec::new()),
        };
        let (believing, shown) = (presented.clone(), certificate.clone());
        let (issuer, now) = (self.app.origin.as_str().to_owned(), self.context.now);
        let believe = move || {
            let surroundings = Surroundings { issuer: &issuer, certificate: shown.as_ref(), now };
            let used = believing.authenticate(client.as_ref(), &kept, surroundings)?;
            client.map(|client| (client, used)).ok_or(Disbelief::Unknown)
        };
        let believed = if presented.has_chosen_secret() { hashing::run(believe).await? } else { believe() };
        let (client, used) = believed.map_err(|error| refused(&error))?;
        // RFC 7523 §3 rule 7: the use of an assertion is claimed last, when everything else about it is right
        if let Some(used) = used
            && !self.store().claim_proof(&used).await?
        {
            return Err(refused(&"the assertion was used before"));
        }
        if let Some(attempt) = attempt {
            self.app.client_attempts.forgive(&attempt);
        }
        Ok(ProvenClient { client, certificate })
    }

    /// The client as it is now and its live secrets, with its keys where something that it signed is to be verified.
    async fn client(&self, id: &ClientId, form: &Parameters) -> Result<(Option<Client>, Vec<SecretHash>), StoreError> {
        let (client, secrets) = self.registered(id).await?;
        let is_signed = ["client_assertion", "request"].into_iter().any(|name| form.value(name).is_some());
        Ok(match client {
            Some(client) if is_signed => {
                (Some(Box::pin(self.app.client_sources.with_keys(client, self.context.now)).await), secrets)
            }
            client => (client, secrets),
        })
    }

    /// What this node remembers of a client, or what the database or its document says now.
    async fn registered(&self, id: &ClientId) -> Result<(Option<Client>, Vec<SecretHash>), StoreError> {
        match self.app.remembered.client(id, &self.app.store, self.context.now) {
            Some(known) => Ok((Some(known.client.clone()), known.secrets.clone())),
            // boxed: large, and seldom needed, while every request carries its future about
            None => Box::pin(self.read(id)).await,
        }
    }

    /// Reads a client, and remembers it.
    async fn read(&self, id: &ClientId) -> Result<(Option<Client>, Vec<SecretHash>), StoreError> {
        let (app, now, store) = (&self.app, self.context.now, self.store());
        // known before anything is read: what changes meanwhile makes this too old to be used again
        let number = app.store.authority_number();
        let client = app.client_sources.client(&store, id, now).await?;
        let secrets = store.client_secrets(id).await?;
        // what a document says counts for as long as the document does
        if let (Some(client), None) = (&client, id.document_address()) {
            let until = store.next_end_of_a_secret(id).await?;
            app.remembered.keep_client(number, Registered { client: client.clone(), secrets: secrets.clone(), until });
        }
        Ok((client, secrets))
    }

    /// The same for what only clients with credentials may do. A request without any is asked for them (RFC 7662 §2.3).
    pub async fn authenticate_with_credentials(
        &self,
        parts: &request::Parts,
        form: &Parameters,
    ) -> Result<Client, TokenRefusal> {
        let refused = |used_header| TokenRefusal::Client { error: TokenError::ClientAuthenticationFailed, used_header };
        let names_a_client = ["client_id", "client_assertion"].into_iter().any(|name| form.value(name).is_some());
        if !parts.headers.contains_key(header::AUTHORIZATION) && !names_a_client {
            return Err(refused(true));
        }
        let client = self.authenticate(parts, form).await?.client;
        if client.is_confidential { Ok(client) } else { Err(refused(false)) }
    }

    /// What a proven client's request proves beside who it is: a key (RFC 9449 §5), whose proof counts once (C61), and a
    /// certificate.
    pub async fn possession(
        &self,
        parts: &request::Parts,
        certificate: Option<&ClientCertificate>,
    ) -> Result<Possession, TokenRefusal> {
        let called = Called::here(&self.app, parts, self.context.now);
        let proof = called.proof(&self.app).map_err(TokenError::from)?;
        if let Some(proof) = &proof
            && !self.store().claim_proof(&proof.used).await?
        {
            return Err(TokenError::from(DpopError::Replayed).into());
        }
        let certificate = certificate.map(ClientCertificate::thumbprint);
        Ok(Possession { key: proof.map(|proof| proof.key), certificate })
    }

    /// The response, which nobody keeps, with a nonce for a client that sends proofs.
    pub fn respond<T: Serialize>(
        &self,
        status: StatusCode,
        answer: Result<T, TokenRefusal>,
        sends_proofs: bool,
    ) -> Response {
        let mut response = match answer {
            Ok(answer) => {
                let mut response = (status, Json(answer)).into_response();
                no_store(&mut response);
                response
            }
            Err(refusal) => refusal.respond(&self.app.origin),
        };
        if sends_proofs {
            give_nonce(&mut response, &self.app, self.context.now);
        }
        response
    }

    /// What these endpoints read and write before any token.
    pub fn store(&self) -> SystemStore<'_> {
        self.app.store.system(SystemTask::TokenEndpoint, self.context.now, self.app.entropy.as_ref())
    }
}
