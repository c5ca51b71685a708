//! Rewrites contracts in one form.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use similar::TextDiff;

use super::Environment;
use super::console::Console;
use super::contract::{read_in_project, unreadable};
use super::error::diagnosed;
use super::plan::finish;
use super::validate::{STDIN, files_of};
use crate::contract::file::read_from;
use crate::contract::{self, FormatRefusal};
use crate::diag::{Diagnostic, SourceMap};
use crate::model::context::Format;
use crate::model::exit::ExitCode;
use crate::model::formatting::{FormatStatus, FormattedFile, Formatting};
use crate::report::{diagnostics, formatting};

/// What to rewrite, and how to show what became of it.
#[derive(Clone, Debug)]
pub struct FmtRequest {
    /// Files, folders, names of contracts; `-` is standard input, and stands alone.
    pub paths: Vec<PathBuf>,
    /// Nothing is written, and a file that would change is a failure.
    pub check: bool,
    /// Nothing is written, and what would change is shown.
    pub diff: bool,
    /// The form of what is shown; for people where none is named.
    pub format: Option<Format>,
}

/// What came of one text.
#[derive(Default)]
struct Outcome {
    /// The new text, if it is another one.
    new: Option<String>,
    findings: Vec<Diagnostic>,
    sources: SourceMap,
    /// Why it could not be done, and what that amounts to.
    error: Option<(String, ExitCode)>,
}

/// Rewrites all files and shows what became of them.
pub fn fmt(request: &FmtRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    if request.paths.iter().any(|path| path == Path::new("-")) {
        return standard_input(request, console);
    }
    let directory = &environment.directory;
    let mut seen = HashSet::new();
    let mut done = Vec::new();
    for path in &request.paths {
        let files = match files_of(path, directory) {
            Ok(files) => files,
            Err(finding) => {
                done.push((path.clone(), Outcome { findings: vec![*finding], ..Outcome::default() }, None));
                continue;
            }
        };
        for shown in files {
            let place = directory.join(&shown);
            if !seen.insert(place.canonicalize().unwrap_or_else(|_| place.clone())) {
                continue;
            }
            let mut old = None;
            let mut outcome = match read_in_project(&place, directory, None) {
                Ok(text) => {
                    let (outcome, text) = formatted(&shown, text);
                    old = Some(text);
                    outcome
                }
                Err(error) => {
                    let findings = vec![unreadable(&shown, &place, &error)];
                    Outcome { findings, ..Outcome::default() }
                }
            };
            if let (Some(new), false) = (&outcome.new, request.check || request.diff)
                && let Err(error) = replace(&place, new)
            {
                outcome.error = Some((format!("cannot be written: {error}"), ExitCode::Configuration));
            }
            done.push((shown, outcome, old));
        }
    }
    tell(request, &done, console)
}

/// Standard input to standard output.
fn standard_input(request: &FmtRequest, console: &mut Console) -> ExitCode {
    let shown = PathBuf::from(STDIN);
    let (outcome, old) = match read_from(io::stdin()) {
        Ok(text) => formatted(&shown, text),
        Err(error) => {
            let findings = vec![unreadable(&shown, &shown, &error)];
            (Outcome { findings, ..Outcome::default() }, Arc::default())
        }
    };
    if request.check || request.diff {
        return tell(request, &[(shown, outcome, Some(old))], console);
    }
    let code = code_of(request, &outcome);
    let told = match &outcome.error {
        Some((error, _)) => writeln!(console.err(), "error: {error}"),
        None => {
            diagnostics::render(console.err_look(), &outcome.sources, &outcome.findings, &mut console.err())
        }
    };
    if told.is_err() {
        tracing::debug!("standard error is closed");
    }
    if code != ExitCode::Success {
        return code;
    }
    let written = console.document().write_all(outcome.new.as_ref().unwrap_or(&old).as_bytes());
    finish(written, &mut console.err(), code)
}

