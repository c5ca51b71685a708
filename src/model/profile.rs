//! How long nodes take, over several runs of the same plan: a fold over the events of all of them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::event::{EventKind, PlannedNode, RunEvent};
use super::outcome::FailureReason;
use crate::base::NodeId;

/// The latencies of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Profile {
    /// Runs that were made.
    pub runs: u32,
    /// Of whole runs.
    pub run: Latency,
    /// Of each node, in the order of the plan. Nodes that never started are left out.
    pub nodes: Vec<NodeLatency>,
    /// The chain of nodes that takes longest by their medians: no number of slots makes a run shorter.
    pub critical_path: Vec<NodeId>,
    /// How long that chain takes in milliseconds.
    pub critical_path_ms: f64,
}

/// The latency of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NodeLatency {
    /// The node.
    pub node_id: NodeId,
    /// How long its attempts took.
    #[serde(flatten)]
    pub latency: Latency,
    /// The processor time that its attempts took in milliseconds, on average, where that is known.
    pub cpu_ms: Option<f64>,
    /// The most memory that one of its processes held in KiB, where that is known.
    pub max_rss_kib: Option<u64>,
}

/// Latencies in milliseconds. Percentiles are by nearest rank: each is a latency that was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latency {
    /// How many were measured.
    pub count: u32,
    /// The shortest.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// Half are no longer than this.
    pub p50_ms: f64,
    /// 90 of 100 are no longer than this.
    pub p90_ms: f64,
    /// 95 of 100 are no longer than this.
    pub p95_ms: f64,
    /// 99 of 100 are no longer than this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Latency {
    /// What durations in microseconds come to.
    #[must_use]
    pub fn of(durations_us: &[u64]) -> Self {
        let mut sorted = durations_us.to_vec();
        sorted.sort_unstable();
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Self::default() };
        let rank = |percent: usize| {
            let at = (percent * sorted.len()).div_ceil(100).max(1) - 1;
            millis(sorted[at])
        };
        Self {
            count: u32::try_from(sorted.len()).unwrap_or(u32::MAX),
            min_ms: millis(min),
            mean_ms: mean(&sorted),
            p50_ms: rank(50),
            p90_ms: rank(90),
            p95_ms: rank(95),
            p99_ms: rank(99),
            max_ms: millis(max),
        }
    }
}

/// Collects the latencies of runs.
#[derive(Clone, Debug, Default)]
pub struct ProfileFold {
    plan: Vec<PlannedNode>,
    nodes: HashMap<NodeId, Measured>,
    runs_us: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct Measured {
    durations_us: Vec<u64>,
    cpu_us: Vec<u64>,
    max_rss_kib: Option<u64>,
}

impl ProfileFold {
    /// Takes one more event, of any of the runs.
    pub fn apply(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::RunStarted(started) if self.plan.is_empty() => self.plan.clone_from(&started.plan),
            // What was stopped says nothing about how long it takes.
            EventKind::AttemptFinished(finished)
                if finished
                    .failure
                    .as_ref()
                    .is_none_or(|failure| failure.reason != FailureReason::Cancelled) =>
            {
                let measured = self.nodes.entry(finished.node_id.clone()).or_default();
                measured.durations_us.push(finished.duration_us);
                if let Some(usage) = finished.usage {
                    measured.cpu_us.push(usage.cpu_us);
                    measured.max_rss_kib = measured.max_rss_kib.max(usage.max_rss_kib);
                }
            }
            EventKind::RunFinished { .. } => self.runs_us.push(event.elapsed_ms.saturating_mul(1000)),
            _ => {}
        }
    }

    /// What was measured so far.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let nodes: Vec<NodeLatency> = self
            .plan
            .iter()
            .filter_map(|node| {
                let measured = self.nodes.get(&node.node_id)?;
                Some(NodeLatency {
                    node_id: node.node_id.clone(),
                    latency: Latency::of(&measured.durations_us),
                    cpu_ms: (!measured.cpu_us.is_empty()).then(|| mean(&measured.cpu_us)),
                    max_rss_kib: measured.max_rss_kib,
                })
            })
            .collect();
        let (critical_path, critical_path_ms) = self.critical_path(&nodes);
        Profile {
            runs: u32::try_from(self.runs_us.len()).unwrap_or(u32::MAX),
            run: Latency::of(&self.runs_us),
            nodes,
            critical_path,
            critical_path_ms,
        }
    }

    fn critical_path(&self, nodes: &[NodeLatency]) -> (Vec<NodeId>, f64) {
        let median: HashMap<&NodeId, f64> = nodes.iter().map(|n| (&n.node_id, n.latency.p50_ms)).collect();
        // The plan is in topological order, so all that a node waits for comes before it.
        let mut longest: HashMap<&NodeId, (f64, Option<&NodeId>)> = HashMap::with_capacity(self.plan.len());
        let fallbacks: HashMap<&NodeId, &NodeId> =
            self.plan.iter().filter_map(|node| Some((&node.node_id, node.fallback.as_ref()?))).collect();
        for node in &self.plan {
            // Who waits for a node waits for those that stood in for it. One that did not takes no time.
            let waited = node.depends_on.iter().flat_map(|id| {
                let chain = std::iter::successors(Some(id), |id| fallbacks.get(id).copied());
                chain.take_while(|id| **id != node.node_id).take(self.plan.len())
            });
            let before =
                waited.filter_map(|id| Some((longest.get(id)?.0, id))).max_by(|a, b| a.0.total_cmp(&b.0));
            let own = median.get(&node.node_id).copied().unwrap_or(0.0);
            let total = own + before.map_or(0.0, |(ms, _)| ms);
            longest.insert(&node.node_id, (total, before.map(|(_, id)| id)));
        }
        let last = self.plan.iter().map(|n| &n.node_id).max_by(|a, b| longest[a].0.total_cmp(&longest[b].0));
        let total = last.map_or(0.0, |id| longest[id].0);
        let mut path: Vec<NodeId> = std::iter::successors(last, |id| longest[id].1)
            .filter(|id| median.contains_key(id))
            .cloned()
            .collect();
        path.reverse();
        (path, total)
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
fn millis(us: u64) -> f64 {
    us as f64 / 1000.0
}

/// The mean of microseconds in milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "a mean of far fewer than 2^52 microseconds")]
fn mean(us: &[u64]) -> f64 {
    let sum: u64 = us.iter().sum();
    (sum as f64 / us.len().max(1) as f64).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let latency = Latency::of(&(1..=100).rev().map(|n| n * 1000).collect::<Vec<_>>());
        let found = [latency.min_ms, latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms];
        assert_eq!((found, latency.max_ms, latency.count), ([1.0, 50.0, 90.0, 95.0, 99.0], 100.0, 100));
        assert_eq!(Latency::of(&[1500, 2500, 3502]).mean_ms, 2.501);
        let one = Latency::of(&[1234]);
        assert_eq!([one.min_ms, one.p50_ms, one.p99_ms, one.max_ms], [1.234; 4]);
        assert_eq!(Latency::of(&[]), Latency::default());
    }
}
