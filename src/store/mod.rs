//! What outlives a run: the states of circuits, behind a port of the engine, and what each stage left to do.
//!
//! Knows no rule of what it keeps: whoever changes a state brings the change along.

mod circuits;
mod document;
mod exchange;
mod last_runs;
#[cfg(test)]
mod tests;
mod trust;

pub use circuits::FileCircuits;
pub use last_runs::{FileLastRuns, LastRunsError, LeftToDo};
pub use trust::{TrustError, TrustFile};
