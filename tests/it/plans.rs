//! Plans: order, groups, circles, and what is told of them.

use std::sync::Arc;

use serde_json::json;

use onex::base::NodeId;
use onex::base::rng::Rng;
use onex::contract;
use onex::diag::{Diagnostic, Severity, SourceMap, Span, codes};
use onex::model::context::Mode;
use onex::model::outcome::SkipReason;
use onex::model::plan_view::PlanView;
use onex::model::workflow::{Dependency, EdgeCondition, NodeSpec, Workflow};
use onex::plan::{Dependent, Fate, Plan, ViewContext, view};

/// Enough nodes to overflow a stack that grows with the depth of a graph.
const MANY: usize = 20_000;

/// Plans the tasks of a contract, one a line: the first stands in line 2.
fn try_plan(tasks: &str) -> (Result<Plan, Vec<Diagnostic>>, SourceMap) {
    let text = format!("workflow: {{name: w, tasks: [\n{tasks}\n]}}\n");
    let mut map = SourceMap::default();
    let id = map.add("contract.yaml", text.as_str());
    let workflow = contract::parse(id, &text).workflow.expect("a valid contract");
    (Plan::new(Arc::new(workflow)), map)
}

fn plan(tasks: &str) -> Plan {
    try_plan(tasks).0.expect("no circles")
}

/// The circles, each as `CODE severity line:col… message`, with all labelled places.
fn circles(tasks: &str) -> Vec<String> {
    let (plan, map) = try_plan(tasks);
    plan.expect_err("a circle").iter().map(|d| show(&map, d)).collect()
}

fn show(map: &SourceMap, d: &Diagnostic) -> String {
    let place = |span: Span| map.position(span.source, span.start);
    let places: Vec<_> =
        d.labels.iter().map(|l| format!("{}:{}", place(l.span).line, place(l.span).column)).collect();
    format!("{} {} {} {}", d.code, format!("{:?}", d.severity).to_lowercase(), places.join(" "), d.message)
}

fn order(plan: &Plan) -> Vec<&str> {
    plan.order().iter().map(|&index| plan.node(index).id.as_str()).collect()
}

fn viewed(plan: &Plan) -> PlanView {
    view(plan, ViewContext { plan_id: "sha256:0".into(), mode: Mode::Sync, jobs: 1 })
}

fn names(ids: &[NodeId]) -> Vec<&str> {
    ids.iter().map(NodeId::as_str).collect()
}

/// A workflow of nodes `n0`, `n1` …, each with the nodes that it waits for.
fn workflow(edges: impl IntoIterator<Item = Vec<usize>>) -> Arc<Workflow> {
    let (base, _) = try_plan("{id: n, run: x}");
    let template = base.expect("one node").node(0).clone();
    let nodes = edges.into_iter().enumerate().map(|(index, waits)| NodeSpec {
        id: NodeId::new(&format!("n{index}")).expect("an id"),
        depends_on: waits
            .into_iter()
            .map(|node| Dependency { node, on: EdgeCondition::Success, span: Span::default() })
            .collect(),
        ..template.clone()
    });
    Arc::new(Workflow { nodes: nodes.collect(), ..Workflow::default() })
}

/// Runs `work` on a stack on which nothing can call itself for every node.
fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new()
        .stack_size(128 * 1024)
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("no overflow")
}

/// A diamond with a tail, declared out of order, and a part of its own.
const DIAMOND: &str = "{id: end, run: x, depends_on: [left, right, start]},
{id: right, run: x, depends_on: [middle]},
{id: alone, run: x},
{id: start, run: x},
{id: middle, run: x, depends_on: [start]},
{id: left, run: x, depends_on: [start]}";

#[test]
fn the_order_is_topological_with_ties_by_declaration() {
    assert_eq!(order(&plan(DIAMOND)), ["alone", "start", "middle", "right", "left", "end"]);
    assert_eq!(order(&plan("{id: c, run: x}, {id: a, run: x}, {id: b, run: x}")), ["c", "a", "b"]);
}

