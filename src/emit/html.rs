//! One HTML file with `MathML`: no script, no font, nothing to load.

use super::Format;
use super::page::{Block, Formula, Inline, Page, Prose, Section, StepText, Table, View, page};
use super::tex::{aligned_rows, is_tall};
use crate::study::Study;
use pulldown_latex::config::DisplayMode;
use pulldown_latex::{Parser, RenderConfig, Storage, push_mathml};

/// HTML.
pub(super) struct Html;

impl Format for Html {
    fn write(&self, study: &Study, view: &View) -> String {
        document(&page(study, view))
    }
}

const STYLE: &str = include_str!("html/style.css");

fn document(page: &Page) -> String {
    let title = escaped(&page.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n"
    );
    for paragraph in &page.about {
        out.push_str(&format!("<p>{}</p>\n", escaped(paragraph)));
    }
    for (at, section) in page.sections.iter().enumerate() {
        out.push_str(&section_text(at + 1, section));
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn section_text(number: usize, section: &Section) -> String {
    let heading = escaped(&section.heading);
    let mut out = format!(
        "<section aria-labelledby=\"s{number}\">\n<h2 id=\"s{number}\">{heading}</h2>\n"
    );
    out.extend(section.blocks.iter().map(block_text));
    out.push_str("</section>\n");
    out
}

fn block_text(block: &Block) -> String {
    match block {
        Block::Text(prose) => format!("<p>{}</p>\n", line(prose)),
        Block::Formulas(formulas) => display(formulas, "formula"),
        Block::Boxed(formulas) => display(formulas, "formula result"),
        Block::Glossary(entries) => {
            let rows = entries.iter().map(|(name, meaning)| {
                format!("<dt>{}</dt>\n<dd>{}</dd>\n", inline(&name.latex()), line(meaning))
            });
            format!("<dl>\n{}</dl>\n", rows.collect::<String>())
        }
        Block::Table(table) => table_text(table),
        Block::List(items) => {
            let items: String =
                items.iter().map(|item| format!("<li>{}</li>\n", line(item))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Steps(steps) => {
            format!("<ol>\n{}</ol>\n", steps.iter().map(step_text).collect::<String>())
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// LaTeX as `MathML`. What the converter does not know is shown as it is written.
fn mathml(latex: &str, mode: DisplayMode) -> String {
    let storage = Storage::new();
    let events: Result<Vec<_>, _> = Parser::new(latex, &storage).collect();
    let Ok(events) = events else { return format!("<code>{}</code>", escaped(latex)) };
    let config = RenderConfig { display_mode: mode, ..RenderConfig::default() };
    let mut out = String::new();
    let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
    match push_mathml(&mut out, events, config) {
        // pulldown-latex 0.8 writes these two relations as they are, which opens a tag.
        Ok(()) => {
            out.replace("<mo><</mo>", "<mo>&lt;</mo>").replace("<mo>></mo>", "<mo>&gt;</mo>")
        }
        Err(_) => format!("<code>{}</code>", escaped(latex)),
    }
}

fn inline(latex: &str) -> String {
    mathml(latex, DisplayMode::Inline)
}

fn line(prose: &Prose) -> String {
    let spell = |part: &Inline| match part {
        Inline::Words(text) => escaped(text),
        Inline::Math(math) => inline(&math.latex()),
        Inline::Code(name) => format!("<code>{}</code>", escaped(name)),
    };
    prose.iter().map(spell).collect()
}

fn display(formulas: &[Formula], class: &str) -> String {
    let latex = match formulas {
        [] => return String::new(),
        _ if is_tall(formulas) => {
            format!("\\begin{{aligned}}\n{}\n\\end{{aligned}}", aligned_rows(formulas))
        }
        [first, ..] => first.whole().latex(),
    };
    // A long formula is scrolled, with the keyboard too.
    let formula = mathml(&latex, DisplayMode::Block);
    format!("<div class=\"{class}\" tabindex=\"0\">{formula}</div>\n")
}

fn table_text(table: &Table) -> String {
    let head: String = table
        .head
        .iter()
        .map(|title| format!("<th scope=\"col\">{}</th>", line(title)))
        .collect();
    let row = |cells: &Vec<Vec<Prose>>| {
        let cell = |(at, lines): (usize, &Vec<Prose>)| {
            let lines: Vec<String> = lines.iter().map(line).collect();
            let lines = lines.join("<br>");
            match at {
                0 => format!("<th scope=\"row\">{lines}</th>"),
                _ => format!("<td>{lines}</td>"),
            }
        };
        let missing = table.head.len().saturating_sub(cells.len());
        let cells: String = cells.iter().enumerate().map(cell).collect();
        format!("<tr>{cells}{}</tr>\n", "<td></td>".repeat(missing))
    };
    let rows: String = table.rows.iter().map(row).collect();
    format!(
        "<div class=\"table\" tabindex=\"0\">\n<table>\n<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n\
         </table>\n</div>\n"
    )
}

fn step_text(step: &StepText) -> String {
    let formulas = display(&step.formulas, "formula");
    let (law, remark) = (escaped(&step.law), escaped(&step.remark));
    format!("<li>\n<p><strong>{law}</strong>: {remark}</p>\n{formulas}</li>\n")
}
