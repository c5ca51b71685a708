//! What programs changed, and how it reaches the user's files without losing a byte of them.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::process::{Pid, test_kill_process};

use super::git::{Repository, VcsError, path, zero_ended};

/// A version of a file: its mode as git writes it, and the name of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    mode: String,
    object: String,
}

impl Version {
    fn is_regular(&self) -> bool {
        self.mode.starts_with("100")
    }
}

/// What a program did to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The file, below the top folder.
    pub path: PathBuf,
    before: Option<Version>,
    after: Option<Version>,
}

impl Fix {
    /// Whether the file was not there before.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.before.is_none()
    }
}

/// What programs did to a shadow of the index.
#[derive(Debug)]
pub struct Fixes {
    shadow: Repository,
    trees: (String, String),
    /// The files, in the order of their paths.
    pub list: Vec<Fix>,
}

/// What became of fixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Files of the working tree that have the fix now.
    pub written: Vec<PathBuf>,
    /// Files whose changes that are not staged do not go together with the fix: they are as they were.
    pub left: Vec<PathBuf>,
    /// Where the fixes of those are, for `git apply`.
    pub patch: Option<PathBuf>,
    /// Why the first file could not be written that was to be.
    pub problem: Option<String>,
}

/// What became of one file.
enum Outcome {
    Written,
    AsItWas,
    Left,
    Unwritable(io::Error),
}

impl Fixes {
    pub(super) fn between(shadow: Repository, trees: (String, String)) -> Result<Self, VcsError> {
        let said =
            shadow.git(&["diff-tree", "-r", "--raw", "-z", "--no-renames", &trees.0, &trees.1], &[])?;
        let mut list = Vec::new();
        let mut parts = said.split(|&byte| byte == 0);
        while let (Some(what), Some(name)) = (parts.next(), parts.next()) {
            let what = String::from_utf8_lossy(what);
            let fields: Vec<&str> = what.trim_start_matches(':').split(' ').collect();
            let &[old_mode, new_mode, old, new, _] = fields.as_slice() else {
                return Err(VcsError::Unreadable { command: "diff-tree", what: what.into_owned() });
            };
            let version = |mode: &str, object: &str| {
                (mode != "000000").then(|| Version { mode: mode.to_owned(), object: object.to_owned() })
            };
            list.push(Fix {
                path: path(name),
                before: version(old_mode, old),
                after: version(new_mode, new),
            });
        }
        Ok(Self { shadow, trees, list })
    }

    /// Whether nothing was changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The difference as text, as `git diff` shows it.
    ///
    /// # Errors
    ///
    /// If git refuses.
    pub fn diff(&self) -> Result<Vec<u8>, VcsError> {
        self.patch(&self.list.iter().map(|fix| fix.path.as_path()).collect::<Vec<_>>())
    }

    fn patch(&self, files: &[&Path]) -> Result<Vec<u8>, VcsError> {
        // Below the limit on the length of command lines.
        const AT_ONCE: usize = 500;
        let asked = [
            "--literal-pathspecs",
            "diff-tree",
            "-p",
            "--binary",
            "--full-index",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            &self.trees.0,
            &self.trees.1,
            "--",
        ];
        let mut patch = Vec::new();
        for some in files.chunks(AT_ONCE) {
            let arguments: Vec<&OsStr> =
                asked.iter().map(OsStr::new).chain(some.iter().map(|file| file.as_os_str())).collect();
            patch.extend(self.shadow.git(&arguments, &[])?);
        }
        Ok(patch)
    }

    /// Brings the fixes into the working tree of `repository`. A file whose content is what was staged becomes what
    /// the program made of it; one with changes of its own gets both where they touch different lines. All others stay
    /// as they are, and their fixes go to a patch called `name`. Each file is replaced at once or not at all.
    ///
    /// # Errors
    ///
    /// If git refuses, or the patch cannot be written. Files that cannot be written are left.
    pub fn apply(&self, repository: &Repository, name: &str) -> Result<Applied, VcsError> {
        let mut applied = Applied::default();
        let temporary = Temporary::make(repository)?;
        let current = objects(repository, self.list.iter().map(|fix| fix.path.as_path()))?;
        for (fix, current) in self.list.iter().zip(current) {
            match self.apply_one((repository, &temporary.0), fix, current)? {
                Outcome::Written => applied.written.push(fix.path.clone()),
                Outcome::AsItWas => {}
                Outcome::Left => applied.left.push(fix.path.clone()),
                Outcome::Unwritable(error) => {
                    let problem = || format!("cannot write `{}`: {error}", fix.path.display());
                    applied.problem.get_or_insert_with(problem);
                    applied.left.push(fix.path.clone());
                }
            }
        }
        if !applied.left.is_empty() {
            let left: Vec<_> = applied.left.iter().map(PathBuf::as_path).collect();
            applied.patch = Some(self.write_patch((repository, &temporary.0), name, &left)?);
        }
        Ok(applied)
    }

