//! A run for people: a heading, a line for each node as it ends, what failures said last, and a summary.

mod profile;
mod testing;

use std::io::{self, Write};
use std::time::Duration;

use serde_json::Value;

use super::Formatter;
use super::live::LiveLines;
use super::look::{Look, Mark, NodeOutput, Volume, WIDTH};
use crate::base::{NodeId, text};
use crate::model::context::Mode;
use crate::model::event::{EventKind, RunEvent, RunStarted};
use crate::model::outcome::{FailureReason, NodeStatus, RunStatus, SkipReason};
use crate::model::output::{StreamName, Text};
use crate::model::plan_view::PlanView;
use crate::model::report::{NodeResult, ReportFold, RunReport};

/// The column of times: `12.3s` and its like, and a space.
const TIME: usize = 7;

/// The fewest cells of a name that is still one.
const LEAST_NAME: usize = 12;

/// The fewest cells beside a node's time in which something can be said.
const LEAST_DETAIL: usize = 24;

/// The most lines of what is said of a node beside its time.
const MOST_DETAIL: usize = 4;

/// How many of a failure's last lines are shown.
const LAST_LINES: usize = 12;

#[derive(Debug)]
pub(super) struct Human {
    look: Look,
    id_width: usize,
    rerun: Option<String>,
    dry_run: bool,
    /// Where the workflow runs several times, or is measured, the number of the run; failures are shown, and a table at
    /// the end.
    repetition: Option<u32>,
    /// Whether the run was stopped. What does not start for that is shown after what still ran.
    is_stopped: bool,
    /// Those that did not start since.
    held: Vec<NodeId>,
    live: LiveLines,
}

