//! What a node does, and what its program gets.

use super::sandbox::SANDBOX_KEY;
use super::words::{INHERITED, OUTPUTS};
use super::{Form, Key, Names, Standing, Table, nodes};

/// Actions that are carried out.
pub(super) const COMMANDS: &[Key] = &[
    Key::of(
        "run",
        Form::Program,
        "What the node runs. Text is a script for `sh -eu` (`shell` chooses another); a list is a program and its \
         arguments, without a shell.",
    ),
    Key::of(
        "script",
        Form::Matching { pattern: r"[^/\s]$|\S[\s\S]*[^/]$", means: "the name of a file" },
        "A file of the project, relative to its root, run by its interpreter: `.py`, `.sh`, or what its first line \
         names. Its arguments stand in `args`.",
    ),
    Key::of(
        "python",
        Form::OnlyMatching { pattern: PYTHON, means: "`package.module:function`" },
        "A Python function, `package.module:function`, called with `args` and `kwargs` in a process of its own. What \
         it returns is the value of the node; an exception is known by its name.",
    ),
    Key::of(
        "uses",
        Form::Reference,
        "A component of the project: `name`, `namespace.name`, or with a range of versions `name@^1.2`. Its arguments \
         stand in `with`.",
    ),
    Key::of(
        "effect_node",
        Form::Reference,
        "A component by its name; another name of `uses`. One that is not found may be elsewhere: the contract plans, \
         and does not run.",
    ),
];

/// Names with dots, a colon, and names with dots; beyond ASCII every character passes.
const PYTHON: &str = concat!(
    r"^[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*(\.[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*)*",
    r":[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*(\.[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*)*$"
);

/// Actions of the language that this version does not carry out yet.
pub(super) const LATER_ACTIONS: &[Key] = &[
    Key::later_even_off("compute", "An expression or a map of them, computed in process."),
    Key::later_even_off("http", "A request: `{method, url, headers, body, expect}`.").taking(Form::Object),
    Key::later_even_off(
        "workflow",
        "Another contract as one node: its name or path; its inputs stand in `with`.",
    ),
    Key::later_even_off("pipe", "Steps, each of which reads what the one before gives."),
    Key::later_even_off("chain", "Steps one after another."),
    Key::later_even_off(
        "parallel",
        "A list of steps that run side by side. `true` or `false` is a hint that changes nothing.",
    ),
    Key::later_even_off("batch", "The same step for many values."),
    Key::later_even_off("fan_out_fan_in", "Steps side by side, and one that takes their values."),
    Key::later_even_off("stages", "Groups of steps, one after another."),
    Key::later_even_off("emit", "An event to publish."),
    Key::later_even_off("wait_for", "An event to wait for."),
    Key::later_even_off("agent", "An agent that gets a task; the task stands in `message`."),
    Key::later("approve", "A person who has to agree."),
];

