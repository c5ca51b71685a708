//! A plan for people: the groups that can run side by side, and what would keep a node from running.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use super::diagnostics::on_one_line;
use super::look::Look;
use crate::base::{NodeId, text};
use crate::model::context::Mode;
use crate::model::outcome::SkipReason;
use crate::model::plan_view::{NOT_FOUND, PlanNodeView, PlanStatus, PlanView};
use crate::model::workflow::EdgeCondition;

/// Why the run goes on as if a node were not there, and the words for it.
const LEFT_OUT: [(SkipReason, &str); 2] =
    [(SkipReason::NotSelected, "not selected"), (SkipReason::NoFiles, "no file matches")];

/// The most nodes that one line names.
const MOST_NAMED: usize = 5;

pub(super) fn render(look: Look, plan: &PlanView, out: &mut dyn Write) -> io::Result<()> {
    let dot = look.or_ascii("·", "-");
    let mode = match plan.mode {
        Mode::Async => format!("{} {}{}", plan.mode, look.or_ascii("×", "x"), plan.jobs),
        Mode::Sync | Mode::DryRun | Mode::Profile => plan.mode.to_string(),
    };
    let left_out: Vec<&NodeId> =
        plan.nodes.iter().filter(|node| is_left_out(node)).map(|node| &node.node_id).collect();
    let nodes = match (left_out.len(), plan.nodes.len()) {
        (0, all) => text::count(all, "node"),
        (left_out, all) => format!("{} of {}", all - left_out, text::count(all, "node")),
    };
    let asked_for = || plan.nodes.iter().filter(|node| !is_left_out(node));
    let by_id: HashMap<&NodeId, &PlanNodeView> = asked_for().map(|node| (&node.node_id, node)).collect();
    let shown: Vec<Vec<&PlanNodeView>> = plan
        .parallel_groups
        .iter()
        .map(|group| group.iter().filter_map(|id| by_id.get(id).copied()).collect::<Vec<_>>())
        .filter(|group| !group.is_empty())
        .collect();
    let groups = text::count(shown.len(), "group");
    let rest = format!(" {dot} {nodes} {dot} {groups} {dot} {mode}");
    let name = text::without_controls(&plan.name).replace('\n', " ");
    let name = look.clip(&name, look.width.saturating_sub(text::cells(&rest) + 5));
    writeln!(out, "{} {}{rest}", look.dim("plan"), look.bold(&name))?;

    let width =
        |of: fn(&PlanNodeView) -> Cow<'_, str>| asked_for().map(|n| text::cells(&of(n))).max().unwrap_or(0);
    let (ids, kinds) =
        (width(|n| n.node_id.as_str().into()).min(32), width(|n| Cow::Borrowed(n.kind.as_ref())).min(14));
    // A component with its namespace and version is long, and has what room there is.
    let room = look.width.saturating_sub(ids + kinds + 10);
    let actions = width(PlanNodeView::does).min(room.max(14));
    for (number, group) in shown.iter().enumerate() {
        for (at, node) in group.iter().enumerate() {
            let number = if at == 0 { (number + 1).to_string() } else { String::new() };
            let columns = format!(
                "{number:>4}  {}  {}  {}",
                text::pad(&look.clip(node.node_id.as_str(), ids), ids),
                text::pad(&look.clip(&on_one_line(&node.kind), kinds), kinds),
                text::pad(&look.clip(&on_one_line(&node.does()), actions), actions),
            );
            let room = look.width.saturating_sub(text::cells(&columns) + 2);
            let line = format!("{columns}  {}", look.dim(&look.clip(&remarks(node), room)));
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    if plan.critical_path.len() > 1 {
        let arrow = look.or_ascii(" → ", " -> ");
        let path = plan.critical_path.iter().map(NodeId::as_str).collect::<Vec<_>>().join(arrow);
        writeln!(out, "{}", look.clip(&format!("longest chain: {path}"), look.width))?;
    }
    if asked_for().any(|node| node.status != PlanStatus::Skipped) {
        let time = worst_case(plan.worst_case_ms);
        let why = match plan.without_timeout {
            0 => String::new(),
            n => {
                let says = if n == 1 { "says" } else { "say" };
                let attempt = text::duration(Duration::from_millis(plan.attempt_timeout_ms));
                let nodes = text::count(n, "node");
                format!("; {nodes} {says} no timeout, and each attempt may take {attempt}")
            }
        };
        writeln!(out, "{}", look.clip(&format!("worst case: {time}{why}"), look.width))?;
    }
    for (reason, words) in LEFT_OUT {
        let such = plan.nodes.iter().filter(|node| node.reason.as_deref() == Some(reason.as_str()));
        let such: Vec<_> = such.map(|node| &node.node_id).collect();
        if !such.is_empty() {
            writeln!(out, "{}", look.clip(&format!("{words}: {}", some_of(&such)), look.width))?;
        }
    }
    for note in &plan.notes {
        let named = match note.nodes.as_slice() {
            [] => String::new(),
            nodes => format!("{}: ", some_of(&nodes.iter().collect::<Vec<_>>())),
        };
        let lines = text::wrap_words(&format!("note: {named}{}", note.message), look.width.saturating_sub(2));
        for (at, line) in lines.iter().enumerate() {
            writeln!(out, "{}{}", if at == 0 { "" } else { "  " }, look.dim(line))?;
        }
    }
    Ok(())
}

fn is_left_out(node: &PlanNodeView) -> bool {
    LEFT_OUT.iter().any(|(reason, _)| node.reason.as_deref() == Some(reason.as_str()))
}

/// The first of some nodes, and how many more there are.
fn some_of(nodes: &[&NodeId]) -> String {
    let named = nodes.iter().take(MOST_NAMED).map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
    match nodes.len().checked_sub(MOST_NAMED) {
        Some(more @ 1..) => format!("{named} and {more} more"),
        _ => named,
    }
}

/// A time for people. Numbers beyond all measure come from retries beyond all measure.
fn worst_case(ms: u64) -> String {
    const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;
    match ms / YEAR_MS {
        0 => text::duration(Duration::from_millis(ms)),
        1..1000 => format!("more than {}", text::count(usize::try_from(ms / YEAR_MS).unwrap_or(1), "year")),
        _ => "more than 1000 years".to_owned(),
    }
}

fn remarks(node: &PlanNodeView) -> String {
    let mut remarks = Vec::new();
    if node.status == PlanStatus::Skipped {
        let reason = node.reason.as_deref().unwrap_or_default();
        remarks.push(if reason == SkipReason::Excluded.as_str() {
            "skipped by ONEX_SKIP".to_owned()
        } else {
            format!("skipped: {reason}")
        });
    }
    match (node.status, node.reason.as_deref()) {
        (PlanStatus::Unbound, Some(NOT_FOUND)) => remarks.push("component not found".to_owned()),
        (PlanStatus::Unbound, Some(_)) => remarks.push("not carried out yet".to_owned()),
        // The column of its action says `unbound`.
        (PlanStatus::Unbound, None) | (PlanStatus::WillRun | PlanStatus::Skipped, _) => {}
    }
    let other = node.stands_in_for.as_ref();
    if let Some(other) = other {
        remarks.push(format!("if {other} fails"));
    }
    let on = |id: &&NodeId| node.conditions.get(*id).copied();
    for (word, asked) in [
        ("after", None),
        ("after a failure of", Some(EdgeCondition::Failure)),
        ("after any end of", Some(EdgeCondition::Finished)),
    ] {
        let waited = node.depends_on.iter().filter(|&id| Some(id) != other).filter(|id| on(id) == asked);
        let waited: Vec<&str> = waited.map(NodeId::as_str).collect();
        if !waited.is_empty() {
            remarks.push(format!("{word} {}", waited.join(", ")));
        }
    }
    match node.worst_case_ms.filter(|_| node.status != PlanStatus::Skipped) {
        Some(ms) => {
            remarks.push(format!("up to {} attempts, {}", node.max_attempts, worst_case(ms)));
        }
        None if node.max_attempts > 1 && node.status != PlanStatus::Skipped => {
            remarks.push("one attempt".to_owned());
        }
        None => {}
    }
    if let Some(group) = &node.group {
        remarks.push(format!("group {}", on_one_line(group)));
    }
    if node.circuit_breaker {
        remarks.push("circuit breaker".to_owned());
    }
    if let Some(sandbox) = &node.sandbox {
        remarks.push(format!("sandbox: {}", on_one_line(&sandbox.to_string())));
    }
    remarks.join("; ")
}
