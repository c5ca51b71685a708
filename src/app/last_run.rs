//! What the last run of a stage left to do: `--failed` runs it, and every run of a stage remembers it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::stage::StageWish;
use super::testing::{TestWish, names};
use crate::base::{Clock as _, SystemClock, text};
use crate::model::outcome::{NodeStatus, RunStatus, SkipReason};
use crate::model::report::{NodeResult, RunReport};
use crate::plan::Plan;
use crate::store::{FileLastRuns, LeftToDo};

/// The memory of one stage of one project.
#[derive(Debug)]
pub(super) struct LastRun {
    folder: Option<PathBuf>,
    /// The name that it is remembered by.
    name: String,
    stage: String,
    /// Whether nothing was filtered: what is not in the plan then is not in the project any more.
    is_unfiltered: bool,
    /// Whether a flaky test has not passed.
    fails_on_flaky: bool,
}

/// How a component ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    /// It was not asked for, or in good order not started.
    Neither,
    Passed,
    /// It failed, or did not get its turn.
    Open,
}

impl LastRun {
    /// The memory of a stage below a project root, in the user's folder for state.
    pub(super) fn of(
        wish: &StageWish,
        tests: &TestWish,
        (project, folder): (&Path, Option<PathBuf>),
    ) -> Self {
        let mut name = format!("{}: {}", project.display(), wish.name);
        for component in &wish.pipeline {
            name.push_str(&format!(" > {component}"));
        }
        if let Some(part) = tests.partition {
            name.push_str(&format!(" {part}"));
        }
        let is_unfiltered = wish.tags.is_empty() && wish.filters.is_empty();
        let fails_on_flaky = tests.fail_on_flaky;
        Self { folder, name, stage: wish.name.clone(), is_unfiltered, fails_on_flaky }
    }

    /// Whether there is a place to remember in.
    pub(super) const fn is_possible(&self) -> bool {
        self.folder.is_some()
    }

    /// Leaves out of a plan what the last run has done, but for what the rest needs; and says why nothing is left.
    pub(super) fn narrow(&self, plan: Plan, owners: &[String]) -> (Plan, Option<String>) {
        let stage = &self.stage;
        let left = match FileLastRuns::new(self.folder.clone()).left_to_do(&self.name) {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!("everything runs, because what failed before is not known: {error}");
                return (plan, None);
            }
        };
        let selected = names(&plan, owners).len();
        let others =
            format!("nothing runs; without `--failed`, {} would", text::count(selected, "component"));
        let (left, why) = match left {
            Some(LeftToDo::Everything) => return (plan, None),
            Some(LeftToDo::These(left)) if left.is_empty() => {
                (left, format!("nothing failed in the last run of the stage `{stage}`: {others}"))
            }
            Some(LeftToDo::These(left)) => (
                left,
                format!("what failed in the last run of the stage `{stage}` is not selected: {others}"),
            ),
            None => (BTreeSet::new(), format!("no run of the stage `{stage}` is remembered here: {others}")),
        };
        let plan = plan.with_needs(|node| owners.get(node).is_some_and(|owner| left.contains(owner)), owners);
        (plan, Some(why))
    }

    /// Remembers how a run ended. What passed is no longer left to do; what did not run stays as it was.
    pub(super) fn record(&self, report: &RunReport, (plan, owners): (&Plan, &[String])) {
        let nodes = plan.workflow().nodes.iter().map(|node| node.id.as_str());
        let owner_of: HashMap<&str, &str> = nodes.zip(owners.iter().map(String::as_str)).collect();
        let mut ended: BTreeMap<&str, Ended> = BTreeMap::new();
        for result in &report.results {
            let Some(&owner) = owner_of.get(result.id()) else { continue };
            let known = ended.entry(owner).or_insert(Ended::Neither);
            *known = (*known).max(self.how_it_ended(result, report.status));
        }
        let of = |wanted: Ended| ended.iter().filter(move |(_, how)| **how == wanted).map(|(name, _)| *name);
        let now_ms = SystemClock::start().unix_ms();
        let recorded = FileLastRuns::new(self.folder.clone()).record((&self.name, now_ms), |before| {
            let mut left = match before {
                None => BTreeSet::new(),
                // Of more than is remembered nobody knows what is left, unless all of it has run now.
                Some(LeftToDo::Everything) if of(Ended::Neither).next().is_some() => {
                    return LeftToDo::Everything;
                }
                Some(LeftToDo::Everything) => BTreeSet::new(),
                Some(LeftToDo::These(left)) => left,
            };
            left.retain(|name| {
                ended.get(name.as_str()).map_or(!self.is_unfiltered, |how| *how == Ended::Neither)
            });
            left.extend(of(Ended::Open).map(str::to_owned));
            LeftToDo::These(left)
        });
        if let Err(error) = recorded {
            tracing::warn!("`--failed` will not know of this run: {error}");
        }
    }

    fn how_it_ended(&self, result: &NodeResult, of_run: RunStatus) -> Ended {
        let was_kept_from = [SkipReason::DependencyFailed, SkipReason::Cancelled];
        // What was to pass many times has not, if somebody stopped that.
        let was_stopped = matches!(of_run, RunStatus::Cancelled | RunStatus::TimedOut);
        match result.status {
            NodeStatus::Completed if result.flaky && self.fails_on_flaky => Ended::Open,
            NodeStatus::Completed if result.repeated.is_some() && was_stopped => Ended::Open,
            NodeStatus::Completed => Ended::Passed,
            NodeStatus::Failed if result.recovered => Ended::Passed,
            NodeStatus::Failed | NodeStatus::Pending | NodeStatus::Running | NodeStatus::Retrying => {
                Ended::Open
            }
            NodeStatus::Skipped => {
                let reason = result.reason.as_deref();
                let is_open = was_kept_from.iter().any(|kept| reason == Some(kept.as_str()));
                if is_open { Ended::Open } else { Ended::Neither }
            }
        }
    }
}
