//! YAML text to a tree in which every value knows its place, and values to YAML text.
//!
//! The only room that knows a YAML crate. It knows nothing of contracts: what a tree means is read in `contract`.

mod fast;
mod load;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use load::{Limits, load};
pub use tree::{Entry, NodeRef, Shape, Tree};
pub use write::{WriteError, to_text};
