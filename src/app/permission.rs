//! Whether a run may be: gathers what is about to run, asks the policies and the files of trust, and tells.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Environment;
use super::components::Components;
use super::contract::{Loaded, load_permitted, locate, project_root};
use super::error::AppError;
use super::guard::RunGuard;
use super::run::RunRequest;
use super::settings::{Configuration, organisation};
use crate::base::paths::tidied;
use crate::diag::{Diagnostic, Severity, SourceId, SourceMap, Span, codes};
use crate::engine::ports::Guard;
use crate::executors::{Declared, Surroundings};
use crate::model::component::{Component, Kind, Lifecycle};
use crate::model::event::EventKind;
use crate::model::output::Digest;
use crate::model::policy::{
    EnforcementLevel, ExecutionPolicy, Payload, Pin, PolicyViolation, Scope, Starts, Trusted,
};
use crate::model::sandbox::Sandbox;
use crate::model::workflow::{Action, CommandSpec, InheritEnv};
use crate::plan::{Fate, Plan};
use crate::policy::{self, Part, Standing, Subject, Unit, UnitPath, Violation};
use crate::registry;
use crate::report::diagnostics;
use crate::store::TrustFile;

/// What a run is held against.
#[derive(Debug)]
pub(super) struct Permission {
    policies: Vec<ExecutionPolicy>,
    /// The texts that the policies stand in.
    sources: SourceMap,
    stage: Option<String>,
    /// The project root, without symbolic links.
    root: PathBuf,
    /// Where the run is, if that is a tree of its own: paths below it are told as those of the project.
    tree: Option<PathBuf>,
    files: Vec<TrustFile>,
    trusted: OnceCell<Result<Vec<Trusted>, Box<Diagnostic>>>,
    path: Option<OsString>,
    /// Whether the files of what is read are written down although nobody asks for them.
    is_record: bool,
}

/// A breach that was told of.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub policy: String,
    pub policy_type: &'static str,
    pub enforcement_level: EnforcementLevel,
    pub nodes: Vec<crate::base::NodeId>,
    pub finding: Diagnostic,
}

impl Told {
    /// The same as an event.
    pub(super) fn event(&self, sources: &SourceMap) -> EventKind {
        EventKind::PolicyViolation(Box::new(PolicyViolation {
            policy: self.policy.clone(),
            policy_type: self.policy_type.to_owned(),
            enforcement_level: self.enforcement_level,
            node_ids: self.nodes.clone(),
            finding: diagnostics::to_info(sources, &self.finding),
        }))
    }
}

/// What a run is given that may begin.
#[derive(Debug, Default)]
pub(super) struct Granted {
    /// Who is asked before every attempt; nobody where everything may start.
    pub guard: Option<Arc<dyn Guard>>,
    /// The sandboxes that policies impose, each with the number of its node.
    pub sandboxes: Vec<(usize, Sandbox)>,
}

/// What is known of a run before it begins.
pub(super) struct Asked<'a> {
    pub plan: &'a Plan,
    pub timeout: Option<Duration>,
    pub jobs: usize,
    /// Whether every node has one attempt.
    pub single_attempts: bool,
    /// Where programs run.
    pub directory: &'a Path,
    /// Where programs of the project come from, where that is another tree.
    pub declared: Option<&'a Declared>,
    /// The components of a stage, each with the files that it is made of, and for each node the number of its own;
    /// nothing for a contract.
    pub parts: Option<&'a StageParts>,
}

/// What a stage runs, for those who decide whether it may.
#[derive(Clone, Debug, Default)]
pub(super) struct StageParts {
    /// The components, each with the files that it is made of.
    pub components: Vec<(Arc<Component>, Vec<Pin>)>,
    /// For each node the component that declares it.
    pub declared_by: Vec<usize>,
}

