//! What is wrong with a contract is said with its code, its place and a suggestion.

use super::*;

// ---- Diagnostics

#[test]
fn every_code_is_provoked_at_its_place() {
    let provoked: Vec<(Code, String, &str)> = vec![
        (codes::NOT_A_CONTRACT, "- a\n".into(), "E0201 error 1:1 a contract is a mapping"),
        (
            codes::MISSING_KEY,
            "workflow:\n  tasks:\n    - run: x\n".into(),
            "E0202 error 3:7 a node needs `id`",
        ),
        (codes::WRONG_TYPE, task("enabled: 1"), "E0203 error 5:16 `enabled` is `true` or `false`"),
        (codes::BAD_VALUE, task("output: xml"), "E0204 error 5:15 `output` cannot be `xml`"),
        (codes::UNKNOWN_KEY, task("colour: red"), "E0205 warning 5:7 a task has no key `colour`"),
        (codes::BAD_DURATION, task("timeout: soon"), "E0206 error 5:16 `timeout` cannot be `soon`"),
        (
            codes::CONFLICTING_KEYS,
            task("timeout: 1\ntimeout_ms: 1000"),
            "E0207 error 6:19 5:16 `timeout` and `timeout_ms` say the same thing twice",
        ),
        (codes::BAD_ID, "workflow:\n  tasks:\n    - id: 1st\n".into(), "E0208 error 3:11 `1st` is no id"),
        (
            codes::SEVERAL_ACTIONS,
            task("emit: y\nuses: z"),
            "E0210 warning 5:7 `emit` is not carried out yet by this version of onex
E0209 error 5:7 4:7 node `a` has two actions, `run` and `emit`
E0209 error 6:7 4:7 node `a` has two actions, `run` and `uses`",
        ),
        (
            codes::NOT_CARRIED_OUT,
            task("when: ready"),
            "E0210 warning 5:7 `when` is not carried out yet by this version of onex",
        ),
        (
            codes::RETRY_NOT_IDEMPOTENT,
            task("idempotent: false\nretry: {max_attempts: 2}"),
            "E0211 error 6:14 5:19 a node that is not idempotent cannot have a `retry`",
        ),
        (codes::MISPLACED_KEY, node("run: x"), "E0212 error 6:11 `run` has no effect in a node"),
        (codes::OUTSIDE_ROOT, task("cwd: ../x"), "E0213 error 5:12 `cwd` leads out of the project root"),
        (
            codes::PASTED_DATA,
            bare_task("run: echo ${{ inputs.x }}"),
            "E0214 error 4:12 data is never pasted into text that an interpreter runs",
        ),
        (
            codes::DISAGREEMENT,
            ruled("execution_mode: parallel\nparallel_execution_allowed: false"),
            "E0215 warning 5:23 6:35 parallel execution is asked for and not allowed",
        ),
        (
            codes::MEANINGLESS_RULE,
            ruled("emit_step_metrics: true\nfail_on_cycle: false\ndetect_cycles: true"),
            "E0216 info 5:7 6:7 `emit_step_metrics`, `fail_on_cycle` mean nothing to onex and change nothing",
        ),
        (
            codes::DEPRECATED_CONTRACT,
            "metadata: {lifecycle: Deprecated}\nworkflow: {tasks: [{id: a, run: x}]}\n".into(),
            "E0219 warning 1:23 the contract is deprecated",
        ),
        (
            codes::DUPLICATE_NODE,
            "workflow:\n  tasks:\n    - id: a\n    - id: a\n".into(),
            "E0301 error 4:11 3:11 two nodes have the id `a`",
        ),
        (
            codes::UNKNOWN_NODE,
            task("depends_on:\n  - nowhere"),
            "E0302 error 6:11 node `a` depends on `nowhere`, which is not declared",
        ),
        (
            codes::NO_GRAPH,
            "workflow:\n  name: x\n".into(),
            "E0305 warning 2:3 the contract declares no execution graph, so there is nothing to run",
        ),
        (codes::UNKNOWN_GROUP, task("group: db"), "E0307 error 5:14 the group `db` has no size"),
        (codes::BAD_FALLBACK, task("fallback: a"), "E0308 error 5:17 node `a` cannot stand in for itself"),
    ];
    for (code, text, expected) in &provoked {
        assert!(expected.contains(code.as_str()), "{expected}");
        assert_eq!(findings(text).join("\n"), *expected, "{text}");
    }
    // What `contract` can say has a fixture here; what follows from the graph is said by `plan`.
    let elsewhere = [
        codes::CYCLE,
        codes::UNBOUND_NODE,
        codes::STOPS_FIRST,
        codes::RETRIES_OUTLAST,
        codes::TWO_TIERS,
        codes::NEVER_RUNS,
        codes::SEPARATE_PARTS,
    ];
    let own =
        codes::ALL.iter().map(|(code, _)| *code).filter(|code| ("E0200".."E0400").contains(&code.as_str()));
    let provoked: BTreeSet<Code> = provoked.iter().map(|(code, ..)| *code).chain(elsewhere).collect();
    assert_eq!(own.collect::<BTreeSet<_>>(), provoked);
}

#[test]
fn an_error_leaves_no_workflow_and_a_warning_does() {
    assert!(read(&task("output: xml")).0.is_none());
    assert!(read(&task("colour: red")).0.is_some());
    assert!(read(&ruled("detect_cycles: false")).0.is_some());
    assert!(read("workflow: {name: x}").0.is_some_and(|workflow| workflow.nodes.is_empty()));
}

