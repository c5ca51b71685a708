//! What a contract says about itself: its kind, and how far it is.

use super::keys;
use super::keys::words::{self, NODE_KINDS};
use super::reader::Reader;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, codes};
use crate::model::workflow::NodeKind;
use crate::yaml::{NodeRef, Shape};

/// Looks at `metadata`, and warns of a contract that is deprecated.
pub(super) fn check_metadata(reader: &mut Reader<'_>, holder: NodeRef) {
    if !matches!(reader.tree.shape(holder), Shape::Mapping(_)) {
        return;
    }
    let Some(metadata) = reader.get_mapping(holder, "metadata") else { return };
    reader.check_keys(metadata, &keys::METADATA);
    for key in ["tags", "stages"] {
        if let Some(list) = reader.tree.value(metadata, key) {
            let what = format!("`{key}`");
            for (text, at) in reader.texts(list, &what) {
                reader.is_plain(at, &format!("an item of {what}"), text);
            }
        }
    }
    let [replacement, sunset, warning] =
        ["replacement", "sunset_date", "deprecation_warning"].map(|key| reader.get_plain(metadata, key));
    let Some(lifecycle) = reader.tree.value(metadata, "lifecycle") else { return };
    let Some(word) = reader.text(lifecycle, "`lifecycle`") else { return };
    if word.eq_ignore_ascii_case("deprecated") {
        let label = warning.unwrap_or_else(|| "not to be used any more".to_owned());
        let finding = Diagnostic::warning(codes::DEPRECATED_CONTRACT, "the contract is deprecated")
            .at(reader.tree.span(lifecycle), label);
        let advice = match (replacement, sunset) {
            (Some(replacement), Some(sunset)) => {
                Some(format!("use `{replacement}`; this one ends on {sunset}"))
            }
            (Some(replacement), None) => Some(format!("use `{replacement}`")),
            (None, Some(sunset)) => Some(format!("it ends on {sunset}")),
            (None, None) => None,
        };
        reader.push(advice.into_iter().fold(finding, Diagnostic::help));
    } else if !words::has(&words::LIFECYCLES, &word.to_ascii_lowercase())
        && let Some(meant) = nearest(word, words::names(&words::LIFECYCLES))
    {
        reader.push(
            Diagnostic::warning(codes::BAD_VALUE, format!("onex knows no lifecycle `{word}`"))
                .at(reader.tree.span(lifecycle), "kept as it is")
                .did_you_mean(Some(meant)),
        );
    }
}

/// Says where a contract with a graph says that it is something else.
pub(super) fn check_node_type(reader: &mut Reader<'_>, root: NodeRef) {
    let Some(node) = reader.tree.value(root, "node_type") else { return };
    // What is no text says nothing of kinds.
    let Some(kind) = reader.tree.scalar(node).and_then(|_| read_kind(reader, node)) else { return };
    if !matches!(kind, NodeKind::Orchestrator | NodeKind::Other(_)) {
        let message = format!("the contract declares a workflow and says that it is of the kind `{kind}`");
        reader.push(
            Diagnostic::warning(codes::DISAGREEMENT, message)
                .at(reader.tree.span(node), "this has no effect")
                .help("what declares a workflow is an `ORCHESTRATOR_GENERIC`"),
        );
    }
}

/// A kind of node. Words that are none are kept, and told of where they look like one.
pub(super) fn read_kind(reader: &mut Reader<'_>, node: NodeRef) -> Option<NodeKind> {
    let word = reader.text(node, "`node_type`")?;
    let kind = NodeKind::from_word(word);
    if let NodeKind::Other(_) = kind {
        let lower = word.to_ascii_lowercase();
        let stem = lower.strip_suffix("_generic").unwrap_or(&lower);
        if let Some(meant) = nearest(stem, words::names(&NODE_KINDS)) {
            reader.push(
                Diagnostic::warning(codes::BAD_VALUE, format!("onex knows no kind of node `{word}`"))
                    .at(reader.tree.span(node), "kept as it is")
                    .did_you_mean(Some(meant)),
            );
        }
    }
    Some(kind)
}
