//! Searching users (`/api/v2/users/search`).

use axum::response::Response;
use countersign_domain::organization::DivisionScope;
use countersign_store::user_search::{SearchKind, SearchOperator, SearchTerm, UserField, UserSearch};

use super::call::{Page, ok};
use super::grantor::Held;
use super::users::{exactly, shown};
use super::wire::user_search::{SearchSort, UserSearchCriteria, UserSearchRequest, UsersSearchResponse};
use crate::http::error::ApiError;
use crate::platform::Call;

/// Most criteria of one search.
const MAX_CRITERIA: usize = 100;
/// Most values of one criterion.
const MAX_VALUES: usize = 100;
/// A page beyond this many results is refused.
const MAX_RESULTS: u64 = 10_000;
/// Longest value, in characters.
const MAX_VALUE: usize = 256;

/// `POST /api/v2/users/search`
pub(super) async fn search(call: Call) -> Result<Response, ApiError> {
    let request: UserSearchRequest = call.json()?;
    answer(&call, &request).await
}

/// `GET /api/v2/users/search?q64=`
pub(super) async fn turn_page(call: Call) -> Result<Response, ApiError> {
    let q64 = call.query("q64")?.ok_or_else(|| ApiError::invalid_field("q64", "must be given"))?;
    let request = UserSearchRequest::from_q64(q64)
        .ok_or_else(|| ApiError::invalid_field("q64", "is not a search that an earlier answer returned"))?;
    answer(&call, &request).await
}

async fn answer(call: &Call, request: &UserSearchRequest) -> Result<Response, ApiError> {
    let page = page(request)?;
    let mut search = parse(request)?;
    search.terms.extend(reach(call).await?);
    let found = call.org().search_users(&search, page.into()).await?;

    let expand = request.expand.iter().flatten().any(|word| word == "authorization") || call.expands("authorization");
    let page_count = u64::try_from(found.total).unwrap_or(0).div_ceil(u64::from(page.size));
    ok(UsersSearchResponse {
        total: found.total,
        page_count,
        page_size: page.size,
        page_number: page.number,
        previous_page: (page.number > 1).then(|| request.at_page(page.number - 1)),
        current_page: request.at_page(page.number),
        next_page: (u64::from(page.number) < page_count).then(|| request.at_page(page.number + 1)),
        types: ["users"],
        results: shown(call, &found.items, expand).await?,
    })
}

/// The divisions that the caller's permission reaches; nothing where it reaches all.
async fn reach(call: &Call) -> Result<Option<SearchTerm>, ApiError> {
    let held = Held::read(call).await?;
    if held.can_act_in(call, &DivisionScope::All) {
        return Ok(None);
    }
    let divisions = call.org().divisions().await?;
    let reached = |id: &&str| {
        let division = divisions.iter().find(|division| division.id.as_str() == *id);
        division.is_some_and(|division| held.can_act_in(call, &DivisionScope::Division(division.id.clone())))
    };
    let ids = divisions.iter().map(|division| division.id.as_str()).filter(reached);
    Ok(Some(exactly(UserField::Division, ids)))
}

fn page(request: &UserSearchRequest) -> Result<Page, ApiError> {
    let page = Page { number: request.page_number.unwrap_or(1), size: request.page_size.unwrap_or(25) };
    if !(1..=500).contains(&page.size) {
        return Err(ApiError::invalid_field("pageSize", "must be from 1 to 500"));
    }
    if page.number == 0 {
        return Err(ApiError::invalid_field("pageNumber", "pages are counted from 1"));
    }
    if u64::from(page.number - 1) * u64::from(page.size) >= MAX_RESULTS {
        let why = format!("the page lies beyond the first {MAX_RESULTS} results; search for less");
        return Err(ApiError::invalid("too.many.requested.results", why));
    }
    Ok(page)
}

