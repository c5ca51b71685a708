//! Whether and when something is tried again. Pure: `(state, input, now) -> decision`.
//!
//! Knows no node's place in a graph, no process and no clock.

pub mod breaker;
mod retry;

pub use retry::{Decision, Failure, Turn, decide};