impl Asked<'_> {
    /// The project root that all comes from that decides what runs.
    fn sources(&self) -> &Path {
        self.declared.map_or(self.directory, |declared| declared.root.as_path())
    }

    /// Whether the places of a node are among the texts of the run: the nodes of a contract in a stage have others.
    fn has_places(&self, node: usize) -> bool {
        let declares =
            |parts: &StageParts| parts.components.get(*parts.declared_by.get(node)?).map(|(c, _)| c.kind);
        self.parts.is_none_or(|parts| declares(parts).is_some_and(|kind| kind != Kind::Workflow))
    }
}

impl Permission {
    /// What a run of a stage, or of a contract, of the project at `root` is held against.
    pub(super) fn of(
        (environment, configuration): (&Environment, &Configuration),
        (stage, root): (Option<&str>, &Path),
        require_trusted: bool,
    ) -> Self {
        let mut policies = configuration.settings.policies.clone();
        if require_trusted {
            policies.push(ExecutionPolicy {
                name: "--require-trusted".to_owned(),
                scope: Scope::default(),
                enforcement_level: EnforcementLevel::Strict,
                payload: Payload::Trust,
                origin: None,
            });
        }
        Self {
            policies,
            sources: configuration.sources.clone(),
            stage: stage.map(str::to_owned),
            root: root.to_path_buf(),
            tree: None,
            files: trust_files(environment),
            trusted: OnceCell::new(),
            path: environment.get("PATH").map(OsStr::to_owned),
            is_record: false,
        }
    }

    /// Asks nothing of a contract, and has its files written down as they were read.
    pub(super) fn for_pinning(root: &Path) -> Self {
        Self {
            policies: Vec::new(),
            sources: SourceMap::default(),
            stage: None,
            root: root.to_path_buf(),
            tree: None,
            files: Vec::new(),
            trusted: OnceCell::new(),
            path: None,
            is_record: true,
        }
    }

    /// The same for a run in a tree of its own.
    pub(super) fn set_tree(&mut self, tree: &Path) {
        self.tree = Some(tree.to_path_buf()).filter(|tree| *tree != self.root);
    }

    /// Whether anything is asked of a run.
    pub(super) fn is_needed(&self) -> bool {
        self.is_record || !self.policies.is_empty()
    }

    fn has(&self, is_meant: impl Fn(&Payload) -> bool) -> bool {
        self.policies.iter().any(|policy| is_meant(&policy.payload))
    }

    /// A path as the project knows it.
    fn in_project(&self, path: &Path) -> PathBuf {
        let inside = self.tree.as_deref().and_then(|tree| path.strip_prefix(tree).ok());
        inside.map_or_else(|| path.to_path_buf(), |inside| self.root.join(inside))
    }

    fn unit_path(&self, shown: &Path, whole: &Path) -> UnitPath {
        let real = whole.canonicalize().unwrap_or_else(|_| tidied(whole));
        UnitPath {
            shown: shown.to_path_buf(),
            real: self.in_project(&real),
            named: self.in_project(&tidied(whole)),
            root: self.root.clone(),
        }
    }

    /// What is trusted, or why that cannot be known.
    fn trusted(&self) -> Result<&[Trusted], Box<Diagnostic>> {
        let read = || {
            let mut all = Vec::new();
            for file in &self.files {
                all.extend(file.read(Some(&self.root)).map_err(|error| {
                    let finding = Diagnostic::error(codes::BAD_TRUST_FILE, error.to_string());
                    Box::new(finding.help("nothing is trusted until it is in order, or gone"))
                })?);
            }
            Ok(all)
        };
        self.trusted.get_or_init(read).as_deref().map_err(Clone::clone)
    }

    fn standing(&self, path: &UnitPath, files: &[Pin]) -> Result<Standing, Box<Diagnostic>> {
        let files: Vec<Pin> =
            files.iter().map(|pin| Pin { path: self.in_project(&pin.path), ..pin.clone() }).collect();
        Ok(policy::standing(self.trusted()?, (&path.real, &self.root), &files))
    }

