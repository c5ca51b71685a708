//! Both dialects: what a contract says arrives, whatever its words are.

use super::*;

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
        ..Rules::default()
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
    assert_eq!((&build.retry.inner, build.retry.own), (&Some(Box::new(backoff)), true));
    let env = [("EMPTY", ""), ("FLAG", "true"), ("LEVEL", "3")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let make = CommandSpec {
        env: env.into(),
        cwd: Some("sub/dir".into()),
        output: OutputFormat::Json,
        ..CommandSpec::new(ProgramSpec::Argv(texts(&["make", "-j2"])))
    };
    assert_eq!(build.action, Some(Action::Command(make.clone())));

    assert_eq!((&check.kind, check.error_action), (&NodeKind::Test, Some(ErrorAction::Continue)));
    assert_eq!((check.timeout, check.priority), (Duration::from_millis(1500), DEFAULT_PRIORITY));
    let outer = OuterRetry { max_retries: 2, delay: Duration::from_millis(500), multiplier: 2.0 };
    assert_eq!((&check.retry.inner, &check.retry.outer), (&None, &outer));
    let script =
        |argv: &[&str], output| CommandSpec { output, ..CommandSpec::new(ProgramSpec::Argv(texts(argv))) };
    let checking = script(&["bash", "-eu", "-c", "./check"], OutputFormat::Lines);
    assert_eq!(
        check.action,
        Some(Action::Command(CommandSpec { stdin: Stdin::Text("hello".into()), ..checking }))
    );

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
    assert_eq!((argv(&script), script.output), (texts(&["/bin/sh", "-eu", "-c", "x"]), OutputFormat::Text));
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
