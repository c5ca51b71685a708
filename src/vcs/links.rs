//! What a shadow has of the files beside those that git tracks: links to what is installed, and folders of its own for
//! what is built.
//!
//! A cache of a build holds for the tree that it was made of. Shared by two trees it makes a build of the one take what
//! was built of the other, because builders compare times.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::fixes::leads_elsewhere;
use super::git::{VcsError, path, zero_ended};
use super::slots::discard;

/// Folders of what was installed: a shadow uses those of the working tree.
const INSTALLED: [&str; 10] = [
    "node_modules",
    "bower_components",
    ".yarn",
    "vendor",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    ".direnv",
    "Pods",
];

/// Folders and files of what was built or is remembered: a shadow has its own.
const BUILT: [&str; 25] = [
    "target",
    "build",
    "_build",
    "dist",
    "dist-newstyle",
    ".coverage",
    ".dart_tool",
    ".eslintcache",
    ".gradle",
    ".hypothesis",
    ".mypy_cache",
    ".next",
    ".nuxt",
    ".parcel-cache",
    ".pytest_cache",
    ".pytype",
    ".ruff_cache",
    ".stack-work",
    ".stylelintcache",
    ".svelte-kit",
    ".turbo",
    ".zig-cache",
    "__pycache__",
    "zig-cache",
    "zig-out",
];

/// The file by which programs mark folders that hold nothing but what they can make again.
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// The most links that stand for one folder.
const MOST_LINKS: usize = 10_000;

/// Whether a file or folder in a working tree holds what was made of the files there.
pub(super) fn is_built(top: &Path, name: &Path) -> bool {
    for part in name.ancestors() {
        let Some(last) = part.file_name() else { break };
        // Some who make virtual environments mark them as caches.
        if INSTALLED.iter().any(|known| last == *known) || top.join(part).join("pyvenv.cfg").exists() {
            return false;
        }
        let is_known = BUILT.iter().any(|known| last == *known)
            || part.extension().is_some_and(|end| end == "tsbuildinfo")
            || last.as_encoded_bytes().starts_with(b"cmake-build-");
        if is_known || top.join(part).join(CACHE_TAG).exists() {
            return true;
        }
    }
    false
}

/// What is to be linked.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Files and folders, each a link.
    links: Vec<PathBuf>,
    /// Folders that are none, so that patterns for folders fit them: what is in them is linked.
    folders: BTreeSet<PathBuf>,
}

impl Wanted {
    /// What git is told to ignore.
    pub(super) fn ignored(&mut self, top: &Path, name: &Path) {
        if is_built(top, name) {
            return;
        }
        // Git writes a slash behind folders, which a path keeps, but does not compare.
        let name: PathBuf = name.components().collect();
        let folder = top.join(&name);
        let is_folder = fs::symlink_metadata(&folder).is_ok_and(|kind| kind.is_dir());
        let inside = if is_folder { fs::read_dir(&folder).ok() } else { None };
        let inside: Vec<PathBuf> =
            inside.into_iter().flatten().flatten().map(|entry| name.join(entry.file_name())).collect();
        if !is_folder || inside.len() > MOST_LINKS {
            self.links.push(name);
            return;
        }
        self.links.extend(inside.into_iter().filter(|name| !is_built(top, name)));
        self.folders.insert(name);
    }

    /// A folder that git does not track.
    pub(super) fn untracked(&mut self, top: &Path, name: &Path) {
        if !is_built(top, name) {
            self.links.push(name.components().collect());
        }
    }

    /// What a submodule holds. Each of it is linked: git refuses submodules that are links themselves.
    pub(super) fn submodule(&mut self, top: &Path, submodule: &Path) {
        let entries = fs::read_dir(top.join(submodule)).into_iter().flatten().flatten();
        self.links.extend(entries.map(|entry| submodule.join(entry.file_name())));
    }
}

/// The file that says which links were made, so that the next run, or this one's end, finds them.
fn record(slot: &Path) -> PathBuf {
    slot.join("links")
}

