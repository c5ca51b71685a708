//! The laws of a run, each as an assertion over what was seen. Written without a look at the machine: the truth
//! table, for one, is a table of words here and a match over types there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::worlds::{GRACE, LONGEST_DELAY};
use crate::base::{Mono, NodeId};
use crate::engine::machine::Settings;
use crate::model::event::{AttemptFailure, EventKind, RunEvent};
use crate::model::outcome::{AttemptClass, CancelReason, FailureReason, NodeStatus, RunStatus};
use crate::model::output::NoOutputs;
use crate::model::report::ReportFold;
use crate::model::workflow::{Dependency, EdgeCondition, NodeKind};
use crate::plan::Plan;

/// What was seen of a run so far.
pub(super) struct Seen {
    plan: Arc<Plan>,
    settings: Settings,
    /// For each node, whether it was asked for.
    asked_for: Vec<bool>,
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
    /// The last word of a node's circuit on an attempt that has not started.
    admissions: BTreeMap<usize, bool>,
    first_starts: BTreeMap<usize, Mono>,
    last_starts: BTreeMap<usize, Mono>,
    /// Attempts that were called slow.
    slow: BTreeSet<(usize, u32)>,
    printed: u64,
    levels: Vec<usize>,
    status: Option<RunStatus>,
}

/// The longest way to each node, found by asking again until nothing changes.
fn levels(plan: &Plan) -> Vec<usize> {
    let mut levels = vec![0; plan.len()];
    loop {
        let before = levels.clone();
        for (node, level) in levels.iter_mut().enumerate() {
            for dependency in &plan.node(node).depends_on {
                let mut waited = vec![dependency.node];
                if dependency.on != EdgeCondition::Fallback {
                    while let Some(next) = plan.node(waited[waited.len() - 1]).fallback {
                        waited.push(next);
                    }
                }
                let deepest = waited.iter().map(|&n| before[n] + 1).max().unwrap();
                *level = deepest.max(*level);
            }
        }
        if levels == before {
            return levels;
        }
    }
}

impl Seen {
    pub(super) fn new(plan: Arc<Plan>, settings: Settings, asked_for: Vec<bool>) -> Self {
        let levels_of_plan = levels(&plan);
        Self {
            index: (0..plan.len()).map(|node| (plan.node(node).id.clone(), node)).collect(),
            plan,
            settings,
            asked_for,
            events: Vec::new(),
            alive: BTreeSet::new(),
            ends: BTreeMap::new(),
            culprits: BTreeMap::new(),
            attempts: BTreeMap::new(),
            last_failure: BTreeMap::new(),
            not_before: BTreeMap::new(),
            cancel: None,
            last_at: Mono::ZERO,
            admissions: BTreeMap::new(),
            first_starts: BTreeMap::new(),
            last_starts: BTreeMap::new(),
            slow: BTreeSet::new(),
            printed: 0,
            levels: levels_of_plan,
            status: None,
        }
    }

    /// A circuit answered.
    pub(super) fn admitted(&mut self, node: usize, passes: bool) {
        self.admissions.insert(node, passes);
    }

