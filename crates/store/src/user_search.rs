//! Lists of users: by filter, and by search terms over fields as the platform API has them.
//!
//! The conditions are put together from fixed pieces of SQL; everything that people typed is bound, never written.

use countersign_domain::id::OrganizationId;
use countersign_domain::user::{User, UserState};
use sqlx::{AnyPool, AssertSqlSafe, Row};

use crate::user::{UserFilter, user};
use crate::{Listing, OrgStore, Page, StoreError};

/// What to search for and in which order to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSearch {
    /// All `And` terms match, no `Not` term does, and one of the `Or` terms does where there are any. Deleted users match
    /// only where a term is about the state.
    pub terms: Vec<SearchTerm>,
    /// The order of the answer.
    pub sort_by: UserField,
    /// Whether the order is turned round.
    pub is_descending: bool,
}

/// One of `fields` matches one of `values`, without letter case. Without fields or values nothing matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm {
    /// How a field matches a value.
    pub kind: SearchKind,
    /// Where to look.
    pub fields: Vec<UserField>,
    /// What to look for.
    pub values: Vec<String>,
    /// How the term joins the others.
    pub operator: SearchOperator,
}

/// How a field matches a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchKind {
    /// The whole field.
    Exact,
    /// The beginning of the field.
    StartsWith,
    /// Anywhere in the field.
    Contains,
    /// A whole word of the field.
    Term,
}

/// How a term joins the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchOperator {
    /// Must match.
    And,
    /// One of these must match.
    Or,
    /// Must not match.
    Not,
}

/// What can be searched and sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserField {
    /// The user id.
    Id,
    /// The name.
    Name,
    /// The e-mail address.
    Email,
    /// The department.
    Department,
    /// The title.
    Title,
    /// `active`, `inactive`, `deleted`.
    State,
    /// The id of the division that the user object belongs to.
    Division,
}

/// A list of users to fetch: conditions, what they bind, and the order.
pub(crate) struct UserQuery {
    conditions: String,
    values: Vec<String>,
    order: UserField,
    is_descending: bool,
}

impl OrgStore<'_> {
    /// The users that match.
    pub async fn search_users(&self, search: &UserSearch, page: Page) -> Result<Listing<User>, StoreError> {
        UserQuery::searched(search).fetch(self.database.readers(), &self.organization, page).await
    }
}

impl UserQuery {
    pub(crate) fn filtered(filter: &UserFilter) -> Self {
        let mut query = Self::new(UserField::Name, false);
        let states: Vec<_> = filter.states.iter().map(|state| state.as_str().to_owned()).collect();
        let ids: Vec<_> = filter.ids.iter().map(ToString::to_string).collect();
        match states.as_slice() {
            [] => query.leave_out_deleted(),
            states => query.and(UserField::State, states),
        }
        if !ids.is_empty() {
            query.and(UserField::Id, &ids);
        }
        query
    }

    fn searched(search: &UserSearch) -> Self {
        let mut query = Self::new(search.sort_by, search.is_descending);
        if !search.terms.iter().any(|term| term.fields.contains(&UserField::State)) {
            query.leave_out_deleted();
        }
        let mut alternatives = Vec::new();
        for term in &search.terms {
            let condition = query.condition(term);
            match term.operator {
                SearchOperator::And => query.conditions += &format!(" AND {condition}"),
                SearchOperator::Not => query.conditions += &format!(" AND NOT {condition}"),
                SearchOperator::Or => alternatives.push(condition),
            }
        }
        if !alternatives.is_empty() {
            query.conditions += &format!(" AND ({})", alternatives.join(" OR "));
        }
        query
    }

    /// Counts all and fetches one page.
    pub(crate) async fn fetch(
        self,
        readers: &AnyPool,
        organization: &OrganizationId,
        page: Page,
    ) -> Result<Listing<User>, StoreError> {
        let Self { conditions, values, order, is_descending } = self;
        let order = order.column();
        let direction = if is_descending { "DESC" } else { "ASC" };
        let (limit, offset) = (values.len() + 2, values.len() + 3);

        let count = format!("SELECT COUNT(*) FROM users WHERE org_id = $1 {conditions}");
        let mut count = sqlx::query(AssertSqlSafe(count)).bind(organization.as_str().to_owned());
        let list = format!(
            "SELECT org_id, user_id, email, name, division_id, department, title, state, version, created_at, modified_at
               FROM users
              WHERE org_id = $1 {conditions}
              ORDER BY {order} {direction}, user_id {direction}
              LIMIT ${limit} OFFSET ${offset}"
        );
        let mut list = sqlx::query(AssertSqlSafe(list)).bind(organization.as_str().to_owned());
        for value in values {
            count = count.bind(value.clone());
            list = list.bind(value);
        }
        let total = count.fetch_one(readers).await?.try_get(0)?;
        let rows = list.bind(page.limit()).bind(page.offset()).fetch_all(readers).await?;
        Ok(Listing { items: rows.iter().map(user).collect::<Result<_, _>>()?, total })
    }

    fn new(order: UserField, is_descending: bool) -> Self {
        Self { conditions: String::new(), values: Vec::new(), order, is_descending }
    }

    fn leave_out_deleted(&mut self) {
        let deleted = self.bind(UserState::Deleted.as_str().to_owned());
        self.conditions += &format!(" AND state <> {deleted}");
    }

    fn and(&mut self, field: UserField, values: &[String]) {
        let term = SearchTerm {
            kind: SearchKind::Exact,
            fields: vec![field],
            values: values.to_vec(),
            operator: SearchOperator::And,
        };
        let condition = self.condition(&term);
        self.conditions += &format!(" AND {condition}");
    }

    /// A condition in brackets that is true or false, never null: `NOT` of it must match users without the field.
    fn condition(&mut self, term: &SearchTerm) -> String {
        let mut alternatives = Vec::new();
        for value in &term.values {
            for field in &term.fields {
                alternatives.push(self.comparison(term.kind, *field, value));
            }
        }
        if alternatives.is_empty() { "(1 = 0)".to_owned() } else { format!("({})", alternatives.join(" OR ")) }
    }

    fn comparison(&mut self, kind: SearchKind, field: UserField, value: &str) -> String {
        let column = field.column();
        let value = value.to_lowercase();
        let pattern = like_literal(&value);
        match kind {
            SearchKind::Exact => format!("COALESCE({column}, '') = {}", self.bind(value)),
            SearchKind::StartsWith => self.like(&format!("COALESCE({column}, '')"), format!("{pattern}%")),
            SearchKind::Contains => self.like(&format!("COALESCE({column}, '')"), format!("%{pattern}%")),
            SearchKind::Term => self.like(&format!("' ' || COALESCE({column}, '') || ' '"), format!("% {pattern} %")),
        }
    }

    fn like(&mut self, text: &str, pattern: String) -> String {
        format!("{text} LIKE {} ESCAPE '!'", self.bind(pattern))
    }

    /// The place of a bound value; `$1` is the organization.
    fn bind(&mut self, value: String) -> String {
        self.values.push(value);
        format!("${}", self.values.len() + 1)
    }
}

impl UserField {
    /// The column that holds the field in lower case.
    const fn column(self) -> &'static str {
        match self {
            Self::Id => "user_id",
            Self::Name => "name_key",
            Self::Email => "email_key",
            Self::Department => "department_key",
            Self::Title => "title_key",
            Self::State => "state",
            Self::Division => "division_id",
        }
    }
}

/// A value as a pattern that matches only itself.
pub(crate) fn like_literal(value: &str) -> String {
    value.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
