//! Plans: order, groups, circles, and what is told of them.

use std::sync::Arc;

use serde_json::{Value, json};

use onex::base::NodeId;
use onex::base::rng::Rng;
use onex::contract;
use onex::diag::{Diagnostic, Severity, SourceMap, Span, codes};
use onex::model::context::Mode;
use onex::model::outcome::SkipReason;
use onex::model::plan_view::PlanView;
use onex::model::workflow::{Dependency, EdgeCondition, NodeSpec, Workflow};
use onex::plan::{Dependent, Fate, Plan, ViewContext, view};

use crate::support::Folder;

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
             "stands_in_for": null, "group": null, "circuit_breaker": false, "worst_case_ms": 4 * 3_605_000 + 7000},
            {"node_id": "old", "type": "effect", "description": null, "action": "agent", "depends_on": ["build"],
             "status": "skipped", "reason": "disabled", "max_attempts": 1,
             "stands_in_for": null, "group": null, "circuit_breaker": false},
            {"node_id": "ship", "type": "Courier", "description": null, "action": null, "depends_on": ["old", "build"],
             "status": "unbound", "reason": null, "max_attempts": 1,
             "stands_in_for": null, "group": null, "circuit_breaker": false, "conditions": {"build": "failure"}},
        ],
        "edges": [["build", "old"], ["old", "ship"], ["build", "ship"]],
        "execution_order": ["build", "old", "ship"],
        "parallel_groups": [["build"], ["old"], ["ship"]],
        "roots": ["build"],
        "critical_path": ["build", "old", "ship"],
        "components": 1,
        // One after the other, for all that three could run at once.
        "worst_case_ms": 5 * 3_605_000 + 7000,
        "without_timeout": 2,
        "attempt_timeout_ms": 3_600_000,
        "notes": [],
    });
    let view = view(&plan.expect("no circles"), context);
    let written = serde_json::to_value(&view).unwrap();
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_value::<PlanView>(written).unwrap(), view, "it is read back unchanged");
}

// ---- Worst cases and notes

/// `a` → `b` → `c`, and `d` beside them; 10, 20, 30 and 40 seconds.
const TIMED: &str = "{id: a, run: x, timeout: 10},
{id: b, run: x, timeout: 20, depends_on: [a]},
{id: c, run: x, timeout: 30, depends_on: [b]},
{id: d, run: x, timeout: 40}";

fn worst_case(plan: &Plan, mode: Mode, jobs: usize) -> u64 {
    let view = view(plan, ViewContext { plan_id: String::new(), mode, jobs });
    assert_eq!(view.without_timeout, 0);
    view.worst_case_ms / 1000
}

#[test]
fn the_worst_case_of_a_run_is_bounded_by_its_slots_and_its_heaviest_path() {
    let plan = plan(TIMED);
    // With the time that each may need until it is killed.
    assert_eq!(worst_case(&plan, Mode::Sync, 1), 120);
    // 75 on the path, and half of the rest.
    assert_eq!(worst_case(&plan, Mode::Async, 2), 97);
    assert_eq!(worst_case(&plan, Mode::Async, 4), 86);
    let kept = plan.clone().narrowed(&[true, false, true, true]);
    assert_eq!((worst_case(&kept, Mode::Sync, 1), worst_case(&kept, Mode::Async, 2)), (95, 72));
    // What else keeps nodes waiting leaves their sum only.
    let grouped = |rules: &str, more: &str| {
        let text = format!(
            "workflow: {{name: w, coordination: {{rules: {{{rules}}}}}, tasks: [\n{TIMED}{more}\n]}}\n"
        );
        let mut map = SourceMap::default();
        let id = map.add("contract.yaml", text.as_str());
        Plan::new(Arc::new(contract::parse(id, &text).workflow.expect("a contract"))).expect("no circles")
    };
    let batch = grouped("execution_mode: batch", "");
    assert_eq!(worst_case(&batch, Mode::Async, 4), 120);
    let group = grouped("groups: {g: 1}", ",\n{id: e, run: x, timeout: 5, group: g}");
    assert_eq!(worst_case(&group, Mode::Async, 4), 130);
    let bounded = grouped("timeout: 50", "");
    assert_eq!(worst_case(&bounded, Mode::Async, 4), 55);
}

