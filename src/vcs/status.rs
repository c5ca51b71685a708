//! What is staged, and what is not: `git status --porcelain=v2 -z`, whose form is described in git-status(1).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::git::{Repository, VcsError, path};

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is new.
    Added,
    /// Its content or its mode is another.
    Modified,
    /// It is gone.
    Deleted,
    /// It has become something else, such as a symbolic link.
    Retyped,
}

/// A file that differs between the last commit, the index and the working tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the top folder.
    pub path: PathBuf,
    /// How the index differs from the last commit.
    pub staged: Option<Change>,
    /// How the working tree differs from the index.
    pub unstaged: Option<Change>,
    /// Whether it is another repository inside this one.
    pub is_submodule: bool,
    /// The name of its content in the index.
    pub object: String,
}

/// A file that git tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Its path below the top folder.
    pub path: PathBuf,
    /// The name of its content in the index.
    pub object: String,
}

/// All files that differ. Renamed files are one that is gone and one that is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The files, in the order of their paths.
    pub entries: Vec<Entry>,
    /// Files whose merge is not resolved.
    pub unmerged: Vec<PathBuf>,
    /// Files and folders that git does not track, where they were asked for. Folders stand for all that is in them.
    pub untracked: Vec<PathBuf>,
    /// Files and folders that git is told to ignore, where they were asked for.
    pub ignored: Vec<PathBuf>,
}

/// Whether files that git does not track are looked for, which takes a walk through all folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    Left,
    Named,
}

impl Status {
    /// Files that the next commit adds or changes and that are files there.
    pub fn staged(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| {
            !entry.is_submodule && entry.staged.is_some_and(|change| change != Change::Deleted)
        })
    }

    /// Files that the working tree has otherwise than the index.
    pub fn unstaged(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_submodule && entry.unstaged.is_some())
    }

    /// Whether the working tree's file is the index's.
    #[must_use]
    pub fn is_unstaged(&self, path: &Path) -> bool {
        self.entries.iter().any(|entry| entry.path == path && entry.unstaged.is_some())
    }
}

