//! Which settings there are, and what each can be. The reader looks keys up in these tables, and the JSON Schema and
//! the page of the documentation are made of them: there is no second list.

use std::fmt;

use crate::model::component::{FilterKey, STAGES};

/// What a setting can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `true` or `false`.
    Flag,
    /// A whole number from 1.
    Count,
    /// A duration: seconds, or text with units.
    Time,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One text or a list of them, of which one must fit: what components are selected by.
    AnyOf(FilterKey),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub form: Form,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// What holds where nothing sets it, in words.
    pub default: &'static str,
}

/// A table of a settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `[run]`: every run.
    Run,
    /// `[node]`: every node.
    Node,
    /// `[stage.NAME]`: runs of one stage.
    Stage(&'static str),
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Node => f.write_str("node"),
            Self::Stage(stage) => write!(f, "stage.{stage}"),
        }
    }
}

/// The most nodes at once.
pub const JOBS: &str = "jobs";
/// One node at a time, or several.
pub const MODE: &str = "mode";
/// The form of the report.
pub const FORMAT: &str = "format";
/// Which nodes' output people see.
pub const OUTPUT: &str = "output";
/// When colours are used.
pub const COLOR: &str = "color";
/// How a run shows how far it is.
pub const PROGRESS: &str = "progress";
/// The time that something may take.
pub const TIMEOUT: &str = "timeout";
/// Whether the first failure stops a run.
pub const FAIL_FAST: &str = "fail_fast";
/// Whether a stage without anything to run fails.
pub const FAIL_ON_EMPTY: &str = "fail_on_empty";
/// Which files a stage is about.
pub const FILES: &str = "files";
/// How often a failed test is repeated.
pub const RETRIES: &str = "retries";
/// What a flaky test comes to.
pub const FLAKY_RESULT: &str = "flaky_result";
/// From when on something is slow.
pub const SLOW_AFTER: &str = "slow_after";

const RUN: &[Key] = &[
    Key {
        name: JOBS,
        form: Form::Count,
        about: "The most nodes at once; more than one runs them side by side.",
        default: "the number of processors, and 1 in sync mode",
    },
    Key {
        name: MODE,
        form: Form::Word(&["sync", "async"]),
        about: "One node at a time, or several.",
        default: "what `jobs` and the contract's `execution_mode` say",
    },
    Key {
        name: FORMAT,
        form: Form::Word(&["human", "json", "yaml"]),
        about: "The form of the report of a run.",
        default: "human on a terminal, json elsewhere",
    },
    Key {
        name: OUTPUT,
        form: Form::Word(&["failed", "all", "none", "live"]),
        about: "Which nodes' output people see.",
        default: "live for one node at a time on a terminal, else failed",
    },
    Key {
        name: COLOR,
        form: Form::Word(&["auto", "always", "never"]),
        about: "When `onex orch` and `onex plan` use colours.",
        default: "auto",
    },
    Key {
        name: PROGRESS,
        form: Form::Word(&["auto", "bar", "plain", "none"]),
        about: "How a run shows how far it is, on standard error.",
        default: "auto",
    },
    Key {
        name: TIMEOUT,
        form: Form::Time,
        about: "The time for a whole run; where the contract has a limit, too, the shorter one holds.",
        default: "none",
    },
    Key {
        name: FAIL_FAST,
        form: Form::Flag,
        about: "Whether the first failure stops a run, whatever the contract says.",
        default: "what the contract says",
    },
    Key {
        name: FAIL_ON_EMPTY,
        form: Form::Flag,
        about: "Whether a stage fails if there is nothing to run.",
        default: "false",
    },
];

const NODE: &[Key] = &[Key {
    name: TIMEOUT,
    form: Form::Time,
    about: "The time for one attempt of a node, where neither the node nor the contract's rules say one.",
    default: "1h",
}];

