//! Tells what a diagnostic means, and why a node would run, or not.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use super::Environment;
use super::console::Console;
use super::contract::load;
use super::plan::{finish, notes};
use super::settings::Configuration;
use crate::base::text::{self, nearest, without_controls};
use crate::diag::{Code, Diagnostic, codes};
use crate::model::context::{Format, Mode};
use crate::model::exit::ExitCode;
use crate::model::plan_view::{NOT_FOUND, PlanNodeView, PlanStatus};
use crate::model::workflow::{EdgeCondition, NodeSpec};
use crate::plan::{Plan, ViewContext, view};
use crate::report::{diagnostics, explanation};

/// What to explain, and how to show it.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// A code, as it stands in a diagnostic, or the id of a node.
    pub what: String,
    /// The contract of the node.
    pub contract: Option<PathBuf>,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// The form of the page; for people where none is named.
    pub format: Option<Format>,
    /// The time for one attempt of a node that says none, where settings name one.
    pub attempt_timeout: Option<Duration>,
    /// The settings files that this comes from. No node is explained where one is not in order.
    pub configuration: Configuration,
}

/// Shows the page of a code, or what a plan says of a node.
pub fn explain(request: &ExplainRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    if let Some(contract) = &request.contract {
        let mut loaded = load(contract, environment, request.root.as_deref());
        let look = console.err_look();
        let ready = request.configuration.in_order();
        if ready.is_err() {
            loaded.sources = request.configuration.sources.clone();
        }
        let plan = ready.and_then(|()| loaded.require_plan());
        let plan = plan.map(|plan| match request.attempt_timeout {
            Some(timeout) => plan.with_attempt_timeout(timeout),
            None => plan,
        });
        return match plan {
            Ok(plan) => node(request, (&plan, &loaded.diagnostics), console),
            Err(error) => {
                let told =
                    diagnostics::render(look, &loaded.sources, error.diagnostics(), &mut console.err());
                finish(told, &mut console.err(), error.exit_code())
            }
        };
    }
    let Some((code, title)) = Code::find(&request.what) else {
        let known = codes::ALL.iter().map(|(code, _)| code.as_str());
        let hint = "codes look like `E0302`; a node is explained with `--contract`";
        return unknown(("diagnostic", &request.what), nearest(&request.what, known), hint, console);
    };
    let page = explanation::Page { code: code.to_string(), title: title.to_owned(), page: code.page() };
    let format = request.format.unwrap_or_default();
    let written = explanation::page(console.out_look(), format, &page, &mut console.out());
    finish(written, &mut console.err(), ExitCode::Success)
}

fn unknown((kind, what): (&str, &str), meant: Option<&str>, hint: &str, console: &mut Console) -> ExitCode {
    let shown = without_controls(what).replace('\n', " ");
    let help = meant.map_or_else(|| hint.to_owned(), |meant| format!("did you mean `{meant}`?"));
    let told = writeln!(console.err(), "error: there is no {kind} `{shown}`\n  help: {help}");
    finish(told, &mut console.err(), ExitCode::Configuration)
}

fn node(request: &ExplainRequest, (plan, found): (&Plan, &[Diagnostic]), console: &mut Console) -> ExitCode {
    let nodes = &plan.workflow().nodes;
    let Some(index) = nodes.iter().position(|node| node.id.as_str() == request.what) else {
        let meant = nearest(&request.what, nodes.iter().map(|node| node.id.as_str())).map(str::to_owned);
        return unknown(("node", &request.what), meant.as_deref(), "`onex plan` shows all nodes", console);
    };
    let view = view(plan, ViewContext { plan_id: String::new(), mode: Mode::Sync, jobs: 1 });
    let about: Vec<String> = view
        .notes
        .into_iter()
        .filter(|note| note.nodes.contains(&nodes[index].id))
        // What the rules ask for in vain they ask of every node that says nothing of its own.
        .chain(notes(found).filter(|_| !nodes[index].retry.own))
        .map(|note| sentence(&note.message))
        .collect();
    let is_critical = view.critical_path.len() > 1 && view.critical_path.contains(&nodes[index].id);
    let Some(shown) = view.nodes.into_iter().nth(index) else { return ExitCode::Configuration };
    let mut reasons = reasons(plan, index, &shown);
    reasons.extend(about);
    if is_critical {
        reasons.push("It is part of the longest chain.".to_owned());
    }
    let explained = explanation::Node { node: shown, reasons };
    let format = request.format.unwrap_or_default();
    let written: io::Result<()> =
        explanation::node(console.out_look(), format, &explained, &mut console.out());
    finish(written, &mut console.err(), ExitCode::Success)
}

