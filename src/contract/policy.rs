//! What bounds nodes and runs: circuit breakers, groups, budgets, and what a program may take of the machine.

use super::keys::{self, words};
use super::reader::Reader;
use super::values::{Zero, duration_in, size};
use crate::diag::{Diagnostic, Severity, codes};
use crate::model::workflow::{BreakerSpec, Budget, CountedFailures, GroupSpec, Partial, Resources};
use crate::yaml::{NodeRef, Shape};

/// The longest name of a destination in characters.
const MAX_DESTINATION: usize = 200;

/// A `circuit_breaker`; nothing where it says `enabled: false`. `count` is what counts where it does not say.
pub(super) fn read_breaker(
    reader: &mut Reader<'_>,
    node: NodeRef,
    count: CountedFailures,
) -> Option<BreakerSpec> {
    let tree = reader.tree;
    reader.mapping(node, "`circuit_breaker`")?;
    reader.check_keys(node, &keys::CIRCUIT_BREAKER);
    let enabled = tree.value(node, "enabled").and_then(|n| reader.bool(n, "`enabled`")).unwrap_or(true);
    let defaults = BreakerSpec::default();
    let mut number = |key: &str| tree.value(node, key).and_then(|n| reader.count(n, &format!("`{key}`"), 1));
    let failure_threshold = number("failure_threshold").unwrap_or(defaults.failure_threshold);
    let half_open_max_calls = number("half_open_max_calls").unwrap_or(defaults.half_open_max_calls);
    let reset_timeout = duration_in(reader, node, "reset_timeout", Zero::Refused);
    let count = tree.value(node, "count").map_or(Some(count), |node| match tree.scalar(node) {
        Some("all") => Some(CountedFailures::All),
        Some("infrastructure") => Some(CountedFailures::Infrastructure),
        _ => {
            reader.bad_value(node, "`count`", &words::COUNTED);
            None
        }
    });
    let destination = tree.value(node, "destination").and_then(|n| {
        let name = reader.text(n, "`destination`")?;
        if name.trim().is_empty() {
            reader.push(
                Diagnostic::error(codes::BAD_VALUE, "`destination` is empty").at(tree.span(n), "which one?"),
            );
        }
        if name.chars().count() > MAX_DESTINATION {
            reader.push(
                Diagnostic::error(codes::BAD_VALUE, "`destination` is too long")
                    .at(tree.span(n), format!("at most {MAX_DESTINATION} characters")),
            );
        }
        Some(name.to_owned())
    });
    if let Some(scope) = tree.value(node, "scope") {
        match (tree.scalar(scope), &destination) {
            (Some("node"), None) | (Some("destination"), Some(_)) => {}
            (Some("node"), Some(_)) | (Some("destination"), None) => reader.push(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`scope: destination` goes with a `destination`, and `scope: node` without",
                )
                .at(tree.span(scope), "does not fit"),
            ),
            _ => reader.bad_value(scope, "`scope`", &words::SCOPES),
        }
    }
    enabled.then_some(BreakerSpec {
        failure_threshold,
        reset_timeout: reset_timeout.unwrap_or(defaults.reset_timeout),
        half_open_max_calls,
        count: count.unwrap_or_default(),
        destination,
    })
}

/// `groups: {db: 2}`.
pub(super) fn read_groups(reader: &mut Reader<'_>, node: NodeRef) -> Vec<GroupSpec> {
    let Some(entries) = reader.mapping(node, "`groups`") else { return Vec::new() };
    let mut groups = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(name) = reader.tree.scalar(entry.key).map(str::to_owned) else {
            reader.wrong_type(entry.key, "the name of a group", "text");
            continue;
        };
        if let Some(limit) = reader.count(entry.value, &format!("the group `{name}`"), 1) {
            groups.push(GroupSpec { name, limit: limit as usize });
        }
    }
    groups
}

/// `budget: {max_steps, max_attempts, time, output}`.
pub(super) fn read_budget(reader: &mut Reader<'_>, node: NodeRef) -> Budget {
    let tree = reader.tree;
    if reader.mapping(node, "`budget`").is_none() {
        return Budget::default();
    }
    reader.check_keys(node, &keys::BUDGET);
    let mut number = |key: &str| {
        tree.value(node, key).and_then(|n| reader.count(n, &format!("`{key}`"), 1)).map(u64::from)
    };
    let (max_steps, max_attempts) = (number("max_steps"), number("max_attempts"));
    Budget {
        max_steps,
        max_attempts,
        time: duration_in(reader, node, "time", Zero::Refused),
        output: tree.value(node, "output").and_then(|n| size(reader, n, "`output`")),
    }
}

