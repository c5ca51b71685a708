//! Who is asked before every attempt: a program may be another by then than it was when the run began.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::permission::{pin, project_files};
use crate::engine::ports::Guard;
use crate::model::policy::{EnforcementLevel, ExecutionPolicy, Patterns, Payload, Pin, Starts};
use crate::policy::{self, Subject};

/// Holds every attempt against the strict policies about programs, and trusted files against what they were.
#[derive(Debug)]
pub(super) struct RunGuard {
    /// For each node of the plan, the rules for its programs.
    rules: HashMap<usize, Vec<Arc<Rule>>>,
    /// For each node whose contract is to be trusted, the number of the contract.
    units: HashMap<usize, usize>,
    /// The files of each contract, as they were when it was found to be trusted.
    files: Vec<Vec<Pin>>,
    policy_root: PathBuf,
    /// Where programs run.
    directory: PathBuf,
}

#[derive(Debug)]
struct Rule {
    /// The policy and its place, for people.
    name: String,
    patterns: Patterns,
}

impl RunGuard {
    /// A guard for the nodes of `subject`, each with its number in the plan and that of its contract.
    pub(super) fn of(
        policies: &[ExecutionPolicy],
        (subject, nodes): (&Subject<'_>, &[(usize, usize)]),
        place_of: impl Fn(&ExecutionPolicy) -> String,
    ) -> Self {
        let mut guard = Self {
            rules: HashMap::new(),
            units: HashMap::new(),
            files: Vec::new(),
            policy_root: subject.root.to_path_buf(),
            directory: PathBuf::new(),
        };
        let strict = policies.iter().filter(|policy| policy.enforcement_level == EnforcementLevel::Strict);
        for policy in strict {
            let meant = policy::nodes_meant(policy, subject);
            match &policy.payload {
                Payload::Program(patterns) => {
                    let rule = Arc::new(Rule { name: place_of(policy), patterns: patterns.clone() });
                    for at in meant {
                        guard.rules.entry(nodes[at].0).or_default().push(Arc::clone(&rule));
                    }
                }
                Payload::Trust => {
                    // One node in its scope, and the whole contract is to be trusted.
                    let units: Vec<usize> = meant.into_iter().map(|at| nodes[at].1).collect();
                    let of_units = nodes.iter().filter(|(_, unit)| units.contains(unit));
                    guard.units.extend(of_units.copied());
                }
                Payload::Environment(_)
                | Payload::Lifecycle(_)
                | Payload::Limit(_)
                | Payload::Contract(_)
                | Payload::Sandbox(_) => {}
            }
        }
        guard
    }

    /// The same with the files of each contract; nobody where there is nothing to look after.
    pub(super) fn watching(self, directory: &Path, files: Vec<Vec<Pin>>) -> Option<Arc<dyn Guard>> {
        if self.rules.is_empty() && self.units.is_empty() {
            return None;
        }
        Some(Arc::new(Self { files, directory: directory.to_path_buf(), ..self }))
    }
}

impl Guard for RunGuard {
    fn may_start(&self, node: usize, starts: &Starts) -> Result<(), String> {
        for rule in self.rules.get(&node).into_iter().flatten() {
            if let Some(forbidden) = policy::forbidden(&rule.patterns, starts, &self.policy_root) {
                return Err(format!("the policy {} denies it: it {}", rule.name, forbidden.text));
            }
        }
        let Some(trusted) = self.units.get(&node).and_then(|unit| self.files.get(*unit)) else {
            return Ok(());
        };
        for file in project_files(starts, &self.directory) {
            let now = pin(&file);
            if !trusted.contains(&now) {
                return Err(format!("`{}` is not what was trusted when the run began", file.display()));
            }
        }
        Ok(())
    }
}
