//! Diagnostics as a good compiler shows them, and as data.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::excerpt::{Excerpt, excerpts};
use super::look::Look;
use crate::base::text;
use crate::diag::{Diagnostic, Fix, Severity, SourceId, SourceMap, Span, codes};
use crate::model::context::Format;
use crate::model::report::{DiagnosticInfo, LabelInfo};

/// The most findings that are shown one by one; machines get more of them.
const MAX_SHOWN: usize = 50;

/// The most places of a finding that are shown.
const MAX_PLACES: usize = 16;

/// The longest line that is shown again as it should be.
const MAX_CORRECTED: usize = 160;

/// What is laid out in the place of a path with its position, which belong to the whole text and not to the excerpt.
/// No text that is shown holds this character.
const PLACE: char = '\0';

/// Renders findings, each with its place in the source.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn render(
    look: Look,
    sources: &SourceMap,
    diagnostics: &[Diagnostic],
    out: &mut dyn Write,
) -> io::Result<()> {
    let renderer = if look.color { Renderer::styled() } else { Renderer::plain() };
    let decor = if look.ascii { DecorStyle::Ascii } else { DecorStyle::Unicode };
    let renderer = renderer.decor_style(decor).term_width(look.width);
    let (first, rest) = diagnostics.split_at(diagnostics.len().min(MAX_SHOWN));
    for diagnostic in first {
        one(&renderer, sources, diagnostic, out)?;
    }
    let (counts, rest): (Vec<_>, Vec<_>) = rest.iter().partition(|rest| rest.code == codes::MORE_FOUND);
    if !rest.is_empty() {
        writeln!(out, "and {} more; `--format json` lists them\n", text::count(rest.len(), "finding"))?;
    }
    for diagnostic in counts {
        one(&renderer, sources, diagnostic, out)?;
    }
    Ok(())
}

fn one(
    renderer: &Renderer,
    sources: &SourceMap,
    diagnostic: &Diagnostic,
    out: &mut dyn Write,
) -> io::Result<()> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    // What stands in a contract is untrusted: it must not reach the terminal as a control sequence.
    let message = on_one_line(&diagnostic.message);
    let title = level.primary_title(message.as_ref()).id(diagnostic.code.as_str());
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .take(MAX_PLACES)
        .map(|label| (label.span, on_one_line(&label.text)))
        .collect();
    let helps: Vec<_> = diagnostic.help.iter().map(|help| text::visible(help)).collect();
    let path = PLACE.to_string();
    let shown = snippets(sources, &labels);
    let mut group = Group::with_title(title);
    for (_, excerpt, first_line) in &shown {
        let annotations = excerpt.places.iter().map(|(at, place)| {
            let kind = if *at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let (annotation, label) = (kind.span(place.clone()), labels[*at].1.as_ref());
            if label.is_empty() { annotation } else { annotation.label(label) }
        });
        let snippet = Snippet::source(excerpt.text.as_str()).line_start(*first_line);
        group = group.element(snippet.path(path.as_str()).annotations(annotations));
    }
    let text = diagnostic.fix.as_deref().map(|fix| sources.text(fix.span.source)).unwrap_or_default();
    let fix = diagnostic.fix.as_deref().and_then(|fix| Some((fix, corrected(fix, &text)?)));
    for help in helps.iter().skip(usize::from(fix.is_some())) {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    let mut groups = vec![group];
    let elsewhere;
    if let (Some((fix, (line, range))), [first, ..]) = (fix, helps.as_slice()) {
        let is_primary = diagnostic.span().is_some_and(|span| span.source == fix.span.source);
        elsewhere = path_of(sources, fix.span.source);
        let patch = Patch::new(range, fix.text.as_str());
        let snippet = Snippet::source(line)
            .line_start(sources.position(fix.span.source, fix.span.start).line as usize)
            .path(if is_primary { path.as_str() } else { elsewhere.as_str() })
            .patch(patch);
        groups.push(Level::HELP.secondary_title(first.as_ref()).element(snippet));
    }
    let rendered = renderer.render(&groups);
    let mut parts = rendered.split(PLACE);
    write!(out, "{}", parts.next().unwrap_or_default())?;
    for (part, (place, ..)) in parts.zip(&shown) {
        let rest = part.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
        write!(out, "{place}{rest}")?;
    }
    writeln!(out, "\n")
}

