//! The JSON Schemas: what is printed, and that what `onex` reads and writes keeps to it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use onex::app::schema::Document;
use onex::diag::SourceMap;
use onex::yaml::{self, Limits};
use serde_json::Value;

use crate::support::Folder;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn validator(document: Document) -> Validator {
    let schema: Value = serde_json::from_str(&document.schema()).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

pub fn assert_valid(validator: &Validator, document: &Value, what: &str) {
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}\n{document:#}");
}

/// The contract below `folder`, with what stands in its files.
fn contracts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contracts(&path));
        } else if path.file_name().is_some_and(|name| name == "contract.yaml") {
            found.push(path);
        }
    }
    found
}

/// A YAML text as JSON, which is what editors hold against a schema.
fn read(text: &str) -> Value {
    let source = SourceMap::default().add("contract.yaml", text);
    let tree = yaml::load(text, source, Limits::default(), &mut Vec::new()).unwrap();
    tree.to_json(tree.root())
}

#[test]
fn every_schema_is_printed_as_it_is_committed() {
    let folder = Folder::new();
    for (name, _) in Document::ALL {
        let committed =
            fs::read_to_string(repository().join(format!("docs/schema/{name}.schema.json"))).unwrap();
        let shown = folder.onex(&["schema", name]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{name}");
        assert!(shown.stdout == committed, "{name}: `ONEX_GENERATE=1 cargo test schema` writes it anew");
        let schema: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{name} is no schema");
        assert_eq!(schema["$id"], format!("urn:onex:schema:{name}:1"));
    }
}

#[test]
fn an_unknown_schema_is_refused_with_what_was_meant() {
    let folder = Folder::new();
    let ended = folder.onex(&["schema", "contarct"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("'contract'") && ended.stderr.contains("validation"), "{}", ended.stderr);
    assert_eq!(folder.onex(&["schema"]).code, 2);
    let help = folder.onex(&["schema", "--help"]).stdout;
    assert!(help.contains("# yaml-language-server: $schema=") && help.contains("yaml.schemas"), "{help}");
}

#[test]
fn a_contract_may_name_its_schema_in_its_first_line() {
    let folder = Folder::with(
        "# yaml-language-server: $schema=./contract.schema.json\nworkflow: {tasks: [{id: a, run: 'true'}]}\n",
    );
    let ended = folder.onex(&["validate", "contract.yaml", "--format", "json"]);
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &found["files"][0]["diagnostics"]), (0, &serde_json::json!([])));
}

#[test]
fn the_contracts_of_this_repository_keep_to_the_schema() {
    let validator = validator(Document::Contract);
    let files: Vec<PathBuf> =
        ["contracts", "examples"].iter().flat_map(|folder| contracts(&repository().join(folder))).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // The contract of a component has a form of its own.
        if !text.contains("workflow") {
            continue;
        }
        assert_valid(&validator, &read(&text), &file.display().to_string());
    }
}

/// Contracts whose runs between them use all that a report can say, and what is typed for them.
const RUNS: [(&str, &[&str], i32); 12] = [
    (
        r#"
workflow:
  name: many
  version: {major: 1}
  inputs: {x: {type: integer, default: 7}}
  coordination: {rules: {execution_mode: parallel, fail_fast: false}}
  tasks:
    - {id: good, run: "echo '{\"n\": 1}'; echo k=v > $ONEX_NODE_OUTPUT", output: json}
    - {id: flaky, type: test, run: 'echo x >> tries; test $(wc -l < tries) -ge 2', retry: {max_attempts: 2, initial_delay: 0}}
    - {id: bad, run: "printf '\\377'; exit 9", depends_on: [good]}
    - {id: after, run: 'true', depends_on: [bad]}
    - {id: instead, run: 'exit 1', fallback: {run: 'echo instead'}}
    - {id: unused, run: 'true', fallback: {run: 'echo never'}}
    - {id: slow, run: [sleep, '987610'], timeout: 0.1}
    - {id: killed, run: 'kill -9 $$'}
    - {id: missing, run: [/no/such/program]}
    - {id: liar, run: 'echo no json', output: json}
    - {id: large, run: 'head -c 200000 /dev/zero | tr "\0" x'}
    - {id: off, enabled: false, run: 'true'}
    - {id: breaking, run: 'exit 1', retry: {max_attempts: 3, initial_delay: 0}, circuit_breaker: {failure_threshold: 2}}
    - {id: otherwise, run: 'true', depends_on: [{node: good, on: failure}]}
"#,
        &[],
        4,
    ),
    (
        "workflow: {tasks: [{id: a, run: 'exit 3'}, {id: b, run: 'true', depends_on: [a]}, {id: c, run: 'true'}]}",
        &[],
        1,
    ),
    ("workflow: {tasks: [{id: a, run: [sleep, '987611']}]}", &["--timeout", "0.1"], 1),
    (
        "workflow: {tasks: [{id: a, run: 'true'}, {id: b, run: 'true'}], coordination: {rules: {budget: {max_steps: 1}}}}",
        &[],
        1,
    ),
    ("workflow: {tasks: [{id: a, run: 'true', depends_on: [b]}, {id: b, run: 'true'}]}", &["--dry-run"], 0),
    ("workflow: {tasks: [{id: a, run: 'true'}]}", &["--mode", "profile", "--repeat", "2"], 0),
    (
        "workflow: {tasks: [{id: a, run: 'true'}, {id: b, run: 'exit 1'}], coordination: {rules: {allow_partial_completion: true}}}",
        &[],
        0,
    ),
    ("workflow: {tasks: [{id: a, run: 'true', timeout: soon, http: {}}]}", &[], 2),
    (
        "workflow: {tasks: [{id: a, run: 'true', depends_on: [b]}, {id: b, run: 'true', depends_on: [a]}]}",
        &[],
        2,
    ),
    ("workflow: {inputs: {n: {type: integer, required: true}}, tasks: [{id: a, run: 'true'}]}", &[], 2),
    ("workflow: {tasks: [{id: a, http: {url: x}}]}", &[], 2),
    ("workflow: {tasks: []}", &["--contract", "no-such-name"], 3),
];

