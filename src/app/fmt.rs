//! Rewrites contracts in one form.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::fs::{MetadataExt as _, fchown};
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
            if let (Some(new), Some(old), false) = (&outcome.new, &old, request.check || request.diff)
                && let Err(error) = replace(&place, (old, new))
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
            let message = format!(
                "left as it is, because it cannot be set out without a change of what it says: {how}"
            );
            outcome.error = Some((message, ExitCode::Configuration));
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

/// Replaces the text of a file at once: whoever reads it meanwhile sees the old text or the new one. What somebody else
/// has written since it was read stays.
fn replace(path: &Path, (old, new): (&str, &str)) -> io::Result<()> {
    // What a link names is replaced, not the link.
    let path = path.canonicalize()?;
    // A file that must not be written is not replaced either.
    let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
    let kind = file.metadata()?;
    // Another file in its place would be one of its names only.
    if kind.nlink() > 1 {
        return write_over(&mut file, (old, new));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = match write_draft(&draft, new, &kind) {
        Ok(Owner::Kept) => unchanged(&path, old).and_then(|()| fs::rename(&draft, &path)),
        // It stays the file of somebody else only if it stays the same file.
        Ok(Owner::Lost) => write_over(&mut file, (old, new)),
        Err(error) => Err(error),
    };
    if fs::remove_file(&draft).is_err() {
        tracing::debug!(draft = %draft.display(), "there is no draft to remove");
    }
    written
}

/// Whether a new file has the owner and the group of the one that it is to replace.
enum Owner {
    Kept,
    Lost,
}

fn write_draft(draft: &Path, text: &str, kind: &fs::Metadata) -> io::Result<Owner> {
    let mut file = File::create(draft)?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (kind.uid(), kind.gid())
        && fchown(&file, Some(kind.uid()), Some(kind.gid())).is_err()
    {
        return Ok(Owner::Lost);
    }
    file.write_all(text.as_bytes())?;
    file.set_permissions(kind.permissions())?;
    file.sync_all()?;
    Ok(Owner::Kept)
}

fn unchanged(path: &Path, old: &str) -> io::Result<()> {
    if fs::read(path)? == old.as_bytes() {
        Ok(())
    } else {
        Err(io::Error::other("it has been changed meanwhile"))
    }
}

/// Writes into the file itself.
fn write_over(file: &mut File, (old, new): (&str, &str)) -> io::Result<()> {
    let mut now = Vec::new();
    file.read_to_end(&mut now)?;
    if now != old.as_bytes() {
        return Err(io::Error::other("it has been changed meanwhile"));
    }
    file.rewind()?;
    file.write_all(new.as_bytes())?;
    file.set_len(new.len() as u64)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_has_written_meanwhile_stays() {
        #[expect(clippy::disallowed_methods, reason = "a file for a test")]
        let folder = std::env::temp_dir().join(format!("onex-fmt-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, other) = (folder.join("a"), folder.join("b"));
        fs::write(&file, "mine\n").unwrap();
        for _ in 0..2 {
            let refused = replace(&file, ("old\n", "new\n")).unwrap_err();
            assert_eq!(refused.to_string(), "it has been changed meanwhile");
            assert_eq!(fs::read_to_string(&file).unwrap(), "mine\n");
            // The second time with two names.
            fs::hard_link(&file, &other).or_else(|_| fs::metadata(&other).map(drop)).unwrap();
        }
        replace(&file, ("mine\n", "n\n")).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "n\n");
        fs::remove_file(&other).unwrap();
        replace(&file, ("n\n", "longer\n")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "longer\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
        fs::remove_dir_all(folder).unwrap();
    }
}
