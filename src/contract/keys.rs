//! Which keys stand where, and what becomes of each. Keys from contracts in the wild are known here, too.

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is read and carried out.
    Read,
    /// It describes; nothing has to be done.
    Kept,
    /// It is part of the language, but this version does not carry it out yet.
    Later,
    /// It asks for something that has no meaning here.
    Meaningless,
    /// It belongs elsewhere.
    Elsewhere(&'static str),
}

/// The keys of one mapping.
pub(super) struct Table {
    /// What the mapping is, for messages.
    pub place: &'static str,
    /// Whether an unknown key that resembles a known one is an error; otherwise all unknown keys are warnings.
    pub strict: bool,
    pub read: &'static [&'static str],
    pub kept: &'static [&'static str],
    pub later: &'static [&'static str],
    pub meaningless: &'static [&'static str],
    /// Keys that belong elsewhere, with where.
    pub elsewhere: &'static [(&'static [&'static str], &'static str)],
}

impl Table {
    const fn of(place: &'static str, read: &'static [&'static str], kept: &'static [&'static str]) -> Self {
        Self { place, strict: true, read, kept, later: &[], meaningless: &[], elsewhere: &[] }
    }

    pub(super) fn standing(&self, key: &str) -> Option<Standing> {
        if self.read.contains(&key) {
            Some(Standing::Read)
        } else if self.kept.contains(&key) {
            Some(Standing::Kept)
        } else if self.later.contains(&key) {
            Some(Standing::Later)
        } else if self.meaningless.contains(&key) {
            Some(Standing::Meaningless)
        } else {
            self.elsewhere.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, at)| Standing::Elsewhere(at))
        }
    }

    /// The key that other tools call by this name.
    pub(super) fn habit(&self, key: &str) -> Option<&'static str> {
        const HABITS: [(&str, &[&str]); 7] = [
            ("depends_on", &["needs", "depends", "require", "requires", "after", "deps", "upstream"]),
            ("run", &["command", "cmd", "commands", "exec"]),
            ("env", &["environment", "vars", "variables"]),
            ("cwd", &["working_directory", "working-directory", "workdir", "dir", "directory"]),
            ("retry", &["retries", "max_attempts"]),
            ("tasks", &["steps", "jobs", "nodes"]),
            ("error_action", &["on_error", "on_failure", "continue_on_error"]),
        ];
        let (meant, _) = HABITS.iter().find(|(_, names)| names.contains(&key))?;
        self.read.contains(meant).then_some(*meant)
    }

    /// The keys that may have been meant by an unknown one.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &'static str> {
        self.read.iter().chain(self.later).copied()
    }
}

pub(super) const WORKFLOW_DOCUMENT: Table = Table {
    strict: false,
    ..Table::of(
        "the contract",
        &["workflow", "error_handling"],
        &["contract_version", "name", "description", "metadata", "node_type", "node_version"],
    )
};

pub(super) const WORKFLOW: Table = Table::of(
    "`workflow`",
    &["name", "version", "description", "tasks", "coordination", "inputs", "error_handling"],
    &["orchestration_pattern", "agents", "metadata", "tags", "author"],
);

pub(super) const COORDINATION: Table =
    Table::of("`coordination`", &["rules"], &["type", "event_driven", "graph_based"]);

pub(super) const ONEX_DOCUMENT: Table = Table {
    strict: false,
    ..Table::of(
        "the contract",
        &[
            "contract_version",
            "name",
            "node_type",
            "node_version",
            "description",
            "inputs",
            "workflow_coordination",
            "error_handling",
        ],
        &[
            "metadata",
            "node_name",
            "contract_name",
            "input_model",
            "output_model",
            "event_bus",
            "handler_routing",
            "published_events",
            "consumed_events",
            "dependencies",
            "health_check",
            "fingerprint",
            "handlers",
            "timing_constraints",
            "performance_benchmarks",
            "integration_testing",
            "operational_monitoring",
            "profile_tags",
            "feature_flags",
            "runtime_profiles",
            "capabilities",
            "mcp",
            "time_injection",
            "projection_reader",
            "intent_consumption",
            "intent_reception",
            "idempotency",
            "golden_path",
            "env_dependencies",
            "descriptor",
            "terminal_event",
            "runtime_dispatch",
            "changelog",
            "io_operations",
            "performance",
            "lifecycle",
            "protocol_interfaces",
            "protocol_dependencies",
            "validation_rules",
            "author",
            "documentation_url",
            "tags",
            "annotations",
            "dod_evidence",
            "config",
            "execution",
            "behavior",
            "concurrency",
            "behavior_spec",
            "yaml_consumed_events",
            "yaml_published_events",
            "correlation_id",
            "action_emission",
            "conditional_branching",
            "event_registry",
            "event_coordination",
            "load_balancing_enabled",
            "failure_isolation_enabled",
            "monitoring_enabled",
            "metrics_collection_enabled",
            "version",
        ],
    )
};

