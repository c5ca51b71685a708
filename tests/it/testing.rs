//! Tests as a stage runs them: parts that share the work, repetitions, flaky ones, slow ones, and what failed last.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::junit;
use crate::support::{Ended, Folder, endings, result};

/// A component of the type `test` that runs a line of shell.
fn test(folder: &Folder, name: &str, line: &str, more: &str) {
    let line = serde_json::to_string(line).unwrap();
    folder.write(
        &format!("{name}.onex.yaml"),
        format!(
            "name: {name}\nversion: 1.0.0\nmeta_type: test\n{more}\
             entrypoint: {{type: command, target: [sh, -euc, {line}]}}\n"
        ),
    );
}

/// The program with a place to remember in.
fn command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = folder.command(&[&["orch"], arguments].concat());
    command.env("XDG_STATE_HOME", folder.path().join("state"));
    command
}

fn ended(folder: &Folder, arguments: &[&str]) -> Ended {
    Ended::of(&command(folder, arguments).output().unwrap())
}

fn report(folder: &Folder, arguments: &[&str]) -> Value {
    let ended = ended(folder, &[arguments, &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(report["exit_code"], ended.code, "{ended:?}");
    report
}

/// The nodes that ran.
fn ran(report: &Value) -> Vec<String> {
    let results = report["results"].as_array().unwrap().iter();
    let ran = results.filter(|result| !result["started_at"].is_null());
    ran.map(|result| result["node_id"].as_str().unwrap().to_owned()).collect()
}

/// Fails whenever the number of its runs is odd.
const EVERY_OTHER_TIME: &str =
    "echo x >> tries; test $(($(wc -l < tries) % 2)) = 0 || { echo no luck today >&2; exit 3; }";

fn tests(folder: &Folder, names: &[&str]) {
    names.iter().for_each(|name| test(folder, name, "true", ""));
}

#[test]
fn parts_share_the_components_of_a_stage() {
    let folder = Folder::new();
    tests(&folder, &["a", "b", "c", "d", "e", "f"]);
    test(&folder, "needs_b", "true", "dependencies: [b]\n");
    for by in ["slice", "hash"] {
        for selected in [&[][..], &["--only", "a,c,needs_b,b"], &["--filter", "name=a|b|c|needs_b"]] {
            let stage = ["--stage", "test", "--no-record"];
            let whole = ran(&report(&folder, &[&stage, selected].concat()));
            let mut parts = Vec::new();
            for part in 1..=3 {
                let part = format!("{by}:{part}/3");
                let report = report(&folder, &[&stage, selected, &["--partition", &part]].concat());
                assert_eq!((&report["partition"], &report["status"]), (&json!(part), &json!("success")));
                let ids = ran(&report);
                assert_eq!(ids.contains(&"b".to_owned()), ids.contains(&"needs_b".to_owned()), "{ids:?}");
                parts.extend(ids);
            }
            parts.sort();
            let mut whole = whole;
            whole.sort();
            assert_eq!(parts, whole, "{by} {selected:?}");
        }
    }
    // Every third in the order of the plan; b and what needs it count as one.
    let first = report(&folder, &["--stage", "test", "--no-record", "--partition", "slice:1/3"]);
    assert_eq!(ran(&first), ["a", "d"]);
    assert!(!folder.exists("state"));
    let human = ended(&folder, &["--stage", "test", "--partition", "slice:1/3", "--format", "human"]);
    assert!(human.stdout.lines().next().unwrap().contains("· part slice:1/3 ·"), "{human:?}");
}

#[test]
fn parts_share_the_nodes_of_a_contract_that_are_selected() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: build, run: 'true'}, {id: x, type: test, run: 'true', depends_on: [build]}, \
         {id: y, type: test, run: 'true', depends_on: [build]}, {id: z, run: 'true'}]}",
    );
    let ids =
        |arguments: &[&str]| ran(&report(&folder, &[&["--contract", "contract.yaml"], arguments].concat()));
    assert_eq!(ids(&["--partition", "slice:1/2"]), ["build", "x", "y"]);
    assert_eq!(ids(&["--partition", "slice:2/2"]), ["z"]);
    // What is left out holds nothing together.
    assert_eq!(ids(&["--only", "x,y", "--partition", "slice:1/2"]), ["x"]);
    assert_eq!(ids(&["--only", "x,y", "--partition", "slice:2/2"]), ["y"]);
    assert_eq!(ids(&["--until", "x", "--partition", "hash:1/1"]), ["build", "x"]);
    // A file for each part: what is in another part stands in that one's.
    let file = ["--contract", "contract.yaml", "--partition", "slice:2/2", "--junit", "r.xml"];
    assert_eq!(report(&folder, &file)["summary"]["skipped"], 3);
    let document = junit::read(&folder, "r.xml");
    assert_eq!((&document["suite"]["tests"], &document["suite"]["skipped"]), (&json!("1"), &json!("0")));
    assert_eq!(document["properties"]["partition"], "slice:2/2");
}

