//! Runs a stage: looks for components and files where they are, and has the stage's orchestrator compose them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use file_identify::{Tag, TagSet, tags_from_path};

use super::Environment;
use super::basis::Basis;
use super::console::Console;
use super::contract::{Loaded, load_file};
use super::error::AppError;
use super::list::{query, root_of};
use super::place::{ChangeWish, Place, repository};
use super::run::{Ready, ReadyStage, RunRequest, run_loaded};
use crate::base::{Clock as _, SystemClock};
use crate::diag::{Diagnostic, Severity, codes, sort_by_position};
use crate::executors::Given;
use crate::model::component::{Component, Kind};
use crate::model::context::{ContractInfo, ExecutionContext, Mode};
use crate::model::exit::ExitCode;
use crate::model::output::Digest;
use crate::model::report::RunReport;
use crate::orchestrators::{
    self, Composition, FileChoice, FileTypes, Part, Selection, StageError, StageRequest, Workshop,
    composition,
};
use crate::plan::Plan;
use crate::registry::{self, Catalog, Gathered, Look, Registry as _};
use crate::vcs::Repository;

/// What is asked of a stage.
#[derive(Clone, Debug, Default)]
pub struct StageWish {
    /// The stage.
    pub name: String,
    /// Tags, of which one must be there.
    pub tags: Vec<String>,
    /// Filters: `key=value`, all of which must hold.
    pub filters: Vec<String>,
    /// Which files, where that was said.
    pub files: Option<FileChoice>,
    /// Names of components that run one after the other.
    pub pipeline: Vec<String>,
    /// Names that are left out.
    pub skip: Vec<String>,
    /// Whether it is an error that nothing is there to run.
    pub fail_on_empty: bool,
    /// What is wanted of files that programs change.
    pub changes: ChangeWish,
    /// Whether nothing is to be checked: `ONEX=0 git commit`.
    pub is_off: bool,
}

impl StageWish {
    /// The files and the pipeline, as a command line has them.
    fn arguments(&self) -> Vec<String> {
        let text = |path: &PathBuf| path.display().to_string();
        let mut arguments = match &self.files {
            None => Vec::new(),
            Some(FileChoice::All) => vec!["--all-files".to_owned()],
            Some(FileChoice::Staged) => vec!["--staged".to_owned()],
            Some(FileChoice::Since(reference)) => vec!["--changed-since".to_owned(), reference.clone()],
            Some(FileChoice::These(files)) => files.iter().map(text).collect(),
        };
        let flags = ["--from"].into_iter().chain(std::iter::repeat("--to"));
        for (flag, name) in flags.zip(&self.pipeline) {
            arguments.extend([flag.to_owned(), name.clone()]);
        }
        arguments
    }
}

/// Runs a stage and writes its report to stdout. The exit code is the one that the report names.
pub fn run(
    wish: &StageWish,
    request: &RunRequest,
    environment: &Environment,
    console: &mut Console,
) -> ExitCode {
    if wish.is_off {
        tracing::warn!("ONEX=0 is set, so nothing is checked");
        return ExitCode::Success;
    }
    let asked = query(&wish.filters, &wish.tags).map_err(|finding| AppError::Contract(vec![*finding]));
    let mut desk = Desk {
        wish,
        request,
        environment,
        console,
        place: None,
        basis: None,
        contracts: Vec::new(),
        gathered: None,
        code: None,
    };
    let ran = asked.and_then(|query| {
        let request = StageRequest {
            context: ExecutionContext {
                stage: Some(wish.name.clone()),
                tags: wish.tags.clone(),
                filters: wish
                    .filters
                    .iter()
                    .flat_map(|filter| filter.split(','))
                    .filter_map(|filter| filter.split_once('='))
                    .map(|(key, value)| (key.trim().to_owned(), value.trim().into()))
                    .collect(),
                arguments: wish.arguments(),
                ..ExecutionContext::default()
            },
            query,
            files: wish.files.clone(),
            pipeline: wish.pipeline.clone(),
            skip: wish.skip.clone(),
        };
        orchestrators::run(&request, &mut desk)
    });
    match ran {
        Ok(report) => desk.code.unwrap_or(report.exit_code),
        Err(error) => {
            let mut loaded = Loaded::default();
            if let Some(gathered) = desk.gathered.take() {
                loaded.sources = gathered.sources;
            }
            run_loaded(request, (loaded, Err(error)), environment, desk.console).0
        }
    }
}