pub(super) const WORKFLOW_COORDINATION: Table = Table {
    elsewhere: &[(
        &[
            "max_parallel_branches",
            "max_parallel_steps",
            "timeout_ms",
            "max_retries",
            "failure_recovery_strategy",
            "fail_fast",
            "checkpoint_enabled",
            "state_persistence_enabled",
            "rollback_enabled",
            "recovery_enabled",
        ],
        "`coordination_rules`",
    )],
    ..Table::of(
        "`workflow_coordination`",
        &["workflow_definition", "execution_mode"],
        &[
            "version",
            "subcontract_version",
            "lifecycle",
            "subscriptions",
            "publications",
            "event_bus",
            "step_templates",
            "description",
        ],
    )
};

pub(super) const WORKFLOW_DEFINITION: Table = Table::of(
    "`workflow_definition`",
    &["workflow_metadata", "execution_graph", "coordination_rules"],
    &["version", "description"],
);

pub(super) const WORKFLOW_METADATA: Table = Table::of(
    "`workflow_metadata`",
    &["workflow_name", "execution_mode"],
    &["workflow_version", "description", "author", "tags", "documentation_url", "version", "workflow_hash"],
);

pub(super) const EXECUTION_GRAPH: Table =
    Table::of("`execution_graph`", &["nodes", "edges"], &["version", "description"]);

pub(super) const EDGE: Table =
    Table::of("an edge", &["from_node", "to_node"], &["edge_type", "description", "version"]);

pub(super) const RULES: Table = Table {
    later: &["checkpoint_enabled", "state_persistence_enabled", "rollback_enabled", "recovery_enabled"],
    meaningless: &[
        "enable_load_balancing",
        "load_balance_strategy",
        "emit_step_metrics",
        "emit_workflow_events",
        "emit_dependency_graph",
        "synchronization_points",
        "detect_cycles",
        "fail_on_cycle",
        "dependency_resolution_enabled",
    ],
    ..Table::of(
        "`coordination_rules`",
        &[
            "execution_mode",
            "parallel_execution_allowed",
            "max_parallel_branches",
            "max_parallel_steps",
            "failure_recovery_strategy",
            "fail_fast",
            "max_retries",
            "retry_backoff_ms",
            "retry_backoff_multiplier",
            "timeout_ms",
            "timeout",
            "step_timeout_ms",
            "allow_partial_completion",
            "min_required_steps_completion_percent",
            "resource_constraints",
            "groups",
            "budget",
        ],
        &["version", "checkpoint_interval_ms", "description"],
    )
};

pub(super) const ERROR_HANDLING: Table =
    Table::of("`error_handling`", &["retry_policy", "circuit_breaker"], &["error_types", "description"]);

pub(super) const CIRCUIT_BREAKER: Table = Table::of(
    "`circuit_breaker`",
    &[
        "failure_threshold",
        "reset_timeout",
        "reset_timeout_ms",
        "half_open_max_calls",
        "scope",
        "count",
        "destination",
        "enabled",
    ],
    &["description"],
);

pub(super) const BUDGET: Table = Table {
    later: &["cost", "max_cost"],
    ..Table::of("`budget`", &["max_steps", "max_attempts", "time", "time_ms", "output"], &["description"])
};

pub(super) const RESOURCES: Table =
    Table::of("`resources`", &["cpu", "memory", "memory_mb", "pids"], &["description"]);

pub(super) const RESOURCE_CONSTRAINTS: Table =
    Table::of("`resource_constraints`", &["max_agents", "max_cpu", "max_memory"], &["description"]);

/// An inline fallback: an action and its arguments.
pub(super) const FALLBACK: Table =
    Table { later: &LATER_ACTION_KEYS, ..Table::of("`fallback`", ACTION_KEYS, &["description"]) };

pub(super) const RETRY_POLICY: Table = Table::of(
    "`retry_policy`",
    &[
        "max_retries",
        "initial_delay_ms",
        "initial_delay",
        "max_delay_ms",
        "max_delay",
        "exponential_base",
        "jitter",
        "retry_on",
    ],
    &["description"],
);

pub(super) const RETRY: Table = Table {
    elsewhere: &[(
        &["max_retries"],
        "`coordination_rules`; here `max_attempts` counts the first attempt, too",
    )],
    ..Table::of(
        "`retry`",
        &[
            "max_attempts",
            "initial_delay",
            "initial_delay_ms",
            "max_delay",
            "max_delay_ms",
            "exponential_base",
            "jitter",
            "retry_on",
        ],
        &[],
    )
};

pub(super) const DEPENDENCY: Table = Table::of("a dependency", &["node", "on"], &[]);

pub(super) const INPUT: Table =
    Table::of("an input", &["type", "description", "required", "default"], &["title", "examples"]);

/// Actions that are carried out.
pub(super) const ACTIONS: &[&str] = &["run", "script", "python"];

