//! Contracts in both dialects: what becomes of them, and what is said about those that are not in order.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::file::{self, ReadError};
use super::*;
use crate::diag::{Code, SourceMap, Span, sort_by_position};
use crate::model::output::OutputFormat;
use crate::model::workflow::{
    Action, Backoff, CommandSpec, DEFAULT_PRIORITY, DEFAULT_TIMEOUT, EdgeCondition, ErrorAction, InputSpec,
    InputType, Jitter, NodeKind, NodeSpec, OuterRetry, RetryOn, Rules,
};

/// Reads `text` and gives what was found in the order of the text, with the map that knows the places.
fn read(text: &str) -> (Option<Workflow>, Vec<Diagnostic>, SourceMap) {
    let mut map = SourceMap::default();
    let id = map.add("contract.yaml", text);
    let Parsed { workflow, mut diagnostics } = parse(id, text);
    sort_by_position(&mut diagnostics);
    (workflow, diagnostics, map)
}

/// `CODE severity line:col message`; places that explain the finding follow its own.
fn show(map: &SourceMap, d: &Diagnostic) -> String {
    let places: Vec<String> = d
        .labels
        .iter()
        .map(|label| {
            let place = map.position(label.span.source, label.span.start);
            format!("{}:{}", place.line, place.column)
        })
        .collect();
    format!("{} {} {} {}", d.code, format!("{:?}", d.severity).to_lowercase(), places.join(" "), d.message)
}

fn findings(text: &str) -> Vec<String> {
    let (_, diagnostics, map) = read(text);
    diagnostics.iter().map(|d| show(&map, d)).collect()
}

/// The advice of all findings, in the order of the text.
fn advice(text: &str) -> Vec<String> {
    read(text).1.into_iter().flat_map(|d| d.help).collect()
}

/// The workflow of a contract in which nothing is found.
fn clean(text: &str) -> Workflow {
    assert_eq!(findings(text), [""; 0], "{text}");
    read(text).0.expect("what is clean is a workflow")
}

/// A task `a` with more keys: the first of them stands at 5:7.
fn task(keys: &str) -> String {
    format!("workflow:\n  tasks:\n    - id: a\n      run: x\n      {}\n", keys.replace('\n', "\n      "))
}

/// A task `a` without an action, but for what `keys` say: the first of them stands at 4:7.
fn bare_task(keys: &str) -> String {
    format!("workflow:\n  tasks:\n    - id: a\n      {}\n", keys.replace('\n', "\n      "))
}

/// A node `a` of the ONEX dialect with more keys: the first of them stands at 6:11.
fn node(keys: &str) -> String {
    let keys = keys.replace('\n', "\n          ");
    format!(
        "workflow_coordination:\n  workflow_definition:\n    execution_graph:\n      nodes:\n        - node_id: a\n          {keys}\n"
    )
}

/// A contract with rules: the first of them stands at 5:7.
fn ruled(rules: &str) -> String {
    let rules = rules.replace('\n', "\n      ");
    format!("workflow:\n  tasks: [{{id: a, run: x}}]\n  coordination:\n    rules:\n      {rules}\n")
}

fn first(text: &str) -> NodeSpec {
    clean(text).nodes.swap_remove(0)
}

fn rules(text: &str) -> Rules {
    clean(&ruled(text)).rules
}

fn command(text: &str) -> CommandSpec {
    let Some(Action::Command(command)) = first(text).action else { panic!("no command in {text}") };
    command
}

/// Everything that a workflow says, but where it says it.
fn meaning(mut workflow: Workflow) -> String {
    for node in &mut workflow.nodes {
        node.span = Span::default();
        node.depends_on.iter_mut().for_each(|d| d.span = Span::default());
    }
    format!("{workflow:#?}")
}

