//! What became of the files that the programs of a stage changed, and what is to be done about it.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::error::AppError;
use crate::base::text;
use crate::vcs::{Before, Fix, Repository, Shadow, VcsError};

/// What became of the files that programs changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The files that programs changed, relative to the top of the repository.
    pub changed: Vec<PathBuf>,
    /// Those whose fixes could not be brought to the user's files.
    pub left: Vec<PathBuf>,
    /// The patch with the fixes of those.
    pub patch: Option<PathBuf>,
    /// The difference as text, where it was asked for.
    pub diff: Option<String>,
    /// Why those are left.
    pub why_left: WhyLeft,
    /// Those that are staged as programs changed them.
    pub staged: Vec<PathBuf>,
    /// Why none is, where that was asked for.
    pub not_staged: Option<String>,
    /// Files that programs made in a shadow and that are in the working tree now. In the working tree itself nobody
    /// knows which are new.
    pub made: Vec<PathBuf>,
    /// When those were written last that changed and are still there.
    pub times: HashMap<PathBuf, DateTime<Utc>>,
}

impl Changes {
    /// What was changed, and what to do about it: a line for each matter.
    #[must_use]
    pub fn message(&self) -> String {
        let names = |files: &[PathBuf]| {
            let shown: Vec<_> = files.iter().take(3).map(|file| text::path(file)).collect();
            let rest = files.len().saturating_sub(3);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{}{more}", shown.join(", "))
        };
        let them = |files: &[PathBuf]| if files.len() == 1 { "it" } else { "them" };
        let mut lines = Vec::new();
        let fixed = self.changed.iter().filter(|file| !self.left.contains(file)).cloned();
        let (staged, fixed): (Vec<_>, Vec<_>) = fixed.partition(|file| self.staged.contains(file));
        if !staged.is_empty() {
            let them = them(&staged);
            lines.push(format!("changed and staged {}: look at {them} and commit again", names(&staged)));
        }
        if !fixed.is_empty() {
            let them = them(&fixed);
            lines.push(format!(
                "changed {}: look at {them}, `git add` {them} and commit again",
                names(&fixed)
            ));
        }
        if let Some(problem) = &self.not_staged {
            lines.push(format!("the changes are not staged: {problem}"));
        }
        if let Some(patch) = &self.patch {
            let why = match &self.why_left {
                WhyLeft::Problem(problem) => format!(": {problem}"),
                WhyLeft::Conflict => ", because the fix does not fit your changes".to_owned(),
                WhyLeft::Torn => ", because a program was stopped midway".to_owned(),
            };
            let left = self.left.iter().cloned();
            let (staged, left): (Vec<_>, Vec<_>) = left.partition(|file| self.staged.contains(file));
            match staged.as_slice() {
                [] => {}
                [_] => {
                    let fix = names(&staged);
                    lines.push(format!("the fix of {fix} is staged, and your file is as before{why}"));
                }
                _ => {
                    let fixes = names(&staged);
                    lines.push(format!("the fixes of {fixes} are staged, and your files are as before{why}"));
                }
            }
            if !left.is_empty() {
                let are = if left.len() == 1 { "is" } else { "are" };
                lines.push(format!("{} {are} as before{why}", names(&left)));
            }
            lines.push("the fix is in".to_owned());
            lines.push(text::path(patch));
        }
        lines.join("\n")
    }
}

/// Why fixes are not in the user's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WhyLeft {
    /// They cannot be written.
    Problem(String),
    /// They do not go together with the user's own changes.
    #[default]
    Conflict,
    /// They may be half written.
    Torn,
}

/// How the programs of a run ended that may have changed files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Each by itself.
    Whole,
    /// One at least was stopped midway, so what it wrote may be half written.
    Torn,
    /// Somebody does not want the run any more.
    Cancelled,
}

/// What is wanted of the files that programs change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeWish {
    /// That they are staged.
    pub stage: bool,
    /// That the difference is shown.
    pub diff: bool,
}

