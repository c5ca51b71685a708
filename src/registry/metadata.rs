//! The metadata of one file: what it declares, and what is wrong with it.

use std::path::Path;

use chrono::NaiveDate;
use serde_json::Map;

use super::block::{self, Found};
use super::fields::Fields;
use super::remarks::{remark, remark_words};
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Findings, Severity, SourceId, Span, codes};
use crate::model::component::{
    Component, Deprecation, EntryKind, Entrypoint, Form, Kind, Lifecycle, Origin, Version,
};
use crate::model::output::Digest;
use crate::yaml::{self, Limits, NodeRef, Shape, Tree};

/// The name of a contract's file.
pub const CONTRACT_NAME: &str = "contract.yaml";

/// The ending of a file that declares a component.
pub const COMPONENT_ENDING: &str = ".onex.yaml";

/// Keys that are read.
const READ: &[&str] = &[
    "name",
    "namespace",
    "version",
    "meta_type",
    "lifecycle",
    "status",
    "tags",
    "stages",
    "description",
    "author",
    "owner",
    "idempotent",
    "entrypoint",
    "files",
    "types",
    "types_or",
    "exclude_types",
    "exclude",
    "pass_filenames",
    "always_run",
    "priority",
    "reads",
    "writes",
    "env",
    "timeout",
    "timeout_ms",
    "sandbox",
    "capabilities",
    "dependencies",
    "deprecated_since",
    "sunset_date",
    "replacement",
    "metadata",
];

/// Keys that are known, and kept as they are.
const KEPT: &[&str] = &[
    "uuid",
    "hash",
    "metadata_version",
    "protocol_version",
    "schema_version",
    "copyright",
    "license",
    "created_at",
    "last_modified_at",
    "state_contract",
    "runtime_language_hint",
    "protocols_supported",
    "base_class",
    "inputs",
    "outputs",
    "environment",
    "signature_block",
    "x_extensions",
    "testing",
    "trust_score",
    "trust_score_stub",
    "trust_level",
    "region",
    "tools",
    "source_repository",
    "deprecated_by",
    "archived_reason",
    "node_type",
    "node_name",
    "node_version",
    "contract_version",
    "contract_name",
    "input_model",
    "output_model",
    "homepage",
    "title",
    "os_requirements",
    "architectures",
    "container_image_reference",
    "compliance_profiles",
    "data_handling_declaration",
    "logging_config",
    "idl_schema",
    "version_spec",
    "linked_resources",
];

/// Keys of `metadata`.
const METADATA: &[&str] = &[
    "name",
    "namespace",
    "version",
    "lifecycle",
    "status",
    "tags",
    "stages",
    "meta_type",
    "description",
    "author",
    "owner",
];

