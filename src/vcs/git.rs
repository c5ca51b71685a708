//! A repository, and how git is asked about it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::process::{Said, Tool};

/// Why a repository could not be asked or changed.
#[derive(Debug, thiserror::Error)]
pub enum VcsError {
    /// The program is missing or cannot be started.
    #[error("cannot start `git`: {0}")]
    NoGit(io::Error),
    /// Git itself refused.
    #[error("`git {command}` failed: {problem}")]
    Refused {
        /// What it was asked.
        command: String,
        /// What it said, or how it ended.
        problem: String,
    },
    /// Git said something that nobody understands.
    #[error("`git {command}` said something that cannot be read: {what}")]
    Unreadable {
        /// What it was asked.
        command: &'static str,
        /// The part that is not understood.
        what: String,
    },
    /// A name is that of no commit.
    #[error("there is no commit `{reference}`{}", hint(meant.as_deref(), *is_shallow, reference))]
    NoCommit {
        /// The name.
        reference: String,
        /// The branch or tag that was probably meant.
        meant: Option<String>,
        /// Whether the clone has only a part of its history.
        is_shallow: bool,
    },
    /// A merge is not resolved yet.
    #[error("{} not merged yet, so there is nothing that could be checked", unmerged(.0))]
    Unmerged(Vec<PathBuf>),
    /// A file of the repository, or of the tree beside it, cannot be used.
    #[error("cannot {what} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

fn hint(meant: Option<&str>, is_shallow: bool, reference: &str) -> String {
    match meant {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None if is_shallow => format!(
            " in this shallow clone; fetch it, with `git fetch --depth=1 origin {reference}` or `fetch-depth: 0`"
        ),
        None => String::new(),
    }
}

fn unmerged(files: &[PathBuf]) -> String {
    match files {
        [file] => format!("`{}` is", file.display()),
        [file, rest @ ..] => format!("`{}` and {} more are", file.display(), rest.len()),
        [] => "some files are".to_owned(),
    }
}

impl VcsError {
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { what, path, source }
    }
}

/// Variables by which git finds another repository, index or tree than the one around the working directory.
const PLACES: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_INTERNAL_SUPER_PREFIX",
];

/// Variables of git's that mean the same in every repository. Others are for the one whose hook is running, and would
/// lead programs astray that ask git about another.
const HARMLESS: [&str; 18] = [
    "GIT_EXEC_PATH",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_SSL_NO_VERIFY",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_TERMINAL_PROMPT",
    "GIT_EDITOR",
    "GIT_PAGER",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
];

/// A repository with its working tree.
#[derive(Clone, Debug)]
pub struct Repository {
    top: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    index: PathBuf,
    variables: Vec<(OsString, OsString)>,
    /// Whether nothing of it is to change, not even what it stores.
    only_looks: bool,
    /// What is said to git before everything else.
    settings: &'static [&'static str],
}

/// In a tree that is nobody's but ours, none of the user's programs is to run, and no line ends are to be refused.
const ALONE: [&str; 8] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.safecrlf=false",
    "-c",
    "submodule.recurse=false",
];

