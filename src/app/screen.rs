//! What is on the terminal: what was printed, and below it a block that tells how far the run is.
//!
//! Reports go to stdout and the block to stderr, which are mostly the same terminal. All that is written passes here,
//! so that the block is taken away first and no line is torn. The block is drawn by a thread of its own: the run does
//! not wait for a terminal.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use is_terminal::IsTerminal as _;
use tokio::sync::oneshot;

use super::outbox::{Done, Outbox};
use crate::base::{Clock as _, NodeId, SystemClock, text};
use crate::model::event::{EventKind, RunEvent};
use crate::model::report::ReportFold;
use crate::report::Progress;
use crate::report::github::CommandGuard;

/// The least time between two drawings, and the time between two looks at what is to be drawn: at most 20 in a second.
const TICK: Duration = Duration::from_millis(50);

/// A run that says nothing for this long gives a sign of life.
const SILENCE: Duration = Duration::from_secs(30);

/// How a run shows how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A block that is redrawn.
    Block,
    /// A line when a node starts, and one when it ends.
    Lines,
    /// A line now and then in a long silence.
    SignsOfLife,
    /// Nothing.
    Nothing,
}

/// The process's two streams, and the block.
#[derive(Debug)]
pub struct Screen {
    clock: SystemClock,
    out_is_terminal: bool,
    err_is_terminal: bool,
    /// Where somebody reads along who carries out commands: one for each stream.
    guards: Option<[Mutex<CommandGuard>; 2]>,
    /// Held for moments only.
    progress: Mutex<Option<Progress>>,
    /// Held while something is written to a terminal.
    drawn: Mutex<Drawn>,
    /// When something was written last, in milliseconds.
    last_said: AtomicU64,
}

/// What the block looks like on the terminal now.
#[derive(Debug, Default)]
struct Drawn {
    lines: Vec<String>,
    /// Whether the last thing that was written did not end its line: nothing can be drawn below it.
    mid_line: bool,
    at: Option<Duration>,
    /// How many have asked for a pause that is not over.
    pauses: i32,
}

