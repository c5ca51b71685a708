//! Streams that are closed, full or broken, and what else a parent may hand on.

use std::process::Command;

use serde_json::Value;

use crate::support::{Bare as _, Ended, Folder, endings};

const ORCH: &str = "$ONEX orch --contract contract.yaml --format";

/// Runs a line of a shell in which `$ONEX` is the program.
fn shell(folder: &Folder, line: &str) -> Ended {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder.path()).bare();
    command.env("TMPDIR", folder.path().join("tmp"));
    command.env("ONEX", env!("CARGO_BIN_EXE_onex"));
    let ended = Ended::of(&command.output().unwrap());
    folder.assert_nothing_left(line);
    ended
}

fn two_nodes() -> Folder {
    Folder::with("workflow: {tasks: [{id: a, run: 'echo a; echo b >&2; cat'}, {id: b, run: touch done}]}")
}

#[test]
fn closed_streams_keep_no_run_from_its_end() {
    for format in ["human", "json"] {
        for closed in ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
            let folder = two_nodes();
            let ended =
                shell(&folder, &format!("{ORCH} {format} --progress plain --report report.json {closed}"));
            assert!(folder.exists("done"), "{format} {closed}: {ended:?}");
            assert_eq!(ended.code, 0, "{format} {closed}: {ended:?}");
            // What a node opens takes no place that was meant for its output.
            let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
            let streams = (&report["results"][0]["stdout"], &report["results"][0]["stderr"]);
            assert_eq!(streams, (&"a\n".into(), &"b\n".into()), "{format} {closed}");
        }
    }
}

#[test]
fn a_full_disk_behind_stdout_is_a_failure_of_the_report_alone() {
    let folder = two_nodes();
    let ended = shell(&folder, &format!("{ORCH} json --report report.json >/dev/full"));
    assert!(ended.code == 1 && ended.stderr.contains("cannot write the report"), "{ended:?}");
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["status"], "success");
    // Nobody is left to be told, and the run goes on all the same.
    let folder = two_nodes();
    assert_eq!(
        shell(&folder, &format!("{ORCH} json --progress plain --log - >/dev/full 2>/dev/full")).code,
        1
    );
    assert!(folder.exists("done"));
}

#[test]
fn a_reader_that_takes_one_line_is_no_failure() {
    for format in ["human", "json"] {
        let folder = two_nodes();
        let ended = shell(&folder, &format!("set -o pipefail; {ORCH} {format} | head -n 1"));
        assert_eq!(
            (ended.code, ended.stderr.as_str(), ended.stdout.lines().count()),
            (0, "", 1),
            "{ended:?}"
        );
        assert!(folder.exists("done"));
    }
}

#[test]
fn a_node_in_a_pipe_ends_by_the_signal_for_that() {
    let folder =
        Folder::with("workflow: {tasks: [{id: a, run: 'yes | head -n 1'}, {id: b, run: kill -PIPE $$}]}");
    let report = folder.report(&["--keep-going"]);
    assert_eq!(endings(&report), ["a completed -", "b failed signal"]);
    assert_eq!(report["results"][1]["signal"], 13);
}

#[test]
fn a_parent_that_ignores_its_children_changes_nothing() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: '(sleep 0.05 &) ; exit 3'}]}");
    let ended = shell(&folder, &format!("trap '' CHLD; {ORCH} json"));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (endings(&report), &report["results"][0]["return_code"]),
        (vec!["a failed exit_code".to_owned()], &3.into())
    );
}

#[test]
fn who_has_no_parent_any_more_runs_and_stops_as_everybody() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: 'echo $PPID > onex; touch ready; sleep 987690; touch late'}]}",
    );
    // The parent ends at once, so that the group is an orphan, which the kernel does not stop; in a session of its own,
    // because whoever adopts it could be in this one.
    let ended = shell(
        &folder,
        &format!(
            "exec setsid --wait bash -c '(set -m; {ORCH} json > out 2>&1 & disown); \
             while ! test -e ready; do sleep 0.01; done; \
             kill -TSTP $(cat onex); kill -INT $(cat onex); while test -e /proc/$(cat onex)/exe; do sleep 0.01; done'"
        ),
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&folder.read("out")).unwrap();
    assert_eq!((&report["status"], folder.exists("late")), (&"cancelled".into(), false));
}

#[test]
fn a_report_that_cannot_be_told_of_keeps_nobody_waiting() {
    // Its log fills the pipe that nobody reads, and its report has no place any more.
    let nodes: String = (0..600).map(|n| format!("    - {{id: n{n}, run: [/bin/false]}}\n")).collect();
    let folder = Folder::with(&format!(
        "workflow:\n  coordination: {{rules: {{fail_fast: false}}}}\n  tasks:\n{nodes}    - {{id: last, run: 'rm -r place; touch last', priority: 900}}\n"
    ));
    folder.write("place/nothing", "");
    let arguments =
        ["orch", "--contract", "contract.yaml", "--format", "json", "--log", "-", "--report", "place/r.json"];
    let mut command = folder.command(&arguments);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    folder.wait_for("last");
    while child.try_wait().unwrap().is_none() {
        super::send(&child, rustix::process::Signal::INT);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    folder.assert_nothing_left("nobody reads");
}

#[test]
fn findings_that_nobody_reads_keep_nobody_waiting() {
    let nodes: String =
        (0..2000).map(|n| format!("    - {{id: n{n}, run: [/bin/true], frobnicate: 1}}\n")).collect();
    let folder = Folder::with(&format!("workflow:\n  tasks:\n{nodes}"));
    let mut child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    // It has begun to tell, and cannot go on.
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut first).unwrap();
    while child.try_wait().unwrap().is_none() {
        super::send(&child, rustix::process::Signal::INT);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    folder.assert_nothing_left("findings");
}
