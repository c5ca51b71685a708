//! What a run is asked for as a run of tests, as it is typed.

use clap::{ArgAction, ValueEnum};

use crate::model::partition::Partition;

/// Parts, repetitions, and what is remembered.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Tests")]
pub struct Tested {
    /// Run one of N parts that share the work: slice:M/N by the order, hash:M/N by the names
    #[arg(long, value_name = "slice:M/N|hash:M/N", env = "ONEX_PARTITION", hide_env = true)]
    pub partition: Option<Partition>,

    /// Run what failed in the last run of the stage or did not get its turn there, with all that it needs
    #[arg(long, env = "ONEX_FAILED", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub failed: bool,

    /// Run the stage test this often and say how often each passed; in profile mode, measure so often
    #[arg(long, value_name = "N", env = "ONEX_REPEAT", hide_env = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,

    /// Repeat a test of the stages test and ci that fails up to N times, unless it says itself how often
    #[arg(long, value_name = "N", env = "ONEX_RETRIES", hide_env = true, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: Option<u32>,

    /// What a test comes to that failed first and passed then [default: pass]
    #[arg(long, value_name = "RESULT", env = "ONEX_FLAKY_RESULT", hide_env = true)]
    pub flaky_result: Option<FlakyResult>,

    /// Mark what takes longer as slow, such as 90 or 2m [default: 60s in the stage test]
    #[arg(long, value_name = "TIME", env = "ONEX_SLOW_AFTER", hide_env = true)]
    pub slow_after: Option<String>,

    /// Do not remember for --failed how the run ended
    #[arg(long, env = "ONEX_NO_RECORD", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub no_record: bool,
}

/// What a flaky test comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FlakyResult {
    /// It has passed, and is named
    Pass,
    /// It fails the run
    Fail,
}
