//! Users of a world: found by their e-mail address.

use std::collections::HashMap;

use countersign_domain::id::RoleId;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::SecretHash;
use countersign_domain::user::{User, UserState};
use countersign_domain::world::{OrganizationEntry, UserEntry};

use super::difference::{Difference, edit, edit_list, list};
use super::{ApplyError, Applying, Names};
use crate::change::OrgWriter;
use crate::user::{NewUser, UserChange};

impl Applying<'_> {
    pub(super) async fn people(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        let names = Names::read(writer).await?;
        let people = writer.people().await?;
        let kept: HashMap<_, _> = people.iter().map(|(user, hash)| (user.email.key(), (user, hash.as_ref()))).collect();
        let mut assignments = writer.all_assignments().await?;
        for user in &entry.users {
            let wanted = names.assignments(&user.roles);
            let password = self.passwords.of_user(&entry.id, &user.email.key());
            match kept.get(&user.email.key()) {
                None => {
                    let made = writer.create_user(&new_user(user, password)).await?;
                    writer.set_assignments(&Assignee::User(made.id), &wanted).await?;
                    let how = format!("roles {}", list(&labels(&names, &wanted)));
                    difference.created(&entry.id, format!("user `{}`", user.email), how);
                }
                Some((kept, hash)) => {
                    let mut how = edit_user(writer, user, kept).await?;
                    if let Some(password) = password.filter(|password| *hash != Some(*password)) {
                        writer.set_password(&kept.id, Some(password)).await?;
                        how.push("password".to_owned());
                    }
                    let held = assignments.remove(kept.id.as_str()).unwrap_or_default();
                    how.extend(edit_list("roles", &labels(&names, &held), &labels(&names, &wanted)));
                    if !is_same(&held, &wanted) {
                        writer.set_assignments(&Assignee::User(kept.id.clone()), &wanted).await?;
                    }
                    difference.changed(&entry.id, format!("user `{}`", user.email), &how);
                }
            }
        }
        Ok(())
    }

    pub(super) async fn prune_people(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        for (user, _) in writer.people().await? {
            if !entry.users.iter().any(|kept| kept.email == user.email) {
                writer.delete_user(&user.id).await?;
                difference.removed(&entry.id, format!("user `{}`", user.email));
            }
        }
        Ok(())
    }
}

fn new_user(user: &UserEntry, password: Option<&SecretHash>) -> NewUser {
    NewUser {
        name: user.name.clone(),
        email: user.email.clone(),
        division: None,
        department: None,
        title: None,
        state: user.state.unwrap_or(UserState::Active),
        password: password.cloned(),
    }
}

/// Name, state, and how the e-mail address is written.
async fn edit_user(writer: &mut OrgWriter<'_>, user: &UserEntry, kept: &User) -> Result<Vec<String>, ApplyError> {
    let state = user.state.unwrap_or(kept.state);
    let how = [
        edit("name", &kept.name, &user.name),
        edit("e-mail address", &kept.email.as_str(), &user.email.as_str()),
        edit("state", &kept.state.as_str(), &state.as_str()),
    ];
    let how: Vec<_> = how.into_iter().flatten().collect();
    if !how.is_empty() {
        let change = UserChange {
            name: Some(user.name.clone()),
            email: Some(user.email.clone()),
            state: Some(state),
            ..UserChange::default()
        };
        writer.update_user(&kept.id, &change).await?;
    }
    Ok(how)
}

/// Whether both give the same roles in the same divisions.
pub(super) fn is_same(held: &[(RoleId, DivisionScope)], wanted: &[(RoleId, DivisionScope)]) -> bool {
    held.len() == wanted.len() && held.iter().all(|one| wanted.contains(one))
}

/// `Admin` or `Admin in Sales`.
pub(super) fn labels(names: &Names, assignments: &[(RoleId, DivisionScope)]) -> Vec<String> {
    let division = |scope: &DivisionScope| names.divisions.iter().find(|(_, known)| *known == scope);
    let label = |(role, scope): &(RoleId, DivisionScope)| match division(scope) {
        Some((name, _)) => format!("{} in {name}", names.role_name(role)),
        None => names.role_name(role).to_owned(),
    };
    assignments.iter().map(label).collect()
}
