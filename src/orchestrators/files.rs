//! Which files a component gets, and in how many pieces.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

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
            // Without files of its own, it may read any.
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
        both || self.writes.touch(other.files.as_ref()) || other.writes.touch(self.files.as_ref())
    }
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
    let is_typed =
        [&component.types, &component.types_or, &component.exclude_types].iter().any(|t| !t.is_empty());
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
    let writes = if component.writes.is_empty() {
        match (component.meta_type.as_str(), &files) {
            // A verdict changes nothing; where one does after all, that is found out and fails it.
            ("validator" | "test", _) => Writes::Nothing,
            (_, Some(files)) => Writes::These(files.clone()),
            (_, None) => Writes::Anything,
        }
    } else if component.writes.iter().any(|pattern| pattern == "*" || pattern == "**") {
        Writes::Anything
    } else {
        let written = globs(&component.writes)?;
        let these = all.iter().enumerate().filter(|(_, file)| written.is_match(file)).map(|(at, _)| at);
        Writes::These(these.collect())
    };
    Ok(Assigned { files, writes })
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
