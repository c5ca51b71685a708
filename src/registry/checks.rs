//! What is wrong with components taken together, and what is to be known before one runs.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::catalog::Registry;
use crate::diag::{Diagnostic, Severity, codes};
use crate::model::component::{Component, EntryKind, Kind, Unmatched};

/// Duplicates, dependencies that lead nowhere, and circles, in the order of the components.
#[must_use]
pub fn check(registry: &dyn Registry) -> Vec<Diagnostic> {
    let mut found = duplicates(registry.components());
    let (missing, edges) = dependencies(registry);
    found.extend(missing);
    found.extend(circles(registry.components(), &edges));
    found
}

/// Components that share namespace, name and version.
#[must_use]
pub fn duplicates(components: &[Arc<Component>]) -> Vec<Diagnostic> {
    let mut first: HashMap<(Option<&str>, &str, Option<String>), &Component> = HashMap::new();
    let mut found = Vec::new();
    for component in components {
        let version = component.version.as_ref().map(ToString::to_string);
        let key = (component.namespace.as_deref(), component.name.as_str(), version);
        match first.get(&key) {
            None => _ = first.insert(key, component),
            Some(known) => found.push(
                Diagnostic::error(
                    codes::DUPLICATE_COMPONENT,
                    format!("`{}` is declared in two files", component.full_name()),
                )
                .at(component.span_of("name"), "declared again")
                .at(known.span_of("name"), "declared here")
                .help("give one of them another name, namespace or version"),
            ),
        }
    }
    found
}

/// What each component needs, by number, and findings about what is not there.
fn dependencies(registry: &dyn Registry) -> (Vec<Diagnostic>, Vec<Vec<usize>>) {
    let components = registry.components();
    let place: HashMap<*const Component, usize> =
        components.iter().enumerate().map(|(at, component)| (Arc::as_ptr(component), at)).collect();
    let mut missing = Vec::new();
    let mut edges = vec![Vec::new(); components.len()];
    for (at, component) in components.iter().enumerate() {
        for dependency in &component.dependencies {
            match registry.resolve(&dependency.on) {
                Ok(needed) => edges[at].extend(place.get(&Arc::as_ptr(needed))),
                Err(unresolved) => {
                    let mut finding = unresolved.diagnostic(Some(dependency.span));
                    finding.message =
                        format!("`{}` needs what is not there: {}", component.name, finding.message);
                    missing.push(finding);
                }
            }
        }
    }
    (missing, edges)
}

/// Each circle once, as a path.
fn circles(components: &[Arc<Component>], edges: &[Vec<usize>]) -> Vec<Diagnostic> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::No; components.len()];
    let mut found = Vec::new();
    for start in 0..components.len() {
        if seen[start] != Seen::No {
            continue;
        }
        // Each step of the path, with how many of its edges have been looked at.
        let mut path = vec![(start, 0)];
        seen[start] = Seen::OnPath;
        while let Some((at, next)) = path.last_mut() {
            let Some(&needed) = edges[*at].get(*next) else {
                seen[*at] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match seen[needed] {
                Seen::No => {
                    seen[needed] = Seen::OnPath;
                    path.push((needed, 0));
                }
                Seen::Done => {}
                Seen::OnPath => {
                    let from = path.iter().position(|&(step, _)| step == needed).unwrap_or(0);
                    let circle: Vec<&Component> =
                        path[from..].iter().map(|&(step, _)| components[step].as_ref()).collect();
                    found.push(circle_of(&circle));
                }
            }
        }
    }
    found
}

fn circle_of(circle: &[&Component]) -> Diagnostic {
    let names: Vec<&str> =
        circle.iter().chain(circle.first()).map(|component| component.name.as_str()).collect();
    let message = format!("components need each other in a circle: {}", names.join(" → "));
    let finding = circle
        .iter()
        .zip(names.iter().skip(1))
        .fold(Diagnostic::error(codes::COMPONENT_CIRCLE, message), |finding, (component, next)| {
            finding.at(component.span_of("dependencies"), format!("needs `{next}`"))
        });
    finding.help("remove one of these dependencies")
}

