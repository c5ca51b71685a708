//! Order: Kahn's algorithm, ties by priority and then by declaration.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Dependent;
use crate::model::workflow::NodeSpec;

/// The nodes in topological order; nodes that are part of a circle, or wait for one, are left out.
pub(super) fn topological(nodes: &[NodeSpec], starts: &[usize], dependents: &[Dependent]) -> Vec<usize> {
    let mut open: Vec<usize> = nodes.iter().map(|node| node.depends_on.len()).collect();
    let rank = |index: usize| Reverse((nodes[index].priority, index));
    let mut ready: BinaryHeap<_> = (0..nodes.len()).filter(|&index| open[index] == 0).map(rank).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse((_, index))) = ready.pop() {
        order.push(index);
        for dependent in &dependents[starts[index]..starts[index + 1]] {
            open[dependent.node] -= 1;
            if open[dependent.node] == 0 {
                ready.push(rank(dependent.node));
            }
        }
    }
    order
}

/// For each node, the number of edges on its longest path from a root, and the dependency on that path.
pub(super) fn levels(nodes: &[NodeSpec], order: &[usize]) -> Vec<(usize, Option<usize>)> {
    let mut levels = vec![(0, None); nodes.len()];
    for &index in order {
        for dependency in &nodes[index].depends_on {
            let through = levels[dependency.node].0 + 1;
            if through > levels[index].0 {
                levels[index] = (through, Some(dependency.node));
            }
        }
    }
    levels
}

/// A longest chain of nodes, first to last; of several, the one that ends in the node declared first.
pub(super) fn longest_chain(levels: &[(usize, Option<usize>)]) -> Vec<usize> {
    let deepest = (0..levels.len()).max_by_key(|&index| (levels[index].0, Reverse(index)));
    let mut chain: Vec<usize> = std::iter::successors(deepest, |&index| levels[index].1).collect();
    chain.reverse();
    chain
}