#[test]
fn priority_breaks_ties_but_never_an_edge() {
    let tasks = "{id: late, run: x, priority: 200},
{id: usual, run: x},
{id: urgent, run: x, priority: 0, depends_on: [late]},
{id: first, run: x, priority: 1},
{id: usual2, run: x, priority: 100}";
    assert_eq!(order(&plan(tasks)), ["first", "usual", "usual2", "late", "urgent"]);
    // What becomes ready goes before what has waited with a higher number.
    let tasks = "{id: a, run: x}, {id: slow, run: x, priority: 101}, {id: b, run: x, depends_on: [a]}";
    assert_eq!(order(&plan(tasks)), ["a", "b", "slow"]);
}

#[test]
fn groups_follow_the_longest_path_and_keep_the_order_of_declaration() {
    let view = viewed(&plan(DIAMOND));
    let groups: Vec<_> = view.parallel_groups.iter().map(|group| names(group)).collect();
    assert_eq!(groups, [vec!["alone", "start"], vec!["middle", "left"], vec!["right"], vec!["end"]]);
    assert_eq!(names(&view.critical_path), ["start", "middle", "right", "end"]);
    assert_eq!(names(&view.execution_order), order(&plan(DIAMOND)));
}

#[test]
fn of_several_longest_chains_the_one_that_ends_in_the_first_node_is_critical() {
    let tasks = "{id: a, run: x}, {id: z, run: x, depends_on: [b]}, {id: y, run: x, depends_on: [a]}, {id: b, run: x}";
    assert_eq!(names(&viewed(&plan(tasks)).critical_path), ["b", "z"]);
    assert_eq!(names(&viewed(&plan("{id: a, run: x}, {id: b, run: x}")).critical_path), ["a"]);
}

#[test]
fn roots_edges_and_separate_parts_are_counted() {
    let view = viewed(&plan(DIAMOND));
    assert_eq!((names(&view.roots), view.components), (vec!["alone", "start"], 2));
    let edges: Vec<_> = view.edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(
        edges,
        [
            ("left", "end"),
            ("right", "end"),
            ("start", "end"),
            ("middle", "right"),
            ("start", "middle"),
            ("start", "left")
        ]
    );
    let chains = workflow([vec![], vec![0], vec![], vec![2], vec![], vec![4, 2]]);
    assert_eq!(viewed(&Plan::new(chains).expect("no circles")).components, 2);
    let empty = Plan::new(Arc::new(Workflow::default())).expect("no circles");
    let view = viewed(&empty);
    assert_eq!((empty.len(), empty.is_empty(), view.components), (0, true, 0));
    assert_eq!((view.parallel_groups, view.critical_path, view.nodes), (vec![], vec![], vec![]));
}

#[test]
fn edges_are_known_from_both_of_their_ends() {
    let plan = plan(
        "{id: a, run: x},
{id: b, run: x, depends_on: [{node: a, on: failure}, {node: d, on: finished}]},
{id: c, run: x, depends_on: [a, {node: a, on: finished}]},
{id: d, run: x}",
    );
    let (success, finished) = (EdgeCondition::Success, EdgeCondition::Finished);
    let expected =
        [(1, EdgeCondition::Failure), (2, success), (2, finished)].map(|(node, on)| Dependent { node, on });
    assert_eq!(plan.dependents(0), expected);
    assert_eq!(plan.dependents(3), [Dependent { node: 1, on: EdgeCondition::Finished }]);
    assert!(plan.dependents(1).is_empty() && plan.dependents(2).is_empty());
    assert_eq!(order(&plan), ["a", "c", "d", "b"]);
}

#[test]
fn a_node_that_waits_for_itself_is_a_circle() {
    let tasks = "{id: fine, run: x},\n{id: self, run: x, depends_on: [fine, self]}";
    assert_eq!(circles(tasks), ["E0303 error 3:39 node `self` depends on itself"]);
    let tasks = "{id: self, run: x, depends_on: [{node: self, on: failure}]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 2:40 node `self` depends on itself"],
        "whatever the condition is"
    );
}

