//! What runs as tests.

use super::Orchestrator;
use super::selection::LIVING;
use crate::model::component::{ComponentQuery, FilterKey};

/// Runs tests that are in use.
#[derive(Clone, Copy, Debug)]
pub struct TestOrchestrator;

impl Orchestrator for TestOrchestrator {
    fn name(&self) -> &'static str {
        "TestOrchestrator"
    }

    fn stage(&self) -> &'static str {
        "test"
    }

    fn defaults(&self) -> ComponentQuery {
        ComponentQuery::default().with(FilterKey::Type, ["test"]).with(FilterKey::Lifecycle, LIVING)
    }
}