fn edges(workflow: &Workflow) -> Vec<(&str, &str, EdgeCondition)> {
    let name = |index: usize| workflow.nodes[index].id.as_str();
    workflow
        .nodes
        .iter()
        .flat_map(|node| node.depends_on.iter().map(move |d| (name(d.node), node.id.as_str(), d.on)))
        .collect()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

// ---- Two dialects, one model

const RICH_ONEX: &str = r#"contract_version: {major: 1, minor: 2, patch: 3}
name: release
node_type: ORCHESTRATOR_GENERIC
description: Builds and ships.
inputs:
  target: {type: string, required: true, description: Where to.}
  copies: {type: integer, default: 2}
workflow_coordination:
  workflow_definition:
    coordination_rules:
      execution_mode: parallel
      max_parallel_branches: 3
      failure_recovery_strategy: retry
      max_retries: 2
      retry_backoff_ms: 500
      retry_backoff_multiplier: 2
      timeout_ms: 60000
      step_timeout_ms: 7000
    execution_graph:
      nodes:
        - node_id: build
          node_type: COMPUTE_GENERIC
          description: Compiles it.
          tags: [fast, ci]
          priority: 5
          idempotent: true
          timeout: 1m30s
          retry:
            max_attempts: 4
            initial_delay: 250ms
            max_delay_ms: 8000
            exponential_base: 1.5
            jitter: full
            retry_on: [timeout, "exit:75", BuildError]
          step_config:
            run: [make, -j2]
            env: {LEVEL: 3, EMPTY: null, FLAG: true}
            cwd: sub/dir
            output: json
        - node_id: check
          node_type: test
          depends_on: [build]
          error_action: continue
          timeout_ms: 1500
          step_config: {run: ./check, shell: bash, stdin: hello, output: lines}
        - node_id: clean
          enabled: false
          idempotent: false
          depends_on: [{node: build, on: finished}, {node: check, on: failure}]
          step_config: {run: rm -rf out, shell: [dash, -c], output: none}
        - node_id: ship
          depends_on: [check, {node: build}]
"#;

const RICH_TASKS: &str = r#"workflow:
  name: release
  version: 1.2.3
  description: Builds and ships.
  inputs:
    target: {type: string, required: true, description: Where to.}
    copies: {type: integer, default: 2}
  tasks:
    - id: build
      node_type: compute
      description: Compiles it.
      tags: [fast, ci]
      priority: 5
      idempotent: true
      timeout_ms: 90000
      retry:
        max_attempts: 4
        initial_delay_ms: 250
        max_delay: 8
        exponential_base: 1.5
        jitter: true
        retry_on: [TimeoutError, "exit:75", BuildError]
      run: [make, -j2]
      env: {LEVEL: "3", EMPTY: "", FLAG: "true"}
      cwd: sub/dir
      output: json
    - {id: check, type: Test_Generic, dependencies: [build], error_action: CONTINUE, timeout: 1.5,
       run: ./check, shell: bash, stdin: hello, output: lines}
    - {id: clean, enabled: false, idempotent: false, run: rm -rf out, shell: [dash, -c], output: none,
       depends_on: [{node: build, on: finished}, {node: check, on: failure}]}
    - {node_id: ship, depends_on: [{node: check, on: success}, build]}
  coordination:
    type: graph
    rules: {execution_mode: parallel, max_parallel_steps: 3, failure_recovery_strategy: RETRY, max_retries: 2,
            retry_backoff_ms: 500, retry_backoff_multiplier: 2.0, timeout: 60, step_timeout_ms: 7000}
"#;

#[test]
fn both_dialects_give_the_same_workflow() {
    assert_eq!(meaning(clean(RICH_ONEX)), meaning(clean(RICH_TASKS)));
}

#[test]
fn everything_that_a_rich_contract_says_arrives() {
    let workflow = clean(RICH_ONEX);
    assert_eq!((workflow.name.as_str(), workflow.version.as_deref()), ("release", Some("1.2.3")));
    assert_eq!(workflow.description.as_deref(), Some("Builds and ships."));
    let input = |name: &str, kind| InputSpec {
        name: name.into(),
        kind,
        description: None,
        required: false,
        default: None,
    };
    assert_eq!(
        workflow.inputs,
        [
            InputSpec {
                required: true,
                description: Some("Where to.".into()),
                ..input("target", InputType::String)
            },
            InputSpec { default: Some(json!(2)), ..input("copies", InputType::Integer) },
        ]
    );
    let run_rules = Rules {
        parallel: Some(true),
        max_parallel: Some(3),
        keep_going: false,
        timeout: Some(Duration::from_secs(60)),
    };
    assert_eq!(workflow.rules, run_rules);
    let [build, check, clean, ship] = &workflow.nodes[..] else { panic!("{} nodes", workflow.nodes.len()) };

    assert_eq!(
        (&build.kind, build.priority, build.enabled, build.idempotent),
        (&NodeKind::Compute, 5, true, Some(true))
    );
    assert_eq!(
        (build.description.as_deref(), &build.tags[..]),
        (Some("Compiles it."), &texts(&["fast", "ci"])[..])
    );
    assert_eq!(build.timeout, Duration::from_secs(90));
    let backoff = Backoff {
        max_attempts: 4,
        initial_delay: Duration::from_millis(250),
        max_delay: Duration::from_secs(8),
        exponential_base: 1.5,
        jitter: Jitter::Full,
        retry_on: vec![RetryOn::Timeout, RetryOn::Exit(75), RetryOn::Kind("BuildError".into())],
    };
    assert_eq!((&build.retry.inner, build.retry.own), (&Some(backoff), true));
    let env = [("EMPTY", ""), ("FLAG", "true"), ("LEVEL", "3")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let make = CommandSpec {
        argv: texts(&["make", "-j2"]),
        env: env.into(),
        cwd: Some("sub/dir".into()),
        stdin: None,
        output: OutputFormat::Json,
    };
    assert_eq!(build.action, Some(Action::Command(make.clone())));

    assert_eq!((&check.kind, check.error_action), (&NodeKind::Test, Some(ErrorAction::Continue)));
    assert_eq!((check.timeout, check.priority), (Duration::from_millis(1500), DEFAULT_PRIORITY));
    let outer = OuterRetry { max_retries: 2, delay: Duration::from_millis(500), multiplier: 2.0 };
    assert_eq!((&check.retry.inner, &check.retry.outer), (&None, &outer));
    let script = |argv: &[&str], output| CommandSpec {
        argv: texts(argv),
        env: [].into(),
        cwd: None,
        output,
        ..make.clone()
    };
    let checking = script(&["bash", "-eu", "-c", "./check"], OutputFormat::Lines);
    assert_eq!(check.action, Some(Action::Command(CommandSpec { stdin: Some("hello".into()), ..checking })));

    assert_eq!((&clean.kind, clean.enabled, clean.idempotent), (&NodeKind::Effect, false, Some(false)));
    assert_eq!(clean.timeout, Duration::from_secs(7), "the rules' step timeout");
    assert_eq!(
        clean.action,
        Some(Action::Command(script(&["dash", "-c", "rm -rf out"], OutputFormat::None)))
    );
    assert_eq!((&ship.action, &ship.action_key, ship.error_action), (&None, &None, None));
    assert_eq!(
        edges(&workflow),
        [
            ("build", "check", EdgeCondition::Success),
            ("build", "clean", EdgeCondition::Finished),
            ("check", "clean", EdgeCondition::Failure),
            ("check", "ship", EdgeCondition::Success),
            ("build", "ship", EdgeCondition::Success),
        ]
    );
}

#[test]
fn a_node_that_says_nothing_has_the_documented_defaults() {
    let node = first("workflow: {tasks: [{id: only}]}");
    assert_eq!((&node.kind, node.enabled, node.priority), (&NodeKind::Effect, true, 100));
    assert_eq!((node.timeout, DEFAULT_TIMEOUT), (Duration::from_secs(3600), Duration::from_secs(3600)));
    assert_eq!((node.idempotent, node.error_action, &node.action), (None, None, &None));
    assert_eq!((node.retry.max_attempts(), node.retry.own, node.tags.len()), (1, false, 0));
    let workflow = clean("workflow: {tasks: []}");
    assert_eq!(
        (workflow.name.as_str(), workflow.version, workflow.rules),
        ("workflow", None, Rules::default())
    );
    let script = command(&task("priority: 1"));
    assert_eq!((script.argv, script.output), (texts(&["/bin/sh", "-eu", "-c", "x"]), OutputFormat::Text));
}

#[test]
fn synonyms_mean_the_same() {
    let pairs = [
        ("{id: a}", "{node_id: a}"),
        ("{id: a, node_type: reducer}", "{id: a, type: reducer}"),
        ("{id: a, node_type: ORCHESTRATOR_GENERIC}", "{id: a, type: Workflow}"),
        ("{id: a, depends_on: [b]}", "{id: a, dependencies: [b]}"),
        ("{id: a, depends_on: [b]}", "{id: a, depends_on: b}"),
        ("{id: a, depends_on: [b]}", "{id: a, depends_on: [b, {node: b, on: success}, b]}"),
        ("{id: a, depends_on: []}", "{id: a, depends_on: null}"),
        ("{id: a, description: Why.}", "{id: a, name: Why.}"),
        ("{id: a, tags: [x]}", "{id: a, tags: x}"),
        ("{id: a, timeout: 2}", "{id: a, timeout_ms: 2000}"),
        ("{id: a, retry: null}", "{id: a}"),
    ];
    for (one, other) in pairs {
        let read = |node: &str| meaning(clean(&format!("workflow: {{tasks: [{node}, {{id: b}}]}}")));
        assert_eq!(read(one), read(other), "{one} and {other}");
    }
}

#[test]
fn two_names_for_one_key_on_one_node_conflict() {
    let text = "workflow:\n  tasks:\n    - {id: a, node_id: b, type: test, node_type: test,\n       depends_on: [], dependencies: []}\n";
    assert_eq!(
        findings(text),
        [
            "E0207 error 3:24 3:12 `id` and `node_id` are two names for the same key",
            "E0207 error 3:33 3:50 `node_type` and `type` are two names for the same key",
            "E0207 error 4:38 4:20 `depends_on` and `dependencies` are two names for the same key",
        ]
    );
}

#[test]
fn kinds_of_node_are_read_in_any_case_with_and_without_their_suffix() {
    let known = [
        ("effect", NodeKind::Effect),
        ("EFFECT_GENERIC", NodeKind::Effect),
        ("Compute", NodeKind::Compute),
        ("reducer_generic", NodeKind::Reducer),
        ("ORCHESTRATOR", NodeKind::Orchestrator),
        ("workflow", NodeKind::Orchestrator),
        ("Validator", NodeKind::Validator),
        ("TEST", NodeKind::Test),
        ("ORCHESTRATOR_INTERNAL", NodeKind::Other("ORCHESTRATOR_INTERNAL".into())),
        ("Gateway", NodeKind::Other("Gateway".into())),
    ];
    for (word, kind) in known {
        assert_eq!(first(&node(&format!("node_type: {word}"))).kind, kind, "{word}");
    }
}

#[test]
fn versions_and_names_come_from_the_first_place_that_has_them() {
    let of = |head: &str| {
        let workflow = clean(&format!(
            "{head}\nworkflow_coordination: {{workflow_definition: {{workflow_metadata: {{workflow_name: inner}}, execution_graph: {{nodes: []}}}}}}"
        ));
        (workflow.name, workflow.version)
    };
    let pair = |name: &str, version: Option<&str>| (name.to_owned(), version.map(str::to_owned));
    assert_eq!(of("name: outer\ncontract_version: 1.0"), pair("outer", Some("1.0")));
    assert_eq!(of("node_version: \"2.1.0\""), pair("inner", Some("2.1.0")));
    assert_eq!(
        of("contract_version: {major: 3, minor: 1}\nnode_version: 9.9.9"),
        pair("inner", Some("3.1.0"))
    );
    assert_eq!(of("node_type: Orchestrator"), pair("inner", None));
}

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
E0210 warning 6:7 `uses` is not carried out yet by this version of onex
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
            ruled("detect_cycles: true"),
            "E0216 info 5:7 `detect_cycles` means nothing to onex and changes nothing",
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
    ];
    for (code, text, expected) in &provoked {
        assert!(expected.contains(code.as_str()), "{expected}");
        assert_eq!(findings(text).join("\n"), *expected, "{text}");
    }
    // What `contract` can say has a fixture here; circles and unbound nodes are said by `plan`.
    let elsewhere = [codes::CYCLE, codes::UNBOUND_NODE, codes::STOPS_FIRST];
    let own =
        codes::ALL.iter().map(|(code, _)| *code).filter(|code| ("E0200".."E0400").contains(&code.as_str()));
    let provoked: BTreeSet<Code> = provoked.iter().map(|(code, ..)| *code).chain(elsewhere).collect();
    assert_eq!(own.collect::<BTreeSet<_>>(), provoked);
}

