//! Contract text to a checked [`Workflow`] and diagnostics. Both dialects of `contract.md` become the same
//! workflow, and every value keeps its place in the text until it has been checked.
//!
//! Pure, but for [`mod@file`] and [`Texts::gather`], which read the text. Finds no cycles: order is the business of `plan`.

mod command;
mod gaps;
mod graph;
mod include;
mod inputs;
mod keys;
mod kind;
mod node;
mod policy;
mod reader;
mod rules;
#[cfg(test)]
mod tests;
mod values;

pub use crate::base::text::parse_duration;
pub use crate::yaml::file;
pub use include::{Place, Texts};
pub use inputs::{parse_assignment, resolve_inputs};

use std::sync::Arc;

use crate::diag::{Diagnostic, Severity, SourceId, codes};
use crate::model::workflow::Workflow;
use crate::yaml::{self, Limits, NodeRef, Tree};

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
    let mut diagnostics = Vec::new();
    let limits = Limits::default();
    let tree =
        match yaml::load_with(texts.text(), (texts.source, &texts.included()), limits, &mut diagnostics) {
            Ok(tree) => tree,
            Err(error) => {
                diagnostics.push(*error);
                return Parsed { diagnostics, ..Parsed::default() };
            }
        };
    let unreadable = diagnostics.len();
    let has_gaps = diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    let mut reader = Reader { tree: &tree, diagnostics, refused_ids: Vec::new() };
    let (kind, workflow) = document(&mut reader, &tree);
    let mut diagnostics = reader.diagnostics;
    if has_gaps {
        let mut gaps = gaps::Gaps::of(&tree, texts);
        let mut at = 0;
        diagnostics.retain(|finding| {
            at += 1;
            at <= unreadable || gaps.leave_certain(finding)
        });
    }
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
    let Some(workflow) = tree.get(root, "workflow") else { return (kind, onex_document(reader, root)) };
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
    let error_handling =
        [workflow, root].into_iter().find_map(|place| reader.tree.value(place, "error_handling"));
    let rules =
        RuleSet::read(reader, coordination.and_then(|c| reader.tree.value(c, "rules")), error_handling, &[]);
    let mut graph = Graph::new(Dialect::Workflow, &rules);
    match reader.tree.value(workflow, "tasks") {
        Some(tasks) => graph.read_nodes(reader, tasks),
        None => reader.no_graph(workflow, "add `tasks: [{id: hello, run: echo hello}]`"),
    }
    Some(Workflow {
        name: reader.get_text(workflow, "name").unwrap_or_else(|| "workflow".to_owned()),
        version: reader.tree.value(workflow, "version").and_then(|v| values::version(reader, v)),
        description: reader.get_text(workflow, "description"),
        nodes: graph.finish(reader),
        inputs: reader.tree.value(workflow, "inputs").map_or_else(Vec::new, |i| inputs::declared(reader, i)),
        rules: rules.run,
    })
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
    match execution_graph.and_then(|g| tree.value(g, "nodes")) {
        Some(nodes) => {
            graph.read_nodes(reader, nodes);
            if let Some(edges) = execution_graph.and_then(|g| tree.value(g, "edges")) {
                graph.read_edges(reader, edges);
            }
        }
        None => reader.no_graph(
            coordination.unwrap_or(root),
            "a workflow's nodes stand in `workflow_coordination.workflow_definition.execution_graph.nodes`",
        ),
    }
    let name = reader.get_text(root, "name").or_else(|| reader.get_text(metadata?, "workflow_name"));
    let version = ["contract_version", "node_version"].into_iter().find_map(|key| tree.value(root, key));
    Some(Workflow {
        name: name.unwrap_or_else(|| "workflow".to_owned()),
        version: version.and_then(|v| values::version(reader, v)),
        description: reader.get_text(root, "description"),
        nodes: graph.finish(reader),
        inputs: tree.value(root, "inputs").map_or_else(Vec::new, |i| inputs::declared(reader, i)),
        rules: rules.run,
    })
}
