//! Finds the file of a program, as `execvp` would.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Where programs are looked for when nobody says: an empty environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Finds programs and remembers where: a thousand nodes run few programs.
#[derive(Debug, Default)]
pub struct Locator {
    known: Mutex<Known>,
}

/// Files by what was asked for, and by what else decides.
#[derive(Debug, Default)]
struct Known {
    /// By their own path.
    absolute: HashMap<String, PathBuf>,
    /// By the search path, and the working directory where that decides, too.
    named: HashMap<(String, OsString), PathBuf>,
}

impl Locator {
    /// The file of `program`: a name is looked for in `path`, anything with a slash is taken relative to `directory`.
    ///
    /// # Errors
    ///
    /// Says what was looked for, and where.
    pub fn find(&self, program: &str, path: Option<&OsStr>, directory: &Path) -> Result<PathBuf, String> {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(file) = known.absolute.get(program) {
            return Ok(file.clone());
        }
        if Path::new(program).is_absolute() {
            let file = PathBuf::from(program);
            check(&file).map_err(|problem| format!("`{program}` {problem}"))?;
            known.absolute.insert(program.to_owned(), file.clone());
            return Ok(file);
        }
        let known = &mut known.named;
        // A name is looked for in the path; a path is taken from the working directory.
        let named = !program.contains('/');
        let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
        // What a relative entry of the path means depends on the directory, too.
        let relative = named && std::env::split_paths(path).any(|entry| entry.is_relative());
        let mut from = if named { path.to_owned() } else { OsString::new() };
        if !named || relative {
            from.push("\0");
            from.push(directory);
        }
        let key = (program.to_owned(), from);
        if let Some(file) = known.get(&key) {
            return Ok(file.clone());
        }
        if !named {
            let file = directory.join(program);
            check(&file).map_err(|problem| format!("`{program}` {problem}"))?;
            known.insert(key, file.clone());
            return Ok(file);
        }
        // An empty entry of `PATH` means the working directory.
        let found = std::env::split_paths(path)
            .map(|entry| directory.join(entry).join(program))
            .find(|f| check(f).is_ok());
        match found {
            Some(file) => {
                known.insert(key, file.clone());
                Ok(file)
            }
            None => Err(format!("no program `{program}` in PATH")),
        }
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
