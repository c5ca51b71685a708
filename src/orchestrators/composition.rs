//! Components and contracts as one workflow.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::StageError;
use super::entrypoint::command;
use super::files::{Assigned, FileTypes, Writes, argument, assign, may_write, pieces};
use crate::base::NodeId;
use crate::diag::{Diagnostic, Span, codes};
use crate::model::component::{Component, Dependency as Needed};
use crate::model::outcome::SkipReason;
use crate::model::workflow::{
    Action, Backoff, CommandSpec, DEFAULT_TIMEOUT, Dependency, EdgeCondition, ErrorAction, GroupSpec,
    NodeKind, NodeSpec, RetrySpec, Rules, Stdin, Workflow,
};

/// One thing that a stage runs.
#[derive(Clone, Debug)]
pub enum Part {
    /// A component.
    Component(Arc<Component>),
    /// A contract, already read.
    Contract(Arc<Component>, Box<Workflow>),
}

impl Part {
    /// What declares it.
    #[must_use]
    pub const fn component(&self) -> &Arc<Component> {
        match self {
            Self::Component(component) | Self::Contract(component, _) => component,
        }
    }
}

/// A stage as a workflow.
#[derive(Clone, Debug, Default)]
pub struct Composition {
    /// What runs.
    pub workflow: Workflow,
    /// All files that the run is about, relative to its root.
    pub files: Vec<PathBuf>,
    /// For each node, its places in that list; nothing for nodes that get no files at all.
    pub given: Vec<Option<Vec<usize>>>,
    /// For each node, why it does not run, where nothing is there for it to do or somebody left it out.
    pub idle: Vec<Option<SkipReason>>,
    /// Rules of contracts that cannot hold where others run, too, by the contract's name.
    pub dropped_rules: Vec<(String, Vec<&'static str>)>,
    /// What is to be said of the components that run.
    pub findings: Vec<Diagnostic>,
    /// Components of the stage that only its defaults leave out, each with the reason.
    pub left_out: Vec<(String, String)>,
    /// Names that were to be left out and are none of a component, each with what is to be said.
    pub unknown: Vec<String>,
    /// The components that run.
    pub components: Vec<Arc<Component>>,
    /// For each node the component or contract that it came of.
    pub declared_by: Vec<Arc<Component>>,
    /// Whether nothing runs, and the registry itself is looked at.
    pub is_check: bool,
}

/// What to join, and how.
#[derive(Debug, Default)]
pub struct Plan {
    /// The name of the whole.
    pub name: String,
    /// What runs, in the order of its declaration.
    pub parts: Vec<Part>,
    /// What is left out because somebody said so.
    pub skipped: Vec<Arc<Component>>,
    /// Whether the parts run one after the other, each with what the one before gave.
    pub in_turn: bool,
}

/// Joins parts to one workflow. Parts that need each other, or write what the other reads, run one after the other.
///
/// # Errors
///
/// If a component cannot be run.
pub fn compose(
    plan: Plan,
    files: Vec<PathBuf>,
    types: &mut dyn FileTypes,
) -> Result<Composition, StageError> {
    let mut ids = Ids::default();
    let mut joined = Composition {
        workflow: Workflow {
            name: plan.name,
            rules: Rules { parallel: Some(!plan.in_turn), keep_going: !plan.in_turn, ..Rules::default() },
            ..Workflow::default()
        },
        files,
        ..Composition::default()
    };
    let mut parts = plan.parts;
    if !plan.in_turn {
        parts = in_turn(parts);
    }
    refuse(&parts)?;
    // For each part the nodes that it became.
    let mut spans: Vec<(std::ops::Range<usize>, Option<Assigned>)> = Vec::new();
    let company = if parts.len() == 1 { Company::Alone } else { Company::Others };
    for part in &parts {
        let start = joined.workflow.nodes.len();
        let assigned = match part {
            Part::Component(component) => Some(add_component(&mut joined, component, (&mut ids, types))?),
            Part::Contract(component, workflow) => {
                add_contract(&mut joined, (component, workflow), company, &mut ids)?;
                None
            }
        };
        spans.push((start..joined.workflow.nodes.len(), assigned));
    }
    for (at, part) in parts.iter().enumerate() {
        for earlier in 0..at {
            let on = if plan.in_turn {
                (earlier + 1 == at).then_some(EdgeCondition::Success)
            } else {
                let meet = match (&spans[earlier].1, &spans[at].1) {
                    (Some(one), Some(other)) => one.collides(other),
                    _ => false,
                };
                meet.then_some(EdgeCondition::Finished)
            };
            if let Some(on) = on {
                wait(&mut joined.workflow.nodes, (&spans[at].0, &spans[earlier].0), on);
            }
        }
        for needed in &part.component().dependencies {
            // Of several versions the highest is meant.
            let fitting = parts.iter().enumerate().filter(|(_, other)| is_meant(needed, other));
            let found = fitting
                .max_by(|(_, one), (_, other)| one.component().version.cmp(&other.component().version));
            if let Some((found, _)) = found.filter(|(found, _)| *found != at) {
                wait(&mut joined.workflow.nodes, (&spans[at].0, &spans[found].0), EdgeCondition::Success);
            }
        }
    }
    if plan.in_turn {
        if let Some(at) = joined.idle.iter().position(Option::is_some) {
            return Err(StageError::CannotRun(format!(
                "no file is one for `{}`, so there is nothing that it could pass on",
                joined.workflow.nodes[at].id
            )));
        }
        for pair in spans.windows(2) {
            let before =
                joined.workflow.nodes[pair[0].0.clone()].iter().map(|node| node.id.clone()).collect();
            let Some(first) = joined.workflow.nodes.get_mut(pair[1].0.start) else { continue };
            if let Some(Action::Command(command)) = &mut first.action {
                command.stdin = Stdin::Printed(before);
            }
        }
    }
    for component in &plan.skipped {
        let id = ids.fresh(component);
        let node = NodeSpec { enabled: false, ..node_of(component, id, component.span) };
        joined.workflow.nodes.push(node);
        joined.given.push(None);
        joined.idle.push(Some(SkipReason::Excluded));
        joined.declared_by.push(Arc::clone(component));
    }
    Ok(joined)
}

impl Composition {
    /// Repeats tests that fail up to so many times, without delay, where nothing else is said of their retries.
    pub fn retry_tests(&mut self, retries: u32) {
        let tests = self.workflow.nodes.iter_mut().filter(|node| node.kind == NodeKind::Test);
        for node in tests.filter(|node| node.retry == RetrySpec::default()) {
            let backoff = Backoff {
                max_attempts: retries.saturating_add(1),
                initial_delay: Duration::ZERO,
                ..Backoff::default()
            };
            // As if the test said it: a plain failure of it is repeated, too.
            node.retry = RetrySpec { inner: Some(Box::new(backoff)), own: true, ..RetrySpec::default() };
        }
    }
}

/// Says of all components at once what keeps them from being run.
fn refuse(parts: &[Part]) -> Result<(), StageError> {
    let components = parts.iter().filter_map(|part| match part {
        Part::Component(component) => Some(component),
        Part::Contract(..) => None,
    });
    let found: Vec<Diagnostic> =
        components.filter_map(|one| command(one).err()).map(|found| *found).collect();
    match found.iter().any(|finding| finding.code == codes::OUTSIDE_ROOT) {
        _ if found.is_empty() => Ok(()),
        true => Err(StageError::Findings(found)),
        false => Err(StageError::Unrunnable(found)),
    }
}

/// Whether a part is what another one needs.
fn is_meant(needed: &Needed, part: &Part) -> bool {
    let component = part.component();
    component.is_called(&needed.on.name) && needed.on.allows(component.version.as_ref())
}

/// The order in which parts that get in each other's way take turns: what is needed before who needs it, then by
/// priority, then who changes files before who only looks at them.
fn in_turn(mut parts: Vec<Part>) -> Vec<Part> {
    let changes_files = |part: &Part| match part {
        Part::Component(component) => may_write(component),
        Part::Contract(..) => false,
    };
    parts.sort_by_key(|part| (part.component().priority, !changes_files(part)));
    let mut order = Vec::new();
    let mut entered = vec![false; parts.len()];
    (0..parts.len()).for_each(|at| place(at, &parts, &mut entered, &mut order));
    let mut parts: Vec<Option<Part>> = parts.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| parts[at].take()).collect()
}

