//! The stream of events: complete, in order, and the same story as the report.

use std::collections::BTreeMap;

use onex::model::event::{EventKind, RunEvent};
use onex::model::output::NoOutputs;
use onex::model::report::{ReportFold, RunReport};
use serde_json::Value;

use crate::support::Folder;

const CONTRACT: &str = r#"
workflow:
  name: story
  inputs: {x: {type: integer, default: 7}}
  coordination: {rules: {execution_mode: parallel, fail_fast: false}}
  tasks:
    - {id: good, run: "echo '{\"n\": 1}'; echo k=v > $ONEX_NODE_OUTPUT", output: json}
    - {id: flaky, type: test, run: 'echo x >> tries; test $(wc -l < tries) -ge 2', retry: {max_attempts: 2, initial_delay: 0}}
    - {id: bad, run: "printf '\\377'; exit 9", depends_on: [good]}
    - {id: after, run: 'true', depends_on: [bad]}
    - {id: slow, run: [sleep, '987660'], timeout: 0.1}
"#;

#[test]
fn the_report_is_the_fold_of_the_events() {
    let folder = Folder::with(CONTRACT);
    let report = folder.report(&["--events", "events.jsonl"]);
    let lines = folder.read("events.jsonl");
    let events: Vec<RunEvent> = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();

    assert!(events.iter().enumerate().all(|(at, event)| event.seq == at as u64), "the numbers have a gap");
    assert!(events.is_sorted_by_key(|event| (event.elapsed_ms, event.at)));
    assert!(matches!(events[0].kind, EventKind::RunStarted(_)));
    assert!(matches!(events.last().unwrap().kind, EventKind::RunFinished { .. }));

    let mut fold = ReportFold::new(events[0].run_id);
    for event in &events {
        fold.apply(event, &NoOutputs);
    }
    let live: RunReport = serde_json::from_value(report).unwrap();
    assert_eq!(fold.into_report(), live);
    // What is written is what was read.
    for (event, line) in events.iter().zip(lines.lines()) {
        assert_eq!(serde_json::to_string(event).unwrap(), line);
    }
}

#[test]
fn a_line_has_the_documented_form() {
    let folder = Folder::with(CONTRACT);
    folder.report(&["--events", "events.jsonl"]);
    let lines: Vec<Value> =
        folder.read("events.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let mut kinds = BTreeMap::new();
    for line in &lines {
        let keys: Vec<&str> = line.as_object().unwrap().keys().take(6).map(String::as_str).collect();
        assert_eq!(keys, ["v", "run_id", "seq", "at", "elapsed_ms", "kind"], "{line}");
        kinds.insert(line["kind"].as_str().unwrap().to_owned(), line);
    }
    let known: Vec<&str> = kinds.keys().map(String::as_str).collect();
    let expected = [
        "attempt_finished",
        "attempt_started",
        "node_completed",
        "node_failed",
        "node_ready",
        "node_skipped",
        "retry_scheduled",
        "run_finished",
        "run_started",
    ];
    assert_eq!(known, expected);
    assert_eq!(kinds["run_started"]["context"]["inputs"]["x"], 7);
    assert_eq!(kinds["run_started"]["plan"][0]["node_id"], "good");
    assert_eq!(kinds["node_skipped"]["culprit"], "bad");
    assert_eq!(kinds["retry_scheduled"]["attempt"], 2);
}

#[test]
fn events_of_an_older_writer_are_still_read() {
    // Lines as version 1 wrote them, with a key that no reader knows.
    let line = r#"{"v":1,"run_id":"01J8Z3T9M4QW5R6S7T8V9WXYZA","seq":3,"at":"2026-11-20T12:00:00.000Z","elapsed_ms":12,"kind":"node_failed","node_id":"a","attempts":2,"reason":"exit_code","error":{"kind":"TaskFailedError","message":"exit code 1","context":{}},"new":1}"#;
    let event: RunEvent = serde_json::from_str(line).unwrap();
    assert!(matches!(event.kind, EventKind::NodeFailed { attempts: 2, .. }));
}

#[test]
fn a_file_for_events_that_cannot_be_made_is_found_before_anything_runs() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'touch ran'}]}");
    let report = folder.report(&["--events", "no/such/folder/events.jsonl"]);
    assert_eq!(report["exit_code"], 2);
    assert!(report["error"]["message"].as_str().unwrap().starts_with("cannot write `"), "{report}");
    assert!(!folder.exists("ran"));
}

#[test]
fn a_disk_that_is_full_does_not_touch_the_run() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}, {id: b, run: 'true'}]}");
    let ended =
        folder.onex(&["orch", "--contract", "contract.yaml", "--format", "json", "--events", "/dev/full"]);
    assert_eq!(ended.code, 0);
    assert_eq!(ended.stderr.matches("events are not recorded").count(), 1, "{}", ended.stderr);
}
