//! A contract with those nodes only that were asked for, and what was found in these.

use super::contract::{Loaded, is_obstacle};
use super::error::AppError;
use crate::diag::{Diagnostic, Severity, SourceId, SourceMap, Span, codes, sort_by_position};
use crate::plan::Plan;
use crate::yaml::{Limits, NodeRef, Shape, Tree, load};

pub use crate::plan::Selection;

/// Leaves out of a contract what was not asked for, and what was found there that matters to a run only.
///
/// # Errors
///
/// If a name is none of a node, or nothing is left.
pub(super) fn narrow(loaded: &mut Loaded, selection: &Selection) -> Result<(), AppError> {
    let Some(plan) = loaded.plan.take() else { return Ok(()) };
    if selection.is_everything() {
        loaded.plan = Some(plan);
        return Ok(());
    }
    let plan = plan.select(selection)?;
    let left_out = places_left_out(&plan, loaded);
    loaded.diagnostics.retain(|finding| match finding.code {
        codes::UNBOUND_NODE => false,
        code if is_obstacle(code) => !is_within(finding, &left_out),
        _ => true,
    });
    loaded.diagnostics.extend(plan.unbound(Severity::Warning));
    sort_by_position(&mut loaded.diagnostics);
    loaded.plan = Some(plan);
    Ok(())
}

fn is_within(finding: &Diagnostic, places: &[Span]) -> bool {
    let Some(at) = finding.span() else { return false };
    let after = places.partition_point(|place| (place.source, place.start) <= (at.source, at.start));
    let place = after.checked_sub(1).map(|before| places[before]);
    place.is_some_and(|place| place.source == at.source && at.end <= place.end)
}

/// The places of nodes that are left out, in order; none where nothing was found that they could hold.
fn places_left_out(plan: &Plan, loaded: &Loaded) -> Vec<Span> {
    let mut sources: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|finding| is_obstacle(finding.code))
        .filter_map(|finding| finding.span().map(|span| span.source))
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let mut ids: Vec<Span> =
        (0..plan.len()).filter(|&n| plan.is_left_out(n)).map(|n| plan.node(n).span).collect();
    ids.sort_unstable_by_key(|span| (span.source, span.start));
    let places = sources.into_iter().flat_map(|source| places_of(&ids, (&loaded.sources, source)));
    let mut places: Vec<Span> = places.collect();
    places.sort_unstable();
    places
}

/// The places of the mappings of a text that hold one of the ids.
fn places_of(ids: &[Span], (sources, source): (&SourceMap, SourceId)) -> Vec<Span> {
    let text = sources.text(source);
    // What is wrong with the text was found when it was read first.
    let Ok(tree) = load(&text, source, Limits::default(), &mut Vec::new()) else { return Vec::new() };
    let is_id =
        |span: Span| ids.binary_search_by_key(&(span.source, span.start), |id| (id.source, id.start)).is_ok();
    let mut places = Vec::new();
    let mut open = vec![tree.root()];
    while let Some(node) = open.pop() {
        match tree.shape(node) {
            Shape::Mapping(entries) => {
                if entries.iter().any(|entry| is_named(&tree, entry.key) && is_id(tree.span(entry.value))) {
                    places.push(tree.span(node));
                } else {
                    open.extend(entries.iter().map(|entry| entry.value));
                }
            }
            Shape::Sequence(items) => open.extend(items),
            Shape::Null | Shape::Bool(_) | Shape::Int(_) | Shape::Float(_) | Shape::Text(_) => {}
        }
    }
    places
}

/// Whether a key is one that ids stand under.
fn is_named(tree: &Tree<'_>, key: NodeRef) -> bool {
    matches!(tree.scalar(key), Some("id" | "node_id"))
}
