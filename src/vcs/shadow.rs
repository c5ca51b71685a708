//! The index as a tree of files of its own, where hooks can run while the user's files hold something else.
//!
//! A shadow looks to programs like another working tree of the repository: it has a `.git` file, its own index and its
//! own `HEAD`, and shares the objects. Git does not list it among its working trees. It is kept from run to run, so
//! that only what changed is written, and what programs cache beside their sources stays true.

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::{FdFlags, fcntl_setfd};
use sha2::{Digest as _, Sha256};

use super::fixes::{Fixes, leads_elsewhere};
use super::git::{Repository, VcsError, path, zero_ended};
use super::status::Others;

/// How many runs can have a shadow of one repository at once.
const MOST_AT_ONCE: usize = 64;

/// What git's own folder says about an operation that goes on, which programs look for.
const STATES: [&str; 10] = [
    "HEAD",
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "ORIG_HEAD",
    "COMMIT_EDITMSG",
    "info/sparse-checkout",
];

/// A tree with the files of the index. Nobody else uses it while this lives.
#[derive(Debug)]
pub struct Shadow {
    /// Git's view of the tree.
    repository: Repository,
    /// What the index holds, as a tree object.
    staged: String,
    slot: PathBuf,
    links: Vec<PathBuf>,
    submodules: Vec<PathBuf>,
    /// Held as long as the tree is in use.
    _lock: File,
}

impl Shadow {
    /// A tree with what `repository` has staged, in a folder below `cache`. Files and folders that git ignores, and
    /// folders that it does not track, are there as links to those of the working tree.
    ///
    /// # Errors
    ///
    /// If a merge is not resolved, git refuses, or the tree cannot be written.
    pub fn of_index(repository: &Repository, cache: &Path) -> Result<Self, VcsError> {
        let others = repository.status_with(Others::Named)?;
        if !others.unmerged.is_empty() {
            return Err(VcsError::Unmerged(others.unmerged));
        }
        let name = repository.top().file_name().unwrap_or_else(|| "tree".as_ref());
        let (slot, lock) = free_slot(cache, repository.top().as_os_str().as_encoded_bytes())?;
        let (git_dir, tree) = (slot.join("git"), slot.join("tree").join(name));
        let objects = slot.join("objects");
        fs::create_dir_all(&objects).map_err(VcsError::file("make", &objects))?;
        let repository = &repository.storing_in(&objects);
        prepare(repository, &git_dir, &tree)?;
        remove_links(&slot, &tree)?;

        // What a git that was killed here has left would keep the next ones from their work.
        for lock in
            [slot.join("staged-index.lock"), slot.join("fixed-index.lock"), git_dir.join("index.lock")]
        {
            remove_if_there(&lock).map_err(VcsError::file("remove", &lock))?;
        }
        // Writing trees changes an index, and the user's stays as it is.
        let staged_index = slot.join("staged-index");
        let copied = if repository.index().exists() {
            fs::copy(repository.index(), &staged_index).map(drop)
        } else {
            remove_if_there(&staged_index)
        };
        copied.map_err(VcsError::file("copy", repository.index()))?;
        let staged = line(&repository.git_with_index(&staged_index, &["write-tree"])?);

        let shadow = repository.elsewhere(&tree, &git_dir);
        if lay_out(&shadow, &staged).is_err() {
            // Programs can leave things behind that git does not get rid of. Nothing here is worth keeping.
            discard(&tree).map_err(VcsError::file("remove", &tree))?;
            remove_if_there(shadow.index()).map_err(VcsError::file("remove", shadow.index()))?;
            prepare(repository, &git_dir, &tree)?;
            lay_out(&shadow, &staged)?;
        }
        let tracked = tracked(&shadow)?;
        let folders = others.untracked.iter().filter(|path| is_folder(path));
        let mut wanted: Vec<PathBuf> = others.ignored.iter().chain(folders).cloned().collect();
        for submodule in &tracked.submodules {
            wanted.extend(inside(repository.top(), submodule));
        }
        wanted.sort();
        let links = link(&wanted, (repository.top(), &tree), &tracked.all, &slot)?;
        Ok(Self { repository: shadow, staged, slot, links, submodules: tracked.submodules, _lock: lock })
    }

    /// The folder of the tree, which stands for the top of the working tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        self.repository.top()
    }

    /// What programs changed in the tree. It cannot be used after that.
    ///
    /// # Errors
    ///
    /// If git refuses, or the tree cannot be read.
    pub fn fixes(self) -> Result<Fixes, VcsError> {
        remove_links(&self.slot, self.top())?;
        for submodule in &self.submodules {
            let folder = self.top().join(submodule);
            fs::create_dir_all(&folder).map_err(VcsError::file("make", &folder))?;
        }
        let index = self.slot.join("fixed-index");
        copy_with_time(self.repository.index(), &index)
            .map_err(VcsError::file("copy", self.repository.index()))?;
        self.repository.git_with_index(&index, &["add", "--all"])?;
        let fixed = line(&self.repository.git_with_index(&index, &["write-tree"])?);
        Fixes::between(self.repository.clone(), (self.staged.clone(), fixed))
    }

    /// What stands in the tree for files of the working tree.
    #[must_use]
    pub fn links(&self) -> &[PathBuf] {
        &self.links
    }
}

