//! Whose word the organizations of a world take about their people.

use std::collections::{BTreeMap, HashMap};

use countersign_domain::assertion_issuer::AssertionIssuer;
use countersign_domain::id::UserId;
use countersign_domain::world::{AssertionIssuerEntry, OrganizationEntry};

use super::difference::{Difference, edit};
use super::{ApplyError, Applying};
use crate::StoreError;
use crate::change::OrgWriter;

impl Applying<'_> {
    /// After the people that the entries name.
    pub(super) async fn issuers(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        if entry.assertion_issuers.is_empty() {
            return Ok(());
        }
        let before = writer.assertion_issuers().await?;
        let people = writer.people().await?;
        let ids: HashMap<String, &UserId> = people.iter().map(|(user, _)| (user.email.key(), &user.id)).collect();
        for wanted in &entry.assertion_issuers {
            let issuer = with_ids(entry, wanted, &ids)?;
            let what = format!("trusted issuer `{}`", issuer.issuer);
            let kept = before.iter().find(|kept| kept.issuer == issuer.issuer);
            if kept == Some(&issuer) {
                continue;
            }
            writer.set_assertion_issuer(&issuer, kept).await?;
            match kept {
                None => {
                    difference.created(&entry.id, what, format!("names people by `{}`", issuer.person_by.as_str()));
                }
                Some(kept) => {
                    let how = [
                        edit("names people by", &kept.person_by.as_str(), &issuer.person_by.as_str()),
                        (kept.jwks != issuer.jwks).then(|| "keys".to_owned()),
                        (kept.people != issuer.people).then(|| "people".to_owned()),
                    ];
                    difference.changed(&entry.id, what, &how.into_iter().flatten().collect::<Vec<_>>());
                }
            }
        }
        Ok(())
    }

    pub(super) async fn prune_issuers(
        &self,
        writer: &mut OrgWriter<'_>,
        entry: &OrganizationEntry,
        difference: &mut Difference,
    ) -> Result<(), ApplyError> {
        for issuer in writer.assertion_issuers().await? {
            if !entry.assertion_issuers.iter().any(|kept| kept.issuer == issuer.issuer) {
                writer.delete_assertion_issuer(&issuer).await?;
                difference.removed(&entry.id, format!("trusted issuer `{}`", issuer.issuer));
            }
        }
        Ok(())
    }
}

fn with_ids(
    entry: &OrganizationEntry,
    wanted: &AssertionIssuerEntry,
    ids: &HashMap<String, &UserId>,
) -> Result<AssertionIssuer, StoreError> {
    let mut people = BTreeMap::new();
    for (name, email) in &wanted.people {
        // the world names only users of the file, and these were made before
        let id = ids.get(&email.key()).ok_or(StoreError::NotFound { what: "user" })?;
        people.insert(name.clone(), (*id).clone());
    }
    let AssertionIssuerEntry { issuer, jwks, person_by, .. } = wanted.clone();
    Ok(AssertionIssuer { organization: entry.id.clone(), issuer, jwks, person_by, people })
}
