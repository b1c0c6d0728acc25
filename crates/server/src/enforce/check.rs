//! The one path of every enforcement point: credentials → live state → `decision::decide` → allowed or refused.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderName, HeaderValue};
use countersign_decision::{
    Authority, Caller, ClientRef, Contract, Contracts, Decision, Denial, Operation, OwnedPermit, Permission, Reason,
    Scope, Snapshot, StepUp, Subject, decide, decide_operation,
};
use countersign_domain::audit::Actor;
use countersign_domain::client::ClientState;
use countersign_domain::oauth::resource::is_for;
use countersign_domain::oauth::thumbprint::Possession;
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use countersign_store::token::{Bearer, LiveLink};
use countersign_store::{OrgStore, StoreError, SystemTask};
use serde_json::{Value, json};

use crate::app::App;
use crate::config::PublicOrigin;
use crate::contracts;
use crate::enforce::presented::Presented;

/// What a caller asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The HTTP method as it was sent.
    pub method: &'a str,
    /// The request target as it was sent: path and query.
    pub target: &'a [u8],
}

/// A call that goes through.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// The operation that was chosen.
    pub operation_id: String,
    /// The proof; `None` for a public operation that was called without a live token.
    pub permit: Option<OwnedPermit>,
    /// What enforcement would find missing, in an organization that only reports.
    pub would_be_missing: Option<Value>,
}

/// A call that does not.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The first reason that applies.
    pub reason: Reason,
    /// The operation that was chosen, if any.
    pub operation_id: Option<String>,
    /// Methods of the path, for 405.
    pub allowed_methods: Vec<String>,
    /// The scopes that the operation asks for, of all alternatives: what the app would need some of.
    pub scopes: Vec<String>,
    /// The missing scope alternative that opens fewest operations.
    pub narrowest_scopes: Vec<String>,
    /// The app that asked, when it is known.
    pub client: Option<String>,
    /// What the operation asks of the sign-in, where that is all that is missing.
    pub step_up: Option<StepUp>,
    missing: Value,
    /// Roles that give a missing permission, for callers who may view roles.
    helping_roles: Option<Value>,
}

/// Who asks, as the store knows it at this instant.
pub enum Asker {
    /// No credential.
    Missing,
    /// A credential that is not live.
    Invalid,
    /// A live token.
    Live(Arc<LiveToken>),
}

/// A live token with the state that its calls are decided on.
pub struct LiveToken {
    /// Digest of the token.
    pub digest: Digest,
    /// The token's record, joined with its client and organization.
    pub bearer: Bearer,
    /// The caller, for the snapshot.
    pub caller: Caller,
    /// The organization as it stands.
    pub snapshot: Arc<Snapshot>,
    /// What upstreams are told of the caller in plain headers, once one was.
    pub plain_identity: OnceLock<Vec<(HeaderName, HeaderValue)>>,
}

impl LiveToken {
    /// The person that the token acts for.
    pub fn user(&self) -> Option<&str> {
        match &self.caller.subject {
            Subject::User(user) => Some(user),
            Subject::Client => None,
        }
    }

    /// RFC 9470 §3: whether its person signed in as an operation asks for.
    fn meets(&self, step_up: &StepUp, now: Timestamp) -> bool {
        let max_age = step_up.max_age.map(i64::from);
        let authentication = self.bearer.authentication.as_ref();
        authentication.is_some_and(|authentication| authentication.suffices(&step_up.acr_values, max_age, now))
    }

    /// Whether whoever presents it now, at the API called `resource`, may use it.
    fn is_usable(&self, possession: &Possession, resource: &str, now: Timestamp) -> bool {
        let bearer = &self.bearer;
        // RFC 9449 §7.2, RFC 8705 §3: a bound token is its holder's alone
        // RFC 8707 §3: a token for another API could have been sent on by it
        now < bearer.expires_at && possession.meets(bearer.confirmation) && is_for(&bearer.audience, resource)
    }
}

impl Asker {
    fn client(&self) -> Option<String> {
        match self {
            Self::Live(live) => Some(live.bearer.client.to_string()),
            Self::Missing | Self::Invalid => None,
        }
    }

    /// What the caller holds at this instant.
    pub fn authority(&self) -> Authority<'_> {
        match self {
            Self::Missing => Authority::missing_credentials(),
            Self::Invalid => Authority::invalid_credentials(),
            Self::Live(live) => live.snapshot.authority(&live.caller),
        }
    }
}

