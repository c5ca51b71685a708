//! The registry as a stage: a check that all that is registered can be used.

use super::selection::Selection;
use super::{Orchestrator, StageError, StageRequest};
use crate::model::component::ComponentQuery;
use crate::registry::Registry;

/// Administers the registry: `onex registry add|remove|inspect` do so by name, and the stage checks every entry.
#[derive(Clone, Copy, Debug)]
pub struct RegistryOrchestrator;

impl Orchestrator for RegistryOrchestrator {
    fn name(&self) -> &'static str {
        "RegistryOrchestrator"
    }

    fn stage(&self) -> &'static str {
        "registry"
    }

    fn defaults(&self) -> ComponentQuery {
        ComponentQuery::default()
    }

    fn select(&self, _: &StageRequest, _: &dyn Registry) -> Result<Selection, StageError> {
        Ok(Selection { is_check: true, ..Selection::default() })
    }
}
