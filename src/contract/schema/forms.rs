//! Forms of values as JSON Schema.

use serde_json::{Map, Value, json};

use super::super::keys::words::{FILESYSTEMS, RETRIED, SANDBOXES, Word, names};
use super::super::keys::{Form, Names, Table, VERSION};
use super::super::sandbox::PATH_PATTERN;
use super::super::uses::REFERENCE_PATTERN;
use super::super::values::{Unit, VERSION_PATTERN, Zero};
use crate::base::NodeId;
use crate::model::workflow::InputType;

/// A century, which is for ever.
const CENTURY_S: u64 = 100 * 365 * 24 * 3600;

/// The grammar of ids.
const ID: &str = "^[A-Za-z_][A-Za-z0-9_.-]*$";

/// What an expression in a text begins with.
const EXPRESSION: &str = r"\$\{\{";

/// Text in which an expression would stay as it is.
fn plain(schema: Value) -> Value {
    let expression = json!({"type": "string", "pattern": EXPRESSION});
    with(schema, json!({"allOf": [unlike(&expression, "an expression would stay here as it is written")]}))
}

/// A value without an expression anywhere in it.
pub(super) fn constant() -> Value {
    let within = json!({"$ref": "#/$defs/constant"});
    plain(json!({"items": within, "additionalProperties": within}))
}

/// Nothing that stands here is right. Editors show a message of our own with `type`, and not with `not`.
pub(super) fn refused(message: &str) -> Value {
    json!({"type": "null", "errorMessage": message, "not": {"type": "null"}, "doNotSuggest": true})
}

/// A value that is not of this kind, with a message about one that is.
pub(super) fn unlike(kind: &Value, message: &str) -> Value {
    json!({"if": kind, "then": {"type": "null", "errorMessage": message}})
}

/// Text is what is written: numbers and booleans, too. Said so that editors do not offer `true` and `false` for it;
/// nothing passes, too.
pub(super) fn scalar() -> Value {
    json!({"if": {"type": ["object", "array"]}, "then": {"type": "string"}})
}

/// The same where there has to be something.
pub(super) fn item() -> Value {
    json!({"if": {"type": ["object", "array", "null"]}, "then": {"type": "string"}})
}

fn with(mut schema: Value, more: Value) -> Value {
    if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), more) {
        schema.extend(more);
    }
    schema
}

/// A pattern that a word matches in any case.
pub(super) fn any_case(word: &str) -> String {
    let either = |c: char| match c.is_ascii_alphabetic() {
        true => format!("[{}{c}]", c.to_ascii_uppercase()),
        false => c.to_string(),
    };
    word.chars().map(either).collect()
}

