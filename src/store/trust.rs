//! The file of what somebody trusts: `trust.toml`. Only `onex trust` writes it, and a project has none.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::exchange::{Durability, NONBLOCK, lock_file, replace};
use crate::model::output::Digest;
use crate::model::policy::{Pin, Trusted};

/// The version of the file's form.
const VERSION: u32 = 1;

/// The largest file that is read in bytes.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// How often a lock that somebody else holds is tried: many may trust something at once, and nobody is to lose it.
const TRIES: u32 = 10_000;

/// What stands above the entries.
const HEAD: &str =
    "# What `onex trust` has pinned. `onex trust --list` shows it, `onex trust --remove` takes it out.\n";

/// The file cannot be used. Nothing is trusted then.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{}`: {problem}", .path.display())]
pub struct TrustError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// The trusted contracts in one file.
#[derive(Clone, Debug)]
pub struct TrustFile {
    path: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default)]
    trusted: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    root: String,
    files: BTreeMap<String, Digest>,
}

impl TrustFile {
    /// The file `trust.toml` of a folder, which need not exist yet.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self { path: folder.join("trust.toml") }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is trusted; nothing where there is no file. `project` must not hold the file: whoever writes a project
    /// would say what is trusted.
    ///
    /// # Errors
    ///
    /// If the file is not what it should be, or anybody but its owner can write it.
    pub fn read(&self, project: Option<&Path>) -> Result<Vec<Trusted>, TrustError> {
        let failed = |problem: String| TrustError { path: self.path.clone(), problem };
        let io_failed = |error: io::Error| failed(error.to_string());
        let real = match self.path.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A link that leads nowhere is no file that is not there.
                return match self.path.symlink_metadata() {
                    Ok(_) => Err(failed("it is a link that leads nowhere".to_owned())),
                    Err(_) => Ok(Vec::new()),
                };
            }
            other => other.map_err(io_failed)?,
        };
        if project.is_some_and(|project| real.starts_with(project)) {
            return Err(failed(
                "it is a file of the project, which cannot say itself that it is trusted".to_owned(),
            ));
        }
        // A FIFO in its place would wait for a writer, for ever.
        let mut file = File::options().read(true).custom_flags(NONBLOCK).open(&real).map_err(io_failed)?;
        let kind = file.metadata().map_err(io_failed)?;
        if !kind.is_file() || kind.len() > MAX_SIZE {
            return Err(failed("it is no file of at most 16 MiB".to_owned()));
        }
        let owner = rustix::process::geteuid().as_raw();
        if kind.uid() != owner && kind.uid() != 0 {
            return Err(failed("it belongs to somebody else".to_owned()));
        }
        if kind.mode() & 0o022 != 0 {
            return Err(failed("others than its owner can write it; `chmod go-w` helps".to_owned()));
        }
        let mut text = String::new();
        file.by_ref().take(MAX_SIZE + 1).read_to_string(&mut text).map_err(io_failed)?;
        let document: Document = toml::from_str(&text).map_err(|error| failed(in_one_line(&error, &text)))?;
        if document.version != VERSION {
            return Err(failed(format!(
                "its version is {}, and this onex knows {VERSION}",
                document.version
            )));
        }
        document.trusted.into_iter().map(|entry| entry.trusted().map_err(failed)).collect()
    }

    /// Changes what is trusted, in one step, and loses nothing that somebody else adds at the same time.
    ///
    /// # Errors
    ///
    /// If the file cannot be used or written; it is as before then.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<Trusted>) -> T) -> Result<T, TrustError> {
        let failed = |problem: String| TrustError { path: self.path.clone(), problem };
        let io_failed = |error: io::Error| failed(error.to_string());
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io_failed)?;
        let _held = lock_file(&folder.join("trust.lock"), TRIES).map_err(io_failed)?;
        let before = self.read(None)?;
        let mut trusted = before.clone();
        let given = change(&mut trusted);
        if trusted == before {
            return Ok(given);
        }
        trusted.sort_by(|one, other| (&one.path, &one.root).cmp(&(&other.path, &other.root)));
        let entries: Result<Vec<Entry>, String> = trusted.iter().map(Entry::of).collect();
        let document = Document { version: VERSION, trusted: entries.map_err(failed)? };
        let text = toml::to_string(&document).map_err(|error| failed(error.to_string()))?;
        // A link stays one: what it names is replaced.
        let real = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        replace(&real, format!("{HEAD}{text}").as_bytes(), Durability::Machine).map_err(io_failed)?;
        Ok(given)
    }

    /// Whether there is such a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }
}

impl Entry {
    fn of(trusted: &Trusted) -> Result<Self, String> {
        let text = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("the path `{}` is not UTF-8", path.display()))
        };
        let pinned = |pin: &Pin| {
            let digest = pin.digest.ok_or_else(|| format!("`{}` cannot be read", pin.path.display()))?;
            Ok((text(&pin.path)?, digest))
        };
        Ok(Self {
            path: text(&trusted.path)?,
            root: text(&trusted.root)?,
            files: trusted.files.iter().map(pinned).collect::<Result<_, String>>()?,
        })
    }

    fn trusted(self) -> Result<Trusted, String> {
        let whole = |path: String| match PathBuf::from(path) {
            path if path.is_absolute() => Ok(path),
            path => Err(format!("`{}` is no path from the top", path.display())),
        };
        let pin = |(path, digest)| Ok(Pin { path: whole(path)?, digest: Some(digest) });
        Ok(Trusted {
            path: whole(self.path)?,
            root: whole(self.root)?,
            files: self.files.into_iter().map(pin).collect::<Result<_, String>>()?,
        })
    }
}

/// What is wrong with a text, and where.
fn in_one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}