/// Puts a part behind all that it needs. Those that need each other in a circle are refused as a plan.
fn place(at: usize, parts: &[Part], entered: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut entered[at], true) {
        return;
    }
    for needed in &parts[at].component().dependencies {
        for (other, _) in parts.iter().enumerate().filter(|(_, part)| is_meant(needed, part)) {
            place(other, parts, entered, order);
        }
    }
    order.push(at);
}

/// The first nodes of one part wait for all nodes of another.
fn wait(
    nodes: &mut [NodeSpec],
    (late, early): (&std::ops::Range<usize>, &std::ops::Range<usize>),
    on: EdgeCondition,
) {
    for index in late.clone() {
        // Inside a part, others wait for its first nodes already.
        if nodes[index].depends_on.iter().any(|edge| late.contains(&edge.node)) {
            continue;
        }
        let span = nodes[index].span;
        for other in early.clone() {
            match nodes[index].depends_on.iter_mut().find(|edge| edge.node == other) {
                // What is needed is needed, also by one that would have to wait in any case.
                Some(edge) if on == EdgeCondition::Success => edge.on = on,
                Some(_) => {}
                None => nodes[index].depends_on.push(Dependency { node: other, on, span }),
            }
        }
    }
}

/// Names that are given out once.
#[derive(Default)]
struct Ids {
    taken: HashMap<String, usize>,
}

