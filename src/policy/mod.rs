//! Whether a run may be: what policies say of what is about to run, and whether it is trusted.
//!
//! Answers, and does nothing: it reads no file and starts no program. What is about to run comes in as a [`Subject`].

mod names;
mod programs;
mod sayings;
#[cfg(test)]
mod tests;
mod trust;

pub use names::UnitPath;
pub use programs::forbidden;
pub use sayings::diagnostic;
pub use trust::{Standing, standing};

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::base::{NodeId, text};
use crate::diag::Span;
use crate::model::component::Lifecycle;
use crate::model::policy::{Confinement, ExecutionPolicy, Limits, Pattern, Patterns, Payload, Scope, Starts};
use crate::model::sandbox::{NetworkAccess, Sandbox};
use crate::model::workflow::NodeKind;

/// What is about to run.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The stage, where one was named.
    pub stage: Option<&'a str>,
    /// Where programs run, without symbolic links: the project root, or that of the tree that it is laid out in.
    pub root: &'a Path,
    /// The time for the whole run, where there is a bound.
    pub timeout: Option<Duration>,
    /// The most nodes at once.
    pub jobs: usize,
    /// The contracts and components that take part.
    pub units: Vec<Unit>,
    /// The nodes that may run.
    pub nodes: Vec<Part<'a>>,
}

/// A contract or a component that takes part in a run.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// Where it is written down.
    pub path: UnitPath,
    /// How far it is in its life, where that is known.
    pub lifecycle: Option<Lifecycle>,
    /// Where that is said.
    pub lifecycle_span: Option<Span>,
    /// Whether it is trusted; nothing where nobody has looked.
    pub standing: Option<Standing>,
}

/// A node that may run.
#[derive(Debug)]
pub struct Part<'a> {
    /// Its id.
    pub id: &'a NodeId,
    /// Where it is written down.
    pub span: Option<Span>,
    /// Its kind.
    pub kind: &'a NodeKind,
    /// What declares it, by its index in [`Subject::units`].
    pub unit: usize,
    /// The most attempts that it can make.
    pub attempts: u32,
    /// What it starts.
    pub starts: Starts,
    /// The variables that it sets, or inherits by their names.
    pub variables: Vec<String>,
    /// What it may touch.
    pub sandbox: Sandbox,
}

/// What breaks a policy.
#[derive(Clone, Debug)]
pub struct Violation<'p> {
    /// The policy.
    pub policy: &'p ExecutionPolicy,
    /// Everything that breaks it; never empty.
    pub breaches: Vec<Breach>,
}

/// One thing that breaks a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// What it does, as the rest of a sentence: ``node `a` starts `curl` ``.
    pub what: String,
    /// The node, where it is one.
    pub node: Option<NodeId>,
    /// Where it stands.
    pub span: Option<Span>,
    /// What can be done about it.
    pub help: Option<String>,
}

impl Breach {
    fn of(what: String) -> Self {
        Self { what, node: None, span: None, help: None }
    }
}

/// Every policy that what is about to run breaks, in the order of the policies.
#[must_use]
pub fn judge<'p>(policies: &'p [ExecutionPolicy], subject: &Subject<'_>) -> Vec<Violation<'p>> {
    let judged = policies.iter().map(|policy| Violation { breaches: breaches(policy, subject), policy });
    judged.filter(|violation| !violation.breaches.is_empty()).collect()
}

/// Gives nodes the sandboxes that policies impose. What came of it, for each node that has another now.
pub fn impose(policies: &[ExecutionPolicy], subject: &mut Subject<'_>) -> Vec<(usize, Sandbox)> {
    let mut changed: BTreeMap<usize, Sandbox> = BTreeMap::new();
    for policy in policies {
        let Payload::Sandbox(Confinement { least, impose: true }) = &policy.payload else { continue };
        for at in nodes_meant(policy, subject) {
            let node = &mut subject.nodes[at];
            if !node.sandbox.is_within(least) {
                node.sandbox = confined(&node.sandbox, least);
                changed.insert(at, node.sandbox.clone());
            }
        }
    }
    changed.into_iter().collect()
}

/// A sandbox that is within `least`, and where it can be, within the node's own.
fn confined(own: &Sandbox, least: &Sandbox) -> Sandbox {
    let filesystem = match own.filesystem.is_within(&least.filesystem) {
        true => own.filesystem.clone(),
        false => least.filesystem.clone(),
    };
    let network = match (own.network, least.network) {
        (NetworkAccess::Full, NetworkAccess::Full) => NetworkAccess::Full,
        _ => NetworkAccess::None,
    };
    Sandbox { filesystem, network, required: own.required || least.required }
}

