//! Carries out actions: one file, one kind of action.
//!
//! Knows nothing of reports: what happened goes back to the engine as an outcome.

pub mod command;
mod declared;
mod file_watch;
mod launcher;
mod program;
pub mod sandbox;
mod scratch;
mod starts;

pub use declared::{Declared, Named, named};
pub use file_watch::{FileWatch, Given, GivenFile};
pub use scratch::Scratch;
pub use starts::Surroundings;
