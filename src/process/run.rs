//! One program from its start to the end of the last of its processes that `onex` looks after.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};

use super::capture::{Capture, Stream};
use super::group::Group;
use crate::base::clock;
use crate::base::stop::{StopLevel, StopReceiver};

/// The time between being asked to end and being killed: `execution.md`, "Stop ladder".
pub const GRACE: Duration = Duration::from_secs(5);

/// How long the output of a program that has ended is still read: a daemon that it left behind may hold it for ever.
const DRAIN: Duration = Duration::from_millis(200);

/// How long killed processes may take to disappear before they are given up on.
const REAP: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Clone, Debug)]
pub struct Program {
    /// The file to run.
    pub file: PathBuf,
    /// Its name for itself, then its arguments.
    pub argv: Vec<String>,
    /// The environment that it shares with others.
    pub inherited: Arc<[(OsString, OsString)]>,
    /// What it has beside that, or instead; the last of a name counts.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory.
    pub directory: PathBuf,
    /// What it reads; an empty input where there is none.
    pub stdin: Option<Vec<u8>>,
}

/// How a program ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// The code that it ended with.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: Stream,
    /// What it printed beside that.
    pub stderr: Stream,
    /// Whether it ended after it was asked to.
    pub stopped: bool,
    /// Whether a process that it left behind still held its output when reading stopped.
    pub leaked: bool,
}

/// A program could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start `{}`: {source}", .file.display())]
pub struct SpawnError {
    file: PathBuf,
    source: std::io::Error,
}

/// Runs a program in a process group of its own, until it ends or `stop` asks for its end.
///
/// # Errors
///
/// If the program could not be started: then nothing has happened.
pub async fn run(program: Program, stop: StopReceiver) -> Result<Exit, SpawnError> {
    let mut child = spawn(&program)?;
    let group = child.id().and_then(Group::led_by);
    let (mut stdout, mut stderr) = (Capture::default(), Capture::default());
    let streams = (child.stdout.take(), child.stderr.take());
    let stdin = child.stdin.take();
    let is_read = AtomicBool::new(false);
    let watched = {
        // Served at once: a program that writes before it reads must not wait for a reader that waits for it.
        let read = async { tokio::join!(stdout.fill(streams.0), stderr.fill(streams.1)) };
        let pump = async {
            let reading = async {
                read.await;
                is_read.store(true, Ordering::Relaxed);
            };
            tokio::join!(reading, feed(stdin, program.stdin));
        };
        watch(&mut child, pump, (group, stop)).await
    };
    let status = watched.status;
    Ok(Exit {
        code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        stdout: stdout.finish(),
        stderr: stderr.finish(),
        stopped: watched.stopped,
        leaked: !watched.stopped && !is_read.load(Ordering::Relaxed),
    })
}

/// Without `pre_exec`, so that the standard library can use `posix_spawn`: a fork copies page tables.
#[expect(clippy::disallowed_methods, reason = "the home of processes")]
fn spawn(program: &Program) -> Result<Child, SpawnError> {
    let (name, arguments) =
        program.argv.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    let mut command = std::process::Command::new(&program.file);
    std::os::unix::process::CommandExt::arg0(&mut command, name);
    let env = program.inherited.iter().chain(&program.env).map(|(name, value)| (name, value));
    command.args(arguments).env_clear().envs(env);
    command.current_dir(&program.directory);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut command = Command::from(command);
    command
        .stdin(if program.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().map_err(|source| SpawnError { file: program.file.clone(), source })
}

async fn feed(stdin: Option<ChildStdin>, text: Option<Vec<u8>>) {
    let (Some(mut stdin), Some(text)) = (stdin, text) else { return };
    // A program need not read all that it is given.
    if let Err(error) = stdin.write_all(&text).await {
        tracing::debug!(%error, "standard input was not read to its end");
    }
}

struct Watched {
    ended: bool,
    /// Nothing where the kernel could not tell.
    status: Option<ExitStatus>,
    stopped: bool,
}

/// Waits for the end of the child and of its output, and stops both when asked to.
async fn watch(
    child: &mut Child,
    pump: impl Future<Output = ()>,
    (group, mut stop): (Option<Group>, StopReceiver),
) -> Watched {
    tokio::pin!(pump);
    let mut watched = Watched { ended: false, status: None, stopped: false };
    let mut pumped = false;
    let mut level = StopLevel::None;
    let mut kill_at = Timer::default();
    let mut drained_at = Timer::default();
    while !(pumped && watched.ended) {
        tokio::select! {
            biased;
            status = child.wait(), if !watched.ended => {
                watched.ended = true;
                watched.status = status.inspect_err(|error| tracing::warn!(%error, "an exit status is lost")).ok();
                drained_at.set(DRAIN);
            }
            () = &mut pump, if !pumped => pumped = true,
            // What has ended by itself may have left a daemon behind on purpose.
            asked = stop.above(level), if !watched.ended => {
                level = asked;
                watched.stopped = true;
                if let Some(group) = group {
                    if level == StopLevel::Kill { group.kill() } else { group.terminate() }
                }
                kill_at.set(GRACE);
            }
            () = kill_at.passed() => {
                if let Some(group) = group {
                    group.kill();
                }
            }
            () = drained_at.passed() => break,
        }
    }
    if watched.stopped
        && let Some(group) = group
    {
        end_group(group, kill_at, async { _ = stop.above(level).await }).await;
    }
    watched
}

/// Waits for what is left of a group that was asked to end, kills it when its grace is over, and sees it gone.
///
/// Its leader has been reaped, so its number could in theory be given to a stranger; the kernel hands out numbers
/// in turn, and a group that is gone is not signalled.
async fn end_group(group: Group, kill_at: Timer, killed_sooner: impl Future<Output = ()>) {
    let gone = tokio::select! {
        gone = group.gone(kill_at.left()) => gone,
        () = killed_sooner => false,
    };
    if gone {
        return;
    }
    group.kill();
    if !group.gone(REAP).await {
        tracing::warn!("processes of a stopped node are still there after they were killed");
    }
}

/// A moment in the future, perhaps.
#[derive(Clone, Copy, Debug, Default)]
struct Timer(Option<tokio::time::Instant>);

impl Timer {
    fn set(&mut self, after: Duration) {
        self.0 = Some(tokio::time::Instant::now() + after);
    }

    /// Waits for the moment, and once; for ever where there is none.
    async fn passed(&mut self) {
        match self.0 {
            Some(_) => clock::sleep(self.left()).await,
            None => std::future::pending().await,
        }
        self.0 = None;
    }

    fn left(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |at| at.saturating_duration_since(tokio::time::Instant::now()))
    }
}
