//! Writes on a thread of its own what a reader may be slow to take, or never take: the run does not wait for it, and
//! so keeps its deadlines and hears its signals. What waits is bounded by what the report holds anyway.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use tokio::sync::oneshot;

/// What is handed on at the latest: a document is written while its end is still being made.
const CHUNK: usize = 64 * 1024;

/// How much may wait before a reader counts as too slow for what it need not see.
const BEHIND: usize = 4 * 1024 * 1024;

/// A writer that never blocks. `flush` hands on what was written since the last one.
#[derive(Debug)]
pub(super) struct Outbox {
    buffer: Vec<u8>,
    chunks: mpsc::Sender<Vec<u8>>,
    failed: Arc<AtomicBool>,
    /// Bytes that were handed on and are not written yet.
    waiting: Arc<AtomicUsize>,
    done: Done,
}

/// Tells when everything is written, or why it cannot be.
pub(super) type Done = oneshot::Receiver<io::Result<()>>;

impl Outbox {
    /// Starts the thread.
    pub(super) fn to(mut writer: impl Write + Send + 'static) -> Self {
        let (chunks, waiting) = mpsc::channel::<Vec<u8>>();
        let (tell, done) = oneshot::channel();
        let failed = Arc::new(AtomicBool::new(false));
        let has_failed = Arc::clone(&failed);
        let unwritten = Arc::new(AtomicUsize::new(0));
        let still_waiting = Arc::clone(&unwritten);
        std::thread::spawn(move || {
            let mut written = Ok(());
            while let Ok(chunk) = waiting.recv() {
                written = writer.write_all(&chunk).and_then(|()| writer.flush());
                still_waiting.fetch_sub(chunk.len(), Ordering::Relaxed);
                if written.is_err() {
                    has_failed.store(true, Ordering::Relaxed);
                    break;
                }
            }
            // Nobody may be left to hear it.
            _ = tell.send(written);
        });
        Self { buffer: Vec::new(), chunks, failed, waiting: unwritten, done }
    }

    /// Whether the reader is so slow that what it need not see is better left out.
    pub(super) fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > BEHIND
    }

    /// Hands on the last of it, and tells when it is written.
    pub(super) fn close(mut self) -> Done {
        if self.flush().is_err() {
            tracing::debug!("the writer has stopped before the end");
        }
        self.done
    }
}

impl Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    /// Fails where an earlier chunk could not be written; `close` says why.
    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.buffer);
        if self.failed.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if chunk.is_empty() {
            return Ok(());
        }
        self.waiting.fetch_add(chunk.len(), Ordering::Relaxed);
        self.chunks.send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_arrives_in_order_and_a_failure_is_told() {
        let (reader, writer) = io::pipe().unwrap();
        let mut outbox = Outbox::to(writer);
        for n in 0..1000 {
            writeln!(outbox, "{n}").unwrap();
            outbox.flush().unwrap();
        }
        let done = outbox.close();
        let text = io::read_to_string(reader).unwrap();
        assert_eq!(text, (0..1000).map(|n| format!("{n}\n")).collect::<String>());
        assert!(done.blocking_recv().unwrap().is_ok());

        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut outbox = Outbox::to(full);
        outbox.write_all(b"x").unwrap();
        let error = outbox.close().blocking_recv().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_reader_that_does_not_read_holds_up_nobody() {
        let (_reader, writer) = io::pipe().unwrap();
        let mut outbox = Outbox::to(writer);
        // Far more than a pipe holds.
        for _ in 0..100 {
            outbox.write_all(&[b'x'; 100_000]).unwrap();
            outbox.flush().unwrap();
        }
    }
}