    /// Decides on the texts of a contract before they are read any further: `loaded` has them, and whatever denies them.
    /// Whether they may be read.
    pub(super) fn admit(&self, loaded: &mut Loaded, shown: &Path) -> bool {
        let files = loaded.files.clone();
        let whole = loaded.path.clone();
        self.admit_all(loaded, &[(shown, &whole, &files)])
    }

    /// The same for several, each as it is shown, with its file and all that it is made of.
    pub(super) fn admit_all(&self, loaded: &mut Loaded, all: &[(&Path, &Path, &[Pin])]) -> bool {
        // What can be said of nodes only is said when they are known.
        let decides = |policy: &&ExecutionPolicy| {
            matches!(policy.payload, Payload::Trust)
                && policy.enforcement_level == EnforcementLevel::Strict
                && !policy::is_of_nodes(policy)
        };
        let policies: Vec<ExecutionPolicy> = self.policies.iter().filter(decides).cloned().collect();
        if policies.is_empty() {
            return true;
        }
        let mut units = Vec::new();
        for (shown, whole, files) in all {
            let path = self.unit_path(shown, whole);
            match self.standing(&path, files) {
                Ok(standing) => units.push(Unit { path, standing: Some(standing), ..Unit::default() }),
                Err(finding) => {
                    loaded.diagnostics.push(*finding);
                    return false;
                }
            }
        }
        let stage = self.stage.as_deref();
        let subject = Subject { stage, root: &self.root, timeout: None, jobs: 0, units, nodes: Vec::new() };
        let violations = policy::judge(&policies, &subject);
        self.tell(&violations, loaded);
        violations.is_empty()
    }