#[test]
fn a_circle_is_shown_with_its_whole_path_and_a_label_for_each_edge() {
    let tasks = "{id: a, run: x, depends_on: [b]},\n{id: b, run: x, depends_on: [a]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 2:30 3:30 nodes wait for each other in a circle: `a` → `b` → `a`"]
    );
    let tasks = "{id: c, run: x, depends_on: [a]},
{id: a, run: x, depends_on: [b, ok]},
{id: ok, run: x},
{id: b, run: x, depends_on: [{node: c, on: finished}]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 2:30 3:30 5:37 nodes wait for each other in a circle: `c` → `a` → `b` → `c`"]
    );
    let labels: Vec<_> =
        try_plan(tasks).0.expect_err("a circle")[0].labels.iter().map(|l| l.text.clone()).collect();
    assert_eq!(labels, ["`c` waits for `a`", "`a` waits for `b`", "`b` waits for `c`"]);
}

#[test]
fn separate_circles_are_all_found_in_the_order_of_their_declaration() {
    let tasks = "{id: q, run: x, depends_on: [p]},
{id: s, run: x, depends_on: [s]},
{id: free, run: x},
{id: b, run: x, depends_on: [a]},
{id: a, run: x, depends_on: [b, free]},
{id: p, run: x, depends_on: [q, a]}";
    assert_eq!(
        circles(tasks),
        [
            "E0303 error 2:30 7:30 nodes wait for each other in a circle: `q` → `p` → `q`",
            "E0303 error 3:30 node `s` depends on itself",
            "E0303 error 5:30 6:30 nodes wait for each other in a circle: `b` → `a` → `b`",
        ]
    );
}

#[test]
fn what_only_leads_to_a_circle_or_away_from_it_is_not_part_of_it() {
    let tasks = "{id: before, run: x},
{id: x, run: x, depends_on: [before, z]},
{id: y, run: x, depends_on: [x]},
{id: z, run: x, depends_on: [y]},
{id: after, run: x, depends_on: [y]},
{id: last, run: x, depends_on: [after, before]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 3:38 5:30 4:30 nodes wait for each other in a circle: `x` → `z` → `y` → `x`"]
    );
}

#[test]
fn of_circles_that_share_nodes_a_shortest_one_is_shown() {
    let tasks = "{id: a, run: x, depends_on: [b, d]},
{id: b, run: x, depends_on: [c]},
{id: c, run: x, depends_on: [a]},
{id: d, run: x, depends_on: [a]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 2:33 5:30 nodes wait for each other in a circle: `a` → `d` → `a`"]
    );
}

#[test]
fn a_long_chain_is_planned_without_recursion() {
    // Each node waits for the one that is declared after it, but for the last.
    let edges = (0..MANY).map(|index| if index + 1 < MANY { vec![index + 1] } else { vec![] });
    let view = on_a_small_stack(move || viewed(&Plan::new(workflow(edges)).expect("no circles")));
    let (first, last) = (NodeId::new("n0").unwrap(), NodeId::new(&format!("n{}", MANY - 1)).unwrap());
    assert_eq!((view.execution_order.first(), view.execution_order.last()), (Some(&last), Some(&first)));
    assert_eq!((view.critical_path.len(), view.parallel_groups.len(), view.components), (MANY, MANY, 1));
    assert_eq!(view.critical_path, view.execution_order);
}

#[test]
fn a_long_circle_is_explained_without_recursion() {
    let edges = (0..MANY).map(|index| vec![(index + 1) % MANY]);
    let found = on_a_small_stack(move || Plan::new(workflow(edges)).expect_err("a circle"));
    let [circle] = &found[..] else { panic!("{} circles", found.len()) };
    assert_eq!((circle.code, circle.message.matches(" → ").count()), (codes::CYCLE, MANY));
    assert!(circle.message.ends_with(&format!("`n{}` → `n0`", MANY - 1)));
    assert_eq!(circle.labels.len(), 10, "the message names all, the labels only some");
}