/// Whether a policy is about some nodes only, so that nothing can be said before they are known.
#[must_use]
pub fn is_of_nodes(policy: &ExecutionPolicy) -> bool {
    policy.scope.is_of_nodes()
}

impl Scope {
    fn holds_for_stage(&self, stage: Option<&str>) -> bool {
        self.stage.is_empty() || stage.is_some_and(|stage| self.stage.iter().any(|named| named == stage))
    }

    fn holds_for_path(&self, path: &UnitPath) -> bool {
        self.contract.is_empty() || self.contract.iter().any(|pattern| path.is_any(pattern))
    }

    /// Whether a node is meant, of which the stage and the contract are.
    fn holds_for_node(&self, node: &Part<'_>) -> bool {
        let is_named = || self.node.iter().any(|pattern| pattern.matches(node.id.as_str()));
        let is_kind = || self.kind.iter().any(|kind| NodeKind::from_word(kind) == *node.kind);
        (self.node.is_empty() || is_named()) && (self.kind.is_empty() || is_kind())
    }

    fn is_of_nodes(&self) -> bool {
        !self.node.is_empty() || !self.kind.is_empty()
    }
}

/// The nodes that a policy is about.
fn nodes_of<'s, 'a>(
    policy: &'s ExecutionPolicy,
    subject: &'s Subject<'a>,
) -> impl Iterator<Item = (usize, &'s Part<'a>)> {
    let scope = &policy.scope;
    let nodes = subject.nodes.iter().enumerate().filter(move |_| scope.holds_for_stage(subject.stage));
    nodes.filter(move |(_, node)| {
        let unit = subject.units.get(node.unit);
        scope.holds_for_node(node)
            && (scope.contract.is_empty() || unit.is_some_and(|unit| scope.holds_for_path(&unit.path)))
    })
}

/// The places among the subject's nodes of those that a policy is about.
#[must_use]
pub fn nodes_meant(policy: &ExecutionPolicy, subject: &Subject<'_>) -> Vec<usize> {
    nodes_of(policy, subject).map(|(at, _)| at).collect()
}

/// The contracts and components that a policy is about.
fn units_of<'s>(policy: &'s ExecutionPolicy, subject: &'s Subject<'_>) -> impl Iterator<Item = &'s Unit> {
    let scope = &policy.scope;
    subject.units.iter().enumerate().filter_map(move |(index, unit)| {
        let has_node = || subject.nodes.iter().any(|node| node.unit == index && scope.holds_for_node(node));
        let is_meant = scope.holds_for_stage(subject.stage)
            && scope.holds_for_path(&unit.path)
            && (!scope.is_of_nodes() || has_node());
        is_meant.then_some(unit)
    })
}

fn breaches(policy: &ExecutionPolicy, subject: &Subject<'_>) -> Vec<Breach> {
    match &policy.payload {
        Payload::Trust => units_of(policy, subject).filter_map(untrusted).collect(),
        Payload::Contract(patterns) => {
            units_of(policy, subject).filter_map(|unit| elsewhere(unit, patterns)).collect()
        }
        Payload::Lifecycle(allowed) => {
            units_of(policy, subject).filter_map(|unit| out_of_life(unit, allowed)).collect()
        }
        Payload::Program(patterns) => nodes_of(policy, subject)
            .filter_map(|(_, node)| {
                let what = forbidden(patterns, &node.starts, subject.root)?;
                Some(of_node(node, &what.text, what.help))
            })
            .collect(),
        Payload::Environment(patterns) => {
            nodes_of(policy, subject).flat_map(|(_, node)| variables(node, patterns)).collect()
        }
        Payload::Limit(limits) => beyond(policy, subject, limits),
        Payload::Sandbox(Confinement { least, .. }) => nodes_of(policy, subject)
            .filter(|(_, node)| !node.sandbox.is_within(least))
            .map(|(_, node)| {
                let what = match node.sandbox == Sandbox::default() {
                    true => "has no sandbox".to_owned(),
                    false => format!("has the sandbox `{}`", node.sandbox),
                };
                of_node(node, &format!("{what}, and asked for is at least `{least}`"), None)
            })
            .collect(),
    }
}

fn of_node(node: &Part<'_>, what: &str, help: Option<String>) -> Breach {
    Breach { what: format!("node `{}` {what}", node.id), node: Some(node.id.clone()), span: node.span, help }
}

