//! The page as plain text, for a terminal.

use super::page::{Inline, Item, Math, Page, Part, Sign};
use crate::symbolic::print;

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns that may be used.
    pub width: usize,
    /// ASCII only.
    pub ascii: bool,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { width: 80, ascii: false }
    }
}

/// Renders a page.
pub fn render(page: &Page, layout: Layout) -> String {
    let writer = Writer { layout };
    let mut out = format!("{}\n{}\n", page.title, writer.rule('=', columns(&page.title)));
    for line in &page.about {
        out.push_str(&writer.plain(line));
        out.push('\n');
    }
    for section in &page.sections {
        out.push_str(&format!(
            "\n{}\n{}\n",
            section.heading,
            writer.rule('-', columns(&section.heading))
        ));
        for item in &section.items {
            out.push_str(&writer.item(item));
        }
    }
    out
}

struct Writer {
    layout: Layout,
}

impl Writer {
    fn rule(&self, ascii: char, length: usize) -> String {
        let unicode = if ascii == '=' { '═' } else { '─' };
        let sign = if self.layout.ascii { ascii } else { unicode };
        std::iter::repeat_n(sign, length).collect()
    }

    fn item(&self, item: &Item) -> String {
        match item {
            Item::Text(line) => self.paragraph(&self.line(line)),
            Item::Formula { math, boxed: false } => self.displayed(&self.math(math)),
            Item::Formula { math, boxed: true } => self.boxed(&self.math(math)),
            Item::Table(rows) => self.table(rows),
        }
    }

    fn line(&self, line: &[Inline]) -> String {
        line.iter()
            .map(|part| match part {
                Inline::Words(text) => self.plain(text),
                Inline::Math(math) => self.math(math),
            })
            .collect()
    }

    /// Words of the program in ASCII where asked for; what stands in the file is ASCII already.
    fn plain(&self, text: &str) -> String {
        if !self.layout.ascii {
            return text.to_owned();
        }
        let pairs = [
            ("Δ", "d"),
            ("∇", "grad "),
            ("λ", "lambda"),
            ("γ", "gamma"),
            ("φ₁", "phi1"),
            ("−", "-"),
            ("–", "-"),
            ("ˣ", "^x"),
            ("∞", "inf"),
            ("…", "..."),
            ("₀", "0"),
            ("²", "^2"),
            ("Ĉ", "C"),
            ("ε", "eps"),
            ("∂", "d"),
            ("⁻¹", "^-1"),
            ("≪", "<<"),
        ];
        pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    fn math(&self, math: &Math) -> String {
        let mut out = String::new();
        for part in math {
            out.push_str(&match part {
                Part::Expr(e) => self.expr(e),
                Part::Factor(e) => self.factor(e),
                Part::Symbol(symbol) if self.layout.ascii => print::ascii_symbol(symbol),
                Part::Symbol(symbol) => print::text_symbol(symbol),
                Part::Norm(e) if self.layout.ascii => format!("|{}|", self.expr(e)),
                Part::Norm(e) => format!("‖{}‖", self.expr(e)),
                Part::Sign(sign) => self.sign(*sign).to_owned(),
            });
        }
        out
    }

    fn expr(&self, expr: &crate::symbolic::Expr) -> String {
        if self.layout.ascii { print::ascii(expr) } else { print::text(expr) }
    }

    fn factor(&self, expr: &crate::symbolic::Expr) -> String {
        let text = self.expr(expr);
        if expr.terms().len() > 1 { format!("({text})") } else { text }
    }

    fn sign(&self, sign: Sign) -> &'static str {
        let (unicode, ascii) = match sign {
            Sign::Equals => (" = ", " = "),
            Sign::Nearly => (" ≈ ", " ~ "),
            Sign::MuchLess => (" ≪ ", " << "),
            Sign::MuchGreater => (" ≫ ", " >> "),
            Sign::Greater => (" > ", " > "),
            Sign::Definite => (" ≻ ", " >pd "),
            Sign::Plus => (" + ", " + "),
            Sign::Minus => (" − ", " - "),
            Sign::Change => ("Δ", "d"),
            Sign::Objective => ("J = ", "J = "),
            Sign::Hamiltonian => ("𝓗", "Ham"),
            Sign::Value => ("V", "V"),
            Sign::Integral => ("∫₀^", "int_0^"),
            Sign::Infinity => ("∞", "inf"),
            Sign::Measure => (" dt", " dt"),
            Sign::Space => (" ", " "),
            Sign::Open => ("(", "("),
            Sign::Close => (")", ")"),
            Sign::OpenSquare => ("[", "["),
            Sign::CloseSquare => ("]", "]"),
            Sign::Bar => ("|", "|"),
            Sign::Squared => ("²", "^2"),
            Sign::RealPart => ("Re λ < ", "Re lambda < "),
            Sign::ArgMin => ("arg min over ", "arg min over "),
            Sign::Min => ("min", "min"),
            Sign::Comma => (", ", ", "),
            Sign::Order => ("O(", "O("),
        };
        if self.layout.ascii { ascii } else { unicode }
    }

