//! The laws of a run, each as an assertion over what was seen. Written without a look at the machine: the truth
//! table, for one, is a table of words here and a match over types there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::worlds::{GRACE, LONGEST_DELAY};
use crate::base::{Mono, NodeId};
use crate::engine::machine::Settings;
use crate::model::event::{AttemptFailure, EventKind, RunEvent};
use crate::model::outcome::{AttemptClass, CancelReason, NodeStatus};
use crate::model::output::NoOutputs;
use crate::model::report::ReportFold;
use crate::model::workflow::NodeKind;
use crate::plan::Plan;

/// What was seen of a run so far.
pub(super) struct Seen {
    plan: Arc<Plan>,
    settings: Settings,
    pub events: Vec<RunEvent>,
    /// Nodes with an attempt of which something is left.
    pub alive: BTreeSet<usize>,
    index: BTreeMap<NodeId, usize>,
    /// How each node ended: `completed`, `failed`, or the reason of its skip.
    ends: BTreeMap<usize, &'static str>,
    culprits: BTreeMap<usize, usize>,
    attempts: BTreeMap<usize, u32>,
    last_failure: BTreeMap<usize, AttemptFailure>,
    not_before: BTreeMap<usize, Mono>,
    cancel: Option<(CancelReason, Mono)>,
    last_at: Mono,
}

impl Seen {
    pub(super) fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        Self {
            index: (0..plan.len()).map(|node| (plan.node(node).id.clone(), node)).collect(),
            plan,
            settings,
            events: Vec::new(),
            alive: BTreeSet::new(),
            ends: BTreeMap::new(),
            culprits: BTreeMap::new(),
            attempts: BTreeMap::new(),
            last_failure: BTreeMap::new(),
            not_before: BTreeMap::new(),
            cancel: None,
            last_at: Mono::ZERO,
        }
    }

    /// An attempt starts.
    pub(super) fn starts(&mut self, node: usize, attempt: u32) -> Result<(), String> {
        check(self.attempts.get(&node) == Some(&attempt), || {
            format!("n{node} starts attempt {attempt} unannounced")
        })?;
        check(self.alive.insert(node), || format!("law 6: n{node} starts while an attempt of it is alive"))?;
        check(self.alive.len() <= self.settings.jobs, || {
            format!("law 4: {} run, {} may", self.alive.len(), self.settings.jobs)
        })
    }

    /// An event is emitted.
    pub(super) fn event(&mut self, event: RunEvent, now: Mono) -> Result<(), String> {
        let first = self.events.is_empty();
        check(event.seq == self.events.len() as u64, || "law 1: a gap".to_owned())?;
        check(first == matches!(event.kind, EventKind::RunStarted(_)), || {
            "law 1: begins otherwise".to_owned()
        })?;
        self.last_at = now;
        let node = |id: &NodeId| self.index[id];
        match &event.kind {
            EventKind::AttemptStarted { node_id, attempt } => {
                self.attempt_starts((node(node_id), *attempt), now)?;
            }
            EventKind::AttemptFinished(finished) => {
                let node = node(&finished.node_id);
                if let Some(failure) = &finished.failure {
                    self.last_failure.insert(node, failure.clone());
                }
            }
            EventKind::RetryScheduled { node_id, delay_ms, .. } => {
                let node = node(node_id);
                self.not_before.insert(node, now + Duration::from_millis(*delay_ms));
            }
            EventKind::NodeCompleted { node_id, .. } => self.ends(node(node_id), "completed")?,
            EventKind::NodeFailed { node_id, .. } => self.ends(node(node_id), "failed")?,
            EventKind::NodeSkipped { node_id, reason, culprit } => {
                let (node, culprit) = (node(node_id), culprit.as_ref().map(node));
                check(!self.attempts.contains_key(&node), || {
                    format!("law 2: n{node} is skipped after an attempt")
                })?;
                self.ends(node, reason.as_str())?;
                if let Some(culprit) = culprit {
                    self.culprits.insert(node, culprit);
                }
            }
            EventKind::CancelRequested { reason } => {
                check(self.cancel.is_none_or(|(known, _)| known < *reason), || {
                    "law 5: a cancel that does not escalate".to_owned()
                })?;
                self.cancel = Some((*reason, now));
            }
            EventKind::RunStarted(_) | EventKind::NodeReady { .. } | EventKind::RunFinished { .. } => {}
        }
        self.events.push(event);
        Ok(())
    }

    fn ends(&mut self, node: usize, how: &'static str) -> Result<(), String> {
        check(self.ends.insert(node, how).is_none(), || format!("law 2: n{node} ends twice"))
    }

    fn attempt_starts(&mut self, (node, attempt): (usize, u32), now: Mono) -> Result<(), String> {
        check(self.cancel.is_none(), || format!("law 5: n{node} starts after the cancel"))?;
        check(!self.ends.contains_key(&node), || format!("law 2: n{node} starts after its end"))?;
        for dependency in &self.plan.node(node).depends_on {
            let on = format!("{:?}", dependency.on).to_lowercase();
            let verdict = self.ends.get(&dependency.node).map(|end| truth_table(end, &on));
            check(verdict == Some("go"), || {
                format!("law 3: n{node} starts, and n{} for {on} says {verdict:?}", dependency.node)
            })?;
        }
        check(
            !matches!(self.not_before.get(&node), Some(at) if now + Duration::from_millis(1) < *at),
            || format!("n{node} starts before its delay is over"),
        )?;
        let before = self.attempts.insert(node, attempt).unwrap_or(0);
        check(attempt == before + 1, || format!("n{node}: attempt {attempt} follows {before}"))?;
        let spec = self.plan.node(node);
        check(attempt <= spec.retry.max_attempts(), || {
            format!("n{node}: attempt {attempt} is one too many")
        })?;
        if let Some(failure) = self.last_failure.get(&node) {
            let may_have_started = failure.class != AttemptClass::NotStarted;
            check(!(may_have_started && spec.idempotent == Some(false)), || {
                format!("law 6: n{node} must not be repeated, and is")
            })?;
            let unknown = failure.class == AttemptClass::Unknown;
            let plain_effect = spec.kind == NodeKind::Effect && spec.idempotent.is_none() && !spec.retry.own;
            check(!(unknown && plain_effect), || {
                format!("law 6: n{node} is repeated, and nobody knows what it did")
            })?;
        }
        Ok(())
    }
}

