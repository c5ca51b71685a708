//! What an author sees of a contract that is not in order, and of one that is.

use onex::base::rng::Rng;
use onex::diag::SourceMap;
use onex::report::{Look, diagnostics};
use serde_json::{Value, json};

use crate::support::{Folder, normalised};

/// What stands on stderr for a contract that cannot run. The exit code and an empty stdout are checked, too.
fn diagnosis(contract: &str) -> String {
    let folder = Folder::with(contract);
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{}", ended.stderr);
    ended.stderr
}

#[test]
fn findings_point_into_the_contract_and_suggest() {
    let stderr = diagnosis(
        "workflow:
  name: ci
  tasks:
    - {id: lint, run: cargo clippy, timeuot: 5}
    - {id: package, run: cargo package, depends_on: [lnt]}
    - {id: lint, run: 'true', timeout: 5 parsecs}
",
    );
    let expected = "\
error[E0205]: a task has no key `timeuot`
  ╭▸ contract.yaml:4:37
  │
4 │     - {id: lint, run: cargo clippy, timeuot: 5}
  │                                     ━━━━━━━ unknown key
  ╰╴
help: did you mean `timeout`?
  ╭╴
4 -     - {id: lint, run: cargo clippy, timeuot: 5}
4 +     - {id: lint, run: cargo clippy, timeout: 5}
  ╰╴

error[E0302]: node `package` depends on `lnt`, which is not declared
  ╭▸ contract.yaml:5:54
  │
5 │     - {id: package, run: cargo package, depends_on: [lnt]}
  │                                                      ━━━ not declared
  ╰╴
help: did you mean `lint`?
  ╭╴
5 │     - {id: package, run: cargo package, depends_on: [lint]}
  ╰╴                                                      +

error[E0301]: two nodes have the id `lint`
  ╭▸ contract.yaml:6:12
  │
4 │     - {id: lint, run: cargo clippy, timeuot: 5}
  │            ──── first here
5 │     - {id: package, run: cargo package, depends_on: [lnt]}
6 │     - {id: lint, run: 'true', timeout: 5 parsecs}
  ╰╴           ━━━━ again here

error[E0206]: `timeout` cannot be `5 parsecs`
  ╭▸ contract.yaml:6:40
  │
6 │     - {id: lint, run: 'true', timeout: 5 parsecs}
  │                                        ━━━━━━━━━ not a duration
  │
  ╰ help: write seconds as a number, or text such as `30s`, `2m`, `500ms`, `1h`

";
    assert_eq!(stderr, expected);
}

#[test]
fn a_circle_is_shown_with_its_whole_path() {
    let stderr = diagnosis(
        "workflow:
  tasks:
    - {id: a, run: 'true', depends_on: [c]}
    - {id: b, run: 'true', depends_on: [a]}
    - {id: c, run: 'true', depends_on: [b]}
    - {id: d, run: 'true', depends_on: [d]}
",
    );
    assert!(
        stderr.contains("error[E0303]: nodes wait for each other in a circle: `a` → `c` → `b` → `a`"),
        "{stderr}"
    );
    assert!(stderr.contains("`a` waits for `c`") && stderr.contains("`c` waits for `b`"), "{stderr}");
    assert!(stderr.contains("error[E0303]: node `d` depends on itself"), "{stderr}");
}

#[test]
fn syntax_errors_have_a_place() {
    let stderr = diagnosis("workflow:\n  tasks:\n    - {id: a, run: [x}\n");
    assert!(stderr.starts_with("error[E0101]: this is not valid YAML\n  ╭▸ contract.yaml:3:"), "{stderr}");
}

#[test]
fn what_machines_get_is_one_document_with_the_same_findings() {
    let folder = Folder::with(
        "workflow:\n  tasks:\n    - {id: ä, run: 'true'}\n    - {id: b, run: 'true', depends_on: [a]}\n",
    );
    for (format, parse) in [("json", true), ("yaml", false)] {
        let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", format]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains("error[E0208]"));
        if !parse {
            assert!(
                ended.stdout.contains("exit_code: 2\n") && ended.stdout.contains("results: []\n"),
                "{}",
                ended.stdout
            );
            continue;
        }
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(
            (&report["status"], &report["exit_code"], &report["results"]),
            (&json!("failed"), &json!(2), &json!([]))
        );
        assert_eq!(report["completed_at"], json!(null));
        let first = &report["diagnostics"][0];
        assert_eq!(
            (&first["code"], &first["severity"], &first["path"]),
            (&json!("E0208"), &json!("error"), &json!("contract.yaml"))
        );
        let place = ["line", "column", "end_line", "end_column"].map(|key| first[key].as_u64().unwrap());
        // Columns count characters, not bytes.
        assert_eq!(place, [3, 12, 3, 13]);
        assert_eq!(report["diagnostics"][1]["code"], "E0302");
    }
}

