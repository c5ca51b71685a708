//! Becoming another program: the process goes on as it, with its terminal and its environment.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

/// Becomes a program. It comes back only with the reason why that cannot be.
#[expect(clippy::disallowed_methods, reason = "no child is started")]
pub fn become_program(file: &Path, arguments: &[OsString]) -> io::Error {
    std::process::Command::new(file).args(arguments).exec()
}
