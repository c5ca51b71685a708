//! Parts of a plan: which nodes run on which of several machines, and what cannot be told apart.
//!
//! `owners` names for each node what it came of, such as a component; it is empty where nodes are on their own. Nodes
//! of one owner stay together. Between owners, an edge that only makes them take turns holds nothing together.

use std::collections::HashMap;

use super::Plan;
use crate::model::partition::Partition;
use crate::model::workflow::{Dependency, EdgeCondition};

impl Plan {
    /// The same plan with those nodes only that are in a part of what is selected. Nodes that wait for each other,
    /// directly or through nodes that are left out, are in the same part.
    #[must_use]
    pub fn part(self, partition: Partition, owners: &[String]) -> Self {
        let mut units = self.units(owners);
        // The place of each unit in the order of their first nodes, and whether it is in the part.
        let mut taken: HashMap<usize, bool> = HashMap::new();
        for &node in &self.order {
            if self.is_left_out(node) {
                continue;
            }
            let place = taken.len();
            let name = owners.get(node).map_or_else(|| self.node(node).id.as_str(), String::as_str);
            taken.entry(units.find(node)).or_insert_with(|| partition.takes(place, name));
        }
        let kept: Vec<bool> =
            (0..self.len()).map(|node| taken.get(&units.find(node)) == Some(&true)).collect();
        self.narrowed(&kept)
    }

    /// The same plan with those nodes only that are `wanted` and selected, and with all that these need.
    #[must_use]
    pub fn with_needs(self, wanted: impl Fn(usize) -> bool, owners: &[String]) -> Self {
        let mut of_owner: HashMap<&str, Vec<usize>> = HashMap::new();
        for (node, owner) in owners.iter().enumerate() {
            of_owner.entry(owner).or_default().push(node);
        }
        let mut reached = vec![false; self.len()];
        let mut open: Vec<usize> =
            (0..self.len()).filter(|&node| !self.is_left_out(node) && wanted(node)).collect();
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut reached[node], true) {
                continue;
            }
            open.extend(self.node(node).fallback);
            open.extend(self.held(node, owners).map(|edge| edge.node));
            open.extend(
                owners.get(node).and_then(|owner| of_owner.remove(owner.as_str())).unwrap_or_default(),
            );
        }
        self.narrowed(&reached)
    }

    /// The edges of a node that make it need another.
    fn held<'p>(&'p self, node: usize, owners: &'p [String]) -> impl Iterator<Item = &'p Dependency> {
        self.node(node).depends_on.iter().filter(move |edge| {
            edge.on != EdgeCondition::Finished || owners.get(node) == owners.get(edge.node)
        })
    }

    /// What stays together of what is selected.
    fn units(&self, owners: &[String]) -> Units {
        // A node that is left out joins what waits for it with what it waits for, where there is both.
        let mut after_selected = vec![false; self.len()];
        for &node in &self.order {
            after_selected[node] =
                self.held(node, owners).any(|edge| !self.is_left_out(edge.node) || after_selected[edge.node]);
        }
        let mut before_selected = vec![false; self.len()];
        for &node in self.order.iter().rev() {
            if !self.is_left_out(node) || before_selected[node] {
                self.held(node, owners).for_each(|edge| before_selected[edge.node] = true);
            }
        }
        let joins = |node: usize| !self.is_left_out(node) || (after_selected[node] && before_selected[node]);
        let mut units = Units { parent: (0..self.len()).collect() };
        let mut of_owner: HashMap<&str, usize> = HashMap::new();
        for node in (0..self.len()).filter(|&node| joins(node)) {
            for edge in self.held(node, owners).filter(|edge| joins(edge.node)) {
                units.join(node, edge.node);
            }
            if let Some(owner) = owners.get(node).filter(|_| !self.is_left_out(node)) {
                units.join(node, *of_owner.entry(owner).or_insert(node));
            }
        }
        units
    }
}

