//! Settings files as a JSON Schema, draft 2020-12, made from the tables in `keys`.

use serde_json::{Map, Value, json};

use super::keys::{Form, Key, Section};
use super::policies;
use crate::model::component::STAGES;

/// The JSON Schema of settings files.
#[must_use]
pub fn schema() -> Value {
    let stages: Map<String, Value> =
        STAGES.into_iter().map(|stage| (stage.to_owned(), table(Section::Stage(stage)))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:onex:schema:config:1",
        "title": "onex settings",
        "description": "A settings file of `onex`: the `onex.toml` of a project, of a user or of an organisation.",
        "type": "object",
        "properties": {
            "run": table(Section::Run),
            "node": table(Section::Node),
            "stage": {
                "description": "What holds for runs of one stage.",
                "type": "object",
                "properties": stages,
                "additionalProperties": false,
            },
            "policy": {
                "description": "What may run. All policies hold, whichever file says them.",
                "type": "array",
                "items": policies::schema(),
            },
            "trust": {
                "type": "object",
                "properties": {
                    "required": {
                        "type": "boolean",
                        "description": "Whether only what `onex trust` has pinned may run.",
                    },
                },
                "additionalProperties": false,
            },
        },
        "additionalProperties": false,
    })
}

fn table(section: Section) -> Value {
    let about = match section {
        Section::Run => "What holds for every run.".to_owned(),
        Section::Node => "What holds for every node.".to_owned(),
        Section::Stage(stage) => format!("What holds for runs of the stage `{stage}`."),
    };
    let properties: Map<String, Value> =
        section.keys().map(|key| (key.name.to_owned(), property(key))).collect();
    json!({
        "description": about,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut property = match key.form {
        Form::Flag => json!({"type": "boolean"}),
        Form::Count => json!({"type": "integer", "minimum": 1, "maximum": u32::MAX}),
        // Seconds, or text whose units editors need not check.
        Form::Time => json!({"type": ["number", "string"], "exclusiveMinimum": 0}),
        Form::Word(words) => json!({"type": "string", "enum": words}),
        Form::AnyOf(_) => json!({
            "type": ["string", "array"],
            "items": {"type": "string", "minLength": 1},
            "minLength": 1,
        }),
    };
    property["description"] = format!("{} Default: {}.", key.about, key.default).into();
    property
}