/// The two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Out,
    /// stdout, for documents that are passed on as they are.
    Document,
    Err,
    /// stderr, for what is to be carried out by who reads along.
    Commands,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Screen {
    /// The process's own streams.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: SystemClock::start(),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            guards: None,
            progress: Mutex::new(None),
            drawn: Mutex::new(Drawn::default()),
            last_said: AtomicU64::new(0),
        }
    }

    /// The same where somebody reads along who carries out commands: none may come from what nodes print.
    #[must_use]
    pub fn guarded(self) -> Self {
        Self { guards: Some(Default::default()), ..self }
    }

    /// Whether somebody reads along who carries out commands.
    #[must_use]
    pub const fn is_guarded(&self) -> bool {
        self.guards.is_some()
    }

    /// Whether stdout is a terminal.
    #[must_use]
    pub const fn out_is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    /// Whether stderr is a terminal.
    #[must_use]
    pub const fn err_is_terminal(&self) -> bool {
        self.err_is_terminal
    }

    /// The columns of stdout; as many as are wanted where it has none.
    #[must_use]
    pub fn out_columns(&self) -> usize {
        size_of(&io::stdout()).map_or(usize::MAX, |(columns, _)| columns)
    }

    /// The columns of stderr; as many as are wanted where it has none.
    #[must_use]
    pub fn err_columns(&self) -> usize {
        size_of(&io::stderr()).map_or(usize::MAX, |(columns, _)| columns)
    }

    fn now(&self) -> Duration {
        self.clock.now().since_start()
    }

    fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        self.last_said.store(self.clock.now().as_millis(), Ordering::Relaxed);
        let is_terminal = match stream {
            Stream::Out | Stream::Document => self.out_is_terminal,
            Stream::Err | Stream::Commands => self.err_is_terminal,
        };
        let bytes = match (&self.guards, stream) {
            (Some([out, _]), Stream::Out) => &*lock(out).pass(bytes),
            (Some([_, err]), Stream::Err) => &*lock(err).pass(bytes),
            (None, _) | (_, Stream::Document | Stream::Commands) => bytes,
        };
        if !is_terminal {
            return write_to(stream, bytes);
        }
        let mut drawn = lock(&self.drawn);
        self.erase(&mut drawn)?;
        write_to(stream, bytes)?;
        drawn.mid_line = bytes.last().is_some_and(|&byte| byte != b'\n');
        // The first drawing is the ticker's: a short run has none.
        if drawn.at.is_some() { self.draw(&mut drawn) } else { Ok(()) }
    }

    /// Takes the block away while others have the terminal: what they print is no part of it. A terminal that takes
    /// nothing is not waited for.
    pub fn pause(self: &Arc<Self>) {
        let (tell, erased) = mpsc::channel();
        let screen = Arc::clone(self);
        std::thread::spawn(move || {
            let mut drawn = lock(&screen.drawn);
            drawn.pauses += 1;
            // Nobody may be left to hear it.
            _ = tell.send(screen.erase(&mut drawn));
        });
        if !matches!(erased.recv_timeout(TICK), Ok(Ok(()))) {
            tracing::debug!("the terminal is closed, or takes nothing");
        }
    }

    /// The end of a pause.
    pub fn resume(self: &Arc<Self>) {
        let screen = Arc::clone(self);
        let resumed = move || lock(&screen.drawn).pauses -= 1;
        // Who still writes to a terminal that takes nothing holds up nobody else.
        match self.drawn.try_lock() {
            Ok(mut drawn) => drawn.pauses -= 1,
            Err(_) => drop(std::thread::spawn(resumed)),
        }
    }

    /// Takes the block away.
    fn erase(&self, drawn: &mut Drawn) -> io::Result<()> {
        if drawn.lines.is_empty() {
            return Ok(());
        }
        let up = rows_of(&drawn.lines, size().0);
        drawn.lines.clear();
        write_to(Stream::Err, format!("\r\u{1b}[{up}A\u{1b}[J").as_bytes())
    }

    /// Draws the block as it is now, in place of the one that is there.
    fn draw(&self, drawn: &mut Drawn) -> io::Result<()> {
        let now = self.now();
        let size = size();
        let lines = lock(&self.progress).as_ref().map(|progress| progress.block(now, size));
        let Some(lines) = lines else { return self.erase(drawn) };
        let too_early = drawn.at.is_some_and(|at| now.saturating_sub(at) < TICK);
        if too_early || drawn.pauses > 0 || drawn.mid_line || drawn.lines == lines || !is_in_front() {
            return Ok(());
        }
        // In one piece, or it flickers.
        let mut bytes = String::new();
        if !drawn.lines.is_empty() {
            bytes.push_str(&format!("\r\u{1b}[{}A", rows_of(&drawn.lines, size.0)));
        }
        for line in &lines {
            bytes.push_str(line);
            bytes.push_str("\u{1b}[K\n");
        }
        bytes.push_str("\u{1b}[J");
        (drawn.lines, drawn.at) = (lines, Some(now));
        write_to(Stream::Err, bytes.as_bytes())
    }

    fn tick(&self, shape: Shape) -> io::Result<()> {
        match shape {
            Shape::Block => self.draw(&mut lock(&self.drawn)),
            Shape::SignsOfLife => {
                let now = self.now();
                let silent =
                    now.saturating_sub(Duration::from_millis(self.last_said.load(Ordering::Relaxed)));
                if silent < SILENCE {
                    return Ok(());
                }
                let line = lock(&self.progress).as_ref().map(|progress| progress.sign_of_life(now));
                line.map_or(Ok(()), |line| self.write(Stream::Err, format!("{line}\n").as_bytes()))
            }
            Shape::Lines | Shape::Nothing => Ok(()),
        }
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

/// Columns and rows of the block's terminal, now: people change them.
pub(super) fn size() -> (usize, usize) {
    size_of(&io::stderr()).unwrap_or((80, 24))
}

fn size_of(stream: &impl rustix::fd::AsFd) -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col.into(), size.ws_row.into()))
}

/// The rows that lines take on a terminal that may have become narrower since they were drawn.
pub(super) fn rows_of(lines: &[String], columns: usize) -> usize {
    lines.iter().map(|line| text::cells(line).div_ceil(columns.max(1)).max(1)).sum()
}

