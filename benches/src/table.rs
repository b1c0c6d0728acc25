//! Plain tables, as they stand in the README.

use std::fmt;

/// Rows of text under headings; the first column is set to the left, the others to the right.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&text| text.to_owned()).collect()] }
    }

    pub(crate) fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let length = |text: &String| text.chars().count();
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(formatter, "| {cell:<width$} |")?,
                    _ => write!(formatter, " {cell:>width$} |")?,
                }
            }
            writeln!(formatter)?;
            if index == 0 {
                let rules = widths.iter().enumerate().map(|(column, width)| {
                    if column == 0 { format!("{:-<1$}", "", width + 2) } else { format!("{:-<1$}:", "", width + 1) }
                });
                writeln!(formatter, "|{}|", rules.collect::<Vec<_>>().join("|"))?;
            }
        }
        Ok(())
    }
}

/// A number of nanoseconds, with thousands set apart.
pub(crate) fn nanos(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many times as much.
pub(crate) fn times(value: f64) -> String {
    match value {
        value if !value.is_finite() => "-".into(),
        value if value < 10.0 => format!("{value:.2}"),
        value => nanos(value),
    }
}

/// Whether a target is met.
pub(crate) fn verdict(is_met: bool) -> String {
    if is_met { "met".into() } else { "NOT MET".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0.4, 999.0, 1_000.0, 1_234_567.0, f64::NAN].map(nanos),
            ["0", "999", "1,000", "1,234,567", "-"].map(str::to_owned)
        );
    }

    #[test]
    fn columns_have_one_width() {
        let mut table = Table::new(&["what", "ns"]);
        table.row(["a".into(), "1,000".into()]);
        assert_eq!(table.to_string(), "| what |    ns |\n|------|------:|\n| a    | 1,000 |\n");
    }
}
