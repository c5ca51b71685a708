//! Keys that stand where they have no effect are refused, with the place where they belong.

use super::*;

/// The only finding about a contract, which is an error, and the advice.
fn refusal(text: &str) -> (String, Vec<String>) {
    let (workflow, found, map) = read(text);
    assert!(workflow.is_none(), "{text}");
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    (show(&map, &found[0]), found[0].help.clone())
}

fn belongs_in(text: &str, (key, place): (&str, &str)) {
    let (finding, advice) = refusal(text);
    assert!(finding.starts_with("E0212 error "), "{finding}");
    assert!(finding.contains(&format!(" `{key}` has no effect in ")), "{finding}");
    assert_eq!(advice, [format!("it belongs in {place}")], "{text}");
}

/// A contract of the ONEX dialect, with more at its top, in the coordination, the definition, its metadata and its graph.
fn onex([top, coordination, definition, metadata, graph]: [&str; 5]) -> String {
    format!(
        "node_type: ORCHESTRATOR\n{top}\nworkflow_coordination:\n  version: 1\n  {coordination}\n  workflow_definition:\n    version: 1\n    {definition}\n    workflow_metadata: {{version: 1{metadata}}}\n    execution_graph:\n      nodes: [{{node_id: a, step_config: {{run: [x]}}}}]\n      {graph}\n"
    )
}

#[test]
fn a_graph_in_the_wrong_place_is_no_graph_that_is_dropped() {
    let nodes = "nodes: [{node_id: a, step_config: {run: [x]}}]";
    let coordination = |keys: &str| format!("node_type: ORCHESTRATOR\nworkflow_coordination: {{{keys}}}\n");
    let graph = format!("execution_graph: {{{nodes}}}");
    belongs_in(&coordination(&graph), ("execution_graph", "`workflow_definition`"));
    belongs_in(&coordination(nodes), ("nodes", "`workflow_definition.execution_graph`"));
    belongs_in(
        &format!("node_type: ORCHESTRATOR\n{graph}\n"),
        ("execution_graph", "`workflow_coordination.workflow_definition`"),
    );
    belongs_in(&coordination(&format!("workflow_definition: {{{nodes}}}")), ("nodes", "`execution_graph`"));
    belongs_in("workflow: {tasks: []}\ntasks: [{id: a, run: x}]\n", ("tasks", "`workflow`"));
    let tasks = coordination("workflow_definition: {execution_graph: {tasks: [{id: a, run: x}]}}");
    let (finding, advice) = refusal(&tasks);
    assert_eq!(finding, "E0205 error 2:65 `execution_graph` has no key `tasks`");
    assert_eq!(advice, ["did you mean `nodes`?"]);
    let edges = coordination("workflow_definition: {execution_graph: {edges: [{from_node: a, to_node: b}]}}");
    assert_eq!(refusal(&edges).0, "E0202 error 2:72 a graph with `edges` needs `nodes`");
    let (finding, _) = refusal("workflow: {steps: [{id: a, run: x}]}\n");
    assert_eq!(finding, "E0205 error 1:12 `workflow` has no key `steps`");
}

#[test]
fn rules_one_level_off_are_refused_in_the_onex_dialect() {
    clean(&onex([""; 5]));
    let full = "`workflow_coordination.workflow_definition.coordination_rules`";
    let top = |keys: &str| onex([keys, "", "", "", ""]);
    belongs_in(
        &top("coordination_rules: {fail_fast: true}"),
        ("coordination_rules", "`workflow_coordination.workflow_definition`"),
    );
    for key in
        ["budget: {max_steps: 1}", "execution_mode: parallel", "fail_fast: true", "max_parallel_steps: 2"]
    {
        belongs_in(&top(key), (key.split(':').next().unwrap(), full));
    }
    belongs_in(&top("circuit_breaker: {}"), ("circuit_breaker", "`error_handling`"));
    belongs_in(&top("retry_policy: {}"), ("retry_policy", "`error_handling`"));
    belongs_in(&top("sandbox: {network: false}"), ("sandbox", "a node"));
    let coordination = |keys: &str| onex(["", keys, "", "", ""]);
    belongs_in(&coordination("coordination_rules: {}"), ("coordination_rules", "`workflow_definition`"));
    belongs_in(
        &coordination("error_handling: {}"),
        ("error_handling", "the contract itself, beside `workflow_coordination`"),
    );
    for key in ["timeout_ms: 5", "max_retries: 2", "budget: {}", "step_timeout: 5", "groups: {}"] {
        let name = key.split(':').next().unwrap();
        belongs_in(&coordination(key), (name, "`coordination_rules`"));
        belongs_in(&onex(["", "", key, "", ""]), (name, "`coordination_rules`"));
        belongs_in(&onex(["", "", "", &format!(", {key}"), ""]), (name, "`coordination_rules`"));
        belongs_in(&onex(["", "", "", "", key]), (name, "`coordination_rules`, beside `execution_graph`"));
    }
    belongs_in(
        &onex(["", "", "", "", "coordination_rules: {}"]),
        ("coordination_rules", "`workflow_definition`, beside `execution_graph`"),
    );
}