#[test]
fn an_error_leaves_no_workflow_and_a_warning_does() {
    assert!(read(&task("output: xml")).0.is_none());
    assert!(read(&task("colour: red")).0.is_some());
    assert!(read(&ruled("detect_cycles: true")).0.is_some());
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

// ---- Durations and other small values

#[test]
fn durations_are_seconds_milliseconds_or_text_with_units() {
    let forms = [
        ("timeout: 30", 30_000),
        ("timeout: 0.25", 250),
        ("timeout: 1e2", 100_000),
        ("timeout: '45'", 45_000),
        ("timeout: 30s", 30_000),
        ("timeout: 2m", 120_000),
        ("timeout: 2min", 120_000),
        ("timeout: 1m30s", 90_000),
        ("timeout: 1h 5m", 3_900_000),
        ("timeout: 1.5sec", 1500),
        ("timeout: 250ms", 250),
        ("timeout: 1d", 86_400_000),
        ("timeout: 3153600000", 3_153_600_000_000),
        ("timeout_ms: 1", 1),
        ("timeout_ms: 30000", 30_000),
    ];
    for (text, millis) in forms {
        assert_eq!(first(&task(text)).timeout, Duration::from_millis(millis), "{text}");
    }
    // The command line reads the same.
    for (text, millis) in [("5", 5000), (" 1m ", 60_000), ("1s 500ms", 1500), ("0.5h", 1_800_000), ("0", 0)] {
        assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", " ", "-1", "inf", "NaN", "1y", "m", "1m-1s", "1e400"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused() {
    for value in [
        "0",
        "0.0",
        "-1",
        "-0.5",
        "0s",
        "-5s",
        "''",
        "soon",
        "5 parsecs",
        "1h30",
        "s",
        "1.2.3s",
        ".nan",
        ".inf",
    ] {
        let shown = value.trim_matches('\'');
        let expected = format!("E0206 error 5:16 `timeout` cannot be `{shown}`");
        assert_eq!(findings(&task(&format!("timeout: {value}"))), [expected]);
    }
    for value in ["3153600001", "36501d", "99999999999999999999", "1e300"] {
        let expected = format!("E0206 error 5:16 `timeout` cannot be `{value}`");
        assert_eq!(findings(&task(&format!("timeout: {value}"))), [expected], "longer than a century");
    }
    for value in ["0", "-1", "1.5", "30s", "'30000'", "3153600000001"] {
        let shown = value.trim_matches('\'');
        let expected = format!("E0206 error 5:19 `timeout_ms` cannot be `{shown}`");
        assert_eq!(findings(&task(&format!("timeout_ms: {value}"))), [expected]);
    }
    for value in ["true", "[1]", "{s: 1}"] {
        assert_eq!(
            findings(&task(&format!("timeout: {value}"))),
            ["E0203 error 5:16 `timeout` is a duration"]
        );
    }
    // Only delays may be nothing.
    let node = first(&task("retry: {initial_delay: 0, max_delay_ms: 0}"));
    let inner = node.retry.inner.expect("its own");
    assert_eq!((inner.initial_delay, inner.max_delay), (Duration::ZERO, Duration::ZERO));
    assert_eq!(
        findings(&ruled("retry_backoff_ms: 0\nstep_timeout_ms: 0\ntimeout: 0")),
        ["E0206 error 6:24 `step_timeout_ms` cannot be `0`", "E0206 error 7:16 `timeout` cannot be `0`"]
    );
}

#[test]
fn both_forms_of_one_duration_conflict_everywhere() {
    assert_eq!(
        findings(&task("retry: {initial_delay_ms: 5, initial_delay: 1, max_delay: 1, max_delay_ms: 5}")),
        [
            "E0207 error 5:33 5:51 `initial_delay` and `initial_delay_ms` say the same thing twice",
            "E0207 error 5:82 5:65 `max_delay` and `max_delay_ms` say the same thing twice",
        ]
    );
    assert_eq!(
        findings(&ruled("timeout_ms: 1000\ntimeout: 1")),
        ["E0207 error 5:19 6:16 `timeout` and `timeout_ms` say the same thing twice"]
    );
}

#[test]
fn numbers_have_bounds() {
    assert_eq!(
        findings(&task("priority: 4294967296\nretry: {max_attempts: 0, exponential_base: 0.9}")),
        [
            "E0204 error 5:17 `priority` cannot be 4294967296",
            "E0204 error 6:29 `max_attempts` cannot be 0",
            "E0204 error 6:50 `exponential_base` cannot be 0.9",
        ]
    );
    assert_eq!(
        findings(&ruled("max_retries: -1\nmax_parallel_steps: 1.5\nretry_backoff_multiplier: .inf")),
        [
            "E0204 error 5:20 `max_retries` cannot be -1",
            "E0203 error 6:27 `max_parallel_steps` is a whole number",
            "E0204 error 7:33 `retry_backoff_multiplier` cannot be .inf",
        ]
    );
    assert_eq!(first(&task("priority: 4294967295")).priority, u32::MAX);
    assert_eq!(first(&task("priority: 0")).priority, 0);
}

#[test]
fn words_that_were_booleans_in_yaml_1_1_are_text_with_advice() {
    for (word, help) in
        [("yes", "write `true`"), ("On", "write `true`"), ("NO", "write `false`"), ("off", "write `false`")]
    {
        let text = task(&format!("enabled: {word}"));
        assert_eq!(findings(&text), ["E0203 error 5:16 `enabled` is `true` or `false`"]);
        assert_eq!(advice(&text), [help]);
    }
}

#[test]
fn ids_keep_to_their_grammar() {
    let longest = "n".repeat(128);
    for id in ["_x", "lint.fast-2", "true", &longest] {
        assert_eq!(first(&format!("workflow: {{tasks: [{{id: {id}}}]}}")).id.as_str(), id);
    }
    for (id, shown) in [
        ("''", ""),
        ("-a", "-a"),
        ("a b", "a b"),
        ("a/b", "a/b"),
        ("über", "über"),
        ("'a\u{1F600}'", "a\u{1F600}"),
    ] {
        let expected = format!("E0208 error 1:25 `{shown}` is no id");
        assert_eq!(findings(&format!("workflow: {{tasks: [{{id: {id}}}]}}")), [expected]);
    }
    let long = format!("workflow: {{tasks: [{{id: {longest}n}}]}}");
    assert!(findings(&long)[0].starts_with("E0208 error 1:25 `nnn"));
    assert_eq!(findings("workflow: {tasks: [{id: [a]}]}"), ["E0203 error 1:25 `id` is text"]);
    assert_eq!(findings("workflow: {tasks: [{}]}"), ["E0202 error 1:20 a node needs `id`"]);
    assert_eq!(
        findings(&node("{}").replace("node_id: a\n          {}", "{idempotent: true}")),
        ["E0202 error 5:12 a node needs `node_id`"]
    );
}

// ---- Edges

#[test]
fn edges_beside_the_nodes_add_to_what_the_nodes_say() {
    let text = "\
workflow_coordination:
  workflow_definition:
    execution_graph:
      nodes: [{node_id: a}, {node_id: b, depends_on: [a]}, {node_id: c, depends_on: [{node: a, on: finished}]}]
      edges:
        - {from_node: a, to_node: b, edge_type: data_flow, description: the same again}
        - {from_node: b, to_node: c}
";
    let expected = [
        ("a", "b", EdgeCondition::Success),
        ("a", "c", EdgeCondition::Finished),
        ("b", "c", EdgeCondition::Success),
    ];
    assert_eq!(edges(&clean(text)), expected);
    let broken = text.replace("from_node: b, to_node: c", "from_node: bb, to_node: a}\n        - {to_node: see}\n        - flat\n        - {from_node: a, to_node: beta, weight: 3");
    assert_eq!(
        findings(&broken),
        [
            "E0302 error 7:23 node `a` depends on `bb`, which is not declared",
            "E0202 error 8:11 an edge needs `from_node`",
            "E0203 error 9:11 an edge is a mapping",
            "E0302 error 10:35 an edge leads to `beta`, which is not declared",
            "E0205 warning 10:41 an edge has no key `weight`",
        ]
    );
    // Declared later, or itself: circles are the business of `plan`.
    let workflow = clean("workflow: {tasks: [{id: a, depends_on: [b]}, {id: b, depends_on: [b]}]}");
    assert_eq!(edges(&workflow), [("b", "a", EdgeCondition::Success), ("b", "b", EdgeCondition::Success)]);
}

#[test]
fn the_conditions_of_an_edge_are_three_words() {
    let bad = "depends_on: [{node: a, on: Success}, {node: [a]}, [a], null, {node: a, weight: 1}]";
    assert_eq!(
        findings(&task(bad)),
        [
            "E0204 error 5:34 `on` cannot be `Success`",
            "E0203 error 5:51 `node` is text",
            "E0203 error 5:57 a dependency is text",
            "E0203 error 5:62 a dependency is text",
            "E0205 warning 5:78 a dependency has no key `weight`",
        ]
    );
    assert_eq!(findings(&task("depends_on: {a: on}")), ["E0203 error 5:19 `depends_on` is a list of ids"]);
}

// ---- Retries

/// A contract of the ONEX dialect with an `error_handling`, rules, and one node with more keys.
fn handled(error_handling: &str, rules: &str, node: &str) -> String {
    format!(
        "error_handling: {error_handling}\nworkflow_coordination:\n  workflow_definition:\n    coordination_rules: {rules}\n    execution_graph: {{nodes: [{{node_id: a{node}}}]}}\n"
    )
}

const OUTER: &str = "{failure_recovery_strategy: retry, max_retries: 3, retry_backoff_ms: 200}";
const INNER: &str = "{retry_policy: {max_retries: 2, initial_delay_ms: 100, retry_on: [ConnectionError]}}";

#[test]
fn max_retries_counts_under_the_strategy_retry_only() {
    for (strategy, attempts) in
        [("retry", 4), ("RETRY", 4), ("fail_fast", 1), ("continue", 1), ("none", 1), ("abort", 1)]
    {
        let text = ruled(&format!("failure_recovery_strategy: {strategy}\nmax_retries: 3"));
        let expected: &[&str] = match attempts {
            1 => &["E0216 info 6:20 `max_retries` counts under `failure_recovery_strategy: retry` only"],
            _ => &[],
        };
        assert_eq!(findings(&text), expected, "{strategy}");
        let workflow = read(&text).0.expect("an info is no error");
        assert_eq!(workflow.nodes[0].retry.max_attempts(), attempts, "{strategy}");
    }
    assert_eq!(first(&ruled("max_retries: 0")).retry.max_attempts(), 1);
    let outer = first(&ruled("failure_recovery_strategy: retry\nmax_retries: 3")).retry.outer;
    assert_eq!(outer, OuterRetry { max_retries: 3, delay: Duration::ZERO, multiplier: 1.0 });
}

#[test]
fn a_retry_policy_is_the_inner_tier_and_max_retries_the_outer() {
    let retry = first(&handled(INNER, OUTER, "")).retry;
    let inner = Backoff {
        max_attempts: 3,
        initial_delay: Duration::from_millis(100),
        retry_on: vec![RetryOn::Connect],
        ..Backoff::default()
    };
    assert_eq!((retry.inner, retry.own), (Some(inner), false));
    let delay = Duration::from_millis(200);
    assert_eq!(retry.outer, OuterRetry { max_retries: 3, delay, multiplier: 1.0 });
    let attempts = |text: &str| first(text).retry.max_attempts();
    assert_eq!(attempts(&handled(INNER, OUTER, "")), 3 * 4);
    assert_eq!(attempts(&handled(INNER, "{}", "")), 3);
    assert_eq!(attempts(&handled("{}", OUTER, "")), 4);
    assert_eq!(attempts(&handled("{retry_policy: {max_retries: 0}}", OUTER, "")), 4);
    assert_eq!(first(&handled("{retry_policy: {max_retries: 0}}", OUTER, "")).retry.inner, None);
    assert_eq!(attempts(&handled("{retry_policy: null}", "{}", "")), 1);
    let most = "{retry_policy: {max_retries: 4294967295}}";
    assert_eq!(attempts(&handled(most, OUTER, "")), u32::MAX, "no overflow");
}

#[test]
fn a_nodes_own_retry_replaces_both_tiers() {
    let retry = first(&handled(INNER, OUTER, ", retry: {max_attempts: 5}")).retry;
    assert_eq!(retry.inner, Some(Backoff { max_attempts: 5, ..Backoff::default() }));
    assert_eq!((retry.own, retry.outer.max_retries, retry.max_attempts()), (true, 0, 5));
    assert_eq!(first(&handled(INNER, OUTER, ", retry: {max_attempts: 1}")).retry.max_attempts(), 1);
    assert_eq!(first(&handled(INNER, OUTER, ", retry: null")).retry.max_attempts(), 12, "says nothing");
}

#[test]
fn what_must_not_be_repeated_inherits_the_outer_tier_only() {
    let retry = first(&handled(INNER, OUTER, ", idempotent: false")).retry;
    assert_eq!((retry.inner, retry.outer.max_retries), (None, 3));
    for idempotent in ["true", "false"] {
        let node = first(&handled(INNER, "{}", &format!(", idempotent: {idempotent}")));
        assert_eq!(node.retry.inner.is_some(), idempotent == "true");
        assert_eq!(node.idempotent, Some(idempotent == "true"));
    }
}

#[test]
fn an_empty_retry_is_filled_with_the_documented_defaults() {
    let defaults = Backoff {
        max_attempts: 3,
        initial_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(60),
        exponential_base: 2.0,
        jitter: Jitter::None,
        retry_on: vec![RetryOn::Any],
    };
    assert_eq!(first(&task("retry: {}")).retry.inner, Some(defaults));
    assert_eq!(findings(&task("retry: 3")), ["E0203 error 5:14 `retry` is a mapping"]);
}

#[test]
fn retry_on_names_reasons_exit_codes_and_kinds_of_error() {
    let text = task(
        "retry: {retry_on: [any, timeout, TimeoutError, signal, spawn, connect, ConnectionError, exit:1, exit:255, StateError]}",
    );
    let words = first(&text).retry.inner.expect("its own").retry_on;
    use RetryOn::{Any, Connect, Exit, Kind, Signal, Spawn, Timeout};
    let kind = Kind("StateError".into());
    assert_eq!(words, [Any, Timeout, Timeout, Signal, Spawn, Connect, Connect, Exit(1), Exit(255), kind]);
    assert_eq!(first(&task("retry: {retry_on: signal}")).retry.inner.expect("its own").retry_on, [Signal]);
    assert_eq!(
        findings(&task(
            "retry:\n  retry_on: [exit:0, exit:256, exit:x, never, http:503]\n  jitter: half\n  max_retries: 3"
        )),
        [
            "E0204 error 6:20 `retry_on` cannot name `exit:0`",
            "E0204 error 6:28 `retry_on` cannot name `exit:256`",
            "E0204 error 6:38 `retry_on` cannot name `exit:x`",
            "E0204 error 6:46 `retry_on` cannot name `never`",
            "E0210 warning 6:53 retrying by HTTP status is not carried out yet by this version of onex",
            "E0204 error 7:17 `jitter` cannot be `half`",
            "E0212 error 8:9 `max_retries` has no effect in `retry`",
        ]
    );
}

// ---- Rules

/// A contract with an `execution_mode` in each of its three places that `modes` fill: rules, metadata, coordination.
fn moded(modes: [&str; 3]) -> String {
    let [rules, metadata, coordination] =
        modes.map(|mode| if mode.is_empty() { String::new() } else { format!("execution_mode: {mode}") });
    let coordination = if coordination.is_empty() { "version: 1".to_owned() } else { coordination };
    format!(
        "workflow_coordination:\n  {coordination}\n  workflow_definition:\n    workflow_metadata: {{{metadata}}}\n    coordination_rules: {{{rules}}}\n    execution_graph: {{nodes: []}}\n"
    )
}

#[test]
fn the_execution_mode_comes_from_three_places_in_their_rank() {
    let cases = [
        (["parallel", "", ""], Some(true)),
        (["SEQUENTIAL", "", ""], Some(false)),
        (["", "parallel", ""], Some(true)),
        (["", "", "Parallel"], Some(true)),
        (["", "sequential", ""], Some(false)),
        (["", "", ""], None),
        (["parallel", "PARALLEL", "parallel"], Some(true)),
    ];
    for (modes, parallel) in cases {
        assert_eq!(clean(&moded(modes)).rules.parallel, parallel, "{modes:?}");
    }
}

#[test]
fn places_that_disagree_about_the_execution_mode_are_named() {
    let disagreement = |place: &str, counts: &str| {
        format!("E0215 warning {place} {counts} two places disagree about `execution_mode`")
    };
    let (rules, metadata, coordination) = ("5:42", "4:41", "2:19");
    let cases = [
        (["parallel", "sequential", ""], Some(true), vec![disagreement(metadata, rules)]),
        (["", "sequential", "parallel"], Some(false), vec![disagreement(coordination, metadata)]),
        (
            ["sequential", "parallel", "parallel"],
            Some(false),
            vec![disagreement(coordination, rules), disagreement(metadata, rules)],
        ),
    ];
    for (modes, parallel, expected) in cases {
        assert_eq!(findings(&moded(modes)), expected, "{modes:?}");
        assert_eq!(
            read(&moded(modes)).0.map(|workflow| workflow.rules.parallel),
            Some(parallel),
            "{modes:?}"
        );
    }
    assert_eq!(
        findings(&moded(["fast", "", "batch"])),
        [
            "E0210 warning 2:19 the execution mode `batch` is not carried out yet by this version of onex",
            "E0204 error 5:42 `execution_mode` cannot be `fast`",
        ]
    );
}

#[test]
fn how_many_nodes_run_at_once_has_two_names_and_a_switch() {
    assert_eq!(rules("parallel_execution_allowed: false").parallel, Some(false));
    assert_eq!(rules("parallel_execution_allowed: true").parallel, None, "allowed is not asked for");
    assert_eq!(rules("parallel_execution_allowed: true\nexecution_mode: parallel").parallel, Some(true));
    assert_eq!(rules("parallel_execution_allowed: false\nexecution_mode: sequential").parallel, Some(false));
    let text = ruled("execution_mode: parallel\nparallel_execution_allowed: false");
    assert_eq!(read(&text).0.map(|workflow| workflow.rules.parallel), Some(Some(false)));
    for text in [
        "max_parallel_branches: 2",
        "max_parallel_steps: 2",
        "max_parallel_branches: 2\nmax_parallel_steps: 2",
    ] {
        assert_eq!(rules(text).max_parallel, Some(2), "{text}");
    }
    for (steps, branches) in [(2, 3), (3, 2)] {
        let text = ruled(&format!("max_parallel_steps: {steps}\nmax_parallel_branches: {branches}"));
        let disagreement = "E0207 error 5:27 6:30 `max_parallel_branches` and `max_parallel_steps` disagree";
        assert_eq!(findings(&text), [disagreement]);
    }
}

#[test]
fn fail_fast_decides_before_the_recovery_strategy() {
    let cases = [
        ("failure_recovery_strategy: continue", true),
        ("failure_recovery_strategy: CONTINUE", true),
        ("failure_recovery_strategy: fail_fast", false),
        ("failure_recovery_strategy: retry\nmax_retries: 1", false),
        ("failure_recovery_strategy: abort", false),
        ("failure_recovery_strategy: none", false),
        ("fail_fast: false", true),
        ("fail_fast: true", false),
        ("fail_fast: true\nfailure_recovery_strategy: continue", false),
        ("fail_fast: false\nfailure_recovery_strategy: fail_fast", true),
    ];
    for (text, keep_going) in cases {
        assert_eq!(rules(text).keep_going, keep_going, "{text}");
    }
    assert_eq!(
        findings(&ruled("failure_recovery_strategy: rollback")),
        [
            "E0210 warning 5:34 the recovery strategy `rollback` is not carried out yet by this version of onex"
        ]
    );
    assert_eq!(
        findings(&ruled("failure_recovery_strategy: hope")),
        ["E0204 error 5:34 `failure_recovery_strategy` cannot be `hope`"]
    );
}

#[test]
fn later_rules_and_policies_give_a_warning_unless_they_are_off() {
    assert!(keys::RULES.later.contains(&"checkpoint_enabled") && keys::ONEX_NODE.later.contains(&"when"));
    for key in keys::RULES.later {
        let finding = format!("E0210 warning 5:7 `{key}` is not carried out yet by this version of onex");
        assert_eq!(findings(&ruled(&format!("{key}: true"))), [finding]);
        for off in ["false", "0", "null", ""] {
            assert_eq!(rules(&format!("{key}: {off}")), Rules::default(), "{key}: {off}");
        }
    }
    for key in keys::ONEX_NODE.later {
        let finding = |place: &str| {
            format!("E0210 warning {place} `{key}` is not carried out yet by this version of onex")
        };
        assert_eq!(findings(&node(&format!("{key}: some"))), [finding("6:11")]);
        assert_eq!(findings(&task(&format!("{key}: some"))), [finding("5:7")]);
        for off in ["false", "0", "null", ""] {
            let asks = matches!(off, "false" | "0") && keys::NEVER_OFF.contains(key);
            assert_eq!(findings(&node(&format!("{key}: {off}"))).len(), usize::from(asks), "{key}: {off}");
            assert_eq!(findings(&task(&format!("{key}: {off}"))).len(), usize::from(asks), "{key}: {off}");
        }
    }
    clean(&handled("{circuit_breaker: {enabled: false, failure_threshold: 5}}", "{}", ""));
    assert_eq!(
        findings(&handled("{circuit_breaker: {failure_threshold: 5}}", "{}", "")),
        ["E0210 warning 1:18 `circuit_breaker` is not carried out yet by this version of onex"]
    );
}

#[test]
fn error_actions_of_a_node_are_kept_or_refused() {
    for (word, action) in [("stop", ErrorAction::Stop), ("Continue", ErrorAction::Continue)] {
        assert_eq!(first(&task(&format!("error_action: {word}"))).error_action, Some(action));
    }
    for word in ["retry", "compensate"] {
        let finding = format!(
            "E0210 warning 5:21 the error action `{word}` is not carried out yet by this version of onex"
        );
        assert_eq!(findings(&task(&format!("error_action: {word}"))), [finding]);
    }
    assert_eq!(findings(&task("error_action: panic")), ["E0204 error 5:21 `error_action` cannot be `panic`"]);
}

#[test]
fn keys_in_the_wrong_place_are_errors_that_say_where_they_belong() {
    let text = node(
        "run: x\nshell: bash\nuses: y\nstep_config:\n  timeout: 5\n  depends_on: []\n  when: z\n  enabled: false",
    );
    let misplaced =
        |place: &str, key: &str, table: &str| format!("E0212 error {place} `{key}` has no effect in {table}");
    assert_eq!(
        findings(&text),
        [
            misplaced("6:11", "run", "a node"),
            misplaced("7:11", "shell", "a node"),
            misplaced("8:11", "uses", "a node"),
            misplaced("10:13", "timeout", "`step_config`"),
            misplaced("11:13", "depends_on", "`step_config`"),
            misplaced("12:13", "when", "`step_config`"),
            misplaced("13:13", "enabled", "`step_config`"),
        ]
    );
    let mut expected = texts(&["it belongs in `step_config`"; 3]);
    expected.extend(texts(&["it belongs in the node, beside `step_config`"; 4]));
    assert_eq!(advice(&text), expected);
    assert_eq!(findings(&task("step_config: {run: y}")), [misplaced("5:7", "step_config", "a task")]);
    let text = "workflow_coordination:\n  timeout_ms: 5\n  fail_fast: true\n  workflow_definition: {execution_graph: {nodes: []}}\n";
    assert_eq!(
        findings(text),
        [
            misplaced("2:3", "timeout_ms", "`workflow_coordination`"),
            misplaced("3:3", "fail_fast", "`workflow_coordination`"),
        ]
    );
    assert_eq!(advice(text), ["it belongs in `coordination_rules`"; 2]);
}

// ---- Actions

#[test]
fn later_actions_are_declared_and_not_carried_out() {
    for key in keys::LATER_ACTIONS {
        let warning = |place: &str| {
            format!("E0210 warning {place} `{key}` is not carried out yet by this version of onex")
        };
        for (text, place) in [
            (bare_task(&format!("{key}: some")), "4:7"),
            (node(&format!("step_config: {{{key}: some}}")), "6:25"),
        ] {
            let (workflow, ..) = read(&text);
            assert_eq!(findings(&text), [warning(place)]);
            let node = &workflow.expect("a warning is no error").nodes[0];
            assert_eq!((node.action_key.as_deref(), &node.action), (Some(*key), &None));
        }
    }
}

#[test]
fn a_text_runs_in_a_shell_and_a_list_without() {
    let cases: [(&str, &[&str]); 8] = [
        ("run: echo $HOME", &["/bin/sh", "-eu", "-c", "echo $HOME"]),
        ("run: |\n  one\n  two", &["/bin/sh", "-eu", "-c", "one\ntwo\n"]),
        ("run: true", &["/bin/sh", "-eu", "-c", "true"]),
        ("run: [echo, $HOME, 8080, 1.0, true, '']", &["echo", "$HOME", "8080", "1.0", "true", ""]),
        ("run: x\nshell: bash", &["bash", "-eu", "-c", "x"]),
        ("run: x\nshell: bash -o pipefail", &["bash", "-o", "pipefail", "-c", "x"]),
        ("run: x\nshell: [bash, -c]", &["bash", "-c", "x"]),
        ("run: x\nshell: [/opt/my shell, --run]", &["/opt/my shell", "--run", "x"]),
    ];
    for (text, argv) in cases {
        assert_eq!(command(&bare_task(text)).argv, argv, "{text}");
    }
}

#[test]
fn what_cannot_be_run_is_refused() {
    let cases = [
        ("run: ''", "E0204 error 4:12 `run` is empty"),
        ("run: \" \\n\"", "E0204 error 4:12 `run` is empty"),
        ("run: {a: b}", "E0203 error 4:12 `run` is text"),
        ("run: []", "E0204 error 4:12 `run` names no program"),
        ("run: ['', x]", "E0204 error 4:12 `run` names no program"),
        ("run: [x, [y]]", "E0203 error 4:16 an argument is text"),
        ("run: [x, null]", "E0203 error 4:16 an argument is text"),
        (
            "run: [x]\nshell: bash",
            "E0207 error 5:14 4:12 `shell` chooses who runs a text, and this `run` is a list",
        ),
        ("run: x\nenv: [A]", "E0203 error 5:12 `env` is a mapping"),
        ("run: x\nenv: {A: [1]}", "E0203 error 5:16 the variable `A` is text"),
        ("run: x\nenv: {A=B: c}", "E0204 error 5:13 `A=B` cannot be a variable"),
        ("run: x\nenv: {'': c}", "E0204 error 5:13 `` cannot be a variable"),
        ("run: x\nstdin: [a]", "E0203 error 5:14 `stdin` is text"),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&bare_task(text)), [expected], "{text}");
    }
}

