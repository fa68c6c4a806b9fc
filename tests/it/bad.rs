//! Every mistake has its message: `tests/bad/CODE/*.lag` each hold one kind of mistake.

use crate::stages::diagnose_for;
use lagrule::cli::render::{self, Style};
use lagrule::diag::Code;
use lagrule::source::{MAX_BYTES, Source};

fn check(code: &str, source: &Source) {
    let found = diagnose_for(code, source);
    assert!(
        found.iter().any(|diagnostic| diagnostic.code.id() == code),
        "{} should be answered by {code}",
        source.name()
    );
    let text: Vec<String> = found
        .iter()
        .map(|diagnostic| render::diagnostic(source, diagnostic, Style::Plain))
        .collect();
    insta::assert_snapshot!(text.join("\n\n"));
}

#[test]
fn each_bad_file_has_its_message() {
    insta::with_settings!({
        snapshot_path => "../snapshots/bad",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::glob!("../bad", "*/*.lag", |path| {
            let folder = path.parent().unwrap();
            let code = folder.file_name().unwrap().to_string_lossy().into_owned();
            let name = format!("{code}/{}", path.file_name().unwrap().to_string_lossy());
            check(&code, &Source::from_bytes(name, &std::fs::read(path).unwrap()));
        });
    });
}

/// Mistakes too large to keep as files.
pub(crate) const GENERATED: [Code; 2] = [Code::FileTooLarge, Code::ClauseTooLong];

#[test]
fn oversized_input_has_its_message() {
    insta::with_settings!({
        snapshot_path => "../snapshots/bad",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        for code in GENERATED {
            let text = match code {
                Code::FileTooLarge => "dim n\n".repeat(MAX_BYTES),
                _ => format!("values a = 1{}", ",\n  a = 1".repeat(10_000)),
            };
            insta::with_settings!({ snapshot_suffix => code.id() }, {
                check(code.id(), &Source::new("huge.lag", &text));
            });
        }
    });
}
