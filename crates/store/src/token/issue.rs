//! What is written when codes and tokens are issued: rows of several requests at once, in one transaction.
//!
//! A request that presents something (a code, a refresh token) has read it and decided before. Here it is claimed, by a write
//! that happens only where nothing of what was decided on has changed; else the request claims and decides again alone.

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::id::{OrganizationId, TokenFamilyId};
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::token::{AccessToken, RefreshToken, TokenFamily};
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection};

use crate::column::Columns;
use crate::db::{Database, Transaction};
use crate::rows::{Filling, Rows};
use crate::token::insert::{insert_access_tokens, insert_codes, insert_families, insert_refresh_tokens};
use crate::{StoreError, SystemStore};

/// What one request leaves behind.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Code(Box<AuthorizationCode>),
    Tokens(Box<Issue>),
}

/// New tokens.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    /// What it presented.
    pub(crate) claim: Claim,
    pub(crate) family: TokenFamily,
    pub(crate) access: AccessToken,
    pub(crate) refresh: Option<RefreshToken>,
    pub(crate) now: Timestamp,
}

/// What a request presented, as it was when it was decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing that anything is kept of: the family is new.
    Nothing,
    /// An authorization code that nobody had redeemed; the family is new.
    Code { digest: Digest, number: i64 },
    /// A refresh token that nobody had replaced, of a live family, and none of it was newer.
    Refresh { digest: Digest, generation: i64, number: i64, then: Then },
}

/// What becomes of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It ends then if it is not used.
    Keeps(Timestamp),
    /// It has been replaced.
    IsReplaced,
}

/// What became of a request's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is kept.
    Kept,
    /// Nothing was written: something that it was decided on has changed.
    Moved,
}

type FamilyKey<'i> = (&'i OrganizationId, &'i TokenFamilyId);

impl SystemStore<'_> {
    /// Keeps a family and its only token (client credentials).
    pub async fn save_tokens(&self, family: &TokenFamily, access: &AccessToken) -> Result<(), StoreError> {
        let (family, access) = (family.clone(), access.clone());
        let issue = Issue { claim: Claim::Nothing, family, access, refresh: None, now: self.now };
        self.database.keep(Part::Tokens(Box::new(issue))).await.map(drop)
    }
}

impl Issue {
    fn key(&self) -> FamilyKey<'_> {
        (&self.family.organization, &self.family.id)
    }

    fn is_of_new_family(&self) -> bool {
        !matches!(self.claim, Claim::Refresh { .. })
    }
}

/// Writes what requests leave behind and commits it, all in one transaction. A request whose part fails gets its failure;
/// the others are kept.
pub(crate) async fn commit(database: &Database, parts: &[&Part]) -> Vec<Result<Outcome, StoreError>> {
    if let [part] = parts {
        return vec![commit_one(database, part).await];
    }
    match database.write(|transaction| together(database, transaction, parts)).await {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        Err(failure) if failure.is_lost_race() => all(&failure, parts),
        Err(_) => match database.write(|transaction| one_by_one(database, transaction, parts)).await {
            Ok(outcomes) => outcomes,
            Err(failure) => all(&failure, parts),
        },
    }
}

/// It is nobody's own failure.
fn all(failure: &StoreError, parts: &[&Part]) -> Vec<Result<Outcome, StoreError>> {
    parts.iter().map(|_| Err(failure.for_one_of_many())).collect()
}

/// The same for one request.
pub(crate) async fn commit_one(database: &Database, part: &Part) -> Result<Outcome, StoreError> {
    let alone = [part];
    match database.write(|transaction| together(database, transaction, &alone)).await {
        Ok(outcomes) => Ok(outcomes[0]),
        Err(StoreError::Moved) => Ok(Outcome::Moved),
        Err(failure) => Err(failure),
    }
}

async fn together(
    database: &Database,
    mut transaction: Transaction,
    parts: &[&Part],
) -> Result<Vec<Outcome>, StoreError> {
    let outcomes = write(database, &mut transaction, parts).await?;
    transaction.commit().await?;
    Ok(outcomes)
}

/// Each behind a savepoint of its own.
async fn one_by_one(
    database: &Database,
    mut transaction: Transaction,
    parts: &[&Part],
) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
    let mut outcomes = Vec::with_capacity(parts.len());
    for part in parts {
        let mut savepoint = Connection::begin(&mut *transaction).await?;
        outcomes.push(match write(database, &mut savepoint, &[part]).await {
            Ok(written) => {
                savepoint.commit().await?;
                Ok(written[0])
            }
            Err(failure) => {
                savepoint.rollback().await?;
                match failure {
                    StoreError::Moved => Ok(Outcome::Moved),
                    failure => Err(failure),
                }
            }
        });
    }
    transaction.commit().await?;
    Ok(outcomes)
}

