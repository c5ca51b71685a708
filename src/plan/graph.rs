//! A plan as a graph to be drawn.

use super::Plan;
use super::view::fate_of;
use crate::model::graph_view::{GraphEdge, GraphNode, GraphView};

/// The graph of a plan. Of what is left out, it has what lies between nodes that are not: order passes through that.
#[must_use]
pub fn graph(plan: &Plan) -> GraphView {
    let shown = shown(plan);
    let levels = plan.levels();
    let order: Vec<usize> = plan.order().iter().copied().filter(|&index| shown[index]).collect();
    let mut layers: Vec<usize> = order.iter().map(|&index| levels[index]).collect();
    layers.sort_unstable();
    layers.dedup();
    let mut place = vec![None; plan.len()];
    for (at, &index) in order.iter().enumerate() {
        place[index] = Some(at);
    }
    let nodes = order.iter().map(|&index| {
        let (status, reason) = fate_of(plan, index);
        let node = plan.node(index);
        GraphNode {
            node_id: node.id.clone(),
            kind: node.kind.to_text(),
            status,
            reason,
            component: node.uses.as_ref().map(|uses| uses.shown()),
            layer: layers.partition_point(|&level| level < levels[index]),
        }
    });
    let edges = order.iter().enumerate().flat_map(|(to, &index)| {
        let place = &place;
        let waited = plan.node(index).depends_on.iter();
        waited.filter_map(move |edge| Some(GraphEdge { from: place[edge.node]?, to, on: edge.on }))
    });
    GraphView { name: plan.workflow().name.clone(), nodes: nodes.collect(), edges: edges.collect() }
}

/// The nodes that are not left out, and those between them.
fn shown(plan: &Plan) -> Vec<bool> {
    let kept: Vec<bool> = (0..plan.len()).map(|index| !plan.is_left_out(index)).collect();
    let (mut after, mut before) = (kept.clone(), kept);
    for &index in plan.order() {
        after[index] |= plan.node(index).depends_on.iter().any(|edge| after[edge.node]);
    }
    for &index in plan.order().iter().rev() {
        before[index] |= plan.dependents(index).iter().any(|edge| before[edge.node]);
    }
    after.iter().zip(before).map(|(&after, before)| after && before).collect()
}
