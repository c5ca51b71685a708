//! tbd
pub mod base;
pub mod diag;
pub mod model;
pub mod yaml;
pub mod contract;
pub mod plan;
pub mod resilience;
pub mod engine;
