//! `onex.registry.yaml`: the components that count although their files are not named for it, each with the digest
//! that its file had.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Component as PathPart, Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use crate::diag::{Diagnostic, Findings, Severity, SourceMap, Span, codes};
use crate::model::component::{Component, Reference, Version};
use crate::model::output::Digest;
use crate::yaml::file::{self, ReadError};
use crate::yaml::{self, Limits, NodeRef, Shape, Tree};

/// The name of the registry's file, in the project root.
pub const FILE_NAME: &str = "onex.registry.yaml";

/// The form of the file.
const VERSION: &str = "1";

const HEAD: &str = "\
# Components of this project, each with the digest of its file. Written by `onex registry add` and `remove`;
# of what is written by hand, lines of comments before an entry stay.
";

/// The keys of an entry.
const KEYS: [&str; 7] = ["name", "namespace", "version", "type", "lifecycle", "path", "digest"];

/// One registered component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its version, with all parts.
    pub version: Option<String>,
    /// Its type.
    pub meta_type: String,
    /// How far it is in its life.
    pub lifecycle: String,
    /// Its file, relative to the project root.
    pub path: PathBuf,
    /// `sha256:…` of the file.
    pub digest: String,
    /// The lines of comments before it.
    pub comments: Vec<String>,
    /// Where it stands in the registry's file.
    pub span: Span,
}

/// What an entry says, on the wire.
#[derive(Serialize)]
struct Written<'e> {
    name: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'e str>,
    r#type: &'e str,
    lifecycle: &'e str,
    path: String,
    digest: &'e str,
}

impl Entry {
    /// The entry of a component.
    #[must_use]
    pub fn of(component: &Component) -> Self {
        Self {
            name: component.name.clone(),
            namespace: component.namespace.clone(),
            version: component.version.as_ref().map(ToString::to_string),
            meta_type: component.meta_type.clone(),
            lifecycle: component.lifecycle.to_string(),
            path: component.origin.path.clone(),
            digest: component.origin.digest.as_ref().map(Digest::to_string).unwrap_or_default(),
            comments: Vec::new(),
            span: Span::default(),
        }
    }

    /// `namespace.name@version`.
    #[must_use]
    pub fn full_name(&self) -> String {
        let namespace = self.namespace.as_ref().map(|namespace| format!("{namespace}."));
        let version = self.version.as_ref().map(|version| format!("@{version}"));
        format!("{}{}{}", namespace.unwrap_or_default(), self.name, version.unwrap_or_default())
    }

    /// Whether it and another are one component: they share namespace, name and version.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.namespace == other.namespace && self.version == other.version
    }

    /// Whether somebody who names a component means it.
    #[must_use]
    pub fn is_meant_by(&self, reference: &Reference) -> bool {
        let qualified = self.namespace.as_ref().map(|namespace| format!("{namespace}.{}", self.name));
        let version: Option<Version> = self.version.as_ref().and_then(|version| version.parse().ok());
        (self.name == reference.name || qualified.as_ref() == Some(&reference.name))
            && reference.allows(version.as_ref())
    }

    fn sort_key(&self) -> (&str, Option<&str>, Option<Version>, &Path) {
        let version = self.version.as_ref().and_then(|version| version.parse().ok());
        (&self.name, self.namespace.as_deref(), version, &self.path)
    }
}

/// What became of a component that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// What was known of it has changed.
    Updated,
    /// All is as it was.
    Unchanged,
}

/// The registry's file.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// The entries, by name, namespace and version.
    pub entries: Vec<Entry>,
    /// The comments before the first key.
    head: Vec<String>,
}

