//! At a terminal: a pseudo-terminal by `script`, from the essential Debian package `bsdutils`.

use std::process::{Command, Stdio};

use crate::support::Folder;

/// What a terminal shows of a command line.
fn at_a_terminal(folder: &Folder, variables: &[(&str, &str)], line: &str) -> String {
    let mut command = Command::new("script");
    command
        .args(["-qec", &format!("{} {line}", env!("CARGO_BIN_EXE_onex")), "/dev/null"])
        .current_dir(folder.path());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("SHELL", "/bin/sh");
    command.env("TERM", "xterm").env("TMPDIR", folder.path().join("tmp")).envs(variables.iter().copied());
    String::from_utf8(command.stdin(Stdio::null()).output().unwrap().stdout).unwrap()
}

#[test]
fn a_terminal_gets_the_report_for_people_in_colour() {
    let folder = Folder::with("workflow: {name: shown, tasks: [{id: a, run: 'true'}]}");
    let line = "orch --contract contract.yaml";
    let shown = at_a_terminal(&folder, &[], line);
    assert!(shown.contains("✅ a") && shown.contains("\u{1b}[32msuccess"), "{shown}");
    let dumb = at_a_terminal(&folder, &[("TERM", "dumb")], line);
    assert!(dumb.contains("PASS a") && !dumb.contains('\u{1b}'), "{dumb}");
    let ci = at_a_terminal(&folder, &[("CI", "true"), ("NO_COLOR", "1")], line);
    assert!(ci.contains("PASS a") && !ci.contains('\u{1b}'), "{ci}");
    let piped = folder.onex(&["orch", "--contract", "contract.yaml"]);
    assert!(piped.stdout.starts_with("{\n"), "{}", piped.stdout);
}

#[test]
fn findings_are_in_colour_at_a_terminal() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true', depends_on: [b]}]}");
    let shown = at_a_terminal(&folder, &[], "plan contract.yaml");
    assert!(
        shown.contains("\u{1b}[1m\u{1b}[91merror[E0302]") || shown.contains("\u{1b}[1;91merror"),
        "{shown:?}"
    );
}