#[test]
fn nul_bytes_reach_standard_input_only() {
    let nul = "text for a program cannot hold a NUL byte";
    let cases = [
        ("run: \"a\\0\"", format!("E0204 error 4:12 {nul}")),
        ("run: [a, \"b\\0\"]", format!("E0204 error 4:16 {nul}")),
        ("run: x\nenv: {A: \"\\0\"}", format!("E0204 error 5:16 {nul}")),
        ("run: x\ncwd: \"a\\0\"", format!("E0204 error 5:12 {nul}")),
        ("run: x\nenv: {\"A\\0\": b}", "E0204 error 5:13 `A\\0` cannot be a variable".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&bare_task(text)), [expected], "{text}");
    }
    assert_eq!(command(&task("stdin: \"a\\0b\"")).stdin.as_deref(), Some("a\0b"));
}

#[test]
fn data_is_never_pasted_into_a_script() {
    let pasted = "data is never pasted into text that an interpreter runs";
    assert_eq!(
        findings(&bare_task("run: echo ${{ x }}\nshell: bash")),
        [format!("E0214 error 4:12 {pasted}")]
    );
    assert_eq!(findings(&bare_task("run: |\n  echo\n  ${{")), [format!("E0214 error 5:9 {pasted}")]);
    assert_eq!(findings(&node("step_config: {run: \"a${{b}}\"}")), [format!("E0214 error 6:30 {pasted}")]);
    assert_eq!(
        command(&bare_task("run: echo ${HOME} $((1 + 1)) {{x}}")).argv[3],
        "echo ${HOME} $((1 + 1)) {{x}}"
    );
    // Where data may stand one day, it is no error.
    let later = "an expression (`${{ … }}`) is not carried out yet by this version of onex";
    assert_eq!(
        findings(&bare_task(
            "run: [echo, '${{ x }}']\nenv: {A: 'a ${{ y }}'}\nstdin: ${{ z }}\ncwd: sub/${{ z }}"
        )),
        ["4:19", "5:16", "6:14", "7:12"].map(|place| format!("E0210 warning {place} {later}"))
    );
    assert_eq!(
        findings(&task("stdin: inherit")),
        ["E0210 warning 5:14 `stdin: inherit` is not carried out yet by this version of onex"]
    );
}

