//! Fails a node that changed files which it was to look at.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{AtFlags, Stat, lstat, statat};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::base::stop::StopReceiver;
use crate::base::{Clock as _, Mono, NodeId, SystemClock, text};
use crate::engine::ports::{AttemptOutcome, AttemptRequest, BoxFuture, Executor};
use crate::model::event::AttemptFailure;
use crate::model::outcome::{AttemptClass, FailureReason};

/// The time in which the next node begins after one has ended, which looked at the files for both.
const FRESH: Duration = Duration::from_millis(5);

/// A file that a node is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFile {
    /// Its path below the root.
    pub path: PathBuf,
    /// The name that git gives to its content, where that is known.
    pub object: Option<String>,
}

/// The files of a run, and which of them each node is given.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// All files.
    pub files: Vec<GivenFile>,
    /// For each node, by its index, places in that list.
    pub places: Vec<Vec<usize>>,
}

/// An executor that looks at the files of each node before and after.
pub struct FileWatch {
    inner: Arc<dyn Executor>,
    given: Arc<Given>,
    watched: Arc<Mutex<Watched>>,
}

impl FileWatch {
    /// Watches what `inner` carries out below `root`.
    #[must_use]
    pub fn new(inner: Arc<dyn Executor>, root: &Path, given: Arc<Given>) -> Self {
        let folder = File::open(root).ok();
        let files = given.files.iter().map(|_| None).collect();
        let watched = Watched {
            folder,
            root: root.to_path_buf(),
            files,
            changes: 0,
            runs: Vec::new(),
            running: 0,
            moment: 0,
            last_end: 0,
            clock: SystemClock::start(),
            looked: None,
        };
        Self { inner, given, watched: Arc::new(Mutex::new(watched)) }
    }
}

impl Executor for FileWatch {
    fn execute(&self, request: AttemptRequest, stop: StopReceiver) -> BoxFuture<'static, AttemptOutcome> {
        let (given, watched, index) = (Arc::clone(&self.given), Arc::clone(&self.watched), request.index);
        let node_id = request.node_id.clone();
        let running = self.inner.execute(request, stop);
        Box::pin(async move {
            let lock = || watched.lock().unwrap_or_else(PoisonError::into_inner);
            let places = given.places.get(index).map(Vec::as_slice).unwrap_or_default();
            let start = lock().begin(node_id, &given.files, places);
            let mut outcome = running.await;
            let mut watched = lock();
            watched.end(start.run, &given.files, places);
            let message = watched.accuse(&start, &given.files, places);
            if let Some(message) = message.filter(|_| outcome.failure.is_none()) {
                outcome.failure =
                    Some(AttemptFailure::new(FailureReason::FilesChanged, AttemptClass::Definite, message));
            }
            outcome
        })
    }
}

/// How the files looked last. One look serves the node that has ended and those that begin after it.
struct Watched {
    /// The root, opened once: paths from there are shorter.
    folder: Option<File>,
    root: PathBuf,
    files: Vec<Option<Look>>,
    /// How many changes were seen.
    changes: u64,
    /// The nodes that have begun, with those that nobody watches: each may change whatever it finds.
    runs: Vec<Run>,
    /// How many of them run.
    running: usize,
    /// Counts what begins and ends.
    moment: u64,
    /// When one ended last.
    last_end: u64,
    clock: SystemClock,
    /// When the files of one that ended had been looked at.
    looked: Option<Mono>,
}

/// One attempt of a node.
struct Run {
    node_id: NodeId,
    /// When it ended; nothing while it runs.
    end: Option<u64>,
}

/// What an attempt's changes are counted from.
struct Start {
    run: usize,
    changes: u64,
}

/// How one file looked.
struct Look {
    seen: Seen,
    /// The number of its last change.
    changed: u64,
    /// Who may have made it: those that ran between the look before it and the one that saw it.
    by: Vec<usize>,
    /// When it was looked at last.
    moment: u64,
}

impl Watched {
    /// Sees to it that all is known that a node may change: what others have changed until now is not its change.
    fn begin(&mut self, node_id: NodeId, files: &[GivenFile], places: &[usize]) -> Start {
        self.moment += 1;
        // Others that run may have changed a file since it was looked at.
        let is_old = self.running > 0 && self.looked.is_none_or(|looked| self.clock.now() - looked > FRESH);
        for &at in places {
            if is_old || self.files[at].as_ref().is_none_or(|look| look.moment < self.last_end) {
                self.look(at, &files[at]);
            }
        }
        self.running += 1;
        self.runs.push(Run { node_id, end: None });
        Start { run: self.runs.len() - 1, changes: self.changes }
    }

    fn end(&mut self, run: usize, files: &[GivenFile], places: &[usize]) {
        self.moment += 1;
        for &at in places {
            self.look(at, &files[at]);
        }
        self.running -= 1;
        self.last_end = self.moment;
        self.looked = Some(self.clock.now());
        self.runs[run].end = Some(self.moment);
    }

