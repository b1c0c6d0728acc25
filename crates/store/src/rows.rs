//! Statements about many rows at once: one visit to the database for all of them.
//!
//! A text is made for 16, 8, 4, 2 and 1 rows, so that a connection keeps each prepared, and so many rows are taken apart into
//! these.

use std::sync::{Arc, OnceLock};

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use crate::error::StoreError;

/// Rows of the texts, the longest first. Looking a place up in SQLite takes as long as there are places, so more is slower.
const SIZES: [usize; 5] = [16, 8, 4, 2, 1];

/// A statement being filled in.
pub(crate) type Filling = Query<'static, Any, AnyArguments>;

/// A statement about any number of rows.
pub(crate) struct Rows {
    /// With `{rows}` where `($1, $2), ($3, $4)` goes.
    pattern: &'static str,
    /// The places of one row.
    columns: usize,
    texts: [OnceLock<Arc<str>>; SIZES.len()],
}

impl Rows {
    /// In `pattern`, `{rows}` stands for rows of so many `columns`.
    pub(crate) const fn new(pattern: &'static str, columns: usize) -> Self {
        Self { pattern, columns, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// Runs the statement for all `rows`, whose values `fill` binds in order; the rows that come back.
    pub(crate) async fn run<T>(
        &'static self,
        connection: &mut AnyConnection,
        mut rows: &[T],
        fill: impl Fn(Filling, &T) -> Filling,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let mut returned = Vec::new();
        while !rows.is_empty() {
            let (size, text) = self.longest(rows.len());
            let (now, later) = rows.split_at(size);
            let filled = now.iter().fold(sqlx::query(AssertSqlSafe(text)), &fill);
            returned.extend(filled.fetch_all(&mut *connection).await?);
            rows = later;
        }
        Ok(returned)
    }

    /// The text for as many of `rows` as one text can be about.
    fn longest(&self, rows: usize) -> (usize, Arc<str>) {
        let at = SIZES.iter().position(|size| *size <= rows).unwrap_or(SIZES.len() - 1);
        let size = SIZES[at];
        (size, Arc::clone(self.texts[at].get_or_init(|| self.text(size).into())))
    }

    fn text(&self, rows: usize) -> String {
        let row = |row: usize| {
            let places: Vec<String> =
                (1..=self.columns).map(|column| format!("${}", row * self.columns + column)).collect();
            format!("({})", places.join(", "))
        };
        self.pattern.replace("{rows}", &(0..rows).map(row).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static PAIRS: Rows = Rows::new("VALUES {rows} LIMIT 5", 2);

    #[test]
    fn a_text_has_a_place_for_each_value() {
        assert_eq!(PAIRS.text(1), "VALUES ($1, $2) LIMIT 5");
        assert_eq!(PAIRS.text(3), "VALUES ($1, $2), ($3, $4), ($5, $6) LIMIT 5");
    }

    #[test]
    fn rows_are_taken_apart_into_texts_that_are_kept() {
        for (rows, expected) in [(1, 1), (3, 2), (15, 8), (16, 16), (64, 16)] {
            assert_eq!(PAIRS.longest(rows).0, expected, "{rows}");
        }
    }
}
