//! Joins what listens to a run: the display, the reports in files, the file of events and the log.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::error::AppError;
use super::outbox::{Done, Outbox};
use super::reports::Reports;
use super::screen::{Display, Writer};
use crate::base::NodeId;
use crate::engine::ports::{Sink, SinkError};
use crate::model::event::{EventKind, RunEvent};
use crate::model::output::StreamName;
use crate::model::profile::ProfileFold;
use crate::model::report::ReportFold;
use crate::report::{Formatter, LiveLines, Log};

/// Everybody who listens to one run.
pub(super) struct Sinks<'a> {
    pub formatter: &'a mut dyn Formatter,
    pub out: &'a mut Outbox,
    /// Whether nobody takes the display any more.
    pub out_closed: bool,
    pub display: Display,
    pub live: Option<Live>,
    pub reports: &'a mut Reports,
    pub events: Option<EventFile>,
    pub log: Option<LogFile>,
    pub profile: Option<ProfileFold>,
}

/// Where what nodes print goes as it comes.
pub(super) enum Live {
    /// To the display for people, which knows then what it need not repeat.
    Display,
    /// To stderr: the display is for machines.
    Beside(LiveLines, Outbox),
}

impl Sink for Sinks<'_> {
    fn record(&mut self, event: &RunEvent, so_far: &ReportFold) -> Result<(), SinkError> {
        self.display.event(event, so_far);
        if let (Some(Live::Beside(lines, out)), EventKind::AttemptFinished(attempt)) =
            (&mut self.live, &event.kind)
            && lines.ended(&attempt.node_id, out).and_then(|()| out.flush()).is_err()
        {
            self.live = None;
        }
        // Neither a slow terminal nor a closed one touches the run.
        self.out_closed = self.out_closed || self.formatter.event(event, so_far, self.out).is_err();
        self.reports.event(event, so_far);
        if let Some(profile) = &mut self.profile {
            profile.apply(event);
        }
        if let Some(events) = &mut self.events {
            events.write(event);
        }
        if let Some(log) = &mut self.log {
            log.write(event, so_far);
        }
        Ok(())
    }

    fn watches(&self) -> bool {
        self.live.is_some()
    }

    /// Bytes come in any pieces; only whole lines are shown.
    fn preview(&mut self, node_id: &NodeId, stream: StreamName, bytes: &[u8]) {
        match &mut self.live {
            None => {}
            // Who cannot take what is printed as fast as it is printed misses some of it; the report has it.
            Some(Live::Display) if self.out.is_behind() => {}
            Some(Live::Beside(_, out)) if out.is_behind() => {}
            Some(Live::Display) => {
                let shown = self.formatter.live((node_id, stream), bytes, self.out);
                self.out_closed = self.out_closed || shown.and_then(|()| self.out.flush()).is_err();
            }
            Some(Live::Beside(lines, out)) => {
                let shown = lines.live((node_id, stream), bytes, out).and_then(|()| out.flush());
                self.live = self.live.take().filter(|_| shown.is_ok());
            }
        }
    }
}

/// Lines that are written beside the run. Best effort: the run is worth more than its recording.
struct Lines {
    file: Outbox,
    failed: bool,
}

impl Lines {
    fn create(path: &Path) -> Result<Self, AppError> {
        let file =
            File::create(path).map_err(|source| AppError::Output { path: path.to_path_buf(), source })?;
        Ok(Self { file: Outbox::to(file), failed: false })
    }

    fn write(&mut self, write: impl FnOnce(&mut Outbox) -> io::Result<()>) {
        // Why is told at the end.
        self.failed = self.failed || write(&mut self.file).is_err();
    }
}

/// A file with one event a line, complete up to the last node that ended.
pub(super) struct EventFile(Lines);

impl EventFile {
    pub(super) fn create(path: &Path) -> Result<Self, AppError> {
        Ok(Self(Lines::create(path)?))
    }

    pub(super) fn write(&mut self, event: &RunEvent) {
        self.0.write(|file| {
            crate::report::in_line(event, &mut *file)?;
            file.write_all(b"\n")?;
            if is_milestone(&event.kind) { file.flush() } else { Ok(()) }
        });
    }

    /// Hands on the last of it, and tells when it is written.
    pub(super) fn close(self) -> Done {
        self.0.file.close()
    }
}

/// The structured log, in a file or on stderr.
pub(super) struct LogFile {
    log: Log,
    lines: Lines,
}

impl LogFile {
    pub(super) fn create(path: &Path) -> Result<Self, AppError> {
        Ok(Self { log: Log::default(), lines: Lines::create(path)? })
    }

    pub(super) fn on(writer: Writer) -> Self {
        Self { log: Log::default(), lines: Lines { file: Outbox::to(writer), failed: false } }
    }

    pub(super) fn write(&mut self, event: &RunEvent, so_far: &ReportFold) {
        let log = &mut self.log;
        self.lines.write(|file| {
            let written = log.event(event, so_far, file)?;
            if written > 0 { file.flush() } else { Ok(()) }
        });
    }

    /// Hands on the last of it, and tells when it is written.
    pub(super) fn close(self) -> Done {
        self.lines.file.close()
    }
}

/// Whether somebody who follows the file wants to see this at once.
const fn is_milestone(kind: &EventKind) -> bool {
    match kind {
        EventKind::RunStarted(_)
        | EventKind::AttemptStarted { .. }
        | EventKind::NodeSlow { .. }
        | EventKind::RetryScheduled { .. }
        | EventKind::NodeCompleted { .. }
        | EventKind::NodeFailed { .. }
        | EventKind::FallbackSelected { .. }
        | EventKind::CircuitOpened { .. }
        | EventKind::CircuitHalfOpened { .. }
        | EventKind::CircuitClosed { .. }
        | EventKind::BudgetExceeded { .. }
        | EventKind::PolicyViolation(_)
        | EventKind::DeprecationWarning { .. }
        | EventKind::CancelRequested { .. }
        | EventKind::RunFinished { .. } => true,
        EventKind::NodeReady { .. } | EventKind::AttemptFinished(_) | EventKind::NodeSkipped { .. } => false,
    }
}
