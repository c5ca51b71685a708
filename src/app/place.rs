//! Where the nodes of a stage run: in the working tree, or in a shadow of what is staged.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Environment;
use super::changes::{ChangeWish, Changes, Ended, finish_shadow, finish_tree};
use super::declarations;
use super::error::AppError;
use crate::executors::GivenFile;
use crate::orchestrators::FileChoice;
use crate::vcs::{Before, Repository, Shadow, VcsError, absolute_places, without_places};

/// A place to run in, and the files that a run is about.
#[derive(Debug)]
pub struct Place {
    /// The project root inside it.
    pub root: PathBuf,
    /// The files, relative to the root.
    pub files: Vec<GivenFile>,
    /// Files that git knows and that may declare components, relative to the top of the repository.
    declared: Vec<PathBuf>,
    /// Files whose merge is not resolved, and that are no files of the run for it.
    pub unmerged: Vec<PathBuf>,
    /// Tracked files that hold something else than what is staged, as they are named from the root, where the run is
    /// about what is staged.
    differing: Vec<PathBuf>,
    /// Files that may declare components and that git does not know, relative to the root, where the run is about what
    /// is staged.
    unknown: Vec<PathBuf>,
    /// Where the root stands in the repository.
    inside: PathBuf,
    kind: Kind,
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

/// The same for a look, which starts nothing, not even what git's settings name.
pub(super) fn looking(folder: &Path, environment: &Environment) -> Result<Option<Repository>, AppError> {
    Ok(repository(folder, environment)?.map(Repository::without_programs).transpose()?)
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
            return Ok(Self {
                root: root.to_path_buf(),
                files,
                declared: Vec::new(),
                unmerged: Vec::new(),
                differing: Vec::new(),
                unknown: Vec::new(),
                inside: PathBuf::new(),
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
            let is_other = chosen.iter().any(|entry| entry.unstaged.is_some());
            let files: Vec<GivenFile> = chosen
                .iter()
                .map(|entry| GivenFile { path: entry.path.clone(), object: object(&entry.object) })
                .collect();
            let other = status.entries.iter().filter(|entry| entry.unstaged.is_some() && !entry.is_submodule);
            let differing = other.map(|entry| named_from(&inside, &entry.path)).collect();
            let unknown = untracked.iter().filter_map(|path| path.strip_prefix(&inside).ok());
            let unknown = unknown.map(Path::to_path_buf).collect();
            let before = if is_other { Before::default() } else { repository.before(&status)? };
            let mut place = Self {
                root: root.to_path_buf(),
                files: below(files, &inside),
                declared,
                unmerged: Vec::new(),
                differing,
                unknown,
                inside,
                kind: Kind::Tree { repository, before },
            };
            if is_other {
                place.move_to_index(environment)?;
            }
            return Ok(place);
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
        // Whoever names a file that is not merged wants it as it is.
        let unmerged: HashSet<&PathBuf> = match choice {
            FileChoice::All | FileChoice::Since(_) => status.unmerged.iter().collect(),
            FileChoice::These(_) | FileChoice::Staged => HashSet::new(),
        };
        let paths = paths.into_iter().filter(|path| !unmerged.contains(path));
        let object =
            |path: &Path| known.get(path).filter(|_| !unstaged.contains(path)).and_then(|o| object(o));
        let files = paths.map(|path| GivenFile { object: object(&path), path }).collect();
        let unmerged = unmerged.into_iter().filter_map(|path| path.strip_prefix(&inside).ok());
        let mut unmerged: Vec<PathBuf> = unmerged.map(Path::to_path_buf).collect();
        unmerged.sort();
        let before = repository.before(&status)?;
        Ok(Self {
            root: root.to_path_buf(),
            files: below(files, &inside),
            declared,
            unmerged,
            differing: Vec::new(),
            unknown: Vec::new(),
            inside,
            kind: Kind::Tree { repository, before },
        })
    }

    /// Moves a run that is about what is staged to a tree of what is staged, away from files that hold something else.
    ///
    /// # Errors
    ///
    /// If that tree cannot be laid out.
    pub fn move_to_index(&mut self, environment: &Environment) -> Result<(), AppError> {
        let Kind::Tree { repository, .. } = &self.kind else { return Ok(()) };
        let (repository, shadow) =
            (repository.clone(), in_cache(environment, |cache| Shadow::of_index(repository, cache))?);
        self.root = shadow.top().join(&self.inside);
        // A part of the tree may be left out of it.
        self.files.retain(|file| self.root.join(&file.path).symlink_metadata().is_ok());
        self.differing.clear();
        self.kind = Kind::Shadow { repository, shadow };
        Ok(())
    }

    /// Whether one of these files, by the names that they have from the root, holds something else than what is
    /// staged, where that is what the run is about.
    pub fn differs(&self, mut is_about: impl FnMut(&Path) -> bool) -> bool {
        self.differing.iter().any(|file| is_about(file))
    }

    /// The names of files that may declare components, relative to the root: those that git knows. Nothing where there
    /// is no repository.
    #[must_use]
    pub fn declarations(&self) -> Option<Vec<PathBuf>> {
        if matches!(self.kind, Kind::Folder) {
            return None;
        }
        let names = self.declared.iter();
        Some(names.filter_map(|name| Some(name.strip_prefix(&self.inside).ok()?.to_path_buf())).collect())
    }

    /// Files that may declare components and that git does not know, where the run is about what is staged.
    #[must_use]
    pub fn unknown(&self) -> &[PathBuf] {
        &self.unknown
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
        let whole: Vec<PathBuf> = files.iter().map(|file| self.inside.join(file)).collect();
        let known = repository.known_of(&whole)?;
        let pairs = files.iter().zip(&whole);
        Ok(pairs.filter(|(_, whole)| !known.contains(whole)).map(|(file, _)| file.clone()).collect())
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

    /// Where the root stands in the repository.
    #[must_use]
    pub fn inside(&self) -> &Path {
        &self.inside
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

fn says_how_git_stores(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(ATTRIBUTES.as_bytes())
}

/// Where `root` stands below `top`, by whichever names.
pub(super) fn inside(root: &Path, top: &Path) -> PathBuf {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let found = root.strip_prefix(top).map(Path::to_path_buf);
    found.or_else(|_| real(root).strip_prefix(real(top)).map(Path::to_path_buf)).unwrap_or_default()
}

/// A file of the repository as it is named from a folder in it.
fn named_from(inside: &Path, file: &Path) -> PathBuf {
    match file.strip_prefix(inside) {
        Ok(below) => below.to_path_buf(),
        Err(_) => inside.components().map(|_| Path::new("..")).collect::<PathBuf>().join(file),
    }
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
