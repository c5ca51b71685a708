//! A plan for people: the groups that can run side by side, and what would keep a node from running.

use std::collections::HashMap;
use std::io::{self, Write};

use super::diagnostics::on_one_line;
use super::look::Look;
use crate::base::{NodeId, text};
use crate::model::context::Mode;
use crate::model::plan_view::{PlanNodeView, PlanStatus, PlanView};

pub(super) fn render(look: Look, plan: &PlanView, out: &mut dyn Write) -> io::Result<()> {
    let dot = look.or_ascii("·", "-");
    let mode = match plan.mode {
        Mode::Async => format!("{} {}{}", plan.mode, look.or_ascii("×", "x"), plan.jobs),
        Mode::Sync | Mode::DryRun | Mode::Profile => plan.mode.to_string(),
    };
    let nodes = text::count(plan.nodes.len(), "node");
    let groups = text::count(plan.parallel_groups.len(), "group");
    let rest = format!(" {dot} {nodes} {dot} {groups} {dot} {mode}");
    let name = text::without_controls(&plan.name).replace('\n', " ");
    let name = look.clip(&name, look.width.saturating_sub(text::cells(&rest) + 5));
    writeln!(out, "{} {}{rest}", look.dim("plan"), look.bold(&name))?;

    let by_id: HashMap<&NodeId, &PlanNodeView> =
        plan.nodes.iter().map(|node| (&node.node_id, node)).collect();
    let width = |of: fn(&PlanNodeView) -> &str| {
        plan.nodes.iter().map(|n| text::cells(of(n))).max().unwrap_or(0).min(32)
    };
    let (ids, kinds) = (width(|n| n.node_id.as_str()), width(|n| &n.kind).min(14));
    let actions = width(|n| n.action.as_deref().unwrap_or("unbound")).min(14);
    for (number, group) in plan.parallel_groups.iter().enumerate() {
        for (at, id) in group.iter().enumerate() {
            let Some(node) = by_id.get(id) else { continue };
            let number = if at == 0 { (number + 1).to_string() } else { String::new() };
            let columns = format!(
                "{number:>4}  {}  {}  {}",
                text::pad(&look.clip(node.node_id.as_str(), ids), ids),
                text::pad(&look.clip(&on_one_line(&node.kind), kinds), kinds),
                text::pad(&look.clip(node.action.as_deref().unwrap_or("unbound"), actions), actions),
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
    Ok(())
}

fn remarks(node: &PlanNodeView) -> String {
    let mut remarks = Vec::new();
    if node.status == PlanStatus::Skipped {
        remarks.push(format!("skipped: {}", node.reason.as_deref().unwrap_or_default()));
    }
    let other = node.stands_in_for.as_ref();
    if let Some(other) = other {
        remarks.push(format!("if {other} fails"));
    }
    let after: Vec<&str> =
        node.depends_on.iter().filter(|&id| Some(id) != other).map(NodeId::as_str).collect();
    if !after.is_empty() {
        remarks.push(format!("after {}", after.join(", ")));
    }
    if node.max_attempts > 1 {
        remarks.push(format!("at most {} attempts", node.max_attempts));
    }
    if let Some(group) = &node.group {
        remarks.push(format!("group {}", on_one_line(group)));
    }
    if node.circuit_breaker {
        remarks.push("circuit breaker".to_owned());
    }
    remarks.join("; ")
}
