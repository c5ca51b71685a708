//! The registry as the rest of `onex` sees it: found, resolved and searched by name, and replaceable in tests.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::text::nearest;
use crate::diag::{Diagnostic, Span, codes};
use crate::model::component::{Component, ComponentQuery, Reference};

/// Where components are looked up. Whatever has a list of components is one; [`Catalog`] holds its list in memory.
pub trait Registry {
    /// All components, by name, namespace and version.
    fn components(&self) -> &[Arc<Component>];

    /// Adds a component.
    ///
    /// # Errors
    ///
    /// If there is one with the same namespace, name and version: that one stays.
    fn register(&mut self, component: Component) -> Result<(), Duplicate>;

    /// Those that have a name, which may be with its namespace.
    fn named(&self, name: &str) -> Vec<&Arc<Component>> {
        self.components().iter().filter(|component| component.is_called(name)).collect()
    }

    /// Those that a query selects.
    fn find(&self, query: &ComponentQuery) -> Vec<&Arc<Component>> {
        self.components().iter().filter(|component| query.selects(component)).collect()
    }

    /// Those in whose name, description, type or tags all the words stand.
    fn search(&self, words: &str) -> Vec<&Arc<Component>> {
        let query = ComponentQuery::parse(&words.replace([',', '='], " ")).unwrap_or_default();
        self.find(&query)
    }

    /// The one component that a reference means: the highest version that will do.
    ///
    /// A name with its namespace means that one. Among several, what can run is preferred to documents, what runs
    /// unnamed to drafts and archived versions, and releases to pre-releases (unless there is a range, which says
    /// itself whether it allows them).
    ///
    /// # Errors
    ///
    /// If there is none, none in the range, or several that have nothing to choose between them.
    fn resolve(&self, reference: &Reference) -> Result<&Arc<Component>, Unresolved> {
        let named = self.named(&reference.name);
        if named.is_empty() {
            let names: Vec<String> =
                self.components().iter().flat_map(|c| [c.name.clone(), c.qualified_name()]).collect();
            let meant = nearest(&reference.name, names.iter().map(String::as_str)).map(str::to_owned);
            let elsewhere = elsewhere(&reference.name, self.components());
            return Err(Unresolved::Unknown { name: reference.name.clone(), suggestion: meant, elsewhere });
        }
        let mut left: Vec<&Arc<Component>> =
            named.iter().copied().filter(|component| reference.allows(component.version.as_ref())).collect();
        if left.is_empty() {
            let versions = named.iter().map(|component| component.full_name()).collect();
            return Err(Unresolved::NoVersion { reference: reference.clone(), versions });
        }
        prefer(&mut left, |component| component.qualified_name() == reference.name);
        prefer(&mut left, Component::is_executable);
        prefer(&mut left, |component| component.lifecycle.runs_unnamed());
        if reference.range.is_none() {
            prefer(&mut left, |component| {
                component.version.as_ref().is_none_or(|v| v.parsed().pre.is_empty())
            });
        }
        // Those that are not of one name are not versions of each other.
        let alike = left.iter().all(|component| component.namespace == left[0].namespace);
        let highest = left.iter().map(|component| &component.version).max().cloned().flatten();
        if alike {
            left.retain(|component| component.version == highest);
        }
        match left.as_slice() {
            [only] => Ok(only),
            several => Err(Unresolved::Ambiguous {
                reference: reference.clone(),
                candidates: several
                    .iter()
                    .map(|one| (one.full_name(), one.origin.path.display().to_string()))
                    .collect(),
            }),
        }
    }
}

/// Components whose name is the end of another that has a namespace, by their full names.
fn elsewhere(asked: &str, components: &[Arc<Component>]) -> Vec<String> {
    let ends = |name: &str| asked.strip_suffix(name).is_some_and(|before| before.ends_with('.'));
    components
        .iter()
        .filter(|component| ends(&component.name))
        .map(|component| component.full_name())
        .collect()
}

/// Leaves those that are preferred, where there are any.
fn prefer(left: &mut Vec<&Arc<Component>>, preferred: impl Fn(&Component) -> bool) {
    if left.iter().any(|component| preferred(component)) {
        left.retain(|component| preferred(component));
    }
}

/// Why a reference leads to no component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// There is none of this name.
    #[error("no component is named `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The name that was probably meant.
        suggestion: Option<String>,
        /// Those of this name in other namespaces, by their full names.
        elsewhere: Vec<String>,
    },
    /// There is none in the range.
    #[error("no version of `{}` is in the range `{}`", .reference.name, range(.reference))]
    NoVersion {
        /// What was asked for.
        reference: Reference,
        /// What there is.
        versions: Vec<String>,
    },
    /// There are several.
    #[error("`{reference}` means more than one component")]
    Ambiguous {
        /// What was asked for.
        reference: Reference,
        /// Each with its full name and its file.
        candidates: Vec<(String, String)>,
    },
}

