//! The contract language as a JSON Schema, draft 2020-12, made from the tables in `keys`. Editors complete, explain and
//! check with it. What it cannot say is listed in `docs/schema.md`, and its tests hold it against the parser.
//!
//! One value can have one of several forms; the schema says so by a list of types, and not by `anyOf`, wherever that
//! is possible: then the message about a mistake names the mistake.

mod conditions;
mod forms;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::keys::{self, Form, Key, Names, Standing, Table};

/// The JSON Schema of contracts.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let mut open: Vec<&'static Table> = vec![&keys::ONEX_DOCUMENT, &keys::WORKFLOW_DOCUMENT];
    let mut seen: BTreeSet<&str> = open.iter().map(|table| table.name).collect();
    while let Some(table) = open.pop() {
        let within = table.keys().filter_map(|key| table_of(&key.form));
        open.extend(within.filter(|table| seen.insert(table.name)));
        definitions.insert(table.name.to_owned(), definition(table));
    }
    definitions.extend(conditions::definitions());
    definitions.sort_keys();
    let orchestrator = format!("^{}({})?$", forms::any_case("orchestrator"), forms::any_case("_generic"));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:onex:schema:contract:1",
        "title": "onex contract",
        "description": "A workflow that `onex` runs, in one of two dialects: `workflow` with `tasks`, or \
            `workflow_coordination` with an `execution_graph`.",
        "type": "object",
        "properties": {
            "workflow": {"description": about(&keys::WORKFLOW_DOCUMENT, "workflow")},
            "workflow_coordination": {"description": about(&keys::ONEX_DOCUMENT, "workflow_coordination")},
        },
        "if": {"anyOf": [
            {"required": ["workflow_coordination"]},
            {
                "required": ["node_type"],
                "properties": {"node_type": {"type": "string", "pattern": orchestrator}},
                "not": {"required": ["workflow"]},
            },
        ]},
        "then": {"$ref": "#/$defs/onex_document"},
        "else": {"$ref": "#/$defs/workflow_document"},
        "$defs": definitions,
    })
}

fn about(table: &Table, name: &str) -> &'static str {
    table.keys().find(|key| key.name == name).map_or("", |key| key.about)
}

/// The table that describes a mapping of this form.
fn table_of(form: &Form) -> Option<&'static Table> {
    match *form {
        Form::Mapping(table)
        | Form::Mappings(table)
        | Form::Switched(table)
        | Form::Fallback(table)
        | Form::Sandbox(table)
        | Form::Filesystem(table)
        | Form::Named(Names::Inputs(table)) => Some(table),
        Form::Dependencies => Some(&keys::DEPENDENCY),
        Form::Version => Some(&keys::VERSION),
        _ => None,
    }
}

/// One mapping. What else may stand in its place is said here, too.
fn definition(table: &'static Table) -> Value {
    let mut properties: Map<String, Value> =
        table.keys().map(|key| (key.name.to_owned(), property(key))).collect();
    if !table.strict {
        // The documents themselves, of which one has to be there as a whole.
        let workflow = match table.name {
            "workflow_document" => given_workflow(table),
            _ => forms::refused("a contract has one workflow, and this one declares two"),
        };
        properties.insert("workflow".to_owned(), workflow);
    }
    for (name, place) in table.misplaced().filter(|(name, _)| table.keys().all(|key| key.name != *name)) {
        let message = format!("`{name}` has no effect in {}: it belongs in {place}", table.place);
        properties.insert(name.to_owned(), forms::refused(&message));
    }
    if table.closed {
        for (name, meant) in table.habits() {
            let message = format!("{} has no key `{name}`: did you mean `{meant}`?", table.place);
            properties.entry(name).or_insert_with(|| forms::refused(&message));
        }
    }
    let mut definition = Map::new();
    definition.insert("properties".to_owned(), properties.into());
    if table.closed {
        definition.insert("additionalProperties".to_owned(), false.into());
    }
    let conditions = conditions::of(table);
    if !conditions.is_empty() {
        definition.insert("allOf".to_owned(), conditions.into());
    }
    forms::in_place_of(table, definition)
}

fn given_workflow(table: &Table) -> Value {
    json!({"description": about(table, "workflow"), "type": "object", "$ref": "#/$defs/workflow"})
}

/// What may stand under a key, with what editors show.
fn property(key: &Key) -> Value {
    let mut property = forms::under_key(&key.form);
    if key.standing == Standing::Later && !property.is_empty() {
        // What is not carried out yet can be switched off.
        property = Map::from_iter([
            ("if".to_owned(), json!({"const": false})),
            ("else".to_owned(), Value::Object(property)),
        ]);
    }
    let (note, short) = match key.standing {
        Standing::Read | Standing::Elsewhere(_) => (None, None),
        Standing::Kept => (Some(" Describes; onex does nothing about it."), None),
        Standing::Later | Standing::LaterEvenOff => (
            Some(" Not carried out yet by this version of onex: a contract with it plans and does not run."),
            Some("is not carried out yet by this version of onex"),
        ),
        Standing::Meaningless => (
            Some(" Means nothing to onex and changes nothing."),
            Some("means nothing to onex and changes nothing"),
        ),
        Standing::Always => (Some(" Always holds; `false` changes nothing."), None),
    };
    let default =
        key.default.map(|json| format!(" Default: `{}`.", json.trim_matches('"'))).unwrap_or_default();
    let description = format!("{}{default}{}", key.about, note.unwrap_or_default());
    property.insert("description".to_owned(), description.into());
    if let Some(short) = short {
        property.insert("deprecationMessage".to_owned(), format!("`{}` {short}", key.name).into());
    }
    if let Some(default) = key.default.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        property.insert("default".to_owned(), default);
    }
    property.into()
}
