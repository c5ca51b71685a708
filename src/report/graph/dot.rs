//! A graph in the language of Graphviz.

use std::io::{self, Write};

use super::{condition, remark};
use crate::base::text;
use crate::model::graph_view::GraphView;
use crate::model::plan_view::PlanStatus;
use crate::model::workflow::EdgeCondition;

pub(super) fn render(graph: &GraphView, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph {} {{", quoted(&graph.name))?;
    writeln!(out, "  node [shape=box, style=rounded, fontname=\"monospace\", fontsize=11];")?;
    writeln!(out, "  edge [color=\"#6b7280\", fontname=\"monospace\", fontsize=9];")?;
    for node in &graph.nodes {
        let style = match node.status {
            PlanStatus::WillRun => "",
            PlanStatus::Skipped => ", style=\"rounded,dashed\", color=\"#9ca3af\", fontcolor=\"#9ca3af\"",
            PlanStatus::Unbound => ", style=\"rounded,dotted\", color=\"#b45309\", fontcolor=\"#b45309\"",
        };
        let tooltip = remark(node).map_or_else(|| node.kind.to_string(), |r| format!("{}, {r}", node.kind));
        writeln!(out, "  {} [tooltip={}{style}];", quoted(node.node_id.as_str()), quoted(&tooltip))?;
    }
    for edge in &graph.edges {
        let ends = [edge.from, edge.to].map(|at| quoted(graph.nodes[at].node_id.as_str()));
        let style = match edge.on {
            EdgeCondition::Success => "",
            EdgeCondition::Failure => ", color=\"#b91c1c\", fontcolor=\"#b91c1c\"",
            EdgeCondition::Finished => ", style=dotted",
            EdgeCondition::Fallback => ", style=dashed",
        };
        let style = condition(edge.on).map_or_else(String::new, |word| format!(" [label={word}{style}]"));
        writeln!(out, "  {} -> {}{style};", ends[0], ends[1])?;
    }
    writeln!(out, "}}")
}

/// A text between quotes. Only quotes and backslashes mean something there.
fn quoted(text: &str) -> String {
    let clean = text::without_controls(text).replace('\n', " ");
    format!("\"{}\"", clean.replace('\\', "\\\\").replace('"', "\\\""))
}