#[test]
fn rules_one_level_off_are_refused_in_the_workflow_dialect() {
    let root = |keys: &str| format!("workflow: {{tasks: [{{id: a, run: x}}]}}\n{keys}\n");
    let workflow = |keys: &str| format!("workflow:\n  tasks: [{{id: a, run: x}}]\n  {keys}\n");
    let coordination = |keys: &str| workflow(&format!("coordination: {{type: graph, {keys}}}"));
    for key in ["timeout: 5", "timeout_ms: 5", "execution_mode: parallel", "fail_fast: true", "budget: {}"] {
        let name = key.split(':').next().unwrap();
        belongs_in(&root(key), (name, "`workflow.coordination.rules`"));
        belongs_in(&workflow(key), (name, "`coordination.rules`"));
        belongs_in(&coordination(key), (name, "`rules`"));
    }
    for key in ["rules", "coordination_rules"] {
        belongs_in(&workflow(&format!("{key}: {{}}")), (key, "`coordination`, as `rules`"));
    }
    belongs_in(&root("inputs: {}"), ("inputs", "`workflow`"));
    belongs_in(&workflow("circuit_breaker: {}"), ("circuit_breaker", "`error_handling`"));
    let (finding, advice) = refusal(&coordination("coordination_rules: {}"));
    assert_eq!(finding, "E0205 error 3:31 `coordination` has no key `coordination_rules`");
    assert_eq!(advice, ["did you mean `rules`?"]);
    for key in ["retry_policy", "circuit_breaker"] {
        belongs_in(&ruled(&format!("{key}: {{}}")), (key, "`error_handling`"));
    }
}

#[test]
fn repetitions_of_a_node_stand_in_its_retry() {
    let retry =
        "`retry` of the node; its `max_attempts` counts the first attempt, too: `retry: {max_attempts: 3}`";
    for key in ["max_retries", "retry_count"] {
        belongs_in(&task(&format!("{key}: 3")), (key, retry));
        belongs_in(&node(&format!("{key}: 3")), (key, retry));
        belongs_in(&node(&format!("step_config: {{run: x, {key}: 3}}")), (key, retry));
    }
    for key in ["node_id: b", "node_type: effect", "tags: [b]"] {
        let text = node(&format!("step_config: {{run: x, {key}}}"));
        belongs_in(&text, (key.split(':').next().unwrap(), "the node, beside `step_config`"));
    }
}

#[test]
fn constraints_in_the_words_of_real_contracts_count() {
    let constraints = "resource_constraints: {max_memory_mb: 100, max_cpu_cores: 1}";
    let workflow = clean(&ruled(constraints));
    let Some(Action::Command(command)) = &workflow.nodes[0].action else { panic!("no command") };
    assert_eq!((command.resources.memory, command.resources.cpus), (Some(100 << 20), Some(1)));
    assert_eq!(workflow.rules.max_parallel, Some(1));
    assert_eq!(
        findings(&ruled("resource_constraints: {max_cpu: 1, max_cpu_cores: 2, max_disk_io_mb_per_sec: 5}")),
        [
            "E0207 error 5:57 5:39 `max_cpu` and `max_cpu_cores` say the same thing twice",
            &not_carried_out("5:60", "max_disk_io_mb_per_sec"),
        ]
    );
}

#[test]
fn effects_by_their_name_are_components_that_may_be_elsewhere() {
    let text = node("step_config: {effect_node: e, intent_filter: \"p.*\"}");
    assert_eq!(findings(&text), [not_carried_out("6:41", "intent_filter")]);
    let effect = read(&text).0.unwrap().nodes[0].clone();
    assert_eq!((effect.action_key, effect.action.is_none()), (Some("effect_node"), true));
    let uses = effect.uses.unwrap();
    assert_eq!((uses.reference.name.as_str(), uses.may_be_elsewhere), ("e", true));
    assert_eq!(
        findings(&node("step_config: {run: [x], effect_node: e}"))[0],
        "E0209 error 6:35 6:25 node `a` has two actions, `run` and `effect_node`"
    );
}