#[test]
fn many_circles_within_each_other_are_explained_without_recursion() {
    // Each node waits for both of its neighbours.
    let edges = (0..MANY).map(|index| {
        [index.checked_sub(1), Some(index + 1).filter(|&next| next < MANY)].into_iter().flatten().collect()
    });
    let found = on_a_small_stack(move || Plan::new(workflow(edges)).expect_err("a circle"));
    let messages: Vec<_> = found.iter().map(|d| d.message.as_str()).collect();
    // Circles that share no node, as many as help; the others are counted.
    assert_eq!(messages.len(), 8);
    assert_eq!(
        messages[..2],
        [
            "nodes wait for each other in a circle: `n0` → `n1` → `n0`",
            "nodes wait for each other in a circle: `n2` → `n3` → `n2`"
        ]
    );
    let part = format!("it is part of {MANY} nodes that all wait for each other");
    assert!(found[0].help[1].starts_with(&part), "{:?}", found[0].help);
}

#[test]
fn every_node_of_a_large_random_graph_comes_after_all_that_it_waits_for() {
    let mut rng = Rng::new(1);
    let below =
        |rng: &mut Rng, bound: usize| usize::try_from(rng.below(bound as u64)).expect("below a usize");
    // `rank[at]` waits for three of `rank[..at]`, so that declaration says nothing about order.
    let mut rank: Vec<usize> = (0..MANY).collect();
    for at in (1..MANY).rev() {
        rank.swap(at, below(&mut rng, at + 1));
    }
    let mut edges = vec![Vec::new(); MANY];
    for at in 3..MANY {
        edges[rank[at]] = (0..3).map(|_| rank[below(&mut rng, at)]).collect();
    }
    let plan = Plan::new(workflow(edges.clone())).expect("no circles");
    let mut place = vec![None; MANY];
    for (at, &index) in plan.order().iter().enumerate() {
        assert_eq!(place[index].replace(at), None, "once each");
    }
    assert_eq!(plan.len(), MANY);
    for (index, waits) in edges.iter().enumerate() {
        assert!(waits.iter().all(|&on| place[on] < place[index]), "n{index}");
    }
    let groups = viewed(&plan).parallel_groups;
    let mut level = vec![0; MANY];
    for (at, group) in groups.iter().enumerate() {
        for id in group {
            level[id.as_str()[1..].parse::<usize>().unwrap()] = at;
        }
    }
    for (index, waits) in edges.iter().enumerate() {
        assert_eq!(level[index], waits.iter().map(|&on| level[on] + 1).max().unwrap_or(0), "n{index}");
    }
}

const FATES: &str = "{id: on, run: x},\n{id: off, run: x, enabled: false},\n{id: after, depends_on: [off]}";

#[test]
fn a_disabled_node_is_skipped_and_a_dry_plan_skips_all() {
    let plan = plan(FATES);
    let fates = |plan: &Plan| (0..plan.len()).map(|index| plan.fate(index)).collect::<Vec<_>>();
    assert_eq!(fates(&plan), [Fate::Run, Fate::Skip(SkipReason::Disabled), Fate::Run]);
    let dry = plan.clone().dry();
    assert_eq!(fates(&dry), [Fate::Skip(SkipReason::DryRun); 3]);
    assert_eq!(order(&dry), order(&plan));
    let shown: Vec<_> = viewed(&dry).nodes.into_iter().map(|node| (node.status, node.reason)).collect();
    assert_eq!(json!(shown), json!([["skipped", "dry_run"], ["skipped", "dry_run"], ["skipped", "dry_run"]]));
}

#[test]
fn enabled_nodes_without_an_action_are_named() {
    let finding = |tasks: &str, severity| {
        let (plan, map) = try_plan(tasks);
        plan.expect("no circles").unbound(severity).map(|d| show(&map, &d))
    };
    assert_eq!(
        finding(FATES, Severity::Warning).as_deref(),
        Some("E0304 warning 4:6 node `after` says nothing about what it does")
    );
    let several = "{id: a},\n{id: b, agent: me},\n{id: c, enabled: false},\n{id: d, run: x},\n{id: e}";
    assert_eq!(
        finding(several, Severity::Error).as_deref(),
        Some("E0304 error 2:6 2 nodes say nothing about what they do: `a`, `e`")
    );
    assert_eq!(finding("{id: a, run: x}, {id: off, enabled: false}", Severity::Error), None);
}

