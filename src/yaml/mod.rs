//! YAML text to a tree in which every value knows its place, and values to YAML text.
//!
//! The only room that knows a YAML crate. It knows nothing of contracts: what a tree means is read in `contract`.

mod fast;
pub mod file;
mod include;
mod load;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use include::{Included, includes};
pub use load::{Limits, load, load_with};
pub use tree::{Cut, Entry, NodeRef, Shape, Tree};
pub use write::{WriteError, to_text};
