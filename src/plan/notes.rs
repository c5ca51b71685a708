//! What a plan has to say of retries that do not apply, or not as it seems.

use super::Plan;
use crate::base::NodeId;
use crate::model::context::Mode;
use crate::model::plan_view::PlanNote;
use crate::model::workflow::NodeSpec;

/// A note, and of which nodes it is made.
struct Rule {
    code: &'static str,
    message: &'static str,
    holds: fn(&NodeSpec, &Asked) -> bool,
}

/// What the rules of a contract ask for; nodes have it from them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub by_max_retries: bool,
    pub by_retry_policy: bool,
}

const RULES: [Rule; 5] = [
    Rule {
        code: "idempotent_not_said",
        message: "an attempt that may have had its effect, such as one that took too long, is not repeated for the \
                  rules: only `idempotent: true` or a `retry` of its own would repeat it",
        holds: |node, _| {
            node.idempotent.is_none()
                && !node.retry.own
                && !node.kind.repeats_safely()
                && node.retry.max_attempts() > 1
        },
    },
    Rule {
        code: "not_idempotent",
        message: "`idempotent: false`: `max_retries` repeats only what could not be started",
        holds: |node, asked| node.idempotent == Some(false) && asked.by_max_retries,
    },
    Rule {
        code: "not_idempotent_policy",
        message: "`idempotent: false`: `retry_policy` repeats nothing",
        holds: |node, asked| node.idempotent == Some(false) && asked.by_retry_policy,
    },
    Rule {
        code: "verdict_stands",
        message: "the plain failure of a validator or a test is a verdict: the rules do not repeat it, only a `retry` \
                  of its own does",
        holds: |node, _| node.kind.gives_verdict() && !node.retry.own && node.retry.max_attempts() > 1,
    },
    Rule {
        code: "own_retry_counts",
        message: "a `retry` of its own counts, and not what the rules say",
        holds: |node, asked| node.retry.own && (asked.by_max_retries || asked.by_retry_policy),
    },
];

const TRIED_ONCE: Rule = Rule {
    code: "tried_once",
    message: "in profile mode each node is tried once",
    holds: |node, _| node.retry.max_attempts() > 1,
};

/// The notes of a plan, each with all nodes of which it is made.
pub(super) fn notes(plan: &Plan, asked: &Asked, mode: Mode) -> Vec<PlanNote> {
    let nodes = &plan.workflow().nodes;
    // Most contracts ask for no retries, and are done with here.
    if !asked.by_max_retries && !asked.by_retry_policy && mode != Mode::Profile {
        return Vec::new();
    }
    let rules = if mode == Mode::Profile { std::slice::from_ref(&TRIED_ONCE) } else { &RULES[..] };
    let mut notes = Vec::new();
    for rule in rules {
        let runs = |index: usize, node: &NodeSpec| node.enabled && !plan.is_left_out(index);
        let named: Vec<NodeId> = nodes
            .iter()
            .enumerate()
            .filter(|(index, node)| runs(*index, node) && (rule.holds)(node, asked))
            .map(|(_, node)| node.id.clone())
            .collect();
        if !named.is_empty() {
            notes.push(PlanNote {
                code: rule.code.to_owned(),
                message: rule.message.to_owned(),
                nodes: named,
            });
        }
    }
    notes
}