#[test]
fn a_simulated_list_of_ready_nodes_never_takes_longer_than_the_worst_case() {
    let mut rng = Rng::new(7);
    for round in 0..300 {
        let mut below = |bound: u64| usize::try_from(rng.below(bound)).expect("below a usize");
        let (count, jobs) = (1 + below(12), 2 + below(3));
        let mut base = (*workflow((0..count).map(|_| Vec::new()))).clone();
        for index in 0..count {
            base.nodes[index].timeout = std::time::Duration::from_secs(1 + below(9) as u64);
            base.nodes[index].says_timeout = true;
            base.nodes[index].depends_on = (0..index)
                .filter(|_| below(3) == 0)
                .map(|node| Dependency { node, on: EdgeCondition::Success, span: Span::default() })
                .collect();
        }
        let plan = Plan::new(Arc::new(base)).expect("no circles");
        // Each node takes all its time; the one that comes first in the plan takes the slot.
        let (mut left, mut clock) = (Vec::new(), 0);
        let (mut waiting, mut ended) = (plan.order().to_vec(), vec![false; count]);
        loop {
            waiting.retain(|&n| {
                let ready = left.len() < jobs && plan.node(n).depends_on.iter().all(|d| ended[d.node]);
                if ready {
                    left.push((n, plan.node(n).timeout.as_secs()));
                }
                !ready
            });
            if left.is_empty() {
                break;
            }
            clock += 1;
            left.retain_mut(|(n, seconds)| {
                *seconds -= 1;
                ended[*n] = *seconds == 0;
                *seconds > 0
            });
        }
        let bound = worst_case(&plan, Mode::Async, jobs);
        assert!(clock <= bound + 1, "round {round}: {clock} > {bound}");
    }
}

#[test]
fn the_longest_chain_of_what_was_asked_for_passes_through_the_rest() {
    let kept = [true, false, true, true, false, true];
    let plan = plan(DIAMOND).narrowed(&kept);
    let view = viewed(&plan);
    assert_eq!(names(&view.critical_path), ["start", "left", "end"], "not start, middle, right, end");
    assert_eq!(view.without_timeout, 4);
    let status = |n: usize| json!([view.nodes[n].status, view.nodes[n].reason]);
    assert_eq!((status(0), status(1)), (json!(["will_run", null]), json!(["skipped", "not_selected"])));
}

/// A contract in which no two nodes are repeated alike.
const RETRIES: &str = "workflow:
  name: retries
  tasks:
    - {id: fetch, run: x, timeout: 30s}
    - {id: put, run: x, idempotent: false}
    - {id: own, run: x, retry: {max_attempts: 2}, timeout: 10}
    - {id: check, run: x, type: validator}
    - {id: safe, run: x, idempotent: true}
    - {id: off, run: x, enabled: false}
    - {id: sum, run: x, type: compute}
  coordination:
    rules: {max_retries: 2, failure_recovery_strategy: retry}
";

fn notes(contract: &str, arguments: &[&str]) -> Vec<String> {
    let folder = Folder::with(contract);
    let mut all = vec!["plan", "contract.yaml", "--format", "json"];
    all.extend(arguments);
    let ended = folder.onex(&all);
    let plan: PlanView = serde_json::from_str(&ended.stdout).expect("a plan");
    plan.notes.iter().map(|note| format!("{}: {}", note.code, names(&note.nodes).join(" "))).collect()
}