impl Repository {
    /// What differs between the last commit, the index and the working tree.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn status(&self) -> Result<Status, VcsError> {
        self.status_with(Others::Left)
    }

    pub(super) fn status_with(&self, others: Others) -> Result<Status, VcsError> {
        const ASKED: [&str; 5] =
            ["status", "--porcelain=v2", "-z", "--no-renames", "--ignore-submodules=dirty"];
        let more: &[&str] = match others {
            Others::Left => &["--untracked-files=no"],
            Others::Named => &["--untracked-files=normal", "--ignored=matching"],
        };
        parse(&self.git(&[&ASKED, more].concat(), &[])?)
    }

    /// The files that git tracks and that match one of the patterns, which are git's own; all where there is none.
    /// Submodules are none.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn tracked(&self, patterns: &[&str]) -> Result<Vec<Tracked>, VcsError> {
        let said = self.git(&[&["ls-files", "-z", "--stage", "--"], patterns].concat(), &[])?;
        let mut files: Vec<Tracked> = Vec::new();
        for line in said.split(|&byte| byte == 0).filter(|line| !line.is_empty()) {
            // `mode object stage TAB path`.
            let unreadable = || VcsError::Unreadable {
                command: "ls-files",
                what: String::from_utf8_lossy(line).into_owned(),
            };
            let tab = line.iter().position(|&byte| byte == b'\t').ok_or_else(unreadable)?;
            let object = line[..tab].split(|&byte| byte == b' ').nth(1).ok_or_else(unreadable)?;
            if !line.starts_with(SUBMODULE) {
                let object = String::from_utf8_lossy(object).into_owned();
                files.push(Tracked { path: path(&line[tab + 1..]), object });
            }
        }
        // A file that is not merged is listed up to three times.
        files.dedup_by(|one, other| one.path == other.path);
        Ok(files)
    }

    /// The folders of other repositories that this one tracks.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn submodules(&self) -> Result<Vec<PathBuf>, VcsError> {
        // Each is named there, and few repositories have any.
        if !self.top().join(".gitmodules").exists() {
            return Ok(Vec::new());
        }
        let said = self.git(&["ls-files", "-z", "--stage"], &[])?;
        let lines = said.split(|&byte| byte == 0).filter(|line| line.starts_with(SUBMODULE));
        let name = |line: &[u8]| Some(path(&line[line.iter().position(|&byte| byte == b'\t')? + 1..]));
        Ok(lines.filter_map(name).collect())
    }

    /// Those of some files that git tracks.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn known_of(&self, files: &[PathBuf]) -> Result<Vec<PathBuf>, VcsError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let asked = ["--literal-pathspecs", "ls-files", "-z", "--cached", "--"].map(OsStr::new);
        let arguments: Vec<&OsStr> =
            asked.into_iter().chain(files.iter().map(|file| file.as_os_str())).collect();
        let said = self.git(&arguments, &[])?;
        Ok(said.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(path).collect())
    }

    /// Files that git does not track, is not told to ignore, and that match one of the patterns.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn untracked(&self, patterns: &[&str]) -> Result<Vec<PathBuf>, VcsError> {
        let asked = ["ls-files", "-z", "--others", "--exclude-standard", "--"];
        let said = self.git(&[&asked, patterns].concat(), &[])?;
        Ok(said.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(path).collect())
    }

    /// The files that changed since the working tree left the branch `reference`, or another commit, and that are
    /// still there. What is not committed counts, too.
    ///
    /// # Errors
    ///
    /// If there is no such commit, or none that both come from.
    pub fn changed_since(&self, reference: &str) -> Result<Vec<PathBuf>, VcsError> {
        let found = self.commit(reference)?;
        let base = self.git(&["merge-base", "--", &found, "HEAD"], &[]).map_err(|error| match error {
            VcsError::Refused { command, problem } if problem.starts_with("exit code") => VcsError::Refused {
                command,
                problem: format!(
                    "`{reference}` and HEAD have no commit in common; is the clone too shallow?"
                ),
            },
            other => other,
        })?;
        let base = String::from_utf8_lossy(&base).trim().to_owned();
        let asked = ["diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--diff-filter=d", &base, "--"];
        let said = self.git(&asked, &[])?;
        let mut files = Vec::new();
        let mut parts = said.split(|&byte| byte == 0);
        while let (Some(what), Some(name)) = (parts.next(), parts.next()) {
            // `:old-mode new-mode old new letter`.
            if what.get(8..14) != Some(SUBMODULE) {
                files.push(path(name));
            }
        }
        Ok(files)
    }
}

/// The mode of a repository inside another.
const SUBMODULE: &[u8] = b"160000";

fn parse(said: &[u8]) -> Result<Status, VcsError> {
    let mut status = Status::default();
    for line in said.split(|&byte| byte == 0).filter(|line| !line.is_empty()) {
        let unreadable =
            || VcsError::Unreadable { command: "status", what: String::from_utf8_lossy(line).into_owned() };
        // The path is the last field, and may hold spaces.
        let fields = |count: usize| -> Result<Vec<&[u8]>, VcsError> {
            let fields: Vec<_> = line.splitn(count, |&byte| byte == b' ').collect();
            if fields.len() == count { Ok(fields) } else { Err(unreadable()) }
        };
        match line[0] {
            b'1' => {
                let fields = fields(9)?;
                let (&[x, y], sub) = (fields[1], fields[2]) else { return Err(unreadable()) };
                status.entries.push(Entry {
                    path: path(fields[8]),
                    staged: change(x).ok_or_else(unreadable)?,
                    unstaged: change(y).ok_or_else(unreadable)?,
                    object: String::from_utf8_lossy(fields[7]).into_owned(),
                    is_submodule: sub.first() == Some(&b'S') || fields[4] == SUBMODULE,
                });
            }
            b'u' => status.unmerged.push(path(fields(11)?[10])),
            b'?' => status.untracked.push(path(fields(2)?[1])),
            b'!' => status.ignored.push(path(fields(2)?[1])),
            b'#' => {}
            _ => return Err(unreadable()),
        }
    }
    Ok(status)
}

#[expect(clippy::option_option, reason = "a letter that nobody knows is no change")]
const fn change(letter: u8) -> Option<Option<Change>> {
    Some(Some(match letter {
        b'.' => return Some(None),
        b'A' => Change::Added,
        b'M' => Change::Modified,
        b'D' => Change::Deleted,
        b'T' => Change::Retyped,
        _ => return None,
    }))
}
