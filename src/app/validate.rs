//! Tells what is wrong with files, and runs nothing.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Environment;
use super::components::Components;
use super::console::Console;
use super::contract::{
    FILE_NAME, Loaded, load_file, load_text, locate, project_root, root_above, unreadable,
};
use super::error::{AppError, diagnosed};
use super::plan::finish;
use super::reports::{ReportWish, Reports};
use super::unbegun::never_began;
use crate::base::{Clock as _, SystemClock};
use crate::contract::file::{ReadError, read_from};
use crate::contract::{FileKind, Place};
use crate::diag::{Diagnostic, Severity, codes, sort_by_position};
use crate::model::context::Format;
use crate::model::exit::ExitCode;
use crate::model::report::RunReport;
use crate::model::validation::{FileValidation, Validation};
use crate::registry;
use crate::report::places::Places;
use crate::report::{FileForm, Look, Volume, diagnostics, validation};

/// The ending of a file that describes a component.
const COMPONENT_ENDING: &str = ".onex.yaml";

/// The name under which standard input is shown.
pub(super) const STDIN: &str = "<stdin>";

/// What to look at, and how to show what was found.
#[derive(Clone, Debug)]
pub struct ValidateRequest {
    /// Files, folders, names of contracts; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// The form of what is shown; for people where none is named.
    pub format: Option<Format>,
    /// A file for what was found, in the form of SARIF.
    pub sarif: Option<PathBuf>,
}

/// Looks at all files and shows what was found.
pub fn validate(request: &ValidateRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let root = match request.root.as_deref().map(|root| project_root(root, Some(root))).transpose() {
        Ok(root) => root,
        Err(error) => {
            let told = writeln!(console.err(), "error: {error}");
            return finish(told, &mut console.err(), error.exit_code());
        }
    };
    let format = request.format.unwrap_or_default();
    let mut seen = HashSet::new();
    let mut checked = Vec::new();
    let mut components = Components::new(environment);
    for path in &request.paths {
        for (shown, loaded) in
            look_at(path, (&environment.directory, root.as_deref()), (&mut seen, &mut components))
        {
            checked.push((shown, named_for_what_it_is(loaded)));
        }
    }
    let report = Validation::of(checked.iter().map(|(shown, loaded)| in_words(shown, loaded)).collect());
    let findings: Vec<Diagnostic> =
        checked.iter().flat_map(|(_, loaded)| loaded.diagnostics.clone()).collect();
    let failed = findings.iter().any(|found| found.severity == Severity::Error);
    let look = console.out_look();
    let written = {
        let mut out = io::BufWriter::new(console.out());
        let shown = match format {
            Format::Human => for_people(look, &checked, &report, &mut out),
            Format::Json | Format::Yaml => validation::for_machines(format, &report, &mut out),
        };
        shown.and_then(|()| out.flush())
    };
    let code = if failed { diagnosed(&findings) } else { ExitCode::Success };
    if let Some(file) = &request.sarif
        && let Err(error) = write_sarif(file, (&checked, code), (root.as_deref(), environment))
    {
        let told = writeln!(console.err(), "error: {error}");
        return finish(told, &mut console.err(), code.max(error.exit_code()));
    }
    finish(written, &mut console.err(), code)
}

/// Writes all findings to a file, as a run that found them would.
fn write_sarif(
    file: &Path,
    (checked, exit_code): (&[(PathBuf, Loaded)], ExitCode),
    (root, environment): (Option<&Path>, &Environment),
) -> Result<(), AppError> {
    let wish = ReportWish { path: file.to_path_buf(), form: FileForm::Sarif };
    let claimed: Vec<(PathBuf, &'static str)> =
        checked.iter().map(|(_, loaded)| (loaded.path.clone(), "a file that is looked at")).collect();
    let (mut reports, opened) = Reports::open(&[wish], &claimed);
    opened?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let here = real(&environment.directory);
    let now = SystemClock::start().started_at();
    let mut report = RunReport { exit_code, completed_at: Some(now), ..never_began() };
    let mut places =
        Places { root: root.map_or_else(|| root_above(&here), Path::to_path_buf), ..Places::default() };
    for (_, loaded) in checked {
        places.corrections.extend(Places::corrections_of(&loaded.sources, &loaded.diagnostics));
        let found = loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d));
        report.diagnostics.extend(found);
    }
    for found in &report.diagnostics {
        let labels = found.labels.iter().filter_map(|label| label.path.as_ref());
        for shown in found.path.iter().chain(labels) {
            places.files.entry(shown.clone()).or_insert_with(|| real(&here.join(shown)));
        }
    }
    reports.places(&Arc::new(places));
    let (_, failed) = reports.write(report);
    failed.into_iter().next().map_or(Ok(()), Err)
}

