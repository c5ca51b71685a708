//! Contract text to a checked [`Workflow`] and diagnostics. Both dialects of `contract.md` become the same
//! workflow, and every value keeps its place in the text until it has been checked.
//!
//! Pure, but for [`mod@file`] and [`Texts::gather`], which read the text. Finds no cycles: order is the business of `plan`.

mod command;
mod format;
mod gaps;
mod graph;
mod include;
mod inputs;
mod keys;
mod kind;
mod metadata;
mod node;
mod pasting;
mod policy;
mod reader;
mod rules;
mod sandbox;
mod schema;
#[cfg(test)]
mod tests;
mod uses;
mod values;

pub use crate::base::text::parse_duration;
pub use crate::yaml::file;
pub use format::{FormatRefusal, format};
pub use include::{Place, Texts};
pub use inputs::{parse_assignment, resolve_inputs};
pub use schema::schema;

use std::sync::Arc;

use crate::diag::{Diagnostic, Findings, Severity, SourceId, codes};
use crate::model::workflow::Workflow;
use crate::yaml::{self, Limits, NodeRef, Shape, Tree};

use graph::Graph;
use keys::Table;
use reader::Reader;
use rules::RuleSet;

/// The most nodes that a contract may have.
pub const MAX_NODES: usize = 200_000;

/// What a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// It declares a workflow.
    Orchestrator,
    /// It is, or describes, something that a workflow runs.
    Component,
    /// A piece that contracts include.
    Fragment,
    /// The contract of another kind of node, or in another dialect.
    Node,
    /// Something else, which is named in a finding.
    #[default]
    Other,
}

/// What came of reading a contract.
#[derive(Debug, Default)]
pub struct Parsed {
    /// What the file is.
    pub kind: FileKind,
    /// The workflow; absent where an error was found.
    pub workflow: Option<Workflow>,
    /// What could be read of the workflow where an error was found.
    pub draft: Option<Workflow>,
    /// All that was found, in no order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a contract that includes nothing.
#[must_use]
pub fn parse(source: SourceId, text: &str) -> Parsed {
    parse_with(&Texts::alone(source, Arc::new(text.to_owned())))
}

/// Reads a contract with all that it includes.
#[must_use]
pub fn parse_with(texts: &Texts) -> Parsed {
    let mut diagnostics = Findings::default();
    let limits = Limits::default();
    let tree =
        match yaml::load_with(texts.text(), (texts.source, &texts.included()), limits, &mut diagnostics) {
            Ok(tree) => tree,
            Err(error) => {
                diagnostics.push(*error);
                return Parsed { diagnostics: diagnostics.into_vec(), ..Parsed::default() };
            }
        };
    let unreadable = diagnostics.kept().len();
    let has_gaps = diagnostics.kept().iter().any(|finding| finding.severity == Severity::Error);
    let mut reader = Reader::of(&tree, diagnostics);
    let (kind, workflow) = document(&mut reader, &tree);
    let mut diagnostics = reader.diagnostics;
    if has_gaps {
        let mut gaps = gaps::Gaps::of(&tree, texts);
        diagnostics.retain_from(unreadable, |finding| gaps.leave_certain(finding));
    }
    let diagnostics = diagnostics.into_vec();
    match workflow {
        Some(workflow) if diagnostics.iter().any(|d| d.severity == Severity::Error) => {
            Parsed { kind, workflow: None, draft: Some(workflow), diagnostics }
        }
        workflow => Parsed { kind, workflow, draft: None, diagnostics },
    }
}

/// Where the keys of nodes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// `workflow_coordination`: the action in `step_config`, the policy beside it.
    Onex,
    /// `workflow`: everything on the task.
    Workflow,
}

fn document(reader: &mut Reader<'_>, tree: &Tree<'_>) -> (FileKind, Option<Workflow>) {
    let root = tree.root();
    let kind = kind::tell(reader, root);
    if kind != FileKind::Orchestrator {
        return (kind, None);
    }
    metadata::check_node_type(reader, root);
    metadata::check_metadata(reader, root);
    let Some(workflow) = tree.get(root, "workflow") else { return (kind, onex_document(reader, root)) };
    metadata::check_metadata(reader, workflow);
    if let Some(other) = tree.get(root, "workflow_coordination") {
        reader.push(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "a contract has one workflow, and this one declares two",
            )
            .at(tree.span(other), "in the ONEX dialect")
            .at(tree.span(workflow), "in the workflow dialect"),
        );
        return (kind, None);
    }
    (kind, workflow_document(reader, root, workflow))
}