    /// Decides on a whole run. What is told of is added to `loaded`; gives what the run is to be carried out with.
    ///
    /// # Errors
    ///
    /// All that denies the run.
    pub(super) fn judge(&self, asked: &Asked<'_>, loaded: &mut Loaded) -> Result<Granted, AppError> {
        if !self.is_needed() {
            return Ok(Granted::default());
        }
        let needs_starts =
            self.has(|p| matches!(p, Payload::Trust | Payload::Program(_) | Payload::Environment(_)));
        let surroundings =
            Surroundings { root: asked.directory, path: self.path.as_deref(), declared: asked.declared };
        let starts_of = |command: &CommandSpec| match needs_starts {
            true => surroundings.starts(command),
            false => Starts::default(),
        };
        let workflow = asked.plan.workflow();
        let mut nodes = Vec::new();
        let mut numbers = Vec::new();
        for (index, node) in workflow.nodes.iter().enumerate() {
            let Some(Action::Command(command)) = node.action.as_ref() else { continue };
            if asked.plan.fate(index) != Fate::Run {
                continue;
            }
            let inherited = match &command.inherit_env {
                InheritEnv::Only(names) => names.as_slice(),
                InheritEnv::All | InheritEnv::None => &[],
            };
            numbers.push(index);
            nodes.push(Part {
                id: &node.id,
                span: Some(node.span).filter(|_| asked.has_places(index)),
                kind: &node.kind,
                unit: asked
                    .parts
                    .map_or(0, |parts| parts.declared_by.get(index).copied().unwrap_or(usize::MAX)),
                attempts: if asked.single_attempts { 1 } else { node.retry.max_attempts() },
                starts: starts_of(command),
                variables: command.env.keys().chain(inherited).cloned().collect(),
                sandbox: node.sandbox.as_deref().cloned().unwrap_or_default(),
            });
        }
        let mut units = match asked.parts {
            None => vec![self.contract(loaded)],
            Some(parts) => parts
                .components
                .iter()
                .map(|(component, files)| self.component(component, files, asked))
                .collect(),
        };
        if self.has(|payload| matches!(payload, Payload::Trust)) {
            for (number, (unit, files)) in units.iter_mut().enumerate() {
                let of_unit = nodes.iter().filter(|node| node.unit == number);
                for file in of_unit.flat_map(|node| project_files(&node.starts, asked.sources())) {
                    let pin = pin(&file);
                    if !files.iter().any(|known| known.path == pin.path) {
                        files.push(pin);
                    }
                }
                unit.standing = Some(
                    self.standing(&unit.path, files).map_err(|finding| AppError::Contract(vec![*finding]))?,
                );
            }
        }
        let mut subject = Subject {
            stage: self.stage.as_deref(),
            root: asked.sources(),
            timeout: asked.timeout,
            jobs: asked.jobs,
            units: units.iter().map(|(unit, _)| unit.clone()).collect(),
            nodes,
        };
        let imposed = policy::impose(&self.policies, &mut subject);
        let sandboxes = imposed.into_iter().map(|(at, sandbox)| (numbers[at], sandbox)).collect();
        let violations = policy::judge(&self.policies, &subject);
        self.tell(&violations, loaded);
        let found: Vec<Diagnostic> = loaded.violations.iter().map(|told| told.finding.clone()).collect();
        if found.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(AppError::Contract(found));
        }
        let nodes: Vec<(usize, usize)> =
            subject.nodes.iter().zip(numbers).map(|(node, number)| (number, node.unit)).collect();
        let guard = RunGuard::of(&self.policies, (&subject, &nodes), |policy| self.place_of(policy));
        let files = units.into_iter().map(|(_, files)| files).collect();
        Ok(Granted { guard: guard.watching(asked.sources(), files), sandboxes })
    }

    /// What is said of a run that is only planned: what would deny it is a warning there.
    pub(super) fn foretell(&self, asked: &Asked<'_>, loaded: &mut Loaded) -> Granted {
        let granted = match self.judge(asked, loaded) {
            Ok(granted) => granted,
            Err(error) => {
                let is_told =
                    |finding: &&Diagnostic| loaded.violations.iter().any(|told| told.finding == **finding);
                let rest: Vec<Diagnostic> =
                    error.diagnostics().iter().filter(|finding| !is_told(finding)).cloned().collect();
                loaded.diagnostics.extend(rest);
                Granted::default()
            }
        };
        let foretold = [codes::POLICY_BROKEN, codes::NOT_TRUSTED, codes::BAD_TRUST_FILE];
        for finding in loaded.diagnostics.iter_mut().filter(|finding| foretold.contains(&finding.code)) {
            finding.severity = Severity::Warning;
        }
        granted
    }

    fn contract(&self, loaded: &Loaded) -> (Unit, Vec<Pin>) {
        let shown =
            loaded.info.as_ref().map_or_else(|| loaded.path.clone(), |info| PathBuf::from(&info.path));
        let (lifecycle, lifecycle_span) = match self.has(|p| matches!(p, Payload::Lifecycle(_))) {
            true => lifecycle_of(loaded, &shown),
            false => (None, None),
        };
        let name = loaded.info.as_ref().map(|info| info.name.clone()).unwrap_or_default();
        let path = self.unit_path(&shown, &loaded.path);
        (Unit { name, path, lifecycle, lifecycle_span, standing: None }, loaded.files.clone())
    }

    fn component(&self, component: &Component, files: &[Pin], asked: &Asked<'_>) -> (Unit, Vec<Pin>) {
        let shown = &component.origin.path;
        let unit = Unit {
            name: component.full_name(),
            path: self.unit_path(shown, &asked.sources().join(shown)),
            lifecycle: Some(component.lifecycle.clone()),
            lifecycle_span: component.spans.get("lifecycle").copied(),
            standing: None,
        };
        (unit, files.to_vec())
    }

    /// Adds violations to what is said of a run, with the texts that they point into.
    fn tell(&self, violations: &[Violation<'_>], loaded: &mut Loaded) {
        let mut known: Vec<(SourceId, SourceId)> = Vec::new();
        for violation in violations {
            let rule = violation.policy.origin.map(|span| {
                let here = known.iter().find(|(source, _)| *source == span.source).map(|(_, here)| *here);
                let source = here.unwrap_or_else(|| {
                    let text = self.sources.text(span.source);
                    let here = loaded.sources.add(self.sources.path(span.source), text.as_str());
                    known.push((span.source, here));
                    here
                });
                Span { source, ..span }
            });
            let finding = policy::diagnostic(violation, rule);
            loaded.diagnostics.push(finding.clone());
            loaded.violations.push(Told {
                policy: violation.policy.name.clone(),
                policy_type: violation.policy.payload.policy_type(),
                enforcement_level: violation.policy.enforcement_level,
                nodes: violation.breaches.iter().filter_map(|breach| breach.node.clone()).collect(),
                finding,
            });
        }
    }

    /// Where a policy stands, in one line.
    fn place_of(&self, policy: &ExecutionPolicy) -> String {
        let place = policy.origin.map(|span| {
            let at = self.sources.position(span.source, span.start);
            format!(" ({}:{})", self.sources.path(span.source).display(), at.line)
        });
        format!("`{}`{}", policy.name, place.unwrap_or_default())
    }
}

