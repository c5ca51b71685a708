//! Who starts next: ready nodes by rank, held to the number of slots, to the limits of their groups, and in batch mode
//! to the parallel group whose turn it is. Nothing is looked at twice: what cannot start waits where it will be freed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::plan::Plan;

/// First the lowest priority number, then the one declared first.
type Ranked = BinaryHeap<Reverse<(u32, usize)>>;

#[derive(Debug)]
pub(super) struct Queue {
    slots: usize,
    running: usize,
    ready: Ranked,
    groups: Vec<Group>,
    batches: Option<Batches>,
    /// A node that nothing may run beside is running.
    alone: bool,
}

#[derive(Debug)]
struct Group {
    free: usize,
    /// Ready nodes that wait for the group only.
    waiting: Ranked,
}

/// The parallel groups of the plan, one after another.
#[derive(Debug)]
struct Batches {
    of: Vec<usize>,
    /// Nodes of each that have not ended.
    open: Vec<usize>,
    current: usize,
    /// Ready nodes of later ones.
    waiting: Vec<Vec<usize>>,
}

impl Queue {
    pub(super) fn new(plan: &Plan, slots: usize) -> Self {
        let rules = &plan.workflow().rules;
        let groups = rules.groups.iter().map(|group| Group { free: group.limit, waiting: Ranked::new() });
        Self {
            slots: slots.max(1),
            running: 0,
            ready: Ranked::new(),
            groups: groups.collect(),
            batches: rules.batch.then(|| Batches::new(plan.levels())),
            alone: false,
        }
    }

    /// A node could start.
    pub(super) fn push(&mut self, plan: &Plan, node: usize) {
        if let Some(batches) = &mut self.batches
            && batches.of[node] > batches.current
        {
            let batch = batches.of[node];
            batches.waiting[batch].push(node);
            return;
        }
        self.ready.push(Reverse((plan.node(node).priority, node)));
    }

    /// The node that starts next, with a slot taken for it; nothing where none can.
    pub(super) fn take(&mut self, plan: &Plan, extra_slots: usize) -> Option<usize> {
        while self.running < self.slots + extra_slots && !self.alone {
            let &Reverse((_, node)) = self.ready.peek()?;
            let spec = plan.node(node);
            let alone = spec.runs_alone();
            if alone && self.running > 0 {
                // It waits at the head, so that others do not overtake it for ever.
                return None;
            }
            let ranked = self.ready.pop()?;
            if let Some(group) = spec.group.and_then(|group| self.groups.get_mut(group)) {
                if group.free == 0 {
                    group.waiting.push(ranked);
                    continue;
                }
                group.free -= 1;
            }
            self.alone = alone;
            self.running += 1;
            return Some(node);
        }
        None
    }

    /// A node gives its slot back.
    pub(super) fn release(&mut self, plan: &Plan, node: usize) {
        self.running -= 1;
        self.alone = false;
        if let Some(group) = plan.node(node).group.and_then(|group| self.groups.get_mut(group)) {
            group.free += 1;
            self.ready.extend(group.waiting.pop());
        }
    }

    /// A node has ended, with or without a start.
    pub(super) fn ended(&mut self, plan: &Plan, node: usize) {
        let Some(batches) = &mut self.batches else { return };
        batches.open[batches.of[node]] -= 1;
        while batches.current + 1 < batches.open.len() && batches.open[batches.current] == 0 {
            batches.current += 1;
            for next in std::mem::take(&mut batches.waiting[batches.current]) {
                self.ready.push(Reverse((plan.node(next).priority, next)));
            }
        }
    }
}

impl Batches {
    fn new(of: Vec<usize>) -> Self {
        let count = of.iter().max().map_or(0, |last| last + 1);
        let mut open = vec![0; count];
        for &batch in &of {
            open[batch] += 1;
        }
        Self { of, open, current: 0, waiting: vec![Vec::new(); count] }
    }
}