pub(super) fn line(said: &[u8]) -> String {
    String::from_utf8_lossy(said).trim().to_owned()
}

/// Git writes a slash behind folders, which a path keeps, but does not compare.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// A folder that no other run uses, for what goes by this name.
pub(super) fn free_slot(cache: &Path, name: &[u8]) -> Result<(PathBuf, File), VcsError> {
    let digest = Sha256::digest(name);
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    for number in 0..MOST_AT_ONCE {
        let slot = cache.join("shadow").join(format!("{digest}-{number}"));
        // What is staged may be nobody else's business.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&slot);
        made.map_err(VcsError::file("make", &slot))?;
        let folder = fs::symlink_metadata(&slot).map_err(VcsError::file("use", &slot))?;
        if folder.uid() != rustix::process::geteuid().as_raw() || folder.mode() & 0o022 != 0 {
            let source = io::Error::other("it is open to others");
            return Err(VcsError::file("use", &slot)(source));
        }
        let file = slot.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&file);
        let lock = lock.map_err(VcsError::file("open", &file))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // Programs inherit it: one that outlives a killed `onex` still writes here, and nobody else may.
                fcntl_setfd(&lock, FdFlags::empty()).map_err(|e| VcsError::file("lock", &file)(e.into()))?;
                return Ok((slot, lock));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            Err(error) => return Err(VcsError::file("lock", &file)(error.into())),
        }
    }
    let busy = io::Error::other(format!("{MOST_AT_ONCE} runs use shadows of this repository"));
    Err(VcsError::file("use", &cache.join("shadow"))(busy))
}

/// Makes the tree a working tree of the repository in the eyes of git.
pub(super) fn adopt(repository: &Repository, git_dir: &Path, tree: &Path) -> Result<(), VcsError> {
    for folder in [&git_dir.join("info"), tree] {
        fs::create_dir_all(folder).map_err(VcsError::file("make", folder))?;
    }
    let mut common = repository.common_dir().as_os_str().as_encoded_bytes().to_vec();
    common.push(b'\n');
    write(&git_dir.join("commondir"), &common)?;
    let link = [b"gitdir: ", git_dir.as_os_str().as_encoded_bytes(), b"\n"].concat();
    let dot_git = tree.join(".git");
    if fs::symlink_metadata(&dot_git).is_ok_and(|kind| kind.is_dir()) {
        fs::remove_dir_all(&dot_git).map_err(VcsError::file("remove", &dot_git))?;
    }
    write(&dot_git, &link)
}

/// Writes a file, unless it is like that already.
pub(super) fn write(file: &Path, text: &[u8]) -> Result<(), VcsError> {
    if fs::read(file).is_ok_and(|before| before == text) {
        return Ok(());
    }
    fs::write(file, text).map_err(VcsError::file("write", file))
}

/// The same, and in the state that the user's own working tree is in.
fn prepare(repository: &Repository, git_dir: &Path, tree: &Path) -> Result<(), VcsError> {
    adopt(repository, git_dir, tree)?;
    for state in STATES {
        match fs::read(repository.git_dir().join(state)) {
            Ok(text) => write(&git_dir.join(state), &text)?,
            Err(_) => {
                let stale = git_dir.join(state);
                remove_if_there(&stale).map_err(VcsError::file("remove", &stale))?;
            }
        }
    }
    copy_head(repository, &repository.elsewhere(tree, git_dir))?;
    // Settings of one working tree, such as which part of the files it has; but not where that tree is.
    let settings = fs::read(repository.git_dir().join("config.worktree")).unwrap_or_default();
    let names = |word: &[u8]| settings.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    let own = git_dir.join("config.worktree");
    if names(b"worktree") || names(b"bare") { write(&own, b"") } else { write(&own, &settings) }
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where git keeps branches in tables, `HEAD` is in a table, too.
fn copy_head(repository: &Repository, shadow: &Repository) -> Result<(), VcsError> {
    if !has_tables(repository, shadow)? {
        return Ok(());
    }
    let branch = repository.try_git(&["symbolic-ref", "--quiet", "HEAD"], &[])?;
    if branch.code == Some(0) {
        return shadow.git(&["symbolic-ref", "HEAD", &line(&branch.stdout)], &[]).map(drop);
    }
    let commit = line(&repository.git(&["rev-parse", "HEAD"], &[])?);
    shadow.git(&["update-ref", "--no-deref", "HEAD", &commit], &[]).map(drop)
}

/// Whether git keeps branches in tables; then the shadow has room for its own.
pub(super) fn has_tables(repository: &Repository, shadow: &Repository) -> Result<bool, VcsError> {
    let has_tables = repository.common_dir().join("reftable").is_dir();
    if has_tables {
        for folder in ["reftable", "refs"].map(|folder| shadow.git_dir().join(folder)) {
            fs::create_dir_all(&folder).map_err(VcsError::file("make", &folder))?;
        }
    }
    Ok(has_tables)
}

/// Makes the tree hold what is staged and nothing else, but for what programs left behind and git ignores: that is a
/// cache, which the next run may use.
fn lay_out(shadow: &Repository, staged: &str) -> Result<(), VcsError> {
    shadow.git(&["clean", "-ffdq"], &[])?;
    shadow.git(&["read-tree", "--reset", "-u", staged], &[]).map(drop)
}

/// Removes a tree, whatever programs made of its modes.
pub(super) fn discard(tree: &Path) -> io::Result<()> {
    let mut open = vec![tree.to_path_buf()];
    while let Some(folder) = open.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    fs::remove_dir_all(tree)
}

/// A copy that is as old as the original: by the age of an index git tells which files may have changed unnoticed,
/// because they were written in the same moment.
fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let time = fs::metadata(from)?.modified()?;
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(time)
}

