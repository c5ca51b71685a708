//! Where the nodes of a stage run: in the working tree, or in a shadow of what is staged. And what becomes of the
//! files that they change.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Environment;
use super::error::AppError;
use crate::executors::GivenFile;
use crate::orchestrators::FileChoice;
use crate::vcs::{Before, Repository, Shadow, Status, VcsError, absolute_places, without_places};

/// A place to run in, and the files that a run is about.
#[derive(Debug)]
pub struct Place {
    /// The project root inside it.
    pub root: PathBuf,
    /// The files, relative to the root.
    pub files: Vec<GivenFile>,
    /// Files that git knows and that may declare components, relative to the top of the repository.
    declared: Vec<PathBuf>,
    kind: Kind,
}

/// How the names of files end that may declare components.
pub(super) const DECLARATIONS: [&str; 3] = ["contract.yaml", ".onex.yaml", "onex.toml"];

/// How the names of files end that say how git stores others.
const ATTRIBUTES: &str = ".gitattributes";

#[derive(Debug)]
enum Kind {
    /// A folder without a repository, or one whose files nobody may expect to be untouched.
    Folder,
    /// The working tree itself.
    Tree { repository: Repository, before: Before },
    /// The index in a tree of its own.
    Shadow { repository: Repository, shadow: Shadow },
}

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
    /// Whether the changes are staged, too.
    pub staged: bool,
    /// Why they are not, where that was asked for.
    pub not_staged: Option<String>,
    /// Whether programs ran in a shadow, so that the changes were brought back.
    pub brought_back: bool,
}

