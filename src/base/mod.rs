//! Words that every room uses: identities, time, seeded chance, stops, text.
//!
//! Knows nothing of workflows and does no input or output.

pub mod clock;
pub mod ids;
pub mod paths;
pub mod rng;
pub mod stop;
pub mod text;

pub use clock::{Clock, Mono, SystemClock};
pub use ids::{CorrelationId, NodeId, RunId};