    /// What changed while an attempt ran, and who else may have done it; nothing where nothing has.
    fn accuse(&self, start: &Start, files: &[GivenFile], places: &[usize]) -> Option<String> {
        let (mut own, mut shared, mut others) = (Vec::new(), Vec::new(), BTreeSet::new());
        for &at in places {
            let Some(look) = self.files[at].as_ref().filter(|look| look.changed > start.changes) else {
                continue;
            };
            let node_id = |run: usize| &self.runs[run].node_id;
            let with: Vec<_> =
                look.by.iter().map(|&run| node_id(run)).filter(|id| *id != node_id(start.run)).collect();
            if with.is_empty() {
                own.push(&files[at]);
            } else {
                shared.push(&files[at]);
            }
            others.extend(with);
        }
        let mut said = Vec::new();
        if !own.is_empty() {
            said.push(format!("changed {}", names(&own)));
        }
        if !shared.is_empty() {
            let (first, rest) = (others.pop_first(), others.len());
            let first = first.map(|id| format!("`{id}`")).unwrap_or_default();
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            said.push(format!(
                "this or {first}{more}, which ran at the same time, changed {}",
                names(&shared)
            ));
        }
        (!said.is_empty()).then(|| said.join("; "))
    }

    fn look(&mut self, at: usize, file: &GivenFile) {
        let now = self.signature(&file.path);
        let moment = self.moment;
        let Some(look) = &mut self.files[at] else {
            let seen = Seen::first(&self.root, file, now);
            self.files[at] = Some(Look { seen, changed: 0, by: Vec::new(), moment });
            return;
        };
        if let Some(seen) = look.seen.other(&self.root, file, now) {
            if seen.is_changed {
                self.changes += 1;
                look.changed = self.changes;
                let runs = self.runs.iter().enumerate();
                let ran = runs.filter(|(_, run)| run.end.is_none_or(|end| end > look.moment));
                look.by = ran.map(|(run, _)| run).collect();
            }
            look.seen = seen.seen;
        }
        look.moment = moment;
    }

    fn signature(&self, path: &Path) -> Option<Signature> {
        let kind = match &self.folder {
            Some(folder) => statat(folder, path, AtFlags::SYMLINK_NOFOLLOW),
            None => lstat(self.root.join(path)),
        };
        kind.ok().map(|kind| Signature::of(&kind))
    }
}

/// `a.py and b.py`, `a.py and 4 more files`.
fn names(files: &[&GivenFile]) -> String {
    let name = |file: &GivenFile| text::path(&file.path);
    match files {
        [only] => name(only),
        [first, second] => format!("{} and {}", name(first), name(second)),
        [first, rest @ ..] => format!("{} and {} more files", name(first), rest.len()),
        [] => String::new(),
    }
}

/// Its size, its mode and the time of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signature {
    size: i64,
    mode: u32,
    seconds: i64,
    nanoseconds: i64,
}

impl Signature {
    #[expect(
        clippy::useless_conversion,
        clippy::cast_possible_wrap,
        reason = "other widths on other systems"
    )]
    fn of(kind: &Stat) -> Self {
        Self {
            size: kind.st_size,
            mode: u32::from(kind.st_mode),
            seconds: kind.st_mtime,
            nanoseconds: kind.st_mtime_nsec as i64,
        }
    }
}

/// How a file looked.
#[derive(Debug)]
struct Seen {
    /// Nothing where there is no such file.
    signature: Option<Signature>,
    content: Content,
}

/// What is known of a content.
#[derive(Debug)]
enum Content {
    /// The name that git gives to it.
    Named,
    /// Its digest; nothing where it cannot be read.
    Digest(Option<Vec<u8>>),
}

/// How a file looks now that has been written.
struct Written {
    seen: Seen,
    /// Whether it has another content or mode. One that was written anew with the same content has not.
    is_changed: bool,
}

impl Seen {
    fn first(root: &Path, file: &GivenFile, signature: Option<Signature>) -> Self {
        let content = if file.object.is_some() {
            Content::Named
        } else {
            Content::Digest(digest(&root.join(&file.path)))
        };
        Self { signature, content }
    }

    /// How it looks now; nothing where nobody has written it.
    fn other(&self, root: &Path, file: &GivenFile, now: Option<Signature>) -> Option<Written> {
        if now == self.signature {
            return None;
        }
        let path = root.join(&file.path);
        let digest = digest(&path);
        let has_other_mode = match (self.signature, now) {
            (Some(old), Some(now)) => {
                old.mode & 0o111 != now.mode & 0o111 || old.mode & 0o170_000 != now.mode & 0o170_000
            }
            _ => true,
        };
        let has_other_content = match (&self.content, &file.object) {
            (Content::Named, Some(object)) => !is_named(&path, object).unwrap_or(false),
            (Content::Digest(Some(old)), _) => digest.as_ref() != Some(old),
            (Content::Digest(None) | Content::Named, _) => true,
        };
        let seen = Self { signature: now, content: Content::Digest(digest) };
        Some(Written { seen, is_changed: has_other_mode || has_other_content })
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
    Ok((Box::new(File::open(path)?), kind.len()))
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
