//! Where the nodes of a stage run: in the working tree, or in a shadow of what is staged. And what becomes of the
//! files that they change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Environment;
use super::error::AppError;
use crate::executors::GivenFile;
use crate::orchestrators::FileChoice;
use crate::vcs::{Before, Repository, Shadow, Status, VcsError, without_places};

/// A place to run in, and the files that a run is about.
#[derive(Debug)]
pub struct Place {
    /// The project root inside it.
    pub root: PathBuf,
    /// The files, relative to the root.
    pub files: Vec<GivenFile>,
    kind: Kind,
}

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
    /// Whether the changes are staged, too.
    pub staged: bool,
    /// Whether programs ran in a shadow, so that the changes were brought back.
    pub brought_back: bool,
}

impl Changes {
    /// What was changed, and what to do about it.
    #[must_use]
    pub fn message(&self) -> String {
        let names = |files: &[PathBuf]| {
            let shown: Vec<_> = files.iter().take(3).map(|file| file.display().to_string()).collect();
            let rest = files.len().saturating_sub(3);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{}{more}", shown.join(", "))
        };
        let mut said = format!("changed {}", names(&self.changed));
        if self.changed.len() > self.left.len() {
            said.push_str(if self.staged {
                "; the changes are staged: commit again"
            } else {
                "; look at it, `git add` it and commit again"
            });
        }
        if let Some(patch) = &self.patch {
            said.push_str(&format!(
                "; {} also changed by you: the fix is in {}",
                if self.left.len() == 1 {
                    format!("{} was", names(&self.left))
                } else {
                    format!("{} were", names(&self.left))
                },
                patch.display()
            ));
        }
        said
    }
}

/// What is wanted of the files that programs change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeWish {
    /// That they are staged.
    pub stage: bool,
    /// That the difference is shown.
    pub diff: bool,
}

impl Place {
    /// The place for a choice of files below `root`.
    ///
    /// # Errors
    ///
    /// If git cannot be asked, what is staged cannot be laid out, or a choice needs a repository and there is none.
    pub fn find(root: &Path, choice: &FileChoice, environment: &Environment) -> Result<Self, AppError> {
        let Some(repository) = Repository::find(root, &environment.variables)? else {
            let files = match choice {
                FileChoice::Staged | FileChoice::Since(_) => return Err(AppError::NoRepository),
                FileChoice::These(files) => files.clone(),
                FileChoice::All => all_below(root),
            };
            let files = files.into_iter().map(|path| GivenFile { path, object: None }).collect();
            return Ok(Self { root: root.to_path_buf(), files, kind: Kind::Folder });
        };
        let status = repository.status()?;
        let inside = root.strip_prefix(repository.top()).unwrap_or(Path::new("")).to_path_buf();
        if *choice == FileChoice::Staged {
            if !status.unmerged.is_empty() {
                return Err(VcsError::Unmerged(status.unmerged).into());
            }
            let is_other = |path: &Path| status.is_unstaged(path);
            let files: Vec<GivenFile> = status
                .staged()
                .map(|entry| GivenFile { path: entry.path.clone(), object: Some(entry.object.clone()) })
                .collect();
            if files.iter().any(|file| is_other(&file.path)) {
                let cache = environment.cache().unwrap_or_else(|| environment.temporary.join("onex-cache"));
                let shadow = Shadow::of_index(&repository, &cache)?;
                let root = shadow.top().join(&inside);
                let files = below(files, &inside);
                return Ok(Self { root, files, kind: Kind::Shadow { repository, shadow } });
            }
            return Self::in_tree(repository, &status, below(files, &inside), root);
        }
        let tracked = repository.tracked(&[])?;
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
        let object =
            |path: &Path| known.get(path).filter(|_| !status.is_unstaged(path)).map(|o| (*o).clone());
        let files = paths.into_iter().map(|path| GivenFile { object: object(&path), path }).collect();
        Self::in_tree(repository, &status, below(files, &inside), root)
    }

    fn in_tree(
        repository: Repository,
        status: &Status,
        files: Vec<GivenFile>,
        root: &Path,
    ) -> Result<Self, AppError> {
        let before = repository.before(status)?;
        Ok(Self { root: root.to_path_buf(), files, kind: Kind::Tree { repository, before } })
    }

    /// The names of files that may declare components, relative to the root: those that git knows. Nothing where there
    /// is no repository.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn declarations(&self, staged_only: bool) -> Result<Option<Vec<PathBuf>>, AppError> {
        const PATTERNS: [&str; 3] = ["*contract.yaml", "*.onex.yaml", "*onex.toml"];
        let (Kind::Tree { repository, .. } | Kind::Shadow { repository, .. }) = &self.kind else {
            return Ok(None);
        };
        let mut names: Vec<PathBuf> =
            repository.tracked(&PATTERNS)?.into_iter().map(|file| file.path).collect();
        if !staged_only {
            names.extend(repository.untracked(&PATTERNS)?);
        }
        let inside = self.inside();
        Ok(Some(
            names.iter().filter_map(|name| Some(name.strip_prefix(&inside).ok()?.to_path_buf())).collect(),
        ))
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
        inside
    }

    /// Looks at what programs changed, and brings that back from a shadow. `name` is the name of a patch that may be
    /// needed.
    ///
    /// # Errors
    ///
    /// If git cannot be asked, or the user's files cannot be written. They are as before, or finished, each.
    pub fn finish(self, name: &str, wish: ChangeWish) -> Result<Changes, AppError> {
        let text = |diff: Vec<u8>| String::from_utf8_lossy(&diff).into_owned();
        match self.kind {
            Kind::Folder => Ok(Changes::default()),
            Kind::Tree { repository, before } => {
                let changed = repository.touched_since(&before)?;
                let diff = if wish.diff && !changed.is_empty() {
                    Some(text(repository.diff(&changed)?))
                } else {
                    None
                };
                if wish.stage {
                    // What had changes of its own that are not staged would be staged with them.
                    let clean: Vec<PathBuf> =
                        changed.iter().filter(|path| !before.was_unstaged(path)).cloned().collect();
                    repository.stage(&clean)?;
                }
                Ok(Changes { changed, diff, staged: wish.stage, ..Changes::default() })
            }
            Kind::Shadow { repository, shadow } => {
                let fixes = shadow.fixes()?;
                if fixes.is_empty() {
                    return Ok(Changes::default());
                }
                let diff = if wish.diff { Some(text(fixes.diff()?)) } else { None };
                let applied = fixes.apply(&repository, name)?;
                if wish.stage {
                    fixes.stage(&repository)?;
                }
                Ok(Changes {
                    changed: fixes.list.iter().map(|fix| fix.path.clone()).collect(),
                    left: applied.left,
                    patch: applied.patch,
                    diff,
                    staged: wish.stage,
                    brought_back: true,
                })
            }
        }
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
fn all_below(root: &Path) -> Vec<PathBuf> {
    let walk = ignore::WalkBuilder::new(root).hidden(false).require_git(false).build();
    let mut files: Vec<PathBuf> = walk
        .filter_map(|entry| entry.inspect_err(|error| tracing::warn!(%error, "a folder is left out")).ok())
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_path_buf()))
        .collect();
    files.sort();
    files
}
