//! The states of circuits, for this run and for others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::document::{Document, Kept};
use crate::engine::ports::{CircuitError, CircuitKey, Circuits};
use crate::model::breaker::BreakerState;

/// Circuits in `circuits.json` of a folder. Where the file cannot be used, every update fails, and that is said once.
#[derive(Debug)]
pub struct FileCircuits {
    document: Document<States>,
    /// What the nodes of this run's contract are told apart from those of others by.
    contract: String,
    /// Whether the states cannot be kept: asking again would cost every node the same wait.
    given_up: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct States {
    version: u32,
    circuits: BTreeMap<String, BreakerState>,
}

impl Kept for States {
    const NAME: &'static str = "circuits";
    const VERSION: u32 = 1;
    // An open circuit that is forgotten lets through what it was to hold back.
    const GIVES_WAY: bool = false;

    fn version(&self) -> u32 {
        self.version
    }
}

impl FileCircuits {
    /// Circuits in `folder`, which need not exist yet; `contract` names the contract of the run.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>, contract: String) -> Self {
        Self { document: Document::new(folder), contract, given_up: false }
    }

    fn key(&self, circuit: &CircuitKey) -> String {
        match circuit {
            CircuitKey::Destination(name) => format!("destination: {name}"),
            CircuitKey::Node(node) => format!("{}: {node}", self.contract),
        }
    }
}

impl Circuits for FileCircuits {
    fn update(
        &mut self,
        circuit: &CircuitKey,
        change: &mut dyn FnMut(BreakerState) -> BreakerState,
    ) -> Result<(), CircuitError> {
        if self.given_up {
            return Err(CircuitError("they could not be kept before".to_owned()));
        }
        let key = self.key(circuit);
        let changed = self.document.change(|states| {
            let before = states.circuits.get(&key).cloned();
            let after = change(before.clone().unwrap_or_default());
            if before.as_ref() == Some(&after) || (before.is_none() && after == BreakerState::default()) {
                return false;
            }
            // A circuit at rest needs no place in the file.
            if after == BreakerState::default() {
                states.circuits.remove(&key);
            } else {
                states.circuits.insert(key, after);
            }
            states.version = States::VERSION;
            true
        });
        changed.map_err(|error| CircuitError(error.to_string())).inspect_err(|error| {
            self.given_up = true;
            tracing::warn!(%error, "circuit breakers have no effect from here on in this run");
        })
    }
}
