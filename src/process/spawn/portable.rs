//! Starting a program with the standard library, where nothing faster is known.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::Pid;

use super::{Order, no_process};
use crate::process::variables;

/// Starts it. Limits and the terminal's foreground group are left to Linux.
#[expect(clippy::disallowed_methods, reason = "the home of processes")]
pub fn spawn(order: &Order<'_>) -> io::Result<Pid> {
    let program = order.program;
    if program.sandbox.is_some() {
        let error = io::Error::from(io::ErrorKind::Unsupported);
        return Err(io::Error::other(crate::process::sandbox::NotConfined(error)));
    }
    let (name, arguments) =
        program.argv.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let env = variables::merged(&program.inherited, &program.env);
    let mut command = Command::new(&program.file);
    command
        .arg0(name)
        .args(arguments)
        .args(&program.files)
        .env_clear()
        .envs(env.into_iter().map(variables::pair));
    command.current_dir(&program.directory).process_group(0);
    let [stdin, stdout, stderr] = order.streams;
    command
        .stdin(Stdio::from(stdin.try_clone_to_owned()?))
        .stdout(Stdio::from(stdout.try_clone_to_owned()?))
        .stderr(Stdio::from(stderr.try_clone_to_owned()?));
    let id = command.spawn()?.id();
    i32::try_from(id).ok().and_then(Pid::from_raw).ok_or_else(no_process)
}
