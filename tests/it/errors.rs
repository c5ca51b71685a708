//! Every kind of error in every format: the exit code, and the whole of what is said, as files in `tests/golden/errors`.
//!
//! `ONEX_GENERATE=1` writes these files anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Ended, Folder, normalised};

/// A contract, what is typed beside it, what it is asked of, and the exit code that it ends with.
struct Case {
    kind: &'static str,
    contract: &'static str,
    arguments: &'static [&'static str],
    code: i32,
}

const fn contract(kind: &'static str, code: i32, contract: &'static str) -> Case {
    Case { kind, contract, arguments: &[], code }
}

const CASES: [Case; 19] = [
    contract(
        "CycleError",
        2,
        "workflow: {name: w, tasks: [{id: a, run: x, depends_on: [b]}, {id: b, run: x, depends_on: [a]}]}",
    ),
    contract(
        "DependencyResolutionError",
        2,
        "workflow: {name: w, tasks: [{id: a, run: x, depends_on: [b]}]}",
    ),
    contract("ContractError", 2, "workflow: {name: w, tasks: [{id: a, run: x, timeout: soon}]}"),
    contract(
        "InputError",
        2,
        "workflow: {name: w, inputs: {n: {type: integer, required: true}}, tasks: [{id: a, run: x}]}",
    ),
    contract("SecurityError", 5, "workflow: {name: w, tasks: [{id: a, run: x, cwd: ../../..}]}"),
    Case {
        arguments: &["--contract", "no-such-name"],
        ..contract("RegistryError", 3, "workflow: {tasks: []}")
    },
    Case {
        arguments: &["--events", "no/such/folder/events.jsonl"],
        ..contract("ConfigurationError", 2, "workflow: {name: w, tasks: [{id: a, run: x}]}")
    },
    contract("StateError", 2, "workflow: {name: w, tasks: [{id: a, run: x}]}"),
    contract(
        "TaskFailedError",
        1,
        "workflow: {name: w, tasks: [{id: a, run: 'echo out; echo err >&2; exit 3'}]}",
    ),
    contract(
        "TimeoutError",
        1,
        "workflow: {name: w, tasks: [{id: a, run: [sleep, '987666'], timeout: 0.1}]}",
    ),
    contract(
        "SignalError",
        1,
        "workflow: {name: w, tasks: [{id: a, idempotent: true, run: 'kill -KILL $$'}]}",
    ),
    contract("SpawnError", 1, "workflow: {name: w, tasks: [{id: a, run: [no-such-program]}]}"),
    contract(
        "UncertainError",
        1,
        "workflow: {name: w, tasks: [{id: a, run: [sleep, '987666'], timeout: 0.1}], coordination: {rules: {failure_recovery_strategy: retry, max_retries: 1}}}",
    ),
    contract(
        "CircuitOpenError",
        1,
        "workflow: {name: w, tasks: [{id: a, run: 'exit 1', circuit_breaker: {failure_threshold: 1}, retry: {max_attempts: 2, initial_delay: 0}}]}",
    ),
    contract(
        "BudgetExceededError",
        1,
        "workflow: {name: w, tasks: [{id: a, run: x=1}, {id: b, run: x=1}], coordination: {rules: {budget: {max_steps: 1}}}}",
    ),
    contract(
        "OrchestratorTimeoutError",
        1,
        "workflow: {name: w, tasks: [{id: a, idempotent: true, run: [sleep, '987666']}], coordination: {rules: {timeout_ms: 100}}}",
    ),
    contract("ValueError", 1, "workflow: {name: w, tasks: [{id: a, python: 'builtins:int', args: [x]}]}"),
    contract("PolicyError", 5, "workflow: {name: w, tasks: [{id: a, run: x, cwd: link}]}"),
    contract("ProtocolError", 4, "workflow: {name: w, tasks: [{id: a, run: [echo, '{'], output: json}]}"),
];

fn golden(kind: &str, format: &str) -> PathBuf {
    let name = format!("{kind}.{}", if format == "human" { "txt" } else { format });
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/errors").join(name)
}

fn run(case: &Case, folder: &Folder, format: &str) -> Ended {
    let mut arguments = vec!["orch", "--format", format];
    if !case.arguments.contains(&"--contract") {
        arguments.extend(["--contract", "contract.yaml"]);
    }
    arguments.extend(case.arguments);
    let mut command = folder.command(&arguments);
    let state = folder.path().join("state");
    if state.exists() {
        fs::remove_dir_all(&state).unwrap();
    }
    command.env("XDG_STATE_HOME", state);
    if case.kind == "PolicyError" && !folder.exists("link") {
        std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
    }
    if case.kind == "StateError" {
        command.env("TMPDIR", folder.path().join("gone"));
    }
    Ended::of(&command.output().unwrap())
}

