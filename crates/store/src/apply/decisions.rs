//! Authorizations of a world: what each organization decided about apps, its own or others'.

use std::collections::HashMap;

use countersign_decision::AuthorizationState;
use countersign_domain::authorization::{ConsentMode, ScopeGrant, state_name};
use countersign_domain::id::{ClientId, RoleId};
use countersign_domain::world::{AuthorizationEntry, ClientReference, OrganizationEntry};

use super::difference::{Difference, edit, edit_list, list};
use super::{ApplyError, Applying, ClientIds, Names};
use crate::StoreError;
use crate::authorization::GrantChange;
use crate::change::OrgWriter;
use crate::client::CONSOLE_CLIENT;
use crate::db::Transaction;

impl Applying<'_> {
    /// The file may name clients that only the store knows.
    pub(super) async fn check_clients_elsewhere(&self, transaction: &mut Transaction) -> Result<(), ApplyError> {
        let mut problems = Vec::new();
        for (id, problem) in self.world.clients_elsewhere() {
            let known = sqlx::query("SELECT client_id FROM clients WHERE client_id = $1")
                .bind(id.as_str())
                .fetch_optional(&mut **transaction)
                .await
                .map_err(StoreError::from)?;
            if known.is_none() {
                problems.push(problem);
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(ApplyError::Problems(problems)) }
    }

    pub(super) async fn decisions(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        client_ids: &ClientIds,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let names = Names::read(writer).await?;
        let before: HashMap<_, _> =
            writer.all_authorizations().await?.into_iter().map(|grant| (grant.client.clone(), grant)).collect();
        for authorization in &entry.authorizations {
            let client = client_id(entry, authorization, client_ids);
            let roles: Vec<_> = authorization.roles.iter().map(|name| names.roles[name].clone()).collect();
            let what = format!("authorization of {}", label(authorization));
            let how = how(before.get(&client), authorization, &roles, &names);
            let Some(how) = how else { continue };
            decide(writer, &client, authorization, roles, before.get(&client)).await?;
            match before.get(&client) {
                Some(_) => difference.changed(&entry.id, what, &how),
                None => difference.created(&entry.id, what, how.join(", ")),
            }
        }
        Ok(())
    }

    pub(super) async fn prune_decisions(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        client_ids: &ClientIds,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let kept: Vec<_> = entry.authorizations.iter().map(|one| client_id(entry, one, client_ids)).collect();
        for grant in writer.all_authorizations().await? {
            if grant.client.as_str() == CONSOLE_CLIENT || kept.contains(&grant.client) {
                continue;
            }
            writer.delete_authorization(&grant.client).await?;
            difference.removed(&entry.id, format!("authorization of `{}`", grant.client));
        }
        Ok(())
    }
}

/// What is different from what is kept; `None` where nothing is.
fn how(
    before: Option<&ScopeGrant>,
    authorization: &AuthorizationEntry,
    roles: &[RoleId],
    names: &Names,
) -> Option<Vec<String>> {
    let role_names = |ids: &[RoleId]| ids.iter().map(|id| names.role_name(id).to_owned()).collect::<Vec<_>>();
    let Some(before) = before else {
        let mut how =
            vec![state_name(authorization.state).to_owned(), format!("scopes {}", list(&authorization.scopes))];
        if !roles.is_empty() {
            how.push(format!("only for {}", list(&role_names(roles))));
        }
        return Some(how);
    };
    let edits = [
        edit("state", &state_name(before.state), &state_name(authorization.state)),
        edit_list("scopes", &before.scopes, &authorization.scopes),
        edit_list("only for", &role_names(&before.roles), &role_names(roles)),
    ];
    let how: Vec<_> = edits.into_iter().flatten().collect();
    (!how.is_empty()).then_some(how)
}

async fn decide(
    writer: &mut OrgWriter<'_>,
    client: &ClientId,
    authorization: &AuthorizationEntry,
    roles: Vec<RoleId>,
    before: Option<&ScopeGrant>,
) -> Result<(), StoreError> {
    let change = GrantChange {
        scopes: authorization.scopes.clone(),
        roles,
        consent: before.map_or(ConsentMode::default(), |grant| grant.consent),
        expected_version: None,
        reason: String::new(),
    };
    match authorization.state {
        AuthorizationState::Authorized => writer.grant(client, &change).await.map(drop),
        state => writer.set_authorization(client, state, &change).await.map(drop),
    }
}

/// INVARIANT: a world's `Own` names a client of the same organization, and all clients were made before.
fn client_id(entry: &OrganizationEntry, authorization: &AuthorizationEntry, client_ids: &ClientIds) -> ClientId {
    match &authorization.client {
        ClientReference::Own(name) => client_ids[&(entry.id.clone(), name.clone())].clone(),
        ClientReference::Id(id) | ClientReference::Elsewhere(id) => id.clone(),
    }
}

fn label(authorization: &AuthorizationEntry) -> String {
    match &authorization.client {
        ClientReference::Own(name) => format!("`{name}`"),
        ClientReference::Id(id) | ClientReference::Elsewhere(id) => format!("`{id}`"),
    }
}
