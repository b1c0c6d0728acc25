//! The pages: one plain struct each, filled by the handlers, turned into HTML by `templates/`.
//!
//! No decisions here and none in the templates beyond showing one thing or another. Every string is untrusted and escaped
//! by askama. Forms post to `/oauth/<step>` and carry the hidden fields `interaction` and `csrf` (see [`FormKeys`]):
//!
//! | page | posts to | further fields |
//! |---|---|---|
//! | [`SignInPage`] | `/oauth/sign-in` | `email`, `password` |
//! | [`ChooseOrganizationPage`] | `/oauth/sign-in` | `org` |
//! | [`ConsentPage`] | `/oauth/consent` | `decision` = `accept` or `deny` |
//! | [`ApprovalPage`] | `/oauth/approval` | `decision` = `approve` or `deny`; `shown`; `scope` and `role`, once for each ticked box; `consent` = `user` when ticked |
//! | [`RequestPage`] | `/oauth/request` | `reason` |
//! | `not you?` on any of them, [`HomePage`] | `/logout` | (`interaction` empty on the home page) |

use askama::Template;

/// What every page shows around its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Host (and port) of the public origin: what the address bar of the browser should say.
    pub server: String,
}

/// The hidden fields of every form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormKeys {
    /// The secret that names the interaction; the interaction itself stays on the server. Empty outside of one.
    pub interaction: String,
    /// Bound to the browser's session or pre-session.
    pub csrf: String,
}

/// The client as people see it: an app that wants something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its registered name.
    pub name: String,
    /// Host (and port) of the redirect URI, or its scheme where that is the app's own (`com.example.app`).
    pub return_host: String,
    /// The redirect URI points to the person's own computer, where any program can listen (RFC 8252 §8.6).
    pub is_local: bool,
}

/// The person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name for people.
    pub name: String,
    /// E-mail that was signed in with.
    pub email: String,
}

/// Sign in with e-mail and password.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who sent the person here.
    pub app: App,
    /// Name of the organization to sign in to, where the app named one; else it follows from the e-mail.
    pub organization: Option<String>,
    /// What the person typed before, or the app's `login_hint`.
    pub email: String,
    /// Why the last try failed.
    pub problem: Option<SignInProblem>,
}

/// Why signing in did not work. One text for unknown e-mail, wrong password and inactive user (checklist F01).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInProblem {
    /// E-mail and password do not belong together.
    WrongCredentials,
    /// E-mail or password was left empty.
    Incomplete,
    /// Too many failed tries.
    RateLimited {
        /// For people, e.g. `4 minutes`.
        wait: String,
    },
}

/// E-mail and password matched in several organizations: which one?
#[derive(Debug, Clone, Template)]
#[template(path = "choose_organization.html")]
pub struct ChooseOrganizationPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who sent the person here.
    pub app: App,
    /// The e-mail that matched.
    pub email: String,
    /// Only organizations where it matched.
    pub organizations: Vec<OrganizationChoice>,
}

/// An organization to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationChoice {
    /// Value of the field `org`.
    pub id: String,
    /// Name for people.
    pub name: String,
}

/// The user's own consent, inside the organization's authorization.
#[derive(Debug, Clone, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who asks.
    pub app: App,
    /// Name of the organization that the token will be for.
    pub organization: String,
    /// Who accepts or denies.
    pub person: Person,
    /// Exactly the scopes that accepting will give.
    pub scopes: Vec<ScopeLine>,
}

/// A scope to read, not to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLine {
    /// `users:readonly`
    pub id: String,
    /// The contract's description, where it states one.
    pub description: Option<String>,
    /// Opens nothing that changes data.
    pub is_read_only: bool,
}

/// For people who may approve apps: the organization's decision about one app.
#[derive(Debug, Clone, Template)]
#[template(path = "approval.html")]
pub struct ApprovalPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Who asks.
    pub app: App,
    /// Who registered the app.
    pub registration: Registration,
    /// Name of the organization decided for.
    pub organization: String,
    /// Who decides.
    pub person: Person,
    /// What the organization has decided so far.
    pub standing: Standing,
    /// Every scope that can be granted: those asked for first, the others as the catalogue lists them.
    pub scopes: Vec<ScopeChoice>,
    /// Every role of the organization.
    pub roles: Vec<RoleChoice>,
    /// Each person must accept too (`consent` = `user`).
    pub asks_each_person: bool,
    /// People who asked for the app, newest first.
    pub requests: Vec<WaitingRequest>,
    /// Version or hash of what is shown; comes back as `shown`, so that nobody approves what they did not see.
    pub shown: String,
    /// Where `decide later` leads: the redirect URI with `access_denied`.
    pub return_to: Option<String>,
    /// What was wrong with the last try, in a sentence.
    pub problem: Option<String>,
}

/// Who registered an app, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Name of the organization that registered it.
    pub organization: String,
    /// It is the organization that decides now.
    pub is_own: bool,
    /// Day, for people: `23 November 2026`.
    pub date: String,
    /// What the registrar wrote about the app; may be empty.
    pub description: String,
}

/// What the organization has decided about the app so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing; perhaps somebody asked.
    Undecided,
    /// Authorized, and the app now asks for more scopes.
    AsksForMore,
    /// Denied before.
    Denied,
    /// Authorized before, then revoked.
    Revoked,
    /// Authorized before, until a date that has passed.
    Expired,
}

