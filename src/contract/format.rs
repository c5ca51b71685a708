//! The one form of a contract: that of YAML, with the names that the contract language writes.

use std::sync::Arc;

use super::Dialect;
use crate::diag::{Diagnostic, Severity, SourceId, Span, codes};
use crate::yaml::{self, FormatError, Limits, NodeRef, Rename, Shape, Tree};

/// Names of keys on nodes, with the name that is written instead.
const SYNONYMS: [(&str, &str); 2] = [("dependencies", "depends_on"), ("condition", "when")];

/// Why a contract is left as it is.
#[derive(Debug)]
pub enum FormatRefusal {
    /// It is no YAML that could be set out.
    Findings(Vec<Diagnostic>),
    /// The new text would not mean the same, so there is none.
    Changed(String),
}

/// The text in its one form. A file that is no contract has that of YAML.
///
/// # Errors
///
/// If the text is not one document of YAML, or would not mean the same afterwards.
pub fn format(source: SourceId, text: &Arc<String>) -> Result<String, FormatRefusal> {
    let mut findings = Vec::new();
    let limits = Limits::default();
    let tree = match yaml::load(text, source, limits, &mut findings) {
        Ok(tree) => tree,
        Err(finding) => {
            findings.push(*finding);
            return Err(FormatRefusal::Findings(errors(findings)));
        }
    };
    if findings.iter().any(|found| [codes::SYNTAX, codes::SEVERAL_DOCUMENTS].contains(&found.code)) {
        findings.retain(|found| [codes::SYNTAX, codes::SEVERAL_DOCUMENTS].contains(&found.code));
        return Err(FormatRefusal::Findings(errors(findings)));
    }
    // What other places take over under its name may be no node there, or have the other name.
    let renames = if shares(text) { Vec::new() } else { renames(&tree) };
    drop(tree);
    yaml::format(text, &renames, limits).map_err(|error| match error {
        FormatError::Changed(how) => FormatRefusal::Changed(how),
        error @ FormatError::NotYaml => FormatRefusal::Changed(error.to_string()),
    })
}

fn errors(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    findings.retain(|found| found.severity == Severity::Error);
    findings
}

/// Whether a text may name a part of itself, or include another: an anchor, an alias or a tag stands behind a space or
/// a bracket, and a name behind it.
fn shares(text: &str) -> bool {
    text.as_bytes().windows(3).any(|at| {
        matches!(at[0], b' ' | b'\t' | b'\n' | b'[' | b'{' | b',')
            && matches!(at[1], b'&' | b'*')
            && (at[2].is_ascii_alphanumeric() || at[2] == b'_')
    })
}

/// The keys that are written with another name.
fn renames(tree: &Tree<'_>) -> Vec<Rename<'static>> {
    let below = |path: &[&str]| path.iter().try_fold(tree.root(), |node, key| tree.value(node, key));
    let onex = ["workflow_coordination", "workflow_definition", "execution_graph", "nodes"];
    let (nodes, dialect) = match (below(&["workflow", "tasks"]), below(&onex)) {
        (Some(tasks), None) => (tasks, Dialect::Workflow),
        (None, Some(nodes)) => (nodes, Dialect::Onex),
        _ => return Vec::new(),
    };
    let Shape::Sequence(nodes) = tree.shape(nodes) else { return Vec::new() };
    nodes.iter().flat_map(|&node| renames_on(tree, node, dialect)).collect()
}

fn renames_on(tree: &Tree<'_>, node: NodeRef, dialect: Dialect) -> Vec<Rename<'static>> {
    let Shape::Mapping(entries) = tree.shape(node) else { return Vec::new() };
    let id = if dialect == Dialect::Onex { ("id", "node_id") } else { ("node_id", "id") };
    let place = tree.span(node);
    // What is merged into the node is written elsewhere, and may have another meaning there.
    let is_here = |key: Span| key.source == place.source && (place.start..place.end).contains(&key.start);
    SYNONYMS
        .into_iter()
        .chain([id])
        .filter(|(_, name)| tree.get(node, name).is_none())
        .flat_map(|(synonym, text)| {
            let found = entries.iter().filter(move |entry| tree.scalar(entry.key) == Some(synonym));
            found.map(move |entry| Rename { span: tree.span(entry.key), text })
        })
        .filter(|rename| is_here(rename.span))
        .collect()
}
