//! Text for a terminal: Unicode or ASCII, as wide as it may be.

mod table;

use super::math::{Math, Script};
use super::page::{Block, Formula, Inline, Page, Prose, Section, StepText, View, page};
use super::{Format, words};
use crate::study::Study;
use crate::symbolic::print::wrap;

/// Plain text.
pub(super) struct Text;

impl Format for Text {
    fn write(&self, study: &Study, view: &View) -> String {
        let sheet = Sheet { script: view.script, width: view.width.max(NARROWEST) };
        sheet.page(&page(study, view))
    }
}

/// Narrower pages can't hold a formula.
const NARROWEST: usize = 40;
/// Formulas stand in by this much.
const INDENT: usize = 4;

/// How a page of text is set.
#[derive(Clone, Copy)]
struct Sheet {
    script: Script,
    width: usize,
}

impl Sheet {
    fn page(self, page: &Page) -> String {
        let mut out = self.words(&page.title);
        out.push('\n');
        for paragraph in &page.about {
            out.push('\n');
            out.push_str(&self.paragraph(&[Inline::Words(paragraph.clone())], 0));
        }
        for section in &page.sections {
            out.push('\n');
            out.push_str(&self.section(section));
        }
        // Nothing ends in blanks.
        let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
        lines.join("\n") + "\n"
    }

    fn section(self, section: &Section) -> String {
        let line = match self.script {
            Script::Unicode => "─",
            Script::Ascii => "-",
        };
        let heading = self.words(&section.heading);
        let rest = self.width.saturating_sub(heading.chars().count() + 4);
        let mut out = format!("{line}{line} {heading} {}\n", line.repeat(rest));
        for block in &section.blocks {
            out.push('\n');
            out.push_str(&self.block(block));
        }
        out
    }