fn for_people(
    look: Look,
    checked: &[(PathBuf, Loaded)],
    report: &Validation,
    out: &mut dyn Write,
) -> io::Result<()> {
    let least = if look.volume > Volume::Quiet { Severity::Info } else { Severity::Error };
    for (_, loaded) in checked {
        // That a file is a component or a fragment is said in its line.
        let in_line = |found: &Diagnostic| {
            found.severity == Severity::Info
                && found.code == codes::NOT_A_CONTRACT
                && loaded.kind != FileKind::Node
        };
        let told = loaded.diagnostics.iter().filter(|found| found.severity >= least && !in_line(found));
        let told: Vec<Diagnostic> = told.cloned().collect();
        diagnostics::render(look, &loaded.sources, &told, out)?;
    }
    validation::for_people(look, report, out)
}

/// What one path stands for, each file once.
fn look_at(
    path: &Path,
    (directory, root): (&Path, Option<&Path>),
    (seen, components): (&mut HashSet<PathBuf>, &mut Components<'_>),
) -> Vec<(PathBuf, Loaded)> {
    let refused = |finding: Diagnostic| {
        vec![(path.to_path_buf(), Loaded { diagnostics: vec![finding], ..Loaded::default() })]
    };
    if path == Path::new("-") {
        let shown = PathBuf::from(STDIN);
        let here = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
        let root = root.map_or_else(|| root_above(&here), Path::to_path_buf);
        let place = Place { path: &here.join(STDIN), root: &root };
        return match read_from(io::stdin()) {
            Ok(text) => vec![(shown.clone(), load_text(text, &shown, (place, components)))],
            Err(error) => refused(unreadable(&shown, place.path, &error)),
        };
    }
    let files = match files_of(path, directory) {
        Ok(files) => files,
        Err(finding) => return refused(*finding),
    };
    files
        .into_iter()
        .filter(|file| seen.insert(directory.join(file)))
        .map(|file| {
            let mut loaded = load_file(&file, (directory, root), components);
            loaded.diagnostics.extend(registry::misnamed_file(&file, directory));
            (file, loaded)
        })
        .collect()
}

/// The files that one path stands for: itself, or those of the folder that it is, or the contract of that name.
pub(super) fn files_of(path: &Path, directory: &Path) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    if !directory.join(path).is_dir() {
        return locate(path, directory).map(|file| vec![file]);
    }
    match files_below(path, directory) {
        Ok(files) if files.is_empty() => {
            let message = format!("there is no `{FILE_NAME}` below `{}`", path.display());
            let finding = Diagnostic::error(codes::UNREADABLE, message);
            Err(Box::new(finding.help("a file of another name is named itself")))
        }
        Ok(files) => Ok(files),
        Err(error) => Err(Box::new(unreadable(path, &directory.join(path), &ReadError::Io(error)))),
    }
}

/// Contracts and components below a folder, in order. Hidden folders and links to folders are not entered.
fn files_below(folder: &Path, directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    // What is below `.` needs no `./` before it.
    let mut open = vec![if folder == Path::new(".") { PathBuf::new() } else { folder.to_path_buf() }];
    let mut first = true;
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(directory.join(&folder)) {
            Err(error) if first => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "cannot look into {}", folder.display());
                continue;
            }
            Ok(entries) => entries,
        };
        first = false;
        for entry in entries.filter_map(Result::ok) {
            let (name, kind) = (entry.file_name(), entry.file_type());
            let Some(name) = name.to_str() else { continue };
            if kind.is_ok_and(|kind| kind.is_dir()) {
                if !name.starts_with('.') {
                    open.push(folder.join(name));
                }
            } else if name == FILE_NAME
                || name.ends_with(COMPONENT_ENDING)
                || registry::misnamed(&directory.join(folder.join(name))).is_some()
            {
                files.push(folder.join(name));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A file that is something else than a workflow, and says so, is in order; what is worth knowing of a plan is added.
fn named_for_what_it_is(mut loaded: Loaded) -> Loaded {
    let is_contract_by_name = loaded.path.file_name().is_some_and(|name| name == FILE_NAME);
    let in_order = match loaded.kind {
        FileKind::Component | FileKind::Node => true,
        FileKind::Fragment => !is_contract_by_name,
        FileKind::Orchestrator | FileKind::Other => false,
    };
    for found in loaded.diagnostics.iter_mut().filter(|found| found.code == codes::NOT_A_CONTRACT && in_order)
    {
        found.severity = Severity::Info;
    }
    if let Some(plan) = &loaded.plan {
        loaded.diagnostics.extend(plan.remarks());
        sort_by_position(&mut loaded.diagnostics);
    }
    loaded
}

fn in_words(shown: &Path, loaded: &Loaded) -> FileValidation {
    let kind = match loaded.kind {
        FileKind::Orchestrator => "orchestrator",
        FileKind::Component => "component",
        FileKind::Fragment => "fragment",
        FileKind::Node | FileKind::Other => "other",
    };
    FileValidation {
        path: shown.display().to_string(),
        kind: kind.to_owned(),
        valid: !loaded.diagnostics.iter().any(|found| found.severity == Severity::Error),
        diagnostics: loaded.diagnostics.iter().map(|d| diagnostics::to_info(&loaded.sources, d)).collect(),
    }
}
