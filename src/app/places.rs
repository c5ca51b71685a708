//! Finds where the things that a report names stand in files: in the contract, and in what it includes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::Environment;
use super::contract::{Loaded, project_root};
use crate::base::NodeId;
use crate::diag::Span;
use crate::model::outcome::NodeStatus;
use crate::model::report::{NodeResult, RunReport};
use crate::report::places::{Places, Region};

/// The places of a contract's nodes, for those who will point there.
#[derive(Debug, Default)]
pub(super) struct NodePlaces(Vec<(NodeId, Span)>);

impl NodePlaces {
    /// Before the plan is carried out, which takes it away.
    pub(super) fn of(loaded: &Loaded) -> Self {
        let nodes = loaded.plan.iter().flat_map(|plan| &plan.workflow().nodes);
        Self(nodes.map(|node| (node.id.clone(), node.span)).collect())
    }

    /// The places of what a report names: its findings are those of `loaded`, in order.
    pub(super) fn named_in(
        &self,
        report: &RunReport,
        (loaded, root): (&Loaded, Option<&Path>),
        environment: &Environment,
    ) -> Arc<Places> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let mut places = Places {
            root: match &loaded.base {
                Some(base) => real(base),
                None => project_root(&loaded.path, root).unwrap_or_else(|_| real(&environment.directory)),
            },
            corrections: Places::corrections_of(&loaded.sources, &loaded.diagnostics),
            ..Places::default()
        };
        let failed: HashSet<&str> =
            report.results.iter().filter(|r| r.status == NodeStatus::Failed).map(NodeResult::id).collect();
        let named = self.0.iter().filter(|(id, _)| failed.contains(id.as_str()));
        places.nodes =
            named.map(|(id, span)| (id.as_str().to_owned(), Region::of(&loaded.sources, *span))).collect();
        let of_findings = report.diagnostics.iter().flat_map(|found| {
            found.path.iter().chain(found.labels.iter().filter_map(|label| label.path.as_ref()))
        });
        let of_nodes = places.nodes.values().map(|region| &region.path);
        let of_contract = report.contract.iter().map(|contract| &contract.path);
        let shown: Vec<String> = of_findings.chain(of_nodes).chain(of_contract).cloned().collect();
        let base = loaded.base.as_ref().unwrap_or(&environment.directory);
        for shown in shown {
            let whole = real(&base.join(&shown));
            places.files.entry(shown).or_insert(whole);
        }
        Arc::new(places)
    }
}
