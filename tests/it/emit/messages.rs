//! What `lagrule emit` says when it can't.

use assert_cmd::Command;

fn emit(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("lagrule").unwrap();
    let output = command.arg("emit").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_rule_without_discrete_update_says_why() {
    let (code, out, err) = emit(&["rules/rosenbrock.lag", "--target", "numpy"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("`rosenbrock` has no discrete update: no closed form"), "{err}");
}

#[test]
fn a_regime_that_does_not_exist_names_those_that_do() {
    let (code, out, err) =
        emit(&["rules/momentum.lag", "--target", "numpy", "--regime", "balistic"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("newton, gradient_descent, ballistic"), "{err}");
    assert!(err.contains("did you mean `ballistic`?"), "{err}");
}

#[test]
fn an_unwritable_output_leaves_nothing() {
    let path = "target/tmp/no such folder/momentum.py";
    let (code, _, err) = emit(&["rules/momentum.lag", "--target", "numpy", "-o", path]);
    assert_eq!(code, 2);
    assert!(err.contains("cannot write"), "{err}");
    assert!(!std::path::Path::new(path).exists());
}

#[test]
fn an_unknown_target_names_the_targets() {
    let (code, _, err) = emit(&["rules/momentum.lag", "--target", "fortran"]);
    assert_eq!(code, 2);
    assert!(err.contains("numpy"), "{err}");
}

#[test]
fn a_rule_without_matrix_free_form_says_why() {
    let free = |file: &str, target: &str| emit(&[file, "--target", target, "--matrix-free"]);
    let (code, out, err) = free("rules/linear_drift.lag", "torch");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("`linear_drift` has no matrix-free form: `X` is no function"),
        "{err}"
    );
    let (code, out, err) = free("rules/momentum.lag", "optax");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("`momentum` has no matrix-free form: it has no matrix"), "{err}");
    let (code, out, err) = free("rules/ballistic.lag", "numpy");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("--matrix-free is for torch and optax"), "{err}");
}

#[test]
fn names_of_hyper_parameters_are_for_known_optimizers_of_libraries() {
    let hyper = |file: &str, target: &str| emit(&[file, "--target", target, "--hyper"]);
    for target in ["numpy", "rust"] {
        let (code, out, err) = hyper("rules/gradient_descent.lag", target);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("--hyper is for torch and optax"), "{err}");
    }
    let (code, out, err) = hyper("rules/natural_gradient.lag", "torch");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("this rule is no known entrywise optimizer"), "{err}");
}

#[test]
fn what_can_not_be_written_leaves_the_file_as_it_was() {
    let path = std::path::Path::new("target/tmp/kept.py");
    std::fs::create_dir_all("target/tmp").unwrap();
    std::fs::write(path, "kept").unwrap();
    let (code, ..) =
        emit(&["rules/rosenbrock.lag", "--target", "torch", "-o", path.to_str().unwrap()]);
    assert_eq!((code, std::fs::read_to_string(path).unwrap().as_str()), (1, "kept"));
    // The file that is read is not written.
    let source = std::fs::read_to_string("rules/momentum.lag").unwrap();
    let copy = "target/tmp/momentum.lag";
    std::fs::write(copy, &source).unwrap();
    let (code, _, err) =
        emit(&[copy, "--target", "numpy", "-o", "target/tmp/../tmp/momentum.lag"]);
    assert_eq!((code, std::fs::read_to_string(copy).unwrap()), (2, source), "{err}");
    // A folder is no file.
    let (code, _, err) = emit(&["rules/momentum.lag", "--target", "torch", "-o", "target/tmp"]);
    assert_eq!(code, 2);
    assert!(err.contains("cannot write"), "{err}");
}
