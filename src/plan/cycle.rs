//! Circles: each with its whole path.

use std::collections::{HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::order::Implied;
use crate::diag::{Diagnostic, codes};
use crate::model::workflow::NodeSpec;

/// The most edges of one circle that get a label each; the message names all nodes.
const MAX_LABELS: usize = 10;

/// How often what is left of a part is searched once more, after a circle was taken out of it.
const MAX_ROUNDS: usize = 8;

/// A circle, with the number of nodes of the part that it is found in: all that wait for each other.
struct Circle {
    nodes: Vec<usize>,
    part: usize,
}

/// Findings for circles, given the nodes that could be put in order: at least one for each part of the graph whose
/// nodes wait for each other, and of several circles in one part those that share no node.
pub(super) fn explain(nodes: &[NodeSpec], ordered: &[usize], implied: &[Implied]) -> Vec<Diagnostic> {
    let mut stuck = vec![true; nodes.len()];
    for &index in ordered {
        stuck[index] = false;
    }
    let mut circles: Vec<Circle> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let found = search(nodes, &stuck, implied);
        if found.is_empty() {
            break;
        }
        for index in found.iter().flat_map(|circle| &circle.nodes) {
            stuck[*index] = false;
        }
        circles.extend(found);
    }
    circles.sort_by_key(|circle| circle.nodes[0]);
    circles.iter().map(|circle| describe(nodes, circle, implied)).collect()
}

/// One circle for each part whose nodes wait for each other.
fn search(nodes: &[NodeSpec], stuck: &[bool], implied: &[Implied]) -> Vec<Circle> {
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
    kosaraju_scc(&graph)
        .into_iter()
        .filter_map(|component| {
            let first = *component.iter().min_by_key(|&&vertex| graph[vertex])?;
            let nodes = shortest_circle(&graph, first, &component)?;
            Some(Circle { nodes, part: component.len() })
        })
        .collect()
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

fn describe(nodes: &[NodeSpec], circle: &Circle, implied: &[Implied]) -> Diagnostic {
    let Circle { nodes: circle, part } = circle;
    let more = (*part > circle.len()).then(|| {
        format!(
            "it is part of {part} nodes that all wait for each other: there can be more circles among them"
        )
    });
    let finding = describe_alone(nodes, circle, implied);
    match more {
        Some(more) => finding.help(more),
        None => finding,
    }
}

fn describe_alone(nodes: &[NodeSpec], circle: &[usize], implied: &[Implied]) -> Diagnostic {
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
