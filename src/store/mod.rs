//! What outlives a run, behind the ports of the engine.
//!
//! Knows no rule of what it keeps: whoever changes a state brings the change along.

mod circuits;
mod exchange;
#[cfg(test)]
mod tests;
mod trust;

pub use circuits::FileCircuits;
pub use trust::{TrustError, TrustFile};
