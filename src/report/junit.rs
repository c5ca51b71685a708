//! JUnit XML, in the form that Maven Surefire gave it and that CI servers read: one suite a run, one case a node.

use std::io::{self, Write};

use chrono::{DateTime, Utc};

use super::Formatter;
use super::human::{skip_detail, was_left_out};
use crate::base::{NodeId, text};
use crate::diag::Severity;
use crate::model::exit::ExitCode;
use crate::model::last_lines::last_lines;
use crate::model::outcome::NodeStatus;
use crate::model::plan_view::PlanView;
use crate::model::report::{DiagnosticInfo, FailedAttempt, NodeResult, RunReport};

/// How many of the last lines stand in a failure; all that is kept of the output stands in the case.
const LAST_LINES: usize = 50;

/// The class of cases that stand for a run as a whole.
const RUN_CLASS: &str = "onex";

/// The report as it is known at the end of a run.
#[derive(Debug)]
pub(super) struct Junit;

impl Formatter for Junit {
    fn report(&mut self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        let mut document = String::new();
        write_document(report, &mut Xml(&mut document));
        out.write_all(document.as_bytes())
    }

    fn plan(&mut self, _: &PlanView, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

fn write_document(report: &RunReport, xml: &mut Xml<'_>) {
    let name = report.contract.as_ref().map_or("onex", |contract| contract.name.as_str());
    // Each part has a file of its own: what is in other parts stands in theirs.
    let is_elsewhere = |result: &&NodeResult| report.partition.is_some() && was_left_out(result);
    let results: Vec<&NodeResult> = report.results.iter().filter(|result| !is_elsewhere(result)).collect();
    let failures = results.iter().filter(|result| verdict(result) == Verdict::Failed).count();
    let skipped = results.iter().filter(|result| verdict(result) == Verdict::Skipped).count();
    // Who reads this must not take a run for green that is not.
    let errors = usize::from(failures == 0 && report.exit_code != ExitCode::Success);
    let tests = (results.len() + errors).to_string();
    let (failures, skipped, errors_shown) = (failures.to_string(), skipped.to_string(), errors.to_string());
    let (time, timestamp) = (seconds(report.execution_time_ms), timestamp(report.started_at));
    xml.0.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts: [(&str, &str); 5] = [
        ("name", name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors_shown),
        ("time", &time),
    ];
    xml.open(0, "testsuites", &counts);
    xml.open(
        1,
        "testsuite",
        &[&counts[..], &[("skipped", skipped.as_str()), ("timestamp", &timestamp)]].concat(),
    );
    properties(report, xml);
    for result in results {
        write_case(name, result, xml);
    }
    if errors > 0 {
        failed_as_a_whole(name, report, xml);
    }
    xml.close(1, "testsuite");
    xml.close(0, "testsuites");
}

fn write_case(class: &str, result: &NodeResult, xml: &mut Xml<'_>) {
    let time = seconds(result.execution_time_ms);
    xml.open(2, "testcase", &[("name", result.id()), ("classname", class), ("time", &time)]);
    let attempts = &result.failed_attempts;
    let noun = if result.repeated.is_some() { "run" } else { "attempt" };
    let show = |element: &str, failed: &FailedAttempt, xml: &mut Xml<'_>| {
        let message = format!("{noun} {}: {}", failed.attempt, failed.message);
        failure_element(element, (&message, &failed.kind), &failed.printed, xml);
    };
    match verdict(result) {
        Verdict::Passed => attempts.iter().for_each(|failed| show("flakyFailure", failed, xml)),
        Verdict::Recovered => {
            let message = format!("{}; {}", message(result), stood_in(result));
            let printed = last_lines(result, LAST_LINES);
            failure_element("flakyFailure", (&message, &kind(result)), &printed, xml);
        }
        Verdict::Failed => {
            let printed = last_lines(result, LAST_LINES);
            let attributes = [("message", message(result)), ("type", kind(result))];
            let attributes: Vec<_> = attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
            xml.element(3, "failure", &attributes, &printed);
            attempts.iter().for_each(|failed| show("rerunFailure", failed, xml));
        }
        Verdict::Skipped => {
            let detail = skip_detail(result);
            xml.element(3, "skipped", &[("message", &detail)], "");
        }
    }
    for (element, printed) in [("system-out", &result.stdout), ("system-err", &result.stderr)] {
        if !printed.as_bytes().is_empty() {
            xml.element(3, element, &[], &printed.to_lossy());
        }
    }
    xml.close(2, "testcase");
}

/// A failure that did not decide the matter, in the form of Surefire's reruns.
fn failure_element(element: &str, (message, kind): (&str, &str), printed: &str, xml: &mut Xml<'_>) {
    xml.open(3, element, &[("message", message), ("type", kind)]);
    xml.element(4, "stackTrace", &[], printed);
    xml.close(3, element);
}

/// What a node is to those who count tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// It failed, and another stood in, so that the run has not failed.
    Recovered,
    Failed,
    Skipped,
}

