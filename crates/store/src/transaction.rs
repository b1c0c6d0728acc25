//! A transaction that knows whether it changed what anybody may do, so that this node forgets what it remembered the moment
//! the change is committed, and others when they next look at the number.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::{Any, AnyConnection};

use crate::column::Columns;
use crate::error::StoreError;

/// The last number that this node knows of the changes of authority.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuthorityNumber(Arc<AtomicI64>);

impl AuthorityNumber {
    pub(crate) fn known(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    /// It never goes back: who commits and who looks may come in any order.
    pub(crate) fn learn(&self, number: i64) {
        self.0.fetch_max(number, Ordering::AcqRel);
    }
}

/// A write or read in progress; dropped, it is rolled back.
pub(crate) struct Transaction {
    inner: sqlx::Transaction<'static, Any>,
    authority: AuthorityNumber,
    /// The number that this transaction's own change has.
    changed: Option<i64>,
}

impl Transaction {
    pub(crate) fn new(inner: sqlx::Transaction<'static, Any>, authority: AuthorityNumber) -> Self {
        Self { inner, authority, changed: None }
    }

    /// Says that a token ends, or something changes that decisions depend on. The last statement of a change: whoever
    /// changes anything waits here for whoever did so before.
    pub(crate) async fn authority_changes(&mut self) -> Result<(), StoreError> {
        let row = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'authority' RETURNING value")
            .fetch_one(&mut *self.inner)
            .await?;
        self.changed = Some(row.number("value")?);
        Ok(())
    }

    /// Commits. When this returns, nothing that this node remembered before counts, if authority changed.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await?;
        if let Some(number) = self.changed {
            self.authority.learn(number);
        }
        Ok(())
    }

    /// Undoes everything.
    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}

impl Deref for Transaction {
    type Target = AnyConnection;
    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}
