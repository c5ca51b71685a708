//! Contract text to a checked [`Workflow`] and diagnostics. Both dialects of `contract.md` become the same
//! workflow, and every value keeps its place in the text until it has been checked.
//!
//! Pure, but for [`mod@file`], which reads the text. Finds no cycles: order is the business of `plan`.

mod command;
pub mod file;
mod graph;
mod inputs;
mod keys;
mod node;
mod policy;
mod reader;
mod rules;
#[cfg(test)]
mod tests;
mod values;

pub use inputs::{parse_assignment, resolve_inputs};
pub use values::parse_duration;

use crate::diag::{Diagnostic, Severity, SourceId, codes};
use crate::model::workflow::Workflow;
use crate::yaml::{self, Limits, NodeRef, Shape, Tree};

use graph::Graph;
use keys::Table;
use reader::Reader;
use rules::RuleSet;

/// The most nodes that a contract may have.
pub const MAX_NODES: usize = 200_000;

/// What came of reading a contract.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The workflow; absent where an error was found.
    pub workflow: Option<Workflow>,
    /// All that was found, in no order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a contract.
#[must_use]
pub fn parse(source: SourceId, text: &str) -> Parsed {
    let mut diagnostics = Vec::new();
    let tree = match yaml::load(text, source, Limits::default(), &mut diagnostics) {
        Ok(tree) => tree,
        Err(error) => {
            diagnostics.push(*error);
            return Parsed { workflow: None, diagnostics };
        }
    };
    let mut reader = Reader { tree: &tree, diagnostics, refused_ids: Vec::new() };
    let workflow = document(&mut reader, &tree);
    let diagnostics = reader.diagnostics;
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    Parsed { workflow: workflow.filter(|_| !failed), diagnostics }
}

/// Where the keys of nodes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// `workflow_coordination`: the action in `step_config`, the policy beside it.
    Onex,
    /// `workflow`: everything on the task.
    Workflow,
}

fn document(reader: &mut Reader<'_>, tree: &Tree<'_>) -> Option<Workflow> {
    let root = tree.root();
    if !matches!(tree.shape(root), Shape::Mapping(_)) {
        let noun = tree.shape(root).noun();
        reader.push(
            Diagnostic::error(codes::NOT_A_CONTRACT, "a contract is a mapping")
                .at(tree.span(root), format!("this is {noun}"))
                .help("start with `workflow:` and a list of `tasks`"),
        );
        return None;
    }
    if let Some(workflow) = tree.get(root, "workflow") {
        if let Some(other) = tree.get(root, "workflow_coordination") {
            reader.push(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "a contract has one workflow, and this one declares two",
                )
                .at(tree.span(other), "in the ONEX dialect")
                .at(tree.span(workflow), "in the workflow dialect"),
            );
            return None;
        }
        return workflow_document(reader, root, workflow);
    }
    onex_document(reader, root)
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
    let node_type = reader.get_text(root, "node_type");
    let coordination = tree.value(root, "workflow_coordination");
    if coordination.is_none() && !is_orchestrator(reader, root, node_type.as_deref()) {
        return None;
    }
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

/// Whether a document without `workflow_coordination` may still be an orchestrator; says what it is if not.
fn is_orchestrator(reader: &mut Reader<'_>, root: NodeRef, node_type: Option<&str>) -> bool {
    let tree = reader.tree;
    let finding = Diagnostic::error(codes::NOT_A_CONTRACT, "this file declares no workflow");
    let kind = node_type.map(str::to_ascii_lowercase);
    match (kind.as_deref().map(|k| k.strip_suffix("_generic").unwrap_or(k)), tree.value(root, "node_type")) {
        (Some("orchestrator"), _) => return true,
        (Some("workflow"), Some(at)) => reader.push(
            finding
                .at(tree.span(at), "a workflow of event handlers")
                .help("it routes events to handlers by `handler_routing`, which is another dialect; onex runs an `execution_graph`"),
        ),
        (Some(_), Some(at)) => reader.push(
            finding
                .at(tree.span(at), "another kind of node")
                .help("only orchestrators declare a workflow; a node of this kind is run by one"),
        ),
        _ => {
            let component = tree.value(root, "entrypoint").or_else(|| tree.value(root, "meta_type"));
            let finding = match component {
                Some(at) => finding.at(tree.span(at), "the metadata of a component"),
                None => finding,
            };
            let close = match tree.shape(root) {
                Shape::Mapping(entries) => {
                    entries.iter().find(|e| {
                        let key = tree.scalar(e.key).unwrap_or_default();
                        crate::base::text::nearest(key, ["workflow", "workflow_coordination"]).is_some()
                    })
                }
                _ => None,
            };
            let finding = match close {
                Some(entry) => {
                    let key = tree.scalar(entry.key).unwrap_or_default();
                    let meant = crate::base::text::nearest(key, ["workflow", "workflow_coordination"]);
                    finding.at(tree.span(entry.key), "no key of a contract").did_you_mean(meant)
                }
                None => finding,
            };
            reader.push(finding.help("a contract has `workflow:` with `tasks`, or `workflow_coordination:`"));
        }
    }
    false
}
