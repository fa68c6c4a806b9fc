//! The rules of the house, checked: what may import what, how long a file may be, and that no
//! diagnostic goes without a page and an example.

use crate::bad::GENERATED;
use lagrule::diag::Code;
use std::path::{Path, PathBuf};

/// Source files under a directory, sorted.
fn files(dir: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut pending = vec![PathBuf::from(dir)];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// The code of a file without its comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| line.to_owned() + "\n").collect()
}

/// `src/syntax/lower/expr.rs` → `syntax/lower/expr`, `src/diag/mod.rs` → `diag`.
fn module(path: &Path) -> String {
    let path = path.strip_prefix("src").unwrap().with_extension("");
    path.to_string_lossy().trim_end_matches("/mod").to_owned()
}

/// Modules from left to right; each imports only from those to its left.
const ORDER: [&str; 11] = [
    "source", "diag", "syntax", "model", "derive", "solve", "rule", "study", "emit", "train",
    "driver",
];

/// What a module may import from its own crate.
fn allowed(from: &str, to: &str) -> bool {
    let place = |name: &str| ORDER.iter().position(|module| *module == name);
    match (from, to) {
        _ if from == to => true,
        // The algebra knows nothing of models. Derivation and solution are independent roads:
        // comparing them proves something only while they stay apart.
        ("symbolic", _) | ("solve", "derive") => false,
        // Everything after the syntax may use the algebra.
        (_, "symbolic") => !matches!(from, "source" | "diag" | "syntax"),
        ("cli", _) => true,
        _ => place(to) < place(from) && place(to).is_some(),
    }
}

#[test]
fn imports_go_one_way() {
    for path in files("src") {
        let name = module(&path);
        let from = name.split('/').next().unwrap();
        if matches!(from, "lib" | "main") {
            continue;
        }
        for import in code(&path).split("crate::").skip(1) {
            let targets: Vec<&str> = match import.strip_prefix('{') {
                Some(group) => group.split('}').next().unwrap().split(',').collect(),
                None => vec![import],
            };
            for target in targets {
                let end = |c: char| !c.is_alphanumeric() && c != '_';
                let to = target.trim().split(end).next().unwrap();
                assert!(to.is_empty() || allowed(from, to), "{name} imports {to}");
            }
        }
    }
}

#[test]
fn each_library_has_its_place() {
    let places: [(&str, &[&str]); 11] = [
        ("pest", &["syntax/lower"]),
        ("clap", &["cli/args"]),
        ("annotate_snippets", &["cli/render"]),
        ("num_dual", &["symbolic/eval", "symbolic/tape", "solve", "rule/verify"]),
        ("faer", &["solve/linalg/dense", "train/network/scalar"]),
        ("ode_solvers", &["solve/integrate"]),
        ("differential_equations", &["solve/integrate"]),
        ("pulldown_latex", &["emit", "symbolic/print/tests"]),
        ("std::fs", &["cli", "train/data"]),
        ("plotters", &["cli/solve/plot"]),
        ("resvg", &["cli/solve/plot"]),
    ];
    for path in files("src") {
        let (name, code) = (module(&path), code(&path));
        for (library, homes) in places {
            let used = [format!("use {library}::"), format!("{library}::")];
            let at_home = homes.iter().any(|home| name.starts_with(home));
            assert!(at_home || !used.iter().any(|u| code.contains(u)), "{name} uses {library}");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let folders =
        ["src", "tests/it", "tests/fuzz/src", "tests/fuzz/fuzz_targets", "tests/bench"];
    for path in folders.into_iter().flat_map(files) {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 700, "{} has {lines} lines", path.display());
    }
}

#[test]
fn each_code_has_a_page_and_an_example() {
    for code in Code::ALL {
        let page =
            std::fs::read_to_string(format!("docs/errors/{code}.md")).unwrap_or_default();
        let title = format!("# {code}: {}\n", code.title());
        assert!(page.starts_with(&title), "docs/errors/{code}.md should begin with {title}");
        let example = Path::new("tests/bad").join(code.id()).is_dir();
        assert!(example || GENERATED.contains(code), "tests/bad/{code} is missing");
    }
}

#[test]
fn each_page_and_example_has_a_code() {
    for dir in ["docs/errors", "tests/bad"] {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy();
            assert!(Code::ALL.iter().any(|code| code.id() == name), "{}", path.display());
        }
    }
}

/// README, changelog and everything in docs/.
fn documents() -> Vec<PathBuf> {
    let mut out = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    for dir in ["docs", "docs/errors"] {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        out.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    out.sort();
    out
}

/// What GitHub makes of a heading: lower case, spaces to dashes, other signs dropped.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The text outside of code blocks and code spans.
fn prose(page: &str) -> String {
    let outside = page.split("```").step_by(2).collect::<String>();
    outside.split('`').step_by(2).collect()
}

#[test]
fn every_link_of_the_documentation_resolves() {
    for path in documents() {
        let page = std::fs::read_to_string(&path).unwrap();
        for link in prose(&page).split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.starts_with("http") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                _ => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{} links to {link}", path.display());
            if !place.is_empty() {
                let target = std::fs::read_to_string(&target).unwrap();
                let mut headings = target.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|heading| anchor(heading) == place),
                    "{} links to {link}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_shipped_rule_is_in_the_readme() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    for entry in std::fs::read_dir("rules").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "lag") {
            let link = format!("({})", path.display());
            assert!(readme.contains(&link), "README.md does not link to {}", path.display());
        }
    }
}

#[test]
fn only_the_command_line_prints() {
    for path in files("src") {
        let (name, code) = (module(&path), code(&path));
        let prints = ["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!("];
        let found = prints.iter().any(|print| code.contains(print));
        assert!(name.starts_with("cli") || !found, "{name} prints");
    }
}

#[test]
fn architecture_fits_on_a_few_pages() {
    let page = std::fs::read_to_string("docs/architecture.md").unwrap();
    assert!(page.lines().count() <= 200);
    // Every direct dependency is explained.
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    for line in dependencies.split("[dev-dependencies]").next().unwrap().lines() {
        if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            assert!(page.contains(&format!("`{name}`")), "docs/architecture.md omits {name}");
        }
    }
}