#[test]
fn the_name_of_the_error_follows_from_its_cause() {
    let rows = [
        ("workflow: {tasks: [{id: a, run: 'true', depends_on: [a]}]}", "CycleError", 2),
        ("workflow: {tasks: [{id: a, run: 'true', depends_on: [b]}]}", "DependencyResolutionError", 2),
        ("workflow: {tasks: [{id: a}]}", "ContractError", 2),
        ("workflow: {inputs: {x: {required: true}}, tasks: [{id: a, run: 'true'}]}", "InputError", 2),
        ("workflow: {tasks: [{id: a, run: 'true', cwd: ../x}]}", "SecurityError", 5),
    ];
    for (contract, kind, code) in rows {
        let report = Folder::with(contract).report(&[]);
        assert_eq!(
            (&report["error"]["kind"], &report["exit_code"]),
            (&json!(kind), &json!(code)),
            "{contract}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_neighbour() {
    let folder = Folder::with("workflow: {tasks: []}");
    let missing = folder.onex(&["orch", "--contract", "contrat.yaml", "--format", "human"]);
    assert_eq!(missing.code, 2);
    assert_eq!(
        missing.stderr,
        "error[E0104]: cannot read `contrat.yaml`: there is no such file\n │\n ╰ help: did you mean `contract.yaml`?\n\n"
    );
    for (path, problem) in [
        ("tmp", "this is a directory, not a file"),
        ("/dev/null", "this is a device, a pipe or a socket, not a file"),
    ] {
        let ended = folder.onex(&["orch", "--contract", path, "--format", "human"]);
        assert!(ended.code == 2 && ended.stderr.contains(problem), "{ended:?}");
    }
    folder.write("latin.yaml", b"workflow: {name: caf\xe9}");
    let ended = folder.onex(&["plan", "latin.yaml"]);
    assert!(
        ended.code == 2 && ended.stderr.contains("error[E0103]") && ended.stderr.contains("byte 20"),
        "{ended:?}"
    );
}

#[test]
fn a_contract_can_be_named_from_anywhere_in_its_project() {
    let folder = Folder::new();
    folder.write("contracts/deploy/contract.yaml", "workflow: {name: d, tasks: [{id: a, run: pwd}]}");
    folder.write("contracts/test/contract.yaml", "workflow: {name: t, tasks: []}");
    folder.write("src/deep/file", "");
    let mut command = folder.command(&["orch", "--contract", "deploy", "--format", "json"]);
    let ended =
        crate::support::Ended::of(&command.current_dir(folder.path().join("src/deep")).output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &report["results"][0]["value"]), (0, &json!(folder.path())));
    // A name that nothing has is a failure to resolve, and not to read.
    for (name, help) in [("deplyo", "did you mean `deploy`?"), ("other", "`contracts` has `deploy`, `test`")]
    {
        for arguments in [&["orch", "--format", "human", "--contract", name][..], &["plan", name]] {
            let ended = folder.onex(arguments);
            assert_eq!(ended.code, 3, "{ended:?}");
            assert!(
                ended.stderr.contains(&format!("error[E0404]: no contract is named `{name}`")),
                "{ended:?}"
            );
            assert!(ended.stderr.contains(help), "{ended:?}");
        }
    }
    let ended = folder.onex(&["orch", "--contract", "other", "--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["exit_code"], &report["error"]["kind"]), (&json!(3), &json!("RegistryError")));
}

#[test]
fn a_contract_without_actions_plans_and_does_not_run() {
    let contract = "\
contract_version: {major: 1, minor: 0, patch: 0}
name: registration
node_type: ORCHESTRATOR_GENERIC
event_bus: {subscribe_topics: [a]}
workflow_coordination:
  workflow_definition:
    execution_graph:
      nodes:
        - {node_id: compute_intents, node_type: reducer, description: Computes}
        - {node_id: register, node_type: effect, depends_on: [compute_intents], step_config: {effect_node: x}}
";
    let folder = Folder::with(contract);
    let plan = folder.onex(&["plan", "contract.yaml"]);
    assert_eq!(plan.code, 0);
    assert!(
        plan.stderr.starts_with("warning[E0304]: node `compute_intents` says nothing about what it does"),
        "{}",
        plan.stderr
    );
    assert!(plan.stderr.contains("warning[E0505]: no component is named `x`"), "{}", plan.stderr);
    assert_eq!(
        plan.stdout,
        "plan registration · 2 nodes · 2 groups · sync
   1  compute_intents  reducer  unbound
   2  register         effect   uses x   component not found; after compute_intents
longest chain: compute_intents → register
worst case: 2h00m; 2 nodes say no timeout, and each attempt may take 1h00m
"
    );
    let dry = folder.onex(&["orch", "--contract", "contract.yaml", "--dry-run", "--format", "json"]);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert_eq!(dry.stdout.matches("\"reason\": \"dry_run\"").count(), 2);
    let run = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert!(
        run.code == 3
            && run.stderr.contains("error[E0304]")
            && run.stderr.contains("error[E0505]: no component is named `x`")
    );
}

#[test]
fn parts_that_are_not_carried_out_plan_and_do_not_run() {
    let folder = Folder::with(
        "workflow:\n  tasks:\n    - {id: a, run: 'touch ran', when: inputs.x}\n    - {id: b, http: {url: x}}\n",
    );
    let plan = folder.onex(&["plan", "contract.yaml"]);
    assert_eq!((plan.code, plan.stderr.matches("warning[E0210]").count()), (0, 2), "{}", plan.stderr);
    let run = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert_eq!((run.code, run.stderr.matches("error[E0210]").count()), (2, 2), "{}", run.stderr);
    assert!(!folder.exists("ran"));
}

#[test]
fn a_condition_that_is_false_does_not_let_its_node_run() {
    let folder = Folder::with("workflow: {tasks: [{id: a, when: false, run: 'touch ran'}]}");
    let run = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert!(run.code == 2 && run.stderr.contains("error[E0210]: `when`") && !folder.exists("ran"), "{run:?}");
}

#[test]
fn edges_of_another_type_are_not_taken_for_plain_ones() {
    let contract = |kind: &str| {
        format!(
            "workflow_coordination: {{workflow_definition: {{execution_graph: {{nodes: [{{node_id: a, step_config: {{run: x}}}}, {{node_id: b, step_config: {{run: x}}}}], edges: [{{from_node: a, to_node: b, edge_type: {kind}}}]}}}}}}"
        )
    };
    let folder = Folder::with(&contract("data_flow"));
    assert_eq!(folder.onex(&["plan", "contract.yaml"]).stderr, "");
    folder.write("contract.yaml", contract("failure"));
    let plan = folder.onex(&["plan", "contract.yaml"]);
    assert!(plan.stderr.contains("warning[E0210]: an edge of another type"), "{}", plan.stderr);
}

#[test]
fn a_node_that_waits_for_a_failure_at_which_the_run_stops_is_told_of() {
    let contract = |rules: &str| {
        format!(
            "workflow: {{coordination: {{rules: {{{rules}}}}}, tasks: [{{id: a, run: 'false'}}, {{id: b, run: x, depends_on: [{{node: a, on: failure}}]}}]}}"
        )
    };
    let folder = Folder::with(&contract(""));
    let plan = folder.onex(&["plan", "contract.yaml"]);
    assert!(
        plan.stderr.contains("warning[E0306]: `b` waits for a failure of `a`, at which the run stops"),
        "{}",
        plan.stderr
    );
    assert!(plan.stderr.contains("say `fail_fast: false` in the rules"), "{}", plan.stderr);
    folder.write("contract.yaml", contract("fail_fast: false"));
    assert_eq!(folder.onex(&["plan", "contract.yaml"]).stderr, "");
}

#[test]
fn events_do_not_replace_the_contract() {
    let contract = "workflow: {tasks: [{id: a, run: 'touch ran'}]}";
    let folder = Folder::with(contract);
    std::os::unix::fs::symlink("contract.yaml", folder.path().join("other")).unwrap();
    let report = folder.report(&["--events", "other"]);
    assert!(report["error"]["message"].as_str().unwrap().ends_with("it is the contract"), "{report}");
    assert_eq!(
        (folder.read("contract.yaml").as_str(), folder.exists("ran"), &report["exit_code"]),
        (contract, false, &json!(2))
    );
}

#[test]
fn data_is_never_pasted_into_a_script() {
    let stderr =
        diagnosis("workflow:\n  inputs: {x: string}\n  tasks:\n    - {id: a, run: 'echo ${{ inputs.x }}'}\n");
    assert!(
        stderr.contains("error[E0214]: data is never pasted into text that an interpreter runs"),
        "{stderr}"
    );
}

#[test]
fn inputs_are_checked_before_anything_runs() {
    let contract = "workflow:
  inputs:
    environment: {type: string, required: true}
    replicas: {type: integer, default: 1}
    settings: {type: object}
  tasks: [{id: a, run: 'printf %s \"$ONEX_NODE_RESULTS\"', output: json}]
";
    let folder = Folder::with(contract);
    let given = |arguments: &[&str]| {
        let report = folder.report(arguments);
        if report["exit_code"] == 0 {
            return report["results"][0]["value"]["inputs"].to_string();
        }
        let found = report["diagnostics"].as_array().unwrap();
        let told: Vec<String> = found.iter().map(|d| format!("{} {}", d["message"], d["help"])).collect();
        told.join("\n").replace('"', "")
    };
    assert_eq!(given(&["--input", "environment=1"]), r#"{"environment":"1","replicas":1}"#);
    assert_eq!(
        given(&["--input", "environment=a=b", "--input", "replicas=3", "--input", "settings={\"k\": []}"]),
        r#"{"environment":"a=b","replicas":3,"settings":{"k":[]}}"#
    );
    assert_eq!(
        given(&["--input", "replicas=many", "--input", "enviroment=x"]),
        "the input `replicas` cannot be `many` [it is a whole number, written as JSON]\n\
         the contract has no input `enviroment` [did you mean `environment`?]\n\
         the input `environment` is not given [add `--input environment=…` (string)]"
    );
    folder.write("in.json", r#"{"environment": "file", "replicas": 2}"#);
    assert_eq!(
        given(&["--inputs", "in.json", "--input", "replicas=5"]),
        r#"{"environment":"file","replicas":5}"#
    );
    folder.write("bad.json", r#"{"environment": 7}"#);
    assert!(given(&["--inputs", "bad.json"]).contains("cannot be `7`"));
    // What cannot be read is told as a document, too.
    folder.write("list.json", "[1]");
    for (file, problem) in [
        ("none.json", "No such file"),
        ("/dev/zero", "larger than 32 MiB"),
        ("list.json", "not one JSON object"),
    ] {
        let report = folder.report(&["--inputs", file]);
        let message = report["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("cannot read `{file}`")) && message.contains(problem),
            "{message}"
        );
        assert_eq!(
            (&report["error"]["kind"], &report["exit_code"]),
            (&json!("ConfigurationError"), &json!(2))
        );
    }
}

#[test]
fn a_plan_shows_groups_order_and_the_longest_chain() {
    let folder = Folder::with(
        "workflow:
  name: build
  description: Builds it.
  tasks:
    - {id: fetch, run: 'true'}
    - {id: lint, run: 'true', depends_on: [fetch], retry: {max_attempts: 3}}
    - {id: compile, run: 'true', depends_on: [fetch]}
    - {id: docs, run: 'true', enabled: false}
    - {id: package, run: [tar], depends_on: [lint, compile]}
  coordination: {rules: {execution_mode: parallel, max_parallel_branches: 2}}
",
    );
    let human = folder.onex(&["plan", "contract.yaml", "--jobs", "8"]);
    assert_eq!(
        human.stdout,
        "plan build · 5 nodes · 3 groups · async ×2
   1  fetch    effect  run
      docs     effect  run  skipped: disabled
   2  lint     effect  run  after fetch; up to 3 attempts, 3h00m
      compile  effect  run  after fetch
   3  package  effect  run  after lint, compile
longest chain: fetch → lint → package
worst case: 5h30m; 4 nodes say no timeout, and each attempt may take 1h00m
"
    );
    let json = folder.onex(&["plan", "contract.yaml", "--format", "json", "--jobs", "8"]);
    let plan: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(plan["execution_order"], json!(["fetch", "lint", "compile", "docs", "package"]));
    assert_eq!(plan["parallel_groups"], json!([["fetch", "docs"], ["lint", "compile"], ["package"]]));
    assert_eq!((&plan["roots"], &plan["components"]), (&json!(["fetch", "docs"]), &json!(2)));
    assert_eq!(plan["critical_path"], json!(["fetch", "lint", "package"]));
    assert_eq!(plan["edges"][0], json!(["fetch", "lint"]));
    assert_eq!((&plan["default_mode"], &plan["description"]), (&json!("local"), &json!("Builds it.")));
    assert_eq!(plan["nodes"][3]["status"], "skipped");
    let broken = Folder::with("workflow: {tasks: [{id: a, run: 'true', depends_on: [a]}]}");
    let json = broken.onex(&["plan", "contract.yaml", "--format", "json"]);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &document["diagnostics"][0]["code"]), (2, &json!("E0303")));
}

#[test]
fn a_dry_run_shows_the_plan_and_runs_nothing() {
    let folder = Folder::with(
        "workflow: {name: dry, tasks: [{id: a, run: 'touch ran'}, {id: b, run: 'touch ran', depends_on: [a]}]}",
    );
    let human = folder.onex(&["orch", "--contract", "contract.yaml", "--dry-run", "--format", "human"]);
    assert_eq!(
        human.stdout,
        "plan dry · 2 nodes · 2 groups · dry-run
   1  a  effect  run
   2  b  effect  run  after a
longest chain: a → b
worst case: 2h00m; 2 nodes say no timeout, and each attempt may take 1h00m
dry run: nothing was run
"
    );
    let report = folder.report(&["--mode", "dry-run"]);
    assert_eq!((&report["mode"], &report["status"]), (&json!("dry-run"), &json!("success")));
    assert_eq!(report["summary"]["skipped"], 2);
    assert!(!folder.exists("ran"));
    folder.assert_clean();
}

#[test]
fn a_run_for_people_reads_like_this() {
    let folder = Folder::with(
        "workflow:
  name: ci
  tasks:
    - {id: fmt, run: 'true'}
    - {id: lint, run: \"echo 'src/main.rs:3: Boom'; exit 3\", retry: {max_attempts: 2, initial_delay: 10ms}}
    - {id: package, run: 'true', depends_on: [lint]}
    - {id: slow, run: [sleep, '987659'], timeout: 100ms}
    - {id: off, run: 'true', enabled: false}
",
    );
    let run = |more: &[&str]| {
        let mut arguments = vec!["orch", "--contract", "contract.yaml", "--format", "human", "--keep-going"];
        arguments.extend(more);
        let ended = folder.onex(&arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
        assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
        normalised(&ended.stdout)
    };
    assert_eq!(
        run(&[]),
        "onex ci · 5 nodes · sync  run {run}
  ⏭️  off                disabled
  ✅ fmt  {time}
  ⏱️  slow  {time}   took longer than {time}
  ❌ lint  {time}   exit code 3 after 2 attempts
     │ src/main.rs:3: Boom
  ⏭️  package            needs lint, which failed
──────────────────────────────────────────────────────────────
❌ failed   1 passed · 2 failed · 2 skipped  {time}
   rerun: onex orch --contract contract.yaml
"
    );
    assert_eq!(
        run(&["--no-color", "--quiet"]),
        "  TIME slow  {time}   took longer than {time}
  FAIL lint  {time}   exit code 3 after 2 attempts
     | src/main.rs:3: Boom
--------------------------------------------------------------
FAIL failed   1 passed - 2 failed - 2 skipped  {time}
   rerun: onex orch --contract contract.yaml
"
    );
}

#[test]
fn what_a_node_prints_cannot_touch_the_terminal() {
    let folder = Folder::with(
        "workflow: {name: \"evil\\e[31m\\nname\", tasks: [{id: a, run: \"printf '\\\\033]0;title\\\\007\\\\033[2Jx\\\\rfake ok\\\\n'; exit 1\"}]}",
    );
    let ended =
        folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human", "--color", "never"]);
    assert!(!ended.stdout.contains(['\u{1b}', '\u{7}', '\r']), "{:?}", ended.stdout);
    assert!(ended.stdout.contains("xfake ok"), "{}", ended.stdout);
    folder.write("contract.yaml", "workflow:\n  tasks:\n    - {id: \"a\\e[2J\", run: x}\n    - {\"\\e]0;x\\a\": 1, id: b}\n# \u{1b}[2J\n");
    let ended = folder.onex(&["plan", "contract.yaml", "--color", "never"]);
    assert!(ended.code == 2 && !ended.stderr.contains(['\u{1b}', '\u{7}']), "{:?}", ended.stderr);
}

/// A text with a few random changes: bytes cut, doubled, moved and replaced.
fn mutated(text: &str, rng: &mut Rng) -> String {
    const PIECES: [&str; 24] = [
        "{", "}", "[", "]", ":", ", ", "\n", "  ", "- ", "&a ", "*a", "<<: *a", "!x ", "|\n", ">\n", "'",
        "\"", "#", "\u{0}", "é", "日本", "\t", "null", "-1",
    ];
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=rng.below(6) {
        let at = |rng: &mut Rng, bytes: &[u8]| usize::try_from(rng.below(bytes.len() as u64 + 1)).unwrap();
        let (from, to) = (at(rng, &bytes), at(rng, &bytes));
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
        match rng.below(4) {
            0 => _ = bytes.drain(from..to),
            1 => {
                let piece = bytes[from..to].to_vec();
                let target = at(rng, &bytes);
                bytes.splice(target..target, piece);
            }
            _ => {
                let piece = PIECES[usize::try_from(rng.below(PIECES.len() as u64)).unwrap()];
                bytes.splice(from..from, piece.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn any_text_gets_an_answer_that_points_into_it() {
    let seeds = [
        include_str!("../../contracts/ci/contract.yaml"),
        include_str!("../../examples/registration/contract.yaml"),
        "workflow:\n  tasks:\n    - &a {id: a, run: [x], retry: {max_attempts: 2}}\n    - {<<: *a, id: b, depends_on: [{node: a, on: finished}]}\n",
    ];
    let mut rng = Rng::new(1);
    let (mut answered, mut accepted) = (0, 0);
    for round in 0..3000 {
        let text = mutated(seeds[round % seeds.len()], &mut rng);
        let mut sources = SourceMap::default();
        let source = sources.add("contract.yaml", text.as_str());
        let parsed = onex::contract::parse(source, &text);
        for finding in &parsed.diagnostics {
            for label in &finding.labels {
                let (start, end) = (label.span.start as usize, label.span.end as usize);
                assert!(text.get(start..end).is_some(), "round {round}: {finding:?} in {text:?}");
            }
            assert_eq!(diagnostics::to_info(&sources, finding).code, finding.code.as_str());
        }
        let mut shown = Vec::new();
        diagnostics::render(Look::default(), &sources, &parsed.diagnostics, &mut shown).unwrap();
        assert_eq!(parsed.diagnostics.is_empty(), shown.is_empty());
        assert!(
            parsed.workflow.is_some() || !parsed.diagnostics.is_empty(),
            "round {round}: no answer to {text:?}"
        );
        answered += usize::from(!parsed.diagnostics.is_empty());
        accepted += usize::from(parsed.workflow.is_some());
    }
    assert!(
        answered > 500 && accepted > 100,
        "{answered} and {accepted}: the texts are too wild or too tame"
    );
}

#[test]
fn a_graph_or_a_rule_in_the_wrong_place_does_not_run_green() {
    let nodes = "nodes: [{node_id: a, step_config: {run: [touch, ran]}}]";
    for contract in [
        format!("node_type: ORCHESTRATOR\nworkflow_coordination: {{execution_graph: {{{nodes}}}}}\n"),
        format!("node_type: ORCHESTRATOR\nexecution_graph: {{{nodes}}}\n"),
        "workflow:\n  timeout: 5\n  tasks: [{id: a, run: [touch, ran]}]\n".to_owned(),
        "workflow:\n  tasks: [{id: a, run: [touch, ran], max_retries: 3}]\n".to_owned(),
    ] {
        let folder = Folder::with(&contract);
        let run = folder.onex(&["orch", "--contract", "contract.yaml"]);
        assert_eq!(run.code, 2, "{contract}{}", run.stderr);
        assert!(run.stderr.contains("error[E0212]"), "{}", run.stderr);
        assert!(!folder.path().join("ran").exists(), "{contract}");
    }
}

#[test]
fn a_disabled_node_with_an_action_of_later_is_skipped() {
    let folder = Folder::with(
        "workflow:\n  tasks:\n    - {id: a, enabled: false, http: {url: x}}\n    - {id: b, run: [\"true\"], depends_on: [a]}\n",
    );
    let run = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("\"reason\": \"disabled\""), "{}", run.stdout);
}
