//! What GitHub Actions reads: annotations, a summary in Markdown, and a guard against commands that are none.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use super::human::{detail, status_word};
use super::look::{Look, Mark};
use super::places::{Places, Region};
use crate::base::text;
use crate::diag::Severity;
use crate::model::last_lines::last_lines;
use crate::model::outcome::NodeStatus;
use crate::model::report::{DiagnosticInfo, NodeResult, RunReport};

/// The most annotations of one kind that GitHub shows of a step.
const MOST_OF_A_KIND: usize = 10;

/// How many of a failed node's last lines stand in its annotation.
const LINES_IN_ANNOTATION: usize = 12;

/// How many of a failed node's last lines stand in the summary.
const LINES_IN_SUMMARY: usize = 50;

/// From this many nodes on, the summary leaves out those that are done.
const MOST_ROWS: usize = 200;

/// The kinds of annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Notice,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Notice];

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

struct Annotation {
    kind: Kind,
    title: String,
    message: String,
    region: Option<Region>,
}

/// The failures and findings of a run as workflow commands, one a line; files are named from the `workspace`.
#[must_use]
pub fn annotations(report: &RunReport, places: &Places, workspace: Option<&Path>) -> String {
    let mut all: Vec<Annotation> = Vec::new();
    for result in report.results.iter().filter(|result| result.status == NodeStatus::Failed) {
        let mut message = detail(result);
        let printed = last_lines(result, LINES_IN_ANNOTATION);
        if !printed.is_empty() {
            message = format!("{message}\n{printed}");
        }
        all.push(Annotation {
            kind: if result.recovered { Kind::Warning } else { Kind::Error },
            title: format!("onex {}: {} failed", name(report), result.id()),
            message,
            region: places.nodes.get(result.id()).cloned(),
        });
    }
    all.extend(report.results.iter().filter(|result| is_flaky_pass(result)).map(|result| Annotation {
        kind: Kind::Warning,
        title: format!("onex {}: {} is flaky", name(report), result.id()),
        message: format!("{}\n{}", detail(result), failed_attempts(result, LINES_IN_ANNOTATION)),
        region: places.nodes.get(result.id()).cloned(),
    }));
    all.extend(report.diagnostics.iter().map(finding));
    if let Some(error) = report.error.as_ref().filter(|_| !all.iter().any(|one| one.kind == Kind::Error)) {
        let title = format!("onex {}: {}", name(report), status_word(report.status));
        all.push(Annotation { kind: Kind::Error, title, message: error.message.clone(), region: None });
    }
    let mut commands = String::new();
    for kind in Kind::ALL {
        let of_kind: Vec<&Annotation> = all.iter().filter(|annotation| annotation.kind == kind).collect();
        let shown = if of_kind.len() > MOST_OF_A_KIND { MOST_OF_A_KIND - 1 } else { of_kind.len() };
        for annotation in &of_kind[..shown] {
            command(annotation, places, workspace, &mut commands);
        }
        if shown < of_kind.len() {
            let message = format!("and {} more; the report has all of them", of_kind.len() - shown);
            let title = format!("onex {}", name(report));
            command(&Annotation { kind, title, message, region: None }, places, workspace, &mut commands);
        }
    }
    commands
}

/// Whether it failed first and passed then: one that failed is told of as such.
fn is_flaky_pass(result: &NodeResult) -> bool {
    result.flaky && result.status == NodeStatus::Completed
}

/// Why a flaky test failed before it passed.
fn failed_attempts(result: &NodeResult, most: usize) -> String {
    let mut lines = Vec::new();
    for failed in &result.failed_attempts {
        lines.push(format!("attempt {}: {}", failed.attempt, failed.message));
        let printed: Vec<&str> = failed.printed.lines().collect();
        let last = printed.len().saturating_sub(most);
        lines.extend(printed[last..].iter().map(|line| (*line).to_owned()));
    }
    lines.join("\n")
}

fn finding(found: &DiagnosticInfo) -> Annotation {
    let kind = match found.severity {
        Severity::Error => Kind::Error,
        Severity::Warning => Kind::Warning,
        Severity::Info => Kind::Notice,
    };
    let mut message = found.message.clone();
    for help in &found.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let region = found.path.clone().zip(found.line).zip(found.column).map(|((path, line), column)| Region {
        path,
        line,
        column,
        end_line: found.end_line.unwrap_or(line),
        end_column: found.end_column.unwrap_or(column),
    });
    Annotation { kind, title: format!("onex {}", found.code), message, region }
}

