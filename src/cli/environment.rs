//! Reads the environment, once. No other place does.

use std::ffi::{OsStr, OsString};
use std::io;

use super::args;
use crate::app::{Enforcement, Environment};

/// What the process was started in; `command` is what can be typed.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub(super) fn read(command: &clap::Command) -> io::Result<Environment> {
    Ok(Environment { directory: std::env::current_dir()?, ..placeless(command) })
}

/// The same where there is no working directory any more.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub(super) fn placeless(command: &clap::Command) -> Environment {
    // Nodes work elsewhere, so a path that they are given has to be whole.
    let named = std::env::var_os("TMPDIR").filter(|path| !path.is_empty());
    let temporary = named.map_or_else(
        || "/tmp".into(),
        |path| {
            std::env::current_dir().map_or_else(|_| path.clone().into(), |directory| directory.join(&path))
        },
    );
    Environment {
        variables: std::env::vars_os().filter_map(whole_path).collect(),
        temporary,
        program: std::env::current_exe().ok(),
        own: args::variables(command),
        enforcement: Enforcement::of_this_machine(),
        ..Environment::default()
    }
}

/// What a variable is set to.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub(super) fn value(name: &OsStr) -> Option<String> {
    Some(std::env::var_os(name)?.to_string_lossy().into_owned())
}

/// A variable as it is, but `PATH` without entries that mean another place in each folder: a program that a project
/// brings along must not stand in for one of the system.
fn whole_path((name, value): (OsString, OsString)) -> Option<(OsString, OsString)> {
    if name != "PATH" {
        return Some((name, value));
    }
    let entries: Vec<_> = std::env::split_paths(&value).collect();
    if entries.iter().all(|entry| entry.is_absolute()) {
        return Some((name, value));
    }
    let whole = std::env::join_paths(entries.iter().filter(|entry| entry.is_absolute())).ok()?;
    (!whole.is_empty()).then_some((name, whole))
}

/// Whether a variable is set, and to nothing: one that sets an option does not set it then.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub(super) fn is_set_to_nothing(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| value.is_empty())
}
