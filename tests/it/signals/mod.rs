//! Being stopped: by a signal, by a second one, by a reader that goes away.

mod crash;
mod flood;
mod matrix;
mod streams;
mod stress;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Ended, Folder, endings};

/// Waits until a file is there. The test runner bounds the wait.
fn wait_for(path: &Path) {
    while !path.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Sends a signal to a process that was not waited for yet.
fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Sends signals to a process while it is stopped, so that it hears all of them together when it goes on.
fn send_at_once(child: &Child, signals: &[Signal]) {
    send(child, Signal::STOP);
    let status = format!("/proc/{}/stat", child.id());
    while !std::fs::read_to_string(&status).unwrap().rsplit(')').next().unwrap().starts_with(" T") {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    signals.iter().for_each(|signal| send(child, *signal));
    send(child, Signal::CONT);
}

fn is_alive(folder: &Folder, pid_file: &str) -> bool {
    // A process that has ended and was not waited for has no program any more.
    Path::new("/proc").join(folder.read(pid_file).trim()).join("exe").exists()
}

const CONTRACT: &str = r#"
workflow:
  name: stopped
  coordination: {rules: {execution_mode: parallel}}
  tasks:
    - {id: done, run: 'true'}
    - {id: waits, run: 'echo $$ > pid; touch ready; sleep 987661', depends_on: [done]}
    - {id: later, run: 'touch later', depends_on: [waits]}
    - {id: backs_off, run: 'touch tried; exit 1', retry: {max_attempts: 3, initial_delay: 1h, max_delay: 1h}}
"#;

#[test]
fn a_signal_stops_the_run_and_the_report_is_whole() {
    for name in [Signal::INT, Signal::QUIT, Signal::TERM, Signal::HUP] {
        let folder = Folder::with(CONTRACT);
        let child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "json", "--jobs", "2"]);
        wait_for(&folder.path().join("ready"));
        wait_for(&folder.path().join("tried"));
        send(&child, name);
        let ended = Ended::of(&child.wait_with_output().unwrap());
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(
            (ended.code, &report["status"], &report["exit_code"]),
            (1, &"cancelled".into(), &1.into()),
            "{name:?}"
        );
        let endings = endings(&report);
        // The delay before a repetition may not have begun when the signal came.
        let tried = ["backs_off failed exit_code", "backs_off failed cancelled"];
        assert!(endings.iter().any(|e| tried.contains(&e.as_str())), "{endings:?}");
        for expected in ["done completed -", "waits failed cancelled", "later skipped cancelled"] {
            assert!(endings.iter().any(|e| e == expected), "{name:?}: {endings:?}");
        }
        assert!(!is_alive(&folder, "pid") && !folder.exists("later"));
        assert_eq!(report["error"]["kind"], "CancelledError");
        folder.assert_clean();
    }
}

#[test]
fn a_second_signal_kills_what_ignores_the_first() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: deaf, run: \"trap 'touch asked' TERM; echo $$ > pid; touch ready; while :; do sleep 0.02 || true; done\"}]}",
    );
    let child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    wait_for(&folder.path().join("ready"));
    send(&child, Signal::INT);
    wait_for(&folder.path().join("asked"));
    assert!(is_alive(&folder, "pid"));
    send(&child, Signal::INT);
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (ended.code, &report["status"], &report["results"][0]["signal"]),
        (1, &"cancelled".into(), &9.into())
    );
    assert!(!is_alive(&folder, "pid"));
    folder.assert_clean();
}

#[test]
fn a_signal_that_is_ignored_from_the_start_stays_ignored() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: 'touch ready; while ! test -e go; do sleep 0.01; done'}]}",
    );
    // `nohup` ignores SIGHUP before it becomes the program.
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_onex")).args(["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.current_dir(folder.path()).env("TMPDIR", folder.path().join("tmp"));
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    wait_for(&folder.path().join("ready"));
    send(&child, Signal::HUP);
    folder.write("go", "");
    assert_eq!(Ended::of(&child.wait_with_output().unwrap()).code, 0);
}

#[test]
fn under_fail_fast_validators_are_stopped_and_effects_finish() {
    let folder = Folder::with(
        r#"
workflow:
  coordination: {rules: {execution_mode: parallel}}
  tasks:
    - {id: checks, type: validator, run: "trap 'touch stopped; exit 1' TERM; touch ready; while :; do sleep 0.01; done"}
    - {id: repeats, idempotent: true, run: [sleep, '987662']}
    - {id: effect, run: 'touch begun; while ! test -e stopped; do sleep 0.01; done; touch finished'}
    - {id: bad, run: 'while ! test -e begun || ! test -e ready; do sleep 0.01; done; exit 1'}
    - {id: never, run: 'touch never'}
"#,
    );
    let report = folder.report(&["--jobs", "4"]);
    let expected = [
        "checks failed cancelled",
        "repeats failed cancelled",
        "effect completed -",
        "bad failed exit_code",
        "never skipped cancelled",
    ];
    assert_eq!(endings(&report), expected);
    assert!(folder.exists("finished") && !folder.exists("never"));
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_run() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: 'true'}, {id: b, run: 'while ! test -e go; do sleep 0.01; done; touch done'}]}",
    );
    let mut child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("a ") || !line.contains('s') || line.contains("onex") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the first node never ended");
    }
    drop(out);
    folder.write("go", "");
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str(), folder.exists("done")), (Some(0), "", true));
}