    /// Writes all fixes to a patch called `name`, and leaves the user's files alone.
    ///
    /// # Errors
    ///
    /// If git refuses, or the patch cannot be written.
    pub fn keep_as_patch(&self, repository: &Repository, name: &str) -> Result<Applied, VcsError> {
        let left: Vec<PathBuf> = self.list.iter().map(|fix| fix.path.clone()).collect();
        let temporary = Temporary::make(repository)?;
        let files: Vec<_> = left.iter().map(PathBuf::as_path).collect();
        let patch = self.write_patch((repository, &temporary.0), name, &files)?;
        Ok(Applied { left, patch: Some(patch), ..Applied::default() })
    }

    fn write_patch(
        &self,
        (repository, temporary): (&Repository, &Path),
        name: &str,
        files: &[&Path],
    ) -> Result<PathBuf, VcsError> {
        let folder = repository.git_dir().join("onex").join("patches");
        fs::create_dir_all(&folder).map_err(VcsError::file("make", &folder))?;
        let file = folder.join(format!("{name}.patch"));
        replace(&file, temporary, (&self.patch(files)?, None)).map_err(VcsError::file("write", &file))?;
        Ok(file)
    }

    fn apply_one(
        &self,
        (repository, temporary): (&Repository, &Path),
        fix: &Fix,
        current: Current,
    ) -> Result<Outcome, VcsError> {
        let file = repository.top().join(&fix.path);
        let made = self.shadow.top().join(&fix.path);
        if let (None, Some("120000"), Current::Nothing) =
            (&fix.before, fix.after.as_ref().map(|after| after.mode.as_str()), &current)
            && !leads_elsewhere(repository.top(), &fix.path)
        {
            return Ok(match fs::read_link(&made).and_then(|target| symlink(target, &file)) {
                Ok(()) => Outcome::Written,
                Err(error) => Outcome::Unwritable(error),
            });
        }
        let regular = |version: &Option<Version>| version.as_ref().is_none_or(Version::is_regular);
        if !regular(&fix.before) || !regular(&fix.after) || leads_elsewhere(repository.top(), &fix.path) {
            return Ok(Outcome::Left);
        }
        let read_made = || fs::read(&made).map_err(VcsError::file("read", &made));
        let written = |result: io::Result<bool>| match result {
            Ok(true) => Outcome::Written,
            // Somebody writes it just now.
            Ok(false) => Outcome::Left,
            Err(error) => Outcome::Unwritable(error),
        };
        Ok(match (&fix.before, &fix.after, current) {
            (_, Some(after), Current::File { object, .. })
                if object == after.object && fix.before.is_none() =>
            {
                Outcome::AsItWas
            }
            (None, Some(after), Current::Nothing) => {
                let text = read_made()?;
                written(create(&file, temporary, (&text, after.mode == "100755")))
            }
            (Some(before), after, Current::File { object, signature }) if object == before.object => {
                match after {
                    None => written(remove_unchanged(&file, before, signature)),
                    Some(after) => {
                        let executable = Some(after.mode == "100755").filter(|_| before.mode != after.mode);
                        written(replace_unchanged(&file, temporary, (&read_made()?, executable), signature))
                    }
                }
            }
            (Some(before), Some(after), Current::File { object, signature }) => {
                if object == after.object {
                    return Ok(Outcome::AsItWas);
                }
                match self.merge((repository, temporary), &file, (before, &made), &fix.path)? {
                    None => Outcome::Left,
                    Some(both) => written(replace_unchanged(&file, temporary, (&both, None), signature)),
                }
            }
            (Some(_), None, Current::Nothing) => Outcome::AsItWas,
            _ => Outcome::Left,
        })
    }

