//! The Python that emitted code is tried with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter that `tests/emit/setup` installed, when it did and its packages are those
/// asked for. A test that gets none says so and passes.
#[allow(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn python() -> Option<PathBuf> {
    let wanted = std::fs::read_to_string("tests/emit/requirements.txt").unwrap();
    let installed = std::fs::read_to_string("target/venv/installed.txt").ok();
    let python = PathBuf::from("target/venv/bin/python");
    if installed.as_deref() == Some(wanted.as_str()) && python.exists() {
        return Some(python);
    }
    eprintln!(
        "SKIPPED: no Python with the packages of tests/emit/requirements.txt; run tests/emit/setup"
    );
    None
}

/// Runs a script and returns what it printed; a failure shows all it said.
pub(crate) fn run(python: &Path, arguments: &[&str]) -> String {
    let output = Command::new(python)
        .args(arguments)
        .env("OMP_NUM_THREADS", "1")
        .env("JAX_PLATFORMS", "cpu")
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?} failed\n{out}\n{err}");
    out.into_owned()
}

/// Every Python file of a folder passes ruff and black. Files are named one by one: a folder below
/// `target` is ignored by git, and the formatters pass over what git ignores.
pub(crate) fn formatted(python: &Path, folder: &Path) {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "py"));
    let files: Vec<String> = files.map(|path| path.to_str().unwrap().to_owned()).collect();
    assert!(!files.is_empty());
    let all = |first: &[&str]| -> Vec<String> {
        first.iter().map(|word| (*word).to_owned()).chain(files.iter().cloned()).collect()
    };
    for arguments in [
        all(&["-m", "ruff", "check", "--isolated"]),
        all(&["-m", "black", "--check", "--quiet"]),
    ] {
        run(python, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// A fresh folder below `target/tmp` for the files of one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emit").join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}
