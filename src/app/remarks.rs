//! What a stage says of its components, beside what they report themselves.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::declarations;
use super::error::AppError;
use super::place::Place;
use crate::base::text;
use crate::diag::{Diagnostic, Severity, SourceMap, codes};
use crate::model::component::{Component, Kind};
use crate::orchestrators::Composition;
use crate::registry::{self, Entry, Gathered, Registry as _};

fn added(path: &Path) -> String {
    format!("`git add {}` adds it", text::shell_word(&text::path(path)))
}

/// That a stage is empty, and what could be in it.
pub(super) fn nothing_to_run(stage: &str, gathered: &Gathered) -> String {
    let components = gathered.catalog.components().iter();
    let is_open = |one: &&Arc<Component>| {
        one.kind == Kind::Workflow && one.declared_stages.is_empty() && one.tags.is_empty()
    };
    let mut contracts = components.filter(is_open).map(|one| format!("`{}`", text::path(&one.origin.path)));
    let hint = match (contracts.next(), contracts.count()) {
        (None, _) => "; `onex list` shows what there is".to_owned(),
        (Some(one), 0) => format!("; `metadata: {{stages: [{stage}]}}` would put {one} into it"),
        (Some(one), more) => {
            format!(
                "; `metadata: {{stages: [{stage}]}}` would put a contract into it: {one} or one of {more} more"
            )
        }
    };
    format!("no component is in the stage `{stage}`, so there is nothing to run{hint}")
}

/// What is there and counts for nothing, because the next commit does not have it.
pub(super) fn not_in_the_index(place: &Place, gathered: &Gathered) -> Result<Vec<Diagnostic>, AppError> {
    let is_other = |path: &Path| gathered.other_projects.iter().any(|folder| path.starts_with(folder));
    let unknown = place.unknown().iter();
    let unknown = unknown.filter(|path| declarations::is_seen(path) && !is_other(path));
    let mut found: Vec<Diagnostic> = unknown
        .map(|path| {
            let message = format!("`{}` is not in the index, so it does not count here", path.display());
            Diagnostic::warning(codes::LEFT_OUT, message).help(added(path))
        })
        .collect();
    let entries: Vec<&Entry> = gathered.register.iter().flat_map(|register| &register.entries).collect();
    let paths: Vec<PathBuf> = entries.iter().map(|entry| entry.path.clone()).collect();
    let unknown = place.unknown_of(&paths)?;
    found.extend(entries.into_iter().filter(|entry| unknown.contains(&entry.path)).map(|entry| {
        let message = format!("`{}` is registered and not in the index", entry.path.display());
        let finding =
            Diagnostic::error(codes::COMPONENT_GONE, message).at(entry.span, "registered from there");
        finding.help(added(&entry.path))
    }));
    Ok(found)
}

/// That folders below have components of their own. That is no mistake, so it is no warning.
fn other_projects(projects: &[PathBuf]) -> Option<Diagnostic> {
    const MOST_NAMED: usize = 3;
    let mut named: Vec<String> =
        projects.iter().take(MOST_NAMED).map(|project| format!("`{}`", text::path(project))).collect();
    if projects.len() > MOST_NAMED {
        named.push(format!("{} more", projects.len() - MOST_NAMED));
    }
    let message = match named.split_last()? {
        (one, []) => format!("{one} is a project of its own: what it declares does not run here"),
        (last, names) => {
            let names = names.join(", ");
            format!("{names} and {last} are projects of their own: what they declare does not run here")
        }
    };
    Some(Diagnostic::new(Severity::Info, codes::LEFT_OUT, message))
}

/// What is to be said about the components that run.
pub(super) fn findings(
    (gathered, place): (&Gathered, &Place),
    composition: &Composition,
    today: chrono::NaiveDate,
) -> Vec<Diagnostic> {
    // One that cannot be read may be one that was to run; what runs has something to run.
    let is_unfit = |found: &Diagnostic| matches!(found.code, codes::NOT_EXECUTABLE | codes::NOT_CARRIED_OUT);
    let mut found = gathered.diagnostics.clone();
    found.retain(|found| found.severity == Severity::Error || !is_unfit(found));
    found
        .extend(composition.components.iter().filter_map(|component| registry::deprecated(component, today)));
    found.extend(other_projects(&gathered.other_projects));
    for (name, why) in &composition.left_out {
        let message = format!("`{name}` is in the stage and does not run: {why}");
        found.push(Diagnostic::warning(codes::LEFT_OUT, message));
    }
    for message in &composition.unknown {
        found.push(Diagnostic::warning(codes::LEFT_OUT, message.clone()));
    }
    for file in &place.unmerged {
        let message = format!("`{}` is not merged yet, so no component gets it", file.display());
        found.push(Diagnostic::warning(codes::LEFT_OUT, message));
    }
    found.extend(composition.findings.iter().cloned());
    for (name, rules) in &composition.dropped_rules {
        let hold = if rules.len() == 1 { "holds" } else { "hold" };
        let message = format!(
            "`{}` of the contract `{name}` {hold} for a run of its own only, and not here",
            rules.join("`, `")
        );
        found.push(Diagnostic::warning(codes::LEFT_OUT, message));
    }
    found
}

/// Leaves out what was found twice: metadata is read with the components and with the contract that it stands in.
pub(super) fn said_once(sources: &SourceMap, found: &mut Vec<Diagnostic>) {
    let mut said = HashSet::new();
    found.retain(|finding| {
        let place =
            finding.span().map(|span| (sources.path(span.source).to_path_buf(), span.start, span.end));
        said.insert((finding.code, finding.message.clone(), place))
    });
}
