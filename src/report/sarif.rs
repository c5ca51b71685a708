//! SARIF 2.1.0: findings and failed nodes with their places, for code scanning and for editors.

use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::Formatter;
use super::machine;
use super::places::{Correction, Places, Region, uri_path};
use crate::diag::{Code, Severity};
use crate::model::last_lines::last_lines;
use crate::model::outcome::{NodeStatus, RunStatus};
use crate::model::plan_view::PlanView;
use crate::model::report::{DiagnosticInfo, NodeResult, RunReport};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The name for the project root, which URIs are relative to.
const ROOT: &str = "SRCROOT";

/// How many of a failed node's last lines are in its message.
const LAST_LINES: usize = 12;

/// One SARIF log with one run.
#[derive(Debug, Default)]
pub(super) struct Sarif {
    places: Arc<Places>,
}

impl Formatter for Sarif {
    fn places(&mut self, places: &Arc<Places>) {
        self.places = Arc::clone(places);
    }

    fn report(&mut self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        machine::json(&Log { places: &self.places, rules: Vec::new() }.document(report), out)
    }

    fn plan(&mut self, _: &PlanView, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A log that is put together.
struct Log<'p> {
    places: &'p Places,
    /// The rules that results are about, in the order in which they come up.
    rules: Vec<(String, Value)>,
}

impl Log<'_> {
    fn document(mut self, report: &RunReport) -> Value {
        let corrections = self.places.corrections.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let mut results: Vec<Value> =
            report.diagnostics.iter().zip(corrections).map(|(found, fix)| self.finding(found, fix)).collect();
        let failed = report.results.iter().filter(|result| result.status == NodeStatus::Failed);
        results.extend(failed.map(|result| self.failed_node(report, result)));
        let name = report.contract.as_ref().map_or("onex", |contract| contract.name.as_str());
        let rules: Vec<Value> = self.rules.into_iter().map(|(_, rule)| rule).collect();
        let mut run = json!({
            "tool": {"driver": {
                "name": "onex",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": {
                "id": format!("onex/{name}/{}", report.run_id),
                "correlationGuid": report.correlation_id.to_string(),
            },
            "invocations": [invocation(report)],
            "results": results,
            "columnKind": "unicodeCodePoints",
        });
        if self.places.root.is_absolute() {
            let uri = format!("file://{}/", uri_path(&self.places.root).trim_end_matches('/'));
            run["originalUriBaseIds"] = json!({ROOT: {"uri": uri}});
        }
        json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})
    }

    fn finding(&mut self, found: &DiagnosticInfo, fix: Option<&Correction>) -> Value {
        let index = self.rule(&found.code, || diagnostic_rule(&found.code));
        let mut text = found.message.clone();
        for help in &found.help {
            text.push_str("\nhelp: ");
            text.push_str(help);
        }
        let mut result = json!({
            "ruleId": found.code,
            "ruleIndex": index,
            "level": level(found.severity),
            "message": message(&text),
        });
        let Some(path) = &found.path else { return result };
        let mut region = Map::new();
        let bounds = [
            ("startLine", found.line),
            ("startColumn", found.column),
            ("endLine", found.end_line),
            ("endColumn", found.end_column),
        ];
        region.extend(bounds.into_iter().filter_map(|(name, at)| Some((name.to_owned(), at?.into()))));
        let mut location = self.physical(path, Value::Object(region));
        if let Some(label) = found.labels.first().filter(|label| !label.text.is_empty()) {
            location["message"] = message(&label.text);
        }
        result["locations"] = json!([location]);
        let related: Vec<Value> = found
            .labels
            .iter()
            .skip(1)
            .map(|label| {
                let region = json!({"startLine": label.line, "startColumn": label.column});
                let mut place = self.physical(label.path.as_ref().unwrap_or(path), region);
                place["message"] = message(&label.text);
                place
            })
            .collect();
        if !related.is_empty() {
            result["relatedLocations"] = related.into();
        }
        if let Some(fix) = fix {
            let mut shown = json!({"artifactChanges": [{
                "artifactLocation": self.artifact(&fix.region.path),
                "replacements": [{"deletedRegion": region_of(&fix.region), "insertedContent": {"text": fix.text}}],
            }]});
            if let Some(help) = found.help.first() {
                shown["description"] = message(help);
            }
            result["fixes"] = json!([shown]);
        }
        result
    }

    fn failed_node(&mut self, report: &RunReport, result: &NodeResult) -> Value {
        let reason = result.reason.as_deref().unwrap_or("failed");
        let rule = format!("node/{reason}");
        let index = self.rule(&rule, || {
            let title = meaning(reason);
            json!({
                "id": rule,
                "shortDescription": {"text": title},
                "help": {"text": format!("{title} What it printed last is in the message, all that is kept of it in the report.")},
                "defaultConfiguration": {"level": "error"},
            })
        });
        let why = result.error.as_ref().map_or("it failed", |error| error.message.as_str());
        let mut text = format!("node `{}` failed: {why}", result.id());
        if let Some(fallback) = result.fallback.as_ref().filter(|_| result.recovered) {
            text.push_str(&format!("; `{fallback}` stood in"));
        }
        let printed = last_lines(result, LAST_LINES);
        if !printed.is_empty() {
            text.push('\n');
            text.push_str(&printed);
        }
        let place = match (self.places.nodes.get(result.id()), &report.contract) {
            (Some(region), _) => Some(self.physical(&region.path, region_of(region))),
            (None, Some(contract)) => Some(self.physical(&contract.path, Value::Null)),
            (None, None) => None,
        };
        let logical = json!([{"name": result.id(), "kind": "member"}]);
        let location = match place {
            Some(mut place) => {
                place["logicalLocations"] = logical;
                place
            }
            None => json!({"logicalLocations": logical}),
        };
        let contract = report.contract.as_ref().map_or("", |contract| contract.name.as_str());
        json!({
            "ruleId": rule,
            "ruleIndex": index,
            "level": if result.recovered { "warning" } else { "error" },
            "message": message(&text),
            "locations": [location],
            // The same node that fails in the same way is the same result, wherever it has moved to.
            "partialFingerprints": {"onexNode/v1": format!("{contract}/{}/{reason}", result.id())},
        })
    }

    /// The index of a rule, which is made where it is new.
    fn rule(&mut self, id: &str, make: impl FnOnce() -> Value) -> usize {
        if let Some(index) = self.rules.iter().position(|(known, _)| known == id) {
            return index;
        }
        self.rules.push((id.to_owned(), make()));
        self.rules.len() - 1
    }

    fn physical(&self, path: &str, region: Value) -> Value {
        let mut place = json!({"artifactLocation": self.artifact(path)});
        if region.as_object().is_some_and(|region| !region.is_empty()) {
            place["region"] = region;
        }
        json!({"physicalLocation": place})
    }

    /// A file, relative to the project root where it lies in it.
    fn artifact(&self, path: &str) -> Value {
        match (self.places.inside(path, &self.places.root), self.places.files.get(path)) {
            (Some(inside), _) => json!({"uri": uri_path(inside), "uriBaseId": ROOT}),
            (None, Some(whole)) => json!({"uri": format!("file://{}", uri_path(whole))}),
            (None, None) => json!({"uri": uri_path(path.as_ref())}),
        }
    }
}

