//! What a plan makes doubtful: nodes that can never run, retries that there is no time for, parts of the graph that
//! have nothing to do with each other.

use std::time::Duration;

use petgraph::unionfind::UnionFind;

use super::Plan;
use crate::base::text;
use crate::diag::{Diagnostic, Severity, codes};
use crate::model::workflow::{Dependency, EdgeCondition, NodeSpec};

/// The most pairs of edges that are compared.
const MAX_PAIRS: usize = 1_000_000;

/// The most parts, or nodes, that one message names.
const MAX_NAMED: usize = 5;

impl Plan {
    /// One warning for each node that waits for both the success and the failure of another: of one directly, of the
    /// other through a node between them.
    #[must_use]
    pub fn never_run(&self) -> Vec<Diagnostic> {
        let nodes = &self.workflow.nodes;
        let opposite = |on| match on {
            EdgeCondition::Success => Some(EdgeCondition::Failure),
            EdgeCondition::Failure => Some(EdgeCondition::Success),
            EdgeCondition::Finished | EdgeCondition::Fallback => None,
        };
        let decides = |edge: &&Dependency| opposite(edge.on).is_some() && nodes[edge.node].enabled;
        let waits_for_failure: Vec<bool> = nodes
            .iter()
            .map(|node| node.depends_on.iter().any(|edge| edge.on == EdgeCondition::Failure))
            .collect();
        let mut found = Vec::new();
        let mut pairs = 0;
        for (index, node) in nodes.iter().enumerate().filter(|(_, node)| node.enabled) {
            let contradiction = node.depends_on.iter().filter(decides).find_map(|through| {
                let between = &nodes[through.node];
                if !waits_for_failure[index] && !waits_for_failure[through.node] {
                    return None;
                }
                between.depends_on.iter().filter(decides).find_map(|far| {
                    pairs += node.depends_on.len();
                    if pairs > MAX_PAIRS {
                        return None;
                    }
                    let near = node
                        .depends_on
                        .iter()
                        .find(|near| near.node == far.node && Some(near.on) == opposite(far.on))?;
                    Some((near, through, far))
                })
            });
            let Some((near, through, far)) = contradiction else { continue };
            let word = |on| if on == EdgeCondition::Success { "success" } else { "failure" };
            let (first, between) = (&nodes[near.node].id, &nodes[through.node].id);
            found.push(
                Diagnostic::warning(codes::NEVER_RUNS, format!("node `{}` can never run", node.id))
                    .at(near.span, format!("waits for the {} of `{first}`", word(near.on)))
                    .at(through.span, format!("and for `{between}`"))
                    .at(far.span, format!("which runs after the {} of `{first}` only", word(far.on)))
                    .help(format!(
                        "let it wait for `{between}` with `on: finished`, or for one of them only"
                    )),
            );
        }
        found
    }

    /// Warnings of nodes whose retries can last longer than the node, or the whole run, has time.
    #[must_use]
    pub fn outlasting_retries(&self) -> Vec<Diagnostic> {
        let run = self.workflow.rules.timeout;
        let retried = self.workflow.nodes.iter().filter(|node| node.enabled && node.retry.max_attempts() > 1);
        let mut found = Vec::new();
        let mut longest: Option<(&NodeSpec, Duration)> = None;
        let mut others = 0;
        for node in retried {
            let total = node.worst_case().total();
            if let Some(limit) = node.total_timeout.filter(|&limit| total > limit) {
                found.push(outlasts(node, ("`total_timeout`", limit), 0));
            } else if run.is_some_and(|limit| total.min(node.total_timeout.unwrap_or(total)) > limit) {
                others += 1;
                if longest.is_none_or(|(_, most)| total > most) {
                    longest = Some((node, total));
                }
            }
        }
        if let (Some((node, _)), Some(limit)) = (longest, run) {
            found.push(outlasts(node, ("the run", limit), others - 1));
        }
        found
    }

    /// What is worth knowing of a plan that is in order.
    #[must_use]
    pub fn remarks(&self) -> Vec<Diagnostic> {
        self.two_tiers().into_iter().chain(self.separate_parts()).collect()
    }

