//! Git: what is staged or changed, the index as a tree of files of its own, and fixes brought back from there.
//!
//! All is asked of the `git` program, so that it is true for every repository that git can read. Knows no stage and no
//! component. Nothing here ever stashes, resets or checks out over the user's files.

mod committed;
mod fixes;
mod git;
mod links;
mod shadow;
mod slots;
mod status;
#[cfg(test)]
mod tests;
mod touched;

pub use committed::{Committed, CommittedFile};
pub use fixes::{Applied, Fix, Fixes};
pub use git::{Repository, VcsError, absolute_places, without_places};
pub use shadow::Shadow;
pub use slots::{Stored, stored};
pub use status::{Change, Entry, Status, Tracked};
pub use touched::Before;
