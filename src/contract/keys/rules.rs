//! What holds for a whole run, and what nodes inherit.

use super::nodes::BACKOFF_RIVALS;
use super::sandbox::SANDBOX_KEY;
use super::words::{COUNTED, EXECUTION_MODES, JITTERS, SCOPES, STRATEGIES};
use super::{Form, Key, Names, Table};
use crate::contract::values::{Unit, Zero};

pub(super) const EXECUTION_MODE: &[Key] = &[Key::of(
    "execution_mode",
    Form::AnyCase(&EXECUTION_MODES),
    "How the run goes about its nodes, in any case. Where several places say it, `coordination_rules` counts, then \
     `workflow_metadata`, then `workflow_coordination`.",
)];

/// The rules that contracts in the wild put beside the definition, where they would have no effect.
pub(super) const OFTEN_MISPLACED: &[Key] = &[
    Key::of("max_parallel_branches", Form::Count(1), "The most nodes that run at once."),
    Key::of(
        "max_parallel_steps",
        Form::Count(1),
        "The most nodes that run at once. The same as `max_parallel_branches`.",
    ),
    Key::of("timeout_ms", Form::Duration(Unit::Millis, Zero::Refused), "How long the run may take, in milliseconds."),
    Key::of(
        "failure_recovery_strategy",
        Form::AnyCase(&STRATEGIES),
        "What the failure of a node does to the run, in any case.",
    )
    .or(r#""fail_fast""#),
    Key::of(
        "fail_fast",
        Form::Bool,
        "Whether the first failure stops the run. `false`: all that does not depend on the failure still runs.",
    )
    .or("true"),
    Key::later("checkpoint_enabled", "Whether the run can be taken up again where it was.").taking(Form::Bool),
    Key::later("state_persistence_enabled", "Whether the state of the run outlives it.").taking(Form::Bool),
    Key::later("rollback_enabled", "Whether what is done is undone after a failure.").taking(Form::Bool),
    Key::later("recovery_enabled", "Whether a run that was cut off is taken up again.").taking(Form::Bool),
];

/// Retries beyond the first attempt.
pub(super) const MAX_RETRIES: &[Key] = &[Key::of(
    "max_retries",
    Form::Count(0),
    "How often a node is repeated: N retries are N + 1 attempts. Counts under `failure_recovery_strategy: retry`, or \
     for nodes that ask for it by `error_action: retry`.",
)
.or("0")];

pub(super) const FOR_THE_RUN: &[Key] = &[
    Key::of(
        "parallel_execution_allowed",
        Form::Bool,
        "`false`: nodes run one at a time, whatever else is said.",
    ),
    Key::of(
        "retry_backoff",
        Form::Duration(Unit::Seconds, Zero::Allowed),
        "The delay before the first of `max_retries`: seconds, or text such as `500ms`.",
    ),
    Key::of(
        "retry_backoff_ms",
        Form::Duration(Unit::Millis, Zero::Allowed),
        "The delay before the first of `max_retries`, in milliseconds.",
    )
    .or("0"),
    Key::of(
        "retry_backoff_multiplier",
        Form::Number(1.0, None),
        "By how much each delay is longer than the one before.",
    )
    .or("1"),
    Key::of(
        "timeout",
        Form::Duration(Unit::Seconds, Zero::Refused),
        "How long the run may take: seconds, or text such as `30s`, `2m`. Without it, there is no limit.",
    ),
    Key::of(
        "step_timeout",
        Form::Duration(Unit::Seconds, Zero::Refused),
        "How long one attempt of a node may take that says nothing of its own: seconds, or text such as `30s`.",
    ),
    Key::of(
        "step_timeout_ms",
        Form::Duration(Unit::Millis, Zero::Refused),
        "How long one attempt of a node may take that says nothing of its own, in milliseconds.",
    )
    .or("3600000"),
    Key::of(
        "allow_partial_completion",
        Form::Bool,
        "Whether a run counts as done, with the status `partial`, where nodes failed and enough others are done.",
    )
    .or("false"),
    Key::of(
        "min_required_steps_completion_percent",
        Form::Number(0.0, Some(100.0)),
        "How much of the nodes has to be done, in percent. Counts under `allow_partial_completion: true`.",
    )
    .or("0"),
    Key::of(
        "resource_constraints",
        Form::Mapping(&RESOURCE_CONSTRAINTS),
        "The most nodes at once, and what the program of each may take of the machine.",
    ),
    Key::of(
        "groups",
        Form::Named(Names::Groups),
        "Groups of nodes with their sizes: `{db: 2}` lets two nodes with `group: db` run at once.",
    ),
    Key::of("budget", Form::Mapping(&BUDGET), "What the run may use up. It is stopped where it would use more."),
    Key::kept("checkpoint_interval_ms", "The time between checkpoints, in milliseconds.")
        .taking(Form::Duration(Unit::Millis, Zero::Allowed)),
];

const ABOUT_RULES: &[Key] =
    &[Key::kept("version", "The version of the rules."), Key::kept("description", "What the rules are for.")];

const OF_OTHER_RUNTIMES: &[Key] = &[
    Key::meaningless("enable_load_balancing", "Whether nodes are spread over machines."),
    Key::meaningless("load_balance_strategy", "How nodes are spread over machines."),
    Key::meaningless("emit_step_metrics", "Whether steps are measured."),
    Key::meaningless("emit_workflow_events", "Whether events are given."),
    Key::meaningless("emit_dependency_graph", "Whether the graph is given."),
    Key::meaningless("synchronization_points", "Where branches wait for each other."),
    Key::always("detect_cycles", "Whether circles are looked for. onex always does."),
    Key::always("fail_on_cycle", "Whether circles are errors. They are."),
    Key::always("dependency_resolution_enabled", "Whether nodes wait for what they depend on. They do."),
];

pub(in crate::contract) static RULES: Table = Table {
    elsewhere: &[(&[HANDLING], "`error_handling`"), (&[ERRORS], "the contract itself, at its top")],
    rivals: &[
        ("timeout", "timeout_ms"),
        ("step_timeout", "step_timeout_ms"),
        ("retry_backoff", "retry_backoff_ms"),
    ],
    ..Table::of(
        "rules",
        "`coordination_rules`",
        &[
            EXECUTION_MODE,
            OFTEN_MISPLACED,
            MAX_RETRIES,
            FOR_THE_RUN,
            SANDBOX_KEY,
            ABOUT_RULES,
            OF_OTHER_RUNTIMES,
        ],
    )
};

pub(super) const ERRORS: &[Key] = &[Key::of(
    "error_handling",
    Form::Mapping(&ERROR_HANDLING),
    "The retries and the circuit breaker of all nodes that say nothing of their own.",
)];

pub(super) const HANDLING: &[Key] = &[
    Key::of(
        "retry_policy",
        Form::Mapping(&RETRY_POLICY),
        "The retries of nodes that say nothing of their own.",
    ),
    Key::of(
        "circuit_breaker",
        Form::Switched(&CIRCUIT_BREAKER),
        "The circuit breaker of nodes that say nothing of their own.",
    ),
];

pub(in crate::contract) static ERROR_HANDLING: Table = Table {
    elsewhere: &[(&[MAX_RETRIES, BACKOFF], "`retry_policy`")],
    ..Table::of(
        "error_handling",
        "`error_handling`",
        &[
            HANDLING,
            &[
                Key::kept("error_types", "The errors that can come."),
                Key::kept("description", "What is done about errors."),
            ],
        ],
    )
};

pub(in crate::contract) static CIRCUIT_BREAKER: Table = Table {
    rivals: &[("reset_timeout", "reset_timeout_ms")],
    ..Table::of(
        "circuit_breaker",
        "`circuit_breaker`",
        &[&[
            Key::of("failure_threshold", Form::Count(1), "So many failures in a row open the circuit.")
                .or("5"),
            Key::of(
                "reset_timeout",
                Form::Duration(Unit::Seconds, Zero::Refused),
                "How long an open circuit holds attempts back: seconds, or text such as `30s`.",
            )
            .or(r#""60s""#),
            Key::of(
                "reset_timeout_ms",
                Form::Duration(Unit::Millis, Zero::Refused),
                "How long an open circuit holds attempts back, in milliseconds.",
            ),
            Key::of(
                "half_open_max_calls",
                Form::Count(1),
                "So many probes in a row have to succeed before the circuit closes.",
            )
            .or("1"),
            Key::of("scope", Form::Word(&SCOPES), "Whether nodes share the circuit."),
            Key::of(
                "count",
                Form::Word(&COUNTED),
                "Which failures count. In `error_handling` the default is `infrastructure`.",
            )
            .or(r#""all""#),
            Key::of(
                "destination",
                Form::Destination,
                "What the node talks to. Nodes with the same destination share the circuit.",
            ),
            Key::of("enabled", Form::Bool, "`false` switches the circuit breaker off.").or("true"),
            Key::kept("description", "What the circuit is for."),
        ]],
    )
};

pub(in crate::contract) static BUDGET: Table = Table {
    rivals: &[("time", "time_ms")],
    ..Table::of(
        "budget",
        "`budget`",
        &[&[
            Key::of("max_steps", Form::Count(1), "The most nodes that are started."),
            Key::of("max_attempts", Form::Count(1), "The most attempts of all nodes together."),
            Key::of(
                "time",
                Form::Duration(Unit::Seconds, Zero::Refused),
                "How long the run may take: seconds, or text such as `10m`.",
            ),
            Key::of(
                "time_ms",
                Form::Duration(Unit::Millis, Zero::Refused),
                "How long the run may take, in milliseconds.",
            ),
            Key::of(
                "output",
                Form::Size,
                "The most that all programs print: bytes, or text such as `512MB`.",
            ),
            Key::later_even_off("cost", "The most that the run may cost."),
            Key::later_even_off("max_cost", "The most that the run may cost."),
            Key::kept("description", "What the budget is for."),
        ]],
    )
};

pub(in crate::contract) static RESOURCES: Table = Table {
    rivals: &[("memory", "memory_mb")],
    ..Table::of(
        "resources",
        "`resources`",
        &[&[
            Key::of(
                "cpu",
                Form::Processors,
                "The most processors: a whole number, or text such as `4 cores`.",
            ),
            Key::of(
                "memory",
                Form::Size,
                "The most memory of each process: bytes, or text such as `512MB`, `8GB`.",
            ),
            Key::of("memory_mb", Form::Megabytes, "The most memory of each process in megabytes."),
            Key::of("pids", Form::Count(1), "The most processes of the user that runs them."),
            Key::kept("description", "What the resources are for."),
        ]],
    )
};

pub(in crate::contract) static RESOURCE_CONSTRAINTS: Table = Table {
    closed: false,
    rivals: &[("max_cpu", "max_cpu_cores"), ("max_memory", "max_memory_mb")],
    ..Table::of(
        "resource_constraints",
        "`resource_constraints`",
        &[&[
            Key::of("max_agents", Form::Count(1), "The most nodes that run at once."),
            Key::of(
                "max_cpu",
                Form::Processors,
                "The most processors of each node, and the most nodes at once.",
            ),
            Key::of(
                "max_memory",
                Form::Size,
                "The most memory of each process: bytes, or text such as `8GB`.",
            ),
            Key::of(
                "max_cpu_cores",
                Form::Processors,
                "The most processors of each node, and the most nodes at once. The same as `max_cpu`.",
            ),
            Key::of("max_memory_mb", Form::Megabytes, "The most memory of each process in megabytes."),
            Key::later("max_disk_io_mb_per_sec", "The most that is read and written in a second."),
            Key::kept("description", "What the constraints are for."),
        ]],
    )
};

pub(in crate::contract) static RETRY_POLICY: Table = Table {
    rivals: BACKOFF_RIVALS,
    ..Table::of(
        "retry_policy",
        "`retry_policy`",
        &[
            &[Key::of(
                "max_retries",
                Form::Count(0),
                "How often a node is repeated: N retries are N + 1 attempts.",
            )
            .or("3")],
            BACKOFF,
            &[Key::kept("description", "What the policy is for.")],
        ],
    )
};

/// The keys that a node's `retry` and the contract's `retry_policy` share.
pub(super) const BACKOFF: &[Key] = &[
    Key::of(
        "initial_delay",
        Form::Duration(Unit::Seconds, Zero::Allowed),
        "The delay before the second attempt: seconds, or text such as `500ms`.",
    )
    .or(r#""1s""#),
    Key::of(
        "initial_delay_ms",
        Form::Duration(Unit::Millis, Zero::Allowed),
        "The delay before the second attempt, in milliseconds.",
    ),
    Key::of(
        "max_delay",
        Form::Duration(Unit::Seconds, Zero::Allowed),
        "No delay is longer than this: seconds, or text such as `1m`.",
    )
    .or(r#""60s""#),
    Key::of(
        "max_delay_ms",
        Form::Duration(Unit::Millis, Zero::Allowed),
        "No delay is longer than this, in milliseconds.",
    ),
    Key::of(
        "exponential_base",
        Form::Number(1.0, None),
        "By how much each delay is longer than the one before.",
    )
    .or("2"),
    Key::of(
        "jitter",
        Form::BoolOr(&JITTERS),
        "Whether chance shortens delays, so that not all come at once: `none`, or `full`.",
    )
    .or(r#""none""#),
    Key::of(
        "retry_on",
        Form::RetryOn,
        "Which failures are repeated: `any`, `timeout`, `signal`, `spawn`, `connect`, `exit:N`, or the name of an \
         error such as `ConnectionError`.",
    )
    .or(r#"["any"]"#),
];