impl Human {
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            id_width: 0,
            rerun: None,
            dry_run: false,
            repetition: None,
            is_stopped: false,
            held: Vec::new(),
            live: LiveLines::new(look),
        }
    }

    fn heading(&mut self, event: &RunEvent, started: &RunStarted, out: &mut dyn Write) -> io::Result<()> {
        self.dry_run = started.context.mode == Mode::DryRun;
        if self.dry_run {
            // The plan was shown; it says more than a list of nodes that did not run.
            return Ok(());
        }
        let is_profile = started.context.mode == Mode::Profile;
        let is_repeated = started.context.repeat > 1 && !is_profile;
        if is_profile || is_repeated {
            let run = self.repetition.unwrap_or(0) + 1;
            self.repetition = Some(run);
            if run > 1 {
                return Ok(());
            }
        }
        self.id_width = self.look.id_width(started.plan.iter().map(|node| &node.node_id));
        self.live.align(started.plan.iter().map(|node| &node.node_id));
        // A command line that leaves out the inputs would not run, and one with control characters is no text.
        let path = &started.contract.path;
        let runs_again = started.context.inputs.is_empty() && text::without_controls(path) == *path;
        self.rerun = runs_again.then(|| {
            let selected = [("--only", &started.context.only), ("--until", &started.context.until)];
            let options = selected.iter().filter(|(_, names)| !names.is_empty());
            let options =
                options.map(|(flag, names)| format!(" {flag} {}", text::shell_word(&names.join(","))));
            let options: String = options.chain(more_options(started)).collect();
            format!("   rerun: onex orch{}{options}", subject(started))
        });
        if self.look.volume == Volume::Quiet {
            return Ok(());
        }
        let (look, context) = (self.look, &started.context);
        let dot = look.or_ascii("·", "-");
        let nodes = text::count(started.plan.len(), "node");
        let mode = match context.mode {
            Mode::Async => {
                let word = if context.batch { "batch" } else { "async" };
                format!("{word} {}{}", look.or_ascii("×", "x"), context.jobs)
            }
            Mode::Profile => format!("profile {}{}", look.or_ascii("×", "x"), context.repeat),
            Mode::Sync | Mode::DryRun => context.mode.to_string(),
        };
        let name = text::without_controls(&started.contract.name).replace('\n', " ");
        let part = context.partition.map_or_else(String::new, |part| format!(" {dot} part {part}"));
        let repeat = if is_repeated {
            format!(" {dot} repeat {}{}", look.or_ascii("×", "x"), context.repeat)
        } else {
            String::new()
        };
        let rest = format!(" {dot} {nodes}{part} {dot} {mode}{repeat}");
        let room = look.width.saturating_sub(text::cells(&rest) + "onex ".len());
        // Where there is no room for both, the name of the workflow says more than that of the run.
        let run = format!("run {}", event.run_id);
        let name_beside_run = room.checked_sub(text::cells(&run) + 2).filter(|&left| left >= LEAST_NAME);
        let name = look.clip(&name, name_beside_run.unwrap_or(room).max(LEAST_NAME));
        let mut line = format!("{} {}{rest}", look.dim("onex"), look.bold(&name));
        if name_beside_run.is_some() {
            let gap = room - text::cells(&name) - text::cells(&run);
            line.push_str(&format!("{}{}", " ".repeat(gap), look.dim(&run)));
        }
        writeln!(out, "{line}")?;
        if let Some(commit) = &started.contract.commit {
            let named = context.contracts_from.as_deref().unwrap_or_default();
            let from = format!("contracts from {} ({})", text::without_controls(named), short(commit));
            writeln!(out, "  {}", look.dim(&look.clip(&from, look.width - 2)))?;
        }
        Ok(())
    }

    fn node(&self, result: &NodeResult, out: &mut dyn Write) -> io::Result<()> {
        let look = self.look;
        let mark = Mark::of_node(result);
        if self.dry_run || was_left_out(result) {
            return Ok(());
        }
        let only_failures = look.volume == Volume::Quiet || self.repetition.is_some();
        if only_failures && !matches!(mark, Mark::Fail | Mark::Time | Mark::Warn) {
            return Ok(());
        }
        let id = text::pad(&look.clip(result.id(), self.id_width), self.id_width);
        let ran = result.started_at.is_some();
        let time =
            if ran { text::duration(Duration::from_millis(result.execution_time_ms)) } else { String::new() };
        let time = format!("{time:>TIME$}");
        // Marks are at most four cells and two spaces wide.
        let used = 2 + 6 + self.id_width + 2 + TIME + 3;
        let mut detail = detail(result);
        if let Some(number) = self.repetition.filter(|_| result.status == NodeStatus::Failed) {
            detail.push_str(&format!(" (run {number})"));
        }
        // What a node says goes on below itself, and where there is no room beside its time, at the margin.
        let room = look.width.saturating_sub(used);
        let (room, margin) =
            if room < LEAST_DETAIL { (look.width.saturating_sub(5).max(1), 5) } else { (room, used) };
        let mut lines = text::wrap_words(&detail, room);
        if lines.len() > MOST_DETAIL {
            lines.truncate(MOST_DETAIL);
            let last = &mut lines[MOST_DETAIL - 1];
            *last = format!("{}…", text::wrap(last, room - 1)[0]);
        }
        let rest = if margin == used { lines.split_off(1) } else { std::mem::take(&mut lines) };
        let detail = lines.first().filter(|line| !line.is_empty());
        let detail = detail.map_or_else(String::new, |line| format!("   {}", look.dim(line)));
        let line = format!("  {}{id}  {}{detail}", look.mark(mark), look.dim(&time));
        writeln!(out, "{}", line.trim_end())?;
        for line in rest.iter().filter(|line| !line.is_empty()) {
            writeln!(out, "{}{}", " ".repeat(margin), look.dim(line))?;
        }
        self.printed(result, out)
    }

    /// What a node printed, as far as it is to be shown.
    fn printed(&self, result: &NodeResult, out: &mut dyn Write) -> io::Result<()> {
        let shown_live = result.node_id.as_ref().is_some_and(|id| self.live.has_shown(id));
        if result.flaky && self.look.output != NodeOutput::None && !shown_live {
            self.failed_attempts(result, out)?;
        }
        match self.look.output {
            NodeOutput::None => Ok(()),
            NodeOutput::All => {
                self.lines(&result.stdout, None, out)?;
                self.lines(&result.stderr, None, out)
            }
            NodeOutput::Failed | NodeOutput::Live if result.status == NodeStatus::Failed && !shown_live => {
                self.last_lines(result, out)
            }
            NodeOutput::Failed | NodeOutput::Live => Ok(()),
        }
    }

    /// Why the attempts of a flaky test failed, each with the end of what it printed.
    fn failed_attempts(&self, result: &NodeResult, out: &mut dyn Write) -> io::Result<()> {
        for failed in &result.failed_attempts {
            let why = format!("attempt {}: {}", failed.attempt, failed.message);
            self.lines(&Text::Utf8(why), None, out)?;
            self.lines(&Text::Utf8(failed.printed.clone()), Some(LAST_LINES), out)?;
        }
        Ok(())
    }

    /// The end of what a failed node printed: its error output, or its output where there is none.
    fn last_lines(&self, result: &NodeResult, out: &mut dyn Write) -> io::Result<()> {
        let is_blank = |text: &Text| text.as_bytes().trim_ascii().is_empty();
        match [&result.stderr, &result.stdout].into_iter().find(|text| !is_blank(text)) {
            Some(printed) => self.lines(printed, Some(LAST_LINES), out),
            None => Ok(()),
        }
    }

    /// A stream behind a bar: all of it, or its last lines.
    fn lines(&self, printed: &Text, most: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
        let look = self.look;
        let bar = look.dim(look.or_ascii("│", "|"));
        let printed = printed.to_lossy();
        let clean = text::without_controls(printed.trim_end());
        if clean.trim().is_empty() {
            return Ok(());
        }
        // Long lines go on in the next: what is cut off may be the reason.
        let lines: Vec<&str> =
            clean.lines().flat_map(|line| text::wrap(line.trim_end(), look.width - 7)).collect();
        let left_out = most.map_or(0, |most| lines.len().saturating_sub(most));
        if left_out > 0 {
            let note = format!("{} {} before this", look.or_ascii("…", "..."), text::count(left_out, "line"));
            writeln!(out, "     {bar} {}", look.dim(&note))?;
        }
        for line in &lines[left_out..] {
            writeln!(out, "{}", format!("     {bar} {line}").trim_end())?;
        }
        Ok(())
    }

    fn summary(&self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        let look = self.look;
        if report.mode == Mode::DryRun {
            return writeln!(out, "dry run: nothing was run");
        }
        let dot = look.or_ascii("·", "-");
        let mark = Mark::of_run(report.status);
        let status = status_word(report.status);
        let summary = report.summary;
        let left_out = report.results.iter().filter(|result| was_left_out(result)).count() as u64;
        let slow = report.results.iter().filter(|result| result.slow).count() as u64;
        let numbers = [
            (summary.completed, "passed"),
            (summary.failed - summary.recovered, "failed"),
            (summary.recovered, "recovered"),
            (summary.skipped - left_out, "skipped"),
            (left_out, "not selected"),
            (summary.warned - summary.recovered, "warned"),
            (summary.flaky, "flaky"),
            (slow, "slow"),
        ];
        let counts: Vec<String> = numbers
            .iter()
            .filter(|(n, word)| *n > 0 || *word == "passed")
            .map(|(n, word)| format!("{n} {word}"))
            .collect();
        let time = text::duration(Duration::from_millis(report.execution_time_ms));
        writeln!(out, "{}", look.dim(&look.or_ascii("─", "-").repeat(look.width.min(62))))?;
        writeln!(
            out,
            "{}{}   {}   {}",
            look.mark(mark),
            look.in_color_of(mark, status),
            counts.join(&format!(" {dot} ")),
            look.dim(&time)
        )?;
        if let Some(error) = &report.error {
            for line in text::without_controls(&error.message).lines() {
                // A path that is cut cannot be copied.
                if line.starts_with('/') {
                    writeln!(out, "   {line}")?;
                    continue;
                }
                for (at, part) in text::wrap_words(line, look.width - 5).iter().enumerate() {
                    writeln!(out, "   {}{part}", if at == 0 { "" } else { "  " })?;
                }
            }
        }
        testing::flaky(look, report, out)?;
        testing::slowest(look, report, out)?;
        // A command that is cut cannot be copied.
        let rerun = self.rerun.as_ref().filter(|rerun| text::cells(rerun) <= WIDTH);
        if let Some(rerun) = rerun
            && report.status != RunStatus::Success
        {
            writeln!(out, "{rerun}")?;
        }
        Ok(())
    }
}