/// Sets of nodes that have nothing in common, each with one node that stands for it.
struct Units {
    parent: Vec<usize>,
}

impl Units {
    fn find(&mut self, mut node: usize) -> usize {
        while self.parent[node] != node {
            self.parent[node] = self.parent[self.parent[node]];
            node = self.parent[node];
        }
        node
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        // The lower number stands for both.
        self.parent[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::NodeId;
    use crate::base::rng::Rng;
    use crate::diag::Span;
    use crate::model::workflow::{NodeSpec, Workflow};

    fn below(rng: &mut Rng, n: usize) -> usize {
        usize::try_from(rng.below(n as u64)).unwrap()
    }

    /// A plan of which some nodes are left out, and what each node came of.
    fn selected(rng: &mut Rng) -> (Plan, Vec<String>) {
        let count = 1 + below(rng, 24);
        let density = rng.below(20);
        let mut nodes: Vec<NodeSpec> =
            (0..count).map(|n| NodeSpec::new(NodeId::new(&format!("n{n}")).unwrap())).collect();
        for (late, node) in nodes.iter_mut().enumerate() {
            for early in 0..late {
                if rng.chance(density) {
                    let on = [EdgeCondition::Success, EdgeCondition::Failure, EdgeCondition::Finished]
                        [below(rng, 3)];
                    node.depends_on.push(Dependency { node: early, on, span: Span::default() });
                }
            }
        }
        for node in 1..count {
            let free = !nodes[node].depends_on.iter().any(|edge| edge.node == node - 1);
            if free && rng.chance(10) {
                nodes[node - 1].fallback = Some(node);
                let on = EdgeCondition::Fallback;
                nodes[node].depends_on.push(Dependency { node: node - 1, on, span: Span::default() });
            }
        }
        let owners = match rng.chance(50) {
            true => (0..count).map(|node| format!("o{}", node / 2)).collect(),
            false => Vec::new(),
        };
        let share = 20 + rng.below(81);
        let asked: Vec<bool> = (0..count).map(|_| rng.chance(share)).collect();
        let workflow = Workflow { nodes, ..Workflow::default() };
        // Chains of fallbacks can close circles with the edges that they imply.
        match Plan::new(Arc::new(workflow)) {
            Ok(plan) => (plan.narrowed(&asked), owners),
            Err(_) => selected(rng),
        }
    }

    /// Whether a node waits for another through nodes that are left out, by looking at every way.
    fn waits(plan: &Plan, owners: &[String], (late, early): (usize, usize)) -> bool {
        plan.node(late).depends_on.iter().any(|edge| {
            let is_turn =
                edge.on == EdgeCondition::Finished && !owners.is_empty() && owners[late] != owners[edge.node];
            let through = || plan.is_left_out(edge.node) && waits(plan, owners, (edge.node, early));
            !is_turn && (edge.node == early || through())
        })
    }

    #[test]
    fn a_partition_is_a_partition() {
        for seed in 0..4000 {
            let mut rng = Rng::of_parts(&[seed, 0x9a27]);
            let (plan, owners) = selected(&mut rng);
            let of = 1 + rng.below(5);
            let by = if rng.chance(50) { "slice" } else { "hash" };
            let parts: Vec<Plan> = (1..=of)
                .map(|part| plan.clone().part(format!("{by}:{part}/{of}").parse().unwrap(), &owners))
                .collect();
            let part_of = |node: usize| -> Vec<usize> {
                (0..parts.len()).filter(|&part| !parts[part].is_left_out(node)).collect()
            };
            let kept: Vec<usize> = (0..plan.len()).filter(|&node| !plan.is_left_out(node)).collect();
            for node in 0..plan.len() {
                let wanted = usize::from(!plan.is_left_out(node));
                assert_eq!(part_of(node).len(), wanted, "seed {seed}: n{node} in {by} of {of}");
            }
            let mut pairs = kept.iter().flat_map(|&one| kept.iter().map(move |&other| (one, other)));
            let together = |&(late, early): &(usize, usize)| {
                waits(&plan, &owners, (late, early)) || (!owners.is_empty() && owners[late] == owners[early])
            };
            let torn = pairs.clone().filter(together).find(|&(one, other)| part_of(one) != part_of(other));
            assert_eq!(torn, None, "seed {seed}: torn apart in {by} of {of}");
            // As finely as that allows: what nothing holds together has a unit of its own.
            let mut units = plan.units(&owners);
            let mut closed: Vec<usize> = (0..plan.len()).collect();
            let linked: Vec<(usize, usize)> = pairs.clone().filter(together).collect();
            for _ in 0..plan.len() {
                for &(one, other) in &linked {
                    let least = closed[one].min(closed[other]);
                    (closed[one], closed[other]) = (least, least);
                }
            }
            let differing = pairs.find(|&(one, other)| {
                (units.find(one) == units.find(other)) != (closed[one] == closed[other])
            });
            assert_eq!(differing, None, "seed {seed}: units");
        }
    }

    #[test]
    fn slices_go_by_the_order_and_hashes_by_the_name() {
        let named = |names: &[&str]| {
            let nodes = names.iter().map(|name| NodeSpec::new(NodeId::new(name).unwrap())).collect();
            Plan::new(Arc::new(Workflow { nodes, ..Workflow::default() })).unwrap()
        };
        let ids = |plan: Plan, part: &str| -> Vec<String> {
            let plan = plan.part(part.parse().unwrap(), &[]);
            let kept = plan.order().iter().filter(|&&node| !plan.is_left_out(node));
            kept.map(|&node| plan.node(node).id.to_string()).collect()
        };
        assert_eq!(ids(named(&["a", "b", "c", "d", "e"]), "slice:1/2"), ["a", "c", "e"]);
        assert_eq!(ids(named(&["a", "b", "c", "d", "e"]), "slice:2/2"), ["b", "d"]);
        assert!(ids(named(&["a"]), "slice:2/2").is_empty());
        // Others that come or go move nobody.
        let all = named(&["a", "b", "lint", "test_unit"]);
        assert_eq!(ids(all, "hash:2/5"), ["b", "test_unit"]);
        assert_eq!(ids(named(&["new", "test_unit", "other"]), "hash:2/5").last().unwrap(), "test_unit");
    }

    #[test]
    fn what_failed_comes_with_what_it_needs_and_not_with_what_it_takes_turns_with() {
        let edge = |node, on| Dependency { node, on, span: Span::default() };
        let node =
            |name: &str, depends_on| NodeSpec { depends_on, ..NodeSpec::new(NodeId::new(name).unwrap()) };
        let nodes = vec![
            node("build", Vec::new()),
            node("format", Vec::new()),
            node("test.1", vec![edge(0, EdgeCondition::Success), edge(1, EdgeCondition::Finished)]),
            node("test.2", vec![edge(2, EdgeCondition::Finished)]),
            node("other", vec![edge(0, EdgeCondition::Success)]),
        ];
        let owners = ["build", "format", "test", "test", "other"].map(str::to_owned);
        let plan = Plan::new(Arc::new(Workflow { nodes, ..Workflow::default() })).unwrap();
        let kept = |plan: &Plan| (0..5).filter(|&node| !plan.is_left_out(node)).collect::<Vec<_>>();
        let plan_of = |wanted: usize| plan.clone().with_needs(move |node| node == wanted, &owners);
        assert_eq!(kept(&plan_of(3)), [0, 2, 3]);
        assert_eq!(kept(&plan_of(1)), [1]);
        // What is left out stays left out, and is no reason to run anything.
        let narrowed = plan.clone().narrowed(&[true, true, false, false, true]);
        assert!(kept(&narrowed.with_needs(|node| node == 3, &[])).is_empty());
    }
}