/// Writes all of it; `Moved` where it can be only one by one.
async fn write(
    database: &Database,
    connection: &mut AnyConnection,
    parts: &[&Part],
) -> Result<Vec<Outcome>, StoreError> {
    let codes = parts.iter().filter_map(|part| match part {
        Part::Code(code) => Some(&**code),
        Part::Tokens(_) => None,
    });
    insert_codes(connection, &codes.collect::<Vec<_>>()).await?;
    let issues = parts.iter().filter_map(|part| match part {
        Part::Code(_) => None,
        Part::Tokens(issue) => Some(&**issue),
    });
    let issues: Vec<&Issue> = issues.collect();
    let claimed = claim(database.authority_number(), connection, &issues).await?;
    let kept = || issues.iter().zip(&claimed).filter(|(_, is_claimed)| **is_claimed).map(|(issue, _)| *issue);
    let new = kept().filter(|issue| issue.is_of_new_family());
    insert_families(connection, &new.map(|issue| (&issue.family, issue.now)).collect::<Vec<_>>()).await?;
    insert_access_tokens(connection, &kept().map(|issue| (&issue.family, &issue.access)).collect::<Vec<_>>()).await?;
    let refresh = kept().filter_map(|issue| Some((&issue.family, issue.refresh.as_ref()?)));
    insert_refresh_tokens(connection, &refresh.collect::<Vec<_>>()).await?;
    let mut claimed = claimed.into_iter();
    let outcome = |part: &&Part| match part {
        Part::Tokens(_) if claimed.next() != Some(true) => Outcome::Moved,
        Part::Tokens(_) | Part::Code(_) => Outcome::Kept,
    };
    Ok(parts.iter().map(outcome).collect())
}

/// Claims what was presented; says for each whether it may go on.
async fn claim(number: i64, connection: &mut AnyConnection, issues: &[&Issue]) -> Result<Vec<bool>, StoreError> {
    let (mut codes, mut kept, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
    let (mut presented, mut families) = (BTreeSet::new(), BTreeSet::new());
    for (at, issue) in issues.iter().enumerate() {
        match &issue.claim {
            Claim::Nothing => {}
            // Authority has changed since: what the organization says is to be read again.
            Claim::Code { number: decided_at, .. } | Claim::Refresh { number: decided_at, .. }
                if *decided_at != number => {}
            // Of several with one code one is first, and the others come after it.
            Claim::Code { digest, .. } if presented.insert(digest.as_bytes()) => codes.push((at, digest)),
            Claim::Refresh { digest, then: Then::Keeps(until), .. } => kept.push((at, digest, *until)),
            // One of a family: the next would be decided differently.
            Claim::Refresh { digest, then: Then::IsReplaced, .. } if families.insert(issue.key()) => {
                replaced.push((at, digest));
            }
            Claim::Code { .. } | Claim::Refresh { .. } => {}
        }
    }
    let mut claimed: Vec<bool> = issues.iter().map(|issue| issue.claim == Claim::Nothing).collect();
    let client = |at: usize| issues[at].family.client.as_str();
    let got = claim_codes(connection, &codes, client).await?;
    codes.iter().for_each(|(at, digest)| claimed[*at] = got.contains(digest));
    let got = use_again(connection, &kept, client).await?;
    kept.iter().for_each(|(at, digest, _)| claimed[*at] = got.contains(digest));
    let now = |at: usize| issues[at].now;
    let got = replace(connection, &replaced, client, now).await?;
    replaced.iter().for_each(|(at, digest)| claimed[*at] = got.contains(digest));

    let renewing = issues.iter().zip(&claimed).filter(|(issue, is_claimed)| **is_claimed && !issue.is_of_new_family());
    lock_families(connection, &renewing.map(|(issue, _)| *issue).collect::<Vec<_>>()).await?;
    Ok(claimed)
}

/// Of any number of requests with one code, on any number of nodes, one gets it.
async fn claim_codes<'i>(
    connection: &mut AnyConnection,
    codes: &[(usize, &Digest)],
    client: impl Fn(usize) -> &'i str,
) -> Result<Vec<Digest>, StoreError> {
    static CLAIM: Rows = Rows::new(
        "UPDATE authorization_codes
            SET claims = claims + 1
          WHERE claims = 0
            AND (digest, client_id) IN (VALUES {rows})
         RETURNING digest",
        2,
    );
    let fill = |claim: Filling, (at, digest): &(usize, &Digest)| claim.bind(&digest.as_bytes()[..]).bind(client(*at));
    digests(&CLAIM.run(connection, codes, fill).await?)
}