/// What a file declares.
#[derive(Debug, Default)]
pub struct Declared {
    /// The component; absent where there is none, or an error was found.
    pub component: Option<Component>,
    /// Whether there is any metadata at all.
    pub is_any: bool,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// How the metadata of a file of this name is written; nothing where only a block can be in it.
#[must_use]
pub fn form_of(path: &Path) -> Option<Form> {
    let name = path.file_name()?;
    if name == CONTRACT_NAME {
        Some(Form::Contract)
    } else if name.as_encoded_bytes().ends_with(COMPONENT_ENDING.as_bytes()) {
        Some(Form::File)
    } else {
        None
    }
}

/// Reads what the file at `path`, relative to the project root, declares: the file as a whole where it is named for
/// that, otherwise a metadata block in it.
#[must_use]
pub fn declared(source: SourceId, text: &str, path: &Path) -> Declared {
    declared_in(source, text, path, form_of(path))
}

/// The same for a file that is known to be the metadata of a component, whatever its name is.
#[must_use]
pub fn declared_by(source: SourceId, text: &str, path: &Path) -> Declared {
    declared_in(source, text, path, Some(Form::File))
}

fn declared_in(source: SourceId, text: &str, path: &Path, form: Option<Form>) -> Declared {
    let mut declared = all_declared_in(source, text, path, form);
    let mut found = Findings::default();
    found.extend(declared.diagnostics);
    declared.diagnostics = found.into_vec();
    declared
}

fn all_declared_in(source: SourceId, text: &str, path: &Path, form: Option<Form>) -> Declared {
    let found = match form {
        Some(_) => None,
        None => match block::find(text, path) {
            Some(found) => Some(found),
            None => return Declared::default(),
        },
    };
    let mut declared = Declared { is_any: true, ..Declared::default() };
    let span =
        |range: &std::ops::Range<usize>| Span { source, start: offset(range.start), end: offset(range.end) };
    let (yaml, start) = match &found {
        Some(Found::Unended { first, broken }) => {
            let mut finding = Diagnostic::error(codes::UNENDED_BLOCK, "this metadata block has no end")
                .at(span(first), "begins here")
                .help(format!("end it with `{}`, in a comment of the same form", block::LAST_LINE));
            if let Some(broken) = broken {
                finding = finding.at(span(broken), "the comment ends before the block");
            }
            declared.diagnostics.push(finding);
            return declared;
        }
        Some(Found::Block(block)) => {
            if let Some(second) = &block.second {
                let finding = Diagnostic::warning(codes::SEVERAL_BLOCKS, "a file has one metadata block");
                declared
                    .diagnostics
                    .push(finding.at(span(second), "ignored").at(span(&block.first), "this one counts"));
            }
            (block.yaml.as_str(), span(&block.first))
        }
        None => (text, Span { source, start: 0, end: 0 }),
    };
    let tree = match yaml::load(yaml, source, Limits::default(), &mut declared.diagnostics) {
        Ok(tree) => tree,
        Err(breach) => {
            declared.diagnostics.push(*breach);
            return declared;
        }
    };
    let origin = Origin {
        path: path.to_path_buf(),
        form: form.unwrap_or(Form::Block),
        digest: Some(Digest::of(text.as_bytes())),
        registered: false,
    };
    let start = if found.is_some() { start } else { beginning(&tree) };
    let diagnostics = std::mem::take(&mut declared.diagnostics);
    let mut fields = Fields { tree: &tree, root: tree.root(), spans: [].into(), diagnostics };
    let component = read(&mut fields, Component { origin, span: start, ..Component::default() });
    declared.diagnostics = fields.diagnostics;
    declared.is_any = component.is_some() || found.is_some();
    declared.component =
        component.filter(|_| !declared.diagnostics.iter().any(|found| found.severity == Severity::Error));
    declared
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The first key of a document.
fn beginning(tree: &Tree<'_>) -> Span {
    match tree.shape(tree.root()) {
        Shape::Mapping([first, ..]) => tree.span(first.key),
        _ => tree.span(tree.root()),
    }
}

/// What a document is, by its keys.
fn kind(tree: &Tree<'_>, form: Form) -> Option<Kind> {
    let root = tree.root();
    let has = |key| tree.get(root, key).is_some();
    let node_type = tree.value(root, "node_type").and_then(|node| tree.scalar(node)).map(str::to_lowercase);
    let orchestrates = node_type.as_deref().is_some_and(|word| word.starts_with("orchestrator"));
    match form {
        Form::Block => Some(Kind::Component),
        _ if has("workflow") || has("workflow_coordination") || orchestrates => Some(Kind::Workflow),
        _ if has("entrypoint") || has("meta_type") => Some(Kind::Component),
        _ if node_type.is_some() || has("contract_version") => Some(Kind::Node),
        Form::File => Some(Kind::Component),
        Form::Contract => None,
    }
}

fn read(fields: &mut Fields<'_>, mut component: Component) -> Option<Component> {
    let (tree, root) = (fields.tree, fields.root);
    let form = component.origin.form;
    if !matches!(tree.shape(root), Shape::Mapping(_)) {
        // A text that breaks off has been told of.
        if tree.cuts().is_empty() {
            let label = match tree.shape(root) {
                Shape::Null => "there is nothing in it".to_owned(),
                shape => format!("this is {}", shape.noun()),
            };
            let message = match form {
                Form::Contract => "this file declares neither a workflow nor a component",
                Form::File | Form::Block => "the metadata of a component is a mapping",
            };
            let at = if form == Form::Block { component.span } else { tree.span(root) };
            let finding = Diagnostic::error(codes::NO_COMPONENT, message);
            fields.push(finding.at(at, label).help("begin with `name: …` and `version: 1.0.0`"));
        }
        return None;
    }
    let Some(kind) = kind(tree, form) else {
        let finding =
            Diagnostic::warning(codes::NO_COMPONENT, "this file declares neither a workflow nor a component");
        fields.push(
            finding
                .at(component.span, "neither")
                .help("a workflow has `workflow:`, a component `entrypoint:`"),
        );
        return None;
    };
    component.kind = kind;
    match kind {
        Kind::Component | Kind::Document => metadata(fields, &mut component),
        Kind::Workflow | Kind::Node => contract(fields, &mut component),
    }
    if form == Form::Block && block::is_document(&component.origin.path) {
        component.kind = Kind::Document;
    }
    component.spans = std::mem::take(&mut fields.spans);
    Some(component)
}

/// The metadata of a component: every key is checked.
fn metadata(fields: &mut Fields<'_>, component: &mut Component) {
    let (tree, root) = (fields.tree, fields.root);
    fields.check_keys(root, "a component", &[READ, KEPT]);
    described(fields, component, &[Some(root), tree.value(root, "metadata")]);
    if let Some(more) = tree.value(root, "metadata") {
        if matches!(tree.shape(more), Shape::Mapping(_)) {
            fields.check_keys(more, "`metadata`", &[METADATA, READ, KEPT]);
        } else {
            fields.wrong_type(more, "`metadata`", "a mapping");
        }
    }
    if component.name.is_empty() && !fields.spans.contains_key("name") {
        let finding = Diagnostic::error(codes::MISSING_KEY, "a component needs a `name`");
        fields.push(finding.at(component.span, "has no name"));
    }
    runs(fields, component);
    remark(fields, component);
    let rest = match tree.to_json(root) {
        serde_json::Value::Object(all) => all,
        _ => Map::new(),
    };
    component.other = rest.into_iter().filter(|(key, _)| !READ.contains(&key.as_str())).collect();
}

/// What is run, with what, and on what.
fn runs(fields: &mut Fields<'_>, component: &mut Component) {
    component.idempotent = fields.bool("idempotent");
    component.entrypoint = entrypoint(fields);
    component.files = fields.texts("files");
    component.types = fields.texts("types").unwrap_or_default();
    component.types_or = fields.texts("types_or").unwrap_or_default();
    component.exclude_types = fields.texts("exclude_types").unwrap_or_default();
    component.exclude = fields.texts("exclude").unwrap_or_default();
    component.pass_filenames = fields.bool("pass_filenames");
    component.always_run = fields.bool("always_run").unwrap_or_default();
    component.priority = fields.whole("priority").unwrap_or_default();
    component.reads = fields.texts("reads").unwrap_or_default();
    component.writes = fields.texts("writes").unwrap_or_default();
    component.env = fields.variables("env");
    component.timeout = fields.timeout();
    component.sandbox = fields.sandbox();
    component.capabilities = fields.words("capabilities");
    component.dependencies = fields.dependencies();
    let sunset = fields.text("sunset_date").and_then(|text| {
        // A time of day may follow.
        let date = text.get(..10).and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
        if date.is_none() {
            let finding = Diagnostic::error(codes::BAD_VALUE, format!("`sunset_date` cannot be `{text}`"));
            let at = fields.spans.get("sunset_date").copied().unwrap_or(component.span);
            fields.push(finding.at(at, "no date").help("write `2027-01-31`"));
        }
        date
    });
    let deprecation = Deprecation {
        since: fields.text("deprecated_since"),
        sunset,
        replacement: fields.text("replacement"),
    };
    component.deprecation = deprecation;
}

/// A contract with a workflow, or of another node: its keys are checked where it is read as a whole.
fn contract(fields: &mut Fields<'_>, component: &mut Component) {
    let (tree, root) = (fields.tree, fields.root);
    // What it includes is read where it is read as a whole, too.
    fields.diagnostics.retain(|found| {
        !(found.code == codes::UNREADABLE && found.span().is_some_and(|span| tree.is_gap(span)))
    });
    let workflow = tree.value(root, "workflow");
    let below = |node: Option<NodeRef>, key| node.and_then(|node| tree.value(node, key));
    let definition = below(tree.value(root, "workflow_coordination"), "workflow_definition");
    let named = below(definition, "workflow_metadata");
    let metadata = tree.value(root, "metadata");
    described(fields, component, &[workflow, Some(root), metadata, below(workflow, "metadata"), named]);
    let names = [(named, "workflow_name"), (Some(root), "node_name"), (Some(root), "contract_name")];
    for (place, key) in names {
        if component.name.is_empty()
            && let Some(name) = below(place, key).and_then(|node| tree.scalar(node))
        {
            name.clone_into(&mut component.name);
        }
    }
    let versions =
        [(Some(root), "contract_version"), (Some(root), "node_version"), (named, "workflow_version")];
    for (place, key) in versions {
        if component.version.is_none()
            && let Some(node) = below(place, key)
        {
            component.version = fields.version(node, Severity::Warning);
        }
    }
    if component.kind == Kind::Node && tree.value(root, "entrypoint").is_some() {
        component.entrypoint = entrypoint(fields);
    }
    let word = if component.kind == Kind::Workflow { "workflow" } else { "node" };
    let node_type = tree.value(root, "node_type").and_then(|node| tree.scalar(node)).map(str::to_lowercase);
    let node_type = node_type.filter(|_| component.kind == Kind::Node);
    if !fields.spans.contains_key("meta_type") {
        let typed = node_type.as_deref().map(|word| word.strip_suffix("_generic").unwrap_or(word));
        typed.unwrap_or(word).clone_into(&mut component.meta_type);
    }
    placed(fields, component);
}

/// What follows from where a contract stands: `name/contract.yaml`, `name/v1_0_0/contract.yaml`.
fn placed(fields: &mut Fields<'_>, component: &mut Component) {
    let folder =
        component.origin.path.parent().and_then(|folder| Some((folder.file_name()?.to_str()?, folder)));
    let versioned = folder.and_then(|(name, _)| folder_version(name));
    if let (Some(version), Some(written)) = (&versioned, &component.version)
        && version != written
    {
        let message = format!("the folder says version {version}, and the contract {written}");
        let at = fields.spans.get("version").copied().unwrap_or(component.span);
        fields.push(Diagnostic::warning(codes::DISAGREEMENT, message).at(at, "the contract counts"));
    }
    if component.name.is_empty() {
        let named = match (&versioned, folder) {
            (Some(_), Some((_, folder))) => {
                folder.parent().and_then(Path::file_name).and_then(|name| name.to_str())
            }
            (None, Some((name, _))) => Some(name),
            (_, None) => None,
        };
        named.unwrap_or("workflow").clone_into(&mut component.name);
    }
    component.version = component.version.take().or(versioned);
}

/// The version that a folder such as `v1_0_0` is named for.
fn folder_version(name: &str) -> Option<Version> {
    let numbers = name.strip_prefix('v')?;
    let is_version =
        numbers.split('_').count() == 3 && numbers.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if is_version { numbers.replace('_', ".").parse().ok() } else { None }
}

/// What everything says of itself; the first place that says it counts.
fn described(fields: &mut Fields<'_>, component: &mut Component, places: &[Option<NodeRef>]) {
    let (tree, root) = (fields.tree, fields.root);
    let places: Vec<NodeRef> =
        places.iter().copied().flatten().filter(|&at| matches!(tree.shape(at), Shape::Mapping(_))).collect();
    let strict = matches!(component.kind, Kind::Component | Kind::Document);
    let text = |fields: &mut Fields<'_>, key: &'static str| {
        places.iter().find_map(|&place| {
            fields.root = place;
            // In the wild such keys hold other things, too.
            let plain = tree.value(place, key).is_some_and(|node| tree.scalar(node).is_some());
            let found = if strict || plain { fields.text(key) } else { None };
            fields.root = root;
            found
        })
    };
    if let Some(name) = text(fields, "name") {
        name_is_one(fields, "name", &name, strict);
        component.name = name;
    }
    component.namespace = text(fields, "namespace");
    if let Some(namespace) = &component.namespace {
        name_is_one(fields, "namespace", namespace, strict);
    }
    for &place in &places {
        if component.version.is_none()
            && let Some(node) = tree.value(place, "version")
        {
            fields.spans.insert("version", tree.span(node));
            let severity = if strict { Severity::Error } else { Severity::Warning };
            component.version = fields.version(node, severity);
        }
    }
    component.meta_type = text(fields, "meta_type").unwrap_or_else(|| "tool".to_owned()).to_lowercase();
    if let Some(word) = text(fields, "lifecycle") {
        component.lifecycle = Lifecycle::new(&word);
        let meant = nearest(component.lifecycle.as_str(), Lifecycle::KNOWN);
        if !component.lifecycle.is_known()
            && let (Some(meant), Some(&at)) = (meant, fields.spans.get("lifecycle"))
        {
            let finding =
                Diagnostic::warning(codes::BAD_VALUE, format!("`{word}` is no lifecycle that is known"));
            fields.push(finding.at(at, "kept as it is").did_you_mean(Some(meant)));
        }
    }
    component.status = text(fields, "status");
    component.description = text(fields, "description");
    component.author = text(fields, "author");
    component.owner = text(fields, "owner");
    component.tags = lists(fields, "tags", &places);
    component.declared_stages = lists(fields, "stages", &places);
    remark_words(fields, &places);
}

/// The items of a list in all places that have it.
fn lists(fields: &mut Fields<'_>, key: &'static str, places: &[NodeRef]) -> Vec<String> {
    let root = fields.root;
    let mut all: Vec<String> = Vec::new();
    for &place in places {
        // `stages` of a workflow are its own, if they are no words.
        fields.root = place;
        let words = fields.tree.value(place, key).is_some_and(|node| match fields.tree.shape(node) {
            Shape::Sequence(items) => items.iter().all(|&item| fields.tree.scalar(item).is_some()),
            _ => fields.tree.scalar(node).is_some(),
        });
        let strict = place == root && key == "tags";
        for word in (words || strict).then(|| fields.texts(key)).flatten().unwrap_or_default() {
            if !all.contains(&word) {
                all.push(word);
            }
        }
        fields.root = root;
    }
    all
}

/// Names are letters, digits and `_ - . +`; they begin with a letter, a digit or `_`.
fn name_is_one(fields: &mut Fields<'_>, key: &'static str, name: &str, strict: bool) {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    let begins = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if begins && name.chars().all(inside) && name.chars().count() <= 128 {
        return;
    }
    let severity = if strict { Severity::Error } else { Severity::Warning };
    let finding = Diagnostic::new(severity, codes::BAD_ID, format!("`{name}` cannot be a {key}"));
    let at = fields.spans.get(key).copied().unwrap_or_default();
    fields.push(
        finding.at(at, "letters, digits and `_ - . +`, at most 128, beginning with a letter or a digit"),
    );
}

/// `{type, target}`, or the text `kind@target`.
fn entrypoint(fields: &mut Fields<'_>) -> Option<Entrypoint> {
    let node = fields.value("entrypoint")?;
    let tree = fields.tree;
    let help = "write `{type: command, target: [program, argument]}`, or `python@file.py`";
    let (kind, at, target) = if let Shape::Mapping(_) = tree.shape(node) {
        fields.check_keys(node, "`entrypoint`", &[&["type", "target"]]);
        let (Some(kind), Some(target)) = (tree.value(node, "type"), tree.value(node, "target")) else {
            let missing = if tree.value(node, "type").is_none() { "type" } else { "target" };
            let finding = Diagnostic::error(codes::MISSING_KEY, format!("`entrypoint` needs a `{missing}`"));
            fields.push(finding.at(tree.span(node), "").help(help));
            return None;
        };
        let Some(word) = tree.scalar(kind) else {
            fields.wrong_type(kind, "the `type` of an entry point", "one word");
            return None;
        };
        let one_text = tree.scalar(target).is_some();
        let words = fields.texts_of(target, "`target`");
        let is_command = matches!(word, "command" | "cli");
        // A command in one text is words; the name of a file may have spaces in it.
        let words = if one_text && is_command {
            words.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
        } else {
            words
        };
        (word, kind, words)
    } else {
        let Some(text) = tree.scalar(node).filter(|_| !matches!(tree.shape(node), Shape::Sequence(_))) else {
            fields.wrong_type(node, "`entrypoint`", "a mapping, or text");
            return None;
        };
        let Some((kind, target)) = text.split_once('@') else {
            let finding = Diagnostic::error(codes::BAD_VALUE, format!("`entrypoint` cannot be `{text}`"));
            fields.push(finding.at(tree.span(node), "does not say who runs it").help(help));
            return None;
        };
        let words: Vec<String> = match kind {
            "command" | "cli" => target.split_whitespace().map(str::to_owned).collect(),
            _ => vec![target.trim().to_owned()],
        };
        (kind.trim(), node, words)
    };
    // The metadata of other tools calls a command so.
    let name = if kind == "cli" { "command" } else { kind };
    let names = || EntryKind::NAMES.iter().map(|(name, _)| *name);
    let Some(&(_, kind)) = EntryKind::NAMES.iter().find(|(known, _)| *known == name) else {
        let meant = nearest(name, names());
        // What somebody else knows how to run is listed here.
        let severity = if meant.is_some() { Severity::Error } else { Severity::Warning };
        let list = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = format!("onex does not run entry points of the type `{name}`");
        let finding = Diagnostic::new(severity, codes::BAD_VALUE, message);
        fields.push(finding.at(tree.span(at), format!("one of {list}")).did_you_mean(meant));
        return None;
    };
    if target.first().is_none_or(String::is_empty) {
        let finding = Diagnostic::error(codes::BAD_VALUE, "`entrypoint` names nothing to run");
        fields.push(finding.at(tree.span(node), "empty").help(help));
        return None;
    }
    Some(Entrypoint { kind, target })
}