impl Formatter for Human {
    fn event(&mut self, event: &RunEvent, so_far: &ReportFold, out: &mut dyn Write) -> io::Result<()> {
        match &event.kind {
            EventKind::RunStarted(started) => self.heading(event, started, out),
            EventKind::NodeSkipped { node_id, .. } if self.is_stopped => {
                self.held.push(node_id.clone());
                Ok(())
            }
            EventKind::NodeCompleted { node_id, .. }
            | EventKind::NodeFailed { node_id, .. }
            | EventKind::NodeSkipped { node_id, .. } => {
                so_far.node(node_id).map_or(Ok(()), |result| self.node(result, out))
            }
            EventKind::AttemptFinished(attempt) => self.live.ended(&attempt.node_id, out),
            EventKind::NodeReady { .. }
            | EventKind::AttemptStarted { .. }
            | EventKind::NodeSlow { .. }
            | EventKind::RetryScheduled { .. }
            | EventKind::FallbackSelected { .. }
            | EventKind::CircuitOpened { .. }
            | EventKind::CircuitHalfOpened { .. }
            | EventKind::CircuitClosed { .. }
            | EventKind::BudgetExceeded { .. }
            | EventKind::PolicyViolation(_)
            | EventKind::DeprecationWarning { .. } => Ok(()),
            EventKind::CancelRequested { .. } => {
                self.is_stopped = true;
                Ok(())
            }
            EventKind::RunFinished { .. } => {
                self.is_stopped = false;
                let held = std::mem::take(&mut self.held);
                held.iter()
                    .filter_map(|node_id| so_far.node(node_id))
                    .try_for_each(|result| self.node(result, out))
            }
        }?;
        out.flush()
    }

