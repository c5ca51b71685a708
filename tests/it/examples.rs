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
    assert!(contracts.len() >= 4, "{contracts:?}");
    for contract in contracts {
        let ended = Folder::new().onex(&["plan", contract.to_str().unwrap()]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", contract.display());
    }
}

fn folder_of(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example)
}

/// Runs an example as a person would, but for a built `onex`.
fn run(example: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(folder_of(example).join("run"));
    command.args(arguments).env("ONEX", env!("CARGO_BIN_EXE_onex")).stdin(Stdio::null());
    // The marks are those of a terminal, wherever the test runs.
    command.env_remove("CI").env("TERM", "xterm").env_remove("ONEX_FORMAT");
    Ended::of(&command.output().unwrap())
}

fn registration(arguments: &[&str]) -> Ended {
    run("registration", arguments)
}

fn expected_of(example: &str, name: &str) -> String {
    fs::read_to_string(folder_of(example).join(name)).unwrap()
}

fn expected(name: &str) -> String {
    expected_of("registration", name)
}

/// Output without what differs from run to run and from machine to machine: times, runs, the number of processors,
/// and what Python says of where an exception came from.
fn lines(output: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    normalised(output)
        .lines()
        .filter(|line| !line.trim_start().starts_with('│'))
        .map(|line| words(&["×1", "×2", "×3"].iter().fold(line.to_owned(), |line, n| line.replace(n, "×4"))))
        .collect()
}

/// The same with the lines of nodes that run side by side in one order: they end in any.
fn in_one_order(output: &str, side_by_side: &[&str]) -> Vec<String> {
    let mut lines = lines(output);
    let is_one = |line: &String| side_by_side.iter().any(|id| line.contains(&format!(" {id} ")));
    let both: Vec<usize> = (0..lines.len()).filter(|&n| is_one(&lines[n])).collect();
    assert_eq!(both.len(), side_by_side.len(), "{lines:?}");
    lines[both[0]..=both[both.len() - 1]].sort();
    lines
}

fn in_order(output: &str) -> Vec<String> {
    in_one_order(output, &["register_catalog", "register_database"])
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

#[test]
fn an_order_is_priced_although_one_service_is_busy_and_one_is_down() {
    let ended = run("flaky", &[]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(lines(&ended.stdout), lines(&expected_of("flaky", "expected.txt")));
}

#[test]
fn the_reports_of_the_flaky_services_tell_the_three_acts() {
    let ended = run("flaky", &["--format", "json"]);
    let reports: Vec<Value> =
        serde_json::Deserializer::from_str(&ended.stdout).into_iter().map(Result::unwrap).collect();
    let of = |report: &Value, id: &str| {
        let result = crate::support::result(report, id);
        (result["reason"].clone(), result["attempts"].clone(), result["recovered"].clone())
    };
    let seen: Vec<_> = reports.iter().map(|report| (of(report, "stock").1, of(report, "rate"))).collect();
    let expected = [
        (json!(3), (json!("circuit_open"), json!(2), json!(true))),
        (json!(1), (json!("circuit_open"), json!(0), json!(true))),
        (json!(1), (json!(null), json!(1), json!(false))),
    ];
    assert_eq!((ended.code, seen.as_slice()), (0, expected.as_slice()), "{}", ended.stderr);
    let quotes = reports.iter().map(|report| crate::support::result(report, "quote")["value"].clone());
    let quote = |usd: f64, rate: f64, source: &str| json!({"usd": usd, "rate": rate, "source": source});
    assert_eq!(
        quotes.collect::<Vec<_>>(),
        [quote(64.8, 1.08, "yesterday"), quote(64.8, 1.08, "yesterday"), quote(66.0, 1.1, "rate")]
    );
}

#[test]
fn the_flaky_example_changes_nothing_of_the_users() {
    let folder = Folder::new();
    let mut command = Command::new(folder_of("flaky").join("run"));
    command.env("ONEX", env!("CARGO_BIN_EXE_onex")).env("HOME", folder.path()).stdin(Stdio::null());
    command.env("XDG_STATE_HOME", folder.path().join("state")).env("TMPDIR", folder.path().join("tmp"));
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, [".git", "tmp"], "nothing new");
    folder.assert_clean();
}

const AGGREGATES: [&str; 3] = ["by_city", "by_month", "extremes"];

#[test]
fn the_pipeline_makes_its_report() {
    let ended = run("pipeline", &[]);
    let expected = expected_of("pipeline", "expected.txt");
    assert_eq!(
        (ended.code, in_one_order(&ended.stdout, &AGGREGATES)),
        (0, in_one_order(&expected, &AGGREGATES)),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_values_of_the_pipeline_are_as_expected() {
    let ended = run("pipeline", &["--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    let results: Vec<Value> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["node_id"] == "validate" || AGGREGATES.iter().any(|id| r["node_id"] == *id))
        .map(|r| json!({"node_id": r["node_id"], "status": r["status"], "outputs": r["outputs"], "value": r["value"]}))
        .collect();
    let stable = json!({
        "status": report["status"], "exit_code": report["exit_code"], "summary": report["summary"], "results": results,
    });
    assert_eq!(
        stable,
        serde_json::from_str::<Value>(&expected_of("pipeline", "expected.json")).unwrap(),
        "{}",
        ended.stderr
    );
    // The report for people is beside the one for machines, and is the value of the last node.
    let text = crate::support::result(&report, "report")["value"].as_str().unwrap();
    assert!(ended.stderr.contains(text), "{}", ended.stderr);
}

#[test]
fn a_table_that_is_none_goes_no_further_than_its_check() {
    let table = |name: &str| {
        let ended = run("pipeline", &["--format", "json", "--input", &format!("table={name}")]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        assert_eq!((ended.code, &report["status"]), (1, &json!("failed")));
        report
    };
    let report = table("data/make.py");
    let validate = crate::support::result(&report, "validate");
    assert_eq!((&validate["status"], &report["summary"]["skipped"]), (&json!("failed"), &json!(5)));
    assert!(validate["stderr"].as_str().unwrap().contains("the columns are not date, city"));
    let report = table("none.csv");
    let extract = crate::support::result(&report, "extract");
    assert_eq!(
        (&extract["error"]["kind"], &report["summary"]["skipped"]),
        (&json!("FileNotFoundError"), &json!(6))
    );
}

#[test]
fn the_data_of_the_pipeline_is_what_its_script_computes() {
    let mut command = Command::new("python3");
    command.args(["-B", "data/make.py"]).current_dir(folder_of("pipeline")).env("PYTHONIOENCODING", "utf-8");
    let made = Ended::of(&command.output().unwrap());
    assert!(made.stdout == expected_of("pipeline", "data/daylight.csv"), "{}", made.stderr);
}