/// Where a stage's orchestrator gets what it needs.
struct Desk<'a> {
    wish: &'a StageWish,
    request: &'a RunRequest,
    environment: &'a Environment,
    console: &'a mut Console,
    place: Option<Place>,
    /// Where components come from, where that is another tree than the one that they work in.
    basis: Option<Basis>,
    /// The files that contracts of the stage are made of, relative to the project root.
    contracts: Vec<PathBuf>,
    gathered: Option<Gathered>,
    /// How the process is to end, once a report was written.
    code: Option<ExitCode>,
}

impl Desk<'_> {
    fn place(&self) -> Result<&Place, AppError> {
        self.place
            .as_ref()
            .ok_or_else(|| StageError::Context("there is no place to run in".to_owned()).into())
    }

    /// The choice of files: what was said, or what the stage is about.
    fn choice(&self) -> FileChoice {
        let by_default = match self.wish.name.as_str() {
            "pre-commit" => FileChoice::Staged,
            _ => FileChoice::All,
        };
        self.wish.files.clone().unwrap_or(by_default)
    }

    /// The same, with files as they are named below the root.
    fn choice_below(&self, root: &Path) -> Result<FileChoice, AppError> {
        match self.choice() {
            FileChoice::These(files) => Ok(FileChoice::These(below(&files, root)?)),
            other => Ok(other),
        }
    }

    /// The day, for what is only used until one.
    fn today(&self) -> chrono::NaiveDate {
        SystemClock::start().started_at().date_naive()
    }

    /// All files that say what a stage runs, here and in the working tree.
    fn declarations(&self, place: &Place, gathered: &Gathered) -> Vec<PathBuf> {
        let registered = gathered.register.iter().flat_map(|register| &register.entries);
        let found = gathered.catalog.components().iter().map(|component| component.origin.path.clone());
        let named =
            registered.map(|entry| entry.path.clone()).chain(found).chain(self.contracts.iter().cloned());
        named.chain(place.declarations().unwrap_or_default()).chain([registry::FILE_NAME.into()]).collect()
    }

    /// The project root that components are read from.
    fn declared_in(&self) -> Result<PathBuf, AppError> {
        match &self.basis {
            Some(basis) => Ok(basis.root()),
            None => Ok(self.place()?.root.clone()),
        }
    }

    /// A contract among the parts.
    fn contract(&self, component: &Arc<Component>) -> Result<Loaded, AppError> {
        let root = self.declared_in()?;
        Ok(load_file(&component.origin.path, &root, Some(&root)))
    }
}

