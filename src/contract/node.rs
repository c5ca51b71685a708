//! One node of a contract, in either dialect.

use super::keys::{self, Key, Standing, words};
use super::metadata::read_kind;
use super::policy::{read_breaker, read_resources};
use super::reader::Reader;
use super::rules::{RuleSet, read_backoff};
use super::sandbox::read_sandbox;
use super::values::{Zero, duration_in};
use super::{Dialect, command, uses};
use crate::base::NodeId;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Severity, Span, codes};
use crate::model::uses::Uses;
use crate::model::workflow::{
    Action, Backoff, CommandSpec, CountedFailures, DEFAULT_PRIORITY, DEFAULT_TIMEOUT, EdgeCondition,
    ErrorAction, NodeSpec, OuterRetry, Resources, RetrySpec,
};
use crate::yaml::{NodeRef, Shape};

/// An edge whose other end is still a name, which the tree keeps.
pub(super) struct RawEdge {
    pub id: NodeRef,
    pub on: EdgeCondition,
}

/// Another node that stands in for one when it fails: by its name, or written out.
pub(super) enum RawFallback {
    Named { id: String, span: Span },
    Inline(Box<NodeSpec>),
}

/// A node whose edges and fallback are still names.
pub(super) struct RawNode {
    pub spec: NodeSpec,
    pub edges: Vec<RawEdge>,
    pub fallback: Option<RawFallback>,
    /// Whether it is repeated as the rules say because it asks for that.
    pub asks_again: bool,
}

/// Reads one node. Nothing where it has no usable id; what else is wrong with it is said, and the rest is read.
pub(super) fn read_node(
    reader: &mut Reader<'_>,
    node: NodeRef,
    place: (Dialect, &RuleSet),
) -> Option<RawNode> {
    let enabled = reader.tree.value(node, "enabled");
    reader.disabled = enabled.is_some_and(|enabled| reader.tree.shape(enabled) == Shape::Bool(false));
    let raw = read_keys(reader, node, place);
    reader.disabled = false;
    raw
}

