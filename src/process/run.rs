//! One program from its start to the end of the last of its processes that `onex` looks after.

use std::ffi::OsString;
use std::fmt;
use std::future::poll_fn;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind};

use super::capture::Stream;
use super::child::{Child, Ending};
use super::group::Group;
use super::limits::Limits;
use super::pipes::{Reader, Writer};
use super::reap::Used;
use super::sandbox::{Confinement, NotConfined};
use super::spawn::{self, Order};
use super::terminal::Terminal;
use super::variables::{Inherited, Variables};
use super::{registry, signals, suspend, sweep};
use crate::base::clock;
use crate::base::stop::{GRACE, StopLevel, StopReceiver};

/// How long the output of a program that has ended is still read: a daemon that it left behind may hold it for ever.
const DRAIN: Duration = Duration::from_millis(200);

/// How long killed processes may take to disappear before they are given up on.
const REAP: Duration = Duration::from_secs(1);

/// How long a program is left alone before its end is watched. Most have closed their output by then, which says the
/// same and is watched anyway.
const LET_RUN: Duration = Duration::from_millis(10);

/// The time between two looks at orphans that have ended.
const TIDY: Duration = Duration::from_secs(1);

/// Being suspended for less than this means that it did not happen.
const NO_SLEEP: Duration = Duration::from_millis(100);

/// One of the two streams of a program's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Is told every piece of output as it is read.
pub type Tee = Arc<dyn Fn(Source, &[u8]) + Send + Sync>;

/// What a program reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// Nothing.
    #[default]
    Empty,
    /// This.
    Text(Vec<u8>),
    /// What `onex` reads. Where that is a terminal, the program is in its foreground while it runs.
    Inherit,
}

/// What to run.
#[derive(Clone, Default)]
pub struct Program {
    /// The file to run.
    pub file: PathBuf,
    /// Its name for itself, then its arguments.
    pub argv: Vec<String>,
    /// Further arguments, which need be no text.
    pub files: Vec<OsString>,
    /// The environment that it shares with others.
    pub inherited: Arc<Inherited>,
    /// What it has beside that, or instead; the last of a name counts.
    pub env: Variables,
    /// Its working directory.
    pub directory: PathBuf,
    /// What it reads.
    pub stdin: Input,
    /// What every process of it carries in its environment as `ONEX_ATTEMPT`, so that it is found wherever it goes.
    pub mark: Option<String>,
    /// What it may take.
    pub limits: Limits,
    /// What it and all that it starts are held to.
    pub sandbox: Option<Arc<Confinement>>,
    /// Who is told what it prints while it prints it, beside what is kept.
    pub tee: Option<Tee>,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An environment can hold secrets.
        let mut program = f.debug_struct("Program");
        program.field("file", &self.file).field("argv", &self.argv).field("directory", &self.directory);
        program.finish_non_exhaustive()
    }
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
    /// What it used.
    pub used: Used,
}

/// A program could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start `{}`: {source}", .file.display())]
pub struct SpawnError {
    file: PathBuf,
    source: std::io::Error,
}

impl SpawnError {
    /// Whether it was not started because its sandbox could not be entered.
    #[must_use]
    pub fn is_for_want_of_its_sandbox(&self) -> bool {
        matches!(self.source.get_ref(), Some(source) if source.is::<NotConfined>())
    }
}

/// Runs a program in a process group of its own, until it ends or `stop` asks for its end.
///
/// # Errors
///
/// If the program could not be started: then nothing has happened.
pub async fn run(program: Program, stop: StopReceiver) -> Result<Exit, SpawnError> {
    let file = program.file.clone();
    let mut running = Running::start(program).map_err(|source| SpawnError { file, source })?;
    let watched = running.watch(stop).await;
    let (ending, used) = watched.ending.unwrap_or_default();
    let leaked = !watched.stopped && !running.is_read();
    Ok(Exit {
        code: ending.code,
        signal: ending.signal,
        stdout: running.stdout.finish(),
        stderr: running.stderr.finish(),
        stopped: watched.stopped,
        leaked,
        used,
    })
}

