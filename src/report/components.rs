//! Components for people and for machines: what `onex list` and `onex registry` show.

use std::io::{self, Write};

use super::look::{Look, Mark};
use super::machine;
use crate::base::text;
use crate::model::component::{ComponentInfo, Counts, EntryInfo, Kind, Listing, RegistryListing};
use crate::model::context::Format;

/// The widest column of names.
const NAME_WIDTH: usize = 40;

/// Writes what was found in a project.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn listing(look: Look, format: Format, shown: &Listing, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => return machine::json(shown, out),
        Format::Yaml => return machine::yaml(shown, out),
        Format::Human => {}
    }
    let rows = shown.components.iter().map(|component| {
        let name = component.name.clone();
        let stages = component.stages.join(",");
        [
            name,
            component.version.clone().unwrap_or_default(),
            what_it_is(component),
            component.lifecycle.clone(),
            stages,
            component.path.clone(),
        ]
    });
    table(look, ["name", "version", "type", "lifecycle", "stages", "file"], rows.collect(), out)?;
    if !shown.other_projects.is_empty() {
        let others = format!("projects of their own, not looked into: {}", shown.other_projects.join(", "));
        writeln!(out, "{}", look.dim(&look.clip(&clean(&others), look.width)))?;
    }
    writeln!(out, "{}", in_numbers(shown.summary))
}

/// The type; of what is no component, that.
fn what_it_is(component: &ComponentInfo) -> String {
    match component.kind {
        Kind::Component => component.meta_type.clone(),
        Kind::Workflow => component.kind.to_string(),
        Kind::Node => format!("node: {}", component.meta_type),
        Kind::Document => format!("document: {}", component.meta_type),
    }
}

fn in_numbers(counts: Counts) -> String {
    let numbers = [
        (counts.workflows, "workflow"),
        (counts.components, "component"),
        (counts.nodes, "node"),
        (counts.documents, "document"),
    ];
    let said: Vec<String> =
        numbers.iter().filter(|(n, _)| *n > 0).map(|&(n, noun)| text::count(n, noun)).collect();
    if said.is_empty() { "nothing found".to_owned() } else { said.join(", ") }
}

/// Columns as wide as they need to be; the last takes what is left.
fn table<const N: usize>(
    look: Look,
    heads: [&str; N],
    rows: Vec<[String; N]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| clean(&cell))).collect();
    let mut widths = [0; N];
    for (at, width) in widths.iter_mut().enumerate() {
        let widest =
            rows.iter().map(|row| text::cells(&row[at])).max().unwrap_or(0).max(text::cells(heads[at]));
        *width = widest.min(NAME_WIDTH);
    }
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let room = look.width.saturating_sub(text::cells(&line));
            if at + 1 == N {
                line.push_str(&look.clip(cell, room));
            } else {
                line.push_str(&text::pad(&look.clip(cell, widths[at]), widths[at]));
                line.push_str("  ");
            }
        }
        line.trim_end().to_owned()
    };
    writeln!(out, "{}", look.dim(&look.clip(&line(&heads.map(str::to_owned)), look.width)))?;
    for row in &rows {
        writeln!(out, "{}", look.clip(&line(row), look.width))?;
    }
    Ok(())
}

fn clean(text: &str) -> String {
    text::without_controls(text).replace('\n', " ")
}

/// Writes all that is known of components.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn details(look: Look, format: Format, shown: &Listing, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => return machine::json(shown, out),
        Format::Yaml => return machine::yaml(shown, out),
        Format::Human => {}
    }
    for (at, component) in shown.components.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        detail(look, component, out)?;
    }
    Ok(())
}

fn detail(look: Look, component: &ComponentInfo, out: &mut dyn Write) -> io::Result<()> {
    let version = component.version.as_ref().map(|version| format!("@{version}"));
    let namespace = component.namespace.as_ref().map(|namespace| format!("{namespace}."));
    let name = format!("{}{}{}", namespace.unwrap_or_default(), component.name, version.unwrap_or_default());
    writeln!(out, "{}  {}", look.bold(&clean(&name)), clean(&what_it_is(component)))?;
    if let Some(description) = &component.description {
        for line in text::wrap_words(&clean(description), look.width) {
            writeln!(out, "{line}")?;
        }
    }
    let runs = component
        .entrypoint
        .as_ref()
        .map(|entry| format!("{} {}", entry.kind.as_str(), entry.target.join(" ")));
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let rows = [
        ("lifecycle", component.lifecycle.clone()),
        ("status", component.status.clone().unwrap_or_default()),
        ("stages", component.stages.join(", ")),
        ("tags", component.tags.join(", ")),
        ("capabilities", component.capabilities.join(", ")),
        ("needs", component.dependencies.join(", ")),
        ("runs", runs.unwrap_or_default()),
        ("file", component.path.clone()),
        ("digest", component.digest.clone().unwrap_or_default()),
        ("registered", yes(component.registered)),
    ];
    for (key, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let pieces = text::wrap_words(&clean(value), look.width.saturating_sub(16));
        for (at, piece) in pieces.iter().enumerate() {
            let key = text::pad(if at == 0 { key } else { "" }, 12);
            writeln!(out, "  {}  {piece}", look.dim(&key))?;
        }
    }
    Ok(())
}

/// Writes entries of the registry, or what was done with them.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn entries(look: Look, format: Format, shown: &RegistryListing, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Json => return machine::json(shown, out),
        Format::Yaml => return machine::yaml(shown, out),
        Format::Human => {}
    }
    if shown.entries.iter().any(|entry| entry.state.is_some()) {
        for entry in &shown.entries {
            let state = entry.state.as_deref().unwrap_or_default();
            let mark = if state == "invalid" { Mark::Fail } else { Mark::Pass };
            let line = format!("{} {state}  {}", full_name(entry), entry.path);
            writeln!(out, "{}{}", look.mark(mark), look.clip(&clean(&line), look.width.saturating_sub(6)))?;
        }
    } else {
        let rows = shown.entries.iter().map(|entry| {
            let digest = entry.digest.get(..19).unwrap_or(&entry.digest).to_owned();
            [full_name(entry), entry.meta_type.clone(), entry.lifecycle.clone(), digest, entry.path.clone()]
        });
        table(look, ["name", "type", "lifecycle", "digest", "file"], rows.collect(), out)?;
    }
    if shown.entries.is_empty() {
        writeln!(out, "{} has no entry", clean(&shown.path))?;
    }
    Ok(())
}

fn full_name(entry: &EntryInfo) -> String {
    let namespace = entry.namespace.as_ref().map(|namespace| format!("{namespace}."));
    let version = entry.version.as_ref().map(|version| format!("@{version}"));
    format!("{}{}{}", namespace.unwrap_or_default(), entry.name, version.unwrap_or_default())
}
