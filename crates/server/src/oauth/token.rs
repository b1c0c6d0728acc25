//! The token endpoint (RFC 6749 §3.2): read the form, authenticate the client, claim what it presents, ask the pure
//! `redeem` of its grant, keep digests, answer.
//!
//! A claim is one conditional write, so that of any number of requests with one code or refresh token exactly one is first
//! (C14, C36). What is usual is decided on what was read, and claimed and kept in one transaction with other requests'; it
//! happens only where nothing has changed since. Everything else (replays, retries, refusals) claims first, holds its
//! transaction until it is saved or dropped, and reads there what organization, user and authorization are
//! (`docs/decisions/0034-tokens-are-committed-in-groups.md`).

mod authorization_code;
mod device_code;
mod jwt_bearer;
mod refresh_token;

use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use countersign_decision::{Contracts, Scope};
use countersign_domain::client::{AccessTokenFormat, Client, GrantType};
use countersign_domain::entropy::Entropy;
use countersign_domain::id::TokenFamilyId;
use countersign_domain::oauth::delegation::Link;
use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::grant::client_credentials;
use countersign_domain::oauth::grant::refresh_token::REFRESH_IDLE_SECONDS;
use countersign_domain::oauth::grant::token_exchange::{self, ACCESS_TOKEN_TYPE, SubjectToken};
use countersign_domain::oauth::introspection::KnownToken;
use countersign_domain::oauth::jwt_access_token::{JWT_ACCESS_TOKEN_TYP, JwtAccessToken};
use countersign_domain::oauth::next_step::own_standing;
use countersign_domain::oauth::openid::id_token::{ID_TOKEN_TYP, IdToken, IdTokenParts, Occasion};
use countersign_domain::oauth::presented_token::PresentedToken;
use countersign_domain::oauth::resource::{audience, requested, requested_of_exchange};
use countersign_domain::oauth::scopes::Standing;
use countersign_domain::oauth::sender_constraint::bound_to;
use countersign_domain::oauth::signing_key::{self, SigningAlgorithm};
use countersign_domain::oauth::thumbprint::{Confirmation, Possession, Thumbprint};
use countersign_domain::oauth::token::{
    AccessToken, Extent, RefreshToken, TokenFamily, TokenResponse, TokenSubject, TokenTerms,
};
use countersign_domain::oauth::token_request::{ClientCredentialsRequest, ExchangeRequest, TokenRequest};
use countersign_domain::secret::{Digest, Secret};
use countersign_domain::time::Timestamp;
use countersign_store::token::ClaimStanding;
use zeroize::Zeroizing;

use crate::http::dpop::DPOP;
use crate::http::error::TokenRefusal;
use crate::oauth::back_channel::{BackChannel, ProvenClient};
use crate::oauth::standing::{read_standing, standing, standing_of};

/// `POST /oauth/token` and its alias `/token`.
pub async fn token(channel: BackChannel, request: Request) -> Response {
    let endpoint = TokenEndpoint { contracts: channel.app.contracts(), channel, grant: OnceLock::new() };
    let sends_proofs = request.headers().contains_key(DPOP);
    let answer = endpoint.answer(request).await;
    let error = answer.as_ref().err().map(TokenRefusal::code);
    endpoint.channel.app.metrics.token_answered(endpoint.grant.get().copied(), error);
    endpoint.channel.respond(StatusCode::OK, answer, sends_proofs)
}

/// `POST //oauth/token`: what the Python SDK sends when its host ends in a slash. Said, not guessed around: its API calls
/// would begin with `//` too, and a doubled slash is refused everywhere.
pub async fn doubled_slash() -> Response {
    TokenRefusal::DoubledSlash.respond_plain()
}

/// Who sent a token request.
#[derive(Clone, Copy)]
struct Sender<'a> {
    /// It has proven who it is.
    client: &'a Client,
    /// The key that it proved (RFC 9449).
    key: Option<Thumbprint>,
    /// What its access token will be bound to.
    bound_to: Option<Confirmation>,
    /// The APIs that its access token shall be for (RFC 8707).
    resources: &'a [String],
}

