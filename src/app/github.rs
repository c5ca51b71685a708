//! In a step of GitHub Actions: annotations, the summary of the job, and reports that hold no commands.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Environment;
use crate::model::context::Format;
use crate::model::plan_view::PlanView;
use crate::model::report::RunReport;
use crate::report::github::CommandGuard;
use crate::report::places::Places;
use crate::report::{Formatter, Look, formatter, github};

/// The largest summary of a step that GitHub takes.
const MOST_SUMMARY: u64 = 1024 * 1024;

/// What is left free of it: others may append, too.
const LEFT_FREE: u64 = 64 * 1024;

/// The step that `onex` runs in.
#[derive(Debug)]
pub(super) struct Step {
    workspace: Option<PathBuf>,
    summary: Option<PathBuf>,
}

impl Step {
    pub(super) fn of(environment: &Environment) -> Option<Self> {
        let path = |name| environment.get(name).map(|path| environment.directory.join(path));
        let workspace = path("GITHUB_WORKSPACE");
        is_step(environment).then(|| Self {
            workspace: workspace.map(|path| path.canonicalize().unwrap_or(path)),
            summary: path("GITHUB_STEP_SUMMARY"),
        })
    }

    /// The annotations of a run, as the runner reads them.
    pub(super) fn annotations(&self, report: &RunReport, places: &Places) -> String {
        github::annotations(report, places, self.workspace.as_deref())
    }

    /// Appends a run to the summary of the step. The run is worth more than its summary.
    pub(super) fn summarise(&self, report: &RunReport) {
        let Some(path) = &self.summary else { return };
        if let Err(error) = append(path, report) {
            tracing::warn!(%error, "the summary of the job cannot be written");
        }
    }
}

/// Whether this is a step of GitHub Actions.
pub(super) fn is_step(environment: &Environment) -> bool {
    environment.get("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

fn append(path: &Path, report: &RunReport) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(there) if !there.is_file() => return Err(io::Error::other("it is no regular file")),
        Ok(there) => there.len(),
        Err(_) => 0,
    };
    let room = usize::try_from((MOST_SUMMARY - LEFT_FREE).saturating_sub(there)).unwrap_or(0);
    let summary = github::summary(report, room);
    if summary.is_empty() {
        return Err(io::Error::other("it is full"));
    }
    OpenOptions::new().append(true).create(true).open(path)?.write_all(summary.as_bytes())
}

/// The formatter for stdout. Where the runner reads along, YAML that holds what looks like a command is written as JSON,
/// which is YAML, too, and can escape it.
pub(super) fn on_stdout(format: Format, look: Look, guarded: bool) -> Box<dyn Formatter> {
    match format {
        Format::Yaml if guarded => Box::new(SafeYaml),
        Format::Human | Format::Json | Format::Yaml => formatter(format, look),
    }
}

struct SafeYaml;

impl SafeYaml {
    fn write(
        out: &mut dyn Write,
        render: impl Fn(&mut dyn Formatter, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut document = Vec::new();
        render(&mut *formatter(Format::Yaml, Look::default()), &mut document)?;
        if *CommandGuard::default().pass(&document) == document[..] {
            return out.write_all(&document);
        }
        render(&mut *formatter(Format::Json, Look::default()), out)
    }
}

impl Formatter for SafeYaml {
    fn report(&mut self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        Self::write(out, |formatter, out| formatter.report(report, out))
    }

    fn plan(&mut self, plan: &PlanView, out: &mut dyn Write) -> io::Result<()> {
        Self::write(out, |formatter, out| formatter.plan(plan, out))
    }
}
