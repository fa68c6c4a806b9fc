//! What the author reads when a clause cannot be parsed: human words, never rule names.

use super::super::ast::PropertyKind;
use super::{BELIEF_PARTS, CLAUSES, Form, Rule};
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::Span;
use pest::error::{Error, ErrorVariant, InputLocation};

/// The message for a line that begins with no clause.
pub(super) fn unknown_clause(code: &str, keyword: Span, clause: Span) -> Diagnostic {
    let word = &code[keyword.start..keyword.end];
    if word.is_empty() {
        let found = token_at(&code[clause.start..clause.end]);
        let span = Span::new(clause.start, clause.start + found.len());
        return Diagnostic::error(Code::UnknownClause, span, format!("unexpected `{found}`"))
            .here("expected a clause, such as `param` or `loss`")
            .hint("indent the line if it continues the clause above it");
    }
    let message = format!("`{word}` is not a clause");
    let diagnostic = Diagnostic::error(Code::UnknownClause, keyword, message);
    if BELIEF_PARTS.iter().any(|form| form.keyword == word) {
        return diagnostic
            .here("belongs into a `belief` block")
            .hint("indent it under its `belief` line");
    }
    let rest = code[keyword.end..clause.end].trim_start();
    let meant =
        nearest(&word.to_lowercase(), CLAUSES.iter().map(|form| form.keyword)).or_else(|| {
            CLAUSES.iter().map(|form| form.keyword).find(|k| word.eq_ignore_ascii_case(k))
        });
    match meant {
        Some(meant) => diagnostic
            .here("expected the name of a clause")
            .hint(format!("did you mean `{meant}`?")),
        None if rest.starts_with('=') => diagnostic
            .here("expected the name of a clause")
            .hint(format!("numbers are given by `values {word} = …`")),
        None => diagnostic
            .here("expected the name of a clause")
            .note(format!("the clauses are {}", keywords(CLAUSES))),
    }
}

/// The message for a line of a belief block that begins with none of its words.
pub(super) fn unknown_part(code: &str, keyword: Span, line: Span) -> Diagnostic {
    let word = &code[keyword.start..keyword.end];
    let found = if word.is_empty() { token_at(&code[line.start..line.end]) } else { word };
    let span = Span::new(line.start, line.start + found.len());
    let hint = match nearest(word, BELIEF_PARTS.iter().map(|form| form.keyword)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if CLAUSES.iter().any(|form| form.keyword == word) => {
            format!("remove the indentation if a new `{word}` clause begins here")
        }
        None => format!("a belief block holds {}", keywords(BELIEF_PARTS)),
    };
    Diagnostic::error(Code::UnknownClause, span, format!("`{found}` is no part of a belief"))
        .here("expected `prior`, `observe` or `weight`")
        .hint(hint)
}

/// The message for a clause longer than anyone writes.
pub(super) fn too_long(form: &Form, keyword: Span, limit: usize) -> Diagnostic {
    Diagnostic::error(
        Code::ClauseTooLong,
        keyword,
        format!("this `{}` clause is longer than {limit} bytes", form.keyword),
    )
}

/// The message for a clause that the grammar refuses.
pub(super) fn unexpected(
    error: &Error<Rule>,
    form: &Form,
    text: &str,
    offset: usize,
) -> Diagnostic {
    let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
    let found = token_at(&text[at..]);
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        // pest's own guard of the stack; `brackets` should have refused the clause before.
        ErrorVariant::CustomError { .. } => {
            return super::brackets::too_deep(Span::new(offset, offset + text.len()));
        }
    };
    // At the end the mark belongs right behind the last character, not after the space.
    let place = if found.is_empty() { text.trim_end().len() } else { at };
    let span = Span::new(offset + place, offset + place + found.len());
    let headline = if found.is_empty() {
        format!("the `{}` clause ends too early", form.keyword)
    } else {
        format!("unexpected `{found}` in the `{}` clause", form.keyword)
    };
    Diagnostic::error(Code::UnexpectedToken, span, headline)
        .here(format!("expected {}", in_words(expected)))
        .maybe_hint(hint(expected, text, at, found))
        .note(format!("for example: `{}`", form.example))
}

/// The expectations as a phrase: "an operator, `,` or the end of the clause".
fn in_words(expected: &[Rule]) -> String {
    let words: Vec<&str> = EXPECTATIONS
        .iter()
        .filter(|(rules, _)| rules.iter().any(|rule| expected.contains(rule)))
        .map(|(_, word)| *word)
        .collect();
    // After a whole expression a bracket could follow as well, but no one means that.
    let after_expression = words.contains(&OPERATOR);
    let words: Vec<&str> = words
        .into_iter()
        .filter(|word| !(after_expression && matches!(*word, "`(`" | "`[`")))
        .collect();
    match words.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [many @ .., last] => format!("{} or {last}", many.join(", ")),
    }
}

const OPERATOR: &str = "an operator";

