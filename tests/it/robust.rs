//! Nothing a file can hold makes the program panic, hang or eat memory, and what it derives from
//! files no one has seen is sound.

use crate::choices::Choices;
use crate::generate::generate;
use crate::hold;
use crate::mutate::mutate;
use assert_cmd::Command;
use lagrule::diag::{Code, Sink};
use lagrule::driver;
use lagrule::source::{MAX_BYTES, Source};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a mistake may take to be answered. The promise is one second; a loaded machine and an
/// unoptimised program get more.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the answer to a mistake may take of memory, in KiB of address space. Rust itself and the
/// C library reserve a few tens of MiB.
const MEMORY: u64 = 600_000;

fn shipped() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir("rules").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

/// Runs a command on input that is wrong: exit code 2, a message, nothing on standard output,
/// soon, and with little memory.
fn refused(command: &str, name: &str, input: &[u8]) {
    let binary = env!("CARGO_BIN_EXE_lagrule");
    let script = format!("ulimit -v {MEMORY}; exec {binary} {command} -");
    let started = Instant::now();
    let output = Command::new("sh")
        .args(["-c", &script])
        .write_stdin(input)
        .timeout(4 * PATIENCE)
        .output()
        .unwrap();
    let took = started.elapsed();
    let message = String::from_utf8_lossy(&output.stderr);
    let shown: String = message.chars().take(2000).collect();
    assert_eq!(output.status.code(), Some(2), "{name}: {shown}");
    assert!(took < PATIENCE, "{name} took {took:?}");
    assert!(message.contains("error"), "{name}: {shown}");
    assert!(!message.contains("panicked"), "{name}: {shown}");
    assert!(output.stdout.is_empty(), "{name} printed a result");
}

#[test]
fn monsters_are_refused_soon_and_cheaply() {
    let nested = |open: &str, close: &str, n: usize| {
        let text = format!("{}x{}", open.repeat(n), close.repeat(n));
        format!("lagrangian a\nparam x : scalar\nrate 1\nloss {text}\n").into_bytes()
    };
    let monsters: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("zeros", vec![0; 10_000]),
        ("every byte", (0..=255).cycle().take(50_000).collect()),
        ("invalid UTF-8", b"lagrangian a\nparam x : scalar # \xff\xfe\n".to_vec()),
        ("half a character", "lagrangian θ".as_bytes()[..12].to_vec()),
        ("too large", b"# nothing\n".repeat(MAX_BYTES)),
        ("many mistakes", b"los x + y\n".repeat(MAX_BYTES / 10)),
        ("many declarations", b"const a > 0\n".repeat(MAX_BYTES / 12)),
        ("deep brackets", nested("(", ")", 20_000)),
        ("deep lists", nested("[", "]", 20_000)),
        ("deep calls", nested("sqrt(", ")", 10_000)),
        ("deep powers", nested("2^", "", 20_000)),
        ("open brackets", nested("(", "", 30_000)),
        ("signs", nested("-", "", 30_000)),
    ];
    for command in ["check", "derive"] {
        for (name, input) in &monsters {
            refused(command, name, input);
        }
    }
}

#[test]
fn contradictions_are_refused() {
    let head = "lagrangian a\nparam x : scalar\nrate 1\nloss x^2\n";
    let contradictions = [
        "rate 2\n",
        "integrand x'^2\n",
        "const c > 0, c < 0\n",
        "const c > 1\nvalues c = 0\n",
        "given G : matrix[2,2] spd skew\n",
        "metric -1\n",
        "start x = [1, 2]\n",
        "regime r : dt -> 0, dt -> inf\n",
        "end x = 0\n",
    ];
    for text in contradictions {
        refused("derive", text, format!("{head}{text}").as_bytes());
    }
}

#[test]
fn every_prefix_of_a_rule_is_derived_or_refused() {
    for (name, text) in shipped() {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(7).collect();
        for end in ends {
            let source = Source::new(name.as_str(), &text[..end]);
            if let Ok(study) = driver::study(&source, &mut Sink::new()) {
                let faults = hold::faults(&study);
                assert!(faults.is_empty(), "{name} up to {end}: {faults:?}");
            }
        }
    }
}

/// Runs the property over seeds and reports the first text that breaks it.
fn for_seeds(count: u64, text: impl Fn(u64) -> String, holds: impl Fn(&str) -> Vec<String>) {
    for seed in 0..count {
        let text = text(seed);
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| holds(&text)));
        let took = started.elapsed();
        let faults = outcome.unwrap_or_else(|_| vec![String::from("a panic")]);
        assert!(faults.is_empty(), "seed {seed}: {faults:?}\n{text}");
        assert!(took < 2 * PATIENCE, "seed {seed} took {took:?}\n{text}");
    }
}

#[test]
fn damaged_rules_are_derived_or_refused() {
    let rules = shipped();
    let damaged = |seed| {
        let mut choices = Choices::from_seed(seed);
        let rule = choices.below(rules.len());
        mutate(&rules[rule].1, &mut choices)
    };
    for_seeds(6000, damaged, |text| {
        hold::parses(text);
        hold::study(text).map_or_else(Vec::new, |study| hold::faults(&study))
    });
}

#[test]
fn damaged_unseen_files_are_derived_or_refused() {
    let damaged = |seed| {
        let mut choices = Choices::from_seed(seed);
        let text = generate(&mut choices);
        mutate(&text, &mut choices)
    };
    for_seeds(1000, damaged, |text| {
        hold::parses(text);
        hold::study(text).map_or_else(Vec::new, |study| hold::faults(&study))
    });
}

#[test]
fn unseen_files_are_derived() {
    let unseen = |seed| generate(&mut Choices::from_seed(1_000_000 + seed));
    for_seeds(600, unseen, |text| {
        match driver::study(&Source::new("unseen.lag", text), &mut Sink::new()) {
            Ok(study) => hold::faults(&study),
            // Index-free gradients do not exist for everything; the message says so.
            Err(mistakes) => mistakes
                .iter()
                .filter(|mistake| mistake.code != Code::NotDerivable)
                .map(|mistake| format!("{}: {}", mistake.code, mistake.message))
                .collect(),
        }
    });
}

#[test]
fn unseen_derivations_agree_with_the_numeric_roads() {
    let unseen = |seed| generate(&mut Choices::from_seed(2_000_000 + seed));
    for_seeds(200, unseen, |text| {
        hold::study(text).map_or_else(Vec::new, |study| hold::disagreements(&study))
    });
}