#[test]
fn all_errors_of_a_file_are_reported_in_the_order_of_their_places() {
    let text = r"workflow:
  nmae: broken
  tasks:
    - {id: one, run: x, timeout: 0, priority: -1}
    - just text
    - {id: 2wo, run: x}
    - {id: three, run: [], depends_on: [one, oen, {on: finished}]}
    - {id: one}
  coordination:
    rules: {max_parallel_branches: 0, fail_fast: maybe}
  inputs: [a]
";
    assert_eq!(
        findings(text),
        [
            "E0205 error 2:3 `workflow` has no key `nmae`",
            "E0206 error 4:34 `timeout` cannot be `0`",
            "E0204 error 4:47 `priority` cannot be -1",
            "E0203 error 5:7 a task is a mapping",
            "E0208 error 6:12 `2wo` is no id",
            "E0204 error 7:24 `run` names no program",
            "E0302 error 7:46 node `three` depends on `oen`, which is not declared",
            "E0202 error 7:51 a dependency needs `node`",
            "E0301 error 8:12 4:12 two nodes have the id `one`",
            "E0204 error 10:36 `max_parallel_branches` cannot be 0",
            "E0203 error 10:50 `fail_fast` is `true` or `false`",
            "E0203 error 11:11 `inputs` is a mapping",
        ]
    );
}

#[test]
fn what_yaml_found_is_reported_with_what_the_contract_says_wrong() {
    let text = "workflow:\n  name: a\n  name: b\n  tasks: [{id: x, output: no, run: x}]\n";
    let found = findings(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("E0102 error 3:3 2:3 "), "{found:?}");
    assert_eq!(found[1], "E0204 error 4:27 `output` cannot be `no`");
    assert!(findings("workflow: [").iter().all(|f| f.starts_with("E0101 error ")));
}

#[test]
fn near_misses_get_a_suggestion() {
    let nodes = "workflow: {tasks: [{id: compile, run: x}, {id: package, run: x, depends_on: [compiel]}]}";
    let cases = [
        (nodes.to_owned(), "did you mean `compile`?"),
        (task("dependson: [b]"), "did you mean `depends_on`?"),
        (task("node_typ: effect"), "did you mean `node_type`?"),
        (task("foreach: x"), "did you mean `for_each`?"),
        (task("output: jsn"), "did you mean `json`?"),
        (task("error_action: Stopp"), "did you mean `stop`?"),
        (task("depends_on: [{node: a, on: finish}]"), "did you mean `finished`?"),
        (task("retry: {retry_on: [tiemout]}"), "did you mean `timeout`?"),
        (task("retry: {max_attempt: 2}"), "did you mean `max_attempts`?"),
        (ruled("max_retires: 2"), "did you mean `max_retries`?"),
        (ruled("execution_mode: paralel"), "did you mean `parallel`?"),
        (ruled("failure_recovery_strategy: fail-fast"), "did you mean `fail_fast`?"),
        (node("step_confg: {run: x}"), "did you mean `step_config`?"),
        (node("step_config: {runn: x}"), "did you mean `run`?"),
        ("workflow: {tasks: [], inputs: {n: Integer}}".to_owned(), "did you mean `integer`?"),
        ("workfow: {tasks: []}".to_owned(), "did you mean `workflow`?"),
        ("workflow_coordnation: {}".to_owned(), "did you mean `workflow_coordination`?"),
    ];
    for (text, expected) in cases {
        assert!(read(&text).0.is_none(), "a near miss is an error: {text}");
        assert!(advice(&text).contains(&expected.to_owned()), "{text} {:?}", advice(&text));
    }
    assert_eq!(advice(&task("depends_on: [nowhere]")), [""; 0]);
}

#[test]
fn unknown_keys_of_a_whole_document_are_warnings_even_when_they_are_near() {
    let text = "contract_versoin: 1.0\nworkflow_coordination: {workflow_definition: {execution_graph: {nodes: []}}}\n";
    assert_eq!(findings(text), ["E0205 warning 1:1 the contract has no key `contract_versoin`"]);
    assert_eq!(advice(text), ["did you mean `contract_version`?"]);
    let text = "flavour: sweet\nworkflow: {tasks: [], colour: red}\n";
    assert_eq!(
        findings(text),
        [
            "E0205 warning 1:1 the contract has no key `flavour`",
            "E0205 warning 2:23 `workflow` has no key `colour`"
        ]
    );
}

#[test]
fn keys_that_are_no_text_are_refused() {
    assert_eq!(findings(&task("? [k]\n: v")), ["E0203 error 5:9 a key is text"]);
    assert_eq!(findings(&task("env:\n  ? [k]\n  : v")), ["E0203 error 6:11 the name of a variable is text"]);
    let text = "workflow:\n  tasks: []\n  inputs:\n    ? [k]\n    : string\n";
    assert_eq!(findings(text), ["E0203 error 4:7 the name of an input is text"]);
}

#[test]
fn shared_values_are_checked_wherever_they_are_used() {
    let text = "workflow:\n  tasks:\n    - &base {id: a, run: x, env: {A: b}}\n    - {<<: *base, id: b, timeout: 5}\n";
    let workflow = clean(text);
    let [a, b] = &workflow.nodes[..] else { panic!("two nodes") };
    assert_eq!((a.id.as_str(), b.id.as_str(), &a.action), ("a", "b", &b.action));
    assert_eq!(b.timeout, Duration::from_secs(5));
    // The use is wrong, not what it names.
    let text = "workflow:\n  tasks:\n    - {id: &name a, run: x}\n    - {id: b, run: x, priority: *name}\n";
    assert_eq!(findings(text), ["E0203 error 4:33 `priority` is a whole number"]);
}