impl Ids {
    /// An id that looks like the component's name; with its namespace, and then a number, where that is taken.
    fn fresh(&mut self, component: &Component) -> NodeId {
        let names = [component.name.clone(), component.qualified_name(), component.full_name()];
        let free = names.iter().map(|name| as_id(name)).find(|name| !self.taken.contains_key(name));
        let name = free.unwrap_or_else(|| {
            let name = as_id(&component.name);
            let number = self.taken.entry(name.clone()).or_default();
            *number += 1;
            format!("{name}.{number}")
        });
        self.taken.insert(name.clone(), 1);
        self.id(&name)
    }

    fn id(&mut self, name: &str) -> NodeId {
        self.taken.entry(name.to_owned()).or_insert(1);
        NodeId::new(name).unwrap_or_else(|_| NodeId::new("component").unwrap_or_else(|_| unreachable!()))
    }
}

/// The same name with only the characters that ids have.
fn as_id(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' };
    let mut id: String = name.chars().map(plain).take(100).collect();
    if !id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        id.insert(0, '_');
    }
    id
}

fn node_of(component: &Component, id: NodeId, span: Span) -> NodeSpec {
    NodeSpec {
        kind: NodeKind::from_word(&component.meta_type),
        description: component.description.clone(),
        tags: component.tags.clone(),
        idempotent: component.idempotent,
        timeout: component.timeout.unwrap_or(DEFAULT_TIMEOUT),
        says_timeout: component.timeout.is_some(),
        sandbox: component.sandbox.clone().map(Box::new),
        ..NodeSpec::at(id, span)
    }
}

fn add_component(
    joined: &mut Composition,
    component: &Arc<Component>,
    (ids, types): (&mut Ids, &mut dyn FileTypes),
) -> Result<Assigned, StageError> {
    let command = command(component).map_err(|finding| StageError::Unrunnable(vec![*finding]))?;
    let assigned = assign(component, &joined.files, types)?;
    let id = ids.fresh(component);
    let mut add = |id: NodeId, files: Vec<OsString>, given: Option<Vec<usize>>, has_work: bool| {
        let command = CommandSpec { files, ..command.clone() };
        joined.workflow.nodes.push(NodeSpec {
            action: Some(Action::Command(command)),
            action_key: Some("run"),
            ..node_of(component, id, component.span)
        });
        joined.given.push(given);
        joined.idle.push((!has_work).then_some(SkipReason::NoFiles));
        joined.declared_by.push(Arc::clone(component));
    };
    let Some(places) = &assigned.files else {
        add(id, Vec::new(), None, true);
        return Ok(assigned);
    };
    if component.pass_filenames == Some(false) {
        add(id, Vec::new(), Some(places.clone()), component.always_run || !places.is_empty());
        return Ok(assigned);
    }
    let arguments = places.iter().map(|&at| argument(&joined.files[at])).collect();
    let pieces = pieces(arguments);
    match pieces.len() {
        0 => add(id, Vec::new(), Some(Vec::new()), component.always_run),
        1 => add(id, pieces.into_iter().flatten().collect(), Some(places.clone()), true),
        count => {
            let mut rest = places.as_slice();
            for (number, piece) in pieces.into_iter().enumerate() {
                let (these, others) = rest.split_at(piece.len());
                rest = others;
                add(ids.id(&format!("{id}.{}", number + 1)), piece, Some(these.to_vec()), true);
            }
            // What may change anything takes turns with itself, too.
            if assigned.writes == Writes::Anything {
                let all = joined.workflow.nodes.len();
                for (index, node) in joined.workflow.nodes.iter_mut().enumerate().skip(all - count + 1) {
                    let on = EdgeCondition::Finished;
                    node.depends_on.push(Dependency { node: index - 1, on, span: node.span });
                }
            }
        }
    }
    Ok(assigned)
}

