//! A workflow as a directed acyclic graph for one context: what would run, in which order, and why not.
//!
//! Knows no process and no time. petgraph is private to this room. Everything here is iterative and linear in
//! nodes and edges, but for the heap that keeps ties in order.

mod cycle;
mod doubts;
mod graph;
mod notes;
mod order;
mod partition;
mod selection;
mod view;

use std::sync::Arc;
use std::time::Duration;

use crate::diag::{Diagnostic, Severity, codes};
use crate::model::outcome::SkipReason;
use crate::model::sandbox::Sandbox;
use crate::model::workflow::{EdgeCondition, ErrorAction, NodeSpec, Workflow};

pub use graph::graph;
pub use selection::{Selection, SelectionError};
pub use view::{ViewContext, view};

/// What becomes of a node before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs, if all that it waits for ends as asked.
    Run,
    /// It does not start.
    Skip(SkipReason),
}

impl Fate {
    /// Whether the run goes on as if the node were not there.
    const fn is_left_out(self) -> bool {
        match self {
            Self::Run => false,
            Self::Skip(reason) => reason.is_left_out(),
        }
    }
}

/// An edge, seen from the node that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependent {
    /// The index of the node that waits.
    pub node: usize,
    /// How the other must end.
    pub on: EdgeCondition,
}

/// The graph of a workflow. Nodes are named by their index in [`Workflow::nodes`].
#[derive(Clone, Debug)]
pub struct Plan {
    workflow: Arc<Workflow>,
    order: Vec<usize>,
    fates: Vec<Fate>,
    /// `dependents[starts[n]..starts[n + 1]]` wait for node n.
    starts: Vec<usize>,
    dependents: Vec<Dependent>,
    implied: Vec<order::Implied>,
    /// For each node, the one for which it stands in; empty where no node stands in for another.
    stands_in_for: Vec<Option<usize>>,
}

impl Plan {
    /// Plans a workflow.
    ///
    /// # Errors
    ///
    /// One finding for each circle of nodes that wait for each other.
    pub fn new(workflow: Arc<Workflow>) -> Result<Self, Vec<Diagnostic>> {
        let nodes = &workflow.nodes;
        let (starts, dependents) = reversed(nodes);
        let implied = order::implied(nodes);
        let order = order::topological(nodes, (&starts, &dependents), &implied);
        if order.len() < nodes.len() {
            return Err(cycle::explain(nodes, &order, &implied));
        }
        let mut order = order;
        if workflow.rules.batch {
            let levels = order::levels(nodes, &order, &implied);
            order.sort_by_key(|&index| (levels[index].0, nodes[index].priority, index));
        }
        let mut stands_in_for = Vec::new();
        for (index, fallback) in nodes.iter().enumerate().filter_map(|(i, n)| Some((i, n.fallback?))) {
            stands_in_for.resize(nodes.len(), None);
            stands_in_for[fallback] = Some(index);
        }
        let fates = nodes
            .iter()
            .map(|node| if node.enabled { Fate::Run } else { Fate::Skip(SkipReason::Disabled) })
            .collect();
        Ok(Self { order, fates, starts, dependents, implied, stands_in_for, workflow })
    }

    /// The same plan in which nothing runs. What is left out stays left out.
    #[must_use]
    pub fn dry(mut self) -> Self {
        for fate in self.fates.iter_mut().filter(|fate| !fate.is_left_out()) {
            *fate = Fate::Skip(SkipReason::DryRun);
        }
        self
    }

    /// The same plan without the nodes for which there is a reason.
    #[must_use]
    pub fn without(mut self, reasons: &[Option<SkipReason>]) -> Self {
        for (fate, reason) in self.fates.iter_mut().zip(reasons) {
            *fate = reason.map_or(*fate, Fate::Skip);
        }
        self
    }

    /// The same plan without the nodes that are not to be `kept`.
    #[must_use]
    pub fn narrowed(mut self, kept: &[bool]) -> Self {
        let unkept = self.fates.iter_mut().zip(kept).filter(|(fate, kept)| !**kept && !fate.is_left_out());
        for (fate, _) in unkept {
            *fate = Fate::Skip(SkipReason::NotSelected);
        }
        self
    }

    /// Whether a node is none of those that the run is about.
    #[must_use]
    pub fn is_left_out(&self, index: usize) -> bool {
        self.fates[index].is_left_out()
    }

