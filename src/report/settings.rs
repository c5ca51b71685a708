//! What `onex doctor` found: a line for each thing, and one document for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::look::{Look, Mark};
use super::machine;
use crate::base::text;
use crate::model::context::Format;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// In order.
    Good,
    /// Not there, which matters to some only.
    Absent,
    /// Wrong.
    Bad,
}

/// One line, and what belongs to it.
#[derive(Clone, Debug)]
pub enum Row<'a> {
    /// A text.
    Line(String),
    /// Something that was looked at.
    Check {
        /// How it is.
        mark: Sign,
        /// What it is.
        name: &'a str,
        /// What was found.
        found: &'a str,
        /// What to do about it.
        advice: Option<&'a str>,
    },
    /// Something that is set.
    Setting {
        /// What it is.
        name: &'a str,
        /// What it is set to.
        value: &'a str,
        /// Where that comes from.
        origin: &'a str,
    },
}

/// Writes one document.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn document<T: Serialize>(format: Format, value: &T, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Yaml => machine::yaml(value, out),
        Format::Human | Format::Json => machine::json(value, out),
    }
}

/// Writes the rows in columns.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn for_people(look: Look, rows: &[Row<'_>], out: &mut dyn Write) -> io::Result<()> {
    let widest = |name: fn(&Row<'_>) -> usize| rows.iter().map(name).max().unwrap_or(0);
    let checks = widest(|row| if let Row::Check { name, .. } = row { name.len() } else { 0 });
    let settings = widest(|row| if let Row::Setting { name, .. } = row { name.len() } else { 0 });
    for row in rows {
        match row {
            Row::Line(line) => writeln!(out, "{line}")?,
            Row::Check { mark, name, found, advice } => {
                let mark = match mark {
                    Sign::Good => Mark::Pass,
                    Sign::Absent => Mark::Skip,
                    Sign::Bad => Mark::Fail,
                };
                // Marks are at most four cells and two spaces wide.
                let room = look.width.saturating_sub(checks + 8).max(20);
                let mut lines = text::wrap_words(&text::without_controls(found), room).into_iter();
                let first = lines.next().unwrap_or_default();
                writeln!(out, "{}{}  {first}", look.mark(mark), text::pad(name, checks))?;
                for line in lines {
                    writeln!(out, "{}{line}", " ".repeat(checks + 5))?;
                }
                for line in advice.iter().flat_map(|advice| text::wrap_words(advice, room)) {
                    writeln!(out, "{}{}", " ".repeat(checks + 5), look.dim(&line))?;
                }
            }
            Row::Setting { name, value, origin } => {
                let value = text::without_controls(value).replace('\n', " ");
                let room = look.width.saturating_sub(settings + origin.len() + 6).max(10);
                let origin = look.dim(origin);
                writeln!(out, "  {}  {}  {origin}", text::pad(name, settings), look.clip(&value, room))?;
            }
        }
    }
    Ok(())
}
