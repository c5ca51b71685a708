//! Components one after the other.

use std::sync::Arc;

use super::selection::{Selection, named};
use super::{Orchestrator, StageError, StageRequest};
use crate::model::component::{Component, ComponentQuery};

/// Runs the components that are named, each with what the one before gave.
#[derive(Clone, Copy, Debug)]
pub struct PipelineOrchestrator;

impl Orchestrator for PipelineOrchestrator {
    fn name(&self) -> &'static str {
        "PipelineOrchestrator"
    }

    fn stage(&self) -> &'static str {
        "pipeline"
    }

    fn defaults(&self) -> ComponentQuery {
        ComponentQuery::default()
    }

    fn validate_context(&self, request: &StageRequest) -> Result<(), StageError> {
        if request.pipeline.len() < 2 {
            return Err(StageError::Context(
                "a pipeline needs components: `--from X --to Y`, or a contract with `--contract`".to_owned(),
            ));
        }
        Ok(())
    }

    fn select(&self, request: &StageRequest, found: &[Arc<Component>]) -> Result<Selection, StageError> {
        let chosen = request.pipeline.iter().map(|name| named(name, found)).collect::<Result<_, _>>()?;
        Ok(Selection { chosen, in_turn: true, ..Selection::default() })
    }
}