/// A scope to grant or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeChoice {
    /// `users:readonly`
    pub id: String,
    /// The contract's description, where it states one.
    pub description: Option<String>,
    /// The app asks for it now.
    pub is_requested: bool,
    /// The organization has granted it already.
    pub is_granted: bool,
    /// The box is ticked when the page opens.
    pub is_ticked: bool,
    /// Some loaded contract knows it; an unknown scope opens nothing.
    pub is_known: bool,
    /// Opens nothing that changes data.
    pub is_read_only: bool,
    /// How many reading operations it can open.
    pub reads: usize,
    /// How many changing operations it can open.
    pub writes: usize,
}

/// A role whose holders may use the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChoice {
    /// Value of the field `role`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// How many people hold it.
    pub holders: usize,
    /// The box is ticked when the page opens.
    pub is_ticked: bool,
}

/// Somebody asked for the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRequest {
    /// Their name.
    pub name: String,
    /// When, for people.
    pub date: String,
    /// Why, in their words.
    pub reason: String,
}

/// For people who may not approve apps: who can, and a way to ask them.
#[derive(Debug, Clone, Template)]
#[template(path = "request.html")]
pub struct RequestPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields.
    pub form: FormKeys,
    /// Which app needs approval.
    pub app: App,
    /// Name of the organization that has to approve.
    pub organization: String,
    /// Who asks.
    pub person: Person,
    /// What the app asks for beyond what the organization allows it.
    pub scopes: Vec<ScopeLine>,
    /// Who can approve.
    pub approvers: Approvers,
    /// Asking, or asked.
    pub state: RequestState,
    /// Where `back to the app` leads: the redirect URI with `access_denied`.
    pub return_to: Option<String>,
}

/// The people who can approve apps in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvers {
    /// Names of the first few.
    pub names: Vec<String>,
    /// How many more there are.
    pub others: usize,
}

/// How far asking has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// The form.
    Ask {
        /// What was typed before, when there is a problem with it.
        reason: String,
        /// What was wrong with the last try, in a sentence.
        problem: Option<String>,
    },
    /// The request was just sent.
    Sent {
        /// The reason as it was sent.
        reason: String,
    },
    /// The person asked before and nobody has decided; the form offers to replace the reason.
    Waiting {
        /// When, for people.
        date: String,
        /// The reason that was given.
        reason: String,
    },
}

/// The organization has refused the app; nobody gets further here.
#[derive(Debug, Clone, Template)]
#[template(path = "refused.html")]
pub struct RefusedPage {
    /// Around the content.
    pub frame: Frame,
    /// Hidden fields of `not you?`.
    pub form: FormKeys,
    /// Which app.
    pub app: App,
    /// Name of the organization that refused it.
    pub organization: String,
    /// Who is signed in.
    pub person: Person,
    /// Denied or revoked.
    pub refusal: Refusal,
    /// Who can change it.
    pub approvers: Approvers,
    /// Where `back to the app` leads: the redirect URI with `access_denied`.
    pub return_to: Option<String>,
}

/// How an organization refused an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Never allowed.
    Denied,
    /// Allowed once, taken away.
    Revoked,
}

/// An authorization request that must not be answered by a redirect (RFC 6749 §4.1.2.1).
#[derive(Debug, Clone, Template)]
#[template(path = "authorize_error.html")]
pub struct AuthorizeErrorPage {
    /// Around the content.
    pub frame: Frame,
    /// The error code, e.g. `invalid_request`.
    pub code: String,
    /// What is wrong, for the developer of the app: lower case, no final period.
    pub message: String,
    /// What would be right: a sentence.
    pub fix: String,
    /// The parameter that is wrong, where it is one.
    pub parameter: Option<String>,
    /// Finds the request in the server's log.
    pub correlation_id: String,
}

/// The session in this browser is over.
#[derive(Debug, Clone, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage {
    /// Around the content.
    pub frame: Frame,
    /// There was a session to end.
    pub was_signed_in: bool,
}

/// `/`: what this server is, and who is signed in.
#[derive(Debug, Clone, Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// Around the content.
    pub frame: Frame,
    /// The issuer, as apps must configure it.
    pub issuer: String,
    /// Who is signed in with this browser.
    pub session: Option<HomeSession>,
}

/// The session as the home page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeSession {
    /// Who.
    pub person: Person,
    /// Name of the organization signed in to.
    pub organization: String,
    /// Hidden fields of `sign out`.
    pub form: FormKeys,
}

/// Something went wrong that is not the app developer's to fix.
#[derive(Debug, Clone, Template)]
#[template(path = "trouble.html")]
pub struct TroublePage {
    /// Around the content.
    pub frame: Frame,
    /// What.
    pub trouble: Trouble,
    /// Finds the request in the server's log.
    pub correlation_id: String,
}

/// The kinds of trouble that people meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// 404: no page here.
    NotFound,
    /// 405: the address takes no request of this method.
    MethodNotAllowed,
    /// 403: a form came back without the proof that this browser got it from us.
    FormRefused,
    /// 400: the interaction is finished, too old, or was never ours; the person starts again at the app.
    InteractionOver,
    /// 429: too many requests.
    TooManyRequests {
        /// For people, e.g. `30 seconds`.
        wait: String,
    },
    /// 500: our fault.
    Internal,
    /// 503: state cannot be read, so nothing is decided.
    Unavailable,
}
