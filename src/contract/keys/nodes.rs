//! Nodes: who they are, what they wait for, and what holds when they fail.

use super::actions::{ARGUMENTS, COMMANDS, FALLBACK, LATER_ACTIONS, LATER_ARGUMENTS, STEP_CONFIG};
use super::rules::{BACKOFF, CIRCUIT_BREAKER, MAX_RETRIES, RESOURCES};
use super::sandbox::SANDBOX_KEY;
use super::words::{ENDS, ERROR_ACTIONS, NODE_KINDS, UNCERTAINTIES};
use super::{Form, Key, Table};
use crate::contract::values::{Unit, Zero};

const IDENTITY: &[Key] = &[
    Key::of(
        "node_id",
        Form::Id,
        "The id of the node: a letter or `_`, then letters, digits, `_`, `.` and `-`. The same as `id`.",
    ),
    Key::of(
        "id",
        Form::Id,
        "The id of the node: a letter or `_`, then letters, digits, `_`, `.` and `-`. The same as `node_id`.",
    ),
    Key::of(
        "node_type",
        Form::Suggested(&NODE_KINDS),
        "The kind of the node, in any case and with or without `_GENERIC`. Other kinds are kept as text.",
    )
    .or(r#""effect""#),
    Key::of("type", Form::Suggested(&NODE_KINDS), "The kind of the node. The same as `node_type`.")
        .or(r#""effect""#),
    Key::of("description", Form::Plain, "What the node is for; reports and plans show it."),
    Key::of("name", Form::Plain, "What the node is for, where it has no `description`."),
    Key::of("tags", Form::Texts, "Words to select nodes by."),
];

pub(super) const EDGES: &[Key] = &[
    Key::of(
        "depends_on",
        Form::Dependencies,
        "The nodes that this one waits for: ids, or `{node: ID, on: success|failure|finished}`.",
    )
    .or("[]"),
    Key::of(
        "dependencies",
        Form::Dependencies,
        "The nodes that this one waits for. The same as `depends_on`.",
    ),
];

pub(super) const POLICY: &[Key] = &[
    Key::of(
        "enabled",
        Form::Bool,
        "A disabled node is skipped, and who waits for it runs as if it were done.",
    )
    .or("true"),
    Key::of(
        "idempotent",
        Form::Bool,
        "Whether repeating the node does no harm. `false` forbids every attempt after one that may have had its \
         effect.",
    ),
    Key::of(
        "retry",
        Form::Switched(&RETRY),
        "How often and when the node is repeated when it fails; `false`: never. Without it: once, or what the rules \
         say.",
    ),
    Key::of(
        "timeout",
        Form::Duration(Unit::Seconds, Zero::Refused),
        "How long one attempt may take: seconds, or text such as `30s`, `2m`.",
    )
    .or(r#""1h""#),
    Key::of(
        "timeout_ms",
        Form::Duration(Unit::Millis, Zero::Refused),
        "How long one attempt may take, in milliseconds.",
    ),
    Key::of(
        "total_timeout",
        Form::Duration(Unit::Seconds, Zero::Refused),
        "How long all attempts may take with the delays between them: seconds, or text such as `5m`. Without it, there \
         is no limit.",
    ),
    Key::of(
        "total_timeout_ms",
        Form::Duration(Unit::Millis, Zero::Refused),
        "How long all attempts may take with the delays between them, in milliseconds.",
    ),
    Key::of(
        "circuit_breaker",
        Form::Switched(&CIRCUIT_BREAKER),
        "Holds attempts back after too many failures in a row, also in later runs; `false` switches that of the rules \
         off.",
    ),
    Key::of(
        "group",
        Form::Plain,
        "A name whose size stands in the rules: `groups: {db: 2}` lets two of its nodes run at once.",
    ),
    Key::of("resources", Form::Mapping(&RESOURCES), "What the program may take of the machine."),
    Key::of(
        "error_action",
        Form::AnyCase(&ERROR_ACTIONS),
        "What the failure of this node does to the run, against what the rules say of all nodes.",
    ),
    Key::of(
        "priority",
        Form::Count(0),
        "Among nodes that could start, the one with the lower number starts first.",
    )
    .or("100"),
];

pub(super) const STAND_IN: &[Key] = &[Key::of(
    "fallback",
    Form::Fallback(&FALLBACK),
    "What runs in place of the node when it fails, and counts in its place: the id of another node, or an action.",
)];

pub(super) const LATER_POLICY: &[Key] = &[
    Key::later_even_off("when", "An expression; where it is false, the node is skipped."),
    Key::later_even_off(
        "condition",
        "An expression; where it is false, the node is skipped. The same as `when`.",
    ),
    Key::later_even_off("for_each", "An expression that gives a list; the node runs once for each item."),
    Key::later("compensate", "An action that undoes the node.").taking(Form::Object),
    Key::later_even_off(
        "on_uncertain",
        "`fail` or `suspend`, where nobody can know whether the node had its effect.",
    )
    .taking(Form::Word(&UNCERTAINTIES)),
    Key::later("reads", "Files that the node reads, as patterns."),
    Key::later("writes", "Files that the node writes, as patterns."),
    Key::later("required", "Whether the run can be done without the node.").taking(Form::Bool),
];

/// What other runtimes have in the place of `retry`.
pub(super) const RETRY_COUNTS: &[Key] = &[
    Key::of("max_retries", Form::Count(0), "How often the node is repeated."),
    Key::of("retry_count", Form::Count(0), "How often the node is repeated."),
];

pub(super) const RETRY_PLACE: &str =
    "`retry` of the node; its `max_attempts` counts the first attempt, too: `retry: {max_attempts: 3}`";

/// Keys that describe nodes in the wild.
const WILD: &[Key] = &[
    Key::kept("node_name", "A longer name of the node."),
    Key::kept("target_node_type", "The kind of the node that does the work."),
    Key::kept("contract_ref", "The contract of the node that does the work."),
    Key::kept("metadata", "Anything about the node."),
    Key::kept("version", "The version of the node."),
    Key::kept("node_requirements", "What the node needs."),
    Key::kept("step_name", "The name of the step."),
    Key::kept("correlation_id", "What the step belongs to."),
    Key::kept("order_index", "Where the step stands. The order follows from `depends_on` and `priority`."),
    Key::kept("parallel_group", "The step's group. Groups follow from `depends_on`."),
    Key::kept("capabilities", "What the node can do."),
    Key::kept("inputs", "What the node takes."),
    Key::kept("outputs", "What the node gives."),
];

const STEP: &[Key] = &[Key::of(
    "step_config",
    Form::Mapping(&STEP_CONFIG),
    "The action of the node and its arguments: `run`, `script`, `python` or `uses` with what belongs to it.",
)];

const RIVALS: &[(&str, &str)] = &[
    ("node_id", "id"),
    ("node_type", "type"),
    ("depends_on", "dependencies"),
    ("timeout", "timeout_ms"),
    ("total_timeout", "total_timeout_ms"),
    ("when", "condition"),
];

pub(in crate::contract) static ONEX_NODE: Table = Table {
    elsewhere: &[
        (&[COMMANDS, ARGUMENTS, LATER_ACTIONS, LATER_ARGUMENTS], "`step_config`"),
        (&[RETRY_COUNTS], RETRY_PLACE),
    ],
    required: &[&["node_id", "id"]],
    rivals: RIVALS,
    ..Table::of("node", "a node", &[IDENTITY, STEP, EDGES, POLICY, SANDBOX_KEY, STAND_IN, WILD, LATER_POLICY])
};

pub(in crate::contract) static TASK: Table = Table {
    elsewhere: &[
        (&[STEP], "contracts with `workflow_coordination`; here its keys stand on the task itself"),
        (&[RETRY_COUNTS], RETRY_PLACE),
    ],
    required: &[&["id", "node_id"]],
    rivals: RIVALS,
    ..Table::of(
        "task",
        "a task",
        &[
            IDENTITY,
            COMMANDS,
            ARGUMENTS,
            EDGES,
            POLICY,
            SANDBOX_KEY,
            STAND_IN,
            WILD,
            LATER_ACTIONS,
            LATER_ARGUMENTS,
            LATER_POLICY,
        ],
    )
};

pub(in crate::contract) static DEPENDENCY: Table = Table {
    required: &[&["node"]],
    ..Table::of(
        "dependency",
        "a dependency",
        &[&[
            Key::of("node", Form::Text, "The id of the node that this one waits for."),
            Key::of("on", Form::Word(&ENDS), "Which of its ends this node waits for.").or(r#""success""#),
        ]],
    )
};

pub(in crate::contract) static RETRY: Table = Table {
    elsewhere: &[(&[MAX_RETRIES], "`coordination_rules`; here `max_attempts` counts the first attempt, too")],
    rivals: BACKOFF_RIVALS,
    ..Table::of(
        "retry",
        "`retry`",
        &[
            &[Key::of(
                "max_attempts",
                Form::Count(1),
                "How often the node is tried at most; the first attempt counts.",
            )
            .or("3")],
            BACKOFF,
        ],
    )
};

pub(super) const BACKOFF_RIVALS: &[(&str, &str)] =
    &[("initial_delay", "initial_delay_ms"), ("max_delay", "max_delay_ms")];
