//! All that a project has: what is named for it, and what is registered.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::catalog::{Catalog, Registry as _};
use super::discovery::{Discovered, Discovery};
use super::register::{Entry, FILE_NAME, Register};
use crate::diag::{Diagnostic, Findings, Severity, SourceMap, codes};
use crate::model::component::Component;

/// Where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Through all folders, at names.
    #[default]
    Names,
    /// Through all folders, at what stands in files, too.
    Contents,
    /// At these names only, relative to the root: those that `git ls-files` gives. The registry's file counts if it is
    /// one of them.
    Among(Vec<PathBuf>),
}

/// What a project has.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The texts that places point into.
    pub sources: SourceMap,
    /// The components.
    pub catalog: Catalog,
    /// The registry's file; nothing where it cannot be understood.
    pub register: Option<Register>,
    /// What cannot be read, what is wrong with the rest, and registered components that are not what they were.
    pub diagnostics: Vec<Diagnostic>,
    /// Folders that were not entered because they are projects of their own.
    pub other_projects: Vec<PathBuf>,
}

/// Finds the components of a project, those of its `onex.registry.yaml` among them.
#[must_use]
pub fn gather(root: &Path, look: Look) -> Gathered {
    let mut head = SourceMap::default();
    let mut found = Vec::new();
    let counts = match &look {
        Look::Names | Look::Contents => true,
        Look::Among(names) => names.iter().any(|name| name == Path::new(FILE_NAME)),
    };
    let load = |sources: &mut SourceMap, findings: &mut Vec<Diagnostic>| {
        if counts { Register::load(root, sources, findings) } else { Some(Register::default()) }
    };
    // Read for its paths; its places are taken below, where all texts are.
    let registered = load(&mut head, &mut found).unwrap_or_default();
    let discovery = Discovery::new(root);
    let discovery = match look {
        Look::Names => discovery,
        Look::Contents => discovery.with_contents(),
        Look::Among(names) => discovery.among(names),
    };
    let real = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    // What is outside is no file of this project, whoever has made the link.
    let is_inside = |path: PathBuf| path.canonicalize().is_ok_and(|path| path.starts_with(&real));
    let there = |entry: &&Entry| is_inside(root.join(&entry.path));
    let paths: Vec<PathBuf> =
        registered.entries.iter().filter(there).map(|entry| entry.path.clone()).collect();
    let Discovered { mut sources, mut components, diagnostics, other_projects, .. } =
        discovery.and(paths).run();
    let mut findings = Vec::new();
    let register = load(&mut sources, &mut findings);
    findings.extend(diagnostics);
    let places: HashMap<PathBuf, usize> =
        components.iter().enumerate().map(|(at, component)| (component.origin.path.clone(), at)).collect();
    for entry in register.iter().flat_map(|register| &register.entries) {
        let declared = places.get(&entry.path).map(|&at| &mut components[at]);
        let finding = standing(entry, declared.as_deref(), root);
        if let Some(component) = declared {
            component.origin.registered = true;
        }
        // That is for `verify` to judge; a file that is worked on changes all the time.
        findings.extend(finding.map(|finding| Diagnostic { severity: Severity::Warning, ..finding }));
    }
    let mut bounded = Findings::default();
    bounded.extend(findings);
    let diagnostics = bounded.into_vec();
    Gathered { sources, catalog: Catalog::of(components), register, diagnostics, other_projects }
}

/// What has become of a registered component: nothing where it is as it was. `declared` is what its file declares now.
#[must_use]
pub fn standing(entry: &Entry, declared: Option<&Component>, root: &Path) -> Option<Diagnostic> {
    let path = entry.path.display();
    let gone = |message: String, label: &str| {
        Diagnostic::error(codes::COMPONENT_GONE, message)
            .at(entry.span, label)
            .help(format!("`onex registry remove {}` takes it out of `{FILE_NAME}`", entry.full_name()))
    };
    let Some(component) = declared else {
        let message = if root.join(&entry.path).exists() {
            format!("`{path}` declares no component any more")
        } else {
            format!("`{path}` does not exist any more")
        };
        return Some(gone(message, "registered from there"));
    };
    let now = Entry::of(component);
    if !now.is_same(entry) {
        let message = format!("`{path}` declares `{}` now", now.full_name());
        return Some(
            gone(message, "registered as this").help(format!("`onex registry add {path}` registers it anew")),
        );
    }
    if now.digest != entry.digest {
        let message = format!("`{path}` has changed since `{}` was registered", entry.full_name());
        let finding = Diagnostic::error(codes::DIGEST_CHANGED, message)
            .at(entry.span, "registered with another digest");
        return Some(finding.help(format!("look at it, then `onex registry add {path}` registers it anew")));
    }
    None
}

impl Gathered {
    /// All findings about the components, with those about all together.
    #[must_use]
    pub fn checked(&self) -> Vec<Diagnostic> {
        self.diagnostics.iter().cloned().chain(super::checks::check(&self.catalog)).collect()
    }

    /// The number of components.
    #[must_use]
    pub fn len(&self) -> usize {
        self.catalog.components().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
