//! The organization's decision about one app, for people who may make it.
//!
//! Whether somebody may is asked of the decision point, and the store is reached with the permit that it gave. The form
//! brings back a digest of what was shown: version, scopes on offer and the app's own data. If any of it has moved, the page
//! is shown again and nothing is granted (invariant 20).

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use countersign_decision::{AuthorizationState, ClientRef, OwnedPermit, Scope};
use countersign_domain::authorization::ConsentMode;
use countersign_domain::client::{Client, ClientState};
use countersign_domain::id::{ClientId, RoleId};
use countersign_domain::oauth::authorize::UnredirectableError;
use countersign_domain::oauth::error::ErrorCode;
use countersign_domain::oauth::next_step::Step;
use countersign_domain::secret::Digest;
use countersign_store::authorization::GrantChange;
use countersign_store::{OrgStore, Page, StoreError};

use crate::http::form::Form;
use crate::oauth::approver::{AUTHORIZE, DENY};
use crate::oauth::asked::{Asked, Errand};
use crate::oauth::front_channel::{Here, go_on, see_other, situate};
use crate::oauth::interaction::{InProgress, Wish};
use crate::web::cards::{ScopeFacts, app_card, form_target};
use crate::web::consent::{own_interaction, signed_form};
use crate::web::html;
use crate::web::pages::{
    ApprovalImpact, ApprovalPage, Registration, RoleChoice, ScopeChoice, Standing, WaitingRequest,
};
use crate::web::trouble::PageError;
use crate::web::used::used;
use crate::web::visit::{Visit, form_keys};

/// Most roles that are offered as limits.
const MAX_ROLES: u32 = 500;