/// Whether the program of a component is there, as far as that can be known. `exists` is asked for a program by its
/// name, and for a file by its path relative to the project root.
#[must_use]
pub fn missing_program(component: &Component, exists: &dyn Fn(Needed<'_>) -> bool) -> Option<Diagnostic> {
    let entrypoint = component.entrypoint.as_ref()?;
    let program = entrypoint.target.first()?;
    let file = component.entry_file();
    let message = match (&file, entrypoint.kind) {
        (Some(file), _) if !exists(Needed::File(file)) => {
            format!("`{}` runs `{}`, which does not exist", component.name, file.display())
        }
        (None, EntryKind::Command) if !exists(Needed::Program(program)) => {
            format!("`{}` runs `{program}`, which is no program in PATH", component.name)
        }
        _ => return None,
    };
    let finding = Diagnostic::error(codes::MISSING_PROGRAM, message);
    Some(finding.at(component.span_of("entrypoint"), "runs this"))
}

/// What a component needs in order to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed<'a> {
    /// A program in `PATH`.
    Program(&'a str),
    /// A file, relative to the project root.
    File(&'a std::path::Path),
}

/// What keeps a component that was named from running: it is a document, or has no entry point.
#[must_use]
pub fn not_executable(component: &Component) -> Option<Diagnostic> {
    if component.is_executable() {
        return None;
    }
    let (message, help) = match component.kind {
        Kind::Document => (
            format!("`{}` is a document, and documents are never run", component.name),
            "put the metadata into the program that it describes, or into a file `….onex.yaml`",
        ),
        _ => (
            format!("`{}` has no entry point that onex runs", component.name),
            "add `entrypoint: {type: command, target: [program]}`",
        ),
    };
    let finding = Diagnostic::error(codes::NOT_EXECUTABLE, message);
    Some(finding.at(component.span_of("entrypoint"), "nothing to run").help(help))
}

/// What keeps the entry point of a component from running: it is one that this version does not carry out yet.
#[must_use]
pub fn not_carried_out(component: &Component) -> Option<Diagnostic> {
    let entrypoint = component.entrypoint.as_ref()?;
    if !matches!(entrypoint.kind, EntryKind::Http | EntryKind::Agent) {
        return None;
    }
    let message = format!(
        "`{}` cannot run: entry points of the type `{}` are not carried out yet by this version of onex",
        component.name,
        entrypoint.kind.as_str()
    );
    let finding = Diagnostic::error(codes::NOT_CARRIED_OUT, message);
    Some(finding.at(component.span_of("entrypoint"), "not carried out yet"))
}

/// The warning about a component that is deprecated, or announces that it will be, seen from a day.
#[must_use]
pub fn deprecated(component: &Component, today: NaiveDate) -> Option<Diagnostic> {
    if !component.lifecycle.is_deprecated() && !component.deprecation.is_announced() {
        return None;
    }
    let message = component.deprecation.warning(&component.full_name(), today);
    let place = ["sunset_date", "deprecated_since", "lifecycle"]
        .into_iter()
        .find(|key| component.spans.contains_key(key));
    let finding = Diagnostic::new(Severity::Warning, codes::DEPRECATED, message);
    Some(finding.at(component.span_of(place.unwrap_or_default()), "said here"))
}

/// The finding that no component has a value that a filter asks for. What is only shown lacks nothing by it; what runs
/// would be something else than was asked for.
#[must_use]
pub fn unmatched(value: &Unmatched, severity: Severity) -> Diagnostic {
    const MOST: usize = 8;
    let message = format!("no component has the {} `{}`", value.key, value.value);
    let finding = Diagnostic::new(severity, codes::UNMATCHED_FILTER, message);
    let known: Vec<String> = value.known.iter().take(MOST).map(|known| format!("`{known}`")).collect();
    match (&value.suggestion, known.as_slice()) {
        (Some(_), _) => finding.did_you_mean(value.suggestion.as_deref()),
        (None, []) => finding,
        (None, known) => {
            let more = if value.known.len() > MOST { ", …" } else { "" };
            finding.help(format!("there is {}{more}", known.join(", ")))
        }
    }
}