/// A contract, as far as it may be read, and what its run is held against.
pub(super) fn permitted(
    contract: &Path,
    (stage, request): (Option<&str>, &RunRequest),
    environment: &Environment,
) -> (Loaded, Result<Permission, AppError>) {
    let directory = &environment.directory;
    let shown = match locate(contract, directory) {
        Ok(shown) => shown,
        Err(unknown) => {
            let finding = vec![(*unknown).clone()];
            return (
                Loaded { diagnostics: vec![*unknown], ..Loaded::default() },
                Err(AppError::Contract(finding)),
            );
        }
    };
    // Without a contract there is no root, and the contract says what is wrong.
    let root =
        project_root(&directory.join(&shown), request.root.as_deref()).unwrap_or_else(|_| directory.clone());
    let asked = (environment, request.configuration.as_ref());
    let permission = Permission::of(asked, (stage, &root), request.require_trusted);
    let components = &mut Components::new(environment);
    let loaded =
        load_permitted(&shown, (directory, request.root.as_deref()), (components, Some(&permission)));
    (loaded, Ok(permission))
}

/// The files of trust: that of the organisation and that of the user. None is a project's.
pub(super) fn trust_files(environment: &Environment) -> Vec<TrustFile> {
    let organisation = organisation(environment);
    let organisation = organisation.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    [organisation, environment.config()].into_iter().flatten().map(|folder| TrustFile::of(&folder)).collect()
}

/// The files of the project that a node runs, as far as its contract names them.
pub(super) fn project_files(starts: &Starts, root: &Path) -> Vec<PathBuf> {
    let files = starts.programs.iter().filter_map(|program| Some(program.found.as_ref()?.path.clone()));
    files.filter(|file| file.starts_with(root)).collect()
}

/// A file with the digest of its content now; without one where it is no file that can be read.
pub(super) fn pin(path: &Path) -> Pin {
    let read = || {
        // A FIFO would wait for a writer, for ever.
        let mut file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(std::io::Error::other("it is no file"));
        }
        Digest::of_reader(&mut file)
    };
    let digest = read().inspect_err(|error| tracing::debug!(%error, "cannot read {}", path.display())).ok();
    Pin { path: path.to_path_buf(), digest }
}

/// How far a contract is in its life, and where it says so.
fn lifecycle_of(loaded: &Loaded, shown: &Path) -> (Option<Lifecycle>, Option<Span>) {
    let Some(source) = loaded.source else { return (None, None) };
    let component = registry::declared_by(source, &loaded.sources.text(source), shown).component;
    match component {
        Some(component) => {
            let span = component.spans.get("lifecycle").copied();
            (Some(component.lifecycle), span)
        }
        None => (None, None),
    }
}
