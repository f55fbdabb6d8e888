//! A table of plain text: columns as wide as their widest cell, two blanks between them.

use std::{
    fmt::Display,
    io::{self, Write},
};

use unicode_width::UnicodeWidthStr;

use crate::domain::text::one_line;

/// How tables are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Below one another, under headings.
    #[default]
    Columns,
    /// A line for each row, in which each cell stands behind its heading: for whoever hears it.
    Lines,
}

impl Layout {
    /// The one for whoever asked for lines.
    pub fn of(linear: bool) -> Self {
        if linear { Self::Lines } else { Self::Columns }
    }
}

/// Prints what stands under a label, further in than the line that it belongs to; for whoever hears it, behind its label.
pub fn labelled(layout: Layout, label: &str, text: impl Display, out: &mut dyn Write) -> io::Result<()> {
    match layout {
        Layout::Columns => writeln!(out, "  {label:<6}  {text}"),
        Layout::Lines => writeln!(out, "{label}: {text}"),
    }
}

/// Rows of cells under a heading.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings and no rows.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row. Cells are cleaned here: what is printed must be as wide as what was measured.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| one_line(&cell)).collect());
    }

    /// Has it no rows under the headings?
    pub fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// Prints it as it is wanted.
    pub fn print_as(&self, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
        match layout {
            Layout::Columns => self.print(out),
            Layout::Lines => self.print_lines(out),
        }
    }

    /// What is empty is left out.
    fn print_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some((headings, rows)) = self.rows.split_first() else { return Ok(()) };
        for row in rows {
            let there = headings.iter().zip(row).filter(|(_, cell)| !matches!(cell.as_str(), "" | "-"));
            let cells: Vec<String> =
                there.map(|(heading, cell)| format!("{}: {cell}", heading.to_lowercase())).collect();
            writeln!(out, "{}", cells.join("; "))?;
        }
        Ok(())
    }

    /// Prints it. The last column is not padded.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width + 2 - cell.width()));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_a_terminal_shows() {
        let mut table = Table::new(&["A", "B"]);
        table.row(["支付".to_owned(), "x".to_owned()]);
        table.row(["p".to_owned(), "yy".to_owned()]);
        let mut out = Vec::new();
        table.print(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A     B\n支付  x\np     yy\n");
    }

    #[test]
    fn a_row_that_is_heard_names_each_value_that_is_there() {
        let mut table = Table::new(&["SERVICE", "STEP", "REASON"]);
        table.row(["payments".to_owned(), "3/8".to_owned(), "errors".to_owned()]);
        table.row(["ledger".to_owned(), String::new(), "-".to_owned()]);
        let mut out = Vec::new();
        table.print_as(Layout::Lines, &mut out).unwrap();
        let expected = "service: payments; step: 3/8; reason: errors\nservice: ledger\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
