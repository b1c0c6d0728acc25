//! How often somebody may enter a wrong user code (RFC 8628 §5.1, checklist C47): five times in a row, then a minute's wait;
//! ten times, then until every code that could have been guessed at has ended. Counted in the database, for all nodes.
//!
//! Counted for the person wherever they are, and for the address whoever is there. A right code takes back its own try and
//! nothing else: anybody can make codes of their own, and would else guess for ever.

use std::net::IpAddr;

use countersign_domain::id::UserId;
use countersign_domain::oauth::device_authorization::DEVICE_CODE_SECONDS;
use countersign_domain::secret::Digest;
use countersign_store::tries::Limited;
use countersign_store::{StoreError, SystemStore};

use crate::oauth::attempts::{TooManyAttempts, neighbourhood};

/// So many in a row, and in how many seconds they are forgotten.
const LIMITS: [(i64, i64); 2] = [(5, 60), (10, DEVICE_CODE_SECONDS)];

/// One try that was counted; take it back when it was right.
#[must_use = "a try that was right must be taken back"]
#[derive(Debug)]
pub struct UserCodeAttempt([Limited; 4]);

impl UserCodeAttempt {
    /// Counts a try of `user` at `address`. A try that is refused is none.
    pub async fn begin(
        store: &SystemStore<'_>,
        user: &UserId,
        address: IpAddr,
    ) -> Result<Result<Self, TooManyAttempts>, StoreError> {
        let limited = |counted: String, (most, wait_seconds): (i64, i64)| {
            let digest = Digest::of(format!("user code {most} {counted}").as_bytes());
            Limited { digest, most, wait_seconds }
        };
        let [few, many] = LIMITS.map(|limit| {
            [limited(format!("of {user}"), limit), limited(format!("from {}", neighbourhood(address)), limit)]
        });
        let tries = [few[0], few[1], many[0], many[1]];
        let counted = store.count_try(&tries).await?;
        Ok(counted.map(|()| Self(tries)).map_err(|wait_seconds| TooManyAttempts { wait_seconds }))
    }

    /// The code was right.
    pub async fn take_back(self, store: &SystemStore<'_>) -> Result<(), StoreError> {
        store.take_try_back(&self.0).await
    }
}