/// Why a node would run, or not, and what follows for others; one sentence each.
fn reasons(plan: &Plan, index: usize, shown: &PlanNodeView) -> Vec<String> {
    let node = plan.node(index);
    let id = |other: usize| format!("`{}`", plan.node(other).id);
    let mut reasons = Vec::new();
    reasons.push(match (shown.status, shown.reason.as_deref()) {
        (PlanStatus::Skipped, Some("disabled")) => {
            "It does not run, because it says `enabled: false`; who waits for it runs as if it were done."
                .to_owned()
        }
        (PlanStatus::Skipped, reason) => format!("It does not run: {}.", reason.unwrap_or("skipped")),
        (PlanStatus::Unbound, Some(NOT_FOUND)) => {
            "It cannot run: the component that it uses is not found.".to_owned()
        }
        (PlanStatus::Unbound, Some(_)) => "It cannot run: its action is not carried out yet.".to_owned(),
        (PlanStatus::Unbound, None) => "It cannot run: it says nothing about what it does.".to_owned(),
        (PlanStatus::WillRun, _) if node.depends_on.is_empty() => {
            "It runs at once: it waits for nothing.".to_owned()
        }
        (PlanStatus::WillRun, _) => format!("It runs when {}.", conditions(node, &id).join(" and ")),
    });
    // The edges of a node that can never run are its own.
    let its = |finding: &Diagnostic| node.depends_on.iter().any(|edge| Some(edge.span) == finding.span());
    for finding in plan.never_run().iter().filter(|finding| its(finding)) {
        let labels: Vec<&str> = finding.labels.iter().map(|label| label.text.as_str()).collect();
        reasons.push(format!("That never comes: it {}.", labels.join(", ")));
    }
    if let Some(fallback) = node.fallback {
        reasons.push(format!("If it fails, {} runs in its place.", id(fallback)));
    }
    let worst = node.worst_case();
    if worst.attempts > 1 {
        let delays = text::duration(worst.delays);
        let longest = text::duration(node.longest());
        let long = match worst.attempt {
            _ if node.longest() == Duration::MAX => "without end, as far as it can be told".to_owned(),
            Some(_) => format!("{longest} in all"),
            None => format!("{longest} in all, as it says no timeout"),
        };
        reasons.push(format!("It is tried at most {} times, with up to {delays} of delays.", worst.attempts));
        reasons.push(format!("That can take {long}."));
    }
    let waiting = plan.dependents(index).iter().filter(|edge| edge.on != EdgeCondition::Fallback);
    let waiting: Vec<String> = waiting.map(|edge| id(edge.node)).collect();
    reasons.push(match waiting.as_slice() {
        [] => "Nothing waits for it.".to_owned(),
        [one] => format!("{one} waits for it."),
        [.., _] => format!("{} wait for it.", waiting.join(", ")),
    });
    reasons
}

/// A message as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn conditions(node: &NodeSpec, id: &impl Fn(usize) -> String) -> Vec<String> {
    let condition = |on| match on {
        EdgeCondition::Success => "is done",
        EdgeCondition::Failure | EdgeCondition::Fallback => "has failed",
        EdgeCondition::Finished => "has ended in any way",
    };
    node.depends_on.iter().map(|edge| format!("{} {}", id(edge.node), condition(edge.on))).collect()
}
