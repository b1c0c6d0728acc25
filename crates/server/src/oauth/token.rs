//! The token endpoint (RFC 6749 §3.2): read the form, authenticate the client, claim what it presents, ask the pure
//! `redeem` of its grant, keep digests, answer.
//!
//! A claim is one conditional write and holds its transaction until it is saved or dropped, so that of any number of
//! requests with one code or refresh token exactly one is first (C14, C36). What the organization, its user and its
//! authorization are at that moment is read in the same transaction.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use countersign_decision::{Contracts, Scope};
use countersign_domain::client::Client;
use countersign_domain::id::{ClientId, TokenFamilyId};
use countersign_domain::oauth::client_authentication::PresentedClient;
use countersign_domain::oauth::error::TokenError;
use countersign_domain::oauth::grant::authorization_code::{self, ClaimedCode, Redemption};
use countersign_domain::oauth::grant::client_credentials;
use countersign_domain::oauth::grant::refresh_token::{self, ClaimedRefreshToken, REFRESH_IDLE_SECONDS, Renewal};
use countersign_domain::oauth::next_step::app_standing;
use countersign_domain::oauth::parameters::Parameters;
use countersign_domain::oauth::scopes::{AppStanding, Standing};
use countersign_domain::oauth::token::{AccessToken, RefreshToken, TokenResponse};
use countersign_domain::oauth::token_request::{ClientCredentialsRequest, CodeRequest, RefreshRequest, TokenRequest};
use countersign_domain::secret::{Secret, SecretKind};
use countersign_domain::user::UserState;
use countersign_store::token::ClaimStanding;
use countersign_store::{SystemStore, SystemTask};
use http_body_util::{BodyExt, Limited};

use crate::app::App;
use crate::hashing;
use crate::http::error::{TokenRefusal, no_store};
use crate::http::form::{Form, FormError, MAX_FORM_BYTES};
use crate::http::now::RequestContext;

/// `POST /oauth/token` and its alias `/token`.
pub async fn token(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let exchange = Exchange { contracts: app.contracts(), app, context, peer };
    match exchange.answer(request).await {
        Ok(answer) => {
            let mut response = Json(answer).into_response();
            no_store(&mut response);
            response
        }
        Err(refusal) => refusal.respond(&exchange.app.origin),
    }
}

/// `POST //oauth/token`: what the Python SDK sends when its host ends in a slash. Said, not guessed around: its API calls
/// would begin with `//` too, and a doubled slash is refused everywhere.
pub async fn doubled_slash() -> Response {
    TokenRefusal::DoubledSlash.respond_plain()
}

/// One token request.
struct Exchange {
    app: App,
    contracts: Arc<Contracts>,
    context: RequestContext,
    peer: SocketAddr,
}