/// What may stand under a key: a value of this form, or nothing.
pub(super) fn under_key(form: &Form) -> Map<String, Value> {
    let mut schema = object(of(form));
    match schema.get_mut("type") {
        Some(Value::Array(types)) => types.push("null".into()),
        Some(one) => *one = json!([one, "null"]),
        None => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    if let Some(Value::Array(values)) = schema.get_mut("anyOf") {
        values.push(json!({"type": "null"}));
    }
    schema
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A value of this form. Where a table describes it, its definition says whether nothing may stand there.
fn of(form: &Form) -> Value {
    match *form {
        Form::Any => json!({}),
        Form::Text => scalar(),
        Form::Suggested(words) => with(scalar(), json!({"examples": names(words)})),
        Form::Plain => plain(scalar()),
        Form::Constant => json!({"$ref": "#/$defs/constant"}),
        Form::Object => json!({"type": "object"}),
        Form::Id => json!({
            "if": {"type": ["object", "array", "number"]},
            "then": {"type": "string"},
            "pattern": ID,
            "patternErrorMessage": "an id starts with a letter or `_` and holds letters, digits, `_`, `.` and `-`",
            "maxLength": NodeId::MAX_LEN,
        }),
        Form::Matching { pattern, means } => {
            with(scalar(), json!({"pattern": pattern, "patternErrorMessage": format!("this is {means}")}))
        }
        Form::OnlyMatching { pattern, means } => {
            json!({"type": "string", "pattern": pattern, "patternErrorMessage": format!("this is {means}")})
        }
        Form::Reference => json!({
            "type": "string",
            "pattern": REFERENCE_PATTERN,
            "patternErrorMessage": "this is `name`, `namespace.name` or `name@^1.2`",
        }),
        Form::Bool => json!({"type": "boolean"}),
        Form::Count(least) => json!({"type": "integer", "minimum": least, "maximum": u32::MAX}),
        Form::Number(least, most) => {
            let mut schema = json!({"type": "number", "minimum": least});
            if let Some(most) = most {
                schema["maximum"] = most.into();
            }
            schema
        }
        Form::Duration(unit, zero) => duration(unit, zero),
        Form::Size => size(i64::MAX.unsigned_abs()),
        Form::Megabytes => size(u32::MAX.into()),
        Form::Processors => json!({
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": u32::MAX,
            "pattern": r"^\s*\+?0*[1-9][0-9]*\s*(cores|core|cpus|cpu)?\s*$",
            "patternErrorMessage": "a whole number of processors, such as `4` or `4 cores`",
        }),
        Form::Word(words) => {
            json!({"type": "string", "enum": names(words), "enumDescriptions": meanings(words)})
        }
        Form::AnyCase(words) => in_any_case(words, ""),
        Form::Destination => with(
            scalar(),
            json!({"pattern": r"\S", "patternErrorMessage": "a destination has a name", "maxLength": 200}),
        ),
        Form::RetryOn => {
            let mut schema =
                json!({"type": ["array", "string"], "minItems": 1, "items": in_any_case(&RETRIED, FAILURES)});
            schema["pattern"] = in_any_case(&RETRIED, FAILURES)["anyOf"][1]["pattern"].take();
            schema
        }
        Form::Texts => {
            plain(json!({"type": ["array", "string", "number", "boolean"], "items": plain(item())}))
        }
        Form::Dependencies => {
            json!({"type": ["array", "string"], "items": {"$ref": "#/$defs/dependency"}})
        }
        Form::Mappings(table) => json!({"type": "array", "items": reference(table)}),
        Form::Mapping(table)
        | Form::Switched(table)
        | Form::Fallback(table)
        | Form::Sandbox(table)
        | Form::Filesystem(table) => reference(table),
        Form::Paths => {
            let path = json!({
                "minLength": 1,
                "pattern": PATH_PATTERN,
                "patternErrorMessage": "a path: only one's own home folder can be named, as `~/…`",
            });
            let paths = json!({"type": ["array", "string", "number", "boolean"], "items": plain(with(item(), path.clone()))});
            plain(with(paths, path))
        }
        Form::Named(Names::Variables) => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[^=\\u0000]+$", "not": {"pattern": EXPRESSION}},
            "additionalProperties": scalar(),
        }),
        Form::Named(Names::Arguments) => json!({
            "type": "object",
            "propertyNames": {"pattern": ID, "maxLength": NodeId::MAX_LEN},
            "properties": {"files": {"type": ["string", "array"], "minLength": 1, "items": {"type": "string", "minLength": 1}}},
        }),
        Form::Named(Names::Groups) => {
            json!({"type": "object", "additionalProperties": of(&Form::Count(1))})
        }
        Form::Named(Names::Inputs(table)) => {
            json!({
                "type": "object",
                "propertyNames": {"pattern": ID, "maxLength": NodeId::MAX_LEN},
                "additionalProperties": reference(table),
            })
        }
        Form::Program => json!({
            "if": {"type": "object"},
            "then": {"type": ["string", "array"]},
            "pattern": r"\S",
            "patternErrorMessage": "there is nothing to run",
            "minItems": 1,
            "prefixItems": [with(item(), json!({"minLength": 1}))],
            "items": item(),
            "allOf": [unlike(
                &json!({"type": "string", "pattern": EXPRESSION}),
                "data is never pasted into text that an interpreter runs: give it by `env` or `stdin`",
            )],
        }),
        Form::InputType => json!({"type": "string", "enum": InputType::ALL.map(|(name, _)| name)}),
        Form::Version => json!({
            "type": ["string", "number", "object"],
            "minimum": 0,
            "pattern": VERSION_PATTERN,
            "patternErrorMessage": "a version such as `1.0.0`",
            "if": {"type": "object"},
            "then": reference(&VERSION),
        }),
        Form::BoolOr(words) => {
            json!({"enum": words_and_bools(words)})
        }
        Form::BoolOrNames(words) => json!({
            "type": ["string", "boolean", "array"],
            "anyOf": [{"enum": words_and_bools(words)}, {"type": "array"}],
            "items": item(),
        }),
    }
}

/// What failures are called beside the words: the later `http:…`, codes, and kinds of error, which begin like types.
const FAILURES: &str = r"|exit:\+?0*([1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])|http:[\s\S]*|[A-Z][^:]*";

fn in_any_case(words: &'static [Word], others: &str) -> Value {
    let patterns: Vec<String> = words.iter().map(|(word, _)| any_case(word)).collect();
    let list = names(words).iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    json!({
        "type": "string",
        "anyOf": [
            {"enum": names(words), "enumDescriptions": meanings(words)},
            {"pattern": format!("^({}{others})$", patterns.join("|")), "patternErrorMessage": format!("one of {list}")},
        ],
    })
}

