//! Device codes (RFC 8628): polled by their client, answered once by a person, redeemed once. Each claim is one conditional
//! `UPDATE … RETURNING` that binds the client (C48).

use countersign_domain::entropy::Entropy;
use countersign_domain::id::ClientId;
use countersign_domain::oauth::device_authorization::{
    DEVICE_CODE_MEMORY_SECONDS, DeviceApproval, DeviceCode, DeviceRequest, Verdict,
};
use countersign_domain::oauth::token::{AccessToken, RefreshToken, TokenFamily};
use countersign_domain::secret::Digest;
use countersign_domain::time::Timestamp;
use sqlx::any::AnyRow;

use crate::change::Author;
use crate::column::{Columns, json_text};
use crate::db::Transaction;
use crate::token::family::{authentication, ceiling_text, end_family, thumbprint};
use crate::token::insert::insert_tokens;
use crate::token::standing::{ClaimStanding, read_standing};
use crate::{StoreError, SystemStore, SystemTask};

/// Most device codes of one client that can be entered at the same time.
pub const MAX_WAITING_DEVICES: i64 = 1_000;
/// How often one user code can be entered (C47): a code that is sent to many people lets in few.
pub const MAX_OPENINGS: i64 = 10;

/// What became of a new device code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceCodeSaved {
    /// It is kept.
    Kept,
    /// Another one has its user code: make a new one.
    UserCodeTaken,
    /// Too many of its client wait already.
    TooMany,
}

/// A device code in the claimer's hands. It holds a write transaction: decide at once, then save, wait or revoke. Dropped,
/// nothing happened.
pub struct DeviceCodeClaim<'s> {
    transaction: Transaction,
    record: DeviceCode,
    last_polled_at: Option<Timestamp>,
    is_replay: bool,
    task: SystemTask,
    now: Timestamp,
    entropy: &'s dyn Entropy,
}

impl DeviceCodeClaim<'_> {
    /// What was kept of the code. Whether it is expired is for the caller to judge.
    pub fn record(&self) -> &DeviceCode {
        &self.record
    }

    /// When it was presented before.
    pub fn last_polled_at(&self) -> Option<Timestamp> {
        self.last_polled_at
    }

    /// Whether the code was redeemed before: then only `revoke_family` (or dropping) is left.
    pub fn is_replay(&self) -> bool {
        self.is_replay
    }

    /// Organization, user and authorization of whoever let the device in, in the claim's transaction; `None` where nobody
    /// has.
    pub async fn standing(&mut self) -> Result<Option<ClaimStanding>, StoreError> {
        let Verdict::Approved(approval) = &self.record.verdict else { return Ok(None) };
        let DeviceApproval { organization, user, .. } = &**approval;
        read_standing(&mut self.transaction, organization, &self.record.client, Some(user)).await.map(Some)
    }

    /// Nobody has answered: remembers that the device asked, and how long it must wait from now on.
    pub async fn wait(mut self, interval_seconds: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE device_codes SET interval_seconds = $2 WHERE digest = $1")
            .bind(&self.record.digest.as_bytes()[..])
            .bind(interval_seconds)
            .execute(&mut *self.transaction)
            .await?;
        self.transaction.commit().await
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
            return Err(StoreError::Conflict { what: "the device code was redeemed before" });
        }
        let approval = self.record.verdict.approval();
        let is_of_code = approval.is_some_and(|approval| {
            (&family.id, &family.organization, &family.client)
                == (&approval.family, &approval.organization, &self.record.client)
        });
        if !is_of_code {
            return Err(StoreError::Invalid { what: "the family is not the device code's".to_owned() });
        }
        insert_tokens(&mut self.transaction, family, access, refresh, self.now).await?;
        self.transaction.commit().await
    }

    /// Ends every token of the code's family; `why` goes to the audit record.
    pub async fn revoke_family(mut self, why: &str) -> Result<(), StoreError> {
        let Some(approval) = self.record.verdict.approval() else { return Ok(()) };
        let (organization, actor) = (&approval.organization, &self.task.actor());
        let author = Author { organization, actor, now: self.now, entropy: self.entropy };
        end_family(&mut self.transaction, &author, &approval.family, why).await?;
        self.transaction.commit().await
    }
}