impl Repository {
    /// The repository around `directory`, as git sees it with these variables; nothing where there is none.
    ///
    /// # Errors
    ///
    /// If there seems to be one, but git cannot be asked about it, or it has no working tree.
    pub fn find(directory: &Path, variables: &[(OsString, OsString)]) -> Result<Option<Self>, VcsError> {
        let get = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let git_dir = if PLACES.iter().any(|name| get(name).is_some()) {
            None
        } else {
            match directory.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists()) {
                None => return Ok(None),
                Some(git) => Some(git).filter(|git| is_plain(git)),
            }
        };
        let mut base: Vec<_> = variables.to_vec();
        for (name, value) in [("GIT_OPTIONAL_LOCKS", "0"), ("GIT_TERMINAL_PROMPT", "0"), ("LC_ALL", "C")] {
            set(&mut base, name, value.as_ref());
        }
        let (top, git_dir, common_dir) = if let Some(git_dir) = git_dir {
            let top = git_dir.parent().unwrap_or(directory).to_path_buf();
            (top, git_dir.clone(), git_dir)
        } else {
            let asked = [
                "rev-parse",
                "--path-format=absolute",
                "--show-toplevel",
                "--absolute-git-dir",
                "--git-common-dir",
            ];
            let said = ask((directory, &base), &asked, &[])?;
            if said.code != Some(0) {
                let problem = String::from_utf8_lossy(&said.stderr);
                if problem.contains("not a git repository") {
                    return Ok(None);
                }
                return Err(refused(&asked, &said));
            }
            let mut lines = said.stdout.split(|&byte| byte == b'\n').map(path);
            match (lines.next(), lines.next(), lines.next()) {
                (Some(top), Some(git_dir), Some(common)) => (top, git_dir, common),
                _ => {
                    let what = String::from_utf8_lossy(&said.stdout).into_owned();
                    return Err(VcsError::Unreadable { command: "rev-parse", what });
                }
            }
        };
        let index =
            get("GIT_INDEX_FILE").map_or_else(|| git_dir.join("index"), |index| directory.join(index));
        set(&mut base, "GIT_DIR", git_dir.as_os_str());
        set(&mut base, "GIT_WORK_TREE", top.as_os_str());
        set(&mut base, "GIT_INDEX_FILE", index.as_os_str());
        base.retain(|(name, _)| name != "GIT_PREFIX" && name != "GIT_COMMON_DIR");
        if common_dir != git_dir {
            set(&mut base, "GIT_COMMON_DIR", common_dir.as_os_str());
        }
        for name in ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"] {
            if let Some(value) = get(name).map(|value| directory.join(value)) {
                set(&mut base, name, value.as_os_str());
            }
        }
        Ok(Some(Self { top, git_dir, common_dir, index, variables: base, only_looks: false, settings: &[] }))
    }

    /// The folder that the working tree starts in.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Git's own folder for this working tree.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Git's own folder that all working trees of the repository share.
    #[must_use]
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The index that the next commit is made of: a commit of named files has one of its own.
    #[must_use]
    pub fn index(&self) -> &Path {
        &self.index
    }

    /// Whether that is the one that stays when the commit is done, or given up.
    #[must_use]
    pub fn is_own_index(&self) -> bool {
        self.index.components().eq(self.git_dir.join("index").components())
    }

    /// The folder that git takes its hooks from.
    ///
    /// # Errors
    ///
    /// If git cannot say.
    pub fn hooks(&self) -> Result<PathBuf, VcsError> {
        let said = self.git(&["rev-parse", "--git-path", "hooks"], &[])?;
        Ok(self.top.join(path(said.strip_suffix(b"\n").unwrap_or(&said))))
    }

    /// Asks git in the top folder, and gives what it prints.
    pub(super) fn git<A: AsRef<OsStr>>(&self, arguments: &[A], stdin: &[u8]) -> Result<Vec<u8>, VcsError> {
        succeeded((&self.top, &self.variables), &self.with_settings(arguments), stdin)
    }

    /// Asks git with another index than the repository's.
    pub(super) fn git_with_index<A: AsRef<OsStr>>(
        &self,
        index: &Path,
        arguments: &[A],
    ) -> Result<Vec<u8>, VcsError> {
        let mut variables = self.variables.clone();
        set(&mut variables, "GIT_INDEX_FILE", index.as_os_str());
        succeeded((&self.top, &variables), &self.with_settings(arguments), &[])
    }

    /// Asks git about another working tree that shares this repository's objects.
    pub(super) fn elsewhere(&self, top: &Path, git_dir: &Path) -> Self {
        let index = git_dir.join("index");
        let mut variables = self.variables.clone();
        set(&mut variables, "GIT_DIR", git_dir.as_os_str());
        set(&mut variables, "GIT_WORK_TREE", top.as_os_str());
        set(&mut variables, "GIT_INDEX_FILE", index.as_os_str());
        set(&mut variables, "GIT_COMMON_DIR", self.common_dir.as_os_str());
        Self {
            top: top.to_path_buf(),
            git_dir: git_dir.to_path_buf(),
            common_dir: self.common_dir.clone(),
            index,
            variables,
            only_looks: self.only_looks,
            settings: &ALONE,
        }
    }

    /// The same repository, of which git starts no program that settings name: no filter, no hook, no watcher of files,
    /// and nothing that would fetch what is missing. What it has to store, it stores elsewhere.
    ///
    /// # Errors
    ///
    /// If git cannot say which filters there are.
    pub fn without_programs(mut self) -> Result<Self, VcsError> {
        self.only_looks = true;
        self.set_variable("GIT_NO_LAZY_FETCH", "1");
        self.set_variable("GIT_ALLOW_PROTOCOL", "none");
        let mut settings: Vec<(OsString, &str)> = vec![
            ("core.fsmonitor".into(), "false"),
            ("core.hooksPath".into(), "/dev/null"),
            ("core.sshCommand".into(), "false"),
        ];
        settings.extend(self.filters()?);
        self.configure(settings);
        Ok(self)
    }

    /// The same with a folder of its own for what it stores, if nothing of it is to change.
    pub(super) fn storing_in(&self, folder: &Path) -> Self {
        let mut other = self.clone();
        if self.only_looks {
            let get =
                |name: &str| self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            let own = get("GIT_OBJECT_DIRECTORY").cloned();
            let own = own.unwrap_or_else(|| self.common_dir.join("objects").into_os_string());
            let more = get("GIT_ALTERNATE_OBJECT_DIRECTORIES").filter(|more| !more.is_empty());
            let all: Vec<&OsStr> =
                [Some(&own), more].into_iter().flatten().map(OsString::as_os_str).collect();
            set(&mut other.variables, "GIT_OBJECT_DIRECTORY", folder.as_os_str());
            set(&mut other.variables, "GIT_ALTERNATE_OBJECT_DIRECTORIES", &all.join(OsStr::new(":")));
        }
        other
    }

    /// What keeps git from starting filters: what they are called is known to its settings only.
    pub(super) fn filters(&self) -> Result<Vec<(OsString, &'static str)>, VcsError> {
        let asked = ["config", "-z", "--name-only", "--get-regexp", r"^filter\."];
        let said = self.try_git(&asked, &[])?;
        // It ends with 1 where there is none.
        if !matches!(said.code, Some(0 | 1)) {
            return Err(refused(&asked, &said));
        }
        let names = said.stdout.split(|&byte| byte == 0).filter_map(|key| {
            let end = key.iter().rposition(|&byte| byte == b'.')?;
            Some(&key[..end])
        });
        let names: std::collections::BTreeSet<&[u8]> = names.collect();
        let off = [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")];
        let key = |name: &[u8], what: &str| OsString::from_vec([name, b".", what.as_bytes()].concat());
        let settings = names.into_iter().flat_map(|name| off.map(|(what, value)| (key(name, what), value)));
        Ok(settings.collect())
    }

    /// Gives git settings that win over those of its files.
    pub(super) fn configure<K: AsRef<OsStr>>(
        &mut self,
        settings: impl IntoIterator<Item = (K, &'static str)>,
    ) {
        let count = self.variables.iter().find(|(name, _)| name == "GIT_CONFIG_COUNT");
        let mut count: usize = count.and_then(|(_, count)| count.to_str()?.parse().ok()).unwrap_or(0);
        for (key, value) in settings {
            set(&mut self.variables, &format!("GIT_CONFIG_KEY_{count}"), key.as_ref());
            set(&mut self.variables, &format!("GIT_CONFIG_VALUE_{count}"), value.as_ref());
            count += 1;
        }
        set(&mut self.variables, "GIT_CONFIG_COUNT", count.to_string().as_ref());
    }

    pub(super) fn set_variable(&mut self, name: &str, value: &str) {
        set(&mut self.variables, name, value.as_ref());
    }

    /// The result of git that may refuse for a reason.
    pub(super) fn try_git<A: AsRef<OsStr>>(&self, arguments: &[A], stdin: &[u8]) -> Result<Said, VcsError> {
        ask((&self.top, &self.variables), &self.with_settings(arguments), stdin)
    }

    fn with_settings<'a, A: AsRef<OsStr>>(&self, arguments: &'a [A]) -> Vec<&'a OsStr> {
        self.settings.iter().map(OsStr::new).chain(arguments.iter().map(AsRef::as_ref)).collect()
    }
}

