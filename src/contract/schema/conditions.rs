//! What the keys of one mapping mean for each other.

use serde_json::{Map, Value, json};

use super::super::keys::{Key, Standing, Table, actions};
use super::forms::{constant, item};
use crate::model::workflow::InputType;

/// Definitions that conditions refer to.
pub(super) fn definitions() -> Map<String, Value> {
    let mut definitions = Map::new();
    definitions.insert("given".to_owned(), given("a value is missing"));
    definitions.insert("constant".to_owned(), constant());
    definitions.insert("off".to_owned(), json!({"enum": [null, false]}));
    definitions.insert("second_approval".to_owned(), second(&json!({"$ref": "#/$defs/off"})));
    definitions.insert("second_parallel".to_owned(), second(&json!({"type": ["boolean", "null"]})));
    definitions.insert("second_action".to_owned(), absent(SECOND));
    definitions.insert("one_action".to_owned(), json!({"allOf": one_action()}));
    definitions.insert("arguments".to_owned(), json!({"allOf": arguments()}));
    definitions
}

/// All conditions of a table.
pub(super) fn of(table: &Table) -> Vec<Value> {
    let has = |name: &str| table.keys().any(|key| key.name == name);
    let mut conditions: Vec<Value> = Vec::new();
    for names in table.required {
        let needed = present(names[0]);
        conditions.push(match names.get(1) {
            None => needed,
            Some(other) => json!({"if": present(other), "else": needed}),
        });
    }
    conditions.extend(table.rivals.iter().map(|(first, second)| {
        let message = format!("`{first}` and `{second}` say the same thing twice: keep one of them");
        when(both(first, second), json!({"properties": {(*second): absent(&message)}}))
    }));
    if has("run") {
        conditions.push(json!({"$ref": "#/$defs/one_action"}));
        conditions.push(json!({"$ref": "#/$defs/arguments"}));
    }
    if table.name == "fallback" {
        let acts: Vec<Value> = actions().map(acting).collect();
        conditions.push(json!({"if": {"not": {"anyOf": acts}}, "then": {"required": ["run"], "properties": {"run": given("a fallback needs an action")}}}));
    }
    if table.name == "execution_graph" {
        let nodes =
            json!({"required": ["nodes"], "properties": {"nodes": given("edges between which nodes?")}});
        let edges = json!({"not": {"type": "null"}, "if": {"type": "array"}, "then": {"minItems": 1}});
        let edges = json!({"required": ["edges"], "properties": {"edges": edges}});
        conditions.push(when(edges, nodes));
    }
    if has("retry") && has("idempotent") {
        let message = "a node that is not idempotent cannot have a `retry`";
        conditions.push(when(
            json!({"required": ["idempotent"], "properties": {"idempotent": {"const": false}}}),
            json!({"properties": {"retry": {"enum": [null, false, 0], "errorMessage": message}}}),
        ));
    }
    if has("scope") && has("destination") {
        let scope = |word: &str| json!({"required": ["scope"], "properties": {"scope": {"const": word}}});
        let message = "`scope: destination` goes with a `destination`, and `scope: node` without";
        conditions.push(when(
            scope("destination"),
            json!({"required": ["destination"], "properties": {"destination": given(message)}}),
        ));
        conditions.push(when(scope("node"), json!({"properties": {"destination": absent(message)}})));
    }
    if has("default") && has("type") {
        let text = json!({"properties": {"type": {"enum": [null, "string"]}}});
        conditions.push(when(text, json!({"properties": {"default": {"type": ["string", "null"]}}})));
        for (name, _) in InputType::ALL.into_iter().filter(|(name, _)| *name != "string") {
            conditions.push(when(
                json!({"required": ["type"], "properties": {"type": {"const": name}}}),
                json!({"properties": {"default": {"type": [name, "null"]}}}),
            ));
        }
    }
    conditions
}

#[expect(clippy::needless_pass_by_value, reason = "both become parts of the result")]
fn when(condition: Value, then: Value) -> Value {
    json!({"if": condition, "then": then})
}