/// The caller's organization, to remember an attempt that was refused; there is no permit for it.
pub fn attempt_store<'a>(app: &'a App, live: &LiveToken, now: Timestamp) -> OrgStore<'a> {
    let client = live.bearer.client.to_string();
    let actor = match &live.bearer.subject {
        TokenSubject::User(user) => Actor::User { user: user.to_string(), client },
        TokenSubject::Client => Actor::Client(client),
    };
    app.store.system(SystemTask::Enforcement, now, app.entropy.as_ref()).org_as(&live.bearer.organization, actor)
}

/// Decides one call of a contract that is one of `contracts`.
///
/// # Errors
/// Why not.
pub fn check(
    contract: &Contract,
    asker: &Asker,
    contracts: &Contracts,
    ask: Ask<'_>,
    now: Timestamp,
) -> Result<Allowed, Box<Refusal>> {
    let authority = asker.authority();
    match decide(contract, &authority, ask.method, ask.target) {
        Decision::Allow(permit) => {
            // RFC 9470 §3: asked for only where nothing else is missing, so that nobody signs in again in vain
            let is_met = |step_up: &&StepUp| matches!(asker, Asker::Live(live) if live.meets(step_up, now));
            if let Some(step_up) = permit.step_ups().find(|step_up| !is_met(step_up)) {
                return Err(Box::new(Refusal::of_sign_in(permit.operation(), step_up, asker)));
            }
            let would_be_missing = permit.report().map(|report| json!(report.missing()));
            let operation_id = permit.operation().id.clone();
            Ok(Allowed { operation_id, permit: permit.detach(), would_be_missing })
        }
        Decision::Deny(denial) => Err(Box::new(Refusal::new(&denial, asker, contracts))),
    }
}

/// Says who asks the API called `resource`: what this node remembers of the token, or what the database says now.
///
/// # Errors
/// When the database has to be asked and does not answer.
pub async fn identify(
    app: &App,
    contracts: &Arc<Contracts>,
    presented: Presented,
    resource: &str,
    now: Timestamp,
) -> Result<Asker, StoreError> {
    let (digest, possession) = match presented {
        Presented::Missing => return Ok(Asker::Missing),
        Presented::Malformed => return Ok(Asker::Invalid),
        Presented::Token { digest, possession, .. } => (digest, possession),
    };
    let token = match app.remembered.get(&digest, &app.store, contracts) {
        Some(token) => {
            app.metrics.token_hits.add();
            Some(token)
        }
        None => {
            app.metrics.token_misses.add();
            // boxed: large, and seldom needed, while every call carries its future about
            Box::pin(read(app, contracts, digest, now)).await?
        }
    };
    Ok(match token {
        Some(token) if token.is_usable(&possession, resource, now) => Asker::Live(token),
        _ => Asker::Invalid,
    })
}

/// Reads a token's record, its organization's current snapshot and its chain, and remembers them; `None` for one that is not
/// live, of which nothing is remembered.
async fn read(
    app: &App,
    contracts: &Arc<Contracts>,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<Arc<LiveToken>>, StoreError> {
    // known before anything is read: what changes meanwhile makes this too old to be used again
    let number = app.store.authority_number();
    let store = app.store.system(SystemTask::Enforcement, now, app.entropy.as_ref());
    let Some(bearer) = store.bearer(&digest).await? else { return Ok(None) };
    if bearer.is_revoked || now >= bearer.expires_at {
        return Ok(None);
    }
    let snapshots = &app.snapshots;
    let Some(snapshot) = snapshots.at_least(bearer.org_revision, &bearer.organization, contracts, &store).await? else {
        return Ok(None);
    };
    // RFC 8693 §4.1, model page: whoever the token came through must be allowed too
    let links = match bearer.is_delegated {
        true => store.delegation(&bearer.organization, &bearer.family).await?,
        false => Some(Vec::new()),
    };
    let Some(links) = links else { return Ok(None) };
    let actors = links.into_iter().map(actor).collect();
    let token = Arc::new(LiveToken {
        digest,
        caller: Caller { actors, ..caller(&bearer) },
        snapshot,
        bearer,
        plain_identity: OnceLock::new(),
    });
    app.remembered.keep(number, Arc::clone(contracts), Arc::clone(&token));
    Ok(Some(token))
}

fn actor(live: LiveLink) -> Caller {
    let LiveLink { link, client } = live;
    Caller { client, subject: acts_for(&link.subject), ceiling: names(link.ceiling.as_deref()), actors: vec![] }
}

fn acts_for(subject: &TokenSubject) -> Subject {
    match subject {
        TokenSubject::User(id) => Subject::User(id.to_string()),
        TokenSubject::Client => Subject::Client,
    }
}

fn names(scopes: Option<&[Scope]>) -> Option<Vec<String>> {
    scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect())
}

