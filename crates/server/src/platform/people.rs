//! The names behind `createdBy` and `modifiedBy`.

use std::collections::BTreeMap;

use countersign_domain::id::UserId;
use countersign_domain::user::UserState;
use countersign_store::Page;
use countersign_store::user::UserFilter;

use super::wire::{EntityRef, self_uri};
use crate::http::error::ApiError;
use crate::platform::Call;

/// Users of the organization by id.
pub(super) struct People(BTreeMap<String, String>);

impl People {
    /// Looks up those of `ids` that are users of the caller's organization, in one query.
    pub(super) async fn named(call: &Call, ids: &[&str]) -> Result<Self, ApiError> {
        let mut ids: Vec<UserId> = ids.iter().filter_map(|id| UserId::parse(id).ok()).collect();
        ids.sort();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        let page = Page::new(1, u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let states = vec![UserState::Active, UserState::Inactive, UserState::Deleted];
        let users = call.org().users(&UserFilter { states, ids }, page).await?;
        Ok(Self(users.items.into_iter().map(|user| (user.id.to_string(), user.name)).collect()))
    }

    /// A pointer to whoever `id` is; an app or a command of the operator has no more than its id.
    pub(super) fn reference(&self, id: &str) -> EntityRef {
        let name = self.0.get(id).cloned();
        EntityRef { id: id.to_owned(), self_uri: name.is_some().then(|| self_uri("users", id)), name }
    }
}
