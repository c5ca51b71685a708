//! What is said of a breach.

use super::{Breach, Violation};
use crate::diag::{Diagnostic, Severity, Span, codes};
use crate::model::policy::{EnforcementLevel, Payload};

/// The most breaches of one policy that are named one by one.
const MOST: usize = 20;

/// The finding about a violation: the rule first, then each place that breaks it. `rule` is the rule's own place among
/// the texts of the run; nothing where it was asked for on the command line.
#[must_use]
pub fn diagnostic(violation: &Violation<'_>, rule: Option<Span>) -> Diagnostic {
    let policy = violation.policy;
    let (severity, verb) = match policy.enforcement_level {
        EnforcementLevel::Strict => (Severity::Error, "denies this run"),
        EnforcementLevel::Soft => (Severity::Warning, "is broken"),
    };
    let code = match policy.payload {
        Payload::Trust => codes::NOT_TRUSTED,
        _ => codes::POLICY_BROKEN,
    };
    let told: Vec<&str> = violation.breaches.iter().take(MOST).map(|breach| breach.what.as_str()).collect();
    let rest = violation.breaches.len() - told.len();
    let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    let subject = match rule {
        Some(_) => format!("the policy `{}`", policy.name),
        None => format!("`{}`", policy.name),
    };
    let message = format!("{subject} {verb}: {}{more}", told.join("; "));
    let mut finding = Diagnostic::new(severity, code, message);
    if let Some(rule) = rule {
        finding = finding.at(rule, "this rule");
    }
    for breach in violation.breaches.iter().take(MOST) {
        if let Some(span) = breach.span {
            finding = finding.at(span, "breaks it");
        }
    }
    helps(&violation.breaches).into_iter().fold(finding, Diagnostic::help)
}

/// What can be done, each once, and no more than a few.
fn helps(breaches: &[Breach]) -> Vec<String> {
    const FEW: usize = 3;
    let mut found: Vec<String> = Vec::new();
    for help in breaches.iter().filter_map(|breach| breach.help.as_ref()) {
        if !found.contains(help) && found.len() < FEW {
            found.push(help.clone());
        }
    }
    found
}
