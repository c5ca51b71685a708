//! Binds the nodes of a contract to the components that they use, before anything runs.
//!
//! A component gives what its node does not say: the program, variables, the timeout, whether it may be repeated.
//! What the node says wins.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component as PathPart, Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::Value;

use super::entrypoint::command;
use super::files::{Assigned, FileTypes, Writes, argument, assign, pieces};
use crate::diag::{Diagnostic, Severity, Span, codes};
use crate::model::component::{Component, Kind};
use crate::model::uses::{FILES, Uses};
use crate::model::workflow::{
    Action, CommandSpec, Dependency, EdgeCondition, InheritEnv, NodeKind, NodeSpec, ProgramSpec, Stdin,
    Workflow,
};
use crate::registry::{self, Catalog, Needed, Registry, Unresolved};

/// What is asked of the project that a contract belongs to.
pub trait Project: FileTypes {
    /// All files that the run is about, in the order of their paths; asked for only where a component takes files.
    ///
    /// # Errors
    ///
    /// If they cannot be looked for.
    fn files(&mut self) -> Result<Arc<[PathBuf]>, Box<Diagnostic>>;

    /// Whether a program or a file is there. A program is looked for in `path`, where the command says one.
    fn has(&self, needed: Needed<'_>, path: SearchPath<'_>) -> bool;

    /// The day, for what is only used until one.
    fn today(&self) -> NaiveDate;
}

/// Where a program is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchPath<'a> {
    /// Where onex itself looks.
    Inherited,
    /// Where nobody says anything.
    Default,
    /// Here.
    Given(&'a str),
}

/// What came of binding.
#[derive(Debug, Default)]
pub struct Bound {
    /// The components that are used, each once, in the order of the nodes.
    pub components: Vec<Arc<Component>>,
    /// What was found, each at the place where a component is named.
    pub diagnostics: Vec<Diagnostic>,
}

/// Whether a workflow has nodes that use components which are not known yet.
#[must_use]
pub fn is_open(workflow: &Workflow) -> bool {
    workflow.nodes.iter().any(|node| node.enabled && open(node).is_some())
}

/// The component of a node that is not known yet.
fn open(node: &NodeSpec) -> Option<&Uses> {
    node.uses.as_deref().filter(|uses| uses.component.is_none())
}

/// One node with its component.
struct Use {
    node: usize,
    component: Arc<Component>,
    assigned: Option<Assigned>,
}

/// Binds every node that uses a component. Disabled nodes stay as they are: nobody asks for anything there.
pub fn bind(workflow: &mut Workflow, registry: &dyn Registry, project: &mut dyn Project) -> Bound {
    let mut bound = Bound::default();
    let mut used: Vec<Use> = Vec::new();
    let mut known: HashMap<String, Arc<Component>> = HashMap::new();
    for node in 0..workflow.nodes.len() {
        let spec = &workflow.nodes[node];
        let Some(uses) = open(spec).filter(|_| spec.enabled) else { continue };
        let named = uses.reference.to_string();
        let resolved =
            known.get(&named).map_or_else(|| resolve(uses, registry), |known| Ok(Arc::clone(known)));
        match resolved {
            Err(finding) => bound.diagnostics.push(*finding),
            Ok(component) => {
                known.entry(named).or_insert_with(|| Arc::clone(&component));
                bound.diagnostics.extend(dependencies(uses.span, &component, registry));
                if let Some(finding) = registry::deprecated(&component, project.today()) {
                    bound.diagnostics.push(first_at(finding, uses.span, "used here"));
                }
                used.push(Use { node, component, assigned: None });
            }
        }
    }
    let is_shared = used.len() > 1 && used.iter().any(|used| writes_files(&used.component));
    for used in &mut used {
        let node = &mut workflow.nodes[used.node];
        used.assigned = bind_node(node, &used.component, (project, is_shared), &mut bound.diagnostics);
        if !bound.components.iter().any(|known| Arc::ptr_eq(known, &used.component)) {
            bound.components.push(Arc::clone(&used.component));
        }
    }
    order(&mut workflow.nodes, &used);
    bound
}

