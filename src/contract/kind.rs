//! What a file is: a workflow, or something else, which is named for what it is.

use super::FileKind;
use super::reader::Reader;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, codes};
use crate::yaml::{Entry, NodeRef, Shape, Tree};

/// The keys that a workflow stands under.
const WORKFLOW_KEYS: [&str; 2] = ["workflow", "workflow_coordination"];

/// Files of other tools, by the keys that they have at the top.
const FOREIGN: [(&[&str], &str); 6] = [
    (&["on", "jobs"], "a workflow of GitHub Actions"),
    (&["stages", "script"], "a pipeline of GitLab"),
    (&["services"], "a Compose file"),
    (&["repos"], "a configuration of pre-commit"),
    (&["version", "tasks"], "a Taskfile"),
    (&["apiVersion", "kind"], "a Kubernetes object"),
];

/// Tells what a file is, and says so where it is no workflow.
pub(super) fn tell(reader: &mut Reader<'_>, root: NodeRef) -> FileKind {
    let tree = reader.tree;
    let Shape::Mapping(entries) = tree.shape(root) else {
        return something_else(reader, root);
    };
    if WORKFLOW_KEYS.iter().any(|key| tree.get(root, key).is_some()) {
        return FileKind::Orchestrator;
    }
    let node_type = tree.value(root, "node_type").and_then(|at| Some((tree.scalar(at)?, at)));
    let kind = node_type.map(|(word, _)| word.to_ascii_lowercase());
    let finding = Diagnostic::error(codes::NOT_A_CONTRACT, "this file declares no workflow");
    let (kind, finding) = match (kind.as_deref().map(|k| k.strip_suffix("_generic").unwrap_or(k)), node_type) {
        (Some("orchestrator"), _) => return FileKind::Orchestrator,
        (Some("workflow"), Some((_, at))) => (
            FileKind::Node,
            finding
                .at(tree.span(at), "a workflow of event handlers")
                .help("it routes events to handlers by `handler_routing`, which is another dialect; onex runs an `execution_graph`"),
        ),
        (Some(kind), Some((_, at))) => (
            FileKind::Node,
            finding
                .at(tree.span(at), match kind {
                    "effect" => "the contract of an effect, which is another kind of node",
                    "compute" => "the contract of a computation, which is another kind of node",
                    "reducer" => "the contract of a reducer, which is another kind of node",
                    _ => "another kind of node",
                })
                .help("only orchestrators declare a workflow; a node of this kind is run by one"),
        ),
        _ => untyped(tree, entries, finding),
    };
    reader.push(finding);
    kind
}

/// A mapping that says of itself neither that it is a workflow nor what else.
fn untyped(tree: &Tree<'_>, entries: &[Entry], finding: Diagnostic) -> (FileKind, Diagnostic) {
    let help = "a contract has `workflow:` with `tasks`, or `workflow_coordination:`";
    let find = |key: &str| entries.iter().find(|e| tree.scalar(e.key) == Some(key));
    let meant = |entry: &Entry| nearest(tree.scalar(entry.key).unwrap_or_default(), WORKFLOW_KEYS);
    if let Some(at) = find("entrypoint").or_else(|| find("meta_type")) {
        let finding = finding.at(tree.span(at.value), "the metadata of a component");
        return (FileKind::Component, finding.help("a component is run by a workflow"));
    }
    if let Some(entry) = entries.iter().find(|entry| meant(entry).is_some()) {
        let finding = finding.at(tree.span(entry.key), "no key of a contract").did_you_mean(meant(entry));
        return (FileKind::Other, finding.help(help));
    }
    if let Some((keys, what)) = FOREIGN.iter().find(|(keys, _)| keys.iter().all(|key| find(key).is_some()))
        && let Some(entry) = find(keys[keys.len() - 1])
    {
        return (FileKind::Other, finding.at(tree.span(entry.key), *what).help(help));
    }
    let (kind, label) = match (find("tasks"), find("contract_version"), entries) {
        (Some(tasks), ..) => {
            let finding = finding.at(tree.span(tasks.key), "stands alone");
            return (FileKind::Other, finding.help("`tasks` stand under `workflow:`"));
        }
        (_, Some(at), _) => {
            let finding = finding.at(tree.span(at.key), "a contract without `node_type`");
            return (
                FileKind::Node,
                finding.help("say `node_type: ORCHESTRATOR_GENERIC`, or what else it is").help(help),
            );
        }
        (.., [first, ..]) => (FileKind::Fragment, Some((first, "a piece that a contract can include"))),
        _ => (FileKind::Fragment, None),
    };
    let finding = match label {
        Some((entry, label)) => finding.at(tree.span(entry.key), label),
        None => finding,
    };
    (kind, finding.help(help))
}

/// A file that is no mapping.
fn something_else(reader: &mut Reader<'_>, root: NodeRef) -> FileKind {
    let tree = reader.tree;
    let (kind, label) = match tree.shape(root) {
        Shape::Null => (FileKind::Fragment, "there is nothing in this file".to_owned()),
        Shape::Sequence(_) => (FileKind::Fragment, "this is a list".to_owned()),
        shape => (FileKind::Other, format!("this is {}", shape.noun())),
    };
    reader.push(
        Diagnostic::error(codes::NOT_A_CONTRACT, "a contract is a mapping")
            .at(tree.span(root), label)
            .help("start with `workflow:` and a list of `tasks`"),
    );
    kind
}
