//! The structured log: the names of the specification, complete, beside everything else.

use onex::report::LOG_NAMES;
use serde_json::Value;

use crate::support::{Ended, Folder};

const CONTRACT: &str = r#"
workflow:
  name: logged
  coordination: {rules: {execution_mode: parallel, fail_fast: false}}
  tasks:
    - {id: good, run: 'echo x'}
    - {id: flaky, type: test, run: 'echo x >> tries; test $(wc -l < tries) -ge 2', retry: {max_attempts: 2, initial_delay: 0}}
    - {id: bad, run: exit 9}
    - {id: after, run: 'true', depends_on: [bad]}
"#;

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// `event node_id status` of each record, sorted: nodes run side by side.
fn told(records: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut told: Vec<String> = records
        .iter()
        .map(|r| format!("{} {} {}", word(&r["event"]), word(&r["node_id"]), word(&r["status"])))
        .collect();
    told.sort();
    told
}

#[test]
fn every_start_and_end_is_logged_by_the_names_of_the_specification() {
    let folder = Folder::with(CONTRACT);
    let report = folder.report(&["--log", "run.log", "--jobs", "3"]);
    let records = records(&folder.read("run.log"));
    assert_eq!(
        told(&records),
        [
            "error bad -",
            "execution_end - failed",
            "execution_end after skipped",
            "execution_end bad failed",
            "execution_end flaky completed",
            "execution_end good completed",
            "execution_start - -",
            "execution_start bad -",
            "execution_start flaky -",
            "execution_start flaky -",
            "execution_start good -",
            "resource_usage - -",
            "resource_usage bad -",
            "resource_usage flaky -",
            "resource_usage flaky -",
            "resource_usage good -",
            "retry flaky -",
        ]
    );
    for record in &records {
        let keys: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys[..5], ["time", "level", "event", "correlation_id", "run_id"], "{record}");
        assert!(LOG_NAMES.contains(&record["event"].as_str().unwrap()));
        assert_eq!(
            (&record["correlation_id"], &record["run_id"]),
            (&report["correlation_id"], &report["run_id"])
        );
    }
    assert!(records.is_sorted_by_key(|record| record["time"].as_str().unwrap()));
    let of = |event: &str, node: &str| {
        records.iter().find(|r| r["event"] == event && r["node_id"] == node).unwrap().clone()
    };
    let retry = of("retry", "flaky");
    assert_eq!(
        (&retry["attempt"], &retry["reason"], &retry["delay_ms"]),
        (&2.into(), &"exit code 1".into(), &0.into())
    );
    assert_eq!(
        (&of("error", "bad")["kind"], &of("error", "bad")["level"]),
        (&"TaskFailedError".into(), &"error".into())
    );
    assert_eq!(of("execution_end", "after")["culprit"], "bad");
    let usage = records.iter().rfind(|r| r["event"] == "resource_usage").unwrap();
    assert_eq!((&usage["attempts"], &usage["output_bytes"]), (&4.into(), &2.into()));
    assert_eq!(usage["execution_time_ms"], report["execution_time_ms"]);
}

#[test]
fn on_standard_error_it_leaves_the_report_alone() {
    let folder = Folder::with(CONTRACT);
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "json", "--log", "-"]);
    assert!(serde_json::from_str::<Value>(&ended.stdout).is_ok());
    assert_eq!(records(&ended.stderr).len(), 17);
}

#[test]
fn a_stopped_run_says_why() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: [sleep, '987665']}]}");
    folder.report(&["--log", "run.log", "--timeout", "0.1s"]);
    let records = records(&folder.read("run.log"));
    let why = records.iter().find(|r| r["event"] == "error" && r.get("node_id").is_none()).unwrap();
    assert_eq!((&why["kind"], &why["reason"]), (&"OrchestratorTimeoutError".into(), &"timeout".into()));
    assert_eq!(records.last().unwrap()["status"], "timed_out");
}

#[test]
fn a_log_that_cannot_be_written_does_not_touch_the_run() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}, {id: b, run: 'true'}]}");
    let ended =
        folder.onex(&["orch", "--contract", "contract.yaml", "--format", "json", "--log", "/dev/full"]);
    assert_eq!(
        (ended.code, ended.stderr.matches("the log is not written").count()),
        (0, 1),
        "{}",
        ended.stderr
    );
    // Where it cannot be told, it is not told.
    let mut command =
        folder.command(&["orch", "--contract", "contract.yaml", "--format", "json", "--log", "-"]);
    command.stderr(std::fs::File::options().write(true).open("/dev/full").unwrap());
    assert_eq!(Ended::of(&command.output().unwrap()).code, 0);
}
