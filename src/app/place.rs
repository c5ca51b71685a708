//! Where the nodes of a stage run: in the working tree, or in a shadow of what is staged. And what becomes of the
//! files that they change.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Environment;
use super::declarations;
use super::error::AppError;
use crate::base::text;
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
    /// What stands beside the index, where it is the index that counts.
    beside: Beside,
    kind: Kind,
}

/// What is in the working tree and not in the index. Paths are relative to the root.
#[derive(Debug, Default)]
pub struct Beside {
    /// Files that may declare components and that git does not know.
    pub unknown: Vec<PathBuf>,
    /// Files that git knows with another content.
    pub changed: Vec<PathBuf>,
}

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
            let shown: Vec<_> = files.iter().take(3).map(|file| text::path(file)).collect();
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
    /// The place for a choice of files below `root`. Where what is staged counts, so does it for the files that are
    /// `needed`, relative to the root.
    ///
    /// # Errors
    ///
    /// If git cannot be asked, what is staged cannot be laid out, or a choice needs a repository and there is none.
    pub fn find(
        root: &Path,
        choice: &FileChoice,
        (needed, environment): (&[PathBuf], &Environment),
    ) -> Result<Self, AppError> {
        let Some(repository) = repository(root, environment)? else {
            let files = match choice {
                FileChoice::Staged | FileChoice::Since(_) => return Err(AppError::NoRepository),
                FileChoice::These(files) => files.clone(),
                FileChoice::All => all_below(root),
            };
            let files = files.into_iter().map(|path| GivenFile { path, object: None }).collect();
            return Ok(Self {
                root: root.to_path_buf(),
                files,
                declared: Vec::new(),
                beside: Beside::default(),
                kind: Kind::Folder,
            });
        };
        let inside = inside(root, repository.top());
        let wants_all = *choice != FileChoice::Staged;
        let declarations = declarations::patterns();
        let declarations = declarations.each_ref().map(String::as_str);
        let attributes = format!("*{ATTRIBUTES}");
        let patterns =
            if wants_all { Vec::new() } else { [&declarations[..], &[attributes.as_str()]].concat() };
        // Git takes a while to start, and none needs another.
        let (status, tracked, untracked) = std::thread::scope(|scope| {
            let tracked = scope.spawn(|| repository.tracked(&patterns));
            let untracked = scope.spawn(|| repository.untracked(&declarations));
            let status = repository.status()?;
            let tracked = tracked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            let untracked = untracked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok::<_, VcsError>((status, tracked, untracked))
        })?;
        let named = |is_named: fn(&Path) -> bool| -> Vec<PathBuf> {
            tracked.iter().map(|file| &file.path).filter(|path| is_named(path)).cloned().collect()
        };
        let mut declared = named(declarations::is_one);
        // Where git does not store a file as it is, its content has another name than the one that git gives it.
        let is_plain = !filters(&repository, &named(says_how_git_stores));
        let object = |object: &String| Some(object.clone()).filter(|_| is_plain);
        if *choice == FileChoice::Staged {
            if !status.unmerged.is_empty() {
                return Err(VcsError::Unmerged(status.unmerged).into());
            }
            let chosen = status.staged().filter(|entry| entry.path.starts_with(&inside));
            let chosen: Vec<_> = chosen.collect();
            let below_root = |path: &Path| path.strip_prefix(&inside).ok().map(Path::to_path_buf);
            let beside = Beside {
                unknown: untracked.iter().filter_map(|path| below_root(path)).collect(),
                changed: status.unstaged().filter_map(|entry| below_root(&entry.path)).collect(),
            };
            // What one commit is told must not depend on which of its files have other changes, too.
            let is_other = chosen.iter().any(|entry| entry.unstaged.is_some())
                || beside.changed.iter().any(|path| declarations::is_one(path) || needed.contains(path));
            let files: Vec<GivenFile> = chosen
                .iter()
                .map(|entry| GivenFile { path: entry.path.clone(), object: object(&entry.object) })
                .collect();
            let mut files = below(files, &inside);
            if is_other {
                let shadow = shadow(&repository, environment)?;
                let root = shadow.top().join(&inside);
                // A part of the tree may be left out of it.
                files.retain(|file| root.join(&file.path).symlink_metadata().is_ok());
                return Ok(Self { root, files, declared, beside, kind: Kind::Shadow { repository, shadow } });
            }
            let place = Self::in_tree(repository, &status, (files, declared), root)?;
            return Ok(Self { beside, ..place });
        }
        declared.extend(untracked);
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
        let beside = Beside::default();
        Ok(Self {
            root: root.to_path_buf(),
            files,
            declared,
            beside,
            kind: Kind::Tree { repository, before },
        })
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

    /// What stands beside the index, where it is the index that counts.
    #[must_use]
    pub const fn beside(&self) -> &Beside {
        &self.beside
    }

    /// Whether what runs here sees the working tree itself.
    #[must_use]
    pub const fn is_tree(&self) -> bool {
        matches!(self.kind, Kind::Tree { .. })
    }

    /// Those of some files, relative to the root, that git does not know.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn unknown_of(&self, files: &[PathBuf]) -> Result<Vec<PathBuf>, AppError> {
        let (Kind::Tree { repository, .. } | Kind::Shadow { repository, .. }) = &self.kind else {
            return Ok(Vec::new());
        };
        let inside = self.inside();
        let whole: Vec<PathBuf> = files.iter().map(|file| inside.join(file)).collect();
        let known = repository.known_of(&whole)?;
        let pairs = files.iter().zip(&whole);
        Ok(pairs.filter(|(_, whole)| !known.contains(whole)).map(|(file, _)| file.clone()).collect())
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

    /// Links below the root that lead to what the working tree has beside its tracked files.
    #[must_use]
    pub fn links(&self) -> Vec<PathBuf> {
        match &self.kind {
            Kind::Shadow { shadow, .. } => {
                let top = shadow.top();
                shadow.links().iter().map(|link| top.join(link)).collect()
            }
            Kind::Folder | Kind::Tree { .. } => Vec::new(),
        }
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
    let diff = if wish.diff && !changed.is_empty() { Some(lossy(&repository.diff(&changed)?)) } else { None };
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
    let diff = if wish.diff { Some(lossy(&fixes.diff()?)) } else { None };
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

fn lossy(diff: &[u8]) -> String {
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

/// What is staged, laid out in the user's cache, or where that cannot be written, among the temporary files.
fn shadow(repository: &Repository, environment: &Environment) -> Result<Shadow, VcsError> {
    let temporary = environment.temporary.join("onex-cache");
    let Some(cache) = environment.cache() else { return Shadow::of_index(repository, &temporary) };
    match Shadow::of_index(repository, &cache) {
        Err(VcsError::File { path, source, .. }) if path.starts_with(&cache) => {
            tracing::info!(cache = %cache.display(), %source, "the cache cannot be written");
            Shadow::of_index(repository, &temporary)
        }
        other => other,
    }
}

fn says_how_git_stores(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(ATTRIBUTES.as_bytes())
}

/// Where `root` stands below `top`, by whichever names.
pub(super) fn inside(root: &Path, top: &Path) -> PathBuf {
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
