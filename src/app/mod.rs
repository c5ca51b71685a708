//! Use cases: what `onex` can be asked to do, whoever asks.
//!
//! `runtime` is the only place where adapters are built, [`console`] the only one that knows stdout and stderr.

mod basis;
mod changes;
pub mod completions;
mod components;
pub mod console;
pub mod contract;
mod declarations;
mod denial;
pub mod doctor;
mod environment;
pub mod error;
pub mod explain;
pub mod fmt;
mod github;
pub mod graph;
mod guard;
pub mod import;
pub mod init;
mod inputs;
pub mod install;
mod last_run;
pub mod list;
pub mod logging;
pub mod man;
pub mod menu;
mod outbox;
pub mod overview;
mod permission;
mod place;
mod places;
pub mod plan;
pub mod registry;
pub mod reports;
pub mod run;
mod runtime;
mod sandboxes;
pub mod scaffold;
pub mod schema;
pub mod screen;
pub mod selection;
pub mod settings;
mod settle;
mod sinks;
pub mod stage;
mod stage_findings;
pub mod testing;
pub mod trust;
pub mod unbegun;
pub mod validate;

pub use crate::model::exit::ExitCode;
pub use crate::orchestrators::FileChoice;
pub use crate::process::Enforcement;
pub use changes::ChangeWish;
pub use environment::Environment;
