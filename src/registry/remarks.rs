//! What is in order as metadata, and not what its author wants: a stage would refuse it, or never have use for it.

use file_identify::{ALL_TAGS, Tag};

use super::checks::{not_carried_out, not_executable};
use super::fields::Fields;
use super::patterns::{idle, pattern};
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Severity, codes};
use crate::model::component::{Component, Kind, STAGES};
use crate::yaml::{NodeRef, Shape};

/// Types of components that stages run without being told to.
const RUN_BY_STAGES: [&str; 2] = ["validator", "test"];

/// Looks at all that was read of a component.
pub(super) fn remark(fields: &mut Fields<'_>, component: &Component) {
    for key in ["files", "exclude", "reads", "writes"] {
        for (node, text) in items(fields, fields.root, key) {
            remark_pattern(fields, key, (node, &text));
        }
    }
    for key in ["types", "types_or", "exclude_types"] {
        for (node, text) in items(fields, fields.root, key) {
            if Tag::from_name(&text).is_none() {
                let message = format!("there is no type of files `{text}`");
                let finding = Diagnostic::error(codes::UNKNOWN_FILE_TYPE, message);
                let finding = finding.at(fields.tree.span(node), "not known");
                fields.push(match nearest(&text, ALL_TAGS) {
                    None => finding.help("types are those of pre-commit, such as `python`, `yaml` or `text`"),
                    meant => finding.did_you_mean(meant),
                });
            }
        }
    }
    // Whoever wrote an entry point that cannot be read has been told.
    let is_wrong = fields.spans.contains_key("entrypoint") && component.entrypoint.is_none();
    let is_expected = RUN_BY_STAGES.contains(&component.meta_type.as_str()) || !component.stages().is_empty();
    let unfit = not_carried_out(component)
        .or_else(|| not_executable(component).filter(|_| is_expected && !is_wrong))
        .filter(|_| component.kind == Kind::Component);
    if let Some(mut found) = unfit {
        found.severity = Severity::Warning;
        if let (Some(label), Some(&at)) = (found.labels.first_mut(), fields.spans.get("entrypoint")) {
            label.span = at;
        }
        fields.push(found);
    }
}

/// Looks at the words by which something is selected, in all places that have them.
pub(super) fn remark_words(fields: &mut Fields<'_>, places: &[NodeRef]) {
    for &place in places {
        for (node, text) in items(fields, place, "tags").into_iter().filter(|(_, text)| text.contains(',')) {
            let list: Vec<&str> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
            let at = fields.tree.span(node);
            let message = format!("`{text}` is one tag with a comma in it");
            let finding = Diagnostic::warning(codes::JOINED_TAGS, message).at(at, "one tag");
            let is_alone = fields.tree.value(place, "tags").is_some_and(|tags| fields.tree.span(tags) == at);
            let written = list.join(", ");
            fields.push(match is_alone {
                true => {
                    finding.help(format!("write `tags: [{written}]`")).fixed_by(at, format!("[{written}]"))
                }
                false => finding.help(format!("write `{written}`")).fixed_by(at, written.clone()),
            });
        }
        for (node, text) in items(fields, place, "stages") {
            if STAGES.contains(&text.as_str()) {
                continue;
            }
            if let Some(meant) = nearest(&text, STAGES) {
                let message = format!("there is no stage `{text}`");
                let finding = Diagnostic::warning(codes::UNKNOWN_STAGE, message);
                let finding = finding.at(fields.tree.span(node), "kept as it is; no stage runs it");
                fields.push(finding.did_you_mean(Some(meant)));
            }
        }
    }
}

/// The texts under a key with their places; nothing where there are others.
fn items(fields: &Fields<'_>, place: NodeRef, key: &str) -> Vec<(NodeRef, String)> {
    let tree = fields.tree;
    let Some(node) = tree.value(place, key) else { return Vec::new() };
    let nodes = match tree.shape(node) {
        Shape::Sequence(items) => items.to_vec(),
        _ => vec![node],
    };
    nodes.into_iter().filter_map(|node| Some((node, tree.scalar(node)?.to_owned()))).collect()
}

fn remark_pattern(fields: &mut Fields<'_>, key: &str, (node, text): (NodeRef, &str)) {
    let at = fields.tree.span(node);
    if let Err(error) = pattern(text) {
        let message = format!("`{text}` is no pattern of files");
        let finding = Diagnostic::error(codes::BAD_PATTERN, message).at(at, error.kind().to_string());
        fields.push(finding.help(r"a character that has a meaning is written as itself after `\`: `\[`"));
    } else if let Some((why, help)) = idle(text) {
        let message = format!("`{text}` in `{key}` matches no file: {why}");
        let finding = Diagnostic::warning(codes::IDLE_PATTERN, message);
        fields.push(finding.at(at, "can match nothing").help(help));
    }
}
