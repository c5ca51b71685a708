//! What runs before a commit.

use super::{FileChoice, Orchestrator};
use crate::model::component::{ComponentQuery, FilterKey};

/// Runs validators that are marked for it, on what is staged: `spec/000`, "Lifecycle Awareness".
#[derive(Clone, Copy, Debug)]
pub struct PreCommitOrchestrator;

impl Orchestrator for PreCommitOrchestrator {
    fn name(&self) -> &'static str {
        "PreCommitOrchestrator"
    }

    fn stage(&self) -> &'static str {
        "pre-commit"
    }

    fn defaults(&self) -> ComponentQuery {
        ComponentQuery::default()
            .with(FilterKey::Type, ["validator"])
            .with(FilterKey::Lifecycle, ["canary"])
            .with(FilterKey::Tags, ["pre-commit"])
    }

    fn files(&self) -> FileChoice {
        FileChoice::Staged
    }
}
