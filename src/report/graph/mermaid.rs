//! A graph in the language of Mermaid.

use std::io::{self, Write};

use super::{condition, remark};
use crate::base::text;
use crate::model::graph_view::GraphView;
use crate::model::plan_view::PlanStatus;
use crate::model::workflow::EdgeCondition;

pub(super) fn render(graph: &GraphView, out: &mut dyn Write) -> io::Result<()> {
    // A JSON text is a YAML text, which the head of a diagram is.
    let name = text::without_controls(&graph.name).replace('\n', " ");
    writeln!(out, "---\ntitle: {}\n---\nflowchart TD", serde_json::Value::from(name))?;
    for (at, node) in graph.nodes.iter().enumerate() {
        // Ids of nodes can be words of Mermaid, such as `end`.
        let class = match node.status {
            PlanStatus::WillRun => "",
            PlanStatus::Skipped => ":::skipped",
            PlanStatus::Unbound => ":::unbound",
        };
        let remark = remark(node).map_or_else(String::new, |remark| format!("<br/>{}", escaped(&remark)));
        writeln!(out, "  n{at}[\"{}{remark}\"]{class}", escaped(node.node_id.as_str()))?;
    }
    for edge in &graph.edges {
        let (from, to) = (edge.from, edge.to);
        let arrow = match edge.on {
            EdgeCondition::Success | EdgeCondition::Failure => "-->",
            EdgeCondition::Finished => "==>",
            EdgeCondition::Fallback => "-.->",
        };
        let label = condition(edge.on).map_or_else(String::new, |word| format!("|{word}|"));
        writeln!(out, "  n{from} {arrow}{label} n{to}")?;
    }
    for (class, status, style) in [
        ("skipped", PlanStatus::Skipped, "stroke-dasharray:4 3,color:#9ca3af,stroke:#9ca3af"),
        ("unbound", PlanStatus::Unbound, "stroke-dasharray:2 2,color:#b45309,stroke:#b45309"),
    ] {
        if graph.nodes.iter().any(|node| node.status == status) {
            writeln!(out, "  classDef {class} {style}")?;
        }
    }
    Ok(())
}

/// A text between quotes: what means something there is written by its number.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text::without_controls(text).chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '\n' => escaped.push_str(&format!("#{};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}
