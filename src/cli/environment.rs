//! Reads the environment, once. No other place does.

use std::io;

use super::args;
use crate::app::Environment;

/// What the process was started in.
#[expect(clippy::disallowed_methods, reason = "the home of the environment")]
pub(super) fn read() -> io::Result<Environment> {
    let directory = std::env::current_dir()?;
    // Nodes work elsewhere, so a path that they are given has to be whole.
    let named = std::env::var_os("TMPDIR").filter(|path| !path.is_empty());
    let temporary = named.map_or_else(|| "/tmp".into(), |path| directory.join(path));
    Ok(Environment { variables: std::env::vars_os().collect(), temporary, directory, own: args::variables() })
}
