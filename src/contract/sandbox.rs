//! A `sandbox`, of a node or of all that say nothing of their own.

use super::keys::{self, words};
use super::reader::Reader;
use crate::diag::{Diagnostic, codes};
use crate::model::sandbox::{FilesystemAccess, NetworkAccess, PathAccess, Sandbox, path_problem};
use crate::yaml::{NodeRef, Shape};

/// Paths that a sandbox can name: some text, and `~` for one's own home folder only.
pub(super) const PATH_PATTERN: &str = r"^[^~]|^~($|/)";

/// The sandbox under the key of that name; nothing where it is `false`.
pub(super) fn read_sandbox(reader: &mut Reader<'_>, node: NodeRef) -> Option<Box<Sandbox>> {
    let tree = reader.tree;
    match tree.shape(node) {
        Shape::Null | Shape::Bool(false) => None,
        Shape::Text("strict") => Some(Box::new(Sandbox::strict())),
        Shape::Mapping(_) => Some(Box::new(read_mapping(reader, node))),
        _ => {
            reader.none_of(node, "`sandbox`", &["strict", "false", "a mapping"]);
            None
        }
    }
}

fn read_mapping(reader: &mut Reader<'_>, node: NodeRef) -> Sandbox {
    let tree = reader.tree;
    reader.check_keys(node, &keys::SANDBOX);
    let defaults = Sandbox::default();
    let filesystem = tree.value(node, "filesystem").and_then(|n| read_filesystem(reader, n));
    let network = tree.value(node, "network").and_then(|n| match (tree.shape(n), tree.scalar(n)) {
        (Shape::Bool(true), _) | (_, Some("full")) => Some(NetworkAccess::Full),
        (Shape::Bool(false), _) | (_, Some("none")) => Some(NetworkAccess::None),
        _ => {
            reader.none_of(n, "`network`", &["full", "none", "true", "false"]);
            None
        }
    });
    let required = tree.value(node, "required").and_then(|n| reader.bool(n, "`required`"));
    Sandbox {
        filesystem: filesystem.unwrap_or(defaults.filesystem),
        network: network.unwrap_or(defaults.network),
        required: required.unwrap_or(defaults.required),
    }
}

fn read_filesystem(reader: &mut Reader<'_>, node: NodeRef) -> Option<FilesystemAccess> {
    let tree = reader.tree;
    if matches!(tree.shape(node), Shape::Mapping(_)) {
        reader.check_keys(node, &keys::SANDBOX_PATHS);
        say_null(reader, node);
        let mut paths = |key: &str| tree.value(node, key).map(|n| read_paths(reader, n, key));
        let read = paths("read");
        return Some(FilesystemAccess::Paths(PathAccess { read, write: paths("write").unwrap_or_default() }));
    }
    match tree.shape(node) {
        Shape::Text("full") => Some(FilesystemAccess::Full),
        Shape::Text("project") => Some(FilesystemAccess::Project),
        Shape::Text("read_only") => Some(FilesystemAccess::ReadOnly),
        _ => {
            reader.bad_value(node, "`filesystem`", &words::FILESYSTEMS);
            None
        }
    }
}

/// A tilde alone is no text in YAML, and a key without a value opens more than was meant.
fn say_null(reader: &mut Reader<'_>, paths: NodeRef) {
    let Some(read) = reader.tree.get(paths, "read") else { return };
    if reader.tree.shape(read) == Shape::Null {
        reader.push(
            Diagnostic::warning(codes::BAD_VALUE, "`read` says nothing, so everything may be read")
                .at(reader.tree.span(read), "nothing")
                .help("write `read: []` for the folders of the system alone, and `~/` for the home folder"),
        );
    }
}

fn read_paths(reader: &mut Reader<'_>, node: NodeRef, key: &str) -> Vec<String> {
    let what = format!("`{key}`");
    let mut paths = Vec::new();
    for (path, at) in reader.texts(node, &what) {
        if let Some(problem) = path_problem(path) {
            let (code, help) = match path.contains("..") {
                true => (
                    codes::OUTSIDE_ROOT,
                    Some("write the path from the project root on, or an absolute path"),
                ),
                false => (codes::BAD_VALUE, None),
            };
            let message = format!("{what} cannot be `{}`", path.escape_debug());
            let finding = Diagnostic::error(code, message).at(reader.tree.span(at), problem);
            reader.push(help.into_iter().fold(finding, Diagnostic::help));
        } else if reader.is_plain(at, &what, path) {
            paths.push(path.to_owned());
        }
    }
    paths
}