    /// The user's text with both changes in it; nothing where they touch the same lines.
    fn merge(
        &self,
        (repository, temporary): (&Repository, &Path),
        file: &Path,
        (before, made): (&Version, &Path),
        name: &Path,
    ) -> Result<Option<Vec<u8>>, VcsError> {
        let mut with_path = std::ffi::OsString::from("--path=");
        with_path.push(name);
        let asked = ["cat-file".as_ref(), "--filters".as_ref(), with_path.as_os_str()];
        let base_text = self.shadow.git(&[&asked[..], &[before.object.as_ref()]].concat(), &[])?;
        let Ok(mine) = fs::read(file) else { return Ok(None) };
        let (base_file, my_file) = (temporary.join("base"), temporary.join("mine"));
        for (file, text) in [(&base_file, &base_text), (&my_file, &mine)] {
            fs::write(file, text).map_err(VcsError::file("write", file))?;
        }
        let arguments: Vec<&OsStr> = ["merge-file", "-p", "-q"]
            .iter()
            .map(OsStr::new)
            .chain([my_file.as_os_str(), base_file.as_os_str(), made.as_os_str()])
            .collect();
        let said = repository.try_git(&arguments, &[])?;
        for file in [&base_file, &my_file] {
            fs::remove_file(file).map_err(VcsError::file("remove", file))?;
        }
        Ok((said.code == Some(0)).then_some(said.stdout))
    }

    /// Stages the fixes, all at once: exactly what the programs made, without what is not staged. New files are not
    /// staged, because nobody said that they belong to the commit.
    ///
    /// # Errors
    ///
    /// If git refuses, for instance because another process changes the index.
    pub fn stage(&self, repository: &Repository) -> Result<(), VcsError> {
        use std::os::unix::ffi::OsStrExt as _;
        let mut lines = Vec::new();
        for fix in self.list.iter().filter(|fix| !fix.is_new()) {
            // Mode 0 takes a file out of the index, whatever content stands beside it.
            let mode = fix.after.as_ref().map_or("0", |after| &after.mode);
            let Some(version) = fix.after.as_ref().or(fix.before.as_ref()) else { continue };
            lines.extend_from_slice(format!("{mode} {}\t", version.object).as_bytes());
            lines.extend_from_slice(fix.path.as_os_str().as_bytes());
            lines.push(0);
        }
        if lines.is_empty() {
            return Ok(());
        }
        repository.git(&["update-index", "-z", "--index-info"], &lines).map(drop)
    }
}

/// What a working tree has at a place.
#[derive(Debug)]
pub(super) enum Current {
    Nothing,
    File { object: String, signature: Signature },
    Other,
}

impl Current {
    /// Whether nobody has written there since.
    pub(super) fn is_unwritten(&self, file: &Path) -> bool {
        match (self, fs::symlink_metadata(file)) {
            (Self::File { signature: before, .. }, Ok(now)) => signature(&now) == *before,
            _ => false,
        }
    }

    /// Whether both are the same to git, but for their modes.
    pub(super) fn has_same_content(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { object, .. }, Self::File { object: now, .. }) => object == now,
            (Self::Nothing, Self::Nothing) | (Self::Other, Self::Other) => true,
            _ => false,
        }
    }
}

/// What tells a file from one that somebody has written since.
pub(super) type Signature = (u64, u64, i64, i64, i64, i64);

fn signature(kind: &fs::Metadata) -> Signature {
    (kind.ino(), kind.size(), kind.mtime(), kind.mtime_nsec(), kind.ctime(), kind.ctime_nsec())
}

/// The names of the contents of files, as git would store them.
pub(super) fn objects<'a>(
    repository: &Repository,
    files: impl Iterator<Item = &'a Path>,
) -> Result<Vec<Current>, VcsError> {
    let mut current = Vec::new();
    let mut named = Vec::new();
    for file in files {
        let (state, name) = match fs::symlink_metadata(repository.top().join(file)) {
            Ok(kind) if kind.is_file() => {
                (Current::File { object: String::new(), signature: signature(&kind) }, Some(file))
            }
            Ok(_) => (Current::Other, None),
            Err(_) => (Current::Nothing, None),
        };
        current.push(state);
        named.extend(name);
    }
    // One call for all, but for names with line ends, which it cannot read.
    let (odd, plain): (Vec<_>, Vec<_>) = named.iter().partition(|file| {
        let name = file.as_os_str().as_encoded_bytes();
        // One that begins with a quote is read as one that is quoted.
        name.contains(&b'\n') || name.starts_with(b"\"")
    });
    let mut names: std::collections::HashMap<&Path, String> = std::collections::HashMap::new();
    if !plain.is_empty() {
        let mut listed = zero_ended(plain.iter().copied());
        listed.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'\n');
        let said = repository.git(&["hash-object", "--stdin-paths"], &listed)?;
        let said = String::from_utf8_lossy(&said).into_owned();
        names.extend(plain.into_iter().zip(said.lines().map(str::to_owned)));
    }
    for file in odd {
        let said = repository.git(&["hash-object".as_ref(), "--".as_ref(), file.as_os_str()], &[])?;
        names.insert(file, String::from_utf8_lossy(&said).trim().to_owned());
    }
    let mut named = named.into_iter();
    for state in &mut current {
        if let Current::File { object, .. } = state {
            *object = named.next().and_then(|file| names.remove(file)).unwrap_or_default();
        }
    }
    Ok(current)
}

