//! Plain data: what is said, not how. Every type that goes over a wire lives here.
//!
//! Knows no file, no process and no terminal; behaviour is limited to folds and conversions.

pub mod breaker;
pub mod component;
pub mod context;
pub mod event;
pub mod exit;
pub mod formatting;
pub mod graph_view;
mod inherit_env;
pub mod input;
pub mod last_lines;
mod node_kind;
pub mod outcome;
pub mod output;
pub mod partition;
pub mod plan_view;
pub mod policy;
pub mod profile;
pub mod repetition;
pub mod report;
mod resources;
pub mod rule_places;
pub mod sandbox;
mod stamp;
pub mod uses;
pub mod validation;
pub mod workflow;
pub mod worst_case;

pub use context::{ExecutionContext, Format, Mode};
pub use event::{EventKind, RunEvent};
pub use exit::ExitCode;
pub use outcome::{AttemptClass, CancelReason, FailureReason, NodeStatus, RunStatus, SkipReason};
pub use output::{Captured, Outputs};
pub use report::RunReport;
pub use workflow::{NodeSpec, Workflow};
