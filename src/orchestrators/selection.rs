//! Which components a stage runs: what was asked for, and the stage's defaults for what nobody asked about.

use std::sync::Arc;

use super::{StageError, StageRequest};
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Severity, codes};
use crate::model::component::{Component, ComponentQuery, FilterKey, Kind, Reference};
use crate::registry::{self, Registry, duplicates};

/// The lifecycles of what is in use.
pub(super) const LIVING: [&str; 4] = ["active", "stable", "canary", "deprecated"];

/// What is asked of a stage.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The stage.
    pub stage: &'a str,
    /// What somebody asked for.
    pub request: &'a StageRequest,
    /// What holds where nobody says otherwise.
    pub defaults: &'a ComponentQuery,
}

/// What a stage runs.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The components, in the order in which they are listed.
    pub chosen: Vec<Arc<Component>>,
    /// Components of the stage that only its defaults leave out, each with the reason.
    pub left_out: Vec<(String, String)>,
    /// Components that are left out because somebody said so.
    pub skipped: Vec<Arc<Component>>,
    /// What is to be said of those that run.
    pub findings: Vec<Diagnostic>,
    /// Names that were to be left out and are none of a component, each with what is to be said.
    pub unknown: Vec<String>,
    /// Whether they run one after the other, each with what the one before gave.
    pub in_turn: bool,
    /// Whether nothing runs, and the registry itself is looked at.
    pub is_check: bool,
}

/// The component that a name means.
pub(super) fn named(name: &str, registry: &dyn Registry) -> Result<Arc<Component>, StageError> {
    let reference: Reference = name.parse().map_err(|error| {
        let message = format!("`{name}` has a range of versions that is none: {error}");
        StageError::Findings(vec![Diagnostic::error(codes::BAD_RANGE, message)])
    })?;
    let found = registry.resolve(&reference).cloned();
    found.map_err(|error| StageError::Findings(vec![error.diagnostic(None)]))
}

/// What keeps chosen components from being run together: one that is declared twice, and what they need and is not
/// there.
fn check(chosen: &[Arc<Component>], registry: &dyn Registry) -> Result<(), StageError> {
    let mut found = duplicates(chosen);
    for component in chosen {
        for needed in &component.dependencies {
            if let Err(error) = registry.resolve(&needed.on) {
                found.push(error.diagnostic(Some(needed.span)));
            }
        }
    }
    if found.is_empty() { Ok(()) } else { Err(StageError::Findings(found)) }
}

/// Selects what a stage runs.
///
/// # Errors
///
/// If a filter names what no component has, or only the defaults leave nothing to run.
pub fn select(asked: &Asked<'_>, registry: &dyn Registry) -> Result<Selection, StageError> {
    let found = registry.components();
    let Asked { stage, request, defaults } = asked;
    let explicit = &request.query;
    let all: Vec<&Component> = found.iter().map(AsRef::as_ref).collect();
    let unmatched = explicit.unmatched(&all);
    if !unmatched.is_empty() {
        let findings = unmatched.iter().map(|value| registry::unmatched(value, Severity::Error));
        return Err(StageError::Findings(findings.collect()));
    }
    let configured = |key: FilterKey| request.configured.iter().find(|default| default.key == key);
    let replaced = request.configured.iter().fold((*defaults).clone(), |query, default| {
        let query = query.without(default.key);
        if default.values.is_empty() { query } else { query.with(default.key, default.values.clone()) }
    });
    let query = explicit.clone().with_defaults(&replaced);
    let names_lifecycle = explicit.names(FilterKey::Lifecycle)
        || configured(FilterKey::Lifecycle).is_some_and(|default| !default.values.is_empty());
    let mut selection = Selection::default();
    for component in found {
        let is_of_stage = component.stages().contains(stage);
        // One that names stages itself is in those only.
        let is_elsewhere = !component.declared_stages.is_empty() && !is_of_stage;
        let refusal = match component.kind {
            Kind::Component => query.refusal(component),
            // A contract belongs to a stage by saying so, whatever the stage's defaults for components are.
            Kind::Workflow if is_of_stage => explicit.refusal(component),
            Kind::Workflow | Kind::Node | Kind::Document => continue,
        };
        let is_at_rest = !component.lifecycle.runs_unnamed() && !names_lifecycle;
        match refusal {
            None if is_elsewhere || is_at_rest => {}
            None if request.skip.iter().any(|name| component.is_called(name)) => {
                selection.skipped.push(Arc::clone(component));
            }
            None => selection.chosen.push(Arc::clone(component)),
            Some(refusal) if is_of_stage && explicit.selects(component) => {
                let says = refusal.key.and_then(configured).map(|default| &default.origin);
                let says = says.map(|origin| format!(", as `{origin}` asks for")).unwrap_or_default();
                selection.left_out.push((component.qualified_name(), format!("{refusal}{says}")));
            }
            Some(_) => {}
        }
    }
    // The variable may be meant for several projects.
    let is_unknown = |name: &&String| !found.iter().any(|component| component.is_called(name));
    for unknown in request.skip.iter().filter(is_unknown) {
        let meant = nearest(unknown, found.iter().map(|component| component.name.as_str()));
        let hint = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        selection.unknown.push(format!("ONEX_SKIP names `{unknown}`, which is not there{hint}"));
    }
    if selection.chosen.is_empty() && selection.skipped.is_empty() && !selection.left_out.is_empty() {
        return Err(StageError::LeftOut((*stage).to_owned(), selection.left_out));
    }
    check(&selection.chosen, registry)?;
    selection.findings = unaccompanied(&selection, explicit, registry);
    Ok(selection)
}

/// What runs without something that it depends on, because somebody left that out.
fn unaccompanied(
    selection: &Selection,
    explicit: &ComponentQuery,
    registry: &dyn Registry,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for component in &selection.chosen {
        for needed in &component.dependencies {
            let is_chosen = |one: &Arc<Component>| {
                one.is_called(&needed.on.name) && needed.on.allows(one.version.as_ref())
            };
            let Ok(other) = registry.resolve(&needed.on) else { continue };
            if selection.chosen.iter().any(is_chosen) {
                continue;
            }
            let why = if selection.skipped.iter().any(is_chosen) {
                "`ONEX_SKIP` leaves that out".to_owned()
            } else if let Some(refusal) = explicit.refusal(other) {
                format!("the filter leaves that out ({refusal})")
            } else {
                continue;
            };
            let (name, other) = (component.qualified_name(), other.qualified_name());
            let message = format!("`{name}` runs without `{other}`, which it depends on: {why}");
            found.push(Diagnostic::warning(codes::LEFT_OUT, message).at(needed.span, "not waited for"));
        }
    }
    found
}
