//! Organizations, divisions and roles of a world.

use countersign_domain::world::OrganizationEntry;

use super::difference::{Difference, edit, edit_list, list};
use super::{ApplyError, Applying};
use crate::StoreError;
use crate::change::OrgWriter;
use crate::column::enforcement_name;
use crate::db::Transaction;
use crate::organization::NewOrganization;
use crate::role::{NewRole, RoleChange};

impl<'a> Applying<'a> {
    /// The organization, made or locked, with name and enforcement as in the file.
    pub(super) async fn open(
        &self,
        mut transaction: Transaction,
        entry: &'a OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<OrgWriter<'a>, ApplyError> {
        let author = self.author(&entry.id);
        if crate::organization::find_organization(&mut *transaction, &entry.id).await?.is_some() {
            let mut writer = OrgWriter::lock(transaction, author).await?;
            self.edit_organization(&mut writer, entry, difference).await?;
            return Ok(writer);
        }
        let new = NewOrganization {
            id: entry.id.clone(),
            name: entry.name.clone(),
            enforcement: entry.enforcement,
            home_division: entry.divisions[0].clone(),
        };
        let mut writer = OrgWriter::create(transaction, author, &new).await.map_err(made_meanwhile)?;
        writer.create_division(&new.home_division, true).await?;
        writer.authorize_console(&self.options.console_scopes).await?;
        writer.set_enforcement(entry.enforcement, entry.bounds_client_credentials).await?;
        let how = format!("`{}`, enforcement `{}`", entry.name, enforcement_name(entry.enforcement));
        difference.created(&entry.id, "organization".to_owned(), how);
        Ok(writer)
    }

    async fn edit_organization(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let before = writer.organization().await?;
        if before.name != entry.name {
            writer.rename_organization(&entry.name).await?;
        }
        let after = writer.set_enforcement(entry.enforcement, entry.bounds_client_credentials).await?;
        let how = [
            edit("name", &before.name, &entry.name),
            edit("enforcement", &enforcement_name(before.enforcement), &enforcement_name(after.enforcement)),
            edit("bounds client credentials", &before.bounds_client_credentials, &after.bounds_client_credentials),
        ];
        difference.changed(&entry.id, "organization".to_owned(), &how.into_iter().flatten().collect::<Vec<_>>());
        Ok(())
    }

    /// The first division of the file is home. A home that the file does not name at all is the same under another name.
    pub(super) async fn divisions(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let home_name = &entry.divisions[0];
        let before = writer.divisions().await?;
        let is_known = |name: &String| before.iter().any(|division| division.name == *name);
        let old_home = before.iter().find(|division| division.is_home && !entry.divisions.contains(&division.name));
        if let Some(old_home) = old_home.filter(|_| !is_known(home_name)) {
            writer.rename_division(old_home, home_name).await?;
            let how = [format!("renamed to `{home_name}`")];
            difference.changed(&entry.id, format!("division `{}`", old_home.name), &how);
        }

        let known = writer.divisions().await?;
        for name in entry.divisions.iter().filter(|name| !known.iter().any(|division| division.name == **name)) {
            writer.create_division(name, false).await?;
            difference.created(&entry.id, format!("division `{name}`"), String::new());
        }
        let divisions = writer.divisions().await?;
        let misplaced = divisions.iter().find(|division| division.name == *home_name && !division.is_home);
        if let Some(home) = misplaced {
            writer.move_home(home).await?;
            difference.changed(&entry.id, format!("division `{home_name}`"), &["is home".to_owned()]);
        }
        Ok(())
    }

    pub(super) async fn roles(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let before = writer.all_roles().await?;
        for role in &entry.roles {
            let what = format!("role `{}`", role.name);
            let Some(kept) = before.iter().find(|kept| kept.name == role.name) else {
                let (name, policies) = (role.name.clone(), role.policies.clone());
                let description = role.description.clone().unwrap_or_default();
                writer.create_role(&NewRole { name, description, policies }).await?;
                difference.created(&entry.id, what, list(&role.policies));
                continue;
            };
            let description = role.description.as_ref().unwrap_or(&kept.description);
            let how = [
                edit_list("permissions", &kept.policies, &role.policies),
                edit("description", &kept.description, description),
            ];
            let how: Vec<_> = how.into_iter().flatten().collect();
            if !how.is_empty() {
                let (description, policies) = (Some(description.clone()), Some(role.policies.clone()));
                writer.update_role(&kept.id, &RoleChange { name: None, description, policies }).await?;
            }
            difference.changed(&entry.id, what, &how);
        }
        Ok(())
    }

    pub(super) async fn prune_roles(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        for role in writer.all_roles().await? {
            if !entry.roles.iter().any(|kept| kept.name == role.name) {
                writer.delete_role(&role.id).await?;
                difference.removed(&entry.id, format!("role `{}`", role.name));
            }
        }
        Ok(())
    }

    pub(super) async fn prune_divisions(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        for division in writer.divisions().await? {
            if !entry.divisions.contains(&division.name) {
                writer.delete_division(&division).await?;
                difference.removed(&entry.id, format!("division `{}`", division.name));
            }
        }
        Ok(())
    }
}

/// Somebody else made the organization since it was looked for: from the start.
fn made_meanwhile(error: StoreError) -> StoreError {
    match error {
        StoreError::Conflict { what } => StoreError::lost_race(what.to_owned()),
        error => error,
    }
}
