//! The index as a tree of files of its own, where hooks can run while the user's files hold something else.
//!
//! A shadow looks to programs like another working tree of the repository: it has a `.git` file, its own index and its
//! own `HEAD`, and shares the objects. Git does not list it among its working trees. It is kept from run to run, so
//! that only what changed is written, and what programs cache beside their sources stays true.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::fixes::Fixes;
use super::git::{Repository, VcsError, path};
use super::links::{Wanted, is_built, link, unlink};
use super::slots::{Purpose, Slot, discard};
use super::status::Others;

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
    slot: Slot,
    links: Vec<PathBuf>,
    submodules: Vec<PathBuf>,
}

impl Shadow {
    /// A tree with what `repository` has staged, in a folder below `cache`. Files and folders that git ignores, and
    /// folders that it does not track, are there as links to those of the working tree, but for what was built of it.
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
        let held = Slot::take(cache, repository.top(), Purpose::Index)?;
        let slot = held.path.as_path();
        let (git_dir, tree) = (slot.join("git"), slot.join("tree").join(name));
        let objects = slot.join("objects");
        fs::create_dir_all(&objects).map_err(VcsError::file("make", &objects))?;
        let repository = &repository.storing_in(&objects);
        prepare(repository, &git_dir, &tree)?;
        unlink(slot, &tree)?;

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
        let top = repository.top();
        let mut wanted = Wanted::default();
        others.ignored.iter().for_each(|name| wanted.ignored(top, name));
        others.untracked.iter().filter(|name| is_folder(name)).for_each(|name| wanted.untracked(top, name));
        tracked.submodules.iter().for_each(|name| wanted.submodule(top, name));
        let links = link(wanted, (top, &tree), &tracked.all, slot)?;
        Ok(Self { repository: shadow, staged, slot: held, links, submodules: tracked.submodules })
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
        unlink(&self.slot.path, self.top())?;
        for submodule in &self.submodules {
            let folder = self.top().join(submodule);
            fs::create_dir_all(&folder).map_err(VcsError::file("make", &folder))?;
        }
        let index = self.slot.path.join("fixed-index");
        copy_with_time(self.repository.index(), &index)
            .map_err(VcsError::file("copy", self.repository.index()))?;
        self.repository.git_with_index(&index, &self.all_but_built()?)?;
        let fixed = line(&self.repository.git_with_index(&index, &["write-tree"])?);
        Fixes::between(self.repository.clone(), (self.staged.clone(), fixed))
    }

    /// Asks git for all that programs made, without what they built beside it: nobody wants that to be brought back.
    fn all_but_built(&self) -> Result<Vec<OsString>, VcsError> {
        let asked =
            ["ls-files", "-z", "--others", "--exclude-standard", "--directory", "--no-empty-directory"];
        let said = self.repository.git(&asked, &[])?;
        let folders = said.split(|&byte| byte == 0).map(path).filter(|name| is_folder(name));
        let built = folders.filter(|name| is_built(self.top(), name));
        let mut all: Vec<OsString> = ["add", "--all", "--", "."].map(OsString::from).into();
        all.extend(built.map(|name| {
            let mut without = OsString::from(":(top,exclude,literal)");
            without.push(name);
            without
        }));
        Ok(all)
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

pub(super) fn remove_if_there(file: &Path) -> io::Result<()> {
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
