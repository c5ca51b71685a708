//! Random workflows, and random behaviour of what they run.

use std::sync::Arc;
use std::time::Duration;

use crate::base::rng::Rng;
use crate::base::{CorrelationId, NodeId};
use crate::diag::Span;
use crate::engine::machine::Settings;
use crate::model::context::ContractInfo;
use crate::model::context::ExecutionContext;
use crate::model::event::{PlannedNode, RunStarted};
use crate::model::output::OutputFormat;
use crate::model::partition::Partition;
use crate::model::workflow::{
    Action, Backoff, BreakerSpec, Budget, CommandSpec, CountedFailures, Dependency, EdgeCondition,
    ErrorAction, GroupSpec, Jitter, NodeKind, NodeSpec, OuterRetry, Partial, ProgramSpec, RetryOn, RetrySpec,
    Rules, Stdin, Workflow,
};
use crate::plan::Plan;

/// The time that a stopped attempt gets before it is killed.
pub(super) use crate::base::stop::GRACE;

/// The longest delay between two attempts of a generated node.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// One random run.
pub(super) struct World {
    pub plan: Arc<Plan>,
    pub settings: Settings,
    pub rng: Rng,
    /// For each node, whether it was asked for.
    pub asked_for: Vec<bool>,
}

pub(super) fn world(seed: u64) -> World {
    let mut rng = Rng::of_parts(&[seed, 0x5eed]);
    let workflow = workflow(&mut rng);
    let plan = Plan::new(Arc::new(workflow)).expect("generated graphs have no circles");
    let plan = if rng.chance(3) { plan.dry() } else { plan };
    // Any selection, not only those that names can make.
    let share = if rng.chance(25) { 10 + rng.below(90) } else { 100 };
    let asked_for: Vec<bool> = (0..plan.len()).map(|_| rng.chance(share)).collect();
    let plan = plan.narrowed(&asked_for);
    let parts = 1 + rng.below(3);
    let partition: Partition = format!("slice:{}/{parts}", 1 + rng.below(parts)).parse().unwrap();
    let plan = if rng.chance(10) { plan.part(partition, &[]) } else { plan };
    let asked_for = (0..plan.len()).map(|node| !plan.is_left_out(node)).collect();
    let settings = Settings {
        jobs: 1 + usize::try_from(rng.below(5)).unwrap(),
        fail_fast: [None, None, Some(true), Some(false)][pick(&mut rng, 4)],
        deadline: rng.chance(20).then(|| Duration::from_millis(rng.below(1500))),
        single_attempts: rng.chance(5),
        slow_after: rng.chance(50).then(|| Duration::from_millis(rng.below(400))),
        seed,
        notices: Vec::new(),
    };
    World { plan: Arc::new(plan), settings, rng, asked_for }
}

fn pick(rng: &mut Rng, n: usize) -> usize {
    usize::try_from(rng.below(n as u64)).unwrap()
}

fn workflow(rng: &mut Rng) -> Workflow {
    let count = if rng.chance(5) { 1 + pick(rng, 40) } else { 1 + pick(rng, 10) };
    let density = rng.below(60);
    // The order of declaration says nothing about the order of the graph.
    let mut rank: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        rank.swap(at, pick(rng, at + 1));
    }
    let outer = OuterRetry {
        max_retries: if rng.chance(30) { 1 + u32::try_from(rng.below(2)).unwrap() } else { 0 },
        delay: Duration::from_millis(rng.below(300)),
        multiplier: 2.0,
    };
    let inherited = rng.chance(20).then(|| backoff(rng));
    let groups: Vec<GroupSpec> =
        (0..rng.below(3)).map(|n| GroupSpec { name: format!("g{n}"), limit: 1 + pick(rng, 2) }).collect();
    let mut nodes: Vec<NodeSpec> = (0..count)
        .map(|index| {
            let mut depends_on = Vec::new();
            for other in (0..count).filter(|&other| rank[other] < rank[index]) {
                if rng.chance(density) {
                    depends_on.push(Dependency { node: other, on: edge(rng), span: Span::default() });
                }
            }
            node(rng, (index, depends_on), (inherited.as_ref(), &outer))
        })
        .collect();
    for node in nodes.iter_mut().filter(|_| !groups.is_empty()) {
        node.group = rng.chance(40).then(|| pick(rng, groups.len()));
    }
    if rng.chance(40) {
        stand_ins(rng, &mut nodes, &rank);
    }
    let limit = |rng: &mut Rng, most: u64| rng.chance(12).then(|| 1 + rng.below(most));
    let rules = Rules {
        keep_going: rng.chance(60),
        batch: rng.chance(10),
        partial: rng.chance(20).then(|| Partial { min_completed_percent: [0.0, 50.0, 90.0][pick(rng, 3)] }),
        budget: Budget {
            max_steps: limit(rng, 12),
            max_attempts: limit(rng, 20),
            time: rng.chance(8).then(|| Duration::from_millis(1 + rng.below(1500))),
            output: limit(rng, 200),
        },
        groups,
        ..Rules::default()
    };
    Workflow { name: "simulated".to_owned(), nodes, rules, ..Workflow::default() }
}