fn range(reference: &Reference) -> String {
    let range = reference.range.as_ref().map(ToString::to_string).unwrap_or_default();
    range.trim_start_matches('=').to_owned()
}

impl Unresolved {
    /// The finding that this is, at the place of the reference where it has one.
    #[must_use]
    pub fn diagnostic(&self, span: Option<Span>) -> Diagnostic {
        let (code, label) = match self {
            Self::Unknown { .. } => (codes::UNKNOWN_COMPONENT, "not known"),
            Self::NoVersion { .. } => (codes::NO_SUCH_VERSION, "no such version"),
            Self::Ambiguous { .. } => (codes::AMBIGUOUS_COMPONENT, "ambiguous"),
        };
        let finding = Diagnostic::error(code, self.to_string());
        let finding = match span {
            Some(span) => finding.at(span, label),
            None => finding,
        };
        match self {
            Self::Unknown { elsewhere, .. } if !elsewhere.is_empty() => {
                let meant = elsewhere[0].split('@').next().filter(|_| elsewhere.len() == 1);
                finding
                    .did_you_mean(meant)
                    .help(format!("there is {}", quoted(elsewhere.iter().map(String::as_str))))
            }
            Self::Unknown { suggestion: None, .. } => finding.help("`onex list` shows what there is"),
            Self::Unknown { suggestion, .. } => finding.did_you_mean(suggestion.as_deref()),
            Self::NoVersion { versions, .. } => {
                finding.help(format!("there is {}", quoted(versions.iter().map(String::as_str))))
            }
            Self::Ambiguous { candidates, .. } => {
                let names = quoted(candidates.iter().map(|(name, _)| name.as_str()));
                let files = quoted(candidates.iter().map(|(_, file)| file.as_str()));
                let same = candidates.windows(2).all(|pair| pair[0].0 == pair[1].0);
                if same {
                    finding.help(format!("it is declared in {files}"))
                } else {
                    finding.help(format!("say which: {names}"))
                }
            }
        }
    }
}

/// `a`, `b`, `c`.
fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A component that is there already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is declared in `{first}` and in `{second}`")]
pub struct Duplicate {
    /// Its full name.
    pub name: String,
    /// The file that has it.
    pub first: String,
    /// The file that declares it again.
    pub second: String,
}

/// Components in memory, found by their names.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    components: Vec<Arc<Component>>,
    /// The places of those that have a name, without its namespace.
    by_name: HashMap<String, Vec<usize>>,
}

impl Catalog {
    /// A catalog of these, with duplicates as they are.
    #[must_use]
    pub fn of(components: impl IntoIterator<Item = Component>) -> Self {
        let components = components.into_iter().map(Arc::new).collect();
        let mut catalog = Self { components, by_name: HashMap::new() };
        catalog.index();
        catalog
    }

    fn index(&mut self) {
        self.components.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
        self.by_name.clear();
        for (at, component) in self.components.iter().enumerate() {
            self.by_name.entry(component.name.clone()).or_default().push(at);
        }
    }
}

impl Registry for Catalog {
    fn components(&self) -> &[Arc<Component>] {
        &self.components
    }

    fn register(&mut self, component: Component) -> Result<(), Duplicate> {
        let same = |known: &&Arc<Component>| {
            known.namespace == component.namespace && known.version == component.version
        };
        let of_name = self.by_name.get(&component.name).into_iter().flatten().map(|&at| &self.components[at]);
        if let Some(known) = of_name.clone().find(same) {
            return Err(Duplicate {
                name: component.full_name(),
                first: known.origin.path.display().to_string(),
                second: component.origin.path.display().to_string(),
            });
        }
        self.components.push(Arc::new(component));
        self.index();
        Ok(())
    }

    fn named(&self, name: &str) -> Vec<&Arc<Component>> {
        // A name can have dots of its own, so each of its ends may be the name without its namespace.
        let ends = std::iter::once(name).chain(name.match_indices('.').map(|(dot, _)| &name[dot + 1..]));
        let mut found: Vec<usize> = ends
            .filter_map(|end| self.by_name.get(end))
            .flatten()
            .copied()
            .filter(|&at| self.components[at].is_called(name))
            .collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| &self.components[at]).collect()
    }
}