impl Sender<'_> {
    /// What its new access token may do and where, of what was `granted`.
    fn terms(&self, extent: Extent, granted: &[String]) -> Result<TokenTerms, TokenError> {
        let audience = audience(self.resources, granted)?;
        Ok(TokenTerms { extent, confirmation: self.bound_to, audience, ends_by: None })
    }
}

/// What is kept of a family's first tokens, and the answer that hands them out.
struct FirstTokens {
    access: AccessToken,
    refresh: Option<RefreshToken>,
    answer: TokenResponse,
}

/// One token request.
struct TokenEndpoint {
    channel: BackChannel,
    contracts: Arc<Contracts>,
    /// Of the request, once it is read.
    grant: OnceLock<GrantType>,
}

impl TokenEndpoint {
    async fn answer(&self, request: Request) -> Result<TokenResponse, TokenRefusal> {
        let (parts, body) = request.into_parts();
        let form = self.channel.form(&parts, body).await?;
        let request = TokenRequest::parse(&form)?;
        let _ = self.grant.set(request.grant_type());
        let ProvenClient { client, certificate } = self.channel.authenticate(&parts, &form).await?;
        // RFC 6749 §5.2: said before anything is looked up that such a client could not use
        if !client.has_grant(request.grant_type()) {
            return Err(TokenError::GrantTypeNotRegistered(request.grant_type()).into());
        }
        let possession = self.channel.possession(&parts, certificate.as_ref()).await?;
        let resources = match request.grant_type() {
            GrantType::TokenExchange => requested_of_exchange(&form),
            _ => requested(&form),
        };
        let resources = resources.map_err(TokenError::from)?;
        self.channel.app.check_resources(&resources).await?.map_err(TokenError::from)?;
        let bound_to = bound_to(&client, possession)?;
        let sender = Sender { client: &client, key: possession.key, bound_to, resources: &resources };
        match request {
            TokenRequest::AuthorizationCode(request) => self.redeem_code(&request, sender).await,
            TokenRequest::RefreshToken(request) => self.renew(&request, sender).await,
            TokenRequest::ClientCredentials(request) => self.for_itself(&request, sender).await,
            TokenRequest::TokenExchange(request) => self.exchange(&request, sender, possession).await,
            TokenRequest::DeviceCode(request) => self.poll(&request, sender).await,
            TokenRequest::JwtBearer(request) => self.by_assertion(&request, sender).await,
        }
    }

    /// RFC 6749 §4.4.2
    async fn for_itself(
        &self,
        request: &ClientCredentialsRequest,
        sender: Sender<'_>,
    ) -> Result<TokenResponse, TokenRefusal> {
        let client = sender.client;
        let (read, _) = read_standing(&self.channel, (&client.organization, &client.id, &TokenSubject::Client)).await?;
        let app = own_standing(&read.organization, read.grant.as_ref());
        let standing = Standing { is_organization_active: read.organization.is_active, is_subject_active: true, app };
        let (now, entropy) = (self.now(), self.entropy());
        let family = TokenFamilyId::generate(now, entropy);
        let family =
            client_credentials::redeem(family, request, client, &standing, &|scope| self.is_known(scope), now)?;
        let terms = sender.terms(family.extent(), &family.resources)?;
        let (access, record) = self.access_token((&family, &[]), terms, client, &standing)?;
        self.channel.store().save_tokens(&family, &record).await?;
        Ok(TokenResponse::new(&access, &record, None, &standing))
    }

    /// RFC 8693 §2
    async fn exchange(
        &self,
        request: &ExchangeRequest,
        sender: Sender<'_>,
        possession: Possession,
    ) -> Result<TokenResponse, TokenRefusal> {
        let (client, store) = (sender.client, self.channel.store());
        let known = match PresentedToken::read(&request.subject_token).digest() {
            Some(digest) => store.known_token(&digest).await?,
            None => None,
        };
        let standings = match &known {
            Some(token) => {
                let own = TokenFamily { client: client.id.clone(), ..token.family.clone() };
                let of_client = store.standing_of(&own.organization, &own.client, &own.subject).await?;
                let of_client = standing(&of_client, &own.subject);
                Some((standing_of(&store, token).await?, of_client))
            }
            None => None,
        };
        let subject = known.as_ref().zip(standings.as_ref());
        let subject = subject.map(|(token, (standing, of_client))| SubjectToken { token, standing, of_client });
        let (family, party) = (TokenFamilyId::generate(self.now(), self.entropy()), (client, possession));
        let exchange =
            token_exchange::redeem(family, request, subject, party, &|scope| self.is_known(scope), self.now())?;
        let ((handed, of_client), KnownToken { ceiling, .. }) =
            standings.zip(known).ok_or(TokenError::UnusableSubject)?;
        let standing = of_client.through(&handed, ceiling.as_deref());
        let terms = sender.terms(exchange.family.extent(), &exchange.family.resources)?;
        let terms = TokenTerms { ends_by: Some(exchange.expires_at), ..terms };
        let (access, record) = self.access_token((&exchange.family, &exchange.links), terms, client, &standing)?;
        store.save_exchanged(&exchange.family, &exchange.links, &record).await?;
        Ok(TokenResponse::new(&access, &record, None, &standing).of_type(ACCESS_TOKEN_TYPE))
    }