/// A program that was started, with all that is held for it.
struct Running {
    child: Child,
    stdin: Writer,
    stdout: Reader,
    stderr: Reader,
    tee: Option<Tee>,
    mark: Option<String>,
    /// The terminal that it was given; taken back when this is gone.
    foreground: Option<Foreground>,
}

/// A program that reads from the terminal: people can stop it there, and then `onex` stops, too.
struct Foreground {
    terminal: Terminal,
    /// Says that a child has ended or stopped.
    child: Option<Signal>,
    /// Says that `onex` was continued, perhaps in the foreground again.
    resume: Option<Signal>,
}

#[derive(Default)]
struct Watched {
    ending: Option<(Ending, Used)>,
    stopped: bool,
}

impl Running {
    fn start(mut program: Program) -> std::io::Result<Self> {
        let (stdout, their_stdout) = Reader::new(Source::Out)?;
        let (stderr, their_stderr) = Reader::new(Source::Err)?;
        let inherits = program.stdin == Input::Inherit;
        let (stdin, their_stdin) = match std::mem::take(&mut program.stdin) {
            Input::Text(text) => Writer::new(text).map(|(stdin, theirs)| (stdin, Some(theirs)))?,
            Input::Empty | Input::Inherit => (Writer::default(), None),
        };
        if let Some(mark) = &program.mark {
            let outer = program.inherited.get(sweep::VARIABLE).filter(|outer| !outer.is_empty());
            let mut marks = outer.map(OsString::from).unwrap_or_default();
            if outer.is_some() {
                marks.push(" ");
            }
            marks.push(mark);
            program.env.push(sweep::VARIABLE, marks);
        }
        let mut foreground = if inherits { Foreground::of_input()? } else { None };
        let input: BorrowedFd<'_> = match &their_stdin {
            Some(input) => input.as_fd(),
            None if inherits => rustix::stdio::stdin(),
            None => spawn::empty_input()?,
        };
        let streams = [input, their_stdout.as_fd(), their_stderr.as_fd()];
        let terminal = foreground.as_ref().and_then(|foreground| foreground.terminal.if_ours());
        let order = Order { program: &program, streams, terminal };
        let child = Child::start(|| spawn::spawn(&order))?;
        if let Some(foreground) = &mut foreground {
            foreground.terminal.give(child.group());
        }
        Ok(Self { child, stdin, stdout, stderr, tee: program.tee, mark: program.mark, foreground })
    }

    fn is_read(&self) -> bool {
        self.stdout.is_over() && self.stderr.is_over()
    }

    /// Waits for the end of the child and of its output, and stops both when asked to.
    async fn watch(&mut self, mut stop: StopReceiver) -> Watched {
        let Self { child, stdin, stdout, stderr, tee, mark, foreground } = self;
        let group = child.group();
        // Served at once: a program that writes before it reads must not wait for a reader that waits for it.
        let mut served = poll_fn(|context| {
            let streams = [
                stdout.poll_end(tee.as_ref(), context),
                stderr.poll_end(tee.as_ref(), context),
                stdin.poll_end(context),
            ];
            if streams.iter().all(Poll::is_ready) { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut watched = Watched::default();
        let mut is_served = false;
        let mut level = StopLevel::None;
        let mut kill_at = Timer::default();
        let mut drained_at = Timer::default();
        let mut let_run = pin!(clock::sleep(LET_RUN));
        let mut is_watched = false;
        while !(is_served && watched.ending.is_some()) {
            tokio::select! {
                biased;
                () = &mut served, if !is_served => {
                    is_served = true;
                    is_watched = true;
                }
                ending = child.wait(), if is_watched && watched.ending.is_none() => {
                    watched.ending = Some(ending);
                    drained_at.set(DRAIN);
                    if let Some(foreground) = foreground
                        && foreground.passes_on(ending.0).await
                    {
                        watched.stopped = true;
                        group.terminate();
                        kill_at.set(GRACE);
                    }
                }
                () = &mut let_run => {
                    is_watched = true;
                    registry::reap_orphans();
                    let_run.as_mut().reset(tokio::time::Instant::now() + TIDY);
                }
                change = Foreground::changed(foreground), if watched.ending.is_none() => {
                    if let Some(foreground) = foreground {
                        foreground.follow(change, child).await;
                    }
                }
                // What has ended by itself may have left a daemon behind on purpose.
                asked = stop.above(level), if watched.ending.is_none() => {
                    level = asked;
                    watched.stopped = true;
                    if level == StopLevel::Kill { group.kill() } else { group.terminate() }
                    kill_at.set(GRACE);
                }
                () = kill_at.passed() => group.kill(),
                () = drained_at.passed() => break,
            }
        }
        if watched.stopped {
            end_group(group, kill_at, async { _ = stop.above(level).await }).await;
            if let Some(mark) = mark {
                sweep(mark).await;
            }
        }
        watched
    }
}

impl Foreground {
    fn of_input() -> std::io::Result<Option<Self>> {
        let Some(terminal) = Terminal::of_input() else { return Ok(None) };
        let child = Some(signals::listen_to(SignalKind::child())?);
        let resume = Some(signals::listen_to(signals::RESUME)?);
        Ok(Some(Self { terminal, child, resume }))
    }

    /// Waits until the child may have stopped or `onex` was continued; for ever where there is no terminal.
    async fn changed(foreground: &mut Option<Self>) -> Change {
        match foreground {
            Some(Self { child, resume, .. }) => tokio::select! {
                () = signals::next_of(child) => Change::OfChild,
                () = signals::next_of(resume) => Change::Resumed,
            },
            None => std::future::pending().await,
        }
    }

    /// Whoever stops the child at the terminal stops `onex`, and whoever continues `onex` continues the child.
    async fn follow(&mut self, change: Change, child: &Child) {
        if change == Change::OfChild {
            if !child.has_stopped() {
                return;
            }
            self.terminal.take_back();
            if suspend::suspend_job() < NO_SLEEP {
                // Nobody could continue us, so we did not stop. A child that stops again and again must not keep us
                // busy.
                clock::sleep(NO_SLEEP).await;
            }
        }
        self.terminal.give(child.group());
        child.group().go_on();
    }

    /// Whoever ends the child at the terminal wants an end of `onex`: that is told here, as its group was not in the
    /// foreground to hear it.
    async fn passes_on(&self, ending: Ending) -> bool {
        let signal = match ending.signal {
            Some(libc::SIGINT | libc::SIGQUIT) if self.terminal.is_given() => SignalKind::interrupt(),
            _ if self.terminal.is_given() && self.terminal.is_gone() => SignalKind::hangup(),
            _ => return false,
        };
        signals::pass_on(signal).await
    }
}

/// What a program in the foreground has to be looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    OfChild,
    Resumed,
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

/// A moment in the future, perhaps. It moves on by the time that `onex` is suspended for.
#[derive(Clone, Copy, Debug, Default)]
struct Timer(Option<Moment>);

#[derive(Clone, Copy, Debug)]
struct Moment {
    at: tokio::time::Instant,
    asleep_before: Duration,
}

impl Timer {
    fn set(&mut self, after: Duration) {
        let asleep_before = suspend::time_asleep();
        self.0 = Some(Moment { at: tokio::time::Instant::now() + after, asleep_before });
    }

    /// Waits for the moment, and once; for ever where there is none.
    async fn passed(&mut self) {
        if self.0.is_none() {
            std::future::pending::<()>().await;
        }
        while !self.left().is_zero() {
            clock::sleep(self.left()).await;
        }
        self.0 = None;
    }

    fn left(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |moment| {
            let at = moment.at + suspend::time_asleep().saturating_sub(moment.asleep_before);
            at.saturating_duration_since(tokio::time::Instant::now())
        })
    }
}
