//! Use cases: what `onex` can be asked to do, whoever asks.
//!
//! `runtime` is the only place where adapters are built, [`console`] the only one that knows stdout and stderr.

pub mod completions;
pub mod console;
pub mod contract;
pub mod doctor;
mod environment;
pub mod error;
pub mod explain;
mod github;
pub mod logging;
pub mod man;
mod outbox;
pub mod overview;
mod places;
pub mod plan;
pub mod reports;
pub mod run;
mod runtime;
pub mod screen;
mod sinks;
pub mod validate;

pub use environment::Environment;
