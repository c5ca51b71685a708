//! Reads the environment, once. No other place does.

use std::io;

use super::args;
use crate::app::Environment;

/// What the process was started in.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub(super) fn read() -> io::Result<Environment> {
    Ok(Environment {
        variables: std::env::vars_os().collect(),
        directory: std::env::current_dir()?,
        temporary: std::env::temp_dir(),
        own: args::variables(),
    })
}
