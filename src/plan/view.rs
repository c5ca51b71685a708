//! A plan for people and machines.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use petgraph::unionfind::UnionFind;

use super::notes::{self, Asked};
use super::{Fate, Plan, order};
use crate::base::NodeId;
use crate::base::stop::GRACE;
use crate::model::context::Mode;
use crate::model::plan_view::{NOT_FOUND, PlanNodeView, PlanStatus, PlanView};
use crate::model::workflow::{DEFAULT_TIMEOUT, EdgeCondition, NodeSpec};

/// What a view says beside the graph.
#[derive(Clone, Debug)]
pub struct ViewContext {
    /// The digest of the contract's text.
    pub plan_id: String,
    /// How a run would go about the nodes.
    pub mode: Mode,
    /// The most nodes that a run would run at once.
    pub jobs: usize,
}

/// The plan on the wire.
#[must_use]
pub fn view(plan: &Plan, context: ViewContext) -> PlanView {
    let nodes = &plan.workflow().nodes;
    let levels = plan.levels_with_paths();
    // Side by side: most are copied several times, in the order of the edges.
    let ids: Vec<NodeId> = nodes.iter().map(|node| node.id.clone()).collect();
    let id = |index: usize| ids[index].clone();
    let mut parallel_groups: Vec<Vec<NodeId>> = Vec::new();
    // In the order of declaration within a group.
    for (index, &(level, _)) in levels.iter().enumerate() {
        if parallel_groups.len() <= level {
            parallel_groups.resize_with(level + 1, Vec::new);
        }
        parallel_groups[level].push(id(index));
    }
    let mut parts = UnionFind::new(nodes.len());
    let mut components = nodes.len();
    for (index, node) in nodes.iter().enumerate() {
        components -= node.depends_on.iter().filter(|d| parts.union(index, d.node)).count();
    }
    let edges = nodes.iter().flat_map(|node| node.depends_on.iter().map(|d| (id(d.node), node.id.clone())));
    let bounds = Bounds::of(plan, context.mode, context.jobs);
    PlanView {
        plan_id: context.plan_id,
        name: plan.workflow().name.clone(),
        description: plan.workflow().description.clone(),
        default_mode: "local".to_owned(),
        mode: context.mode,
        jobs: context.jobs,
        edges: edges.collect(),
        execution_order: plan.order().iter().map(|&index| id(index)).collect(),
        parallel_groups,
        roots: (0..nodes.len()).filter(|&index| nodes[index].depends_on.is_empty()).map(id).collect(),
        critical_path: critical_path(plan, &levels).into_iter().map(id).collect(),
        components,
        nodes: nodes
            .iter()
            .enumerate()
            .map(|(index, node)| node_view(plan, (index, node), context.mode))
            .collect(),
        worst_case_ms: millis(bounds.run),
        without_timeout: bounds.without_timeout,
        attempt_timeout_ms: millis(
            nodes.iter().find(|node| !node.says_timeout).map_or(DEFAULT_TIMEOUT, |node| node.timeout),
        ),
        notes: notes::notes(plan, &bounds.asked, context.mode),
    }
}

/// A longest chain of nodes; where some are left out, one on which most are left.
fn critical_path(plan: &Plan, levels: &[(usize, Option<usize>)]) -> Vec<usize> {
    let is_left = |index: usize| !plan.is_left_out(index);
    if (0..plan.len()).all(is_left) {
        return order::longest_chain(levels);
    }
    let weight = |index| Duration::from_secs(u64::from(is_left(index)));
    let chains = order::heaviest(&plan.workflow().nodes, (plan.order(), &plan.implied), weight);
    let last = (0..plan.len()).filter(|&index| is_left(index)).max_by_key(|&n| (chains[n].0, Reverse(n)));
    let mut chain: Vec<usize> = std::iter::successors(last, |&index| chains[index].1).collect();
    chain.retain(|&index| is_left(index));
    chain.reverse();
    chain
}

/// How long a run may take, and what its rules ask for: all that needs a look at every node.
struct Bounds {
    run: Duration,
    without_timeout: usize,
    asked: Asked,
}

