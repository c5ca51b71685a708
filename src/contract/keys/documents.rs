//! The documents of both dialects, down to their nodes.

use super::nodes::{ONEX_NODE, TASK};
use super::rules::{ERRORS, EXECUTION_MODE, FOR_THE_RUN, HANDLING, MAX_RETRIES, OFTEN_MISPLACED, RULES};
use super::sandbox::SANDBOX_KEY;
use super::words::LIFECYCLES;
use super::{Form, Key, Names, Table};

const INPUTS: &[Key] = &[Key::of(
    "inputs",
    Form::Named(Names::Inputs(&INPUT)),
    "What a run is given by `--input NAME=VALUE`: each name with its type, or with `{type, description, required, \
     default}`.",
)];

pub(in crate::contract) static WORKFLOW_DOCUMENT: Table = Table {
    strict: false,
    closed: false,
    elsewhere: &[
        (&[INPUTS, TASKS, COORDINATED], "`workflow`"),
        (&[BARE_RULES, GRAPH_RULES], "`workflow.coordination`, as `rules`"),
        (&[EXECUTION_MODE, OFTEN_MISPLACED, MAX_RETRIES, FOR_THE_RUN], "`workflow.coordination.rules`"),
        (&[HANDLING], "`error_handling`"),
        (&[SANDBOX_KEY], "a task"),
    ],
    ..Table::of(
        "workflow_document",
        "the contract",
        &[
            &[Key::of(
                "workflow",
                Form::Mapping(&WORKFLOW),
                "A workflow: tasks, and the rules of their run.",
            )],
            ERRORS,
            &[
                Key::kept("contract_version", "The version of the contract."),
                Key::kept("name", "The name of the contract."),
                Key::kept("description", "What the contract is for."),
                Key::of("metadata", Form::Mapping(&METADATA), "About the contract: its lifecycle, and more."),
                Key::kept("node_type", "The kind of node that the contract describes."),
                Key::kept("node_version", "The version of the node."),
            ],
        ],
    )
};

const TASKS: &[Key] = &[Key::of(
    "tasks",
    Form::Mappings(&TASK),
    "The nodes of the workflow. Their order follows from `depends_on`.",
)];

const COORDINATED: &[Key] =
    &[Key::of("coordination", Form::Mapping(&COORDINATION), "How the run is coordinated: its `rules`.")];

const BARE_RULES: &[Key] = &[Key::of("rules", Form::Mapping(&RULES), "What holds for the whole run.")];

