//! A LaTeX document that stands alone: `article` with `amsmath`, `amssymb` and `booktabs`.

use super::page::{Block, Formula, Inline, Page, Prose, Section, StepText, Table, View, page};
use super::tex::{aligned_rows, is_tall, text_width};
use super::{Format, words};
use crate::study::Study;

/// LaTeX.
pub(super) struct Latex;

impl Format for Latex {
    fn write(&self, study: &Study, view: &View) -> String {
        document(&page(study, view))
    }
}

const PREAMBLE: &str = r"\documentclass[a4paper]{article}
\usepackage{amsmath,amssymb,booktabs}
\setlength{\oddsidemargin}{0pt}
\setlength{\textwidth}{160mm}
\setlength{\topmargin}{-10mm}
\setlength{\textheight}{235mm}
\setlength{\parindent}{0pt}
\setlength{\parskip}{\smallskipamount}
";

/// Tables with longer lines are set as lists.
const WIDEST: usize = 95;

fn document(page: &Page) -> String {
    let title = words::latex(&page.title);
    let mut out =
        format!("{PREAMBLE}\\begin{{document}}\n\n{{\\LARGE {title}\\par}}\\medskip\n");
    for paragraph in &page.about {
        out.push_str(&format!("\n{}\n", words::latex(paragraph)));
    }
    for section in &page.sections {
        out.push_str(&format!("\n{}", section_text(section)));
    }
    out.push_str("\n\\end{document}\n");
    out
}

fn section_text(section: &Section) -> String {
    let mut out = format!("\\section*{{{}}}\n", words::latex(&section.heading));
    for block in &section.blocks {
        out.push('\n');
        out.push_str(&block_text(block));
    }
    out
}

fn block_text(block: &Block) -> String {
    match block {
        Block::Text(prose) => format!("{}\n", line(prose)),
        Block::Formulas(formulas) => display(formulas),
        Block::Boxed(formulas) => format!("\\[\n\\boxed{{{}}}\n\\]\n", inside(formulas)),
        Block::Glossary(entries) => {
            let rows = entries.iter().map(|(name, meaning)| {
                format!("${}$ & {} \\\\\n", name.latex(), line(meaning))
            });
            let rows: String = rows.collect();
            format!("\\begin{{tabular}}{{@{{}}lp{{125mm}}@{{}}}}\n{rows}\\end{{tabular}}\n")
        }
        Block::Table(table) => table_text(table),
        Block::List(items) => {
            let items: String = items.iter().map(|i| format!("\\item {}\n", line(i))).collect();
            format!("\\begin{{itemize}}\n{items}\\end{{itemize}}\n")
        }
        Block::Steps(steps) => {
            let steps: String = steps.iter().map(step_text).collect();
            format!("\\begin{{enumerate}}\n{steps}\\end{{enumerate}}\n")
        }
    }
}

/// Running text.
fn line(prose: &Prose) -> String {
    let spell = |inline: &Inline| match inline {
        Inline::Words(text) => words::latex(text),
        Inline::Math(math) => format!("${}$", math.latex()),
        Inline::Code(name) => format!("\\texttt{{{}}}", words::latex(name)),
    };
    prose.iter().map(spell).collect()
}

fn display(formulas: &[Formula]) -> String {
    if formulas.is_empty() {
        return String::new();
    }
    format!("\\[\n{}\n\\]\n", inside(formulas))
}

/// What stands between the brackets of a display.
fn inside(formulas: &[Formula]) -> String {
    if is_tall(formulas) {
        format!("\\begin{{aligned}}\n{}\n\\end{{aligned}}", aligned_rows(formulas))
    } else {
        formulas[0].whole().latex()
    }
}

fn table_text(table: &Table) -> String {
    let columns = table.head.len();
    let width = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column));
        cells.flatten().map(text_width).max().unwrap_or(0)
    };
    if (0..columns).map(width).sum::<usize>() > WIDEST {
        return entries(table);
    }
    let head: Vec<String> = table.head.iter().map(line).collect();
    let rows: Vec<String> = table
        .rows
        .iter()
        .map(|row| {
            let mut cells: Vec<String> = row.iter().map(|lines| cell(lines)).collect();
            cells.resize(columns, String::new());
            cells.join(" & ")
        })
        .collect();
    format!(
        "\\begin{{center}}\n\\begin{{tabular}}{{{}}}\n\\toprule\n{} \\\\\n\\midrule\n{} \
         \\\\\n\\bottomrule\n\\end{{tabular}}\n\\end{{center}}\n",
        "l".repeat(columns),
        head.join(" & "),
        rows.join(" \\\\\n\\addlinespace\n"),
    )
}

/// A cell of one or more lines.
fn cell(lines: &[Prose]) -> String {
    let lines: Vec<String> = lines.iter().map(line).collect();
    match lines.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        _ => format!(
            "\\begin{{tabular}}[t]{{@{{}}l@{{}}}}{}\\end{{tabular}}",
            lines.join(" \\\\ ")
        ),
    }
}

/// The first column becomes a heading, the others are named.
fn entries(table: &Table) -> String {
    let mut out = String::from("\\begin{description}\n");
    for row in &table.rows {
        let mut names = row[0].iter().map(line);
        let name = names.next().unwrap_or_default();
        let rest: Vec<String> = names.collect();
        out.push_str(&format!("\\item[{{{name}}}] {}\n", rest.join(", ")));
        for (head, lines) in table.head.iter().zip(row).skip(1) {
            if !lines.is_empty() {
                let lines: Vec<String> = lines.iter().map(line).collect();
                out.push_str(&format!("\n{}: {}\n", line(head), lines.join(", ")));
            }
        }
    }
    out.push_str("\\end{description}\n");
    out
}

fn step_text(step: &StepText) -> String {
    let words = format!("{}: {}", words::latex(&step.law), words::latex(&step.remark));
    format!("\\item {words}\n{}", display(&step.formulas))
}
