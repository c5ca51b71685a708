//! Components and contracts as one workflow.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StageError;
use super::files::{Assigned, FileTypes, Writes, argument, assign, pieces};
use crate::base::NodeId;
use crate::diag::Span;
use crate::model::component::{Component, EntryKind};
use crate::model::workflow::{
    Action, CommandSpec, DEFAULT_TIMEOUT, Dependency, EdgeCondition, ErrorAction, GroupSpec, NodeKind,
    NodeSpec, ProgramSpec, Rules, Stdin, Workflow,
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
    /// For each node, whether there is something for it to do.
    pub wanted: Vec<bool>,
    /// Rules of contracts that cannot hold where several run together, each with the contract's name.
    pub dropped_rules: Vec<(String, &'static str)>,
    /// Components of the stage that only its defaults leave out, each with the reason.
    pub left_out: Vec<(String, String)>,
    /// The components that run.
    pub components: Vec<Arc<Component>>,
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
        parts.sort_by_key(|part| part.component().priority);
    }
    // For each part the nodes that it became.
    let mut spans: Vec<(std::ops::Range<usize>, Option<Assigned>)> = Vec::new();
    for part in &parts {
        let start = joined.workflow.nodes.len();
        let assigned = match part {
            Part::Component(component) => Some(add_component(&mut joined, component, (&mut ids, types))?),
            Part::Contract(component, workflow) => {
                add_contract(&mut joined, component, workflow, &mut ids)?;
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
            let fits = |other: &Component| {
                other.is_called(&needed.on.name) && needed.on.allows(other.version.as_ref())
            };
            let fitting = parts.iter().enumerate().filter(|(_, other)| fits(other.component()));
            let found = fitting
                .max_by(|(_, one), (_, other)| one.component().version.cmp(&other.component().version));
            if let Some((found, _)) = found.filter(|(found, _)| *found != at) {
                wait(&mut joined.workflow.nodes, (&spans[at].0, &spans[found].0), EdgeCondition::Success);
            }
        }
    }
    if plan.in_turn {
        if let Some(at) = joined.wanted.iter().position(|wanted| !wanted) {
            return Err(StageError::CannotRun(format!(
                "no file is one for `{}`, so there is nothing that it could pass on",
                joined.workflow.nodes[at].id
            )));
        }
        for pair in spans.windows(2) {
            let before = joined.workflow.nodes[pair[0].0.end - 1].id.clone();
            let Some(first) = joined.workflow.nodes.get_mut(pair[1].0.start) else { continue };
            if let Some(Action::Command(command)) = &mut first.action {
                command.stdin = Stdin::Value(before);
            }
        }
    }
    for component in &plan.skipped {
        let id = ids.fresh(component);
        let node = NodeSpec { enabled: false, ..node_of(component, id, component.span) };
        joined.workflow.nodes.push(node);
        joined.given.push(None);
        joined.wanted.push(true);
    }
    Ok(joined)
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
        ..NodeSpec::at(id, span)
    }
}

