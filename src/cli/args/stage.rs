//! What a stage runs, as it is typed.

use std::path::PathBuf;

use clap::{ArgAction, ValueEnum};

/// The names under which clap knows what is about stages only.
const IDS: [&str; 11] = [
    "files",
    "tags",
    "filter",
    "from",
    "to",
    "all_files",
    "staged",
    "changed_since",
    "fail_on_empty",
    "fix_stage",
    "diff",
];

/// The arguments of `onex orch` as `onex run` has them: the contract stands alone, and there is no stage.
pub(super) fn without_stage(argument: clap::Arg) -> clap::Arg {
    match argument.get_id().as_str() {
        "contract" => argument.long(None::<&str>).env(None::<&str>).index(1).required(true),
        "files" => argument.hide(true).index(2),
        "stage" => argument.hide(true).env(None::<&str>).conflicts_with("contract"),
        id if IDS.contains(&id) => argument.hide(true).env(None::<&str>),
        _ => argument,
    }
}

/// What a stage runs, and on which files.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "options of the command line")]
pub struct Staged {
    /// The files to look at, instead of those of the stage
    #[arg(value_name = "FILE", conflicts_with_all = ["all_files", "changed_since"])]
    pub files: Vec<PathBuf>,

    /// Only components with one of these tags, instead of the stage's own
    #[arg(long, value_name = "A,B", env = "ONEX_TAGS", hide_env = true)]
    pub tags: Vec<String>,

    /// Conditions that must all hold: type, lifecycle, tags, name, namespace, version, status, capability
    #[arg(long, value_name = "KEY=VALUE,…", env = "ONEX_FILTER", hide_env = true)]
    pub filter: Vec<String>,

    /// The first component of a pipeline
    #[arg(long, value_name = "NAME", env = "ONEX_FROM", hide_env = true)]
    pub from: Option<String>,

    /// The next component of a pipeline, which is given what the one before gave
    #[arg(long, value_name = "NAME", env = "ONEX_TO", hide_env = true)]
    pub to: Vec<String>,

    /// All files that git tracks
    #[arg(long, env = "ONEX_ALL_FILES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub all_files: bool,

    /// The files that the next commit changes, as they are staged
    #[arg(long, env = "ONEX_STAGED", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue, conflicts_with_all = ["all_files", "changed_since", "files"])]
    pub staged: bool,

    /// The files that changed since this commit, or since the branches parted
    #[arg(
        long,
        value_name = "REF",
        env = "ONEX_CHANGED_SINCE",
        hide_env = true,
        conflicts_with = "all_files"
    )]
    pub changed_since: Option<String>,

    /// Fail if there is nothing to run
    #[arg(long, env = "ONEX_FAIL_ON_EMPTY", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub fail_on_empty: bool,

    /// Stage what components change
    #[arg(long, env = "ONEX_FIX_STAGE", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub fix_stage: bool,

    /// Show what components change
    #[arg(long, env = "ONEX_DIFF", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub diff: bool,
}

/// The names of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StageName {
    /// Before a commit: validators for it, on what is staged
    PreCommit,
    /// In continuous integration: validators and tests, on all files
    Ci,
    /// Tests
    Test,
    /// Components one after the other: --from X --to Y
    Pipeline,
    /// A check of the registry itself
    Registry,
}
