//! How far a run is: a block of lines below what was printed, or single lines where nothing can be redrawn.
//!
//! Pure: it is told of events and of the time, and gives lines. Who draws them is `app::screen`.

use std::time::Duration;

use super::look::{Look, Mark, WIDTH};
use crate::base::{NodeId, text};
use crate::model::event::{EventKind, RunEvent};
use crate::model::outcome::NodeStatus;
use crate::model::report::{NodeResult, ReportFold};

/// The most nodes that are shown.
const MOST_NODES: usize = 8;

/// Follows one run.
#[derive(Clone, Debug)]
pub struct Progress {
    look: Look,
    total: u64,
    ended: u64,
    failed: u64,
    active: Vec<Active>,
}

/// A node that has begun and not ended.
#[derive(Clone, Debug)]
struct Active {
    node_id: NodeId,
    since: Duration,
    /// Whether its attempt takes longer than it should.
    is_slow: bool,
    /// When its next attempt starts, while it waits for it.
    repeated_at: Option<Duration>,
}

impl Progress {
    /// A run that has not begun.
    #[must_use]
    pub const fn new(look: Look) -> Self {
        Self { look, total: 0, ended: 0, failed: 0, active: Vec::new() }
    }

    /// Takes one more event, `now` after the start; `so_far` is the report with it.
    pub fn event(&mut self, event: &RunEvent, so_far: &ReportFold, now: Duration) {
        let summary = so_far.report().summary;
        self.total = summary.total;
        self.ended = summary.completed + summary.failed + summary.skipped;
        self.failed = summary.failed;
        match &event.kind {
            EventKind::AttemptStarted { node_id, .. } => match self.find(node_id) {
                Some(active) => (active.repeated_at, active.is_slow) = (None, false),
                None => {
                    let node_id = node_id.clone();
                    self.active.push(Active { node_id, since: now, is_slow: false, repeated_at: None });
                }
            },
            EventKind::NodeSlow { node_id, .. } => {
                if let Some(active) = self.find(node_id) {
                    active.is_slow = true;
                }
            }
            EventKind::RetryScheduled { node_id, delay_ms, .. } => {
                if let Some(active) = self.find(node_id) {
                    active.repeated_at = Some(now + Duration::from_millis(*delay_ms));
                }
            }
            EventKind::NodeCompleted { node_id, .. }
            | EventKind::NodeFailed { node_id, .. }
            | EventKind::NodeSkipped { node_id, .. } => {
                self.active.retain(|active| active.node_id != *node_id);
            }
            EventKind::RunFinished { .. } => self.active.clear(),
            EventKind::RunStarted(_)
            | EventKind::NodeReady { .. }
            | EventKind::AttemptFinished(_)
            | EventKind::FallbackSelected { .. }
            | EventKind::CircuitOpened { .. }
            | EventKind::CircuitHalfOpened { .. }
            | EventKind::CircuitClosed { .. }
            | EventKind::BudgetExceeded { .. }
            | EventKind::PolicyViolation(_)
            | EventKind::DeprecationWarning { .. }
            | EventKind::CancelRequested { .. } => {}
        }
    }

    fn find(&mut self, node_id: &NodeId) -> Option<&mut Active> {
        self.active.iter_mut().find(|active| active.node_id == *node_id)
    }

    fn running(&self) -> usize {
        self.active.iter().filter(|active| active.repeated_at.is_none()).count()
    }

    /// The block for a terminal of `columns` and `rows`: how many nodes have ended, then those under way.
    #[must_use]
    pub fn block(&self, now: Duration, (columns, rows): (usize, usize)) -> Vec<String> {
        let (look, dot) = (self.look, self.look.or_ascii("·", "-"));
        // The last cell stays free: terminals differ in what they do after it.
        let width = columns.saturating_sub(1).clamp(1, WIDTH);
        let mut head = format!("[{}/{}] {} running", self.ended, self.total, self.running());
        let failed = (self.failed > 0).then(|| format!(" {dot} {} failed", self.failed));
        for piece in failed.into_iter().chain([format!(" {dot} {}", seconds(now))]) {
            if text::cells(&head) + text::cells(&piece) <= width {
                head.push_str(&piece);
            }
        }
        let mut lines = vec![look.clip(&head, width).into_owned()];
        let room = rows.saturating_sub(2).min(MOST_NODES);
        let shown = if self.active.len() > room { room.saturating_sub(1) } else { self.active.len() };
        lines.extend(self.active[..shown].iter().map(|active| self.line(active, now, width)));
        if shown < self.active.len() && room > 0 {
            let more = format!("  {} {} more", look.or_ascii("…", "..."), self.active.len() - shown);
            lines.push(look.clip(&more, width).into_owned());
        }
        lines
    }