#[test]
fn notes_say_which_retries_do_not_apply() {
    assert_eq!(
        notes(RETRIES, &[]),
        [
            "idempotent_not_said: fetch",
            "not_idempotent: put",
            "verdict_stands: check",
            "own_retry_counts: own"
        ]
    );
    assert_eq!(notes(RETRIES, &["--only", "safe,put"]), ["not_idempotent: put"]);
    assert_eq!(notes(RETRIES, &["--mode", "profile"]), ["tried_once: fetch put own check safe sum"]);
    let asked_in_vain = RETRIES.replace(", failure_recovery_strategy: retry", "");
    assert_eq!(notes(&asked_in_vain, &[]), ["E0216: "]);
    let policy = "workflow:
  tasks: [{id: a, run: x, idempotent: false}, {id: b, run: x, type: test}, {id: c, run: x}]
  error_handling: {retry_policy: {max_attempts: 3}}
";
    assert_eq!(
        notes(policy, &[]),
        ["idempotent_not_said: c", "not_idempotent_policy: a", "verdict_stands: b"]
    );
    assert_eq!(notes(DOCUMENTED, &[]), Vec::<String>::new());
}

const DOCUMENTED: &str = "workflow: {tasks: [{id: a, run: x, retry: {max_attempts: 2}}, {id: b, run: x}]}\n";

#[test]
fn people_are_told_of_groups_skips_chains_times_and_notes() {
    let folder = Folder::with(
        "workflow:
  name: site
  tasks:
    - {id: fetch, run: x, timeout: 30s, retry: {max_attempts: 3}}
    - {id: put, run: x, idempotent: false, depends_on: [fetch], timeout: 1m}
    - {id: old, run: x, enabled: false, depends_on: [fetch]}
    - {id: idea, depends_on: [put, old]}
    - {id: mail, run: x, depends_on: [{node: put, on: failure}, {node: idea, on: finished}]}
  coordination: {rules: {max_retries: 1, failure_recovery_strategy: retry, fail_fast: false}}
",
    );
    let ended = folder.onex(&["plan", "contract.yaml"]);
    assert_eq!(
        ended.stdout,
        "plan site · 5 nodes · 4 groups · sync
   1  fetch  effect  run      up to 3 attempts, 1m48s
   2  put    effect  run      after fetch; up to 2 attempts, 1m05s
      old    effect  run      skipped: disabled; after fetch
   3  idea   effect  unbound  after put, old; up to 2 attempts, 2h00m
   4  mail   effect  run      after a failure of put; after any end of idea; up to 2 attempts, 2h00m
longest chain: fetch → put → idea → mail
worst case: 4h03m; 2 nodes say no timeout, and each attempt may take 1h00m
note: idea, mail: an attempt that may have had its effect, such as one that took too long, is not
  repeated for the rules: only `idempotent: true` or a `retry` of its own would repeat it
note: put: `idempotent: false`: `max_retries` repeats only what could not be started
note: fetch: a `retry` of its own counts, and not what the rules say
"
    );
    let ended = folder.onex(&["plan", "contract.yaml", "--until", "put"]);
    let expected = [
        "plan site · 2 of 5 nodes · 2 groups · sync",
        "longest chain: fetch → put",
        "worst case: 2m53s",
        "not selected: old, idea, mail",
    ];
    for line in expected {
        assert!(ended.stdout.lines().any(|shown| shown == line), "{line}: {}", ended.stdout);
    }
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "what is left out is not found fault with");
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

#[test]
fn what_cannot_be_planned_is_a_document_in_each_form() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: x, depends_on: [b]}]}\n");
    let [json, yaml] = ["json", "yaml"].map(|form| folder.onex(&["plan", "contract.yaml", "--format", form]));
    assert_eq!((json.code, yaml.code), (2, 2));
    let source = SourceMap::default().add("x", yaml.stdout.as_str());
    let tree =
        onex::yaml::load(&yaml.stdout, source, onex::yaml::Limits::default(), &mut Vec::new()).unwrap();
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(tree.to_json(tree.root()), document);
    assert_eq!(document["diagnostics"][0]["code"], "E0302");
}