/// Numbers that count milliseconds, and stamps and ids: the rest is the same in every run.
fn without_chance(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(without_chance),
        Value::Object(entries) => {
            for (key, value) in entries {
                if key.ends_with("_ms") && value.is_number() {
                    *value = "{ms}".into();
                } else if key.ends_with("_at") && value.is_string() {
                    *value = "{time}".into();
                } else if matches!(key.as_str(), "run_id" | "correlation_id") {
                    *value = "{id}".into();
                } else {
                    without_chance(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is compared: both streams, without what differs from run to run.
fn shown(ended: &Ended, folder: &Folder, format: &str) -> String {
    let here = |text: &str| text.replace(folder.path().to_str().unwrap(), "{folder}");
    let document = match format {
        "human" => normalised(&ended.stdout),
        "json" => {
            let mut document: Value = serde_json::from_str(&ended.stdout).unwrap();
            without_chance(&mut document);
            format!("{document:#}\n")
        }
        _ => {
            let lines = ended.stdout.lines().map(|line| match line.split_once(": ") {
                Some((key, value)) if value != "null" && (key.ends_with("_ms") || key.ends_with("_at")) => {
                    format!("{key}: {{}}\n")
                }
                Some((key @ ("run_id" | "correlation_id"), _)) => format!("{key}: {{id}}\n"),
                _ => format!("{line}\n"),
            });
            lines.collect()
        }
    };
    here(&format!("exit code {}\n\nstdout:\n{document}\nstderr:\n{}", ended.code, ended.stderr))
}

#[test]
fn every_kind_of_error_looks_as_it_is_known_to() {
    let mut different = Vec::new();
    for case in &CASES {
        let folder = Folder::with(case.contract);
        for format in ["human", "json", "yaml"] {
            let ended = run(case, &folder, format);
            assert_eq!(ended.code, case.code, "{} {format}: {ended:?}", case.kind);
            let shown = shown(&ended, &folder, format);
            let file = golden(case.kind, format);
            if std::env::var_os("ONEX_GENERATE").is_some() {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, &shown).unwrap();
            } else if fs::read_to_string(&file).ok().as_deref() != Some(&shown) {
                different.push(format!("{}:\n{shown}", file.display()));
            }
        }
        folder.assert_clean();
    }
    assert!(different.is_empty(), "ONEX_GENERATE=1 writes the files anew:\n{}", different.join("\n"));
}

#[test]
fn documents_name_the_error_and_the_exit_code() {
    for case in &CASES {
        let folder = Folder::with(case.contract);
        let ended = run(case, &folder, "json");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(report["exit_code"], case.code, "{}", case.kind);
        let of_run = &report["error"]["kind"];
        let kind = if of_run.is_null() { &report["results"][0]["error"]["kind"] } else { of_run };
        assert_eq!(kind, case.kind);
        let yaml = run(case, &folder, "yaml").stdout;
        let limits = onex::yaml::Limits::default();
        let tree = onex::yaml::load(&yaml, Default::default(), limits, &mut Vec::new()).unwrap();
        let (mut yaml, mut json) = (tree.to_json(tree.root()), report);
        without_chance(&mut yaml);
        without_chance(&mut json);
        assert_eq!(yaml, json, "{}", case.kind);
    }
}

#[test]
fn streams_that_are_closed_or_full_end_no_run_in_a_panic() {
    let folder = Folder::with("workflow: {name: w, tasks: [{id: a, run: 'echo x'}]}");
    let broken = Folder::with("workflow: {name: w, tasks: [{id: a, run: x, timeout: soon}]}");
    // How the streams are, the exit code of a good contract, and that of a broken one.
    let rows = [
        // What is closed from the start is where things go that nobody wants.
        (">&-", 0, 2),
        (">/dev/full", 1, 2),
        ("2>&-", 0, 2),
        ("2>/dev/full", 0, 2),
        (">&- 2>&-", 0, 2),
        (">/dev/full 2>/dev/full", 1, 2),
        ("<&-", 0, 2),
        ("<&- >&- 2>&-", 0, 2),
    ];
    for format in ["human", "json", "yaml"] {
        for (streams, good, bad) in rows {
            for (folder, expected) in [(&folder, good), (&broken, bad)] {
                let onex = env!("CARGO_BIN_EXE_onex");
                let line = format!("{onex} orch --contract contract.yaml --format {format} {streams}");
                let mut command = std::process::Command::new("sh");
                command.args(["-c", &line]).current_dir(folder.path());
                let ended = Ended::of(&command.env("TMPDIR", folder.path().join("tmp")).output().unwrap());
                let printed = ended.stdout + &ended.stderr;
                assert!(!printed.contains("panicked"), "{format} {streams}: {printed}");
                assert_eq!(ended.code, expected, "{format} {streams}: {printed}");
            }
        }
        // A reader that has seen enough is no failure.
        let line = format!(
            "{{ {} orch --contract contract.yaml --format {format}; echo $? > code; }} | head -n 1 >/dev/null",
            env!("CARGO_BIN_EXE_onex")
        );
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &line]).current_dir(folder.path());
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!((folder.read("code").as_str(), ended.stderr.as_str()), ("0\n", ""), "{format}");
    }
}
