//! What onex finds on a machine, and what it shows to somebody who types nothing but its name.

use std::process::Command;

use serde_json::Value;

use crate::support::{Bare as _, Ended, Folder};

fn check<'r>(report: &'r Value, name: &str) -> &'r Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

/// What it finds in a shell with these limits and variables.
fn doctor(folder: &Folder, variables: &[(&str, &str)], limits: &str) -> (i32, Value) {
    let mut command = Command::new("/bin/sh");
    let line = format!("{limits} exec \"$0\" doctor --format json");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_onex")]).current_dir(folder.path()).bare();
    command.env("HOME", folder.path());
    let ended = Ended::of(
        &command.env("TMPDIR", folder.path().join("tmp")).envs(variables.iter().copied()).output().unwrap(),
    );
    (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}")))
}

#[test]
fn a_machine_in_order_is_described() {
    let folder = Folder::new();
    let (code, report) = doctor(&folder, &[("ONEX_JOBS", "3"), ("ONEX_INPUT", "token=secret")], "");
    assert_eq!((code, &report["healthy"]), (0, &true.into()), "{report:#}");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(check(&report, "sh")["found"].as_str().unwrap().ends_with("/sh"));
    assert!(check(&report, "python3")["found"].as_str().unwrap().starts_with("Python 3"));
    let state = folder.path().join(".local/state/onex");
    let expected = format!("{}, which is made when it is needed", state.display());
    assert_eq!(check(&report, "state folder")["found"], expected.as_str());
    assert!(!folder.exists(".local") && std::fs::read_dir(folder.path().join("tmp")).unwrap().count() == 0);
    let settings = report["settings"].as_array().unwrap();
    let setting = |name: &str| {
        let found = settings.iter().find(|setting| setting["name"] == name).unwrap();
        [&found["value"], &found["origin"], &found["variable"]]
            .map(|value| value.as_str().unwrap_or("-").to_owned())
    };
    assert_eq!(setting("jobs"), ["3", "environment", "ONEX_JOBS"]);
    assert_eq!(setting("input"), ["(set)", "environment", "ONEX_INPUT"]);
    assert_eq!(setting("progress"), ["auto", "default", "ONEX_PROGRESS"]);
    assert_eq!(setting("format"), ["json", "command_line", "ONEX_FORMAT"]);
    assert_eq!(setting("timeout"), ["-", "default", "ONEX_TIMEOUT"]);
}

#[test]
fn what_is_wrong_is_a_problem_with_something_to_do() {
    let folder = Folder::new();
    folder.write("in-the-way", "");
    folder.write("bin/git", "#!/bin/sh\nexit 3\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path().join("bin/git"), executable).unwrap();
    let in_the_way = folder.path().join("in-the-way").display().to_string();
    let bin = folder.path().join("bin").display().to_string();
    type Row<'r> = (&'r [(&'r str, &'r str)], &'r str, &'r str, &'r str);
    let rows: &[Row<'_>] = &[
        (&[("XDG_STATE_HOME", &in_the_way)], "", "state folder", "is no folder"),
        (&[("HOME", "")], "", "state folder", "neither HOME nor XDG_STATE_HOME is set"),
        (&[("TMPDIR", "/dev/null/x")], "", "temporary folder", "is no folder"),
        (&[], "ulimit -n 64;", "open files", "64, enough for 5 nodes at once"),
        (&[("PATH", &bin)], "", "git", "does not say its version: it ends with 3"),
        (&[("PATH", &bin)], "", "sh", "no program `sh` in PATH"),
    ];
    for (variables, limits, name, found) in rows {
        let (code, report) = doctor(&folder, variables, limits);
        let check = check(&report, name);
        assert_eq!((code, &check["status"]), (1, &"problem".into()), "{name}: {check}");
        assert!(check["found"].as_str().unwrap().contains(found), "{check}");
        assert!(!check["advice"].as_str().unwrap().is_empty());
    }
    // What only some contracts need is no problem.
    let (_, report) = doctor(&folder, &[("PATH", &bin)], "");
    assert_eq!(check(&report, "python3")["status"], "absent");
}

#[test]
fn people_read_what_to_do_in_lines_that_fit() {
    let folder = Folder::new();
    let mut command = folder.command(&["doctor"]);
    let ended =
        Ended::of(&command.env("XDG_STATE_HOME", "/dev/null").env("ONEX_JOBS", "3").output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert!(ended.stdout.starts_with(&format!("onex {} on ", env!("CARGO_PKG_VERSION"))), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("❌ state folder") && ended.stdout.contains("remove what is in its place"),
        "{}",
        ended.stdout
    );
    let jobs = ended.stdout.lines().find(|line| line.trim_start().starts_with("jobs ")).unwrap();
    assert_eq!(jobs.split_whitespace().collect::<Vec<_>>(), ["jobs", "3", "environment"]);
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
}

/// What a terminal shows of the bare name of the program.
fn at_a_terminal(folder: &Folder, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new("script");
    command.args(["-qec", env!("CARGO_BIN_EXE_onex"), "/dev/null"]).current_dir(folder.path()).bare();
    command.env("SHELL", "/bin/sh");
    command.env("TERM", "xterm").env("NO_COLOR", "1").envs(variables.iter().copied());
    String::from_utf8(command.stdin(std::process::Stdio::null()).output().unwrap().stdout).unwrap()
}

#[test]
fn the_bare_name_shows_what_can_run_here_and_elsewhere_it_is_misuse() {
    let folder = Folder::new();
    for n in 0..14 {
        let contract =
            format!("workflow: {{name: w, description: what {n} does, tasks: [{{id: a, run: 'true'}}]}}");
        folder.write(&format!("contracts/c{n:02}/contract.yaml"), contract);
    }
    folder.write("contracts/c01/contract.yaml", "workflow: {tasks: [{id: a, depends_on: [b]}]}");
    let shown = at_a_terminal(&folder, &[]);
    assert!(
        shown.contains("  c00  1 node · what 0 does\r\n  c01  cannot run: `onex validate` says why\r\n"),
        "{shown}"
    );
    assert!(
        shown.contains("and 4 more contracts") && shown.contains("  onex orch --contract c00 --dry-run  "),
        "{shown}"
    );
    assert!(shown.lines().count() <= 20, "{shown}");

    let empty = Folder::new();
    let shown = at_a_terminal(&empty, &[]);
    assert!(shown.contains("There is no contract here.") && shown.contains("onex init"), "{shown}");

    let ended = folder.onex(&[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("Usage: onex"), "{}", ended.stderr);
    // A machine that asked for a document gets one at a terminal, too.
    assert!(at_a_terminal(&folder, &[("ONEX_FORMAT", "json")]).contains("\"exit_code\": 2"));
}
