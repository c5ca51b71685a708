//! The one integration binary: the program from outside, and the rules that the source keeps to.
#![expect(clippy::disallowed_methods, reason = "tests start programs and look at their own environment")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod actions;
mod architecture;
mod attacks;
mod commands;
mod completions;
mod contracts;
mod contracts_from;
mod doctor;
mod documents;
mod errors;
mod events;
mod examples;
mod explain;
mod fmt;
mod github;
mod graph;
mod hostile;
mod import;
mod install;
mod junit;
mod live;
mod log;
mod plans;
mod registry;
mod reports;
mod resilience;
mod sarif;
mod scaffold;
mod scale;
mod schema;
mod selection;
mod signals;
mod stage_kills;
mod stages;
mod support;
mod terminal;
mod terminal_control;
mod validate;
mod yaml;