fn read_keys(
    reader: &mut Reader<'_>,
    node: NodeRef,
    (dialect, rules): (Dialect, &RuleSet),
) -> Option<RawNode> {
    let tree = reader.tree;
    let noun = if dialect == Dialect::Onex { "a node" } else { "a task" };
    reader.mapping(node, noun)?;
    reader.check_keys(node, if dialect == Dialect::Onex { &keys::ONEX_NODE } else { &keys::TASK });

    let (id, span) = read_id(reader, node, dialect)?;
    let kind = either(reader, node, "node_type", "type").and_then(|n| read_kind(reader, n));
    either(reader, node, "when", "condition");
    let edges =
        either(reader, node, "depends_on", "dependencies").map_or_else(Vec::new, |n| read_edges(reader, n));
    let idempotent = tree.value(node, "idempotent").and_then(|n| reader.bool(n, "`idempotent`"));
    let retry = read_retry(reader, node, (idempotent, rules));
    let own_timeout = duration_in(reader, node, "timeout", Zero::Refused);
    let timeout = own_timeout.or(rules.step_timeout);

    // In the ONEX dialect the action and its arguments stand in `step_config`.
    let holder = match dialect {
        Dialect::Workflow => Some(node),
        Dialect::Onex => {
            reader.get_mapping(node, "step_config").inspect(|&n| reader.check_keys(n, &keys::STEP_CONFIG))
        }
    };
    let resources = tree
        .value(node, "resources")
        .map(|n| read_resources(reader, n))
        .unwrap_or_default()
        .within(rules.resources);
    let done = holder
        .map(|holder| read_action(reader, holder, || format!("node `{id}`")))
        .unwrap_or_default()
        .within(resources);
    let uses = done.uses.map(|uses| {
        Box::new(Uses { says_kind: kind.is_some(), says_timeout: own_timeout.is_some(), ..*uses })
    });
    let error_action = tree.value(node, "error_action").and_then(|n| read_error_action(reader, n, rules));
    let asks_again = matches!(error_action, Some(AskedAction::Retry)) && !retry.own;
    let kind = kind.unwrap_or_default();
    let tags: Vec<String> = tree.value(node, "tags").map_or_else(Vec::new, |n| {
        let mut tags = reader.texts(n, "`tags`");
        tags.retain(|&(tag, at)| reader.is_plain(at, "a tag", tag));
        tags.into_iter().map(|(tag, _)| tag.to_owned()).collect()
    });
    let breaker = match tree.value(node, "circuit_breaker") {
        Some(n) if reader.is_switched_off(n) => None,
        Some(n) => read_breaker(reader, n, CountedFailures::All),
        None => rules.breaker.clone(),
    };
    let (description, name) = (reader.get_plain(node, "description"), reader.get_plain(node, "name"));

    let mut spec = NodeSpec {
        kind,
        tags,
        description: description.or(name),
        enabled: tree.value(node, "enabled").and_then(|n| reader.bool(n, "`enabled`")).unwrap_or(true),
        depends_on: Vec::with_capacity(edges.len()),
        idempotent,
        retry: if asks_again { RetrySpec { outer: rules.asked_outer.clone(), ..retry } } else { retry },
        timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
        says_timeout: timeout.is_some(),
        total_timeout: duration_in(reader, node, "total_timeout", Zero::Refused),
        breaker: breaker.map(Box::new),
        group: tree.value(node, "group").and_then(|n| read_group(reader, n, rules)),
        error_action: error_action.map(AskedAction::after_all),
        priority: tree
            .value(node, "priority")
            .and_then(|n| reader.count(n, "`priority`", 0))
            .unwrap_or(DEFAULT_PRIORITY),
        sandbox: match tree.value(node, "sandbox") {
            Some(n) => read_sandbox(reader, n),
            None => rules.sandbox.clone(),
        },
        action: done.action,
        action_key: done.key,
        uses,
        ..NodeSpec::at(id, span)
    };
    if spec.guards() {
        spec.breaker = None;
    }
    let fallback = tree
        .value(node, "fallback")
        .filter(|&n| !reader.is_off(n))
        .and_then(|n| read_fallback(reader, n, (&spec, rules)));
    Some(RawNode { spec, edges, fallback, asks_again })
}

/// What a node does, as far as its contract says.
#[derive(Default)]
struct Done {
    /// The action, if it can be carried out.
    action: Option<Action>,
    /// The key that declares it.
    key: Option<&'static str>,
    /// The component that it runs.
    uses: Option<Box<Uses>>,
}

impl Done {
    /// The same, with what its program may take of the machine.
    fn within(self, resources: Resources) -> Self {
        let action =
            self.action.map(|Action::Command(command)| Action::Command(CommandSpec { resources, ..command }));
        Self { action, uses: self.uses.map(|uses| Box::new(Uses { resources, ..*uses })), ..self }
    }
}

/// The index of a group, which has to have a size.
fn read_group(reader: &mut Reader<'_>, node: NodeRef, rules: &RuleSet) -> Option<usize> {
    let name = reader.text(node, "`group`")?;
    if !reader.is_plain(node, "`group`", name) {
        return None;
    }
    let groups = &rules.run.groups;
    let found = groups.iter().position(|group| group.name == name);
    if found.is_none() {
        let meant = nearest(name, groups.iter().map(|group| group.name.as_str())).map(str::to_owned);
        reader.push(
            Diagnostic::error(codes::UNKNOWN_GROUP, format!("the group `{name}` has no size"))
                .at(reader.tree.span(node), "how many of its nodes may run at once?")
                .did_you_mean(meant.as_deref())
                .help(format!("say `groups: {{{name}: 1}}` in the rules")),
        );
    }
    found
}