/// `allow_partial_completion` with `min_required_steps_completion_percent`.
pub(super) fn read_partial(reader: &mut Reader<'_>, rules: NodeRef) -> Option<Partial> {
    let tree = reader.tree;
    let allowed = tree
        .value(rules, "allow_partial_completion")
        .and_then(|n| reader.bool(n, "`allow_partial_completion`"))
        .unwrap_or(false);
    let key = "min_required_steps_completion_percent";
    let least = tree.value(rules, key).and_then(|n| {
        let percent = reader.number(n, &format!("`{key}`"), 0.0)?;
        if percent > 100.0 {
            reader.push(
                Diagnostic::error(codes::BAD_VALUE, format!("`{key}` cannot be {percent}"))
                    .at(tree.span(n), "must be at most 100"),
            );
        } else if !allowed && percent < 100.0 {
            reader.push(
                Diagnostic::new(
                    Severity::Info,
                    codes::MEANINGLESS_RULE,
                    format!("`{key}` counts under `allow_partial_completion: true` only"),
                )
                .at(tree.span(n), "all steps are required"),
            );
        }
        Some(percent)
    });
    allowed.then_some(Partial { min_completed_percent: least.unwrap_or(0.0) })
}

/// A node's `resources: {cpu, memory_mb, pids}`.
pub(super) fn read_resources(reader: &mut Reader<'_>, node: NodeRef) -> Resources {
    let tree = reader.tree;
    if reader.mapping(node, "`resources`").is_none() {
        return Resources::default();
    }
    reader.check_keys(node, &keys::RESOURCES);
    if let (Some(first), Some(second)) = (tree.value(node, "memory"), tree.value(node, "memory_mb")) {
        reader.push(
            Diagnostic::error(codes::CONFLICTING_KEYS, "`memory` and `memory_mb` say the same thing twice")
                .at(tree.span(second), "megabytes here")
                .at(tree.span(first), "and here")
                .help("keep one of them"),
        );
    }
    Resources {
        cpus: tree.value(node, "cpu").and_then(|n| processors(reader, n, "`cpu`")),
        memory: megabytes(reader, node, "memory_mb")
            .or_else(|| tree.value(node, "memory").and_then(|n| size(reader, n, "`memory`"))),
        processes: tree.value(node, "pids").and_then(|n| reader.count(n, "`pids`", 1)).map(u64::from),
    }
}

/// `resource_constraints: {max_agents, max_cpu, max_memory}`: the most nodes at once, and what each may take.
pub(super) fn read_constraints(reader: &mut Reader<'_>, node: NodeRef) -> (Option<usize>, Resources) {
    let tree = reader.tree;
    if reader.mapping(node, "`resource_constraints`").is_none() {
        return (None, Resources::default());
    }
    reader.check_keys(node, &keys::RESOURCE_CONSTRAINTS);
    let mut one_of = |name: &str, synonym: &str| {
        let (first, second) = (tree.value(node, name), tree.value(node, synonym));
        if let (Some(first), Some(second)) = (first, second) {
            reader.push(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    format!("`{name}` and `{synonym}` say the same thing twice"),
                )
                .at(tree.span(second), "here")
                .at(tree.span(first), "and here")
                .help("keep one of them"),
            );
        }
    };
    one_of("max_cpu", "max_cpu_cores");
    one_of("max_memory", "max_memory_mb");
    let at_once = tree.value(node, "max_agents").and_then(|n| reader.count(n, "`max_agents`", 1));
    let resources = Resources {
        cpus: ["max_cpu", "max_cpu_cores"]
            .into_iter()
            .filter_map(|key| processors(reader, tree.value(node, key)?, &format!("`{key}`")))
            .next_back(),
        memory: megabytes(reader, node, "max_memory_mb")
            .or_else(|| tree.value(node, "max_memory").and_then(|n| size(reader, n, "`max_memory`"))),
        processes: None,
    };
    (at_once.map(|n| n as usize), resources)
}

/// Megabytes as a number, or a size with its unit.
fn megabytes(reader: &mut Reader<'_>, mapping: NodeRef, key: &str) -> Option<u64> {
    let node = reader.tree.value(mapping, key)?;
    let what = format!("`{key}`");
    match reader.tree.shape(node) {
        Shape::Int(_) => reader.count(node, &what, 1).map(|mb| u64::from(mb) << 20),
        _ => size(reader, node, &what),
    }
}

/// A number of processors: `4`, or `"4 cores"` as `spec/004` writes it.
fn processors(reader: &mut Reader<'_>, node: NodeRef, what: &str) -> Option<u32> {
    let Shape::Text(text) = reader.tree.shape(node) else { return reader.count(node, what, 1) };
    let number = ["cores", "core", "cpus", "cpu"].iter().find_map(|unit| text.trim().strip_suffix(unit));
    let parsed = number.unwrap_or(text).trim().parse().ok().filter(|&n: &u32| n > 0);
    if parsed.is_none() {
        reader.push(
            Diagnostic::error(codes::BAD_VALUE, format!("{what} cannot be `{text}`"))
                .at(reader.tree.span(node), "a whole number of processors, such as `4` or `4 cores`"),
        );
    }
    parsed
}
