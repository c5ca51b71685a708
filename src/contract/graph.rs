//! The nodes of a contract and the edges between them, with every id resolved.

use std::collections::{HashMap, HashSet};

use super::keys;
use super::node::{RawEdge, RawFallback, RawNode, read_node};
use super::reader::Reader;
use super::rules::RuleSet;
use super::{Dialect, MAX_NODES};
use crate::base::NodeId;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Span, codes};
use crate::model::workflow::{Dependency, EdgeCondition, NodeSpec};
use crate::yaml::NodeRef;

/// Suggesting a name looks at every node, so only the first unknown names get a suggestion.
const MAX_SUGGESTIONS: usize = 20;

/// The most edges that are named which stand in one of two lists only.
const MAX_DIFFERENCES: usize = 5;

pub(super) struct Graph<'r> {
    dialect: Dialect,
    rules: &'r RuleSet,
    nodes: Vec<NodeSpec>,
    by_id: HashMap<NodeId, usize>,
    edges: Vec<(usize, RawEdge)>,
    /// How many of them stand in `depends_on`; the others stand in `edges`.
    in_nodes: Option<usize>,
    /// Nodes with the name of another that stands in for them, and where that stands.
    fallbacks: Vec<(usize, String, Span)>,
    suggestions: usize,
    /// Whether a node asks for the repetitions that the rules describe.
    asks_again: bool,
}

impl<'r> Graph<'r> {
    pub(super) fn new(dialect: Dialect, rules: &'r RuleSet) -> Self {
        Self {
            dialect,
            rules,
            nodes: Vec::new(),
            by_id: HashMap::new(),
            edges: Vec::new(),
            in_nodes: None,
            fallbacks: Vec::new(),
            suggestions: 0,
            asks_again: false,
        }
    }

    pub(super) fn read_nodes(&mut self, reader: &mut Reader<'_>, list: NodeRef) {
        let what = if self.dialect == Dialect::Onex { "`nodes`" } else { "`tasks`" };
        let Some(items) = reader.sequence(list, what) else { return };
        if items.len() > MAX_NODES {
            reader.push(
                Diagnostic::error(codes::TOO_MANY_NODES, format!("a contract has at most {MAX_NODES} nodes"))
                    .at(reader.tree.span(items[MAX_NODES]), "one too many"),
            );
            return;
        }
        self.nodes.reserve(items.len());
        self.by_id.reserve(items.len());
        for &item in items {
            let Some(raw) = read_node(reader, item, (self.dialect, self.rules)) else {
                continue;
            };
            let RawNode { spec, edges, fallback, asks_again } = raw;
            self.asks_again |= asks_again;
            let Some(index) = self.declare(reader, spec) else { continue };
            self.edges.extend(edges.into_iter().map(|edge| (index, edge)));
            let named = match fallback {
                None => None,
                Some(RawFallback::Named { id, span }) => Some((id, span)),
                Some(RawFallback::Inline(node)) => {
                    let named = (node.id.as_str().to_owned(), node.span);
                    self.declare(reader, *node).map(|_| named)
                }
            };
            if let Some((id, span)) = named {
                self.fallbacks.push((index, id, span));
            }
        }
    }

    /// Takes a node in; nothing where its id is taken.
    fn declare(&mut self, reader: &mut Reader<'_>, node: NodeSpec) -> Option<usize> {
        if let Some(&first) = self.by_id.get(node.id.as_str()) {
            reader.push(
                Diagnostic::error(codes::DUPLICATE_NODE, format!("two nodes have the id `{}`", node.id))
                    .at(node.span, "again here")
                    .at(self.nodes[first].span, "first here"),
            );
            return None;
        }
        let index = self.nodes.len();
        self.by_id.insert(node.id.clone(), index);
        self.nodes.push(node);
        Some(index)
    }

