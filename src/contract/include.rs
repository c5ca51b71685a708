//! The files that a contract includes: found, read, and kept inside the project root.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{self, ReadError};
use crate::base::paths::tidied;
use crate::diag::{Diagnostic, SourceId, SourceMap, codes};
use crate::yaml;

/// The most bytes of all files together.
const MAX_TOTAL: usize = 32 * 1024 * 1024;

/// The most names of files in all texts together.
const MAX_NAMES: usize = 8192;

/// The longest name of a file: longer ones no system takes.
const MAX_NAME: usize = 4096;

/// Suggesting a name reads a folder, so only the first files that are not there get a suggestion.
const MAX_SUGGESTIONS: usize = 20;

/// Where a contract stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The contract itself, or a name in the folder that its includes are relative to.
    pub path: &'a Path,
    /// The project root, without symbolic links: no include leads out of it.
    pub root: &'a Path,
}

/// The texts of a contract: its own and those that it includes.
#[derive(Debug)]
pub struct Texts {
    /// The contract's own text.
    pub source: SourceId,
    texts: HashMap<SourceId, Arc<String>>,
    links: Vec<(SourceId, String, Result<SourceId, Diagnostic>)>,
    /// The included files, without symbolic links.
    files: Vec<(PathBuf, SourceId)>,
}

impl Texts {
    /// A text that includes nothing.
    #[must_use]
    pub fn alone(source: SourceId, text: Arc<String>) -> Self {
        Self { source, texts: HashMap::from([(source, text)]), links: Vec::new(), files: Vec::new() }
    }

    /// Reads all that the text `source` includes. What cannot be read is told of when the contract is.
    #[must_use]
    pub fn gather(sources: &mut SourceMap, source: SourceId, place: Place<'_>) -> Self {
        let mut gathered = Self::alone(source, sources.text(source));
        let mut known: HashMap<PathBuf, SourceId> = HashMap::new();
        if let Ok(own) = place.path.canonicalize() {
            known.insert(own, source);
        }
        let mut total = sources.text(source).len();
        let mut suggestions = MAX_SUGGESTIONS;
        let mut open = vec![(source, place.path.to_path_buf())];
        while let Some((asking, path)) = open.pop() {
            let text = sources.text(asking);
            let mut names: Vec<String> = yaml::includes(&text).into_iter().collect();
            names.sort();
            for name in names {
                // What is beyond is refused when it is met.
                if gathered.links.len() >= MAX_NAMES {
                    break;
                }
                let found = locate(&name, (&path, place.root), &mut suggestions).and_then(|(real, path)| {
                    if let Some(&known) = known.get(&real) {
                        return Ok(known);
                    }
                    let text =
                        file::read_inside(&real, place.root).map_err(|error| unreadable(&name, &error))?;
                    total = total.saturating_add(text.len());
                    if total > MAX_TOTAL {
                        return Err(unreadable(&name, &ReadError::TooLarge));
                    }
                    let shown = sources.path(asking).with_file_name(&name);
                    let id = sources.add(tidied(&shown), text);
                    gathered.texts.insert(id, sources.text(id));
                    gathered.files.push((real.clone(), id));
                    known.insert(real, id);
                    open.push((id, path));
                    Ok(id)
                });
                gathered.links.push((asking, name, found));
            }
        }
        gathered
    }

    /// The contract's own text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text_of(self.source)
    }

    /// One of the texts.
    #[must_use]
    pub fn text_of(&self, source: SourceId) -> &str {
        self.texts.get(&source).map_or("", |text| text)
    }

    /// The texts of included files, in the order in which they were found.
    #[must_use]
    pub fn included_texts(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let found = self.links.iter().filter_map(|(_, _, found)| found.as_ref().ok().copied());
        found.filter(|id| *id != self.source && seen.insert(*id)).map(|id| self.text_of(id)).collect()
    }

    /// The included files, without symbolic links, each with the text that was read from it.
    pub fn included_files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files.iter().map(|(path, id)| (path.as_path(), self.text_of(*id)))
    }

    pub(super) fn included(&self) -> yaml::Included<'_> {
        let mut included = yaml::Included::default();
        if self.links.len() >= MAX_NAMES {
            let message = format!("a contract includes at most {MAX_NAMES} files");
            included.otherwise(Diagnostic::error(codes::TOO_LARGE, message));
        }
        for (asking, name, found) in &self.links {
            included.add(*asking, name, found.clone().map(|id| (id, self.text_of(id))));
        }
        included
    }
}

/// The file that `name` means in the file `asking`: without symbolic links, and as it was reached.
fn locate(
    name: &str,
    (asking, root): (&Path, &Path),
    suggestions: &mut usize,
) -> Result<(PathBuf, PathBuf), Diagnostic> {
    let outside = |what: &str| {
        Diagnostic::error(codes::OUTSIDE_ROOT, format!("`{name}` {what}"))
            .help("name a file of the project, relative to the file that includes it")
    };
    if name.trim().is_empty() {
        return Err(Diagnostic::error(codes::BAD_VALUE, "`!include` names no file"));
    }
    if name.len() > MAX_NAME {
        return Err(unreadable(name, &ReadError::Io(io::Error::from(io::ErrorKind::InvalidFilename))));
    }
    if Path::new(name).is_absolute() {
        return Err(outside("is an absolute path, and includes are relative"));
    }
    let path = asking.parent().unwrap_or(Path::new("")).join(name);
    let real = match path.canonicalize() {
        Ok(real) => real,
        // Whether there is a file outside of the project is nothing that a contract can find out.
        Err(_) if !tidied(&absolute(&path, root)).starts_with(root) => {
            return Err(outside("leads out of the project root"));
        }
        Err(_) => {
            let finding = unreadable(name, &ReadError::NotFound);
            let Some(left) = suggestions.checked_sub(1) else { return Err(finding) };
            *suggestions = left;
            let meant = file::neighbour(&path).map(|file| Path::new(name).with_file_name(file));
            return Err(finding.did_you_mean(meant.map(|file| file.display().to_string()).as_deref()));
        }
    };
    if real.starts_with(root) {
        return Ok((real, path));
    }
    Err(outside("leads out of the project root"))
}

/// `path` from the top, with what is there of it as it really is.
fn absolute(path: &Path, root: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut folder = path;
    loop {
        if let Ok(real) = folder.canonicalize() {
            return rest.iter().rev().fold(real, |path, part| path.join(part));
        }
        match (folder.components().next_back(), folder.parent()) {
            (Some(last), Some(parent)) => {
                rest.push(PathBuf::from(last.as_os_str()));
                folder = parent;
            }
            _ => return root.join(path),
        }
    }
}

fn unreadable(name: &str, error: &ReadError) -> Diagnostic {
    Diagnostic::error(error.code(), format!("cannot include `{name}`: {error}"))
}
