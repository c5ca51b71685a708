//! What runs in continuous integration.

use super::Orchestrator;
use super::selection::LIVING;
use crate::model::component::{ComponentQuery, FilterKey};

/// Runs validators and tests that are in use, on all files.
#[derive(Clone, Copy, Debug)]
pub struct CiOrchestrator;

impl Orchestrator for CiOrchestrator {
    fn name(&self) -> &'static str {
        "CIOrchestrator"
    }

    fn stage(&self) -> &'static str {
        "ci"
    }

    fn defaults(&self) -> ComponentQuery {
        ComponentQuery::default()
            .with(FilterKey::Type, ["validator", "test"])
            .with(FilterKey::Lifecycle, LIVING)
    }
}