#[test]
fn a_working_directory_stays_inside_the_project() {
    for inside in [".", "a", "a/b/..", "a/../b", "./a/./b/../..", "a//b", "..a/b.."] {
        assert_eq!(command(&task(&format!("cwd: {inside}"))).cwd.as_deref(), Some(inside));
    }
    for outside in ["..", "../a", "a/../..", "a/../../b", "./..", "/", "/etc", "a/b/../../../a/b/c"] {
        let expected = ["E0213 error 5:12 `cwd` leads out of the project root"];
        assert_eq!(findings(&task(&format!("cwd: {outside}"))), expected, "{outside}");
    }
}

// ---- Inputs

#[test]
fn declared_inputs_have_a_type_and_keep_their_order() {
    let text = "\
workflow:
  tasks: []
  inputs:
    zeta:
    text: string
    whole: {type: integer, required: true, description: How many.}
    any: {type: number, default: 1}
    flag: {type: boolean, default: false, title: A flag, examples: [true]}
    list: {type: array, default: [1, two]}
    map: {type: object, default: {a: {b: null}}}
";
    let declared = clean(text).inputs;
    let shown: Vec<_> =
        declared.iter().map(|i| (i.name.as_str(), i.kind.name(), i.required, i.default.clone())).collect();
    assert_eq!(
        shown,
        [
            ("zeta", "string", false, None),
            ("text", "string", false, None),
            ("whole", "integer", true, None),
            ("any", "number", false, Some(json!(1))),
            ("flag", "boolean", false, Some(json!(false))),
            ("list", "array", false, Some(json!([1, "two"]))),
            ("map", "object", false, Some(json!({"a": {"b": null}}))),
        ]
    );
    assert_eq!(declared[2].description.as_deref(), Some("How many."));
    assert_eq!(clean("workflow: {tasks: [], inputs: null}").inputs, []);
}

