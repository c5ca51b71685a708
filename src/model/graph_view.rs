//! A graph to be drawn: nodes, the edges between them, and what would happen to each node.

use std::borrow::Cow;

use super::plan_view::PlanStatus;
use super::workflow::EdgeCondition;
use crate::base::NodeId;

/// Nodes and edges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphView {
    /// The name of the workflow.
    pub name: String,
    /// The nodes in the order in which one slot would run them: each after all that it waits for.
    pub nodes: Vec<GraphNode>,
    /// The edges; those to one node stand together, in the order of the nodes.
    pub edges: Vec<GraphEdge>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphNode {
    /// Its id.
    pub node_id: NodeId,
    /// Its kind.
    pub kind: Cow<'static, str>,
    /// What would happen to it.
    pub status: PlanStatus,
    /// Why it would not run.
    pub reason: Option<String>,
    /// The component that it uses.
    pub component: Option<String>,
    /// Its layer: all that it waits for stands in earlier ones. None is empty.
    pub layer: usize,
}

/// One edge, between places in [`GraphView::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphEdge {
    /// The node that is waited for.
    pub from: usize,
    /// The node that waits.
    pub to: usize,
    /// How the other must end.
    pub on: EdgeCondition,
}

impl GraphView {
    /// For each node, where its edges begin in [`GraphView::edges`], and at last their number.
    #[must_use]
    pub fn starts(&self) -> Vec<usize> {
        let mut starts = vec![0; self.nodes.len() + 1];
        for edge in &self.edges {
            starts[edge.to + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        starts
    }
}
