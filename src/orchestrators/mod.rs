//! Stages: which components a stage runs, on which files, and as which workflow. One file for each orchestrator of
//! `spec/000`; what they have in common is done once, in [`selection`], [`files`] and [`composition`].
//!
//! Does no input or output of its own: a [`Workshop`] looks for components and files, and carries out what was
//! composed.

pub mod binding;
mod ci;
pub mod composition;
mod entrypoint;
pub mod files;
mod pipeline;
mod pre_commit;
mod registry;
pub mod selection;
mod test;
#[cfg(test)]
mod tests;

pub use binding::{Bound, Project, SearchPath, bind};
pub use ci::CiOrchestrator;
pub use composition::{Composition, Part, compose};
pub use entrypoint::command;
pub use files::{Assigned, FileTypes, Sight};
pub use pipeline::PipelineOrchestrator;
pub use pre_commit::PreCommitOrchestrator;
pub use registry::RegistryOrchestrator;
pub use selection::{Asked, Selection, select};
pub use test::TestOrchestrator;

use std::path::PathBuf;

use crate::base::text::count;
use crate::diag::Diagnostic;
use crate::model::component::{ComponentQuery, FilterKey};
use crate::model::context::ExecutionContext;
use crate::model::report::RunReport;
use crate::registry::{Catalog, Registry};

/// Which files a run is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FileChoice {
    /// What the next commit changes.
    Staged,
    /// All that the project keeps.
    #[default]
    All,
    /// What changed since a commit, or since the branches parted.
    Since(String),
    /// These and no others, relative to the top folder.
    These(Vec<PathBuf>),
}

/// What somebody asked a stage for.
#[derive(Clone, Debug, Default)]
pub struct StageRequest {
    /// The context of the run; its stage is the one that is asked for.
    pub context: ExecutionContext,
    /// What components must be like, as far as somebody said so.
    pub query: ComponentQuery,
    /// What settings have the stage ask for, in the place of its own defaults.
    pub configured: Vec<ConfiguredDefault>,
    /// Which files, where somebody said so.
    pub files: Option<FileChoice>,
    /// Names of components that run one after the other.
    pub pipeline: Vec<String>,
    /// Names that are left out: `ONEX_SKIP`.
    pub skip: Vec<String>,
}

/// A default of a stage that settings replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredDefault {
    /// What components are selected by.
    pub key: FilterKey,
    /// The values of which one must fit; everything fits where there is none.
    pub values: Vec<String>,
    /// The file that says so, with the line.
    pub origin: String,
}

/// What looks for components and files, and runs what was composed. Its errors stay its own.
pub trait Workshop {
    /// Why something could not be done.
    type Error: From<StageError>;

    /// The components of the project.
    ///
    /// # Errors
    ///
    /// If they cannot be looked for.
    fn registry(&mut self) -> Result<Catalog, Self::Error>;

    /// Files by choice, in the order of their paths, relative to the top folder.
    ///
    /// # Errors
    ///
    /// If they cannot be looked for.
    fn files(&mut self, choice: &FileChoice) -> Result<Vec<PathBuf>, Self::Error>;

    /// Joins parts to a workflow; contracts among them are read here.
    ///
    /// # Errors
    ///
    /// If a part cannot be run.
    fn compose(&mut self, selection: Selection, files: Vec<PathBuf>) -> Result<Composition, Self::Error>;

    /// Runs a workflow, and reports.
    ///
    /// # Errors
    ///
    /// If it could not be started.
    fn carry_out(
        &mut self,
        request: &StageRequest,
        composition: Composition,
    ) -> Result<RunReport, Self::Error>;
}