pub(super) fn finish_tree(
    repository: &Repository,
    before: &Before,
    (wish, ended): (ChangeWish, Ended),
) -> Result<Changes, AppError> {
    let changed = repository.touched_since(before)?;
    let times = times(repository.top(), &changed);
    let diff = if wish.diff && !changed.is_empty() { Some(lossy(&repository.diff(&changed)?)) } else { None };
    // What had changes of its own that are not staged would be staged with them.
    let clean: Vec<PathBuf> = changed.iter().filter(|path| !before.was_unstaged(path)).cloned().collect();
    let is_possible = ended == Ended::Whole && !clean.is_empty();
    let (staged, not_staged) = stage(repository, wish, is_possible, || repository.stage(&clean));
    let staged = if staged { clean } else { Vec::new() };
    Ok(Changes { changed, diff, staged, not_staged, times, ..Changes::default() })
}

pub(super) fn finish_shadow(
    repository: &Repository,
    shadow: Shadow,
    (name, wish, ended): (&str, ChangeWish, Ended),
) -> Result<Changes, AppError> {
    let top = shadow.top().to_path_buf();
    let fixes = shadow.fixes()?;
    if fixes.is_empty() {
        return Ok(Changes::default());
    }
    let diff = if wish.diff { Some(lossy(&fixes.diff()?)) } else { None };
    let times = times(&top, fixes.list.iter().map(|fix| &fix.path));
    let is_torn = ended == Ended::Torn;
    let applied =
        if is_torn { fixes.keep_as_patch(repository, name)? } else { fixes.apply(repository, name)? };
    let (staged, not_staged) = stage(repository, wish, !is_torn, || fixes.stage(repository));
    // A file that is merely new is no change, here as in the working tree.
    let changed = fixes.list.iter().filter(|fix| !fix.is_new() || applied.left.contains(&fix.path));
    let is_staged = |fix: &&Fix| staged && !fix.is_new();
    let staged = fixes.list.iter().filter(is_staged).map(|fix| fix.path.clone()).collect();
    let made = fixes.list.iter().filter(|fix| fix.is_new() && applied.written.contains(&fix.path));
    Ok(Changes {
        made: made.map(|fix| fix.path.clone()).collect(),
        times,
        changed: changed.map(|fix| fix.path.clone()).collect(),
        left: applied.left,
        patch: applied.patch,
        why_left: match applied.problem {
            _ if is_torn => WhyLeft::Torn,
            Some(problem) => WhyLeft::Problem(problem),
            None => WhyLeft::Conflict,
        },
        diff,
        staged,
        not_staged,
    })
}

/// Stages where that was asked for and possible: whether it was done, and why not.
fn stage(
    repository: &Repository,
    wish: ChangeWish,
    is_possible: bool,
    act: impl FnOnce() -> Result<(), VcsError>,
) -> (bool, Option<String>) {
    // The index of a commit of named files is gone with the commit that fails now.
    if !wish.stage || !is_possible || !repository.is_own_index() {
        return (false, None);
    }
    match act() {
        Ok(()) => (true, None),
        // What git says below its first line is for those who have asked git themselves.
        Err(error) => (false, error.to_string().lines().next().map(str::to_owned)),
    }
}

/// When files were written last: their own times can be set, those of their entries cannot.
fn times<'f>(top: &Path, files: impl IntoIterator<Item = &'f PathBuf>) -> HashMap<PathBuf, DateTime<Utc>> {
    let time = |file: &'f PathBuf| {
        let kind = fs::symlink_metadata(top.join(file)).ok()?;
        let nanoseconds = u32::try_from(kind.ctime_nsec()).unwrap_or_default();
        Some((file.clone(), DateTime::from_timestamp(kind.ctime(), nanoseconds)?))
    };
    files.into_iter().filter_map(time).collect()
}

fn lossy(diff: &[u8]) -> String {
    String::from_utf8_lossy(diff).into_owned()
}
