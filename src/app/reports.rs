//! Reports in files: each is there as a whole at the end of a run, or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::AppError;
use crate::model::context::Format;
use crate::model::event::RunEvent;
use crate::model::exit::ExitCode;
use crate::model::outcome::RunStatus;
use crate::model::report::{ReportFold, RunReport};
use crate::report::places::Places;
use crate::report::{FileForm, Formatter, file_formatter};

/// A report that was asked for beside the one on stdout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportWish {
    /// Its file.
    pub path: PathBuf,
    /// Its form.
    pub form: FileForm,
}

/// The reports of one run that go to files.
pub(super) struct Reports(Vec<ReportFile>);

struct ReportFile {
    path: PathBuf,
    /// Where it is written first.
    draft: PathBuf,
    formatter: Box<dyn Formatter>,
    form: FileForm,
    /// What the formatter said of the run so far.
    shown: Vec<u8>,
}

impl Reports {
    /// The reports that can be written, and why the others cannot; `taken` are files that are something else already.
    pub(super) fn open(wishes: &[ReportWish], taken: &[(PathBuf, &str)]) -> (Self, Result<(), AppError>) {
        let mut files: Vec<ReportFile> = Vec::new();
        let mut problem = Ok(());
        for wish in wishes {
            let also = |other: &ReportFile| same_file(&wish.path, &other.path);
            let refused = match taken.iter().find(|(other, _)| same_file(&wish.path, other)) {
                Some((_, what)) => Err(io::Error::other(format!("it is {what}"))),
                None if files.iter().any(also) => Err(io::Error::other("it is another report of this run")),
                None => Ok(()),
            };
            match refused.and_then(|()| ReportFile::open(wish)) {
                Ok(file) => files.push(file),
                Err(source) => {
                    let refused = AppError::Output { path: wish.path.clone(), source };
                    problem = problem.and(Err(refused));
                }
            }
        }
        (Self(files), problem)
    }

    /// Takes one more event; `so_far` is the report with it.
    pub(super) fn event(&mut self, event: &RunEvent, so_far: &ReportFold) {
        for file in &mut self.0 {
            if file.formatter.event(event, so_far, &mut file.shown).is_err() {
                tracing::debug!("a report in memory cannot be written");
            }
        }
    }

    /// Where those for people are put together: what is told on stderr belongs into them, too.
    pub(super) fn for_people(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.0
            .iter_mut()
            .filter(|file| file.form == FileForm::Shown(Format::Human))
            .map(|file| &mut file.shown)
    }

    /// Whether one of them points into files.
    pub(super) fn point_into_files(&self) -> bool {
        self.0.iter().any(|file| file.form == FileForm::Sarif)
    }

    /// Takes the places of what the report names, before it is written.
    pub(super) fn places(&mut self, places: &Arc<Places>) {
        self.0.iter_mut().for_each(|file| file.formatter.places(places));
    }

    /// Writes them all. A report that cannot be written is a failure, which the other reports then tell of.
    pub(super) fn write(mut self, mut report: RunReport) -> (RunReport, Vec<AppError>) {
        let mut failed = Vec::new();
        loop {
            let before = failed.len();
            let mut written = Vec::new();
            for mut file in self.0 {
                match file.write(&report) {
                    Ok(()) => written.push(file),
                    Err(source) => failed.push(AppError::Report { path: file.path, source }),
                }
            }
            self = Self(written);
            if failed.len() == before {
                return (report, failed);
            }
            report.exit_code = report.exit_code.max(ExitCode::ExecutionFailed);
            if matches!(report.status, RunStatus::Success | RunStatus::Partial) {
                report.status = RunStatus::Failed;
            }
            report.error = report.error.or_else(|| failed.first().map(AppError::info));
        }
    }
}

impl ReportFile {
    fn open(wish: &ReportWish) -> io::Result<Self> {
        let path = match fs::metadata(&wish.path) {
            Ok(there) if there.is_dir() => return Err(io::Error::other("it is a directory")),
            Ok(there) if !there.is_file() => return Err(io::Error::other("it is no regular file")),
            // What a link names is replaced, not the link.
            Ok(_) => wish.path.canonicalize()?,
            Err(_) => place(&wish.path).unwrap_or_else(|| wish.path.clone()),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        // That it can be written is better known now.
        drop(File::create(&draft)?);
        fs::remove_file(&draft)?;
        Ok(Self { path, draft, formatter: file_formatter(wish.form), form: wish.form, shown: Vec::new() })
    }

    fn write(&mut self, report: &RunReport) -> io::Result<()> {
        let written = self.write_draft(report).and_then(|()| fs::rename(&self.draft, &self.path));
        if written.is_err() && fs::remove_file(&self.draft).is_err() {
            tracing::debug!(draft = %self.draft.display(), "there was no draft to remove");
        }
        written
    }

    fn write_draft(&mut self, report: &RunReport) -> io::Result<()> {
        let mut file = BufWriter::with_capacity(64 * 1024, File::create(&self.draft)?);
        file.write_all(&self.shown)?;
        self.formatter.report(report, &mut file)?;
        file.flush()
    }
}

/// Where a file would be that is not there yet: links that lead nowhere are followed.
fn place(path: &Path) -> Option<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let found = folder.canonicalize().ok()?.join(path.file_name()?);
        match fs::read_link(&found) {
            Ok(target) => path = found.parent()?.join(target),
            Err(_) => return Some(found),
        }
    }
    None
}

/// Whether two names mean one file, also one that is not there yet.
pub(super) fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()) && one.is_file(),
        (Err(_), Err(_)) => place(one).is_some_and(|one| Some(one) == place(other)),
        _ => false,
    }
}
