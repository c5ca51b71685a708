//! Order: Kahn's algorithm, ties by priority and then by declaration.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::Dependent;
use crate::diag::Span;
use crate::model::workflow::{EdgeCondition, NodeSpec};

/// An edge that nobody declared: who waits for a node waits for the last of those that may stand in for it, too, and
/// so for all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Implied {
    /// The node that may stand in.
    pub from: usize,
    /// The node that waits.
    pub to: usize,
    /// Where it says for what.
    pub span: Span,
}

/// The implied edges, by the node that may stand in; no more of them than declared ones.
pub(super) fn implied(nodes: &[NodeSpec]) -> Vec<Implied> {
    if nodes.iter().all(|node| node.fallback.is_none()) {
        return Vec::new();
    }
    let last = last_to_stand_in(nodes);
    let mut implied = Vec::new();
    for (to, node) in nodes.iter().enumerate() {
        let declared = node.depends_on.iter().filter(|d| d.on != EdgeCondition::Fallback);
        for dependency in declared.filter(|d| last[d.node] != d.node) {
            implied.push(Implied { from: last[dependency.node], to, span: dependency.span });
        }
    }
    implied.sort_by_key(|edge| edge.from);
    implied
}

/// For each node, the end of its chain of fallbacks: itself where it has none. Each link is followed once. Fallbacks
/// can be declared in a circle, which is found as one: there, any of its nodes will do.
fn last_to_stand_in(nodes: &[NodeSpec]) -> Vec<usize> {
    let mut last: Vec<Option<usize>> = vec![None; nodes.len()];
    for start in 0..nodes.len() {
        let (mut at, mut passed) = (start, Vec::new());
        let end = loop {
            if let Some(known) = last[at] {
                break known;
            }
            last[at] = Some(at);
            passed.push(at);
            match nodes[at].fallback {
                Some(next) => at = next,
                None => break at,
            }
        };
        for node in passed {
            last[node] = Some(end);
        }
    }
    last.into_iter().enumerate().map(|(node, last)| last.unwrap_or(node)).collect()
}

/// The nodes in topological order; nodes that are part of a circle, or wait for one, are left out.
pub(super) fn topological(
    nodes: &[NodeSpec],
    (starts, dependents): (&[usize], &[Dependent]),
    implied: &[Implied],
) -> Vec<usize> {
    let mut open: Vec<usize> = nodes.iter().map(|node| node.depends_on.len()).collect();
    for edge in implied {
        open[edge.to] += 1;
    }
    let rank = |index: usize| Reverse((nodes[index].priority, index));
    let mut ready: BinaryHeap<_> = (0..nodes.len()).filter(|&index| open[index] == 0).map(rank).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse((_, index))) = ready.pop() {
        order.push(index);
        let declared = dependents[starts[index]..starts[index + 1]].iter().map(|dependent| dependent.node);
        let first = implied.partition_point(|edge| edge.from < index);
        let also = implied[first..].iter().take_while(|edge| edge.from == index).map(|edge| edge.to);
        for dependent in declared.chain(also) {
            open[dependent] -= 1;
            if open[dependent] == 0 {
                ready.push(rank(dependent));
            }
        }
    }
    order
}

/// For each node, the number of edges on its longest path from a root, and the dependency on that path.
pub(super) fn levels(
    nodes: &[NodeSpec],
    order: &[usize],
    implied: &[Implied],
) -> Vec<(usize, Option<usize>)> {
    let mut by_waiting: Vec<(usize, usize)> = implied.iter().map(|edge| (edge.to, edge.from)).collect();
    by_waiting.sort_unstable();
    let mut levels = vec![(0, None); nodes.len()];
    for &index in order {
        let first = by_waiting.partition_point(|&(to, _)| to < index);
        let also = by_waiting[first..].iter().take_while(|&&(to, _)| to == index).map(|&(_, from)| from);
        for waited in nodes[index].depends_on.iter().map(|d| d.node).chain(also) {
            let through = levels[waited].0 + 1;
            if through > levels[index].0 {
                levels[index] = (through, Some(waited));
            }
        }
    }
    levels
}

/// For each node, what the heaviest path to it weighs with itself, and the node before it on that path.
pub(super) fn heaviest(
    nodes: &[NodeSpec],
    (order, implied): (&[usize], &[Implied]),
    weight: impl Fn(usize) -> Duration,
) -> Vec<(Duration, Option<usize>)> {
    let mut by_waiting: Vec<(usize, usize)> = implied.iter().map(|edge| (edge.to, edge.from)).collect();
    by_waiting.sort_unstable();
    let mut heaviest: Vec<(Duration, Option<usize>)> = vec![(Duration::ZERO, None); nodes.len()];
    for &index in order {
        let first = by_waiting.partition_point(|&(to, _)| to < index);
        let also = by_waiting[first..].iter().take_while(|&&(to, _)| to == index).map(|&(_, from)| from);
        let mut before: (Duration, Option<usize>) = (Duration::ZERO, None);
        for waited in nodes[index].depends_on.iter().map(|d| d.node).chain(also) {
            if before.1.is_none() || heaviest[waited].0 > before.0 {
                before = (heaviest[waited].0, Some(waited));
            }
        }
        heaviest[index] = (before.0.saturating_add(weight(index)), before.1);
    }
    heaviest
}

/// A longest chain of nodes, first to last; of several, the one that ends in the node declared first.
pub(super) fn longest_chain(levels: &[(usize, Option<usize>)]) -> Vec<usize> {
    let deepest = (0..levels.len()).max_by_key(|&index| (levels[index].0, Reverse(index)));
    let mut chain: Vec<usize> = std::iter::successors(deepest, |&index| levels[index].1).collect();
    chain.reverse();
    chain
}
