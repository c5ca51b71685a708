//! Joins what listens to a run: the display and the file of events.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::error::AppError;
use super::outbox::{Done, Outbox};
use crate::engine::ports::{Sink, SinkError};
use crate::model::event::{EventKind, RunEvent};
use crate::model::report::ReportFold;
use crate::report::Formatter;

/// Everybody who listens to one run.
pub(super) struct Sinks<'a> {
    pub formatter: &'a mut dyn Formatter,
    pub out: &'a mut Outbox,
    /// Whether nobody takes the display any more.
    pub out_closed: bool,
    pub events: Option<EventFile>,
}

impl Sink for Sinks<'_> {
    fn record(&mut self, event: &RunEvent, so_far: &ReportFold) -> Result<(), SinkError> {
        // Neither a slow terminal nor a closed one touches the run.
        self.out_closed = self.out_closed || self.formatter.event(event, so_far, self.out).is_err();
        if let Some(events) = &mut self.events {
            events.write(event);
        }
        Ok(())
    }
}

/// A file with one event a line, complete up to the last node that ended.
pub(super) struct EventFile {
    file: Outbox,
    failed: bool,
}

impl EventFile {
    pub(super) fn create(path: &Path) -> Result<Self, AppError> {
        let file =
            File::create(path).map_err(|source| AppError::Output { path: path.to_path_buf(), source })?;
        Ok(Self { file: Outbox::to(file), failed: false })
    }

    /// Best effort: the run is worth more than its recording.
    fn write(&mut self, event: &RunEvent) {
        if self.failed {
            return;
        }
        let written = serde_json::to_writer(&mut self.file, event)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .and_then(|()| if is_milestone(&event.kind) { self.file.flush() } else { Ok(()) });
        // Why is told at the end.
        self.failed = written.is_err();
    }

    /// Hands on the last of it, and tells when it is written.
    pub(super) fn close(self) -> Done {
        self.file.close()
    }
}

/// Whether somebody who follows the file wants to see this at once.
const fn is_milestone(kind: &EventKind) -> bool {
    match kind {
        EventKind::RunStarted(_)
        | EventKind::AttemptStarted { .. }
        | EventKind::RetryScheduled { .. }
        | EventKind::NodeCompleted { .. }
        | EventKind::NodeFailed { .. }
        | EventKind::FallbackSelected { .. }
        | EventKind::CircuitOpened { .. }
        | EventKind::CircuitHalfOpened { .. }
        | EventKind::CircuitClosed { .. }
        | EventKind::BudgetExceeded { .. }
        | EventKind::CancelRequested { .. }
        | EventKind::RunFinished { .. } => true,
        EventKind::NodeReady { .. } | EventKind::AttemptFinished(_) | EventKind::NodeSkipped { .. } => false,
    }
}