#[test]
fn what_runs_write_keeps_to_the_schemas() {
    let (reports, events) = (validator(Document::Report), validator(Document::Event));
    let (plans, validations) = (validator(Document::Plan), validator(Document::Validation));
    let mut kinds = BTreeSet::new();
    let mut statuses = BTreeSet::new();
    for (contract, arguments, code) in RUNS {
        let folder = Folder::with(contract);
        let mut all = vec!["orch", "--format", "json", "--events", "events.jsonl"];
        if !arguments.contains(&"--contract") {
            all.extend(["--contract", "contract.yaml"]);
        }
        all.extend(arguments);
        let ended = folder.command(&all).env("XDG_STATE_HOME", folder.path().join("state")).output().unwrap();
        let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{contract}: {report:#}");
        assert_valid(&reports, &report, contract);
        statuses.insert(report["status"].as_str().unwrap().to_owned());
        let lines = if folder.exists("events.jsonl") { folder.read("events.jsonl") } else { String::new() };
        for line in lines.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert_valid(&events, &event, contract);
            kinds.insert(event["kind"].as_str().unwrap().to_owned());
            // An unknown field is noticed.
            let mut more = event.clone();
            more["forgotten"] = 1.into();
            assert!(!events.is_valid(&more), "{more}");
        }
        let validation = folder.onex(&["validate", "contract.yaml", "--format", "json"]);
        assert_valid(&validations, &serde_json::from_str(&validation.stdout).unwrap(), contract);
        let plan = folder.onex(&["plan", "contract.yaml", "--format", "json"]);
        if plan.code == 0 {
            assert_valid(&plans, &serde_json::from_str(&plan.stdout).unwrap(), contract);
        }
        for place in
            ["", "/summary", "/results/0", "/contract", "/diagnostics/0", "/error", "/profile/nodes/0"]
        {
            let mut more = report.clone();
            if let Some(Value::Object(part)) = more.pointer_mut(place) {
                part.insert("forgotten".to_owned(), 1.into());
                assert!(!reports.is_valid(&more), "{place}");
            }
        }
    }
    let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
    assert_eq!(statuses, ["failed", "partial", "success", "timed_out"]);
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let expected = [
        "attempt_finished",
        "attempt_started",
        "budget_exceeded",
        "cancel_requested",
        "circuit_opened",
        "fallback_selected",
        "node_completed",
        "node_failed",
        "node_ready",
        "node_skipped",
        "retry_scheduled",
        "run_finished",
        "run_started",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_run_that_somebody_stops_keeps_to_the_schemas() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: 'touch here; exec sleep 987612'}, {id: b, run: 'true'}]}",
    );
    let child = folder.start(&[
        "orch",
        "--contract",
        "contract.yaml",
        "--format",
        "json",
        "--events",
        "events.jsonl",
    ]);
    folder.wait_for("here");
    let id = i32::try_from(child.id()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), rustix::process::Signal::INT)
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(report["status"], "cancelled");
    assert_valid(&validator(Document::Report), &report, "the report");
    let events = validator(Document::Event);
    for line in folder.read("events.jsonl").lines() {
        assert_valid(&events, &serde_json::from_str(line).unwrap(), line);
    }
}
