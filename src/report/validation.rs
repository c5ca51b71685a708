//! What `onex validate` found: a line for each file for people, one document for machines.

use std::io::{self, Write};

use super::look::{Look, Mark, Volume};
use super::machine;
use crate::base::text;
use crate::diag::{Severity, codes};
use crate::model::context::Format;
use crate::model::validation::{FileValidation, Validation};

/// One document. For people there is another form, which shows the places, too.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn for_machines(format: Format, report: &Validation, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Yaml => machine::yaml(report, out),
        Format::Human | Format::Json => machine::json(report, out),
    }
}

/// A line for each file, and the sum, below what was found.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn for_people(look: Look, report: &Validation, out: &mut dyn Write) -> io::Result<()> {
    let width =
        report.files.iter().map(|file| text::cells(&file.path)).max().unwrap_or(0).min(look.width / 2);
    for file in &report.files {
        if file.valid && look.volume == Volume::Quiet {
            continue;
        }
        let path = super::diagnostics::on_one_line(&file.path);
        let path = text::pad(&look.clip(&path, width), width);
        let rest = format!("{}{}", what_it_is(file), numbers(file));
        let room = look.width.saturating_sub(width + 6);
        writeln!(out, "{}{path}  {}", look.mark(mark_of(file)), look.clip(&rest, room))?;
    }
    let summary = report.summary;
    if summary.files > 1 {
        let sum = format!(
            "{}: {}, {}",
            text::count(summary.files, "file"),
            text::count(summary.errors, "error"),
            text::count(summary.warnings, "warning")
        );
        writeln!(out, "{sum}")?;
    }
    Ok(())
}

fn mark_of(file: &FileValidation) -> Mark {
    match (file.valid, file.count(Severity::Warning)) {
        (false, _) => Mark::Fail,
        (true, 1..) => Mark::Warn,
        (true, 0) => Mark::Pass,
    }
}

fn what_it_is(file: &FileValidation) -> String {
    let other = file.diagnostics.iter().find(|found| found.code == codes::NOT_A_CONTRACT.as_str());
    let label = other.and_then(|found| found.labels.first()).map(|label| label.text.as_str());
    match label.filter(|label| !label.is_empty() && file.kind != "component") {
        Some(label) => format!("{}: {label}", file.kind),
        None => file.kind.clone(),
    }
}

fn numbers(file: &FileValidation) -> String {
    [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .filter_map(|(severity, noun)| {
            let n = file.count(severity);
            (n > 0).then(|| format!(", {}", text::count(n, noun)))
        })
        .collect()
}
