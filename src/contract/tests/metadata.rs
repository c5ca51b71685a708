//! What a contract says about itself, and lists that have to agree.

use super::*;

fn about(metadata: &str) -> String {
    format!("metadata: {metadata}\nworkflow: {{tasks: [{{id: a, run: x}}]}}\n")
}

#[test]
fn metadata_is_looked_at() {
    clean(&about(
        "{author: Shop, tags: [a], license: MIT, lifecycle: stable, stages: [ci], related_tickets: []}",
    ));
    clean(&about("{lifecycle: brewing}"));
    let cases = [
        ("{lifecyle: active}", "E0205 error 1:12 `metadata` has no key `lifecyle`"),
        ("{colour: red}", "E0205 warning 1:12 `metadata` has no key `colour`"),
        ("[x]", "E0203 error 1:11 `metadata` is a mapping"),
        ("{lifecycle: [x]}", "E0203 error 1:23 `lifecycle` is text"),
        ("{lifecycle: depricated}", "E0204 warning 1:23 onex knows no lifecycle `depricated`"),
        ("{tags: ['${{ x }}']}", "E0204 error 1:19 an item of `tags` cannot hold an expression"),
    ];
    for (metadata, expected) in cases {
        assert_eq!(findings(&about(metadata)), [expected]);
    }
    let in_workflow = "workflow: {metadata: {lifecycle: deprecated}, tasks: [{id: a, run: x}]}\n";
    assert_eq!(findings(in_workflow), ["E0219 warning 1:34 the contract is deprecated"]);
}

#[test]
fn a_deprecated_contract_names_what_comes_in_its_place() {
    let cases: [(&str, &[&str]); 4] = [
        ("", &[]),
        (", replacement: release", &["use `release`"]),
        (", sunset_date: 2027-01-01", &["it ends on 2027-01-01"]),
        (", replacement: b, sunset_date: 2027-01-01", &["use `b`; this one ends on 2027-01-01"]),
    ];
    for (more, expected) in cases {
        assert_eq!(advice(&about(&format!("{{lifecycle: deprecated{more}}}"))), expected, "{more}");
    }
    let text = about("{lifecycle: deprecated, deprecation_warning: gone soon}");
    assert_eq!(read(&text).1[0].labels[0].text, "gone soon");
}

#[test]
fn what_declares_a_workflow_is_an_orchestrator() {
    let of = |kind: &str| format!("node_type: {kind}\n{}", node("step_config: {run: x}"));
    for kind in ["ORCHESTRATOR", "orchestrator_generic", "workflow", "GATEWAY"] {
        clean(&of(kind));
    }
    assert_eq!(
        findings(&of("orchestrater")),
        ["E0204 warning 1:12 onex knows no kind of node `orchestrater`"]
    );
    assert_eq!(advice(&of("orchestrater")), ["did you mean `orchestrator`?"]);
    let message = "the contract declares a workflow and says that it is of the kind `effect`";
    assert_eq!(findings(&of("EFFECT_GENERIC")), [format!("E0215 warning 1:12 {message}")]);
}

#[test]
fn a_task_has_an_agent_that_is_declared() {
    let text = |agent: &str| {
        format!("workflow: {{agents: {{sup: {{type: x}}}}, tasks: [{{id: a, agent: {agent}}}]}}\n")
    };
    assert_eq!(findings(&text("sup")), [not_carried_out("1:54", "agent")]);
    assert_eq!(findings(&text("spu"))[1], "E0204 error 1:61 the agent `spu` is not declared");
    assert_eq!(advice(&text("spu")), ["did you mean `sup`?"]);
    assert_eq!(findings(&bare_task("agent: anybody")).len(), 1);
}

#[test]
fn edges_and_dependencies_list_the_same() {
    let text = |depends_on: &str, edges: &str| {
        format!(
            "workflow_coordination:\n  workflow_definition:\n    execution_graph:\n      nodes:\n        - {{node_id: a, step_config: {{run: x}}}}\n        - {{node_id: b, step_config: {{run: x}}{depends_on}}}\n        - {{node_id: c, step_config: {{run: x}}}}\n      edges: [{edges}]\n"
        )
    };
    let [a, c] = ["{from_node: a, to_node: b}", "{from_node: b, to_node: c}"];
    clean(&text(", depends_on: [a]", a));
    clean(&text("", &format!("{a}, {c}")));
    clean(&text(", depends_on: [a]", ""));
    let both = text(", depends_on: [a]", c);
    assert_eq!(findings(&both), ["E0215 warning 6:60 8:27 `edges` and `depends_on` list other edges"]);
    assert_eq!(edges(&read(&both).0.unwrap()).len(), 2);
}