/// Actions of the language that this version does not carry out yet.
pub(super) const LATER_ACTIONS: &[&str] = &[
    "compute",
    "http",
    "uses",
    "workflow",
    "pipe",
    "chain",
    "parallel",
    "batch",
    "fan_out_fan_in",
    "stages",
    "emit",
    "wait_for",
    "agent",
    "approve",
];

/// The action that a key declares.
pub(super) fn action(key: &str) -> Option<&'static str> {
    ACTIONS.iter().chain(LATER_ACTIONS).copied().find(|&action| action == key)
}

/// The arguments of actions, and nothing else: in the ONEX dialect they stand in `step_config`.
const ACTION_KEYS: &[&str] =
    &["run", "script", "python", "shell", "args", "kwargs", "env", "inherit_env", "cwd", "stdin", "output"];

const LATER_ARGUMENTS: &[&str] = &["with", "message", "skill", "output_schema"];

const LATER_ACTION_KEYS: [&str; 18] = join(LATER_ACTIONS, LATER_ARGUMENTS);

const POLICY_KEYS: &[&str] = &[
    "node_id",
    "id",
    "node_type",
    "type",
    "description",
    "name",
    "tags",
    "enabled",
    "depends_on",
    "dependencies",
    "idempotent",
    "retry",
    "timeout",
    "timeout_ms",
    "total_timeout",
    "total_timeout_ms",
    "circuit_breaker",
    "fallback",
    "group",
    "resources",
    "error_action",
    "priority",
];

/// Keys whose `false` and `0` ask for something: `when: false` asks that the node does not run.
pub(super) const NEVER_OFF: &[&str] = &["when", "condition", "for_each", "output_schema"];

const LATER_POLICY_KEYS: &[&str] = &[
    "when",
    "condition",
    "for_each",
    "compensate",
    "on_uncertain",
    "reads",
    "writes",
    "sandbox",
    "required",
];

/// Keys that describe nodes in the wild.
const WILD_NODE_KEYS: &[&str] = &[
    "node_name",
    "target_node_type",
    "contract_ref",
    "metadata",
    "version",
    "node_requirements",
    "step_name",
    "correlation_id",
    "order_index",
    "parallel_group",
    "capabilities",
    "inputs",
    "outputs",
];

/// Keys of `step_config` in the wild.
const WILD_STEP_KEYS: &[&str] = &[
    "event_pattern",
    "protocol",
    "operation",
    "projection_name",
    "time_injection",
    "timeout_evaluation",
    "reducer_protocol",
    "output_type",
    "effect_node",
    "intent_filter",
    "aggregation_strategy",
    "event_type",
    "handler",
    "target_topic",
    "skip_condition",
    "parallel_checks",
    "routing_strategy",
    "dispatch_strategy",
    "available_compute_nodes",
    "effect_nodes",
    "adjudicator_node",
    "routing_field",
    "description",
];

pub(super) const ONEX_NODE: Table = Table {
    later: LATER_POLICY_KEYS,
    elsewhere: &[(ACTION_KEYS, "`step_config`"), (&LATER_ACTION_KEYS, "`step_config`")],
    ..Table::of("a node", &JOINED_ONEX_NODE, WILD_NODE_KEYS)
};

const JOINED_ONEX_NODE: [&str; 23] = join(POLICY_KEYS, &["step_config"]);

pub(super) const STEP_CONFIG: Table = Table {
    later: &LATER_ACTION_KEYS,
    elsewhere: &[
        (
            &[
                "depends_on",
                "dependencies",
                "idempotent",
                "retry",
                "timeout",
                "timeout_ms",
                "total_timeout",
                "total_timeout_ms",
                "circuit_breaker",
                "fallback",
                "group",
                "resources",
                "error_action",
                "priority",
                "enabled",
            ],
            "the node, beside `step_config`",
        ),
        (LATER_POLICY_KEYS, "the node, beside `step_config`"),
    ],
    ..Table::of("`step_config`", ACTION_KEYS, WILD_STEP_KEYS)
};

pub(super) const TASK: Table = Table {
    later: &JOINED_LATER,
    elsewhere: &[(
        &["step_config"],
        "contracts with `workflow_coordination`; here its keys stand on the task itself",
    )],
    ..Table::of("a task", &JOINED_TASK, WILD_NODE_KEYS)
};

const JOINED_TASK: [&str; 33] = join(POLICY_KEYS, ACTION_KEYS);
const JOINED_LATER: [&str; 27] = join(&LATER_ACTION_KEYS, LATER_POLICY_KEYS);

const fn join<const N: usize>(a: &[&'static str], b: &[&'static str]) -> [&'static str; N] {
    assert!(a.len() + b.len() == N);
    let mut joined = [""; N];
    let mut at = 0;
    while at < N {
        joined[at] = if at < a.len() { a[at] } else { b[at - a.len()] };
        at += 1;
    }
    joined
}
