//! Components one after the other.

use super::selection::{Selection, named};
use super::{Orchestrator, StageError, StageRequest};
use crate::model::component::ComponentQuery;
use crate::registry::Registry;

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
        if !request.query.is_empty() {
            let why =
                "a pipeline runs the components that it names, so `--filter` and `--tags` select nothing";
            return Err(StageError::Context(why.to_owned()));
        }
        Ok(())
    }

    fn select(&self, request: &StageRequest, registry: &dyn Registry) -> Result<Selection, StageError> {
        let chosen = request.pipeline.iter().map(|name| named(name, registry)).collect::<Result<_, _>>()?;
        Ok(Selection { chosen, in_turn: true, ..Selection::default() })
    }
}