/// Lets some nodes stand in for others. Each comes before all that wait for the other, so that there is no circle.
fn stand_ins(rng: &mut Rng, nodes: &mut [NodeSpec], rank: &[usize]) {
    let mut taken = vec![false; nodes.len()];
    for node in 0..nodes.len() {
        let waiting = (0..nodes.len())
            .filter(|&other| nodes[other].depends_on.iter().any(|d| d.node == node))
            .map(|other| rank[other])
            .min()
            .unwrap_or(usize::MAX);
        let fits = |other: usize| {
            rank[other] > rank[node]
                && rank[other] < waiting
                && !taken[other]
                && !nodes[other].depends_on.iter().any(|d| d.node == node)
        };
        let candidates: Vec<usize> = (0..nodes.len()).filter(|&other| fits(other)).collect();
        if candidates.is_empty() || !rng.chance(40) {
            continue;
        }
        let other = candidates[pick(rng, candidates.len())];
        // What stands in for the other has to come before those that wait for the node, too: keep chains short.
        if nodes[other].fallback.is_some() || taken[node] {
            continue;
        }
        taken[other] = true;
        nodes[node].fallback = Some(other);
        nodes[other].depends_on.push(Dependency { node, on: EdgeCondition::Fallback, span: Span::default() });
    }
}

fn breaker(rng: &mut Rng) -> BreakerSpec {
    BreakerSpec {
        failure_threshold: 1 + u32::try_from(rng.below(3)).unwrap(),
        reset_timeout: Duration::from_millis(1 + rng.below(300)),
        half_open_max_calls: 1 + u32::try_from(rng.below(2)).unwrap(),
        count: if rng.chance(50) { CountedFailures::All } else { CountedFailures::Infrastructure },
        destination: rng.chance(60).then(|| format!("d{}", rng.below(2))),
    }
}

fn edge(rng: &mut Rng) -> EdgeCondition {
    match rng.below(100) {
        0..80 => EdgeCondition::Success,
        80..88 => EdgeCondition::Failure,
        _ => EdgeCondition::Finished,
    }
}

fn backoff(rng: &mut Rng) -> Backoff {
    let retry_on = match rng.below(4) {
        0 => vec![RetryOn::Timeout, RetryOn::Spawn],
        1 => vec![RetryOn::Exit(1), RetryOn::Signal],
        _ => vec![RetryOn::Any],
    };
    Backoff {
        max_attempts: 1 + u32::try_from(rng.below(4)).unwrap(),
        initial_delay: Duration::from_millis(rng.below(200)),
        max_delay: LONGEST_DELAY,
        exponential_base: 2.0,
        jitter: if rng.chance(50) { Jitter::Full } else { Jitter::None },
        retry_on,
    }
}

fn node(
    rng: &mut Rng,
    (index, depends_on): (usize, Vec<Dependency>),
    (inherited, outer): (Option<&Backoff>, &OuterRetry),
) -> NodeSpec {
    let idempotent = [None, None, Some(true), Some(false)][pick(rng, 4)];
    let retry = if idempotent != Some(false) && rng.chance(30) {
        RetrySpec { inner: Some(Box::new(backoff(rng))), own: true, outer: OuterRetry::default() }
    } else {
        RetrySpec {
            inner: inherited.filter(|_| idempotent != Some(false)).cloned().map(Box::new),
            own: false,
            outer: outer.clone(),
        }
    };
    let kind = match rng.below(6) {
        0 => NodeKind::Compute,
        1 => NodeKind::Validator,
        2 => NodeKind::Test,
        _ => NodeKind::Effect,
    };
    NodeSpec {
        kind,
        enabled: !rng.chance(5),
        depends_on,
        idempotent,
        retry,
        timeout: Duration::from_millis(10 + rng.below(500)),
        total_timeout: rng.chance(15).then(|| Duration::from_millis(10 + rng.below(900))),
        breaker: rng.chance(25).then(|| Box::new(breaker(rng))),
        error_action: [None, None, None, Some(ErrorAction::Stop), Some(ErrorAction::Continue)][pick(rng, 5)],
        priority: [100, 100, 100, 1, 500][pick(rng, 5)],
        action: Some(if rng.chance(6) { interactive() } else { command() }),
        action_key: Some("run"),
        ..NodeSpec::new(NodeId::new(&format!("n{index}")).unwrap())
    }
}

fn program() -> ProgramSpec {
    ProgramSpec::Argv(vec!["true".to_owned()])
}

pub(super) fn command() -> Action {
    Action::Command(CommandSpec::new(program()))
}

/// A command that has the terminal, and so runs alone.
fn interactive() -> Action {
    Action::Command(CommandSpec { stdin: Stdin::Inherit, ..CommandSpec::new(program()) })
}

/// The first event of a run of `plan`.
pub(super) fn started(plan: &Plan) -> RunStarted {
    RunStarted {
        correlation_id: CorrelationId::from_text("simulated"),
        parent_run_id: None,
        contract: ContractInfo {
            commit: None,
            name: plan.workflow().name.clone(),
            version: None,
            path: "simulated.yaml".to_owned(),
            digest: String::new(),
        },
        context: ExecutionContext::default(),
        plan: plan
            .order()
            .iter()
            .map(|&index| PlannedNode {
                node_id: plan.node(index).id.clone(),
                kind: plan.node(index).kind.as_str().to_owned(),
                depends_on: plan
                    .node(index)
                    .depends_on
                    .iter()
                    .map(|d| plan.node(d.node).id.clone())
                    .collect(),
                output: OutputFormat::Text,
                fallback: None,
                sandbox: None,
            })
            .collect(),
    }
}
