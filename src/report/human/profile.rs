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

/// `0.41ms`, `12.3ms`, `412ms`, then as all durations; the bounds are those of what is rounded.
fn millis(ms: f64) -> String {
    if ms < 9.995 {
        format!("{ms:.2}ms")
    } else if ms < 99.95 {
        format!("{ms:.1}ms")
    } else if ms < 999.5 {
        format!("{ms:.0}ms")
    } else {
        text::duration(std::time::Duration::from_secs_f64(ms / 1000.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::profile::NodeLatency;

    fn shown(look: Look, ids: &[&str]) -> Vec<String> {
        let id = |id: &&str| NodeId::new(id).unwrap();
        let latency = |ms: f64| Latency {
            p50_ms: ms,
            max_ms: ms,
            min_ms: ms,
            mean_ms: ms,
            p90_ms: ms,
            p99_ms: 71_000.0,
            ..Latency::default()
        };
        let node = |name: &&str| NodeLatency {
            node_id: id(name),
            latency: latency(0.412),
            cpu_ms: Some(12.34),
            max_rss_kib: None,
        };
        let profile = Profile {
            runs: 3,
            nodes: ids.iter().map(node).collect(),
            run: latency(412.4),
            critical_path: ids.iter().map(id).collect(),
            critical_path_ms: 99.96,
        };
        let mut out = Vec::new();
        render(look, &profile, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_node_and_the_whole_run_have_a_row_of_numbers_under_their_heads() {
        let lines = shown(Look::default(), &["a", "b"]);
        assert_eq!(
            lines,
            [
                "                 p50      max      min     mean      p90      p99      cpu",
                "  a           0.41ms   0.41ms   0.41ms   0.41ms   0.41ms    1m11s   12.3ms",
                "  b           0.41ms   0.41ms   0.41ms   0.41ms   0.41ms    1m11s   12.3ms",
                "  whole run    412ms    412ms    412ms    412ms    412ms    1m11s",
                "  critical path 100ms: a → b",
            ]
        );
    }

    #[test]
    fn a_narrow_display_leaves_the_last_columns_out_and_breaks_the_path() {
        let ids = ["first_of_them", "second_of_them", "third_of_them"];
        let lines = shown(Look { width: 40, ascii: true, ..Look::default() }, &ids);
        assert!(lines.iter().all(|line| line.is_ascii() && text::cells(line) <= 40), "{lines:?}");
        assert!(lines[0].ends_with("p50      max") && lines[1].starts_with("  first_of_them"), "{lines:?}");
        assert_eq!(lines[5..].len(), 2, "{lines:?}");
        assert!(lines[5].starts_with("  critical path ") && lines[6].starts_with("    "), "{lines:?}");
    }
}