/// Refresh tokens that stay.
async fn use_again<'i>(
    connection: &mut AnyConnection,
    tokens: &[(usize, &Digest, Timestamp)],
    client: impl Fn(usize) -> &'i str,
) -> Result<Vec<Digest>, StoreError> {
    static USE: Rows = Rows::new(
        "WITH used (of_digest, of_client, until) AS (VALUES {rows})
         UPDATE refresh_tokens
            SET uses = uses + 1,
                expires_at = used.until
           FROM used
          WHERE digest = used.of_digest
            AND client_id = used.of_client
            AND rotated_at IS NULL
         RETURNING digest",
        3,
    );
    let fill = |used: Filling, (at, digest, until): &(usize, &Digest, Timestamp)| {
        used.bind(&digest.as_bytes()[..]).bind(client(*at)).bind(until.as_micros())
    };
    digests(&USE.run(connection, tokens, fill).await?)
}

/// Refresh tokens that are replaced. Of any number of requests with one of them, on any number of nodes, one gets it.
async fn replace<'i>(
    connection: &mut AnyConnection,
    tokens: &[(usize, &Digest)],
    client: impl Fn(usize) -> &'i str,
    now: impl Fn(usize) -> Timestamp,
) -> Result<Vec<Digest>, StoreError> {
    static REPLACE: Rows = Rows::new(
        "WITH used (of_digest, of_client, at) AS (VALUES {rows})
         UPDATE refresh_tokens
            SET uses = uses + 1,
                rotated_at = used.at
           FROM used
          WHERE digest = used.of_digest
            AND client_id = used.of_client
            AND rotated_at IS NULL
         RETURNING digest",
        3,
    );
    let fill = |used: Filling, (at, digest): &(usize, &Digest)| {
        used.bind(&digest.as_bytes()[..]).bind(client(*at)).bind(now(*at).as_micros())
    };
    digests(&REPLACE.run(connection, tokens, fill).await?)
}

/// Renewals of one family take turns, and none goes on in a family that was ended or has a newer generation.
async fn lock_families(connection: &mut AnyConnection, issues: &[&Issue]) -> Result<(), StoreError> {
    static LOCK: Rows = Rows::new(
        "WITH used (of_org, of_family, at) AS (VALUES {rows})
         UPDATE token_families
            SET used_at = used.at
           FROM used
          WHERE org_id = used.of_org
            AND family_id = used.of_family
            AND revoked_at IS NULL
         RETURNING family_id",
        3,
    );
    static NEWEST: Rows = Rows::new(
        "SELECT family_id, MAX(generation) AS newest
           FROM refresh_tokens
          WHERE (org_id, family_id) IN (VALUES {rows})
          GROUP BY org_id, family_id",
        2,
    );
    let families: BTreeMap<FamilyKey<'_>, &Issue> = issues.iter().map(|issue| (issue.key(), *issue)).collect();
    let families: Vec<&Issue> = families.into_values().collect();
    let lock = |used: Filling, issue: &&Issue| {
        used.bind(issue.family.organization.as_str()).bind(issue.family.id.as_str()).bind(issue.now.as_micros())
    };
    if LOCK.run(connection, &families, lock).await?.len() < families.len() {
        return Err(StoreError::Moved);
    }
    let newest = |newest: Filling, issue: &&Issue| {
        newest.bind(issue.family.organization.as_str()).bind(issue.family.id.as_str())
    };
    let rows = NEWEST.run(connection, &families, newest).await?;
    let newest = rows.iter().map(|row| Ok((row.id("family_id")?, row.number("newest")?)));
    let newest = newest.collect::<Result<BTreeMap<TokenFamilyId, i64>, StoreError>>()?;
    let is_newest = |issue: &&Issue| match issue.claim {
        Claim::Refresh { generation, .. } => newest.get(&issue.family.id) == Some(&generation),
        Claim::Nothing | Claim::Code { .. } => true,
    };
    if issues.iter().all(is_newest) { Ok(()) } else { Err(StoreError::Moved) }
}

fn digests(rows: &[AnyRow]) -> Result<Vec<Digest>, StoreError> {
    rows.iter().map(|row| row.digest("digest")).collect()
}
