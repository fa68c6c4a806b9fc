//! Markdown with mathematics as GitHub reads it: `` $`…`$ `` in a line, fenced `math` blocks
//! displayed.

use super::Format;
use super::page::{Block, Formula, Inline, Page, Prose, Section, StepText, Table, View, page};
use super::tex::{aligned_rows, is_tall};
use crate::study::Study;

/// Markdown.
pub(super) struct Markdown;

impl Format for Markdown {
    fn write(&self, study: &Study, view: &View) -> String {
        document(&page(study, view))
    }
}

fn document(page: &Page) -> String {
    let mut out = format!("# {}\n", escaped(&page.title));
    for paragraph in &page.about {
        out.push_str(&format!("\n{}\n", escaped(paragraph)));
    }
    for section in &page.sections {
        out.push_str(&format!("\n{}", section_text(section)));
    }
    out
}

fn section_text(section: &Section) -> String {
    let mut out = format!("## {}\n", escaped(&section.heading));
    for block in &section.blocks {
        out.push('\n');
        out.push_str(&block_text(block));
    }
    out
}

fn block_text(block: &Block) -> String {
    match block {
        Block::Text(prose) => format!("{}\n", line(prose)),
        Block::Formulas(formulas) => display(&inside(formulas), ""),
        Block::Boxed(formulas) => display(&format!("\\boxed{{\n{}\n}}", inside(formulas)), ""),
        Block::Glossary(entries) => {
            let rows = entries.iter().map(|(name, meaning)| {
                format!(
                    "| {} | {} |\n",
                    in_cell(&inline(&name.latex())),
                    in_cell(&line(meaning))
                )
            });
            format!("| Symbol | Meaning |\n| --- | --- |\n{}", rows.collect::<String>())
        }
        Block::Table(table) => table_text(table),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", line(item))).collect(),
        Block::Steps(steps) => {
            let steps = steps.iter().enumerate().map(|(at, step)| step_text(at + 1, step));
            steps.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Characters that Markdown would take for its own.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '$' | '|' | '#')
        {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn inline(latex: &str) -> String {
    format!("$`{latex}`$")
}

fn line(prose: &Prose) -> String {
    let spell = |part: &Inline| match part {
        Inline::Words(text) => escaped(text),
        Inline::Math(math) => inline(&math.latex()),
        Inline::Code(name) => format!("`{name}`"),
    };
    prose.iter().map(spell).collect()
}

/// A bar would end the cell.
fn in_cell(text: &str) -> String {
    text.replace("\\left|", "\\left\\vert ").replace("\\right|", "\\right\\vert ")
}

fn inside(formulas: &[Formula]) -> String {
    match formulas {
        [] => String::new(),
        _ if is_tall(formulas) => {
            format!("\\begin{{aligned}}\n{}\n\\end{{aligned}}", aligned_rows(formulas))
        }
        [first, ..] => first.whole().latex(),
    }
}

fn display(latex: &str, indent: &str) -> String {
    if latex.is_empty() {
        return String::new();
    }
    let lines = latex.lines().map(|line| format!("{indent}{line}\n"));
    format!("{indent}```math\n{}{indent}```\n", lines.collect::<String>())
}

fn table_text(table: &Table) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = row(table.head.iter().map(|title| in_cell(&line(title))).collect());
    out.push_str(&row(table.head.iter().map(|_| "---".to_owned()).collect()));
    for cells in &table.rows {
        let cell = |lines: &Vec<Prose>| {
            let lines: Vec<String> = lines.iter().map(|prose| in_cell(&line(prose))).collect();
            lines.join("<br>")
        };
        let mut cells: Vec<String> = cells.iter().map(cell).collect();
        cells.resize(table.head.len(), String::new());
        out.push_str(&row(cells));
    }
    out
}

fn step_text(number: usize, step: &StepText) -> String {
    let words = format!("{}: {}", escaped(&step.law), escaped(&step.remark));
    let indent = " ".repeat(format!("{number}. ").len());
    let formulas = display(&inside(&step.formulas), &indent);
    let gap = if formulas.is_empty() { "" } else { "\n" };
    format!("{number}. {words}\n{gap}{formulas}")
}
