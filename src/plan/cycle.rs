//! Circles: each with its whole path.

use std::collections::{HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::order::Implied;
use crate::diag::{Diagnostic, codes};
use crate::model::workflow::NodeSpec;

/// The most edges of one circle that get a label each; the message names all nodes.
const MAX_LABELS: usize = 10;

/// One finding for each circle, given the nodes that could be put in order.
pub(super) fn explain(nodes: &[NodeSpec], ordered: &[usize], implied: &[Implied]) -> Vec<Diagnostic> {
    let mut stuck = vec![true; nodes.len()];
    for &index in ordered {
        stuck[index] = false;
    }
    let mut graph = DiGraph::<usize, ()>::new();
    let mut vertices = vec![None; nodes.len()];
    for index in (0..nodes.len()).filter(|&index| stuck[index]) {
        vertices[index] = Some(graph.add_node(index));
    }
    for (index, node) in nodes.iter().enumerate() {
        for dependency in &node.depends_on {
            if let (Some(from), Some(to)) = (vertices[index], vertices[dependency.node]) {
                graph.add_edge(from, to, ());
            }
        }
    }
    for edge in implied {
        if let (Some(from), Some(to)) = (vertices[edge.to], vertices[edge.from]) {
            graph.add_edge(from, to, ());
        }
    }
    // Not Tarjan's: petgraph's version calls itself, and a contract can nest circles deeply.
    let mut circles: Vec<Vec<usize>> = kosaraju_scc(&graph)
        .into_iter()
        .filter_map(|component| {
            let first = *component.iter().min_by_key(|&&vertex| graph[vertex])?;
            shortest_circle(&graph, first, &component)
        })
        .collect();
    circles.sort_by_key(|circle| circle[0]);
    circles.iter().map(|circle| describe(nodes, circle, implied)).collect()
}

/// The shortest way from `start` back to it inside its component; nothing where there is none.
fn shortest_circle(
    graph: &DiGraph<usize, ()>,
    start: NodeIndex,
    component: &[NodeIndex],
) -> Option<Vec<usize>> {
    let mut came_from: HashMap<NodeIndex, Option<NodeIndex>> = component.iter().map(|&v| (v, None)).collect();
    let mut queue = VecDeque::from([start]);
    while let Some(vertex) = queue.pop_front() {
        let mut next: Vec<_> = graph.neighbors(vertex).filter(|v| came_from.contains_key(v)).collect();
        next.sort_by_key(|&v| graph[v]);
        for neighbor in next {
            if neighbor == start {
                let mut path: Vec<_> =
                    std::iter::successors(Some(vertex), |v| came_from.get(v).copied().flatten())
                        .map(|v| graph[v])
                        .collect();
                path.reverse();
                return Some(path);
            }
            if let Some(slot @ None) = came_from.get_mut(&neighbor) {
                *slot = Some(vertex);
                queue.push_back(neighbor);
            }
        }
    }
    None
}

fn describe(nodes: &[NodeSpec], circle: &[usize], implied: &[Implied]) -> Diagnostic {
    if let [alone] = circle {
        let node = &nodes[*alone];
        let declared = node.depends_on.iter().find(|d| d.node == *alone);
        let through = implied.iter().find(|edge| (edge.from, edge.to) == (*alone, *alone));
        if let (None, Some(through)) = (declared, through) {
            let id = &node.id;
            let message = format!("node `{id}` waits for what comes of a node that it may stand in for");
            return Diagnostic::error(codes::CYCLE, message)
                .at(through.span, format!("not known before `{id}` has ended"))
                .help("remove this dependency: it starts only when this has failed");
        }
        let span = declared.map_or(node.span, |d| d.span);
        return Diagnostic::error(codes::CYCLE, format!("node `{}` depends on itself", node.id))
            .at(span, "waits for itself")
            .help("remove this dependency");
    }
    let path = circle
        .iter()
        .chain(&circle[..1])
        .map(|&n| format!("`{}`", nodes[n].id))
        .collect::<Vec<_>>()
        .join(" → ");
    let mut finding =
        Diagnostic::error(codes::CYCLE, format!("nodes wait for each other in a circle: {path}"));
    for (at, &from) in circle.iter().enumerate().take(MAX_LABELS) {
        let to = circle[(at + 1) % circle.len()];
        let declared = nodes[from].depends_on.iter().find(|d| d.node == to).map(|d| (d.span, ""));
        // It waits for a node that the other stands in for.
        let edge = declared.or_else(|| {
            let through = implied.iter().find(|edge| (edge.from, edge.to) == (to, from))?;
            Some((through.span, ", which stands in for this"))
        });
        let (span, why) = edge.unwrap_or((nodes[from].span, ""));
        finding = finding.at(span, format!("`{}` waits for `{}`{why}", nodes[from].id, nodes[to].id));
    }
    finding.help("remove one of these dependencies")
}
