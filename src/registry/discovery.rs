//! Finds components: by the names of files, and on demand by what stands in them.
//!
//! Folders are looked through in parallel, and as ripgrep does: `.gitignore` and `.ignore` hold, hidden files do not
//! count, links to folders are not followed. A repository or a folder with an `onex.toml` below the root is a project
//! of its own; it is named and not entered. What cannot be read is told of.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder, WalkState};
use memchr::memmem::Finder;

use super::block;
use super::metadata::{Declared, declared, form_of};
use crate::diag::{Diagnostic, SourceMap, codes};
use crate::model::component::Component;
use crate::yaml::file::{self, ReadError};

/// The files that make a folder a project of its own.
const PROJECT_MARKS: [&str; 2] = ["onex.toml", ".git"];

/// Where components are looked for.
#[derive(Clone, Debug)]
pub struct Discovery {
    root: PathBuf,
    below: PathBuf,
    contents: bool,
    names: Option<Vec<PathBuf>>,
    also: Vec<PathBuf>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Discovered {
    /// The texts that places point into.
    pub sources: SourceMap,
    /// The components, by path.
    pub components: Vec<Component>,
    /// What cannot be read, and what is wrong with the rest, by path and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The root without symbolic links, once it is known.
    root: Option<PathBuf>,
    /// The folders that were not entered because they are projects of their own, relative to the root.
    pub other_projects: Vec<PathBuf>,
}

/// What a walk collects.
#[derive(Debug, Default)]
struct Collected {
    files: Vec<PathBuf>,
    failures: Vec<(PathBuf, String)>,
    other_projects: Vec<PathBuf>,
    misnamed: Vec<PathBuf>,
}

impl Discovery {
    /// Looks through the whole project for `contract.yaml` and `*.onex.yaml`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), below: PathBuf::new(), contents: false, names: None, also: Vec::new() }
    }

    /// Looks through one folder, relative to the root.
    #[must_use]
    pub fn below(self, folder: impl Into<PathBuf>) -> Self {
        Self { below: folder.into(), ..self }
    }

    /// Looks for metadata blocks in all files, too.
    #[must_use]
    pub fn with_contents(self) -> Self {
        Self { contents: true, ..self }
    }

    /// Looks at the names in a list of files relative to the root, such as that of `git ls-files`, and at no folder. A
    /// name that ends with `/.git` says that a folder is a repository of its own.
    #[must_use]
    pub fn among(self, names: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { names: Some(names.into_iter().collect()), ..self }
    }

    /// Reads these files, too, whatever their names are: those that are registered.
    #[must_use]
    pub fn and(mut self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        self.also.extend(files);
        self
    }

    /// Looks, and reads what was found.
    #[must_use]
    pub fn run(self) -> Discovered {
        let mut collected = match &self.names {
            Some(names) => among(names),
            None => self.walk(),
        };
        let mut found = Discovered::default();
        collected.failures.sort();
        for (path, problem) in collected.failures {
            let message = format!("cannot look into `{}`: {problem}", path.display());
            found.diagnostics.push(Diagnostic::error(codes::UNREADABLE, message));
        }
        collected.misnamed.sort();
        let misnamed = collected.misnamed.iter();
        found.diagnostics.extend(misnamed.filter_map(|path| misnamed_file(path, &self.root)));
        collected.other_projects.sort();
        found.other_projects = collected.other_projects;
        let mut files = collected.files;
        files.extend(self.also.iter().cloned());
        // Links last: what they lead to may be there under its own name.
        let is_link =
            |path: &Path| self.root.join(path).symlink_metadata().is_ok_and(|kind| kind.is_symlink());
        let mut files: Vec<(bool, PathBuf)> = files.into_iter().map(|path| (is_link(&path), path)).collect();
        files.sort();
        files.dedup();
        let mut seen = HashSet::new();
        for (is_link, path) in files {
            if is_link {
                self.read_link(&path, &mut seen, &mut found);
            } else if seen.insert(path.clone()) {
                self.read(&path, &mut found);
            }
        }
        found
    }

