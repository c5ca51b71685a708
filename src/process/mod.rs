//! Programs: started in a group of their own, captured within bounds, stopped up a ladder. And the signals that ask
//! `onex` itself to stop.
//!
//! The only room that starts and kills processes. Knows no node and no contract.

mod capture;
mod child;
mod group;
mod limits;
mod locate;
mod orphans;
mod pipes;
#[expect(unsafe_code, reason = "no safe interface gives what a child used")]
mod reap;
mod registry;
mod run;
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
pub use limits::{Limits, most_at_once};
pub use locate::Locator;
pub use orphans::adopt_orphans;
pub use reap::Used;
pub use run::{Exit, Input, Program, Source, SpawnError, Tee, run};
pub use signals::{Heard, SignalStream};
pub use suspend::{suspend_self, time_asleep};
pub use sweep::sweep;
pub use tool::{Said, Tool};
pub use variables::{Inherited, Variables};