/// Why a stage has nothing to run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// The context is not one for this orchestrator.
    #[error("{0}")]
    Context(String),
    /// Only filters that nobody asked for left components of this stage out.
    #[error("{}", left_out(.0, .1))]
    LeftOut(String, Vec<(String, String)>),
    /// Nothing was found, and that was not to be.
    #[error("no component is in the stage `{0}`; `onex list` shows what there is")]
    Nothing(String),
    /// Of what is in the stage nothing is left, and that was not to be.
    #[error("{0}")]
    NothingLeft(String),
    /// A component would run a file outside of the project.
    #[error("{0}")]
    Outside(String),
    /// Components have nothing that could be run, each with its place.
    #[error("{}", summary(.0))]
    Unrunnable(Vec<Diagnostic>),
    /// Components are not what they should be, each with its place.
    #[error("{} of the components cannot be used", .0.len())]
    Findings(Vec<Diagnostic>),
    /// A component cannot be run.
    #[error("{0}")]
    CannotRun(String),
}

/// The first of some findings, and how many more there are.
fn summary(found: &[Diagnostic]) -> String {
    match found {
        [] => "a component cannot be run".to_owned(),
        [only] => only.message.clone(),
        [first, rest @ ..] => format!("{}, and {}", first.message, count(rest.len(), "more error")),
    }
}

fn left_out(stage: &str, components: &[(String, String)]) -> String {
    let named: Vec<String> = components.iter().map(|(name, why)| format!("`{name}` ({why})")).collect();
    format!(
        "nothing would run: the defaults of the stage `{stage}` leave out {}; \
         say what you want with `--filter`, or change the components or the settings of the stage",
        named.join(", ")
    )
}

/// One orchestrator: `spec/000`, "Orchestrator Pattern".
pub trait Orchestrator {
    /// Its name in the specification.
    fn name(&self) -> &'static str;

    /// The stage that it is for.
    fn stage(&self) -> &'static str;

    /// What components are like that it runs where nobody says otherwise.
    fn defaults(&self) -> ComponentQuery;

    /// The files that it is about where nobody says otherwise.
    fn files(&self) -> FileChoice {
        FileChoice::All
    }

    /// Whether it is for a stage.
    fn supports_stage(&self, stage: &str) -> bool {
        self.stage() == stage
    }

    /// Checks that a request is one for it.
    ///
    /// # Errors
    ///
    /// With what is wrong with the request.
    fn validate_context(&self, request: &StageRequest) -> Result<(), StageError> {
        let stage = request.context.stage.as_deref().unwrap_or_default();
        if !self.supports_stage(stage) {
            return Err(StageError::Context(format!("{} does not run the stage `{stage}`", self.name())));
        }
        if !request.pipeline.is_empty() {
            return Err(StageError::Context(format!(
                "`--from` and `--to` compose a pipeline, and the stage `{stage}` does not: use `--stage pipeline`"
            )));
        }
        Ok(())
    }

    /// The components that it runs.
    ///
    /// # Errors
    ///
    /// If there is none, and that is not what was asked for.
    fn select(&self, request: &StageRequest, registry: &dyn Registry) -> Result<Selection, StageError> {
        select(&Asked { stage: self.stage(), request, defaults: &self.defaults() }, registry)
    }

    /// Runs a stage from its request to its report.
    ///
    /// # Errors
    ///
    /// If nothing could be run.
    fn run<W: Workshop>(&self, request: &StageRequest, workshop: &mut W) -> Result<RunReport, W::Error>
    where
        Self: Sized,
    {
        self.validate_context(request)?;
        let registry = workshop.registry()?;
        let selection = self.select(request, &registry)?;
        let files = workshop.files(request.files.as_ref().unwrap_or(&self.files()))?;
        let composition = workshop.compose(selection, files)?;
        workshop.carry_out(request, composition)
    }
}

/// Runs a stage by its orchestrator.
///
/// # Errors
///
/// If there is no such stage, or nothing could be run.
pub fn run<W: Workshop>(request: &StageRequest, workshop: &mut W) -> Result<RunReport, W::Error> {
    match request.context.stage.as_deref().unwrap_or_default() {
        "pre-commit" => PreCommitOrchestrator.run(request, workshop),
        "ci" => CiOrchestrator.run(request, workshop),
        "test" => TestOrchestrator.run(request, workshop),
        "pipeline" => PipelineOrchestrator.run(request, workshop),
        "registry" => RegistryOrchestrator.run(request, workshop),
        other => Err(StageError::Context(format!("there is no stage `{other}`")).into()),
    }
}