fn parse(request: &UserSearchRequest) -> Result<UserSearch, ApiError> {
    let criteria = request.query.as_deref().unwrap_or_default();
    if criteria.len() > MAX_CRITERIA {
        let why = format!("a query can hold {MAX_CRITERIA} criteria at most");
        return Err(ApiError::invalid("too.many.search.criteria", why));
    }
    let mut terms = Vec::with_capacity(criteria.len());
    for (position, criterion) in criteria.iter().enumerate() {
        terms.extend(term(&format!("query[{position}]"), criterion)?);
    }
    let (sort_by, sort_order) = match request.sort.as_deref().unwrap_or_default() {
        [] => (request.sort_by.as_deref(), request.sort_order.as_deref()),
        [SearchSort { sort_by, sort_order }] => (sort_by.as_deref(), sort_order.as_deref()),
        _ => return Err(ApiError::invalid_field("sort", "one order at most can be asked for")),
    };
    Ok(UserSearch {
        terms,
        sort_by: sort_by.map_or(Ok(UserField::Name), |name| field("sortBy", name))?,
        is_descending: match sort_order.map(str::to_ascii_uppercase).as_deref() {
            None | Some("ASC" | "SCORE") => false,
            Some("DESC") => true,
            Some(other) => return Err(invalid_value("sortOrder", other, "ASC, DESC, SCORE")),
        },
    })
}

/// `None` for what matches everybody.
fn term(at: &str, criterion: &UserSearchCriteria) -> Result<Option<SearchTerm>, ApiError> {
    if criterion.group.as_ref().is_some_and(|group| !group.is_empty()) {
        return Err(ApiError::invalid("invalid.value", format!("{at}.group: criteria in brackets are not supported")));
    }
    let kind = match criterion.kind.as_deref() {
        Some("EXACT") => SearchKind::Exact,
        Some("STARTS_WITH") => SearchKind::StartsWith,
        Some("CONTAINS") => SearchKind::Contains,
        Some("TERM" | "TERMS") => SearchKind::Term,
        Some("MATCH_ALL") => return Ok(None),
        Some(other) => {
            let known = "EXACT, STARTS_WITH, CONTAINS, TERM, TERMS, MATCH_ALL";
            return Err(invalid_value(&format!("{at}.type"), other, known));
        }
        None => return Err(ApiError::invalid_field(&format!("{at}.type"), "must be given")),
    };
    let operator = match criterion.operator.as_deref() {
        None | Some("AND") => SearchOperator::And,
        Some("OR") => SearchOperator::Or,
        Some("NOT") => SearchOperator::Not,
        Some(other) => return Err(invalid_value(&format!("{at}.operator"), other, "AND, OR, NOT")),
    };
    let fields = criterion.fields.as_deref().unwrap_or_default().iter();
    let fields: Vec<UserField> = fields.map(|name| field(&format!("{at}.fields"), name)).collect::<Result<_, _>>()?;
    if fields.is_empty() {
        return Err(ApiError::invalid_field(&format!("{at}.fields"), "must name at least one field"));
    }
    Ok(Some(SearchTerm { kind, fields, values: values(at, criterion)?, operator }))
}

fn values(at: &str, criterion: &UserSearchCriteria) -> Result<Vec<String>, ApiError> {
    let values: Vec<String> = criterion.value.iter().chain(criterion.values.iter().flatten()).cloned().collect();
    if values.is_empty() {
        return Err(ApiError::invalid_field(&format!("{at}.value"), "`value` or `values` must be given"));
    }
    if values.len() > MAX_VALUES {
        let why = format!("{at}.values: {MAX_VALUES} values at most");
        return Err(ApiError::invalid("search.criteria.values.exceed.limit", why));
    }
    if values.iter().any(|value| value.chars().count() > MAX_VALUE) {
        return Err(ApiError::invalid_field(
            &format!("{at}.value"),
            format!("must have {MAX_VALUE} characters at most"),
        ));
    }
    Ok(values)
}

fn field(at: &str, name: &str) -> Result<UserField, ApiError> {
    match name {
        "id" => Ok(UserField::Id),
        "name" => Ok(UserField::Name),
        "email" | "username" => Ok(UserField::Email),
        "department" => Ok(UserField::Department),
        "title" => Ok(UserField::Title),
        "state" => Ok(UserField::State),
        "divisionId" => Ok(UserField::Division),
        other => Err(invalid_value(at, other, "id, name, email, username, department, title, state, divisionId")),
    }
}

fn invalid_value(at: &str, given: &str, known: &str) -> ApiError {
    ApiError::invalid("invalid.value", format!("{at}: `{given}` is not one of {known}"))
}
