//! A graph for a terminal, for Graphviz, for Mermaid, and as a picture.

mod dot;
mod lanes;
mod layers;
mod mermaid;
mod svg;

use std::io::{self, Write};

use super::look::Look;
use crate::model::graph_view::{GraphNode, GraphView};
use crate::model::plan_view::{NOT_FOUND, PlanStatus};
use crate::model::workflow::EdgeCondition;

/// The form of a drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines on a terminal.
    #[default]
    Ascii,
    /// The language of Graphviz.
    Dot,
    /// The language of Mermaid.
    Mermaid,
    /// A picture.
    Svg,
}

/// Draws a graph.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn render(form: Form, look: Look, graph: &GraphView, out: &mut dyn Write) -> io::Result<()> {
    match form {
        Form::Ascii => lanes::render(look, graph, out),
        Form::Dot => dot::render(graph, out),
        Form::Mermaid => mermaid::render(graph, out),
        Form::Svg => svg::render(graph, out),
    }
}

/// What an edge asks for, in one word; nothing where it asks for success.
const fn condition(on: EdgeCondition) -> Option<&'static str> {
    match on {
        EdgeCondition::Success => None,
        EdgeCondition::Failure => Some("failure"),
        EdgeCondition::Finished => Some("finished"),
        EdgeCondition::Fallback => Some("fallback"),
    }
}

/// The component that a node uses, and why it would not run; nothing where neither is to be said.
fn remark(node: &GraphNode) -> Option<String> {
    let uses = node.component.as_ref().map(|component| format!("uses {component}"));
    let said: Vec<String> = uses.into_iter().chain(obstacle(node)).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

fn obstacle(node: &GraphNode) -> Option<String> {
    match (node.status, node.reason.as_deref()) {
        (PlanStatus::WillRun, _) => None,
        (PlanStatus::Unbound, Some(NOT_FOUND)) => Some("component not found".to_owned()),
        (PlanStatus::Skipped, reason) => Some(format!("skipped: {}", reason.unwrap_or_default())),
        (PlanStatus::Unbound, None) => Some("no action".to_owned()),
        (PlanStatus::Unbound, Some(_)) => Some("not carried out yet".to_owned()),
    }
}
