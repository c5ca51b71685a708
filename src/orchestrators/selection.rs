//! Which components a stage runs: what was asked for, and the stage's defaults for what nobody asked about.

use std::sync::Arc;

use super::{StageError, StageRequest};
use crate::base::text::nearest;
use crate::diag::{Diagnostic, codes};
use crate::model::component::{Component, ComponentQuery, FilterKey, Kind, Reference};
use crate::registry::{Registry, duplicates};

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
    if let Some(unmatched) = explicit.unmatched(&all).first() {
        let known = match (&unmatched.suggestion, unmatched.known.as_slice()) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, []) => "no component says anything about that".to_owned(),
            (None, known) => format!("there is {}", known.join(", ")),
        };
        let message = format!("no component has {} `{}`; {known}", unmatched.key, unmatched.value);
        return Err(StageError::Unmatched(message));
    }
    let query = explicit.clone().with_defaults(defaults);
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
        let is_at_rest = !component.lifecycle.runs_unnamed() && !explicit.names(FilterKey::Lifecycle);
        match refusal {
            None if is_elsewhere || is_at_rest => {}
            None if request.skip.iter().any(|name| component.is_called(name)) => {
                selection.skipped.push(Arc::clone(component));
            }
            None => selection.chosen.push(Arc::clone(component)),
            Some(refusal) if is_of_stage && explicit.selects(component) => {
                selection.left_out.push((component.qualified_name(), refusal.to_string()));
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
    Ok(selection)
}
