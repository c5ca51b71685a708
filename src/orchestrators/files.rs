//! Which files a component gets, and in how many pieces.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component as Part, Path, PathBuf};

use globset::{GlobSet, GlobSetBuilder};

use super::StageError;
use crate::model::component::Component;
use crate::registry::pattern;

/// The longest list of files that one program gets, in bytes: what every system with a usual limit takes, however
/// large the environment is.
pub const MOST_BYTES: usize = 128 * 1024;

/// Tells whether a file has all of some types, such as `python` or `text`.
pub trait FileTypes {
    /// Whether the file has all of these.
    fn has_all(&mut self, file: &Path, types: &[String]) -> bool;

    /// Whether the file has one of these.
    fn has_any(&mut self, file: &Path, types: &[String]) -> bool;
}

/// The files of one component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Its files, as places in the list of all; nothing where it gets none at all, whatever there is.
    pub files: Option<Vec<usize>>,
    /// What it looks at, as places in that list; nothing where it may look at any.
    pub reads: Option<Vec<usize>>,
    /// What it may change among all files; everything where nobody knows.
    pub writes: Writes,
}

/// What a component may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// Nothing.
    #[default]
    Nothing,
    /// These, as places in the list of all files.
    These(Vec<usize>),
    /// Whatever it likes.
    Anything,
}

impl Writes {
    /// Whether one of these files may be changed.
    fn touch(&self, files: Option<&Vec<usize>>) -> bool {
        match (self, files) {
            (Self::Nothing, _) => false,
            (Self::Anything, _) => true,
            (Self::These(these), None) => !these.is_empty(),
            (Self::These(these), Some(files)) => these.iter().any(|file| files.binary_search(file).is_ok()),
        }
    }
}

impl Assigned {
    /// Whether two must not run at the same time: one may change what the other reads or changes.
    #[must_use]
    pub fn collides(&self, other: &Self) -> bool {
        let both = match (&self.writes, &other.writes) {
            (Writes::These(these), Writes::These(those)) => {
                these.iter().any(|file| those.binary_search(file).is_ok())
            }
            (Writes::Nothing, _) | (_, Writes::Nothing) => false,
            (Writes::Anything, _) | (_, Writes::Anything) => true,
        };
        both || self.writes.touch(other.reads.as_ref()) || other.writes.touch(self.reads.as_ref())
    }
}

/// Which files of the project a component looks at beside those that it is given.
#[derive(Clone, Debug)]
pub enum Reads {
    /// None.
    Nothing,
    /// Those that fit.
    These(GlobSet),
    /// Any: nobody knows.
    Anything,
}

impl Reads {
    /// What a component looks at: what it says, or any file where it is given none.
    ///
    /// # Errors
    ///
    /// If one of its patterns is none.
    pub fn of(component: &Component) -> Result<Self, StageError> {
        if !component.reads.is_empty() {
            return set(component, &component.reads).map(Self::These);
        }
        Ok(if is_given_files(component) { Self::Nothing } else { Self::Anything })
    }

    /// Whether it looks at this one.
    #[must_use]
    pub fn has(&self, file: &Path) -> bool {
        match self {
            Self::Nothing => false,
            Self::These(patterns) => patterns.is_match(file),
            Self::Anything => true,
        }
    }
}

/// All that a component looks at in one run: what it reads, and what it runs.
#[derive(Debug)]
pub struct Sight {
    reads: Reads,
    program: Option<PathBuf>,
}

impl Sight {
    /// What a component looks at that is run on these files. Without files for it, it does not run.
    ///
    /// # Errors
    ///
    /// If one of its patterns is none.
    pub fn of(component: &Component, all: &[PathBuf], types: &mut dyn FileTypes) -> Result<Self, StageError> {
        let assigned = assign(component, all, types)?;
        let runs = component.always_run || assigned.files.is_none_or(|files| !files.is_empty());
        if !runs {
            return Ok(Self { reads: Reads::Nothing, program: None });
        }
        Ok(Self { reads: Reads::of(component)?, program: component.entry_file().map(|file| plain(&file)) })
    }

    /// Whether it looks at this file.
    #[must_use]
    pub fn has(&self, file: &Path) -> bool {
        self.reads.has(file) || self.program.as_deref() == Some(file)
    }
}