#[test]
fn the_view_has_the_names_of_the_specification() {
    let (plan, _) = try_plan(
        "{id: build, run: x, node_type: COMPUTE_GENERIC, description: Compiles., retry: {max_attempts: 4}},
{id: old, agent: me, enabled: false, depends_on: [build]},
{id: ship, node_type: Courier, depends_on: [old, {node: build, on: failure}]}",
    );
    let context = ViewContext { plan_id: "sha256:1".into(), mode: Mode::Async, jobs: 3 };
    let expected = json!({
        "plan_id": "sha256:1",
        "name": "w",
        "description": null,
        "default_mode": "local",
        "mode": "async",
        "jobs": 3,
        "nodes": [
            {"node_id": "build", "type": "compute", "description": "Compiles.", "action": "run", "depends_on": [],
             "status": "will_run", "reason": null, "max_attempts": 4,
             "stands_in_for": null, "group": null, "circuit_breaker": false},
            {"node_id": "old", "type": "effect", "description": null, "action": "agent", "depends_on": ["build"],
             "status": "skipped", "reason": "disabled", "max_attempts": 1,
             "stands_in_for": null, "group": null, "circuit_breaker": false},
            {"node_id": "ship", "type": "Courier", "description": null, "action": null, "depends_on": ["old", "build"],
             "status": "unbound", "reason": null, "max_attempts": 1,
             "stands_in_for": null, "group": null, "circuit_breaker": false},
        ],
        "edges": [["build", "old"], ["old", "ship"], ["build", "ship"]],
        "execution_order": ["build", "old", "ship"],
        "parallel_groups": [["build"], ["old"], ["ship"]],
        "roots": ["build"],
        "critical_path": ["build", "old", "ship"],
        "components": 1,
    });
    let view = view(&plan.expect("no circles"), context);
    let written = serde_json::to_value(&view).unwrap();
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_value::<PlanView>(written).unwrap(), view, "it is read back unchanged");
}

// ---- Fallbacks

/// `a` with two that may stand in for it one after the other, and `end`, which waits for `a`.
const CHAIN: &str = "{id: end, run: x, depends_on: [a]},
{id: a, run: x, fallback: b},
{id: c, run: x},
{id: b, run: x, fallback: c},
{id: alone, run: x}";

#[test]
fn who_waits_for_a_node_waits_for_all_that_may_stand_in_for_it() {
    let plan = plan(CHAIN);
    assert_eq!(order(&plan), ["a", "b", "c", "end", "alone"]);
    let (of, stands_in): (Vec<_>, Vec<_>) =
        (0..plan.len()).filter_map(|n| Some((plan.stands_in_for(n)?, n))).unzip();
    assert_eq!((of, stands_in), (vec![3, 1], vec![2, 3]));
    assert_eq!(plan.levels(), [3, 0, 2, 1, 0]);
    let view = viewed(&plan);
    let groups: Vec<_> = view.parallel_groups.iter().map(|group| names(group)).collect();
    assert_eq!(groups, [vec!["a", "alone"], vec!["b"], vec!["c"], vec!["end"]]);
    assert_eq!(names(&view.critical_path), ["a", "b", "c", "end"]);
    assert_eq!((names(&view.roots), view.components), (vec!["a", "alone"], 2));
    let edges: Vec<_> = view.edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(edges, [("a", "end"), ("b", "c"), ("a", "b")], "what is implied is not declared");
}

#[test]
fn who_waits_for_one_that_stands_in_waits_for_what_follows_it_and_no_more() {
    let tasks = "{id: a, run: x, fallback: b}, {id: b, run: x, fallback: c}, {id: c, run: x},
{id: after_b, run: x, depends_on: [{node: b, on: finished}]}, {id: after_c, run: x, depends_on: [c]}";
    let plan = plan(tasks);
    assert_eq!(order(&plan), ["a", "b", "c", "after_b", "after_c"]);
    assert_eq!(plan.levels(), [0, 1, 2, 3, 3]);
    // A priority does not overtake what is implied.
    let tasks = "{id: a, run: x, fallback: b}, {id: b, run: x, priority: 900}, {id: end, run: x, depends_on: [a], priority: 0}";
    assert_eq!(order(&self::plan(tasks)), ["a", "b", "end"]);
}

