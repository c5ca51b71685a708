//! Nodes that stand in for others.

use super::*;

/// `node fallback` of every node that has one.
fn fallbacks(workflow: &Workflow) -> Vec<(&str, &str)> {
    let name = |index: usize| workflow.nodes[index].id.as_str();
    workflow.nodes.iter().filter_map(|node| Some((node.id.as_str(), name(node.fallback?)))).collect()
}

/// Tasks, one a line: the first stands in line 3, its id at column 12.
fn tasks(lines: &[&str]) -> String {
    let list: String = lines.iter().map(|line| format!("    - {{{line}}}\n")).collect();
    format!("workflow:\n  tasks:\n{list}")
}

#[test]
fn a_fallback_is_named_or_written_out_in_both_dialects() {
    let named = tasks(&["id: a, run: x, fallback: b", "id: b, run: y"]);
    let inline = tasks(&["id: a, run: x, fallback: {run: y}"]);
    let onex_named = "workflow_coordination: {workflow_definition: {execution_graph: {nodes: [
  {node_id: a, step_config: {run: x}, fallback: b}, {node_id: b, step_config: {run: y}}]}}}";
    let onex_inline = node("step_config: {run: x}\nfallback: {run: y}");
    for (text, id) in
        [(named.as_str(), "b"), (&inline, "a.fallback"), (onex_named, "b"), (&onex_inline, "a.fallback")]
    {
        let workflow = clean(text);
        assert_eq!(fallbacks(&workflow), [("a", id)], "{text}");
        assert_eq!(edges(&workflow), [("a", id, EdgeCondition::Fallback)], "{text}");
        let action = CommandSpec::new(ProgramSpec::Shell("y".into()));
        assert_eq!(workflow.nodes[1].action, Some(Action::Command(action)), "{text}");
        assert_eq!(workflow.nodes[1].action_key, Some("run"), "{text}");
    }
}

#[test]
fn a_fallback_that_is_off_is_none() {
    for off in ["false", "null", "", "0", "{enabled: false, run: y}"] {
        let workflow = clean(&task(&format!("fallback: {off}")));
        assert_eq!((workflow.nodes.len(), fallbacks(&workflow)), (1, vec![]), "{off}");
    }
}

#[test]
fn an_inline_fallback_shares_what_its_node_is_and_not_how_it_is_repeated() {
    let text = "\
workflow:
  tasks:
    - id: a
      type: compute
      run: x
      idempotent: true
      timeout: 5
      total_timeout: 50
      priority: 7
      error_action: continue
      retry: {max_attempts: 9}
      circuit_breaker: {failure_threshold: 1}
      group: few
      fallback: {run: [y, z], env: {A: b}, output: json, description: instead}
  coordination:
    rules: {step_timeout_ms: 2000, groups: {few: 1}, failure_recovery_strategy: retry, max_retries: 2}
";
    let nodes = clean(text).nodes;
    let [a, instead] = &nodes[..] else { panic!("two nodes") };
    assert_eq!((&instead.kind, instead.priority, instead.error_action), (&a.kind, 7, a.error_action));
    assert_eq!(instead.description.as_deref(), Some("instead"));
    assert_eq!((instead.retry.own, instead.retry.max_attempts(), a.retry.max_attempts()), (false, 3, 9));
    assert_eq!((instead.timeout, a.timeout), (Duration::from_secs(2), Duration::from_secs(5)));
    assert_eq!((instead.total_timeout, &instead.breaker, instead.group), (None, &None, None));
    assert_eq!((instead.idempotent, instead.enabled, instead.fallback), (None, true, None));
    let Some(Action::Command(command)) = &instead.action else { panic!("a command") };
    assert_eq!((argv(command), command.output), (texts(&["y", "z"]), OutputFormat::Json));
    assert_eq!(command.env["A"], "b");
    let off = clean(&task("enabled: false\nfallback: {run: y}"));
    assert!(off.nodes.iter().all(|node| !node.enabled), "what is disabled needs nobody to stand in");
}