    /// Reads what a link leads to, once, and inside the project only.
    fn read_link(&self, path: &Path, seen: &mut HashSet<PathBuf>, found: &mut Discovered) {
        if let Ok(real) = self.root.join(path).canonicalize() {
            let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
            let Ok(inside) = real.strip_prefix(&root) else {
                let message = format!("`{}` is a link that leads out of the project root", path.display());
                found
                    .diagnostics
                    .push(Diagnostic::warning(codes::OUTSIDE_ROOT, message).help("it is not read"));
                return;
            };
            if !seen.insert(inside.to_path_buf()) {
                return;
            }
        }
        self.read(path, found);
    }

    fn read(&self, path: &Path, found: &mut Discovered) {
        let full = self.root.join(path);
        let root =
            found.root.get_or_insert_with(|| self.root.canonicalize().unwrap_or_else(|_| self.root.clone()));
        match file::read_inside(&full, root) {
            Ok(text) => {
                let source = found.sources.add(path, text);
                let text = found.sources.text(source);
                let Declared { component, mut diagnostics, .. } = declared(source, &text, path);
                crate::diag::sort_by_position(&mut diagnostics);
                found.components.extend(component);
                found.diagnostics.extend(diagnostics);
            }
            // The index of git has files that the folder does not have any more.
            Err(ReadError::NotFound)
                if self.names.as_ref().is_some_and(|names| names.iter().any(|name| name == path)) =>
            {
                tracing::info!("{} is gone", path.display());
            }
            Err(error) => found.diagnostics.push(unreadable(path, &error)),
        }
    }

    fn walk(&self) -> Collected {
        let collected = Arc::new(Mutex::new(Collected::default()));
        let start = self.root.join(&self.below);
        let (root, others) = (self.root.clone(), Arc::clone(&collected));
        let mut walk = WalkBuilder::new(&start);
        walk.require_git(false).filter_entry(move |entry| {
            let is_other = entry.depth() > 0
                && entry.file_type().is_some_and(|kind| kind.is_dir())
                && PROJECT_MARKS.iter().any(|mark| entry.path().join(mark).exists());
            if is_other {
                let path = relative(entry.path(), &root);
                others.lock().unwrap_or_else(PoisonError::into_inner).other_projects.push(path);
            }
            !is_other
        });
        walk.build_parallel().run(|| {
            let collected = Arc::clone(&collected);
            let mut search = self.contents.then(Search::new);
            Box::new(move |entry| {
                let (path, problem) = match entry {
                    Ok(entry) => {
                        let is_found =
                            is_named(&entry) || search.as_mut().is_some_and(|search| search.is_in(&entry));
                        if !is_found {
                            if right_name(entry.path()).is_some() {
                                let path = relative(entry.path(), &self.root);
                                let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
                                collected.misnamed.push(path);
                            }
                            return WalkState::Continue;
                        }
                        (relative(entry.path(), &self.root), None)
                    }
                    Err(error) => {
                        let path =
                            path_of(&error).map_or_else(PathBuf::new, |path| relative(path, &self.root));
                        (path, Some(problem_of(&error)))
                    }
                };
                let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
                match problem {
                    None => collected.files.push(path),
                    Some(problem) => collected.failures.push((path, problem)),
                }
                WalkState::Continue
            })
        });
        let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *collected)
    }
}

/// The name that a file should have which would be looked at under another ending: `contract.yml`, `lint.onex.yml`.
fn right_name(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".yml")?;
    let is_meant = stem == "contract" || stem.ends_with(".onex");
    is_meant.then(|| path.with_file_name(format!("{stem}.yaml")))
}

