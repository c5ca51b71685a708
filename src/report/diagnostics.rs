//! Diagnostics as a good compiler shows them, and as data.

use std::io::{self, Write};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::look::Look;
use crate::base::text;
use crate::diag::{Diagnostic, Severity, SourceMap};
use crate::model::report::{DiagnosticInfo, LabelInfo};

/// The most findings that are shown one by one; machines get all of them.
const MAX_SHOWN: usize = 50;

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
    let first = diagnostic.span().map(|span| span.source);
    let source = first.map(|source| (sources.text(source), sources.path(source).display().to_string()));
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .filter(|label| Some(label.span.source) == first)
        .map(|label| (label.span, text::without_controls(&label.text)))
        .collect();
    let helps: Vec<_> = diagnostic.help.iter().map(|help| text::without_controls(help)).collect();

    let mut group = match &source {
        Some((text, path)) => {
            let annotations = labels.iter().enumerate().map(|(at, (span, label))| {
                let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let end = (span.end as usize).min(text.len());
                let annotation = kind.span((span.start as usize).min(end)..end);
                if label.is_empty() { annotation } else { annotation.label(label.as_ref()) }
            });
            title.element(Snippet::source(text.as_ref()).path(path.as_str()).annotations(annotations))
        }
        None => Group::with_title(title),
    };
    for help in &helps {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    writeln!(out, "{}\n", renderer.render(&[group]))
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
                LabelInfo { line: at.line, column: at.column, text: label.text.clone() }
            })
            .collect(),
    }
}