/// What a tree's index holds.
struct Tracked {
    /// All paths, and all folders on the way to them.
    all: HashSet<PathBuf>,
    submodules: Vec<PathBuf>,
}

fn tracked(shadow: &Repository) -> Result<Tracked, VcsError> {
    let said = shadow.git(&["ls-files", "-z", "--stage"], &[])?;
    let mut tracked = Tracked { all: HashSet::new(), submodules: Vec::new() };
    for line in said.split(|&byte| byte == 0) {
        let Some(tab) = line.iter().position(|&byte| byte == b'\t') else { continue };
        let name = path(&line[tab + 1..]);
        if line.starts_with(b"160000 ") {
            tracked.submodules.push(name);
            continue;
        }
        let mut folder = name.parent();
        while let Some(above) = folder.filter(|above| !above.as_os_str().is_empty()) {
            if !tracked.all.insert(above.to_path_buf()) {
                break;
            }
            folder = above.parent();
        }
        tracked.all.insert(name);
    }
    Ok(tracked)
}

/// The file that says which links were made, so that the next run, or this one's end, finds them.
fn record(slot: &Path) -> PathBuf {
    slot.join("links")
}

/// Makes links to what the working tree has beside its tracked files. What an earlier run has left in their places
/// gives way.
fn link(
    wanted: &[PathBuf],
    (from, to): (&Path, &Path),
    tracked: &HashSet<PathBuf>,
    slot: &Path,
) -> Result<Vec<PathBuf>, VcsError> {
    let mut links: Vec<PathBuf> = Vec::new();
    for name in wanted {
        // Without the slash, and nothing inside a folder that is a link itself.
        let name: PathBuf = name.components().collect();
        let is_inside = |folder: &PathBuf| name.starts_with(folder);
        if !tracked.contains(&name) && !links.last().is_some_and(is_inside) {
            links.push(name);
        }
    }
    // Known before they are made: who is killed meanwhile leaves none that nobody knows.
    let file = record(slot);
    let listed = zero_ended(links.iter().map(PathBuf::as_path));
    fs::write(&file, listed).map_err(VcsError::file("write", &file))?;
    for name in &links {
        let (source, link) = (from.join(name), to.join(name));
        let Some(folder) = link.parent() else { continue };
        if fs::symlink_metadata(&source).is_err() || leads_elsewhere(to, name) {
            continue;
        }
        fs::create_dir_all(folder).map_err(VcsError::file("make", folder))?;
        let removed = match fs::symlink_metadata(&link) {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(&link),
            Ok(_) => fs::remove_file(&link),
            Err(_) => Ok(()),
        };
        removed.map_err(VcsError::file("remove", &link))?;
        if is_dot_git(name) {
            let text = dot_git(&source).map_err(VcsError::file("read", &source))?;
            fs::write(&link, text).map_err(VcsError::file("write", &link))?;
        } else {
            symlink(&source, &link).map_err(VcsError::file("link", &link))?;
        }
    }
    Ok(links)
}

/// What a submodule holds. Each of it is linked: git refuses submodules that are links themselves.
fn inside(top: &Path, submodule: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(top.join(submodule)).into_iter().flatten().flatten();
    entries.map(|entry| submodule.join(entry.file_name())).collect()
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

/// Removes the links, never what they lead to.
fn remove_links(slot: &Path, tree: &Path) -> Result<(), VcsError> {
    let file = record(slot);
    let listed = match fs::read(&file) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(VcsError::file("read", &file)(error)),
    };
    for name in listed.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let name = path(name);
        let link = tree.join(&name);
        let is_ours = |kind: fs::Metadata| kind.is_symlink() || (kind.is_file() && is_dot_git(&name));
        if !leads_elsewhere(tree, &name) && fs::symlink_metadata(&link).is_ok_and(is_ours) {
            fs::remove_file(&link).map_err(VcsError::file("remove", &link))?;
        }
    }
    remove_if_there(&file).map_err(VcsError::file("remove", &file))
}
