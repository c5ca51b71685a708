//! What was asked for. Data only: it is part of `run_started` and can be logged, stored and compared.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::partition::Partition;

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

/// How a run goes about its nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// One node at a time.
    #[default]
    Sync,
    /// Several at a time.
    Async,
    /// Nothing runs; the plan is shown.
    DryRun,
    /// One node at a time, each once, and how long it took.
    Profile,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sync => "sync",
            Self::Async => "async",
            Self::DryRun => "dry-run",
            Self::Profile => "profile",
        })
    }
}

/// What was asked for: the fields of `spec/000`, then ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExecutionContext {
    /// The stage, where one was named.
    pub stage: Option<String>,
    /// Tags to select by.
    pub tags: Vec<String>,
    /// Filters to select by.
    pub filters: Map<String, Value>,
    /// What else the command line asks of a stage: files, or components in turn; empty where its defaults hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// The commit that contracts and components come from, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contracts_from: Option<String>,
    /// Whether nothing may run.
    pub dry_run: bool,
    /// The form of the report.
    pub format: Format,
    /// Time for the whole run in milliseconds, where there is a limit.
    #[serde(with = "optional_millis", rename = "timeout_ms")]
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub timeout: Option<Duration>,
    /// How the run goes about its nodes.
    pub mode: Mode,
    /// The greatest number of nodes that run at once.
    pub jobs: usize,
    /// Whether the nodes of one parallel group end before the next group begins.
    #[serde(default)]
    pub batch: bool,
    /// How often the whole workflow is run, in profile mode.
    #[serde(default)]
    pub repeat: u32,
    /// Whether the first failure stops the run, where the command line says so.
    pub fail_fast: Option<bool>,
    /// The nodes that were asked for, and no others; empty where none were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The nodes that were asked for with all that they need; empty where none were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub until: Vec<String>,
    /// The part of what is selected that this run is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<Partition>,
    /// Whether only that runs which failed in the last run of the stage, or did not get its turn there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub failed: bool,
    /// Whether what fails is remembered for the next run of the stage.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_remembered: bool,
    /// How often the stage repeats a failed test that says nothing about that itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// How long an attempt takes that counts as slow, in milliseconds.
    #[serde(
        default,
        with = "optional_millis",
        rename = "slow_after_ms",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub slow_after: Option<Duration>,
    /// The contract's inputs, complete and checked.
    pub inputs: Map<String, Value>,
}

/// The contract of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ContractInfo {
    /// Its name.
    pub name: String,
    /// Its version, as it is written.
    pub version: Option<String>,
    /// Its file, as it was given.
    pub path: String,
    /// The digest of its text.
    pub digest: String,
    /// The commit that it comes from, where it was not read where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// What goes without saying on the wire.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}

/// Durations on the wire are whole milliseconds.
mod optional_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(duration) => {
                serializer.serialize_some(&u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
            }
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}