pub(in crate::contract) static WORKFLOW: Table = Table {
    elsewhere: &[
        (&[BARE_RULES, GRAPH_RULES], "`coordination`, as `rules`"),
        (&[EXECUTION_MODE, OFTEN_MISPLACED, MAX_RETRIES, FOR_THE_RUN], "`coordination.rules`"),
        (&[HANDLING], "`error_handling`"),
        (&[SANDBOX_KEY], "a task"),
    ],
    ..Table::of(
        "workflow",
        "`workflow`",
        &[
            &[
                Key::of("name", Form::Plain, "The name of the workflow; reports show it.")
                    .or(r#""workflow""#),
                Key::of(
                    "version",
                    Form::Version,
                    "The version of the workflow: text, or `{major, minor, patch}`.",
                ),
                Key::of("description", Form::Plain, "What the workflow is for."),
            ],
            TASKS,
            COORDINATED,
            INPUTS,
            ERRORS,
            &[
                Key::kept("orchestration_pattern", "The pattern that the workflow follows."),
                Key::of(
                    "agents",
                    Form::Object,
                    "The agents that take part, by name. Where they are declared, a task has an `agent` of them.",
                ),
                Key::of("metadata", Form::Mapping(&METADATA), "About the workflow: its lifecycle, and more."),
                Key::kept("tags", "Words to find the workflow by."),
                Key::kept("author", "Who wrote the workflow."),
            ],
        ],
    )
};

pub(in crate::contract) static COORDINATION: Table = Table {
    elsewhere: &[
        (&[EXECUTION_MODE, OFTEN_MISPLACED, MAX_RETRIES, FOR_THE_RUN], "`rules`"),
        (&[HANDLING], "`error_handling`"),
    ],
    ..Table::of(
        "coordination",
        "`coordination`",
        &[
            BARE_RULES,
            &[
                Key::kept("type", "The kind of coordination, such as `graph`."),
                Key::kept("event_driven", "Whether events drive the workflow."),
                Key::kept("graph_based", "Whether a graph drives the workflow. It does."),
            ],
        ],
    )
};

/// What is said about a contract. Contracts in the wild say more than is listed here.
pub(in crate::contract) static METADATA: Table = Table {
    closed: false,
    ..Table::of(
        "metadata",
        "`metadata`",
        &[&[
            Key::of(
                "lifecycle",
                Form::Suggested(&LIFECYCLES),
                "How far the contract is. Who uses one that is `deprecated` is warned.",
            ),
            Key::of("replacement", Form::Plain, "What is used in place of a contract that is deprecated."),
            Key::of("sunset_date", Form::Plain, "Until when a contract that is deprecated can be used."),
            Key::of("deprecation_warning", Form::Plain, "What those are told who use it."),
            Key::of("stages", Form::Texts, "The stages that the contract belongs to, such as `ci`."),
            Key::of("tags", Form::Texts, "Words to find the contract by."),
            Key::kept("name", "The name of the contract."),
            Key::kept("title", "A title for people."),
            Key::kept("description", "What the contract is for."),
            Key::kept("author", "Who wrote the contract."),
            Key::kept("authors", "Who wrote the contract."),
            Key::kept("owner", "Who looks after the contract."),
            Key::kept("maintainer", "Who looks after the contract."),
            Key::kept("created", "When the contract was written."),
            Key::kept("created_at", "When the contract was written."),
            Key::kept("updated", "When the contract was changed."),
            Key::kept("updated_at", "When the contract was changed."),
            Key::kept("last_updated", "When the contract was changed."),
            Key::kept("license", "Under which terms the contract can be used."),
            Key::kept("copyright", "Whose the contract is."),
            Key::kept("related_tickets", "Where the contract was asked for."),
            Key::kept("ticket", "Where the contract was asked for."),
            Key::kept("version", "The version of the contract."),
            Key::kept("status", "How far the contract is, in words of its own."),
            Key::kept("stage", "How far the contract is, in words of its own."),
            Key::kept("category", "What the contract belongs to."),
            Key::kept("domain", "What the contract belongs to."),
            Key::kept("team", "Who looks after the contract."),
            Key::kept("documentation", "Where the documentation is."),
            Key::kept("documentation_url", "Where the documentation is."),
            Key::kept("changelog", "What changed."),
            Key::kept("notes", "Anything else."),
        ]],
    )
};

pub(in crate::contract) static VERSION: Table = Table::of(
    "version",
    "a version",
    &[&[
        Key::of("major", Form::Count(0), "Changes that break those who use it.").or("0"),
        Key::of("minor", Form::Count(0), "Changes that add.").or("0"),
        Key::of("patch", Form::Count(0), "Changes that repair.").or("0"),
        Key::kept("prerelease", "What comes before the version, such as `rc.1`."),
        Key::kept("build", "How the version was built."),
    ]],
);

/// Rules that contracts in the wild do not have at their top. Others may describe there.
const RULES_ABOVE: &[Key] = &[
    Key::of("budget", Form::Any, "What the run may use up."),
    Key::of("fail_fast", Form::Any, "Whether the first failure stops the run."),
    Key::of("failure_recovery_strategy", Form::Any, "What the failure of a node does to the run."),
    Key::of("max_parallel_branches", Form::Any, "The most nodes that run at once."),
    Key::of("max_parallel_steps", Form::Any, "The most nodes that run at once."),
    Key::of("groups", Form::Any, "Groups of nodes with their sizes."),
];

pub(in crate::contract) static ONEX_DOCUMENT: Table = Table {
    strict: false,
    closed: false,
    elsewhere: &[
        (&[DEFINITION], "`workflow_coordination`"),
        (&[NAMING, GRAPH, GRAPH_RULES], "`workflow_coordination.workflow_definition`"),
        (&[NODES, EDGES], "`workflow_coordination.workflow_definition.execution_graph`"),
        (&[TASKS], "`workflow_coordination.workflow_definition.execution_graph`, as `nodes`"),
        (&[EXECUTION_MODE, RULES_ABOVE], "`workflow_coordination.workflow_definition.coordination_rules`"),
        (&[HANDLING], "`error_handling`"),
        (&[SANDBOX_KEY], "a node"),
    ],
    ..Table::of(
        "onex_document",
        "the contract",
        &[
            &[
                Key::of(
                    "contract_version",
                    Form::Version,
                    "The version of the contract: text, or `{major, minor, patch}`.",
                ),
                Key::of("name", Form::Plain, "The name of the contract; reports show it."),
                Key::of(
                    "node_type",
                    Form::Any,
                    "What the contract describes: `ORCHESTRATOR_GENERIC`, in any case and with or without `_GENERIC`.",
                ),
                Key::of(
                    "node_version",
                    Form::Version,
                    "The version of the node, where there is no `contract_version`: text, or `{major, minor, patch}`.",
                ),
                Key::of("description", Form::Plain, "What the contract is for."),
            ],
            INPUTS,
            &[Key::of(
                "workflow_coordination",
                Form::Mapping(&WORKFLOW_COORDINATION),
                "A workflow: its nodes stand in `workflow_definition.execution_graph.nodes`.",
            )],
            ERRORS,
            WILD,
        ],
    )
};

/// Keys that describe contracts in the wild.
const WILD: &[Key] = &[
    Key::of("metadata", Form::Mapping(&METADATA), "About the contract: its lifecycle, and more."),
    Key::kept("node_name", "The name of the node."),
    Key::kept("contract_name", "A longer name of the contract."),
    Key::kept("input_model", "The model of what the node takes."),
    Key::kept("output_model", "The model of what the node gives."),
    Key::kept("event_bus", "The bus that events go over."),
    Key::kept("handler_routing", "Which handler takes which event."),
    Key::kept("published_events", "The events that the node publishes."),
    Key::kept("consumed_events", "The events that the node takes."),
    Key::kept("dependencies", "What the node needs."),
    Key::kept("health_check", "How the health of the node is seen."),
    Key::kept("fingerprint", "The fingerprint of the contract."),
    Key::kept("handlers", "The handlers of the node."),
    Key::kept("timing_constraints", "How fast the node has to be."),
    Key::kept("performance_benchmarks", "How fast the node is."),
    Key::kept("integration_testing", "How the node is tested with others."),
    Key::kept("operational_monitoring", "How the node is watched."),
    Key::kept("profile_tags", "Words for profiles."),
    Key::kept("feature_flags", "Features that can be switched."),
    Key::kept("runtime_profiles", "Profiles of the runtime."),
    Key::kept("capabilities", "What the node can do."),
    Key::kept("mcp", "The node as a tool of agents."),
    Key::kept("time_injection", "Where the node gets its time from."),
    Key::kept("projection_reader", "What the node reads projections with."),
    Key::kept("intent_consumption", "The intents that the node takes."),
    Key::kept("intent_reception", "The intents that the node is sent."),
    Key::kept("idempotency", "How repeated events are recognised."),
    Key::kept("golden_path", "The usual way through the node."),
    Key::kept("env_dependencies", "The variables that the node needs."),
    Key::kept("descriptor", "The descriptor of the node."),
    Key::kept("terminal_event", "The event that ends the work."),
    Key::kept("runtime_dispatch", "How the runtime hands out work."),
    Key::kept("changelog", "What changed."),
    Key::kept("io_operations", "What the node reads and writes."),
    Key::kept("performance", "How fast the node has to be."),
    Key::kept("lifecycle", "How old and how stable the node is."),
    Key::kept("protocol_interfaces", "The interfaces that the node implements."),
    Key::kept("protocol_dependencies", "The interfaces that the node needs."),
    Key::kept("validation_rules", "Rules for those who validate the node."),
    Key::kept("author", "Who wrote the contract."),
    Key::kept("documentation_url", "Where the documentation is."),
    Key::kept("tags", "Words to find the contract by."),
    Key::kept("annotations", "Notes on the contract."),
    Key::kept("dod_evidence", "What shows that the work is done."),
    Key::kept("config", "Settings of the node."),
    Key::kept("execution", "How the node is executed elsewhere."),
    Key::kept("behavior", "How the node behaves."),
    Key::kept("concurrency", "How much the node does at once elsewhere."),
    Key::kept("behavior_spec", "How the node behaves."),
    Key::kept("yaml_consumed_events", "The events that the node takes."),
    Key::kept("yaml_published_events", "The events that the node publishes."),
    Key::kept("correlation_id", "What the contract belongs to."),
    Key::kept("action_emission", "The actions that the node gives."),
    Key::kept("conditional_branching", "How the node branches."),
    Key::kept("event_registry", "The events that the node knows."),
    Key::kept("event_coordination", "How events are coordinated."),
    Key::kept("load_balancing_enabled", "Whether work is spread over machines."),
    Key::kept("failure_isolation_enabled", "Whether failures are kept apart."),
    Key::kept("monitoring_enabled", "Whether the node is watched."),
    Key::kept("metrics_collection_enabled", "Whether the node is measured."),
    Key::kept("version", "The version of the contract."),
];

const DEFINITION: &[Key] = &[Key::of(
    "workflow_definition",
    Form::Mapping(&WORKFLOW_DEFINITION),
    "The workflow: `workflow_metadata`, `execution_graph` and `coordination_rules`.",
)];

const NAMING: &[Key] = &[Key::of(
    "workflow_metadata",
    Form::Mapping(&WORKFLOW_METADATA),
    "The name of the workflow, and more about it.",
)];

const GRAPH: &[Key] =
    &[Key::of("execution_graph", Form::Mapping(&EXECUTION_GRAPH), "The nodes and what they wait for.")];

const GRAPH_RULES: &[Key] =
    &[Key::of("coordination_rules", Form::Mapping(&RULES), "What holds for the whole run.")];

const NODES: &[Key] = &[Key::of(
    "nodes",
    Form::Mappings(&ONEX_NODE),
    "The nodes of the workflow. Their order follows from `depends_on`.",
)];

const EDGES: &[Key] =
    &[Key::of("edges", Form::Mappings(&EDGE), "Edges beside those in `depends_on`: `{from_node, to_node}`.")];

pub(in crate::contract) static WORKFLOW_COORDINATION: Table = Table {
    elsewhere: &[
        (&[OFTEN_MISPLACED, MAX_RETRIES, FOR_THE_RUN], "`coordination_rules`"),
        (&[NAMING, GRAPH, GRAPH_RULES], "`workflow_definition`"),
        (&[NODES, EDGES], "`workflow_definition.execution_graph`"),
        (&[TASKS], "`workflow_definition.execution_graph`, as `nodes`"),
        (&[ERRORS], "the contract itself, beside `workflow_coordination`"),
        (&[HANDLING], "`error_handling`"),
        (&[SANDBOX_KEY], "a node"),
    ],
    ..Table::of(
        "workflow_coordination",
        "`workflow_coordination`",
        &[
            DEFINITION,
            EXECUTION_MODE,
            &[
                Key::kept("version", "The version of the coordination."),
                Key::kept("subcontract_version", "The version of this part of the contract."),
                Key::kept("lifecycle", "How old and how stable the workflow is."),
                Key::kept("subscriptions", "The events that the workflow takes."),
                Key::kept("publications", "The events that the workflow gives."),
                Key::kept("event_bus", "The bus that events go over."),
                Key::kept("step_templates", "Templates of steps."),
                Key::kept("description", "What the coordination is for."),
            ],
        ],
    )
};

pub(in crate::contract) static WORKFLOW_DEFINITION: Table = Table {
    elsewhere: &[
        (&[EXECUTION_MODE, OFTEN_MISPLACED, MAX_RETRIES, FOR_THE_RUN], "`coordination_rules`"),
        (&[NODES, EDGES], "`execution_graph`"),
        (&[TASKS], "`execution_graph`, as `nodes`"),
        (&[ERRORS], "the contract itself, beside `workflow_coordination`"),
        (&[HANDLING], "`error_handling`"),
        (&[SANDBOX_KEY], "a node"),
    ],
    ..Table::of(
        "workflow_definition",
        "`workflow_definition`",
        &[
            NAMING,
            GRAPH,
            GRAPH_RULES,
            &[
                Key::kept("version", "The version of the definition."),
                Key::kept("description", "What the workflow is for."),
            ],
        ],
    )
};

pub(in crate::contract) static WORKFLOW_METADATA: Table = Table {
    elsewhere: &[(&[OFTEN_MISPLACED, MAX_RETRIES, FOR_THE_RUN], "`coordination_rules`")],
    ..Table::of(
        "workflow_metadata",
        "`workflow_metadata`",
        &[
            &[Key::of(
                "workflow_name",
                Form::Plain,
                "The name of the workflow, where the contract has no `name`.",
            )],
            EXECUTION_MODE,
            &[
                Key::kept("workflow_version", "The version of the workflow."),
                Key::kept("description", "What the workflow is for."),
                Key::kept("author", "Who wrote the workflow."),
                Key::kept("tags", "Words to find the workflow by."),
                Key::kept("documentation_url", "Where the documentation is."),
                Key::kept("version", "The version of this part of the contract."),
                Key::kept("workflow_hash", "The digest of the workflow."),
            ],
        ],
    )
};

pub(in crate::contract) static EXECUTION_GRAPH: Table = Table {
    elsewhere: &[
        (&[GRAPH_RULES], "`workflow_definition`, beside `execution_graph`"),
        (
            &[EXECUTION_MODE, OFTEN_MISPLACED, MAX_RETRIES, FOR_THE_RUN],
            "`coordination_rules`, beside `execution_graph`",
        ),
    ],
    ..Table::of(
        "execution_graph",
        "`execution_graph`",
        &[
            NODES,
            EDGES,
            &[
                Key::kept("version", "The version of the graph."),
                Key::kept("description", "What the graph is for."),
            ],
        ],
    )
};

pub(in crate::contract) static EDGE: Table = Table {
    required: &[&["from_node"], &["to_node"]],
    ..Table::of(
        "edge",
        "an edge",
        &[&[
            Key::of("from_node", Form::Text, "The id of the node that is waited for."),
            Key::of("to_node", Form::Text, "The id of the node that waits."),
            Key::kept(
                "edge_type",
                "The kind of the edge. Any other than `data_flow` is not carried out yet.",
            ),
            Key::kept("description", "What the edge is for."),
            Key::kept("version", "The version of the edge."),
        ]],
    )
};

pub(in crate::contract) static INPUT: Table = Table::of(
    "input",
    "an input",
    &[&[
        Key::of("type", Form::InputType, "The type of the input.").or(r#""string""#),
        Key::of("description", Form::Plain, "What the input is for."),
        Key::of("required", Form::Bool, "Whether a run must be given the input, where it has no `default`.")
            .or("false"),
        Key::of(
            "default",
            Form::Constant,
            "What the input is where a run is not given it; of the input's type.",
        ),
        Key::kept("title", "A title for people."),
        Key::kept("examples", "Examples of the input."),
    ]],
);
