//! Use cases: what `onex` can be asked to do, whoever asks.
//!
//! `runtime` is the only place where adapters are built, [`console`] the only one that knows stdout and stderr.

mod basis;
pub mod completions;
pub mod console;
pub mod contract;
pub mod doctor;
mod environment;
pub mod error;
pub mod explain;
pub mod fmt;
mod github;
pub mod graph;
pub mod import;
pub mod init;
pub mod install;
pub mod list;
pub mod logging;
pub mod man;
mod outbox;
pub mod overview;
mod place;
mod places;
pub mod plan;
pub mod registry;
pub mod reports;
pub mod run;
mod runtime;
pub mod scaffold;
pub mod schema;
pub mod screen;
pub mod selection;
mod settle;
mod sinks;
pub mod stage;
pub mod validate;

pub use crate::model::exit::ExitCode;
pub use crate::orchestrators::FileChoice;
pub use environment::Environment;
pub use place::ChangeWish;
