//! What can be used once: kept here and not in memory, so that a replay is known on every node and after a restart (C25,
//! C61).

use countersign_domain::oauth::used_proof::UsedProof;

use crate::{StoreError, SystemStore};

impl SystemStore<'_> {
    /// Claims the one use of a proof; `false` when it was used before. Of any number of claimers one is first.
    pub async fn claim_proof(&self, proof: &UsedProof) -> Result<bool, StoreError> {
        let claimed = sqlx::query("INSERT INTO used_proofs (digest, until) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&proof.digest.as_bytes()[..])
            .bind(proof.until.as_micros())
            .execute(self.database.writer())
            .await?;
        Ok(claimed.rows_affected() == 1)
    }
}
