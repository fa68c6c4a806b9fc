//! Every shipped rule, derived and printed. The snapshots are the gallery and the regression suite.

use lagrule::diag::{Code, Sink};
use lagrule::driver;
use lagrule::source::Source;
use lagrule::study::Study;
use std::path::Path;

/// Shipped rules that have to warn of what they assume.
const WARNED: &[(&str, &[Code])] =
    &[("adam_centred.lag", &[Code::UnboundedLikelihood, Code::CrossesZero])];

/// The study of a shipped rule.
pub(crate) fn study(path: &Path) -> Study {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let source = Source::from_bytes(name, &std::fs::read(path).unwrap());
    let mut sink = Sink::new();
    let study = driver::study(&source, &mut sink).expect("a shipped rule derives");
    let expected =
        WARNED.iter().find(|(rule, _)| path.ends_with(rule)).map_or(&[][..], |w| w.1);
    let found: Vec<Code> = sink.warnings().iter().map(|warning| warning.code).collect();
    assert_eq!(found, expected, "{} warns", path.display());
    study
}

#[test]
fn rules_read_like_mathematics() {
    insta::with_settings!({
        snapshot_path => "../snapshots/rules",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::glob!("../../rules", "*.lag", |path| {
            let study = study(path);
            insta::assert_snapshot!("text", study.text());
            insta::assert_snapshot!("latex", study.latex());
            insta::assert_snapshot!("json", study.json());
        });
    });
}

#[test]
fn the_same_rule_gives_the_same_bytes() {
    let path = Path::new("rules/weight_decay.lag");
    let (first, second) = (study(path), study(path));
    assert_eq!(first.text(), second.text());
    assert_eq!(first.json(), second.json());
}
