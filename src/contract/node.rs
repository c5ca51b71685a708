//! One node of a contract, in either dialect.

use std::collections::BTreeMap;

use super::reader::Reader;
use super::rules::{RuleSet, read_backoff};
use super::values::{Zero, duration_in};
use super::{Dialect, keys};
use crate::base::NodeId;
use crate::diag::{Diagnostic, Span, codes};
use crate::model::output::OutputFormat;
use crate::model::workflow::{
    Action, Backoff, CommandSpec, DEFAULT_PRIORITY, DEFAULT_TIMEOUT, EdgeCondition, ErrorAction, NodeKind,
    NodeSpec, OuterRetry, RetrySpec,
};
use crate::yaml::{NodeRef, Shape};

/// An edge whose other end is still a name.
pub(super) struct RawEdge {
    pub id: String,
    pub on: EdgeCondition,
    pub span: Span,
}

/// Reads one node. Nothing where it has no usable id; what else is wrong with it is said, and the rest is read.
pub(super) fn read_node(
    reader: &mut Reader<'_>,
    node: NodeRef,
    (dialect, rules): (Dialect, &RuleSet),
) -> Option<(NodeSpec, Vec<RawEdge>)> {
    let tree = reader.tree;
    let noun = if dialect == Dialect::Onex { "a node" } else { "a task" };
    reader.mapping(node, noun)?;
    reader.check_keys(node, if dialect == Dialect::Onex { &keys::ONEX_NODE } else { &keys::TASK });

    let (id, span) = read_id(reader, node, dialect)?;
    let at = format!("node `{id}`");
    let kind = either(reader, node, "node_type", "type").and_then(|n| reader.text(n, "`node_type`"));
    let edges =
        either(reader, node, "depends_on", "dependencies").map_or_else(Vec::new, |n| read_edges(reader, n));
    let idempotent = tree.get(node, "idempotent").and_then(|n| reader.bool(n, "`idempotent`"));
    let retry = read_retry(reader, node, (idempotent, rules));
    let timeout = duration_in(reader, node, "timeout", Zero::Refused);

    // In the ONEX dialect the action and its arguments stand in `step_config`.
    let holder = match dialect {
        Dialect::Workflow => Some(node),
        Dialect::Onex => {
            reader.get_mapping(node, "step_config").inspect(|&n| reader.check_keys(n, &keys::STEP_CONFIG))
        }
    };
    let (action, action_key) = holder.map_or((None, None), |holder| read_action(reader, holder, &at));

    let spec = NodeSpec {
        id,
        span,
        kind: kind.map_or_else(NodeKind::default, NodeKind::from_word),
        description: reader.get_text(node, "description").or_else(|| reader.get_text(node, "name")),
        tags: tree.get(node, "tags").map_or_else(Vec::new, |n| {
            reader.texts(n, "`tags`").into_iter().map(|(tag, _)| tag.to_owned()).collect()
        }),
        enabled: tree.get(node, "enabled").and_then(|n| reader.bool(n, "`enabled`")).unwrap_or(true),
        depends_on: Vec::with_capacity(edges.len()),
        idempotent,
        retry,
        timeout: timeout.or(rules.step_timeout).unwrap_or(DEFAULT_TIMEOUT),
        error_action: tree.get(node, "error_action").and_then(|n| read_error_action(reader, n)),
        priority: tree
            .get(node, "priority")
            .and_then(|n| reader.count(n, "`priority`", 0))
            .unwrap_or(DEFAULT_PRIORITY),
        action,
        action_key,
    };
    Some((spec, edges))
}

