//! A plan on the wire: the specification's `ExecutionPlan` and more.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::context::Mode;
use super::sandbox::Sandbox;
use super::workflow::EdgeCondition;
use crate::base::NodeId;

/// Why a node does not run that uses a component which is not there.
pub const NOT_FOUND: &str = "component_not_found";

/// What would run, in which order, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanView {
    /// The digest of the contract's text: the same contract has the same plan.
    pub plan_id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where nodes run.
    pub default_mode: String,
    /// How a run would go about the nodes.
    pub mode: Mode,
    /// The most nodes that a run would run at once.
    pub jobs: usize,
    /// The nodes in the order of their declaration.
    pub nodes: Vec<PlanNodeView>,
    /// The edges, each from a node to one that waits for it.
    pub edges: Vec<(NodeId, NodeId)>,
    /// The order in which a run with one slot goes through the nodes.
    pub execution_order: Vec<NodeId>,
    /// Group k holds the nodes whose longest path from a root has k edges.
    pub parallel_groups: Vec<Vec<NodeId>>,
    /// The nodes that wait for nothing.
    pub roots: Vec<NodeId>,
    /// A longest chain of nodes that wait for each other.
    pub critical_path: Vec<NodeId>,
    /// How many separate parts the graph has.
    pub components: usize,
    /// The longest that a run may take, in milliseconds, with every attempt that retries allow, and with the five seconds
    /// that each has to end in before it is killed.
    #[serde(default)]
    pub worst_case_ms: u64,
    /// How many of the nodes that would run say no timeout, so that an attempt may take as long as any.
    #[serde(default)]
    pub without_timeout: usize,
    /// The longest that one attempt of these may take, in milliseconds.
    #[serde(default)]
    pub attempt_timeout_ms: u64,
    /// What is worth knowing of its retries.
    #[serde(default)]
    pub notes: Vec<PlanNote>,
}

/// Something that is said of several nodes at once.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNote {
    /// A stable name, or the code of a diagnostic.
    pub code: String,
    /// One sentence without a period at its end.
    pub message: String,
    /// The nodes; none where it is said of the whole contract.
    pub nodes: Vec<NodeId>,
}

/// One node of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanNodeView {
    /// Its id.
    pub node_id: NodeId,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// What it is for.
    pub description: Option<String>,
    /// The key of its action; nothing where it has none.
    pub action: Option<Cow<'static, str>>,
    /// The component that it uses: its full name with its version, or its name as the contract has it where none is
    /// found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The nodes that it waits for.
    pub depends_on: Vec<NodeId>,
    /// What would happen to it.
    pub status: PlanStatus,
    /// Why it would not run.
    pub reason: Option<String>,
    /// The most attempts that it can make.
    pub max_attempts: u32,
    /// The node that it stands in for when that one fails.
    pub stands_in_for: Option<NodeId>,
    /// The group whose limit counts it.
    pub group: Option<String>,
    /// Whether a circuit breaker can hold it back.
    pub circuit_breaker: bool,
    /// How nodes that it waits for must end, where another end than success is asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<NodeId, EdgeCondition>,
    /// The longest that all its attempts may take, in milliseconds, where it can have more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_case_ms: Option<u64>,
    /// What its program may touch of the machine, where a sandbox is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
}

impl PlanNodeView {
    /// What it does, in a few words: the key of its action, and the component that it uses.
    #[must_use]
    pub fn does(&self) -> Cow<'_, str> {
        match (self.action.as_deref(), &self.component) {
            (Some(_), Some(component)) => Cow::Owned(format!("uses {component}")),
            (action, _) => Cow::Borrowed(action.unwrap_or("unbound")),
        }
    }
}

/// What would happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// It runs, if all that it waits for ends as asked.
    WillRun,
    /// It does not run.
    Skipped,
    /// It has no action, so the contract cannot run.
    Unbound,
}