impl Changes {
    /// What was changed, and what to do about it: a line for each matter.
    #[must_use]
    pub fn message(&self) -> String {
        let names = |files: &[PathBuf]| {
            let shown: Vec<_> = files.iter().take(3).map(|file| file.display().to_string()).collect();
            let rest = files.len().saturating_sub(3);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{}{more}", shown.join(", "))
        };
        let mut lines = Vec::new();
        let fixed: Vec<PathBuf> =
            self.changed.iter().filter(|file| !self.left.contains(file)).cloned().collect();
        let them = if fixed.len() == 1 { "it" } else { "them" };
        if self.staged {
            lines.push(format!(
                "changed and staged {}: look at {them} and commit again",
                names(&self.changed)
            ));
        } else if !fixed.is_empty() {
            let them = format!("look at {them}, `git add` {them} and commit again");
            lines.push(format!("changed {}: {them}", names(&fixed)));
        }
        if let Some(problem) = &self.not_staged {
            lines.push(format!("the changes are not staged: {problem}"));
        }
        if let Some(patch) = &self.patch {
            let were = if self.left.len() == 1 { "is" } else { "are" };
            let left = names(&self.left);
            lines.push(match &self.why_left {
                WhyLeft::Problem(problem) => format!("{left} {were} as before: {problem}"),
                WhyLeft::Conflict => {
                    format!("{left} {were} as before, because the fix does not fit your changes")
                }
                WhyLeft::Torn => format!("{left} {were} as before, because a program was stopped midway"),
            });
            lines.push("the fix is in".to_owned());
            lines.push(patch.display().to_string());
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

/// The repository around a folder, as git sees it in this environment; nothing where there is none.
///
/// # Errors
///
/// If git cannot be asked.
pub(super) fn repository(folder: &Path, environment: &Environment) -> Result<Option<Repository>, AppError> {
    let mut variables = environment.variables.clone();
    absolute_places(&mut variables, &environment.directory);
    Ok(Repository::find(folder, &variables)?)
}

impl Place {
    /// The place for a choice of files below `root`.
    ///
    /// # Errors
    ///
    /// If git cannot be asked, what is staged cannot be laid out, or a choice needs a repository and there is none.
    pub fn find(
        root: &Path,
        choice: &FileChoice,
        (repository, environment): (Option<Repository>, &Environment),
    ) -> Result<Self, AppError> {
        let Some(repository) = repository else {
            let files = match choice {
                FileChoice::Staged | FileChoice::Since(_) => return Err(AppError::NoRepository),
                FileChoice::These(files) => files.clone(),
                FileChoice::All => all_below(root),
            };
            let files = files.into_iter().map(|path| GivenFile { path, object: None }).collect();
            return Ok(Self { root: root.to_path_buf(), files, declared: Vec::new(), kind: Kind::Folder });
        };
        let inside = inside(root, repository.top());
        let wants_all = *choice != FileChoice::Staged;
        let patterns: Vec<String> =
            DECLARATIONS.iter().chain([&ATTRIBUTES]).map(|end| format!("*{end}")).collect();
        let patterns: Vec<&str> =
            if wants_all { Vec::new() } else { patterns.iter().map(String::as_str).collect() };
        // Git takes a while to start, and neither needs the other.
        let declarations = DECLARATIONS.map(|end| format!("*{end}"));
        let (status, tracked, untracked) = std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                let tracked = repository.tracked(&patterns)?;
                let ends = declarations.each_ref().map(String::as_str);
                Ok((tracked, if wants_all { repository.untracked(&ends)? } else { Vec::new() }))
            });
            let status = repository.status()?;
            let (tracked, untracked) =
                others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok::<_, VcsError>((status, tracked, untracked))
        })?;
        let ends = |path: &Path, end: &str| path.as_os_str().as_encoded_bytes().ends_with(end.as_bytes());
        let named = |ends_of: &[&str]| -> Vec<PathBuf> {
            let paths = tracked.iter().map(|file| &file.path);
            paths.filter(|path| ends_of.iter().any(|end| ends(path, end))).cloned().collect()
        };
        let declared: Vec<PathBuf> = named(&DECLARATIONS).into_iter().chain(untracked).collect();
        // Where git does not store a file as it is, its content has another name than the one that git gives it.
        let is_plain = !filters(&repository, &named(&[ATTRIBUTES]));
        let object = |object: &String| Some(object.clone()).filter(|_| is_plain);
        if *choice == FileChoice::Staged {
            if !status.unmerged.is_empty() {
                return Err(VcsError::Unmerged(status.unmerged).into());
            }
            let chosen = status.staged().filter(|entry| entry.path.starts_with(&inside));
            let chosen: Vec<_> = chosen.collect();
            let is_other = chosen.iter().any(|entry| entry.unstaged.is_some());
            let files: Vec<GivenFile> = chosen
                .iter()
                .map(|entry| GivenFile { path: entry.path.clone(), object: object(&entry.object) })
                .collect();
            let mut files = below(files, &inside);
            if is_other {
                let shadow = in_cache(environment, |cache| Shadow::of_index(&repository, cache))?;
                let root = shadow.top().join(&inside);
                // A part of the tree may be left out of it.
                files.retain(|file| root.join(&file.path).symlink_metadata().is_ok());
                return Ok(Self { root, files, declared, kind: Kind::Shadow { repository, shadow } });
            }
            return Self::in_tree(repository, &status, (files, declared), root);
        }
        let known: HashMap<&Path, &String> =
            tracked.iter().map(|file| (file.path.as_path(), &file.object)).collect();
        let paths: Vec<PathBuf> = match choice {
            FileChoice::These(files) => files.iter().map(|file| inside.join(file)).collect(),
            FileChoice::Since(reference) => repository.changed_since(reference)?,
            FileChoice::All | FileChoice::Staged => {
                let there = |path: &PathBuf| repository.top().join(path).symlink_metadata().is_ok();
                tracked.iter().map(|file| file.path.clone()).filter(there).collect()
            }
        };
        // What differs from the index already is known by its content only.
        let unstaged: HashSet<&Path> = status
            .entries
            .iter()
            .filter(|entry| entry.unstaged.is_some())
            .map(|entry| entry.path.as_path())
            .collect();
        let object =
            |path: &Path| known.get(path).filter(|_| !unstaged.contains(path)).and_then(|o| object(o));
        let files = paths.into_iter().map(|path| GivenFile { object: object(&path), path }).collect();
        Self::in_tree(repository, &status, (below(files, &inside), declared), root)
    }

    fn in_tree(
        repository: Repository,
        status: &Status,
        (files, declared): (Vec<GivenFile>, Vec<PathBuf>),
        root: &Path,
    ) -> Result<Self, AppError> {
        let before = repository.before(status)?;
        Ok(Self { root: root.to_path_buf(), files, declared, kind: Kind::Tree { repository, before } })
    }

    /// The names of files that may declare components, relative to the root: those that git knows. Nothing where there
    /// is no repository.
    #[must_use]
    pub fn declarations(&self) -> Option<Vec<PathBuf>> {
        if matches!(self.kind, Kind::Folder) {
            return None;
        }
        let inside = self.inside();
        let names = self.declared.iter();
        Some(names.filter_map(|name| Some(name.strip_prefix(&inside).ok()?.to_path_buf())).collect())
    }

    /// Where the root stands in the repository.
    fn inside(&self) -> PathBuf {
        let top = match &self.kind {
            Kind::Folder => return PathBuf::new(),
            Kind::Tree { repository, .. } => repository.top(),
            Kind::Shadow { shadow, .. } => shadow.top(),
        };
        self.root.strip_prefix(top).unwrap_or(Path::new("")).to_path_buf()
    }

    /// The environment for what runs here: a hook's own repository is found by itself.
    #[must_use]
    pub fn environment(&self, environment: &Environment) -> Environment {
        let mut inside = environment.clone();
        without_places(&mut inside.variables);
        // A commit of named files has an index that git cannot find by itself.
        if let Kind::Tree { repository, .. } = &self.kind
            && !repository.is_own_index()
        {
            inside.variables.push(("GIT_INDEX_FILE".into(), repository.index().into()));
        }
        inside
    }

    /// Looks at what programs changed, and brings that back from a shadow. `name` is the name of a patch that may be
    /// needed.
    ///
    /// # Errors
    ///
    /// If git cannot be asked, or the user's files cannot be written. They are as before, or finished, each.
    pub fn finish(self, name: &str, wish: ChangeWish, ended: Ended) -> Result<Changes, AppError> {
        match self.kind {
            Kind::Folder => Ok(Changes::default()),
            Kind::Tree { repository, before } => finish_tree(&repository, &before, (wish, ended)),
            Kind::Shadow { .. } if ended == Ended::Cancelled => Ok(Changes::default()),
            Kind::Shadow { repository, shadow } => finish_shadow(&repository, shadow, (name, wish, ended)),
        }
    }
}