    /// Edges that stand beside the nodes: `{from_node, to_node}`. They add to `depends_on`.
    pub(super) fn read_edges(&mut self, reader: &mut Reader<'_>, list: NodeRef) {
        let Some(items) = reader.sequence(list, "`edges`") else { return };
        self.in_nodes = Some(self.edges.len());
        for &item in items {
            if reader.mapping(item, "an edge").is_none() {
                continue;
            }
            reader.check_keys(item, &keys::EDGE);
            // Real contracts write `data_flow`; another kind would ask for another edge than this one.
            let kind = reader.tree.value(item, "edge_type");
            if let Some(kind) = kind.filter(|&kind| reader.tree.scalar(kind) != Some("data_flow")) {
                reader.later(kind, "an edge of another type than `data_flow`");
            }
            let [from, to] = ["from_node", "to_node"].map(|key| {
                let node = reader.tree.value(item, key);
                // One that is called otherwise has been told of.
                let mut habits = keys::EDGE.habits();
                let is_told =
                    habits.any(|(name, meant)| meant == key && reader.tree.get(item, name).is_some());
                if node.is_none() && !is_told {
                    reader.push(
                        Diagnostic::error(codes::MISSING_KEY, format!("an edge needs `{key}`"))
                            .at(reader.tree.span(item), "in this edge"),
                    );
                }
                node.and_then(|node| Some((reader.text(node, &format!("`{key}`"))?, node)))
            });
            let (Some((_, from)), Some((to, to_at))) = (from, to) else { continue };
            match self.by_id.get(to) {
                Some(&index) => {
                    self.edges.push((index, RawEdge { id: from, on: EdgeCondition::Success }));
                }
                None => {
                    let meant = self.suggest(to, None);
                    reader.push(
                        Diagnostic::error(
                            codes::UNKNOWN_NODE,
                            format!("an edge leads to `{to}`, which is not declared"),
                        )
                        .at(reader.tree.span(to_at), "not declared")
                        .did_you_mean(meant.as_deref()),
                    );
                }
            }
        }
    }

    /// The declared id that may have been meant; `asking` cannot be it.
    fn suggest(&mut self, id: &str, asking: Option<usize>) -> Option<String> {
        self.suggestions += 1;
        if self.suggestions > MAX_SUGGESTIONS {
            return None;
        }
        let others = self.nodes.iter().enumerate().filter(|&(index, _)| Some(index) != asking);
        nearest(id, others.map(|(_, node)| node.id.as_str())).map(str::to_owned)
    }

    /// Resolves the edges and gives the nodes in the order of their declaration.
    pub(super) fn finish(mut self, reader: &mut Reader<'_>) -> Vec<NodeSpec> {
        let refused: HashSet<String> = std::mem::take(&mut reader.refused_ids).into_iter().collect();
        self.compare_lists(reader);
        let mut edges = std::mem::take(&mut self.edges);
        edges.sort_by_key(|(index, _)| *index);
        // For each node, who waited for it last, and for which of its ends.
        let mut known = vec![(usize::MAX, 0u8); self.nodes.len()];
        let bit = |on: EdgeCondition| 1u8 << on as u8;
        let tree = reader.tree;
        for (index, edge) in edges {
            let (id, span) = (tree.scalar(edge.id).unwrap_or_default(), tree.span(edge.id));
            let Some(&target) = self.by_id.get(id) else {
                // A node whose id was refused has had its say.
                if !refused.contains(id) {
                    let meant = self.suggest(id, Some(index));
                    let message =
                        format!("node `{}` depends on `{id}`, which is not declared", self.nodes[index].id);
                    reader.push(
                        Diagnostic::error(codes::UNKNOWN_NODE, message)
                            .at(span, "not declared")
                            .did_you_mean(meant.as_deref()),
                    );
                }
                continue;
            };
            // The same edge twice, in `depends_on` and in `edges` for example, is one edge.
            let (by, ends) = known[target];
            let ends = if by == index { ends } else { 0 };
            if ends & bit(edge.on) != 0 {
                continue;
            }
            known[target] = (index, ends | bit(edge.on));
            let opposite = match edge.on {
                EdgeCondition::Success => Some(EdgeCondition::Failure),
                EdgeCondition::Failure => Some(EdgeCondition::Success),
                EdgeCondition::Finished | EdgeCondition::Fallback => None,
            };
            if opposite.is_some_and(|on| ends & bit(on) != 0) {
                let message =
                    format!("node `{}` waits for both success and failure of `{id}`", self.nodes[index].id);
                reader.push(
                    Diagnostic::error(codes::CONFLICTING_KEYS, message).at(span, "so it could never start"),
                );
            }
            self.nodes[index].depends_on.push(Dependency { node: target, on: edge.on, span });
        }
        self.resolve_fallbacks(reader, &refused);
        if !self.asks_again {
            self.rules.say_unasked(reader);
        }
        self.nodes
    }

