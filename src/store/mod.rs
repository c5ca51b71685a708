//! What outlives a run, behind the ports of the engine.
//!
//! Knows no rule of what it keeps: whoever changes a state brings the change along.

mod circuits;
mod document;
mod last_runs;
#[cfg(test)]
mod tests;

pub use circuits::FileCircuits;
pub use last_runs::{FileLastRuns, LastRunsError, LeftToDo};
