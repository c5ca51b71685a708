//! The components that contracts use: looked for in a project when one of its contracts asks for one, and once.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Environment;
use super::file_types::Types;
use super::place::{Place, looking};
use crate::base::{Clock as _, SystemClock};
use crate::diag::{Diagnostic, Severity, SourceMap, codes};
use crate::model::component::Component;
use crate::model::workflow::Workflow;
use crate::orchestrators::{FileChoice, FileTypes, Project, SearchPath, bind};
use crate::process::Locator;
use crate::registry::{self, Gathered, Look, Needed};

/// The most files that a finding names.
const MOST_NAMED: usize = 3;

/// The components of projects.
#[derive(Debug)]
pub(super) struct Components<'e> {
    environment: &'e Environment,
    projects: HashMap<PathBuf, Shelf>,
    /// Where files are that components work on, if that is not where components are.
    tree: Option<PathBuf>,
}

/// What one project has.
#[derive(Debug)]
struct Shelf {
    gathered: Gathered,
    files: Option<Arc<[PathBuf]>>,
}

impl<'e> Components<'e> {
    /// Nothing is looked for before somebody asks.
    pub(super) fn new(environment: &'e Environment) -> Self {
        Self { environment, projects: HashMap::new(), tree: None }
    }

    /// The same with what a stage has found in a project, and the files that it is about.
    pub(super) fn with(self, root: &Path, gathered: Gathered, files: &[PathBuf]) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let shelf = Shelf { gathered, files: Some(files.into()) };
        Self { projects: HashMap::from([(root, shelf)]), ..self }
    }

    /// The same for components that work on the files of another tree.
    pub(super) fn working_in(self, tree: &Path) -> Self {
        Self { tree: Some(tree.to_path_buf()), ..self }
    }

    /// What was found in the one project.
    pub(super) fn into_gathered(self) -> Option<Gathered> {
        self.projects.into_values().next().map(|shelf| shelf.gathered)
    }

    /// The texts that findings about the components of a project point into.
    pub(super) fn sources(&self, root: &Path) -> SourceMap {
        self.projects.get(root).map(|shelf| shelf.gathered.sources.clone()).unwrap_or_default()
    }

    /// Keeps texts that were added to them.
    pub(super) fn keep(&mut self, sources: SourceMap) {
        if let Some(shelf) = self.projects.values_mut().next() {
            shelf.gathered.sources = sources;
        }
    }

    /// Looks for the components of a project; whether that was still to be done.
    pub(super) fn look(&mut self, root: &Path) -> bool {
        let is_new = !self.projects.contains_key(root);
        if is_new {
            tracing::info!(root = %root.display(), "looks for components");
            let shelf = Shelf { gathered: registry::gather(root, Look::Names), files: None };
            self.projects.insert(root.to_path_buf(), shelf);
        }
        is_new
    }

    /// Binds the nodes of a contract to the components of its project; what was found, and the components.
    pub(super) fn bind(
        &mut self,
        workflow: &mut Workflow,
        root: &Path,
    ) -> (Vec<Diagnostic>, Vec<Arc<Component>>) {
        let Some(Shelf { gathered, files }) = self.projects.get_mut(root) else { return Default::default() };
        let tree = self.tree.as_deref().unwrap_or(root);
        let mut project = At {
            root,
            tree,
            environment: self.environment,
            files,
            types: Types::at(tree.to_path_buf()),
            locator: Locator::default(),
        };
        let bound = bind(workflow, &gathered.catalog, &mut project);
        let mut found = bound.diagnostics;
        for uses in workflow.nodes.iter().filter_map(|node| node.uses.as_deref()) {
            let about = |finding: &&mut Diagnostic| {
                let is_lost = matches!(finding.code, codes::UNKNOWN_COMPONENT | codes::NO_SUCH_VERSION);
                is_lost && finding.span() == Some(uses.span)
            };
            for finding in found.iter_mut().filter(about) {
                let entries = gathered.register.iter().flat_map(|register| &register.entries);
                let registered = entries.filter(|entry| entry.is_meant_by(&uses.reference));
                let gone = registered.filter_map(|entry| registry::standing(entry, None, root));
                finding.help.extend(gone.map(|gone| format!("it is registered, and {}", gone.message)));
                finding.help.extend(unreadable(gathered));
            }
        }
        for component in &bound.components {
            found.extend(standing(gathered, component));
        }
        (found, bound.components)
    }
}