/// The value under one of two names for the same thing.
fn either(reader: &mut Reader<'_>, node: NodeRef, name: &str, synonym: &str) -> Option<NodeRef> {
    let (first, second) = (reader.tree.get(node, name), reader.tree.get(node, synonym));
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
        Shape::Sequence(items) => items.to_vec(),
        Shape::Text(_) => vec![list],
        _ => {
            reader.wrong_type(list, "`depends_on`", "a list of ids");
            return Vec::new();
        }
    };
    let mut edges = Vec::with_capacity(items.len());
    for item in items {
        if !matches!(tree.shape(item), Shape::Mapping(_)) {
            if let Some(id) = reader.text(item, "a dependency") {
                edges.push(RawEdge { id: id.to_owned(), on: EdgeCondition::Success, span: tree.span(item) });
            }
            continue;
        }
        reader.check_keys(item, &keys::DEPENDENCY);
        let on = match tree.get(item, "on") {
            None => EdgeCondition::Success,
            Some(on) => match tree.scalar(on) {
                Some("success") => EdgeCondition::Success,
                Some("failure") => EdgeCondition::Failure,
                Some("finished") => EdgeCondition::Finished,
                _ => {
                    reader.bad_value(on, "`on`", &["success", "failure", "finished"]);
                    continue;
                }
            },
        };
        match tree.get(item, "node") {
            Some(node) => {
                if let Some(id) = reader.text(node, "`node`") {
                    edges.push(RawEdge { id: id.to_owned(), on, span: tree.span(node) });
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
    let Some(retry) = reader.get_mapping(node, "retry") else {
        // What must not be repeated does not inherit repetition; the outer tier repeats only what never started.
        return match idempotent {
            Some(false) => RetrySpec { inner: None, ..inherited },
            _ => inherited,
        };
    };
    reader.check_keys(retry, &keys::RETRY);
    let max_attempts =
        reader.tree.get(retry, "max_attempts").and_then(|n| reader.count(n, "`max_attempts`", 1));
    let backoff = read_backoff(reader, retry);
    if idempotent == Some(false) {
        let place =
            |key: &str| reader.tree.get(node, key).map_or_else(Span::default, |n| reader.tree.span(n));
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
    RetrySpec { inner: Some(backoff), own: true, outer: OuterRetry::default() }
}

fn read_error_action(reader: &mut Reader<'_>, node: NodeRef) -> Option<ErrorAction> {
    match reader.tree.scalar(node).map(str::to_ascii_lowercase).as_deref() {
        Some("stop") => Some(ErrorAction::Stop),
        Some("continue") => Some(ErrorAction::Continue),
        Some(word @ ("retry" | "compensate")) => {
            reader.later(node, &format!("the error action `{word}`"));
            None
        }
        _ => {
            reader.bad_value(node, "`error_action`", &["stop", "continue", "retry", "compensate"]);
            None
        }
    }
}

/// The action, if it can be carried out, and the key that declares it.
fn read_action(reader: &mut Reader<'_>, holder: NodeRef, at: &str) -> (Option<Action>, Option<String>) {
    let tree = reader.tree;
    let Shape::Mapping(entries) = tree.shape(holder) else { return (None, None) };
    let mut found: Option<(&str, NodeRef, NodeRef)> = None;
    for entry in entries {
        let Some(key) = tree.scalar(entry.key) else { continue };
        let hint = key == "parallel" && matches!(tree.shape(entry.value), Shape::Bool(_));
        if hint || !(keys::ACTIONS.contains(&key) || keys::LATER_ACTIONS.contains(&key)) {
            continue;
        }
        match found {
            Some((first, first_at, _)) => reader.push(
                Diagnostic::error(
                    codes::SEVERAL_ACTIONS,
                    format!("{at} has two actions, `{first}` and `{key}`"),
                )
                .at(tree.span(entry.key), "a second action")
                .at(tree.span(first_at), "the first")
                .help("a node does one thing: make it two nodes"),
            ),
            None => found = Some((key, entry.key, entry.value)),
        }
    }
    match found {
        Some(("run", _, run)) => {
            (read_command(reader, holder, run).map(Action::Command), Some("run".to_owned()))
        }
        Some((key, ..)) => (None, Some(key.to_owned())),
        None => (None, None),
    }
}

fn read_command(reader: &mut Reader<'_>, holder: NodeRef, run: NodeRef) -> Option<CommandSpec> {
    let tree = reader.tree;
    let output = tree.get(holder, "output").and_then(|output| match tree.scalar(output) {
        Some("text") => Some(OutputFormat::Text),
        Some("json") => Some(OutputFormat::Json),
        Some("lines") => Some(OutputFormat::Lines),
        Some("none" | "null" | "") => Some(OutputFormat::None),
        _ => {
            reader.bad_value(output, "`output`", &["text", "json", "lines", "none"]);
            None
        }
    });
    let cwd = tree.get(holder, "cwd").and_then(|cwd| read_cwd(reader, cwd));
    let env = tree.get(holder, "env").map_or_else(BTreeMap::new, |env| read_env(reader, env));
    let stdin = tree.get(holder, "stdin").and_then(|stdin| {
        let text = reader.text(stdin, "`stdin`")?;
        if text == "inherit" {
            reader.later(stdin, "`stdin: inherit`");
        }
        expressions(reader, stdin, text);
        Some(text.to_owned())
    });
    Some(CommandSpec {
        argv: read_argv(reader, holder, run)?,
        env,
        cwd,
        stdin,
        output: output.unwrap_or_default(),
    })
}

/// The program and its arguments: text is a script for a shell, a list is taken as it is.
fn read_argv(reader: &mut Reader<'_>, holder: NodeRef, run: NodeRef) -> Option<Vec<String>> {
    let tree = reader.tree;
    let shell = tree.get(holder, "shell");
    if let Shape::Sequence(items) = tree.shape(run) {
        if let Some(shell) = shell {
            reader.push(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`shell` chooses who runs a text, and this `run` is a list",
                )
                .at(tree.span(shell), "has no effect")
                .at(tree.span(run), "runs without a shell"),
            );
        }
        let mut argv = Vec::with_capacity(items.len());
        for &item in items {
            let text = reader.text(item, "an argument")?;
            expressions(reader, item, text);
            no_nul(reader, item, text)?;
            argv.push(text.to_owned());
        }
        if argv.first().is_none_or(String::is_empty) {
            reader.push(
                Diagnostic::error(codes::BAD_VALUE, "`run` names no program")
                    .at(tree.span(run), "its first element is the program"),
            );
            return None;
        }
        return Some(argv);
    }
    let script = reader.text(run, "`run`")?;
    no_nul(reader, run, script)?;
    if script.trim().is_empty() {
        reader
            .push(Diagnostic::error(codes::BAD_VALUE, "`run` is empty").at(tree.span(run), "nothing to run"));
        return None;
    }
    if script.contains("${{") {
        reader.push(
            Diagnostic::error(codes::PASTED_DATA, "data is never pasted into text that a shell runs")
                .at(tree.span(run), "`${{ … }}` stands in a script")
                .help("give the data to the script by `env`, `stdin` or `$ONEX_NODE_RESULTS`, or write `run` as a list"),
        );
        return None;
    }
    let mut argv: Vec<String> = match shell {
        None => vec!["/bin/sh".to_owned(), "-eu".to_owned(), "-c".to_owned()],
        Some(shell) => match tree.shape(shell) {
            Shape::Sequence(_) => {
                reader.texts(shell, "`shell`").into_iter().map(|(word, _)| word.to_owned()).collect()
            }
            _ => {
                let mut words: Vec<String> =
                    reader.text(shell, "`shell`")?.split_whitespace().map(str::to_owned).collect();
                if words.len() == 1 {
                    words.push("-eu".to_owned());
                }
                words.push("-c".to_owned());
                words
            }
        },
    };
    argv.push(script.to_owned());
    Some(argv)
}

fn read_cwd(reader: &mut Reader<'_>, cwd: NodeRef) -> Option<String> {
    let text = reader.text(cwd, "`cwd`")?;
    expressions(reader, cwd, text);
    no_nul(reader, cwd, text)?;
    let mut depth = 0i32;
    let mut outside = text.starts_with('/');
    for part in text.split('/') {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        outside |= depth < 0;
    }
    if outside {
        reader.push(
            Diagnostic::error(codes::OUTSIDE_ROOT, "`cwd` leads out of the project root")
                .at(reader.tree.span(cwd), "outside")
                .help("name a folder below the project root, relative to it"),
        );
        return None;
    }
    Some(text.to_owned())
}

fn read_env(reader: &mut Reader<'_>, env: NodeRef) -> BTreeMap<String, String> {
    let Some(entries) = reader.mapping(env, "`env`") else { return BTreeMap::new() };
    let mut variables = BTreeMap::new();
    for entry in entries {
        let Some(name) = reader.tree.scalar(entry.key) else {
            reader.wrong_type(entry.key, "the name of a variable", "text");
            continue;
        };
        if name.is_empty() || name.contains(['=', '\0']) {
            reader.push(
                Diagnostic::error(
                    codes::BAD_VALUE,
                    format!("`{}` cannot be a variable", name.escape_debug()),
                )
                .at(reader.tree.span(entry.key), "no name of a variable"),
            );
            continue;
        }
        let value = match reader.tree.shape(entry.value) {
            Shape::Null => Some(""),
            _ => reader.text(entry.value, &format!("the variable `{name}`")),
        };
        let Some(value) = value else { continue };
        expressions(reader, entry.value, value);
        if no_nul(reader, entry.value, value).is_some() {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    variables
}

fn expressions(reader: &mut Reader<'_>, node: NodeRef, text: &str) {
    if text.contains("${{") {
        reader.later(node, "an expression (`${{ … }}`)");
    }
}

/// The operating system cannot pass a NUL byte to a program.
fn no_nul(reader: &mut Reader<'_>, node: NodeRef, text: &str) -> Option<()> {
    if text.contains('\0') {
        reader.push(
            Diagnostic::error(codes::BAD_VALUE, "text for a program cannot hold a NUL byte")
                .at(reader.tree.span(node), "holds a NUL byte"),
        );
        return None;
    }
    Some(())
}