    /// A paragraph: words wrapped at spaces.
    fn paragraph(&self, text: &str) -> String {
        let mut out = String::new();
        let mut used = 0;
        for word in text.split(' ') {
            let length = columns(word);
            if used > 0 && used + 1 + length > self.layout.width {
                out.push_str("\n  ");
                used = 2;
            } else if used > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
        out.push('\n');
        out
    }

    fn displayed(&self, text: &str) -> String {
        let width = self.layout.width.saturating_sub(4);
        let wrapped = print::wrap(text, width, 4);
        format!("    {}\n", wrapped.replace('\n', "\n    "))
    }

    fn boxed(&self, text: &str) -> String {
        let wrapped = print::wrap(text, self.layout.width.saturating_sub(8), 4);
        let lines: Vec<&str> = wrapped.lines().collect();
        let widest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
        let [across, down, corners] =
            if self.layout.ascii { ["-", "|", "++++"] } else { ["─", "│", "┌┐└┘"] };
        let corner: Vec<char> = corners.chars().collect();
        let edge = across.repeat(widest + 2);
        let mut out = format!("    {}{edge}{}\n", corner[0], corner[1]);
        for line in lines {
            let fill = " ".repeat(widest - columns(line));
            out.push_str(&format!("    {down} {line}{fill} {down}\n"));
        }
        out.push_str(&format!("    {}{edge}{}\n", corner[2], corner[3]));
        out
    }

    /// A table with columns as wide as needed; a list when it does not fit.
    fn table(&self, rows: &[Vec<Vec<Inline>>]) -> String {
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| self.line(cell)).collect()).collect();
        let count = cells.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..count)
            .map(|at| cells.iter().map(|row| columns(&row[at])).max().unwrap_or(0))
            .collect();
        let total: usize = widths.iter().sum::<usize>() + 3 * count.saturating_sub(1);
        if total > self.layout.width {
            return self.list(&cells);
        }
        let mut out = String::new();
        for (at, row) in cells.iter().enumerate() {
            let padded: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - columns(cell))))
                .collect();
            out.push_str(padded.join("   ").trim_end());
            out.push('\n');
            if at == 0 {
                out.push_str(&self.rule('-', total));
                out.push('\n');
            }
        }
        out
    }

    fn list(&self, cells: &[Vec<String>]) -> String {
        let Some((head, rows)) = cells.split_first() else { return String::new() };
        let mut out = String::new();
        for row in rows {
            out.push_str(&format!("{}\n", row[0]));
            for (name, cell) in head.iter().zip(row).skip(1) {
                let indent = 14;
                let width = self.layout.width.saturating_sub(indent);
                let wrapped = print::wrap(cell, width, indent);
                out.push_str(&format!("  {name:<12}{wrapped}\n"));
            }
        }
        out
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}
