//! Runs a stage: looks for components and files where they are, and has the stage's orchestrator compose them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Environment;
use super::basis::Basis;
use super::changes::ChangeWish;
use super::components::Components;
use super::console::Console;
use super::contract::{Loaded, load_permitted};
use super::declarations;
use super::error::AppError;
use super::file_types::Types;
use super::last_run::LastRun;
use super::list::{query, root_of};
use super::permission::{Permission, StageParts, Told};
use super::place::{Place, looking, repository};
use super::remarks::{findings, not_in_the_index, nothing_to_run, said_once};
use super::run::{Ready, ReadyStage, RunRequest, run_loaded};
use crate::base::{Clock as _, SystemClock};
use crate::diag::{Diagnostic, Severity, codes, sort_by_position};
use crate::executors::Given;
use crate::model::component::{Component, Kind};
use crate::model::context::{ContractInfo, ExecutionContext, Mode};
use crate::model::exit::ExitCode;
use crate::model::outcome::SkipReason;
use crate::model::output::Digest;
use crate::model::policy::Pin;
use crate::model::report::RunReport;
use crate::model::workflow::Workflow;
use crate::orchestrators::{
    self, Composition, ConfiguredDefault, FileChoice, Part, Selection, Sight, StageError, StageRequest,
    Workshop, composition,
};
use crate::plan::Plan;
use crate::registry::{self, Catalog, Gathered, Look, Registry as _};

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
    /// Which files where nobody says so, where settings name them.
    pub files_by_default: Option<FileChoice>,
    /// What settings have the stage ask for.
    pub configured: Vec<ConfiguredDefault>,
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
        return run_loaded(request, (Loaded::default(), Ok(None)), environment, console).0;
    }
    let asked = query(&wish.filters, &wish.tags).map_err(|finding| AppError::Contract(vec![*finding]));
    let mut desk = Desk {
        wish,
        request,
        environment,
        console,
        project: None,
        place: None,
        basis: None,
        gathered: None,
        in_contracts: Vec::new(),
        permission: None,
        parts: Vec::new(),
        violations: Vec::new(),
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
            configured: wish.configured.clone(),
            files: wish.files.clone(),
            pipeline: wish.pipeline.clone(),
            skip: wish.skip.clone(),
        };
        orchestrators::run(&request, &mut desk)
    });
    match ran {
        Ok(report) => desk.code.unwrap_or(report.exit_code),
        Err(error) => {
            let mut loaded = Loaded { base: desk.project.take(), ..Loaded::default() };
            if let Some(gathered) = desk.gathered.take() {
                loaded.sources = gathered.sources;
            }
            loaded.violations = std::mem::take(&mut desk.violations);
            loaded.basis = desk.basis.take();
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
    /// The project root, wherever the stage runs.
    project: Option<PathBuf>,
    place: Option<Place>,
    /// Where components come from, where that is another tree than the one that they work in.
    basis: Option<Basis>,
    gathered: Option<Gathered>,
    /// What was found in contracts among the parts.
    in_contracts: Vec<Diagnostic>,
    permission: Option<Permission>,
    /// The components that run, each with the files that it is made of.
    parts: Vec<(Arc<Component>, Vec<Pin>)>,
    /// The policies that keep the stage from being read any further.
    violations: Vec<Told>,
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
        let wish = self.wish;
        wish.files.clone().or_else(|| wish.files_by_default.clone()).unwrap_or(by_default)
    }

    /// The same, with files as they are named below the root.
    fn choice_below(&self, root: &Path) -> Result<FileChoice, AppError> {
        match self.choice() {
            FileChoice::These(files) => Ok(FileChoice::These(below(&files, root)?)),
            other => Ok(other),
        }
    }

    /// Moves the run to a tree of what is staged. Gives the root there.
    fn move_to_index(&mut self) -> Result<PathBuf, AppError> {
        if let Some(place) = &mut self.place {
            place.move_to_index(self.environment)?;
        }
        let root = self.place()?.root.clone();
        let declared_in = self.declared_in()?;
        if let Some(permission) = &mut self.permission {
            permission.set_tree(&declared_in);
        }
        Ok(root)
    }

    /// The project root that all comes from that says what runs.
    fn declared_in(&self) -> Result<PathBuf, AppError> {
        match &self.basis {
            Some(basis) => Ok(basis.root()),
            None => Ok(self.place()?.root.clone()),
        }
    }

    /// The day, for what is only used until one.
    fn today(&self) -> chrono::NaiveDate {
        SystemClock::start().started_at().date_naive()
    }

    /// A contract among the parts, read beside the components, so that places in both hold.
    fn contract(
        &mut self,
        (component, number): (&Component, usize),
        files: &[PathBuf],
    ) -> Result<Workflow, AppError> {
        let (root, tree) = (self.declared_in()?, self.place()?.root.clone());
        let gathered = self.gathered.take().unwrap_or_default();
        let mut components = Components::new(self.environment).working_in(&tree).with(&root, gathered, files);
        let permission = self.permission.as_ref();
        let shown = &component.origin.path;
        let mut loaded = load_permitted(shown, (&root, Some(&root)), (&mut components, permission));
        components.keep(loaded.sources.clone());
        self.gathered = components.into_gathered();
        if !loaded.violations.is_empty() {
            return Err(self.denied(loaded));
        }
        if let Some((_, files)) = self.parts.get_mut(number).filter(|_| !loaded.files.is_empty()) {
            *files = std::mem::take(&mut loaded.files);
        }
        let planned = loaded.require_plan();
        self.in_contracts.extend(loaded.diagnostics);
        Ok(planned?.workflow().as_ref().clone())
    }

    /// Decides on the files that declare components, before what they name is looked at.
    fn admit(&mut self, chosen: &[Arc<Component>]) -> Result<(), AppError> {
        let root = self.declared_in()?;
        let Some(permission) = &self.permission else { return Ok(()) };
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        self.parts = chosen
            .iter()
            .map(|component| {
                let path = real(&root.join(&component.origin.path));
                (Arc::clone(component), vec![Pin { path, digest: component.origin.digest }])
            })
            .collect();
        let wholes: Vec<PathBuf> = chosen.iter().map(|component| root.join(&component.origin.path)).collect();
        let all: Vec<(&Path, &Path, &[Pin])> = self
            .parts
            .iter()
            .zip(&wholes)
            .map(|((component, files), whole)| {
                (component.origin.path.as_path(), whole.as_path(), files.as_slice())
            })
            .collect();
        let sources = self.gathered.as_ref().map(|gathered| gathered.sources.clone()).unwrap_or_default();
        let mut loaded = Loaded { sources, ..Loaded::default() };
        if permission.admit_all(&mut loaded, &all) {
            return Ok(());
        }
        Err(self.denied(loaded))
    }

    /// What denies the stage, and the texts that it points into.
    fn denied(&mut self, loaded: Loaded) -> AppError {
        if let Some(gathered) = &mut self.gathered {
            gathered.sources = loaded.sources;
        }
        self.violations = loaded.violations;
        AppError::Contract(loaded.diagnostics)
    }
}