fn region_of(region: &Region) -> Value {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    })
}

fn diagnostic_rule(code: &str) -> Value {
    let Some((known, title)) = Code::find(code) else { return json!({"id": code}) };
    json!({
        "id": code,
        "shortDescription": {"text": title},
        "help": {"text": known.page(), "markdown": known.page()},
    })
}

fn invocation(report: &RunReport) -> Value {
    // Findings and failed nodes are results; this is whether all that was to be done was done.
    let is_done = match report.status {
        RunStatus::Success | RunStatus::Failed | RunStatus::Partial => report.completed_at.is_some(),
        RunStatus::Cancelled | RunStatus::TimedOut | RunStatus::Running => false,
    };
    let mut invocation = json!({
        "executionSuccessful": is_done,
        "exitCode": u8::from(report.exit_code),
        "exitCodeDescription": report.exit_code.meaning(),
        "startTimeUtc": stamp(report.started_at),
    });
    if let Some(at) = report.completed_at {
        invocation["endTimeUtc"] = stamp(at).into();
    }
    if let Some(error) = &report.error {
        invocation["toolExecutionNotifications"] =
            json!([{"level": "error", "descriptor": {"id": error.kind}, "message": message(&error.message)}]);
    }
    invocation
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A text for people. What readers would take for a place to fill in is written as they write braces.
fn message(text: &str) -> Value {
    let has_placeholder = text.split('{').skip(1).any(|rest| {
        rest.split_once('}')
            .is_some_and(|(inside, _)| !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit()))
    });
    let text = if has_placeholder { text.replace('{', "{{").replace('}', "}}") } else { text.to_owned() };
    json!({"text": text})
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn meaning(reason: &str) -> &'static str {
    match reason {
        "exit_code" => "A program ended with a code other than 0.",
        "timeout" => "A node ran longer than it may.",
        "signal" => "A signal ended a program.",
        "spawn" => "A program could not be started.",
        "protocol" => "A node broke an agreement, such as the form of its output.",
        "uncertain" => "A node may have had its effect, and must not be repeated to find out.",
        "circuit_open" => "A circuit is open: earlier attempts failed, perhaps in other runs.",
        "budget" => "The run had used up its budget.",
        "policy" => "A node was denied.",
        "cancelled" => "The run was cancelled while a node ran.",
        _ => "A node failed.",
    }
}