/// `GET /oauth/approval?client_id&scope`: the address under `help` in the answer to a refused call.
pub async fn link(visit: Visit, RawQuery(query): RawQuery) -> Response {
    follow(&visit, query.as_deref().unwrap_or_default()).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn follow(visit: &Visit, query: &str) -> Result<Response, PageError> {
    let query = Form::parse(query.as_bytes())?;
    let client = query.one("client_id")?.and_then(|id| ClientId::parse(id).ok()).ok_or(UnredirectableError::Client)?;
    let scope = query.one("scope")?.map(str::to_owned);
    go_on(visit, InProgress::begin(Wish::Approve { client, scope }, visit.context.now), None).await
}

/// Shows the page; `problem` says what was wrong with the last try.
pub async fn open(
    here: Here<'_>,
    mut progress: InProgress,
    asked_for: &[Scope],
    problem: Option<&str>,
) -> Result<Response, PageError> {
    let Here { visit, asked, signed_in, facts } = here;
    let interaction = progress.keep_for(visit, &signed_in.secret).await?;
    let offered = offered(&here, asked_for);
    let scopes = scope_choices(&here, asked_for, &offered);
    let page = ApprovalPage {
        frame: visit.frame(),
        form: form_keys(&signed_in.secret, interaction.expose()),
        app: app_card(asked),
        registration: registration(visit, &asked.client, &here).await?,
        organization: facts.organization.name.clone(),
        person: signed_in.person(),
        standing: standing(&here),
        impact: impact_as_ticked(&here, &scopes),
        used: used(&here).await?,
        scopes,
        roles: role_choices(&here).await?,
        asks_each_person: facts.grant.as_ref().is_some_and(|grant| grant.consent == ConsentMode::User),
        requests: waiting_requests(&here).await?,
        shown: shown(&here, &offered),
        return_to: asked.return_to(visit),
        problem: problem.map(str::to_owned),
    };
    let status = if problem.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    Ok(html::page(status, &page, &form_target(asked)))
}

/// `POST /oauth/approval`
pub async fn submit(visit: Visit, body: Bytes) -> Response {
    decide(&visit, &body).await.unwrap_or_else(|error| error.respond(&visit))
}

async fn decide(visit: &Visit, body: &Bytes) -> Result<Response, PageError> {
    let (signed_in, form) = signed_form(visit, body).await?;
    let progress = own_interaction(visit, &signed_in, &form, "authorization.grant").await?;
    let asked = Asked::read(visit, &progress.wish).await?;
    let facts = situate(visit, &asked, &signed_in).await?;
    let here = Here { visit, asked: &asked, signed_in: &signed_in, facts: &facts };
    // Decided meanwhile, or never this person's to decide: the next step says what there is to do instead.
    let Some(Step::Approval { scopes }) = here.step(&progress, None) else {
        record_if_unauthorized(&here).await?;
        return go_on(visit, progress, None).await;
    };
    if form.one("shown")? != Some(&shown(&here, &offered(&here, &scopes))) {
        return open(here, progress, &scopes, Some(MOVED)).await;
    }
    match form.one("decision")? {
        Some("approve") => approve(here, progress, &scopes, &form).await,
        Some("deny") => deny(here, progress).await,
        _ => Err(PageError::FormRefused),
    }
}

async fn approve(
    here: Here<'_>,
    mut progress: InProgress,
    asked_for: &[Scope],
    form: &Form,
) -> Result<Response, PageError> {
    let Here { visit, asked, facts, .. } = here;
    let permit = permit(&here, AUTHORIZE)?;
    let change = match change(&here, asked_for, form) {
        Ok(change) => change,
        Err(problem) => return open(here, progress, asked_for, Some(problem)).await,
    };
    match acting(visit, &permit).grant(&asked.client.id, &change).await {
        Ok(_) => {}
        Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => {
            let facts = situate(visit, asked, here.signed_in).await?;
            return open(Here { facts: &facts, ..here }, progress, asked_for, Some(MOVED)).await;
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(organization.id = %facts.organization.id, client.id = %asked.client.id, "an app was authorized");
    let is_enough = asked.scopes().iter().all(|scope| change.scopes.contains(scope));
    if !is_enough {
        progress.take(visit).await?;
        let description = "an administrator authorized less than the app asked for";
        return asked.turn_away(visit, ErrorCode::AccessDenied, description).await;
    }
    let interaction = progress.keep_for(visit, &here.signed_in.secret).await?;
    Ok(see_other(&format!("/oauth/continue?interaction={}", interaction.expose())))
}

/// Denying what an authorized app asks for besides leaves it what it has; anything else is refused as a whole.
async fn deny(here: Here<'_>, mut progress: InProgress) -> Result<Response, PageError> {
    let Here { visit, asked, facts, .. } = here;
    let client = &asked.client.id;
    match facts.grant.as_ref().filter(|grant| grant.state == AuthorizationState::Authorized) {
        Some(grant) => {
            let change = GrantChange {
                scopes: grant.scopes.clone(),
                roles: grant.roles.clone(),
                consent: grant.consent,
                expected_version: Some(grant.version),
                reason: grant.reason.clone(),
            };
            acting(visit, &permit(&here, AUTHORIZE)?).grant(client, &change).await?;
        }
        None => {
            acting(visit, &permit(&here, DENY)?).deny(client, "").await?;
        }
    }
    tracing::info!(organization.id = %facts.organization.id, client.id = %client, "an app was denied");
    progress.take(visit).await?;
    match asked.errand {
        Errand::Approval => Ok(see_other("/")),
        Errand::Redirect(_) | Errand::Device(_) => {
            asked.turn_away(visit, ErrorCode::AccessDenied, "an administrator did not authorize the app").await
        }
    }
}

const MOVED: &str = "Something changed while this page was open. Look again at what it says now, then decide.";
const NO_SCOPE: &str = "Tick at least one scope, or deny the app.";
const UNKNOWN_CHOICE: &str = "The form named a scope or role that was not on the page. Look again, then decide.";

/// What the form says, as far as the page offered it.
fn change(here: &Here<'_>, asked_for: &[Scope], form: &Form) -> Result<GrantChange, &'static str> {
    let offered = offered(here, asked_for);
    let mut scopes: Vec<Scope> = Vec::new();
    for name in form.all("scope") {
        let scope = offered.iter().find(|scope| scope.as_str() == name).ok_or(UNKNOWN_CHOICE)?;
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    if scopes.is_empty() && !asked_for.is_empty() {
        return Err(NO_SCOPE);
    }
    let roles = form.all("role").into_iter().map(RoleId::parse).collect::<Result<Vec<_>, _>>();
    let consent = if form.all("consent").contains(&"user") { ConsentMode::User } else { ConsentMode::Administrator };
    Ok(GrantChange {
        scopes,
        roles: roles.map_err(|_| UNKNOWN_CHOICE)?,
        consent,
        expected_version: Some(here.facts.grant.as_ref().map_or(0, |grant| grant.version)),
        reason: String::new(),
    })
}

fn permit(here: &Here<'_>, operation: &str) -> Result<OwnedPermit, PageError> {
    here.facts.console.permit(&here.signed_in.user.id, operation).ok_or(PageError::FormRefused)
}

fn acting<'v>(visit: &'v Visit, permit: &OwnedPermit) -> OrgStore<'v> {
    visit.app.store.org(permit, visit.context.now, visit.app.entropy.as_ref())
}

/// Invariant 43: who tried to decide without the right to is written down.
async fn record_if_unauthorized(here: &Here<'_>) -> Result<(), PageError> {
    if permit(here, AUTHORIZE).is_ok() {
        return Ok(());
    }
    let org = here.visit.org(&here.facts.organization.id);
    let reason = format!("user {} may not authorize apps", here.signed_in.user.id);
    Ok(org.record_refused("authorization.grant", "authorization", here.asked.client.id.as_str(), &reason).await?)
}

/// Every scope that can be granted: those asked for, those granted, then the catalogue.
fn offered(here: &Here<'_>, asked_for: &[Scope]) -> Vec<Scope> {
    let contracts = here.visit.app.contracts();
    let mut offered = asked_for.to_vec();
    let granted = here.facts.grant.iter().flat_map(|grant| &grant.scopes);
    for scope in granted.chain(contracts.catalogue().scopes().iter().map(|entry| &entry.scope)) {
        if !offered.contains(scope) {
            offered.push(scope.clone());
        }
    }
    offered
}

/// A digest of everything that the decision is about.
fn shown(here: &Here<'_>, offered: &[Scope]) -> String {
    let client = &here.asked.client;
    let version = here.facts.grant.as_ref().map_or(0, |grant| grant.version);
    let seen =
        serde_json::json!([version, offered, client.name, client.description, client.redirect_uris, client.scopes]);
    let digest = Digest::of(seen.to_string().as_bytes());
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn standing(here: &Here<'_>) -> Standing {
    match here.facts.grant.as_ref().map(|grant| grant.state) {
        None | Some(AuthorizationState::Requested) => Standing::Undecided,
        Some(AuthorizationState::Authorized) => Standing::AsksForMore,
        Some(AuthorizationState::Denied) => Standing::Denied,
        Some(AuthorizationState::Revoked) => Standing::Revoked,
        Some(AuthorizationState::Expired) => Standing::Expired,
    }
}

fn scope_choices(here: &Here<'_>, asked_for: &[Scope], offered: &[Scope]) -> Vec<ScopeChoice> {
    let contracts = here.visit.app.contracts();
    let facts = ScopeFacts::of(&contracts);
    let is_authorized = standing(here) == Standing::AsksForMore;
    let granted = here.facts.grant.as_ref().map(|grant| grant.scopes.as_slice()).unwrap_or_default();
    let choice = |scope: &Scope| {
        let opens = facts.opens(scope.as_str());
        let is_requested = asked_for.contains(scope);
        let is_granted = is_authorized && granted.contains(scope);
        ScopeChoice {
            id: scope.to_string(),
            description: facts.description(scope.as_str()),
            is_requested,
            is_granted,
            is_ticked: is_requested || is_granted,
            is_known: facts.is_known(scope.as_str()),
            is_read_only: opens.writes == 0,
            reads: opens.reads,
            writes: opens.writes,
        }
    };
    offered.iter().map(choice).collect()
}

/// What approving would change if nobody touched a box.
fn impact_as_ticked(here: &Here<'_>, choices: &[ScopeChoice]) -> ApprovalImpact {
    let ticked = choices.iter().filter(|choice| choice.is_ticked).map(|choice| choice.id.clone()).collect();
    let limits = here.facts.grant.iter().flat_map(|grant| &grant.roles).map(ToString::to_string).collect();
    let Client { id, organization, state, .. } = &here.asked.client;
    let (id, home_organization) = (id.to_string(), organization.to_string());
    let client = ClientRef { id, home_organization, active: *state == ClientState::Active };
    here.facts.console.impact_of_approval(&client, ticked, limits)
}

async fn role_choices(here: &Here<'_>) -> Result<Vec<RoleChoice>, PageError> {
    let org = here.visit.org(&here.facts.organization.id);
    let holders = org.role_user_counts().await?;
    let limits = here.facts.grant.as_ref().map(|grant| grant.roles.as_slice()).unwrap_or_default();
    let roles = org.roles(None, Page::new(1, MAX_ROLES)).await?.items.into_iter();
    let choice = |role: countersign_domain::role::Role| RoleChoice {
        holders: holders.get(&role.id).and_then(|count| usize::try_from(*count).ok()).unwrap_or_default(),
        is_ticked: limits.contains(&role.id),
        id: role.id.to_string(),
        name: role.name,
    };
    Ok(roles.map(choice).collect())
}

async fn registration(visit: &Visit, client: &Client, here: &Here<'_>) -> Result<Registration, PageError> {
    let organization = visit.store().organization(&client.organization).await?;
    Ok(Registration {
        organization: organization.map(|organization| organization.name).unwrap_or_default(),
        is_own: client.organization == here.facts.organization.id,
        date: client.created_at.day(),
        description: client.description.clone(),
    })
}

async fn waiting_requests(here: &Here<'_>) -> Result<Vec<WaitingRequest>, PageError> {
    let org = here.visit.org(&here.facts.organization.id);
    let mut waiting = Vec::new();
    for request in org.requests(&here.asked.client.id).await?.into_iter().rev() {
        let name = org.user(&request.user).await?.map(|user| user.name).unwrap_or_default();
        waiting.push(WaitingRequest { name, date: request.created_at.day(), reason: request.reason });
    }
    Ok(waiting)
}
