//! Nodes that run programs: what they get, what becomes of what they print, how they end.

use std::process::Stdio;

use serde_json::json;

use crate::support::{Ended, Folder, endings, result};

/// A contract of the workflow dialect with these tasks.
fn tasks(tasks: &str) -> Folder {
    Folder::with(&format!("workflow:\n  name: t\n  tasks:\n{tasks}"))
}

#[test]
fn a_run_is_reported_in_full() {
    let folder = tasks(
        r#"    - {id: ok, run: "echo out; echo err >&2"}
    - {id: bad, type: test, run: [sh, -c, "exit 3"]}
    - {id: never, run: [touch, never], depends_on: [bad]}
"#,
    );
    let report = folder.report(&["--keep-going"]);
    assert_eq!(
        endings(&report),
        ["ok completed -", "bad failed exit_code", "never skipped dependency_failed"]
    );
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "schema_version",
            "run_id",
            "correlation_id",
            "parent_run_id",
            "contract",
            "stage",
            "mode",
            "status",
            "exit_code",
            "started_at",
            "completed_at",
            "execution_time_ms",
            "summary",
            "results",
            "diagnostics",
            "error"
        ]
    );
    assert_eq!((&report["status"], &report["mode"]), (&json!("failed"), &json!("sync")));
    assert_eq!(
        report["summary"],
        json!({"total": 3, "completed": 1, "failed": 1, "skipped": 1, "warned": 0, "flaky": 0, "retries": 0, "recovered": 0})
    );
    let ok = result(&report, "ok");
    assert_eq!(
        (&ok["stdout"], &ok["stderr"], &ok["value"]),
        (&json!("out\n"), &json!("err\n"), &json!("out"))
    );
    let bad = result(&report, "bad");
    assert_eq!(bad["error"], json!({"kind": "TaskFailedError", "message": "exit code 3", "context": {}}));
    assert_eq!((&bad["return_code"], &bad["type"], &bad["attempts"]), (&json!(3), &json!("test"), &json!(1)));
    assert_eq!(result(&report, "never")["culprit"], "bad");
    assert!(!folder.exists("never"));
    let digest = report["contract"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    folder.assert_clean();
}

#[test]
fn output_becomes_a_value_as_declared() {
    let folder = tasks(
        r#"    - {id: text, run: "printf 'a\n\nb\n'"}
    - {id: json, run: [printf, '{"a": [1, 2.5, null]}'], output: json}
    - {id: lines, run: "printf 'x\ny\n'", output: lines}
    - {id: none, run: [echo, x], output: none}
    - {id: broken, run: [echo, "{"], output: json}
    - {id: empty, run: [true], output: json}
"#,
    );
    let report = folder.report(&["--keep-going"]);
    let value = |id| result(&report, id)["value"].clone();
    assert_eq!(value("text"), "a\n\nb");
    assert_eq!(value("json"), json!({"a": [1, 2.5, null]}));
    assert_eq!(value("lines"), json!(["x", "y"]));
    assert_eq!(value("none"), json!(null));
    // What breaks its declared form is a protocol violation.
    for id in ["broken", "empty"] {
        assert_eq!(result(&report, id)["reason"], "protocol");
        assert_eq!(result(&report, id)["error"]["kind"], "ProtocolError");
    }
    assert_eq!(report["exit_code"], 4);
}

#[test]
fn bytes_that_are_no_text_survive() {
    let folder = tasks("    - {id: bytes, run: \"printf '\\\\377\\\\000x'\"}\n");
    let report = folder.report(&[]);
    assert_eq!(result(&report, "bytes")["stdout"], json!({"base64": "/wB4"}));
}