/// `spec/004`: `workflow: {name, version, tasks, coordination}`.
fn workflow_document(reader: &mut Reader<'_>, root: NodeRef, workflow: NodeRef) -> Option<Workflow> {
    reader.check_keys(root, &keys::WORKFLOW_DOCUMENT);
    reader.mapping(workflow, "`workflow`")?;
    reader.check_keys(workflow, &keys::WORKFLOW);
    let coordination = reader.get_mapping(workflow, "coordination");
    if let Some(coordination) = coordination {
        reader.check_keys(coordination, &keys::COORDINATION);
    }
    let error_handling = match [workflow, root].map(|place| reader.tree.value(place, "error_handling")) {
        [Some(counts), Some(other)] => {
            reader.push(
                Diagnostic::warning(codes::DISAGREEMENT, "two places have an `error_handling`")
                    .at(reader.tree.span(other), "this one has no effect")
                    .at(reader.tree.span(counts), "this one counts"),
            );
            // What is wrong with it is said all the same.
            RuleSet::read(reader, None, Some(other), &[]);
            Some(counts)
        }
        [own, shared] => own.or(shared),
    };
    let rules =
        RuleSet::read(reader, coordination.and_then(|c| reader.tree.value(c, "rules")), error_handling, &[]);
    if let Some(agents) = reader.get_mapping(workflow, "agents") {
        reader.agents = tree_keys(reader, agents);
    }
    let mut graph = Graph::new(Dialect::Workflow, &rules);
    match reader.tree.value(workflow, "tasks") {
        Some(tasks) => graph.read_nodes(reader, tasks),
        None => reader.no_graph(workflow, "add `tasks: [{id: hello, run: echo hello}]`"),
    }
    Some(Workflow {
        name: reader.get_plain(workflow, "name").unwrap_or_else(|| "workflow".to_owned()),
        version: reader.tree.value(workflow, "version").and_then(|v| values::version(reader, v)),
        description: reader.get_plain(workflow, "description"),
        nodes: graph.finish(reader),
        inputs: reader.tree.value(workflow, "inputs").map_or_else(Vec::new, |i| inputs::declared(reader, i)),
        rules: rules.run,
        places: rules.places,
    })
}

fn tree_keys<'t>(reader: &Reader<'t>, mapping: NodeRef) -> Option<Vec<&'t str>> {
    let Shape::Mapping(entries) = reader.tree.shape(mapping) else { return None };
    Some(entries.iter().filter_map(|entry| reader.tree.scalar(entry.key)).collect())
}

/// `spec/001`: `workflow_coordination: {workflow_definition: {workflow_metadata, execution_graph, coordination_rules}}`.
fn onex_document(reader: &mut Reader<'_>, root: NodeRef) -> Option<Workflow> {
    let tree = reader.tree;
    let coordination = tree.value(root, "workflow_coordination");
    reader.check_keys(root, &keys::ONEX_DOCUMENT);

    let definition = coordination.and_then(|c| {
        reader.mapping(c, "`workflow_coordination`")?;
        reader.check_keys(c, &keys::WORKFLOW_COORDINATION);
        reader.get_mapping(c, "workflow_definition")
    });
    let checked = |reader: &mut Reader<'_>, parent: Option<NodeRef>, key: &str, table: &Table| {
        let found = parent.and_then(|parent| reader.get_mapping(parent, key));
        if let Some(found) = found {
            reader.check_keys(found, table);
        }
        found
    };
    if let Some(definition) = definition {
        reader.check_keys(definition, &keys::WORKFLOW_DEFINITION);
    }
    let metadata = checked(reader, definition, "workflow_metadata", &keys::WORKFLOW_METADATA);
    let execution_graph = checked(reader, definition, "execution_graph", &keys::EXECUTION_GRAPH);
    let rules = RuleSet::read(
        reader,
        definition.and_then(|d| tree.value(d, "coordination_rules")),
        reader.tree.value(root, "error_handling"),
        &[metadata, coordination],
    );

    let mut graph = Graph::new(Dialect::Onex, &rules);
    let [nodes, edges] = ["nodes", "edges"].map(|key| execution_graph.and_then(|g| tree.value(g, key)));
    let is_empty = |list: NodeRef| matches!(tree.shape(list), Shape::Sequence([]));
    match (nodes, edges) {
        (Some(nodes), _) => graph.read_nodes(reader, nodes),
        (None, Some(edges)) if !is_empty(edges) && !reader.graph_elsewhere => reader.push(
            Diagnostic::error(codes::MISSING_KEY, "a graph with `edges` needs `nodes`")
                .at(tree.span(edges), "edges between which nodes?")
                .help("add `nodes: [{node_id: a, step_config: {run: [program, argument]}}]`"),
        ),
        _ => reader.no_graph(
            coordination.unwrap_or(root),
            "a workflow's nodes stand in `workflow_coordination.workflow_definition.execution_graph.nodes`",
        ),
    }
    if let (Some(_), Some(edges)) = (nodes, edges) {
        graph.read_edges(reader, edges);
    }
    let workflow_name = metadata.and_then(|metadata| reader.get_plain(metadata, "workflow_name"));
    let name = reader.get_plain(root, "name").or(workflow_name);
    let [contract_version, node_version] = ["contract_version", "node_version"]
        .map(|key| tree.value(root, key).and_then(|version| values::version(reader, version)));
    Some(Workflow {
        name: name.unwrap_or_else(|| "workflow".to_owned()),
        version: contract_version.or(node_version),
        description: reader.get_plain(root, "description"),
        nodes: graph.finish(reader),
        inputs: tree.value(root, "inputs").map_or_else(Vec::new, |i| inputs::declared(reader, i)),
        rules: rules.run,
        places: rules.places,
    })
}