    /// The first tokens of a family that a person's yes has begun.
    fn first_tokens(
        &self,
        family: &TokenFamily,
        with_refresh_token: bool,
        sender: Sender<'_>,
        (read, standing): (&ClaimStanding, &Standing),
    ) -> Result<FirstTokens, TokenRefusal> {
        let (client, now, entropy) = (sender.client, self.now(), self.entropy());
        let terms = sender.terms(family.extent(), &family.resources)?;
        let (access, record) = self.access_token((family, &[]), terms, client, standing)?;
        let expires_at = now.plus_seconds(REFRESH_IDLE_SECONDS);
        let refresh = with_refresh_token.then(|| RefreshToken::issue(&family.id, 0, expires_at, now, entropy));
        let id_token = self.id_token((client, family, read), (&access, &record), Occasion::Redemption)?;
        let (secret, refresh) = refresh.unzip();
        let answer = TokenResponse::new(&access, &record, secret.as_ref().map(Secret::expose), standing);
        Ok(FirstTokens { access: record, refresh, answer: answer.with_id_token(id_token) })
    }

    fn now(&self) -> Timestamp {
        self.channel.context.now
    }

    fn entropy(&self) -> &dyn Entropy {
        self.channel.app.entropy.as_ref()
    }

    /// A new access token in the form that the client registered, and what is kept of it.
    fn access_token(
        &self,
        (family, links): (&TokenFamily, &[Link]),
        terms: TokenTerms,
        client: &Client,
        standing: &Standing,
    ) -> Result<(Zeroizing<String>, AccessToken), TokenRefusal> {
        let (secret, record) = AccessToken::issue(&family.id, terms, client, self.now(), self.entropy());
        if client.metadata.access_token_format == AccessTokenFormat::Opaque {
            return Ok((Zeroizing::new(secret.expose().to_owned()), record));
        }
        let claims = JwtAccessToken::new(&record, (family, links), client, standing, self.channel.app.origin.as_str());
        let keys = &self.channel.app.signing_keys;
        let jwt = keys.sign(SigningAlgorithm::default(), JWT_ACCESS_TOKEN_TYP, &claims, self.now())?;
        let digest = Digest::of(jwt.as_bytes());
        Ok((Zeroizing::new(jwt), AccessToken { digest, ..record }))
    }

    /// OpenID Connect Core §3.1.3.3, §12.2: an ID token with every access token that holds `openid`.
    fn id_token(
        &self,
        (client, family, read): (&Client, &TokenFamily, &ClaimStanding),
        (access_token, record): (&str, &AccessToken),
        occasion: Occasion,
    ) -> Result<Option<String>, TokenRefusal> {
        let Some(user) = &read.user else { return Ok(None) };
        let issuer = self.channel.app.origin.as_str();
        let parts = IdTokenParts { issuer, client, family, user, access_token };
        let (algorithm, now) = (signing_key::of_id_tokens(client), self.now());
        let token = IdToken::new(parts, &record.protocol_scopes, occasion, algorithm, now);
        let signed = token.map(|token| self.channel.app.signing_keys.sign(algorithm, ID_TOKEN_TYP, &token, now));
        Ok(signed.transpose()?)
    }

    fn is_known(&self, scope: &Scope) -> bool {
        self.contracts.catalogue().scope_index(scope.as_str()).is_some()
    }
}