/// Whether a folder on the way to a file is a symbolic link.
pub(super) fn leads_elsewhere(top: &Path, file: &Path) -> bool {
    let mut folder = top.to_path_buf();
    file.parent().into_iter().flat_map(Path::components).any(|part| {
        folder.push(part);
        fs::symlink_metadata(&folder).is_ok_and(|kind| !kind.is_dir())
    })
}

fn unchanged(file: &Path, before: Signature) -> io::Result<bool> {
    Ok(signature(&fs::symlink_metadata(file)?) == before)
}

/// Removes a file that nobody has written since it was looked at, and that is as it was staged.
fn remove_unchanged(file: &Path, staged: &Version, before: Signature) -> io::Result<bool> {
    let executable = fs::symlink_metadata(file)?.permissions().mode() & 0o100 != 0;
    if executable != (staged.mode == "100755") || !unchanged(file, before)? {
        return Ok(false);
    }
    fs::remove_file(file).map(|()| true)
}

/// Makes a file that is not there yet: all of it or nothing.
fn create(file: &Path, temporary: &Path, (text, executable): (&[u8], bool)) -> io::Result<bool> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = if executable { 0o777 } else { 0o666 };
    let fill = |place: &Path| {
        // With the mode that the user's other new files get.
        let mut made = File::options().write(true).create_new(true).mode(mode).open(place)?;
        made.write_all(text)?;
        made.sync_all()
    };
    let place = |unfinished: &Path| {
        let placed = fill(unfinished).and_then(|()| match fs::hard_link(unfinished, file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // Some file systems have no second names.
            Err(error) if error.kind() != io::ErrorKind::CrossesDevices => {
                rustix::fs::renameat_with(CWD, unfinished, CWD, file, RenameFlags::NOREPLACE)
                    .map(|()| true)
                    .map_err(|_| error)
            }
            other => other.map(|()| true),
        });
        remove_unfinished(unfinished);
        placed
    };
    match place(&temporary.join("new")) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => place(&beside(file)),
        other => other,
    }
}

/// Where a file is finished that cannot be moved to its place from git's own folder.
fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    file.with_file_name(format!(".{name}.{}.onex", std::process::id()))
}

fn remove_unfinished(file: &Path) {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(file = %file.display(), %error, "an unfinished file stays");
        }
        _ => {}
    }
}

/// Replaces a file that nobody has written since it was looked at.
fn replace_unchanged(
    file: &Path,
    temporary: &Path,
    (text, executable): (&[u8], Option<bool>),
    before: Signature,
) -> io::Result<bool> {
    let mut mode = fs::symlink_metadata(file)?.permissions().mode();
    match executable {
        // Who may read it may run it.
        Some(true) => mode |= (mode & 0o444) >> 2,
        Some(false) => mode &= !0o111,
        None => {}
    }
    if !unchanged(file, before)? {
        return Ok(false);
    }
    replace(file, temporary, (text, Some(mode)))?;
    Ok(true)
}

/// Replaces a file at once. What is not finished stands in git's own folder, where nobody stumbles over it.
fn replace(file: &Path, temporary: &Path, (text, mode): (&[u8], Option<u32>)) -> io::Result<()> {
    let place = |unfinished: &Path| {
        let fill = || {
            let mut made = File::create(unfinished)?;
            if let Some(mode) = mode {
                made.set_permissions(Permissions::from_mode(mode & 0o7777))?;
            }
            made.write_all(text)?;
            made.sync_all()
        };
        fill().and_then(|()| fs::rename(unfinished, file)).inspect_err(|_| remove_unfinished(unfinished))
    };
    match place(&temporary.join("unfinished")) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => place(&beside(file)),
        other => other,
    }
}

/// A folder for what is not finished, gone with this value. Those of runs that were killed are removed with the next.
struct Temporary(PathBuf);

impl Temporary {
    fn make(repository: &Repository) -> Result<Self, VcsError> {
        let above = repository.git_dir().join("onex").join("unfinished");
        let own = above.join(std::process::id().to_string());
        for entry in fs::read_dir(&above).into_iter().flatten().flatten() {
            let process =
                entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            let runs = process.is_some_and(|process| test_kill_process(process).is_ok());
            if !runs || entry.path() == own {
                fs::remove_dir_all(entry.path()).map_err(VcsError::file("remove", &entry.path()))?;
            }
        }
        fs::create_dir_all(&own).map_err(VcsError::file("make", &own))?;
        Ok(Self(own))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(folder = %self.0.display(), %error, "unfinished files stay");
        }
    }
}