/// The variables of programs that a hook starts: without those of the hook's own repository, which git finds by
/// itself.
pub fn without_places(variables: &mut Vec<(OsString, OsString)>) {
    variables.retain(|(name, _)| {
        let Some(name) = name.to_str().filter(|name| name.starts_with("GIT_")) else { return true };
        let numbered = ["GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_TRACE", "GIT_COMMITTER_"];
        HARMLESS.contains(&name) || numbered.iter().any(|start| name.starts_with(start))
    });
}

/// Paths that are meant from `directory`, from everywhere.
pub fn absolute_places(variables: &mut [(OsString, OsString)], directory: &Path) {
    let lists = ["GIT_PREFIX", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_INTERNAL_SUPER_PREFIX"];
    for (name, value) in variables {
        let is_path = |place: &&str| name == place && !lists.contains(place);
        if !value.is_empty() && PLACES.iter().any(is_path) {
            *value = directory.join(&value).into_os_string();
        }
    }
}

/// Whether git would take this folder for that of the tree around it, without more ado. It does not trust one that
/// belongs to somebody else.
fn is_plain(git: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let is_own = |folder: Option<&Path>| {
        folder.and_then(|folder| std::fs::metadata(folder).ok()).is_some_and(|kind| kind.uid() == own)
    };
    if !is_own(Some(git)) || !is_own(git.parent()) {
        return false;
    }
    let config = std::fs::read(git.join("config")).unwrap_or_default();
    let names = |word: &[u8]| config.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    git.join("HEAD").exists() && git.join("objects").is_dir() && !names(b"worktree") && !names(b"include")
}

fn set(variables: &mut Vec<(OsString, OsString)>, name: &str, value: &OsStr) {
    variables.retain(|(known, _)| known != name);
    variables.push((name.into(), value.to_os_string()));
}

fn ask<A: AsRef<OsStr>>(
    (directory, variables): (&Path, &[(OsString, OsString)]),
    arguments: &[A],
    stdin: &[u8],
) -> Result<Said, VcsError> {
    Tool { program: OsStr::new("git"), directory, variables }.ask(arguments, stdin).map_err(VcsError::NoGit)
}

fn succeeded<A: AsRef<OsStr>>(
    place: (&Path, &[(OsString, OsString)]),
    arguments: &[A],
    stdin: &[u8],
) -> Result<Vec<u8>, VcsError> {
    let said = ask(place, arguments, stdin)?;
    if said.code == Some(0) { Ok(said.stdout) } else { Err(refused(arguments, &said)) }
}

fn refused<A: AsRef<OsStr>>(arguments: &[A], said: &Said) -> VcsError {
    let mut command: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
    while command.first().is_some_and(|word| word == "-c") {
        command.drain(..command.len().min(2));
    }
    command.truncate(3);
    let problem = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    let problem = match (problem.is_empty(), said.code) {
        (false, _) => problem,
        (true, Some(code)) => format!("exit code {code}"),
        (true, None) => "a signal ended it".to_owned(),
    };
    VcsError::Refused { command: command.join(" "), problem }
}

/// A path as git prints it with `-z`.
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// Paths with a zero byte behind each, as git reads them with `-z`.
pub(super) fn zero_ended<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path.as_os_str().as_bytes());
        bytes.push(0);
    }
    bytes
}
