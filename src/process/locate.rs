//! Finds the file of a program, as `execvp` would.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Where programs are looked for when nobody says: an empty environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Finds programs and remembers where: a thousand nodes run few programs.
#[derive(Debug, Default)]
pub struct Locator {
    /// Files that were named by their own path.
    known: Mutex<HashMap<String, PathBuf>>,
}

impl Locator {
    /// The file of `program`: a name is looked for in `path`, anything with a slash is taken relative to `directory`.
    ///
    /// # Errors
    ///
    /// Says what was looked for, and where.
    pub fn find(&self, program: &str, path: Option<&OsStr>, directory: &Path) -> Result<PathBuf, String> {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(file) = known.get(program) {
            return Ok(file.clone());
        }
        if Path::new(program).is_absolute() {
            let file = PathBuf::from(program);
            check(&file).map_err(|problem| format!("`{program}` {problem}"))?;
            known.insert(program.to_owned(), file.clone());
            return Ok(file);
        }
        drop(known);
        if program.contains('/') {
            let file = directory.join(program);
            check(&file).map_err(|problem| format!("`{program}` {problem}"))?;
            return Ok(file);
        }
        // Looked for anew each time: a node can put a program where a later one finds it first. An empty entry of
        // `PATH` means the working directory.
        std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH)))
            .map(|entry| directory.join(entry).join(program))
            .find(|file| check(file).is_ok())
            .ok_or_else(|| format!("no program `{program}` in PATH"))
    }
}

fn check(file: &Path) -> Result<(), &'static str> {
    match std::fs::metadata(file) {
        Err(_) => Err("does not exist"),
        Ok(kind) if kind.is_dir() => Err("is a directory"),
        Ok(kind) if kind.permissions().mode() & 0o111 == 0 => Err("is not executable"),
        Ok(_) => Ok(()),
    }
}