/// `fallback: ID`, or an action, which becomes a node of its own.
fn read_fallback(
    reader: &mut Reader<'_>,
    node: NodeRef,
    (of, rules): (&NodeSpec, &RuleSet),
) -> Option<RawFallback> {
    let span = reader.tree.span(node);
    if !matches!(reader.tree.shape(node), Shape::Mapping(_)) {
        let id = reader.text(node, "`fallback`")?.to_owned();
        return Some(RawFallback::Named { id, span });
    }
    reader.check_keys(node, &keys::FALLBACK);
    if let Some(enabled) = reader.tree.value(node, "enabled") {
        // What is off did not come here.
        reader.bool(enabled, "`enabled`");
    }
    let name = format!("{}.fallback", of.id);
    let id = match NodeId::new(&name) {
        Ok(id) => id,
        Err(error) => {
            reader.push(
                Diagnostic::error(codes::BAD_ID, format!("`{name}` is no id")).at(of.span, error.to_string()),
            );
            return None;
        }
    };
    let done = read_action(reader, node, || format!("the fallback of node `{}`", of.id));
    let done = done.within(rules.resources);
    if done.key.is_none() {
        reader.push(
            Diagnostic::error(codes::MISSING_KEY, "a fallback needs an action")
                .at(span, "does nothing")
                .help("write `fallback: {run: [program, argument]}`, or the id of another node"),
        );
    }
    Some(RawFallback::Inline(Box::new(NodeSpec {
        kind: of.kind.clone(),
        description: reader.get_plain(node, "description"),
        enabled: of.enabled,
        retry: RetrySpec { inner: rules.inner.clone(), own: false, outer: rules.outer.clone() },
        timeout: rules.step_timeout.unwrap_or(DEFAULT_TIMEOUT),
        says_timeout: rules.step_timeout.is_some(),
        error_action: of.error_action,
        priority: of.priority,
        // It does the work of its node, and is no way out.
        sandbox: of.sandbox.clone(),
        action: done.action,
        action_key: done.key,
        uses: done.uses,
        ..NodeSpec::at(id, span)
    })))
}

/// The value under one of two names for the same thing.
fn either(reader: &mut Reader<'_>, node: NodeRef, name: &str, synonym: &str) -> Option<NodeRef> {
    let (first, second) = (reader.tree.value(node, name), reader.tree.value(node, synonym));
    if let (Some(first), Some(second)) = (first, second) {
        reader.push(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                format!("`{name}` and `{synonym}` are two names for the same key"),
            )
            .at(reader.tree.span(second), "here")
            .at(reader.tree.span(first), "and here")
            .help(format!("keep `{name}`")),
        );
    }
    first.or(second).filter(|&found| reader.tree.shape(found) != Shape::Null)
}

fn read_id(reader: &mut Reader<'_>, node: NodeRef, dialect: Dialect) -> Option<(NodeId, Span)> {
    let (name, synonym) = if dialect == Dialect::Onex { ("node_id", "id") } else { ("id", "node_id") };
    let Some(found) = either(reader, node, name, synonym) else {
        let place = match reader.tree.shape(node) {
            Shape::Mapping([first, ..]) => reader.tree.span(first.key),
            _ => reader.tree.span(node),
        };
        reader.push(
            Diagnostic::error(codes::MISSING_KEY, format!("a node needs `{name}`"))
                .at(place, format!("this node has no `{name}`")),
        );
        return None;
    };
    let text = reader.text(found, &format!("`{name}`"))?;
    let span = reader.tree.span(found);
    match NodeId::new(text) {
        Ok(id) => Some((id, span)),
        Err(error) => {
            reader.refused_ids.push(text.to_owned());
            reader.push(
                Diagnostic::error(codes::BAD_ID, format!("`{}` is no id", crate::base::text::clip(text, 40)))
                    .at(span, error.to_string()),
            );
            None
        }
    }
}

