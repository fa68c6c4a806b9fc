//! Displayed formulas in LaTeX, shared by the formats that speak it.

use super::math::Script;
use super::page::Formula;

/// Lines of a display are broken when they are longer than this, counted in visible characters.
const LONGEST: usize = 76;

/// The lines of an `aligned` environment: `left &= right \\ …`.
pub(super) fn aligned_rows(formulas: &[Formula]) -> String {
    let several = formulas.len() > 1;
    let rows = formulas.iter().flat_map(|formula| rows(formula, several));
    rows.collect::<Vec<_>>().join(" \\\\\n")
}

/// One formula as one or more rows; the sign in the middle is aligned.
fn rows(formula: &Formula, several: bool) -> Vec<String> {
    let right = formula.right.latex();
    let Some(sign) = &formula.sign else {
        let mark = if several { "& " } else { "" };
        return broken(&right, LONGEST).into_iter().map(|row| format!("{mark}{row}")).collect();
    };
    let left = format!("{} &{}", formula.left.latex(), sign_of(sign));
    let room = LONGEST.saturating_sub(visible(&formula.left.latex())).max(LONGEST / 2);
    let parts = broken(&right, room);
    let mut rows = parts.into_iter();
    let first = rows.next().unwrap_or_default();
    std::iter::once(format!("{left} {first}"))
        .chain(rows.map(|row| format!(r"&\quad {{}} {row}")))
        .collect()
}

fn sign_of(sign: &super::math::Sign) -> String {
    super::math::Math::from(sign.clone()).latex()
}

/// Does a display need more than one row?
pub(super) fn is_tall(formulas: &[Formula]) -> bool {
    formulas.len() > 1 || rows(&formulas[0], false).len() > 1
}

/// A formula in pieces that begin with a plus or a minus outside of all brackets.
fn broken(latex: &str, room: usize) -> Vec<String> {
    if visible(latex) <= room {
        return vec![latex.to_owned()];
    }
    let mut rows: Vec<String> = Vec::new();
    for term in terms(latex) {
        match rows.last_mut() {
            Some(row) if visible(row) + visible(term) <= room => {
                row.push(' ');
                row.push_str(term);
            }
            _ => rows.push(term.to_owned()),
        }
    }
    rows
}

/// The terms of a sum, each with its sign.
fn terms(latex: &str) -> Vec<&str> {
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, character) in latex.char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            '+' | '-' if depth == 0 && at > 0 && latex[..at].ends_with(' ') => {
                let apart = latex[at + 1..].starts_with(' ');
                if apart {
                    found.push(latex[start..at].trim());
                    start = at;
                }
            }
            _ => {}
        }
    }
    found.push(latex[start..].trim());
    found.retain(|term| !term.is_empty());
    found
}

/// How many characters the reader will see, about.
pub(super) fn visible(latex: &str) -> usize {
    let mut count = 0;
    let mut command = false;
    for character in latex.chars() {
        match character {
            '\\' => {
                command = true;
                count += 1;
            }
            c if command && c.is_ascii_alphabetic() => {}
            '{' | '}' | '^' | '_' | ' ' | '&' => command = false,
            _ => {
                command = false;
                count += 1;
            }
        }
    }
    count
}

/// The widest line of a table's cell, in characters of text.
pub(super) fn text_width(prose: &super::page::Prose) -> usize {
    use super::page::Inline;
    let width = |inline: &Inline| match inline {
        Inline::Words(text) | Inline::Code(text) => text.chars().count(),
        Inline::Math(math) => math.text(Script::Unicode).chars().count(),
    };
    prose.iter().map(width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_fall_apart_outside_of_brackets_only() {
        assert_eq!(
            terms(r"a + \frac{b + c}{d} - e (f - g)"),
            ["a", r"+ \frac{b + c}{d}", "- e (f - g)"]
        );
        assert_eq!(terms("-a + b"), ["-a", "+ b"]);
    }

    #[test]
    fn commands_count_once() {
        assert_eq!(visible(r"\gamma + \frac{a}{b}"), 5);
    }
}