fn add_component(
    joined: &mut Composition,
    component: &Arc<Component>,
    (ids, types): (&mut Ids, &mut dyn FileTypes),
) -> Result<Assigned, StageError> {
    let program = program(component)?;
    let assigned = assign(component, &joined.files, types)?;
    let id = ids.fresh(component);
    let mut add = |id: NodeId, extra: Vec<String>, given: Option<Vec<usize>>, wanted: bool| {
        let command = CommandSpec {
            env: component.env.iter().cloned().collect::<BTreeMap<_, _>>(),
            ..CommandSpec::new(with_arguments(&program, extra))
        };
        joined.workflow.nodes.push(NodeSpec {
            action: Some(Action::Command(command)),
            action_key: Some("run"),
            ..node_of(component, id, component.span)
        });
        joined.given.push(given);
        joined.wanted.push(wanted);
    };
    let Some(places) = &assigned.files else {
        add(id, Vec::new(), None, true);
        return Ok(assigned);
    };
    if component.pass_filenames == Some(false) {
        add(id, Vec::new(), Some(places.clone()), component.always_run || !places.is_empty());
        return Ok(assigned);
    }
    let arguments = places.iter().map(|&at| argument(&joined.files[at])).collect::<Result<Vec<_>, _>>()?;
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

/// Whether a path leaves the folder that it is relative to.
fn leads_out(path: &Path) -> bool {
    let mut depth = 0;
    path.components().any(|part| {
        match part {
            std::path::Component::Normal(_) => depth += 1,
            std::path::Component::ParentDir => depth -= 1,
            std::path::Component::CurDir
            | std::path::Component::RootDir
            | std::path::Component::Prefix(_) => {}
        }
        depth < 0
    })
}

/// What a component's entry point runs.
fn program(component: &Component) -> Result<ProgramSpec, StageError> {
    let cannot = |why: &str| {
        let path = component.origin.path.display();
        StageError::CannotRun(format!("`{}` ({path}) cannot be run: {why}", component.qualified_name()))
    };
    let entrypoint = component.entrypoint.as_ref().ok_or_else(|| cannot("it has no entry point"))?;
    let file = component.entry_file();
    if let Some(file) = file.as_deref().filter(|file| leads_out(file)) {
        return Err(StageError::Outside(format!(
            "`{}` would run `{}`, which is outside of the project",
            component.qualified_name(),
            file.display()
        )));
    }
    let file = file.map(|file| file.display().to_string());
    let mut words = entrypoint.target.iter().cloned();
    let first = words.next().ok_or_else(|| cannot("its entry point names nothing"))?;
    let rest: Vec<String> = words.collect();
    match entrypoint.kind {
        EntryKind::Command => {
            // A name with a slash is a file of the project.
            let first = file.map_or(first, |file| match file.starts_with('/') {
                true => file,
                false => format!("./{file}"),
            });
            Ok(ProgramSpec::Argv([vec![first], rest].concat()))
        }
        EntryKind::Script => Ok(ProgramSpec::Script { file: file.unwrap_or(first), args: rest }),
        EntryKind::Python => match (file, first.split_once(':')) {
            (Some(file), _) => Ok(ProgramSpec::Script { file, args: rest }),
            (None, Some((module, function))) => Ok(ProgramSpec::Python {
                module: module.to_owned(),
                function: function.to_owned(),
                args: rest.into_iter().map(Into::into).collect(),
                kwargs: Box::default(),
            }),
            (None, None) => Ok(ProgramSpec::Module { module: first, args: rest }),
        },
        EntryKind::Http => Err(cannot("this version of onex carries out no `http` entry points")),
        EntryKind::Agent => Err(cannot("this version of onex carries out no `agent` entry points")),
    }
}

fn with_arguments(program: &ProgramSpec, extra: Vec<String>) -> ProgramSpec {
    let mut program = program.clone();
    match &mut program {
        ProgramSpec::Argv(args) | ProgramSpec::Script { args, .. } | ProgramSpec::Module { args, .. } => {
            args.extend(extra);
        }
        ProgramSpec::Python { args, .. } => args.extend(extra.into_iter().map(Into::into)),
        ProgramSpec::Shell(_) => {}
    }
    program
}

/// The nodes of a contract, each with the contract's name before its own.
fn add_contract(
    joined: &mut Composition,
    component: &Component,
    workflow: &Workflow,
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
    let at_once = at_once.filter(|&most| most == 1 || !own_groups);
    let own: [(bool, &'static str); 5] = [
        (rules.timeout.is_some(), "timeout"),
        (rules.max_parallel.is_some() && at_once.is_none(), "max_parallel_branches"),
        (rules.partial.is_some(), "allow_partial_completion"),
        (rules.budget != crate::model::workflow::Budget::default(), "budget"),
        (rules.batch, "execution_mode: batch"),
    ];
    let dropped = own.into_iter().filter(|(is_set, _)| *is_set);
    joined.dropped_rules.extend(dropped.map(|(_, rule)| (workflow.name.clone(), rule)));
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
        // A failure stops the contract's own nodes at most: those that wait for it do not start in any case.
        node.error_action = node.error_action.or(Some(ErrorAction::Continue));
        joined.workflow.nodes.push(node);
        joined.given.push(None);
        joined.wanted.push(true);
    }
    Ok(())
}