/// The finding with one more place before all others.
fn first_at(finding: Diagnostic, span: Span, text: &str) -> Diagnostic {
    let Diagnostic { labels, .. } = finding.clone();
    let first = Diagnostic { labels: Vec::new(), ..finding }.at(span, text);
    labels.into_iter().fold(first, |finding, label| finding.at(label.span, label.text))
}

/// The component that a node means.
fn resolve(uses: &Uses, registry: &dyn Registry) -> Result<Arc<Component>, Box<Diagnostic>> {
    let (reference, span) = (&uses.reference, uses.span);
    let is_usable = |component: &Component| component.kind != Kind::Workflow && component.is_executable();
    let found = registry.resolve(reference).cloned();
    let is_found = found.as_ref().is_ok_and(|component| is_usable(component));
    let is_open = is_found || matches!(found, Err(Unresolved::Unknown { .. } | Unresolved::NoVersion { .. }));
    // A contract or a text of the same name is nothing that a node could use.
    let other = (!is_open).then(|| {
        let named = registry.named(&reference.name).into_iter().filter(|component| is_usable(component));
        let usable = Catalog::of(named.map(|component| component.as_ref().clone()));
        usable.resolve(reference).cloned().ok()
    });
    let component = match other.flatten() {
        Some(other) => other,
        None => found.map_err(|unresolved| unknown(uses, &unresolved))?,
    };
    let name = component.full_name();
    if component.kind == Kind::Workflow {
        let message = format!("`{name}` is a contract, and `uses` runs a component");
        let finding = Diagnostic::error(codes::NOT_EXECUTABLE, message).at(span, "a contract");
        return Err(Box::new(
            finding.help(format!("`onex orch --contract {}` runs it by itself", component.name)),
        ));
    }
    if let Some(finding) = registry::not_executable(&component) {
        return Err(Box::new(first_at(finding, span, "used here")));
    }
    if !component.lifecycle.runs_unnamed() {
        let word = match component.lifecycle.as_str() {
            "draft" => "a draft".to_owned(),
            word => word.to_owned(),
        };
        let finding =
            Diagnostic::error(codes::NOT_IN_USE, format!("`{name}` is {word}, so no node can use it"));
        let finding = finding.at(span, "used here").at(component.span_of("lifecycle"), "said here");
        return Err(Box::new(match &component.deprecation.replacement {
            Some(replacement) => finding.help(format!("use `{replacement}` instead")),
            None => finding.help("use another version, or make it `lifecycle: active`"),
        }));
    }
    Ok(component)
}

/// The finding that a name leads to no component. What another runtime would have is no error before it runs.
fn unknown(uses: &Uses, unresolved: &Unresolved) -> Box<Diagnostic> {
    let mut finding = unresolved.diagnostic(Some(uses.span));
    // The range stays.
    if let (Some(fix), Some((_, range))) = (&mut finding.fix, uses.reference.to_string().split_once('@')) {
        let is_plain = !range.contains([',', ' ', '<', '>', '*']);
        let text = format!("{}@{range}", fix.text);
        fix.text = if is_plain { text } else { format!("\"{text}\"") };
    }
    if uses.may_be_elsewhere && !matches!(unresolved, Unresolved::Ambiguous { .. }) {
        finding.severity = Severity::Warning;
        finding = finding.help("the contract plans, but does not run without it");
    }
    Box::new(finding)
}

/// What a component needs and is not there.
fn dependencies(span: Span, component: &Component, registry: &dyn Registry) -> Vec<Diagnostic> {
    let missing = component.dependencies.iter().filter_map(|needed| {
        let unresolved = registry.resolve(&needed.on).err()?;
        let mut finding = unresolved.diagnostic(Some(needed.span));
        finding.message = format!("`{}` needs what is not there: {}", component.name, finding.message);
        Some(first_at(finding, span, "used here"))
    });
    missing.collect()
}