#[test]
fn a_node_gets_its_environment_and_nothing_of_onex() {
    let folder = tasks(
        r#"    - id: env
      run: 'env | sort'
      output: lines
      env: {A: "1", EMPTY: "", PATH: "/usr/bin:/bin", SPACE: "a  b $HOME"}
"#,
    );
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.env("INHERITED", "yes").env("A", "0").env("ONEX_JOBS", "1").env("ONEX_FORMAT", "human");
    let ended = Ended::of(&command.output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let lines: Vec<&str> =
        result(&report, "env")["value"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    for expected in
        ["A=1", "EMPTY=", "INHERITED=yes", "PATH=/usr/bin:/bin", "SPACE=a  b $HOME", "ONEX_NODE_ID=env"]
    {
        assert!(lines.contains(&expected), "{expected} is not among {lines:?}");
    }
    let run_id = report["run_id"].as_str().unwrap();
    assert!(lines.contains(&format!("ONEX_RUN_ID={run_id}").as_str()));
    assert!(lines.contains(&format!("ONEX_NODE_IDEMPOTENCY_KEY={run_id}/env").as_str()));
    assert!(!lines.iter().any(|l| l.starts_with("ONEX_JOBS=") || l.starts_with("ONEX_FORMAT=")), "{lines:?}");
}

#[test]
fn it_works_with_an_empty_environment() {
    let folder = tasks(
        "    - {id: script, run: 'ls / >/dev/null && echo fine'}\n    - {id: argv, run: [echo, fine]}\n",
    );
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.env_clear();
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stdout.matches("\"value\": \"fine\"").count(), 2);
}

#[test]
fn scripts_fail_at_the_first_failing_command_and_at_unset_variables() {
    let folder =
        tasks("    - {id: a, run: 'false; echo on'}\n    - {id: b, run: 'echo $NOT_SET; echo on'}\n");
    let report = folder.report(&["--keep-going"]);
    assert_eq!(endings(&report), ["a failed exit_code", "b failed exit_code"]);
    assert_eq!(result(&report, "a")["stdout"], "");
}

#[test]
fn another_shell_can_be_chosen() {
    let folder = tasks(
        "    - {id: bash, run: 'false | true; [[ x == x ]] && echo ${BASH_VERSION:+bash}', shell: bash -eu}
    - {id: strict, run: 'false | true; echo on', shell: bash -euo pipefail}
    - {id: python, run: 'print(6 * 7)', shell: [python3, -c], output: json}
",
    );
    let report = folder.report(&["--keep-going"]);
    assert_eq!(endings(&report), ["bash completed -", "strict failed exit_code", "python completed -"]);
    assert_eq!(
        (&result(&report, "bash")["value"], &result(&report, "python")["value"]),
        (&json!("bash"), &json!(42))
    );
}

#[test]
fn argv_is_passed_as_it_is() {
    let folder = tasks(
        r#"    - {id: args, run: [printf, '%s|', "a b", "$HOME", "*", "", 8080, true, "é\n"]}
"#,
    );
    assert_eq!(result(&folder.report(&[]), "args")["stdout"], "a b|$HOME|*||8080|true|é\n|");
}

#[test]
fn a_missing_program_is_a_spawn_failure_that_says_what_is_missing() {
    let folder = tasks(
        "    - {id: name, run: [no-such-program-here]}
    - {id: path, run: [./missing]}
    - {id: text, run: ['contract.yaml']}
    - {id: folder, run: [./tmp]}
    - {id: shell, run: no-such-program-here}
",
    );
    let report = folder.report(&["--keep-going"]);
    let message = |id| result(&report, id)["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(result(&report, "name")["reason"], "spawn");
    assert_eq!(message("name"), "no program `no-such-program-here` in PATH");
    assert_eq!(message("path"), "`./missing` does not exist");
    assert_eq!(message("folder"), "`./tmp` is a directory");
    // A shell was started, and answered.
    assert_eq!(
        (&result(&report, "shell")["reason"], &result(&report, "shell")["return_code"]),
        (&json!("exit_code"), &json!(127))
    );
    assert_eq!(report["exit_code"], 1);
}

#[test]
fn nodes_work_in_the_project_root_or_below_it() {
    let folder = Folder::new();
    folder.write("sub/deep/contract.yaml", "workflow: {tasks: [{id: root, run: pwd}, {id: sub, run: pwd, cwd: sub/deep}, {id: own, run: [./tool], cwd: sub}, {id: told, run: [printenv, PWD], cwd: sub}]}");
    let tool = folder.write("sub/tool", "#!/bin/sh\nbasename $PWD\n");
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ended = folder.onex(&["orch", "--contract", "sub/deep", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let root = folder.path().to_str().unwrap();
    assert_eq!(result(&report, "root")["value"], root);
    assert_eq!(result(&report, "sub")["value"], format!("{root}/sub/deep"));
    assert_eq!(result(&report, "own")["value"], "sub");
    assert_eq!(result(&report, "told")["value"], format!("{root}/sub"));
    assert_eq!(report["contract"]["path"], "sub/deep/contract.yaml");
}

#[test]
fn a_working_directory_outside_the_root_is_denied() {
    let folder = tasks("    - {id: out, run: pwd, cwd: link}\n    - {id: gone, run: pwd, cwd: missing}\n");
    std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
    let report = folder.report(&["--keep-going"]);
    assert_eq!(endings(&report), ["out failed policy", "gone failed spawn"]);
    assert_eq!(report["exit_code"], 5);
    // What can be seen in the text is found before anything runs.
    folder.write(
        "contract.yaml",
        "workflow: {tasks: [{id: first, run: 'touch ran'}, {id: out, run: pwd, cwd: a/../../b}]}",
    );
    let report = folder.report(&[]);
    assert_eq!((&report["exit_code"], &report["results"]), (&json!(5), &json!([])));
    assert_eq!(report["error"]["kind"], "SecurityError");
    assert!(!folder.exists("ran"));
}

#[test]
fn standard_input_is_what_the_contract_says_and_empty_otherwise() {
    let folder = tasks("    - {id: given, run: [cat], stdin: \"a\\nb\"}\n    - {id: empty, run: [cat]}\n");
    let mut child = folder
        .command(&["orch", "--contract", "contract.yaml", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"of onex itself").unwrap();
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (&result(&report, "given")["stdout"], &result(&report, "empty")["stdout"]),
        (&json!("a\nb"), &json!(""))
    );
}

#[test]
fn results_and_outputs_go_from_node_to_node() {
    let folder = Folder::with(
        r#"
workflow:
  inputs: {who: {type: string, required: true}, n: {type: integer, default: 2}}
  tasks:
    - {id: a, run: "echo one; echo color=green >> $ONEX_NODE_OUTPUT; echo 'shape = round' >> $ONEX_NODE_OUTPUT"}
    - {id: b, run: "echo '{\"list\": [1, 2]}' > $ONEX_NODE_OUTPUT; exit 3"}
    - {id: c, run: "printf %s \"$ONEX_NODE_RESULTS\"", output: json, depends_on: [a, {node: b, on: finished}]}
    - {id: d, run: "printf %s \"$ONEX_NODE_RESULTS\"", output: json}
"#,
    );
    let report = folder.report(&["--keep-going", "--input", "who=me"]);
    assert_eq!(result(&report, "a")["outputs"], json!({"color": "green", "shape": " round"}));
    let expected = json!({
        "inputs": {"who": "me", "n": 2},
        "nodes": {
            "a": {"status": "completed", "value": "one", "outputs": {"color": "green", "shape": " round"}, "return_code": 0, "attempts": 1, "truncated": false},
            "b": {"status": "failed", "value": null, "outputs": {"list": [1, 2]}, "return_code": 3, "attempts": 1, "truncated": false},
        },
    });
    assert_eq!(result(&report, "c")["value"], expected);
    assert_eq!(result(&report, "d")["value"], json!({"inputs": {"who": "me", "n": 2}, "nodes": {}}));
    folder.assert_clean();
}

#[test]
fn results_that_are_too_long_for_a_variable_are_in_a_file() {
    let folder = tasks(
        r#"    - {id: long, run: "head -c 300000 /dev/zero | tr '\\0' x"}
    - id: reader
      depends_on: [long]
      output: json
      shell: [python3, -c]
      run: |
        import json, os
        results = json.loads(os.environ["ONEX_NODE_RESULTS"])
        results = json.load(open(results["file"]))
        print(len(results["nodes"]["long"]["value"]))
"#,
    );
    let report = folder.report(&[]);
    assert_eq!(result(&report, "reader")["value"], 300_000);
    // More than an event carries, and still whole in the report.
    assert_eq!(result(&report, "long")["stdout"].as_str().unwrap().len(), 300_000);
    assert_eq!(result(&report, "long")["truncated"], false);
    folder.assert_clean();
}

#[test]
fn an_output_file_that_is_not_one_is_a_protocol_violation() {
    let folder = tasks(
        "    - {id: a, run: 'echo nonsense > $ONEX_NODE_OUTPUT'}\n    - {id: b, run: 'mkdir $ONEX_NODE_OUTPUT'}\n",
    );
    let report = folder.report(&["--keep-going"]);
    assert_eq!(endings(&report), ["a failed protocol", "b failed protocol"]);
    assert_eq!(report["exit_code"], 4);
    folder.assert_clean();
}

#[test]
fn a_flood_of_output_is_cut_and_marked() {
    let folder =
        tasks("    - {id: flood, run: 'head -c 50000000 /dev/zero | tr \"\\\\0\" y; echo; echo the end'}\n");
    let report = folder.report(&[]);
    let flood = result(&report, "flood");
    assert_eq!((&flood["status"], &flood["truncated"]), (&json!("completed"), &json!(true)));
    let stdout = flood["stdout"].as_str().unwrap();
    assert!(stdout.len() < 1_100_000 && stdout.ends_with("\nthe end\n") && stdout.contains("bytes left out"));
}

#[test]
fn a_timeout_stops_the_whole_group() {
    let folder = tasks(
        r#"    - id: slow
      timeout: 0.2
      run: 'sleep 987656 & echo $! > pid; wait'
"#,
    );
    let report = folder.report(&[]);
    let slow = result(&report, "slow");
    assert_eq!((&slow["reason"], &slow["error"]["kind"]), (&json!("timeout"), &json!("TimeoutError")));
    assert_eq!(slow["error"]["message"], "took longer than 0.20s");
    assert_eq!((&report["status"], &report["exit_code"]), (&json!("failed"), &json!(1)));
    let pid = folder.read("pid");
    assert!(!std::path::Path::new("/proc").join(pid.trim()).join("exe").exists(), "a process survived");
}

#[test]
fn the_time_of_the_run_is_bounded_too() {
    let contract = "workflow: {name: t, tasks: [{id: a, run: [sleep, '987657']}, {id: b, run: [true], depends_on: [a]}]}";
    let folder = Folder::with(contract);
    let report = folder.report(&["--timeout", "0.2s"]);
    assert_eq!(endings(&report), ["a failed cancelled", "b skipped cancelled"]);
    assert_eq!(
        (&report["status"], &report["error"]["kind"]),
        (&json!("timed_out"), &json!("OrchestratorTimeoutError"))
    );
    // The stricter of command line and contract counts.
    folder.write(
        "contract.yaml",
        contract.replace("tasks:", "coordination: {rules: {timeout_ms: 200}}, tasks:"),
    );
    assert_eq!(folder.report(&["--timeout", "1h"])["status"], "timed_out");
}

#[test]
fn failed_attempts_are_repeated_as_declared() {
    let folder = tasks(
        r#"    - id: second
      type: test
      run: 'echo x >> tries; test $(wc -l < tries) -ge 2'
      retry: {max_attempts: 3, initial_delay_ms: 1}
    - {id: spent, run: [false], retry: {max_attempts: 2, initial_delay: 0}}
    - {id: unmatched, run: [false], retry: {max_attempts: 5, initial_delay: 0, retry_on: ["exit:75"]}}
    - {id: matched, run: exit 75, retry: {max_attempts: 2, initial_delay: 0, retry_on: ["exit:75"]}}
    - {id: spawn, run: [no-such-program], retry: {max_attempts: 2, initial_delay: 0, retry_on: [spawn]}}
"#,
    );
    let report = folder.report(&["--keep-going"]);
    let attempts = |id| result(&report, id)["attempts"].as_u64().unwrap();
    assert_eq!([attempts("second"), attempts("spent"), attempts("unmatched")], [2, 2, 1]);
    assert_eq!([attempts("matched"), attempts("spawn")], [2, 2]);
    assert_eq!(result(&report, "spent")["error"]["message"], "exit code 1 after 2 attempts");
    assert_eq!((&report["summary"]["flaky"], &report["summary"]["retries"]), (&json!(1), &json!(4)));
}

#[test]
fn what_must_not_be_repeated_is_not_and_says_so() {
    let folder = Folder::with(
        r#"
workflow:
  name: t
  coordination: {rules: {failure_recovery_strategy: retry, max_retries: 2, fail_fast: false}}
  tasks:
    - {id: once, idempotent: false, run: 'echo x >> once; exit 1'}
    - {id: lost, idempotent: false, run: 'echo x >> lost; kill -KILL $$'}
    - {id: verdict, type: validator, run: 'echo x >> verdict; exit 1'}
    - {id: often, run: 'echo x >> often; exit 1'}
"#,
    );
    let report = folder.report(&[]);
    assert_eq!(
        endings(&report),
        [
            "once failed exit_code",
            "lost failed uncertain",
            "verdict failed exit_code",
            "often failed exit_code"
        ]
    );
    assert_eq!(["once", "lost", "verdict", "often"].map(|f| folder.read(f).lines().count()), [1, 1, 1, 3]);
    let message = result(&report, "lost")["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("ended by SIGKILL; whether it had its effect is not known"), "{message}");
}

#[test]
fn a_failure_stops_the_run_unless_somebody_says_otherwise() {
    let contract = |rules: &str, node: &str| {
        format!(
            "workflow: {{name: t, coordination: {{rules: {{{rules}}}}}, tasks: [{{id: bad, run: [false]{node}}}, {{id: other, run: [true]}}]}}"
        )
    };
    let rows = [
        ("", "", &[][..], "skipped"),
        ("fail_fast: false", "", &[], "completed"),
        ("failure_recovery_strategy: continue", "", &[], "completed"),
        ("failure_recovery_strategy: ABORT", "", &[], "skipped"),
        ("failure_recovery_strategy: continue, fail_fast: true", "", &[], "skipped"),
        ("", ", error_action: continue", &[], "completed"),
        ("fail_fast: false", ", error_action: stop", &[], "skipped"),
        ("fail_fast: false", "", &["--fail-fast"], "skipped"),
        ("", ", error_action: stop", &["--keep-going"], "completed"),
    ];
    for (rules, node, arguments, expected) in rows {
        let folder = Folder::with(&contract(rules, node));
        let report = folder.report(arguments);
        assert_eq!(result(&report, "other")["status"], expected, "{rules} {node} {arguments:?}");
        assert_eq!((&report["status"], &report["exit_code"]), (&json!("failed"), &json!(1)));
    }
}

#[test]
fn edges_wait_for_the_end_that_they_name() {
    let folder = tasks(
        "    - {id: bad, run: [false]}
    - {id: off, run: [false], enabled: false}
    - {id: on_failure, run: [true], depends_on: [{node: bad, on: failure}]}
    - {id: on_finished, run: [true], depends_on: [{node: bad, on: finished}]}
    - {id: on_success, run: [true], depends_on: [bad]}
    - {id: after_off, run: [true], depends_on: [off]}
    - {id: not_needed, run: [true], depends_on: [{node: after_off, on: failure}]}
    - {id: after_not_needed, run: [true], depends_on: [not_needed]}
    - {id: further, run: [true], depends_on: [on_success]}
",
    );
    let report = folder.report(&["--keep-going"]);
    assert_eq!(
        endings(&report),
        [
            "bad failed exit_code",
            "off skipped disabled",
            "on_failure completed -",
            "on_finished completed -",
            "on_success skipped dependency_failed",
            "after_off completed -",
            "not_needed skipped condition",
            "after_not_needed skipped upstream_skipped",
            "further skipped dependency_failed",
        ]
    );
    assert_eq!(result(&report, "further")["culprit"], "bad");
}

#[test]
fn a_daemon_that_holds_the_output_is_left_alone_and_told_of() {
    let folder = tasks(
        "    - {id: daemon, run: 'sleep 987658 & echo $! > pid'}\n    - {id: quiet, run: 'sleep 987658 >/dev/null 2>&1 & echo $! > pid2'}\n",
    );
    let report = folder.report(&[]);
    assert_eq!(endings(&report), ["daemon completed -", "quiet completed -"]);
    let leaked = |id| result(&report, id)["leaked"].clone();
    assert_eq!(
        (leaked("daemon"), leaked("quiet"), &report["summary"]["warned"]),
        (json!(true), json!(false), &json!(1))
    );
    for file in ["pid", "pid2"] {
        let pid = folder.read(file);
        let killed = std::process::Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap();
        assert!(killed.success(), "the daemon of {file} was not there any more");
    }
}

#[test]
fn the_mode_follows_from_what_was_typed_and_then_from_the_contract() {
    let contract = |rules: &str| {
        format!("workflow: {{coordination: {{rules: {{{rules}}}}}, tasks: [{{id: a, run: 'true'}}]}}")
    };
    let rows = [
        ("", &[][..], ("sync", 1)),
        ("execution_mode: parallel, max_parallel_branches: 1", &[], ("async", 1)),
        ("execution_mode: parallel", &["--mode", "sync"], ("sync", 1)),
        ("", &["--jobs", "4"], ("async", 4)),
        ("", &["--jobs", "1"], ("sync", 1)),
        ("execution_mode: sequential", &["--mode", "async", "--jobs", "3"], ("async", 3)),
        ("max_parallel_steps: 2", &["--jobs", "4"], ("async", 2)),
        ("execution_mode: parallel, parallel_execution_allowed: false", &[], ("sync", 1)),
    ];
    for (rules, arguments, expected) in rows {
        let folder = Folder::with(&contract(rules));
        let mut all = vec!["--events", "events.jsonl"];
        all.extend(arguments);
        let report = folder.report(&all);
        let first: serde_json::Value =
            serde_json::from_str(folder.read("events.jsonl").lines().next().unwrap()).unwrap();
        assert_eq!(
            (report["mode"].as_str().unwrap(), first["context"]["jobs"].as_u64().unwrap()),
            expected,
            "{rules} {arguments:?}"
        );
    }
}

#[test]
fn what_onex_itself_does_is_said_on_request_and_on_stderr() {
    let folder = tasks("    - {id: a, run: 'true'}\n");
    let arguments = ["orch", "--contract", "contract.yaml", "--format", "json"];
    assert_eq!(folder.onex(&arguments).stderr, "");
    let verbose = folder.onex(&[&arguments[..], &["-vv"]].concat());
    for expected in
        [" INFO run begins", "DEBUG attempt starts node=a", "DEBUG attempt ended node=a attempt=1 code=0"]
    {
        assert!(verbose.stderr.contains(expected), "{}", verbose.stderr);
    }
    assert!(serde_json::from_str::<serde_json::Value>(&verbose.stdout).is_ok());
}

#[test]
fn without_a_place_to_work_nothing_runs() {
    let folder = tasks("    - {id: a, run: 'touch ran'}\n");
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    let ended = Ended::of(&command.env("TMPDIR", folder.path().join("no such folder")).output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &report["error"]["kind"]), (2, &json!("StateError")));
    assert!(ended.stderr.contains("cannot make a working folder in"), "{}", ended.stderr);
    assert!(!folder.exists("ran"));
}

#[test]
fn a_program_is_looked_for_anew_where_the_path_is_relative() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: [tool], cwd: a, env: {PATH: 'bin:/usr/bin:/bin'}}, {id: b, run: [tool], cwd: b, env: {PATH: 'bin:/usr/bin:/bin'}}]}",
    );
    for name in ["a", "b"] {
        let tool = folder.write(&format!("{name}/bin/tool"), format!("#!/bin/sh\necho {name}\n"));
        std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let report = folder.report(&[]);
    assert_eq!((&result(&report, "a")["value"], &result(&report, "b")["value"]), (&json!("a"), &json!("b")));
}

