//! The documentation says what the program does.

use crate::stages::{diagnose, diagnose_for};
use lagrule::diag::{Code, Severity};
use lagrule::source::Source;

/// The code blocks of a page that open with ```` ```lag KIND ````.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let opening = format!("```lag {kind}\n");
    page.split(opening.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

#[test]
fn each_wrong_example_is_answered_by_its_code_and_each_right_one_by_silence() {
    for code in Code::ALL {
        let name = format!("docs/errors/{code}.md");
        let page = std::fs::read_to_string(&name).unwrap();
        for block in blocks(&page, "wrong") {
            let found = diagnose_for(code.id(), &Source::new(name.as_str(), &block));
            assert!(found.iter().any(|d| d.code == *code), "{name}: {found:?}");
        }
        for block in blocks(&page, "right") {
            let found = diagnose_for(code.id(), &Source::new(name.as_str(), &block));
            // What cannot be derived yet may still be right.
            let wrong = found.iter().any(|d| {
                let error = d.severity == Severity::Error && d.code != Code::NotDerivable;
                error || d.code == *code
            });
            assert!(!wrong, "{name}: {found:?}");
        }
    }
}

#[test]
fn the_language_reference_is_accepted_as_it_stands() {
    let page = std::fs::read_to_string("docs/language.md").unwrap();
    let examples = blocks(&page, "right");
    assert!(examples.len() >= 6, "the reference has lost its examples");
    for example in examples {
        let found = diagnose(&Source::new("docs/language.md", &example));
        // Clauses whose derivation comes later are part of the language already.
        let wrong: Vec<_> = found.iter().filter(|d| d.code != Code::NotDerivable).collect();
        assert!(wrong.is_empty(), "{example}\n{wrong:?}");
    }
}

#[test]
fn the_language_reference_names_every_clause_and_function() {
    let page = std::fs::read_to_string("docs/language.md").unwrap();
    let grammar = std::fs::read_to_string("grammar/lag.pest").unwrap();
    // Every clause of the grammar is a rule that begins with its keyword and ends with the input.
    for rule in grammar.lines().filter(|line| line.contains("~ EOI }")) {
        let Some(keyword) = rule.split('"').nth(1) else { continue };
        assert!(page.contains(keyword), "docs/language.md says nothing about `{keyword}`");
    }
    for function in [
        "dot",
        "norm2",
        "quad",
        "quadratic",
        "transpose",
        "inv",
        "diag",
        "identity",
        "entropy",
        "sqrt",
        "exp",
        "log",
        "abs",
        "sin",
        "cos",
        "tanh",
    ] {
        assert!(page.contains(function), "docs/language.md says nothing about `{function}`");
    }
}
