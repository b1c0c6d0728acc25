//! Clients of a world: found by their id, or by their name where the file gives no id.

use countersign_domain::client::{Client, ClientMetadata};
use countersign_domain::id::OrganizationId;
use countersign_domain::role::Assignee;
use countersign_domain::world::{ClientEntry, OrganizationEntry};
use serde_json::{Map, Value};

use super::difference::{Difference, MadeClient, edit, edit_list, list};
use super::people::{is_same, labels};
use super::{ApplyError, Applying, ClientIds, Names};
use crate::StoreError;
use crate::change::OrgWriter;
use crate::client::{CONSOLE_CLIENT, ClientChange, NewClient};
use crate::client_deletion::delete_client;

impl<'a> Applying<'a> {
    pub(super) async fn apps(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        client_ids: &mut ClientIds,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let names = Names::read(writer).await?;
        let before = writer.all_clients().await?;
        for client in &entry.clients {
            let kept = match find(&before, client, &entry.id)? {
                Some(kept) => {
                    self.edit_app(writer, client, kept, &names, difference).await?;
                    kept.id.clone()
                }
                None => {
                    let made = self.make_app(writer, client, &names, difference).await?;
                    if client.id.is_none() {
                        let (organization, name) = (entry.id.clone(), client.name.clone());
                        difference.made_clients.push(MadeClient { organization, name, id: made.id.clone() });
                    }
                    made.id
                }
            };
            client_ids.insert((entry.id.clone(), client.name.clone()), kept);
        }
        Ok(())
    }

