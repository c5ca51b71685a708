//! Fails a node that changed files which it was to look at.

use std::fs;
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
        let content = if file.object.is_some() { None } else { fs::read(&path).ok() };
        Self { signature: signature(&path), content: content.map(|content| Sha256::digest(content).to_vec()) }
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
        let Ok(text) = fs::read(&path) else { return true };
        match (&file.object, &self.content) {
            (Some(object), _) => {
                let plain: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'\r').collect();
                // With the line ends of the working tree, or with those that git stores.
                ![text, plain].iter().any(|text| is_named(text, object))
            }
            (None, Some(content)) => Sha256::digest(text).to_vec() != *content,
            (None, None) => true,
        }
    }
}

fn signature(path: &Path) -> Option<(u64, i64, i64, u32)> {
    let kind = fs::symlink_metadata(path).ok()?;
    Some((kind.size(), kind.mtime(), kind.mtime_nsec(), kind.mode()))
}

/// Whether git gives this name to a content: gitformat-pack(5), "object name".
fn is_named(text: &[u8], object: &str) -> bool {
    let head = format!("blob {}\0", text.len());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if object.len() == 64 {
        hex(&Sha256::new().chain_update(head).chain_update(text).finalize()) == object
    } else {
        hex(&Sha1::new().chain_update(head).chain_update(text).finalize()) == object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_have_the_names_that_git_gives_them() {
        assert!(is_named(b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
        assert!(is_named(b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"));
        assert!(!is_named(b"hello", "ce013625030ba8dba906f756967f9e9ca394464a"));
        assert!(is_named(b"", "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"));
    }
}