fn check(holds: bool, law: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(law()) }
}

/// What an end means for an edge, by `execution.md`: `go`, or the reason for which the dependent is skipped.
fn truth_table(end: &str, on: &str) -> &'static str {
    const ROWS: &[(&str, &str, &str, &str)] = &[
        // the end             success              failure             finished
        ("completed", "go", "condition", "go"),
        ("failed", "dependency_failed", "go", "go"),
        ("disabled", "go", "go", "go"),
        ("condition", "upstream_skipped", "upstream_skipped", "go"),
        ("upstream_skipped", "upstream_skipped", "upstream_skipped", "upstream_skipped"),
        ("dependency_failed", "dependency_failed", "dependency_failed", "dependency_failed"),
        ("cancelled", "cancelled", "cancelled", "cancelled"),
        ("dry_run", "dry_run", "dry_run", "dry_run"),
    ];
    let row = ROWS.iter().find(|row| row.0 == end).expect("every end has a row");
    match on {
        "success" => row.1,
        "failure" => row.2,
        _ => row.3,
    }
}

/// The laws that need the whole stream.
pub(super) fn whole_stream(seen: &Seen) -> Result<(), String> {
    let finishes = seen.events.iter().filter(|e| matches!(e.kind, EventKind::RunFinished { .. })).count();
    let last = matches!(seen.events.last().map(|e| &e.kind), Some(EventKind::RunFinished { .. }));
    check(finishes == 1 && last, || "law 1: does not end with one run_finished".to_owned())?;
    check(seen.ends.len() == seen.plan.len(), || "law 2: a node never ends".to_owned())?;
    check(seen.alive.is_empty(), || "law 10: ends while attempts are alive".to_owned())?;
    skips_are_explained(seen)?;
    one_slot_keeps_the_order(seen)?;
    ends_in_time(seen)?;
    replays_alike(seen)
}

/// Law 3, for those that never start: each has the gravest reason that its edges give, and a culprit that ended so.
fn skips_are_explained(seen: &Seen) -> Result<(), String> {
    const MILDEST_FIRST: [&str; 6] =
        ["go", "dry_run", "cancelled", "condition", "upstream_skipped", "dependency_failed"];
    for (&node, &end) in &seen.ends {
        if matches!(end, "completed" | "failed" | "dry_run") {
            continue;
        }
        let verdicts: Vec<&str> = seen
            .plan
            .node(node)
            .depends_on
            .iter()
            .map(|d| truth_table(seen.ends[&d.node], &format!("{:?}", d.on).to_lowercase()))
            .collect();
        let gravest =
            verdicts.iter().copied().max_by_key(|v| MILDEST_FIRST.iter().position(|known| known == v));
        let expected = gravest.filter(|&verdict| verdict != "go").unwrap_or("disabled");
        // A cancel ends nodes before all that they wait for has ended: they give what they know so far.
        let excused = seen.cancel.is_some() && (end == "cancelled" || verdicts.contains(&end));
        check(end == expected || excused, || {
            format!("law 3: n{node} is skipped as {end}, not as {expected}")
        })?;
        if end == "dependency_failed" {
            let culprit = seen.culprits.get(&node).copied();
            let failed = culprit.is_some_and(|c| seen.ends[&c] == "failed");
            check(failed, || format!("law 2: n{node} blames n{culprit:?}, which did not fail"))?;
            check(culprit.is_some_and(|c| depends(seen, node, c)), || {
                format!("law 2: n{node} blames a stranger")
            })?;
        }
    }
    Ok(())
}

