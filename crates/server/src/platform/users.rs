//! The people of an organization: list, create, read, edit, delete (`/api/v2/users`).

use axum::response::Response;
use countersign_decision::Change;
use countersign_domain::id::{DivisionId, UserId};
use countersign_domain::oauth::token::TokenSubject;
use countersign_domain::organization::DivisionScope;
use countersign_domain::user::{Email, User, UserState};
use countersign_store::Listing;
use countersign_store::user::{NewUser, UserChange};
use countersign_store::user_search::{SearchKind, SearchOperator, SearchTerm, UserField, UserSearch};

use super::call::{no_content_object, ok};
use super::fields::Fields;
use super::grantor::{Grantor, Held};
use super::user_roles::user_authorization;
use super::wire::organization::Organization;
use super::wire::paging::EntityListing;
use super::wire::user::{self, CreateUser, ServerDate, UpdateUser, UserMe};
use super::{last_holder, passwords, tokens};
use crate::http::error::ApiError;
use crate::platform::Call;

/// Most ids that one list may ask for.
const MAX_IDS: usize = 100;
/// Longest name, department or title, in characters.
const MAX_TEXT: usize = 256;
/// The real system's words for a version that moved.
const VERSION_MOVED: &str = "The version supplied does not match the current version of the user";
/// The real system's code for a division that the caller's permission does not reach.
const DIVISION: &str = "missing.division.permission";

/// `GET /api/v2/users`
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let page = call.page()?;
    let found = match listed(&call)? {
        Some(search) => call.org().search_users(&search, page.into()).await?,
        None => Listing { items: vec![], total: 0 },
    };

    let users = shown(&call, &found.items, call.expands("authorization")).await?;
    ok(EntityListing::new(&call, page, found.total, users))
}

/// `POST /api/v2/users`
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let request: CreateUser = call.json()?;
    let division = match &request.division_id {
        None => call.org().home_division().await?,
        Some(id) => division(&call, id).await?,
    };
    let mut new = new_user(&request, division.id.clone())?;

    Held::read(&call).await?.must_act_in(&call, &DivisionScope::Division(division.id.clone()), DIVISION)?;
    if let Some(password) = &request.password {
        new.password = Some(passwords::hash(&call.app, password).await?);
    }
    let made = call.org().create_user(&new).await?;
    ok(user::User::new(&made, &[division]))
}

/// `GET /api/v2/users/me`
pub(super) async fn me(call: Call) -> Result<Response, ApiError> {
    let TokenSubject::User(id) = &call.bearer.subject else { return Err(ApiError::not_a_user()) };
    let found = call.org().user(id).await?.ok_or_else(unknown_user)?;
    let user = shown(&call, &[found], call.expands("authorization")).await?.pop().ok_or_else(unknown_user)?;

    let organization = match call.expands("organization") {
        true => Some(Organization::from(&call.org().organization().await?)),
        false => None,
    };
    let token = if call.expands("token") { Some(tokens::info(&call).await?) } else { None };
    let date = call.expands("date").then_some(ServerDate { current_date: call.context.now });
    ok(UserMe { user, organization, token, date })
}

/// `GET /api/v2/users/{userId}`
pub(super) async fn read(call: Call) -> Result<Response, ApiError> {
    let wants_deleted = match call.query("state")? {
        None | Some("active") => false,
        Some("deleted") => true,
        Some(other) => return Err(ApiError::invalid_query("state", other, &["active", "deleted"])),
    };
    let found = find(&call, call.path("userId")).await?;
    if (found.state == UserState::Deleted) != wants_deleted {
        return Err(unknown_user());
    }
    let user = shown(&call, &[found], call.expands("authorization")).await?.pop();
    ok(user.ok_or_else(unknown_user)?)
}

/// `PATCH /api/v2/users/{userId}`
pub(super) async fn edit(call: Call) -> Result<Response, ApiError> {
    let request: UpdateUser = call.json()?;
    let (version, change) = user_change(&request)?;
    let found = existing(&call).await?;

    Held::read(&call).await?.must_act_in(&call, &DivisionScope::Division(found.division.clone()), DIVISION)?;
    if found.version != version {
        return Err(ApiError::conflict(VERSION_MOVED));
    }
    let changed = if change.state == Some(UserState::Inactive) {
        let grantor = Grantor::read(&call).await?;
        last_holder::must_remain(&call, Change::UserGone(found.id.to_string()))?;
        grantor.store(&call).update_user(&found.id, version, &change).await?
    } else {
        call.org().update_user(&found.id, version, &change).await?
    };
    ok(shown(&call, &[changed], false).await?.pop())
}

/// `DELETE /api/v2/users/{userId}`
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let found = existing(&call).await?;
    let grantor = Grantor::read(&call).await?;
    grantor.held.must_act_in(&call, &DivisionScope::Division(found.division.clone()), DIVISION)?;
    last_holder::must_remain(&call, Change::UserGone(found.id.to_string()))?;
    grantor.store(&call).delete_user(&found.id).await?;
    no_content_object()
}

/// The user of that id, deleted ones too; another organization's id is an unknown one.
pub(super) async fn find(call: &Call, id: &str) -> Result<User, ApiError> {
    let id = UserId::parse(id).map_err(|_| unknown_user())?;
    call.org().user(&id).await?.ok_or_else(unknown_user)
}

