//! Programs that `onex` itself asks something, such as `git`: run to their end, with all that they say.
//!
//! Not for the programs of a workflow, which [`super::run()`] starts. Nothing of a run may be going on meanwhile, because
//! a run waits for every child of this process.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// A program and what surrounds it.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    /// Its name, looked for in the `PATH` of its variables, or its file.
    pub program: &'a OsStr,
    /// Where it works.
    pub directory: &'a Path,
    /// All its variables.
    pub variables: &'a [(OsString, OsString)],
}

/// What a program said until its end.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code; nothing where a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// All of its standard error.
    pub stderr: Vec<u8>,
}

impl Tool<'_> {
    /// Runs the program with `arguments`, and with `stdin` as its whole standard input.
    ///
    /// # Errors
    ///
    /// If it cannot be started or listened to. A program that fails is no error.
    pub fn ask<A: AsRef<OsStr>>(&self, arguments: &[A], stdin: &[u8]) -> io::Result<Said> {
        #[expect(clippy::disallowed_methods, reason = "this is the room that starts programs")]
        let mut command = Command::new(self.program);
        command
            .args(arguments)
            .current_dir(self.directory)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        std::thread::scope(|scope| {
            // Beside the reading: both pipes can be full at once.
            let written = input.map(|mut input| scope.spawn(move || input.write_all(stdin)));
            let output = child.wait_with_output()?;
            match written.map(std::thread::ScopedJoinHandle::join) {
                // A program may know enough before it has read everything.
                Some(Ok(Err(error))) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
                _ => {}
            }
            Ok(Said { code: output.status.code(), stdout: output.stdout, stderr: output.stderr })
        })
    }
}