#[test]
fn an_inline_fallback_is_an_action_and_nothing_else() {
    let cases = [
        ("fallback: {}", "E0202 error 5:17 a fallback needs an action"),
        ("fallback: {env: {A: b}}", "E0202 error 5:17 a fallback needs an action"),
        ("fallback: {run: y, timeout: 5}", "E0212 error 5:26 `timeout` has no effect in `fallback`"),
        ("fallback: {run: y, retry: {}}", "E0212 error 5:26 `retry` has no effect in `fallback`"),
        ("fallback: {run: y, when: z}", "E0212 error 5:26 `when` has no effect in `fallback`"),
        ("fallback: {run: y, fallback: b}", "E0212 error 5:26 `fallback` has no effect in `fallback`"),
        ("fallback: {run: y, colour: 5}", "E0205 warning 5:26 `fallback` has no key `colour`"),
        ("fallback: {runn: y, run: z}", "E0205 error 5:18 `fallback` has no key `runn`"),
        (
            "fallback: {run: y, script: z}",
            "E0209 error 5:26 5:18 the fallback of node `a` has two actions, `run` and `script`",
        ),
        (
            "fallback: {http: {url: y}}",
            "E0210 warning 5:18 `http` is not carried out yet by this version of onex",
        ),
        ("fallback: {run: y, cwd: ..}", "E0213 error 5:31 `cwd` leads out of the project root"),
        ("fallback: [b]", "E0203 error 5:17 `fallback` is text"),
    ];
    for (keys, expected) in cases {
        assert_eq!(findings(&task(keys)), [expected], "{keys}");
    }
    let long = "n".repeat(128);
    let text = format!("workflow:\n  tasks:\n    - {{id: {long}, run: x, fallback: {{run: y}}}}\n");
    assert_eq!(findings(&text), [format!("E0208 error 3:12 `{long}.fallback` is no id")]);
}

#[test]
fn the_name_of_an_inline_fallback_can_be_taken_and_can_be_used() {
    let text = tasks(&["id: a, run: x, fallback: {run: y}", "id: a.fallback, run: z"]);
    assert_eq!(findings(&text), ["E0301 error 4:12 3:33 two nodes have the id `a.fallback`"]);
    let text = tasks(&[
        "id: a, run: x, fallback: {run: y}",
        "id: b, run: z, depends_on: [{node: a.fallback, on: finished}]",
    ]);
    let expected =
        [("a", "a.fallback", EdgeCondition::Fallback), ("a.fallback", "b", EdgeCondition::Finished)];
    assert_eq!(edges(&clean(&text)), expected);
}

#[test]
fn a_fallback_that_is_not_declared_gets_a_suggestion() {
    let text = tasks(&["id: fetch, run: x, fallback: chace", "id: cache, run: y"]);
    assert_eq!(
        findings(&text),
        ["E0302 error 3:37 the fallback of `fetch` is `chace`, which is not declared"]
    );
    assert_eq!(advice(&text), ["did you mean `cache`?"]);
    // Its own name is no suggestion, and a name that was refused has had its say.
    assert_eq!(advice(&tasks(&["id: fetch, run: x, fallback: fetc"])), [""; 0]);
    let text = tasks(&["id: a, run: x, fallback: 1b", "id: 1b, run: y"]);
    assert_eq!(findings(&text), ["E0208 error 4:12 `1b` is no id"]);
}

#[test]
fn a_node_stands_in_for_one_other() {
    let text = tasks(&["id: a, run: x, fallback: a"]);
    assert_eq!(findings(&text), ["E0308 error 3:33 node `a` cannot stand in for itself"]);
    assert_eq!(advice(&text), ["repeat a node by `retry`"]);
    let text = tasks(&["id: a, run: x, fallback: c", "id: b, run: x, fallback: c", "id: c, run: y"]);
    assert_eq!(findings(&text), ["E0308 error 4:33 3:33 `c` cannot stand in for both `a` and `b`"]);
    let text = tasks(&["id: a, run: x, fallback: b", "id: b, run: y, fallback: c", "id: c, run: z"]);
    assert_eq!(fallbacks(&clean(&text)), [("a", "b"), ("b", "c")], "one after another");
}

#[test]
fn who_stands_in_for_a_node_cannot_wait_for_its_success() {
    let with = |dependency: &str| {
        tasks(&["id: a, run: x, fallback: b", &format!("id: b, run: y, depends_on: [{dependency}]")])
    };
    let expected = ["E0308 error 4:36 3:33 `b` stands in for `a` and waits for its success"];
    assert_eq!(findings(&with("a")), expected);
    // The other ends hold when it starts, so they say nothing more.
    for on in ["failure", "finished"] {
        let workflow = clean(&with(&format!("{{node: a, on: {on}}}")));
        assert_eq!(edges(&workflow), [("a", "b", EdgeCondition::Fallback)], "{on}");
    }
    let workflow =
        clean(&tasks(&["id: a, run: x, fallback: b", "id: b, run: y, depends_on: [c]", "id: c, run: z"]));
    let expected = [("c", "b", EdgeCondition::Success), ("a", "b", EdgeCondition::Fallback)];
    assert_eq!(edges(&workflow), expected, "it may wait for others");
}