impl Workshop for Desk<'_> {
    type Error = AppError;

    fn registry(&mut self) -> Result<Catalog, AppError> {
        let named = self.request.root.as_deref();
        let asked = self.request.contracts_from.as_deref();
        let basis = asked
            .map(|reference| Basis::of_project(reference, named, (self.environment, self.request.mode)))
            .transpose()?;
        let root = match &basis {
            Some(basis) => basis.tree_root()?,
            None => root_of(named, self.environment)?,
        };
        let choice = self.choice_below(&root)?;
        let mut repository = repository(&root, self.environment)?;
        // A look starts nothing, not even what git's settings name.
        if self.request.mode == Some(Mode::DryRun) {
            repository = repository.map(Repository::without_programs).transpose()?;
        }
        let place = Place::find(&root, &choice, (repository, self.environment))?;
        // As `onex list` sees them: what is hidden does not count.
        let is_seen = |name: &PathBuf| !name.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
        let names = match &basis {
            Some(basis) => Some(basis.declarations()?),
            None => place.declarations(),
        };
        let names = names.map(|names| names.into_iter().filter(is_seen).collect());
        let look = names.map_or(Look::Names, Look::Among);
        let gathered =
            registry::gather(&basis.as_ref().map_or_else(|| place.root.clone(), Basis::root), look);
        let catalog = gathered.catalog.clone();
        (self.place, self.basis, self.gathered) = (Some(place), basis, Some(gathered));
        Ok(catalog)
    }

    fn files(&mut self, _: &FileChoice) -> Result<Vec<PathBuf>, AppError> {
        // Chosen with the place, because where a stage runs depends on them.
        Ok(self.place()?.files.iter().map(|file| file.path.clone()).collect())
    }

    fn compose(&mut self, selection: Selection, files: Vec<PathBuf>) -> Result<Composition, AppError> {
        let mut parts = Vec::new();
        for component in &selection.chosen {
            let mut named = component.types.iter().chain(&component.types_or).chain(&component.exclude_types);
            if let Some(unknown) = named.find(|name| Tag::from_name(name).is_none()) {
                let message = format!("`{}`: there is no type of files `{unknown}`", component.name);
                return Err(StageError::CannotRun(message).into());
            }
            parts.push(if component.kind == Kind::Workflow {
                let mut loaded = self.contract(component)?;
                let planned = loaded.require_plan();
                if let (Err(_), Some(gathered)) = (&planned, &mut self.gathered) {
                    gathered.sources = std::mem::take(&mut loaded.sources);
                }
                let plan = planned?;
                self.contracts.extend(loaded.sources.paths().map(Path::to_path_buf));
                Part::Contract(Arc::clone(component), Box::new(plan.workflow().as_ref().clone()))
            } else {
                Part::Component(Arc::clone(component))
            });
        }
        let plan = composition::Plan {
            name: self.wish.name.clone(),
            parts,
            skipped: selection.skipped,
            in_turn: selection.in_turn,
        };
        let mut types = Types { root: self.place()?.root.clone(), known: HashMap::new() };
        let mut composition = composition::compose(plan, files, &mut types)?;
        composition.is_check = selection.is_check;
        composition.left_out = selection.left_out;
        composition.components = selection.chosen;
        Ok(composition)
    }

    fn carry_out(&mut self, request: &StageRequest, composition: Composition) -> Result<RunReport, AppError> {
        let stage = request.context.stage.clone().unwrap_or_default();
        let (Some(place), Some(gathered)) = (self.place.take(), self.gathered.take()) else {
            return Err(StageError::Context("there is no place to run in".to_owned()).into());
        };
        let mut diagnostics = if composition.is_check {
            gathered.checked()
        } else {
            findings(&gathered, &composition, self.today())
        };
        for found in &mut diagnostics {
            // What is registered and gone does not run, and what has changed is not what was registered.
            let is_lost = found.code == codes::COMPONENT_GONE
                || (composition.is_check && found.code == codes::DIGEST_CHANGED);
            if is_lost {
                found.severity = Severity::Error;
            }
        }
        let has_work = composition.workflow.nodes.iter().zip(&composition.wanted).any(|(_, wanted)| *wanted);
        if !has_work && !composition.is_check && self.wish.fail_on_empty {
            (self.place, self.gathered) = (Some(place), Some(gathered));
            return Err(StageError::Nothing(stage).into());
        }
        if composition.workflow.nodes.is_empty() && !composition.is_check {
            tracing::warn!("no component is in the stage `{stage}`, so there is nothing to run");
        }
        if let Some(basis) = &self.basis {
            diagnostics.extend(basis.differences(
                &place.root,
                &self.declarations(&place, &gathered),
                &composition.workflow,
            ));
        }
        sort_by_position(&mut diagnostics);
        let info = ContractInfo {
            name: stage.clone(),
            version: None,
            path: ".".to_owned(),
            digest: digest(&gathered),
            commit: self.basis.as_ref().map(|basis| basis.commit().to_owned()),
        };
        let mut loaded = Loaded {
            sources: gathered.sources,
            info: Some(info),
            path: place.root.clone(),
            basis: self.basis.take(),
            ..Loaded::default()
        };
        let is_broken = diagnostics.iter().any(|found| found.severity == Severity::Error);
        loaded.diagnostics = diagnostics;
        let ready = if is_broken {
            Err(AppError::Contract(loaded.diagnostics.clone()))
        } else {
            Plan::new(Arc::new(composition.workflow)).map_err(AppError::Contract).map(|plan| {
                loaded.plan = Some(plan.narrowed(&composition.wanted));
                let places =
                    composition.given.iter().map(|places| places.clone().unwrap_or_default()).collect();
                let given = Arc::new(Given { files: place.files.clone(), places });
                let context = request.context.clone();
                Ready::Stage(Box::new(ReadyStage { context, place, given, changes: self.wish.changes }))
            })
        };
        let (code, report) = run_loaded(self.request, (loaded, ready), self.environment, self.console);
        self.code = Some(code);
        Ok(report)
    }
}

