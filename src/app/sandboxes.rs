//! Sandboxes before a run: whether this machine can enforce what the nodes ask for.

use super::error::AppError;
use crate::base::text;
use crate::executors::sandbox::{missing, report};
use crate::model::plan_view::PlanNote;
use crate::model::sandbox::SandboxReport;
use crate::model::workflow::NodeSpec;
use crate::plan::{Fate, Plan};
use crate::process::Enforcement;

/// The sandbox of a node as a run tells of it.
pub(super) fn of(node: &NodeSpec, enforcement: Enforcement) -> Option<SandboxReport> {
    node.sandbox.as_deref().map(|sandbox| report(sandbox, enforcement))
}

/// Refuses a run with a node that requires a sandbox which this machine cannot enforce, and warns of nodes that do not.
pub(super) fn check(plan: &Plan, enforcement: Enforcement) -> Result<(), AppError> {
    let (required, others) = unenforced(plan, enforcement);
    if let Some(message) = message(&required) {
        return Err(AppError::Sandbox(message));
    }
    if let Some(message) = message(&others) {
        tracing::warn!("{message}");
    }
    Ok(())
}

/// The same for a plan, which nothing keeps from being shown.
pub(super) fn notes(plan: &Plan, enforcement: Enforcement) -> impl Iterator<Item = PlanNote> {
    let (required, others) = unenforced(plan, enforcement);
    [required, others].into_iter().filter_map(|nodes| {
        let ids = nodes.iter().map(|(node, _)| node.id.clone()).collect();
        Some(PlanNote { code: "sandbox".to_owned(), message: message(&nodes)?, nodes: ids })
    })
}

type Unenforced<'a> = Vec<(&'a NodeSpec, Vec<String>)>;

/// The nodes that would run without all of their sandbox: those that require it, and the others.
fn unenforced(plan: &Plan, enforcement: Enforcement) -> (Unenforced<'_>, Unenforced<'_>) {
    let nodes =
        plan.order().iter().filter(|&&index| plan.fate(index) == Fate::Run).map(|&index| plan.node(index));
    let lacking = nodes.filter_map(|node| {
        let missing = missing(node.sandbox.as_deref()?, enforcement);
        (!missing.is_empty()).then_some((node, missing))
    });
    lacking.partition(|(node, _)| node.sandbox.as_ref().is_some_and(|sandbox| sandbox.required))
}

fn message(nodes: &Unenforced<'_>) -> Option<String> {
    let ((first, _), rest) = nodes.split_first()?;
    let mut features: Vec<&str> = nodes.iter().flat_map(|(_, missing)| missing).map(String::as_str).collect();
    features.sort_unstable();
    features.dedup();
    let others = match rest.len() {
        0 => String::new(),
        more => format!(" and of {}", text::count(more, "more node")),
    };
    let is_required = first.sandbox.as_ref().is_some_and(|sandbox| sandbox.required);
    let end = if is_required {
        "; `onex doctor` says what there is, and `required: false` runs without"
    } else {
        ", and does not hold in full"
    };
    Some(format!(
        "the sandbox of `{}`{others} needs {}, which this machine does not have{end}",
        first.id,
        features.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::NodeId;
    use crate::model::exit::ExitCode;
    use crate::model::sandbox::Sandbox;
    use crate::model::workflow::Workflow;

    const ALL: Enforcement = Enforcement { landlock: 7, seccomp: true };

    fn plan(sandboxes: &[Option<Sandbox>]) -> Plan {
        let node = |(at, sandbox): (usize, &Option<Sandbox>)| NodeSpec {
            sandbox: sandbox.clone().map(Box::new),
            ..NodeSpec::new(NodeId::new(&format!("n{at}")).unwrap())
        };
        let nodes = sandboxes.iter().enumerate().map(node).collect();
        Plan::new(Arc::new(Workflow { nodes, ..Workflow::default() })).unwrap()
    }

    #[test]
    fn a_required_sandbox_that_cannot_be_is_denied_before_anything_runs() {
        let strict = Some(Sandbox::strict());
        let plan = plan(&[None, strict.clone(), strict]);
        assert!(check(&plan, ALL).is_ok());
        let old = Enforcement { landlock: 1, ..ALL };
        let error = check(&plan, old).unwrap_err();
        assert_eq!((error.exit_code(), error.kind()), (ExitCode::Security, "SecurityError"));
        let expected = "the sandbox of `n1` and of 1 more node needs Landlock in version 3 or later (version 1 is \
            there), which this machine does not have; `onex doctor` says what there is, and `required: false` runs \
            without";
        assert_eq!(error.to_string(), expected);
        let notes: Vec<PlanNote> = notes(&plan, old).collect();
        assert_eq!((notes.len(), notes[0].message.as_str(), notes[0].nodes.len()), (1, expected, 2));
    }

    #[test]
    fn a_sandbox_that_is_not_required_keeps_nothing_from_running() {
        let perhaps = Sandbox { required: false, ..Sandbox::strict() };
        let plan = plan(&[Some(perhaps), None]);
        assert!(check(&plan, Enforcement::default()).is_ok());
        assert_eq!(notes(&plan, Enforcement::default()).count(), 1);
        assert_eq!(notes(&plan, ALL).count(), 0);
    }
}
