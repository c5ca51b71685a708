//! The parent's ends of a program's pipes, served whenever they can be.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use tokio::io::{Interest, Ready};

use super::capture::{Capture, Stream};
use super::watched::{WatchedFd, watch};
use super::{Source, Tee};

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;

thread_local! {
    /// One place to read to, for all programs.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into());
}

/// A stream of a program, read to its end and kept within bounds.
#[derive(Debug)]
pub(super) struct Reader {
    pipe: Option<WatchedFd>,
    source: Source,
    capture: Capture,
}

impl Reader {
    /// The end to read, and the one for the program.
    pub(super) fn new(source: Source) -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = io::pipe().map(|(ours, theirs)| (OwnedFd::from(ours), OwnedFd::from(theirs)))?;
        // A program can open its output for reading, too, and must not make its runner wait for what it took.
        rustix::io::ioctl_fionbio(&ours, true)?;
        let pipe = Some(watch(ours, Interest::READABLE)?);
        Ok((Self { pipe, source, capture: Capture::default() }, theirs))
    }

    /// Reads what is there; ready when the stream has ended. One that cannot be read any more has ended.
    pub(super) fn poll_end(&mut self, tee: Option<&Tee>, context: &mut Context<'_>) -> Poll<()> {
        while let Some(pipe) = &self.pipe {
            let Ok(mut guard) = ready!(pipe.poll_read_ready(context)) else { break };
            // Who has closed an empty pipe need not be asked for more: most programs print nothing.
            if guard.ready() == Ready::READ_CLOSED {
                break;
            }
            let is_over =
                BUFFER.with_borrow_mut(|buffer| match rustix::io::read(pipe.as_fd(), &mut buffer[..]) {
                    Ok(0) => true,
                    Ok(len) => {
                        self.capture.push(&buffer[..len]);
                        if let Some(tee) = tee {
                            tee(self.source, &buffer[..len]);
                        }
                        // It is empty now, and what comes later is announced again.
                        if len < buffer.len() {
                            guard.clear_ready();
                        }
                        false
                    }
                    Err(Errno::AGAIN) => {
                        guard.clear_ready();
                        false
                    }
                    Err(error) => error != Errno::INTR,
                });
            if is_over {
                break;
            }
        }
        self.pipe = None;
        Poll::Ready(())
    }

    pub(super) const fn is_over(&self) -> bool {
        self.pipe.is_none()
    }

    pub(super) fn finish(self) -> Stream {
        self.capture.finish()
    }
}

/// What a program is given to read.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pipe: Option<WatchedFd>,
    text: Vec<u8>,
    written: usize,
}

impl Writer {
    /// The end to write, and the one for the program. What fits into the pipe is in it already.
    pub(super) fn new(text: Vec<u8>) -> io::Result<(Self, OwnedFd)> {
        let (theirs, ours) = io::pipe().map(|(theirs, ours)| (OwnedFd::from(theirs), OwnedFd::from(ours)))?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let mut written = 0;
        while written < text.len()
            && let Ok(len) = rustix::io::write(&ours, &text[written..])
        {
            written += len;
        }
        if written == text.len() {
            return Ok((Self::default(), theirs));
        }
        let pipe = Some(watch(ours, Interest::WRITABLE)?);
        Ok((Self { pipe, text, written }, theirs))
    }

    /// Writes what can be written; ready when all is, or nobody reads any more.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(pipe) = &self.pipe {
            let Ok(mut guard) = ready!(pipe.poll_write_ready(context)) else { break };
            match rustix::io::write(pipe.as_fd(), &self.text[self.written..]) {
                Ok(len) => self.written += len,
                Err(Errno::AGAIN) => guard.clear_ready(),
                Err(Errno::INTR) => {}
                Err(error) => {
                    // A program need not read all that it is given.
                    tracing::debug!(%error, "standard input was not read to its end");
                    break;
                }
            }
            if self.written == self.text.len() {
                break;
            }
        }
        *self = Self::default();
        Poll::Ready(())
    }
}