impl Register {
    /// Reads the registry of a project; one that has none has an empty one. Nothing where it cannot be understood as a
    /// whole: then it must not be written, either.
    #[must_use]
    pub fn load(root: &Path, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let real = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let text = match file::read_inside(&root.join(FILE_NAME), &real) {
            Ok(text) => text,
            Err(ReadError::NotFound) => return Some(Self::default()),
            Err(error) => {
                diagnostics
                    .push(Diagnostic::error(error.code(), format!("cannot read `{FILE_NAME}`: {error}")));
                return None;
            }
        };
        let source = sources.add(FILE_NAME, text);
        let text = sources.text(source);
        let mut of_tree = Vec::new();
        let tree = yaml::load(&text, source, Limits::default(), &mut of_tree);
        let mut found = Findings::default();
        found.extend(of_tree);
        let tree = match tree {
            Ok(tree) => tree,
            Err(breach) => {
                diagnostics.extend(found.into_vec());
                diagnostics.push(*breach);
                return None;
            }
        };
        let mut reading = Reading { tree: &tree, text: &text, diagnostics: found };
        let register = reading.register();
        let found = reading.diagnostics.into_vec();
        let failed = found.iter().any(|found| found.severity == Severity::Error);
        diagnostics.extend(found);
        if failed { None } else { Some(register) }
    }

    /// Registers a component: adds it, or puts it in the place of the same one.
    ///
    /// # Errors
    ///
    /// If the same component is registered from another file: that entry.
    pub fn add(&mut self, component: &Component) -> Result<Change, Box<Entry>> {
        let mut entry = Entry::of(component);
        if let Some(other) =
            self.entries.iter().find(|known| known.is_same(&entry) && known.path != entry.path)
        {
            return Err(Box::new(other.clone()));
        }
        // A file declares one component: what it declared before is what it declares now.
        let known = self.entries.iter_mut().find(|known| known.path == entry.path);
        let change = match known {
            None => {
                self.entries.push(entry);
                Change::Added
            }
            Some(known) => {
                (entry.comments, entry.span) = (known.comments.clone(), known.span);
                let change = if *known == entry { Change::Unchanged } else { Change::Updated };
                *known = entry;
                change
            }
        };
        self.sort();
        Ok(change)
    }

    fn sort(&mut self) {
        self.entries.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    }

    /// The text of the file.
    ///
    /// # Errors
    ///
    /// If an entry has no form in YAML.
    pub fn to_text(&self) -> io::Result<String> {
        let mut text = if self.head.is_empty() { HEAD.to_owned() } else { self.head.join("\n") + "\n" };
        text.push_str(&format!("version: {VERSION}\ncomponents:"));
        text.push_str(if self.entries.is_empty() { " []\n" } else { "\n" });
        for entry in &self.entries {
            for comment in &entry.comments {
                text.push_str(&format!("  {comment}\n"));
            }
            let Entry { name, namespace, version, meta_type, lifecycle, path, digest, .. } = entry;
            let path =
                path.to_str().ok_or_else(|| io::Error::other("the name of a file is not UTF-8"))?.to_owned();
            let (namespace, version) = (namespace.as_deref(), version.as_deref());
            let written = Written { name, namespace, version, r#type: meta_type, lifecycle, path, digest };
            let block = yaml::to_text(&written).map_err(io::Error::other)?;
            for (at, line) in block.lines().enumerate() {
                text.push_str(if at == 0 { "  - " } else { "    " });
                text.push_str(line);
                text.push('\n');
            }
        }
        Ok(text)
    }

    /// Writes the file: as a whole, or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn save(&self, root: &Path) -> io::Result<()> {
        let named = root.join(FILE_NAME);
        // What a link names is replaced, not the link.
        let path = named.canonicalize().unwrap_or(named);
        let draft = path.with_file_name(format!(".{FILE_NAME}.{}.tmp", std::process::id()));
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(self.to_text()?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().inspect_err(|_| {
            if fs::remove_file(&draft).is_err() {
                tracing::debug!(draft = %draft.display(), "there was no draft to remove");
            }
        })
    }
}

/// Held by who changes the registry, so that of two changes at once none is lost.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "held until it is dropped")] File);

/// Waits until nobody else changes the registry of a project.
///
/// # Errors
///
/// If the project's folder cannot be opened or locked.
pub fn hold(root: &Path) -> io::Result<Held> {
    let folder = File::open(root)?;
    flock(&folder, FlockOperation::LockExclusive)?;
    Ok(Held(folder))
}

struct Reading<'r> {
    tree: &'r Tree<'r>,
    text: &'r str,
    diagnostics: Findings,
}

