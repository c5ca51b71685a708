//! Programs: started in a group of their own, captured within bounds, stopped up a ladder. And the signals that ask
//! `onex` itself to stop.
//!
//! The only room that starts and kills processes. Knows no node and no contract.

mod capture;
mod child;
#[expect(unsafe_code, reason = "no safe interface marks files by their numbers")]
mod files;
mod group;
mod keyboard;
mod limits;
mod locate;
mod orphans;
mod pipes;
#[expect(unsafe_code, reason = "no safe interface gives what a child used")]
mod reap;
mod registry;
mod replace;
mod run;
mod sandbox;
#[expect(unsafe_code, reason = "no safe interface tells who sent a signal")]
mod senders;
mod signals;
#[expect(unsafe_code, reason = "what stands between `clone` and `execve`")]
mod spawn;
mod suspend;
mod sweep;
mod terminal;
#[cfg(test)]
mod tests;
mod tool;
mod variables;
mod watched;

pub use capture::Stream;
pub use files::keep_files_back;
pub use keyboard::Keyboard;
pub use limits::{Limits, most_at_once};
pub use locate::Locator;
pub use orphans::adopt_orphans;
pub use reap::Used;
pub use replace::become_program;
pub use run::{Exit, Input, Program, Source, SpawnError, Tee, run};
pub use sandbox::{Bounds, Confinement, Enforcement, FileBounds, LANDLOCK_FOR_FILES};
pub use signals::{Heard, SignalStream};
pub use suspend::{suspend_self, time_asleep};
pub use sweep::sweep;
pub use tool::{Said, Tool};
pub use variables::{Inherited, Variables};
