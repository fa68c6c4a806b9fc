//! Stage 1: reading and printing are inverse to each other, and nothing makes reading fail
//! in any other way than by a message.

use crate::ast_gen;
use lagrule::diag::Sink;
use lagrule::source::{MAX_BYTES, Source};
use lagrule::syntax::{self, ast};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn parse(text: &str) -> ast::File {
    match syntax::parse(&Source::new("test", text), &mut Sink::new()) {
        Ok(file) => file,
        Err(mistakes) => panic!("{mistakes}\n{text}"),
    }
}

/// The tree as text without its spans, which print as `@start..end`.
fn without_spans(tree: &impl std::fmt::Debug) -> String {
    let text = format!("{tree:#?}");
    text.lines()
        .filter(|line| !line.contains("span: @") && !line.contains("keyword: @"))
        .fold(String::new(), |out, line| out + line + "\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_is_read_back(file in ast_gen::file()) {
        let text = syntax::format(&file);
        prop_assert_eq!(without_spans(&parse(&text)), without_spans(&file), "{}", text);
        prop_assert!(text.lines().all(|line| line == line.trim_end()), "{}", text);
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(text in "(param|loss|values|belief| |\n|[a-z]|[0-9]|[-+*/^'.,:=~<>()\\[\\]#θ²]){0,60}") {
        let _ = syntax::parse(&Source::new("test", &text), &mut Sink::new());
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = syntax::parse(&Source::from_bytes("test", &bytes), &mut Sink::new());
    }
}

#[test]
fn the_shipped_rules_are_in_the_usual_layout() {
    let Ok(dir) = std::fs::read_dir("rules") else { return };
    for entry in dir {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(syntax::format(&parse(&text)), text, "{}", path.display());
    }
}

/// The layout of design and documentation, from a file with every kind of clause.
#[test]
fn the_usual_layout() {
    let text = include_str!("syntax/untidy.lag");
    let tidy = syntax::format(&parse(text));
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("layout", tidy);
    });
    assert_eq!(syntax::format(&parse(&tidy)), tidy);
}

#[test]
fn unicode_is_spelt_in_ascii() {
    let unicode = "loss k·ℓ(θ) − ½₀";
    assert!(syntax::parse(&Source::new("test", unicode), &mut Sink::new()).is_err());
    let unicode =
        "loss  k·ℓ(θ₀)² × ∇ℓ′ − σ_m⁻¹\nregime r : γ → ∞, a ≫ b\nconst η ≥ 0, 0 ≤ β < 1\n";
    let ascii = "loss     k*ell(theta_0)^2*grad_ell' - sigma_m^(-1)\n\
                 regime r : gamma -> inf, a >> b\n\
                 const  eta >= 0, 0 <= beta < 1\n";
    assert_eq!(syntax::format(&parse(unicode)), ascii);
}

#[test]
fn line_ends_tabs_and_byte_order_mark_make_no_difference() {
    let plain = "dim    n\nvalues  n = 2,\n        m = 3\n";
    let other = "\u{FEFF}dim\tn\r\nvalues n=2,\r\n\tm=3\r\n";
    assert_eq!(syntax::format(&parse(plain)), syntax::format(&parse(other)));
}

#[test]
fn keywords_are_names_elsewhere() {
    let text = "const  rate > 0, weight, loss\n\
                rate     rate\n\
                discount weight\n\
                loss     loss*weight(0)\n\
                horizon  end\n";
    assert_eq!(syntax::format(&parse(text)), text);
}

#[test]
fn monstrous_input_is_answered_within_a_second() {
    let deep = |open: &str, close: &str, n: usize| {
        format!("loss {}x{}\n", open.repeat(n), close.repeat(n))
    };
    let inputs = [
        ("brackets", deep("(", ")", 100_000)),
        ("lists", deep("[", "]", 10_000)),
        ("calls", deep("f(", ")", 10_000)),
        ("open brackets", format!("loss {}", "(".repeat(30_000))),
        ("signs", format!("loss {}x", "-".repeat(30_000))),
        ("powers", format!("loss x{}", "^x".repeat(30_000))),
        ("marks", format!("loss x{}", "'".repeat(30_000))),
        ("indices", format!("loss x{}", "[1]".repeat(20_000))),
        ("one long sum", format!("loss x{}", "+x".repeat(32_000))),
        ("one long line", "loss ".repeat(MAX_BYTES / 5)),
        ("many clauses", "loss x + y\n".repeat(MAX_BYTES / 11)),
        ("many mistakes", "los x + y\n".repeat(MAX_BYTES / 10)),
        ("many lines", "\n".repeat(MAX_BYTES)),
        ("a long continuation", format!("loss x{}", "\n +x".repeat(16_000))),
        ("comments", "#\n".repeat(MAX_BYTES / 2)),
        ("a long name", format!("loss {}", "x".repeat(60_000))),
        ("a long number", format!("loss {}", "1".repeat(60_000))),
        ("too large", "x".repeat(MAX_BYTES + 1)),
    ];
    for (name, text) in inputs {
        let source = Source::new(name, &text);
        let started = Instant::now();
        if let Err(mistakes) = syntax::parse(&source, &mut Sink::new()) {
            for mistake in &mistakes {
                lagrule::cli::render::diagnostic(
                    &source,
                    mistake,
                    lagrule::cli::render::Style::Plain,
                );
            }
        }
        let took = started.elapsed();
        // Far less, unless the machine is busy; what grows with the square of the input takes minutes.
        assert!(took < Duration::from_secs(30), "{name} took {took:?} unoptimised");
    }
}

#[test]
fn the_deepest_accepted_nesting_fits_a_small_stack() {
    let text = format!("loss {}x{}\n", "(-f(".repeat(10), "))".repeat(10));
    let handle = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || syntax::format(&parse(&text)));
    assert!(handle.unwrap().join().is_ok());
}
