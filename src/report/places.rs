//! Where the things that a report names stand in files, for those who point there.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::diag::{Diagnostic, SourceMap, Span};

/// A piece of a file. Lines and columns count from 1, columns count characters, and the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The file, as it is shown.
    pub path: String,
    /// Where it begins.
    pub line: u32,
    /// Where it begins.
    pub column: u32,
    /// Where it ends.
    pub end_line: u32,
    /// Where it ends.
    pub end_column: u32,
}

impl Region {
    /// The lines and columns of a span.
    #[must_use]
    pub fn of(sources: &SourceMap, span: Span) -> Self {
        let start = sources.position(span.source, span.start);
        let end = sources.position(span.source, span.end);
        Self {
            path: sources.path(span.source).display().to_string(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

/// The text that would be right in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// What is wrong.
    pub region: Region,
    /// What would be right.
    pub text: String,
}

/// Where the things that one report names stand.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The project root, whole and without symbolic links.
    pub root: PathBuf,
    /// The ids of nodes.
    pub nodes: HashMap<String, Region>,
    /// Files as they are shown, whole and without symbolic links.
    pub files: HashMap<String, PathBuf>,
    /// For each finding of the report, in order, the text that would be right.
    pub corrections: Vec<Option<Correction>>,
}

impl Places {
    /// The corrections that findings have.
    #[must_use]
    pub fn corrections_of(sources: &SourceMap, found: &[Diagnostic]) -> Vec<Option<Correction>> {
        let correction = |finding: &Diagnostic| {
            let fix = finding.fix.as_deref()?;
            Some(Correction { region: Region::of(sources, fix.span), text: fix.text.clone() })
        };
        found.iter().map(correction).collect()
    }

    /// A file as it is named inside a folder; nothing where it lies outside.
    #[must_use]
    pub fn inside(&self, shown: &str, folder: &Path) -> Option<&Path> {
        self.files.get(shown)?.strip_prefix(folder).ok()
    }
}

/// A path as the part of a URI.
#[must_use]
pub(super) fn uri_path(path: &Path) -> String {
    let mut uri = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri_path(Path::new("/a b/ü%:#?.yaml")), "/a%20b/%C3%BC%25%3A%23%3F.yaml");
    }

    #[test]
    fn files_are_named_from_a_folder_that_they_are_in() {
        let mut places = Places::default();
        places.files.insert("x".to_owned(), "/p/q/x".into());
        assert_eq!(places.inside("x", Path::new("/p")), Some(Path::new("q/x")));
        assert_eq!(
            (places.inside("x", Path::new("/other")), places.inside("y", Path::new("/p"))),
            (None, None)
        );
    }
}