#[test]
fn a_report_that_cannot_be_written_is_a_failure() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}]}");
    for format in ["json", "yaml", "human"] {
        let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", format]);
        command.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!(ended.code, 1, "{format}");
        assert!(ended.stderr.contains("cannot write the report"), "{format}: {}", ended.stderr);
    }
}

#[test]
fn a_parent_that_ignored_its_children_does_not_hide_how_nodes_end() {
    let folder = Folder::with(
        "workflow: {coordination: {rules: {fail_fast: false}}, tasks: [{id: bad, run: exit 3}, {id: good, run: 'true'}]}",
    );
    let script = "import os, signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nos.execv(sys.argv[1], sys.argv[1:])";
    let mut command = Command::new("python3");
    command.args([
        "-c",
        script,
        env!("CARGO_BIN_EXE_onex"),
        "orch",
        "--contract",
        "contract.yaml",
        "--format",
        "json",
    ]);
    command.current_dir(folder.path()).env("TMPDIR", folder.path().join("tmp"));
    let ended = Ended::of(&command.output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(endings(&report), ["bad failed exit_code", "good completed -"]);
    assert_eq!(report["results"][0]["return_code"], 3);
}

/// Many failing nodes, whose lines are more than a pipe holds.
fn talkative(extra: &str) -> Folder {
    let nodes: String = (0..3000).map(|n| format!("    - {{id: n{n}, run: [/bin/false]}}\n")).collect();
    Folder::with(&format!(
        "workflow:\n  coordination: {{rules: {{fail_fast: false}}}}\n  tasks:\n{nodes}{extra}"
    ))
}

#[test]
fn a_reader_that_does_not_read_keeps_no_run_from_its_end() {
    // The last node says that the run went on although nobody read its display.
    let folder = talkative("    - {id: last, run: 'touch last', priority: 900}\n");
    for format in ["human", "json"] {
        let mut child = folder.start(&["orch", "--contract", "contract.yaml", "--format", format]);
        wait_for(&folder.path().join("last"));
        // It waits for its reader now, and for nothing else: a signal is enough.
        while child.try_wait().unwrap().is_none() {
            send(&child, Signal::INT);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(child.wait().unwrap().code(), Some(1), "{format}");
        std::fs::remove_file(folder.path().join("last")).unwrap();
        folder.assert_clean();
    }
}

#[test]
fn nobody_has_to_read_how_far_a_run_is() {
    let folder = talkative("    - {id: last, run: 'touch last', priority: 900}\n");
    for more in [&["--progress", "plain"][..], &["--log", "-"]] {
        let arguments = ["orch", "--contract", "contract.yaml", "--format", "json"];
        let mut command = folder.command(&[&arguments[..], more].concat());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        wait_for(&folder.path().join("last"));
        while child.try_wait().unwrap().is_none() {
            send(&child, Signal::INT);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(child.wait().unwrap().code(), Some(1), "{more:?}");
        std::fs::remove_file(folder.path().join("last")).unwrap();
        folder.assert_clean();
    }
}

#[test]
fn a_second_signal_kills_what_is_left_of_a_group_without_its_leader() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: \"(trap '' TERM; echo $$ > leader; touch ready; exec >/dev/null 2>&1; while :; do sleep 0.02 || true; done) & sleep 987663\"}]}",
    );
    let child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    wait_for(&folder.path().join("ready"));
    send(&child, Signal::INT);
    while is_alive(&folder, "leader") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Without the second signal its grace of five seconds would pass first; the runner's log shows the time.
    send(&child, Signal::INT);
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (ended.code, &report["error"]["message"]),
        (1, &"the run was killed by a second signal".into())
    );
}

#[test]
fn signals_that_come_together_cost_no_reader_its_report() {
    for round in 0..10 {
        let folder = Folder::with(
            "workflow: {tasks: [{id: a, run: 'touch tried; exit 1', retry: {max_attempts: 2, initial_delay: 1h, max_delay: 1h}}]}",
        );
        let child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "json"]);
        folder.wait_for("tried");
        // The first ends the run, and the others come while its report is written.
        send_at_once(&child, &[Signal::INT, Signal::TERM, Signal::HUP]);
        let ended = Ended::of(&child.wait_with_output().unwrap());
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{round}: {e}"));
        assert_eq!((ended.code, &report["status"]), (1, &"cancelled".into()));
        folder.assert_nothing_left("signals together");
    }
}
