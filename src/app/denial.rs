//! What is recorded of policies: of a run that they deny, and at the beginning of one that only breaks some.

use std::path::Path;
use std::sync::Arc;

use super::contract::Loaded;
use super::run::RunRequest;
use super::screen::{Screen, Writer};
use super::sinks::{EventFile, LogFile};
use crate::base::Mono;
use crate::diag::codes;
use crate::model::context::{ContractInfo, ExecutionContext, Mode};
use crate::model::event::{EventKind, RunEvent, RunStarted};
use crate::model::output::NoOutputs;
use crate::model::report::{ReportFold, RunReport};
use crate::report::diagnostics;

/// What is told at the beginning of a run that may begin.
pub(super) fn notices(loaded: &Loaded) -> Vec<EventKind> {
    let broken = loaded.violations.iter().map(|told| told.event(&loaded.sources));
    let deprecated = loaded
        .diagnostics
        .iter()
        .filter(|found| matches!(found.code, codes::DEPRECATED | codes::DEPRECATED_CONTRACT))
        .map(|found| EventKind::DeprecationWarning {
            finding: Box::new(diagnostics::to_info(&loaded.sources, found)),
        });
    broken.chain(deprecated).collect()
}

/// Records a run that was denied before it began: its beginning, what denies it, and its end.
pub(super) fn record(report: &RunReport, (loaded, request): (&Loaded, &RunRequest), screen: &Arc<Screen>) {
    // A file that is two things at once is refused for that, and must stay as it is.
    let is_denied = report.error.as_ref().is_some_and(|error| error.kind == "PolicyError");
    if !is_denied || loaded.violations.is_empty() || (request.events.is_none() && request.log.is_none()) {
        return;
    }
    let mode = request.mode.unwrap_or_default();
    let started = RunStarted {
        correlation_id: report.correlation_id.clone(),
        parent_run_id: None,
        contract: report.contract.clone().unwrap_or_else(|| contract(loaded)),
        context: ExecutionContext {
            stage: request.stage.as_ref().map(|stage| stage.name.clone()),
            dry_run: mode == Mode::DryRun,
            format: request.format.unwrap_or_default(),
            mode,
            ..ExecutionContext::default()
        },
        plan: Vec::new(),
    };
    let broken = loaded.violations.iter().map(|told| told.event(&loaded.sources));
    let ended = EventKind::RunFinished { status: report.status, exit_code: report.exit_code };
    let kinds = std::iter::once(EventKind::RunStarted(Box::new(started))).chain(broken).chain([ended]);

    let mut fold = ReportFold::new(report.run_id);
    let mut events = request.events.as_deref().and_then(|path| opened(EventFile::create(path), path));
    let mut log = request.log.as_deref().and_then(|path| match path == Path::new("-") {
        true => Some(LogFile::on(Writer::err(Arc::clone(screen)))),
        false => opened(LogFile::create(path), path),
    });
    for (seq, kind) in (0..).zip(kinds) {
        let event =
            RunEvent::at_moment((report.run_id, seq), report.started_at, Mono::at(Default::default()), kind);
        fold.apply(&event, &NoOutputs);
        if let Some(events) = &mut events {
            events.write(&event);
        }
        if let Some(log) = &mut log {
            log.write(&event, &fold);
        }
    }
    let written = events.into_iter().map(EventFile::close).chain(log.into_iter().map(LogFile::close));
    for done in written {
        if !matches!(done.blocking_recv(), Ok(Ok(()))) {
            tracing::warn!("what denied the run is not recorded to its end");
        }
    }
}

/// A file for a recording; the run is denied whether it can be written or not.
fn opened<T>(file: Result<T, super::error::AppError>, path: &Path) -> Option<T> {
    file.inspect_err(|error| tracing::warn!(%error, "nothing is recorded in {}", path.display())).ok()
}

/// A contract that was not read any further.
fn contract(loaded: &Loaded) -> ContractInfo {
    let shown = loaded.source.map_or_else(
        || loaded.path.display().to_string(),
        |source| loaded.sources.path(source).display().to_string(),
    );
    let digest = loaded.files.first().and_then(|file| Some(file.digest?.to_string()));
    ContractInfo {
        name: shown.clone(),
        version: None,
        path: shown,
        digest: digest.unwrap_or_default(),
        commit: loaded.basis.as_ref().map(|basis| basis.commit().to_owned()),
    }
}