impl Reading<'_> {
    fn wrong(&mut self, node: NodeRef, what: &str, expected: &str) {
        let label = format!("this is {}", self.tree.shape(node).noun());
        let finding = Diagnostic::error(codes::WRONG_TYPE, format!("{what} is {expected}"));
        self.diagnostics.push(finding.at(self.tree.span(node), label));
    }

    fn register(&mut self) -> Register {
        let mut register = Register::default();
        let root = self.tree.root();
        let Shape::Mapping(keys) = self.tree.shape(root) else {
            if self.tree.shape(root) != Shape::Null {
                self.wrong(root, "the registry", "a mapping with `components`");
            }
            return register;
        };
        for key in keys {
            if !matches!(self.tree.scalar(key.key), Some("version" | "components")) {
                let finding =
                    Diagnostic::error(codes::UNKNOWN_KEY, "the registry has `version` and `components`");
                self.diagnostics.push(finding.at(self.tree.span(key.key), "unknown key"));
            }
        }
        if let Some(version) = self.tree.value(root, "version")
            && self.tree.scalar(version) != Some(VERSION)
        {
            let finding = Diagnostic::error(
                codes::BAD_VALUE,
                format!("this onex reads version {VERSION} of the registry"),
            );
            self.diagnostics.push(finding.at(self.tree.span(version), "another version"));
        }
        if let Some(first) = keys.first() {
            register.head = self.comments_before(self.tree.span(first.key).start);
        }
        let Some(list) = self.tree.value(root, "components") else { return register };
        let Shape::Sequence(items) = self.tree.shape(list) else {
            self.wrong(list, "`components`", "a list");
            return register;
        };
        register.entries = items.iter().filter_map(|&item| self.entry(item)).collect();
        register.sort();
        register
    }

    fn entry(&mut self, item: NodeRef) -> Option<Entry> {
        let Shape::Mapping(keys) = self.tree.shape(item) else {
            self.wrong(item, "an entry", "a mapping");
            return None;
        };
        for key in keys {
            let name = self.tree.scalar(key.key).unwrap_or_default();
            if !KEYS.contains(&name) {
                let finding = Diagnostic::error(codes::UNKNOWN_KEY, format!("an entry has no key `{name}`"))
                    .at(self.tree.span(key.key), "unknown key")
                    .did_you_mean(crate::base::text::nearest(name, KEYS));
                self.diagnostics.push(finding);
            }
        }
        let [name, path, digest] = ["name", "path", "digest"].map(|key| self.required(item, key));
        let (name, path, digest) = (name?, path?, digest?);
        let leads_out = |part: PathPart<'_>| !matches!(part, PathPart::Normal(_) | PathPart::CurDir);
        if Path::new(&path).components().any(leads_out)
            && let Some(at) = self.tree.value(item, "path")
        {
            let finding =
                Diagnostic::error(codes::OUTSIDE_ROOT, format!("`{path}` leads out of the project root"));
            self.diagnostics.push(finding.at(self.tree.span(at), "paths are relative to the project root"));
            return None;
        }
        let text =
            |key| self.tree.value(item, key).and_then(|node| self.tree.scalar(node)).map(str::to_owned);
        let span = self.tree.value(item, "name").map(|node| self.tree.span(node)).unwrap_or_default();
        Some(Entry {
            name,
            namespace: text("namespace"),
            version: text("version"),
            meta_type: text("type").unwrap_or_else(|| "tool".to_owned()),
            lifecycle: text("lifecycle").unwrap_or_else(|| "active".to_owned()),
            path: path.into(),
            digest,
            comments: self.comments_before(self.tree.span(item).start),
            span,
        })
    }

    fn required(&mut self, item: NodeRef, key: &str) -> Option<String> {
        let found = self.tree.value(item, key).and_then(|node| self.tree.scalar(node));
        if found.is_none() {
            let finding = Diagnostic::error(codes::MISSING_KEY, format!("an entry needs a `{key}`"));
            self.diagnostics.push(finding.at(self.tree.span(item), "has none"));
        }
        found.map(str::to_owned)
    }

    /// The lines of comments right above the line that a byte is in.
    fn comments_before(&self, at: u32) -> Vec<String> {
        let start = self.text[..at as usize].rfind('\n').map_or(0, |end| end + 1);
        let above = self.text[..start].lines().rev().map(str::trim).take_while(|line| line.starts_with('#'));
        let mut comments: Vec<String> = above.map(str::to_owned).collect();
        comments.reverse();
        comments
    }
}
