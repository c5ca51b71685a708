//! Every example and every shipped contract is in order, and does what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Ended, Folder, normalised};

fn contracts_below(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().join("contract.yaml"));
    let mut found: Vec<_> = entries.filter(|path| path.exists()).collect();
    found.sort();
    found
}

#[test]
fn every_contract_of_the_repository_plans_without_a_finding() {
    let contracts: Vec<_> = ["contracts", "examples"].into_iter().flat_map(contracts_below).collect();
    assert!(contracts.len() >= 2, "{contracts:?}");
    for contract in contracts {
        let ended = Folder::new().onex(&["plan", contract.to_str().unwrap()]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", contract.display());
    }
}

fn registration(arguments: &[&str]) -> Ended {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/registration/run");
    let mut command = Command::new(run);
    command.args(arguments).env("ONEX", env!("CARGO_BIN_EXE_onex")).stdin(Stdio::null());
    // The marks are those of a terminal, wherever the test runs.
    command.env_remove("CI").env("TERM", "xterm").env_remove("ONEX_FORMAT");
    Ended::of(&command.output().unwrap())
}

fn expected(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/registration").join(name))
        .unwrap()
}

/// The two registrations end in any order, and run one after the other where there is one processor.
fn in_order(output: &str) -> Vec<String> {
    let mut lines: Vec<String> = normalised(output)
        .lines()
        .map(|line| line.replace("×1", "×2").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let both: Vec<usize> = (0..lines.len()).filter(|&n| lines[n].contains(" register_")).collect();
    lines[both[0]..=both[both.len() - 1]].sort();
    lines
}

#[test]
fn a_node_is_registered_with_the_catalog_and_the_database() {
    let ended = registration(&[]);
    assert_eq!(
        (ended.code, in_order(&ended.stdout)),
        (0, in_order(&expected("expected.txt"))),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_report_of_the_registration_is_as_expected() {
    let ended = registration(&["--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    let results: Vec<Value> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| json!({"node_id": r["node_id"], "status": r["status"], "attempts": r["attempts"], "value": r["value"]}))
        .collect();
    let stable = json!({
        "status": report["status"], "exit_code": report["exit_code"], "summary": report["summary"], "results": results,
    });
    assert_eq!(stable, serde_json::from_str::<Value>(&expected("expected.json")).unwrap());
}

#[test]
fn a_catalog_that_does_not_answer_makes_the_registration_partial() {
    let ended = registration(&["--format", "json", "--input", "catalog_url=http://127.0.0.1:1"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    let of = |id: &str| crate::support::result(&report, id).clone();
    assert_eq!(
        (&of("register_catalog")["status"], &of("register_catalog")["attempts"]),
        (&json!("failed"), &json!(4))
    );
    assert_eq!((&of("publish_result")["value"]["status"], ended.code), (&json!("partial"), 1));
    // The database has its row all the same.
    assert!(ended.stderr.contains("invoice_renderer | effect"), "{}", ended.stderr);
}

#[test]
fn an_event_that_is_none_registers_nothing() {
    let ended = registration(&["--format", "json", "--input", "event={}"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(
        (&report["summary"]["failed"], &report["summary"]["skipped"], ended.code),
        (&json!(1), &json!(4), 1)
    );
    assert!(!ended.stderr.contains("invoice_renderer"), "{}", ended.stderr);
}
