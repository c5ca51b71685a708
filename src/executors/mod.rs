//! Carries out actions: one file, one kind of action.
//!
//! Knows nothing of reports: what happened goes back to the engine as an outcome.

pub mod command;
mod program;
mod scratch;

pub use scratch::Scratch;