#[rustfmt::skip]
const EXPECTATIONS: &[(&[Rule], &str)] = &[
    (&[Rule::scalar, Rule::vector, Rule::matrix, Rule::vector_word, Rule::matrix_word, Rule::ty],
        "a shape (`scalar`, `vector[n]`, `matrix[n,n]`)"),
    (&[Rule::constant], "a constant, such as `eta > 0`"),
    (&[Rule::limit], "a limit, such as `gamma -> inf` or `a >> b`"),
    (&[Rule::binding], "an entry, such as `eta = 1`"),
    (&[Rule::declarator], "a name"),
    (&[Rule::law], "a distribution, such as `normal(mu, sigma)`"),
    (&[Rule::infinite], "`infinite`"),
    (&[Rule::single_step], "`single_step`"),
    (&[Rule::sum, Rule::product, Rule::signed, Rule::power, Rule::exponent, Rule::postfix,
       Rule::call, Rule::list, Rule::group, Rule::argument], "an expression"),
    (&[Rule::name, Rule::names], "a name"),
    (&[Rule::number, Rule::bound_value, Rule::left_bound], "a number"),
    (&[Rule::size, Rule::whole], "a size (a `dim` symbol or a whole number)"),
    (&[Rule::property], "a property"),
    (&[Rule::sum_op, Rule::product_op, Rule::power_op, Rule::prime, Rule::index,
       Rule::superscript], OPERATOR),
    (&[Rule::relation, Rule::right_bound], "a bound, such as `> 0`"),
    (&[Rule::arrow], "`->`"),
    (&[Rule::much_larger], "`>>`"),
    (&[Rule::much_smaller], "`<<`"),
    (&[Rule::to_infinity, Rule::target], "`inf`"),
    (&[Rule::to_zero, Rule::target], "`0`"),
    (&[Rule::lparen], "`(`"),
    (&[Rule::lbracket], "`[`"),
    (&[Rule::equals], "`=`"),
    (&[Rule::tilde], "`~`"),
    (&[Rule::colon], "`:`"),
    (&[Rule::comma], "`,`"),
    (&[Rule::rparen], "`)`"),
    (&[Rule::rbracket], "`]`"),
    (&[Rule::EOI], "the end of the clause"),
];

/// A way out for the mistakes people make.
fn hint(expected: &[Rule], text: &str, at: usize, found: &str) -> Option<String> {
    let is_word = found.starts_with(char::is_alphabetic);
    let wants = |rule| expected.contains(&rule);
    if is_word && (wants(Rule::property) || wants(Rule::scalar) || wants(Rule::ty)) {
        let words = PropertyKind::ALL.iter().map(|kind| kind.word());
        let shapes = ["scalar", "vector", "matrix"].into_iter();
        let meant = nearest(found, words.chain(shapes.filter(|_| !wants(Rule::property))));
        if let Some(meant) = meant {
            return Some(format!("did you mean `{meant}`?"));
        }
    }
    let after_expression = wants(Rule::product_op) || wants(Rule::sum_op);
    let after = text[at + found.len()..].trim_start();
    let hint = if let Some(hint) = habit(text, at, found) {
        hint
    } else if wants(Rule::arrow) && matches!(found, ">" | "<" | ">=" | "<=") {
        "for a limit write `>>` or `<<`"
    } else if wants(Rule::arrow) && matches!(found, "inf" | "infinity") {
        "write `-> inf`"
    } else if wants(Rule::to_zero) {
        "a limit goes to `inf` or to `0`"
    } else if wants(Rule::bound_value) || wants(Rule::left_bound) {
        "the bounds of a constant are plain numbers"
    } else if expected == [Rule::rbracket] {
        "a size is one `dim` symbol or a whole number"
    } else if expected == [Rule::comma] && found == "]" {
        "a matrix has rows and columns: `matrix[n,n]`"
    } else if after_expression && is_word && wants(Rule::comma) && after.starts_with('=') {
        "separate entries by `,`"
    } else if after_expression && (is_word || matches!(found, "(" | "[")) {
        "a product needs `*` between its factors"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// What other languages write differently.
fn habit(text: &str, at: usize, found: &str) -> Option<&'static str> {
    let (before, after) = (&text[..at], &text[at + found.len()..]);
    let digit = |c: char| c.is_ascii_digit();
    Some(match found {
        "*" if before.ends_with('*') => "a power is written `^`",
        "=" if before.ends_with('=') => "a single `=` is enough",
        "." if after.starts_with(digit) => "a number begins with a digit: `0.5`",
        "." if before.ends_with(digit) => "a number ends with a digit: `1` or `1.0`",
        "/" if before.ends_with('/') => "a comment begins with `#`",
        "%" | "//" | "!" => "a comment begins with `#`",
        "{" | "}" => "use `(…)` to group and `[…]` for vectors",
        ";" => {
            "a clause ends with its line, and the rows of a matrix are vectors: `[[1, 0], [0, 1]]`"
        }
        _ if found.starts_with(|c: char| !c.is_ascii() && !('α'..='ω').contains(&c)) => {
            "names are made of Latin and Greek letters, digits and `_`"
        }
        _ => return None,
    })
}

fn keywords(forms: &[Form]) -> String {
    let words: Vec<String> = forms.iter().map(|form| format!("`{}`", form.keyword)).collect();
    words.join(", ")
}

/// The first token of a text, for showing.
fn token_at(text: &str) -> &str {
    let Some(first) = text.chars().next() else { return "" };
    let length = if first.is_alphanumeric() || first == '_' {
        text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
    } else {
        let pairs = ["->", ">>", "<<", ">=", "<=", ".*", "./", ".^", "//", "=="];
        match pairs.iter().find(|pair| text.starts_with(**pair)) {
            Some(pair) => pair.len(),
            None => first.len_utf8(),
        }
    };
    let mut end = length.min(LONGEST_SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Longer words are cut when shown.
const LONGEST_SHOWN: usize = 40;