fn caller(bearer: &Bearer) -> Caller {
    Caller {
        client: ClientRef {
            id: bearer.client.to_string(),
            home_organization: bearer.client_home.to_string(),
            active: bearer.client_state == ClientState::Active && bearer.client_home_active,
        },
        subject: acts_for(&bearer.subject),
        ceiling: names(bearer.ceiling.as_deref()),
        actors: vec![],
    }
}

/// The scopes of every alternative of the operation that denied, each once, in the contract's order.
fn scopes_of_all_alternatives(denial: &Denial<'_>) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in denial.decided_by().into_iter().flat_map(|operation| operation.requirement.scopes_any_of()).flatten() {
        if !scopes.iter().any(|known| known == scope.as_str()) {
            scopes.push(scope.to_string());
        }
    }
    scopes
}

/// Roles that give a missing permission: only for a caller who could read the roles anyway.
fn helping_roles(denial: &Denial<'_>, asker: &Asker, contracts: &Contracts) -> Option<Value> {
    let Asker::Live(live) = asker else { return None };
    let missing = denial.missing().permissions?;
    if !decide_operation(contracts::platform(contracts), &asker.authority(), "getAuthorizationRoles").is_allowed() {
        return None;
    }
    let permissions = missing.of.iter().filter_map(|name| name.parse().ok());
    let roles: BTreeSet<(String, String)> = permissions
        .flat_map(|permission: Permission| {
            let roles = live.snapshot.roles_holding(&permission);
            roles.map(|role| (role.name.to_owned(), role.id.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    Some(roles.into_iter().map(|(name, id)| json!({ "id": id, "name": name })).collect())
}

impl Refusal {
    fn new(denial: &Denial<'_>, asker: &Asker, contracts: &Contracts) -> Self {
        Self {
            reason: denial.reason(),
            operation_id: denial.operation().map(|operation| operation.id.clone()),
            allowed_methods: denial.allowed_methods().map(|method| method.to_string()).collect(),
            scopes: scopes_of_all_alternatives(denial),
            narrowest_scopes: denial.narrowest_scopes().into_iter().flatten().map(ToString::to_string).collect(),
            client: asker.client(),
            step_up: None,
            missing: json!(denial.missing()),
            helping_roles: helping_roles(denial, asker, contracts),
        }
    }

    /// The token is good for the operation, but its person's sign-in is not.
    fn of_sign_in(operation: &Operation, step_up: &StepUp, asker: &Asker) -> Self {
        Self {
            reason: Reason::InvalidCredentials,
            operation_id: Some(operation.id.clone()),
            allowed_methods: Vec::new(),
            scopes: Vec::new(),
            narrowest_scopes: Vec::new(),
            client: asker.client(),
            step_up: Some(step_up.clone()),
            missing: Value::Null,
            helping_roles: None,
        }
    }

    /// The name of the reason that only doors know: the token's sign-in is too old or too weak for the operation (RFC 9470).
    pub const STEP_UP: &str = "insufficient_authentication";

    /// The reason's name, for logs and metrics.
    pub fn reason_name(&self) -> &'static str {
        if self.step_up.is_some() { Self::STEP_UP } else { self.reason.as_str() }
    }

    /// Every half that is missing, as the operator contract shapes it; `None` for reasons that name none.
    pub fn missing_json(&self) -> Option<Value> {
        self.reason.carries_missing().then(|| self.missing.clone())
    }

    /// The permissions that are missing.
    pub fn missing_permissions(&self) -> Vec<String> {
        let list = self.missing["permissions"]["of"].as_array();
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Whether all of [`Self::missing_permissions`] are needed, not any one.
    pub fn needs_all_permissions(&self) -> bool {
        self.missing["permissions"]["mode"] == "ALL"
    }

    /// Who can fix it: where to ask for approval of the app, and which roles hold what is missing.
    pub fn help(&self, origin: &PublicOrigin) -> Option<Value> {
        let client = self.client.as_deref()?;
        let mut help = match self.reason {
            Reason::AppNotAuthorized | Reason::MissingScope | Reason::AppRefused => {
                let scope = self.narrowest_scopes.join("%20");
                json!({
                    "message": "an administrator of the organization can grant the scope to the app",
                    "requestApproval": format!("{origin}/oauth/approval?client_id={client}&scope={scope}"),
                })
            }
            Reason::MissingPermission => {
                json!({ "message": "an administrator of the organization can give the user a role that holds the permission" })
            }
            Reason::RoleNotAllowed => {
                json!({ "message": "an administrator of the organization can change which roles may use the app" })
            }
            _ => return None,
        };
        if let Some(roles) = &self.helping_roles {
            help["roles"] = roles.clone();
        }
        Some(help)
    }
}
