//! Programs: started in a group of their own, captured within bounds, stopped up a ladder. And the signals that ask
//! `onex` itself to stop.
//!
//! The only room that starts and kills processes. Knows no node and no contract.

mod capture;
mod group;
mod limits;
mod locate;
mod run;
mod signals;
#[cfg(test)]
mod tests;

pub use capture::Stream;
pub use limits::most_at_once;
pub use locate::Locator;
pub use run::{Exit, Program, SpawnError, run};
pub use signals::SignalStream;