/// Files and all files of folders, as they are named below the root, each once.
fn below(named: &[PathBuf], root: &Path) -> Result<Vec<PathBuf>, AppError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in named {
        let unreadable = |problem: String| AppError::Input { path: path.clone(), problem };
        let kind = std::fs::symlink_metadata(path).map_err(|error| unreadable(error.to_string()))?;
        // The folder without links and dots, and in it the name itself, which may be a link.
        let whole = match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => folder.canonicalize().map(|folder| folder.join(name)),
            _ => path.canonicalize(),
        };
        let whole = whole.map_err(|error| unreadable(error.to_string()))?;
        let Ok(inside) = whole.strip_prefix(root) else {
            let message = format!("`{}` is outside of the project `{}`", path.display(), root.display());
            return Err(StageError::Outside(message).into());
        };
        if kind.is_dir() {
            files.extend(super::place::all_below(&whole).into_iter().map(|file| inside.join(file)));
        } else {
            files.push(inside.to_path_buf());
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// What is to be said about the components that run.
fn findings(gathered: &Gathered, composition: &Composition, today: chrono::NaiveDate) -> Vec<Diagnostic> {
    // One that cannot be read may be one that was to run.
    let mut found = gathered.diagnostics.clone();
    found
        .extend(composition.components.iter().filter_map(|component| registry::deprecated(component, today)));
    for project in &gathered.other_projects {
        let message =
            format!("`{}` is a project of its own: what it declares does not run here", project.display());
        found.push(Diagnostic::warning(codes::LEFT_OUT, message));
    }
    for (name, why) in &composition.left_out {
        let message = format!("`{name}` is in the stage and does not run: {why}");
        found.push(Diagnostic::warning(codes::LEFT_OUT, message));
    }
    for (name, rule) in &composition.dropped_rules {
        let message =
            format!("`{rule}` of the contract `{name}` holds for a run of its own only, and not here");
        found.push(Diagnostic::warning(codes::LEFT_OUT, message));
    }
    found
}

fn digest(gathered: &Gathered) -> String {
    let digests: Vec<String> = gathered
        .catalog
        .components()
        .iter()
        .filter_map(|component| Some(component.origin.digest?.to_string()))
        .collect();
    Digest::of(digests.join("\n").as_bytes()).to_string()
}

/// The types of files, each looked at once.
struct Types {
    root: PathBuf,
    known: HashMap<PathBuf, Option<TagSet>>,
}

impl Types {
    fn tags(&mut self, file: &Path) -> Option<&TagSet> {
        let root = &self.root;
        self.known.entry(file.to_path_buf()).or_insert_with(|| tags_from_path(root.join(file)).ok()).as_ref()
    }
}

impl FileTypes for Types {
    fn has_all(&mut self, file: &Path, types: &[String]) -> bool {
        self.tags(file).is_some_and(|tags| types.iter().all(|wanted| has(tags, wanted)))
    }

    fn has_any(&mut self, file: &Path, types: &[String]) -> bool {
        self.tags(file).is_some_and(|tags| types.iter().any(|wanted| has(tags, wanted)))
    }
}

fn has(tags: &TagSet, wanted: &str) -> bool {
    Tag::from_name(wanted).is_some_and(|tag| tags.contains_tag(tag))
}