/// 404 in the real system's words.
pub(super) fn unknown_user() -> ApiError {
    ApiError::not_found_as("general.resource.not.found", "user")
}

/// Users as answers show them.
pub(super) async fn shown(call: &Call, found: &[User], with_authorization: bool) -> Result<Vec<user::User>, ApiError> {
    let divisions = call.org().divisions().await?;
    let mut users = Vec::with_capacity(found.len());
    for one in found {
        let mut user = user::User::new(one, &divisions);
        if with_authorization {
            user.authorization = Some(user_authorization(call, &one.id).await?);
        }
        users.push(user);
    }
    Ok(users)
}

/// The user in the path, unless deleted.
async fn existing(call: &Call) -> Result<User, ApiError> {
    let found = find(call, call.path("userId")).await?;
    if found.state == UserState::Deleted { Err(unknown_user()) } else { Ok(found) }
}

async fn division(call: &Call, id: &str) -> Result<countersign_domain::organization::Division, ApiError> {
    let found = match DivisionId::parse(id) {
        Ok(id) => call.org().division(&id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| ApiError::invalid_field("divisionId", "the organization has no such division"))
}

/// What the query of a list asks for; `None` where it can only be nobody.
fn listed(call: &Call) -> Result<Option<UserSearch>, ApiError> {
    let states = match call.query("state")? {
        None | Some("active") => vec![UserState::Active],
        Some("inactive") => vec![UserState::Inactive],
        Some("deleted") => vec![UserState::Deleted],
        Some("any") => vec![UserState::Active, UserState::Inactive, UserState::Deleted],
        Some(other) => return Err(ApiError::invalid_query("state", other, &["active", "inactive", "deleted", "any"])),
    };
    let is_descending = match call.query("sortOrder")? {
        None | Some("ASC" | "ascending" | "asc") => false,
        Some("DESC" | "descending" | "desc") => true,
        Some(other) => {
            return Err(ApiError::invalid_query("sortOrder", other, &["ascending", "descending", "ASC", "DESC"]));
        }
    };
    let (ids, jabber_ids) = (call.query_list("id"), call.query_list("jabberId"));
    if ids.len() > MAX_IDS {
        return Err(ApiError::invalid("max.user.ids", format!("{MAX_IDS} ids can be asked for in one call at most")));
    }
    if !ids.is_empty() && !jabber_ids.is_empty() {
        return Err(ApiError::bad_request("`id` and `jabberId` cannot be combined"));
    }
    if !jabber_ids.is_empty() {
        return Ok(None);
    }
    let mut terms = vec![exactly(UserField::State, states.iter().map(|state| state.as_str()))];
    if !ids.is_empty() {
        terms.push(exactly(UserField::Id, ids));
    }
    Ok(Some(UserSearch { terms, sort_by: UserField::Name, is_descending }))
}

/// Users whose `field` is one of `values`.
pub(super) fn exactly<'v>(field: UserField, values: impl IntoIterator<Item = &'v str>) -> SearchTerm {
    let values = values.into_iter().map(str::to_owned).collect();
    SearchTerm { kind: SearchKind::Exact, fields: vec![field], values, operator: SearchOperator::And }
}

fn new_user(request: &CreateUser, division: DivisionId) -> Result<NewUser, ApiError> {
    let mut fields = Fields::default();
    let name = fields.required_text("name", request.name.as_deref(), MAX_TEXT);
    let email =
        fields.required("email", request.email.as_deref(), |text| Email::parse(text).map_err(|e| e.to_string()));
    fields.text("department", request.department.as_deref(), MAX_TEXT);
    fields.text("title", request.title.as_deref(), MAX_TEXT);
    let state = fields.optional("state", request.state.as_deref(), |text| match text {
        "active" => Ok(UserState::Active),
        "inactive" => Ok(UserState::Inactive),
        _ => Err(format!("`{text}` is not `active` or `inactive`")),
    });
    fields.finish()?;

    let (Some(name), Some(email)) = (name, email) else { return Err(ApiError::internal()) };
    Ok(NewUser {
        name,
        email,
        division: Some(division),
        department: request.department.clone().filter(|text| !text.is_empty()),
        title: request.title.clone().filter(|text| !text.is_empty()),
        state: state.unwrap_or(UserState::Active),
        password: None,
    })
}

fn user_change(request: &UpdateUser) -> Result<(i64, UserChange), ApiError> {
    let mut fields = Fields::default();
    let version = fields.required("version", request.version, Ok);
    fields.text("department", request.department.as_deref(), MAX_TEXT);
    fields.text("title", request.title.as_deref(), MAX_TEXT);
    let change = UserChange {
        name: match &request.name {
            Some(name) => fields.required_text("name", Some(name), MAX_TEXT),
            None => None,
        },
        email: fields
            .optional("email", request.email.as_deref(), |text| Email::parse(text).map_err(|error| error.to_string())),
        department: request.department.clone(),
        title: request.title.clone(),
        state: fields.optional("state", request.state.as_deref(), |text| match text {
            "active" => Ok(UserState::Active),
            "inactive" => Ok(UserState::Inactive),
            "deleted" => Err("a user is deleted with DELETE, which needs its own permission".to_owned()),
            _ => Err(format!("`{text}` is not `active` or `inactive`")),
        }),
        division: None,
    };
    fields.finish()?;
    Ok((version.ok_or_else(ApiError::internal)?, change))
}