impl Exchange {
    async fn answer(&self, request: Request) -> Result<TokenResponse, TokenRefusal> {
        let (parts, body) = request.into_parts();
        // RFC 6749 §3.2, §2.3.1: parameters stand in the body; in a query they would be logged on their way.
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(TokenRefusal::Query);
        }
        let form = read_form(&parts.headers, body).await?;
        let request = TokenRequest::parse(&form)?;
        let client = self.authenticate(&parts.headers, &form).await?;
        match request {
            TokenRequest::AuthorizationCode(request) => self.redeem_code(&request, &client).await,
            TokenRequest::RefreshToken(request) => self.renew(&request, &client).await,
            TokenRequest::ClientCredentials(request) => self.for_itself(&request, &client).await,
        }
    }

    /// RFC 6749 §2.3, with a bound on guesses (C27) and on slow computations.
    async fn authenticate(&self, headers: &HeaderMap, form: &Parameters) -> Result<Client, TokenRefusal> {
        let mut headers = headers.get_all(header::AUTHORIZATION).iter();
        let (authorization, second) = (headers.next(), headers.next());
        if second.is_some() {
            return Err(TokenError::TwoCredentials.into());
        }
        let presented = PresentedClient::read(authorization.map(HeaderValue::as_bytes), form)
            .map_err(|error| TokenRefusal::Client { error, used_header: authorization.is_some() })?;
        let attempt = match presented.has_secret() {
            true => Some(self.app.client_attempts.begin(&presented.id, self.peer.ip(), self.context.now)?),
            false => None,
        };
        let (client, kept) = match ClientId::parse(&presented.id) {
            Ok(id) => (self.store().client(&id).await?, self.store().client_secrets(&id).await?),
            Err(_) => (None, Vec::new()),
        };
        let (used_header, is_slow) = (presented.used_header, presented.is_slow_to_verify());
        let verify = move || presented.authenticate(client.as_ref(), &kept).map(|()| client);
        let verified = if is_slow { hashing::run(verify).await? } else { verify() };
        let refused = |error| TokenRefusal::Client { error, used_header };
        let client = verified.map_err(refused)?.ok_or_else(|| refused(TokenError::ClientAuthenticationFailed))?;
        if let Some(attempt) = attempt {
            self.app.client_attempts.forgive(&attempt);
        }
        Ok(client)
    }

    /// RFC 6749 §4.1.3
    async fn redeem_code(&self, request: &CodeRequest, client: &Client) -> Result<TokenResponse, TokenRefusal> {
        let code = Secret::parse(SecretKind::AuthorizationCode, &request.code).ok_or(TokenError::UnusableGrant)?;
        let store = self.store();
        let claim = store.claim_code(&code.digest(), &client.id).await?;
        let mut claim = claim.ok_or(TokenError::UnusableGrant)?;
        let standing = standing(&claim.standing().await?);
        let claimed = ClaimedCode { record: claim.record(), is_replay: claim.is_replay() };
        match authorization_code::redeem(claimed, request, client, &standing, self.context.now)? {
            Redemption::Issue { family, with_refresh_token } => {
                let (now, entropy) = (self.context.now, self.app.entropy.as_ref());
                let (access, record) = AccessToken::issue(&family.id, family.ceiling.clone(), client, now, entropy);
                let expires_at = now.plus_seconds(REFRESH_IDLE_SECONDS);
                let refresh = with_refresh_token.then(|| RefreshToken::issue(&family.id, 0, expires_at, now, entropy));
                claim.save(&family, &record, refresh.as_ref().map(|(_, record)| record)).await?;
                let refresh = refresh.as_ref().map(|(secret, _)| secret.expose());
                Ok(TokenResponse::new(&access, &record, refresh, &standing))
            }
            Redemption::Replay => {
                claim.revoke_family("an authorization code was used twice").await?;
                tracing::warn!(client.id = %client.id, "a code was used twice: every token of its family has ended");
                Err(TokenError::UnusableGrant.into())
            }
        }
    }

    /// RFC 6749 §6
    async fn renew(&self, request: &RefreshRequest, client: &Client) -> Result<TokenResponse, TokenRefusal> {
        let presented = &request.refresh_token;
        let token = Secret::parse(SecretKind::RefreshToken, presented).ok_or(TokenError::UnusableGrant)?;
        let store = self.store();
        let claim = store.claim_refresh(&token.digest(), &client.id).await?;
        let mut claim = claim.ok_or(TokenError::UnusableGrant)?;
        let standing = standing(&claim.standing().await?);
        let claimed = ClaimedRefreshToken {
            record: claim.record(),
            family: claim.family(),
            is_family_live: claim.is_family_live(),
            newest_generation: claim.newest_generation(),
        };
        let renewal = refresh_token::redeem(
            claimed,
            request,
            client,
            &standing,
            &|scope| self.is_known(scope),
            self.context.now,
        )?;
        let (family, now, entropy) = (claim.family().id.clone(), self.context.now, self.app.entropy.as_ref());
        match renewal {
            Renewal::Keep { ceiling, refresh_expires_at } => {
                let (access, record) = AccessToken::issue(&family, ceiling, client, now, entropy);
                claim.keep(&record, refresh_expires_at).await?;
                Ok(TokenResponse::new(&access, &record, Some(presented), &standing))
            }
            Renewal::Rotate { ceiling, generation, refresh_expires_at } => {
                let (access, record) = AccessToken::issue(&family, ceiling, client, now, entropy);
                let (refresh, kept) = RefreshToken::issue(&family, generation, refresh_expires_at, now, entropy);
                claim.rotate(&record, &kept).await?;
                Ok(TokenResponse::new(&access, &record, Some(refresh.expose()), &standing))
            }
            Renewal::Reuse => {
                claim.revoke_family("a replaced refresh token was used").await?;
                tracing::warn!(client.id = %client.id, "a replaced refresh token was used: its family has ended");
                Err(TokenError::UnusableGrant.into())
            }
        }
    }

    /// RFC 6749 §4.4.2
    async fn for_itself(
        &self,
        request: &ClientCredentialsRequest,
        client: &Client,
    ) -> Result<TokenResponse, TokenRefusal> {
        let org = self.store().org(&client.organization);
        let organization = org.organization().await?;
        let grant = org.authorization(&client.id).await?.map(|(grant, _)| grant);
        // Model page: beyond Genesys the authorization bounds these tokens too; an organization can turn that off.
        let app = match app_standing(&organization, grant.as_ref()) {
            AppStanding::Authorized(_) | AppStanding::NotAuthorized if !organization.bounds_client_credentials => {
                AppStanding::Unbounded
            }
            app => app,
        };
        let standing = Standing { is_organization_active: organization.is_active, is_subject_active: true, app };
        let (now, entropy) = (self.context.now, self.app.entropy.as_ref());
        let family = TokenFamilyId::generate(now, entropy);
        let family =
            client_credentials::redeem(family, request, client, &standing, &|scope| self.is_known(scope), now)?;
        let (access, record) = AccessToken::issue(&family.id, family.ceiling.clone(), client, now, entropy);
        self.store().save_tokens(&family, &record).await?;
        Ok(TokenResponse::new(&access, &record, None, &standing))
    }

    fn store(&self) -> SystemStore<'_> {
        self.app.store.system(SystemTask::TokenEndpoint, self.context.now, self.app.entropy.as_ref())
    }

    fn is_known(&self, scope: &Scope) -> bool {
        self.contracts.catalogue().scope_index(scope.as_str()).is_some()
    }
}

async fn read_form(headers: &HeaderMap, body: Body) -> Result<Parameters, TokenRefusal> {
    let body = Limited::new(body, MAX_FORM_BYTES).collect().await.map_err(|_| FormError::TooLong)?;
    Ok(Parameters::new(Form::from_body(headers, &body.to_bytes())?.pairs().to_vec()))
}

/// What the claim's organization says about the app and the person, for the pure rules.
fn standing(read: &ClaimStanding) -> Standing {
    Standing {
        is_organization_active: read.organization.is_active,
        is_subject_active: read.user_state == Some(UserState::Active),
        app: app_standing(&read.organization, read.grant.as_ref()),
    }
}