/// The same path without steps up, as far as they do not lead out.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Part::CurDir => {}
            Part::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// Whether a component selects files by what they are.
fn is_typed(component: &Component) -> bool {
    [&component.types, &component.types_or, &component.exclude_types].iter().any(|types| !types.is_empty())
}

/// Whether a component gets files as arguments, and does not only run because of them.
fn is_given_files(component: &Component) -> bool {
    (component.files.is_some() || is_typed(component)) && component.pass_filenames != Some(false)
}

/// Whether a component may change files. A verdict changes nothing; where one does after all, that is found out and
/// fails it.
#[must_use]
pub fn may_write(component: &Component) -> bool {
    !component.writes.is_empty() || !matches!(component.meta_type.as_str(), "validator" | "test")
}

/// The files that a component gets of a list.
///
/// # Errors
///
/// If one of its patterns is none.
pub fn assign(
    component: &Component,
    all: &[PathBuf],
    types: &mut dyn FileTypes,
) -> Result<Assigned, StageError> {
    let globs = |patterns: &[String]| set(component, patterns);
    let is_typed = is_typed(component);
    let files = if component.files.is_none() && !is_typed {
        None
    } else {
        let wanted = component.files.as_deref().map(globs).transpose()?;
        let unwanted = globs(&component.exclude)?;
        let fits = |(_, file): &(usize, &PathBuf)| {
            wanted.as_ref().is_none_or(|wanted| wanted.is_match(file)) && !unwanted.is_match(file)
        };
        let fitting = all.iter().enumerate().filter(fits);
        let mut has_types = |file: &Path| {
            (component.types.is_empty() || types.has_all(file, &component.types))
                && (component.types_or.is_empty() || types.has_any(file, &component.types_or))
                && (component.exclude_types.is_empty() || !types.has_any(file, &component.exclude_types))
        };
        let typed = fitting.filter(|(_, file)| !is_typed || has_types(file));
        Some(typed.map(|(at, _)| at).collect::<Vec<_>>())
    };
    let reads = match (Reads::of(component)?, &files) {
        (Reads::Anything, _) => None,
        (Reads::Nothing, files) => files.clone(),
        (reads @ Reads::These(_), files) => {
            let given = files.iter().flatten().copied().filter(|_| is_given_files(component));
            let seen = all.iter().enumerate().filter(|(_, file)| reads.has(file)).map(|(at, _)| at);
            Some(given.chain(seen).collect::<BTreeSet<_>>().into_iter().collect())
        }
    };
    let writes = if !may_write(component) {
        Writes::Nothing
    } else if component.writes.is_empty() {
        files.clone().map_or(Writes::Anything, Writes::These)
    } else if component.writes.iter().any(|pattern| pattern == "*" || pattern == "**") {
        Writes::Anything
    } else {
        let written = globs(&component.writes)?;
        let these = all.iter().enumerate().filter(|(_, file)| written.is_match(file)).map(|(at, _)| at);
        Writes::These(these.collect())
    };
    Ok(Assigned { files, reads, writes })
}

fn set(component: &Component, patterns: &[String]) -> Result<GlobSet, StageError> {
    let mut set = GlobSetBuilder::new();
    let failed = |pattern: &str, error: globset::Error| {
        StageError::CannotRun(format!(
            "`{}`: `{pattern}` is no pattern of files: {}",
            component.name,
            error.kind()
        ))
    };
    for written in patterns {
        set.add(pattern(written).map_err(|error| failed(written, error))?);
    }
    set.build().map_err(|error| failed(&patterns.join(" "), error))
}

/// A file as an argument. One that looks like an option is named from its folder.
#[must_use]
pub fn argument(file: &Path) -> OsString {
    if file.as_os_str().as_encoded_bytes().starts_with(b"-") {
        Path::new(".").join(file).into_os_string()
    } else {
        file.as_os_str().to_os_string()
    }
}

/// Pieces of a list of arguments, each short enough for one program.
#[must_use]
pub fn pieces(arguments: Vec<OsString>) -> Vec<Vec<OsString>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    let mut bytes = 0;
    for argument in arguments {
        let length = argument.len() + 1;
        if bytes + length > MOST_BYTES && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            bytes = 0;
        }
        bytes += length;
        piece.push(argument);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}
