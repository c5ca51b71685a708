//! Which nodes were asked for, by name: `--only` and `--until`.

use std::collections::HashMap;

use super::Plan;
use crate::base::text::{self, nearest, without_controls};

/// The most cells of a name that a message repeats.
const MAX_NAME: usize = 60;

/// The most names that a message repeats.
const MAX_NAMED: usize = 5;

/// The nodes that were asked for. In a name, `*` stands for any text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These nodes, with those that stand in for them.
    pub only: Vec<String>,
    /// These nodes, with all that they need.
    pub until: Vec<String>,
}

/// Why a selection selects nothing, or not what was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Names that no node has, each with what was probably meant.
    #[error("{}", of_strangers(.0))]
    Unknown(Vec<(String, Option<String>)>),
    /// Each selects nodes, and both together none.
    #[error("no node is in `--only {only}` and in `--until {until}`: nothing is left to run")]
    Disjoint {
        /// What `--only` names.
        only: String,
        /// What `--until` names.
        until: String,
    },
}

impl Selection {
    /// Whether nothing was asked for in particular.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.only.is_empty() && self.until.is_empty()
    }
}

impl Plan {
    /// The same plan with those nodes only that were asked for.
    ///
    /// # Errors
    ///
    /// If a name is none of a node, or nothing is left.
    pub fn select(self, selection: &Selection) -> Result<Self, SelectionError> {
        if selection.is_everything() {
            return Ok(self);
        }
        let mut strangers = Vec::new();
        let only = self.named(&selection.only, &mut strangers);
        let until = self.named(&selection.until, &mut strangers);
        if !strangers.is_empty() {
            return Err(SelectionError::Unknown(strangers));
        }
        let only = (!selection.only.is_empty()).then(|| self.reach(only, Needs::Fallbacks));
        let until = (!selection.until.is_empty()).then(|| self.reach(until, Needs::All));
        let in_both = |index| [&only, &until].into_iter().flatten().all(|kept: &Vec<bool>| kept[index]);
        let kept: Vec<bool> = (0..self.len()).map(in_both).collect();
        if !kept.contains(&true) {
            let joined =
                |names: &[String]| text::clip(&without_controls(&names.join(",")), MAX_NAME).into_owned();
            return Err(SelectionError::Disjoint {
                only: joined(&selection.only),
                until: joined(&selection.until),
            });
        }
        Ok(self.narrowed(&kept))
    }

    /// The nodes that the names name; a name that names none is a stranger.
    fn named(&self, names: &[String], strangers: &mut Vec<(String, Option<String>)>) -> Vec<usize> {
        let nodes = &self.workflow.nodes;
        let ids = || nodes.iter().map(|node| node.id.as_str());
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        let mut found = Vec::new();
        for name in names {
            if name.contains('*') {
                let before = found.len();
                found.extend((0..nodes.len()).filter(|&index| matches(name, nodes[index].id.as_str())));
                if found.len() == before {
                    strangers.push((name.clone(), None));
                }
                continue;
            }
            if by_id.is_empty() {
                by_id = ids().zip(0..).collect();
            }
            match by_id.get(name.as_str()) {
                Some(&index) => found.push(index),
                None => strangers.push((name.clone(), nearest(name, ids()).map(str::to_owned))),
            }
        }
        found
    }

    /// The nodes that can be reached from some, themselves included: each is looked at once.
    fn reach(&self, from: Vec<usize>, needs: Needs) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut open = from;
        while let Some(index) = open.pop() {
            if std::mem::replace(&mut reached[index], true) {
                continue;
            }
            let node = self.node(index);
            // What needs a node needs what stands in for it, too: without it, a failure would be another.
            open.extend(node.fallback);
            if needs == Needs::All {
                open.extend(node.depends_on.iter().map(|edge| edge.node));
            }
        }
        reached
    }
}

/// What comes along with a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Those that stand in for it.
    Fallbacks,
    /// Those and all that it waits for.
    All,
}

/// Whether a name with `*` in it names a node. Looks back to the last `*` only, so that no pattern takes long.
fn matches(pattern: &str, id: &str) -> bool {
    let (pattern, id) = (pattern.as_bytes(), id.as_bytes());
    let (mut at, mut next) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at < id.len() {
        match pattern.get(next) {
            Some(b'*') => {
                last_star = Some((next, at));
                next += 1;
            }
            Some(&byte) if byte == id[at] => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((star, from)) = last_star else { return false };
                last_star = Some((star, from + 1));
                (at, next) = (from + 1, star + 1);
            }
        }
    }
    pattern[next..].iter().all(|&byte| byte == b'*')
}

fn of_strangers(strangers: &[(String, Option<String>)]) -> String {
    let one = |(name, meant): &(String, Option<String>)| {
        let shown = text::clip(&without_controls(name).replace('\n', " "), MAX_NAME).into_owned();
        match meant {
            Some(meant) => format!("there is no node `{shown}`: did you mean `{meant}`?"),
            None if name.contains('*') => format!("no node matches `{shown}`"),
            None => format!("there is no node `{shown}`"),
        }
    };
    let mut told: Vec<String> = strangers.iter().take(MAX_NAMED).map(one).collect();
    if let Some(more @ 1..) = strangers.len().checked_sub(MAX_NAMED) {
        told.push(format!("and so it is with {}", text::count(more, "other name")));
    }
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, id) in [
            ("*", "a"),
            ("a*", "a"),
            ("*a", "ba"),
            ("a*c", "abc"),
            ("a*b*c", "aXbbc"),
            ("**", "x"),
            ("*ab", "aab"),
            ("test_*", "test_"),
        ] {
            assert!(matches(pattern, id), "{pattern} {id}");
        }
        for (pattern, id) in [("a*", "ba"), ("*a", "ab"), ("a*b", "a"), ("a*b*c", "acb"), ("A*", "a")] {
            assert!(!matches(pattern, id), "{pattern} {id}");
        }
        let long = "a".repeat(128);
        assert!(!matches(&("*a".repeat(64) + "b"), &long));
    }
}