#[test]
fn an_empty_part_is_no_failure_unless_that_is_asked_for() {
    let folder = Folder::with("workflow: {tasks: [{id: x, run: 'true'}]}");
    tests(&folder, &["a", "b"]);
    for (what, told) in [
        (["--stage", "test"], "part slice:3/3 is empty: the other parts have all 2 components"),
        (["--contract", "contract.yaml"], "part slice:3/3 is empty: the other parts have the only node"),
    ] {
        let part = ["--partition", "slice:3/3"];
        let empty = ended(&folder, &[&what[..], &part, &["--format", "human"]].concat());
        assert_eq!(empty.code, 0, "{empty:?}");
        assert!(empty.stderr.contains(told), "{empty:?}");
        assert!(!empty.stderr.contains("no component is in the stage"), "{empty:?}");
        let refused = report(&folder, &[&what[..], &part, &["--fail-on-empty"]].concat());
        assert_eq!(refused["exit_code"], 2);
        assert_eq!(refused["error"]["message"], told);
    }
    let full = report(&folder, &["--stage", "test", "--partition", "slice:1/3", "--fail-on-empty"]);
    assert_eq!(full["status"], "success");
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_right_form() {
    let folder = Folder::with("workflow: {tasks: [{id: x, run: 'true'}]}");
    tests(&folder, &["a"]);
    let contract = ["--contract", "contract.yaml"];
    for (arguments, told) in [
        (vec!["--stage", "test", "--partition", "slice:0/3"], "with 3 parts, `1/3` to `3/3`"),
        (vec!["--stage", "test", "--partition", "hash:4/3"], "with 3 parts, `1/3` to `3/3`"),
        (vec!["--stage", "test", "--partition", "slice:a/b"], "write `slice:1/3` or `hash:1/3`"),
        (vec!["--stage", "test", "--partition", "1/3"], "write `slice:1/3` or `hash:1/3`"),
        (vec!["--stage", "test", "--partition", "slice:1/99999999999999999999"], "from 1 to 10000"),
        (vec!["--stage", "test", "--partition", ""], "write `slice:1/3` or `hash:1/3`"),
        (vec!["--stage", "registry", "--partition", "slice:1/2"], "the stage `registry` runs nothing"),
        (vec!["--stage", "registry", "--failed"], "add `--stage`, such as `--stage test`"),
        ([&contract[..], &["--failed"]].concat(), "add `--stage`, such as `--stage test`"),
        ([&contract[..], &["--retries", "1"]].concat(), "add `--stage test`"),
        (vec!["--stage", "pre-commit", "--retries", "1"], "add `--stage test`"),
        ([&contract[..], &["--repeat", "2"]].concat(), "add `--stage test` or `--mode profile`"),
        (vec!["--stage", "ci", "--repeat", "2"], "add `--stage test` or `--mode profile`"),
        (vec!["--stage", "test", "--repeat", "2", "--retries", "1"], "leave one out"),
        (vec!["--stage", "test", "--repeat", "0"], "0 is not in 1.."),
        (vec!["--stage", "test", "--retries", "101"], "101 is not in 0..=100"),
        (vec!["--stage", "test", "--slow-after", "soon"], "`--slow-after soon` is no time"),
        (vec!["--stage", "test", "--flaky-result", "maybe"], "possible values: pass, fail"),
    ] {
        let refused = ended(&folder, &arguments);
        assert_eq!(refused.code, 2, "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains(told), "{arguments:?}: {refused:?}");
        let document: Value =
            serde_json::from_str(&ended(&folder, &[&arguments[..], &["--format", "json"]].concat()).stdout)
                .unwrap();
        assert_eq!(document["exit_code"], 2);
    }
    // A variable holds for all that is run, so it gives way where an option would be a mistake.
    let mut quiet = command(&folder, &["--contract", "contract.yaml", "--format", "json"]);
    for (name, value) in [("RETRIES", "2"), ("REPEAT", "3"), ("FAILED", "1"), ("PARTITION", "hash:1/1")] {
        quiet.env(format!("ONEX_{name}"), value);
    }
    let ended = Ended::of(&quiet.output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (ended.code, &report["partition"], &endings(&report)[0][..]),
        (0, &json!("hash:1/1"), "x completed -")
    );
}

#[test]
fn a_test_that_passes_on_a_repetition_is_flaky_and_shows_why() {
    let folder = Folder::new();
    test(&folder, "flaky", EVERY_OTHER_TIME, "");
    test(&folder, "never", "echo run >> never; exit 1", "");
    test(&folder, "once", "echo run >> once; exit 1", "idempotent: false\n");
    folder.write(
        "flow/contract.yaml",
        "workflow: {name: flow, metadata: {stages: [test]}, tasks: [\
         {id: own, type: test, run: 'echo run >> own; exit 1', retry: {max_attempts: 2, initial_delay: 0}}, \
         {id: plain, type: test, run: 'echo run >> plain; exit 1'}, \
         {id: tool, run: 'echo run >> tool; exit 1'}]}",
    );
    let arguments = ["--stage", "test", "--retries", "3", "--jobs", "1", "--junit", "r.xml", "--keep-going"];
    let told = report(&folder, &arguments);
    let flaky = result(&told, "flaky");
    assert_eq!(
        (&flaky["status"], &flaky["flaky"], &flaky["attempts"]),
        (&json!("completed"), &json!(true), &json!(2))
    );
    assert_eq!(
        flaky["failed_attempts"],
        json!([{"attempt": 1, "reason": "exit_code", "kind": "TaskFailedError", "message": "exit code 3", "printed": "no luck today"}])
    );
    assert_eq!((&told["summary"]["flaky"], &told["exit_code"]), (&json!(1), &json!(1)));
    // As often as asked for, but for those that say themselves how often, and for what is no test.
    let runs = |name: &str| folder.read(name).lines().count();
    assert_eq!(["never", "once", "own", "plain", "tool"].map(runs), [4, 1, 2, 4, 1]);
    assert_eq!(result(&told, "never").get("flaky"), None);
    assert_eq!(result(&told, "never")["failed_attempts"].as_array().unwrap().len(), 3);
    let document = junit::read(&folder, "r.xml");
    assert_eq!(junit::elements(&document, "flaky"), ["flakyFailure"]);
    assert_eq!(document["cases"]["flaky"]["holds"][0][1]["message"], "attempt 1: exit code 3");
    assert_eq!(document["cases"]["flaky"]["holds"][0][2].as_str().unwrap().trim(), "no luck today");
    assert_eq!(junit::elements(&document, "never")[..2], ["failure", "rerunFailure"]);

    let alone = ["--stage", "test", "--filter", "name=flaky", "--retries", "1", "--format", "human"];
    folder.write("tries", "");
    let human = ended(&folder, &alone);
    assert_eq!(human.code, 0, "{human:?}");
    for line in [
        "flaky: passed on attempt 2",
        "│ attempt 1: exit code 3",
        "│ no luck today",
        "   flaky: flaky",
        "1 flaky",
    ] {
        assert!(human.stdout.contains(line), "{line}: {human:?}");
    }
    folder.write("tries", "");
    let mut in_step = command(&folder, &alone);
    in_step.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
    let in_step = Ended::of(&in_step.output().unwrap());
    let annotation = "::warning title=onex test%3A flaky is flaky::flaky: passed on attempt 2%0Aattempt 1: exit code 3%0Ano luck today";
    assert!(in_step.stderr.lines().any(|line| line == annotation), "{in_step:?}");
    assert!(folder.read("summary.md").contains("1 flaky"), "{}", folder.read("summary.md"));

    // Where a flaky test is to fail the run, it is what failed last, too.
    folder.write("tries", "");
    let failed = report(&folder, &[&alone[..6], &["--flaky-result", "fail"]].concat());
    assert_eq!((&failed["status"], &failed["exit_code"]), (&json!("failed"), &json!(1)));
    assert_eq!(failed["error"]["context"]["flaky"], json!(["flaky"]));
    assert_eq!(ran(&report(&folder, &["--stage", "test", "--filter", "name=flaky", "--failed"])), ["flaky"]);
}

#[test]
fn retries_in_ci_are_for_tests_only() {
    let folder = Folder::new();
    test(&folder, "flaky", EVERY_OTHER_TIME, "");
    test(&folder, "check", "echo run >> check; exit 1", "");
    let path = "check.onex.yaml";
    folder.write(path, folder.read(path).replace("meta_type: test", "meta_type: validator"));
    let told = report(&folder, &["--stage", "ci", "--retries", "2"]);
    assert_eq!(endings(&told), ["check failed exit_code", "flaky completed -"]);
    assert_eq!(folder.read("check").lines().count(), 1);
}

#[test]
fn repeated_tests_say_how_often_they_passed() {
    let folder = Folder::new();
    tests(&folder, &["good"]);
    test(&folder, "mixed", EVERY_OTHER_TIME, "");
    test(&folder, "never", "echo run >> never; exit 1", "");
    // A repetition that hides a failure is what nobody wants to see here.
    folder.write(
        "flow/contract.yaml",
        "workflow: {name: flow, metadata: {stages: [test]}, tasks: [{id: own, type: test, \
         run: 'echo run >> own; exit 1', retry: {max_attempts: 5, initial_delay: 0}}]}",
    );
    let arguments = ["--stage", "test", "--repeat", "4", "--junit", "r.xml", "--events", "events.jsonl"];
    let told = report(&folder, &arguments);
    let repeated = |id: &str| result(&told, id)["repeated"].clone();
    assert_eq!(repeated("good"), json!({"runs": 4, "passed": 4, "first_failed": null}));
    assert_eq!(repeated("mixed"), json!({"runs": 4, "passed": 2, "first_failed": 1}));
    assert_eq!(repeated("never"), json!({"runs": 4, "passed": 0, "first_failed": 1}));
    assert_eq!(repeated("flow.own"), json!({"runs": 4, "passed": 0, "first_failed": 1}));
    assert_eq!(folder.read("own").lines().count(), 4);
    let flaky = |id: &str| result(&told, id)["flaky"] == true;
    assert_eq!(["good", "mixed", "never"].map(flaky), [false, true, false]);
    assert_eq!((&told["exit_code"], &told["status"]), (&json!(1), &json!("failed")));
    let summary = &told["summary"];
    assert_eq!(
        (&summary["completed"], &summary["failed"], &summary["flaky"]),
        (&json!(1), &json!(3), &json!(1))
    );
    assert_eq!(result(&told, "mixed")["failed_attempts"][0]["attempt"], 3);
    let document = junit::read(&folder, "r.xml");
    assert_eq!(junit::elements(&document, "mixed")[..2], ["failure", "rerunFailure"]);
    let events = folder.read("events.jsonl");
    assert_eq!(events.lines().filter(|line| line.contains("\"kind\":\"run_started\"")).count(), 4);

    let human = ended(&folder, &["--stage", "test", "--repeat", "4", "--format", "human"]);
    for line in ["repeat ×4", "(run 3)", "2 of 4 passed, flaky", "4 of 4 passed\n", "   flaky: mixed"] {
        assert!(human.stdout.contains(line), "{line}: {human:?}");
    }
    assert_eq!(human.stdout.matches("onex test ·").count(), 1, "{human:?}");
    // All that passes passes, and with --fail-fast the first repetition that fails is the last.
    let good = report(&folder, &["--stage", "test", "--filter", "name=good", "--repeat", "3"]);
    assert_eq!((&good["exit_code"], &result(&good, "good")["repeated"]["passed"]), (&json!(0), &json!(3)));
    folder.write("never", "");
    report(&folder, &["--stage", "test", "--filter", "name=never", "--repeat", "3", "--fail-fast"]);
    assert_eq!(folder.read("never").lines().count(), 1);
    // The time is for all of them: thousands do not pass in a moment.
    let hasty = ["--stage", "test", "--filter", "name=good", "--repeat", "5000", "--timeout", "0.2"];
    assert_eq!(report(&folder, &hasty)["status"], "timed_out");
    let plan = report(&folder, &["--stage", "test", "--repeat", "3", "--dry-run", "--events", "dry.jsonl"]);
    assert_eq!(plan["exit_code"], 0);
    assert_eq!(folder.read("dry.jsonl").lines().filter(|line| line.contains("run_started")).count(), 1);
}

/// Starts the program with pipes that are read while it runs.
fn start(folder: &Folder, arguments: &[&str]) -> Child {
    let mut command = command(folder, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn what_takes_longer_than_it_should_is_told_of_while_it_runs() {
    let folder = Folder::new();
    test(&folder, "slow", "until test -e go; do sleep 0.01; done", "");
    tests(&folder, &["fast"]);
    let arguments = ["--stage", "test", "--slow-after", "0.05", "--progress", "plain", "--format", "json"];
    let mut child = start(&folder, &[&arguments[..], &["--events", "e", "--report", "r.txt"]].concat());
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.find(|line| line.as_ref().unwrap().starts_with("slow is slow: ")).unwrap().unwrap();
    assert_eq!(told, "slow is slow: it has been running for 0.05s");
    folder.write("go", "");
    lines.for_each(drop);
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&result(&report, "slow")["slow"], result(&report, "fast").get("slow")), (&json!(true), None));
    assert_eq!(result(&report, "slow")["status"], "completed");
    let text = folder.read("r.txt");
    assert!(text.contains("   slowest:\n     slow  ") && text.contains("s   slow\n"), "{text}");
    assert!(folder.read("e").lines().any(|line| line.contains("\"kind\":\"node_slow\"")));
    // The stage has its own idea of what is slow, other runs have none.
    let context = |arguments: &[&str]| -> Value {
        super::testing::report(&folder, &[arguments, &["--events", "e", "--dry-run"]].concat());
        let first = folder.read("e").lines().next().unwrap().to_owned();
        serde_json::from_str::<Value>(&first).unwrap()["context"]["slow_after_ms"].clone()
    };
    assert_eq!(context(&["--stage", "test"]), 60_000);
    assert_eq!(context(&["--stage", "ci"]), Value::Null);
    assert_eq!(context(&["--stage", "ci", "--slow-after", "2m"]), 120_000);
}

#[test]
fn what_failed_runs_again_and_nothing_else() {
    let folder = Folder::new();
    tests(&folder, &["a", "base"]);
    test(&folder, "b", "test -e fixed", "");
    test(&folder, "c", "test -e fixed", "dependencies: [base]\n");
    test(&folder, "after_b", "true", "dependencies: [b]\n");
    let stage = ["--stage", "test"];
    let failed = ["--stage", "test", "--failed"];
    let nothing = ended(&folder, &[&failed[..], &["--format", "human"]].concat());
    let told =
        "no run of the stage `test` is remembered here: nothing runs; without `--failed`, 5 components would";
    assert!(nothing.code == 0 && nothing.stderr.contains(told), "{nothing:?}");
    let first = ended(&folder, &[&stage[..], &["--format", "human"]].concat());
    assert_eq!(first.code, 1, "{first:?}");
    assert!(first.stdout.ends_with("   rerun: onex orch --stage test --failed\n"), "{first:?}");
    // With what it needs, and with what did not get its turn.
    let again = report(&folder, &failed);
    assert_eq!(ran(&again), ["b", "base", "c"]);
    assert_eq!(result(&again, "a")["reason"], "not_selected");
    // A run of others changes nothing about it.
    report(&folder, &["--stage", "test", "--filter", "name=a"]);
    report(&folder, &["--stage", "test", "--only", "a"]);
    report(&folder, &[&stage[..], &["--dry-run"]].concat());
    // What is not in the plan of this run may be, and one that is not remembered is not.
    folder.write("fixed", "");
    assert_eq!(ran(&report(&folder, &[&failed[..], &["--only", "c"]].concat())), ["c"]);
    report(&folder, &[&failed[..], &["--no-record"]].concat());
    assert_eq!(ran(&report(&folder, &failed)), ["b", "after_b"]);
    let done = ended(&folder, &[&failed[..], &["--format", "human"]].concat());
    let told = "nothing failed in the last run of the stage `test`: nothing runs; without `--failed`, 5 components would";
    assert!(done.code == 0 && done.stderr.contains(told), "{done:?}");
    assert_eq!(report(&folder, &[&failed[..], &["--fail-on-empty"]].concat())["exit_code"], 2);
    // Other stages remember their own.
    let ci = ended(&folder, &["--stage", "ci", "--failed", "--format", "human"]);
    assert!(ci.stderr.contains("no run of the stage `ci` is remembered here"), "{ci:?}");
}

#[test]
fn parts_and_pipelines_remember_their_own() {
    let folder = Folder::new();
    for name in ["a", "b"] {
        test(&folder, name, "test -e fixed", "");
    }
    let part = |part: &'static str| ["--stage", "test", "--partition", part];
    report(&folder, &part("slice:1/2"));
    let failed = |part: &[&str]| ended(&folder, &[part, &["--failed", "--format", "json"]].concat());
    let of = |ended: &Ended| ran(&serde_json::from_str(&ended.stdout).unwrap());
    assert_eq!(of(&failed(&part("slice:1/2"))), ["a"]);
    for other in [&part("slice:2/2")[..], &["--stage", "test"]] {
        let told = failed(other);
        assert!(told.code == 0 && told.stderr.contains("is remembered here"), "{told:?}");
    }
    let pipeline = ["--stage", "pipeline", "--from", "a", "--to", "b"];
    assert_eq!(report(&folder, &pipeline)["exit_code"], 1);
    folder.write("fixed", "");
    assert_eq!(ran(&report(&folder, &[&pipeline[..], &["--failed"]].concat())), ["a", "b"]);
    assert!(of(&failed(&pipeline)).is_empty());
    let reversed = ["--stage", "pipeline", "--from", "b", "--to", "a"];
    assert!(failed(&reversed).stderr.contains("is remembered here"));
}

#[test]
fn a_stopped_run_remembers_what_it_did_not_finish() {
    let folder = Folder::new();
    tests(&folder, &["a", "z"]);
    test(&folder, "b", "touch begun; test -e done || sleep 987663", "");
    let arguments = ["--stage", "test", "--jobs", "1", "--mode", "sync", "--format", "json"];
    let child = start(&folder, &arguments);
    folder.wait_for("begun");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let stopped = Ended::of(&child.wait_with_output().unwrap());
    let told: Value = serde_json::from_str(&stopped.stdout).unwrap();
    assert_eq!(endings(&told), ["a completed -", "b failed cancelled", "z skipped cancelled"]);
    folder.write("done", "");
    assert_eq!(ran(&report(&folder, &["--stage", "test", "--failed"])), ["b", "z"]);
    // What was to pass often has not.
    let child = start(&folder, &["--stage", "test", "--only", "a", "--repeat", "1000000", "--events", "e"]);
    while !folder.exists("e") || folder.read("e").matches("run_finished").count() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(Ended::of(&child.wait_with_output().unwrap()).code, 1);
    assert_eq!(ran(&report(&folder, &["--stage", "test", "--failed"])), ["a"]);
    folder.assert_nothing_left("a stopped run");
}

#[test]
fn a_memory_that_cannot_be_used_makes_everything_run() {
    let folder = Folder::new();
    tests(&folder, &["a"]);
    test(&folder, "b", "exit 1", "");
    let failed = ["--stage", "test", "--failed", "--format", "json"];
    let ids = |ended: &Ended| ran(&serde_json::from_str(&ended.stdout).unwrap());
    // Nobody has a place to remember in, and nobody promises it.
    let homeless = Ended::of(&folder.command(&[&["orch"], &failed[..]].concat()).output().unwrap());
    assert_eq!(ids(&homeless), ["a", "b"]);
    let why = "everything runs, because what failed before is not known: there is no folder for state";
    assert!(homeless.stderr.contains(why), "{homeless:?}");
    let human =
        Ended::of(&folder.command(&["orch", "--stage", "test", "--format", "human"]).output().unwrap());
    assert!(human.stdout.ends_with("   rerun: onex orch --stage test\n"), "{human:?}");
    assert_eq!(human.stderr, "");

    let memory = "state/onex/last-runs.json";
    folder.write(memory, "{broken");
    let broken = ended(&folder, &failed);
    assert_eq!(ids(&broken), ["a", "b"]);
    assert!(
        broken.stderr.contains("everything runs") && broken.stderr.contains("last-runs.json"),
        "{broken:?}"
    );
    // It is begun anew.
    assert_eq!(ids(&ended(&folder, &failed)), ["b"]);
    // A place that cannot be written is told of, and the run is what it is.
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    folder.write("state", "a file");
    let unwritten = ended(&folder, &["--stage", "test", "--filter", "name=a", "--format", "json"]);
    assert_eq!(unwritten.code, 0, "{unwritten:?}");
    assert!(unwritten.stderr.contains("`--failed` will not know of this run"), "{unwritten:?}");
    let unremembered = ended(&folder, &["--stage", "test", "--no-record", "--format", "json"]);
    assert_eq!((unremembered.code, unremembered.stderr.as_str()), (1, ""));
}

#[test]
fn files_say_how_a_stage_goes_about_its_tests() {
    let folder = Folder::new();
    test(&folder, "flaky", EVERY_OTHER_TIME, "");
    folder.write(
        "onex.toml",
        "[stage.test]\nretries = 1\nflaky_result = 'fail'\nslow_after = '2m'\n[stage.ci]\nretries = 1\n",
    );
    let run = |arguments: &[&str]| {
        folder.write("tries", "");
        let told = report(&folder, &[arguments, &["--events", "e"]].concat());
        let first = folder.read("e").lines().next().unwrap().to_owned();
        let slow = serde_json::from_str::<Value>(&first).unwrap()["context"]["slow_after_ms"].clone();
        (endings(&told)[0].clone(), told["exit_code"].as_u64().unwrap(), slow)
    };
    let passed = || "flaky completed -".to_owned();
    assert_eq!(run(&["--stage", "test"]), (passed(), 1, json!(120_000)));
    assert_eq!(run(&["--stage", "test", "--flaky-result", "pass"]), (passed(), 0, json!(120_000)));
    assert_eq!(run(&["--stage", "test", "--slow-after", "3"]), (passed(), 1, json!(3000)));
    assert_eq!(run(&["--stage", "ci"]), (passed(), 0, Value::Null));
    let failed = "flaky failed exit_code".to_owned();
    assert_eq!(run(&["--stage", "test", "--retries", "0"]), (failed.clone(), 1, json!(120_000)));
    // What is repeated to see its failures is not repeated to hide them.
    assert_eq!(run(&["--stage", "test", "--repeat", "2"]), (failed, 1, json!(120_000)));
    folder.write("onex.toml", "stage.pre-commit.retries = 1");
    let refused = ended(&folder, &["--stage", "test", "--format", "human"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("the stages that run tests: `test` and `ci`"),
        "{refused:?}"
    );
}