impl<'s> SystemStore<'s> {
    /// Keeps a new device code, unless too many of its client wait or its user code is taken.
    pub async fn save_device_code(&self, code: &DeviceCode) -> Result<DeviceCodeSaved, StoreError> {
        let waiting =
            sqlx::query("SELECT COUNT(*) AS waiting FROM device_codes WHERE client_id = $1 AND expires_at > $2")
                .bind(code.client.as_str())
                .bind(self.now.as_micros())
                .fetch_one(self.database.readers())
                .await?;
        if waiting.number("waiting")? >= MAX_WAITING_DEVICES {
            return Ok(DeviceCodeSaved::TooMany);
        }
        let saved = sqlx::query(
            "INSERT INTO device_codes (digest, user_code, client_id, protocol_scopes, scopes, resources, dpop_key,
                                       interval_seconds, openings, claims, org_id, issued_at, expires_at, forget_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, NULL, $9, $10, $11)
             ON CONFLICT DO NOTHING",
        )
        .bind(&code.digest.as_bytes()[..])
        .bind(&code.user_code.as_bytes()[..])
        .bind(code.client.as_str())
        .bind(json_text(&code.request.protocol_scopes))
        .bind(ceiling_text(code.request.scopes.as_deref()))
        .bind(json_text(&code.request.resources))
        .bind(code.request.dpop_key.map(String::from))
        .bind(code.interval_seconds)
        .bind(code.issued_at.as_micros())
        .bind(code.expires_at.as_micros())
        .bind(code.expires_at.plus_seconds(DEVICE_CODE_MEMORY_SECONDS).as_micros())
        .execute(self.database.writer())
        .await?;
        Ok(if saved.rows_affected() == 1 { DeviceCodeSaved::Kept } else { DeviceCodeSaved::UserCodeTaken })
    }

    /// Opens a code that waits for a person, by the user code that was entered; `None` for an unknown, an answered, an ended
    /// one, and one that was entered too often (C47).
    pub async fn open_device_code(&self, user_code: &Digest) -> Result<Option<DeviceCode>, StoreError> {
        let row = sqlx::query(
            "UPDATE device_codes
                SET openings = openings + 1
              WHERE user_code = $1
                AND expires_at > $2
                AND openings < $3
                AND denied_at IS NULL
                AND org_id IS NULL
             RETURNING digest, user_code, client_id, protocol_scopes, scopes, resources, dpop_key, interval_seconds,
                       denied_at, org_id, user_id, family_id, ceiling, identity, authenticated_at, acr, issued_at,
                       expires_at",
        )
        .bind(&user_code.as_bytes()[..])
        .bind(self.now.as_micros())
        .bind(MAX_OPENINGS)
        .fetch_optional(self.database.writer())
        .await?;
        row.as_ref().map(device_code).transpose()
    }

    /// A code that was opened and still waits for a person.
    pub async fn opened_device_code(&self, user_code: &Digest) -> Result<Option<DeviceCode>, StoreError> {
        let row = sqlx::query(
            "SELECT digest, user_code, client_id, protocol_scopes, scopes, resources, dpop_key, interval_seconds,
                    denied_at, org_id, user_id, family_id, ceiling, identity, authenticated_at, acr, issued_at,
                    expires_at
               FROM device_codes
              WHERE user_code = $1
                AND expires_at > $2
                AND openings > 0
                AND denied_at IS NULL
                AND org_id IS NULL",
        )
        .bind(&user_code.as_bytes()[..])
        .bind(self.now.as_micros())
        .fetch_optional(self.database.readers())
        .await?;
        row.as_ref().map(device_code).transpose()
    }

    /// A person lets a device in: once, and only while nobody has answered.
    pub async fn approve_device_code(&self, code: &Digest, approval: &DeviceApproval) -> Result<bool, StoreError> {
        let approved = sqlx::query(
            "UPDATE device_codes
                SET org_id = $3, user_id = $4, family_id = $5, ceiling = $6, identity = $7, authenticated_at = $8, acr = $9
              WHERE digest = $1
                AND expires_at > $2
                AND denied_at IS NULL
                AND org_id IS NULL",
        )
        .bind(&code.as_bytes()[..])
        .bind(self.now.as_micros())
        .bind(approval.organization.as_str())
        .bind(approval.user.as_str())
        .bind(approval.family.as_str())
        .bind(ceiling_text(approval.ceiling.as_deref()))
        .bind(approval.identity.as_ref().map(json_text))
        .bind(approval.authentication.as_ref().map(|authentication| authentication.at.as_micros()))
        .bind(approval.authentication.as_ref().map(|authentication| &*authentication.acr))
        .execute(self.database.writer())
        .await?;
        Ok(approved.rows_affected() == 1)
    }

    /// A person turns a device away, while nobody has answered.
    pub async fn deny_device_code(&self, code: &Digest) -> Result<bool, StoreError> {
        let denied = sqlx::query(
            "UPDATE device_codes
                SET denied_at = $2
              WHERE digest = $1
                AND expires_at > $2
                AND denied_at IS NULL
                AND org_id IS NULL",
        )
        .bind(&code.as_bytes()[..])
        .bind(self.now.as_micros())
        .execute(self.database.writer())
        .await?;
        Ok(denied.rows_affected() == 1)
    }

    /// Claims a device code for the client it was issued to; `None` for anybody else.
    pub async fn claim_device_code(
        &self,
        digest: &Digest,
        client: &ClientId,
    ) -> Result<Option<DeviceCodeClaim<'s>>, StoreError> {
        let claimed = self
            .database
            .write(|mut transaction| async move {
                let row = sqlx::query(
                    "UPDATE device_codes
                        SET claims = claims + CASE WHEN org_id IS NULL THEN 0 ELSE 1 END,
                            polled_before_at = polled_at,
                            polled_at = $3
                      WHERE digest = $1
                        AND client_id = $2
                     RETURNING digest, user_code, client_id, protocol_scopes, scopes, resources, dpop_key,
                               interval_seconds, polled_before_at, claims, denied_at, org_id, user_id, family_id, ceiling,
                               identity, authenticated_at, acr, issued_at, expires_at",
                )
                .bind(&digest.as_bytes()[..])
                .bind(client.as_str())
                .bind(self.now.as_micros())
                .fetch_optional(&mut *transaction)
                .await?;
                Ok(row.map(|row| (transaction, row)))
            })
            .await?;
        let Some((transaction, row)) = claimed else {
            return Ok(None);
        };
        Ok(Some(DeviceCodeClaim {
            transaction,
            record: device_code(&row)?,
            last_polled_at: row.optional_instant("polled_before_at")?,
            is_replay: row.number("claims")? > 1,
            task: self.task,
            now: self.now,
            entropy: self.entropy,
        }))
    }
}