fn command(annotation: &Annotation, places: &Places, workspace: Option<&Path>, commands: &mut String) {
    let mut properties = Vec::new();
    if let Some(region) = &annotation.region {
        let inside = workspace.and_then(|folder| places.inside(&region.path, folder));
        let file = inside.map_or(Cow::Borrowed(region.path.as_str()), Path::to_string_lossy);
        properties.push(("file", file.into_owned()));
        properties.push(("line", region.line.to_string()));
        properties.push(("endLine", region.end_line.to_string()));
        // Columns of a piece that has several lines are not understood.
        if region.line == region.end_line {
            properties.push(("col", region.column.to_string()));
            properties.push(("endColumn", region.end_column.to_string()));
        }
    }
    properties.push(("title", annotation.title.clone()));
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", escaped(value, true))).collect();
    let message = escaped(&annotation.message, false);
    commands.push_str(&format!("::{} {}::{message}\n", annotation.kind.word(), properties.join(",")));
}

/// A text in a workflow command; in a property, what ends a property is escaped, too.
fn escaped(text: &str, in_property: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text::without_controls(text).chars() {
        match c {
            '%' => escaped.push_str("%25"),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            ':' if in_property => escaped.push_str("%3A"),
            ',' if in_property => escaped.push_str("%2C"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn name(report: &RunReport) -> &str {
    report.contract.as_ref().map_or("", |contract| contract.name.as_str())
}

/// A run as Markdown in at most `room` bytes; empty where there is no room for anything.
#[must_use]
pub fn summary(report: &RunReport, room: usize) -> String {
    let mut summary = Summary { text: String::new(), room };
    let mark = Look::default().mark(Mark::of_run(report.status));
    let status = status_word(report.status);
    summary.add(&format!("### {}onex {}: {status}\n\n", mark, inline(name(report))));
    let numbers = report.summary;
    let time = text::duration(Duration::from_millis(report.execution_time_ms));
    let part = report.partition.map_or_else(String::new, |part| format!(" · part {part}"));
    let flaky = if numbers.flaky > 0 { format!(" · {} flaky", numbers.flaky) } else { String::new() };
    summary.add(&format!(
        "{} passed · {} failed · {} skipped{flaky} · {time}{part} · run `{}`\n\n",
        numbers.completed, numbers.failed, numbers.skipped, report.run_id
    ));
    if let Some(error) = &report.error {
        summary.add(&format!("{}\n\n", inline(&error.message)));
    }
    findings(report, &mut summary);
    table(report, &mut summary);
    let told = |result: &&NodeResult| result.status == NodeStatus::Failed || is_flaky_pass(result);
    for result in report.results.iter().filter(told) {
        let printed = if is_flaky_pass(result) {
            text::without_controls(&failed_attempts(result, LINES_IN_SUMMARY)).into_owned()
        } else {
            last_lines(result, LINES_IN_SUMMARY)
        };
        let heading = format!("#### {}: {}\n\n", inline(result.id()), inline(&detail(result)));
        if !printed.is_empty() && !summary.add(&format!("{heading}{}\n", fenced(&printed))) {
            summary.add("There is no room for what the others printed.\n\n");
            break;
        }
    }
    summary.text
}

fn findings(report: &RunReport, summary: &mut Summary) {
    let errors: Vec<_> =
        report.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    for found in errors.iter().take(MOST_OF_A_KIND) {
        let place = match (&found.path, found.line, found.column) {
            (Some(path), Some(line), Some(column)) => format!("{}:{line}:{column}: ", inline(path)),
            _ => String::new(),
        };
        summary.add(&format!("- {place}error\\[{}\\]: {}\n", found.code, inline(&found.message)));
    }
    if let Some(more @ 1..) = errors.len().checked_sub(MOST_OF_A_KIND) {
        summary.add(&format!("- and {}\n", text::count(more, "more error")));
    }
    if !errors.is_empty() {
        summary.add("\n");
    }
}

fn table(report: &RunReport, summary: &mut Summary) {
    let is_plain =
        |result: &&NodeResult| result.status == NodeStatus::Completed && !result.is_warned() && !result.flaky;
    let all = report.results.len();
    let rows: Vec<&NodeResult> = if all > MOST_ROWS {
        report.results.iter().filter(|result| !is_plain(result)).take(MOST_ROWS).collect()
    } else {
        report.results.iter().collect()
    };
    if !rows.is_empty() {
        summary.add("| | node | time | |\n|---|---|---:|---|\n");
    }
    for result in &rows {
        let ran = result.started_at.is_some();
        let time =
            if ran { text::duration(Duration::from_millis(result.execution_time_ms)) } else { String::new() };
        let mark = Look::default().mark(Mark::of_node(result));
        let detail = inline(&detail(result));
        summary.add(&format!("| {} | {} | {time} | {detail} |\n", mark.trim(), inline(result.id())));
    }
    if rows.len() < all {
        summary.add(&format!("\n{} not shown\n", text::count(all - rows.len(), "node")));
    }
    summary.add("\n");
}

struct Summary {
    text: String,
    room: usize,
}

impl Summary {
    /// Adds a piece if there is room for it.
    fn add(&mut self, piece: &str) -> bool {
        let fits = self.text.len() + piece.len() <= self.room;
        if fits {
            self.text.push_str(piece);
        }
        fits
    }
}

/// A text in one line of Markdown, in which nothing is marked up.
fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text::without_controls(text).chars() {
        match c {
            '\n' => escaped.push(' '),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Lines between fences that are longer than any fence among them.
fn fenced(lines: &str) -> String {
    let longest = lines.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{lines}\n{fence}\n")
}

/// Keeps the runner from taking what is written for workflow commands: `::` as the first of a line, and `##[` anywhere.
/// The last character of each is written as JSON and YAML escape it, so that documents keep their meaning.
#[derive(Clone, Copy, Debug)]
pub struct CommandGuard {
    /// Whether nothing came in this line that the runner does not skip.
    at_beginning: bool,
    colon: bool,
    hashes: u8,
}

impl Default for CommandGuard {
    fn default() -> Self {
        Self { at_beginning: true, colon: false, hashes: 0 }
    }
}

impl CommandGuard {
    /// The next bytes of a stream, without commands.
    pub fn pass<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let mut safe: Option<Vec<u8>> = None;
        for (at, &byte) in bytes.iter().enumerate() {
            let escape: Option<&[u8]> = match byte {
                b':' if self.colon => Some(b"\\u003a"),
                b'[' if self.hashes >= 2 => Some(b"\\u005b"),
                _ => None,
            };
            match (escape, &mut safe) {
                (Some(escape), safe) => {
                    safe.get_or_insert_with(|| bytes[..at].to_vec()).extend_from_slice(escape);
                }
                (None, Some(safe)) => safe.push(byte),
                (None, None) => {}
            }
            self.look_at(byte);
        }
        safe.map_or(Cow::Borrowed(bytes), Cow::Owned)
    }

    fn look_at(&mut self, byte: u8) {
        match byte {
            b'\n' | b'\r' => *self = Self::default(),
            b':' => {
                (self.colon, self.hashes) = (self.at_beginning, 0);
                self.at_beginning = false;
            }
            b'#' => {
                self.hashes = self.hashes.saturating_add(1);
                (self.at_beginning, self.colon) = (false, false);
            }
            // White space is skipped.
            b' ' | b'\t' => (self.colon, self.hashes) = (false, 0),
            // Some of it is not ASCII, and the runner's comparisons overlook some characters.
            0x80.. => {}
            byte if byte.is_ascii_control() => {}
            _ => *self = Self { at_beginning: false, colon: false, hashes: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(text: &str) -> String {
        let whole = CommandGuard::default().pass(text.as_bytes()).into_owned();
        // Byte by byte it comes to the same.
        let mut guard = CommandGuard::default();
        let pieces: Vec<u8> = text.bytes().flat_map(|byte| guard.pass(&[byte]).into_owned()).collect();
        assert_eq!(whole, pieces);
        String::from_utf8(whole).unwrap()
    }

    #[test]
    fn nothing_that_is_written_is_a_command() {
        assert_eq!(guarded("a::b ##c [x] # #[y]\n  x: :: y\n"), "a::b ##c [x] # #[y]\n  x: :: y\n");
        assert_eq!(guarded("::error::x\n \t::error::x"), ":\\u003aerror::x\n \t:\\u003aerror::x");
        assert_eq!(guarded("x\r::error::\n\u{2003}::error::"), "x\r:\\u003aerror::\n\u{2003}:\\u003aerror::");
        assert_eq!(guarded("\u{ad}:\u{ad}:error"), "\u{ad}:\u{ad}\\u003aerror");
        assert_eq!(guarded("id │ ##[error]x ###[y"), "id │ ##\\u005berror]x ###\\u005by");
        assert_eq!(guarded("\u{1}##\u{ad}[error]"), "\u{1}##\u{ad}\\u005berror]");
        let json = serde_json::json!({"a": "##[set-output name=x]y\n::x"});
        let safe = guarded(&json.to_string());
        assert!(!safe.contains("##[") && serde_json::from_str::<serde_json::Value>(&safe).unwrap() == json);
    }

    #[test]
    fn fences_are_longer_than_those_inside() {
        assert_eq!(fenced("a"), "```text\na\n```\n");
        assert_eq!(fenced("````\n``"), "`````text\n````\n``\n`````\n");
    }

    #[test]
    fn texts_are_escaped_where_they_stand() {
        assert_eq!(escaped("50%: a,b\nc\u{1b}[31m", true), "50%25%3A a%2Cb%0Ac");
        assert_eq!(escaped("a,b::c", false), "a,b::c");
        assert_eq!(inline("<b>|`x`*\n&[a](b)"), "&lt;b&gt;\\|\\`x\\`\\* &amp;\\[a\\](b)");
    }
}