    pub(super) async fn prune_apps(
        &self,
        mut writer: OrgWriter<'a>,
        entry: &OrganizationEntry,
        client_ids: &ClientIds,
        difference: &mut Difference,
    ) -> Result<OrgWriter<'a>, ApplyError> {
        // An app that only an authorization of the file names is named too.
        let elsewhere: Vec<_> = self.world.clients_elsewhere().map(|(id, _)| id).collect();
        for client in writer.all_clients().await? {
            let is_named = client_ids.values().any(|kept| *kept == client.id) || elsewhere.contains(&&client.id);
            if is_named || client.id.as_str() == CONSOLE_CLIENT {
                continue;
            }
            writer = delete_client(writer, &client.id).await?;
            difference.removed(&entry.id, format!("app `{}` ({})", client.name, client.id));
        }
        Ok(writer)
    }

    async fn make_app(
        &self,
        writer: &mut OrgWriter<'_>,
        client: &ClientEntry,
        names: &Names,
        difference: &mut Difference,
    ) -> Result<Client, ApplyError> {
        let new = NewClient {
            id: client.id.clone(),
            name: client.name.clone(),
            description: client.description.clone().unwrap_or_default(),
            grant_types: client.grant_types.clone(),
            redirect_uris: client.redirect_uris.clone(),
            scopes: client.scopes.clone(),
            pkce_required: client.pkce_required,
            token_ttl_seconds: client.token_ttl_seconds,
            metadata: client.metadata.clone(),
        };
        let secret = self.passwords.of_client(writer.organization, &client.name);
        let roles = names.assignments(&client.roles);
        let made = match writer.create_client(&new, secret, &roles).await {
            Err(StoreError::Conflict { what }) => {
                let id = client.id.as_ref().map_or("", |id| id.as_str());
                let refusal =
                    format!("app `{}` of `{}` cannot have the id `{id}`: {what}", client.name, writer.organization);
                return Err(ApplyError::Refused(refusal));
            }
            made => made?,
        };
        let kind = if made.is_confidential { "confidential" } else { "public" };
        let how = format!("{kind}, asks for {}", list(&made.scopes));
        difference.created(writer.organization, format!("app `{}`", client.name), how);
        Ok(made)
    }

    async fn edit_app(
        &self,
        writer: &mut OrgWriter<'_>,
        client: &ClientEntry,
        kept: &Client,
        names: &Names,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let description = client.description.as_ref().unwrap_or(&kept.description);
        let grant_names = |client: &[countersign_domain::client::GrantType]| {
            client.iter().map(|grant_type| grant_type.as_str()).collect::<Vec<_>>()
        };
        let edits = [
            edit("name", &kept.name, &client.name),
            edit("description", &kept.description, description),
            edit_list("grant types", &grant_names(&kept.grant_types), &grant_names(&client.grant_types)),
            edit_list("redirect URIs", &kept.redirect_uris, &client.redirect_uris),
            edit_list("asks for", &kept.scopes, &client.scopes),
            edit("PKCE required", &kept.pkce_required, &client.pkce_required),
            edit("token life in seconds", &kept.token_ttl_seconds, &client.token_ttl_seconds),
            edit_metadata(&kept.metadata, &client.metadata),
        ];
        let mut how: Vec<_> = edits.into_iter().flatten().collect();
        if !how.is_empty() {
            let change = ClientChange {
                name: Some(client.name.clone()),
                description: Some(description.clone()),
                grant_types: Some(client.grant_types.clone()),
                redirect_uris: Some(client.redirect_uris.clone()),
                scopes: Some(client.scopes.clone()),
                pkce_required: Some(client.pkce_required),
                token_ttl_seconds: Some(client.token_ttl_seconds),
                metadata: Some(client.metadata.clone()),
                ..ClientChange::default()
            };
            writer.update_client(&kept.id, &change).await?;
        }
        how.extend(self.edit_secret(writer, client, kept).await?);

        let (assignee, wanted) = (Assignee::Client(kept.id.clone()), names.assignments(&client.roles));
        let held = crate::assignment::pairs(&writer.assignments_of(&assignee).await?);
        how.extend(edit_list("roles", &labels(names, &held), &labels(names, &wanted)));
        if !is_same(&held, &wanted) {
            writer.set_assignments(&assignee, &wanted).await?;
        }
        difference.changed(writer.organization, format!("app `{}`", client.name), &how);
        Ok(())
    }

    /// Any live secret may be the one of the file: a second one, from a rotation under way, is left alone.
    async fn edit_secret(
        &self,
        writer: &mut OrgWriter<'_>,
        client: &ClientEntry,
        kept: &Client,
    ) -> Result<Option<String>, ApplyError> {
        let wanted = self.passwords.of_client(writer.organization, &client.name);
        let live = writer.secrets(&kept.id).await?;
        let is_as_wanted = match wanted {
            Some(wanted) => kept.is_confidential && live.contains(wanted),
            None => live.is_empty() && (!kept.is_confidential || client.metadata.is_confidential(false)),
        };
        if is_as_wanted {
            return Ok(None);
        }
        writer.replace_secrets(&kept.id, wanted).await?;
        let how = match wanted {
            Some(_) => "secret",
            None if client.metadata.is_confidential(false) => "no secret from now on",
            None => "public from now on",
        };
        Ok(Some(how.to_owned()))
    }
}

/// ``metadata `jwks`, `client_uri```: the members that differ; their values can be long.
fn edit_metadata(before: &ClientMetadata, after: &ClientMetadata) -> Option<String> {
    let members = |metadata| match serde_json::to_value(metadata) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let (before, after) = (members(before), members(after));
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let mut names: Vec<_> = before.keys().chain(after.keys()).filter(differs).collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| format!("metadata {}", list(&names)))
}

fn find<'c>(
    kept: &'c [Client],
    client: &ClientEntry,
    organization: &OrganizationId,
) -> Result<Option<&'c Client>, ApplyError> {
    if let Some(id) = &client.id {
        return Ok(kept.iter().find(|kept| kept.id == *id));
    }
    let mut same_name = kept.iter().filter(|kept| kept.name == client.name);
    match (same_name.next(), same_name.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(ApplyError::Refused(format!(
            "`{organization}` has several apps named `{}`: say in the file by its `id` which one is meant",
            client.name
        ))),
    }
}
