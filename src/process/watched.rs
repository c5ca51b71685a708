//! Descriptors that the runtime watches.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor of our own that the runtime watches until it is closed.
pub(super) type WatchedFd = AsyncFd<OwnedFd>;

/// Has a descriptor watched from now on.
#[expect(unsafe_code, reason = "the runtime wants a promise that the type keeps")]
pub(super) fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<WatchedFd> {
    // SAFETY: an `OwnedFd` is open and stays the same for as long as the watched value owns it.
    unsafe { AsyncFd::register_with_interest(descriptor, interest) }.map_err(io::Error::from)
}
