//! What settings files say of the options that nobody gave, neither on the command line nor in the environment.

use std::time::Duration;

use clap::ValueEnum;

use super::resolve::Typed;
use crate::app::Environment;
use crate::app::console::Wishes;
use crate::app::settings::Configuration;
use crate::config::keys::{self, Section};
use crate::config::{Set, Value};
use crate::model::context::Mode;
use crate::report::Volume;

/// The options of one run that files can set.
pub(super) struct Configured<'c> {
    here: &'c Typed<'c>,
    configuration: &'c Configuration,
    /// The stage, where the run is one of it.
    stage: Option<&'static str>,
}

impl<'c> Configured<'c> {
    pub(super) const fn new(
        here: &'c Typed<'c>,
        configuration: &'c Configuration,
        stage: Option<&'static str>,
    ) -> Self {
        Self { here, configuration, stage }
    }

    /// What files say, where none of these options is given.
    fn get(&self, options: &[&str], key: &'static str) -> Option<&'c Set<Value>> {
        let is_free = !options.iter().any(|option| self.here.is_given(option));
        self.configuration.settings.of_run(self.stage, key).filter(|_| is_free)
    }

    fn word<T: ValueEnum>(&self, option: &str, key: &'static str) -> Option<T> {
        T::from_str(self.get(&[option], key)?.word()?, false).ok()
    }

    /// One at a time or several, and how many, with what was typed. What is typed wins, then what the stronger file
    /// says.
    pub(super) fn mode_and_jobs(
        &self,
        (mode, jobs): (Option<Mode>, Option<usize>),
    ) -> (Option<Mode>, Option<usize>) {
        let set_mode = self.get(&["mode", "dry_run"], keys::MODE).filter(|_| mode.is_none());
        let set_jobs = self.get(&["jobs"], keys::JOBS);
        let is_one = |mode: Option<Mode>| matches!(mode, Some(Mode::Sync | Mode::Profile));
        let meant = |set: &Set<Value>| match set.word() {
            Some("sync") => Some(Mode::Sync),
            Some("async") => Some(Mode::Async),
            _ => None,
        };
        let number = |set: &Set<Value>| set.count().map(|count| count as usize);
        let (file_mode, file_jobs) = (set_mode.and_then(meant), set_jobs.and_then(number));
        let several = |jobs: Option<usize>| jobs.is_some_and(|jobs| jobs > 1);
        if is_one(mode) && several(file_jobs) {
            return (mode, jobs);
        }
        if is_one(file_mode) && several(jobs) {
            return (mode, jobs);
        }
        if let (Some(set_mode), Some(set_jobs)) = (set_mode, set_jobs)
            && is_one(file_mode)
            && several(file_jobs)
        {
            let of_stage = self.stage.is_some_and(|stage| {
                self.configuration.settings.get(Section::Stage(stage), keys::JOBS).is_some()
            });
            let jobs_win = of_stage || set_jobs.at.source > set_mode.at.source;
            return if jobs_win { (mode, file_jobs) } else { (file_mode, jobs) };
        }
        (mode.or(file_mode), jobs.or(file_jobs))
    }

    pub(super) fn format(&self) -> Option<super::args::FormatName> {
        self.word("format", keys::FORMAT)
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.get(&["timeout"], keys::TIMEOUT)?.time()
    }

    pub(super) fn fail_fast(&self) -> Option<bool> {
        self.get(&["fail_fast", "keep_going"], keys::FAIL_FAST)?.flag()
    }

    pub(super) fn fail_on_empty(&self) -> bool {
        self.get(&["fail_on_empty"], keys::FAIL_ON_EMPTY).and_then(Set::flag).unwrap_or(false)
    }

    pub(super) fn retries(&self) -> Option<u32> {
        self.get(&["retries"], keys::RETRIES)?.count()
    }

    pub(super) fn flaky_result(&self) -> Option<super::args::FlakyResult> {
        self.word("flaky_result", keys::FLAKY_RESULT)
    }

    pub(super) fn slow_after(&self) -> Option<Duration> {
        self.get(&["slow_after"], keys::SLOW_AFTER)?.time()
    }

    pub(super) fn attempt_timeout(&self) -> Option<Duration> {
        self.configuration.settings.get(Section::Node, keys::TIMEOUT)?.time()
    }

    /// How a run looks.
    pub(super) fn dress(&self, wishes: Wishes, environment: &Environment) -> Wishes {
        let wishes = self.colour(wishes, environment);
        let progress = self.word("progress", keys::PROGRESS).filter(|_| wishes.volume != Volume::Quiet);
        Wishes {
            output: wishes.output.or_else(|| self.word("output", keys::OUTPUT).map(super::resolve::output)),
            progress: progress.map_or(wishes.progress, super::resolve::progress),
            ..wishes
        }
    }

    /// When colours are used. Variables that other programs know, too, are the environment.
    pub(super) fn colour(&self, wishes: Wishes, environment: &Environment) -> Wishes {
        let is_free =
            !["NO_COLOR", "CLICOLOR_FORCE"].iter().any(|variable| environment.get(variable).is_some());
        let color = self.word("color", keys::COLOR).filter(|_| is_free);
        Wishes { color: color.map_or(wishes.color, super::resolve::color), ..wishes }
    }
}