/// Makes links to what the working tree has beside its tracked files. What an earlier run has left in their places
/// gives way.
pub(super) fn link(
    mut wanted: Wanted,
    (from, to): (&Path, &Path),
    tracked: &HashSet<PathBuf>,
    slot: &Path,
) -> Result<Vec<PathBuf>, VcsError> {
    wanted.links.sort();
    let mut links: Vec<PathBuf> = Vec::new();
    for name in wanted.links {
        // Nothing inside a folder that is a link itself.
        let is_inside = |folder: &PathBuf| name.starts_with(folder);
        if !tracked.contains(&name) && !links.last().is_some_and(is_inside) {
            links.push(name);
        }
    }
    // Known before they are made: who is killed meanwhile leaves none that nobody knows.
    let file = record(slot);
    let listed = zero_ended(links.iter().map(PathBuf::as_path));
    fs::write(&file, listed).map_err(VcsError::file("write", &file))?;
    for folder in &wanted.folders {
        empty(to, folder)?;
    }
    for name in &links {
        let (source, link) = (from.join(name), to.join(name));
        let Some(folder) = link.parent() else { continue };
        if fs::symlink_metadata(&source).is_err() || leads_elsewhere(to, name) {
            continue;
        }
        fs::create_dir_all(folder).map_err(VcsError::file("make", folder))?;
        give_way(&link)?;
        if is_dot_git(name) {
            let text = dot_git(&source).map_err(VcsError::file("read", &source))?;
            fs::write(&link, text).map_err(VcsError::file("write", &link))?;
        } else {
            symlink(&source, &link).map_err(VcsError::file("link", &link))?;
        }
    }
    Ok(links)
}

/// Makes a folder without anything in it but what was built there.
fn empty(tree: &Path, name: &Path) -> Result<(), VcsError> {
    let folder = tree.join(name);
    if leads_elsewhere(tree, name) {
        return Ok(());
    }
    if !fs::symlink_metadata(&folder).is_ok_and(|kind| kind.is_dir()) {
        give_way(&folder)?;
        return fs::create_dir_all(&folder).map_err(VcsError::file("make", &folder));
    }
    for entry in fs::read_dir(&folder).map_err(VcsError::file("read", &folder))?.flatten() {
        if !is_built(tree, &name.join(entry.file_name())) {
            give_way(&entry.path())?;
        }
    }
    Ok(())
}

fn give_way(place: &Path) -> Result<(), VcsError> {
    let removed = match fs::symlink_metadata(place) {
        Ok(kind) if kind.is_dir() => discard(place),
        Ok(_) => fs::remove_file(place),
        Err(_) => Ok(()),
    };
    removed.map_err(VcsError::file("remove", place))
}

/// Removes the links, never what they lead to, and the folders that held nothing else.
pub(super) fn unlink(slot: &Path, tree: &Path) -> Result<(), VcsError> {
    let file = record(slot);
    let listed = match fs::read(&file) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(VcsError::file("read", &file)(error)),
    };
    let mut folders = BTreeSet::new();
    for name in listed.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let name = path(name);
        let link = tree.join(&name);
        let is_ours = |kind: fs::Metadata| kind.is_symlink() || (kind.is_file() && is_dot_git(&name));
        if !leads_elsewhere(tree, &name) && fs::symlink_metadata(&link).is_ok_and(is_ours) {
            fs::remove_file(&link).map_err(VcsError::file("remove", &link))?;
            folders
                .extend(name.parent().filter(|folder| !folder.as_os_str().is_empty()).map(|f| tree.join(f)));
        }
    }
    for folder in folders {
        match fs::remove_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => {
                return Err(VcsError::file("remove", &folder)(error));
            }
            _ => {}
        }
    }
    super::shadow::remove_if_there(&file).map_err(VcsError::file("remove", &file))
}

fn is_dot_git(name: &Path) -> bool {
    name.file_name().is_some_and(|name| name == ".git")
}

/// A `.git` file for a second tree of a submodule: git is to look at the first one, whose state is the true one.
fn dot_git(source: &Path) -> io::Result<Vec<u8>> {
    let folder = if source.is_dir() {
        source.to_path_buf()
    } else {
        let text = fs::read(source)?;
        let named = text.strip_prefix(b"gitdir: ").unwrap_or(&text);
        let named = path(named.strip_suffix(b"\n").unwrap_or(named));
        source.parent().map_or_else(|| named.clone(), |folder| folder.join(&named))
    };
    Ok([b"gitdir: ", folder.as_os_str().as_encoded_bytes(), b"\n"].concat())
}
