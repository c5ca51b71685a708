//! The inputs that a contract declares, and the values that a run is given for them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::keys;
use super::reader::Reader;
use crate::base::NodeId;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, codes};
use crate::model::workflow::{InputSpec, InputType};
use crate::yaml::{NodeRef, Shape};

/// Reads the declarations: `name: {type, description, required, default}`, or `name: type`.
pub(super) fn declared(reader: &mut Reader<'_>, inputs: NodeRef) -> Vec<InputSpec> {
    let tree = reader.tree;
    if tree.shape(inputs) == Shape::Null {
        return Vec::new();
    }
    let Some(entries) = reader.mapping(inputs, "`inputs`") else { return Vec::new() };
    let mut specs = Vec::new();
    for entry in entries {
        let Some(name) = tree.scalar(entry.key) else {
            reader.wrong_type(entry.key, "the name of an input", "text");
            continue;
        };
        if let Err(error) = NodeId::new(name) {
            let name = crate::base::text::clip(name, 40);
            let message = format!("`{name}` cannot be the name of an input");
            reader
                .push(Diagnostic::error(codes::BAD_ID, message).at(tree.span(entry.key), error.to_string()));
            continue;
        }
        let mut spec = InputSpec {
            name: name.to_owned(),
            kind: InputType::String,
            description: None,
            required: false,
            default: None,
        };
        match tree.shape(entry.value) {
            Shape::Null => {}
            Shape::Text(_) => spec.kind = input_type(reader, entry.value).unwrap_or_default(),
            Shape::Mapping(_) => {
                reader.check_keys(entry.value, &keys::INPUT);
                if let Some(kind) = tree.value(entry.value, "type") {
                    spec.kind = input_type(reader, kind).unwrap_or_default();
                }
                spec.description = reader.get_plain(entry.value, "description");
                let required = tree.value(entry.value, "required");
                spec.required = required.and_then(|n| reader.bool(n, "`required`")).unwrap_or(false);
                if let Some(default) = tree.value(entry.value, "default") {
                    let value = tree.to_json(default);
                    if holds_expression(&value) {
                        reader.is_plain(default, &format!("the default of `{name}`"), "${{");
                    } else if spec.kind.accepts(&value) {
                        spec.default = Some(value);
                    } else {
                        reader.wrong_type(default, &format!("the default of `{name}`"), article(spec.kind));
                    }
                }
            }
            _ => reader.wrong_type(
                entry.value,
                &format!("the input `{name}`"),
                "a mapping, or the name of a type",
            ),
        }
        specs.push(spec);
    }
    specs
}

/// Whether a text somewhere in a value holds an expression.
fn holds_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${{"),
        Value::Array(items) => items.iter().any(holds_expression),
        Value::Object(map) => map.values().any(holds_expression),
        _ => false,
    }
}

fn input_type(reader: &mut Reader<'_>, node: NodeRef) -> Option<InputType> {
    let word = reader.text(node, "`type`")?;
    let found = InputType::ALL.iter().find(|(name, _)| *name == word).map(|&(_, kind)| kind);
    if found.is_none() {
        reader.none_of(node, "the type of an input", &InputType::ALL.map(|(name, _)| name));
    }
    found
}

const fn article(kind: InputType) -> &'static str {
    match kind {
        InputType::String => "text",
        InputType::Integer => "a whole number",
        InputType::Number => "a number",
        InputType::Boolean => "`true` or `false`",
        InputType::Array => "a list",
        InputType::Object => "a mapping",
    }
}

/// Splits `name=value`.
///
/// # Errors
///
/// If there is no `=`, or no name before it.
pub fn parse_assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not `NAME=VALUE`")),
    }
}

/// The values of all declared inputs: those given as text, then those given as values, then the defaults.
///
/// # Errors
///
/// One finding for each unknown name, missing value and wrong type.
pub fn resolve_inputs(
    declared: &[InputSpec],
    texts: &[(String, String)],
    values: Map<String, Value>,
) -> Result<Map<String, Value>, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let mut refused = HashSet::new();
    let mut given = Map::new();
    for (name, value) in values {
        match declared.iter().find(|spec| spec.name == name) {
            Some(spec) if spec.kind.accepts(&value) => _ = given.insert(name, value),
            Some(spec) => {
                refused.insert(spec.name.as_str());
                findings.push(mismatch(spec, &value.to_string()));
            }
            None => findings.push(unknown(declared, &name)),
        }
    }
    for (name, text) in texts {
        match declared.iter().find(|spec| spec.name == *name) {
            Some(spec) => match from_text(spec.kind, text) {
                Some(value) => _ = given.insert(name.clone(), value),
                None => {
                    refused.insert(spec.name.as_str());
                    findings.push(mismatch(spec, text));
                }
            },
            None => findings.push(unknown(declared, name)),
        }
    }
    let mut complete = Map::new();
    for spec in declared {
        match given.remove(&spec.name).or_else(|| spec.default.clone()) {
            Some(value) => _ = complete.insert(spec.name.clone(), value),
            None if spec.required && !refused.contains(spec.name.as_str()) => {
                findings.push(
                    Diagnostic::error(
                        codes::MISSING_INPUT,
                        format!("the input `{}` is not given", spec.name),
                    )
                    .help(format!(
                        "add `--input {}=…` ({})",
                        spec.name,
                        spec.kind.name()
                    )),
                );
            }
            None => {}
        }
    }
    if findings.is_empty() { Ok(complete) } else { Err(findings) }
}

/// A value from the command line: text stays text, everything else is read as JSON.
fn from_text(kind: InputType, text: &str) -> Option<Value> {
    if kind == InputType::String {
        return Some(text.into());
    }
    serde_json::from_str(text).ok().filter(|value| kind.accepts(value))
}

fn mismatch(spec: &InputSpec, text: &str) -> Diagnostic {
    let shown = crate::base::text::clip(text, 40);
    Diagnostic::error(codes::BAD_INPUT, format!("the input `{}` cannot be `{shown}`", spec.name))
        .help(format!("it is {}, written as JSON", article(spec.kind)))
}

fn unknown(declared: &[InputSpec], name: &str) -> Diagnostic {
    let meant = nearest(name, declared.iter().map(|spec| spec.name.as_str()));
    let finding = Diagnostic::error(codes::UNKNOWN_INPUT, format!("the contract has no input `{name}`"));
    match (meant, declared.is_empty()) {
        (Some(_), _) => finding.did_you_mean(meant),
        (None, true) => finding.help("it declares no inputs"),
        (None, false) => {
            let names: Vec<_> = declared.iter().map(|spec| format!("`{}`", spec.name)).collect();
            finding.help(format!("it has {}", names.join(", ")))
        }
    }
}