    fn block(self, block: &Block) -> String {
        match block {
            Block::Text(prose) => self.paragraph(prose, 0),
            Block::Formulas(formulas) => indented(&self.formulas(formulas, INDENT), INDENT),
            Block::Boxed(formulas) => self.boxed(formulas),
            Block::Glossary(entries) => self.glossary(entries),
            Block::Table(table) => self.table(table),
            Block::List(items) => items.iter().map(|item| self.item("- ", item)).collect(),
            Block::Steps(steps) => {
                let steps = steps.iter().enumerate().map(|(at, step)| self.step(at + 1, step));
                steps.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Words in this script.
    fn words(self, text: &str) -> String {
        match self.script {
            Script::Unicode => text.to_owned(),
            Script::Ascii => words::ascii(text),
        }
    }

    fn math(self, math: &Math) -> String {
        math.text(self.script)
    }

    /// Prose in one line.
    fn line(self, prose: &[Inline]) -> String {
        let spell = |inline: &Inline| match inline {
            Inline::Words(text) => self.words(text),
            Inline::Math(math) => self.math(math),
            Inline::Code(name) => code(name),
        };
        prose.iter().map(spell).collect()
    }

    /// Words to fill lines with. A formula is one word as long as it is short.
    fn tokens(self, prose: &[Inline]) -> Vec<String> {
        let mut tokens: Vec<String> = vec![String::new()];
        let mut push = |text: &str, breakable: bool| {
            let mut first = true;
            let pieces: Vec<&str> =
                if breakable { text.split(' ').collect() } else { vec![text] };
            for piece in pieces {
                if first {
                    if let Some(last) = tokens.last_mut() {
                        last.push_str(piece);
                    }
                } else {
                    tokens.push(piece.to_owned());
                }
                first = false;
            }
        };
        for inline in prose {
            match inline {
                Inline::Words(text) => push(&self.words(text), true),
                Inline::Math(math) => {
                    let text = self.math(math);
                    push(&text, text.chars().count() > self.width / 2);
                }
                Inline::Code(name) => push(&code(name), true),
            }
        }
        tokens.retain(|token| !token.is_empty());
        tokens
    }

    fn paragraph(self, prose: &[Inline], indent: usize) -> String {
        self.filled(prose, "", indent)
    }

    fn item(self, mark: &str, prose: &[Inline]) -> String {
        self.filled(prose, mark, mark.chars().count())
    }

    /// Lines of words; the first begins with a mark, the others are indented.
    fn filled(self, prose: &[Inline], mark: &str, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let mut lines: Vec<String> = Vec::new();
        let mut current = format!("{mark}{}", " ".repeat(indent - mark.chars().count()));
        let mut empty = true;
        for token in self.tokens(prose) {
            let length = current.chars().count() + token.chars().count();
            if !empty && length + 1 > self.width {
                lines.push(std::mem::replace(&mut current, pad.clone()));
                empty = true;
            }
            if !empty {
                current.push(' ');
            }
            current.push_str(&token);
            empty = false;
        }
        lines.push(current);
        lines.join("\n") + "\n"
    }

    /// Formulas with their signs below each other, broken where they are too long.
    fn formulas(self, formulas: &[Formula], margin: usize) -> Vec<String> {
        let lefts: Vec<String> = formulas.iter().map(|f| self.math(&f.left)).collect();
        let longest = lefts.iter().map(|left| left.chars().count()).max().unwrap_or(0);
        let aligned = if longest <= self.width / 3 { longest } else { 0 };
        let mut lines = Vec::new();
        for (formula, left) in formulas.iter().zip(&lefts) {
            let sign: String =
                formula.sign.iter().map(|s| self.math(&s.clone().into())).collect();
            let pad = if sign.is_empty() { 0 } else { aligned };
            let front = format!("{left:>pad$}{sign}");
            // Further lines begin with their sign below the one in the middle.
            let taken = front.chars().count();
            let hang = taken.saturating_sub(2).clamp(2, self.width / 3);
            let room = self.width.saturating_sub(margin);
            let right = self.math(&formula.right);
            let fits = taken + right.chars().count() <= room;
            if fits || (taken <= self.width / 3 && taken < room) {
                let right = wrap(&right, room - taken, 0);
                let mut right = right.lines();
                lines.push(front + right.next().unwrap_or_default());
                lines.extend(right.map(|line| format!("{}{line}", " ".repeat(hang))));
            } else {
                // A long left side stands alone, the right side below it.
                lines.extend(wrap(&front, room, 2).lines().map(str::to_owned));
                let right = wrap(&right, room.saturating_sub(4), 0);
                lines.extend(right.lines().map(|line| format!("    {line}")));
            }
        }
        lines
    }

    fn boxed(self, formulas: &[Formula]) -> String {
        let (lines, padding) = (self.formulas(formulas, INDENT + 6), 2);
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let inside = widest + 2 * padding;
        let [corners, across, down] = match self.script {
            Script::Unicode => ["┌┐└┘", "─", "│"],
            Script::Ascii => ["++++", "-", "|"],
        };
        let corner: Vec<char> = corners.chars().collect();
        let bar = across.repeat(inside);
        let mut out = vec![format!("{}{bar}{}", corner[0], corner[1])];
        out.extend(lines.iter().map(|line| {
            let gap = " ".repeat(widest - line.chars().count() + padding);
            format!("{down}{}{line}{gap}{down}", " ".repeat(padding))
        }));
        out.push(format!("{}{bar}{}", corner[2], corner[3]));
        indented(&out, INDENT)
    }

    fn glossary(self, entries: &[(Math, Prose)]) -> String {
        let names: Vec<String> = entries.iter().map(|(name, _)| self.math(name)).collect();
        let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let column = widest.min(self.width / 4);
        let mut out = String::new();
        for (name, (_, words)) in names.iter().zip(entries) {
            let pad = " ".repeat(column.saturating_sub(name.chars().count()));
            let mark = format!("{}{name}{pad}   ", " ".repeat(INDENT));
            let indent = mark.chars().count();
            out.push_str(&self.filled(words, &mark, indent));
        }
        out
    }

    fn step(self, number: usize, step: &StepText) -> String {
        let mark = format!("{number}. ");
        let law = self.words(&step.law);
        let words = format!("{law}: {}", self.words(&step.remark));
        let mut out = self.item(&mark, &[Inline::Words(words)]);
        out.push_str(&indented(&self.formulas(&step.formulas, INDENT + 3), INDENT + 3));
        out
    }
}

/// A command stands in quotes, a name by itself.
fn code(name: &str) -> String {
    if name.contains(' ') { format!("`{name}`") } else { name.to_owned() }
}

fn indented(lines: &[String], by: usize) -> String {
    let pad = " ".repeat(by);
    lines.iter().map(|line| format!("{pad}{line}\n")).collect()
}
