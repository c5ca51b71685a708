//! Prints the JSON Schema of contracts, and of what `onex` writes for machines.

use std::io::Write as _;

use super::console::Console;
use super::plan::finish;
use crate::config;
use crate::contract;
use crate::model::exit::ExitCode;

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A contract, in either dialect.
    Contract,
    /// The report of a run.
    Report,
    /// A line of `--events`.
    Event,
    /// A plan.
    Plan,
    /// What `onex validate` found.
    Validation,
    /// A settings file.
    Config,
}

impl Document {
    /// Every document with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("contract", Self::Contract),
        ("report", Self::Report),
        ("event", Self::Event),
        ("plan", Self::Plan),
        ("validation", Self::Validation),
        ("config", Self::Config),
    ];

    /// The schema as JSON text.
    #[must_use]
    pub fn schema(self) -> String {
        match self {
            Self::Contract => format!("{:#}\n", contract::schema()),
            Self::Config => format!("{:#}\n", config::schema()),
            Self::Report => include_str!("../../docs/schema/report.schema.json").to_owned(),
            Self::Event => include_str!("../../docs/schema/event.schema.json").to_owned(),
            Self::Plan => include_str!("../../docs/schema/plan.schema.json").to_owned(),
            Self::Validation => include_str!("../../docs/schema/validation.schema.json").to_owned(),
        }
    }
}

/// Prints a schema.
pub fn schema(document: Document, console: &mut Console) -> ExitCode {
    let text = document.schema();
    let written = console.out().write_all(text.as_bytes());
    finish(written, &mut console.err(), ExitCode::Success)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::model::plan_view::PlanView;
    use crate::model::validation::Validation;
    use crate::model::{RunEvent, RunReport};

    /// The schema of what a type looks like on the wire.
    fn of<T: JsonSchema>(name: &str, title: &str) -> Value {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let mut schema = serde_json::to_value(generator.into_root_schema_for::<T>()).unwrap();
        // An event is its own fields and those of its kind: only all of them together can be closed.
        let kinds: Vec<String> =
            parts(&schema["oneOf"]).filter_map(|kind| kind["$ref"].as_str()).map(str::to_owned).collect();
        close(&mut schema, false);
        for kind in kinds {
            if let Some(open) =
                schema.pointer_mut(kind.trim_start_matches('#')).and_then(Value::as_object_mut)
            {
                open.shift_remove("additionalProperties");
            }
        }
        let Value::Object(rest) = schema else { panic!("no object: {schema}") };
        let mut named = Map::new();
        named.insert("$schema".to_owned(), rest["$schema"].clone());
        named.insert("$id".to_owned(), format!("urn:onex:schema:{name}:1").into());
        named.insert("title".to_owned(), title.into());
        for (key, value) in rest.into_iter().filter(|(key, _)| key != "$schema" && key != "title") {
            named.insert(key, value);
        }
        named.into()
    }

    fn parts(list: &Value) -> impl Iterator<Item = &Value> {
        list.as_array().into_iter().flatten()
    }

    /// No object has other fields than those that are named, so that a forgotten one is noticed. Sizes of numbers in
    /// memory are nothing that a reader has to know.
    fn close(schema: &mut Value, is_kind: bool) {
        match schema {
            Value::Object(map) => {
                let is_kinds = map.contains_key("oneOf") && map.contains_key("properties");
                for (key, value) in map.iter_mut() {
                    match value {
                        Value::Array(kinds) if key == "oneOf" && is_kinds => {
                            kinds.iter_mut().for_each(|kind| close(kind, true));
                        }
                        value => close(value, false),
                    }
                }
                let format = map.get("format").and_then(Value::as_str).unwrap_or_default();
                if ["int", "uint", "double"].iter().any(|memory| format.starts_with(memory)) {
                    map.shift_remove("format");
                }
                if map.get("properties").is_some_and(Value::is_object) && map.contains_key("type") && !is_kind
                {
                    let closed = if is_kinds { "unevaluatedProperties" } else { "additionalProperties" };
                    map.insert(closed.to_owned(), false.into());
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| close(item, false)),
            _ => {}
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test looks at its own environment")]
    fn the_schemas_are_those_of_the_types() {
        let plan = || {
            let mut schema = of::<PlanView>("plan", "onex plan");
            schema["description"] =
                json!("What `onex plan --format json` gives for a contract that can be planned.");
            schema
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
        let mut differing = Vec::new();
        for (name, document) in Document::ALL {
            let expected = match document {
                Document::Contract => contract::schema(),
                Document::Report => of::<RunReport>(name, "onex report"),
                Document::Event => of::<RunEvent>(name, "onex event"),
                Document::Plan => plan(),
                Document::Validation => of::<Validation>(name, "onex validation"),
                Document::Config => config::schema(),
            };
            let file = folder.join(format!("{name}.schema.json"));
            let text = format!("{expected:#}\n");
            if fs::read_to_string(&file).unwrap_or_default() == text {
                continue;
            }
            if std::env::var_os("ONEX_GENERATE").is_some() {
                fs::write(&file, text).unwrap();
            } else {
                differing.push(file);
            }
        }
        assert!(differing.is_empty(), "`ONEX_GENERATE=1` writes {differing:?} anew");
    }
}
