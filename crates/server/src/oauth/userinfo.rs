//! `GET` and `POST /oauth/userinfo`: who signed in, as far as the access token may be told (OpenID Connect Core §5.3).

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use countersign_domain::oauth::introspection::TokenKind;
use countersign_domain::oauth::openid::id_token::UserInfo;
use countersign_domain::oauth::openid::protocol_scope::ProtocolScope;
use countersign_domain::oauth::token::{TokenFamily, TokenSubject};
use countersign_domain::time::Timestamp;
use countersign_store::SystemTask;
use http_body_util::{BodyExt, Limited};

use crate::app::App;
use crate::enforce::presented::Presented;
use crate::http::dpop::Called;
use crate::http::error::{UserInfoRefusal, no_store};
use crate::http::form::{Form, MAX_FORM_BYTES};
use crate::http::now::RequestContext;
use crate::oauth::standing::standing;

/// The endpoint.
pub async fn userinfo(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let called = Called::here(&app, &parts, context.now);
    let told = match check_places(&parts.headers, parts.uri.query(), body).await {
        Ok(()) => tell(&app, Presented::read(&app, called, peer.ip()), context.now).await,
        Err(refusal) => Err(refusal),
    };
    match told {
        Ok(told) => {
            let mut response = Json(told).into_response();
            no_store(&mut response);
            response
        }
        Err(refusal) => refusal.respond(&app.origin),
    }
}

async fn tell(app: &App, presented: Presented, now: Timestamp) -> Result<UserInfo, UserInfoRefusal> {
    let (digest, possession) = match presented {
        Presented::Missing => return Err(UserInfoRefusal::Missing),
        Presented::Malformed => return Err(UserInfoRefusal::Invalid),
        Presented::Token { digest, possession, .. } => (digest, possession),
    };
    let store = app.store.system(SystemTask::Enforcement, now, app.entropy.as_ref());
    let token = store.known_token(&digest).await?.filter(|token| token.kind == TokenKind::Access);
    let token = token.ok_or(UserInfoRefusal::Invalid)?;
    let TokenFamily { organization, client, subject, .. } = &token.family;
    let standing = standing(&store.standing_of(organization, client, subject).await?, subject);
    if !token.is_live(&standing, now) || !possession.meets(token.confirmation) {
        return Err(UserInfoRefusal::Invalid);
    }
    if !presented.is_first_use(app, now).await? {
        return Err(UserInfoRefusal::Invalid);
    }
    // OpenID Connect Core §5.3.1: an access token that an OpenID Connect request obtained.
    let identity = token.family.identity.filter(|_| token.protocol_scopes.contains(&ProtocolScope::OpenId));
    let (Some(identity), TokenSubject::User(user)) = (identity, &token.family.subject) else {
        return Err(UserInfoRefusal::WithoutOpenId);
    };
    let user = store.org(&token.family.organization).user(user).await?.ok_or(UserInfoRefusal::Invalid)?;
    Ok(UserInfo::new(&identity, &token.protocol_scopes, &user))
}

/// RFC 6750 §2.2, §2.3: a token in a form or query is refused, whether or not there is another in the header (D07, D08, D09).
async fn check_places(headers: &HeaderMap, query: Option<&str>, body: Body) -> Result<(), UserInfoRefusal> {
    let names_token = |form: &Form| form.pairs().iter().any(|(name, _)| name == "access_token");
    if query.is_some_and(|query| Form::parse(query.as_bytes()).is_ok_and(|form| names_token(&form))) {
        return Err(UserInfoRefusal::Misplaced);
    }
    if !headers.contains_key(header::CONTENT_TYPE) {
        return Ok(());
    }
    let body = Limited::new(body, MAX_FORM_BYTES).collect().await.map_err(|_| UserInfoRefusal::Misplaced)?;
    match Form::from_body(headers, &body.to_bytes()) {
        Ok(form) if names_token(&form) => Err(UserInfoRefusal::Misplaced),
        _ => Ok(()),
    }
}