fn finish_tree(
    repository: &Repository,
    before: &Before,
    (wish, ended): (ChangeWish, Ended),
) -> Result<Changes, AppError> {
    let changed = repository.touched_since(before)?;
    let diff = if wish.diff && !changed.is_empty() { Some(text(&repository.diff(&changed)?)) } else { None };
    // What had changes of its own that are not staged would be staged with them.
    let clean: Vec<PathBuf> = changed.iter().filter(|path| !before.was_unstaged(path)).cloned().collect();
    let is_possible = ended == Ended::Whole && !clean.is_empty();
    let (staged, not_staged) = stage(repository, wish, is_possible, || repository.stage(&clean));
    Ok(Changes { changed, diff, staged, not_staged, ..Changes::default() })
}

fn finish_shadow(
    repository: &Repository,
    shadow: Shadow,
    (name, wish, ended): (&str, ChangeWish, Ended),
) -> Result<Changes, AppError> {
    let fixes = shadow.fixes()?;
    if fixes.is_empty() {
        return Ok(Changes::default());
    }
    let diff = if wish.diff { Some(text(&fixes.diff()?)) } else { None };
    let is_torn = ended == Ended::Torn;
    let applied =
        if is_torn { fixes.keep_as_patch(repository, name)? } else { fixes.apply(repository, name)? };
    let (staged, not_staged) = stage(repository, wish, !is_torn, || fixes.stage(repository));
    // A file that is merely new is no change, here as in the working tree.
    let changed = fixes.list.iter().filter(|fix| !fix.is_new() || applied.left.contains(&fix.path));
    Ok(Changes {
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
        brought_back: true,
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

fn text(diff: &[u8]) -> String {
    String::from_utf8_lossy(diff).into_owned()
}

/// Whether attributes have git store files otherwise than they are. Line ends do not count: those are known.
fn filters(repository: &Repository, attributes: &[PathBuf]) -> bool {
    let own = repository.common_dir().join("info").join("attributes");
    attributes.iter().map(|file| repository.top().join(file)).chain([own]).any(|file| {
        let text = fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        ["filter", "ident", "working-tree-encoding"].iter().any(|word| text.contains(word))
    })
}

/// Lays a tree out in the user's cache, or where that cannot be written, among the temporary files.
pub(super) fn in_cache<T>(
    environment: &Environment,
    lay_out: impl Fn(&Path) -> Result<T, VcsError>,
) -> Result<T, VcsError> {
    let temporary = environment.temporary.join("onex-cache");
    let Some(cache) = environment.cache() else { return lay_out(&temporary) };
    match lay_out(&cache) {
        Err(VcsError::File { path, source, .. }) if path.starts_with(&cache) => {
            tracing::info!(cache = %cache.display(), %source, "the cache cannot be written");
            lay_out(&temporary)
        }
        other => other,
    }
}

/// Where `root` stands below `top`, by whichever names.
fn inside(root: &Path, top: &Path) -> PathBuf {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let found = root.strip_prefix(top).map(Path::to_path_buf);
    found.or_else(|_| real(root).strip_prefix(real(top)).map(Path::to_path_buf)).unwrap_or_default()
}

/// Files below a folder, relative to it.
fn below(files: Vec<GivenFile>, inside: &Path) -> Vec<GivenFile> {
    let relative = |file: GivenFile| {
        let path = file.path.strip_prefix(inside).ok()?.to_path_buf();
        Some(GivenFile { path, ..file })
    };
    files.into_iter().filter_map(relative).collect()
}

/// All files of a folder without a repository, as ripgrep would list them.
pub(super) fn all_below(root: &Path) -> Vec<PathBuf> {
    let walk = ignore::WalkBuilder::new(root).hidden(false).require_git(false).build();
    let mut files: Vec<PathBuf> = walk
        .filter_map(|entry| entry.inspect_err(|error| tracing::warn!(%error, "a folder is left out")).ok())
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_path_buf()))
        .collect();
    files.sort();
    files
}