/// What has become of a component that is registered: as in a stage, one that is gone is an error.
fn standing(gathered: &Gathered, component: &Component) -> Vec<Diagnostic> {
    let entries = gathered.register.iter().flat_map(|register| &register.entries);
    let entry = entries.into_iter().find(|entry| entry.path == component.origin.path);
    let is_its = |finding: &&Diagnostic| entry.is_some_and(|entry| finding.span() == Some(entry.span));
    let found = gathered.diagnostics.iter().filter(is_its).cloned().map(|finding| match finding.code {
        codes::COMPONENT_GONE => Diagnostic { severity: Severity::Error, ..finding },
        _ => finding,
    });
    found.collect()
}

/// That there are files which may declare what is not found, where there are such.
fn unreadable(gathered: &Gathered) -> Option<String> {
    let errors = gathered.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    let mut files: Vec<String> = errors
        .filter_map(|finding| Some(gathered.sources.path(finding.span()?.source).display().to_string()))
        .collect();
    files.sort();
    files.dedup();
    let named: Vec<String> = files.iter().take(MOST_NAMED).map(|file| format!("`{file}`")).collect();
    let more = if files.len() > MOST_NAMED { ", …" } else { "" };
    let named = named.join(", ");
    (!files.is_empty()).then(|| format!("what {named}{more} declares is not in order: `onex list` says why"))
}

/// One project, for whoever binds its contracts.
struct At<'p> {
    root: &'p Path,
    /// Where its files are.
    tree: &'p Path,
    environment: &'p Environment,
    files: &'p mut Option<Arc<[PathBuf]>>,
    types: Types,
    locator: Locator,
}

impl Project for At<'_> {
    fn files(&mut self) -> Result<Arc<[PathBuf]>, Box<Diagnostic>> {
        if let Some(files) = &self.files {
            return Ok(Arc::clone(files));
        }
        let found = looking(self.tree, self.environment)
            .and_then(|repository| Place::find(self.tree, &FileChoice::All, (repository, self.environment)));
        let found = found.map_err(|error| {
            let message = format!("cannot look for the files of the project: {error}");
            Box::new(Diagnostic::error(codes::UNREADABLE, message))
        })?;
        let files: Arc<[PathBuf]> = found.files.into_iter().map(|file| file.path).collect();
        Ok(Arc::clone(self.files.insert(files)))
    }

    fn has(&self, needed: Needed<'_>, path: SearchPath<'_>) -> bool {
        let path = match path {
            SearchPath::Inherited => self.environment.get("PATH"),
            SearchPath::Default => None,
            SearchPath::Given(path) => Some(OsStr::new(path)),
        };
        is_there(needed, (path, self.root), &self.locator)
    }

    fn today(&self) -> chrono::NaiveDate {
        SystemClock::start().started_at().date_naive()
    }
}

/// Whether what a component needs in order to run is there.
pub(super) fn is_there(needed: Needed<'_>, (path, root): (Option<&OsStr>, &Path), locator: &Locator) -> bool {
    match needed {
        Needed::Program(program) => locator.find(program, path, root).is_ok(),
        Needed::File(file) => root.join(file).is_file(),
    }
}

impl FileTypes for At<'_> {
    fn has_all(&mut self, file: &Path, types: &[String]) -> bool {
        self.types.has_all(file, types)
    }

    fn has_any(&mut self, file: &Path, types: &[String]) -> bool {
        self.types.has_any(file, types)
    }
}
