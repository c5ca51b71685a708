//! A plan for people and machines.

use std::borrow::Cow;

use petgraph::unionfind::UnionFind;

use super::{Fate, Plan, order};
use crate::base::NodeId;
use crate::model::context::Mode;
use crate::model::plan_view::{PlanNodeView, PlanStatus, PlanView};
use crate::model::workflow::NodeSpec;

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
        critical_path: order::longest_chain(&levels).into_iter().map(id).collect(),
        components,
        nodes: nodes.iter().enumerate().map(|(index, node)| node_view(plan, index, node)).collect(),
    }
}

fn node_view(plan: &Plan, index: usize, node: &NodeSpec) -> PlanNodeView {
    let (status, reason) = match plan.fate(index) {
        Fate::Skip(reason) => (PlanStatus::Skipped, Some(reason.as_str().to_owned())),
        Fate::Run if node.action_key.is_none() => (PlanStatus::Unbound, None),
        Fate::Run if node.action.is_none() => (PlanStatus::Unbound, Some("not_carried_out".to_owned())),
        Fate::Run => (PlanStatus::WillRun, None),
    };
    PlanNodeView {
        node_id: node.id.clone(),
        kind: node.kind.to_text(),
        description: node.description.clone(),
        action: node.action_key.map(Cow::Borrowed),
        depends_on: node.depends_on.iter().map(|d| plan.node(d.node).id.clone()).collect(),
        status,
        reason,
        max_attempts: node.retry.max_attempts(),
        stands_in_for: plan.stands_in_for(index).map(|other| plan.node(other).id.clone()),
        group: node.group.and_then(|group| Some(plan.workflow().rules.groups.get(group)?.name.clone())),
        circuit_breaker: node.breaker.is_some(),
    }
}
