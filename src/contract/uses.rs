//! A node that runs a component: its name and range, and its arguments. Which component that is, is found out later.

use serde_json::{Map, Value};

use super::command::{expressions, read_surroundings, without_effect};
use super::reader::Reader;
use crate::base::NodeId;
use crate::base::text::clip;
use crate::diag::{Diagnostic, codes};
use crate::model::component::Reference;
use crate::model::uses::{FILES, Uses, as_text, variable};
use crate::model::workflow::Resources;
use crate::yaml::{NodeRef, Shape};

/// The longest argument: variables of programs are bounded.
const MAX_ARGUMENT: usize = 64 * 1024;

/// What all names of components are like; beyond ASCII every character passes. The schema has it, too.
pub(super) const REFERENCE_PATTERN: &str =
    r"^\s*[^\x00-/:-@\[-^`{-\x7f][^\x00-*,/:-@\[-^`{-\x7f]*\s*(@[\s\S]*)?$";

/// Whether a text is the name of a component.
fn is_name(name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    name.starts_with(|c: char| c.is_alphanumeric() || c == '_') && name.chars().all(inside)
}

/// Reads `uses: name@range`, or `effect_node: name`; the arguments stand in `holder` beside it.
pub(super) fn read(
    reader: &mut Reader<'_>,
    holder: NodeRef,
    (key, value): (&'static str, NodeRef),
) -> Option<Uses> {
    let surroundings = read_surroundings(reader, holder);
    let with = read_arguments(reader, holder);
    without_effect(reader, holder, (key, value));
    let span = reader.tree.span(value);
    let Shape::Text(text) = reader.tree.shape(value) else {
        reader.wrong_type(value, &format!("`{key}`"), "the name of a component");
        return None;
    };
    let name = text.split_once('@').map_or(text, |(name, _)| name).trim();
    if !is_name(name) {
        let message = format!("`{key}` cannot be `{}`", clip(text, 60));
        let finding = Diagnostic::error(codes::BAD_VALUE, message).at(span, "no name of a component");
        reader.push(finding.help("write `name`, `namespace.name` or `name@^1.2`"));
        return None;
    }
    match text.parse::<Reference>() {
        Ok(reference) => Some(Uses {
            reference,
            span,
            may_be_elsewhere: key == "effect_node",
            with: with.unwrap_or_default(),
            surroundings,
            resources: Resources::default(),
            says_kind: false,
            says_timeout: false,
            component: None,
            given: None,
            wanted: true,
        }),
        Err(error) => {
            let message = format!("`{}` has no range of versions", clip(text, 60));
            let finding = Diagnostic::error(codes::BAD_RANGE, message).at(span, error.to_string());
            reader.push(finding.help("write `name@1.2.0`, `name@^1.2` or `name@>=1 <2`"));
            None
        }
    }
}

/// Reads `with`: arguments by name, whatever the action is.
pub(super) fn read_arguments(reader: &mut Reader<'_>, holder: NodeRef) -> Option<Map<String, Value>> {
    let tree = reader.tree;
    let with = tree.value(holder, "with")?;
    let entries = reader.mapping(with, "`with`")?;
    let mut arguments = Map::new();
    for entry in entries {
        let span = tree.span(entry.key);
        let Some(name) = tree.scalar(entry.key) else {
            reader.wrong_type(entry.key, "the name of an argument", "text");
            continue;
        };
        if let Err(error) = NodeId::new(name) {
            let message = format!("`{}` cannot be the name of an argument", clip(name, 40));
            reader.push(Diagnostic::error(codes::BAD_ID, message).at(span, error.to_string()));
            continue;
        }
        let same = arguments.keys().find(|known: &&String| variable(known) == variable(name));
        if let Some(same) = same.filter(|same| *same != name) {
            let message = format!("`{same}` and `{name}` would be the same variable `{}`", variable(name));
            reader.push(Diagnostic::error(codes::CONFLICTING_KEYS, message).at(span, "give it another name"));
            continue;
        }
        let value = tree.to_json(entry.value);
        let text = as_text(&value);
        expressions(reader, entry.value, &text);
        if text.len() > MAX_ARGUMENT || text.contains('\0') {
            let (what, label) = match text.contains('\0') {
                true => ("text for a program cannot hold a NUL byte", "holds a NUL byte"),
                false => ("an argument is at most 64 KiB long", "too long"),
            };
            let finding = Diagnostic::error(codes::BAD_VALUE, what).at(tree.span(entry.value), label);
            reader.push(match text.contains('\0') {
                true => finding,
                false => finding.help("put it into a file, and give the component its name"),
            });
            continue;
        }
        if name == FILES && !are_files(&value) {
            let at = tree.span(entry.value);
            let finding = Diagnostic::error(codes::WRONG_TYPE, "`files` is a list of names of files");
            reader.push(finding.at(at, format!("this is {}", tree.shape(entry.value).noun())));
            continue;
        }
        arguments.insert(name.to_owned(), value);
    }
    Some(arguments)
}

/// Whether a value is a list of names, or one name.
fn are_files(value: &Value) -> bool {
    let is_name = |value: &Value| value.as_str().is_some_and(|name| !name.is_empty());
    is_name(value) || value.as_array().is_some_and(|all| all.iter().all(is_name))
}
