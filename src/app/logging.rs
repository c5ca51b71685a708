//! What `onex` says about itself: on stderr, and only when asked.

use std::sync::Arc;

use tracing::Level;
use tracing_subscriber::filter::LevelFilter;

use super::screen::{Screen, Writer};

/// Starts logging on a screen; `verbosity` counts `-v`. Warnings are always said.
pub fn start(verbosity: u8, screen: &Arc<Screen>) {
    let screen = Arc::clone(screen);
    let level = match verbosity {
        0 => Level::WARN,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from_level(level))
        .with_writer(move || Writer::err(Arc::clone(&screen)))
        .without_time()
        .with_target(false)
        .with_ansi(false)
        // A log that cannot be written is no reason to stop; the default is to panic.
        .log_internal_errors(false)
        .finish();
    // A library user may have set a subscriber of their own: theirs counts.
    _ = tracing::subscriber::set_global_default(subscriber);
}
