//! What the program of a node may touch of the machine.

use super::words::NETWORKS;
use super::{Form, Key, Table};

/// On a node, and for all nodes that say nothing of their own.
pub(super) const SANDBOX_KEY: &[Key] = &[Key::of(
    "sandbox",
    Form::Sandbox(&SANDBOX),
    "What the program and all that it starts may touch of the machine: `strict`, or `filesystem` and `network`. \
     `false`: everything.",
)];

pub(in crate::contract) static SANDBOX: Table = Table::of(
    "sandbox",
    "`sandbox`",
    &[&[
        Key::of(
            "filesystem",
            Form::Filesystem(&SANDBOX_PATHS),
            "Which files the program may touch; those of its own temporary folder always.",
        )
        .or(r#""full""#),
        Key::of("network", Form::BoolOr(&NETWORKS), "Which network the program may use.").or(r#""full""#),
        Key::of(
            "required",
            Form::Bool,
            "Whether nothing runs where this machine cannot enforce the sandbox. `false`: the node then runs with what \
             can be enforced, and a warning.",
        )
        .or("true"),
    ]],
);

pub(in crate::contract) static SANDBOX_PATHS: Table = Table::of(
    "sandbox_paths",
    "`filesystem`",
    &[&[
        Key::of(
            "read",
            Form::Paths,
            "What the program may read beside the folders of the system: paths relative to the project root, absolute, \
             or below the home folder (`~/…`). Without it: everything.",
        ),
        Key::of("write", Form::Paths, "What the program may write, and read: paths of the same forms.")
            .or("[]"),
    ]],
);