/// Whether a component gets files.
fn takes_files(component: &Component) -> bool {
    let types = [&component.types, &component.types_or, &component.exclude_types];
    component.files.is_some() || types.iter().any(|types| !types.is_empty())
}

/// Whether it is known of a component that it may change files of the project.
fn writes_files(component: &Component) -> bool {
    let gives_verdict = NodeKind::from_word(&component.meta_type).gives_verdict();
    !component.writes.is_empty() || (takes_files(component) && !gives_verdict)
}

/// Gives a node the action of its component, and what it does not say itself. What it may change is known then.
fn bind_node(
    node: &mut NodeSpec,
    component: &Component,
    (project, is_shared): (&mut dyn Project, bool),
    found: &mut Vec<Diagnostic>,
) -> Option<Assigned> {
    let uses = node.uses.as_deref_mut()?;
    let span = uses.span;
    uses.component = Some(component.full_name());
    let command = match command(component) {
        Ok(command) => surrounded(command, (uses, component)),
        // Not carried out yet: the contract plans.
        Err(finding) if finding.code == codes::NOT_CARRIED_OUT => {
            let finding = Diagnostic { severity: Severity::Warning, ..*finding };
            found.push(first_at(finding, span, "the contract plans, but does not run"));
            return None;
        }
        Err(finding) => {
            found.push(first_at(*finding, span, "used here"));
            return None;
        }
    };
    if let Some(finding) = missing_program(component, &command, project) {
        found.push(first_at(finding, span, "used here"));
    }
    let (arguments, assigned) = match given(uses, component, (project, is_shared)) {
        Ok(given) => given,
        Err(finding) => {
            found.push(*finding);
            return None;
        }
    };
    node.action = Some(Action::Command(from_below(command, arguments)));
    if !uses.says_kind {
        node.kind = NodeKind::from_word(&component.meta_type);
    }
    if let Some(timeout) = component.timeout.filter(|_| !uses.says_timeout) {
        node.timeout = timeout;
        node.says_timeout = true;
    }
    if node.sandbox.is_none() {
        node.sandbox = component.sandbox.clone().map(Box::new);
    }
    node.idempotent = node.idempotent.or(component.idempotent);
    if node.description.is_none() {
        node.description.clone_from(&component.description);
    }
    if node.tags.is_empty() {
        node.tags.clone_from(&component.tags);
    }
    if node.guards() {
        node.breaker = None;
    }
    if node.idempotent == Some(false) && node.retry.inner.take().is_some() && node.retry.own {
        let message =
            format!("`{}` is not idempotent, and a node that uses it has a `retry`", component.name);
        let finding = Diagnostic::error(codes::RETRY_NOT_IDEMPOTENT, message)
            .at(span, "used here")
            .at(component.span_of("idempotent"), "must not be repeated");
        found.push(
            finding.help("remove `retry`, or say `idempotent: true` if repeating the node does no harm"),
        );
    }
    assigned
}

/// The command of a component with what the node says of it.
fn surrounded(command: CommandSpec, (uses, component): (&Uses, &Component)) -> CommandSpec {
    let said = &uses.surroundings;
    let mut env = command.env;
    env.extend(uses.variables());
    env.extend(said.env.clone());
    let document = || Stdin::Text(Value::Object(uses.with.clone()).to_string());
    let stdin = match &said.stdin {
        Some(stdin) => stdin.clone(),
        None if uses.with.is_empty() => Stdin::Empty,
        None => document(),
    };
    let mut program = command.program;
    if let ProgramSpec::Python { kwargs, .. } = &mut program {
        let named = uses.with.iter().filter(|(name, _)| !(takes_files(component) && name.as_str() == FILES));
        kwargs.extend(named.map(|(name, value)| (name.clone(), value.clone())));
    }
    CommandSpec {
        program,
        files: command.files,
        env,
        inherit_env: said.inherit_env.clone().unwrap_or_default(),
        cwd: said.cwd.clone(),
        stdin,
        output: said.output.unwrap_or(command.output),
        resources: uses.resources,
    }
}