#[test]
fn a_relative_or_empty_folder_for_temporary_files_loses_no_outputs() {
    let folder = tasks("    - {id: a, cwd: sub, run: 'echo k=v > $ONEX_NODE_OUTPUT'}\n");
    folder.write("sub/file", "");
    for temporary in ["tmp", ""] {
        let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
        let ended = Ended::of(&command.env("TMPDIR", temporary).output().unwrap());
        let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(result(&report, "a")["outputs"], json!({"k": "v"}), "{temporary:?}");
    }
    folder.assert_clean();
}

#[test]
fn lines_that_are_cut_are_no_value() {
    let folder =
        tasks("    - {id: a, run: 'seq 1 300000', output: lines}\n    - {id: b, run: 'seq 1 300000'}\n");
    let report = folder.report(&["--keep-going"]);
    assert_eq!(endings(&report), ["a failed protocol", "b completed -"]);
    assert_eq!(
        (&result(&report, "a")["value"], &result(&report, "b")["truncated"]),
        (&json!(null), &json!(true))
    );
}

#[test]
fn attempts_that_were_replaced_do_not_use_up_what_is_kept() {
    // A hundred attempts of a megabyte would be more than a run keeps.
    let folder = tasks(
        r#"    - id: a
      run: 'echo x >> tries; head -c 1000000 /dev/zero | tr "\\0" y; test $(wc -l < tries) -ge 100'
      retry: {max_attempts: 100, initial_delay: 0}
    - {id: b, run: "seq 1 100000", output: lines, depends_on: [a]}
"#,
    );
    let report = folder.report(&[]);
    assert_eq!(endings(&report), ["a completed -", "b completed -"]);
    assert_eq!(result(&report, "b")["value"].as_array().unwrap().len(), 100_000);
}

