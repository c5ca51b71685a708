//! Patterns of files in the metadata of components: what they mean, and which can match nothing.

use globset::{Glob, GlobBuilder};

/// The folders at the top of a system in which no project has files of its own.
const SYSTEM: [&str; 5] = ["/home/", "/root/", "/tmp/", "/Users/", "~/"];

/// A pattern as `.gitignore` has it: without a slash it fits names in every folder, with one paths from the top.
///
/// # Errors
///
/// If it is no pattern.
pub fn pattern(written: &str) -> Result<Glob, globset::Error> {
    let (body, is_folder) = written.strip_suffix('/').map_or((written, false), |body| (body, true));
    let from_top = body.strip_prefix("./").or_else(|| body.strip_prefix('/'));
    let mut text = match from_top {
        Some(rest) => rest.to_owned(),
        None if body.contains('/') => body.to_owned(),
        None => format!("**/{body}"),
    };
    if is_folder {
        text.push_str("/**");
    }
    GlobBuilder::new(&text).literal_separator(true).build()
}

/// Why a pattern can match no file of a project, and what to write in its place; nothing where it can.
pub(super) fn idle(written: &str) -> Option<(&'static str, &'static str)> {
    if written.trim().is_empty() {
        return Some(("it is empty", "`*` matches all files"));
    }
    if written.starts_with('!') {
        return Some(("`!` is part of a name here", "what is not wanted stands in `exclude`"));
    }
    if written.split('/').any(|part| part == "..") {
        return Some((
            "files outside of the project never count",
            "patterns are relative to the project root",
        ));
    }
    if SYSTEM.iter().any(|start| written.starts_with(start)) {
        return Some((
            "`/` at the beginning is the project root",
            "patterns are relative to the project root",
        ));
    }
    None
}