/// The warning that a program is not there. It may be where the contract runs; a run refuses it.
fn missing_program(
    component: &Component,
    command: &CommandSpec,
    project: &dyn Project,
) -> Option<Diagnostic> {
    let path = match (command.env.get("PATH"), &command.inherit_env) {
        (Some(path), _) => SearchPath::Given(path),
        (None, InheritEnv::All) => SearchPath::Inherited,
        (None, InheritEnv::Only(names)) if names.iter().any(|name| name == "PATH") => SearchPath::Inherited,
        (None, InheritEnv::None | InheritEnv::Only(_)) => SearchPath::Default,
    };
    let finding = registry::missing_program(component, &|needed| project.has(needed, path))?;
    Some(Diagnostic { severity: Severity::Warning, ..finding })
}

/// The files that a node gives its component, as arguments: those that `with` names, otherwise those of the run that
/// are for the component. What it may change is known with them, where somebody asks.
fn given(
    uses: &mut Uses,
    component: &Component,
    (project, is_shared): (&mut dyn Project, bool),
) -> Result<(Vec<OsString>, Option<Assigned>), Box<Diagnostic>> {
    let span = uses.span;
    let named = takes_files(component).then(|| uses.with.get(FILES)).flatten().map(names);
    let refused = |error: super::StageError| {
        Box::new(Diagnostic::error(codes::BAD_VALUE, error.to_string()).at(span, "used here"))
    };
    let is_said = !component.writes.is_empty();
    // Who writes a contract orders its nodes; only what is known to meet waits.
    let is_shared = is_shared && (takes_files(component) || is_said);
    let wants_all = is_shared || (takes_files(component) && named.is_none());
    let all = if wants_all { project.files()? } else { Arc::default() };
    let mut assigned = assign(component, &all, project).map_err(refused)?;
    let files: Vec<PathBuf> = match &named {
        Some(named) => {
            if let Some(outside) = named.iter().find(|name| super::entrypoint::leads_out(name)) {
                let message = format!("`{}` leads out of the project root", outside.display());
                return Err(Box::new(
                    Diagnostic::error(codes::OUTSIDE_ROOT, message).at(span, "in its `with`"),
                ));
            }
            let places = all.iter().enumerate().filter(|(_, file)| named.contains(file));
            let places: Vec<usize> = places.map(|(at, _)| at).collect();
            if let Writes::These(these) = &mut assigned.writes
                && !is_said
            {
                these.clone_from(&places);
            }
            assigned.files = Some(places);
            named.clone()
        }
        None => assigned.files.iter().flatten().map(|&at| all[at].clone()).collect(),
    };
    if takes_files(component) {
        uses.wanted = component.always_run || !files.is_empty();
    }
    uses.given = if named.is_none() { assigned.files.clone() } else { None };
    let assigned = is_shared.then(|| {
        let files = assigned.files.or_else(|| Some(Vec::new()));
        Assigned { files, ..assigned }
    });
    if component.pass_filenames == Some(false) {
        return Ok((Vec::new(), assigned));
    }
    let mut lists = pieces(files.iter().map(|file| argument(file)).collect());
    if lists.len() > 1 {
        let message =
            format!("`{}` would get {} files, too many for one program", component.name, files.len());
        let finding = Diagnostic::error(codes::TOO_MANY_FILES, message).at(span, "used here");
        return Err(Box::new(finding.help("name fewer by `with: {files: […]}`, or run it in a stage")));
    }
    Ok((lists.pop().unwrap_or_default(), assigned))
}

/// The names in a list, or the one name.
fn names(value: &Value) -> Vec<PathBuf> {
    let all = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    all.iter().filter_map(Value::as_str).map(PathBuf::from).collect()
}