fn meanings(words: &[Word]) -> Vec<&'static str> {
    words.iter().map(|(_, meaning)| *meaning).collect()
}

fn words_and_bools(words: &'static [Word]) -> Vec<Value> {
    names(words).into_iter().map(Value::from).chain([true.into(), false.into()]).collect()
}

fn duration(unit: Unit, zero: Zero) -> Value {
    let bound = if zero == Zero::Allowed { "minimum" } else { "exclusiveMinimum" };
    let mut schema = match unit {
        Unit::Millis => json!({"type": "integer", "maximum": CENTURY_S * 1000}),
        Unit::Seconds => json!({
            "type": ["number", "string"],
            "maximum": CENTURY_S,
            "pattern": concat!(
                r"^\s*(\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?",
                r"|([0-9]+\.?[0-9]*|\.[0-9]+)(ms|sec|s|min|m|h|d)(\s*([0-9]+\.?[0-9]*)(ms|sec|s|min|m|h|d))*)\s*$"
            ),
            "patternErrorMessage": "seconds as a number, or text such as `30s`, `2m`, `500ms`, `1h`",
        }),
    };
    schema[bound] = 0.into();
    if unit == Unit::Seconds && zero == Zero::Refused {
        let nothing = json!({"type": "string", "pattern": r"^[^1-9eE]*0[^1-9eE]*([eE][+-]?[0-9]+)?[^1-9]*$"});
        schema["allOf"] = json!([unlike(&nothing, "this is no time at all")]);
    }
    schema
}

/// A size. What would be too large to count has too many digits here.
fn size(most: u64) -> Value {
    json!({
        "type": ["integer", "string"],
        "minimum": 1,
        "maximum": most,
        "pattern": concat!(
            r"^\s*0*([1-9][0-9]{0,18}\s*[bB]?|([1-9][0-9]{0,15}\s*[kK]|[1-9][0-9]{0,12}\s*[mM]",
            r"|[1-9][0-9]{0,9}\s*[gG]|[1-9][0-9]{0,6}\s*[tT])([iI]?[bB])?)\s*$"
        ),
        "patternErrorMessage": "a size such as `512MB`, `8GB`",
    })
}

fn reference(table: &Table) -> Value {
    json!({"$ref": format!("#/$defs/{}", table.name)})
}

/// The definition of a mapping, with all that may stand in its place.
pub(super) fn in_place_of(table: &Table, mapping: Map<String, Value>) -> Value {
    let mut schema = Map::new();
    match table.name {
        // Items of lists, and the documents.
        "node" | "task" | "edge" | "workflow" => _ = schema.insert("type".to_owned(), "object".into()),
        "onex_document" => {}
        "workflow_document" => {
            schema.insert("title".to_owned(), "a workflow with tasks".into());
            schema.insert("required".to_owned(), json!(["workflow"]));
        }
        "dependency" => {
            schema.insert("type".to_owned(), json!(["string", "object", "number", "boolean"]));
        }
        "input" => {
            let types = of(&Form::InputType);
            schema.insert("type".to_owned(), json!(["object", "string", "null"]));
            schema.insert("if".to_owned(), json!({"type": "string"}));
            schema.insert("then".to_owned(), types);
        }
        // Or what switches it off.
        "circuit_breaker" | "retry" => {
            schema.insert("anyOf".to_owned(), json!([{"type": ["object", "null"]}, {"enum": [false, 0]}]));
        }
        // Or a word for one, or what switches it off.
        "sandbox" => in_place_of_words(&mut schema, &SANDBOXES, &[false.into()]),
        "sandbox_paths" => in_place_of_words(&mut schema, &FILESYSTEMS, &[]),
        // Or the id of a node, or what switches it off.
        "fallback" => {
            schema.insert("type".to_owned(), json!(["string", "object", "number", "boolean", "null"]));
            schema.insert(
                "if".to_owned(),
                json!({"type": "object", "not": {"required": ["enabled"], "properties": {"enabled": {"const": false}}}}),
            );
            schema.insert("then".to_owned(), mapping.into());
            return schema.into();
        }
        _ => _ = schema.insert("type".to_owned(), json!(["object", "null"])),
    }
    schema.extend(mapping);
    schema.into()
}

/// A mapping, nothing, or one of these words or values.
fn in_place_of_words(schema: &mut Map<String, Value>, words: &'static [Word], others: &[Value]) {
    let allowed: Vec<Value> =
        names(words).into_iter().map(Value::from).chain(others.iter().cloned()).collect();
    schema.insert("anyOf".to_owned(), json!([{"type": ["object", "null"]}, {"enum": allowed}]));
}