fn read_edges(reader: &mut Reader<'_>, list: NodeRef) -> Vec<RawEdge> {
    let tree = reader.tree;
    let items = match tree.shape(list) {
        Shape::Sequence(items) => items,
        Shape::Text(_) => std::slice::from_ref(&list),
        _ => {
            reader.wrong_type(list, "`depends_on`", "a list of ids");
            return Vec::new();
        }
    };
    let mut edges = Vec::with_capacity(items.len());
    for &item in items {
        if !matches!(tree.shape(item), Shape::Mapping(_)) {
            if reader.text(item, "a dependency").is_some() {
                edges.push(RawEdge { id: item, on: EdgeCondition::Success });
            }
            continue;
        }
        reader.check_keys(item, &keys::DEPENDENCY);
        let on = match tree.value(item, "on") {
            None => EdgeCondition::Success,
            Some(on) => match tree.scalar(on) {
                Some("success") => EdgeCondition::Success,
                Some("failure") => EdgeCondition::Failure,
                Some("finished") => EdgeCondition::Finished,
                _ => {
                    reader.bad_value(on, "`on`", &words::ENDS);
                    continue;
                }
            },
        };
        match tree.value(item, "node") {
            Some(node) => {
                if reader.text(node, "`node`").is_some() {
                    edges.push(RawEdge { id: node, on });
                }
            }
            None => reader.push(
                Diagnostic::error(codes::MISSING_KEY, "a dependency needs `node`")
                    .at(tree.span(item), "which node?")
                    .help("write `{node: ID, on: finished}`, or just the id"),
            ),
        }
    }
    edges
}

fn read_retry(
    reader: &mut Reader<'_>,
    node: NodeRef,
    (idempotent, rules): (Option<bool>, &RuleSet),
) -> RetrySpec {
    let inherited = RetrySpec { inner: rules.inner.clone(), own: false, outer: rules.outer.clone() };
    let given = reader.tree.value(node, "retry");
    if given.is_some_and(|given| reader.is_switched_off(given)) {
        return RetrySpec { inner: None, own: true, outer: OuterRetry::default() };
    }
    if let Some(given) = given
        && matches!(reader.tree.shape(given), Shape::Int(_) | Shape::Text(_))
    {
        let attempts = match reader.tree.shape(given) {
            Shape::Int(n @ 1..) => n,
            _ => 3,
        };
        reader.push(
            Diagnostic::error(codes::WRONG_TYPE, "`retry` is a mapping")
                .at(reader.tree.span(given), format!("this is {}", reader.tree.shape(given).noun()))
                .help(format!("write `retry: {{max_attempts: {attempts}}}`; the first attempt counts, too")),
        );
    }
    let retry = given.filter(|&given| !matches!(reader.tree.shape(given), Shape::Int(_) | Shape::Text(_)));
    let Some(retry) = retry.filter(|&retry| reader.mapping(retry, "`retry`").is_some()) else {
        // What must not be repeated does not inherit repetition; the outer tier repeats only what never started.
        return match idempotent {
            Some(false) => RetrySpec { inner: None, ..inherited },
            _ => inherited,
        };
    };
    reader.check_keys(retry, &keys::RETRY);
    let max_attempts =
        reader.tree.value(retry, "max_attempts").and_then(|n| reader.count(n, "`max_attempts`", 1));
    let backoff = read_backoff(reader, retry);
    if idempotent == Some(false) {
        let place =
            |key: &str| reader.tree.value(node, key).map_or_else(Span::default, |n| reader.tree.span(n));
        let finding = Diagnostic::error(
            codes::RETRY_NOT_IDEMPOTENT,
            "a node that is not idempotent cannot have a `retry`",
        )
        .at(place("retry"), "would repeat it")
        .at(place("idempotent"), "must not be repeated")
        .help("remove `retry`, or say `idempotent: true` if repeating it does no harm");
        reader.push(finding);
    }
    let backoff = Backoff { max_attempts: max_attempts.unwrap_or(backoff.max_attempts), ..backoff };
    RetrySpec { inner: Some(Box::new(backoff)), own: true, outer: OuterRetry::default() }
}

/// What a node asks for when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AskedAction {
    Stop,
    Continue,
    /// As often as the rules say, then stop.
    Retry,
}