#[test]
fn a_node_that_stands_in_may_wait_for_others_too() {
    let tasks = "{id: a, run: x, fallback: b}, {id: key, run: x, depends_on: [door]}, {id: door, run: x},
{id: b, run: x, depends_on: [key]}, {id: end, run: x, depends_on: [a]}";
    let plan = plan(tasks);
    assert_eq!(order(&plan), ["a", "door", "key", "b", "end"]);
    assert_eq!(plan.levels(), [0, 1, 0, 2, 3]);
    assert_eq!(names(&viewed(&plan).critical_path), ["door", "key", "b", "end"]);
}

#[test]
fn circles_through_a_node_that_stands_in_say_why() {
    // `b` stands in for `a`, and waits for `end`, which waits for `a` and so for `b`.
    let tasks = "{id: a, run: x, fallback: b},
{id: b, run: x, depends_on: [end]},
{id: end, run: x, depends_on: [a]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 3:30 4:32 nodes wait for each other in a circle: `b` → `end` → `b`"]
    );
    let labels: Vec<_> =
        try_plan(tasks).0.expect_err("a circle")[0].labels.iter().map(|l| l.text.clone()).collect();
    assert_eq!(labels, ["`b` waits for `end`", "`end` waits for `b`, which stands in for this"]);
    // One of a chain, and two that stand in for each other.
    let tasks = "{id: a, run: x, fallback: b},
{id: b, run: x, fallback: c},
{id: c, run: x, depends_on: [end]},
{id: end, run: x, depends_on: [a]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 4:30 5:32 nodes wait for each other in a circle: `c` → `end` → `c`"]
    );
    let tasks = "{id: a, run: x, fallback: b},\n{id: b, run: x, fallback: a}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 3:27 2:27 nodes wait for each other in a circle: `a` → `b` → `a`"]
    );
    let tasks = "{id: a, run: x, fallback: b},
{id: b, run: x, fallback: c},
{id: c, run: x, fallback: a},
{id: end, run: x, depends_on: [b]}";
    assert_eq!(circles(tasks).len(), 1);
}

#[test]
fn one_that_stands_in_cannot_wait_for_what_comes_of_the_first() {
    // `c` stands in for `b`, which stands in for `a`: what comes of `a` is known only after `c`.
    let tasks = "{id: a, run: x, fallback: b},
{id: b, run: x, fallback: c},
{id: c, run: x, depends_on: [{node: a, on: finished}]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 4:37 node `c` waits for what comes of a node that it may stand in for"]
    );
    let tasks = "{id: a, run: x, fallback: b},
{id: b, run: x, fallback: c, depends_on: [end]},
{id: c, run: x},
{id: end, run: x, depends_on: [a]}";
    assert_eq!(
        circles(tasks),
        ["E0303 error 3:43 5:32 3:27 nodes wait for each other in a circle: `b` → `end` → `c` → `b`"]
    );
}

#[test]
fn many_that_stand_in_cost_no_more_than_their_number() {
    // One chain of fallbacks, and as many nodes that wait for its head and so for all of it: once, that was their
    // product.
    let spec = |n: usize, waits: Vec<Dependency>, fallback| NodeSpec {
        fallback,
        depends_on: waits,
        ..NodeSpec::new(NodeId::new(&format!("n{n}")).expect("an id"))
    };
    let wait = |node, on| vec![Dependency { node, on, span: Span::default() }];
    let chain = (0..MANY).map(|n| {
        let waits = n.checked_sub(1).map_or_else(Vec::new, |of| wait(of, EdgeCondition::Fallback));
        spec(n, waits, Some(n + 1).filter(|&next| next < MANY))
    });
    let waiting = (MANY..2 * MANY).map(|n| spec(n, wait(0, EdgeCondition::Success), None));
    let workflow = Arc::new(Workflow { nodes: chain.chain(waiting).collect(), ..Workflow::default() });
    let (levels, view) = on_a_small_stack(move || {
        let plan = Plan::new(workflow).expect("no circles");
        (plan.levels(), viewed(&plan))
    });
    assert_eq!((levels[0], levels[MANY - 1], levels[MANY], levels[2 * MANY - 1]), (0, MANY - 1, MANY, MANY));
    assert_eq!((view.critical_path.len(), view.parallel_groups[MANY].len()), (MANY + 1, MANY));
}