fn verdict(result: &NodeResult) -> Verdict {
    match result.status {
        NodeStatus::Completed => Verdict::Passed,
        NodeStatus::Failed if result.recovered => Verdict::Recovered,
        NodeStatus::Failed => Verdict::Failed,
        NodeStatus::Skipped | NodeStatus::Pending | NodeStatus::Running | NodeStatus::Retrying => {
            Verdict::Skipped
        }
    }
}

fn message(result: &NodeResult) -> String {
    result.error.as_ref().map(|error| error.message.clone()).unwrap_or_default()
}

fn kind(result: &NodeResult) -> String {
    result.error.as_ref().map_or_else(|| "TaskFailedError".to_owned(), |error| error.kind.clone())
}

fn stood_in(result: &NodeResult) -> String {
    let other = result.fallback.as_ref().map_or("another node", NodeId::as_str);
    format!("{other} stood in")
}

fn properties(report: &RunReport, xml: &mut Xml<'_>) {
    xml.open(2, "properties", &[]);
    let contract = report.contract.as_ref();
    let rows = [
        ("run_id", Some(report.run_id.to_string())),
        ("correlation_id", Some(report.correlation_id.to_string())),
        ("mode", Some(report.mode.to_string())),
        ("stage", report.stage.clone()),
        ("partition", report.partition.map(|part| part.to_string())),
        ("contract", contract.map(|contract| contract.path.clone())),
        ("contract_version", contract.and_then(|contract| contract.version.clone())),
        ("contract_digest", contract.map(|contract| contract.digest.clone())),
        ("exit_code", Some(report.exit_code.to_string())),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            xml.element(3, "property", &[("name", name), ("value", &value)], "");
        }
    }
    xml.close(2, "properties");
}

/// The case that stands for a run that could not start, or that failed without a node that did.
fn failed_as_a_whole(name: &str, report: &RunReport, xml: &mut Xml<'_>) {
    xml.open(2, "testcase", &[("name", name), ("classname", RUN_CLASS), ("time", "0.000")]);
    let (kind, message) = report
        .error
        .as_ref()
        .map_or(("OrchestratorError", "the run failed"), |error| (&error.kind, &error.message));
    let found: Vec<String> = report.diagnostics.iter().map(in_a_line).collect();
    xml.element(3, "error", &[("message", message), ("type", kind)], &found.join("\n"));
    xml.close(2, "testcase");
}

fn in_a_line(found: &DiagnosticInfo) -> String {
    let place = match (&found.path, found.line, found.column) {
        (Some(path), Some(line), Some(column)) => format!("{path}:{line}:{column}: "),
        _ => String::new(),
    };
    let help: String = found.help.iter().map(|help| format!("\n  help: {help}")).collect();
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    format!("{place}{severity}[{}]: {}{help}", found.code, found.message)
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// With an offset and not with `Z`, which some readers do not know.
fn timestamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

/// Writes elements, two spaces for each level. Text stands in its element as it is, so that nothing is added to it.
struct Xml<'t>(&'t mut String);

impl Xml<'_> {
    fn open(&mut self, depth: usize, name: &str, attributes: &[(&str, &str)]) {
        self.start(depth, name, attributes);
        self.0.push_str(">\n");
    }

    fn close(&mut self, depth: usize, name: &str) {
        self.margin(depth);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push_str(">\n");
    }

    fn element(&mut self, depth: usize, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.start(depth, name, attributes);
        if text.is_empty() {
            self.0.push_str("/>\n");
            return;
        }
        self.0.push('>');
        self.escaped(text, false);
        self.close(0, name);
    }

    fn start(&mut self, depth: usize, name: &str, attributes: &[(&str, &str)]) {
        self.margin(depth);
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.escaped(value, true);
            self.0.push('"');
        }
    }

    fn margin(&mut self, depth: usize) {
        self.0.extend(std::iter::repeat_n("  ", depth));
    }

    /// Readers normalise line breaks and, in attributes, all white space: what is to stay is written as a reference.
    fn escaped(&mut self, text: &str, in_attribute: bool) {
        for c in text::for_xml(text).chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' if in_attribute => self.0.push_str("&quot;"),
                '\n' if in_attribute => self.0.push_str("&#10;"),
                '\t' if in_attribute => self.0.push_str("&#9;"),
                // What a terminal obeys, and what changes the order of a text, is no part of the file itself.
                c if c != '\n' && c != '\t' && text::is_unsafe(c) => {
                    self.0.push_str(&format!("&#{};", u32::from(c)));
                }
                c => self.0.push(c),
            }
        }
    }
}
