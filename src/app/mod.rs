//! Use cases: what `onex` can be asked to do, whoever asks.
//!
//! `runtime` is the only place where adapters are built, [`console`] the only one that knows stdout and stderr.

pub mod console;
pub mod contract;
mod environment;
pub mod error;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod import;
pub mod init;
pub mod install;
pub mod list;
pub mod logging;
mod outbox;
mod place;
pub mod plan;
pub mod registry;
pub mod reports;
pub mod run;
mod runtime;
pub mod scaffold;
pub mod schema;
pub mod screen;
pub mod selection;
mod sinks;
pub mod stage;
pub mod validate;

pub use crate::model::exit::ExitCode;
pub use crate::orchestrators::FileChoice;
pub use contract::root_above;
pub use environment::Environment;
pub use place::ChangeWish;