impl AskedAction {
    const fn after_all(self) -> ErrorAction {
        match self {
            Self::Stop | Self::Retry => ErrorAction::Stop,
            Self::Continue => ErrorAction::Continue,
        }
    }
}

fn read_error_action(reader: &mut Reader<'_>, node: NodeRef, rules: &RuleSet) -> Option<AskedAction> {
    match reader.tree.scalar(node).map(str::to_ascii_lowercase).as_deref() {
        Some("stop") => Some(AskedAction::Stop),
        Some("continue") => Some(AskedAction::Continue),
        Some("retry") => {
            if rules.asked_outer.max_retries == 0 {
                reader.push(
                    Diagnostic::new(
                        Severity::Info,
                        codes::MEANINGLESS_RULE,
                        "the error action `retry` repeats as often as `max_retries` in the rules says, which is not given",
                    )
                    .at(reader.tree.span(node), "is not repeated for this"),
                );
            }
            Some(AskedAction::Retry)
        }
        Some("compensate") => {
            reader.later(node, "the error action `compensate`");
            None
        }
        _ => {
            reader.bad_value(node, "`error_action`", &words::ERROR_ACTIONS);
            None
        }
    }
}

/// The agent of a task is one of those that the workflow declares, if it declares any.
fn check_agent(reader: &mut Reader<'_>, node: NodeRef) {
    let (Some(agents), Some(name)) = (&reader.agents, reader.tree.scalar(node)) else { return };
    if agents.contains(&name) {
        return;
    }
    let meant = nearest(name, agents.iter().copied());
    let finding = Diagnostic::error(codes::BAD_VALUE, format!("the agent `{name}` is not declared"))
        .at(reader.tree.span(node), "none of `agents`")
        .did_you_mean(meant);
    reader.push(finding);
}

/// What the keys of a mapping declare to be done.
fn read_action(reader: &mut Reader<'_>, holder: NodeRef, of: impl Fn() -> String) -> Done {
    let tree = reader.tree;
    let Shape::Mapping(entries) = tree.shape(holder) else { return Done::default() };
    let mut found: Option<(&'static Key, NodeRef, NodeRef)> = None;
    for entry in entries {
        let Some(key) = tree.scalar(entry.key).and_then(keys::action) else { continue };
        // `run: false` runs the program `false`; a later action that is off is none.
        let acts = match key.name {
            _ if key.is_command() => tree.shape(entry.value) != Shape::Null,
            "parallel" if matches!(tree.shape(entry.value), Shape::Bool(_)) => false,
            _ => match tree.shape(entry.value) {
                Shape::Null => false,
                Shape::Bool(false) => key.standing == Standing::LaterEvenOff,
                _ => true,
            },
        };
        if !acts {
            continue;
        }
        match found {
            // The same key twice has been told of as what it is.
            Some((first, ..)) if first.name == key.name => {}
            Some((first, first_at, _)) => reader.push(
                Diagnostic::error(
                    codes::SEVERAL_ACTIONS,
                    format!("{} has two actions, `{}` and `{}`", of(), first.name, key.name),
                )
                .at(tree.span(entry.key), "a second action")
                .at(tree.span(first_at), "the first")
                .help("a node does one thing: make it two nodes"),
            ),
            None => found = Some((key, entry.key, entry.value)),
        }
    }
    if let Some((key, _, value)) = found
        && key.name == "agent"
    {
        check_agent(reader, value);
    }
    match found {
        Some((key, _, value)) if matches!(key.name, "uses" | "effect_node") => {
            let uses = uses::read(reader, holder, (key.name, value)).map(Box::new);
            Done { action: None, key: Some(key.name), uses }
        }
        Some((key, _, value)) if key.is_command() => {
            let command = command::read(reader, holder, (key.name, value));
            Done { action: command.map(Action::Command), key: Some(key.name), uses: None }
        }
        // What a program would get is looked at all the same.
        other => {
            command::read_surroundings(reader, holder);
            uses::read_arguments(reader, holder);
            Done { key: other.map(|(key, ..)| key.name), ..Done::default() }
        }
    }
}
