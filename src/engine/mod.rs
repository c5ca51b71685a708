//! Carries out a plan. [`machine`] decides, [`driver`] does, `unit` looks after one attempt, and [`ports`] are the
//! only ways out.
//!
//! Knows no process, no file and no terminal: those are behind the ports.

pub mod driver;
pub mod machine;
pub mod ports;
mod unit;

#[cfg(test)]
mod tests;
