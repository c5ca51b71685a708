//! The page of a diagnostic, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::look::Look;
use super::machine;
use crate::model::context::Format;

/// What a diagnostic means.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Its code.
    pub code: String,
    /// What it says, in one sentence.
    pub title: String,
    /// The page, in Markdown.
    pub page: &'static str,
}

/// Writes a page: headings stand out, and examples are indented.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn write(look: Look, format: Format, shown: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => return machine::json(shown, out),
        Format::Yaml => return machine::yaml(shown, out),
        Format::Human => {}
    }
    let mut example = false;
    for line in shown.page.lines() {
        if line.starts_with("```") {
            example = !example;
        } else if example {
            writeln!(out, "{}", format!("    {line}").trim_end())?;
        } else if let Some(heading) = line.strip_prefix("# ").or_else(|| line.strip_prefix("## ")) {
            writeln!(out, "{}", look.bold(heading))?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
