//! Which files may declare components: those that git knows or would take, as `git ls-files` names them. A stage and
//! `onex list` ask here, so that both see the same.

use std::path::{Path, PathBuf};

use super::Environment;
use super::place::{inside, looking};
use crate::registry::{COMPONENT_ENDING, CONTRACT_NAME, FILE_NAME, Look};
use crate::vcs::{Repository, VcsError};

/// How the names of files end that may declare components, or say which folders are projects of their own.
pub(super) const ENDINGS: [&str; 4] = [CONTRACT_NAME, COMPONENT_ENDING, "onex.toml", FILE_NAME];

/// The same as git's own patterns.
pub(super) fn patterns() -> [String; 4] {
    ENDINGS.map(|end| format!("*{end}"))
}

/// Whether a file is named like one.
pub(super) fn is_one(path: &Path) -> bool {
    ENDINGS.iter().any(|end| path.as_os_str().as_encoded_bytes().ends_with(end.as_bytes()))
}

/// Whether neither a file nor a folder on the way to it is hidden: what is hidden declares nothing.
pub(super) fn is_seen(path: &Path) -> bool {
    !path.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
}

/// Where components are looked for, but in the contents of files: among what git knows, or where there is no repository,
/// in all folders.
pub(super) fn look(root: &Path, environment: &Environment) -> Look {
    let known = looking(root, environment).and_then(|found| {
        let own = found.filter(|repository| is_of(repository, root));
        Ok(own.map(|repository| known(&repository, root)).transpose()?)
    });
    match known {
        Ok(Some(names)) => Look::Among(names),
        Ok(None) => Look::Names,
        Err(error) => {
            tracing::warn!(%error, "components are looked for without git, which may see others");
            Look::Names
        }
    }
}

/// Whether a repository is the one that a folder seems to be in. Git looks further up where a `.git` is not its own.
fn is_of(repository: &Repository, root: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let nearest = root.ancestors().find(|folder| folder.join(".git").exists());
    nearest.is_none_or(|nearest| real(nearest) == real(repository.top()))
}

fn known(repository: &Repository, root: &Path) -> Result<Vec<PathBuf>, VcsError> {
    let patterns = patterns();
    let mut asked: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let mut files: Vec<PathBuf> = repository.tracked(&asked)?.into_iter().map(|file| file.path).collect();
    // Repositories inside this one end with a slash, and nothing else does.
    asked.push("*/");
    files.extend(repository.untracked(&asked)?);
    let inside = inside(root, repository.top());
    let below = |path: &PathBuf| path.strip_prefix(&inside).ok().map(Path::to_path_buf);
    let folders = files.iter().filter(|path| path.as_os_str().as_encoded_bytes().ends_with(b"/"));
    let mut folders: Vec<PathBuf> = folders.cloned().collect();
    folders.extend(repository.submodules()?);
    let folders = folders.iter().filter_map(below).filter(|path| is_seen(path)).map(|path| path.join(".git"));
    let names = files.iter().filter(|path| is_one(path)).filter_map(below).filter(|path| is_seen(path));
    Ok(names.chain(folders).collect())
}
