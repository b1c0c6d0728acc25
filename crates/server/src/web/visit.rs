//! One request of a browser: the server, the instant, the cookies, and who is signed in.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use countersign_domain::id::OrganizationId;
use countersign_domain::organization::Organization;
use countersign_domain::secret::{Secret, SecretKind};
use countersign_domain::session::Session;
use countersign_domain::user::{User, UserState};
use countersign_store::{OrgStore, StoreError, SystemStore, SystemTask};

use crate::app::App;
use crate::http::cookies::Cookie;
use crate::http::csrf;
use crate::http::form::Form;
use crate::http::now::RequestContext;
use crate::web::pages::{FormKeys, Frame, Person};
use crate::web::trouble::PageError;

/// A request of a browser.
pub struct Visit {
    /// The running server.
    pub app: App,
    /// When, and under which correlation id.
    pub context: RequestContext,
    /// Where from, as far as we see: the other end of the connection.
    pub address: IpAddr,
    headers: HeaderMap,
}

/// Somebody who is signed in with this browser.
pub struct SignedIn {
    /// The secret of the cookie.
    pub secret: Secret,
    /// The session.
    pub session: Session,
    /// Who.
    pub user: User,
    /// Where.
    pub organization: Organization,
}

/// How often a session's use is written down, in seconds: its idle time is thirty minutes.
const TOUCH_SECONDS: i64 = 60;

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let context = parts.extensions.get::<RequestContext>().cloned();
        let context = context.expect("INVARIANT: the main listener gives every request its context");
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let address = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(Self::new(app, context, address, &parts.headers))
    }
}

impl Visit {
    /// One that has just come from `address` with these headers.
    pub fn new(app: &App, context: RequestContext, address: IpAddr, headers: &HeaderMap) -> Self {
        Self { app: app.clone(), context, address, headers: headers.clone() }
    }

    /// The store, for signing in and going on with an authorization request.
    pub fn store(&self) -> SystemStore<'_> {
        self.app.store.system(SystemTask::Authorize, self.context.now, self.app.entropy.as_ref())
    }

    /// One organization's data, for the same.
    pub fn org(&self, organization: &OrganizationId) -> OrgStore<'_> {
        self.store().org(organization)
    }

    /// The store, for proving who somebody is.
    pub fn sign_in_store(&self) -> SystemStore<'_> {
        self.app.store.system(SystemTask::SignIn, self.context.now, self.app.entropy.as_ref())
    }

    /// The secret of one of our cookies.
    pub fn cookie(&self, cookie: Cookie) -> Option<Secret> {
        cookie.read(&self.headers, &self.app.origin)
    }

    /// A new secret.
    pub fn new_secret(&self, kind: SecretKind) -> Secret {
        Secret::generate(kind, self.app.entropy.as_ref())
    }

    /// Who is signed in, if the session is not over and the person is still active.
    pub async fn signed_in(&self) -> Result<Option<SignedIn>, StoreError> {
        let Some(secret) = self.cookie(Cookie::Session) else { return Ok(None) };
        let (store, now) = (self.sign_in_store(), self.context.now);
        let Some(session) = store.session(&secret.digest()).await?.filter(|session| !session.is_expired(now)) else {
            return Ok(None);
        };
        let organization = store.org(&session.organization).organization().await?;
        let user = store.org(&session.organization).user(&session.user).await?;
        let Some(user) = user.filter(|user| user.state == UserState::Active && organization.is_active) else {
            return Ok(None);
        };
        if now.seconds_since(session.last_seen_at) >= TOUCH_SECONDS {
            store.touch(&session.digest).await?;
        }
        Ok(Some(SignedIn { secret, session, user, organization }))
    }

    /// A posted form, of whatever origin.
    pub fn form(&self, body: &Bytes) -> Result<Form, PageError> {
        Ok(Form::from_body(&self.headers, body)?)
    }

    /// A posted form that a page of ours gave to the browser with this cookie.
    pub fn own_form(&self, body: &Bytes, cookie: Option<&Secret>) -> Result<Form, PageError> {
        let form = self.form(body)?;
        let cookie = cookie.ok_or(PageError::FormRefused)?;
        csrf::check(&self.headers, &self.app.origin, cookie, &form).map_err(|_| PageError::FormRefused)?;
        Ok(form)
    }

    /// Whether the browser is going to a page, not loading a part of one: `Sec-Fetch-Dest`, where it is sent.
    pub fn is_navigation(&self) -> bool {
        self.headers.get("sec-fetch-dest").is_none_or(|destination| destination == "document")
    }

    /// Whether the answer may be a page: programs do not ask for HTML.
    pub fn accepts_pages(&self) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        accept.is_some_and(|accept| accept.contains("text/html"))
    }

    /// What stands around every page.
    pub fn frame(&self) -> Frame {
        Frame::here(&self.app.origin)
    }
}

impl SignedIn {
    /// The person, for people.
    pub fn person(&self) -> Person {
        Person { name: self.user.name.clone(), email: self.user.email.to_string() }
    }
}

/// The hidden fields of a form that `cookie` may post in `interaction` (empty outside of one).
pub fn form_keys(cookie: &Secret, interaction: &str) -> FormKeys {
    FormKeys { interaction: interaction.to_owned(), csrf: csrf::token(cookie, interaction) }
}
