//! What a plan makes doubtful: nodes that can never run, retries that there is no time for, parts of the graph that
//! have nothing to do with each other.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use petgraph::unionfind::UnionFind;

use super::Plan;
use crate::base::text;
use crate::diag::{Diagnostic, Severity, codes};
use crate::model::workflow::{Dependency, EdgeCondition, NodeSpec};

/// The most edges that are followed in search of contradictions.
const MAX_STEPS: usize = 1_000_000;

/// The most parts, or nodes, that one message names.
const MAX_NAMED: usize = 5;

/// How one node waits for an end of another.
#[derive(Clone, Copy, Debug)]
struct Way<'p> {
    /// The edge of the node itself.
    first: &'p Dependency,
    /// The edge that names the other node and how it has to end; the same one where there is no node between them.
    last: &'p Dependency,
}

/// Whether an edge is satisfied by one end of a node only.
fn decides(edge: &&Dependency) -> bool {
    matches!(edge.on, EdgeCondition::Success | EdgeCondition::Failure)
}

fn opposite(on: EdgeCondition) -> EdgeCondition {
    if on == EdgeCondition::Success { EdgeCondition::Failure } else { EdgeCondition::Success }
}

impl Plan {
    /// One warning for each node that waits for both the success and the failure of another, directly or through nodes
    /// between them. What waits for such a node in its turn is not named.
    #[must_use]
    pub fn never_run(&self) -> Vec<Diagnostic> {
        let nodes = &self.workflow.nodes;
        let fails = |edge: &Dependency| edge.on == EdgeCondition::Failure;
        if !nodes.iter().any(|node| node.depends_on.iter().any(fails)) {
            return Vec::new();
        }
        let mut never = vec![false; nodes.len()];
        let mut found = Vec::new();
        let mut steps = 0;
        for &index in self.order() {
            let node = &nodes[index];
            never[index] =
                node.enabled && node.depends_on.iter().filter(decides).any(|edge| never[edge.node]);
            if !node.enabled || never[index] {
                continue;
            }
            let Some(ways) = self.contradiction(index, &mut steps) else { continue };
            never[index] = true;
            found.push((index, self.contradicts_itself(index, ways)));
        }
        found.sort_unstable_by_key(|&(index, _)| index);
        found.into_iter().map(|(_, finding)| finding).collect()
    }

    /// The two ways over which a node waits for both ends of another: each by its first and its last edge.
    fn contradiction<'p>(&'p self, from: usize, steps: &mut usize) -> Option<[Way<'p>; 2]> {
        let nodes = &self.workflow.nodes;
        // For each node that has to end in one way: the edges that say so first.
        let mut ends: HashMap<(usize, EdgeCondition), Way<'p>> = HashMap::new();
        let mut open: Vec<(usize, Option<&Dependency>)> = vec![(from, None)];
        let mut seen: HashSet<usize> = HashSet::from([from]);
        let mut at = 0;
        while let Some(&(index, first)) = open.get(at) {
            at += 1;
            for edge in nodes[index].depends_on.iter().filter(decides) {
                *steps += 1;
                let other = &nodes[edge.node];
                if *steps > MAX_STEPS {
                    return None;
                }
                // A node that is disabled satisfies every edge.
                if !other.enabled {
                    continue;
                }
                let way = Way { first: first.unwrap_or(edge), last: edge };
                ends.entry((edge.node, edge.on)).or_insert(way);
                if let Some(&other) = ends.get(&(edge.node, opposite(edge.on))) {
                    return Some([other, way]);
                }
                if seen.insert(edge.node) {
                    open.push((edge.node, Some(way.first)));
                }
            }
        }
        None
    }

    fn contradicts_itself(&self, index: usize, ways: [Way<'_>; 2]) -> Diagnostic {
        let nodes = &self.workflow.nodes;
        let word = |on| if on == EdgeCondition::Success { "success" } else { "failure" };
        let mut finding =
            Diagnostic::warning(codes::NEVER_RUNS, format!("node `{}` can never run", nodes[index].id));
        let mut and = "";
        for Way { first, last } in ways {
            let (between, end) = (&nodes[first.node].id, &nodes[last.node].id);
            finding = if first == last {
                let waits = if and.is_empty() { "waits for" } else { "and for" };
                finding.at(last.span, format!("{waits} the {} of `{end}`", word(last.on)))
            } else {
                let waits = if and.is_empty() { "waits for" } else { "and for" };
                finding
                    .at(first.span, format!("{waits} `{between}`"))
                    .at(last.span, format!("which runs after the {} of `{end}` only", word(last.on)))
            };
            and = "and ";
        }
        let between = ways.iter().find(|way| way.first != way.last).unwrap_or(&ways[1]);
        finding.help(format!(
            "let it wait for `{}` with `on: finished`, or for one of them only",
            nodes[between.first.node].id
        ))
    }

    /// Warnings of nodes whose retries can last longer than the node, or the whole run, has time.
    #[must_use]
    pub fn outlasting_retries(&self) -> Vec<Diagnostic> {
        let (rules, places) = (&self.workflow.rules, self.workflow.places);
        let budget = rules.budget.time.filter(|&time| rules.timeout.is_none_or(|timeout| time < timeout));
        let run = budget.or(rules.timeout);
        let place = if budget.is_some() { places.budget_time } else { places.timeout };
        let retried = self.workflow.nodes.iter().filter(|node| node.enabled && node.retry.max_attempts() > 1);
        let mut found = Vec::new();
        let mut longest: Option<(&NodeSpec, Duration)> = None;
        let mut others = 0;
        for node in retried {
            let total = node.worst_case().total();
            if let Some(limit) = node.total_timeout.filter(|&limit| total > limit) {
                found.push(outlasts(node, (Limit::Node, limit), 0));
            } else if run.is_some_and(|limit| total.min(node.total_timeout.unwrap_or(total)) > limit) {
                others += 1;
                if longest.is_none_or(|(_, most)| total > most) {
                    longest = Some((node, total));
                }
            }
        }
        if let (Some((node, _)), Some(limit)) = (longest, run) {
            let whose = if budget.is_some() { Limit::Budget } else { Limit::Run };
            let finding = outlasts(node, (whose, limit), others - 1);
            found.push(match place {
                Some(place) => finding.at(place, "all the time that the run has"),
                None => finding,
            });
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
        let mut finding = Diagnostic::new(Severity::Info, codes::TWO_TIERS, message).at(first.span, label);
        let places = self.workflow.places;
        for (place, label) in
            [(places.retry_policy, "repeats an attempt"), (places.max_retries, "repeats all of them")]
        {
            finding = match place {
                Some(place) => finding.at(place, label),
                None => finding,
            };
        }
        Some(finding.help("`retry_policy` repeats an attempt, `max_retries` all of its attempts"))
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

/// Whose time it is that retries can outlast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Node,
    Run,
    Budget,
}

fn outlasts(node: &NodeSpec, (whose, limit): (Limit, Duration), others: usize) -> Diagnostic {
    let worst = node.worst_case();
    let has = if whose == Limit::Node { "its `total_timeout` is" } else { "the whole run has" };
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
    finding.help(match whose {
        Limit::Run => {
            "allow fewer attempts or shorter delays, or give the run more time: `timeout_ms` in the rules"
        }
        Limit::Budget => {
            "allow fewer attempts or shorter delays, or give the run more time: `time` in its `budget`"
        }
        Limit::Node => "allow fewer attempts or shorter delays, or a longer `total_timeout`",
    })
}
