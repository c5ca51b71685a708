//! What is said of tests beside their lines: how often they passed, which are flaky, and which are slow.

use std::io::{self, Write};
use std::time::Duration;

use crate::base::text;
use crate::model::outcome::NodeStatus;
use crate::model::report::{NodeResult, RunReport};
use crate::report::Look;
use crate::report::look::{Mark, Volume};

/// The most slow nodes that are named.
const MOST_SLOW: usize = 5;

/// For each node of a run that was repeated, how often it passed.
pub(super) fn repetitions(look: Look, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let width = look.id_width(report.results.iter().filter_map(|result| result.node_id.as_ref()));
    for result in &report.results {
        let Some(repeated) = result.repeated.filter(|repeated| repeated.runs > 0) else { continue };
        let all_passed = repeated.passed == repeated.runs;
        if all_passed && look.volume == Volume::Quiet {
            continue;
        }
        // One that is flaky has failed; here it is told from those that never passed.
        let mark = match (all_passed, repeated.passed) {
            (true, _) => Mark::Pass,
            (false, 0) => Mark::Fail,
            (false, _) => Mark::Warn,
        };
        let flaky = if result.flaky { ", flaky" } else { "" };
        let id = text::pad(&look.clip(result.id(), width), width);
        writeln!(out, "  {}{id}  {} of {} passed{flaky}", look.mark(mark), repeated.passed, repeated.runs)?;
    }
    Ok(())
}

/// The names of those that failed and passed; a long run has their lines somewhere in its middle.
pub(super) fn flaky(look: Look, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<&str> = report.results.iter().filter(|result| result.flaky).map(NodeResult::id).collect();
    if names.is_empty() {
        return Ok(());
    }
    let line = format!("flaky: {}", names.join(", "));
    for (at, part) in text::wrap_words(&line, look.width - 5).iter().enumerate() {
        writeln!(out, "   {}{part}", if at == 0 { "" } else { "  " })?;
    }
    Ok(())
}

/// The nodes that the time went to: those that are marked as slow, the slowest first, or where none is, those of a long
/// run. It is known at the end only, so it stands there.
pub(super) fn slowest(look: Look, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let mut slow: Vec<&NodeResult> = report.results.iter().filter(|result| result.slow).collect();
    if slow.is_empty() {
        return match of_a_long_run(report) {
            Some(line) => writeln!(out, "   {}", look.clip(&line, look.width - 3)),
            None => Ok(()),
        };
    }
    slow.sort_by_key(|result| std::cmp::Reverse(result.execution_time_ms));
    let more = slow.len().saturating_sub(MOST_SLOW);
    slow.truncate(MOST_SLOW);
    let width = look.id_width(slow.iter().filter_map(|result| result.node_id.as_ref()));
    writeln!(out, "   slowest:")?;
    for result in slow {
        let id = text::pad(&look.clip(result.id(), width), width);
        writeln!(out, "     {id}  {}", time(result))?;
    }
    if more > 0 {
        writeln!(out, "     and {more} more that took longer than they should")?;
    }
    Ok(())
}

/// The nodes that the time of a long run went to: ten seconds at least, and a quarter of it; at most three.
fn of_a_long_run(report: &RunReport) -> Option<String> {
    const LONG_MS: u64 = 10_000;
    let started = report.results.iter().filter(|result| result.started_at.is_some()).count();
    let took_long = |result: &&NodeResult| {
        result.execution_time_ms >= LONG_MS && result.execution_time_ms * 4 >= report.execution_time_ms
    };
    let mut slow: Vec<&NodeResult> = report.results.iter().filter(took_long).collect();
    slow.sort_by_key(|result| std::cmp::Reverse(result.execution_time_ms));
    slow.truncate(3);
    let told = slow.iter().map(|result| format!("{} {}", result.id(), time(result)));
    // Of one node the run's own time says it.
    (started > 1 && !slow.is_empty()).then(|| format!("slow: {}", told.collect::<Vec<_>>().join(", ")))
}

fn time(result: &NodeResult) -> String {
    text::duration(Duration::from_millis(result.execution_time_ms))
}

/// What is to be said of a node that is done, beside its name and time.
pub(super) fn detail(result: &NodeResult) -> Option<String> {
    let mut said = Vec::new();
    match result.status {
        NodeStatus::Completed if result.flaky => {
            said.push(format!("flaky: passed on attempt {}", result.attempts));
        }
        NodeStatus::Completed if result.attempts > 1 => said.push(format!("{} attempts", result.attempts)),
        _ => {}
    }
    if result.slow {
        said.push("slow".to_owned());
    }
    (!said.is_empty()).then(|| said.join(", "))
}