    /// How a node ended with all that stood in for it: nothing where that is not known yet.
    fn settled(&self, node: usize) -> Option<&'static str> {
        let end = *self.ends.get(&node)?;
        match self.plan.node(node).fallback {
            Some(fallback) if end == "failed" => {
                let other = self.settled(fallback)?;
                Some(if other == "completed" { "completed" } else { "failed" })
            }
            _ => Some(end),
        }
    }

    /// What an edge says; nothing where it has nothing to say yet.
    fn edge(&self, dependency: &Dependency) -> Option<&'static str> {
        let on = format!("{:?}", dependency.on).to_lowercase();
        if !self.asked_for[dependency.node] {
            // As if the edges of that node were its own, but for how they end.
            let verdicts: Option<Vec<&str>> =
                self.plan.node(dependency.node).depends_on.iter().map(|d| self.edge(d)).collect();
            let on = if on == "fallback" { "success" } else { &on };
            return Some(match gravest(&verdicts?) {
                "go" => "go",
                kept_from_its_turn => truth_table(kept_from_its_turn, on),
            });
        }
        let end =
            if on == "fallback" { *self.ends.get(&dependency.node)? } else { self.settled(dependency.node)? };
        Some(truth_table(end, &on))
    }

    /// All that an edge may say when the run is cancelled before everything has ended that it sees through.
    fn foretold(&self, dependency: &Dependency) -> BTreeSet<&'static str> {
        let mut told: BTreeSet<&str> = self.edge(dependency).into_iter().collect();
        if !self.asked_for[dependency.node] {
            let on = format!("{:?}", dependency.on).to_lowercase();
            let on = if on == "fallback" { "success" } else { &on };
            let before = self.plan.node(dependency.node).depends_on.iter();
            let kept = before.flat_map(|d| self.foretold(d)).filter(|&verdict| verdict != "go");
            told.extend(kept.map(|verdict| truth_table(verdict, on)));
        }
        told
    }

    /// An attempt starts.
    pub(super) fn starts(&mut self, node: usize, attempt: u32) -> Result<(), String> {
        check(self.attempts.get(&node) == Some(&attempt), || {
            format!("n{node} starts attempt {attempt} unannounced")
        })?;
        check(self.alive.insert(node), || format!("law 6: n{node} starts while an attempt of it is alive"))?;
        check(self.alive.len() <= self.settings.jobs, || {
            format!("law 4: {} run, {} may", self.alive.len(), self.settings.jobs)
        })?;
        for (group, limit) in self.plan.workflow().rules.groups.iter().map(|group| group.limit).enumerate() {
            let running = self.alive.iter().filter(|&&n| self.plan.node(n).group == Some(group)).count();
            check(running <= limit, || format!("law 4: {running} of group {group} run, {limit} may"))?;
        }
        let alone = self.alive.iter().any(|&n| self.plan.node(n).runs_alone());
        check(!alone || self.alive.len() == 1, || "law 4: something runs beside what runs alone".to_owned())?;
        if self.plan.node(node).breaker.is_some() {
            check(self.admissions.remove(&node) == Some(true), || {
                format!("n{node} starts, and its circuit did not let it through")
            })?;
        }
        Ok(())
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
                self.was_called_slow_in_time((node, finished.attempt), now)?;
                self.printed += finished.usage.map_or(0, |usage| usage.output_bytes);
                if let Some(failure) = &finished.failure {
                    self.last_failure.insert(node, failure.clone());
                }
            }
            EventKind::NodeSlow { node_id, attempt, .. } => {
                let node = node(node_id);
                let since = now - self.last_starts.get(&node).copied().unwrap_or(now);
                check(self.alive.contains(&node) && self.attempts.get(&node) == Some(attempt), || {
                    format!("law 11: n{node} is called slow, and attempt {attempt} is not under way")
                })?;
                check(self.settings.slow_after.is_some_and(|after| since >= after), || {
                    format!("law 11: n{node} is called slow after {since:?}")
                })?;
                check(self.slow.insert((node, *attempt)), || {
                    format!("law 11: n{node} is called slow twice")
                })?;
            }
            EventKind::RetryScheduled { node_id, delay_ms, .. } => {
                let node = node(node_id);
                self.not_before.insert(node, now + Duration::from_millis(*delay_ms));
            }
            EventKind::NodeCompleted { node_id, .. } => self.ends(node(node_id), "completed")?,
            EventKind::NodeFailed { node_id, reason, .. } => {
                let refused = self.admissions.remove(&node(node_id)) == Some(false);
                check(refused == (*reason == FailureReason::CircuitOpen), || {
                    format!("{node_id} fails as {reason:?}; refused by its circuit: {refused}")
                })?;
                self.ends(node(node_id), "failed")?;
            }
            EventKind::FallbackSelected { node_id, fallback } => {
                let (node, fallback) = (node(node_id), node(fallback));
                check(self.ends.get(&node) == Some(&"failed"), || {
                    format!("n{fallback} stands in for n{node}, which did not fail")
                })?;
            }
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
            EventKind::RunFinished { status, .. } => self.status = Some(*status),
            EventKind::RunStarted(_)
            | EventKind::NodeReady { .. }
            | EventKind::CircuitOpened { .. }
            | EventKind::CircuitHalfOpened { .. }
            | EventKind::CircuitClosed { .. }
            | EventKind::BudgetExceeded { .. }
            | EventKind::PolicyViolation(_)
            | EventKind::DeprecationWarning { .. } => {}
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
        check(self.asked_for[node], || format!("n{node} starts, and nobody asked for it"))?;
        for dependency in &self.plan.node(node).depends_on {
            let verdict = self.edge(dependency);
            check(verdict == Some("go"), || {
                let Dependency { node: other, on, .. } = dependency;
                format!("law 3: n{node} starts, and n{other} for {on:?} says {verdict:?}")
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
        check(attempt == 1 || !self.settings.single_attempts, || {
            format!("n{node}: repeated, and must not be")
        })?;
        self.last_starts.insert(node, now);
        let first = *self.first_starts.entry(node).or_insert(now);
        check(spec.total_timeout.is_none_or(|total| now < first + total), || {
            format!("n{node} starts again after all its time")
        })?;
        self.stays_within_budget(node)?;
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

    /// Law 11: an attempt that took longer than it should was called slow while it ran.
    fn was_called_slow_in_time(&self, attempt: (usize, u32), now: Mono) -> Result<(), String> {
        let took = now - self.last_starts[&attempt.0];
        check(
            self.settings.slow_after.is_none_or(|after| took <= after) || self.slow.contains(&attempt),
            || format!("law 11: n{} took {took:?}, and was not called slow", attempt.0),
        )
    }

    fn stays_within_budget(&self, node: usize) -> Result<(), String> {
        let rules = &self.plan.workflow().rules;
        let attempts: u64 = self.attempts.values().map(|&n| u64::from(n)).sum();
        let within = |most: Option<u64>, used: u64| most.is_none_or(|most| used <= most);
        check(within(rules.budget.max_steps, self.attempts.len() as u64), || "one step too many".to_owned())?;
        check(within(rules.budget.max_attempts, attempts), || "one attempt too many".to_owned())?;
        check(within(rules.budget.output, self.printed), || "starts after too much output".to_owned())?;
        let is_earlier = |&other: &usize| self.levels[other] < self.levels[node];
        check(
            !rules.batch || (0..self.plan.len()).filter(is_earlier).all(|n| self.ends.contains_key(&n)),
            || format!("n{node} starts before its batch"),
        )
    }
}

fn check(holds: bool, law: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(law()) }
}

/// Of what edges say, what counts.
fn gravest(verdicts: &[&'static str]) -> &'static str {
    const MILDEST_FIRST: [&str; 7] = [
        "go",
        "dry_run",
        "cancelled",
        "condition",
        "upstream_skipped",
        "dependency_failed",
        "fallback_unused",
    ];
    let rank = |verdict: &&str| MILDEST_FIRST.iter().position(|known| known == verdict);
    verdicts.iter().copied().max_by_key(rank).unwrap_or("go")
}

/// What an end means for an edge, by `execution.md`: `go`, or the reason for which the dependent is skipped.
fn truth_table(end: &str, on: &str) -> &'static str {
    const ROWS: &[(&str, &str, &str, &str, &str)] = &[
        // the end             success              failure             finished            fallback
        ("completed", "go", "condition", "go", "fallback_unused"),
        ("failed", "dependency_failed", "go", "go", "go"),
        ("disabled", "go", "go", "go", "fallback_unused"),
        ("condition", "upstream_skipped", "upstream_skipped", "go", "fallback_unused"),
        ("fallback_unused", "upstream_skipped", "upstream_skipped", "go", "fallback_unused"),
        ("upstream_skipped", "upstream_skipped", "upstream_skipped", "upstream_skipped", "fallback_unused"),
        (
            "dependency_failed",
            "dependency_failed",
            "dependency_failed",
            "dependency_failed",
            "fallback_unused",
        ),
        ("cancelled", "cancelled", "cancelled", "cancelled", "cancelled"),
        ("dry_run", "dry_run", "dry_run", "dry_run", "dry_run"),
    ];
    let row = ROWS.iter().find(|row| row.0 == end).expect("every end has a row");
    match on {
        "success" => row.1,
        "failure" => row.2,
        "finished" => row.3,
        _ => row.4,
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
    the_status_is_earned(seen)?;
    replays_alike(seen)
}

/// The last word follows from what came of the nodes.
fn the_status_is_earned(seen: &Seen) -> Result<(), String> {
    let rules = &seen.plan.workflow().rules;
    let count = |wanted: &[&str]| {
        (0..seen.plan.len()).filter(|&n| wanted.contains(&seen.settled(n).unwrap_or("nothing"))).count()
    };
    let (done, failed) = (count(&["completed"]), count(&["failed"]));
    let wanted = done + failed + count(&["dependency_failed", "cancelled"]);
    // Breaches of protocol are none of the failures that a part may have.
    let breach = seen.events.iter().any(|e| match &e.kind {
        EventKind::NodeFailed { reason, node_id, .. } => {
            *reason == FailureReason::Protocol && seen.settled(seen.index[node_id]) == Some("failed")
        }
        _ => false,
    });
    let enough =
        rules.partial.is_some_and(|p| 100.0 * done as f64 >= p.min_completed_percent * wanted as f64);
    let expected = match seen.cancel.map(|(reason, _)| reason) {
        Some(CancelReason::Signal | CancelReason::Kill) => RunStatus::Cancelled,
        Some(CancelReason::Timeout) => RunStatus::TimedOut,
        Some(CancelReason::SinkFailed | CancelReason::Budget) => RunStatus::Failed,
        None if failed > 0 && enough && !breach => RunStatus::Partial,
        Some(CancelReason::FailFast) | None if failed > 0 => RunStatus::Failed,
        Some(CancelReason::FailFast) | None => RunStatus::Success,
    };
    check(seen.status == Some(expected), || format!("ends as {:?}, not as {expected:?}", seen.status))
}

/// Law 3, for those that never start: each has the gravest reason that its edges give, and a culprit that ended so.
fn skips_are_explained(seen: &Seen) -> Result<(), String> {
    for (&node, &end) in &seen.ends {
        check((end == "not_selected") != seen.asked_for[node], || {
            format!("n{node} ends as {end}; asked for: {}", seen.asked_for[node])
        })?;
        if matches!(end, "completed" | "failed" | "dry_run" | "not_selected") {
            continue;
        }
        let verdicts: Vec<&str> =
            seen.plan.node(node).depends_on.iter().map(|d| seen.edge(d).expect("all has ended")).collect();
        let expected = match gravest(&verdicts) {
            "go" => "disabled",
            verdict => verdict,
        };
        // A cancel ends nodes before all that they wait for has ended: they give what they know so far.
        let foretold = |edge: &Dependency| seen.foretold(edge).contains(&end);
        let excused = seen.cancel.is_some()
            && (end == "cancelled" || seen.plan.node(node).depends_on.iter().any(foretold));
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
    let refused = seen.ends.iter().any(|(node, &end)| end == "failed" && !seen.attempts.contains_key(node));
    if seen.plan.workflow().rules.batch || refused {
        return Ok(());
    }
    let repeats = seen.events.iter().any(|e| matches!(e.kind, EventKind::RetryScheduled { .. }));
    if seen.settings.jobs > 1 || repeats {
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
        let slow = (1..=attempts).any(|attempt| seen.slow.contains(&(node, attempt)));
        check(result.slow == slow, || format!("law 8: n{node} slow: {slow}"))?;
        let failed_before = attempts.saturating_sub(1).min(10);
        check(result.failed_attempts.len() == failed_before as usize, || {
            format!("law 8: n{node} tells of {} failed attempts", result.failed_attempts.len())
        })?;
        let recovered = seen.ends[&node] == "failed" && seen.settled(node) == Some("completed");
        check(result.recovered == recovered, || format!("law 8: n{node} recovered: {recovered}"))?;
    }
    let counted = report.summary.completed + report.summary.failed + report.summary.skipped;
    check(counted == report.summary.total, || "law 8: the summary does not add up".to_owned())
}
