//! The page of a diagnostic, and what a plan says of one node, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::diagnostics::on_one_line;
use super::look::Look;
use super::machine;
use crate::base::text;
use crate::model::context::Format;
use crate::model::plan_view::PlanNodeView;

/// What a diagnostic means.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// Its code.
    pub code: String,
    /// What it says, in one sentence.
    pub title: String,
    /// The page, in Markdown.
    pub page: &'static str,
}

/// Why a node would run, or not.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// The node as a plan shows it.
    #[serde(flatten)]
    pub node: PlanNodeView,
    /// Why, and what follows for others; one sentence each.
    pub reasons: Vec<String>,
}

/// Writes what a plan says of one node.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn node(look: Look, format: Format, shown: &Node, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => return machine::json(shown, out),
        Format::Yaml => return machine::yaml(shown, out),
        Format::Human => {}
    }
    let Node { node, reasons } = shown;
    let rest = format!("{} {}", node.kind, node.does());
    writeln!(out, "{}  {}", look.bold(node.node_id.as_str()), text::without_controls(&rest))?;
    if let Some(description) = &node.description {
        writeln!(out, "{}", look.clip(&text::without_controls(description).replace('\n', " "), look.width))?;
    }
    for reason in reasons {
        writeln!(out, "- {}", on_one_line(reason))?;
    }
    Ok(())
}

/// Writes a page: headings stand out, and examples are indented.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn page(look: Look, format: Format, shown: &Page, out: &mut dyn Write) -> io::Result<()> {
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