    /// That two tiers of retries multiply, for the node of which they make the most.
    fn two_tiers(&self) -> Option<Diagnostic> {
        let both = |node: &&NodeSpec| {
            node.retry.outer.max_retries > 0 && node.retry.inner.as_ref().is_some_and(|i| i.max_attempts > 1)
        };
        let nodes: Vec<_> = self.workflow.nodes.iter().filter(both).collect();
        let first = nodes.iter().rev().max_by_key(|node| node.retry.max_attempts())?;
        let worst = first.worst_case();
        let inner = first.retry.inner.as_ref().map_or(1, |inner| inner.max_attempts);
        let message = format!(
            "two tiers of retries multiply: up to {} attempts of {}",
            worst.attempts,
            match nodes.len() {
                1 => format!("`{}`", first.id),
                many => format!("each of {many} nodes"),
            },
        );
        let label = format!(
            "{inner} attempts in each of {} rounds, with {} of delays",
            first.retry.outer.max_retries.saturating_add(1),
            text::duration(worst.delays)
        );
        Some(
            Diagnostic::new(Severity::Info, codes::TWO_TIERS, message)
                .at(first.span, label)
                .help("`retry_policy` repeats an attempt, `max_retries` all of its attempts"),
        )
    }

    /// That parts of the graph have nothing to do with each other. Where nothing waits for anything, that is meant.
    fn separate_parts(&self) -> Option<Diagnostic> {
        let nodes = &self.workflow.nodes;
        let mut union = UnionFind::new(nodes.len());
        let mut edges = 0;
        for (index, node) in nodes.iter().enumerate() {
            for edge in &node.depends_on {
                union.union(index, edge.node);
                edges += usize::from(edge.on != EdgeCondition::Fallback);
            }
        }
        if edges == 0 {
            return None;
        }
        // The first node of each part, with the size of the part, in the order of declaration.
        let mut part_of = vec![None; nodes.len()];
        let mut parts: Vec<(usize, usize)> = Vec::new();
        for index in 0..nodes.len() {
            let slot = &mut part_of[union.find(index)];
            let part = *slot.get_or_insert_with(|| {
                parts.push((index, 0));
                parts.len() - 1
            });
            parts[part].1 += 1;
        }
        if parts.len() < 2 {
            return None;
        }
        let message = if parts.iter().all(|&(_, size)| size > 1) {
            format!("the graph falls into {} parts that have nothing to do with each other", parts.len())
        } else {
            let alone = parts.iter().filter(|&&(_, size)| size == 1).map(|&(first, _)| first);
            let alone: Vec<String> = alone.map(|index| format!("`{}`", nodes[index].id)).collect();
            let more = match alone.len().checked_sub(MAX_NAMED) {
                Some(more @ 1..) => format!(" and {}", text::count(more, "more node")),
                _ => String::new(),
            };
            let named = alone[..alone.len().min(MAX_NAMED)].join(", ");
            let (verb, its) = if alone.len() == 1 { ("waits", "it") } else { ("wait", "them") };
            format!("{named}{more} {verb} for no other node, and none waits for {its}")
        };
        let alone_first = |&&(_, size): &&(usize, usize)| size == 1;
        let named = parts.iter().filter(alone_first).chain(parts.iter().filter(|&&(_, size)| size > 1));
        let mut finding = Diagnostic::new(Severity::Info, codes::SEPARATE_PARTS, message);
        for &(first, size) in named.take(MAX_NAMED) {
            let label = if size == 1 { "alone".to_owned() } else { format!("a part of {size} nodes") };
            finding = finding.at(nodes[first].span, label);
        }
        Some(finding.help("if one is to come after the other, say so with `depends_on`"))
    }
}

fn outlasts(node: &NodeSpec, (whose, limit): (&str, Duration), others: usize) -> Diagnostic {
    let worst = node.worst_case();
    let has = if whose == "the run" { "the whole run has" } else { "its `total_timeout` is" };
    let (total, limit) = (text::duration(worst.total()), text::duration(limit));
    let message = format!("the retries of `{}` can take {total}, and {has} {limit}", node.id);
    let label = match worst.attempt {
        Some(attempt) => format!(
            "up to {} attempts of {} and {} of delays",
            worst.attempts,
            text::duration(attempt),
            text::duration(worst.delays)
        ),
        None => format!("up to {} attempts with {} of delays", worst.attempts, text::duration(worst.delays)),
    };
    let finding = Diagnostic::warning(codes::RETRIES_OUTLAST, message).at(node.span, label);
    let finding = match others {
        0 => finding,
        more => finding.help(format!("so can those of {}", text::count(more, "other node"))),
    };
    finding.help(if whose == "the run" {
        "allow fewer attempts or shorter delays, or give the run more time: `timeout_ms` in the rules"
    } else {
        "allow fewer attempts or shorter delays, or a longer `total_timeout`"
    })
}