    fn live(&mut self, from: (&NodeId, StreamName), bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.live.live(from, bytes, out)
    }

    fn report(&mut self, report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
        // What kept a run from its start was said as diagnostics.
        if report.completed_at.is_none() {
            return Ok(());
        }
        if let Some(profile) = &report.profile {
            profile::render(self.look, profile, out)?;
        }
        testing::repetitions(self.look, report, out)?;
        self.summary(report, out)
    }

    fn plan(&mut self, plan: &PlanView, out: &mut dyn Write) -> io::Result<()> {
        super::plan::render(self.look, plan, out)
    }
}

/// The name of a commit as people know it.
fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// What was run, as the command line names it.
fn subject(started: &RunStarted) -> String {
    let context = &started.context;
    let from = context.contracts_from.as_ref();
    let from =
        from.map(|from| format!(" --contracts-from {}", text::shell_word(&text::without_controls(from))));
    let from = from.unwrap_or_default();
    let mut words = match &context.stage {
        // The components of a stage are looked for in the project, and a contract is a file.
        Some(stage) if started.contract.path == "." => vec!["--stage".to_owned(), stage.clone()],
        _ => return format!(" --contract {}{from}", text::shell_word(&started.contract.path)),
    };
    words.extend(context.tags.iter().flat_map(|tag| ["--tags".to_owned(), tag.clone()]));
    if !context.filters.is_empty() {
        let filter = |(key, value): (&String, &Value)| {
            format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let filters: Vec<String> = context.filters.iter().map(filter).collect();
        words.extend(["--filter".to_owned(), filters.join(",")]);
    }
    words.extend(context.arguments.iter().cloned());
    let words = words.iter().map(|word| format!(" {}", text::shell_word(&text::without_controls(word))));
    words.chain([from]).collect()
}

/// What the same selection is made with again, beside the names of nodes: what failed is enough where that is remembered.
fn more_options(started: &RunStarted) -> impl Iterator<Item = String> {
    let context = &started.context;
    let is_repeated = context.repeat > 1 && context.mode != Mode::Profile;
    let part = context.partition.map(|part| format!(" --partition {part}"));
    let repeat = is_repeated.then(|| format!(" --repeat {}", context.repeat));
    let failed = context.is_remembered.then(|| " --failed".to_owned());
    [part, repeat, failed].into_iter().flatten()
}

/// Whether it is none of the nodes that were asked for.
pub(super) fn was_left_out(result: &NodeResult) -> bool {
    result.reason.as_deref() == Some(SkipReason::NotSelected.as_str())
}

/// How a run ended, for people.
pub(super) const fn status_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Success => "success",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
        RunStatus::TimedOut => "timed out",
        RunStatus::Partial => "done in part",
        RunStatus::Running => "unfinished",
    }
}