    /// The same plan, with another time for an attempt of each node of which the contract says none.
    #[must_use]
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        let nodes = &mut Arc::make_mut(&mut self.workflow).nodes;
        nodes.iter_mut().filter(|node| !node.says_timeout).for_each(|node| node.timeout = timeout);
        self
    }

    /// The same plan with other sandboxes for some nodes, each with its number.
    #[must_use]
    pub fn with_sandboxes(mut self, sandboxes: Vec<(usize, Sandbox)>) -> Self {
        if !sandboxes.is_empty() {
            let nodes = &mut Arc::make_mut(&mut self.workflow).nodes;
            sandboxes.into_iter().for_each(|(node, sandbox)| nodes[node].sandbox = Some(Box::new(sandbox)));
        }
        self
    }

    /// The planned workflow.
    #[must_use]
    pub fn workflow(&self) -> &Arc<Workflow> {
        &self.workflow
    }

    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// A node by its index.
    #[must_use]
    pub fn node(&self, index: usize) -> &NodeSpec {
        &self.workflow.nodes[index]
    }

    /// The nodes in the order in which one slot would run them: topological, then by priority, then by declaration.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// What becomes of a node before anything runs.
    #[must_use]
    pub fn fate(&self, index: usize) -> Fate {
        self.fates[index]
    }

    /// For each node, the number of edges on its longest path from a root: its parallel group.
    #[must_use]
    pub fn levels(&self) -> Vec<usize> {
        self.levels_with_paths().into_iter().map(|(level, _)| level).collect()
    }

    fn levels_with_paths(&self) -> Vec<(usize, Option<usize>)> {
        order::levels(&self.workflow.nodes, &self.order, &self.implied)
    }

    /// The node for which this one stands in when it fails.
    #[must_use]
    pub fn stands_in_for(&self, index: usize) -> Option<usize> {
        self.stands_in_for.get(index).copied().flatten()
    }

    /// The edges to the nodes that wait for this one.
    #[must_use]
    pub fn dependents(&self, index: usize) -> &[Dependent] {
        &self.dependents[self.starts[index]..self.starts[index + 1]]
    }

    /// One finding for each edge that waits for a failure at which the run stops: its node would never start then.
    #[must_use]
    pub fn stopped_first(&self) -> Vec<Diagnostic> {
        let stops = |node: &NodeSpec| match node.error_action {
            Some(action) => action == ErrorAction::Stop,
            None => !self.workflow.rules.keep_going,
        };
        let edges =
            self.workflow.nodes.iter().flat_map(|node| node.depends_on.iter().map(move |edge| (node, edge)));
        edges
            .filter(|(_, edge)| matches!(edge.on, EdgeCondition::Failure | EdgeCondition::Finished))
            // That nodes take turns because of what they use is nothing that the contract asks for.
            .filter(|(node, edge)| node.uses.as_ref().is_none_or(|uses| uses.span != edge.span))
            .filter(|(_, edge)| stops(self.node(edge.node)))
            .map(|(node, edge)| {
                let other = &self.node(edge.node).id;
                let message = match edge.on {
                    EdgeCondition::Failure => {
                        format!("`{}` waits for a failure of `{other}`, at which the run stops", node.id)
                    }
                    _ => format!(
                        "`{}` is to run after a failure of `{other}`, too, at which the run stops",
                        node.id
                    ),
                };
                Diagnostic::warning(codes::STOPS_FIRST, message)
                    .at(edge.span, "not started after a failure")
                    .at(self.node(edge.node).span, "the run stops when this fails")
                    .help(format!(
                        "say `fail_fast: false` in the rules, or `error_action: continue` on `{other}`"
                    ))
            })
            .collect()
    }

    /// The finding that some nodes say nothing about what they do, if there are any.
    #[must_use]
    pub fn unbound(&self, severity: Severity) -> Option<Diagnostic> {
        let nodes = self.workflow.nodes.iter().enumerate();
        let unbound: Vec<_> = nodes
            .filter(|(index, node)| node.action_key.is_none() && node.enabled && !self.is_left_out(*index))
            .map(|(_, node)| node)
            .collect();
        let first = unbound.first()?;
        let names = unbound.iter().map(|n| format!("`{}`", n.id)).collect::<Vec<_>>().join(", ");
        let message = match unbound.len() {
            1 => format!("node {names} says nothing about what it does"),
            _ => format!("{} nodes say nothing about what they do: {names}", unbound.len()),
        };
        Some(
            Diagnostic::new(severity, codes::UNBOUND_NODE, message)
                .at(first.span, "no action")
                .help("give each an action, such as `run: [make, test]`"),
        )
    }
}

/// The edges by the node that is waited for, in the order of declaration.
fn reversed(nodes: &[NodeSpec]) -> (Vec<usize>, Vec<Dependent>) {
    let mut starts = vec![0; nodes.len() + 1];
    for dependency in nodes.iter().flat_map(|node| &node.depends_on) {
        starts[dependency.node + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut dependents = vec![Dependent { node: 0, on: EdgeCondition::Success }; starts[nodes.len()]];
    for (index, node) in nodes.iter().enumerate() {
        for dependency in &node.depends_on {
            dependents[next[dependency.node]] = Dependent { node: index, on: dependency.on };
            next[dependency.node] += 1;
        }
    }
    (starts, dependents)
}