fn untrusted(unit: &Unit) -> Option<Breach> {
    let standing = unit.standing.as_ref().unwrap_or(&Standing::Unknown);
    let what = standing.problem(&unit.path)?;
    let shown = text::shell_word(&unit.path.shown.display().to_string());
    let root = match standing {
        Standing::OtherRoot(_) => {
            format!(" --root {}", text::shell_word(&unit.path.root.display().to_string()))
        }
        _ => String::new(),
    };
    let help = format!("look at it, then `onex trust {shown}{root}` trusts it as it is now");
    Some(Breach { help: Some(help), ..Breach::of(what) })
}

fn elsewhere(unit: &Unit, patterns: &Patterns) -> Option<Breach> {
    let shown = unit.path.shown.display();
    if let Some(pattern) = patterns.deny.iter().find(|pattern| unit.path.is_any(pattern)) {
        return Some(Breach::of(format!("the pattern `{pattern}` denies `{shown}`")));
    }
    let allowed = patterns.allow.as_ref()?;
    let is_allowed = allowed.iter().any(|pattern| unit.path.is_really(pattern));
    (!is_allowed).then(|| Breach::of(format!("`{shown}` is none of the allowed {}", list(allowed))))
}

fn out_of_life(unit: &Unit, allowed: &[String]) -> Option<Breach> {
    let word = unit.lifecycle.clone().unwrap_or_default();
    if allowed.iter().any(|allowed| Lifecycle::new(allowed) == word) {
        return None;
    }
    let allowed: Vec<String> = allowed.iter().map(|word| format!("`{word}`")).collect();
    let what = format!("`{}` is `{word}`, and allowed is {}", unit.name, allowed.join(", "));
    Some(Breach { span: unit.lifecycle_span, ..Breach::of(what) })
}

/// The variables of a node that are not allowed.
fn variables(node: &Part<'_>, patterns: &Patterns) -> Vec<Breach> {
    let all = node.variables.iter().chain(&node.starts.variables);
    let breach = |name: &String| {
        let shown = names::spelt(name);
        if let Some(pattern) = patterns.deny.iter().find(|pattern| pattern.matches(name)) {
            let what = format!("has the variable {shown}, which the pattern `{pattern}` denies");
            return Some(of_node(node, &what, None));
        }
        let allowed = patterns.allow.as_ref()?;
        let is_allowed = allowed.iter().any(|pattern| pattern.matches(name));
        let what = || format!("has the variable {shown}, and allowed is {}", list(allowed));
        (!is_allowed).then(|| of_node(node, &what(), None))
    };
    all.filter_map(breach).collect()
}

/// What a run asks for beyond its limits.
fn beyond(policy: &ExecutionPolicy, subject: &Subject<'_>, limits: &Limits) -> Vec<Breach> {
    let nodes: Vec<&Part<'_>> = nodes_of(policy, subject).map(|(_, node)| node).collect();
    if nodes.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut run = |what: String, help: String| {
        found.push(Breach { help: Some(help), ..Breach::of(what) });
    };
    if let Some(most) = limits.timeout.filter(|most| subject.timeout.is_none_or(|asked| asked > *most)) {
        let asked = subject.timeout.map_or("no bound on its time".to_owned(), text::duration);
        let most = text::duration(most);
        run(
            format!("the run asks for {asked}, and allowed is {most}"),
            format!("`--timeout {most}` bounds it"),
        );
    }
    if let Some(most) = limits.jobs.filter(|most| subject.jobs > *most) {
        let what = format!("the run asks for {} nodes at once, and allowed is {most}", subject.jobs);
        run(what, format!("`--jobs {most}` asks for fewer"));
    }
    if let Some(most) = limits.nodes.filter(|most| nodes.len() > *most) {
        let what = format!("the run has {}, and allowed is {most}", text::count(nodes.len(), "node"));
        run(what, "`--only` and `--until` select some of them".to_owned());
    }
    if let Some(most) = limits.attempts {
        let over = nodes.iter().filter(|node| node.attempts > most);
        found.extend(over.map(|node| {
            let attempts = text::count(node.attempts as usize, "attempt");
            of_node(node, &format!("asks for {attempts}, and allowed is {most}"), None)
        }));
    }
    found
}

/// Patterns for people.
fn list(patterns: &[Pattern]) -> String {
    const MOST: usize = 6;
    let named: Vec<String> = patterns.iter().take(MOST).map(|pattern| format!("`{pattern}`")).collect();
    match (named.is_empty(), patterns.len() > MOST) {
        (true, _) => "nothing".to_owned(),
        (false, more) => named.join(", ") + if more { ", …" } else { "" },
    }
}