    /// Says where `depends_on` and `edges` both list edges, and not the same. All of them count.
    fn compare_lists(&self, reader: &mut Reader<'_>) {
        let Some((in_nodes, in_edges)) = self.in_nodes.and_then(|at| self.edges.split_at_checked(at)) else {
            return;
        };
        if in_nodes.is_empty() || in_edges.is_empty() {
            return;
        }
        let tree = reader.tree;
        let ends = |edges: &[(usize, RawEdge)]| -> HashSet<(usize, String)> {
            let end = |(index, edge): &(usize, RawEdge)| Some((*index, tree.scalar(edge.id)?.to_owned()));
            edges.iter().filter_map(end).collect()
        };
        let sides = [(in_nodes, ends(in_edges), "`depends_on`"), (in_edges, ends(in_nodes), "`edges`")];
        let only_here = sides.iter().flat_map(|(edges, others, place)| {
            let missing = |(index, edge): &&(usize, RawEdge)| {
                // What is not declared has been told of, and `edges` cannot say another end than success.
                let id = tree.scalar(edge.id).filter(|id| self.by_id.contains_key(*id));
                edge.on == EdgeCondition::Success
                    && id.is_some_and(|id| !others.contains(&(*index, id.to_owned())))
            };
            edges.iter().filter(missing).map(move |(index, edge)| (*index, edge.id, *place))
        });
        let mut only_here = only_here.peekable();
        if only_here.peek().is_none() {
            return;
        }
        let finding = Diagnostic::warning(codes::DISAGREEMENT, "`edges` and `depends_on` list other edges");
        let finding = only_here.take(MAX_DIFFERENCES).fold(finding, |finding, (index, at, place)| {
            let label = format!("before `{}`: in {place} only", self.nodes[index].id);
            finding.at(tree.span(at), label)
        });
        reader.push(finding.help("all of them count; list each edge in both, or all in one"));
    }

    /// A node that stands in for another waits for its failure, whatever else it waits for.
    fn resolve_fallbacks(&mut self, reader: &mut Reader<'_>, refused: &HashSet<String>) {
        let mut stands_in_for: HashMap<usize, (usize, Span)> = HashMap::new();
        for (index, id, span) in std::mem::take(&mut self.fallbacks) {
            let Some(&target) = self.by_id.get(id.as_str()) else {
                if !refused.contains(&id) {
                    let meant = self.suggest(&id, Some(index));
                    let of = &self.nodes[index].id;
                    reader.push(
                        Diagnostic::error(
                            codes::UNKNOWN_NODE,
                            format!("the fallback of `{of}` is `{id}`, which is not declared"),
                        )
                        .at(span, "not declared")
                        .did_you_mean(meant.as_deref()),
                    );
                }
                continue;
            };
            if target == index {
                reader.push(
                    Diagnostic::error(codes::BAD_FALLBACK, format!("node `{id}` cannot stand in for itself"))
                        .at(span, "is the node itself")
                        .help("repeat a node by `retry`"),
                );
                continue;
            }
            if let Some(&(other, first)) = stands_in_for.get(&target) {
                let message = format!(
                    "`{id}` cannot stand in for both `{}` and `{}`",
                    self.nodes[other].id, self.nodes[index].id
                );
                reader.push(
                    Diagnostic::error(codes::BAD_FALLBACK, message)
                        .at(span, "a second time here")
                        .at(first, "first here")
                        .help("declare a fallback for each"),
                );
                continue;
            }
            stands_in_for.insert(target, (index, span));
            // Whatever it said of the node that it stands in for: it starts when that one has failed.
            let said = self.nodes[target].depends_on.iter().find(|d| d.node == index).copied();
            if let Some(edge) = said.filter(|edge| edge.on == EdgeCondition::Success) {
                let of = &self.nodes[index].id;
                reader.push(
                    Diagnostic::error(
                        codes::BAD_FALLBACK,
                        format!("`{id}` stands in for `{of}` and waits for its success"),
                    )
                    .at(edge.span, "so it could never start")
                    .at(span, "stands in here"),
                );
            }
            self.nodes[target].depends_on.retain(|d| d.node != index);
            self.nodes[index].fallback = Some(target);
            self.nodes[target].depends_on.push(Dependency { node: index, on: EdgeCondition::Fallback, span });
        }
    }
}