fn depends(seen: &Seen, node: usize, other: usize) -> bool {
    let mut open = vec![node];
    let mut known = BTreeSet::new();
    while let Some(node) = open.pop() {
        if node == other {
            return true;
        }
        open.extend(seen.plan.node(node).depends_on.iter().map(|d| d.node).filter(|&d| known.insert(d)));
    }
    false
}

/// With one slot and no repetition, nodes start in the order of the plan.
fn one_slot_keeps_the_order(seen: &Seen) -> Result<(), String> {
    if seen.settings.jobs > 1 || seen.attempts.values().any(|&attempts| attempts > 1) {
        return Ok(());
    }
    // Skipped nodes make way early, so only a run without them goes through the whole plan.
    if seen.ends.values().any(|&end| !matches!(end, "completed" | "failed")) {
        return Ok(());
    }
    let starts: Vec<usize> = seen
        .events
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::AttemptStarted { node_id, .. } => Some(seen.index[node_id]),
            _ => None,
        })
        .collect();
    check(starts == seen.plan.order(), || format!("started {starts:?}, planned {:?}", seen.plan.order()))
}

/// Law 10: within deadline and grace, or within the worst case of the plan.
fn ends_in_time(seen: &Seen) -> Result<(), String> {
    let worst: Duration = (0..seen.plan.len())
        .map(|node| {
            let spec = seen.plan.node(node);
            (spec.timeout + GRACE + LONGEST_DELAY) * spec.retry.max_attempts()
        })
        .sum();
    let slack = Duration::from_millis(100);
    let within = match (seen.settings.deadline, seen.cancel) {
        (
            _,
            Some((
                CancelReason::Timeout | CancelReason::SinkFailed | CancelReason::Signal | CancelReason::Kill,
                at,
            )),
        ) => {
            // What runs into its own timeout at that moment has its grace from then on.
            at.since_start() + GRACE + slack
        }
        (Some(deadline), _) => deadline + GRACE + slack,
        (None, _) => worst + slack,
    };
    check(seen.last_at.since_start() <= within, || {
        format!("law 10: ends after {}, not within {within:?}", seen.last_at)
    })
}

/// Law 8: what is written down tells the same story.
fn replays_alike(seen: &Seen) -> Result<(), String> {
    let run_id = seen.events[0].run_id;
    let mut live = ReportFold::new(run_id);
    let mut replayed = ReportFold::new(run_id);
    // Encoding is the slow part of a simulation; one in ten finds what it can find.
    let encodes = seen.settings.seed.is_multiple_of(10);
    for event in &seen.events {
        live.apply(event, &NoOutputs);
        if encodes {
            let line = serde_json::to_string(event).map_err(|e| format!("law 8: {e}"))?;
            let back: RunEvent = serde_json::from_str(&line).map_err(|e| format!("law 8: {e} in {line}"))?;
            replayed.apply(&back, &NoOutputs);
        }
    }
    let report = live.into_report();
    if encodes {
        check(report == replayed.into_report(), || "law 8: the replayed report differs".to_owned())?;
    }
    for result in &report.results {
        let node = seen.index[result.node_id.as_ref().unwrap()];
        let told = match result.status {
            NodeStatus::Completed => "completed",
            NodeStatus::Failed => "failed",
            NodeStatus::Skipped => result.reason.as_deref().unwrap_or_default(),
            NodeStatus::Pending | NodeStatus::Running | NodeStatus::Retrying => "nothing",
        };
        let attempts = seen.attempts.get(&node).copied().unwrap_or(0);
        check(told == seen.ends[&node] && result.attempts == attempts, || {
            format!("law 8: the report tells n{node} otherwise")
        })?;
    }
    let counted = report.summary.completed + report.summary.failed + report.summary.skipped;
    check(counted == report.summary.total, || "law 8: the summary does not add up".to_owned())
}