/// A key with a value.
fn present(name: &str) -> Value {
    json!({"required": [name], "properties": {name: {"$ref": "#/$defs/given"}}})
}

fn both(first: &str, second: &str) -> Value {
    json!({
        "required": [first, second],
        "properties": {first: {"$ref": "#/$defs/given"}, second: {"$ref": "#/$defs/given"}},
    })
}

fn given(message: &str) -> Value {
    json!({"if": {"type": "null"}, "then": {"type": "string", "errorMessage": message}})
}

fn absent(message: &str) -> Value {
    json!({"type": "null", "errorMessage": message})
}

/// A key that declares an action.
fn acting(key: &Key) -> Value {
    match idle(key) {
        Some(idle) => json!({"required": [key.name], "properties": {key.name: {"not": idle}}}),
        None => present(key.name),
    }
}

/// What a key declares no action with; nothing but nothing for most: `run: false` runs `false`.
fn idle(key: &Key) -> Option<Value> {
    match (key.name, key.standing) {
        ("parallel", _) => Some(json!({"type": ["boolean", "null"]})),
        (_, Standing::Later) => Some(json!({"$ref": "#/$defs/off"})),
        _ => None,
    }
}

const SECOND: &str = "a node does one thing, and this is a second: make it two nodes";

/// A second action, but for what declares none.
fn second(idle: &Value) -> Value {
    json!({"if": idle, "else": absent(SECOND)})
}

/// Each action excludes those that come after it in the list.
fn one_action() -> Vec<Value> {
    let all: Vec<&Key> = actions().collect();
    let definition = |key: &Key| match (key.name, key.standing) {
        ("parallel", _) => json!({"$ref": "#/$defs/second_parallel"}),
        (_, Standing::Later) => json!({"$ref": "#/$defs/second_approval"}),
        _ => json!({"$ref": "#/$defs/second_action"}),
    };
    let others = |after: &[&Key]| -> Map<String, Value> {
        after.iter().map(|other| (other.name.to_owned(), definition(other))).collect()
    };
    (0..all.len() - 1)
        .map(|at| when(acting(all[at]), json!({"properties": others(&all[at + 1..])})))
        .collect()
}

/// What `args`, `kwargs`, `shell` and `with` may be depends on the action.
fn arguments() -> Vec<Value> {
    let in_run = "write the arguments into `run: [program, argument, …]`";
    let by_name = "only `python` takes arguments by name";
    let of_text = "`shell` chooses who runs a text";
    let of_component = "`with` has the arguments of a component that the node `uses`";
    let in_with = "the arguments of a component stand in `with`, by name";
    let shell = json!({
        "type": ["string", "array", "number", "boolean", "null"],
        "pattern": r"\S",
        "patternErrorMessage": "`shell` names no program",
        "minItems": 1,
        "prefixItems": [{"minLength": 1}],
        "items": item(),
    });
    let list = json!({"type": ["array", "string", "number", "boolean", "null"], "items": item()});
    let is_list = json!({"required": ["run"], "properties": {"run": {"type": "array"}}});
    vec![
        when(
            present("run"),
            json!({"properties": {"args": absent(in_run), "kwargs": absent(by_name), "with": absent(of_component)}}),
        ),
        json!({
            "if": is_list,
            "then": {"properties": {"shell": absent(of_text)}},
            "else": when(present("run"), json!({"properties": {"shell": shell}})),
        }),
        when(
            present("script"),
            json!({"properties": {
                "args": list,
                "kwargs": absent(by_name),
                "shell": absent(of_text),
                "with": absent(of_component),
            }}),
        ),
        when(
            present("python"),
            json!({"properties": {
                "args": {"type": ["array", "null"]},
                "kwargs": {"type": ["object", "null"]},
                "shell": absent(of_text),
                "with": absent(of_component),
            }}),
        ),
        json!({
            "if": {"anyOf": [present("uses"), present("effect_node")]},
            "then": {"properties": {
                "args": absent(in_with),
                "kwargs": absent(in_with),
                "shell": absent(of_text),
            }},
        }),
    ]
}