/// The command with its files. Both its program and they are named from the project root, wherever it runs.
fn from_below(mut command: CommandSpec, files: Vec<OsString>) -> CommandSpec {
    let up = command.cwd.as_deref().map(up).unwrap_or_default();
    let seen = |file: OsString| match Path::new(&file).is_absolute() {
        true => file,
        false => OsString::from_iter([OsStr::new(&up), &file]),
    };
    if let ProgramSpec::Argv(argv) = &mut command.program
        && let Some(first) = argv.first_mut()
        && first.starts_with("./")
    {
        first.insert_str(0, &up);
    }
    let files = files.into_iter().map(seen).collect();
    CommandSpec { files, ..command }
}

/// The way from a folder to the one that it is relative to.
fn up(cwd: &str) -> String {
    let depth = Path::new(cwd).components().fold(0_usize, |depth, part| match part {
        PathPart::Normal(_) => depth + 1,
        PathPart::ParentDir => depth.saturating_sub(1),
        PathPart::CurDir | PathPart::RootDir | PathPart::Prefix(_) => depth,
    });
    "../".repeat(depth)
}

/// Lets nodes wait for each other whose components need each other, or may change what the other has.
fn order(nodes: &mut [NodeSpec], used: &[Use]) {
    for needing in used {
        for needed in &needing.component.dependencies {
            let fits = |other: &&Use| {
                let component = &other.component;
                other.node != needing.node
                    && component.is_called(&needed.on.name)
                    && needed.on.allows(component.version.as_ref())
            };
            // Of several versions the highest is meant.
            let highest = used.iter().filter(fits).map(|other| &other.component.version).max();
            for other in used.iter().filter(fits).filter(|other| Some(&other.component.version) == highest) {
                if !waited_for(nodes, other.node).contains(&needing.node) {
                    wait(nodes, (needing.node, other.node), EdgeCondition::Success);
                }
            }
        }
    }
    let Some(ranks) = ranks(nodes) else { return };
    let mut placed: Vec<(&Use, &Assigned)> =
        used.iter().filter_map(|used| Some((used, used.assigned.as_ref()?))).collect();
    placed.sort_by_key(|(used, _)| ranks[used.node]);
    for (at, (late, assigned)) in placed.iter().enumerate() {
        let mut before = waited_for(nodes, late.node);
        // The nearest first: who waits for it waits for all that it waits for.
        for (early, other) in placed[..at].iter().rev() {
            if !before.contains(&early.node) && other.collides(assigned) {
                wait(nodes, (late.node, early.node), EdgeCondition::Finished);
                before.extend(waited_for(nodes, early.node));
            }
        }
    }
}

fn wait(nodes: &mut [NodeSpec], (late, early): (usize, usize), on: EdgeCondition) {
    if nodes[late].depends_on.iter().any(|edge| edge.node == early) {
        return;
    }
    let span = nodes[late].uses.as_ref().map_or(nodes[late].span, |uses| uses.span);
    nodes[late].depends_on.push(Dependency { node: early, on, span });
}

/// The nodes that a node waits for, directly or not, and itself.
fn waited_for(nodes: &[NodeSpec], node: usize) -> HashSet<usize> {
    let mut seen = HashSet::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if seen.insert(node) {
            open.extend(nodes[node].depends_on.iter().map(|edge| edge.node));
        }
    }
    seen
}

/// The place of each node in an order in which it stands after all that it waits for; nothing where there is a circle.
fn ranks(nodes: &[NodeSpec]) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = nodes.iter().map(|node| node.depends_on.len()).collect();
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (node, spec) in nodes.iter().enumerate() {
        spec.depends_on.iter().for_each(|edge| dependents[edge.node].push(node));
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&node| left[node] == 0).collect();
    let (mut ranks, mut count) = (vec![0; nodes.len()], 0);
    while let Some(node) = ready.pop_first() {
        ranks[node] = count;
        count += 1;
        for &dependent in &dependents[node] {
            left[dependent] -= 1;
            if left[dependent] == 0 {
                ready.insert(dependent);
            }
        }
    }
    (count == nodes.len()).then_some(ranks)
}