impl Workshop for Desk<'_> {
    type Error = AppError;

    fn registry(&mut self) -> Result<Catalog, AppError> {
        let (named, mode) = (self.request.root.as_deref(), self.request.mode);
        let asked = self.request.contracts_from.as_deref();
        let basis = asked.map(|reference| Basis::of_project(reference, named, (self.environment, mode)));
        let basis = basis.transpose()?;
        let root = match &basis {
            Some(basis) => basis.tree_root()?,
            None => root_of(named, self.environment)?,
        };
        self.project = Some(root.clone());
        let choice = self.choice_below(&root)?;
        let find = if mode == Some(Mode::DryRun) { looking } else { repository };
        let mut place = Place::find(&root, &choice, (find(&root, self.environment)?, self.environment))?;
        let mut gathered = gather(&place, basis.as_ref())?;
        // What is staged may declare other components, but for those of a commit.
        let used = used(&gathered);
        let is_declared = |file: &Path| declarations::is_one(file) || used.iter().any(|one| one == file);
        if basis.is_none() && place.differs(is_declared) {
            place.move_to_index(self.environment)?;
            gathered = gather(&place, None)?;
        }
        if basis.is_none() && choice == FileChoice::Staged {
            gathered.diagnostics.extend(not_in_the_index(&place, &gathered)?);
        }
        let asked = (Some(self.wish.name.as_str()), root.as_path());
        let mut permission = Permission::of(
            (self.environment, &self.request.configuration),
            asked,
            self.request.require_trusted,
        );
        permission.set_tree(&basis.as_ref().map_or_else(|| place.root.clone(), Basis::root));
        self.permission = Some(permission);
        let catalog = gathered.catalog.clone();
        (self.place, self.basis, self.gathered) = (Some(place), basis, Some(gathered));
        Ok(catalog)
    }

    fn files(&mut self, _: &FileChoice) -> Result<Vec<PathBuf>, AppError> {
        // Chosen with the place, because where a stage runs depends on them.
        Ok(self.place()?.files.iter().map(|file| file.path.clone()).collect())
    }

    fn compose(&mut self, selection: Selection, mut files: Vec<PathBuf>) -> Result<Composition, AppError> {
        let mut types = Types::at(self.place()?.root.clone());
        let mut differs = false;
        let differing = self.place()?.differs(|_| true);
        for component in selection.chosen.iter().filter(|_| differing) {
            let sight = Sight::of(component, &files, &mut types)?;
            differs = differs || self.place()?.differs(|file| sight.has(file));
        }
        if differs {
            types = Types::at(self.move_to_index()?);
            files = self.place()?.files.iter().map(|file| file.path.clone()).collect();
        }
        self.admit(&selection.chosen)?;
        let mut parts = Vec::new();
        for (number, component) in selection.chosen.iter().enumerate() {
            parts.push(if component.kind == Kind::Workflow {
                let workflow = self.contract((component, number), &files)?;
                Part::Contract(Arc::clone(component), Box::new(workflow))
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
        let mut composition = composition::compose(plan, files, &mut types)?;
        composition.is_check = selection.is_check;
        composition.left_out = selection.left_out;
        composition.findings = selection.findings;
        composition.unknown = selection.unknown;
        composition.components = selection.chosen;
        Ok(composition)
    }

    fn carry_out(
        &mut self,
        request: &StageRequest,
        mut composition: Composition,
    ) -> Result<RunReport, AppError> {
        let stage = request.context.stage.clone().unwrap_or_default();
        let (Some(place), Some(gathered)) = (self.place.take(), self.gathered.take()) else {
            return Err(StageError::Context("there is no place to run in".to_owned()).into());
        };
        let mut diagnostics = if composition.is_check {
            let mut found = gathered.checked();
            // Nothing runs, so nothing has to be carried out.
            found.retain(|found| found.code != codes::NOT_CARRIED_OUT);
            found
        } else {
            findings((&gathered, &place), &composition, self.today())
        };
        for found in std::mem::take(&mut self.in_contracts) {
            if !diagnostics.contains(&found) {
                diagnostics.push(found);
            }
        }
        for found in &mut diagnostics {
            // What is registered and gone does not run, and what has changed is not what was registered.
            let is_lost = found.code == codes::COMPONENT_GONE
                || (composition.is_check && found.code == codes::DIGEST_CHANGED);
            if is_lost {
                found.severity = Severity::Error;
            }
        }
        let has_work = composition.idle.iter().any(|idle| *idle != Some(SkipReason::NoFiles));
        if !has_work && !composition.is_check && self.wish.fail_on_empty {
            (self.place, self.gathered) = (Some(place), Some(gathered));
            return Err(StageError::Nothing(stage).into());
        }
        if composition.workflow.nodes.is_empty() && !composition.is_check {
            tracing::warn!("{}", nothing_to_run(&stage, &gathered));
        }
        if let Some(basis) = &self.basis {
            let names = declaring(&gathered, &place);
            diagnostics.extend(basis.differences(&place.root, &names, &composition.workflow));
        }
        if let Some(retries) = self.request.testing.retries {
            composition.retry_tests(retries);
        }
        sort_by_position(&mut diagnostics);
        said_once(&gathered.sources, &mut diagnostics);
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
            base: self.project.clone(),
            basis: self.basis.take(),
            ..Loaded::default()
        };
        let is_broken = diagnostics.iter().any(|found| found.severity == Severity::Error);
        loaded.diagnostics = diagnostics;
        let permission = self.permission.take();
        let components = std::mem::take(&mut self.parts);
        let number = |component: &Arc<Component>| {
            components.iter().position(|(known, _)| Arc::ptr_eq(known, component)).unwrap_or(usize::MAX)
        };
        let declared_by = composition.declared_by.iter().map(number).collect();
        let parts = StageParts { components, declared_by };
        let ready = if is_broken {
            Err(AppError::Contract(loaded.diagnostics.clone()))
        } else {
            Plan::new(Arc::new(composition.workflow)).map_err(AppError::Contract).map(|plan| {
                loaded.plan = Some(plan.without(&composition.idle));
                let places =
                    composition.given.iter().map(|places| places.clone().unwrap_or_default()).collect();
                let given = Arc::new(Given { files: place.files.clone(), places });
                let context = request.context.clone();
                let last_run = self.project.as_deref().filter(|_| !composition.is_check).map(|project| {
                    LastRun::of(self.wish, &self.request.testing, (project, self.environment.state()))
                });
                let owners = composition.declared_by.iter().map(|owner| owner.qualified_name()).collect();
                let changes = self.wish.changes;
                Ready::Stage(Box::new(ReadyStage { context, place, given, changes, owners, last_run, parts }))
            })
        };
        let nothing = || AppError::Stage(StageError::Context("there is no place to run in".to_owned()));
        let ready = ready.and_then(|ready| Ok(Some((ready, permission.ok_or_else(nothing)?))));
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

/// The components of a place, or of the commit that they come from.
fn gather(place: &Place, basis: Option<&Basis>) -> Result<Gathered, AppError> {
    let (root, names) = match basis {
        Some(basis) => (basis.root(), Some(basis.declarations()?)),
        None => (place.root.clone(), place.declarations()),
    };
    let names = names.map(|names| names.into_iter().filter(|name| declarations::is_seen(name)).collect());
    Ok(registry::gather(&root, names.map_or(Look::Names, Look::Among)))
}

/// All files that say what a stage runs, where they come from and where it runs.
fn declaring(gathered: &Gathered, place: &Place) -> Vec<PathBuf> {
    let registered = gathered.register.iter().flat_map(|register| &register.entries);
    let registered = registered.map(|entry| entry.path.clone());
    let found = gathered.catalog.components().iter().map(|component| component.origin.path.clone());
    let read = gathered.sources.paths().map(Path::to_path_buf);
    let here = place.declarations().unwrap_or_default();
    registered.chain(found).chain(read).chain(here).chain([registry::FILE_NAME.into()]).collect()
}

/// The files that components are declared in, and those that they run.
fn used(gathered: &Gathered) -> Vec<PathBuf> {
    let components = gathered.catalog.components().iter();
    components.flat_map(|one| std::iter::once(one.origin.path.clone()).chain(one.entry_file())).collect()
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
