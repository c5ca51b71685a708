//! Edges between nodes.

use super::*;

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
    assert_eq!(findings(text), ["E0215 warning 7:23 `edges` and `depends_on` list other edges"]);
    assert_eq!(edges(&read(text).0.unwrap()), expected);
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
fn many_edges_cost_no_more_than_their_number() {
    // Each was quadratic once: 60,000 edges to one node, and as many to nodes that are not there.
    let ids: Vec<String> = (0..60_000).map(|n| format!("n{n}")).collect();
    let tasks: String = ids.iter().map(|id| format!("    - {{id: {id}, run: x}}\n")).collect();
    let text =
        format!("workflow:\n  tasks:\n{tasks}    - {{id: last, run: x, depends_on: [{}]}}\n", ids.join(", "));
    assert_eq!(clean(&text).nodes[60_000].depends_on.len(), 60_000);
    let absent = text.replace("[n0,", "[").replace(", n", ", m");
    let counts = "E0116 info  there are 59998 errors `E0302`, of which 1000 are listed";
    assert_eq!(findings(&absent).last().map(String::as_str), Some(counts));
}
