//! Puts `onex` into a repository's git hooks, and takes it out again. A hook of somebody else's is never overwritten.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::Environment;
use super::console::Console;
use super::contract::root_above;
use super::plan::finish;
use crate::base::text::without_controls;
use crate::model::exit::ExitCode;
use crate::vcs::{Repository, VcsError};

/// The line by which a hook of ours is told from others.
const MARK: &str = "# Made by `onex install`; `onex uninstall` takes it away.";

/// The only hook that there is a stage for.
const HOOK: &str = "pre-commit";

/// What a hook of somebody else's is called while ours stands in its place and runs it first.
const CHAINED: &str = "pre-commit.before-onex";

/// What to do with a repository's hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookRequest {
    /// Put ours there.
    Install {
        /// Whether a hook that is there already is kept, and runs first.
        chain: bool,
    },
    /// Take ours away, and put back what was there before.
    Uninstall,
}

/// Why hooks stay as they are.
#[derive(Debug, thiserror::Error)]
enum HookError {
    #[error("there is no git repository here; run `git init` first")]
    NoRepository,
    #[error(transparent)]
    Git(#[from] VcsError),
    #[error("`{}` is a hook of somebody else's; `onex install --chain` keeps it and runs it first", .0.display())]
    Foreign(PathBuf),
    #[error("`{}` and `{}` are both there; `onex install` cannot keep a second hook", .0.display(), .1.display())]
    TwoForeign(PathBuf, PathBuf),
    #[error("git takes its hooks from `{}` (core.hooksPath), which other repositories may use, too; \
             call `onex orch --stage pre-commit --format human` from there, \
             or run `git config --local core.hooksPath .git/hooks` first", .0.display())]
    Shared(PathBuf),
    #[error("cannot {what} `{}`: {source}", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
}

fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HookError {
    let path = path.to_path_buf();
    move |source| HookError::File { what, path, source }
}

/// Changes the hooks, and says what is there now.
pub fn hooks(request: HookRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let changed = match request {
        HookRequest::Install { chain } => install(environment, chain),
        HookRequest::Uninstall => uninstall(environment),
    };
    match changed {
        Ok(said) => {
            let written = writeln!(console.out(), "{}", without_controls(&said));
            finish(written, &mut console.err(), ExitCode::Success)
        }
        Err(error) => {
            if writeln!(console.err(), "error: {}", without_controls(&error.to_string())).is_err() {
                tracing::debug!("standard error is closed");
            }
            ExitCode::Configuration
        }
    }
}

/// The folder of hooks that belongs to this repository alone, and where in the repository the project stands.
fn folder(environment: &Environment) -> Result<(PathBuf, PathBuf), HookError> {
    let repository = Repository::find(&environment.directory, &environment.variables)?;
    let repository = repository.ok_or(HookError::NoRepository)?;
    let hooks = repository.hooks()?;
    let own = [repository.top(), repository.git_dir(), repository.common_dir()];
    let hooks: PathBuf = hooks.components().collect();
    if !own.iter().any(|place| hooks.starts_with(place)) {
        return Err(HookError::Shared(hooks));
    }
    let top = repository.top().canonicalize().unwrap_or_else(|_| repository.top().to_path_buf());
    let here = environment.directory.canonicalize().unwrap_or_else(|_| environment.directory.clone());
    let project = root_above(&here);
    Ok((hooks, project.strip_prefix(&top).unwrap_or(Path::new("")).to_path_buf()))
}

/// Whether a hook is there, and whether it is ours.
fn is_ours(hook: &Path) -> Result<Option<bool>, HookError> {
    match fs::read(hook) {
        Ok(text) => Ok(Some(String::from_utf8_lossy(&text).lines().any(|line| line == MARK))),
        // A link that leads nowhere is somebody's, too.
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(hook).is_err() => {
            Ok(None)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(false)),
        Err(error) => Err(file("read", hook)(error)),
    }
}

fn install(environment: &Environment, chain: bool) -> Result<String, HookError> {
    let (folder, project) = folder(environment)?;
    let (hook, kept) = (folder.join(HOOK), folder.join(CHAINED));
    fs::create_dir_all(&folder).map_err(file("make", &folder))?;
    let text = script(environment.program.as_deref(), &project);
    match is_ours(&hook)? {
        Some(false) if !chain => return Err(HookError::Foreign(hook)),
        Some(false) if fs::symlink_metadata(&kept).is_ok() => {
            return Err(HookError::TwoForeign(hook, kept));
        }
        Some(false) => {
            // At every moment one of the two is the hook: ours is finished before it takes the other's place.
            let ready = folder.join(format!("{HOOK}.onex"));
            write(&ready, &text)?;
            fs::hard_link(&hook, &kept)
                .or_else(|_| fs::copy(&hook, &kept).map(drop))
                .map_err(file("keep", &hook))?;
            fs::rename(&ready, &hook).map_err(file("write", &hook))?;
            return Ok(format!(
                "installed {}, which first runs the hook that was there, now {}",
                hook.display(),
                kept.display()
            ));
        }
        Some(true) if fs::read_to_string(&hook).is_ok_and(|old| old == text) => {
            return Ok(format!("{} is installed already", hook.display()));
        }
        Some(true) | None => {}
    }
    let ready = folder.join(format!("{HOOK}.onex"));
    write(&ready, &text)?;
    fs::rename(&ready, &hook).map_err(file("write", &hook))?;
    Ok(format!("installed {}: `git commit` runs `onex orch --stage pre-commit`", hook.display()))
}

fn uninstall(environment: &Environment) -> Result<String, HookError> {
    let (folder, _) = folder(environment)?;
    let (hook, kept) = (folder.join(HOOK), folder.join(CHAINED));
    match is_ours(&hook)? {
        None => return Ok("there is no hook to take away".to_owned()),
        Some(false) => return Ok(format!("{} is not ours and stays", hook.display())),
        Some(true) => {}
    }
    if fs::symlink_metadata(&kept).is_ok() {
        fs::rename(&kept, &hook).map_err(file("put back", &hook))?;
        return Ok(format!("{} is what it was before `onex install`", hook.display()));
    }
    fs::remove_file(&hook).map_err(file("remove", &hook))?;
    Ok(format!("removed {}", hook.display()))
}

fn write(path: &Path, text: &str) -> Result<(), HookError> {
    let mut options = File::options();
    options.create(true).truncate(true).write(true).mode(0o755);
    let written = options.open(path).and_then(|mut made| {
        made.set_permissions(fs::Permissions::from_mode(0o755))?;
        made.write_all(text.as_bytes())
    });
    written.map_err(file("write", path))
}

/// The hook. It finds `onex` although the path of a graphical program does not lead there, and lets commits through
/// where `onex` is gone: a hook must not lock anybody out of a repository.
fn script(program: Option<&Path>, project: &Path) -> String {
    // A path in quotes for a shell.
    let quoted = |path: &Path| path.display().to_string().replace('\'', r"'\''");
    let program = program.map(quoted).unwrap_or_default();
    // A hook starts at the top of the repository, and what git tells it is meant from there.
    let root = match quoted(project) {
        top if top.is_empty() => String::new(),
        project => format!(" --root '{project}'"),
    };
    format!(
        r#"#!/bin/sh
{MARK}
before="$(dirname "$0")/{CHAINED}"
if [ -x "$before" ]; then
  "$before" "$@" || exit $?
fi
[ "$ONEX" = 0 ] && exit 0
if command -v onex >/dev/null 2>&1; then
  onex=onex
elif [ -x '{program}' ]; then
  onex='{program}'
else
  echo "onex is not installed, so this commit is not checked" >&2
  exit 0
fi
exec "$onex" orch --stage pre-commit --format human{root}
"#
    )
}
