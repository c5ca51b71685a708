//! Components on the wire: what `onex list` and `onex registry` give to machines.

use serde::{Deserialize, Serialize};

use super::{Component, Entrypoint, Form, Kind};
use crate::model::report::DiagnosticInfo;

/// One component on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentInfo {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its version, with all parts.
    pub version: Option<String>,
    /// `validator`, `tool`, `test`, or any other word.
    #[serde(rename = "type")]
    pub meta_type: String,
    /// How far it is in its life.
    pub lifecycle: String,
    /// A second word about that.
    pub status: Option<String>,
    /// The stages that it belongs to.
    pub stages: Vec<String>,
    /// Words to select by.
    pub tags: Vec<String>,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What is run.
    pub entrypoint: Option<Entrypoint>,
    /// The components that it needs.
    pub dependencies: Vec<String>,
    /// Its file, relative to the project root.
    pub path: String,
    /// How it is written there.
    pub form: Form,
    /// The digest of the file.
    pub digest: Option<String>,
    /// Whether `onex.registry.yaml` has it.
    pub registered: bool,
    /// Whether there is something to run.
    pub executable: bool,
}

impl From<&Component> for ComponentInfo {
    fn from(component: &Component) -> Self {
        Self {
            kind: component.kind,
            name: component.name.clone(),
            namespace: component.namespace.clone(),
            version: component.version.as_ref().map(ToString::to_string),
            meta_type: component.meta_type.clone(),
            lifecycle: component.lifecycle.to_string(),
            status: component.status.clone(),
            stages: component.stages().into_iter().map(str::to_owned).collect(),
            tags: component.tags.clone(),
            capabilities: component.capabilities.clone(),
            description: component.description.clone(),
            entrypoint: component.entrypoint.clone(),
            dependencies: component.dependencies.iter().map(|d| d.on.to_string()).collect(),
            path: component.origin.path.display().to_string(),
            form: component.origin.form,
            digest: component.origin.digest.map(|digest| digest.to_string()),
            registered: component.origin.registered,
            executable: component.is_executable(),
        }
    }
}

/// How many of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// What runs.
    pub components: usize,
    /// Workflows.
    pub workflows: usize,
    /// Contracts of other nodes.
    pub nodes: usize,
    /// Documents.
    pub documents: usize,
}

impl Counts {
    /// The numbers of these.
    #[must_use]
    pub fn of(found: &[ComponentInfo]) -> Self {
        let mut counts = Self::default();
        for one in found {
            *match one.kind {
                Kind::Component => &mut counts.components,
                Kind::Workflow => &mut counts.workflows,
                Kind::Node => &mut counts.nodes,
                Kind::Document => &mut counts.documents,
            } += 1;
        }
        counts
    }
}

/// What was found in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// All that was found and asked for, by name, namespace and version.
    pub components: Vec<ComponentInfo>,
    /// What cannot be read, and what is wrong with the rest.
    pub diagnostics: Vec<DiagnosticInfo>,
    /// Folders that were not looked into, because they are projects of their own.
    pub other_projects: Vec<String>,
    /// The components in numbers.
    pub summary: Counts,
}

/// One entry of `onex.registry.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryInfo {
    /// The component's name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub meta_type: String,
    /// How far it is in its life.
    pub lifecycle: String,
    /// Its file, relative to the project root.
    pub path: String,
    /// The digest of the file when it was registered.
    pub digest: String,
    /// What was done with it, or how it stands: `added`, `updated`, `unchanged`, `removed`, `valid`, `invalid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// What `onex registry` shows of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryListing {
    /// The registry's file.
    pub path: String,
    /// The entries, by name, namespace and version.
    pub entries: Vec<EntryInfo>,
    /// What was found.
    pub diagnostics: Vec<DiagnosticInfo>,
}
