//! Renders events, reports, plans and diagnostics.
//!
//! Cannot see the engine, so a live run and a recorded one look alike. Writes into what it is given: which stream
//! that is, and whether it has colours, is decided in `app::console`.

pub mod components;
pub mod diagnostics;
mod excerpt;
pub mod explanation;
pub mod formatting;
pub mod github;
pub mod graph;
mod human;
mod json;
mod junit;
mod live;
mod log;
mod look;
mod machine;
pub mod menu;
pub mod overview;
pub mod places;
mod plan;
mod progress;
mod sarif;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod trust;
pub mod validation;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::base::NodeId;
use crate::model::context::Format;
use crate::model::event::RunEvent;
use crate::model::output::StreamName;
use crate::model::plan_view::PlanView;
use crate::model::report::{ReportFold, RunReport};
use places::Places;

pub use json::in_line;
pub use live::LiveLines;
pub use log::{Log, NAMES as LOG_NAMES};
pub use look::{Look, NodeOutput, Volume};
pub use progress::Progress;

/// Renders one run.
pub trait Formatter {
    /// Renders what one event changes; `so_far` is the report with it.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    fn event(&mut self, _event: &RunEvent, _so_far: &ReportFold, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Renders what a node prints, as it comes.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    fn live(&mut self, _from: (&NodeId, StreamName), _bytes: &[u8], _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Takes the places of what the report names, before the report.
    fn places(&mut self, _places: &Arc<Places>) {}

    /// Renders the report of a run that ended, or could not start.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    fn report(&mut self, report: &RunReport, out: &mut dyn Write) -> io::Result<()>;

    /// Renders a plan.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written.
    fn plan(&mut self, plan: &PlanView, out: &mut dyn Write) -> io::Result<()>;
}

/// Makes a formatter.
pub type MakeFormatter = fn(Look) -> Box<dyn Formatter>;

/// Every format with its formatter: `spec/000`, "formatter registry".
pub const FORMATTERS: &[(Format, MakeFormatter)] = &[
    (Format::Human, |look| Box::new(human::Human::new(look))),
    (Format::Json, |_| Box::new(machine::Json)),
    (Format::Yaml, |_| Box::new(machine::Yaml)),
];

/// The form of a report in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileForm {
    /// A form that stdout can have, too.
    Shown(Format),
    /// For those who read the results of tests.
    Junit,
    /// For those who show findings in code.
    Sarif,
}

/// The endings of files, and the forms that they stand for.
pub const EXTENSIONS: [(&str, FileForm); 7] = [
    ("json", FileForm::Shown(Format::Json)),
    ("yaml", FileForm::Shown(Format::Yaml)),
    ("yml", FileForm::Shown(Format::Yaml)),
    ("txt", FileForm::Shown(Format::Human)),
    ("xml", FileForm::Junit),
    ("sarif", FileForm::Sarif),
    ("sarif.json", FileForm::Sarif),
];

/// The form that the ending of a file's name stands for.
#[must_use]
pub fn form_of_file(path: &Path) -> Option<FileForm> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let has = |ending: &str| {
        name.strip_suffix(ending).and_then(|stem| stem.strip_suffix('.')).is_some_and(|stem| !stem.is_empty())
    };
    let matching = EXTENSIONS.iter().filter(|(ending, _)| has(ending));
    matching.max_by_key(|(ending, _)| ending.len()).map(|&(_, form)| form)
}

/// The formatter of a report in a file.
#[must_use]
pub fn file_formatter(form: FileForm) -> Box<dyn Formatter> {
    match form {
        FileForm::Shown(format) => formatter(format, Look::default()),
        FileForm::Junit => Box::new(junit::Junit),
        FileForm::Sarif => Box::new(sarif::Sarif::default()),
    }
}

/// The formatter of a format.
#[must_use]
pub fn formatter(format: Format, look: Look) -> Box<dyn Formatter> {
    let make = FORMATTERS.iter().find(|(known, _)| *known == format).map(|(_, make)| make);
    make.map_or_else(|| Box::new(machine::Json) as Box<dyn Formatter>, |make| make(look))
}
