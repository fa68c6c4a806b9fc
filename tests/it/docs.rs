//! The documentation says what the program does.

use crate::stages::diagnose_for;
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