impl Bounds {
    fn of(plan: &Plan, mode: Mode, jobs: usize) -> Self {
        let workflow = plan.workflow();
        let (nodes, rules) = (&workflow.nodes, &workflow.rules);
        let (mut all, mut longest) = (Duration::ZERO, Vec::with_capacity(nodes.len()));
        let (mut without_timeout, mut asked) = (0, Asked::default());
        let mut slots_alone = !rules.batch;
        // Once over all: they are large, and many.
        for (index, node) in nodes.iter().enumerate() {
            let time = match mode {
                _ if !node.enabled || plan.is_left_out(index) => Duration::ZERO,
                Mode::Profile => node.longest_attempt(),
                Mode::Sync | Mode::Async | Mode::DryRun => node.longest(),
            };
            all = all.saturating_add(time);
            longest.push(time);
            let says_none = !node.says_timeout && node.total_timeout.is_none();
            without_timeout += usize::from(!time.is_zero() && says_none);
            slots_alone &= node.group.is_none() && !node.runs_alone();
            asked.by_max_retries |= node.retry.outer.max_retries > 0;
            asked.by_retry_policy |= !node.retry.own && node.retry.inner.is_some();
        }
        let time = match u32::try_from(jobs) {
            // Where only slots keep nodes waiting, all of them are busy whenever the heaviest path stands still.
            Ok(jobs @ 2..) if slots_alone => {
                let paths = order::heaviest(nodes, (plan.order(), &plan.implied), |index| longest[index]);
                let heaviest = paths.iter().map(|&(weight, _)| weight).max().unwrap_or_default();
                heaviest.saturating_add(all.saturating_sub(heaviest) / jobs)
            }
            _ => all,
        };
        let limits = [rules.timeout, rules.budget.time];
        let run =
            limits.into_iter().flatten().map(|limit| limit.saturating_add(GRACE)).fold(time, Duration::min);
        Self { run, without_timeout, asked }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn node_view(plan: &Plan, (index, node): (usize, &NodeSpec), mode: Mode) -> PlanNodeView {
    let max_attempts = node.retry.max_attempts();
    let other_ends =
        node.depends_on.iter().filter(|d| matches!(d.on, EdgeCondition::Failure | EdgeCondition::Finished));

    let (status, reason) = fate_of(plan, index);
    PlanNodeView {
        node_id: node.id.clone(),
        kind: node.kind.to_text(),
        description: node.description.clone(),
        action: node.action_key.map(Cow::Borrowed),
        component: node.uses.as_ref().map(|uses| uses.shown()),
        depends_on: node.depends_on.iter().map(|d| plan.node(d.node).id.clone()).collect(),
        status,
        reason,
        max_attempts,
        stands_in_for: plan.stands_in_for(index).map(|other| plan.node(other).id.clone()),
        group: node.group.and_then(|group| Some(plan.workflow().rules.groups.get(group)?.name.clone())),
        circuit_breaker: node.breaker.is_some(),
        conditions: other_ends.map(|d| (plan.node(d.node).id.clone(), d.on)).collect(),
        worst_case_ms: (max_attempts > 1 && mode != Mode::Profile).then(|| millis(node.longest())),
        sandbox: node.sandbox.as_deref().cloned(),
    }
}

/// What would happen to a node, and why it would not run.
pub(super) fn fate_of(plan: &Plan, index: usize) -> (PlanStatus, Option<String>) {
    let node = plan.node(index);
    match plan.fate(index) {
        Fate::Skip(reason) => (PlanStatus::Skipped, Some(reason.as_str().to_owned())),
        Fate::Run if node.action_key.is_none() => (PlanStatus::Unbound, None),
        Fate::Run if node.uses.as_ref().is_some_and(|uses| uses.component.is_none()) => {
            (PlanStatus::Unbound, Some(NOT_FOUND.to_owned()))
        }
        Fate::Run if node.action.is_none() => (PlanStatus::Unbound, Some("not_carried_out".to_owned())),
        Fate::Run => (PlanStatus::WillRun, None),
    }
}