/// What stands beside an action: its arguments.
pub(super) const ARGUMENTS: &[Key] = &[
    Key::of(
        "shell",
        Form::Any,
        "Who runs the text in `run`: `bash`, `bash -euo pipefail`, or a list such as `[python3, -c]`.",
    )
    .or(r#""sh""#),
    Key::of(
        "args",
        Form::Any,
        "The arguments of a `script` or of a `python` function, as a list. The arguments of a program stand in \
         `run: [program, argument, …]`.",
    )
    .or("[]"),
    Key::of("kwargs", Form::Any, "The arguments of a `python` function by name.").or("{}"),
    Key::of(
        "with",
        Form::Named(Names::Arguments),
        "The arguments of a component, by name. The program gets each as a variable `ONEX_INPUT_<NAME>`, and all as one \
         JSON object on its standard input, where the node has no `stdin`; a Python function gets them by name. `files` \
         names the files for a component that takes files.",
    )
    .or("{}"),
    Key::of(
        "env",
        Form::Named(Names::Variables),
        "Variables for the program, beside those that it inherits. A name without a value is set to nothing.",
    )
    .or("{}"),
    Key::of(
        "inherit_env",
        Form::BoolOrNames(&INHERITED),
        "Which of the variables of onex the program gets: `all`, `none`, or a list of names.",
    )
    .or(r#""all""#),
    Key::of("cwd", Form::Text, "The folder that the program runs in, relative to the project root and inside it.")
        .or(r#"".""#),
    Key::of(
        "stdin",
        Form::Text,
        "What the program reads. `inherit` gives it the standard input of onex, such as the terminal; the node then \
         runs alone. Without it, there is nothing to read.",
    ),
    Key::of(
        "output",
        Form::Word(&OUTPUTS),
        "How what the program prints becomes the value of the node. For `python` the default is `json`.",
    )
    .or(r#""text""#),
];

pub(in crate::contract) const LATER_ARGUMENTS: &[Key] = &[
    Key::later_even_off("message", "What an agent is asked to do."),
    Key::later_even_off("skill", "Which skill of an agent is asked for."),
    Key::later_even_off("intent_filter", "Which of the intents before it the node takes: `postgres.*`."),
    Key::later_even_off("output_schema", "A JSON Schema for the value of the node."),
];

/// The action that a key declares.
pub(in crate::contract) fn action(key: &str) -> Option<&'static Key> {
    actions().find(|action| action.name == key)
}

/// Every action: those that are carried out, then the others.
pub(in crate::contract) fn actions() -> impl Iterator<Item = &'static Key> {
    COMMANDS.iter().chain(LATER_ACTIONS)
}

impl Key {
    /// Whether it declares an action that is carried out.
    pub(in crate::contract) fn is_command(&self) -> bool {
        self.standing == Standing::Read
    }
}

/// A fallback of a fallback.
const NESTED: &[Key] = &[Key::of("fallback", Form::Any, "What runs when the fallback fails, too.")];

/// An inline fallback: an action and its arguments.
pub(in crate::contract) static FALLBACK: Table = Table {
    elsewhere: &[(
        &[nodes::EDGES, nodes::POLICY, SANDBOX_KEY, nodes::LATER_POLICY, nodes::RETRY_COUNTS, NESTED],
        "a node of its own, which `fallback` names by its id",
    )],
    ..Table::of(
        "fallback",
        "`fallback`",
        &[
            COMMANDS,
            ARGUMENTS,
            LATER_ACTIONS,
            LATER_ARGUMENTS,
            &[
                Key::of("description", Form::Plain, "What the action is for."),
                Key::of("enabled", Form::Bool, "`false` leaves the node without a fallback.").or("true"),
            ],
        ],
    )
};

/// Keys of `step_config` in the wild.
const WILD: &[Key] = &[
    Key::kept("event_pattern", "The events that a handler takes."),
    Key::kept("protocol", "The interface that a node implements."),
    Key::kept("operation", "The operation that a node carries out."),
    Key::kept("projection_name", "The projection that a node reads."),
    Key::kept("time_injection", "Where a node gets its time from."),
    Key::kept("timeout_evaluation", "How a node looks at timeouts."),
    Key::kept("reducer_protocol", "The interface of a reducer."),
    Key::kept("output_type", "The type of what a node gives."),
    Key::kept("aggregation_strategy", "How values are put together."),
    Key::kept("event_type", "The event that a node gives."),
    Key::kept("handler", "The handler of a node."),
    Key::kept("target_topic", "The topic that a node publishes to."),
    Key::kept("skip_condition", "When a node has nothing to do."),
    Key::kept("parallel_checks", "Checks that a node makes side by side."),
    Key::kept("routing_strategy", "How a node chooses the next."),
    Key::kept("dispatch_strategy", "How a node hands out work."),
    Key::kept("available_compute_nodes", "The computations that a node can hand work to."),
    Key::kept("effect_nodes", "The effects that a node uses."),
    Key::kept("adjudicator_node", "The node that decides."),
    Key::kept("routing_field", "The field that chooses the next node."),
    Key::kept("description", "What the action is for."),
];

/// Who a node is, which it says itself.
const OF_NODES: &[Key] = &[
    Key::of("node_id", Form::Id, "The id of the node."),
    Key::of("node_type", Form::Any, "The kind of the node."),
    Key::of("tags", Form::Texts, "Words to select the node by."),
];

pub(in crate::contract) static STEP_CONFIG: Table = Table {
    elsewhere: &[
        (
            &[OF_NODES, nodes::EDGES, nodes::POLICY, SANDBOX_KEY, nodes::STAND_IN, nodes::LATER_POLICY],
            "the node, beside `step_config`",
        ),
        (&[nodes::RETRY_COUNTS], nodes::RETRY_PLACE),
    ],
    ..Table::of("step_config", "`step_config`", &[COMMANDS, ARGUMENTS, WILD, LATER_ACTIONS, LATER_ARGUMENTS])
};