#[test]
fn no_more_run_at_once_than_there_are_open_files_for() {
    let nodes: String = (0..200).map(|n| format!("    - {{id: n{n}, run: [sleep, '0.01']}}\n")).collect();
    let folder = tasks(&nodes);
    let onex = env!("CARGO_BIN_EXE_onex");
    let line = format!("ulimit -n 64; exec {onex} orch --contract contract.yaml --format json --jobs 200");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).current_dir(folder.path()).env("TMPDIR", folder.path().join("tmp"));
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("lets 5 nodes run at once, not 200"), "{}", ended.stderr);
}

#[test]
fn messages_that_nobody_can_read_do_not_break_a_run() {
    let folder = tasks("    - {id: a, run: 'true'}\n");
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    for more in [&["-vv"][..], &["--events", "/dev/full"], &["--events", "no/such/folder/x"]] {
        let mut arguments = vec!["orch", "--contract", "contract.yaml", "--format", "json"];
        arguments.extend(more);
        let ended = Ended::of(&folder.command(&arguments).stderr(full()).output().unwrap());
        let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(
            (ended.code, &report["exit_code"]),
            (if more.contains(&"no/such/folder/x") { 2 } else { 0 }, &json!(ended.code))
        );
    }
    folder.assert_clean();
}

#[test]
fn run_is_orch_with_fewer_words() {
    let folder = Folder::new();
    folder.write(
        "contracts/hi/contract.yaml",
        "workflow: {name: hi, tasks: [{id: a, run: 'echo x'}, {id: b, run: 'echo y'}]}\n",
    );
    // What is set for stages and other contracts does not change what is run.
    let mut command = folder.command(&["run", "hi", "--only", "b", "--format", "json"]);
    let ended = Ended::of(&command.env("ONEX_STAGE", "ci").env("ONEX_CONTRACT", "other").output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (ended.code, &report["contract"]["name"], &report["stage"]),
        (0, &"hi".into(), &serde_json::Value::Null)
    );
    assert_eq!(report["results"][0]["status"], "skipped");
    assert_eq!(report["results"][1]["value"], "y");
    for (misuse, said) in [
        (&["run"][..], "<PATH|NAME>"),
        (&["run", "hi", "--stage", "ci"], "--stage"),
        (&["run", "hi", "x"], "FILE"),
    ] {
        let ended = folder.onex(misuse);
        assert!(ended.code == 2 && ended.stderr.contains(said), "{misuse:?}: {ended:?}");
    }
    assert!(!folder.onex(&["run", "--help"]).stdout.contains("--all-files"));
}
