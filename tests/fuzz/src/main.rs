//! The fuzzing loop without libFuzzer, for the stable toolchain.
//!
//! ```text
//! SOAK_SECONDS=120 SOAK_SEED=1 cargo run --release --manifest-path tests/fuzz/Cargo.toml
//! ```
//!
//! Each input is a generated file, a damaged one, or a damaged shipped rule. A panic, an unsound
//! result or an input that takes too long is written to `target/soak/`, some files for each
//! kind, and makes the exit code 1. `current.lag` is always the input under way, so that it
//! survives an overflowing stack.

use lagrule_fuzz::choices::Choices;
use lagrule_fuzz::generate::generate;
use lagrule_fuzz::hold;
use lagrule_fuzz::mutate::mutate;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longer than this is a finding of its own.
const PATIENCE: Duration = Duration::from_secs(5);
/// Files kept of one kind of finding.
const EXAMPLES: u64 = 4;
/// Longer than this is given up; the program ends.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let number = |name: &str, default| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let budget = Duration::from_secs(number("SOAK_SECONDS", 60));
    let first = number("SOAK_SEED", 1);
    let folder = PathBuf::from("target/soak");
    std::fs::create_dir_all(&folder).expect("target/soak can be made");
    let rules = shipped();
    let place = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&place);
    std::panic::set_hook(Box::new(move |info| {
        let at = info.location().map_or_else(String::new, ToString::to_string);
        *seen.lock().expect("no panic while it is held") = format!("{at}: {info}");
    }));

    let began = Instant::now();
    let clock = Arc::new(AtomicU64::new(0));
    watch(Arc::clone(&clock), began, folder.join("current.lag"));
    let mut findings: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    let (mut seed, mut derived) = (first, 0_usize);
    let mut slowest = (Duration::ZERO, 0);
    while began.elapsed() < budget {
        let text = input(seed, &rules);
        std::fs::write(folder.join("current.lag"), &text).expect("target/soak can be written");
        clock.store(millis(began) + 1, Ordering::Relaxed);
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            hold::parses(&text);
            let study = hold::study(&text)?;
            let differences = hold::disagreements(&study).into_iter();
            // One finding for each row of the verification, whatever the numbers.
            let rows = differences.map(|row| {
                let name: Vec<&str> = row.split_whitespace().take(2).collect();
                format!("verify: {}", name.join(" "))
            });
            Some(hold::faults(&study).into_iter().chain(rows).collect::<Vec<_>>())
        }));
        let took = started.elapsed();
        clock.store(0, Ordering::Relaxed);
        slowest = slowest.max((took, seed));
        let mut found = Vec::new();
        match outcome {
            Ok(None) => {}
            Ok(Some(faults)) => {
                derived += 1;
                found = faults;
            }
            Err(_) => found.push(place.lock().expect("not poisoned").clone()),
        }
        if took > PATIENCE {
            found.push(format!("slow: more than {PATIENCE:?}"));
        }
        for what in found {
            let next = findings.len();
            let entry = findings.entry(what.clone()).or_insert((next, 0));
            entry.1 += 1;
            if entry.1 <= EXAMPLES {
                let path = folder.join(format!("finding-{}-{}.lag", entry.0, entry.1));
                let note = format!("# seed {seed}: {}\n", what.replace('\n', " "));
                std::fs::write(path, note + &text).expect("target/soak can be written");
            }
        }
        seed += 1;
    }
    println!(
        "seeds {first} to {}: {derived} derived, slowest {:?} (seed {})",
        seed - 1,
        slowest.0,
        slowest.1
    );
    for (what, (number, count)) in &findings {
        println!("finding-{number}, {count} times: {what}");
    }
    ExitCode::from(u8::from(!findings.is_empty()))
}

/// The input of a seed.
fn input(seed: u64, rules: &[String]) -> String {
    let mut choices = Choices::from_seed(seed);
    match seed % 3 {
        0 => generate(&mut choices),
        1 => {
            let text = generate(&mut choices);
            mutate(&text, &mut choices)
        }
        _ => {
            let rule = choices.below(rules.len());
            mutate(&rules[rule], &mut choices)
        }
    }
}

fn shipped() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let entries = std::fs::read_dir(folder).expect("the shipped rules are there");
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "lag"))
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).expect("a readable rule")).collect()
}

fn millis(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Ends the program when one input hangs.
fn watch(clock: Arc<AtomicU64>, began: Instant, current: PathBuf) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let started = clock.load(Ordering::Relaxed);
            if started > 0 && millis(began).saturating_sub(started) > LIMIT.as_millis() as u64 {
                println!("gave up after {LIMIT:?}: {}", current.display());
                std::process::exit(1);
            }
        }
    });
}
