//! `onex validate`: which files it looks at, what it calls them, and what it says of includes and of broken text.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Ended, Folder};

const GOOD: &str = "workflow:\n  name: good\n  tasks: [{id: a, run: x}]\n";

fn document(folder: &Folder, paths: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["validate", "--format", "json"];
    arguments.extend(paths);
    let ended = folder.onex(&arguments);
    assert_eq!(ended.stderr, "", "all that is found is in the document");
    (ended.code, serde_json::from_str(&ended.stdout).unwrap())
}

/// `CODE line:column`, and the file where it is another one, of every finding in the first file.
fn findings(document: &Value) -> Vec<String> {
    let file = &document["files"][0];
    let place = |d: &Value| {
        let own = d["path"] == file["path"] || d["path"].is_null();
        let other = if own { String::new() } else { format!("{} ", d["path"].as_str().unwrap()) };
        format!("{} {other}{}:{}", d["code"].as_str().unwrap(), d["line"], d["column"])
    };
    file["diagnostics"].as_array().unwrap().iter().map(place).collect()
}

fn found_in(contract: &str) -> Vec<String> {
    findings(&document(&Folder::with(contract), &["contract.yaml"]).1)
}

#[test]
fn what_is_in_order_is_said_in_one_line() {
    let folder = Folder::with(GOOD);
    let ended = folder.onex(&["validate", "contract.yaml"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (0, "✅ contract.yaml  orchestrator\n", "")
    );
    assert_eq!(folder.onex(&["validate", "--quiet", "contract.yaml"]).stdout, "");
    assert_eq!(folder.onex(&["validate", "--no-color", "."]).stdout, "PASS contract.yaml  orchestrator\n");
}

#[test]
fn the_document_has_the_names_of_the_specification() {
    let folder = Folder::with(
        "workflow:\n  tasks:\n    - {id: a, run: x, timeuot: 5}\n    - {id: b, run: x, colour: red}\n",
    );
    let (code, document) = document(&folder, &["contract.yaml"]);
    let finding = |line, column, end, severity, message, help: Value, label| {
        json!({
            "code": "E0205", "severity": severity, "message": message, "path": "contract.yaml",
            "line": line, "column": column, "end_line": line, "end_column": end,
            "help": help, "labels": [{"line": line, "column": column, "text": label}],
        })
    };
    let expected = json!({
        "files": [{
            "path": "contract.yaml",
            "kind": "orchestrator",
            "valid": false,
            "diagnostics": [
                finding(3, 23, 30, "error", "a task has no key `timeuot`", json!(["did you mean `timeout`?"]), "unknown key"),
                finding(4, 23, 29, "warning", "a task has no key `colour`", json!([]), "unknown key, ignored"),
            ],
        }],
        "summary": {"files": 1, "errors": 1, "warnings": 1},
    });
    assert_eq!((code, document), (2, expected));
    let yaml = folder.onex(&["validate", "contract.yaml", "--format", "yaml"]).stdout;
    assert!(yaml.starts_with("files:\n") && yaml.contains("summary:\n"), "{yaml}");
}

#[test]
fn folders_are_searched_for_contracts_and_components() {
    let folder = Folder::with(GOOD);
    folder.write("contracts/ci/contract.yaml", GOOD);
    folder.write("tools/lint.onex.yaml", "name: lint\nentrypoint: {type: command, target: [x]}\n");
    folder.write("tools/other.yaml", "nothing: to see\n");
    folder.write(".hidden/contract.yaml", "- nothing\n");
    symlink(folder.path(), folder.path().join("tools/again")).unwrap();
    let paths = |paths: &[&str]| -> Vec<String> {
        let (code, document) = document(&folder, paths);
        assert_eq!(code, 0, "{document}");
        document["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(&["."]), ["contract.yaml", "contracts/ci/contract.yaml", "tools/lint.onex.yaml"]);
    assert_eq!(
        paths(&["tools", "."]),
        ["tools/lint.onex.yaml", "contract.yaml", "contracts/ci/contract.yaml"]
    );
    assert_eq!(paths(&["ci", "contracts"]), ["contracts/ci/contract.yaml"]);
    let empty = folder.onex(&["validate", "tmp"]);
    assert!(empty.code == 2 && empty.stdout.contains("there is no `contract.yaml` below `tmp`"), "{empty:?}");
}

#[test]
fn exit_codes_say_what_kind_of_error_is_the_worst() {
    let folder = Folder::with(GOOD);
    folder.write("contracts/ci/contract.yaml", GOOD);
    folder.write("out.yaml", "workflow: {tasks: [{id: a, run: x, cwd: ../..}]}");
    folder.write("broken.yaml", "workflow: [");
    let code = |paths: &[&str]| document(&folder, paths).0;
    assert_eq!(code(&["contract.yaml"]), 0);
    assert_eq!(code(&["broken.yaml", "contract.yaml"]), 2);
    assert_eq!(code(&["no.yaml"]), 2);
    assert_eq!(code(&["cj", "broken.yaml"]), 3);
    assert_eq!(code(&["out.yaml", "broken.yaml", "cj"]), 5);
    assert_eq!(folder.onex(&["validate"]).code, 2);
    assert_eq!(folder.onex(&["validate", "--root", "nowhere", "contract.yaml"]).code, 2);
}

#[test]
fn standard_input_is_a_file_without_a_name() {
    let folder = Folder::new();
    folder.write("tasks.yaml", "[{id: a, run: x, timeuot: 1}]\n");
    let mut command = folder.command(&["validate", "-", "--format", "json"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"workflow: {tasks: !include tasks.yaml}\n").unwrap();
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &document["files"][0]["path"]), (2, &json!("<stdin>")));
    assert_eq!(findings(&document), ["E0205 tasks.yaml 1:18"]);
}

#[test]
fn files_are_named_for_what_they_are() {
    let rows = [
        ("component", true, "name: lint\nentrypoint: command@true\n", "the metadata of a component"),
        (
            "other",
            true,
            "name: pay\nnode_type: EFFECT_GENERIC\n",
            "the contract of an effect, which is another kind of node",
        ),
        (
            "other",
            true,
            "name: sum\nnode_type: reducer\n",
            "the contract of a reducer, which is another kind of node",
        ),
        (
            "other",
            true,
            "workflow_id: chain\nnode_type: workflow\nhandler_routing: {}\n",
            "a workflow of event handlers",
        ),
        ("other", true, "contract_version: 1.0.0\nname: x\n", "a contract without `node_type`"),
        ("fragment", true, "default_handler: main\n", "a piece that a contract can include"),
        ("fragment", true, "- {path: /api}\n", "this is a list"),
        ("fragment", true, "\n", "there is nothing in this file"),
        ("other", false, "workflw: {tasks: []}\n", "no key of a contract"),
        ("other", false, "tasks: [{id: a, run: x}]\n", "stands alone"),
        ("other", false, "on: push\njobs: {}\n", "a workflow of GitHub Actions"),
        ("other", false, "repos: []\n", "a configuration of pre-commit"),
        ("other", false, "services: {web: {}}\n", "a Compose file"),
        ("other", false, "just some words\n", "this is text"),
    ];
    for (kind, valid, text, label) in rows {
        let folder = Folder::new();
        folder.write("file.yaml", text);
        let (code, document) = document(&folder, &["file.yaml"]);
        let file = &document["files"][0];
        let first = &file["diagnostics"][0];
        assert_eq!((&file["kind"], &file["valid"]), (&json!(kind), &json!(valid)), "{text}");
        assert_eq!((code, &first["labels"][0]["text"]), (if valid { 0 } else { 2 }, &json!(label)), "{text}");
        assert_eq!(folder.onex(&["plan", "file.yaml"]).code, 2, "{text}");
    }
    // What is called `contract.yaml` is meant to be one.
    assert_eq!(document(&Folder::with(""), &["contract.yaml"]).0, 2);
    assert_eq!(document(&Folder::with("routes: []\n"), &["contract.yaml"]).0, 2);
}

#[test]
fn all_that_a_plan_finds_is_found() {
    let found = found_in(
        "workflow:
  tasks:
    - {id: a, run: x, depends_on: [b]}
    - {id: b, run: x, depends_on: [a], colour: red, timeuot: 5}
    - {id: c, run: x, depends_on: [d]}
    - {id: d, run: x, depends_on: [c, nowhere]}
",
    );
    assert_eq!(found, ["E0303 3:36", "E0205 4:40", "E0205 4:53", "E0303 5:36", "E0302 6:39"]);
    assert_eq!(found_in("workflow: {tasks: [{id: a}]}"), ["E0304 1:25"]);
}

#[test]
fn circles_in_one_part_are_shown_one_by_one() {
    // Two circles of two nodes, which a third one joins.
    let folder = Folder::with(
        "workflow:
  tasks:
    - {id: a, run: x, depends_on: [b, c]}
    - {id: b, run: x, depends_on: [a]}
    - {id: c, run: x, depends_on: [d]}
    - {id: d, run: x, depends_on: [c, b]}
    - {id: e, run: x, depends_on: [d]}
",
    );
    let ended = folder.onex(&["validate", "contract.yaml"]);
    for message in ["`a` → `b` → `a`", "`c` → `d` → `c`"] {
        assert_eq!(ended.stdout.matches(message).count(), 1, "{}", ended.stdout);
    }
    assert!(ended.stdout.contains("it is part of 4 nodes that all wait for each other"), "{}", ended.stdout);
}

#[test]
fn a_syntax_error_does_not_hide_what_stands_before_it() {
    let text = "workflow:
  tasks:
    - {id: lint, run: x, timeuot: 5}
    - {id: test, run: x, depends_on: [lnt]}
    - {id: a, run: x, depends_on: [b]}
    - {id: b, run: x, depends_on: [a]}
    - {id: c, run: x, depends_on: [further_down]}
    - {run: x}
    - {id: last, run: [x}
    - {id: further_down, run: x}
";
    let found = found_in(text);
    assert_eq!(found, ["E0205 3:26", "E0302 4:39", "E0303 5:36", "E0202 8:8", "E0101 9:23"]);
    // What breaks off does not count as missing.
    for text in [
        "workflow:\n  tasks:\n    - {run: 'x\n",
        "workflow:\n  name: [x\n",
        "name: x\n  y: z\n",
        "workflow:\n  tasks: all\n    - id: a\n",
        "\"",
        "workflow:\n  tasks:\n    - id: a\n      group: db\n      run: \"x\n  coordination: {rules: {groups: {db: 1}}}\n",
    ] {
        let found = found_in(text);
        assert!(found.len() == 1 && found[0].starts_with("E0101"), "{text:?} {found:?}");
    }
    // More that stopped the reading once, and does not any more.
    let several =
        "workflow:\n  tasks:\n    - {id: a, run: !shell x, retry: *often, timeuot: 5, <<: b}\n---\n";
    assert_eq!(found_in(several), ["E0108 3:20", "E0106 3:37", "E0205 3:45", "E0107 3:61", "E0105 4:1"]);
}

#[test]
fn included_files_stand_in_the_place_of_their_names() {
    let folder = Folder::with(
        "workflow:
  tasks: !include parts/tasks.yaml
  coordination: {rules: {<<: !include parts/rules.yaml, timeout_ms: 5}}
",
    );
    folder.write("parts/tasks.yaml", "- {id: a, run: 'true'}\n- !include deeper/b.yaml\n");
    folder.write("parts/deeper/b.yaml", "id: b\nrun: 'true'\ndepends_on: [a]\nenv: !include ../env.yaml\n");
    folder.write("parts/env.yaml", "{LANG: C}\n");
    folder.write("parts/rules.yaml", "fail_fast: false\ntimeout_ms: 60000\n");
    assert_eq!(document(&folder, &["contract.yaml"]).0, 0);
    let plan = folder.onex(&["plan", "contract.yaml", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["execution_order"], json!(["a", "b"]));
    // The plan is another one when an included file changes.
    folder.write("parts/env.yaml", "{LANG: C.UTF-8}\n");
    let other = folder.onex(&["plan", "contract.yaml", "--format", "json"]);
    let other: Value = serde_json::from_str(&other.stdout).unwrap();
    assert_ne!(plan["plan_id"], other["plan_id"]);
    // Snippets point into the included file, and both files are shown where two places disagree.
    folder.write("parts/deeper/b.yaml", "id: a\nrun: x\ntimeuot: 5\n");
    let ended = folder.onex(&["validate", "contract.yaml"]);
    assert!(ended.stdout.contains("╭▸ parts/deeper/b.yaml:3:1\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("╭▸ parts/deeper/b.yaml:1:5\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("⸬  parts/tasks.yaml:1:8\n"), "{}", ended.stdout);
    let (_, document) = document(&folder, &["contract.yaml"]);
    let twice = &document["files"][0]["diagnostics"][0]["labels"];
    assert!(twice[0].get("path").is_none() && twice[1]["path"] == "parts/tasks.yaml", "{twice}");
    // A run includes, too.
    folder.write("parts/deeper/b.yaml", "{id: b, run: 'true'}");
    folder.write("parts/rules.yaml", "");
    folder.write("contract.yaml", "workflow: {tasks: !include parts/tasks.yaml}");
    assert_eq!(folder.report(&[])["summary"]["completed"], 2);
}

#[test]
fn includes_that_lead_nowhere_or_out_are_refused() {
    let outside = Folder::new();
    outside.write("secret.yaml", "token: abc\n");
    let folder = Folder::new();
    folder.write("tasks.yaml", "[{id: a, run: x}]");
    symlink(outside.path().join("secret.yaml"), folder.path().join("link.yaml")).unwrap();
    symlink(outside.path(), folder.path().join("linked")).unwrap();
    symlink("tasks.yaml", folder.path().join("inside.yaml")).unwrap();
    folder.write("device.yaml", "x");
    let absolute = outside.path().join("secret.yaml").display().to_string();
    let rows: Vec<(&str, i32, &str, &str)> = vec![
        ("task.yaml", 2, "E0104", "cannot include `task.yaml`: there is no such file"),
        ("tmp", 2, "E0104", "cannot include `tmp`: this is a directory, not a file"),
        ("''", 2, "E0204", "`!include` names no file"),
        (&absolute, 5, "E0213", "is an absolute path, and includes are relative"),
        ("../../x.yaml", 5, "E0213", "`../../x.yaml` leads out of the project root"),
        ("nowhere/../../../x.yaml", 5, "E0213", "leads out of the project root"),
        ("link.yaml", 5, "E0213", "`link.yaml` leads out of the project root"),
        ("linked/secret.yaml", 5, "E0213", "leads out of the project root"),
        ("linked/none.yaml", 5, "E0213", "leads out of the project root"),
        ("contract.yaml", 2, "E0114", "`contract.yaml` includes itself"),
    ];
    for (name, code, finding, message) in rows {
        folder.write("contract.yaml", format!("workflow:\n  tasks: !include {name}\n"));
        let (ended, document) = document(&folder, &["contract.yaml"]);
        let first = &document["files"][0]["diagnostics"][0];
        assert_eq!((ended, findings(&document)), (code, vec![format!("{finding} 2:19")]), "{name}");
        assert!(first["message"].as_str().unwrap().contains(message), "{name}: {first}");
        assert!(!document.to_string().contains("abc"), "what is outside is not shown");
    }
    folder.write("contract.yaml", "workflow:\n  tasks: !include inside.yaml\n");
    assert_eq!(document(&folder, &["contract.yaml"]).0, 0);
    // From a folder below, still inside the project.
    folder.write("below/contract.yaml", "workflow:\n  tasks: !include ../tasks.yaml\n");
    assert_eq!(document(&folder, &["below/contract.yaml"]).0, 0);
    assert_eq!(document(&folder, &["--root", "below", "below/contract.yaml"]).0, 5);
}

#[test]
fn what_is_wrong_with_an_included_file_is_shown_there_and_hides_nothing() {
    let folder = Folder::with(
        "workflow:
  tasks: [{id: lint, run: x, timeuot: 5}, !include b.yaml, {id: c, run: x, depends_on: [b, lnt]}]
",
    );
    // `b` is declared in a file that is not there: only what looks like a misspelling is one.
    assert_eq!(found_in_folder(&folder), ["E0205 2:30", "E0104 2:52", "E0302 2:92"]);
    folder.write("b.yaml", "id: b\nrun: [x\ntimeout: 5\n");
    assert_eq!(found_in_folder(&folder), ["E0205 2:30", "E0302 2:92", "E0101 b.yaml 3:8"]);
    folder.write("b.yaml", b"id: b\nrun: \xff\n");
    assert_eq!(found_in_folder(&folder), ["E0205 2:30", "E0103 2:52", "E0302 2:92"]);
}

#[test]
fn limits_hold_over_all_included_files() {
    let folder = Folder::new();
    // Ten files deep are allowed, one more is not.
    for n in 1..=11 {
        folder.write(&format!("{n}.yaml"), format!("{{notes: C, description: !include {}.yaml}}", n + 1));
    }
    folder.write("12.yaml", "x");
    folder.write("10.yaml", "{notes: C}");
    folder.write("contract.yaml", "metadata: !include 1.yaml\nworkflow: {tasks: [{id: a, run: x}]}");
    assert_eq!(found_in_folder(&folder), [""; 0]);
    folder.write("10.yaml", "{notes: C, description: !include 11.yaml}");
    assert_eq!(found_in_folder(&folder), ["E0115 10.yaml 1:34"]);
    // One file of a megabyte, included more often than its size allows.
    folder.write("1.yaml", format!("{{a: b}} # {}", "x".repeat(1 << 20)));
    folder.write(
        "contract.yaml",
        format!("metadata: [{}]\nworkflow: {{tasks: []}}", "!include 1.yaml, ".repeat(40)),
    );
    let (code, document) = document(&folder, &["contract.yaml"]);
    assert_eq!((code, &document["files"][0]["diagnostics"][0]["code"]), (2, &json!("E0110")));
    // Files that include the next one many times.
    for n in 1..=8 {
        folder.write(&format!("{n}.yaml"), format!("[{}]", format!("!include {}.yaml, ", n + 1).repeat(60)));
    }
    folder.write("9.yaml", "x");
    folder.write("contract.yaml", "metadata: !include 1.yaml\nworkflow: {tasks: []}");
    let found = found_in_folder(&folder);
    assert!(
        found.len() == 1 && ["E0110", "E0111", "E0113"].iter().any(|c| found[0].starts_with(c)),
        "{found:?}"
    );
}

fn found_in_folder(folder: &Folder) -> Vec<String> {
    findings(&document(folder, &["contract.yaml"]).1)
}

#[test]
fn doubtful_plans_get_a_warning_or_a_remark() {
    // Delays alone, of the node's own retries and of the run.
    let slow = "workflow: {tasks: [{id: a, run: x, retry: {max_attempts: 4, initial_delay: 10s}, total_timeout: 1m}]}";
    assert_eq!(found_in(slow), ["E0217 1:25"]);
    let run = "workflow: {tasks: [{id: a, run: x, retry: {max_attempts: 4, initial_delay: 10s}}], coordination: {rules: {timeout: 30s}}}";
    assert_eq!(found_in(run), ["E0217 1:25"]);
    assert_eq!(found_in(&run.replace("30s", "2m")), [""; 0]);
    assert_eq!(found_in(&run.replace("timeout: 30s", "budget: {time: 30s}")), ["E0217 1:25"]);
    assert_eq!(found_in(&run.replace("timeout: 30s", "timeout: 1h, budget: {time: 30s}")), ["E0217 1:25"]);
    assert_eq!(found_in(&run.replace("timeout: 30s", "budget: {time: 2m}")), [""; 0]);
    // Nothing is known of attempts that have no limit.
    let open =
        "workflow: {tasks: [{id: a, run: x, retry: {max_attempts: 2, initial_delay: 0}, total_timeout: 1m}]}";
    assert_eq!(found_in(open), [""; 0]);
    // Independent checks are meant to be independent.
    assert_eq!(found_in("workflow: {tasks: [{id: a, run: x}, {id: b, run: x}]}"), [""; 0]);
    let parts = "workflow: {tasks: [{id: a, run: x}, {id: b, run: x, depends_on: [a]}, {id: c, run: x}, {id: d, run: x, depends_on: [c]}]}";
    assert_eq!(found_in(parts), ["E0310 1:25"]);
    // A remark is no part of what a plan says.
    assert_eq!(Folder::with(parts).onex(&["plan", "contract.yaml"]).stderr, "");
    let never = "workflow: {coordination: {rules: {fail_fast: false}}, tasks: [{id: a, run: x}, {id: b, run: x, depends_on: [a]}, {id: c, run: x, depends_on: [b, {node: a, on: failure}]}]}";
    assert_eq!(found_in(never), ["E0309 1:153"]);
    assert_eq!(found_in(&never.replace("{id: a, run: x}", "{id: a, run: x, enabled: false}")), [""; 0]);
    let far = "workflow:
  coordination: {rules: {fail_fast: false}}
  tasks:
    - {id: a, run: x}
    - {id: b, run: x, depends_on: [a]}
    - {id: b2, run: x, depends_on: [b]}
    - {id: c, run: x, depends_on: [b2, {node: a, on: failure}]}
    - {id: after, run: x, depends_on: [c]}
";
    assert_eq!(found_in(far), ["E0309 7:47"]);
    let diamond = far.replace("[b2, {node: a, on: failure}]", "[b2, d]")
        + "    - {id: d, run: x, depends_on: [{node: a, on: failure}]}\n";
    assert_eq!(found_in(&diamond), ["E0309 7:40"]);
    assert_eq!(found_in(&far.replace("depends_on: [b]", "depends_on: [{node: b, on: finished}]")), [""; 0]);
}
