//! What `onex fmt` did: a line for each file that changed for people, one document for machines.

use std::io::{self, Write};

use super::look::{Look, Mark, Volume};
use super::machine;
use crate::base::text;
use crate::model::context::Format;
use crate::model::formatting::{FormatStatus, FormattedFile, Formatting};

/// One document.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn for_machines(format: Format, report: &Formatting, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Yaml => machine::yaml(report, out),
        Format::Human | Format::Json => machine::json(report, out),
    }
}

/// What changed, and the sum.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn for_people(look: Look, report: &Formatting, out: &mut dyn Write) -> io::Result<()> {
    for file in &report.files {
        let (mark, verb) = match file.status {
            FormatStatus::Unchanged => continue,
            FormatStatus::Formatted => (Mark::Pass, "formatted"),
            FormatStatus::WouldChange => (Mark::Warn, "would change"),
            FormatStatus::Refused | FormatStatus::Failed => (Mark::Fail, "not formatted"),
        };
        if let Some(diff) = &file.diff {
            show_diff(look, diff, out)?;
        } else if look.volume > Volume::Quiet || mark != Mark::Pass {
            let why = file.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            writeln!(out, "{}{}  {verb}{why}", look.mark(mark), shown(file))?;
        }
    }
    let summary = report.summary;
    if look.volume > Volume::Quiet && report.files.iter().all(|file| file.diff.is_none()) {
        let would = report.files.iter().any(|file| file.status == FormatStatus::WouldChange);
        let done = if would { "would change" } else { "formatted" };
        let numbers =
            [(summary.changed, done), (summary.unchanged, "unchanged"), (summary.failed, "not formatted")];
        let told: Vec<String> = numbers
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        writeln!(out, "{}: {}", text::count(summary.files, "file"), told.join(", "))?;
    }
    Ok(())
}

fn shown(file: &FormattedFile) -> String {
    text::without_controls(&file.path).replace('\n', " ")
}

fn show_diff(look: Look, diff: &str, out: &mut dyn Write) -> io::Result<()> {
    for line in diff.lines() {
        // Tabs are part of what changes.
        let pieces: Vec<_> = line.split('\t').map(text::without_controls).collect();
        let line = pieces.join("\t");
        let line = match line.as_bytes().first() {
            Some(b'+') => look.in_color_of(Mark::Pass, &line),
            Some(b'-') => look.in_color_of(Mark::Fail, &line),
            Some(b'@') => look.dim(&line),
            _ => line,
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}