    /// A node with its time; a long id gives way to the time.
    fn line(&self, active: &Active, now: Duration, width: usize) -> String {
        let time = match active.repeated_at {
            Some(at) => format!("retry in {}", seconds(at.saturating_sub(now))),
            None if active.is_slow => format!("{} slow", seconds(now.saturating_sub(active.since))),
            None => seconds(now.saturating_sub(active.since)),
        };
        let room = width.saturating_sub(3 + text::cells(&time)).max(1);
        let id = self.look.clip(active.node_id.as_str(), room);
        self.look.clip(&format!("  {id} {time}"), width).into_owned()
    }

    /// What an event is worth where nothing can be redrawn: a line when a node starts, and one when it ends.
    #[must_use]
    pub fn plain(&self, event: &RunEvent, so_far: &ReportFold) -> Option<String> {
        match &event.kind {
            EventKind::AttemptStarted { node_id, attempt: 1 } => Some(format!("{node_id} started")),
            EventKind::AttemptStarted { node_id, attempt } => {
                Some(format!("{node_id} started, attempt {attempt}"))
            }
            EventKind::NodeSlow { node_id, after_ms, .. } => {
                let after = text::duration(Duration::from_millis(*after_ms));
                Some(format!("{node_id} is slow: it has been running for {after}"))
            }
            EventKind::NodeCompleted { node_id, .. }
            | EventKind::NodeFailed { node_id, .. }
            | EventKind::NodeSkipped { node_id, .. } => so_far.node(node_id).map(|result| self.ended(result)),
            EventKind::FallbackSelected { node_id, fallback } => {
                Some(format!("{fallback} stands in for {node_id}"))
            }
            EventKind::CircuitOpened { circuit, .. } => Some(format!("circuit {circuit} is open")),
            EventKind::RunStarted(_)
            | EventKind::NodeReady { .. }
            | EventKind::AttemptFinished(_)
            | EventKind::RetryScheduled { .. }
            | EventKind::CircuitHalfOpened { .. }
            | EventKind::CircuitClosed { .. }
            | EventKind::BudgetExceeded { .. }
            | EventKind::PolicyViolation(_)
            | EventKind::DeprecationWarning { .. }
            | EventKind::CancelRequested { .. }
            | EventKind::RunFinished { .. } => None,
        }
    }

    fn ended(&self, result: &NodeResult) -> String {
        let time = text::duration(Duration::from_millis(result.execution_time_ms));
        let said = match result.status {
            NodeStatus::Failed => format!("failed after {time}"),
            NodeStatus::Skipped => "skipped".to_owned(),
            NodeStatus::Completed if result.flaky => format!("flaky, done after {time}"),
            NodeStatus::Completed | NodeStatus::Pending | NodeStatus::Running | NodeStatus::Retrying => {
                format!("done after {time}")
            }
        };
        let mark = self.look.mark(Mark::of_node(result));
        format!("[{}/{}] {mark}{} {said}", self.ended, self.total, result.id())
    }

    /// What a run says that has said nothing for a while.
    #[must_use]
    pub fn sign_of_life(&self, now: Duration) -> String {
        let longest =
            self.active.iter().filter(|active| active.repeated_at.is_none()).min_by_key(|a| a.since);
        let longest = longest.map_or_else(String::new, |active| {
            let id = self.look.clip(active.node_id.as_str(), 40);
            let slow = if active.is_slow { ", slow" } else { "" };
            format!(" ({id} {}{slow})", whole_seconds(now.saturating_sub(active.since)))
        });
        let dots = self.look.or_ascii("…", "...");
        format!("{dots} {}/{} done, {} running{longest}", self.ended, self.total, self.running())
    }
}

/// `4.1s`, then as all durations.
fn seconds(time: Duration) -> String {
    if time.as_secs() < 60 { format!("{:.1}s", time.as_secs_f64()) } else { text::duration(time) }
}

fn whole_seconds(time: Duration) -> String {
    if time.as_secs() < 60 { format!("{}s", time.as_secs()) } else { text::duration(time) }
}