/// How a run of a stage goes; each wins over the key of this name in `[run]`.
const STAGE_RUN: &[Key] = &[
    Key { name: JOBS, form: Form::Count, about: "The most nodes at once.", default: "`run.jobs`" },
    Key {
        name: FAIL_FAST,
        form: Form::Flag,
        about: "Whether the first failure stops the stage.",
        default: "`run.fail_fast`",
    },
    Key {
        name: FAIL_ON_EMPTY,
        form: Form::Flag,
        about: "Whether it is a failure that there is nothing to run.",
        default: "`run.fail_on_empty`",
    },
    Key { name: TIMEOUT, form: Form::Time, about: "The time for the whole stage.", default: "`run.timeout`" },
];

const STAGE_FILES: &[Key] = &[Key {
    name: FILES,
    form: Form::Word(&["staged", "all"]),
    about: "Which files it is about: those that the next commit changes, or all that git tracks.",
    default: "staged for pre-commit, all for the other stages",
}];

/// How the stages go about tests that run them.
const STAGE_TESTS: &[Key] = &[
    Key {
        name: RETRIES,
        form: Form::Count,
        about: "How often a test that fails is repeated at most, where it does not say so itself.",
        default: "not at all",
    },
    Key {
        name: FLAKY_RESULT,
        form: Form::Word(&["pass", "fail"]),
        about: "What a test comes to that failed first and passed then.",
        default: "pass",
    },
    Key {
        name: SLOW_AFTER,
        form: Form::Time,
        about: "What takes longer is marked as slow.",
        default: "60s for test, nothing for ci",
    },
];

const fn selects(key: FilterKey, name: &'static str, about: &'static str) -> Key {
    Key { name, form: Form::AnyOf(key), about, default: "what the stage itself asks for" }
}

/// What a stage asks of components: the keys of `--filter`. An empty list asks for nothing.
const STAGE_SELECTION: &[Key] = &[
    selects(FilterKey::Type, "type", "What components must be, such as validator or test."),
    selects(FilterKey::Lifecycle, "lifecycle", "The lifecycle that they must be in."),
    selects(FilterKey::Tags, "tags", "A tag that they must have."),
    selects(FilterKey::Name, "name", "Their name; * stands for any text."),
    selects(FilterKey::Namespace, "namespace", "Their namespace; * stands for any text."),
    selects(FilterKey::Version, "version", "A range that their version must be in."),
    selects(FilterKey::Status, "status", "Their status, or the lifecycle where there is none."),
    selects(FilterKey::Capability, "capability", "A capability that they must have."),
];

impl Section {
    /// All tables.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Run, Self::Node].into_iter().chain(STAGES.into_iter().map(Self::Stage))
    }

    /// The keys that have an effect here, in groups.
    #[must_use]
    pub const fn groups(self) -> &'static [&'static [Key]] {
        match self {
            Self::Run => &[RUN],
            Self::Node => &[NODE],
            Self::Stage(stage) => match stage.as_bytes() {
                b"registry" => &[STAGE_FILES],
                b"pipeline" => &[STAGE_RUN, STAGE_FILES],
                b"test" | b"ci" => &[STAGE_RUN, STAGE_FILES, STAGE_TESTS, STAGE_SELECTION],
                _ => &[STAGE_RUN, STAGE_FILES, STAGE_SELECTION],
            },
        }
    }

    /// The keys that have an effect here.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        self.groups().iter().copied().flatten()
    }

    /// The key of this name.
    #[must_use]
    pub fn key(self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// Why a key that other stages have would do nothing here.
    #[must_use]
    pub fn why_not(self, name: &str) -> Option<&'static str> {
        let of_stages = [STAGE_RUN, STAGE_FILES, STAGE_TESTS, STAGE_SELECTION];
        if self.key(name).is_some() || !of_stages.into_iter().flatten().any(|key| key.name == name) {
            return None;
        }
        let is_about_tests = STAGE_TESTS.iter().any(|key| key.name == name);
        match self {
            Self::Stage("pre-commit" | "pipeline") if is_about_tests => {
                Some("it is for the stages that run tests: `test` and `ci`")
            }
            Self::Stage("registry") => Some("the stage checks the registry and runs nothing"),
            Self::Stage("pipeline") => Some("a pipeline runs the components that `--from` and `--to` name"),
            Self::Stage(_) | Self::Run | Self::Node => None,
        }
    }
}