#[test]
fn expressions_where_they_would_stay_as_text_are_refused() {
    let workflow = |keys: &str| format!("workflow:\n  tasks: [{{id: a, run: x}}]\n  {keys}\n");
    let cases = [
        (task("description: '${{ x }}'"), "5:20", "`description`"),
        (task("name: '${{ x }}'"), "5:13", "`name`"),
        (task("tags: [b, 'c ${{ x }}']"), "5:17", "a tag"),
        (task("env: {'${{ x }}': y}"), "5:13", "the name of a variable"),
        (task("group: '${{ x }}'"), "5:14", "`group`"),
        (workflow("name: a ${{ x }}"), "3:9", "`name`"),
        (workflow("description: a ${{ x }}"), "3:16", "`description`"),
        (workflow("inputs: {i: {default: '${{ x }}'}}"), "3:25", "the default of `i`"),
        (workflow("inputs: {i: {type: array, default: [{a: '${{ x }}'}]}}"), "3:38", "the default of `i`"),
        (workflow("inputs: {i: {description: '${{ x }}'}}"), "3:29", "`description`"),
        (onex(["name: a ${{ x }}", "", "", "", ""]), "2:7", "`name`"),
    ];
    for (text, place, what) in cases {
        assert_eq!(
            refusal(&text).0,
            format!("E0204 error {place} {what} cannot hold an expression"),
            "{text}"
        );
    }
    assert_eq!(
        refusal(&workflow("inputs: {'a b': string}")).0,
        "E0208 error 3:12 `a b` cannot be the name of an input"
    );
    assert_eq!(
        refusal(&workflow("inputs: {'': string}")).0,
        "E0208 error 3:12 `` cannot be the name of an input"
    );
}

#[test]
fn what_a_disabled_node_asks_for_does_not_have_to_be_carried_out() {
    for text in [
        bare_task("enabled: false\nhttp: {url: x}"),
        task("enabled: false\nwhen: b"),
        task("enabled: false\nenv: {A: '${{ x }}'}"),
        node("enabled: false\nstep_config: {http: {url: x}}"),
    ] {
        let found = findings(&text);
        assert!(found.len() == 1 && found[0].starts_with("E0210 info "), "{found:?}");
    }
    let text =
        "workflow:\n  tasks:\n    - {id: a, enabled: false, http: {url: x}}\n    - {id: b, http: {url: x}}\n";
    let later = "`http` is not carried out yet by this version of onex";
    assert_eq!(findings(text), [format!("E0210 info 3:31 {later}"), format!("E0210 warning 4:15 {later}")]);
}

#[test]
fn two_names_for_one_condition_are_one_too_many() {
    let found = findings(&task("when: a\ncondition: b"));
    assert_eq!(found.len(), 3);
    assert!(
        found.contains(
            &"E0207 error 6:18 5:13 `when` and `condition` are two names for the same key".to_owned()
        ),
        "{found:?}"
    );
}

#[test]
fn keys_that_only_describe_are_suggested_too() {
    let text = node("target_node_typ: x");
    assert_eq!(findings(&text), ["E0205 warning 6:11 a node has no key `target_node_typ`"]);
    assert_eq!(advice(&text), ["did you mean `target_node_type`?"]);
    assert_eq!(advice(&ruled("enable_load_balancin: x")), ["did you mean `enable_load_balancing`?"]);
}

#[test]
fn kinds_that_look_like_one_get_a_suggestion() {
    for (word, meant) in [("reduser", "reducer"), ("EFECT_GENERIC", "effect")] {
        let text = task(&format!("node_type: {word}"));
        assert_eq!(findings(&text), [format!("E0204 warning 5:18 onex knows no kind of node `{word}`")]);
        assert_eq!(advice(&text), [format!("did you mean `{meant}`?")]);
    }
    for word in ["ORCHESTRATOR_INTERNAL", "INTERNAL", "gateway", "Reducer_Generic"] {
        clean(&task(&format!("node_type: {word}")));
    }
}

#[test]
fn versions_are_up_to_three_numbers() {
    let at = |version: &str| format!("contract_version: {version}\n{}", node("step_config: {run: x}"));
    for version in
        ["1", "1.0", "1.2.3", "\"1.0.0\"", "v1.2", "1.0.0-rc.1+b", "{major: 1}", "{major: 1, build: x}"]
    {
        clean(&at(version));
    }
    for version in ["abc", "\"\"", "1.0.0.0", "1.0.0-"] {
        let found = findings(&at(version));
        let word = version.trim_matches('"');
        assert_eq!(found, [format!("E0204 error 1:19 `{word}` is no version")]);
    }
    assert_eq!(findings(&at("true")), ["E0203 error 1:19 a version is text, or `{major, minor, patch}`"]);
    assert_eq!(findings(&at("{major: 1, minr: 2}")), ["E0205 error 1:30 a version has no key `minr`"]);
    assert_eq!(advice(&at("{major: 1, minr: 2}")), ["did you mean `minor`?"]);
    let text = format!("node_version: [1]\n{}", at("1.0.0"));
    assert_eq!(findings(&text), ["E0203 error 1:15 a version is text"]);
}