/// Whether the terminal is ours: what runs in the background does not draw.
fn is_in_front() -> bool {
    rustix::termios::tcgetpgrp(io::stderr()).map_or(true, |group| group == rustix::process::getpgrp())
}

fn write_to(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Out | Stream::Document => {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        Stream::Err | Stream::Commands => io::stderr().lock().write_all(bytes),
    }
}

/// One of the two streams, past the block.
#[derive(Clone, Debug)]
pub struct Writer {
    screen: Arc<Screen>,
    stream: Stream,
}

impl Writer {
    /// What goes to stdout as it is: a document, not a report, in which nothing may be rewritten.
    #[must_use]
    pub const fn document(screen: Arc<Screen>) -> Self {
        Self { screen, stream: Stream::Document }
    }

    /// stdout.
    #[must_use]
    pub const fn out(screen: Arc<Screen>) -> Self {
        Self { screen, stream: Stream::Out }
    }

    /// stderr.
    #[must_use]
    pub const fn err(screen: Arc<Screen>) -> Self {
        Self { screen, stream: Stream::Err }
    }

    /// stderr, for commands to who reads along.
    #[must_use]
    pub const fn commands(screen: Arc<Screen>) -> Self {
        Self { screen, stream: Stream::Commands }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.screen.write(self.stream, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shows how far a run is, until it is dropped.
pub(super) struct Display {
    screen: Arc<Screen>,
    /// Hung up at the end.
    ticker: Option<mpsc::Sender<()>>,
    done: Option<Done>,
    /// Where lines go, of those who want lines.
    lines: Option<Outbox>,
    /// Nodes that have the terminal for themselves while they run.
    alone: HashSet<NodeId>,
}

impl Display {
    pub(super) fn start(
        screen: &Arc<Screen>,
        shape: Shape,
        progress: Progress,
        alone: HashSet<NodeId>,
    ) -> Self {
        let mut display = Self { screen: Arc::clone(screen), ticker: None, done: None, lines: None, alone };
        match shape {
            Shape::Nothing => return display,
            Shape::Lines => display.lines = Some(Outbox::to(Writer::err(Arc::clone(screen)))),
            Shape::Block | Shape::SignsOfLife => {
                let (ticker, hung_up) = mpsc::channel();
                (display.ticker, display.done) =
                    (Some(ticker), Some(tick(Arc::clone(screen), shape, hung_up)));
            }
        }
        *lock(&screen.progress) = Some(progress);
        display
    }

    /// Takes one more event; `so_far` is the report with it.
    pub(super) fn event(&mut self, event: &RunEvent, so_far: &ReportFold) {
        match &event.kind {
            EventKind::AttemptStarted { node_id, .. } if self.alone.contains(node_id) => self.screen.pause(),
            EventKind::AttemptFinished(attempt) if self.alone.contains(&attempt.node_id) => {
                self.screen.resume();
            }
            _ => {}
        }
        let mut progress = lock(&self.screen.progress);
        let Some(known) = progress.as_mut() else { return };
        known.event(event, so_far, self.screen.now());
        if let Some(lines) = &mut self.lines
            && let Some(line) = known.plain(event, so_far)
            && writeln!(lines, "{line}").and_then(|()| lines.flush()).is_err()
        {
            self.lines = None;
        }
    }

    /// Takes the block away, and tells when it is gone.
    pub(super) fn stop(mut self) -> Option<Done> {
        self.lines.take().map(Outbox::close).or_else(|| self.done.take())
    }
}

/// Draws until it is hung up, and tells when the block is gone.
fn tick(screen: Arc<Screen>, shape: Shape, hung_up: mpsc::Receiver<()>) -> Done {
    let (tell, done) = oneshot::channel();
    std::thread::spawn(move || {
        while matches!(hung_up.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
            // A terminal that is gone is told of by those who have something to say.
            if screen.tick(shape).is_err() {
                break;
            }
        }
        let erased = screen.erase(&mut lock(&screen.drawn));
        // Nobody may be left to hear it.
        _ = tell.send(erased);
    });
    done
}

impl Drop for Display {
    fn drop(&mut self) {
        *lock(&self.screen.progress) = None;
    }
}
