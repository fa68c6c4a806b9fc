//! Tables of text: columns where they fit, one entry below the other where they do not.

use super::{INDENT, Sheet};
use crate::emit::page::{Prose, Table};

/// Blanks between columns.
const GAP: usize = 3;

impl Sheet {
    pub(super) fn table(self, table: &Table) -> String {
        let cell = |lines: &Vec<Prose>| -> Vec<String> {
            lines.iter().map(|line| self.line(line)).collect()
        };
        let rows: Vec<Vec<Vec<String>>> =
            table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let head: Vec<String> = table.head.iter().map(|title| self.line(title)).collect();
        let widths: Vec<usize> = (0..head.len())
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column)).flatten();
                let lengths = cells.map(|line| line.chars().count());
                lengths.chain([head[column].chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let total = widths.iter().sum::<usize>() + GAP * (widths.len() - 1) + 2;
        if total <= self.width {
            self.columns(&head, &rows, &widths)
        } else {
            self.entries(&head, table, &rows)
        }
    }

    fn columns(self, head: &[String], rows: &[Vec<Vec<String>>], widths: &[usize]) -> String {
        let line = |cells: Vec<&str>| {
            let padded = cells.iter().zip(widths).map(|(cell, width)| {
                format!("{cell}{}", " ".repeat(width - cell.chars().count()))
            });
            format!("  {}\n", padded.collect::<Vec<_>>().join(&" ".repeat(GAP)))
        };
        let mut out = line(head.iter().map(String::as_str).collect());
        let bar = self.words("─").replace('?', "-");
        let under: Vec<String> = widths.iter().map(|width| bar.repeat(*width)).collect();
        out.push_str(&line(under.iter().map(String::as_str).collect()));
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            let height = row.iter().map(Vec::len).max().unwrap_or(0);
            for index in 0..height {
                let at = |cell: &'_ Vec<String>| cell.get(index).cloned().unwrap_or_default();
                let cells: Vec<String> = row.iter().map(at).collect();
                out.push_str(&line(cells.iter().map(String::as_str).collect()));
            }
        }
        out
    }

    /// The first column becomes a heading, the others are named.
    fn entries(self, head: &[String], table: &Table, rows: &[Vec<Vec<String>>]) -> String {
        let mut out = String::new();
        for (at, (row, prose)) in rows.iter().zip(&table.rows).enumerate() {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(&format!("  {}\n", row[0].join("   ")));
            let label = head[1..].iter().map(|title| title.chars().count()).max().unwrap_or(0);
            for (column, name) in head.iter().enumerate().skip(1) {
                let Some(cell) = prose.get(column).filter(|cell| !cell.is_empty()) else {
                    continue;
                };
                let pad = INDENT + label + GAP;
                let mut lines = Vec::new();
                for line in cell {
                    let text = self.line(line);
                    let width = self.width.saturating_sub(pad);
                    let wrapped = crate::symbolic::print::wrap(&text, width, 2);
                    lines.extend(wrapped.lines().map(str::to_owned));
                }
                for (at, line) in lines.iter().enumerate() {
                    let title = if at == 0 { name.as_str() } else { "" };
                    let indent = " ".repeat(INDENT);
                    out.push_str(&format!("{indent}{title:label$}{}{line}\n", " ".repeat(GAP)));
                }
            }
        }
        out
    }
}