#[test]
fn wrong_declarations_of_inputs_are_found() {
    let text = "\
workflow:
  tasks: []
  inputs:
    a: text
    b: {type: integer, default: 1.5}
    c: {type: boolean, default: yes}
    d: {default: 7}
    e: [string]
    f: {required: maybe, defualt: x}
";
    assert_eq!(
        findings(text),
        [
            "E0204 error 4:8 the type of an input cannot be `text`",
            "E0203 error 5:33 the default of `b` is a whole number",
            "E0203 error 6:33 the default of `c` is `true` or `false`",
            "E0203 error 7:18 the default of `d` is text",
            "E0203 error 8:8 the input `e` is a mapping, or the name of a type",
            "E0203 error 9:19 `required` is `true` or `false`",
            "E0205 error 9:26 an input has no key `defualt`",
        ]
    );
}

fn inputs() -> Vec<InputSpec> {
    let text = "\
inputs:
  target: {type: string, required: true}
  copies: {type: integer, default: 1}
  ratio: number
  force: {type: boolean, default: false}
  hosts: array
  extra: object
workflow_coordination: {workflow_definition: {execution_graph: {nodes: []}}}
";
    clean(text).inputs
}

fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is no object") };
    map
}

#[test]
fn inputs_are_completed_with_their_defaults_and_text_gets_its_type() {
    let resolve = |texts: &[(String, String)], values| {
        Value::Object(resolve_inputs(&inputs(), texts, object(values)).unwrap())
    };
    assert_eq!(
        resolve(&given(&[("target", "true")]), json!({})),
        json!({"target": "true", "copies": 1, "force": false})
    );
    let all = given(&[
        ("target", "12"),
        ("copies", "-3"),
        ("ratio", "0.5"),
        ("force", "true"),
        ("hosts", r#"["a", 1]"#),
        ("extra", r#"{"a": null}"#),
    ]);
    let expected = json!({"target": "12", "copies": -3, "ratio": 0.5, "force": true, "hosts": ["a", 1], "extra": {"a": null}});
    assert_eq!(resolve(&all, json!({})), expected);
    // Text is nearer to the person than a file; of two texts the later counts.
    let values = json!({"target": "file", "copies": 7, "ratio": 2});
    assert_eq!(
        resolve(&given(&[("target", ""), ("copies", "8"), ("copies", "9")]), values),
        json!({"target": "", "copies": 9, "ratio": 2, "force": false})
    );
}

#[test]
fn inputs_that_are_unknown_missing_or_of_the_wrong_type_are_all_found() {
    let found = |texts: &[(&str, &str)], values| {
        let findings =
            resolve_inputs(&inputs(), &given(texts), object(values)).expect_err("inputs are wrong");
        findings.iter().map(|d| show(&SourceMap::default(), d)).collect::<Vec<_>>()
    };
    let wrong = [
        ("targt", "x"),
        ("copies", "1.5"),
        ("ratio", "NaN"),
        ("force", "yes"),
        ("hosts", "a,b"),
        ("extra", "[]"),
    ];
    assert_eq!(
        found(&wrong, json!({"copies": "1", "nothing": 1})),
        [
            "E0403 error  the input `copies` cannot be `\"1\"`",
            "E0401 error  the contract has no input `nothing`",
            "E0401 error  the contract has no input `targt`",
            "E0403 error  the input `copies` cannot be `1.5`",
            "E0403 error  the input `ratio` cannot be `NaN`",
            "E0403 error  the input `force` cannot be `yes`",
            "E0403 error  the input `hosts` cannot be `a,b`",
            "E0403 error  the input `extra` cannot be `[]`",
            "E0402 error  the input `target` is not given",
        ]
    );
    // What was given wrongly is not missing as well.
    assert_eq!(found(&[], json!({"target": 5})), ["E0403 error  the input `target` cannot be `5`"]);
    let advice = |declared: &[InputSpec], name: &str| {
        let required: Vec<_> = declared.iter().filter(|spec| !spec.required).cloned().collect();
        let findings = resolve_inputs(&required, &given(&[(name, "x")]), Map::new()).expect_err("unknown");
        findings.into_iter().flat_map(|d| d.help).collect::<Vec<_>>()
    };
    assert_eq!(advice(&inputs(), "copeis"), ["did you mean `copies`?"]);
    assert_eq!(advice(&inputs(), "nothing"), ["it has `copies`, `ratio`, `force`, `hosts`, `extra`"]);
    assert_eq!(advice(&[], "copies"), ["it declares no inputs"]);
    let missing = resolve_inputs(&inputs(), &[], Map::new()).expect_err("missing");
    assert_eq!(missing[0].help, ["add `--input target=…` (string)"]);
}

#[test]
fn an_assignment_is_split_at_its_first_equals_sign() {
    for (text, name, value) in
        [("a=b", "a", "b"), ("a=", "a", ""), ("a=b=c", "a", "b=c"), ("a = b", "a ", " b")]
    {
        assert_eq!(parse_assignment(text), Ok((name.to_owned(), value.to_owned())));
    }
    for text in ["", "a", "=b"] {
        assert_eq!(parse_assignment(text), Err(format!("`{text}` is not `NAME=VALUE`")));
    }
}

// ---- Kinds of file

#[test]
fn files_of_another_kind_are_recognised() {
    let no_mapping = "a contract is a mapping";
    let no_workflow = "this file declares no workflow";
    let cases = [
        ("", format!("E0201 error 1:1 {no_mapping}"), "start with `workflow:`"),
        ("# nothing\n", format!("E0201 error 2:1 {no_mapping}"), "start with `workflow:`"),
        ("---\n- a\n", format!("E0201 error 2:1 {no_mapping}"), "start with `workflow:`"),
        ("just text", format!("E0201 error 1:1 {no_mapping}"), "start with `workflow:`"),
        ("42", format!("E0201 error 1:1 {no_mapping}"), "start with `workflow:`"),
        ("{}", format!("E0201 error 1:1 {no_workflow}"), "a contract has `workflow:`"),
        (
            "topics: [a]\nname: events\n",
            format!("E0201 error 1:1 {no_workflow}"),
            "a contract has `workflow:`",
        ),
        (
            "name: sender\nnode_type: EFFECT_GENERIC\nio_operations: []\n",
            format!("E0201 error 2:12 {no_workflow}"),
            "only orchestrators declare a workflow",
        ),
        (
            "name: chain\nnode_type: workflow\nhandler_routing: {handlers: []}\n",
            format!("E0201 error 2:12 {no_workflow}"),
            "another dialect",
        ),
        ("workfow:\n  tasks: []\n", format!("E0201 error 1:1 {no_workflow}"), "did you mean `workflow`?"),
        ("workflow: [a]\n", "E0203 error 1:11 `workflow` is a mapping".to_owned(), ""),
        ("workflow: {tasks: {a: b}}\n", "E0203 error 1:19 `tasks` is a list".to_owned(), ""),
    ];
    for (text, expected, help) in cases {
        let (found, advice) = (findings(text), advice(text));
        // A finding about the whole file needs no place.
        assert_eq!(found.len(), 1, "{text:?} {found:?}");
        let placeless = expected.replace(" 1:1 ", "  ");
        assert!(found[0] == expected || found[0] == placeless, "{text:?} {found:?}");
        assert!(help.is_empty() || advice.iter().any(|line| line.contains(help)), "{text:?} {advice:?}");
    }
    for (text, place) in [
        ("name: check_yaml\nmeta_type: validator\nversion: 1.2.0\n", "2:12"),
        ("name: lint\nentrypoint: {type: command, target: [yamllint]}\n", "2:13"),
    ] {
        let (_, found, map) = read(text);
        assert_eq!(
            found.iter().map(|d| show(&map, d)).collect::<Vec<_>>(),
            [format!("E0201 error {place} this file declares no workflow")]
        );
        assert_eq!(found[0].labels[0].text, "the metadata of a component");
    }
}

#[test]
fn an_orchestrator_without_a_graph_is_valid_and_says_so() {
    let finding = |place: &str| {
        format!("E0305 warning {place} the contract declares no execution graph, so there is nothing to run")
    };
    let cases = [
        ("name: bare\nnode_type: ORCHESTRATOR_GENERIC\n", "1:1"),
        ("node_type: orchestrator\nworkflow_coordination:\n  execution_mode: parallel\n", "3:3"),
        ("workflow_coordination:\n  workflow_definition: {execution_graph: {edges: []}}\n", "2:3"),
        ("workflow:\n  name: empty\n", "2:3"),
    ];
    for (text, place) in cases {
        assert_eq!(findings(text), [finding(place)], "{text}");
        assert!(read(text).0.is_some_and(|workflow| workflow.nodes.is_empty()));
    }
}

#[test]
fn more_nodes_than_a_contract_may_have_are_refused() {
    let list = |n: usize| format!("workflow: {{tasks: [\n{}]}}\n", " x,\n".repeat(n));
    let finding = format!("E0111 error {}:2 a contract has at most 200000 nodes", 2 + MAX_NODES);
    assert_eq!(findings(&list(MAX_NODES + 1)), [finding]);
    let (_, found, _) = read(&list(MAX_NODES));
    assert_eq!(found.len(), MAX_NODES);
    assert!(found.iter().all(|d| d.code == codes::WRONG_TYPE));
}

#[test]
fn the_workflow_of_the_specification_parses_and_declares_its_agents() {
    let text = r#"workflow:
  name: "research_and_analysis"
  version: "1.0"
  orchestration_pattern: "supervisor"

  agents:
    supervisor:
      type: "supervisor_agent"
      capabilities: ["task_decomposition", "quality_assessment"]
    researcher:
      type: "research_agent"
      capabilities: ["web_search", "data_collection"]
    analyzer:
      type: "analysis_agent"
      capabilities: ["data_processing", "insight_generation"]

  tasks:
    - id: "decompose"
      agent: "supervisor"
      depends_on: []

    - id: "research"
      agent: "researcher"
      depends_on: ["decompose"]
      parallel: true

    - id: "analyze"
      agent: "analyzer"
      depends_on: ["research"]

    - id: "synthesize"
      agent: "supervisor"
      depends_on: ["analyze"]

  coordination:
    type: "hybrid"
    event_driven: ["agent_status", "data_updates"]
    graph_based: ["task_flow", "dependencies"]
"#;
    let found = findings(text);
    assert_eq!(
        found,
        ["19:7", "23:7", "28:7", "32:7"].map(|place| format!(
            "E0210 warning {place} `agent` is not carried out yet by this version of onex"
        ))
    );
    let workflow = read(text).0.expect("warnings are no errors");
    assert_eq!((workflow.name.as_str(), workflow.version.as_deref()), ("research_and_analysis", Some("1.0")));
    assert!(
        workflow
            .nodes
            .iter()
            .all(|node| node.action_key.as_deref() == Some("agent") && node.action.is_none())
    );
    assert_eq!(
        edges(&workflow),
        [("decompose", "research"), ("research", "analyze"), ("analyze", "synthesize")].map(|(from, to)| (
            from,
            to,
            EdgeCondition::Success
        ))
    );
}

#[test]
fn a_contract_as_they_are_in_the_wild_gives_no_findings() {
    let text = r#"---
# A contract full of keys that describe.
contract_version: {major: 1, minor: 0, patch: 4}
node_version: "1.0.4"
name: invoice_orchestrator
contract_name: invoice
node_name: InvoiceOrchestrator
node_type: "ORCHESTRATOR_GENERIC"
description: >
  Reads invoices,
  then books them.
fingerprint: "1.0.0:abc"
mcp: {expose: true, tool_name: book, timeout_seconds: 30}
event_bus:
  version: {major: 1, minor: 0, patch: 0}
  subscribe_topics: ["shop.evt.invoice.v1"]
input_model: {name: ModelIn, module: shop.models}
output_model: {name: ModelOut, module: shop.models}
time_injection: {enabled: true, source: Tick}
projection_reader: {protocol: ProtocolReader}
feature_flags: [{name: fast, default_value: false}]
handler_routing:
  routing_strategy: payload_type_match
  handlers: [{event_model: {name: M}, handler: {name: H}}]
consumed_events: [{topic: shop.evt.invoice.v1, event_type: Invoice}]
published_events: [{topic: shop.evt.booked.v1, event_type: Booked}]
intent_consumption: {"book.write": effect}
dependencies: [{name: reader, type: protocol, module: shop}]
health_check: {enabled: true, endpoint: /health}
metadata: {author: Shop, tags: [invoices], license: MIT}
error_handling:
  retry_policy: {max_retries: 1, initial_delay_ms: 100, max_delay_ms: 5000, exponential_base: 2,
                 retry_on: [EffectExecutionError, ConnectionError]}
  error_types: [{name: Busy, recoverable: true}]
workflow_coordination:
  version: {major: 1, minor: 0, patch: 0}
  lifecycle: {startup_sequence: [], health_check_interval_ms: 1000}
  workflow_definition:
    workflow_metadata:
      workflow_name: invoice_workflow
      workflow_version: {major: 1, minor: 0, patch: 0}
      execution_mode: sequential
      documentation_url: https://example.org
    execution_graph:
      nodes:
        - node_id: "receive"
          node_type: EFFECT_GENERIC
          node_name: Receive
          step_config: {event_pattern: ["invoice.*"], protocol: ProtocolBus, operation: read}
        - node_id: "rate"
          node_type: compute
          depends_on: ["receive"]
          target_node_type: NodeRater
          contract_ref: ../rater/contract.yaml
          metadata: {timeout_ms: 5, strict: true}
        - node_id: "book"
          node_type: ORCHESTRATOR_INTERNAL
          depends_on: ["rate"]
          step_config: {effect_node: node_book, intent_filter: "book.*", aggregation_strategy: all_or_none}
      edges:
        - {from_node: "receive", to_node: "rate", edge_type: data_flow}
    coordination_rules:
      execution_mode: sequential
      parallel_execution_allowed: false
      max_parallel_branches: 1
      failure_recovery_strategy: fail_fast
      max_retries: 0
      timeout_ms: 30000
      checkpoint_enabled: false
      checkpoint_interval_ms: 5000
      state_persistence_enabled: false
      rollback_enabled: false
"#;
    let workflow = clean(text);
    assert_eq!(workflow.description.as_deref(), Some("Reads invoices, then books them.\n"));
    let shown: Vec<_> =
        workflow.nodes.iter().map(|n| (n.id.as_str(), n.kind.as_str(), n.retry.max_attempts())).collect();
    assert_eq!(
        shown,
        [("receive", "effect", 2), ("rate", "compute", 2), ("book", "ORCHESTRATOR_INTERNAL", 2)]
    );
    assert!(workflow.nodes.iter().all(|node| node.action_key.is_none()));
    let limits = (workflow.rules.max_parallel, workflow.rules.parallel, workflow.rules.timeout);
    assert_eq!(limits, (Some(1), Some(false), Some(Duration::from_secs(30))));
}

#[test]
fn only_text_files_of_a_bounded_size_are_read() {
    use std::path::Path;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(file::read(&root.join("Cargo.toml")).is_ok_and(|text| text.starts_with("[package]")));
    assert!(matches!(file::read(&root.join("no-such-file")), Err(ReadError::NotFound)));
    assert!(matches!(file::read(root), Err(ReadError::NotAFile("a directory"))));
    assert!(matches!(file::read(Path::new("/dev/null")), Err(ReadError::NotAFile(_))));

    #[expect(clippy::disallowed_methods, reason = "the only file of these tests")]
    let path = std::env::temp_dir().join(format!("contract-{}", std::process::id()));
    std::fs::write(&path, b"name: caf\xe9\n").unwrap();
    let latin = file::read(&path);
    std::fs::File::create(&path).and_then(|file| file.set_len(file::MAX_SIZE + 1)).unwrap();
    let large = file::read(&path);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(latin, Err(ReadError::NotUtf8(9))), "{latin:?}");
    assert!(matches!(large, Err(ReadError::TooLarge)));
}

#[test]
fn an_action_that_is_off_is_no_action() {
    for keys in
        ["python: null", "compute: false", "parallel: 0", "parallel: true", "parallel: false", "http:"]
    {
        assert!(matches!(first(&task(keys)).action, Some(Action::Command(_))), "{keys}");
        assert_eq!(first(&bare_task(keys)).action_key, None, "{keys}");
    }
    // It is a program of that name.
    assert_eq!(command(&bare_task("run: false")).argv.last().map(String::as_str), Some("false"));
}

#[test]
fn keys_without_a_value_are_not_there() {
    let keys = "timeout:\nenabled:\nidempotent:\npriority:\nenv:\ncwd:\nshell:\nretry:\noutput:\nerror_action:\nnode_type:";
    assert_eq!(meaning(clean(&task(keys))), meaning(clean(&task("enabled: true"))));
}

#[test]
fn a_shell_is_a_program_that_takes_the_script() {
    for (shell, argv) in [
        ("bash", ["bash", "-eu", "-c"].as_slice()),
        ("/usr/bin/zsh", &["/usr/bin/zsh", "-eu", "-c"]),
        ("bash -euo pipefail", &["bash", "-euo", "pipefail", "-c"]),
        ("python3", &["python3", "-c"]),
        ("[node, -e]", &["node", "-e"]),
    ] {
        let found = command(&task(&format!("shell: {shell}"))).argv;
        assert_eq!(found, texts(&[argv, &["x"]].concat()), "{shell}");
    }
    for shell in ["''", "[]", "['']"] {
        assert_eq!(
            findings(&task(&format!("shell: {shell}"))),
            ["E0204 error 5:14 `shell` names no program"]
        );
    }
    assert_eq!(
        findings(&task("shell: [bash, \"\\0\"]")),
        ["E0204 error 5:14 text for a program cannot hold a NUL byte"]
    );
}

#[test]
fn data_is_pasted_into_no_interpreter() {
    const PASTED: &str = "data is never pasted into text that an interpreter runs";
    for run in [
        "[sh, -c, '${{ x }}']",
        "[/bin/bash, -euc, 'a ${{ x }}']",
        "[env, A=1, python3, -c, '${{ x }}']",
        "[perl, -e, '${{ x }}']",
    ] {
        let found = findings(&bare_task(&format!("run: {run}")));
        assert!(
            found.len() == 1 && found[0].starts_with("E0214 error 4:") && found[0].ends_with(PASTED),
            "{found:?}"
        );
    }
    // An argument of its own is data and no code.
    for run in
        ["[sh, script.sh, '${{ x }}']", "[sh, -c, 'echo \"$1\"', sh, '${{ x }}']", "[grep, -e, '${{ x }}']"]
    {
        let found = findings(&bare_task(&format!("run: {run}")));
        assert!(found.len() == 1 && found[0].starts_with("E0210 warning"), "{found:?}");
    }
    assert_eq!(findings(&task("shell: 'bash ${{ x }}'")), [format!("E0214 error 5:14 {PASTED}")]);
}

#[test]
fn names_that_other_tools_use_are_understood_and_refused() {
    for (key, meant) in
        [("needs", "depends_on"), ("after", "depends_on"), ("environment", "env"), ("workdir", "cwd")]
    {
        let text = task(&format!("{key}: [b]"));
        assert_eq!(findings(&text), [format!("E0205 error 5:7 a task has no key `{key}`")]);
        assert_eq!(advice(&text), [format!("did you mean `{meant}`?")]);
    }
    // In `step_config` there are no dependencies to mean.
    assert_eq!(
        findings(&node("step_config: {needs: [b], run: x}")),
        ["E0205 warning 6:25 `step_config` has no key `needs`"]
    );
}

#[test]
fn a_refused_id_is_said_once() {
    let text = "workflow:\n  tasks:\n    - {id: 1a, run: x}\n    - {id: b, run: x, depends_on: [1a]}\n";
    assert_eq!(findings(text), ["E0208 error 3:12 `1a` is no id"]);
}

#[test]
fn edges_that_contradict_each_other_are_refused() {
    let text = |second: &str| {
        format!(
            "workflow:\n  tasks:\n    - {{id: a, run: x}}\n    - {{id: b, run: x, depends_on: [a, {{node: a, on: {second}}}]}}\n"
        )
    };
    assert_eq!(
        findings(&text("failure")),
        ["E0207 error 4:46 node `b` waits for both success and failure of `a`"]
    );
    assert_eq!(clean(&text("finished")).nodes[1].depends_on.len(), 2);
    assert_eq!(clean(&text("success")).nodes[1].depends_on.len(), 1);
}

#[test]
fn a_contract_has_one_workflow() {
    let text = "workflow: {tasks: []}\nworkflow_coordination: {}\n";
    assert_eq!(
        findings(text),
        ["E0207 error 2:24 1:11 a contract has one workflow, and this one declares two"]
    );
}

#[test]
fn what_is_switched_off_beside_other_keys_asks_for_nothing() {
    let text = ruled("max_retries: 0")
        + "  error_handling: {circuit_breaker: {enabled: false}, error_types: [], description: d}\n";
    clean(&text);
    clean(&task("circuit_breaker: {enabled: false, failure_threshold: 3}"));
    assert_eq!(findings(&task("circuit_breaker: {failure_threshold: 3}")).len(), 1);
}

#[test]
fn error_handling_counts_in_both_dialects() {
    let policy = "error_handling: {retry_policy: {max_retries: 2, initial_delay_ms: 5}}\n";
    let texts = [
        format!("{policy}workflow:\n  tasks: [{{id: a, run: x}}]\n"),
        format!("workflow:\n  tasks: [{{id: a, run: x}}]\n  {policy}"),
        format!("{policy}{}", node("step_config: {run: x}")),
    ];
    for text in texts {
        assert_eq!(first(&text).retry.max_attempts(), 3, "{text}");
    }
}

#[test]
fn a_missing_input_is_named_even_where_another_value_reads_like_it() {
    let text = "workflow:\n  inputs: {a: integer, b: {required: true}}\n  tasks: []\n";
    let specs = clean(text).inputs;
    let found = resolve_inputs(&specs, &[("a".to_owned(), "b".to_owned())], Map::new()).unwrap_err();
    let codes: Vec<_> = found.iter().map(|d| d.code.as_str()).collect();
    assert_eq!(codes, ["E0403", "E0402"]);
}

#[test]
fn many_edges_cost_no_more_than_their_number() {
    // Each was quadratic once: 60,000 edges to one node, and as many to nodes that are not there.
    let ids: Vec<String> = (0..60_000).map(|n| format!("n{n}")).collect();
    let tasks: String = ids.iter().map(|id| format!("    - {{id: {id}, run: x}}\n")).collect();
    let text =
        format!("workflow:\n  tasks:\n{tasks}    - {{id: last, run: x, depends_on: [{}]}}\n", ids.join(", "));
    assert_eq!(clean(&text).nodes[60_000].depends_on.len(), 60_000);
    let absent = text.replace("[n0,", "[").replace(", n", ", m");
    assert_eq!(findings(&absent).len(), 59_998);
}
