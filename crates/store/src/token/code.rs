//! Authorization codes. The claim is one conditional `UPDATE … RETURNING` that binds the client (C09) and that one of any
//! number of claimers wins (C14).

use countersign_domain::entropy::Entropy;
use countersign_domain::id::ClientId;
use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::token::{AccessToken, RefreshToken, TokenFamily};
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::change::Author;
use crate::column::Columns;
use crate::db::Transaction;
use crate::token::family::{end_family, optional_session, thumbprint};
use crate::token::insert::insert_tokens;
use crate::token::issue::{Claim, Issue, Outcome, Part};
use crate::token::standing::{ClaimStanding, read_standing};
use crate::{StoreError, SystemStore, SystemTask};

/// An authorization code in the claimer's hands. It holds a write transaction: decide at once (no password hashing, no
/// network), then save or revoke. Dropped, nothing happened and the code is as it was.
pub struct CodeClaim<'s> {
    transaction: Transaction,
    record: AuthorizationCode,
    is_replay: bool,
    task: SystemTask,
    now: Timestamp,
    entropy: &'s dyn Entropy,
}

impl CodeClaim<'_> {
    /// What was kept of the code. Whether it is expired is for the caller to judge.
    pub fn record(&self) -> &AuthorizationCode {
        &self.record
    }

    /// Whether the code was redeemed before: then only `revoke_family` (or dropping) is left (C11, C12).
    pub fn is_replay(&self) -> bool {
        self.is_replay
    }

    /// The code's organization, user and authorization, in the claim's transaction.
    pub async fn standing(&mut self) -> Result<ClaimStanding, StoreError> {
        let AuthorizationCode { organization, client, user, .. } = &self.record;
        read_standing(&mut self.transaction, organization, client, Some(user)).await
    }

    /// Redeems the code: keeps the family and its first tokens.
    ///
    /// # Errors
    /// `Conflict` for a replay, `Invalid` for a family that is not the code's.
    pub async fn save(
        mut self,
        family: &TokenFamily,
        access: &AccessToken,
        refresh: Option<&RefreshToken>,
    ) -> Result<(), StoreError> {
        if self.is_replay {
            return Err(StoreError::Conflict { what: "the code was redeemed before" });
        }
        if !is_of_code(family, &self.record) {
            return Err(not_of_code());
        }
        insert_tokens(&mut self.transaction, family, access, refresh, self.now).await?;
        self.transaction.commit().await
    }

    /// Ends every token of the code's family; `why` goes to the audit record.
    pub async fn revoke_family(mut self, why: &str) -> Result<(), StoreError> {
        let (organization, actor) = (&self.record.organization, &self.task.actor());
        let author = Author { organization, actor, now: self.now, entropy: self.entropy };
        end_family(&mut self.transaction, &author, &self.record.family, why).await?;
        self.transaction.commit().await
    }
}

impl<'s> SystemStore<'s> {
    /// Keeps a new code.
    pub async fn save_code(&self, code: &AuthorizationCode) -> Result<(), StoreError> {
        self.database.keep(Part::Code(Box::new(code.clone()))).await.map(drop)
    }

    /// What is kept of a code that nobody has redeemed, without claiming it; `None` for anybody but the client it was issued to.
    pub async fn unclaimed_code(
        &self,
        digest: &Digest,
        client: &ClientId,
    ) -> Result<Option<AuthorizationCode>, StoreError> {
        let row = sqlx::query(
            "SELECT digest, org_id, client_id, user_id, family_id, redirect_uri, code_challenge, resources, dpop_key,
                    ceiling, session_id, identity, authenticated_at, acr, issued_at, expires_at
               FROM authorization_codes
              WHERE digest = $1
                AND client_id = $2
                AND claims = 0",
        )
        .bind(&digest.as_bytes()[..])
        .bind(client.as_str())
        .fetch_optional(self.database.readers())
        .await?;
        row.as_ref().map(code).transpose()
    }

    /// Claims a code and keeps its family and first tokens, as was decided when authority had that `number`; `false` where
    /// somebody was faster or authority has changed since: then nothing happened.
    ///
    /// # Errors
    /// `Invalid` for a family that is not the code's.
    pub async fn redeem_code(
        &self,
        (record, number): (&AuthorizationCode, i64),
        family: TokenFamily,
        access: AccessToken,
        refresh: Option<RefreshToken>,
    ) -> Result<bool, StoreError> {
        if !is_of_code(&family, record) {
            return Err(not_of_code());
        }
        let claim = Claim::Code { digest: record.digest, number };
        let issue = Issue { claim, family, access, refresh, now: self.now };
        Ok(self.database.keep(Part::Tokens(Box::new(issue))).await? == Outcome::Kept)
    }

    /// Claims a code for the client it was issued to; `None` for anybody else, and the code stays usable (C09).
    pub async fn claim_code(&self, digest: &Digest, client: &ClientId) -> Result<Option<CodeClaim<'s>>, StoreError> {
        let claimed = self
            .database
            .write(|mut transaction| async move {
                let row = sqlx::query(
                    "UPDATE authorization_codes
                        SET claims = claims + 1
                      WHERE digest = $1
                        AND client_id = $2
                     RETURNING digest, org_id, client_id, user_id, family_id, redirect_uri, code_challenge, resources,
                               dpop_key, ceiling, session_id, identity, authenticated_at, acr, issued_at, expires_at,
                               claims",
                )
                .bind(&digest.as_bytes()[..])
                .bind(client.as_str())
                .fetch_optional(&mut *transaction)
                .await?;
                Ok(row.map(|row| (transaction, row)))
            })
            .await?;
        let Some((transaction, row)) = claimed else {
            return Ok(None);
        };
        Ok(Some(CodeClaim {
            transaction,
            record: code(&row)?,
            is_replay: row.number("claims")? > 1,
            task: self.task,
            now: self.now,
            entropy: self.entropy,
        }))
    }
}

fn is_of_code(family: &TokenFamily, code: &AuthorizationCode) -> bool {
    (&family.id, &family.organization, &family.client) == (&code.family, &code.organization, &code.client)
}

fn not_of_code() -> StoreError {
    StoreError::Invalid { what: "the family is not the code's".to_owned() }
}

fn code(row: &AnyRow) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        digest: row.digest("digest")?,
        organization: row.id("org_id")?,
        client: row.id("client_id")?,
        user: row.id("user_id")?,
        family: row.id("family_id")?,
        redirect_uri: row.optional_text("redirect_uri")?,
        code_challenge: row.optional_text("code_challenge")?,
        resources: row.json("resources")?,
        dpop_key: thumbprint(row, "dpop_key")?,
        ceiling: row.optional_json("ceiling")?,
        session: optional_session(row)?,
        identity: row.optional_json("identity")?,
        authentication: Authentication { at: row.instant("authenticated_at")?, acr: row.text("acr")? },
        issued_at: row.instant("issued_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