/// Whether a contract shares its run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Company {
    Alone,
    Others,
}

/// The nodes of a contract, each with the contract's name before its own. Its rules for a whole run hold where it is the
/// whole run.
fn add_contract(
    joined: &mut Composition,
    (component, workflow): (&Arc<Component>, &Workflow),
    company: Company,
    ids: &mut Ids,
) -> Result<(), StageError> {
    let name = ids.fresh(component);
    let first = joined.workflow.nodes.len();
    let rules = &workflow.rules;
    let own_groups = workflow.nodes.iter().any(|node| node.group.is_some());
    // One limit holds for a node: that of all, where it is one at a time, or that of its group.
    let at_once = match (rules.parallel, rules.max_parallel) {
        (Some(true), most) => most,
        (Some(false) | None, _) => Some(1),
    };
    let at_once = at_once.filter(|&most| (most == 1 || !own_groups) && company == Company::Others);
    let own: [(bool, &'static str); 5] = [
        (rules.timeout.is_some(), "timeout"),
        (rules.max_parallel.is_some() && at_once.is_none(), "max_parallel_branches"),
        (rules.partial.is_some(), "allow_partial_completion"),
        (rules.budget != crate::model::workflow::Budget::default(), "budget"),
        (rules.batch, "execution_mode: batch"),
    ];
    let dropped: Vec<_> = own.into_iter().filter(|(is_set, _)| *is_set).map(|(_, rule)| rule).collect();
    if company == Company::Alone {
        joined.workflow.rules = Rules { groups: Vec::new(), ..rules.clone() };
    } else if !dropped.is_empty() {
        joined.dropped_rules.push((workflow.name.clone(), dropped));
    }
    let groups = joined.workflow.rules.groups.len();
    joined.workflow.rules.groups.extend(rules.groups.iter().cloned().map(|mut group| {
        group.name = format!("{name}.{}", group.name);
        group
    }));
    let all = at_once.map(|limit| {
        joined.workflow.rules.groups.push(GroupSpec { name: name.to_string(), limit });
        joined.workflow.rules.groups.len() - 1
    });
    for input in &workflow.inputs {
        match joined.workflow.inputs.iter().find(|known| known.name == input.name) {
            None => joined.workflow.inputs.push(input.clone()),
            Some(known) if known == input => {}
            Some(_) => {
                return Err(StageError::CannotRun(format!(
                    "the input `{}` of the contract `{}` is declared in another way by another contract of the \
                     stage",
                    input.name, workflow.name
                )));
            }
        }
    }
    for node in &workflow.nodes {
        let mut node = node.clone();
        node.id = ids.id(&format!("{name}.{}", node.id));
        node.depends_on.iter_mut().for_each(|edge| edge.node += first);
        node.fallback = node.fallback.map(|fallback| fallback + first);
        node.group = all.or(node.group.map(|group| group + groups));
        if company == Company::Others {
            // A failure stops the contract's own nodes at most: those that wait for it do not start in any case.
            node.error_action = node.error_action.or(Some(ErrorAction::Continue));
        }
        joined.given.push(node.uses.as_ref().and_then(|uses| uses.given.clone()));
        joined.idle.push((!node.is_wanted()).then_some(SkipReason::NoFiles));
        joined.declared_by.push(Arc::clone(component));
        joined.workflow.nodes.push(node);
    }
    Ok(())
}
