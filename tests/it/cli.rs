//! The command as its users meet it.

use assert_cmd::Command;
use std::path::PathBuf;

pub(crate) fn lagrule(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lagrule"));
    command.args(args).env_remove("NO_COLOR").env("COLUMNS", "80");
    command
}

/// A fresh directory for one test.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a scratch directory");
    dir
}

#[test]
fn fmt_rewrites_a_file_and_leaves_nothing_else() {
    let dir = scratch("fmt");
    let file = dir.join("a.lag");
    std::fs::write(&file, "dim   n\r\n").unwrap();
    let path = file.to_str().unwrap();
    lagrule(&["fmt", "--check", path])
        .assert()
        .code(1)
        .stdout(format!("would reformat {path}\n"));
    lagrule(&["fmt", path]).assert().success().stdout("").stderr("");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "dim    n\n");
    lagrule(&["fmt", "--check", path]).assert().success().stdout("");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
}

#[test]
fn fmt_goes_from_standard_input_to_standard_output() {
    lagrule(&["fmt", "-"]).write_stdin("dim n").assert().success().stdout("dim    n\n");
}

#[test]
fn a_file_with_mistakes_is_left_alone() {
    let file = scratch("bad").join("a.lag");
    std::fs::write(&file, "dim   n\ndimm m\n").unwrap();
    lagrule(&["fmt", file.to_str().unwrap()]).assert().code(2).stdout("");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "dim   n\ndimm m\n");
}

#[test]
fn a_directory_stands_for_its_rules() {
    let dir = scratch("dir");
    std::fs::create_dir(dir.join("sub")).unwrap();
    std::fs::write(dir.join("a.lag"), "dim  n\n").unwrap();
    std::fs::write(dir.join("sub/b.lag"), "dim  n\n").unwrap();
    std::fs::write(dir.join("c.txt"), "dim  n\n").unwrap();
    let output = lagrule(&["fmt", "--check", dir.to_str().unwrap()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_missing_file_is_wrong_input() {
    let output = lagrule(&["check", "no/such.lag"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("cannot read `no/such.lag`"), "{text}");
}

#[test]
fn messages_are_coloured_only_when_asked_for() {
    for (args, coloured) in [
        (&["check", "-"][..], false),
        (&["check", "-", "--color", "always"], true),
        (&["check", "-", "--color", "never"], false),
    ] {
        let output = lagrule(args).write_stdin("dimm n").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(output.stderr.contains(&0x1b), coloured, "{args:?}");
    }
}

#[test]
fn check_is_silent_about_a_right_file_and_counts_the_mistakes_of_a_wrong_one() {
    lagrule(&["check", "rules"]).assert().success().stdout("").stderr("");
    let output =
        lagrule(&["check", "-"]).write_stdin("lagrangian x\nloss y\n").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.ends_with("error: 2 mistakes in <stdin>\n"), "{text}");
}

#[test]
fn a_closed_pipe_is_no_reason_to_complain() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_lagrule"))
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"dim n\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn help_shows_examples() {
    for args in
        [&["--help"][..], &["check", "--help"], &["fmt", "--help"], &["verify", "--help"]]
    {
        let output = lagrule(args).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:\n  lagrule "), "{text}");
    }
}

#[test]
fn a_wrong_command_line_is_wrong_input() {
    lagrule(&["derivative"]).assert().code(2);
    lagrule(&["check"]).assert().code(2);
}
