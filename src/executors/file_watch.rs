//! Fails a node that changed files which it was to look at.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::base::stop::StopReceiver;
use crate::engine::ports::{AttemptOutcome, AttemptRequest, BoxFuture, Executor};
use crate::model::event::AttemptFailure;
use crate::model::outcome::{AttemptClass, FailureReason};

/// A file that a node is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFile {
    /// Its path below the root.
    pub path: PathBuf,
    /// The name that git gives to its content, where that is known.
    pub object: Option<String>,
}

/// An executor that looks at the files of each node before and after.
pub struct FileWatch {
    inner: Arc<dyn Executor>,
    root: PathBuf,
    /// By the node's index.
    given: Arc<Vec<Vec<GivenFile>>>,
}

impl FileWatch {
    /// Watches what `inner` carries out below `root`. `given` has the files of each node, by its index.
    #[must_use]
    pub fn new(inner: Arc<dyn Executor>, root: PathBuf, given: Vec<Vec<GivenFile>>) -> Self {
        Self { inner, root, given: Arc::new(given) }
    }
}

impl Executor for FileWatch {
    fn execute(&self, request: AttemptRequest, stop: StopReceiver) -> BoxFuture<'static, AttemptOutcome> {
        let (given, root, index) = (Arc::clone(&self.given), self.root.clone(), request.index);
        let running = self.inner.execute(request, stop);
        Box::pin(async move {
            let Some(files) = given.get(index).filter(|files| !files.is_empty()) else {
                return running.await;
            };
            let before: Vec<_> = files.iter().map(|file| Seen::of(&root, file)).collect();
            let mut outcome = running.await;
            let is_changed = |(file, before): &(&GivenFile, Seen)| before.is_other(&root, file);
            let changed: Vec<&GivenFile> =
                files.iter().zip(before).filter(is_changed).map(|(file, _)| file).collect();
            if !changed.is_empty() && outcome.failure.is_none() {
                outcome.failure = Some(AttemptFailure::new(
                    FailureReason::FilesChanged,
                    AttemptClass::Definite,
                    message(&changed),
                ));
            }
            outcome
        })
    }
}

/// `changed a.py and b.py`, `changed a.py and 4 more files`.
fn message(changed: &[&GivenFile]) -> String {
    let name = |file: &GivenFile| file.path.display().to_string();
    match changed {
        [only] => format!("changed {}", name(only)),
        [first, second] => format!("changed {} and {}", name(first), name(second)),
        [first, rest @ ..] => format!("changed {} and {} more files", name(first), rest.len()),
        [] => String::new(),
    }
}

/// How a file looked before.
#[derive(Debug)]
struct Seen {
    /// Its size and the time of its last change; nothing where there is no such file.
    signature: Option<(u64, i64, i64, u32)>,
    /// Its content, where nobody else knows what it was.
    content: Option<Vec<u8>>,
}

impl Seen {
    fn of(root: &Path, file: &GivenFile) -> Self {
        let path = root.join(&file.path);
        let content = if file.object.is_some() { None } else { digest(&path) };
        Self { signature: signature(&path), content }
    }

    /// Whether it has another content or mode now. One that was written anew with the same content has not.
    fn is_other(&self, root: &Path, file: &GivenFile) -> bool {
        let path = root.join(&file.path);
        let now = signature(&path);
        if now == self.signature {
            return false;
        }
        let (Some((.., old_mode)), Some((.., mode))) = (self.signature, now) else { return true };
        if old_mode & 0o111 != mode & 0o111 || old_mode & 0o170_000 != mode & 0o170_000 {
            return true;
        }
        match (&file.object, &self.content) {
            (Some(object), _) => !is_named(&path, object).unwrap_or(false),
            (None, Some(content)) => digest(&path).as_ref() != Some(content),
            (None, None) => true,
        }
    }
}

/// What a link leads to is not the link: it is its own content.
fn open(path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
    let kind = fs::symlink_metadata(path)?;
    if kind.is_symlink() {
        let target = fs::read_link(path)?.into_os_string().into_vec();
        let size = target.len() as u64;
        return Ok((Box::new(io::Cursor::new(target)), size));
    }
    Ok((Box::new(File::open(path)?), kind.size()))
}

/// Gives all of a file to `take`, piece by piece, however large it is.
fn read_through(path: &Path, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let (mut file, size) = open(path)?;
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(size),
            Ok(read) => take(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn digest(path: &Path) -> Option<Vec<u8>> {
    let mut digest = Sha256::new();
    read_through(path, |piece| digest.update(piece)).ok()?;
    Some(digest.finalize().to_vec())
}

fn signature(path: &Path) -> Option<(u64, i64, i64, u32)> {
    let kind = fs::symlink_metadata(path).ok()?;
    Some((kind.size(), kind.mtime(), kind.mtime_nsec(), kind.mode()))
}

/// Whether git gives this name to the content of a file: gitformat-pack(5), "object name". With the line ends of the
/// working tree, or with those that git stores.
fn is_named(path: &Path, object: &str) -> io::Result<bool> {
    let mut returns = 0;
    let size =
        read_through(path, |piece| returns += piece.iter().filter(|&&byte| byte == b'\r').count() as u64)?;
    let name = |size: u64, keeps_returns: bool| {
        let mut name = Name::start(size, object.len() == 64);
        read_through(path, |piece| {
            if keeps_returns {
                name.update(piece);
            } else {
                piece.split(|&byte| byte == b'\r').for_each(|part| name.update(part));
            }
        })?;
        io::Result::Ok(name.finish())
    };
    Ok(name(size, true)? == object || (returns > 0 && name(size.saturating_sub(returns), false)? == object))
}

/// The name of an object in the making.
enum Name {
    Short(Sha1),
    Long(Sha256),
}

impl Name {
    fn start(size: u64, is_long: bool) -> Self {
        let head = format!("blob {size}\0");
        if is_long {
            Self::Long(Sha256::new().chain_update(head))
        } else {
            Self::Short(Sha1::new().chain_update(head))
        }
    }

    fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Short(digest) => digest.update(piece),
            Self::Long(digest) => digest.update(piece),
        }
    }

    fn finish(self) -> String {
        let bytes = match self {
            Self::Short(digest) => digest.finalize().to_vec(),
            Self::Long(digest) => digest.finalize().to_vec(),
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_have_the_names_that_git_gives_them() {
        let named = |text: &[u8], object: &str| {
            #[expect(clippy::disallowed_methods, reason = "a file for a test")]
            let folder = std::env::temp_dir();
            let file = folder.join(format!("named-{}", std::process::id()));
            fs::write(&file, text).unwrap();
            let named = is_named(&file, object).unwrap();
            fs::remove_file(file).unwrap();
            named
        };
        assert!(named(b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
        assert!(named(b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"));
        assert!(named(b"hello\r\n", "ce013625030ba8dba906f756967f9e9ca394464a"));
        assert!(!named(b"hello", "ce013625030ba8dba906f756967f9e9ca394464a"));
        assert!(named(b"", "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"));
    }
}