/// What is to be said of a node beside its name and time.
pub(super) fn detail(result: &NodeResult) -> String {
    match result.status {
        NodeStatus::Failed => {
            let message = result.error.as_ref().map_or("", |error| error.message.as_str());
            // What a sandbox denies is told to the program alone.
            let confined = result.sandbox.as_ref().filter(|_| {
                let denied_alike = [FailureReason::ExitCode, FailureReason::Spawn].map(FailureReason::as_str);
                result.reason.as_deref().is_some_and(|reason| denied_alike.contains(&reason))
            });
            let hint =
                confined.map(|sandbox| format!(" (in a sandbox: {})", sandbox.asked)).unwrap_or_default();
            let message = text::without_controls(&format!("{message}{hint}")).replace('\n', " ");
            match result.repeated.filter(|repeated| repeated.runs > 1) {
                Some(repeated) => format!("{message}; {} of {} passed", repeated.passed, repeated.runs),
                None => message,
            }
        }
        NodeStatus::Skipped => skip_detail(result),
        NodeStatus::Completed if result.leaked => "left a process behind that holds its output".to_owned(),
        NodeStatus::Completed if result.stands_in_for.is_some() => {
            let other = result.stands_in_for.as_ref().map_or("", NodeId::as_str);
            format!("stands in for {other}")
        }
        NodeStatus::Completed | NodeStatus::Pending | NodeStatus::Running | NodeStatus::Retrying => {
            testing::detail(result).unwrap_or_default()
        }
    }
}

pub(super) fn skip_detail(result: &NodeResult) -> String {
    let culprit = result.culprit.as_ref().map_or("", NodeId::as_str);
    let is = |reason: SkipReason| result.reason.as_deref() == Some(reason.as_str());
    if is(SkipReason::DependencyFailed) {
        format!("needs {culprit}, which failed")
    } else if is(SkipReason::Condition) {
        format!("waits for a failure of {culprit}, which did not fail")
    } else if is(SkipReason::UpstreamSkipped) {
        "what it waits for was skipped".to_owned()
    } else if is(SkipReason::Cancelled) {
        "the run was stopped first".to_owned()
    } else if is(SkipReason::FallbackUnused) {
        format!("stands in for {culprit}, which did not fail")
    } else if is(SkipReason::Disabled) {
        "disabled".to_owned()
    } else if is(SkipReason::Excluded) {
        "skipped by ONEX_SKIP".to_owned()
    } else if is(SkipReason::NoFiles) {
        "no file matches".to_owned()
    } else if is(SkipReason::DryRun) {
        "dry run".to_owned()
    } else {
        result.reason.clone().unwrap_or_default()
    }
}