fn device_code(row: &AnyRow) -> Result<DeviceCode, StoreError> {
    let request = DeviceRequest {
        protocol_scopes: row.json("protocol_scopes")?,
        scopes: row.optional_json("scopes")?,
        resources: row.json("resources")?,
        dpop_key: thumbprint(row, "dpop_key")?,
    };
    Ok(DeviceCode {
        digest: row.digest("digest")?,
        user_code: row.digest("user_code")?,
        client: row.id("client_id")?,
        request,
        verdict: verdict(row)?,
        interval_seconds: row.number("interval_seconds")?,
        issued_at: row.instant("issued_at")?,
        expires_at: row.instant("expires_at")?,
    })
}

fn verdict(row: &AnyRow) -> Result<Verdict, StoreError> {
    if row.optional_instant("denied_at")?.is_some() {
        return Ok(Verdict::Denied);
    }
    if row.optional_text("org_id")?.is_none() {
        return Ok(Verdict::Pending);
    }
    Ok(Verdict::Approved(Box::new(DeviceApproval {
        organization: row.id("org_id")?,
        user: row.id("user_id")?,
        family: row.id("family_id")?,
        ceiling: row.optional_json("ceiling")?,
        identity: row.optional_json("identity")?,
        authentication: authentication(row)?,
    })))
}
