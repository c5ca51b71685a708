//! A commit as a tree of files of its own, of which nothing is anybody's but the commit's: what decides about a change
//! that nobody has looked at yet stands there.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::git::{Repository, VcsError, path};
use super::shadow::{adopt, has_tables, line, write};
use super::slots::{Purpose, Slot, discard};
use crate::base::text::nearest;

/// How many links are followed to find out where one leads.
const MOST_LINKS: usize = 40;

/// What git does beside writing files, and is not to do here.
const WHOLE: [(&str, &str); 2] = [("core.sparseCheckout", "false"), ("core.attributesFile", "/dev/null")];

/// A tree with the files of a commit. It is written anew each time, nobody else uses it while this lives, and it is gone
/// with it.
#[derive(Debug)]
pub struct Committed {
    /// Git's view of the tree.
    repository: Repository,
    commit: String,
    outside: Vec<PathBuf>,
    /// Held as long as the tree is in use.
    _slot: Slot,
}

impl Committed {
    /// The tree of `commit` in a folder below `cache`. Files are written as git stores them: no filter of the settings
    /// runs, submodules are empty folders, and links that lead out of the tree are left out.
    ///
    /// # Errors
    ///
    /// If git refuses, or the tree cannot be written.
    pub fn of(repository: &Repository, commit: &str, cache: &Path) -> Result<Self, VcsError> {
        let top = repository.top();
        let held = Slot::take(cache, top, Purpose::Commit)?;
        let slot = held.path.canonicalize().map_err(VcsError::file("use", &held.path))?;
        let (git_dir, trees) = (slot.join("git"), slot.join("tree"));
        for folder in [&git_dir, &trees].into_iter().filter(|folder| folder.symlink_metadata().is_ok()) {
            discard(folder).map_err(VcsError::file("remove", folder))?;
        }
        let objects = slot.join("objects");
        fs::create_dir_all(&objects).map_err(VcsError::file("make", &objects))?;
        let repository = &repository.storing_in(&objects);
        let tree = trees.join(top.file_name().unwrap_or_else(|| "tree".as_ref()));
        adopt(repository, &git_dir, &tree)?;
        write(&git_dir.join("HEAD"), format!("{commit}\n").as_bytes())?;
        let mut own = repository.elsewhere(&tree, &git_dir);
        own.set_variable("GIT_NO_REPLACE_OBJECTS", "1");
        own.configure(WHOLE);
        let filters = own.filters()?;
        own.configure(filters);
        if has_tables(repository, &own)? {
            own.git(&["update-ref", "--no-deref", "HEAD", commit], &[])?;
        }
        let mut made = Self { repository: own, commit: commit.to_owned(), outside: Vec::new(), _slot: held };
        made.repository.git(&["read-tree", "--reset", "-u", commit], &[])?;
        made.outside = made.remove_links_out()?;
        Ok(made)
    }

    /// The folder of the tree, without symbolic links.
    #[must_use]
    pub fn top(&self) -> &Path {
        self.repository.top()
    }

    /// The name of the commit.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// Links that the commit has and that lead out of it.
    #[must_use]
    pub fn outside(&self) -> &[PathBuf] {
        &self.outside
    }

    /// The files of the commit that match one of the patterns, which are git's own.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn files(&self, patterns: &[&str]) -> Result<Vec<PathBuf>, VcsError> {
        Ok(self.repository.tracked(patterns)?.into_iter().map(|file| file.path).collect())
    }

    fn remove_links_out(&self) -> Result<Vec<PathBuf>, VcsError> {
        let said = self.repository.git(&["ls-files", "-z", "--stage"], &[])?;
        let links = said.split(|&byte| byte == 0).filter(|line| line.starts_with(b"120000 "));
        let names = links.filter_map(|line| Some(path(line.split(|&byte| byte == b'\t').nth(1)?)));
        // All are followed before one is gone.
        let outside: Vec<PathBuf> = names.filter(|name| leads_out(self.top(), name)).collect();
        for name in &outside {
            let link = self.top().join(name);
            fs::remove_file(&link).map_err(VcsError::file("remove", &link))?;
        }
        Ok(outside)
    }
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedFile {
    /// Its name, relative to the top.
    pub path: PathBuf,
    /// Whether it is a file, and no link or submodule.
    pub is_plain: bool,
    object: String,
}

impl Repository {
    /// Those of some files that a commit has.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn files_of(&self, commit: &str, names: &[PathBuf]) -> Result<Vec<CommittedFile>, VcsError> {
        let asked = ["ls-tree", "-z", "--full-tree", commit, "--"].map(OsStr::new);
        let asked: Vec<&OsStr> = asked.into_iter().chain(names.iter().map(|name| name.as_os_str())).collect();
        let said = self.git(&asked, &[])?;
        let lines = said.split(|&byte| byte == 0).filter_map(|line| {
            let tab = line.iter().position(|&byte| byte == b'\t')?;
            let (about, name) = (String::from_utf8_lossy(&line[..tab]), path(&line[tab + 1..]));
            let (mode, object) = (about.split(' ').next()?, about.split(' ').nth(2)?);
            Some(CommittedFile { path: name, is_plain: mode.starts_with("100"), object: object.to_owned() })
        });
        Ok(lines.collect())
    }

    /// What a file of a commit holds, as git stores it.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn content_of(&self, file: &CommittedFile) -> Result<Vec<u8>, VcsError> {
        self.git(&["cat-file", "blob", file.object.as_str()], &[])
    }
}

impl Drop for Committed {
    fn drop(&mut self) {
        let tree = self.top().parent().unwrap_or(self.top());
        if let Err(error) = discard(tree)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(tree = %tree.display(), %error, "the tree of a commit is left behind");
        }
    }
}

impl Repository {
    /// The name of the commit that `reference` means.
    ///
    /// # Errors
    ///
    /// If it means none.
    pub fn commit(&self, reference: &str) -> Result<String, VcsError> {
        let asked = format!("{reference}^{{commit}}");
        let said = self.try_git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &asked], &[])?;
        let found = line(&said.stdout);
        // `^main` is understood, too, and means everything but that.
        if said.code == Some(0) && !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(found);
        }
        let named = self.git(&["for-each-ref", "--format=%(refname:short)"], &[]).unwrap_or_default();
        let named = String::from_utf8_lossy(&named).into_owned();
        let short = |name| reference.strip_prefix(name).unwrap_or(reference);
        let meant = nearest(short("refs/heads/"), named.lines()).map(str::to_owned);
        let is_shallow = self.common_dir().join("shallow").exists();
        Err(VcsError::NoCommit { reference: reference.to_owned(), meant, is_shallow })
    }
}

/// Whether a link, followed as far as it goes, leaves the tree, whatever is there. What cannot be followed to its end
/// does.
fn leads_out(top: &Path, link: &Path) -> bool {
    let mut at = PathBuf::new();
    let mut open: Vec<PathBuf> = link.components().rev().map(|part| part.as_os_str().into()).collect();
    let mut followed = 0;
    while let Some(part) = open.pop() {
        match part.components().next() {
            Some(Component::Normal(name)) => at.push(name),
            Some(Component::ParentDir) if !at.pop() => return true,
            Some(Component::RootDir | Component::Prefix(_)) => return true,
            Some(Component::ParentDir | Component::CurDir) | None => {}
        }
        if let Ok(target) = fs::read_link(top.join(&at)) {
            followed += 1;
            if followed > MOST_LINKS {
                return true;
            }
            at.pop();
            open.extend(target.components().rev().map(|part| PathBuf::from(part.as_os_str())));
        }
    }
    false
}