/// The name that a file should have so that it is found, where it declares something and has another ending. Other
/// tools have a `contract.yml`, too: what stands in it decides.
#[must_use]
pub fn misnamed(path: &Path) -> Option<PathBuf> {
    const OURS: [&str; 6] = [
        "workflow:",
        "workflow_coordination:",
        "node_type:",
        "contract_version:",
        "entrypoint:",
        "meta_type:",
    ];
    let right = right_name(path)?;
    let is_ours = path.file_stem().is_some_and(|stem| stem != "contract")
        || file::read(path)
            .is_ok_and(|text| text.lines().any(|line| OURS.iter().any(|k| line.starts_with(k))));
    (is_ours && !right.exists()).then_some(right)
}

/// The finding that a file below `root` is not found under its name.
#[must_use]
pub fn misnamed_file(path: &Path, root: &Path) -> Option<Diagnostic> {
    let right = misnamed(&root.join(path))?;
    let right = path.with_file_name(right.file_name()?);
    let message = format!("`{}` is not looked at: its name ends in `.yml`", path.display());
    let finding = Diagnostic::warning(codes::MISNAMED_FILE, message);
    Some(finding.help(format!("call it `{}`", right.display())))
}

/// A path as it is shown: below the root without the root.
fn relative(path: &Path, root: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_path_buf()
}

/// Files of a list that are named for what they are, without those of other projects.
fn among(names: &[PathBuf]) -> Collected {
    let others: HashSet<&Path> = names
        .iter()
        .filter(|path| PROJECT_MARKS.iter().any(|mark| path.file_name() == Some(OsStr::new(mark))))
        .filter_map(|path| path.parent().filter(|folder| !folder.as_os_str().is_empty()))
        .collect();
    let is_foreign = |path: &Path| path.ancestors().skip(1).any(|folder| others.contains(folder));
    Collected {
        files: names.iter().filter(|path| form_of(path).is_some() && !is_foreign(path)).cloned().collect(),
        failures: Vec::new(),
        misnamed: Vec::new(),
        other_projects: others.iter().filter(|folder| !is_foreign(folder)).map(|f| f.to_path_buf()).collect(),
    }
}

/// Whether an entry is no folder and named as contracts and components are. What is no file is told of when it is
/// read.
fn is_named(entry: &DirEntry) -> bool {
    form_of(Path::new(entry.file_name())).is_some() && entry.file_type().is_some_and(|kind| !kind.is_dir())
}

/// Looks for the first line of a block in the beginnings of files.
struct Search {
    finder: Finder<'static>,
    buffer: Vec<u8>,
}

impl Search {
    fn new() -> Self {
        let length = block::SEARCHED + block::FIRST_LINE.len();
        Self { finder: Finder::new(block::FIRST_LINE), buffer: vec![0; length] }
    }

    /// What cannot be opened is not known to be a component, and is none of ours.
    fn is_in(&mut self, entry: &DirEntry) -> bool {
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            return false;
        }
        let read = || -> std::io::Result<usize> {
            let mut file = File::open(entry.path())?;
            let mut filled = 0;
            while filled < self.buffer.len() {
                match file.read(&mut self.buffer[filled..]) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(filled)
        };
        match read_or_log(entry, read) {
            Some(filled) => self.finder.find(&self.buffer[..filled]).is_some(),
            None => false,
        }
    }
}

fn read_or_log(entry: &DirEntry, read: impl FnOnce() -> std::io::Result<usize>) -> Option<usize> {
    read().inspect_err(|error| tracing::warn!(%error, "cannot read {}", entry.path().display())).ok()
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Partial(all) => all.iter().find_map(path_of),
        _ => None,
    }
}

/// What went wrong, without the path.
fn problem_of(error: &ignore::Error) -> String {
    error.io_error().map_or_else(|| error.to_string(), ToString::to_string)
}

fn unreadable(path: &Path, error: &ReadError) -> Diagnostic {
    Diagnostic::error(error.code(), format!("cannot read `{}`: {error}", path.display()))
}
