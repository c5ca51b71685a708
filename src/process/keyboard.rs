//! The keys of the terminal, as they are pressed: no line is gathered, and nothing is echoed.

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::io;
use tokio::io::Interest;

use super::watched::{WatchedFd, watch};

/// Standard input, a terminal, key by key. On every way out the terminal is as it was. Keys for signals stay that:
/// they come through [`super::SignalStream`].
#[derive(Debug)]
pub struct Keyboard {
    input: WatchedFd,
    before: Termios,
}

impl Keyboard {
    /// Takes the keys from here on. Needs the runtime of the signals.
    ///
    /// # Errors
    ///
    /// If standard input is no terminal.
    pub fn open() -> io::Result<Self> {
        let input = rustix::stdio::stdin();
        let before = tcgetattr(input)?;
        let own = rustix::io::fcntl_dupfd_cloexec(input, 3)?;
        let keyboard = Self { input: watch(own, Interest::READABLE)?, before };
        keyboard.take()?;
        Ok(keyboard)
    }

    /// Takes the keys again after [`Keyboard::give_back`].
    ///
    /// # Errors
    ///
    /// If the terminal is gone.
    pub fn take(&self) -> io::Result<()> {
        let mut settings = self.before.clone();
        settings.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        // Reading never waits: that there is something to read is known before.
        settings.special_codes[SpecialCodeIndex::VMIN] = 0;
        settings.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(self.input.get_ref(), OptionalActions::Now, &settings)?)
    }

    /// Makes the terminal what it was.
    pub fn give_back(&self) {
        if let Err(error) = tcsetattr(self.input.get_ref(), OptionalActions::Now, &self.before) {
            tracing::debug!(%error, "the terminal is gone");
        }
    }

    /// What was pressed next; nothing where the terminal is gone.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be read.
    pub async fn pressed(&self) -> io::Result<Vec<u8>> {
        let mut bytes = [0; 1024];
        loop {
            let mut ready = self.input.readable().await?;
            let read = rustix::io::read(self.input.get_ref(), &mut bytes)?;
            if read < bytes.len() {
                ready.clear_ready();
            }
            if read > 0 || tcgetattr(self.input.get_ref()).is_err() {
                return Ok(bytes[..read].to_vec());
            }
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.give_back();
    }
}
