//! The latencies of a workflow as a table, and the chain that no number of slots makes shorter.

use std::io::{self, Write};

use crate::base::{NodeId, text};
use crate::model::profile::{Latency, Profile};
use crate::report::Look;

/// The width of a column of numbers with the space before it.
const COLUMN: usize = 9;

/// The columns that a narrow display leaves out come last.
const COLUMNS: [&str; 7] = ["p50", "max", "min", "mean", "p90", "p99", "cpu"];

pub(super) fn render(look: Look, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let id_width = look.id_width(profile.nodes.iter().map(|node| &node.node_id)).max("whole run".len());
    let shown = COLUMNS.len().min(look.width.saturating_sub(id_width + 2) / COLUMN);
    let line = |name: &str, cells: [String; 7]| {
        let numbers: String = cells[..shown].iter().map(|cell| format!("{cell:>COLUMN$}")).collect();
        format!("  {}{numbers}", text::pad(&look.clip(name, id_width), id_width))
    };
    writeln!(out, "{}", look.dim(&line("", COLUMNS.map(str::to_owned))))?;
    for node in &profile.nodes {
        writeln!(out, "{}", line(node.node_id.as_str(), numbers(&node.latency, node.cpu_ms)).trim_end())?;
    }
    writeln!(out, "{}", line("whole run", numbers(&profile.run, None)).trim_end())?;
    let arrow = look.or_ascii(" → ", " -> ");
    let path: Vec<&str> = profile.critical_path.iter().map(NodeId::as_str).collect();
    let path = format!("critical path {}: {}", millis(profile.critical_path_ms), path.join(arrow));
    let mut indent = "  ";
    for piece in text::wrap(&path, look.width.saturating_sub(4).max(1)) {
        writeln!(out, "{indent}{}", piece.trim_end())?;
        indent = "    ";
    }
    Ok(())
}

fn numbers(latency: &Latency, cpu_ms: Option<f64>) -> [String; 7] {
    let of =
        [latency.p50_ms, latency.max_ms, latency.min_ms, latency.mean_ms, latency.p90_ms, latency.p99_ms];
    let [p50, max, min, mean, p90, p99] = of.map(millis);
    [p50, max, min, mean, p90, p99, cpu_ms.map(millis).unwrap_or_default()]
}

/// `0.41ms`, `12.3ms`, `412ms`, then as all durations.
fn millis(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.2}ms")
    } else if ms < 100.0 {
        format!("{ms:.1}ms")
    } else if ms < 1000.0 {
        format!("{ms:.0}ms")
    } else {
        text::duration(std::time::Duration::from_secs_f64(ms / 1000.0))
    }
}