/// A text in its form, and the text itself.
fn formatted(shown: &Path, text: String) -> (Outcome, Arc<String>) {
    let mut outcome = Outcome::default();
    let source = outcome.sources.add(shown, text);
    let old = outcome.sources.text(source);
    match contract::format(source, &old) {
        Ok(new) => outcome.new = (new != *old).then_some(new),
        Err(FormatRefusal::Findings(findings)) => outcome.findings = findings,
        Err(FormatRefusal::Changed(how)) => {
            let message = format!("a mistake in onex, please report it: {how}");
            outcome.error = Some((message, ExitCode::ExecutionFailed));
        }
    }
    (outcome, old)
}

fn code_of(request: &FmtRequest, outcome: &Outcome) -> ExitCode {
    match (&outcome.error, outcome.findings.is_empty()) {
        (Some((_, code)), _) => *code,
        (None, false) => diagnosed(&outcome.findings),
        (None, true) if outcome.new.is_some() && request.check => ExitCode::ExecutionFailed,
        (None, true) => ExitCode::Success,
    }
}

/// A file as it was named, what came of it, and its text.
type Done = (PathBuf, Outcome, Option<Arc<String>>);

/// Shows what became of all files.
fn tell(request: &FmtRequest, done: &[Done], console: &mut Console) -> ExitCode {
    let files = done.iter().map(|(shown, outcome, old)| in_words(request, shown, (outcome, old.as_ref())));
    let report = Formatting::of(files.collect());
    let code = done.iter().map(|(_, outcome, _)| code_of(request, outcome)).max().unwrap_or_default();
    let (look, err_look) = (console.out_look(), console.err_look());
    let format = request.format.unwrap_or_default();
    if format == Format::Human {
        for (_, outcome, _) in done {
            let told = diagnostics::render(err_look, &outcome.sources, &outcome.findings, &mut console.err());
            if told.is_err() {
                tracing::debug!("standard error is closed");
            }
        }
    }
    let written = {
        let mut out = io::BufWriter::new(console.out());
        let shown = match format {
            Format::Human => formatting::for_people(look, &report, &mut out),
            Format::Json | Format::Yaml => formatting::for_machines(format, &report, &mut out),
        };
        shown.and_then(|()| out.flush())
    };
    finish(written, &mut console.err(), code)
}

fn in_words(
    request: &FmtRequest,
    shown: &Path,
    (outcome, old): (&Outcome, Option<&Arc<String>>),
) -> FormattedFile {
    let status = match (&outcome.error, outcome.findings.is_empty(), &outcome.new) {
        (Some(_), ..) => FormatStatus::Failed,
        (None, false, _) => FormatStatus::Refused,
        (None, true, None) => FormatStatus::Unchanged,
        (None, true, Some(_)) if request.check || request.diff => FormatStatus::WouldChange,
        (None, true, Some(_)) => FormatStatus::Formatted,
    };
    let path = shown.display().to_string();
    let diff = match (&outcome.new, old) {
        (Some(new), Some(old)) if request.diff => {
            let difference = TextDiff::from_lines(old.as_str(), new.as_str());
            Some(difference.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string())
        }
        _ => None,
    };
    FormattedFile {
        path,
        status,
        diff,
        error: outcome.error.as_ref().map(|(error, _)| error.clone()),
        diagnostics: outcome.findings.iter().map(|d| diagnostics::to_info(&outcome.sources, d)).collect(),
    }
}

/// Replaces the text of a file at once: whoever reads it meanwhile sees the old text or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // What a link names is replaced, not the link.
    let path = path.canonicalize()?;
    // A file that must not be written is not replaced either.
    drop(OpenOptions::new().write(true).open(&path)?);
    let permissions = fs::metadata(&path)?.permissions();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_draft(&draft, text, permissions).and_then(|()| fs::rename(&draft, &path));
    if written.is_err() && fs::remove_file(&draft).is_err() {
        tracing::debug!(draft = %draft.display(), "there was no draft to remove");
    }
    written
}

fn write_draft(draft: &Path, text: &str, permissions: fs::Permissions) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()
}