/// The excerpts that show these places, each with its own place and the number of its first line; one text after the
/// other, in the order in which they are named.
fn snippets(sources: &SourceMap, labels: &[(Span, Cow<'_, str>)]) -> Vec<(String, Excerpt, usize)> {
    let mut named: Vec<SourceId> = Vec::new();
    for (span, _) in labels {
        if !named.contains(&span.source) {
            named.push(span.source);
        }
    }
    let mut shown = Vec::new();
    for source in named {
        let here: Vec<usize> = (0..labels.len()).filter(|&at| labels[at].0.source == source).collect();
        let places: Vec<_> =
            here.iter().map(|&at| labels[at].0.start as usize..labels[at].0.end as usize).collect();
        for mut excerpt in excerpts(&sources.text(source), &places) {
            for (at, _) in &mut excerpt.places {
                *at = here[*at];
            }
            let first = excerpt.places.iter().map(|(at, _)| (*at != 0, labels[*at].0.start)).min();
            let at = sources.position(source, first.map_or(0, |(_, start)| start));
            let place = format!("{}:{}:{}", path_of(sources, source), at.line, at.column);
            let first_line = sources.position(source, u32::try_from(excerpt.start).unwrap_or(u32::MAX)).line;
            shown.push((place, excerpt, first_line as usize));
        }
    }
    shown
}

fn path_of(sources: &SourceMap, source: SourceId) -> String {
    on_one_line(&sources.path(source).display().to_string()).into_owned()
}

/// What stands in one line, as it can be shown.
pub(super) fn on_one_line(text: &str) -> Cow<'_, str> {
    match text::visible(text) {
        shown if shown.contains(['\n', '\t']) => Cow::Owned(shown.replace('\n', "\\n").replace('\t', "\\t")),
        shown => shown,
    }
}

/// The line that a fix is in, and where in it, where a corrected line helps: it is one line, not too long, and of what
/// can be seen.
fn corrected<'t>(fix: &Fix, text: &'t str) -> Option<(&'t str, Range<usize>)> {
    let end = (fix.span.end as usize).min(text.len());
    let range = (fix.span.start as usize).min(end)..end;
    let start = text.get(..range.start)?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(range.end..)?.find('\n').map_or(text.len(), |at| range.end + at);
    let line = &text[start..end];
    if line.len() > MAX_CORRECTED {
        return None;
    }
    let line = line.trim_end_matches('\r');
    let plain =
        |text: &str| !text.contains(char::is_control) && matches!(text::visible(text), Cow::Borrowed(_));
    let range = range.start - start..(range.end - start).min(line.len());
    (plain(line) && plain(&fix.text)).then_some((line, range))
}

/// Why there is nothing else to show, and what was found, for machines.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn document(
    format: Format,
    (error, found): (&str, &[DiagnosticInfo]),
    out: &mut dyn Write,
) -> io::Result<()> {
    let document = serde_json::json!({ "error": error, "diagnostics": found });
    match format {
        Format::Yaml => super::machine::yaml(&document, out),
        Format::Human | Format::Json => super::machine::json(&document, out),
    }
}

/// A finding on the wire.
#[must_use]
pub fn to_info(sources: &SourceMap, diagnostic: &Diagnostic) -> DiagnosticInfo {
    let span = diagnostic.span();
    let start = span.map(|span| sources.position(span.source, span.start));
    let end = span.map(|span| sources.position(span.source, span.end));
    DiagnosticInfo {
        code: diagnostic.code.to_string(),
        severity: diagnostic.severity,
        message: diagnostic.message.clone(),
        path: span.map(|span| sources.path(span.source).display().to_string()),
        line: start.map(|at| at.line),
        column: start.map(|at| at.column),
        end_line: end.map(|at| at.line),
        end_column: end.map(|at| at.column),
        help: diagnostic.help.clone(),
        labels: diagnostic
            .labels
            .iter()
            .map(|label| {
                let at = sources.position(label.span.source, label.span.start);
                let elsewhere = span.is_some_and(|span| span.source != label.span.source);
                LabelInfo {
                    line: at.line,
                    column: at.column,
                    text: label.text.clone(),
                    path: elsewhere.then(|| sources.path(label.span.source).display().to_string()),
                }
            })
            .collect(),
    }
}
