//! Diagnostics as a good compiler shows them, and as data.

use std::io::{self, Write};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::look::Look;
use crate::base::text;
use crate::diag::{Diagnostic, Fix, Severity, SourceId, SourceMap, Span};
use crate::model::report::{DiagnosticInfo, LabelInfo};

/// The most findings that are shown one by one; machines get all of them.
const MAX_SHOWN: usize = 50;

/// The longest line that is shown again as it should be.
const MAX_CORRECTED: usize = 160;

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
    for diagnostic in diagnostics.iter().take(MAX_SHOWN) {
        one(&renderer, sources, diagnostic, out)?;
    }
    if let Some(more @ 1..) = diagnostics.len().checked_sub(MAX_SHOWN) {
        writeln!(out, "and {} more; `--format json` shows all\n", text::count(more, "finding"))?;
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
    let message = text::without_controls(&diagnostic.message);
    let title = level.primary_title(message.as_ref()).id(diagnostic.code.as_str());
    let labels: Vec<_> =
        diagnostic.labels.iter().map(|label| (label.span, text::without_controls(&label.text))).collect();
    let helps: Vec<_> = diagnostic.help.iter().map(|help| text::without_controls(help)).collect();
    // One snippet for each source, in the order in which they are named.
    let mut shown: Vec<(SourceId, Arc<String>, String)> = Vec::new();
    for (span, _) in &labels {
        if !shown.iter().any(|(source, ..)| *source == span.source) {
            let path = sources.path(span.source).display().to_string();
            shown.push((span.source, sources.text(span.source), path));
        }
    }
    let mut group = Group::with_title(title);
    for (source, text, path) in &shown {
        let here = labels.iter().enumerate().filter(|(_, (span, _))| span.source == *source);
        let annotations = here.map(|(at, (span, label))| {
            let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(within(*span, text));
            if label.is_empty() { annotation } else { annotation.label(label.as_ref()) }
        });
        group = group.element(Snippet::source(text.as_str()).path(path.as_str()).annotations(annotations));
    }
    let fix = diagnostic.fix.as_deref().and_then(|fix| {
        let (_, text, path) = shown.iter().find(|(source, ..)| *source == fix.span.source)?;
        can_be_shown(fix, text).then_some((fix, text, path))
    });
    for help in helps.iter().skip(usize::from(fix.is_some())) {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    let mut groups = vec![group];
    if let (Some((fix, text, path)), [first, ..]) = (fix, helps.as_slice()) {
        let patch = Patch::new(within(fix.span, text), fix.text.as_str());
        let snippet = Snippet::source(text.as_str()).path(path.as_str()).patch(patch);
        groups.push(Level::HELP.secondary_title(first.as_ref()).element(snippet));
    }
    writeln!(out, "{}\n", renderer.render(&groups))
}

fn within(span: Span, text: &str) -> std::ops::Range<usize> {
    let end = (span.end as usize).min(text.len());
    (span.start as usize).min(end)..end
}

/// Whether a corrected line helps: it is one line, not too long, and of what can be seen.
fn can_be_shown(fix: &Fix, text: &str) -> bool {
    let range = within(fix.span, text);
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    let line = &text[start..end];
    let plain = |text: &str| !text.chars().any(char::is_control);
    line.len() <= MAX_CORRECTED && plain(line.trim_end_matches('\r')) && plain(&fix.text)
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
